// The meaning of a method: how it cuts the rows up, what commits together, and how many chunks load
// at once.
import { availableParallelism } from "node:os";
import { readingOptions, type Plan } from "./plan.ts";
import type { RecordRules } from "../sheet/records.ts";
import type { Prepared } from "./prepare.ts";
import { DEFAULT_BATCH_SIZE, DEFAULT_CHUNK_ROWS, type Method, type ImportOptions } from "../options.ts";
import { NOTE_PARAMETERS } from "../target.ts";

/** The first chunk of copy; each one after it is twice as large, up to the chunk size. */
const FIRST_CHUNK_ROWS = 2_000;
/**
 * The most that the rows of a chunk weigh: long before that, more rows a COPY make nothing faster.
 */
const COPY_BYTES = 8 * 1024 ** 2;
/** The same if values are parameters: they are strings, and then a message. */
const INSERT_BYTES = 2 * 1024 ** 2;
/** Rows that a worker takes at a time if each row commits by itself. */
const ROWS_PER_WORKER = 100;
/** PostgreSQL numbers a statement's parameters with 16 bits. */
const MAX_PARAMETERS = 65_535;

/** The plan by which a method cuts the rows up. */
export function planOf(prepared: Prepared, records: RecordRules, options: ImportOptions): Plan {
  const { table, created, load, sheetHeaders: headers, headerRows, width, ordered, conflict } = prepared;
  const replace = options.mode === "replace";
  const atomic = replace || (options.atomic ?? false);
  const method = options.method ?? "copy";
  return {
    table,
    created,
    load,
    headers: headers.map((header) => {
      const format = load.find(({ sheetColumn }) => sheetColumn === header.sheetColumn)?.column.numberFormat;
      return format === undefined ? header : { ...header, numberFormat: format };
    }),
    headerRows,
    firstRow: records.firstRow,
    records,
    ...readingOptions(options),
    width,
    ordered,
    conflict,
    atomic,
    replace,
    csv: options.csv,
    ...(options.empty === undefined || options.empty === "null" ? {} : { empty: options.empty }),
    ...shapeOf({ ...options, method: method === "copy" && !prepared.copies ? "batch" : method }, load.length),
  };
}

/** The chunk sizes by which a method cuts up rows with this number of columns. */
export function shapeOf(
  options: {
    readonly method: Method;
    readonly batchSize?: number | undefined;
    readonly chunkRows?: number | undefined;
  },
  columns: number,
): Pick<Plan, "method" | "firstRows" | "rowsPerChunk" | "bytesPerChunk" | "step"> {
  const { method, batchSize = DEFAULT_BATCH_SIZE, chunkRows = DEFAULT_CHUNK_ROWS } = options;
  const sized = (firstRows: number, rowsPerChunk: number, bytesPerChunk: number, step: number) => ({
    method,
    firstRows,
    rowsPerChunk,
    bytesPerChunk,
    step,
  });
  if (method === "copy") return sized(Math.min(FIRST_CHUNK_ROWS, chunkRows), chunkRows, COPY_BYTES, chunkRows);
  if (method !== "batch") return sized(ROWS_PER_WORKER, ROWS_PER_WORKER, INSERT_BYTES, 1);
  // A column more: each may have a sequence, whose farthest value is a parameter too.
  const batch = Math.min(batchSize, Math.max(1, Math.floor((MAX_PARAMETERS - NOTE_PARAMETERS - columns) / columns)));
  return sized(batch, batch, INSERT_BYTES, batch);
}

/**
 * The plan of an import that continues, if other options for how rows go in had been given when it
 * began; undefined if they say the same.
 */
export function otherwise(
  plan: Plan,
  { method = plan.method, batchSize, chunkRows }: Pick<ImportOptions, "method" | "batchSize" | "chunkRows">,
): Plan | undefined {
  const size = method === "batch" ? batchSize : method === "copy" ? chunkRows : undefined;
  if (method === plan.method && size === undefined) return undefined;
  const other = { ...plan, ...shapeOf({ method, batchSize, chunkRows }, plan.load.length) };
  return method === plan.method && other.rowsPerChunk === plan.rowsPerChunk ? undefined : other;
}

/**
 * The number of loaders. If a unique constraint decides which of two rows stays, the first one
 * does: they go in one after the other, unless it is known of chunks that they share no key.
 */
export function loadersOf(plan: Plan, options: ImportOptions): number {
  if (plan.method === "sequential" || (plan.ordered && plan.apart === undefined)) return 1;
  return Math.max(1, Math.min(options.workers ?? availableParallelism(), options.target.connections));
}
