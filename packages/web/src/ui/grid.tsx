// A grid of cells of any length: only what is in sight is in the document. It is the ARIA pattern
// "grid": one stop for Tab, then arrow keys, Home, End, Page Up and Page Down; Enter or F2 edits,
// or does what the heading says. As in a spreadsheet a click only chooses a cell, a double
// click edits it, and what is typed replaces its text.
import type { JSX } from "preact";
import { CellEditor } from "./cell-editor.tsx";
import { useGridFocus, type GridFocus } from "./grid-focus.ts";
import type { GridProps } from "./grid-props.ts";
import { inSight, ROW_HEAD_WIDTH, ROW_HEIGHT } from "./grid-sight.ts";

export function Grid(props: GridProps): JSX.Element {
  const { columns, rowCount } = props;
  const focus = useGridFocus(props);
  const { sight, active } = focus;
  const { offsets } = focus;
  const [firstColumn, endColumn] = inSight(offsets, sight.left, sight.width - ROW_HEAD_WIDTH);
  const first = Math.max(0, Math.floor(sight.top / ROW_HEIGHT) - 4);
  const end = Math.min(rowCount, Math.ceil((sight.top + sight.height) / ROW_HEIGHT) + 4);
  // The active cell is in the document wherever it is, since it has the focus.
  const rows = Array.from({ length: Math.max(0, end - first) }, (_, n) => first + n);
  if (active.row >= 0 && (active.row < first || active.row >= end)) rows.push(active.row);
  const shown = Array.from({ length: Math.max(0, endColumn - firstColumn) }, (_, n) => firstColumn + n);
  const away = active.column >= 0 && !shown.includes(active.column);
  const visible = away ? [...shown, active.column].sort((a, b) => a - b) : shown;
  const width = ROW_HEAD_WIDTH + offsets.at(-1)!;
  return (
    // The grid listens for its cells: each of them is reached by the arrow keys.
    <div
      class="grid"
      role="grid"
      aria-label={props.label}
      aria-rowcount={rowCount + 1}
      aria-colcount={columns.length + 1}
      ref={focus.box}
      onScroll={focus.look}
      onKeyDown={focus.onKeyDown}
    >
      <div class="grid-canvas" style={{ width: `${width}px`, height: `${props.headHeight + rowCount * ROW_HEIGHT}px` }}>
        <Head grid={props} focus={focus} visible={visible} />
        {rows.map((row) => (
          <Row key={row} grid={props} focus={focus} visible={visible} row={row} width={width} />
        ))}
      </div>
    </div>
  );
}

interface PartProps {
  readonly grid: GridProps;
  readonly focus: GridFocus;
  /** The columns in the document, in order. */
  readonly visible: readonly number[];
}

function Head({ grid, focus, visible }: PartProps): JSX.Element {
  const { columns, headHeight } = grid;
  return (
    <div class="grid-head" role="row" aria-rowindex={1} style={{ height: `${headHeight}px` }}>
      <div class="grid-corner" role="columnheader" aria-colindex={1} tabIndex={tabIndex(focus, -1, -1)}>
        Row
      </div>
      {visible.map((column) => (
        <div
          key={columns[column]!.key}
          class={columns[column]!.selected ? "grid-column selected" : "grid-column"}
          role="columnheader"
          aria-colindex={column + 2}
          tabIndex={tabIndex(focus, -1, column)}
          style={placeOf(grid, focus, column)}
          onClick={() => {
            focus.go({ row: -1, column });
            grid.onColumnHead?.(column);
          }}
        >
          {columns[column]!.head}
        </div>
      ))}
    </div>
  );
}

function Row(props: PartProps & { readonly row: number; readonly width: number }): JSX.Element {
  const { grid, focus, visible, row, width } = props;
  const { label, className = "" } = grid.row(row);
  return (
    <div
      class={`grid-row ${className}`}
      role="row"
      aria-rowindex={row + 2}
      style={{ top: `${grid.headHeight + row * ROW_HEIGHT}px`, width: `${width}px` }}
    >
      <div
        class={grid.onRowHead ? "grid-number clickable" : "grid-number"}
        role="rowheader"
        aria-colindex={1}
        tabIndex={tabIndex(focus, row, -1)}
        onClick={() => {
          focus.go({ row, column: -1 });
          grid.onRowHead?.(row);
        }}
      >
        {label}
      </div>
      {visible.map((column) => (
        <Cell key={grid.columns[column]!.key} grid={grid} focus={focus} row={row} column={column} />
      ))}
    </div>
  );
}

interface CellProps extends Omit<PartProps, "visible"> {
  readonly row: number;
  readonly column: number;
}

function Cell({ grid, focus, row, column }: CellProps): JSX.Element {
  const { text, className = "", problem } = grid.cell(row, column);
  const { active, editing } = focus;
  const isEdited = editing !== undefined && active.row === row && active.column === column;
  return (
    <div
      class={`grid-cell ${className} ${problem === undefined ? "" : "faulty"}`}
      role="gridcell"
      aria-colindex={column + 2}
      aria-invalid={problem === undefined ? undefined : true}
      aria-readonly={grid.onEdit && !grid.columns[column]!.readOnly ? undefined : true}
      tabIndex={tabIndex(focus, row, column)}
      style={placeOf(grid, focus, column)}
      onClick={isEdited ? undefined : () => focus.go({ row, column })}
      onDblClick={isEdited ? undefined : focus.act}
    >
      {isEdited ? (
        <CellEditor text={editing} onDone={focus.finish} />
      ) : (
        <>
          <bdi>{text}</bdi>
          {problem !== undefined && <span class="hidden"> ({problem})</span>}
        </>
      )}
    </div>
  );
}

/** Only the active cell is a stop for Tab. */
function tabIndex({ active }: GridFocus, row: number, column: number): 0 | -1 {
  return active.row === row && active.column === column ? 0 : -1;
}

function placeOf(
  { columns }: GridProps,
  { offsets }: GridFocus,
  column: number,
): Readonly<Record<"left" | "width", string>> {
  return { left: `${ROW_HEAD_WIDTH + offsets[column]!}px`, width: `${columns[column]!.width}px` };
}
