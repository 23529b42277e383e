// Whether an import begins or goes on: by its id, or by itself where the same content, sheet, table and wish were left unfinished.
import { SluiceError } from "../errors.ts";
import type { ImportOptions } from "../import.ts";
import { conflictNow } from "../conflict.ts";
import { otherwise } from "../method.ts";
import type { ChunkState, Claim, Target } from "../targets/target.ts";
import {
  chunksOf,
  claimImport,
  findImports,
  holdsRows,
  OWNER,
  settleImport,
  storeOtherPlan,
  type Entry,
  type Totals,
} from "./ledger.ts";
import { revivePlan, schemaHash, type Plan } from "./plan.ts";
import { badLedger, visible, wishFrom } from "./stored.ts";
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

/** What makes two imports the same one, but for the options. */
export interface ImportKey {
  readonly contentHash: string;
  readonly sheet: string;
  readonly table: string;
}

/**
 * The unfinished import of that id, of this very content.
 *
 * @param wanted the table that the options mean. Where the ledger says another one, it must belong to somebody whom this user
 *   trusts: whoever may write to the ledger could have named a table with triggers of their own.
 * @throws SluiceError where there is none, or its table is to be confirmed
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
  if (entry.state === "finished" || entry.state === "cancelled") {
    throw new SluiceError(
      "import_ended",
      `the import ${id} is ${entry.state}: there is nothing to resume. Without --resume the file is imported anew.`,
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

/**
 * The unfinished import that this one would be, if there is one; says in the notes what there was before.
 *
 * @param keyed rows that are there already do not go in once more
 * @throws SluiceError (`unfinished_import`) where rows of another unfinished import of the file would be in the table twice
 */
export async function unfinishedImport(
  target: Target,
  wanted: ImportKey & { readonly file: string },
  wish: string,
  keyed: boolean,
  notes: string[],
): Promise<Entry | undefined> {
  const { file, ...key } = wanted;
  const entries = await findImports(target, key);
  // Two imports of one file that this process runs at the same time are meant to be two.
  const open = entries.filter(
    ({ state, active, owner }) => (state === "running" || state === "failed") && !(active && owner === OWNER),
  );
  for (const entry of open) {
    if (entry.wish !== wish) {
      const { id, totals, active, indexes } = entry;
      if (totals.inserted + totals.updated > 0 && (await whyGone(target, entry)) === undefined) {
        throw new SluiceError(
          "unfinished_import",
          `${rowsIn(totals.inserted + totals.updated)} put into the table "${entry.table}" by the import ${id} of this file, which was begun with other options and is not finished. ` +
            `Go on with it: --resume ${id}. End it: sluice imports cancel ${id}. Or import all rows once more: --resume never.`,
        );
      }
      if (!active && indexes.length === 0) continue; // nobody misses it
      notes.push(
        `import ${entry.id} of this file was begun with other options and is not finished; sluice imports ${entry.id} shows it`,
      );
      continue;
    }
    const gone = await whyGone(target, entry);
    if (gone === undefined) return entry;
    const claim = await claimImport(target, entry.id, notes);
    if (!claim) throw atWork(entry);
    await settleImport(target, claim, "cancelled", gone);
    notes.push(`import ${entry.id} of this file was not finished, and ${gone}: it begins anew`);
  }
  const { sheet, table } = key;
  for (const entry of await findImports(target, { file, sheet, table })) {
    const { id, contentHash, totals } = entry;
    const rows = totals.inserted + totals.updated;
    if (contentHash === key.contentHash || rows === 0 || (await whyGone(target, entry)) !== undefined) continue;
    const unfinished = `${rowsIn(rows)} put into the table "${table}" by the import ${id} of ${file}, which held something else then and is not finished`;
    if (!keyed) {
      throw new SluiceError(
        "unfinished_import",
        `${unfinished}. Rows that are in both would be in the table twice. Take those out that must not stay, and end that import: sluice imports cancel ${id}. ` +
          `Or let a key decide: --on-conflict skip --key …. Or import all rows beside them: --resume never.`,
      );
    }
    notes.push(`${unfinished}; sluice imports cancel ${id} ends it`);
  }
  const finished = entries.find(({ state }) => state === "finished");
  if (finished) notes.push(`this file was imported before, on ${finished.startedAt}, as import ${finished.id}`);
  return undefined;
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
  if (stored.table !== entry.table) throw badLedger(entry.id, `its plan is for the table "${visible(stored.table)}"`);
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
    `the ledger says that the import ${id} goes into the table "${visible(table)}", which belongs to the role "${visible(owner)}". ` +
      `Triggers there run with the rights of whoever imports. Where that is the table that you mean, say so: --table ${JSON.stringify(visible(table))}`,
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
async function whyGone(target: Target, { table, sameTable, totals }: Entry): Promise<string | undefined> {
  if (!sameTable) return `the table "${table}" that it went into is gone`;
  if (totals.inserted + totals.updated === 0 || (await holdsRows(target, table))) return undefined;
  return `the table "${table}" has been emptied since`;
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

/** The error for an import that another process has begun since this one looked. */
export async function beingImported(target: Target, key: ImportKey): Promise<SluiceError> {
  const entries = await findImports(target, key);
  return atWork(entries.find(({ state, owner }) => state === "running" && owner !== OWNER) ?? entries[0]!);
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
