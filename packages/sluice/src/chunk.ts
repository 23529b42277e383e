// What goes into the database at once: consecutive rows of the sheet as lines of PostgreSQL's COPY text format.
//
// Every method takes its values from here: COPY sends the bytes, INSERT reads the fields back as strings. So a value means the
// same in all of them: it is what PostgreSQL's input function of the column's type makes of that text.
import type { Conflict } from "./conflict.ts";
import type { Originals } from "./originals.ts";
import { rejectCell, type RejectCell } from "./reject.ts";
import type { Column } from "./schema.ts";

/** A column that is loaded, and where it stands in the sheet. */
export interface LoadColumn {
  readonly column: Column;
  /** 1-based. */
  readonly sheetColumn: number;
  /** As it stands in the sheet. */
  readonly header: string;
}

/** What stays the same for all chunks of an import. */
export interface LoadPlan {
  /** The names that rejects bear. */
  readonly file: string;
  readonly sheet: string;
  /** `table` or `schema.table`, not quoted. */
  readonly table: string;
  /** In the sheet's order, which is the order of a line's fields. */
  readonly columns: readonly LoadColumn[];
  readonly statement: "copy" | "insert";
  /** Rows that commit together; a chunk of more goes in in steps. */
  readonly step: number;
  /** What becomes of rows whose key is in the table; without, they are refused. */
  readonly conflict?: Conflict | undefined;
}

/** Consecutive rows that one worker loads. */
export interface Chunk {
  readonly plan: LoadPlan;
  /** 0-based, in the sheet's order. */
  readonly index: number;
  /** Rows to load. */
  readonly rowCount: number;
  /** The lines, each ended by a newline. */
  readonly data: Buffer;
  /** [rowCount] where each line ends in `data` (behind its newline). */
  readonly lineEnds: Int32Array;
  /** [rowCount] row numbers in the sheet, 1-based. */
  readonly rowNumbers: Int32Array;
  /** The cells of its rows whose text in the sheet is not that of a field. */
  readonly originals: Originals;
  /** [rowCount × columns] what each field was in the sheet: values of CellType; nothing where it is NULL. */
  readonly types: Uint8Array;
  /** Gives the memory back; the chunk must not be used afterwards. */
  release(): void;
}

/** The lines of rows `from` to `to` (exclusive), a view. */
export function lines(chunk: Chunk, from: number, to: number): Buffer {
  return chunk.data.subarray(from === 0 ? 0 : chunk.lineEnds[from - 1], to === 0 ? 0 : chunk.lineEnds[to - 1]);
}

/** A row's fields as strings, null for NULL, in the order of the plan's columns. */
export function fields(chunk: Chunk, row: number): (string | null)[] {
  return lines(chunk, row, row + 1)
    .toString("utf8")
    .slice(0, -1)
    .split("\t")
    .map((field) => (field === "\\N" ? null : field.includes("\\") ? field.replaceAll(/\\(.)/g, unescape) : field));
}

/** The cells of some rows as the sheet holds them, from column A on. */
export function sheetCells(chunk: Chunk): (row: number) => RejectCell[] {
  const { plan, types } = chunk;
  const originals = chunk.originals.byRow();
  return (row) => {
    const cells: RejectCell[] = [];
    const put = (column: number, cell: RejectCell): void => {
      while (cells.length < column) cells.push(null);
      cells[column - 1] = cell;
    };
    for (const [field, text] of fields(chunk, row).entries()) {
      const type = types[row * plan.columns.length + field]!;
      if (text !== null) put(plan.columns[field]!.sheetColumn, rejectCell(text, type));
    }
    for (const { column, text, type } of originals(row)) put(column, rejectCell(text(), type));
    return cells;
  };
}

function unescape(_: string, character: string): string {
  return character === "t" ? "\t" : character === "n" ? "\n" : character === "r" ? "\r" : character;
}
