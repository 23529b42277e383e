// Facts from the catalogue about a table, besides its shape. An import asks for them each time that
// it works on the table: the sequences of the columns that are loaded, their defaults if empty
// cells mean those, if COPY can count, if rows go to another server, and what tells chunks of a
// table with keys apart. Nothing of it is stored in the ledger, because others may write there.
import { quoteTable } from "../schema/identifiers.ts";
import type { LoadColumn, Sequence } from "../chunk/chunk.ts";
import { FOREIGN } from "./foreign.ts";
import { inLines } from "../printable.ts";
import type { Plan } from "./plan.ts";
import type { QueryResult } from "../target.ts";

interface Asked {
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
}

/** A plan with what the catalogue says now. */
export async function withCatalogue(asked: Asked, plan: Plan): Promise<Plan> {
  const sequences = await sequencesOf(asked, plan.table, plan.load);
  const [isView, triggers, name] = (await asked.query(FACTS, [quoteTable(plan.table)])).rows[0]!;
  const miscounts = plan.method === "copy" && isView === "true";
  const ordered = plan.ordered || triggers === "true";
  const apart = ordered ? await apartBy(asked, plan) : undefined;
  const foreign = name === null || name === undefined ? undefined : inLines(name);
  const known = { ...plan, ordered, sequences, miscounts, foreign, ...(apart === undefined ? {} : { apart }) };
  if (plan.empty === undefined) return known;
  const { rows } = await asked.query(DEFAULTS_QUERY, [quoteTable(plan.table)]);
  return { ...known, defaults: new Map(rows.map(([column, sql]) => [column!, sql!])) };
}

/**
 * One row about a table, as text:
 *
 * - if it is a view: COPY into one with an INSTEAD OF trigger counts all rows, also those for which
 *   the trigger returns NULL;
 * - if triggers for INSERT, or rules, of it or of its partitions can see which of two rows comes
 *   first;
 * - the name of a foreign table that its rows may go to.
 */
const FACTS = `
  with recursive of as (
    select pg_catalog.to_regclass($1)::oid as oid
    union select h.inhrelid from pg_catalog.pg_inherits h join of on h.inhparent = of.oid)
  select exists (select from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)::oid and relkind = 'v')::text,
         (exists (select from pg_catalog.pg_trigger t join of on t.tgrelid = of.oid where not t.tgisinternal and t.tgtype & 4 > 0)
          or exists (select from pg_catalog.pg_class c join of on c.oid = of.oid where c.relhasrules and c.relkind <> 'v'))::text,
         ${FOREIGN}`;

/**
 * A column for each unique index that can refuse a row; undefined if only the sheet's order makes
 * the outcome certain.
 */
async function apartBy(asked: Asked, { table, load }: Plan): Promise<readonly string[] | undefined> {
  const loaded = JSON.stringify(load.map(({ column }) => column.name));
  const { rows } = await asked.query(APART_QUERY, [quoteTable(table), loaded]);
  const columns = rows.map(([column]) => column);
  return columns.length > 0 && columns.every((column) => column !== null && column !== undefined)
    ? [...new Set(columns)].toSorted()
    : undefined;
}

/**
 * For each unique index one of its columns: a column of whole numbers that is loaded. Rows that
 * differ in this column also differ in the index. It is NULL if the index has no such column.
 *
 * There is another row with NULL if the order of the rows can matter for another reason. Such
 * reasons are a trigger, a rule, a policy, a foreign key from the table to itself, or a sequence
 * that numbers the rows. A table with partitions or children counts too, since these may have any
 * of them.
 */
const APART_QUERY = `
  with of as (select c.*, (select pg_catalog.array_agg(x.name) from pg_catalog.json_array_elements_text($2::json) as x (name)) as loaded
              from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)::oid)
  select null from of
  where relkind <> 'r' or relhasrules or relrowsecurity
    or exists (select from pg_catalog.pg_trigger t where t.tgrelid = of.oid and not t.tgisinternal)
    or exists (select from pg_catalog.pg_constraint f where f.conrelid = of.oid and f.contype = 'f' and f.confrelid = of.oid)
    or exists (select from pg_catalog.pg_inherits h where h.inhrelid = of.oid or h.inhparent = of.oid)
    or exists (select from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
               where a.attrelid = of.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname <> all (loaded)
                 and (a.attidentity <> '' or pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~* 'nextval'))
  union all
  select (select min(a.attname::text) from pg_catalog.pg_attribute a
          where i.indisunique and a.attrelid = i.indrelid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
            and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) and a.attname = any (loaded))
  from of join pg_catalog.pg_index i on i.indrelid = of.oid
  where (i.indisunique or i.indisexclusion)
    and (0 = any (i.indkey) or exists (select from pg_catalog.pg_attribute a
         where a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[]) and (a.attname = any (loaded) or a.attgenerated <> '')))`;

/** The defaults of columns: an expression, or a sequence. The default of a domain counts too. */
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
