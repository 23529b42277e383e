// The transactions that wrote the rows of an import, by which its rows are known: PostgreSQL keeps
// with each row the transaction that wrote it (`xmin`).
//
// The row of a chunk is written by the transaction that puts the chunk's rows in, so both have one
// `xmin`. Rows that went in under a savepoint have another one, and so has a row of
// `sluice.written`, which is written under the same savepoint. Both tables also have the number of
// the whole transaction, which never comes again. In a chunk's row it must be the number that the
// row's `xmin` is a part of. A dump that was restored has the old number in a row that another
// transaction wrote, so such rows prove nothing any more.
//
// A row of a chunk that commits row by row is written again with each of them: it proves nothing
// either.
import type { Method } from "../options.ts";
import { quoteLiteral } from "../schema/identifiers.ts";

export const WRITTEN_DDL = `
-- The transaction that wrote the chunk. Not of chunks that earlier versions wrote.
alter table sluice.chunks add column if not exists xid bigint;
alter table sluice.chunks alter column xid set default pg_catalog.txid_current();
-- The parts of transactions, under savepoints, that wrote rows of an import: \`xmin\` of a row here is that of those rows.
create table if not exists sluice.written (
  import text not null,
  xid bigint not null default pg_catalog.txid_current()
);
create index if not exists written_by_import on sluice.written (import);
-- It has no key; a publication of all tables refuses to delete its rows without this.
alter table sluice.written replica identity full;
-- Those who were allowed to import before this table was there may still.
do $$ declare
  allowed record;
begin
  for allowed in
    select a.privilege_type as privilege, a.grantee::pg_catalog.regrole as role
    from pg_catalog.pg_class c cross join pg_catalog.aclexplode(c.relacl) a
    where c.oid = 'sluice.chunks'::pg_catalog.regclass::pg_catalog.oid and a.grantee <> 0::pg_catalog.oid
  loop
    execute pg_catalog.format('grant %s on sluice.written to %s', allowed.privilege, allowed.role);
  end loop;
end $$;
-- The rows that were taken back out of the table; null if they were not.
alter table sluice.imports add column if not exists taken_back bigint;
`;

/**
 * SQL that notes, under a savepoint, that rows of an import are written under it. The note gets the
 * same `xmin` as these rows.
 */
export function writtenSql(id: string): string {
  return `insert into sluice.written (import) values (${quoteLiteral(id)})`;
}

/**
 * A query for the transactions that are known to have written the rows of an import, as rows have
 * them in `xmin`. `id` is SQL of the import's id.
 */
export function writtenBySql(id: string): string {
  return `with whole as (select c.xmin as part, c.xid from sluice.chunks c where c.import = ${id} and (c.xid % 4294967296)::text = c.xmin::text)
    select part from whole union all select w.xmin from sluice.written w join whole using (xid) where w.import = ${id}`;
}

/** Reports whether the ledger has the transactions of a method, one for many rows. */
export function hasTransactions(method: Method): boolean {
  return method === "copy" || method === "batch";
}

/** The way to end an import and to take its rows out of the table, as sentences for people. */
export function endAndTakeOut(id: string, method: Method): string {
  const out = hasTransactions(method)
    ? `Then take its rows out: sluice imports take-back ${id} --yes`
    : `Then delete its rows with SQL, because those of the method ${method} cannot be taken back`;
  return `End this import: sluice imports cancel ${id}. ${out}`;
}

/**
 * SQL for the ledger's part of taking rows back: the import is cancelled, and has put nothing in.
 */
export function takenBackSql(id: string, message: string): string {
  const which = quoteLiteral(id);
  return `update sluice.imports set state = 'cancelled', taken_back = inserted, total = total - inserted, inserted = 0,
      message = ${quoteLiteral(message)} || to_char(clock_timestamp() at time zone 'UTC', '" on "YYYY-MM-DD HH24:MI" UTC"')
    where id = ${which};
    update sluice.chunks set inserted = 0 where import = ${which};
    delete from sluice.written where import = ${which}`;
}
