// The importer as a library, and what a schema file imports.
export { businesses } from "./schema/businesses.ts";
export { SluiceError } from "./errors.ts";
export { FinishedError } from "./ledger/finished.ts";
export { runImport } from "./import.ts";
export {
  previewFile,
  type ColumnPreview,
  type FilePreview,
  type PreviewOptions,
  type SheetPreview,
} from "./preview.ts";
export { RejectFile } from "./rejects/file.ts";
export type { Reject, RejectCell, RejectCode } from "./reject.ts";
export {
  table,
  type Column,
  type ColumnSpec,
  type IndexSpec,
  type TableSchema,
  type TableSpec,
} from "./schema/schema.ts";
export { openTarget } from "./database/open.ts";
export type { ChunkState, Claim, QueryResult, TableInfo, Target } from "./target.ts";
export type { HeaderMap, ImportOptions, ImportResult, Progress, Method } from "./options.ts";
