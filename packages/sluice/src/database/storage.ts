// The types that the database stores for a declared type: those below domains, and those that
// arrays, ranges and composites are made of.
import type { Connection } from "../target.ts";
import type { Storage } from "../schema/schema.ts";

/** The parts of the type in `r`, in order. (Multiranges are told of since PostgreSQL 14.) */
const PARTS = `
  select t.typbasetype as type, t.typtypmod as typmod, 0 as n from pg_type t where t.oid = r.type and t.typtype = 'd'
  union all select e.oid, r.typmod, 0 from pg_type e where e.typarray = r.type
  union all select g.rngsubtype, -1, 0 from pg_range g where g.rngtypid = r.type
  union all select g.rngtypid, -1, 0 from pg_range g where (pg_catalog.to_jsonb(g) ->> 'rngmultitypid')::oid = r.type
  union all select a.atttypid, a.atttypmod, a.attnum::integer from pg_attribute a join pg_type t on t.typrelid = a.attrelid
    where t.oid = r.type and t.typtype = 'c' and a.attnum > 0 and not a.attisdropped`;

/** The types that those of `roots` are made of, all the way down. */
const graphOf = (roots: string): string => `
  with recursive r(type, typmod) as (
    ${roots}
    union select part.type, part.typmod from r, lateral (${PARTS}) part
  )
  select r.type::text, r.typmod::text, pg_catalog.format_type(r.type, r.typmod),
         case when exists (select from pg_type e where e.typarray = r.type) then 'a' else t.typtype::text end,
         coalesce((select pg_catalog.json_agg(pg_catalog.json_build_array(part.type::text, part.typmod::text) order by part.n) from (${PARTS}) part), '[]')::text
  from r join pg_type t on t.oid = r.type`;

const OF_TABLE = graphOf(
  "select a.atttypid, a.atttypmod from pg_attribute a where a.attrelid = pg_catalog.to_regclass($1)::oid and a.attnum > 0 and not a.attisdropped",
);
const OF_TYPE = graphOf("select pg_catalog.to_regtype($1)::oid, -1");

/**
 * The storage of each type of a table's columns, by the type's number and modifier as `1700/-1`.
 */
export async function storageOfTable(connection: Connection, table: string): Promise<(key: string) => Storage> {
  const { rows } = await connection.query(OF_TABLE, [table]);
  return storageFrom(rows);
}

/**
 * The storage of a type that a table is to have; undefined if no type has that name. Making the
 * table will tell.
 *
 * @param type as it is declared, with its modifiers
 */
export async function storageOfType(connection: Connection, type: string): Promise<Storage | undefined> {
  const element = type.replace(/\s*(?:\[\d*\]\s*)+$/, "");
  const { rows } = await connection.query(OF_TYPE, [element]);
  const root = rows.find(([, typmod]) => typmod === "-1");
  if (!root) return undefined;
  const found = storageFrom(rows)(keyOf(root[0]!, root[1]!));
  const storage = typeof found === "string" && root[3] !== "d" ? element : found;
  return element === type ? storage : { array: storage };
}

function storageFrom(rows: readonly (readonly (string | null)[])[]): (key: string) => Storage {
  const byKey = new Map(rows.map((row) => [keyOf(row[0]!, row[1]!), row]));
  const storageOf = (key: string): Storage => {
    const [, , type, kind, json] = byKey.get(key)!;
    const parts = (JSON.parse(json!) as [string, string][]).map(([part, typmod]) => storageOf(keyOf(part, typmod)));
    const [first = type!] = parts;
    if (kind === "d") return first;
    if (kind === "a") return { array: first };
    if (kind === "r") return { range: first };
    if (kind === "m") return { multirange: first };
    return kind === "c" ? { row: parts } : type!;
  };
  return storageOf;
}

function keyOf(type: string, typmod: string): string {
  return `${type}/${typmod}`;
}
