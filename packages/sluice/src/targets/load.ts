// Rows of a chunk into their table, in one statement where the database allows it.
//
// COPY knows no ON CONFLICT. So where rows may meet rows of the same key they are copied into a temporary table and inserted from
// there. One INSERT cannot write over a row that it wrote itself: where a key comes several times, its first row goes in with the first
// statement, its second with the next, and so on, which leaves what row after row would leave. Where another unique index could tell
// the difference, that is left to the caller, who takes apart what the database refuses until it goes in, in the sheet's order.
import { fields, lines, type Chunk, type LoadPlan } from "../chunk.ts";
import { aliasSql, freshSql, onConflictSql } from "../conflict.ts";
import { quoteIdentifier, quoteTable } from "../identifiers.ts";
import { hashText } from "../ledger/hash.ts";
import type { Claim, Connection } from "./target.ts";

/** What the database made of some rows; the others were left out. */
export interface Kept {
  readonly inserted: number;
  readonly updated: number;
}

/** Up to so many rows, an INSERT of any number of them is prepared. */
const FEW_ROWS = 128;

/** Names that no column has, or the import of it fails loudly. */
const ROW = `"sluice row"`;
const ROUND = `"sluice round"`;
/** Of a noted INSERT, the parameters before its values. */
export const NOTE_PARAMETERS = 6;

/** Loads rows [from, to) of a chunk, all or none, in the transaction that is open. */
export async function load(connection: Connection, chunk: Chunk, from: number, to: number): Promise<Kept> {
  if (isMerged(chunk, to - from)) return await merge(connection, chunk, from, to);
  if (chunk.plan.statement === "copy") {
    return { inserted: await connection.copy(into(chunk), lines(chunk, from, to)), updated: 0 };
  }
  let [inserted, updated] = [0, 0];
  for (let row = from; row < to;) {
    const size = insertable(to - row, chunk.plan.step);
    const { rows } = await connection.query(insertSql(chunk, size, false), valuesOf(chunk, row, row + size));
    const kept = keptFrom(rows[0]!);
    inserted += kept.inserted;
    updated += kept.updated;
    row += size;
  }
  return { inserted, updated };
}

/**
 * How many of so many rows one INSERT takes. Each number is a statement of its own that the server prepares and keeps, so there must
 * not be thousands: a whole step, a power of two, or few.
 */
export function insertable(rows: number, step: number): number {
  return rows === step || rows <= FEW_ROWS ? rows : 2 ** Math.floor(Math.log2(rows));
}

/**
 * Whether so many rows of a chunk go in by way of a temporary table: by COPY, and by an INSERT of several rows too, which would fail on
 * a key that comes twice, and would lock rows in another order than another process does.
 */
export function isMerged({ plan }: Chunk, rows: number): boolean {
  return plan.conflict !== undefined && (plan.statement === "copy" || rows > 1);
}

/** INSERT of rows [from, to) and the ledger's part in one statement, which commits by itself. */
export async function insertAndNote(
  connection: Connection,
  chunk: Chunk,
  claim: Claim,
  from: number,
  to: number,
): Promise<Kept> {
  const place = [claim.epoch, chunk.index, chunk.rowCount, from, to].map(String);
  const parameters = [claim.id, ...place, ...valuesOf(chunk, from, to)];
  const { rows } = await connection.query(insertSql(chunk, to - from, true), parameters);
  return keptFrom(rows[0]!);
}

/** COPY into a temporary table, and from there by INSERT. */
async function merge(connection: Connection, chunk: Chunk, from: number, to: number): Promise<Kept> {
  const { plan } = chunk;
  const conflict = plan.conflict!;
  const names = plan.columns.map(({ column }) => column.name);
  const columns = names.map(quoteIdentifier).join(", ");
  const stage = `pg_temp.sluice_${hashText(into(chunk)).slice(0, 16)}`;
  await connection.query(
    `set local client_min_messages to warning;
     create temporary table if not exists ${stage.slice("pg_temp.".length)} on commit drop as select ${columns} from ${quoteTable(plan.table)} with no data;
     alter table ${stage} add column if not exists ${ROW} serial, add column if not exists ${ROUND} integer;
     truncate ${stage} restart identity`,
  );
  await connection.copy(`${stage} (${columns})`, lines(chunk, from, to));
  const key = conflict.key.map(quoteIdentifier);
  const rounds = conflict.action === "update" && !conflict.others ? await roundsOf(connection, stage, key) : 1;
  // By key, so that two processes that write the same rows wait for each other in the same order.
  const order = conflict.others ? ROW : [...key, ROW].join(", ");
  let [inserted, updated] = [0, 0];
  for (let round = 1; round <= rounds; round++) {
    const which = rounds === 1 ? "" : ` where ${ROUND} = ${round}`;
    const source = `select ${columns} from ${stage}${which} order by ${order}`;
    const { rows } = await connection.query(
      `with loaded as (insert into ${into(chunk, aliasSql(conflict))} ${source}${onConflictSql(conflict, names)} returning ${freshSql(chunk.plan.conflict)} as fresh) ${COUNTS}`,
    );
    const kept = keptFrom(rows[0]!);
    inserted += kept.inserted;
    updated += kept.updated;
  }
  return { inserted, updated };
}

/** How often the most frequent key comes; where that is more than once, each row is told in which round it goes in. */
async function roundsOf(connection: Connection, stage: string, key: readonly string[]): Promise<number> {
  const list = key.join(", ");
  const whole = key.map((column) => `${column} is not null`).join(" and ");
  const found = await connection.query(
    `select coalesce(max(n), 1)::text from (select count(*) as n from ${stage} where ${whole} group by ${list}) counts`,
  );
  const rounds = Number(found.rows[0]![0]);
  if (rounds > 1) {
    // Rows without a whole key are the same as nothing.
    await connection.query(
      `update ${stage} s set ${ROUND} = r.n
       from (select ${ROW}, case when ${whole} then row_number() over (partition by ${list} order by ${ROW}) else 1 end as n from ${stage}) r
       where s.${ROW} = r.${ROW}`,
    );
  }
  return rounds;
}

const COUNTS = "select count(*) filter (where fresh)::text, count(*) filter (where not fresh)::text from loaded";

function keptFrom([inserted, updated]: readonly (string | null)[]): Kept {
  return { inserted: Number(inserted), updated: Number(updated) };
}

function valuesOf(chunk: Chunk, from: number, to: number): (string | null)[] {
  const values: (string | null)[] = [];
  for (let row = from; row < to; row++) values.push(...fields(chunk, row));
  return values;
}

function into({ plan }: Chunk, alias = ""): string {
  return `${quoteTable(plan.table)}${alias} (${plan.columns.map(({ column }) => quoteIdentifier(column.name)).join(", ")})`;
}

/**
 * The epoch of a claim as SQL, or NULL, which the ledger refuses, in a session that is not set up as ours are: a pooler that keeps no
 * session and was not found out may hand another one to a statement, in which texts would be other points in time.
 */
export function epochIfOurs(epoch: string): string {
  return `case when current_setting('TimeZone') = 'UTC' then ${epoch} end`;
}

/** The table that an import's name for it means to this session, as SQL; `id` is SQL of the import's id. */
export function targetNow(id: string): string {
  return `(select pg_catalog.to_regclass(i.relation)::oid from sluice.imports i where i.id = ${id})`;
}

const typeHashes = new WeakMap<LoadPlan, string>();

/** A prepared statement's parameters keep the types that they had, and a table of that name may have been made anew with others. */
function typesOf(plan: LoadPlan): string {
  let hash = typeHashes.get(plan);
  if (hash === undefined) {
    hash = hashText(JSON.stringify(plan.columns.map(({ column }) => column.storage ?? column.type))).slice(0, 16);
    typeHashes.set(plan, hash);
  }
  return hash;
}

const insertTexts = new Map<string, string>();

/** `insert into … values ($1, $2), ($3, $4)`, noted in the ledger or not; kept, since there are few shapes and each is asked for often. */
function insertSql(chunk: Chunk, rows: number, noted: boolean): string {
  const names = chunk.plan.columns.map(({ column }) => column.name);
  const conflict = onConflictSql(chunk.plan.conflict, names);
  const types = typesOf(chunk.plan);
  const key = `${noted} ${rows} ${types} ${into(chunk)}${conflict}`;
  let sql = insertTexts.get(key);
  if (sql === undefined) {
    let n = noted ? NOTE_PARAMETERS : 0;
    const row = (): string => `(${names.map(() => `$${++n}`).join(", ")})`;
    const values = Array.from({ length: rows }, row).join(", ");
    const loaded = `/* ${types} */ with loaded as (insert into ${into(chunk, aliasSql(chunk.plan.conflict))} values ${values}${conflict} returning ${freshSql(chunk.plan.conflict)} as fresh)`;
    sql = noted
      ? `${loaded}, kept as (select count(*) filter (where fresh)::integer as inserted, count(*) filter (where not fresh)::integer as updated from loaded)
         select inserted::text, updated::text, sluice.commit_rows($1, ${epochIfOurs("$2::integer")}, $3, $4, $5, $6, inserted, updated, ${rows} - inserted - updated, 0, ${targetNow("$1")}) from kept`
      : `${loaded} ${COUNTS}`;
    if (insertTexts.size > 256) insertTexts.clear();
    insertTexts.set(key, sql);
  }
  return sql;
}
