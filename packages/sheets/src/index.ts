// @sluice/sheets: streaming spreadsheet readers without dependencies. Everything public is named here.
export { CellType, PLAIN, type RowBatch } from "./batch.ts";
export { SheetError, type Place, type SheetErrorCode } from "./errors.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { CellError, type Cell, type CellValue, type Row } from "./rows.ts";
export type { ReadOptions, Sheet } from "./sheet.ts";
export type { RandomAccess } from "./source.ts";
export { open, type OpenOptions, type SheetInfo, type SheetState, type Workbook } from "./workbook.ts";
