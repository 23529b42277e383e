// The byte face: many rows a time, cells as ranges in one buffer, no JavaScript string per cell.
//
// A batch is a small column store. Cell c of row r (both counted from 0 inside the batch) lies at an index i with
// firstCell[r] ≤ i < firstCell[r + 1]; its text is bytes[starts[i]..ends[i]]. Cells of one row are in column order, at most
// one a column; empty cells are not listed.

/** What a cell is. The numbers are stable: they are what `RowBatch.types` holds. */
export const CellType = {
  /** A number, as the file writes it: `1`, `1E+05`, `0.1`. */
  number: 0,
  /** Text, decoded: entities, `_xHHHH_` and rich runs resolved. */
  string: 1,
  /** `true` or `false`. */
  boolean: 2,
  /** An error such as `#DIV/0!`. */
  error: 3,
  /** A date, a time or both: ISO 8601 without zone, `2020-01-31T00:00:00.000`. */
  date: 4,
} as const;

/** A cell's type as a number of {@link CellType}. */
export type CellType = (typeof CellType)[keyof typeof CellType];

/** Set in `RowBatch.flags` where a cell's text has no byte below 0x20, no `"`, no `\` and no 0x7F: it needs no escaping in COPY text or JSON. */
export const PLAIN = 1;

/** A run of consecutive rows that hold a value or a warning, in file order. Everything in it may be read until `release()`, and nothing may be written. */
export interface RowBatch {
  /** How many rows; at least 1. */
  readonly rowCount: number;
  /** How many cells, all rows together. */
  readonly cellCount: number;
  /** Holds every cell's text as UTF-8, and other bytes between them that mean nothing. */
  readonly bytes: Buffer;
  /** [rowCount] 1-based row numbers, as Excel shows them. */
  readonly rowNumbers: Int32Array;
  /** [rowCount] the last column (1-based) that has a cell in the file, even an empty one. */
  readonly widths: Int32Array;
  /** [rowCount + 1] index of each row's first cell; the last entry is cellCount. */
  readonly firstCell: Int32Array;
  /** [cellCount] 1-based columns. */
  readonly columns: Int32Array;
  /** [cellCount] values of {@link CellType}. */
  readonly types: Uint8Array;
  /** [cellCount] bit set; see {@link PLAIN}. */
  readonly flags: Uint8Array;
  /** [cellCount] offsets into `bytes`: where the text begins … */
  readonly starts: Int32Array;
  /** … and where it ends (exclusive). */
  readonly ends: Int32Array;
  /** How much of the sheet has been read at the end of this batch, from 0 to 1, as far as the file tells its size truly. */
  readonly progress: number;
  /** What the reader has to say of rows in this batch, e.g. of a formula without a cached value; usually empty. */
  readonly warnings: readonly { readonly row: number; readonly message: string }[];
  /** Gives the memory back for a later batch. Optional: a batch that is never released is collected as garbage. */
  release(): void;
}
