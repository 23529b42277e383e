// The importer as a library, and what a schema file imports.
export { businesses } from "./businesses.ts";
export { SluiceError } from "./errors.ts";
export { runImport, type ImportOptions, type ImportResult, type Method, type Progress } from "./import.ts";
export type { HeaderMap } from "./mapping.ts";
export { RejectFile, type Reject } from "./reject.ts";
export { table, type Column, type ColumnSpec, type IndexSpec, type TableSchema, type TableSpec } from "./schema.ts";
export { openTarget } from "./targets/open.ts";
export type { Committed, QueryResult, TableInfo, Target } from "./targets/target.ts";
