// What the ledger tells people: the imports there have been, how far each is, and how to be rid of one.
import { SluiceError } from "../errors.ts";
import { isDatabaseError } from "../targets/row-fault.ts";
import type { Target } from "../targets/target.ts";
import {
  buildIndex,
  claimImport,
  indexesLeft,
  OWNER,
  reasonsOf,
  settleImport,
  type State,
  type Totals,
} from "./ledger.ts";
import { atWorkSql, hasLedger } from "./schema.ts";
import { indexesFrom } from "./stored.ts";

/** An import in the list. */
export interface Summary extends Totals {
  readonly id: string;
  readonly state: State;
  /** A process is at work on it. */
  readonly active: boolean;
  readonly file: string;
  readonly sheet: string;
  readonly table: string;
  readonly method: string;
  /** ISO 8601, by the database's clock. */
  readonly startedAt: string;
  /** Of the last time that it ended; null while it runs. */
  readonly finishedAt: string | null;
}

/** All there is to know of one import. */
export interface Details extends Summary {
  readonly contentHash: string;
  /** How many processes have had it. */
  readonly epoch: number;
  /** Which one has it, or had it last. */
  readonly owner: string;
  readonly chunks: { readonly begun: number; readonly done: number };
  /** Rejected rows by code. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Index DDL that is left to do. */
  readonly indexes: readonly string[];
  /** Why it failed, or was cancelled. */
  readonly message: string | null;
}

/** The imports of a database, the newest first. */
export async function listImports(target: Target, limit = 100): Promise<Summary[]> {
  if (!(await hasLedger(target))) return [];
  const { rows } = await target.query(`${listSql(target)} order by i.started_at desc limit $1`, [String(limit)]);
  return rows.map(summaryFrom);
}

/** @throws SluiceError (`unknown_import`) where there is none of that id */
export async function importDetails(target: Target, id: string): Promise<Details> {
  const { rows } = (await hasLedger(target))
    ? await target.query(`${listSql(target)} where i.id = $1`, [id])
    : { rows: [] };
  if (!rows[0]) throw unknown(target, id);
  const more = await target.query(
    `select i.content_hash, i.epoch::text, l.owner, i.message, i.indexes::text,
            (select count(*)::text from sluice.chunks where import = i.id),
            (select count(*)::text from sluice.chunks where import = i.id and done = rows)
     from sluice.imports i join sluice.leases l on l.import = i.id where i.id = $1`,
    [id],
  );
  const [contentHash, epoch, owner, message, indexes, begun, done] = more.rows[0]!;
  return {
    ...summaryFrom(rows[0]),
    contentHash: contentHash!,
    epoch: Number(epoch),
    owner: owner!,
    chunks: { begun: Number(begun), done: Number(done) },
    reasons: await reasonsOf(target, id),
    indexes: indexesFrom(indexes!, rows[0][5]!).map(({ ddl }) => ddl),
    message: message ?? null,
  };
}

/**
 * Ends an unfinished import for good: its rows stay, and the indexes that waited for the rest are built.
 *
 * @param forced even where a process is at work on it, which is stopped by that
 * @throws SluiceError where there is none of that id, it has ended, or a process is at work on it
 */
export async function cancelImport(target: Target, id: string, forced = false): Promise<Details> {
  const { state, table } = await importDetails(target, id);
  if (state === "finished" || state === "cancelled")
    throw new SluiceError("import_ended", `the import ${id} is ${state} already.`);
  const claim = await claimImport(target, id, [], forced);
  if (!claim) throw atWork(id, "cancel it");
  const left = await indexesLeft(target, id);
  // What the ledger calls its table may be another one now, or none that indexes belong on.
  const there = left.length > 0 && (await takesIndexes(target, table));
  for (const { spec } of there ? left : []) {
    if (!spec) continue;
    try {
      await buildIndex(target, claim, spec, table);
    } catch (error) {
      // What the database refuses to build stays on the list, and the import ends all the same.
      if (!isDatabaseError(error)) throw error;
    }
  }
  await settleImport(target, claim, "cancelled", "cancelled by request");
  return importDetails(target, id);
}

async function takesIndexes(target: Target, table: string): Promise<boolean> {
  try {
    return (await target.describe(table)) !== undefined;
  } catch (error) {
    if (error instanceof SluiceError && error.code === "table_not_allowed") return false;
    throw error;
  }
}

/** Deletes what the ledger has of an import; the table's rows stay. @throws SluiceError where a process is at work on it */
export async function deleteImport(target: Target, id: string): Promise<void> {
  const { active } = await importDetails(target, id);
  if (active) throw atWork(id, "delete it");
  await erase(target, "i.id = $1", [id]);
}

/** Deletes what the ledger has of imports that ended more than so many days ago; returns how many. Unfinished ones stay. */
export async function pruneImports(target: Target, days: number): Promise<number> {
  if (!(await hasLedger(target))) return 0;
  return erase(
    target,
    "i.state in ('finished', 'cancelled') and i.finished_at < clock_timestamp() - $1::double precision * interval '1 day'",
    [String(days)],
  );
}

async function erase(target: Target, which: string, parameters: readonly string[]): Promise<number> {
  const { rows } = await target.query(
    `with gone as (delete from sluice.imports i where ${which} returning i.id),
          leases as (delete from sluice.leases where import in (select id from gone)),
          chunks as (delete from sluice.chunks where import in (select id from gone)),
          rejects as (delete from sluice.rejects where import in (select id from gone))
     select id from gone`,
    parameters,
  );
  return rows.length;
}

function unknown(target: Target, id: string): SluiceError {
  return new SluiceError(
    "unknown_import",
    `there is no import ${id} in ${target.name}. sluice imports lists those that there are.`,
  );
}

function atWork(id: string, what: string): SluiceError {
  return new SluiceError(
    "import_running",
    `a process is at work on the import ${id} right now. End that process (Ctrl-C), then ${what}${what === "cancel it" ? ", or cancel it with --force" : ""}.`,
  );
}

const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
/** Counts of a running import are those of its chunks. */
const listSql = ({ exclusive }: Target): string => `
  select i.id, i.state,
         (i.state = 'running' and ${atWorkSql(exclusive, OWNER)})::text, i.file, i.sheet, i.target_table, i.method,
         to_char(i.started_at at time zone 'UTC', ${TIME}), to_char(i.finished_at at time zone 'UTC', ${TIME}),
         s.inserted::text, s.updated::text, s.skipped::text, s.rejected::text
  from sluice.imports i join sluice.leases l on l.import = i.id
  cross join lateral (
    select i.inserted, i.updated, i.skipped, i.rejected where i.state <> 'running'
    union all
    select coalesce(sum(c.inserted), 0), coalesce(sum(c.updated), 0), coalesce(sum(c.skipped), 0), coalesce(sum(c.rejected), 0)
    from sluice.chunks c where c.import = i.id having i.state = 'running') s`;

function summaryFrom(row: readonly (string | null)[]): Summary {
  const [id, state, active, file, sheet, table, method, startedAt] = row as string[];
  const [inserted, updated, skipped, rejected] = row.slice(9).map(Number) as [number, number, number, number];
  return {
    id: id!,
    state: state as State,
    active: active === "true",
    file: file!,
    sheet: sheet!,
    table: table!,
    method: method!,
    startedAt: startedAt!,
    finishedAt: row[8] ?? null,
    total: inserted + updated + skipped + rejected,
    inserted,
    updated,
    skipped,
    rejected,
  };
}
