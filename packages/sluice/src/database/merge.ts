// Rows that may meet rows which are there: into a temporary table by COPY, and from there into
// their table.
//
// One INSERT cannot write over a row that it wrote itself. If a key comes several times, its first
// row goes in with the first statement, its second with the next, and so on. The result is the same
// as row after row. If another unique index could tell the difference, that is left to the caller.
// The caller takes apart what the database refuses until it goes in, in the sheet's order.
//
// INSERT checks `not null` before it looks for the key. Rows may lack what an INSERT needs, if the
// sheet brings part of the columns, or if empty cells keep what is there. Then UPDATE writes the
// rows whose key is there, and only the others are inserted.
import { lines, type Chunk, type Conflict } from "../chunk/chunk.ts";
import { aliasSql, freshSql, onConflictSql, TARGET } from "../plan/conflict.ts";
import { quoteIdentifier, quoteTable } from "../schema/identifiers.ts";
import { ofDdl } from "../plan/event-trigger.ts";
import { hashText } from "../hash.ts";
import type { Connection } from "../target.ts";

/** Names that no column has, or the import of it fails loudly. */
export const ROW = `"sluice row"`;
const ROUND = `"sluice round"`;

/**
 * Puts rows [from, to) of a chunk into a temporary table of the transaction, numbered from 1 in
 * ROW; returns the table as SQL.
 *
 * @param opening SQL for the beginning of the first message
 */
export async function stage(
  connection: Connection,
  chunk: Chunk,
  from: number,
  to: number,
  opening = "",
): Promise<string> {
  const { plan } = chunk;
  const columns = plan.columns.map(({ column }) => quoteIdentifier(column.name)).join(", ");
  const table = `pg_temp.sluice_${hashText(`${plan.table} ${columns}`).slice(0, 16)}`;
  const making = connection.query(
    `${opening}set local client_min_messages to warning;
     create temporary table if not exists ${table.slice("pg_temp.".length)} on commit drop as select ${columns} from ${quoteTable(plan.table)} with no data;
     alter table ${table} add column if not exists ${ROW} serial, add column if not exists ${ROUND} integer;
     truncate ${table} restart identity`,
  );
  await making.catch((error: unknown) => {
    throw ofDdl(error);
  });
  await connection.copy(`${table} (${columns})`, lines(chunk, from, to));
  return table;
}

/**
 * Loads rows [from, to) of a chunk, all or none, except those that are to be updated and are not
 * there.
 */
export async function merge(connection: Connection, chunk: Chunk, from: number, to: number): Promise<Kept> {
  const { conflict } = chunk.plan;
  const staged = await stage(connection, chunk, from, to);
  const joins = isJoined(chunk);
  const rounds =
    conflict?.action !== "update"
      ? 1
      : !conflict.others
        ? await roundsOf(connection, staged, conflict.key.map(quoteIdentifier))
        : joins
          ? await oneByOne(connection, staged, to - from)
          : 1;
  const kept = { inserted: 0, updated: 0 };
  const missing: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const which = rounds === 1 ? "true" : `s.${ROUND} = ${round}`;
    const sql = joins
      ? joinedSql(chunk, staged, which)
      : `with loaded as (${insertFrom(chunk, staged, which)}) ${COUNTS}`;
    const { rows } = await connection.query(sql);
    kept.inserted += Number(rows[0]![0]);
    kept.updated += Number(rows[0]![1]);
    for (const row of rows[0]![2]?.split(",") ?? []) missing.push(from + Number(row) - 1);
  }
  return missing.length === 0 ? kept : { ...kept, missing };
}

const COUNTS = "select count(*) filter (where fresh)::text, count(*) filter (where not fresh)::text from loaded";

/** Reports whether UPDATE writes the rows whose key is there. */
function isJoined({ plan: { conflict, empty } }: Chunk): boolean {
  return conflict?.action === "update" && (conflict.only !== undefined || empty === "keep");
}

/** INSERT of the rows of the temporary table, called `s`, for which a condition holds. */
function insertFrom({ plan }: Chunk, stage: string, which: string): string {
  const { conflict } = plan;
  const names = plan.columns.map(({ column }) => column.name);
  const key = (conflict?.key ?? []).map((name) => `s.${quoteIdentifier(name)}`);
  // By key, so that two processes that write the same rows wait for each other in the same order.
  const order = conflict && !conflict.others ? [...key, `s.${ROW}`].join(", ") : `s.${ROW}`;
  const values = names.map((name) => orDefault(plan.defaults, name)).join(", ");
  // A row that another process has put in meanwhile keeps its value if the cell is empty: a default
  // does not come from the cell.
  const cell =
    plan.empty === "keep"
      ? (column: string): string =>
          `coalesce((select s.${column} from ${stage} s where ${which} and ${matchSql(conflict!, "excluded")}), ${TARGET}.${column})`
      : undefined;
  const alias = cell ? ` as ${TARGET}` : aliasSql(conflict);
  const into = `${quoteTable(plan.table)}${alias} (${names.map(quoteIdentifier).join(", ")})`;
  return `insert into ${into} select ${values} from ${stage} s where ${which} order by ${order}${onConflictSql(conflict, names, cell)} returning ${freshSql(conflict)} as fresh`;
}

/**
 * UPDATE of the rows that are there, and INSERT of the others, if any may be inserted; else their
 * places are the third result.
 */
function joinedSql(chunk: Chunk, stage: string, which: string): string {
  const { plan } = chunk;
  const conflict = plan.conflict!;
  const { key, where } = conflict;
  const found = `${matchSql(conflict, TARGET)}${where === undefined ? "" : ` and ${TARGET}.deleted_at is null`}`;
  const others = plan.columns.map(({ column }) => column.name).filter((name) => !key.includes(name));
  const set = (others.length > 0 ? others : key).map((name) => {
    const column = quoteIdentifier(name);
    return `${column} = ${plan.empty === "keep" ? `coalesce(s.${column}, ${TARGET}.${column})` : orDefault(plan.defaults, name)}`;
  });
  const table = `${quoteTable(plan.table)} as ${TARGET}`;
  const there = `there as (select s.${ROW} as n from ${stage} s where ${which} and exists (select from ${table} where ${found}))`;
  const written = `written as (update ${table} set ${set.join(", ")} from ${stage} s where ${which} and ${found} returning 1)`;
  const lacking = `${which} and not exists (select from there where there.n = s.${ROW})`;
  if (conflict.only !== undefined) {
    return `with ${there}, ${written}
      select '0', (select count(*) from written)::text,
             (select string_agg(s.${ROW}::text, ',' order by s.${ROW}) from ${stage} s where ${lacking})`;
  }
  return `with ${there}, ${written}, loaded as (${insertFrom(chunk, stage, lacking)})
    select (select count(*) from loaded where fresh)::text,
           ((select count(*) from loaded where not fresh) + (select count(*) from written))::text`;
}

/** The condition, as SQL, that a row of the temporary table has the key of another row. */
function matchSql({ key }: Conflict, of: string): string {
  return key.map((name) => `s.${quoteIdentifier(name)} = ${of}.${quoteIdentifier(name)}`).join(" and ");
}

/**
 * A value of the temporary table; if it is empty and defaults are asked for, its column's default.
 */
function orDefault(defaults: ReadonlyMap<string, string> | undefined, name: string): string {
  const column = `s.${quoteIdentifier(name)}`;
  const fallback = defaults?.get(name);
  return fallback === undefined ? column : `coalesce(${column}, ${fallback})`;
}

/**
 * Counts how often the most frequent key comes. If that is more than once, each row gets the number
 * of its round.
 */
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

/**
 * Gives each row a separate round: an UPDATE of many rows goes through them in an unknown order.
 */
async function oneByOne(connection: Connection, stage: string, rows: number): Promise<number> {
  await connection.query(`update ${stage} set ${ROUND} = ${ROW}`);
  return rows;
}

/** The counts of the rows that the database took; all others were left out. */
export interface Kept {
  readonly inserted: number;
  readonly updated: number;
  /** The rows of the chunk that could only be updated and are not in the table. */
  readonly missing?: readonly number[];
}
