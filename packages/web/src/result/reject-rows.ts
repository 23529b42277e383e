// Rejected rows as a grid has them, and the cells that go back to the service.
import type { Reject, RejectCell } from "../api/shapes.ts";
import type { Changed, Row } from "../state/edits.ts";

/** A rejected row with the texts of its cells, one for each column. */
export interface RejectRow extends Row {
  readonly reject: Reject;
  /** The columns at fault, from 0; of a row that is too short, those that it lacks. */
  readonly faults: ReadonlySet<number>;
}

export function toRows(rejects: readonly Reject[], headers: readonly string[]): RejectRow[] {
  const width = Math.max(headers.length, ...rejects.map(({ cells }) => cells.length));
  return rejects.map((reject) => ({
    row: reject.row,
    cells: Array.from({ length: width }, (_, column) => textOf(reject.cells[column] ?? null)),
    faults: faultsOf(reject, headers),
    reject,
  }));
}

function faultsOf({ column, code, cells }: Reject, headers: readonly string[]): ReadonlySet<number> {
  if (column) return new Set([headers.indexOf(column)]);
  return new Set(code === "too_few_columns" ? [...headers.keys()].filter((n) => n >= cells.length) : []);
}

/** The cells of the rows that were changed. A cell that was not changed keeps its type. */
export function toSend(rows: readonly RejectRow[], changed: Changed): { row: number; cells: RejectCell[] }[] {
  return rows.flatMap(({ row, cells, reject }) => {
    const edits = changed.get(row);
    if (!edits) return [];
    const sent = cells.map((_, column): RejectCell => {
      const text = edits.get(column);
      return text === undefined ? (reject.cells[column] ?? null) : text === "" ? null : text;
    });
    return [{ row, cells: sent }];
  });
}

/** A code as words: `invalid_email` → `invalid email`. */
export function wordsOf(code: string): string {
  return code.replaceAll("_", " ");
}

function textOf(cell: RejectCell): string {
  if (cell === null) return "";
  if (typeof cell === "string") return cell;
  const [type, text] = cell;
  // A date without a time is a day.
  return type === "d" ? text.replace(/T00:00:00(?:\.0+)?$/, "") : text;
}
