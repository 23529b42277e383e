// Rows that go to another server: into a foreign table, a partition that is one, or a view of one.
//
// Their server commits by itself, shortly before the ledger does. If its answer is lost, the rows
// are in and the ledger does not have them. So such rows are the only ones that can come twice.
/**
 * The name of a foreign table that rows for a table may go to, as SQL: it is the table, a partition
 * of it, or what it shows as a view. NULL if there is none. $1 is the quoted table.
 */
export const FOREIGN = `(
  with recursive below as (
    select pg_catalog.to_regclass($1)::oid as oid
    union
    select next.oid from below join pg_catalog.pg_class c on c.oid = below.oid, lateral (
      select i.inhrelid as oid from pg_catalog.pg_inherits i where c.relkind = 'p' and i.inhparent = c.oid
      union all select d.refobjid from pg_catalog.pg_rewrite r join pg_catalog.pg_depend d
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid and d.objid = r.oid
          and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
        where c.relkind = 'v' and r.ev_class = c.oid
    ) next
  )
  select c.relname::text from below join pg_catalog.pg_class c on c.oid = below.oid where c.relkind = 'f' order by 1 limit 1)`;

/** The note of each import that such rows belong to. */
export function foreignNotes({ foreign }: { readonly foreign?: string | undefined }): string[] {
  if (foreign === undefined) return [];
  return [
    `rows for the foreign table "${foreign}" are committed by another server, apart from the ledger; if a connection is lost while they are, some may be in twice`,
  ];
}

/** The warning after a connection was lost. */
export function foreignDoubt(foreign: string): string {
  return (
    `Rows of the foreign table "${foreign}" may be in although the ledger does not have them, and the same command would put those in twice. ` +
    "Compare them with the file before you give it."
  );
}
