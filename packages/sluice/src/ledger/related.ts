// Imports of the same content into a table that shares rows with this one: a partition and its
// parent, a view and its table.
//
// They are another import, since what goes in by the one name may be meant to be something else
// than what goes in by the other. But rows that both names show may be there twice, so it is said.
import { quoteTable } from "../schema/identifiers.ts";
import { inLines } from "../printable.ts";
import type { Target } from "../target.ts";
import type { ImportKey } from "./ledger.ts";

/**
 * A table, its parents and their parents, and, of views, the tables that they show. The parameter
 * is its oid.
 */
const ABOVE = `
  with recursive above as (
    select $1::oid as oid
    union
    select next.oid from above, lateral (
      select i.inhparent as oid from pg_catalog.pg_inherits i where i.inhrelid = above.oid
      union all select d.refobjid from pg_catalog.pg_rewrite r join pg_catalog.pg_depend d
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid and d.objid = r.oid
          and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
        where r.ev_class = above.oid
    ) next
  )
  select (oid = $2::oid)::text from above where oid = $2::oid`;

/** Notes of such imports that have put rows in. */
export async function importedBeside(target: Target, { contentHash, sheet, table }: ImportKey): Promise<string[]> {
  const { rows } = await target.query(
    `select i.id, i.target_table, to_char(i.started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
            i.table_oid::text, pg_catalog.to_regclass($1)::oid::text
     from sluice.imports i
     where i.content_hash = $2 and i.sheet = coalesce($3, i.sheet) and i.state <> 'cancelled'
       and i.table_oid <> pg_catalog.to_regclass($1)::oid
       and exists (select from sluice.chunks c where c.import = i.id and c.inserted + c.updated > 0)
     order by i.started_at desc limit 10`,
    [quoteTable(table), contentHash, sheet?.replaceAll("\0", "\uFFFD") ?? null],
  );
  const notes: string[] = [];
  for (const [id, other, when, oid, mine] of rows) {
    if (!(await shareRows(target, mine!, oid!))) continue;
    notes.push(
      `this file was imported on ${when}, as import ${id}, into "${inLines(other!)}", which shares rows with "${table}": what both show may be there twice now`,
    );
  }
  return notes;
}

/** Reports whether the table of an import shares rows with the one that has a name now. */
export async function sharesRows(target: Target, { id }: { readonly id: string }, table: string): Promise<boolean> {
  const { rows } = await target.query(
    "select table_oid::text, pg_catalog.to_regclass($2)::oid::text from sluice.imports where id = $1",
    [id, quoteTable(table)],
  );
  const [its, now] = rows[0] ?? [];
  return Boolean(its) && Boolean(now) && (await shareRows(target, its!, now!));
}

/** Reports whether one of two tables, by their oids, is the other or below it. */
async function shareRows(target: Target, one: string, other: string): Promise<boolean> {
  const isAbove = async (...oids: string[]): Promise<boolean> => (await target.query(ABOVE, oids)).rows.length > 0;
  return (await isAbove(one, other)) || (await isAbove(other, one));
}
