// Chunks: consecutive rows of the sheet that go into the database at once, as lines of PostgreSQL's
// COPY text format.
//
// Every method takes its values from here: COPY sends the bytes, INSERT reads the fields back as
// strings. So a value means the same in all of them: it is what PostgreSQL's input function of the
// column's type makes of that text.
import { CellType, type RowBatch } from "@sluice/sheets";
import { DAY_LENGTH } from "../values/digits.ts";
import { MIDNIGHT } from "../values/plain.ts";
import type { Originals } from "./originals.ts";
import { rejectCell, type RejectCell } from "../reject.ts";
import type { Column } from "../schema/schema.ts";

/** A column that is loaded, and its place in the sheet. */
export interface LoadColumn {
  readonly column: Column;
  /** 1-based. */
  readonly sheetColumn: number;
  /** The header, as it is in the sheet. */
  readonly header: string;
  /**
   * The column is not a cell of the sheet: `sheetColumn` is 0 then. Such columns are the last ones.
   */
  readonly made?: Made;
}

/** Rows, with the title of the section that each is in, by its number; without one it is absent. */
export interface RecordBatch extends RowBatch {
  readonly sections?: ReadonlyMap<number, string> | undefined;
}

/**
 * The source of a column that is not a cell: a text for all rows (null is NULL), the row's number,
 * the title of its section, a function of cells, or the address of a cell's link.
 */
export type Made =
  | { readonly text: string | null }
  | { readonly row: true }
  | { readonly section: true }
  | { readonly from: readonly number[] }
  | { readonly link: number };

/** The part of an import that is the same for all of its chunks. */
export interface LoadPlan {
  /** The names that rejects have. */
  readonly file: string;
  readonly sheet: string;
  /** `table` or `schema.table`, not quoted. */
  readonly table: string;
  /** The columns in the sheet's order, which is the order of a line's fields. */
  readonly columns: readonly LoadColumn[];
  readonly statement: "copy" | "insert";
  /** Rows that commit together; a chunk of more goes in in steps. */
  readonly step: number;
  /** The treatment of rows whose key is in the table; without it they are refused. */
  readonly conflict?: Conflict | undefined;
  /** The meaning of an empty cell, if it is not NULL. */
  readonly empty?: "keep" | "default" | undefined;
  /** The defaults of the columns that have one, as SQL; set if empty cells mean more than NULL. */
  readonly defaults?: ReadonlyMap<string, string>;
  /**
   * COPY counts rows that the table does not keep: it is a view, whose trigger decides about them.
   */
  readonly miscounts?: boolean | undefined;
  /** The sequences whose columns are loaded. */
  readonly sequences?: readonly Sequence[];
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
  /** [rowCount] the end of each line in `data` (after its newline). */
  readonly lineEnds: Int32Array;
  /** [rowCount] row numbers in the sheet, 1-based. */
  readonly rowNumbers: Int32Array;
  /** The cells of its rows whose text in the sheet is not that of a field. */
  readonly originals: Originals;
  /**
   * [rowCount × columns] what each field was in the sheet: values of CellType; nothing if it is
   * NULL.
   */
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
      if (text === null || plan.columns[field]!.made !== undefined) continue;
      const isDay = type === CellType.date && text.length === DAY_LENGTH;
      put(plan.columns[field]!.sheetColumn, rejectCell(isDay ? text + MIDNIGHT : text, type));
    }
    for (const { column, text, type } of originals(row)) put(column, rejectCell(text(), type));
    return cells;
  };
}

function unescape(_: string, character: string): string {
  return character === "t" ? "\t" : character === "n" ? "\n" : character === "r" ? "\r" : character;
}

/** `skip` or `update`, and by what. */
export interface Conflict {
  readonly action: "skip" | "update";
  /** Column names; empty if a conflict with any unique index counts. */
  readonly key: readonly string[];
  /** The condition of the unique index, if it covers some rows only. */
  readonly where: string | undefined;
  /** Another unique index covers loaded columns, so rows of different keys can meet too. */
  readonly others: boolean;
  /**
   * Rows are updated and none is inserted, because of these columns: the sheet lacks them, or the
   * database fills them itself.
   */
  readonly only?: readonly string[];
  /** The table is one in partitions, of which `xmax` cannot be asked; see {@link freshSql}. */
  readonly partitioned?: boolean;
}

/**
 * A sequence whose column is loaded from the sheet. The catalogue is asked for it each time:
 * nothing of it is stored.
 */
export interface Sequence {
  /** The column's name. */
  readonly column: string;
  /** Quoted as SQL, with its schema. */
  readonly name: string;
  /** True if it counts down, so that the lowest id counts. */
  readonly descending: boolean;
  /** True if this user may read it and move it. */
  readonly movable: boolean;
}
