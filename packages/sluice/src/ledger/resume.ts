// Finds out if an import begins, continues, or is done already: by its id, or by what the ledger
// has of the same content, sheet, table and wish.
import { grouped } from "../grouped.ts";
import { describeError, SluiceError } from "../errors.ts";
import { importedAlready, nothingToResume } from "./finished.ts";
import type { ImportOptions } from "../options.ts";
import { withCatalogue } from "../plan/catalogue.ts";
import { conflictNow } from "../plan/conflict.ts";
import { otherwise } from "../plan/method.ts";
import type { ChunkState, Claim, Target } from "../target.ts";
import type { Doubt } from "./doubt.ts";
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
  strangersIn,
  type Entry,
  type ImportKey,
  type Look,
  type Totals,
} from "./ledger.ts";
import { revivePlan, schemaHash, wishOf, type Plan, type Wish } from "../plan/plan.ts";
import { inLines } from "../printable.ts";
import { quoteTable } from "../schema/identifiers.ts";
import { badLedger, wishFrom } from "../plan/stored.ts";
import { afterChange, expectSameTable, expectUnloggedRows, rowsMissing } from "./table-shape.ts";
import { isOpen } from "./history.ts";
import { importedBeside, sharesRows } from "./related.ts";
import { expectSound, isOrphaned, orphaned } from "./sound.ts";
import { sessionsOf } from "./schema.ts";
import { strangerWhoOwns } from "./trust.ts";
import { endAndTakeOut } from "./written.ts";

/** An import that this process may work on. */
export interface Job {
  readonly claim: Claim;
  readonly plan: Plan;
  /** The counts of earlier processes. */
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
 * @param wanted the table that the options mean. If the ledger names another one, its owner must be
 *   a user whom this user trusts: anybody who may write to the ledger could have named a table that
 *   has their triggers.
 * @throws SluiceError if there is none, its table is to be confirmed, or (`bad_ledger`) the ledger
 *   contradicts itself; FinishedError if it has finished
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
    if (await isOrphaned(target, id)) throw orphaned(id);
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
  // A user who was told to continue with it may do so twice.
  if (entry.state === "finished") throw await target.patiently(() => nothingToResume(target, entry));
  if (entry.elsewhere !== undefined) throw isElsewhere(entry, entry.elsewhere);
  const why = await whyGone(target, entry);
  if (why !== undefined) throw gone(entry, why);
  await expectSound(target, [entry.id]);
  return entry;
}

function gone({ id, table }: Entry, why = `the table "${table}" that it went into is gone`): SluiceError {
  return new SluiceError(
    "table_gone",
    `the import ${id} cannot go on: ${why}. End it with sluice imports cancel ${id}, and import the file anew.`,
  );
}

function isElsewhere({ id, table, totals }: Entry, elsewhere: string): SluiceError {
  return new SluiceError(
    "table_gone",
    `the import ${id} cannot go on: its table "${table}" is ${inLines(elsewhere)} now, and that name means another table here, or none. ` +
      `${rowsIn(totals.inserted + totals.updated)} put in by it. Let the name mean that table again (its name, the search_path, or the rights), and run the same command. ` +
      `Or end the import, whose rows stay: sluice imports cancel ${id}.`,
  );
}

type Wanted = Wish & Pick<ImportOptions, "schema" | "again">;

/** The ledger's facts about the import that this one would be. */
export interface Found {
  /** The unfinished one. */
  readonly entry: Entry | undefined;
  /** The state that was seen, for {@link beginImport}. */
  readonly seen: Look;
  /** Imports whose rows would go in once more, if no key held them back. */
  readonly doubts: readonly Doubt[];
}

/**
 * Looks for the import that this one would be. Says in the notes what there was before.
 *
 * @throws SluiceError (`unfinished_import`) if rows of another unfinished import of the file would
 *   be in the table twice, or (`bad_ledger`) what the ledger has of it contradicts itself;
 *   FinishedError (`imported_already`) if those of a finished one would
 */
export async function lookFor(
  target: Target,
  key: ImportKey,
  file: string,
  options: Wanted,
  notes: string[],
): Promise<Found> {
  const search: Search = { target, key, file, options, notes, said: [], doubts: [] };
  const { said, doubts } = search;
  const seen = await lookAt(target, key);
  const entries = await findImports(target, key);
  await expectSound(target, inTheirTable(entries));
  const open = entries.filter(isOpen);
  said.push(...notesOfOthers(open, key));
  for (const entry of open) await meetMoved(search, entry);
  for (const entry of open.filter(({ elsewhere }) => elsewhere === undefined)) {
    const next = await meetUnfinished(search, entry);
    if (next === "look again") return lookFor(target, key, file, options, notes);
    if (next === "pass over") continue;
    notes.push(...said);
    return { entry, seen, doubts };
  }
  await meetOtherContents(search);
  const there = await rowsThere(target, entries, options);
  if (there) {
    const changed = there.schemaHash !== schemaHash(options.schema);
    const refuse = (): Promise<Error> => target.patiently(() => importedAlready(target, there, file, changed));
    await refuseUnlessHeld(search, { active: false, refuse });
  }
  const rebuilt = await rebuiltFor(target, entries, options);
  if (rebuilt) {
    const refuse = (): Promise<Error> =>
      target.patiently(() => importedAlready(target, rebuilt.entry, file, false, rebuilt.why));
    await refuseUnlessHeld(search, { active: false, refuse });
  }
  const finished = entries.find(({ state }) => state === "finished");
  if (finished) said.push(await importedBefore(target, finished, wishOf(options)));
  if (!isKeyed(options)) said.push(...(await importedBeside(target, key)));
  notes.push(...said);
  return { entry: undefined, seen, doubts };
}

/** A note about unfinished imports into other tables that have, or had, the name of this one. */
function notesOfOthers(open: readonly Entry[], { table }: ImportKey): string[] {
  const others = open.filter(({ elsewhere }) => elsewhere !== undefined);
  if (others.length === 0) return [];
  const [{ id, elsewhere }] = others as [Entry];
  const more = others.length === 1 ? "" : ` (one of ${others.length} such)`;
  return [
    `import ${id} of this file is not finished; its table is ${inLines(elsewhere!)}, and "${table}" is another one here${more}`,
  ];
}

/**
 * An unfinished import whose table has another name now, while a table that shares rows with it has
 * its name: such as a view that was left there. Rows would come twice.
 */
async function meetMoved(search: Search, entry: Entry): Promise<void> {
  const { target, key } = search;
  const { id, table, elsewhere, active } = entry;
  if (elsewhere === undefined || (takenBy(entry) === 0 && !active)) return;
  if (!(await sharesRows(target, entry, key.table))) return;
  const twice = new SluiceError(
    "unfinished_import",
    `the import ${id} of this file is not finished, and its table "${table}" is ${inLines(elsewhere)} now; "${key.table}" is another one, which shares rows with it. ` +
      `${rowsIn(takenBy(entry))} put in, and would be there twice. Give the table its name again, and run the same command. ` +
      `Or end the import, whose rows stay: sluice imports cancel ${id}. Or import all rows once more: --resume never.`,
  );
  await refuseUnlessHeld(search, { active, refuse: () => twice });
}

/** A look at the ledger, as far as it has come. */
interface Search {
  readonly target: Target;
  readonly key: ImportKey;
  readonly file: string;
  readonly options: Wanted;
  readonly notes: string[];
  /** Notes about imports that are passed over. */
  readonly said: string[];
  readonly doubts: Doubt[];
}

async function refuseUnlessHeld({ options, doubts }: Search, doubt: Doubt): Promise<void> {
  if (!isKeyed(options)) throw await doubt.refuse();
  if (options.mode !== "replace") doubts.push(doubt);
}

/**
 * Decides about an unfinished import of the same content: this import continues it, or passes it
 * over. If it has been cancelled here, the ledger must be looked at again.
 */
async function meetUnfinished(search: Search, entry: Entry): Promise<"continue" | "pass over" | "look again"> {
  const { target, key, options, notes } = search;
  const rebuilt = entry.active ? undefined : await rebuiltWith(target, entry);
  if (rebuilt) {
    const twice = new SluiceError(
      "unfinished_import",
      `the import ${entry.id} of this file is not finished: ${rowsIn(takenBy(entry))} put in by it. But ${rebuilt.why} ` +
        `If they are, take them out, or let a key hold them back: --on-conflict skip --key …. If not, import all rows: --resume never.`,
    );
    await refuseUnlessHeld(search, { active: false, refuse: () => twice });
  }
  // Its name for the table may be a stranger's word, so it is continued only if that is asked
  // for.
  const gone = await whyGone(target, entry);
  if (entry.table !== key.table && gone === undefined)
    throw await (entry.active ? atWork(target, entry) : byAnotherName(target, entry, key.table));
  if (entry.wish !== wishOf(options) && (gone === undefined || entry.active))
    return meetOtherWish(search, entry, gone !== undefined);
  if (gone === undefined) return "continue";
  // With other options it ends here too: once this import has put rows in, nothing tells any more
  // that its own are gone.
  const claim = whenReleased(entry.id) ? undefined : await claimImport(target, entry.id, notes);
  if (!claim) throw await atWork(target, entry);
  await settleImport(target, claim, "cancelled", gone);
  notes.push(`import ${entry.id} of this file was not finished, and ${gone}: it begins anew`);
  return "look again";
}

/** Decides about an unfinished import of the same content with other options. */
async function meetOtherWish(search: Search, entry: Entry, isGone: boolean): Promise<"pass over" | "look again"> {
  const { target, notes, said } = search;
  const { id, active, indexes } = entry;
  const rows = takenBy(entry);
  if (rows > 0 && !isGone) {
    throw new SluiceError(
      "unfinished_import",
      `${rowsIn(rows)} put into the table "${entry.table}" by the import ${id} of this file, which was begun with other options and is not finished. ` +
        `Go on with it: --resume ${id}. ${endAndTakeOut(id, methodOf(entry))}. Or import all rows once more: --resume never.`,
    );
  }
  // Its rows may be on their way, also if the ledger has none of them yet.
  if (active && !isGone)
    await refuseUnlessHeld(search, { active, refuse: () => atWork(target, entry, " with other options") });
  if (!active && indexes.length === 0) {
    // If it went on later, it would put its rows in beside those of this import.
    const claim = whenReleased(id) ? undefined : await claimImport(target, id, notes);
    if (!claim) throw await atWork(target, entry, " with other options");
    await settleImport(target, claim, "cancelled", "the file was imported with other options");
    return "look again";
  }
  said.push(
    `import ${id} of this file was begun with other options and is not finished; sluice imports ${id} shows it`,
  );
  return "pass over";
}

/** Decides about unfinished imports that began when the file held something else. */
async function meetOtherContents(search: Search): Promise<void> {
  const { target, key, file, said } = search;
  const { sheet, table } = key;
  const earlier = await findImports(target, { file, sheet, table });
  await expectSound(target, inTheirTable(earlier));
  for (const entry of earlier) {
    const { id, contentHash } = entry;
    const rows = takenBy(entry);
    if (contentHash === key.contentHash || (rows === 0 && !entry.active) || entry.elsewhere !== undefined) continue;
    const gone = await whyGone(target, entry);
    if (gone !== undefined) {
      const claim = entry.active || whenReleased(id) ? undefined : await claimImport(target, id, said);
      if (claim) await settleImport(target, claim, "cancelled", gone);
      continue;
    }
    if (rows === 0) {
      const running = new SluiceError(
        "import_running",
        `${file} is being imported right now as it was before, as import ${id}, by ${entry.owner}. Rows that are in both would be in the table twice. ` +
          `Wait until it has finished, or end it: sluice imports cancel ${id} --force`,
      );
      await refuseUnlessHeld(search, { active: true, refuse: () => running });
      continue;
    }
    const unfinished = `${rowsIn(rows)} put into the table "${table}" by the import ${id} of ${file}, which held something else then and is not finished`;
    const twice = new SluiceError(
      "unfinished_import",
      `${unfinished}. Rows that are in both would be in the table twice. ${endAndTakeOut(id, methodOf(entry))}. ` +
        `Or let a key decide: --on-conflict skip --key …. Or import all rows beside them: --resume never.`,
    );
    await refuseUnlessHeld(search, { active: entry.active, refuse: () => twice });
    said.push(`${unfinished}; sluice imports cancel ${id} ends it`);
  }
}

/** The ids of imports that can be continued: what is said of them decides where rows go. */
function inTheirTable(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => (isOpen(entry) && entry.sameTable ? [entry.id] : []));
}

/**
 * The finished import for which this one would be refused; changes nothing.
 *
 * @param isHeld reports whether the key holds the rows back that are there
 */
export async function finishedBefore(
  target: Target,
  key: ImportKey,
  options: Wanted,
  isHeld: () => Promise<boolean>,
): Promise<Entry | undefined> {
  const entries = await findImports(target, key);
  const there = (await rowsThere(target, entries, options)) ?? (await rebuiltFor(target, entries, options))?.entry;
  return there && isKeyed(options) && (options.mode === "replace" || (await isHeld())) ? undefined : there;
}

/**
 * The finished import whose rows this one would put in once more. Another schema does not make
 * another import: a user who repairs the schema does not ask for the rows twice.
 */
async function rowsThere(target: Target, entries: readonly Entry[], options: Wanted): Promise<Entry | undefined> {
  if (options.again) return undefined;
  const wish = wishOf(options);
  for (const entry of entries) {
    if (entry.state !== "finished" || entry.wish !== wish) continue;
    // If all were rejected, nothing can be in twice. What was skipped, a trigger may have put
    // elsewhere.
    const { total, rejected } = entry.totals;
    if (total > rejected && (await whyGone(target, entry)) === undefined) return entry;
  }
  return undefined;
}

/** The finished import for which this one is refused, although its table is gone. */
async function rebuiltFor(target: Target, entries: readonly Entry[], options: Wanted): Promise<Rebuilt | undefined> {
  if (options.again) return undefined;
  const wish = wishOf(options);
  for (const entry of entries) {
    if (entry.state !== "finished" || entry.wish !== wish) continue;
    const rebuilt = await rebuiltWith(target, entry);
    if (rebuilt) return rebuilt;
  }
  return undefined;
}

/** An import whose table is gone, and whose rows may be in another one. */
interface Rebuilt {
  readonly entry: Entry;
  /** A sentence for people. */
  readonly why: string;
}

/**
 * An import whose table is gone, if another table has the name now and holds as many rows that no
 * import is known to have put in. Then the table was probably restored, or made anew with its rows.
 */
async function rebuiltWith(target: Target, entry: Entry): Promise<Rebuilt | undefined> {
  const { table, sameTable, elsewhere } = entry;
  if (sameTable || elsewhere !== undefined || takenBy(entry) === 0) return undefined;
  const rows = await strangersIn(target, table);
  if (rows < takenBy(entry)) return undefined;
  const why =
    `the table "${table}" that it went into is gone, and another table has that name. ` +
    `No import is known to have put in ${grouped(rows)} of its rows, so they may be the same ones.`;
  return { entry, why };
}

/** Rows that are there already do not go in once more, if the key holds them back. */
function isKeyed({ mode, onConflict = "error" }: Wanted): boolean {
  return mode === "replace" || onConflict !== "error";
}

/**
 * The rows of an import that the database took. Those that were left out count too, if no key did
 * that: then a trigger did, which may have put them elsewhere, as one does that keeps partitions.
 */
export function takenBy({ id, wish, totals: { inserted, updated, skipped } }: Entry): number {
  return inserted + updated + (wishFrom(wish, id)["onConflict"] === "skip" ? 0 : skipped);
}

async function importedBefore(target: Target, entry: Entry, wish: string): Promise<string> {
  const gone = await whyGone(target, entry);
  const more = gone !== undefined ? `, and ${gone}` : entry.wish !== wish ? ", with other options" : "";
  return `this file was imported before, on ${entry.startedAt}, as import ${entry.id}${more}`;
}

/** The method of an import. */
export function methodOf({ plan }: Entry): Plan["method"] {
  return (JSON.parse(plan) as Plan).method;
}

/**
 * Claims an unfinished import.
 * @throws SluiceError (`import_running`) if another process is at work on it
 */
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
  const conflict = conflictNow(stored.conflict, stored.table, info);
  let plan: Plan = await withCatalogue(target, { ...stored, conflict });
  const claim = await claimImport(target, entry.id, notes);
  if (!claim) throw await atWork(target, entry);
  const chunks = await chunksOf(target, entry.id);
  const before = sum(chunks.values());
  notes.push(`resumed import ${entry.id}: ${rowsIn(before.inserted + before.updated)} in already`);
  const missing = await rowsMissing(target, stored.table, before.inserted);
  if (missing > 0) notes.push(notThere(missing, stored.table));
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

/**
 * The note about rows that were put in and are not in the table any more. They do not go in again:
 * somebody may want that.
 */
function notThere(missing: number, table: string): string {
  return (
    `at least ${grouped(missing)} of the rows that this import had put into the table "${table}" are not there any more: somebody has deleted or moved them. ` +
    "They do not go in again, and the counts have them"
  );
}

/**
 * @throws SluiceError (`table_unconfirmed`) if the table of an import belongs to somebody whom this
 *   user need not trust
 */
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
  const rows = grouped(rowsPerChunk);
  return method === "copy" ? ` in chunks of ${rows} rows` : method === "batch" ? ` with ${rows} rows an INSERT` : "";
}

function rowsIn(n: number): string {
  return n === 1 ? "1 row was" : `${grouped(n)} rows were`;
}

/** The reason why rows that are said to be in the table cannot be there any more. */
export async function whyGone(
  target: Target,
  { id, table, sameTable, elsewhere, totals }: Entry,
): Promise<string | undefined> {
  if (elsewhere !== undefined) return `the table "${table}" that it went into is ${inLines(elsewhere)} now`;
  if (!sameTable) return `the table "${table}" that it went into is gone`;
  if (totals.inserted + totals.updated === 0) return undefined;
  if (!(await holdsRows(target, table)))
    return `the table "${table}" has been emptied since${(await isPartitioned(target, table)) ? ", or its partitions were detached" : ""}`;
  const by = await replacedBy(target, id);
  return by === undefined ? undefined : `its rows in the table "${table}" have been replaced by the import ${by}`;
}

async function isPartitioned(target: Target, table: string): Promise<boolean> {
  const { rows } = await target.query(
    "select (relkind = 'p')::text from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)::oid",
    [quoteTable(table)],
  );
  return rows[0]?.[0] === "true";
}

/** @throws SluiceError if its rows would become something else in the table that is there now */
async function sameTable(target: Target, { id, table, totals }: Entry): Promise<void> {
  try {
    await expectSameTable(target, { id });
    await expectUnloggedRows(target, table, totals);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError(
      describeError(error).code,
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
      `${how}${endAndTakeOut(id, methodOf(entry))}. Or import all rows once more: --resume never.`,
  );
}

async function atWork(target: Target, entry: Entry, how = ""): Promise<SluiceError> {
  return new SluiceError(
    "import_running",
    `this file is being imported right now${how}, as import ${entry.id}, by ${entry.owner}. Wait until it has finished; if that process cannot go on, end it and run this again.` +
      (await sessionsOf(target, entry.id)),
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
