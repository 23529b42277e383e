// The importer as a library, and what a schema file imports.
export { businesses } from "./businesses.ts";
export { SluiceError } from "./errors.ts";
export { FinishedError } from "./finished.ts";
export { runImport, type ImportOptions, type ImportResult, type Method, type Progress } from "./import.ts";
export type { HeaderMap } from "./mapping.ts";
export {
  previewFile,
  type ColumnPreview,
  type FilePreview,
  type PreviewOptions,
  type SheetPreview,
} from "./preview.ts";
export { RejectFile } from "./reject-file.ts";
export type { Reject, RejectCell, RejectCode } from "./reject.ts";
export { table, type Column, type ColumnSpec, type IndexSpec, type TableSchema, type TableSpec } from "./schema.ts";
export { openTarget } from "./targets/open.ts";
export type { ChunkState, Claim, QueryResult, TableInfo, Target } from "./targets/target.ts";
