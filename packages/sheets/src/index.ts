// @sluice/sheets: streaming spreadsheet readers without dependencies. Everything public is named here.
export { CellType, PLAIN, type RowBatch } from "./batch.ts";
export type { SheetInfo, SheetState, SpreadsheetFormat } from "./book.ts";
export type { CsvOptions } from "./csv-dialect.ts";
export { SheetError, type Place, type SheetErrorCode } from "./errors.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { CellError, type Cell, type CellValue, type Header, type Row } from "./rows.ts";
export type { ReadOptions, RowOptions, Sheet } from "./sheet.ts";
export type { RandomAccess } from "./source.ts";
export { spool, type Spooled } from "./spool.ts";
export { isStreamed, open, type OpenOptions, type Workbook } from "./workbook.ts";
