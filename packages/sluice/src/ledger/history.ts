// The history of imports for people: the list, the state of each, and ways to cancel and delete
// them.
import { grouped } from "../grouped.ts";
import { SluiceError } from "../errors.ts";
import { type Target, isDatabaseError } from "../target.ts";
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
import { atWorkSql, hasLedger, sessionsOf } from "./schema.ts";
import { indexesFrom } from "../plan/stored.ts";
import { inLines } from "../printable.ts";

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
  /** The last time that it ended; null while it runs. */
  readonly finishedAt: string | null;
  /** The rows that were taken back out of the table; null if they were not. */
  readonly takenBack: number | null;
}

/** All there is to know of one import. */
export interface Details extends Summary {
  readonly contentHash: string;
  /** The number of processes that have had it. */
  readonly epoch: number;
  /** The process that has it, or had it last. */
  readonly owner: string;
  readonly chunks: { readonly begun: number; readonly done: number };
  /** Rejected rows by code. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Index DDL that is left to do. */
  readonly indexes: readonly string[];
  /** The reason why it failed, or was cancelled. */
  readonly message: string | null;
}

/** The imports of a database, the newest first. */
export async function listImports(target: Target, limit = 100): Promise<Summary[]> {
  if (!(await hasLedger(target))) return [];
  const { rows } = await target.query(`${listSql(target)} order by i.started_at desc limit $1`, [String(limit)]);
  return rows.map(summaryFrom);
}

/** A part of the history: which imports, and where it goes on. */
export interface HistoryQuery {
  /** A part of the id, or of the name of the file, sheet or table. */
  readonly search: string;
  /** The place after which it begins: that of an import, as {@link pageOfHistory} gives it. */
  readonly after: HistoryPlace | undefined;
  readonly limit: number;
}

/** The place of an import in the history, which is sorted by these. */
export interface HistoryPlace {
  /** ISO 8601, in microseconds. */
  readonly at: string;
  readonly id: string;
}

/**
 * The imports after a place, the newest first, each with its place and the reason why it failed or
 * was cancelled.
 */
export async function pageOfHistory(
  target: Target,
  { search, after, limit }: HistoryQuery,
): Promise<{ readonly summary: Summary; readonly place: HistoryPlace; readonly message: string | null }[]> {
  if (!(await hasLedger(target))) return [];
  const { rows } = await target.query(
    `${listSql(target)}
     where strpos(lower(concat_ws(' ', i.id, i.file, i.sheet, i.target_table)), lower($1)) > 0
       and ($2::text is null or (i.started_at, i.id) < ($2::timestamptz, $3))
     order by i.started_at desc, i.id desc limit $4`,
    [search.replaceAll("\0", "\uFFFD"), after?.at ?? null, after?.id ?? "", String(limit)],
  );
  return rows.map((row) => ({
    summary: summaryFrom(row),
    place: { at: row[13]!, id: row[0]! },
    message: row[14] ?? null,
  }));
}

/** @throws SluiceError (`unknown_import`) if there is none of that id */
export async function importDetails(target: Target, id: string): Promise<Details> {
  const { rows } = (await hasLedger(target))
    ? await target.query(`${listSql(target)} where i.id = $1`, [id])
    : { rows: [] };
  if (!rows[0]) throw unknown(target, id);
  const more = await target.query(
    `select i.content_hash, i.epoch::text, coalesce(l.owner, 'nobody'), i.message, i.indexes::text,
            (select count(*)::text from sluice.chunks where import = i.id),
            (select count(*)::text from sluice.chunks where import = i.id and done = rows)
     from sluice.imports i left join sluice.leases l on l.import = i.id where i.id = $1`,
    [id],
  );
  // It may have been deleted meanwhile.
  if (!more.rows[0]) throw unknown(target, id);
  const [contentHash, epoch, owner, message, indexes, begun, done] = more.rows[0];
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
 * Ends an unfinished import for good: its rows stay, and the indexes that waited for the rest are
 * built.
 *
 * @param forced even if a process is at work on it; that process is stopped
 * @throws SluiceError if no import has that id, it has ended, or a process is at work on it
 */
export async function cancelImport(target: Target, id: string, forced = false): Promise<Details> {
  const { state, table } = await importDetails(target, id);
  if (state === "finished" || state === "cancelled")
    throw new SluiceError("import_ended", `the import ${id} is ${state} already.`);
  const claim = await claimImport(target, id, [], forced);
  if (!claim) throw await atWork(target, id, "cancel it");
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

/**
 * Deletes what the ledger has of an import; the table's rows stay.
 *
 * @param forced also an import that has not ended, which nobody can continue then
 * @returns what the ledger had of it
 * @throws SluiceError if a process is at work on it, or (`unfinished_import`) it has not ended
 */
export async function deleteImport(target: Target, id: string, forced = true): Promise<Details> {
  const details = await importDetails(target, id);
  if (details.active) throw await atWork(target, id, "delete it");
  if (!forced && isOpen(details)) throw notEnded(details);
  await erase(target, "i.id = $1", [id]);
  return details;
}

/** Reports whether an import can be continued. */
export function isOpen({ state }: Pick<Summary, "state">): boolean {
  return state === "running" || state === "failed";
}

function notEnded({ id, table, file, inserted, updated, indexes }: Details): SluiceError {
  const rows = inserted + updated;
  const there = rows === 1 ? "1 row of it is" : `${grouped(rows)} rows of it are`;
  const lines = [
    `the import ${id} of ${inLines(file)} is not finished: ${there} in the table "${inLines(table)}" and would stay there. ` +
      `Without its history it cannot go on, and the same command puts in all rows of the file, from the first one on.`,
    ...(indexes.length > 0 ? [`Nobody would build its indexes: ${indexes.map(inLines).join("; ")}`] : []),
    `Go on with it: sluice import FILE --resume ${id}. End it, with its indexes and its history: sluice imports cancel ${id}. Delete it all the same: sluice imports delete ${id} --force`,
  ];
  return new SluiceError("unfinished_import", lines.join("\n"));
}

/**
 * Deletes the ledger's rows of imports that ended more than this number of days ago; returns how
 * many. Unfinished ones stay.
 */
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
          rejects as (delete from sluice.rejects where import in (select id from gone)),
          written as (delete from sluice.written where import in (select id from gone))
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

async function atWork(target: Target, id: string, what: string): Promise<SluiceError> {
  return new SluiceError(
    "import_running",
    `a process is at work on the import ${id} right now. End that process (Ctrl-C), then ${what}${what === "cancel it" ? ", or cancel it with --force" : ""}.` +
      (await sessionsOf(target, id)),
  );
}

const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
const PLACE = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;
/** Counts of a running import are those of its chunks. */
const listSql = ({ exclusive }: Target): string => `
  select i.id, i.state,
         (i.state = 'running' and ${atWorkSql(exclusive, OWNER)})::text, i.file, i.sheet, i.target_table, i.method,
         to_char(i.started_at at time zone 'UTC', ${TIME}), to_char(i.finished_at at time zone 'UTC', ${TIME}),
         s.inserted::text, s.updated::text, s.skipped::text, s.rejected::text,
         to_char(i.started_at at time zone 'UTC', ${PLACE}), i.message, i.taken_back::text
  from sluice.imports i left join sluice.leases l on l.import = i.id
  cross join lateral (
    select i.inserted, i.updated, i.skipped, i.rejected where i.state <> 'running'
    union all
    select coalesce(sum(c.inserted), 0), coalesce(sum(c.updated), 0), coalesce(sum(c.skipped), 0), coalesce(sum(c.rejected), 0)
    from sluice.chunks c where c.import = i.id having i.state = 'running') s`;

function summaryFrom(row: readonly (string | null)[]): Summary {
  const [id, state, active, file, sheet, table, method, startedAt] = row as string[];
  const [inserted, updated, skipped, rejected] = row.slice(9, 13).map(Number) as [number, number, number, number];
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
    takenBack: row[15] ? Number(row[15]) : null,
    total: inserted + updated + skipped + rejected,
    inserted,
    updated,
    skipped,
    rejected,
  };
}
