// The ledger's tables and functions, in the schema `sluice` of the database that the rows go to.
//
// What must hold: the rows of a chunk, its rejects, its counts and its place in `chunks` are one
// transaction, and that transaction commits only while the process still holds the import's epoch.
// `claim` is the only way to a new epoch, `commit_rows` the only way to write progress. Leases have
// a separate table, so that renewing one never waits for a chunk's commit. Time is the database's:
// no clock of a client counts.
import { eventTriggerAdvice } from "../plan/event-trigger.ts";
import { SluiceError } from "../errors.ts";
import { quoteLiteral } from "../schema/identifiers.ts";
import type { QueryResult, Target } from "../target.ts";
import { MADE_DDL } from "./made.ts";
import { adoptRestored } from "./restored.ts";
import { fullNameSql, shapeSql } from "./table-shape.ts";
import { checkLedger } from "./trust.ts";
import { WRITTEN_DDL } from "./written.ts";

/**
 * The version of the statements below. A change that they do not make by themselves needs a step in
 * {@link MIGRATIONS}.
 */
export const LEDGER_VERSION = 5;

/** Another process has the import, or it has ended. */
export const TAKEN_OVER = "SLU01";
/**
 * The chunk is not as far as this process believed: one of its earlier attempts has been committed
 * after all.
 */
export const OUT_OF_STEP = "SLU02";
/** Another process has begun the same import meanwhile. */
export const BEGUN_ALREADY = "SLU03";
/** The table is not what it was when the import was planned. */
export const OTHER_TABLE = "SLU04";

/** The first number of the lock under which a sequence is moved; the second is the sequence's. */
const MOVE_LOCK = 7_358_250;
/** Values of a sequence that are passed one by one. */
const SHORT_WAY = 1000;

/** Two that install at the same time do it one after the other. */
const INSTALL_LOCK = 7_358_249;

/** The condition that the process of the lease `l` has a connection to this database. */
const CONNECTED = `exists (select from pg_stat_activity a where a.datname = current_database()
                          and a.application_name = pg_catalog.format('sluice %s %s', l.import, l.epoch))`;

/**
 * Says which sessions of the server work for an import: they may outlive their process, if the
 * server does not know yet that it is gone. Empty if none does, or this user may not see it.
 */
export async function sessionsOf(target: Pick<Target, "query">, id: string): Promise<string> {
  const asked = target.query(
    `select a.pid::text from pg_stat_activity a join sluice.leases l on l.import = $1
     where a.datname = current_database() and a.application_name = pg_catalog.format('sluice %s %s', l.import, l.epoch) order by 1`,
    [id],
  );
  const { rows } = await asked.catch(() => ({ rows: [] }));
  if (rows.length === 0) return "";
  const calls = rows.map(([pid]) => `pg_terminate_backend(${pid!})`).join(", ");
  return ` If it is dead already, end what it left open in the database: select ${calls}.`;
}

/**
 * The condition, as SQL, that a process is at work on the import of the lease `l`. The lease lasts,
 * and its holder is this process or one that is connected. If only one process at a time can have
 * the database, no other process can be connected.
 */
export function atWorkSql(exclusive: boolean, owner: string): string {
  const holder = `l.owner = ${quoteLiteral(owner)}`;
  return `(l.expires_at > clock_timestamp() and ${exclusive ? holder : `(${holder} or ${CONNECTED})`})`;
}

/**
 * The place of the ledger's tables, as SQL: their OIDs. A copy of the database's files,
 * `pg_upgrade` and a replica keep them. A dump that is restored does not: it makes the tables in
 * the order of their names, and they were not made in that order. Only a second dump, of a database
 * that a dump made, may come to the same OIDs in another cluster. So the cluster belongs to it.
 */
const PLACE = `(select pg_catalog.string_agg(c.oid::text, ' ' order by c.relname) from pg_catalog.pg_class c
  where c.relnamespace = 'sluice'::pg_catalog.regnamespace and c.relkind = 'r')`;
/** The identifier of the cluster as a part of the place, as SQL. Some servers do not tell it. */
const CLUSTER = "(select ' @' || system_identifier from pg_catalog.pg_control_system())";

/** Idempotent: run as often as one likes. */
export const LEDGER_DDL: string = `-- The ledger of sluice, version ${LEDGER_VERSION}.
select pg_catalog.pg_advisory_xact_lock(${INSTALL_LOCK});
create schema if not exists sluice;
create table if not exists sluice.ledger (version integer not null);
-- The OIDs of these tables: others in a database that a dump was restored into.
alter table sluice.ledger add column if not exists place text;
insert into sluice.ledger select ${LEDGER_VERSION} where not exists (select from sluice.ledger);
-- It has no key; a publication of all tables refuses updates of such a table without this.
alter table sluice.ledger replica identity full;

-- One row an import; \`plan\` and \`wish\` are what a resume goes by. All of it is data: nothing that stands here is ever run as SQL.
create table if not exists sluice.imports (
  id text primary key,
  content_hash text not null,
  file text not null,
  sheet text not null,
  target_table text not null,
  table_oid oid,
  -- The table's name as SQL, and what it was when the import was planned.
  relation text,
  shape text,
  method text not null,
  plan json not null,
  wish text not null,
  schema_hash text not null,
  state text not null check (state in ('running', 'finished', 'failed', 'cancelled')),
  epoch integer not null,
  indexes json not null,
  total bigint not null default 0,
  inserted bigint not null default 0,
  updated bigint not null default 0,
  skipped bigint not null default 0,
  rejected bigint not null default 0,
  message text,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
-- The table's name with its schema: \`table_oid\` says nothing in a database that a dump was restored into.
alter table sluice.imports add column if not exists full_name text;
create index if not exists imports_by_content on sluice.imports (content_hash, started_at);

-- Who works on an import, and until when the others believe it.
create table if not exists sluice.leases (
  import text primary key,
  epoch integer not null,
  owner text not null,
  expires_at timestamptz not null
);

-- One row a chunk that has been begun: \`done\` of its \`rows\` are settled.
create table if not exists sluice.chunks (
  import text not null,
  n integer not null,
  epoch integer not null,
  rows integer not null,
  done integer not null,
  inserted integer not null,
  updated integer not null,
  skipped integer not null,
  rejected integer not null,
  committed_at timestamptz not null default clock_timestamp(),
  primary key (import, n)
);

-- One row a rejected row; \`cells\` are its cells as the sheet holds them, from column A on.
create table if not exists sluice.rejects (
  import text not null,
  row_number integer not null,
  column_name text,
  value text,
  code text not null,
  reason text not null,
  cells json not null,
  primary key (import, row_number)
);
${MADE_DDL}${WRITTEN_DDL}
update sluice.ledger set place = ${PLACE} where place is null;

-- A new epoch for who may have one: the lease is over, its holder is gone, or \`forced\`. NULL where somebody else is at work.
create or replace function sluice.claim(of_import text, new_owner text, milliseconds integer, forced boolean, exclusive boolean)
returns integer language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  mine integer;
begin
  -- A lease that somebody has lost is over.
  insert into sluice.leases select i.id, i.epoch, '', '-infinity' from sluice.imports i where i.id = of_import on conflict do nothing;
  update sluice.leases l
  set epoch = l.epoch + 1, owner = new_owner, expires_at = clock_timestamp() + milliseconds * interval '1 millisecond'
  where l.import = of_import
    and (forced or l.expires_at <= clock_timestamp()
      or case when exclusive then l.owner <> new_owner
         else not ${CONNECTED} end)
  returning l.epoch into mine;
  if mine is null then
    return null;
  end if;
  update sluice.imports set epoch = mine, state = 'running' where id = of_import and state in ('running', 'failed');
  if not found then
    raise exception 'the import % has ended', of_import using errcode = '${TAKEN_OVER}';
  end if;
  update sluice.chunks set epoch = mine where import = of_import and done < rows;
  return mine;
end $$;

-- Progress of chunk n from row \`at\` to row \`upto\`, in the transaction that loads those rows and so holds a lock on their table.
-- Raises if the epoch is over, or if the table is another. \`target\` is what the import's name for its table means to the session, whose
-- \`search_path\` this function does not see.
create or replace function sluice.commit_rows(of_import text, mine integer, chunk integer, of_rows integer, at integer, upto integer,
                                              add_inserted integer, add_updated integer, add_skipped integer, add_rejected integer,
                                              target oid)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if at = 0 then
    perform from sluice.imports where id = of_import and epoch = mine and state = 'running' for share;
    if not found then
      raise exception 'the import % has been taken over', of_import using errcode = '${TAKEN_OVER}';
    end if;
    insert into sluice.chunks values (of_import, chunk, mine, of_rows, upto, add_inserted, add_updated, add_skipped, add_rejected)
    on conflict do nothing;
    if not found then
      raise exception 'chunk % of the import % is in already', chunk, of_import using errcode = '${OUT_OF_STEP}';
    end if;
  else
    update sluice.chunks
    set done = upto, inserted = inserted + add_inserted, updated = updated + add_updated, skipped = skipped + add_skipped,
        rejected = rejected + add_rejected, committed_at = clock_timestamp()
    where import = of_import and n = chunk and epoch = mine and done = at;
    if not found then
      perform from sluice.imports where id = of_import and epoch = mine and state = 'running';
      if not found then
        raise exception 'the import % has been taken over', of_import using errcode = '${TAKEN_OVER}';
      end if;
      raise exception 'chunk % of the import % is farther already', chunk, of_import using errcode = '${OUT_OF_STEP}';
    end if;
  end if;
  perform from sluice.imports i where i.id = of_import and i.shape is distinct from ${shapeSql("target")} and i.shape is not null;
  if found then
    raise exception 'the table of the import % is not what it was', of_import using errcode = '${OTHER_TABLE}';
  end if;
end $$;

-- Moves a sequence so far that it will not give \`reached\` any more: forwards only. Of two imports one waits for the other. An
-- application's \`nextval\` waits for nobody. So short ways are gone by \`nextval\` itself, and a long way by \`setval\`: for that to
-- lead back, others would have to take ${SHORT_WAY} values between one statement and the next.
create or replace function sluice.move_sequence(of_sequence regclass, reached bigint)
returns void language plpgsql strict set search_path = pg_catalog, pg_temp as $$
declare
  at record;
  steps numeric;
begin
  perform pg_advisory_xact_lock(${MOVE_LOCK}, of_sequence::oid::integer);
  execute format(
    'select case when s.is_called then s.last_value::numeric else s.last_value::numeric - q.seqincrement end as given, q.*
     from %s s, pg_sequence q where q.seqrelid = $1', of_sequence) into at using of_sequence;
  steps := floor((reached - at.given) / at.seqincrement);
  if steps <= 0 or reached not between at.seqmin and at.seqmax then
    return;
  elsif steps > ${SHORT_WAY} then
    perform setval(of_sequence, (at.given + steps * at.seqincrement)::bigint);
  else
    perform nextval(of_sequence) from generate_series(1, steps);
  end if;
end $$;
`;

/** The grants for other users who import, for `--print-sql`. */
export const GRANTS_HINT = `
-- For each role that imports:
-- grant usage on schema sluice to ROLE;
-- grant select, insert, update, delete on all tables in schema sluice to ROLE;
`;

/**
 * The statements of step n take a ledger of version n + 1 to the next; run in one transaction with
 * the new version's number.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    // `indexes` holds what indexes are made of. The SQL that version 1 stored there stays as it is:
    // it is shown, and never run.
    "comment on column sluice.imports.indexes is 'what is left to build: name and columns; a text is a statement of version 1, never run'",
    "alter table sluice.imports add column if not exists relation text, add column if not exists shape text",
    "drop function if exists sluice.commit_rows(text, integer, integer, integer, integer, integer, integer, integer, integer, integer)",
  ],
  [], // sluice.move_sequence is new
  [
    "alter table sluice.imports add column if not exists full_name text",
    `update sluice.imports i set full_name = ${fullNameSql("i.table_oid")} where full_name is null`,
  ],
  [], // sluice.written is new
];

/**
 * Makes the ledger if it is missing, and brings an older one up to date.
 *
 * @throws SluiceError if that cannot be
 */
export async function ensureLedger(target: Target): Promise<void> {
  await checkLedger(target);
  const { version, restored, cluster, unplaced } = await versionOf(target);
  const place = `${PLACE} || ${quoteLiteral(cluster)}`;
  if (version === LEDGER_VERSION) {
    if (restored) await adoptRestored(target, place, INSTALL_LOCK);
    // Made by an earlier program, or from printed statements. A user may lack the right to say so.
    else if (unplaced) await target.query(`update sluice.ledger set place = ${place}`).catch(() => undefined);
    return;
  }
  if (version !== undefined && version > LEDGER_VERSION) {
    throw new SluiceError(
      "ledger_newer",
      `the ledger (schema sluice) in ${target.name} has version ${version}, and this program knows version ${LEDGER_VERSION}. Use the newer program that made it.`,
    );
  }
  // Before a new table changes where the ledger is.
  if (restored) await adoptRestored(target, place, INSTALL_LOCK);
  const steps = version === undefined ? [] : MIGRATIONS.slice(version - 1).flat();
  const sql = [
    ...steps.map((step) => `${step};`),
    LEDGER_DDL,
    `update sluice.ledger set version = ${LEDGER_VERSION}, place = ${place}`,
  ].join("\n");
  try {
    await target.query(sql);
  } catch (error) {
    const advice = await eventTriggerAdvice(target, error);
    if (advice !== undefined) {
      const message = `the ledger (schema sluice) cannot be made in ${target.name}: ${(error as Error).message}. ${advice}.`;
      throw new SluiceError("no_ledger", message, { cause: error });
    }
    if (!(error instanceof Error && "code" in error && error.code === "42501")) throw error;
    throw new SluiceError(
      "no_ledger",
      `${target.name} has no ledger (schema sluice) of version ${LEDGER_VERSION}, in which an import notes how far it is, and this user may not make it: ${error.message}. ` +
        `Have it made by somebody who may: sluice init --to DSN, or the statements of sluice init --print-sql.`,
      { cause: error },
    );
  }
}

/**
 * Reports whether the ledger exists; brings one of another version up to date.
 *
 * @throws SluiceError if it cannot be used
 */
export async function hasLedger(target: Target): Promise<boolean> {
  await checkLedger(target);
  const { version, restored } = await versionOf(target);
  if (version === undefined) return false;
  if (version !== LEDGER_VERSION || restored) await ensureLedger(target);
  return true;
}

/** What the ledger says of itself. */
interface LedgerState {
  /** Undefined if there is no ledger. */
  readonly version: number | undefined;
  /** It came into this database by a dump. */
  readonly restored: boolean;
  /** The cluster as a part of the place; empty if the server does not tell it. */
  readonly cluster: string;
  /** Its place has no cluster, and the server tells one. */
  readonly unplaced: boolean;
}

/**
 * Asks the ledger for its state.
 *
 * @throws SluiceError (`ledger_denied`) if this user may not read it
 */
async function versionOf(target: Target): Promise<LedgerState> {
  const none = { version: undefined, restored: false, cluster: "", unplaced: false };
  try {
    const { rows } = await askState(target);
    if (rows[0] === undefined) return { ...none, cluster: await clusterOf(target) };
    const [version, place, oids, told] = rows[0];
    const cluster = told ?? "";
    if (place === null || place === undefined) return { ...none, version: Number(version), cluster };
    const [known, at] = place.split(/(?= @)/);
    const restored = known !== oids || (at !== undefined && cluster !== "" && at !== cluster);
    return { version: Number(version), restored, cluster, unplaced: !restored && at === undefined && cluster !== "" };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (isMissing(error)) return { ...none, cluster: await clusterOf(target) };
    if (code !== "42501") throw error;
    throw new SluiceError(
      "ledger_denied",
      `this user may not use the ledger (schema sluice) in ${target.name}: ${(error as Error).message}. sluice init --print-sql shows the grants that are needed.`,
      { cause: error },
    );
  }
}

/** Asks for the ledger's version and place, and for the cluster if this user may know it. */
async function askState(target: Target): Promise<QueryResult> {
  const ask = (cluster: string): Promise<QueryResult> =>
    target.query(
      // Version 3 has no column `place`.
      `select l.version::text, pg_catalog.to_jsonb(l) ->> 'place'::text, ${PLACE}, ${cluster} from sluice.ledger l`,
    );
  try {
    return await ask(CLUSTER);
  } catch (error) {
    if (isMissing(error)) throw error;
    return await ask("null");
  }
}

/** The cluster as a part of the place; empty if the server does not tell it. */
async function clusterOf(target: Target): Promise<string> {
  const told = await target.query(`select ${CLUSTER}`).catch(() => undefined);
  return told?.rows[0]?.[0] ?? "";
}

/** Reports whether an error says that there is no ledger. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "42P01" || error.code === "3F000");
}
