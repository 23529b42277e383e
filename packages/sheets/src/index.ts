// @sluice/sheets: streaming spreadsheet readers without dependencies. This file exports everything
// public.
export { CellType, PLAIN, type RowBatch } from "./cells/batch.ts";
export { CellTexts } from "./cells/cell-texts.ts";
export type { MergedRange, SheetInfo, SheetState, ShowNumber, SpreadsheetFormat } from "./book.ts";
export type { CsvOptions } from "./csv/dialect.ts";
export { SheetError, type Place, type SheetErrorCode } from "./errors.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { Duration } from "./cells/duration.ts";
export { CellError, type Cell, type CellValue, type Header, type Row } from "./cells/rows.ts";
export { isPrivateFolder, makeOwnFolder, removeLeftFolders } from "./own-folder.ts";
export type { ReadOptions, RowOptions, Sheet } from "./sheet.ts";
export type { RandomAccess } from "./source.ts";
export { spool, type Spooled } from "./spool.ts";
export { isStreamed, open, type OpenOptions, type Workbook } from "./workbook.ts";
