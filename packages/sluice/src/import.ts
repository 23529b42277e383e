// The engine: read → validate and encode → load, three kinds of goroutines joined by channels of small capacity.
//
// A slow database fills the channels and so holds the reader back; the first failure, or the caller's cancellation, ends the
// group's context, which every stage watches. Loaders finish the chunk that they are at, so what is counted is what is committed.
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { open, type RowBatch } from "@sluice/sheets";
import { chan, recv, select, send, type SendChan } from "@sluice/go";
import type { Context } from "@sluice/go/context";
import { Group, withContext } from "@sluice/go/errgroup";
import type { LoadPlan } from "./chunk.ts";
import { Encoder, type Encoded } from "./encode.ts";
import { describeError, SluiceError, usageError } from "./errors.ts";
import type { HeaderMap } from "./mapping.ts";
import { prepareTable, type Prepared } from "./prepare.ts";
import type { Reject } from "./reject.ts";
import type { TableSchema } from "./schema.ts";
import { findSheet, readHeader, type Source } from "./source.ts";
import { Tally } from "./tally.ts";
import type { Target } from "./targets/target.ts";

/** How rows get in; see the README for what each costs. */
export type Method = "sequential" | "concurrent" | "batch" | "copy";

export const METHODS: readonly Method[] = ["sequential", "concurrent", "batch", "copy"];
export const DEFAULT_BATCH_SIZE = 100;
/** Rows that COPY commits together, at most. */
export const DEFAULT_CHUNK_ROWS = 20_000;
/** The first chunk of copy; each one after it is twice as large, up to the chunk size. */
const FIRST_CHUNK_ROWS = 2_000;
/** PostgreSQL numbers a statement's parameters with 16 bits. */
const MAX_PARAMETERS = 65_535;

export interface ImportOptions {
  /** Path of the workbook. */
  readonly file: string;
  /** The name that messages and rejects bear; the path's last part unless told. */
  readonly fileName?: string;
  readonly target: Target;
  /** `table` or `schema.table`; else the schema's name, else the file's. */
  readonly table?: string;
  /** Without one, an existing table's columns count, or every column is text. */
  readonly schema?: TableSchema;
  /** A name, or a number from 1 (a sheet of that name wins); the first visible sheet unless told. */
  readonly sheet?: string;
  /** `copy` unless told. */
  readonly method?: Method;
  /** Connections that load at the same time: the number of processors unless told, one where rows must go in in order. */
  readonly workers?: number;
  /** Rows an INSERT of `batch`, 100 unless told. */
  readonly batchSize?: number;
  /** Rows a chunk of `copy`, at most. */
  readonly chunkRows?: number;
  /** `create`: the table must not exist; `append`: it must. Unless told: whichever fits. */
  readonly mode?: "create" | "append";
  /** Adds columns that an existing table lacks. */
  readonly migrate?: boolean;
  /** Header → column; an empty column leaves the header out. */
  readonly map?: HeaderMap;
  /** Called after every chunk. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called with rejects in the sheet's order; the loaders wait for it. */
  readonly onRejects?: (rejects: readonly Reject[]) => Promise<void> | void;
}

/** What has been done so far. */
export interface Progress {
  /** What is being done: rows go in, or, when they are in, indexes are built. */
  readonly phase: "rows" | "indexes";
  readonly inserted: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly milliseconds: number;
  /** How much of the sheet has been read, from 0 to 1. */
  readonly fraction: number;
}

/** What an import did: `total = inserted + updated + skipped + rejected`, always. */
export interface ImportResult {
  readonly file: string;
  readonly sheet: string;
  readonly table: string;
  readonly method: Method;
  /** Records: rows below the header that are not blank. */
  readonly total: number;
  readonly inserted: number;
  readonly updated: number;
  /** Rows that a trigger in the database left out. */
  readonly skipped: number;
  readonly rejected: number;
  /** From opening the workbook to the last commit and index; starting an embedded database does not count. */
  readonly milliseconds: number;
  /** Rejected rows by code. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The first hundred. */
  readonly rejects: readonly Reject[];
  /** What else there is to know: a table made, a column left empty, a formula without a value. */
  readonly notes: readonly string[];
  /** Cancelled before the end: the counts are what had been committed by then. */
  readonly interrupted: boolean;
}

/**
 * Imports one sheet. Resolves when all rows are committed or rejected, or, after `ctx` is cancelled, when the chunks in flight
 * are (then `interrupted` is set).
 *
 * @throws SheetError where the workbook cannot be read, SluiceError where the import cannot start or go on; the message then says
 * how many rows are in the table.
 */
export async function runImport(ctx: Context, options: ImportOptions): Promise<ImportResult> {
  let started = performance.now();
  const method = options.method ?? "copy";
  if (!METHODS.includes(method))
    throw usageError(
      "unknown_method",
      `unknown method "${method as string}". Use: sequential, concurrent, batch or copy`,
    );
  const file = options.fileName ?? basename(options.file);
  const { target } = options;
  await using workbook = await open(options.file);
  const sheet = options.sheet === undefined ? workbook.sheet() : findSheet(file, workbook, options.sheet);
  const source = await readHeader(file, sheet);
  try {
    // The file is a workbook with rows: now the database may be woken. The seconds that takes are not the import's.
    const readable = performance.now();
    await target.start();
    started += performance.now() - readable;
    const place = { file, sheet: sheet.name, headerRow: source.headerRow };
    const prepared = await prepareTable(target, source.headers, place, options);
    const tally = new Tally(started, source.progress, options);
    const failure = await load(ctx, source, prepared, method, tally, options, { file, sheet: sheet.name });
    if (prepared.indexes.length > 0) tally.report("indexes");
    const notes = [...prepared.notes, ...source.notes(), ...(await buildIndexes(target, prepared.indexes))];
    if (failure !== undefined && ctx.err() === undefined) throw explain(failure, tally, prepared, notes);
    return {
      file,
      sheet: sheet.name,
      table: prepared.table,
      method,
      total: tally.inserted + tally.skipped + tally.rejected,
      inserted: tally.inserted,
      updated: 0,
      skipped: tally.skipped,
      rejected: tally.rejected,
      milliseconds: performance.now() - started,
      reasons: tally.reasons,
      rejects: tally.rejects,
      notes,
      interrupted: ctx.err() !== undefined,
    };
  } finally {
    await source.close();
  }
}

/** Runs the stages; returns what ended them early, if anything did. */
async function load(
  ctx: Context,
  source: Source,
  prepared: Prepared,
  method: Method,
  tally: Tally,
  options: ImportOptions,
  names: { file: string; sheet: string },
): Promise<unknown> {
  const { target } = options;
  const shape = shapeOf(method, prepared, options);
  const plan: LoadPlan = {
    ...names,
    table: prepared.table,
    columns: prepared.load,
    statement: method === "copy" ? "copy" : "insert",
  };
  const encoder = new Encoder(plan, prepared.headers, prepared.width, shape.firstRows, shape.rowsPerChunk);
  const batches = chan<RowBatch>(1);
  const chunks = chan<Encoded>(shape.loaders);
  const [group, stop] = withContext(ctx);

  await group.go(async () => {
    try {
      for (let batch: RowBatch | undefined = source.first; batch; batch = await source.next())
        if (!(await put(stop, batches, batch))) return;
    } finally {
      batches.close();
    }
  });

  await group.go(async () => {
    try {
      let from = 1; // the header is the first batch's first row
      for await (const batch of batches) {
        for (let row = from; row < batch.rowCount;) {
          row = encoder.fill(batch, row);
          if (encoder.full && !(await put(stop, chunks, encoder.take()))) return;
        }
        from = 0;
        batch.release();
      }
      if (!encoder.empty && stop.err() === undefined) await put(stop, chunks, encoder.take());
    } finally {
      chunks.close();
    }
  });

  for (let n = 0; n < shape.loaders; n++) {
    await group.go(async () => {
      for await (const { chunk, rejects } of chunks) {
        if (stop.err() !== undefined) return;
        const { inserted, skipped, refused } = await target.commitChunk(chunk, rejects);
        await tally.add(
          chunk.index,
          inserted,
          skipped,
          refused.length === 0 ? rejects : [...rejects, ...refused].sort((a, b) => a.row - b.row),
        );
        chunk.release();
      }
    });
  }
  const failure = await failureOf(group.wait());
  return failure ?? (await failureOf(tally.finish()));
}

/** What a promise rejects with, or undefined. */
async function failureOf(outcome: Promise<unknown>): Promise<unknown> {
  try {
    await outcome;
    return undefined;
  } catch (error) {
    return error ?? new Error("unknown failure");
  }
}

/** Sends unless the import is being stopped; false then. */
async function put<T>(stop: Context, out: SendChan<T>, value: T): Promise<boolean> {
  if (stop.err() !== undefined) return false;
  if (out.trySend(value)) return true;
  const won = await select({ sent: send(out, value), stopped: recv(stop.done()) });
  return won.case === "sent";
}

/** How a method cuts the rows up, and how many load at once. */
function shapeOf(
  method: Method,
  prepared: Prepared,
  options: ImportOptions,
): { firstRows: number; rowsPerChunk: number; loaders: number } {
  const most = Math.max(1, Math.floor(MAX_PARAMETERS / prepared.load.length));
  const rowsPerChunk = {
    sequential: 1,
    concurrent: 1,
    batch: Math.min(options.batchSize ?? DEFAULT_BATCH_SIZE, most),
    copy: options.chunkRows ?? DEFAULT_CHUNK_ROWS,
  }[method];
  // Where a unique constraint decides which of two rows stays, the first one does: they go in one after the other.
  const single = method === "sequential" || prepared.ordered;
  return {
    firstRows: method === "copy" ? FIRST_CHUNK_ROWS : rowsPerChunk,
    rowsPerChunk,
    loaders: single ? 1 : Math.max(1, Math.min(options.workers ?? availableParallelism(), options.target.connections)),
  };
}

/**
 * Builds what waited until the rows were in, on two connections, since each index is one processor's work; returns what could not be
 * built, as a note.
 */
async function buildIndexes(target: Target, indexes: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  let reason: unknown;
  const group = new Group();
  const connections = Math.max(1, Math.min(2, target.connections));
  for (let n = 0; n < connections; n++) {
    await group.go(async () => {
      for (let index = n; index < indexes.length; index += connections) {
        const ddl = indexes[index]!;
        try {
          // A database that is away is not asked again for each of them.
          if (reason instanceof SluiceError) throw reason;
          await target.query(ddl);
        } catch (error) {
          reason = error;
          missing.push(ddl);
        }
      }
    });
  }
  await group.wait();
  return missing.length === 0 ? [] : [`not built: ${missing.join("; ")}; (${describeError(reason).message})`];
}

/** What to do about errors of PostgreSQL that no row is to blame for. */
const HINTS: Readonly<Record<string, string>> = {
  "42501": ". Grant the user what is missing, or use another user.",
  "42809": ". Rows go into tables only: name one with --table.",
  "53100": ". The server's disk is full: make room, then import again.",
};

/** A failure half-way says what is in the table. */
function explain(failure: unknown, tally: Tally, prepared: Prepared, notes: readonly string[]): Error {
  const { code, message, exitCode } = describeError(failure);
  const rows = tally.inserted.toLocaleString("en");
  const state =
    tally.inserted === 0
      ? `No row of this import is known to be in the table "${prepared.table}".`
      : `${rows} rows of this import are in the table "${prepared.table}" and stay there.`;
  const unknown =
    code === "connection_lost"
      ? " The rows that were on their way when the connection was lost may or may not be in it."
      : "";
  const made = prepared.created && tally.inserted === 0 ? " The table was made by this import and is empty." : "";
  return new SluiceError(code, [`${message}${HINTS[code] ?? ""}\n${state}${unknown}${made}`, ...notes].join("\n"), {
    exitCode,
    cause: failure,
  });
}
