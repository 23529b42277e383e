// The engine: an import from its options to its result.
//
// What is done is in the ledger, in the transactions that did it; an import that was not finished goes on from there. The stages
// that rows go through are in pipeline.ts.
import { basename } from "node:path";
import type { CsvOptions } from "@sluice/sheets";
import { afterFunc, type Context } from "@sluice/go/context";
import { ALL_REFUSED, watchRefusals } from "./all-refused.ts";
import type { OnConflict } from "./conflict.ts";
import type { TypeMap } from "./design.ts";
import { despiteLosses } from "./despite-losses.ts";
import { passOnPatiently, settle } from "./ending.ts";
import { buildIndexes } from "./indexes.ts";
import { describeError, failureOf, INTERRUPTED, isInterrupted, SluiceError, usageError } from "./errors.ts";
import { cannotCreate, explain, notTheSame, TOO_MANY, tooManyErrors } from "./explain.ts";
import { FinishedError } from "./finished.ts";
import type { HeaderChoice } from "./header-row.ts";
import { hashFile } from "./ledger/hash.ts";
import { hold, keepLease, whenReleased } from "./ledger/lease.ts";
import { beginImport, reasonsOf, type Entry, type ImportKey, type Look } from "./ledger/ledger.ts";
import { callerSql, notAllowed, NOT_OWN, type Caller } from "./ledger/made.ts";
import { csvOf, schemaHash, wishOf } from "./ledger/plan.ts";
import { BEGUN_ALREADY, ensureLedger, hasLedger, TAKEN_OVER } from "./ledger/schema.ts";
import { finishedBefore, goOn, importToResume, lookFor, NOTHING_YET, type Job } from "./ledger/take-up.ts";
import type { Header, HeaderMap } from "./mapping.ts";
import { DEFAULT_BATCH_SIZE, DEFAULT_CHUNK_ROWS, loadersOf, METHODS, planOf, type Method } from "./method.ts";
import { runPipeline, type Names } from "./pipeline.ts";
import { prepareTable, tableName } from "./prepare.ts";
import { FirstRejects, type Reject } from "./reject.ts";
import { openWorkbook, type Formats } from "./reject-source.ts";
import { indexDdl, type TableSchema } from "./schema.ts";
import { findSheet, isText, layoutOptions, readHeader, sheetOf, type Source } from "./source.ts";
import { Tally } from "./tally.ts";
import type { Target } from "./targets/target.ts";
import { isDatabaseError } from "./targets/row-fault.ts";
import { expectWritable } from "./targets/writable.ts";
import { loadWhole, passOn, rehearse } from "./whole.ts";

export { DEFAULT_BATCH_SIZE, DEFAULT_CHUNK_ROWS, METHODS, type Method };

export interface ImportOptions {
  /** Path of the spreadsheet. */
  readonly file: string;
  /** How it is written where it is delimited text; what is not given is found out. */
  readonly csv?: CsvOptions;
  /** `"streaming"` takes no file that a library would have to read, such as `.xls`; all unless told. */
  readonly formats?: Formats;
  /** The name that messages and rejects bear; the path's last part unless told. */
  readonly fileName?: string;
  readonly target: Target;
  /** `table` or `schema.table`; else the schema's name, else the file's. */
  readonly table?: string;
  /** Without one, an existing table's columns count, or types are inferred. */
  readonly schema?: TableSchema;
  /** A name, or a number from 1 (a sheet of that name wins); the first visible sheet unless told. */
  readonly sheet?: string;
  /** Sheets with the same headers, this one among them, that types are inferred from; this one alone unless told. */
  readonly alike?: readonly string[];
  /** `copy` unless told. */
  readonly method?: Method;
  /** Connections that load at the same time: the number of processors unless told, one where rows must go in in order. */
  readonly workers?: number;
  /** Rows an INSERT of `batch`, 100 unless told. */
  readonly batchSize?: number;
  /** Rows a chunk of `copy`, at most. */
  readonly chunkRows?: number;
  /**
   * `create`: the table must not exist; `append`: it must; `replace`: the rows that are in it are deleted in the transaction that
   * puts the new ones in, so it is always atomic. Unless told: `create` or `append`, whichever fits.
   */
  readonly mode?: "create" | "append" | "replace";
  /** With `replace`: rows of other tables that refer to those by `on delete cascade`, `set null` or `set default` may go with them. */
  readonly cascade?: boolean;
  /** All rows become visible at once, or none: one transaction on one connection. A failure means to begin from the first row. */
  readonly atomic?: boolean;
  /** Everything is done against the database, and then undone: the result is what the real import's would be. */
  readonly dryRun?: boolean;
  /** Adds columns that an existing table lacks. */
  readonly migrate?: boolean;
  /** What becomes of a row whose key is in the table: `error`, unless told, rejects it. */
  readonly onConflict?: OnConflict;
  /** The columns that tell rows apart; the schema's key or the primary key unless told. A unique index must cover exactly these. */
  readonly key?: readonly string[];
  /** Header → column; an empty column leaves the header out. */
  readonly map?: HeaderMap;
  /** Column or header → type, for a table that the import makes without a schema; `date(DD/MM/YYYY)` states how dates are written. */
  readonly types?: TypeMap;
  /** Where the header is: a row, two rows, or none; found unless told. */
  readonly header?: HeaderChoice;
  /** Rows at the top, as the sheet numbers them, that are neither header nor record. */
  readonly skip?: number;
  /**
   * `auto`, unless told: goes on with an unfinished import of the same content, sheet, table and options, where there is one. An id:
   * goes on with that one, or fails. `never`: always a new import.
   */
  readonly resume?: string;
  /**
   * Imports once more what a finished import of the same content, sheet, table and options has put in. Without this, and if no key
   * makes it harmless (`onConflict`, or the mode `replace`), `runImport` rejects with that import's result.
   */
  readonly again?: boolean;
  /** Called after every chunk. */
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Called when the rows are in, with all rejects of the import, earlier processes' too, in the sheet's order; and with none where
   * there are none. Where too many stop the import, it is called then.
   */
  readonly onRejects?: (rejects: readonly Reject[], headers: readonly Header[]) => Promise<void> | void;
  /** Stops, with what is done kept, when more rows than this have been rejected; never unless told. */
  readonly maxErrors?: number;
  /** For whom it runs, if that is somebody who may not write just anywhere. */
  readonly caller?: Caller;
}

/** What has been done so far. */
export interface Progress {
  /** What is being done: rows go in, or, when they are in, indexes are built. */
  readonly phase: "rows" | "indexes";
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly milliseconds: number;
  /** How much of the sheet has been read, from 0 to 1. */
  readonly fraction: number;
}

/** What an import did: `total = inserted + updated + skipped + rejected`, always. */
export interface ImportResult {
  /** What the ledger knows it by; empty of a dry run. */
  readonly id: string;
  readonly file: string;
  readonly sheet: string;
  readonly table: string;
  readonly method: Method;
  /** Records: rows below the header that are not blank. */
  readonly total: number;
  readonly inserted: number;
  readonly updated: number;
  /** Rows whose key was in the table (`skip`), and rows that a trigger in the database left out. */
  readonly skipped: number;
  readonly rejected: number;
  /** From opening the workbook to the last commit and index; starting an embedded database does not count. */
  readonly milliseconds: number;
  /** Rejected rows by code. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The first hundred; fewer where their cells are so long that they come to more than 4 million characters, and a note says so. */
  readonly rejects: readonly Reject[];
  /** What else there is to know: a table made, a column left empty, a formula without a value. */
  readonly notes: readonly string[];
  /** Cancelled before the end: the counts are what had been committed by then. */
  readonly interrupted: boolean;
}

/**
 * Imports one sheet, or goes on with an import that was not finished. Resolves when all rows are committed or rejected, or, after
 * `ctx` is cancelled, when the chunks in flight are (then `interrupted` is set).
 *
 * @throws SheetError if the workbook cannot be read, SluiceError if the import cannot start or go on; the message then says
 * how many rows are in the table. FinishedError, with the result, if it is finished: `imported_already`, `import_ended` (a resume by
 * its id), or `onRejects` has failed or could not be called with all rejects.
 */
export async function runImport(ctx: Context, options: ImportOptions): Promise<ImportResult> {
  try {
    return await despiteLosses(options, (given) => importOrGoOn(ctx, given));
  } catch (error) {
    // Whoever wants the rejects gets them, for the process that did the import may have ended before it could pass them on.
    if (error instanceof FinishedError && error.doneBefore) await passOnPatiently(options, error.result, error.plan);
    throw error;
  }
}

async function importOrGoOn(ctx: Context, options: ImportOptions): Promise<ImportResult> {
  let started = performance.now();
  const method = options.method ?? "copy";
  if (!METHODS.includes(method))
    throw usageError(
      "unknown_method",
      `unknown method "${method as string}". Use: sequential, concurrent, batch or copy`,
    );
  const file = options.fileName ?? basename(options.file);
  const { target, resume = "auto", dryRun = false } = options;
  let caveats: string[] = [];
  const wake = async (): Promise<void> => {
    // The seconds that starting an embedded database takes are not the import's.
    const asleep = performance.now();
    await target.start();
    started += performance.now() - asleep;
    caveats = await expectWritable(target);
    if (!dryRun) await ensureLedger(target);
  };
  // A resume by its id asks the ledger first, since it goes by what is stored there; otherwise the file must be readable first.
  let contentHash = "";
  let entry: Entry | undefined;
  if (resume !== "auto" && resume !== "never") {
    if (dryRun)
      throw usageError(
        "dry_run",
        "--dry-run begins from the first row, so it cannot go on with an import. Leave --resume out.",
      );
    contentHash = await hashFile(options.file);
    await wake();
    entry = await importToResume(target, resume, contentHash, file, tableName(options, file));
  }
  const csv = entry ? csvOf(entry.plan, entry.id) : options.csv;
  await using workbook = await openWorkbook(options.file, csv, options.formats);
  const wanted = entry && workbook.sheets.length > 1 ? entry.sheet : options.sheet;
  const sheet = wanted === undefined ? sheetOf(workbook) : findSheet(file, workbook, wanted);
  const alike = options.alike?.map((name) => sheetOf(workbook, name));
  const source = await readHeader(file, sheet, layoutOptions(options), alike);
  try {
    // The file is a workbook with rows: now the database may be woken.
    if (!entry) {
      contentHash = await hashFile(options.file);
      await wake();
    }
    const notes: string[] = [...caveats];
    const names = { file, sheet: sheet.name };
    const key = { contentHash, sheet: isText(workbook) ? undefined : sheet.name, table: tableName(options, file) };
    if (dryRun) {
      const result = await rehearse(ctx, source, names, options, started);
      return { ...result, notes: [...result.notes, ...(await refusalAhead(key, options))] };
    }
    const job = await takeUp(ctx, source, names, key, entry, options, notes);
    using _held = hold(job.claim);
    await source.startAt(job.plan.firstRow);
    const tally = new Tally(started, source.progress, options, job.before);
    const failure = await work(ctx, source, job, tally, options, names, notes);
    notes.push(...source.notes());
    if (failure !== undefined && ctx.err() === undefined) {
      const error = await explain(failure, job, tally, target, notes);
      if (![TOO_MANY, ALL_REFUSED].includes(describeError(error).code)) throw error;
      if (job.plan.atomic) throw error; // its rejects went with it, and have been passed on before
      // Why it was stopped is in the rejects.
      const other = await failureOf(passOn(target, job.claim.id, job.plan, options, names));
      if (other !== undefined) error.message += `\n${describeError(other).message}`;
      throw error;
    }
    try {
      return await conclude(ctx, job, tally, options, names, notes, started);
    } catch (error) {
      if (!isInterrupted(error)) throw error;
      return unsettled(job, tally, names, notes, started);
    }
  } finally {
    await source.close();
  }
}

/** What a dry run says if the import itself would be refused. */
async function refusalAhead(key: ImportKey, options: ImportOptions): Promise<string[]> {
  const { target, resume } = options;
  if (resume === "never") return [];
  try {
    const entry = (await hasLedger(target)) ? await finishedBefore(target, key, options) : undefined;
    if (!entry) return [];
    return [
      `without --again the import would be refused: this file was imported already, on ${entry.startedAt}, as import ${entry.id}`,
    ];
  } catch (error) {
    return [`whether this file was imported already cannot be told: ${describeError(error).message}`];
  }
}

/**
 * Goes on with an import, or begins one. If another process is faster with the same, that changes which of them it is. An import of
 * this process is waited for.
 */
async function takeUp(
  ctx: Context,
  source: Source,
  names: Names,
  key: ImportKey,
  wanted: Entry | undefined,
  options: ImportOptions,
  notes: string[],
): Promise<Job> {
  const { target } = options;
  let known = wanted;
  if (options.resume === "never") return begin(source, names, key.contentHash, undefined, options, notes);
  for (;;) {
    const said: string[] = [];
    let entry = known;
    try {
      const look = known ? undefined : await lookFor(target, key, names.file, options, said);
      entry ??= look?.entry;
      if (!entry || !whenReleased(entry.id)) {
        const job = entry
          ? await goOn(target, entry, options, said)
          : await begin(source, names, key.contentHash, look?.seen, options, said);
        notes.push(...said);
        return job;
      }
    } catch (error) {
      const ours = entry && whenReleased(entry.id) && describeError(error).code === "import_running";
      if (!ours && !hasChanged(error)) throw error;
    }
    if (entry) await unlessOver(ctx, whenReleased(entry.id));
    known &&= await importToResume(target, known.id, key.contentHash, names.file, key.table);
  }
}

/** Waits for something. @throws SluiceError (`interrupted`) if `ctx` is over before */
async function unlessOver(ctx: Context, outcome: Promise<void> | undefined): Promise<void> {
  const over = Promise.withResolvers<never>();
  const message = "interrupted while it waited for an import of the same file";
  const stop = afterFunc(ctx, () => over.reject(new SluiceError(INTERRUPTED, message, { exitCode: 130 })));
  try {
    await Promise.race([outcome, over.promise]);
  } finally {
    stop();
  }
}

/** An import of the same has begun, or ended, since this process looked: it must look again. */
function hasChanged(error: unknown): boolean {
  return isDatabaseError(error) && (error.code === BEGUN_ALREADY || error.code === TAKEN_OVER);
}

/** Makes or checks the table and opens the entry in the ledger. @throws an error of code BEGUN_ALREADY if what was seen has changed */
async function begin(
  source: Source,
  names: Names,
  contentHash: string,
  seen: Look | undefined,
  options: ImportOptions,
  notes: string[],
): Promise<Job> {
  const { target } = options;
  for (;;) {
    const prepared = await prepareTable(target, source, names, options);
    const plan = planOf(prepared, source.layout.firstRow, options);
    const { ddl, indexes, shape } = prepared;
    const wish = wishOf(options);
    const hash = schemaHash(options.schema);
    const first = [...ddl, ...callerSql(plan, options.caller)];
    const stored = { contentHash, ...names, plan, wish, schemaHash: hash, ddl: first, indexes, shape, seen };
    try {
      const claim = await beginImport(target, stored);
      notes.push(...prepared.notes, ...prepared.changes);
      const left = indexes.map((index) => indexDdl(index, plan.table));
      return { claim, plan, before: NOTHING_YET, chunks: new Map(), indexes: left };
    } catch (error) {
      if (isDatabaseError(error) && error.code === BEGUN_ALREADY) throw error;
      if (isDatabaseError(error) && error.code === NOT_OWN) throw notAllowed(plan.table, error);
      if (error instanceof SluiceError || !plan.created) throw error;
      // Another import has made the table meanwhile: what holds for an existing table holds now.
      if (await target.describe(plan.table)) continue;
      throw cannotCreate(plan.table, target.name, error);
    }
  }
}

/** Loads the rows and keeps the lease meanwhile; returns what ended that early, if anything did. */
async function work(
  ctx: Context,
  source: Source,
  job: Job,
  tally: Tally,
  options: ImportOptions,
  names: Names,
  notes: string[],
): Promise<unknown> {
  await using _lease = keepLease(options.target, job.claim);
  const failure = await failureOf(load(ctx, source, job, tally, options, names, notes));
  if (failure !== undefined && ctx.err() === undefined) return failure;
  return await failureOf(buildIndexes(options.target, job, tally, notes));
}

/** Closes the entry, passes the rejects on, and says what the import did: the ledger's counts, not this process's. */
async function conclude(
  ctx: Context,
  job: Job,
  tally: Tally,
  options: ImportOptions,
  names: Names,
  notes: readonly string[],
  started: number,
): Promise<ImportResult> {
  const { target } = options;
  const { claim, plan } = job;
  const interrupted = ctx.err() !== undefined && !tally.complete;
  const totals = await settle(target, job, interrupted ? undefined : tally, notes);
  const first = new FirstRejects();
  const result: ImportResult = {
    id: claim.id,
    ...names,
    table: plan.table,
    method: plan.method,
    ...totals,
    milliseconds: performance.now() - started,
    reasons: {},
    rejects: first.list,
    notes,
    interrupted,
  };
  await passOnPatiently(options, result, plan, first);
  if (totals.rejected === 0) return result;
  // What only says more of a finished import does not fail it.
  const reasons = target.patiently(() => reasonsOf(target, claim.id));
  return { ...result, reasons: await reasons.catch(() => ({})), notes: [...notes, ...first.notes()] };
}

/** The result where somebody has locked the ledger and an interruption does not wait for that: the counts are this process's. */
function unsettled(
  { claim, plan }: Job,
  tally: Tally,
  names: Names,
  notes: readonly string[],
  started: number,
): ImportResult {
  return {
    id: claim.id,
    ...names,
    table: plan.table,
    method: plan.method,
    ...(plan.atomic ? NOTHING_YET : tally.totals),
    milliseconds: performance.now() - started,
    reasons: {},
    rejects: [],
    notes: [...notes, `the ledger is locked by somebody else, so it has not been told that this import stopped`],
    interrupted: true,
  };
}

/** Loads the rows that are not in yet, and puts on record how many records the sheet has. */
async function load(
  ctx: Context,
  source: Source,
  { claim, plan, chunks: begun }: Job,
  tally: Tally,
  options: ImportOptions,
  names: Names,
  notes: string[],
): Promise<void> {
  const { target } = options;
  const early = tooManyErrors(tally, options);
  if (early) throw early;
  using following = target.follow(claim, begun);
  if (plan.atomic && begun.has(0)) {
    // Its one transaction has been committed: all that is left is to count the records, and to end it.
    const counted = { loaders: 1, isDone: () => true, commit: () => Promise.resolve() };
    ({ records: tally.records, complete: tally.complete } = await runPipeline(ctx, source, plan, names, counted));
    return await target.patiently(() => following.check());
  }
  if (plan.atomic) {
    let said: string[] = [];
    await target.atomically(claim, async (session) => {
      said = await loadWhole(ctx, source, plan, session, tally, options, names, claim.id);
      if (ctx.err() !== undefined) throw new Error("cancelled, so nothing is kept");
    });
    notes.push(...said);
    return await target.patiently(() => following.check());
  }
  const allRefused = watchRefusals(target, "sluice.rejects", claim.id, plan, tally, options);
  ({ records: tally.records, complete: tally.complete } = await runPipeline(ctx, source, plan, names, {
    loaders: loadersOf(plan, options),
    isDone: (n) => {
      const state = begun.get(n);
      return state !== undefined && state.done === state.rows;
    },
    commit: async ({ chunk, rejects }) => {
      const before = begun.get(chunk.index);
      if (before && before.rows !== chunk.rowCount) throw notTheSame(claim, chunk.index, before.rows, chunk.rowCount);
      tally.add(await target.commitChunk(chunk, rejects, claim, before), before);
      const failure = tooManyErrors(tally, options) ?? (await allRefused());
      if (failure) throw failure;
    },
  }));
  // Commits that were lost after the last one are found out before the import is finished.
  await target.patiently(() => following.check());
}
