// The view of a file that a format provides: its sheets, and a way to read each of them. The public
// classes in workbook.ts and sheet.ts are built on it.
import type { RowBatch } from "./cells/batch.ts";
import type { Place } from "./errors.ts";

export type SpreadsheetFormat = "xlsx" | "csv" | "tsv" | "xls" | "xlsb" | "ods" | "html" | "xml";

export type SheetState = "visible" | "hidden" | "veryHidden";

export interface SheetInfo {
  readonly name: string;
  /** Counted from 0; the argument of `sheet(index)`. */
  readonly index: number;
  readonly state: SheetState;
}

/**
 * The function that gives the text that a number format makes of a number; undefined if it shows
 * the number as it is.
 *
 * @param value a number, or the days since the start of the 1900 system
 * @param format the format's code
 */
export type ShowNumber = (value: number, format: string) => string | undefined;

/** The rows that a caller asks for. */
export interface Range {
  readonly signal: AbortSignal | undefined;
  /** First and last row number to give. */
  readonly from: number;
  readonly to: number;
  /** Returns the text that a cell shows, if the caller asked for it. */
  readonly show?: ShowNumber | undefined;
  /** True if the caller asked for the addresses of links. */
  readonly links?: boolean | undefined;
  /** True if the caller asked for texts with their superscripts. */
  readonly raised?: boolean | undefined;
}

/**
 * Cells that are merged into one, which has the value of the first: rows and columns from 1, both
 * ends included.
 */
export interface MergedRange {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly firstColumn: number;
  readonly lastColumn: number;
}

/** An open file in one format. */
export interface Book {
  readonly format: SpreadsheetFormat;
  readonly date1904: boolean;
  /** The character between the fields. Only delimited text has one. */
  readonly delimiter?: string;
  /** True if in delimited text backslashes escape outside of quotes, and `\N` is an empty cell. */
  readonly escapes?: boolean;
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  /** The place of a sheet, for errors that do not carry a place themselves. */
  place(sheet: number): Place;
  /** Reads a sheet, from its start each time. */
  read(sheet: number, range: Range): AsyncIterable<RowBatch>;
  /**
   * True if a sheet has hyperlinks, as far as that is known without reading its rows. A formula
   * does not count.
   */
  hasLinks?(sheet: number, signal: AbortSignal | undefined): Promise<boolean>;
  mentionsLinks?(sheet: number, signal: AbortSignal | undefined): Promise<boolean>;
  /** The number of bytes that a reading of the sheet goes through, as far as the file tells. */
  size(sheet: number): number;
  /**
   * The merged cells of a sheet; undefined if finding them would mean to read more than
   * `mostBytes`. A format without this method does not record merged cells.
   */
  merged?(
    sheet: number,
    mostBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly MergedRange[] | undefined>;
  /** Frees everything that it holds besides the source. */
  close(): Promise<void>;
}
