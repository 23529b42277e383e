// What a format makes of a file: which sheets there are, and how one of them is read. workbook.ts and sheet.ts put the public
// faces on it.
import type { RowBatch } from "./batch.ts";
import type { Place } from "./errors.ts";

export type SpreadsheetFormat = "xlsx" | "csv" | "tsv" | "xls" | "xlsb" | "ods" | "html" | "xml";

export type SheetState = "visible" | "hidden" | "veryHidden";

export interface SheetInfo {
  readonly name: string;
  /** Counted from 0; what `sheet(index)` takes. */
  readonly index: number;
  readonly state: SheetState;
}

/** What is asked of a sheet. */
export interface Range {
  readonly signal: AbortSignal | undefined;
  /** First and last row number to give. */
  readonly from: number;
  readonly to: number;
}

/** An open file in one format. */
export interface Book {
  readonly format: SpreadsheetFormat;
  readonly date1904: boolean;
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  /** Where a sheet is, for failures that do not say so themselves. */
  place(sheet: number): Place;
  /** Reads a sheet, from its begin each time. */
  read(sheet: number, range: Range): AsyncIterable<RowBatch>;
  /** Lets go of what it holds besides the source. */
  close(): Promise<void>;
}
