// A grid of cells of any length: only what is in sight is in the document. It is the ARIA pattern "grid": one stop for Tab, then arrow
// keys, Home, End, Page Up and Page Down; Enter or F2 edits, or does what the heading says.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { CellEditor, type Step } from "./cell-editor.tsx";
import { moved, type Spot } from "./grid-keys.ts";
import { inSight, offsetsOf } from "./grid-sight.ts";

export interface GridColumn {
  readonly key: string;
  /** In pixels. */
  readonly width: number;
  /** What is seen. */
  readonly head: ComponentChildren;
  readonly selected?: boolean;
  /** Its cells cannot be changed. */
  readonly readOnly?: boolean;
}

export interface GridCell {
  readonly text: string | null;
  readonly className?: string;
  /** What is wrong with it; read with the cell. */
  readonly problem?: string | undefined;
}

export interface GridRow {
  readonly label: ComponentChildren;
  readonly className?: string;
}

export interface GridProps {
  readonly label: string;
  readonly columns: readonly GridColumn[];
  readonly rowCount: number;
  readonly row: (row: number) => GridRow;
  readonly cell: (row: number, column: number) => GridCell;
  /** In pixels. */
  readonly headHeight: number;
  /** The cell that has the focus; -1 is the heading of the row or the column. */
  readonly onSpot?: (spot: Spot) => void;
  readonly onRowHead?: (row: number) => void;
  readonly onColumnHead?: (column: number) => void;
  readonly onEdit?: (row: number, column: number, text: string) => void;
  /** Moves the focus to a cell, whenever the object is another one. */
  readonly goTo?: Spot | undefined;
}

export const ROW_HEIGHT = 34;
export const ROW_HEAD_WIDTH = 72;

export function Grid(props: GridProps): JSX.Element {
  const { columns, rowCount } = props;
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, left: 0, height: 600, width: 1200 });
  const [spot, setSpot] = useState<Spot>({ row: rowCount > 0 ? 0 : -1, column: 0 });
  const [editing, setEditing] = useState<string | undefined>(undefined);
  /** The cell of now: a key may come before the grid is drawn for the last one. */
  const at = useRef(spot);
  /** The cell gets the focus after the next drawing. */
  const focus = useRef(false);
  const offsets = offsetsOf(columns);
  const width = ROW_HEAD_WIDTH + offsets.at(-1)!;
  const inside = ({ row, column }: Spot): Spot => ({
    row: Math.min(row, rowCount - 1),
    column: Math.min(column, columns.length - 1),
  });
  const active = inside(spot);

  const look = (): void => {
    if (!box.current) return;
    const { scrollTop: top, scrollLeft: left, clientHeight: height, clientWidth: width } = box.current;
    setSight({ top, left, height, width });
  };
  const go = (to: Spot): void => {
    focus.current = true;
    at.current = to;
    setSpot(to);
    reveal(box.current!, to, offsets, props.headHeight);
    look();
    props.onSpot?.(to);
  };
  useLayoutEffect(look, [columns.length, rowCount]);
  useEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (!focus.current || editing !== undefined) return;
    focus.current = false;
    box.current!.querySelector<HTMLElement>("[tabindex='0']")?.focus({ preventScroll: true });
  });
  useEffect(() => {
    if (props.goTo) go(props.goTo);
  }, [props.goTo]);

  const finish = (text: string | undefined, step: Step): void => {
    setEditing(undefined);
    focus.current = step !== "leave";
    if (text !== undefined) props.onEdit?.(active.row, active.column, text);
    if (step === "down") go({ ...active, row: Math.min(rowCount - 1, active.row + 1) });
    if (step === "right") go({ ...active, column: Math.min(columns.length - 1, active.column + 1) });
  };
  const canEdit = ({ row, column }: Spot): boolean =>
    props.onEdit !== undefined && row >= 0 && column >= 0 && !columns[column]!.readOnly;
  const act = (): void => {
    const { row, column } = inside(at.current);
    if (row < 0 && column >= 0) props.onColumnHead?.(column);
    else if (column < 0 && row >= 0) props.onRowHead?.(row);
    else if (canEdit({ row, column })) setEditing(props.cell(row, column).text ?? "");
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (editing !== undefined) return;
    const here = inside(at.current);
    const page = Math.max(1, Math.floor((sight.height - props.headHeight) / ROW_HEIGHT) - 1);
    const to = moved(here, event, { rows: rowCount, columns: columns.length, page });
    if (to) go(to);
    else if (event.key === "Enter" || event.key === "F2" || event.key === " ") act();
    else if (canEdit(here) && /^(?:Delete|Backspace)$/.test(event.key)) props.onEdit?.(here.row, here.column, "");
    else if (canEdit(here) && isTyped(event)) setEditing(event.key);
    else return;
    event.preventDefault();
  };

  const [firstColumn, endColumn] = inSight(offsets, sight.left, sight.width - ROW_HEAD_WIDTH);
  const first = Math.max(0, Math.floor(sight.top / ROW_HEIGHT) - 4);
  const end = Math.min(rowCount, Math.ceil((sight.top + sight.height) / ROW_HEIGHT) + 4);
  const rows = Array.from({ length: Math.max(0, end - first) }, (_, n) => first + n);
  if (active.row >= 0 && (active.row < first || active.row >= end)) rows.push(active.row);
  const shown = Array.from({ length: Math.max(0, endColumn - firstColumn) }, (_, n) => firstColumn + n);
  const away = active.column >= 0 && !shown.includes(active.column);
  const visible = away ? [...shown, active.column].sort((a, b) => a - b) : shown;
  const place = (column: number): Readonly<Record<"left" | "width", string>> => ({
    left: `${ROW_HEAD_WIDTH + offsets[column]!}px`,
    width: `${columns[column]!.width}px`,
  });
  const tab = (row: number, column: number): 0 | -1 => (active.row === row && active.column === column ? 0 : -1);

  return (
    // The grid listens for its cells: each of them is reached by the arrow keys.
    <div
      class="grid"
      role="grid"
      aria-label={props.label}
      aria-rowcount={rowCount + 1}
      aria-colcount={columns.length + 1}
      ref={box}
      onScroll={look}
      onKeyDown={onKeyDown}
    >
      <div class="grid-canvas" style={{ width: `${width}px`, height: `${props.headHeight + rowCount * ROW_HEIGHT}px` }}>
        <div class="grid-head" role="row" aria-rowindex={1} style={{ height: `${props.headHeight}px` }}>
          <div class="grid-corner" role="columnheader" aria-colindex={1} tabIndex={tab(-1, -1)}>
            Row
          </div>
          {visible.map((column) => (
            <div
              key={columns[column]!.key}
              class={columns[column]!.selected ? "grid-column selected" : "grid-column"}
              role="columnheader"
              aria-colindex={column + 2}
              tabIndex={tab(-1, column)}
              style={place(column)}
              onClick={() => {
                go({ row: -1, column });
                props.onColumnHead?.(column);
              }}
            >
              {columns[column]!.head}
            </div>
          ))}
        </div>
        {rows.map((row) => {
          const { label, className = "" } = props.row(row);
          return (
            <div
              key={row}
              class={`grid-row ${className}`}
              role="row"
              aria-rowindex={row + 2}
              style={{ top: `${props.headHeight + row * ROW_HEIGHT}px`, width: `${width}px` }}
            >
              <div
                class={props.onRowHead ? "grid-number clickable" : "grid-number"}
                role="rowheader"
                aria-colindex={1}
                tabIndex={tab(row, -1)}
                onClick={() => {
                  go({ row, column: -1 });
                  props.onRowHead?.(row);
                }}
              >
                {label}
              </div>
              {visible.map((column) => {
                const cell = props.cell(row, column);
                const edited = editing !== undefined && active.row === row && active.column === column;
                return (
                  <div
                    key={columns[column]!.key}
                    class={`grid-cell ${cell.className ?? ""} ${cell.problem === undefined ? "" : "faulty"}`}
                    role="gridcell"
                    aria-colindex={column + 2}
                    aria-invalid={cell.problem === undefined ? undefined : true}
                    aria-readonly={props.onEdit && !columns[column]!.readOnly ? undefined : true}
                    tabIndex={tab(row, column)}
                    style={place(column)}
                    onClick={() => (active.row === row && active.column === column ? act() : go({ row, column }))}
                  >
                    {edited ? (
                      <CellEditor text={editing} onDone={finish} />
                    ) : (
                      <>
                        <bdi>{cell.text}</bdi>
                        {cell.problem !== undefined && <span class="hidden"> ({cell.problem})</span>}
                      </>
                    )}
                  </div>
                );
              })}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** A key that writes a character. */
function isTyped(event: KeyboardEvent): boolean {
  return [...event.key].length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
}

/** Scrolls as little as it takes to have a cell in sight, beside the headings that cover a part. */
function reveal(box: HTMLElement, { row, column }: Spot, offsets: readonly number[], headHeight: number): void {
  if (row >= 0) {
    const top = row * ROW_HEIGHT;
    const height = box.clientHeight - headHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + ROW_HEIGHT > box.scrollTop + height) box.scrollTop = top + ROW_HEIGHT - height;
  }
  if (column >= 0) {
    const [left, right] = [offsets[column]!, offsets[column + 1]!];
    const width = box.clientWidth - ROW_HEAD_WIDTH;
    if (left < box.scrollLeft) box.scrollLeft = left;
    else if (right > box.scrollLeft + width) box.scrollLeft = Math.min(left, right - width);
  }
}
