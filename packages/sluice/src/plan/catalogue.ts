// Facts from the catalogue about a table, besides its shape. An import asks for them each time that
// it works on the table: the sequences of the columns that are loaded, their defaults if empty cells
// mean those, and if COPY can count. Nothing of it is stored in the ledger, because others may write there.
import { quoteTable } from "../schema/identifiers.ts";
import type { LoadColumn, Sequence } from "../chunk/chunk.ts";
import type { Plan } from "./plan.ts";
import type { QueryResult } from "../target.ts";

interface Asked {
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
}

/** A plan with what the catalogue says now. */
export async function withCatalogue(asked: Asked, plan: Plan): Promise<Plan> {
  const sequences = await sequencesOf(asked, plan.table, plan.load);
  const known = { ...plan, sequences, miscounts: plan.method === "copy" && (await isView(asked, plan.table)) };
  if (plan.empty === undefined) return known;
  const { rows } = await asked.query(DEFAULTS_QUERY, [quoteTable(plan.table)]);
  return { ...known, defaults: new Map(rows.map(([column, sql]) => [column!, sql!])) };
}

/** COPY takes rows into a view with an INSTEAD OF trigger, and counts all of them, also those for which the trigger returns NULL. */
async function isView(asked: Asked, table: string): Promise<boolean> {
  const { rows } = await asked.query(
    "select (relkind = 'v')::text from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)::oid",
    [quoteTable(table)],
  );
  return rows[0]?.[0] === "true";
}

/** Of columns that are filled by an expression, or by their sequence; a domain's default is one too. */
const DEFAULTS_QUERY = `
  select a.attname::text,
         case when a.attidentity <> '' then pg_catalog.format('nextval(%L::regclass)', pg_catalog.pg_get_serial_sequence($1, a.attname))
              else coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), t.typdefault) end
  from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = pg_catalog.to_regclass($1)::oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    and (a.attidentity <> '' or d.adbin is not null or t.typtype = 'd' and t.typdefault is not null)`;

/** Sequences that a column of whole numbers owns, or that its default takes its values from. */
const SEQUENCES_QUERY = `
  select distinct a.attname::text, pg_catalog.format('%I.%I', n.nspname, s.relname), (q.seqincrement < 0)::text,
         (pg_catalog.has_sequence_privilege(s.oid, 'SELECT') and pg_catalog.has_sequence_privilege(s.oid, 'UPDATE')
          and pg_catalog.has_schema_privilege(n.oid, 'USAGE'))::text
  from pg_catalog.pg_attribute a
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  join pg_catalog.pg_depend p
    on p.classid = 'pg_catalog.pg_class'::regclass and p.refclassid = 'pg_catalog.pg_class'::regclass
       and p.refobjid = a.attrelid and p.refobjsubid = a.attnum and p.deptype in ('a', 'i')
    or p.classid = 'pg_catalog.pg_attrdef'::regclass and p.objid = d.oid and p.refclassid = 'pg_catalog.pg_class'::regclass
  join pg_catalog.pg_class s
    on s.relkind = 'S' and s.oid = case when p.classid = 'pg_catalog.pg_class'::regclass then p.objid else p.refobjid end
  join pg_catalog.pg_namespace n on n.oid = s.relnamespace
  join pg_catalog.pg_sequence q on q.seqrelid = s.oid
  where a.attrelid = pg_catalog.to_regclass($1)::oid and a.attnum > 0 and not a.attisdropped
    and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  order by 1, 2`;

/** The sequences of the columns that are loaded into a table. */
export async function sequencesOf(asked: Asked, table: string, load: readonly LoadColumn[]): Promise<Sequence[]> {
  const { rows } = await asked.query(SEQUENCES_QUERY, [quoteTable(table)]);
  return rows
    .filter(([column]) => load.some((entry) => entry.column.name === column))
    .map(([column, name, descending, movable]) => ({
      column: column!,
      name: name!,
      descending: descending === "true",
      movable: movable === "true",
    }));
}
