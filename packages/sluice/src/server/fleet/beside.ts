// Which sheets of one file may be imported at the same time, by several workers.
//
// What must hold: the tables, the rejects and the results are those of one process, which imports
// the sheets one after the other. So a sheet waits for the earlier ones, unless nothing of them can
// matter to it:
//
// - Sheets of different tables go beside each other if both tables stand alone: nothing that the
//   database does with a row of one looks at, or changes, the other one. A table that is not there
//   yet stands alone.
// - Sheets of one table go beside each other when an earlier sheet has finished, so that the table
//   is made, if it stands alone and no row of it can hold another one back or be numbered by it.
import { quoteTable } from "../../schema/identifiers.ts";
import type { FleetDatabase } from "./database.ts";

/** A sheet of a request with several: the import of it. */
export interface Sheet {
  readonly state: string;
  /** Its table, if each sheet has one of its own; null if all go into one. */
  readonly table: string | null;
  /** The table that its rows went to, once it has finished. */
  readonly went: string | null;
}

/**
 * Finds the sheets that need not wait for the earlier ones, although some of these have not ended.
 *
 * @param requests for each request its sheets that wait, run or have finished, in their order
 */
export async function besideOthers<One extends Sheet>(
  database: Pick<FleetDatabase, "query">,
  requests: Iterable<readonly One[]>,
): Promise<readonly One[]> {
  const all = [...requests];
  const facts = await factsOf(database, all.flat());
  return all.flatMap((sheets) => besideIn(sheets, facts));
}

function besideIn<One extends Sheet>(sheets: readonly One[], facts: ReadonlyMap<string, Facts>): readonly One[] {
  const open: One[] = [];
  /** The table that earlier sheets have gone to, by the table that they were meant for. */
  const went = new Map<string | null, string | null>();
  const isAlone = (table: string | null): boolean => table !== null && facts.get(table)?.alone === true;
  const isUnordered = (table: string | null | undefined): boolean =>
    table !== null && table !== undefined && facts.get(table)?.alone === true && facts.get(table)!.unordered;
  const beside: One[] = [];
  for (const sheet of sheets) {
    if (sheet.state === "finished") {
      went.set(sheet.table, sheet.went);
      continue;
    }
    const waitsFor = open.some(({ table }) =>
      table === sheet.table ? !isUnordered(went.get(table)) : !isAlone(table) || !isAlone(sheet.table),
    );
    if (open.length > 0 && !waitsFor) beside.push(sheet);
    open.push(sheet);
  }
  return beside;
}

interface Facts {
  /** Nothing ties it to other tables. */
  readonly alone: boolean;
  /** It is there, and it does not matter in which order its rows come. */
  readonly unordered: boolean;
}

/**
 * Reads the catalogue. What ties a table to others: a trigger, a rule, a policy, a foreign key from
 * it or to it, partitions or children, a default or a check that calls a function which PostgreSQL
 * does not bring, a sequence that it does not own. What makes the order of rows matter: a unique
 * index, an exclusion, a column that is numbered.
 */
const FACTS = `
  select t.name,
    c.oid is null or c.relkind = 'r' and not c.relhasrules and not c.relrowsecurity
      and not exists (select from pg_catalog.pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal)
      and not exists (select from pg_catalog.pg_constraint f where f.contype = 'f' and c.oid in (f.conrelid, f.confrelid))
      and not exists (select from pg_catalog.pg_inherits h where c.oid in (h.inhrelid, h.inhparent))
      and not exists (
        select from pg_catalog.pg_depend d
        where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
          and (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
               and d.objid in (select a.oid from pg_catalog.pg_attrdef a where a.adrelid = c.oid)
            or d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
               and d.objid in (select k.oid from pg_catalog.pg_constraint k where k.conrelid = c.oid)))
      and not exists (
        select from pg_catalog.pg_attrdef a
        join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and d.objid = a.oid
        join pg_catalog.pg_class s on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = s.oid and s.relkind = 'S'
        where a.adrelid = c.oid and not exists (
          select from pg_catalog.pg_depend o
          where o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.objid = s.oid and o.refobjid = c.oid and o.deptype in ('a', 'i')))
      as alone,
    c.oid is not null
      and not exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and (i.indisunique or i.indisexclusion))
      and not exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.attidentity <> '')
      and not exists (select from pg_catalog.pg_attrdef a where a.adrelid = c.oid and pg_catalog.pg_get_expr(a.adbin, a.adrelid) ~* 'nextval')
      as unordered
  from (select unnest($1::text[]) as name, pg_catalog.to_regclass(unnest($2::text[]))::oid as oid) t
  left join pg_catalog.pg_class c on c.oid = t.oid`;

async function factsOf(
  database: Pick<FleetDatabase, "query">,
  sheets: readonly Sheet[],
): Promise<ReadonlyMap<string, Facts>> {
  const names = [...new Set(sheets.flatMap(({ table, went }) => [table ?? [], went ?? []].flat()))];
  if (names.length === 0) return new Map();
  const rows = await database.query<Facts & { readonly name: string } & Record<string, unknown>>(FACTS, [
    names,
    names.map(quoteTable),
  ]);
  return new Map(rows.map(({ name, alone, unordered }) => [name, { alone, unordered }]));
}
