// The rows that a table holds make room for new ones, in the transaction that puts those in:
// `--replace`.
//
// What must hold: rows of other tables go, or lose what they refer to, only if that was asked for.
// PostgreSQL itself would delete them without a word (`on delete cascade`), so they are counted
// before. Triggers for DELETE run as they do for everybody.
import { grouped } from "../grouped.ts";
import { SluiceError } from "../errors.ts";
import { CASCADES, referredTo } from "./failure.ts";
import { quoteTable } from "../schema/identifiers.ts";
import { type Session, isDatabaseError } from "../target.ts";

/** Rows of another table that a delete reaches. */
interface Reached {
  readonly table: string;
  readonly does: "deletes" | "empties";
  /** Undefined if this user may not read that table. */
  readonly rows: number | undefined;
}

/** The number of deleted rows, and notes for people. */
export interface Emptied {
  readonly rows: number;
  readonly notes: readonly string[];
}

/**
 * Deletes a table's rows.
 *
 * @param cascade rows of other tables may go with them
 * @param done the verb in notes: `are`, or `would be` in a rehearsal
 * @throws SluiceError (`would_cascade`, `referred_to`) if rows of other tables are in the way
 */
export async function emptyTable(
  session: Pick<Session, "query">,
  table: string,
  cascade: boolean,
  done: (rows: number) => string,
): Promise<Emptied> {
  const reached = (await reachedFrom(session, table)).filter(({ rows }) => rows !== 0);
  if (reached.length > 0 && !cascade) {
    throw new SluiceError(
      CASCADES,
      `--replace deletes the rows of the table "${table}", and that ${reached.map(inWords).join(", and ")}. ` +
        `If that is meant, say so with --cascade. Else write over the rows: --on-conflict update --key COLUMN in place of --replace.`,
    );
  }
  const rows = await deleteAll(session, table);
  return {
    rows,
    notes: [
      `${count(rows)} that the table held before ${done(rows)} deleted`,
      ...reached.map((one) =>
        one.does === "deletes"
          ? `${rowsIn(one)}, which refer to them, ${done(one.rows ?? 2)} deleted as well`
          : `the reference to them in ${rowsIn(one)} ${done(1)} taken out`,
      ),
    ],
  };
}

function inWords(one: Reached): string {
  return one.does === "deletes" ? `deletes ${rowsIn(one)}` : `takes out the reference in ${rowsIn(one)}`;
}

function rowsIn({ table, rows }: Reached): string {
  return rows === undefined ? `rows of ${table} (how many, this user may not see)` : `${count(rows)} of ${table}`;
}

function count(rows: number): string {
  return `${grouped(rows)} ${rows === 1 ? "row" : "rows"}`;
}

/** Returns how many rows it held. */
async function deleteAll(session: Pick<Session, "query">, table: string): Promise<number> {
  // Of two that replace rows of one table at once, the second one must see the rows of the first.
  await session.query(
    `select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('sluice replace ' || pg_catalog.to_regclass($1)::oid::text, 0))`,
    [quoteTable(table)],
  );
  try {
    return (await session.query(`delete from ${quoteTable(table)}`)).count ?? 0;
  } catch (error) {
    if (!isDatabaseError(error) || error.code !== "23503") throw error;
    throw referredTo(table, error);
  }
}

/**
 * Foreign keys to a table that do something on delete: the table that has them, as SQL and its oid,
 * the pairs of columns as SQL, and what they do. Of a key of a table in partitions, each partition
 * has a copy, which does not count again.
 */
const KEYS = `
  select k.conrelid::regclass::text, k.conrelid::text, k.confdeltype::text, pg_catalog.has_table_privilege(k.conrelid, 'select')::text,
         (select pg_catalog.json_agg(pg_catalog.json_build_array(pg_catalog.quote_ident(own.attname), pg_catalog.quote_ident(other.attname)) order by p.n)
          from unnest(k.conkey, k.confkey) with ordinality as p (own, other, n)
          join pg_attribute own on own.attrelid = k.conrelid and own.attnum = p.own
          join pg_attribute other on other.attrelid = k.confrelid and other.attnum = p.other)::text
  from pg_constraint k
  where k.contype = 'f' and k.confrelid = $1::oid and k.confdeltype in ('c', 'n', 'd') and k.conrelid <> k.confrelid
    and not exists (select from pg_constraint whole where whole.oid = k.conparentid and whole.confrelid = k.confrelid)
  order by 1, k.conname`;

/** Follows the keys from table to table; through each table once. */
async function reachedFrom(session: Pick<Session, "query">, table: string): Promise<Reached[]> {
  const { rows } = await session.query("select pg_catalog.to_regclass($1)::oid::text", [quoteTable(table)]);
  const root = rows[0]![0]!;
  const reached: Reached[] = [];
  const passed = new Set([root]);
  // `goes` says which rows of a table go, as SQL over the alias rN; all of the first one.
  const follow = async (oid: string, name: string, goes: string, depth: number): Promise<void> => {
    for (const [other, otherOid, does, readable, pairs] of (await session.query(KEYS, [oid])).rows) {
      const columns = JSON.parse(pairs!) as [string, string][];
      const own = `r${depth + 1}`;
      const same = columns.map(([mine, its]) => `${own}.${mine} = r${depth}.${its}`).join(" and ");
      const refers = `exists (select from ${name} r${depth} where ${same} and ${goes})`;
      const counted =
        readable === "true"
          ? Number((await session.query(`select count(*)::text from ${other!} ${own} where ${refers}`)).rows[0]![0])
          : undefined;
      reached.push({ table: other!, does: does === "c" ? "deletes" : "empties", rows: counted });
      if (does !== "c" || counted === 0 || readable !== "true" || passed.has(otherOid!)) continue;
      passed.add(otherOid!);
      await follow(otherOid!, other!, refers, depth + 1);
    }
  };
  await follow(root, quoteTable(table), "true", 0);
  return reached;
}
