// The engine: an import from its options to its result.
//
// What is done is in the ledger, in the transactions that did it; an import that was not finished
// continues from there. The stages that rows go through are in pipeline.ts.
import { basename } from "node:path";
import type { Attributes } from "@opentelemetry/api";
import { afterFunc, type Context } from "@sluice/go/context";
import { ALL_REFUSED, watchRefusals } from "./run/all-refused.ts";
import { METHODS, type ImportOptions, type ImportResult } from "./options.ts";
import { nextOf, sequenceNotes } from "./database/sequences.ts";
import { assumptionsOf } from "./plan/assumptions.ts";
import { despiteLosses } from "./run/despite-losses.ts";
import { passOnPatiently, settle } from "./run/ending.ts";
import { buildIndexes } from "./run/indexes.ts";
import {
  describeError,
  failureOf,
  INTERRUPTED,
  isInterrupted,
  orInterrupted,
  SluiceError,
  usageError,
} from "./errors.ts";
import { cannotChange, cannotCreate, explain, notTheSame, TOO_MANY, tooManyErrors } from "./run/failure.ts";
import { FinishedError } from "./ledger/finished.ts";
import { hashFile, stateOf, type ContentHash } from "./hash.ts";
import { hold, keepLease, whenReleased } from "./ledger/lease.ts";
import {
  beginImport,
  newId,
  reasonsOf,
  type Entry,
  type ImportKey,
  type Totals,
  knowsContent,
} from "./ledger/ledger.ts";
import { callerSql, notAllowed, NOT_OWN } from "./ledger/made.ts";
import { csvOf, schemaHash, wishOf, readingOf, readingOptions, rulesOf } from "./plan/plan.ts";
import { BEGUN_ALREADY, ensureLedger, hasLedger, TAKEN_OVER } from "./ledger/schema.ts";
import { finishedBefore, goOn, importToResume, lookFor, NOTHING_YET, type Found, type Job } from "./ledger/resume.ts";
import { expectHeld, holdsAll } from "./ledger/doubt.ts";
import { rowsLeftNotes } from "./ledger/rows-left.ts";
import { unheldRows, type Unheld } from "./plan/repeat.ts";
import { loadersOf, planOf } from "./plan/method.ts";
import { expectUnloggedRows } from "./ledger/table-shape.ts";
import { runPipeline } from "./run/pipeline.ts";
import type { Recorded, Run } from "./run/run.ts";
import { foreignNotes } from "./plan/foreign.ts";
import { withCatalogue } from "./plan/catalogue.ts";
import { prepareTable, tableName } from "./plan/prepare.ts";
import { FirstRejects } from "./reject.ts";
import { openWorkbook, stateWhenOpened } from "./rejects/as-source.ts";
import { indexDdl } from "./schema/schema.ts";
import { dialectNotes, isText, layoutOptions, readHeader, sheetOf } from "./sheet/source.ts";
import { sheetToImport } from "./sheet/tables.ts";
import { expectSameFile, fileChanged } from "./run/same-file.ts";
import { ShortLines } from "./run/short-lines.ts";
import { Tally } from "./run/progress.ts";
import { isDatabaseError, type Target } from "./target.ts";
import { traced } from "./tracing.ts";
import { expectWritable } from "./database/writable.ts";
import { loadWhole, passOn, rehearse } from "./run/one-transaction.ts";

/**
 * Imports one sheet, or continues with an import that was not finished. Resolves when all rows are
 * committed or rejected, or, after `ctx` is cancelled, when the chunks in flight are (then
 * `interrupted` is set).
 *
 * @throws SheetError if the workbook cannot be read, SluiceError if the import cannot start or
 *   continue; the message then says how many rows are in the table. FinishedError, with the result,
 *   if it is finished: `imported_already`, `import_ended` (a resume by its id), or `onRejects` has
 *   failed or could not be called with all rejects.
 */
export async function runImport(ctx: Context, options: ImportOptions): Promise<ImportResult> {
  return await traced("sluice.import", {}, async (span) => {
    const result = await importPatiently(ctx, options);
    span?.setAttributes(attributesOf(result));
    return result;
  });
}

async function importPatiently(ctx: Context, options: ImportOptions): Promise<ImportResult> {
  try {
    return await despiteLosses(options, (given) => importOrGoOn(ctx, given));
  } catch (error) {
    // A caller who wants the rejects gets them: the process that did the import may have ended
    // before it could pass them on.
    if (error instanceof FinishedError && error.doneBefore)
      await passOnPatiently(options, error.result, error.plan, { begun: error.begun });
    throw orInterrupted(error, ctx);
  }
}

/** The attributes of a span for an import that has its result. */
function attributesOf({ id, method, table, inserted, updated, skipped, rejected }: ImportResult): Attributes {
  return {
    "sluice.import": id,
    "sluice.method": method,
    "db.system.name": "postgresql",
    "db.collection.name": table,
    "sluice.rows.inserted": inserted,
    "sluice.rows.updated": updated,
    "sluice.rows.skipped": skipped,
    "sluice.rows.rejected": rejected,
  };
}

/**
 * Imports a sheet, or continues an import. A resume by its id asks the ledger first, because it
 * goes by what is stored there. All others must be able to read the file first.
 */
async function importOrGoOn(ctx: Context, options: ImportOptions): Promise<ImportResult> {
  const { method = "copy", dryRun = false } = options;
  if (!METHODS.includes(method))
    throw usageError(
      "unknown_method",
      `unknown method "${method as string}". Use: sequential, concurrent, batch or copy`,
    );
  const file = options.fileName ?? basename(options.file);
  const table = tableName(options, file);
  const database = new Database(ctx, options);
  const fileState = options.workbook ? stateWhenOpened(options.workbook) : await stateOf(options.file);
  const entry = await importOfId(options, database, file, table);
  const csv = entry ? csvOf(entry.plan, entry.id) : options.csv;
  // An import that continues by its id reads a text as it did before.
  await using opened =
    options.workbook && !entry ? undefined : await openWorkbook(options.file, { ...options, csv, ctx });
  const workbook = opened ?? options.workbook!;
  const wanted = entry && workbook.sheets.length > 1 ? entry.sheet : options.sheet;
  const reading = entry ? readingOf(entry.plan, entry.id) : readingOptions(options);
  const meant = { ...options, ...reading, file, ...(wanted === undefined ? {} : { sheet: wanted }) };
  const { sheet, notes: ofSheets } = await sheetToImport(workbook, meant);
  const notes = [...dialectNotes(workbook, options.csv), ...ofSheets];
  const alike = options.alike?.map((name) => sheetOf(workbook, name, reading));
  const source = await readHeader(file, sheet, layoutOptions(options, sheet.name), alike);
  try {
    // The file is a workbook with rows: now the database may be woken.
    const contentHash = entry?.contentHash ?? (await database.hashOnceAwake());
    if ((await stateOf(options.file)) !== fileState) throw fileChanged(file);
    const text = isText(workbook);
    const names = { file, sheet: sheet.name };
    const key = { contentHash, sheet: text ? undefined : sheet.name, table };
    const { started } = database;
    const known = { ctx, options, names, source, contentHash, fileState, isText: text, started };
    const run: Run = { ...known, notes: [...database.caveats, ...notes] };
    if (dryRun) {
      const { result, unheld } = await rehearse({ ...run, notes });
      return { ...result, notes: [...result.notes, ...(await refusalAhead(key, file, options, unheld))] };
    }
    const { job, held } = await traced("sluice.begin", {}, () => takeUp(run, key, entry));
    using _held = held;
    return await goThrough(run, job, await leftBefore(key, file, job, options));
  } finally {
    await source.close();
  }
}

/** The import that `resume` names by its id; undefined if it does not name one. */
async function importOfId(
  { resume = "auto", dryRun, target }: ImportOptions,
  database: Database,
  file: string,
  table: string,
): Promise<Entry | undefined> {
  if (resume === "auto" || resume === "never") return undefined;
  if (dryRun)
    throw usageError(
      "dry_run",
      "--dry-run begins from the first row, so it cannot go on with an import. Leave --resume out.",
    );
  return await importToResume(target, resume, await database.hashOnceAwake(), file, table);
}

/** The database of an import, which is started as late as possible. */
class Database {
  readonly #ctx: Context;
  readonly #options: ImportOptions;
  /**
   * The time of the import's start. The seconds that starting an embedded database takes do not
   * count.
   */
  started: number = performance.now();
  /** The promises that the import cannot make. */
  caveats: readonly string[] = [];

  constructor(ctx: Context, options: ImportOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  /** Wakes it, and returns the hash by which its ledger knows the file. */
  async hashOnceAwake(): Promise<string> {
    const { target, file, limits, dryRun = false } = this.#options;
    const hashes = await hashFile(file, limits, this.#ctx.signal);
    const asleep = performance.now();
    await target.start();
    this.started += performance.now() - asleep;
    this.caveats = await expectWritable(target);
    if (!dryRun) await ensureLedger(target);
    return await knownBy(target, hashes);
  }
}

/** The notes about rows of earlier imports that this one puts in once more. */
async function leftBefore(
  key: ImportKey,
  file: string,
  { plan, before }: Job,
  options: ImportOptions,
): Promise<string[]> {
  const { target, resume } = options;
  if (resume === "never" || plan.created) return [];
  try {
    const unheld = async (): Promise<Unheld | undefined> => {
      const info = await target.describe(plan.table);
      return info && unheldRows(plan.conflict, info, plan.load, plan.empty);
    };
    return await rowsLeftNotes(target, key, options, unheld, { file, own: before.inserted });
  } catch {
    return []; // what only says more of an import does not fail it
  }
}

/**
 * Takes the sheet's rows through an import, to its result.
 *
 * @param twice notes that hold if any row goes in
 */
async function goThrough(started: Run, job: Job, twice: readonly string[]): Promise<ImportResult> {
  const { ctx, options, names, source, isText, notes } = started;
  const { target } = options;
  const { plan } = job;
  options.onBegin?.(job.claim.id);
  await source.startWith(rulesOf(plan));
  const short = isText ? new ShortLines(source, plan) : undefined;
  const tally = new Tally(started.started, source.progress, options, job.before);
  const run: Recorded = { ...started, job, plan, rows: short ?? source, tally };
  const { sequences = [] } = plan;
  const next = await nextOf(target, sequences);
  const failure = await work(run);
  notes.push(...source.notes(), ...(short?.notes() ?? []));
  notes.push(...foreignNotes(plan));
  const undone = plan.atomic && (failure !== undefined || ctx.err() !== undefined);
  if (tally.totals.inserted > 0 && !undone) notes.push(...twice);
  // What only says more of an import does not fail it.
  if (sequences.length > 0) notes.push(...(await sequenceNotes(target, plan.table, sequences, next).catch(() => [])));
  if (failure !== undefined && ctx.err() === undefined) {
    const error = await explain(failure, run);
    if (![TOO_MANY, ALL_REFUSED].includes(describeError(error).code)) throw error;
    if (plan.atomic) throw error; // its rejects went with it, and have been passed on before
    // Why it was stopped is in the rejects.
    const other = await failureOf(passOn(target, job.claim.id, { plan, options, names }));
    if (other !== undefined) error.message += `\n${describeError(other).message}`;
    throw error;
  }
  try {
    return await conclude(run);
  } catch (error) {
    if (!isInterrupted(error)) throw error;
    return unsettled(run);
  }
}

/**
 * The hash by which the ledger knows a file: that of its content, unless an earlier version began
 * an import of its bytes.
 */
async function knownBy(target: Target, { content, packed }: ContentHash): Promise<string> {
  if (packed === undefined || !(await hasLedger(target))) return content;
  return (await knowsContent(target, packed)) ? packed : content;
}

/** The notes of a dry run if the import itself would be refused, or put rows in once more. */
async function refusalAhead(
  key: ImportKey,
  file: string,
  options: ImportOptions,
  unheld: Unheld | undefined,
): Promise<string[]> {
  const { target, resume } = options;
  if (resume === "never") return [];
  const isHeld = (): Promise<boolean> => holdsAll(target, key.table, unheld);
  try {
    const entry = (await hasLedger(target)) ? await finishedBefore(target, key, options, isHeld) : undefined;
    if (!entry)
      return (await hasLedger(target))
        ? await rowsLeftNotes(target, key, options, async () => unheld, { file, ahead: true })
        : [];
    return [
      `without --again the import would be refused: this file was imported already, on ${entry.startedAt}, as import ${entry.id}`,
    ];
  } catch (error) {
    return [`whether this file was imported already cannot be told: ${describeError(error).message}`];
  }
}

/**
 * Continues an import, or begins one. If another process is faster with the same, that changes
 * which of them it is. An import of this process is waited for.
 */
async function takeUp(run: Run, key: ImportKey, wanted: Entry | undefined): Promise<HeldJob> {
  const { ctx, options, names, notes } = run;
  const { target } = options;
  let known = wanted;
  if (options.resume === "never") return beginHeld(run, key.contentHash, undefined);
  for (;;) {
    const said: string[] = [];
    let entry = known;
    try {
      const look = known ? undefined : await lookFor(target, key, names.file, options, said);
      entry ??= look?.entry;
      if (!entry || !whenReleased(entry.id)) {
        const taken = entry
          ? await goOn(target, entry, options, said).then((job) => ({ job, held: hold(job.claim) }))
          : await beginHeld({ ...run, notes: said }, key.contentHash, look);
        notes.push(...said);
        return taken;
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

/** An import that this process is at work on, until `held` is disposed. */
interface HeldJob {
  readonly job: Job;
  readonly held: Disposable;
}

/**
 * Begins an import. It is held before its entry is in the ledger: who sees the entry then knows
 * that it is one of this process.
 */
async function beginHeld(run: Run, contentHash: string, look: Parameters<typeof begin>[2]): Promise<HeldJob> {
  const id = run.options.id ?? newId();
  const held = hold({ id });
  try {
    return { job: await begin({ ...run, options: { ...run.options, id } }, contentHash, look), held };
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/** PostgreSQL's code for a column that is to be added and exists. */
const DUPLICATE_COLUMN = "42701";

/**
 * Makes or checks the table and opens the entry in the ledger.
 * @throws an error of code BEGUN_ALREADY if what was seen has changed
 */
async function begin(
  { source, names, options, notes }: Run,
  contentHash: string,
  look: Pick<Found, "seen" | "doubts"> | undefined,
): Promise<Job> {
  const { target } = options;
  const { seen, doubts = [] } = look ?? {};
  for (;;) {
    const prepared = await prepareTable(target, source, names, options);
    await expectHeld(target, prepared.table, prepared.unheld, doubts);
    const plan = planOf(prepared, (await source.found()).rules, options);
    const { ddl, indexes, shape } = prepared;
    const wish = wishOf(options);
    const hash = schemaHash(options.schema);
    const first = [...ddl, ...callerSql(plan, options.caller)];
    const stored = {
      id: options.id,
      contentHash,
      ...names,
      plan,
      wish,
      schemaHash: hash,
      ddl: first,
      indexes,
      shape,
      seen,
    };
    try {
      const claim = await beginImport(target, stored);
      notes.push(...prepared.notes, ...prepared.changes);
      const left = indexes.map((index) => indexDdl(index, plan.table));
      // Those of a table that the import makes are there now.
      return { claim, plan: await withCatalogue(target, plan), before: NOTHING_YET, chunks: new Map(), indexes: left };
    } catch (error) {
      if (isDatabaseError(error) && error.code === BEGUN_ALREADY) throw error;
      if (isDatabaseError(error) && error.code === NOT_OWN) throw notAllowed(plan.table, error);
      // Another import has added a column meanwhile, which is there when it is looked for again.
      if (isDatabaseError(error) && error.code === DUPLICATE_COLUMN && prepared.changes.length > 0) continue;
      if (error instanceof SluiceError) throw error;
      if (!plan.created) throw await cannotChange(target, error);
      // Another import has made the table meanwhile: what holds for an existing table holds now.
      if (await target.describe(plan.table)) continue;
      throw await cannotCreate(plan.table, target, error);
    }
  }
}

/** Loads the rows and keeps the lease meanwhile; returns what ended that early, if anything did. */
async function work(run: Recorded): Promise<unknown> {
  const { ctx, tally } = run;
  await using _lease = keepLease(run.options.target, run.job.claim);
  const unloaded = await failureOf(traced("sluice.load", {}, () => load(run)));
  // Rows can be complete when something fails after them. Then the import is not.
  if (unloaded !== undefined) tally.complete = false;
  if (unloaded !== undefined && ctx.err() === undefined) return unloaded;
  const unbuilt = await failureOf(traced("sluice.indexes", {}, () => buildIndexes(run)));
  if (unbuilt !== undefined) tally.complete = false;
  return unbuilt;
}

/**
 * Closes the entry, passes the rejects on, and says what the import did: the ledger's counts, not
 * this process's.
 */
async function conclude(run: Recorded): Promise<ImportResult> {
  const { ctx, job, plan, tally, options, notes } = run;
  const { target } = options;
  const interrupted = ctx.err() !== undefined && !tally.complete;
  if (!interrupted) await expectUnloggedRows(target, plan.table, tally);
  const totals = await settle(run, interrupted);
  const first = new FirstRejects();
  const result = { ...resultOf(run, totals), rejects: first.list, interrupted };
  await passOnPatiently(options, result, plan, { first });
  if (totals.rejected === 0) return result;
  // What only says more of a finished import does not fail it.
  const reasons = target.patiently(() => reasonsOf(target, job.claim.id));
  return { ...result, reasons: await reasons.catch(() => ({})), notes: [...notes, ...first.notes()] };
}

/**
 * The result if somebody has locked the ledger and an interruption does not wait for that: the
 * counts are this process's.
 */
function unsettled(run: Recorded): ImportResult {
  const result = resultOf(run, run.plan.atomic ? NOTHING_YET : run.tally.totals);
  const note = "the ledger is locked by somebody else, so it has not been told that this import stopped";
  return { ...result, notes: [...result.notes, note], interrupted: true };
}

/** The result of an import that was not interrupted and has no rejects. */
function resultOf({ job, plan, names, notes, started }: Recorded, totals: Totals): ImportResult {
  return {
    id: job.claim.id,
    ...names,
    table: plan.table,
    method: plan.method,
    ...totals,
    milliseconds: performance.now() - started,
    reasons: {},
    rejects: [],
    assumptions: assumptionsOf(plan, names.sheet),
    notes,
    interrupted: false,
  };
}

/** Loads the rows that are not in yet, and puts on record how many records the sheet has. */
async function load(run: Recorded): Promise<void> {
  const { ctx, options, job, plan, tally, notes } = run;
  const { claim, chunks: begun } = job;
  const { target } = options;
  const early = tooManyErrors(tally, options);
  if (early) throw early;
  using following = target.follow(claim, begun);
  if (plan.atomic && begun.has(0)) {
    // Its one transaction has been committed: all that is left is to count the records, and to end
    // it.
    const counted = { loaders: 1, isDone: () => true, commit: () => Promise.resolve() };
    ({ records: tally.records, complete: tally.complete } = await runPipeline(run, counted));
    return await target.patiently(() => following.check());
  }
  if (plan.atomic) {
    let said: string[] = [];
    await target.atomically(claim, async (session) => {
      said = await loadWhole(run, session, claim.id);
      await expectSameFile(run);
      if (ctx.err() !== undefined) throw new Error("cancelled, so nothing is kept");
    });
    notes.push(...said);
    return await target.patiently(() => following.check());
  }
  const allRefused = watchRefusals(run, target, "sluice.rejects", claim.id);
  ({ records: tally.records, complete: tally.complete } = await runPipeline(run, {
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
  await expectSameFile(run);
  // If the server has lost commits since the last one, that shows before the import is finished.
  await target.patiently(() => following.check());
}
