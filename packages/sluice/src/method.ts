// What a method is: how it cuts the rows up, what commits together, and how many chunks load at once.
import { availableParallelism } from "node:os";
import type { ImportOptions } from "./import.ts";
import type { Plan } from "./ledger/plan.ts";
import type { Prepared } from "./prepare.ts";
import { NOTE_PARAMETERS } from "./targets/load.ts";

/** How rows get in; see the README for what each costs. */
export type Method = "sequential" | "concurrent" | "batch" | "copy";

export const METHODS: readonly Method[] = ["sequential", "concurrent", "batch", "copy"];
export const DEFAULT_BATCH_SIZE = 100;
/** Rows that COPY commits together, at most. */
export const DEFAULT_CHUNK_ROWS = 20_000;
/** The first chunk of copy; each one after it is twice as large, up to the chunk size. */
const FIRST_CHUNK_ROWS = 2_000;
/** What the rows of a chunk weigh at most: long before that, more rows a COPY make nothing faster. */
const COPY_BYTES = 8 * 1024 ** 2;
/** The same where values are parameters: they are strings, and then a message. */
const INSERT_BYTES = 2 * 1024 ** 2;
/** Rows that a worker takes at a time where each row commits by itself. */
const ROWS_PER_WORKER = 100;
/** PostgreSQL numbers a statement's parameters with 16 bits. */
const MAX_PARAMETERS = 65_535;

/** How a method cuts the rows up. */
export function planOf(prepared: Prepared, firstRow: number, options: ImportOptions): Plan {
  const { table, created, load, sheetHeaders: headers, width, ordered, conflict } = prepared;
  const replace = options.mode === "replace";
  const atomic = replace || (options.atomic ?? false);
  const method = options.method ?? "copy";
  return {
    table,
    created,
    load,
    headers,
    firstRow,
    width,
    ordered,
    conflict,
    atomic,
    replace,
    csv: options.csv,
    ...shapeOf({ ...options, method: method === "copy" && !prepared.copies ? "batch" : method }, load.length),
  };
}

/** How a method cuts rows of so many columns up. */
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
  const batch = Math.min(batchSize, Math.max(1, Math.floor((MAX_PARAMETERS - NOTE_PARAMETERS) / columns)));
  return sized(batch, batch, INSERT_BYTES, batch);
}

/** The plan of an import that goes on, if other options for how rows go in had been given when it began; undefined where they say the same. */
export function otherwise(
  plan: Plan,
  { method = plan.method, batchSize, chunkRows }: Pick<ImportOptions, "method" | "batchSize" | "chunkRows">,
): Plan | undefined {
  const size = method === "batch" ? batchSize : method === "copy" ? chunkRows : undefined;
  if (method === plan.method && size === undefined) return undefined;
  const other = { ...plan, ...shapeOf({ method, batchSize, chunkRows }, plan.load.length) };
  return method === plan.method && other.rowsPerChunk === plan.rowsPerChunk ? undefined : other;
}

/** Where a unique constraint decides which of two rows stays, the first one does: they go in one after the other. */
export function loadersOf(plan: Plan, options: ImportOptions): number {
  if (plan.method === "sequential" || plan.ordered) return 1;
  return Math.max(1, Math.min(options.workers ?? availableParallelism(), options.target.connections));
}
