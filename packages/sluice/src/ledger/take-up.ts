// Whether an import begins, goes on, or is done already: by its id, or by what the ledger has of the same content, sheet, table
// and wish.
import { SluiceError } from "../errors.ts";
import { importedAlready, nothingToResume } from "../finished.ts";
import type { ImportOptions } from "../import.ts";
import { conflictNow } from "../conflict.ts";
import { otherwise } from "../method.ts";
import type { ChunkState, Claim, Target } from "../targets/target.ts";
import { whenReleased } from "./lease.ts";
import {
  chunksOf,
  claimImport,
  findImports,
  holdsRows,
  lookAt,
  replacedBy,
  settleImport,
  storeOtherPlan,
  type Entry,
  type ImportKey,
  type Look,
  type Totals,
} from "./ledger.ts";
import { revivePlan, schemaHash, wishOf, type Plan, type Wish } from "./plan.ts";
import { inLines } from "../printable.ts";
import { badLedger, wishFrom } from "./stored.ts";
import { afterChange, expectSameTable } from "./table-shape.ts";
import { strangerWhoOwns } from "./trust.ts";

/** An import that this process may work on. */
export interface Job {
  readonly claim: Claim;
  readonly plan: Plan;
  /** What earlier processes did. */
  readonly before: Totals;
  /** The chunks that they began, by number. */
  readonly chunks: ReadonlyMap<number, ChunkState>;
  /** Indexes that are left to build when the rows are in, as statements for people. */
  readonly indexes: readonly string[];
}

export const NOTHING_YET: Totals = { total: 0, inserted: 0, updated: 0, skipped: 0, rejected: 0 };

/**
 * The unfinished import of that id, of this very content.
 *
 * @param wanted the table that the options mean. Where the ledger says another one, it must belong to somebody whom this user
 *   trusts: whoever may write to the ledger could have named a table with triggers of their own.
 * @throws SluiceError where there is none, or its table is to be confirmed; FinishedError if it has finished
 */
export async function importToResume(
  target: Target,
  id: string,
  contentHash: string,
  file: string,
  wanted: string,
): Promise<Entry> {
  const [entry] = await findImports(target, { id });
  if (!entry) {
    throw new SluiceError(
      "unknown_import",
      `there is no import ${id} in ${target.name}. sluice imports lists those that there are.`,
    );
  }
  if (entry.state === "cancelled") {
    throw new SluiceError(
      "import_ended",
      `the import ${id} is cancelled: there is nothing to resume. Without --resume the file is imported anew.`,
    );
  }
  if (entry.contentHash !== contentHash) {
    throw new SluiceError(
      "content_changed",
      `${file} is not the file that the import ${id} began with (${entry.file}): its content differs (SHA-256 ${contentHash.slice(0, 12)}…, it was ${entry.contentHash.slice(0, 12)}…). ` +
        `Give that file, or import this one without --resume.`,
    );
  }
  if (entry.table !== wanted) await checkOwner(target, entry);
  // Whoever was told to go on with it may do so twice.
  if (entry.state === "finished") throw await target.patiently(() => nothingToResume(target, entry));
  const why = await whyGone(target, entry);
  if (why !== undefined) throw gone(entry, why);
  return entry;
}

function gone({ id, table }: Entry, why = `the table "${table}" that it went into is gone`): SluiceError {
  return new SluiceError(
    "table_gone",
    `the import ${id} cannot go on: ${why}. End it with sluice imports cancel ${id}, and import the file anew.`,
  );
}

type Wanted = Wish & Pick<ImportOptions, "schema" | "again">;

/**
 * Looks for the import that this one would be: the unfinished one, if there is one, and what was seen, for {@link beginImport}. Says
 * in the notes what there was before.
 *
 * @throws SluiceError (`unfinished_import`) if rows of another unfinished import of the file would be in the table twice,
 * FinishedError (`imported_already`) if those of a finished one would
 */
export async function lookFor(
  target: Target,
  key: ImportKey,
  file: string,
  options: Wanted,
  notes: string[],
): Promise<{ readonly entry: Entry | undefined; readonly seen: Look }> {
  const wish = wishOf(options);
  const said: string[] = [];
  const seen = await lookAt(target, key);
  const entries = await findImports(target, key);
  for (const entry of entries.filter(isOpen)) {
    // Its name for the table may be a stranger's word, so it is gone on with only where that is asked for.
    const gone = await whyGone(target, entry);
    if (entry.table !== key.table && gone === undefined)
      throw entry.active ? atWork(entry) : await byAnotherName(target, entry, key.table);
    if (entry.wish !== wish && (gone === undefined || entry.active)) {
      const { id, totals, active, indexes } = entry;
      if (totals.inserted + totals.updated > 0 && gone === undefined) {
        throw new SluiceError(
          "unfinished_import",
          `${rowsIn(totals.inserted + totals.updated)} put into the table "${entry.table}" by the import ${id} of this file, which was begun with other options and is not finished. ` +
            `Go on with it: --resume ${id}. End it: sluice imports cancel ${id}. Or import all rows once more: --resume never.`,
        );
      }
      if (!active && indexes.length === 0) continue; // nobody misses it
      said.push(
        `import ${entry.id} of this file was begun with other options and is not finished; sluice imports ${entry.id} shows it`,
      );
      continue;
    }
    if (gone === undefined) {
      notes.push(...said);
      return { entry, seen };
    }
    // With other options it ends here too: once this import has put rows in, nothing tells any more that its own are gone.
    const claim = whenReleased(entry.id) ? undefined : await claimImport(target, entry.id, notes);
    if (!claim) throw atWork(entry);
    await settleImport(target, claim, "cancelled", gone);
    notes.push(`import ${entry.id} of this file was not finished, and ${gone}: it begins anew`);
    return lookFor(target, key, file, options, notes);
  }
  const { sheet, table } = key;
  for (const entry of await findImports(target, { file, sheet, table })) {
    const { id, contentHash, totals } = entry;
    const rows = totals.inserted + totals.updated;
    if (contentHash === key.contentHash || rows === 0) continue;
    const gone = await whyGone(target, entry);
    if (gone !== undefined) {
      const claim = entry.active || whenReleased(id) ? undefined : await claimImport(target, id, said);
      if (claim) await settleImport(target, claim, "cancelled", gone);
      continue;
    }
    const unfinished = `${rowsIn(rows)} put into the table "${table}" by the import ${id} of ${file}, which held something else then and is not finished`;
    if (!isKeyed(options)) {
      throw new SluiceError(
        "unfinished_import",
        `${unfinished}. Rows that are in both would be in the table twice. Take those out that must not stay, and end that import: sluice imports cancel ${id}. ` +
          `Or let a key decide: --on-conflict skip --key …. Or import all rows beside them: --resume never.`,
      );
    }
    said.push(`${unfinished}; sluice imports cancel ${id} ends it`);
  }
  const there = await rowsThere(target, entries, options);
  if (there) {
    const changed = there.schemaHash !== schemaHash(options.schema);
    throw await target.patiently(() => importedAlready(target, there, file, changed));
  }
  const finished = entries.find(({ state }) => state === "finished");
  if (finished) said.push(await importedBefore(target, finished, wish));
  notes.push(...said);
  return { entry: undefined, seen };
}

/** The finished import for which this one would be refused; changes nothing. */
export async function finishedBefore(target: Target, key: ImportKey, options: Wanted): Promise<Entry | undefined> {
  return rowsThere(target, await findImports(target, key), options);
}

/**
 * The finished import whose rows this one would put in once more. Another schema makes no other import: whoever repairs it does not
 * say by that that the rows are to be in twice.
 */
async function rowsThere(target: Target, entries: readonly Entry[], options: Wanted): Promise<Entry | undefined> {
  if (options.again || isKeyed(options)) return undefined;
  const wish = wishOf(options);
  for (const entry of entries) {
    if (entry.state !== "finished" || entry.wish !== wish) continue;
    // If all were rejected, nothing can be in twice. What was skipped, a trigger may have put elsewhere.
    const { total, rejected } = entry.totals;
    if (total > rejected && (await whyGone(target, entry)) === undefined) return entry;
  }
  return undefined;
}

/** Rows that are there already do not go in once more. */
function isKeyed({ mode, onConflict = "error" }: Wanted): boolean {
  return mode === "replace" || onConflict !== "error";
}

function isOpen({ state }: Entry): boolean {
  return state === "running" || state === "failed";
}

async function importedBefore(target: Target, entry: Entry, wish: string): Promise<string> {
  const gone = await whyGone(target, entry);
  const more = gone !== undefined ? `, and ${gone}` : entry.wish !== wish ? ", with other options" : "";
  return `this file was imported before, on ${entry.startedAt}, as import ${entry.id}${more}`;
}

/** Claims an unfinished import. @throws SluiceError (`import_running`) where another process is at work on it */
export async function goOn(
  target: Target,
  entry: Entry,
  options: Pick<ImportOptions, "schema" | "method" | "batchSize" | "chunkRows">,
  notes: string[],
): Promise<Job> {
  const { schema } = options;
  const stored = revivePlan(entry.plan, schema, entry.id);
  if (stored.table !== entry.table) throw badLedger(entry.id, `its plan is for the table "${inLines(stored.table)}"`);
  if (stored.replace !== (wishFrom(entry.wish, entry.id)["replace"] === true))
    throw badLedger(entry.id, `"replace" of its plan is ${stored.replace}`);
  // The table as it is now: that rows may go there, and what its indexes are.
  await sameTable(target, entry);
  const info = await target.describe(stored.table);
  if (!info) throw gone(entry);
  let plan: Plan = { ...stored, conflict: conflictNow(stored.conflict, stored.table, info) };
  const claim = await claimImport(target, entry.id, notes);
  if (!claim) throw atWork(entry);
  const chunks = await chunksOf(target, entry.id);
  const before = sum(chunks.values());
  notes.push(`resumed import ${entry.id}: ${rowsIn(before.inserted + before.updated)} in already`);
  const other = otherwise(plan, options);
  if (other && chunks.size === 0) {
    await target.patiently(() => storeOtherPlan(target, claim, other));
    plan = other;
  } else if (other) {
    notes.push(`it goes on as it began: by the method ${plan.method}${sizeOf(plan)}`);
  }
  if (entry.schemaHash !== schemaHash(schema))
    notes.push("the schema has changed since this import began; it goes on with the one that it began with");
  return { claim, plan, before, chunks, indexes: entry.indexes.map(({ ddl }) => ddl) };
}

/** @throws SluiceError (`table_unconfirmed`) where the table of an import belongs to somebody whom this user need not trust */
async function checkOwner(target: Target, { id, table }: Entry): Promise<void> {
  const owner = await strangerWhoOwns(target, table);
  if (owner === undefined) return;
  throw new SluiceError(
    "table_unconfirmed",
    `the ledger says that the import ${id} goes into the table "${inLines(table)}", which belongs to the role "${inLines(owner)}". ` +
      `Triggers there run with the rights of whoever imports. Where that is the table that you mean, say so: --table ${JSON.stringify(inLines(table))}`,
    { exitCode: 2 },
  );
}

function sizeOf({ method, rowsPerChunk }: Plan): string {
  const rows = rowsPerChunk.toLocaleString("en");
  return method === "copy" ? ` in chunks of ${rows} rows` : method === "batch" ? ` with ${rows} rows an INSERT` : "";
}

function rowsIn(n: number): string {
  return n === 1 ? "1 row was" : `${n.toLocaleString("en")} rows were`;
}

/** Why rows that are said to be in the table cannot be there any more. */
async function whyGone(target: Target, { id, table, sameTable, totals }: Entry): Promise<string | undefined> {
  if (!sameTable) return `the table "${table}" that it went into is gone`;
  if (totals.inserted + totals.updated === 0) return undefined;
  if (!(await holdsRows(target, table))) return `the table "${table}" has been emptied since`;
  const by = await replacedBy(target, id);
  return by === undefined ? undefined : `its rows in the table "${table}" have been replaced by the import ${by}`;
}

/** @throws SluiceError if its rows would become something else in the table that is there now */
async function sameTable(target: Target, { id, totals }: Entry): Promise<void> {
  try {
    await expectSameTable(target, { id });
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError(
      error.code,
      `the import ${id} cannot go on: ${error.message} ${rowsIn(totals.inserted + totals.updated)} put in by it. ${afterChange(error.code, id)}`,
      { cause: error },
    );
  }
}

async function byAnotherName(target: Target, entry: Entry, wanted: string): Promise<SluiceError> {
  const { id, totals } = entry;
  const table = inLines(entry.table);
  // It may have been renamed since.
  const [own] = await findImports(target, { id });
  const how = own?.sameTable === true ? `Go on with it: --table ${JSON.stringify(table)}, or --resume ${id}. ` : "";
  return new SluiceError(
    "unfinished_import",
    `the import ${id} of this file is not finished, and its table "${table}" is the one that is "${wanted}" here: ${rowsIn(totals.inserted + totals.updated)} put in by it. ` +
      `${how}End it: sluice imports cancel ${id}. Or import all rows once more: --resume never.`,
  );
}

function atWork(entry: Entry): SluiceError {
  return new SluiceError(
    "import_running",
    `this file is being imported right now, as import ${entry.id}, by ${entry.owner}. Wait until it has finished; if that process cannot go on, end it and run this again.`,
  );
}

function sum(states: Iterable<ChunkState>): Totals {
  let [inserted, updated, skipped, rejected] = [0, 0, 0, 0];
  for (const state of states) {
    inserted += state.inserted;
    updated += state.updated;
    skipped += state.skipped;
    rejected += state.rejected;
  }
  return { total: inserted + updated + skipped + rejected, inserted, updated, skipped, rejected };
}
