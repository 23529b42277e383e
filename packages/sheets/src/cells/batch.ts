// Rows as bytes: many rows at a time, cells as ranges in one buffer, no JavaScript string per cell.
//
// A batch is a small column store. Cell c of row r (both counted from 0 inside the batch) has an
// index i with firstCell[r] ≤ i < firstCell[r + 1]. Its text is bytes[starts[i]..ends[i]]. The
// cells of a row are in column order, with at most one for each column. Empty cells are not listed.

import type { CellTexts } from "./cell-texts.ts";

/** The type of a cell. The numbers are stable, because `RowBatch.types` contains them. */
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
  /**
   * An elapsed time, shown by a format such as `[h]:mm`: `37:30:00`, with milliseconds if there are
   * any: `00:00:01.500`.
   */
  duration: 5,
} as const;

/** A cell's type as a number of {@link CellType}. */
export type CellType = (typeof CellType)[keyof typeof CellType];

/**
 * The bit in `RowBatch.flags` for a text that needs no escaping in COPY text or JSON. Such a text
 * has no byte below 0x20, no `"`, no `\` and no 0x7F.
 */
export const PLAIN = 1;

/**
 * A run of consecutive rows that hold a value or a warning, in file order. A caller may read all of
 * it until `release()`, and must not write to it.
 */
export interface RowBatch {
  /** The number of rows; at least 1. */
  readonly rowCount: number;
  /** The number of cells, all rows together. */
  readonly cellCount: number;
  /** Holds every cell's text as UTF-8. The bytes between the texts have no meaning. */
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
  /** [cellCount] offsets into `bytes`: the first byte of the text … */
  readonly starts: Int32Array;
  /** … and the byte after its last one. */
  readonly ends: Int32Array;
  /**
   * The share of the sheet that has been read at the end of this batch, from 0 to 1. It is only as
   * true as the sizes that the file declares.
   */
  readonly progress: number;
  /**
   * The reader's remarks on rows in this batch, e.g. on a formula without a cached value; usually
   * empty.
   */
  readonly warnings: readonly { readonly row: number; readonly message: string }[];
  /**
   * Rows (from 0 inside the batch) with bytes that are not UTF-8, each shown as `?`. Only texts
   * opened with `badBytes: "mark"` have them.
   */
  readonly badRows?: ReadonlySet<number> | undefined;
  /**
   * True if the last row ends a delimited text without a line end: the text may have been cut off
   * there.
   */
  readonly unended?: boolean;
  /**
   * The texts that cells show, if {@link ReadOptions.show} asked for them. Only cells whose value
   * is not text, and differs from the text shown, are included.
   */
  readonly shown?: CellTexts | undefined;
  /**
   * The texts of which a part is set as superscript, with Unicode's superscripts in that part (`¹`,
   * `ᵃ`), if {@link ReadOptions.raised} asked for them.
   */
  readonly raised?: CellTexts | undefined;
  /** The addresses of the cells' links, if {@link ReadOptions.links} asked for them. */
  readonly links?: CellTexts | undefined;
  /**
   * Gives the memory back for a later batch. A call is optional: the garbage collector frees a
   * batch that is never released.
   */
  release(): void;
}
