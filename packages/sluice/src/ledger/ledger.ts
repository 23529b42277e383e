// An import's entry in the ledger: begun with its table, claimed by one process at a time, closed
// with its counts.
//
// Every statement that changes an entry carries the epoch and does nothing if that is over, so a
// process that was taken for dead can do no harm when it wakes up. `commitChunk` of the target
// writes the chunks; all else is here.
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { quoteLiteral, quoteTable } from "../schema/identifiers.ts";
import { SluiceError } from "../errors.ts";
import type { Reject } from "../reject.ts";
import { rejectFrom } from "./open-rejects.ts";
import type { ChunkState, Claim, Target } from "../target.ts";
import { indexDdl, type IndexSpec } from "../schema/schema.ts";
import { storePlan, type Plan } from "../plan/plan.ts";
import { atWorkSql, BEGUN_ALREADY } from "./schema.ts";
import { inLines } from "../printable.ts";
import { indexesFrom, isId, type IndexLeft } from "../plan/stored.ts";
import { fullNameSql, hidesRowsSql, shapeSql } from "./table-shape.ts";

export type State = "running" | "finished" | "failed" | "cancelled";

/** The facts about an import when it begins. */
export interface Beginning {
  /** The import's id; a random one by default. */
  readonly id?: string | undefined;
  readonly contentHash: string;
  readonly file: string;
  readonly sheet: string;
  readonly plan: Plan;
  readonly wish: string;
  readonly schemaHash: string;
  /** DDL that makes or changes the table, in the transaction that begins the import. */
  readonly ddl: readonly string[];
  /** The indexes to build when the rows are in. */
  readonly indexes: readonly IndexSpec[];
  /** The table that the plan is for; undefined if the DDL makes or changes it. */
  readonly shape: string | undefined;
  /** Refused if other imports of the same have begun or ended since this look; undefined: never. */
  readonly seen: Look | undefined;
}

/** The facts that make two imports the same one, apart from the options. */
export interface ImportKey {
  readonly contentHash: string;
  /** Undefined for delimited text: it has one sheet, whose name is the file's and may change. */
  readonly sheet: string | undefined;
  readonly table: string;
}

/** The imports of a key, as a process saw them. */
export interface Look {
  readonly key: ImportKey;
  /** Stands for all of them and their states; see {@link lookAt}. */
  readonly mark: string;
}

/** An import as the ledger has it. */
export interface Entry {
  readonly id: string;
  readonly state: State;
  readonly contentHash: string;
  readonly file: string;
  readonly sheet: string;
  readonly table: string;
  /** The table is there, and it is the one that the import began with. */
  readonly sameTable: boolean;
  /**
   * The table's current name, if the table exists, but its old name means another table here, or no
   * table: it was renamed, or is in a schema that is not the first here to have such a table.
   */
  readonly elsewhere: string | undefined;
  readonly plan: string;
  readonly wish: string;
  readonly schemaHash: string;
  readonly indexes: readonly IndexLeft[];
  readonly startedAt: string;
  /** The same moment, by the database's clock. */
  readonly begun: Date;
  /** The time from its start to its end; 0 while it runs. */
  readonly milliseconds: number;
  readonly owner: string;
  /** The owner is at work on it. */
  readonly active: boolean;
  readonly totals: Totals;
}

/** `total` is the sum of the other four. */
export interface Totals {
  readonly total: number;
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
}

/** The time for which a process is believed to be alive without a message. */
export const LEASE_MS: number = Number(process.env["SLUICE_LEASE_MS"]) || 30_000;

/**
 * The name of this process, for people and for the lease. Its last part distinguishes two processes
 * with the same number.
 */
export const OWNER: string = `process ${process.pid} on ${hostname()} (${randomBytes(2).toString("hex")})`;

/**
 * No letters that are taken for others. 10 of them: short to type, and a million imports collide
 * once in 10,000 ledgers.
 */
const LETTERS = "23456789abcdefghjkmnpqrstuvwxyz2";

/**
 * Rejects read at a time, at most, and bytes of their cells: a page ends with the reject that
 * reaches them.
 */
const PAGE = 1000;
const PAGE_BYTES = 512 * 1024;
const REJECTS = "sluice.rejects";

/** Whatever runs statements: a target, or a session that is under way. */
type Asked = Pick<Target, "query">;

/**
 * Makes or changes the table and opens the import's entry, in one transaction.
 * @throws an error of code BEGUN_ALREADY, see `seen`
 */
export async function beginImport(target: Target, beginning: Beginning): Promise<Claim> {
  const claim = { id: beginning.id ?? newId(), epoch: 1 };
  const { plan, ddl } = beginning;
  const values = [
    claim.id,
    beginning.contentHash,
    beginning.file.replaceAll("\0", "\uFFFD"),
    beginning.sheet.replaceAll("\0", "\uFFFD"),
    plan.table,
    plan.method,
    storePlan(plan),
    beginning.wish,
    beginning.schemaHash,
    JSON.stringify(beginning.indexes),
  ].map(quoteLiteral);
  const relation = quoteLiteral(quoteTable(plan.table));
  const shape =
    beginning.shape === undefined ? shapeSql(`pg_catalog.to_regclass(${relation})`) : quoteLiteral(beginning.shape);
  await target.query(
    [
      ...(beginning.seen ? guard(beginning.seen) : []),
      ...ddl,
      `insert into sluice.imports (id, content_hash, file, sheet, target_table, method, plan, wish, schema_hash, indexes, state, epoch, table_oid, relation, shape, full_name)
       values (${values.join(", ")}, 'running', 1, pg_catalog.to_regclass(${relation}), ${relation}, ${shape}, ${fullNameSql(`pg_catalog.to_regclass(${relation})`)})`,
      `insert into sluice.leases values (${quoteLiteral(claim.id)}, 1, ${quoteLiteral(OWNER)}, ${leaseEnd()})`,
    ].join(";\n"),
    undefined,
    claim,
  );
  return claim;
}

/**
 * Looks at the imports of a key. What is decided by looking further holds only while this look
 * does: the mark must be taken first, and {@link beginImport} compares it.
 */
export async function lookAt(target: Target, key: ImportKey): Promise<Look> {
  const { rows } = await target.query(markSql(key));
  return { key, mark: rows[0]![0]! };
}

/**
 * Begins one at a time the imports of a content and table. The one that comes later finds another
 * mark, even if the earlier one has finished by then, or its process is frozen and its lease over.
 */
function guard({ key, mark }: Look): string[] {
  const body = `begin
    if (${markSql(key)}) <> ${quoteLiteral(mark)}
    then raise exception 'the same import has been begun meanwhile' using errcode = '${BEGUN_ALREADY}';
    end if;
  end`;
  return [
    // Of the content alone: a table has more than one name, with its schema and without.
    contentLock(key.contentHash),
    `do ${quoteLiteral(body)}`,
  ];
}

/** SQL of the lock under which imports of a content begin, until the transaction ends. */
export function contentLock(contentHash: string): string {
  return `select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${quoteLiteral(`sluice ${contentHash}`)}, 0))`;
}

/**
 * A number for all imports of a key and their states. One that was cancelled is in nobody's way.
 */
function markSql({ contentHash, sheet, table }: ImportKey): string {
  const one = [
    `content_hash = ${quoteLiteral(contentHash)}`,
    intoSql(quoteLiteral(table), quoteLiteral(quoteTable(table))),
  ];
  if (sheet !== undefined) one.push(`sheet = ${quoteLiteral(sheet.replaceAll("\0", "\uFFFD"))}`);
  return `select pg_catalog.hashtextextended(coalesce(pg_catalog.string_agg(id || ' ' || state, ',' order by id), ''), 0)::text
          from sluice.imports where ${one.join(" and ")} and state <> 'cancelled'`;
}

/**
 * The condition, as SQL, that an import went into a table: by the name that it was given then, or
 * by another name of the same table.
 */
function intoSql(name: string, relation: string): string {
  return `(target_table = ${name} or table_oid = pg_catalog.to_regclass(${relation})::oid)`;
}

/**
 * Takes an import over from the process that had it: undefined if another process is at work on it.
 * Ends what that process may have left open in the database.
 *
 * @param forced even if its holder is at work
 */
export async function claimImport(
  target: Target,
  id: string,
  notes: string[],
  forced = false,
): Promise<Claim | undefined> {
  const { rows } = await target.query("select sluice.claim($1, $2, $3, $4, $5)::text", [
    id,
    OWNER,
    String(LEASE_MS),
    String(forced),
    String(target.exclusive),
  ]);
  const epoch = rows[0]?.[0] ?? null;
  if (epoch === null) return undefined;
  const claim = { id, epoch: Number(epoch) };
  if (target.exclusive) return claim;
  try {
    // The connection that asks has the new epoch's name.
    await target.query(
      `select pg_catalog.pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database()
         and case when application_name ~ '^sluice [^ ]+ [0-9]{1,9}$' and split_part(application_name, ' ', 2) = $1
             then split_part(application_name, ' ', 3)::integer < $2::integer end`,
      [id, epoch],
      claim,
    );
  } catch (error) {
    notes.push(
      `connections of the process that had this import before cannot be ended by this user (${(error as Error).message}); rows that they hold are waited for`,
    );
  }
  return claim;
}

/** Stores another plan for an import of which no chunk has been begun. */
export async function storeOtherPlan(target: Target, { id, epoch }: Claim, plan: Plan): Promise<void> {
  await target.query("update sluice.imports set plan = $3::json, method = $4 where id = $1 and epoch = $2", [
    id,
    String(epoch),
    storePlan(plan),
    plan.method,
  ]);
}

/**
 * Says that this process is alive. Returns false if the import belongs to another process by now.
 */
export async function renewLease(target: Target, claim: Claim): Promise<boolean> {
  const { count } = await target.query(
    `update sluice.leases set expires_at = ${leaseEnd()} where import = $1 and epoch = $2`,
    [claim.id, String(claim.epoch)],
    claim,
  );
  return count === 1;
}

/**
 * Gives the import back, with its counts: ended, or (`running`, `failed`) for anybody to continue
 * with. Idempotent. An import that has failed takes no later step of a chunk until it is claimed: a
 * session that its process has lost may still be on its way.
 *
 * @param records how many records the ledger must count; otherwise nothing is changed but the
 *   lease, which is over
 * @param atLeast counts that the ledger had once: they stay if it has fewer now, so that it goes on
 *   to contradict itself
 * @returns the counts, of earlier processes too; undefined if another process has taken the import
 *   over, or the counts differ
 */
export async function settleImport(
  target: Target,
  claim: Claim,
  state: State,
  message: string | null = null,
  records: number | null = null,
  atLeast?: Totals,
): Promise<Totals | undefined> {
  const { rows } = await target.query(
    `with released as (update sluice.leases set expires_at = '-infinity' where import = $1 and epoch = $2 returning 1),
          halted as (update sluice.chunks set epoch = 0 where import = $1 and done < rows and $3 = 'failed' and exists (select from released)),
          sums as (select ${COUNTS.map((count, n) => `greatest(c.${count}, $${n + 6}::bigint) as ${count}`).join(", ")}
                   from (${SUMS} where import = $1) c)
     update sluice.imports i
     set state = $3, message = $4, finished_at = case when $3 = 'running' then null else clock_timestamp() end,
         total = s.total, inserted = s.inserted, updated = s.updated, skipped = s.skipped, rejected = s.rejected
     from sums s
     where i.id = $1 and i.epoch = $2 and i.state in ('running', $3) and exists (select from released)
       and s.total = coalesce($5::bigint, s.total)
     returning ${TOTALS}`,
    [
      claim.id,
      String(claim.epoch),
      state,
      message?.replaceAll("\0", "\uFFFD") ?? null,
      records === null ? null : String(records),
      ...COUNTS.map((count) => (atLeast ? String(atLeast[count]) : null)),
    ],
  );
  return rows[0] && totalsFrom(rows[0]);
}

/** The ledger's counts of a running import; undefined if another process has taken it over. */
export async function countsOf(target: Target, { id, epoch }: Claim): Promise<Totals | undefined> {
  const { rows } = await target.query(
    `select ${TOTALS} from sluice.imports i cross join lateral (${SUMS} where import = i.id) s
     where i.id = $1 and i.epoch = $2 and i.state = 'running'`,
    [id, String(epoch)],
  );
  return rows[0] && totalsFrom(rows[0]);
}

/** Reports whether the ledger has an import of that content, into any table. */
export async function knowsContent(target: Pick<Target, "query">, contentHash: string): Promise<boolean> {
  const { rows } = await target.query("select exists (select from sluice.imports where content_hash = $1)::text", [
    contentHash,
  ]);
  return rows[0]![0] === "true";
}

/** The imports to find: the one of an id, or those of a sheet into a table. */
type Wanted = { readonly id: string } | ImportKey | (Omit<ImportKey, "contentHash"> & { readonly file: string });

/**
 * The import of an id, or those of a sheet into a table: by the file's content, or the unfinished
 * ones by its name. The newest first.
 */
export async function findImports(target: Target, wanted: Wanted): Promise<Entry[]> {
  const { where, parameters, first } = conditionOf(wanted);
  const { rows } = await target.query(
    `select i.id, i.state, i.content_hash, i.file, i.sheet, i.target_table, i.plan::text, i.wish, i.schema_hash, i.indexes::text,
            to_char(i.started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), coalesce(l.owner, 'nobody'), i.table_oid::text,
            ${atWorkSql(target.exclusive, OWNER)}::text, ${TOTALS},
            (1000::numeric * extract(epoch from i.finished_at - i.started_at))::bigint::text,
            (1000::numeric * extract(epoch from i.started_at))::bigint::text
     from sluice.imports i left join sluice.leases l on l.import = i.id
     -- A finished import has its counts, also if its chunks were deleted.
     cross join lateral (select i.total, i.inserted, i.updated, i.skipped, i.rejected where i.state = 'finished'
                         union all ${SUMS} where import = i.id having i.state <> 'finished') s
     where ${where} order by ${first}i.started_at desc limit 100`,
    parameters,
  );
  if (rows.length === 0) return [];
  // All of them went into one table, or into tables of one name: what has it now?
  const name = "id" in wanted ? rows[0]![5]! : wanted.table;
  const named = await target.query(
    `select pg_catalog.to_regclass($1)::oid::text, null union all
     select c.oid::text, c.oid::regclass::text from pg_catalog.pg_class c where c.oid = any ($2::oid[]) and c.relkind in ('r', 'p', 'v', 'f', 'm')`,
    [quoteTable(name), `{${[...new Set(rows.flatMap((row) => row[12] ?? []))].join(",")}}`],
  );
  const now = named.rows.find(([, its]) => its === null)?.[0] ?? null;
  const nameOf = new Map(named.rows.filter(([, its]) => its !== null) as [oid: string, name: string][]);
  // Ids are part of commands that people are told to run, so an id that this program did not give
  // does not count.
  return rows.filter((row) => isId(row[0]!)).map((row) => entryOf(row, now, nameOf));
}

/** The condition that finds imports, its parameters, and the order before that by time. */
function conditionOf(wanted: Wanted): {
  readonly where: string;
  readonly parameters: (string | null)[];
  readonly first: string;
} {
  if ("id" in wanted) return { where: "i.id = $1", parameters: [wanted.id], first: "" };
  const { sheet, table } = wanted;
  const [file, is] =
    "file" in wanted
      ? [wanted.file, "i.state in ('running', 'failed') and i.file = $1"]
      : [wanted.contentHash, "i.content_hash = $1"];
  return {
    where: `${is} and i.sheet = coalesce($2, i.sheet) and ${intoSql("$3", "$4")}`,
    parameters: [file, sheet, table, quoteTable(table)].map((text) => text?.replaceAll("\0", "\uFFFD") ?? null),
    // Those of the very table come first: tables of one name may be in many schemas.
    first: "coalesce(i.table_oid = pg_catalog.to_regclass($4)::oid, false) desc, ",
  };
}

/**
 * An entry from a row that findImports selects.
 *
 * @param now the oid of the table that has the name now
 * @param nameOf the names of tables that are there, by their oids
 */
function entryOf(row: readonly (string | null)[], now: string | null, nameOf: ReadonlyMap<string, string>): Entry {
  const [id, state, contentHash, file, sheet, table, plan, wish, schemaHash, indexes, startedAt, owner, oid, active] =
    row as string[];
  return {
    id: id!,
    state: state as State,
    contentHash: contentHash!,
    file: inLines(file!),
    sheet: sheet!,
    table: table!,
    sameTable: oid !== null && now === oid,
    elsewhere: now === oid ? undefined : nameOf.get(oid!),
    plan: plan!,
    wish: wish!,
    schemaHash: schemaHash!,
    indexes: indexesFrom(indexes!, table!),
    startedAt: startedAt!,
    milliseconds: Number(row[19] ?? 0),
    begun: new Date(Number(row[20])),
    owner: inLines(owner!),
    active: active === "true",
    totals: totalsFrom(row.slice(14, 19)),
  };
}

/**
 * The number of rows of a table that no import into it is known to have put in: those of a table
 * that was restored, or made anew, in the place of another one. It is 0 if this user may not look.
 */
export async function strangersIn(target: Target, table: string): Promise<number> {
  try {
    const { rows } = await target.query(
      `select ((select count(*) from ${quoteTable(table)})
               - (select coalesce(sum(s.inserted), 0) from sluice.imports i
                  -- A finished import has its counts, also if its chunks were deleted.
                  cross join lateral (select i.inserted where i.state = 'finished'
                                      union all select c.inserted from sluice.chunks c where c.import = i.id and i.state <> 'finished') s
                  where i.table_oid = pg_catalog.to_regclass($1)::oid))::text`,
      [quoteTable(table)],
    );
    return Math.max(0, Number(rows[0]![0]));
  } catch {
    return 0;
  }
}

/** Reports whether rows that an import put in can still be in its table. */
export async function holdsRows(target: Target, table: string): Promise<boolean> {
  try {
    const { rows } = await target.query(
      `select (exists (select from ${quoteTable(table)}) or ${hidesRowsSql("$1")})::text`,
      [quoteTable(table)],
    );
    return rows[0]![0] === "true";
  } catch {
    return true; // who may only insert cannot look
  }
}

/** The import that has deleted the table's rows since this one put its last ones in. */
export async function replacedBy(target: Target, id: string): Promise<string | undefined> {
  const { rows } = await target.query(
    `select r.id from sluice.imports i join sluice.imports r using (table_oid)
     where i.id = $1 and r.id <> i.id and r.state = 'finished' and r.plan->>'replace' = 'true'
       and r.started_at > (select max(committed_at) from sluice.chunks where import = i.id)
     order by r.started_at limit 1`,
    [id],
  );
  return rows[0]?.[0] ?? undefined;
}

/**
 * Makes sure that no other process puts rows into a table chunk by chunk, before rows of it are
 * deleted: a part of that import's rows would go, and it would count all of them.
 *
 * @param asked asks in the transaction of the import `id`
 * @throws SluiceError (`import_running`)
 */
export async function expectAlone(asked: Asked, table: string, id: string, exclusive: boolean): Promise<void> {
  const { rows } = await asked.query(
    `select i.id, l.owner from sluice.imports i join sluice.leases l on l.import = i.id
     where i.table_oid = pg_catalog.to_regclass($1)::oid and i.id <> $2 and i.state = 'running'
       and i.plan->>'atomic' is distinct from 'true' and ${atWorkSql(exclusive, OWNER)} limit 1`,
    [quoteTable(table), id],
  );
  const [other, owner] = rows[0] ?? [];
  if (!other || !isId(other)) return;
  throw new SluiceError(
    "import_running",
    `the import ${other} is putting rows into the table "${table}" right now, by ${owner!}, and --replace would delete a part of them. ` +
      `Wait until it has finished, or end it: sluice imports cancel ${other} --force.`,
  );
}

/** The chunks that have been begun, by number. */
export async function chunksOf(target: Target, id: string): Promise<Map<number, ChunkState>> {
  const { rows } = await target.query(
    "select n, rows, done, inserted, updated, skipped, rejected from sluice.chunks where import = $1",
    [id],
  );
  return new Map(rows.map(([n, ...numbers]) => [Number(n), chunkStateFrom(numbers)]));
}

/**
 * A chunk's state from its columns in the ledger: rows, done, inserted, updated, skipped, rejected.
 */
export function chunkStateFrom(columns: readonly (string | null)[]): ChunkState {
  const [rows, done, inserted, updated, skipped, rejected] = columns.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { rows, done, inserted, updated, skipped, rejected };
}

/** The number of rejected rows for each reason, the most frequent first. */
export async function reasonsOf(target: Asked, id: string, table: string = REJECTS): Promise<Record<string, number>> {
  const { rows } = await target.query(
    `select code, count(*)::text from ${table} where import = $1 group by 1 order by count(*) desc, 1`,
    [id],
  );
  return Object.fromEntries(rows.map(([code, n]) => [code!, Number(n)]));
}

/**
 * An import's rejects in the sheet's order, some hundred at a time, and fewer if their cells are
 * long.
 */
export async function* rejectsOf(
  target: Asked,
  id: string,
  names: { readonly file: string; readonly sheet: string },
  table: string = REJECTS,
): AsyncGenerator<Reject[]> {
  for (let [last, stretch] = [0, PAGE]; ;) {
    // A stretch of the sheet a time, from the next reject on: a limit alone would make a server
    // that knows nothing of a table just filled sort all that is left of it for every page. Such a
    // server would also look for the next reject again for each row that it joins with it; as a
    // value, it is looked for once.
    const { rows } = await target.query(
      `with next as materialized (select row_number as first from ${table} where import = $1 and row_number > $2 order by row_number limit 1)
       select row_number::text, column_name, value, code, reason, cells::text, (before + size)::text
       from (select r.*, size, coalesce(sum(size) over (order by row_number rows between unbounded preceding and 1 preceding), 0) as before
             from ${table} r cross join lateral (select octet_length(cells::text) as size) s
             where import = $1 and row_number >= (select first from next) and row_number < (select first from next) + $3::integer) page
       where before < ${PAGE_BYTES} order by page.row_number`,
      [id, String(last), String(stretch)],
    );
    const page = rows.map((row): Reject => ({ ...names, ...rejectFrom(row) }));
    if (page.length === 0) return;
    const upto = Number(rows.at(-1)![6]);
    // What outlives a page by a moment keeps its rows from the garbage collector's first look: 60
    // MB of them.
    (rows as unknown[]).length = 0;
    yield page;
    last = page.at(-1)!.row;
    // The server reads the cells of a whole stretch to know their sizes: not far more of them than
    // fit.
    const full = upto >= PAGE_BYTES;
    stretch = Math.min(PAGE, 2 * (full ? last - page[0]!.row + 1 : stretch));
  }
}

/** The indexes that are left to build. */
export async function indexesLeft(target: Target, id: string): Promise<IndexLeft[]> {
  const { rows } = await target.query("select indexes::text, target_table from sluice.imports where id = $1", [id]);
  return rows[0] ? indexesFrom(rows[0][0]!, rows[0][1]!) : [];
}

/**
 * Builds one index and takes it off the list, both or neither.
 *
 * @param table the table of the index, one that {@link Target.describe} has let pass
 */
export async function buildIndex(target: Target, claim: Claim, spec: IndexSpec, table: string): Promise<void> {
  const done = quoteLiteral(JSON.stringify(spec));
  await target.query(
    `${indexDdl(spec, table)};
     update sluice.imports set indexes = (
       select coalesce(pg_catalog.json_agg(x.spec), '[]') from pg_catalog.json_array_elements(indexes) as x (spec)
       where x.spec::jsonb <> ${done}::jsonb)
     where id = ${quoteLiteral(claim.id)} and epoch = ${claim.epoch}`,
  );
}

/** The error for a process that has lost its import to another one. */
export async function takenOver(target: Asked, claim: Claim): Promise<SluiceError> {
  const found = await target
    .query(
      `select i.state, l.owner, i.epoch::text from sluice.imports i left join sluice.leases l on l.import = i.id where i.id = $1`,
      [claim.id],
    )
    .catch(() => undefined);
  const [state, owner, epoch] = found?.rows[0] ?? [];
  const by = !owner || epoch === String(claim.epoch) ? "" : `: ${owner}`;
  const what = state === "cancelled" ? "was cancelled by" : "was taken over by";
  return new SluiceError(
    "taken_over",
    `this import ${what} another process${by}; nothing of what was in flight here has been kept. How far it is: sluice imports ${claim.id}`,
  );
}

const SUMS = `select coalesce(sum(inserted + updated + skipped + rejected), 0) as total, coalesce(sum(inserted), 0) as inserted,
  coalesce(sum(updated), 0) as updated, coalesce(sum(skipped), 0) as skipped, coalesce(sum(rejected), 0) as rejected from sluice.chunks`;
const COUNTS = ["total", "inserted", "updated", "skipped", "rejected"] as const;
const TOTALS = "s.total::text, s.inserted::text, s.updated::text, s.skipped::text, s.rejected::text";

function totalsFrom(row: readonly (string | null)[]): Totals {
  const [total, inserted, updated, skipped, rejected] = row.map(Number) as [number, number, number, number, number];
  return { total, inserted, updated, skipped, rejected };
}

function leaseEnd(): string {
  return `clock_timestamp() + interval '${LEASE_MS} milliseconds'`;
}

/** A new import's id. */
export function newId(): string {
  return Array.from(randomBytes(10), (byte) => LETTERS[byte & 31]).join("");
}
