// The sheet as it is, with what each column becomes above it. A click on a row's number makes it
// the header.
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { ColumnPreview, SheetPreview } from "../api/shapes.ts";
import { chooseLayout } from "../state/choices.ts";
import type { Job } from "../state/job.ts";
import type { GridCell, GridColumn } from "../ui/grid-props.ts";
import { Grid } from "../ui/grid.tsx";
import type { Spot } from "../ui/grid-keys.ts";
import { widthFor } from "../ui/grid-sight.ts";
import { Data } from "../ui/parts.tsx";
import { typeOf } from "./notation.ts";
import { indexOf, letterOf, shownRows, type ShownRow } from "./sheet-rows.ts";
import { doubtOf } from "./doubt.ts";

const HEAD_HEIGHT = 64;
/** A heading has room for its name and its type. */
const LEAST_WIDTH = 128;

interface SheetGridProps {
  readonly job: Job;
  readonly sheet: SheetPreview;
  readonly selected: number | undefined;
  readonly onSelect: (column: number) => void;
}

export function SheetGrid({ job, sheet, selected, onSelect }: SheetGridProps): JSX.Element {
  const rows = useMemo(() => shownRows(sheet, job.grid.value), [sheet]);
  const [spot, setSpot] = useState<Spot>({ row: 0, column: 0 });
  const lookedAt = useMemo(() => columnsOf(sheet, rows), [sheet, rows]);
  const columns = lookedAt.map(({ column, letter, width }, n): GridColumn => ({
    key: letter,
    width,
    selected: n === selected,
    head: column ? <Head column={column} exists={sheet.exists} /> : <span class="head-letter">{letter}</span>,
  }));
  const cell = (row: number, column: number): GridCell => {
    const { cells, kind, reject } = rows[row]!;
    const { column: shown, index } = lookedAt[column]!;
    const text = cells[index] ?? null;
    const atFault = reject && (reject.column === shown?.header || (!reject.column && column === 0));
    return {
      text,
      className: [
        kind === "record" && text !== null && shown?.nulls.includes(text.trim()) ? "missing" : "",
        kind === "record" && shown?.column === null ? "unused" : "",
        isNumeric(shown?.type) && kind === "record" ? "number" : "",
      ].join(" "),
      problem: atFault ? reject.reason : undefined,
    };
  };
  const active = rows[spot.row];
  const focused = active && spot.column >= 0 ? cell(spot.row, spot.column) : undefined;
  return (
    <div class="sheet" aria-busy={job.looking.value}>
      {job.looking.value && <div class="looking" />}
      <Grid
        label={`First rows of the sheet ${sheet.sheet}`}
        columns={columns}
        rowCount={rows.length}
        headHeight={HEAD_HEIGHT}
        row={(row) => ({ label: <RowLabel row={rows[row]!} />, className: rows[row]!.kind })}
        cell={cell}
        onSpot={setSpot}
        onColumnHead={(column) => lookedAt[column]!.column && onSelect(column)}
        onRowHead={(row) => job.choose(chooseLayout(job.choices.value, { header: String(rows[row]!.row) }))}
      />
      <p class="inspector" aria-live="off">
        {active && focused ? (
          <>
            <span class="muted">
              {lookedAt[spot.column]!.letter}
              {active.row}
            </span>
            {focused.problem !== undefined && <span class="bad">{focused.problem}</span>}
            {focused.text === null ? <span class="muted">empty</span> : <Data>{focused.text}</Data>}
          </>
        ) : (
          <span class="muted">Choose a heading to change its column, or the number of the row that is the header.</span>
        )}
      </p>
    </div>
  );
}

interface LookedAt {
  readonly column: ColumnPreview | undefined;
  readonly letter: string;
  /** The column's place in a raw row. */
  readonly index: number;
  readonly width: number;
}

/**
 * The columns that have a heading; if there are none (no header was found), those of the raw rows.
 */
function columnsOf(sheet: SheetPreview, rows: readonly ShownRow[]): LookedAt[] {
  const texts = (index: number): (string | null)[] => rows.slice(0, 50).map(({ cells }) => cells[index] ?? null);
  if (sheet.columns.length > 0)
    return sheet.columns.map((column) => {
      const index = indexOf(column.letter);
      const records = rows.flatMap(({ kind }, row) => (kind === "record" ? [texts(index)[row] ?? null] : []));
      return {
        column,
        letter: column.letter,
        index,
        width: widthFor([column.header, `${column.column} ${typeOf(column)}`, ...records], LEAST_WIDTH),
      };
    });
  const count = Math.max(0, ...rows.map(({ cells }) => cells.length));
  return Array.from({ length: count }, (_, index) => ({
    column: undefined,
    letter: letterOf(index),
    index,
    width: widthFor(texts(index)),
  }));
}

function Head({ column, exists }: { readonly column: ColumnPreview; readonly exists: boolean }): JSX.Element {
  const out = column.column === null;
  return (
    <span class={out ? "head-column out" : "head-column"}>
      <span class="head-name">
        {column.header === "" ? <span class="muted">no header</span> : <Data>{column.header}</Data>}
      </span>
      {out ? (
        <span class="head-type">left out</span>
      ) : (
        <span class="head-type">
          {column.column !== column.header.toLowerCase() && (
            <>
              <Data>{column.column}</Data>{" "}
            </>
          )}
          <span class="type">{typeOf(column)}</span>
          {!exists && doubtOf(column)?.nearest && <span class="doubt" title={doubtOf(column)!.short} />}
        </span>
      )}
    </span>
  );
}

function RowLabel({ row }: { readonly row: ShownRow }): JSX.Element {
  const what = {
    header: "header",
    above: "above",
    units: "units",
    between: "no record",
    "left-out": "left out",
    record: "",
  }[row.kind];
  return (
    <>
      {row.row}
      {what !== "" && <span class="row-kind">{what}</span>}
    </>
  );
}

function isNumeric(type: string | null | undefined): boolean {
  return /^(?:integer|bigint|smallint|numeric|real|double precision)/.test(type ?? "");
}
