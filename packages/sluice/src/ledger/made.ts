// Which tables imports for callers of a server made. Those callers may go on writing to them, and to no other table that is there.
//
// A table is known by its OID, so one that was dropped and made by somebody else under the same name is not it; and by its name, so
// that a table of a restored dump, or one that has got an old OID, is not taken for it. Its row is written by the transaction
// that makes the table, and stays when the history of the import is deleted. No caller can write here: no import takes a table of
// this schema as its target.
import { quoteLiteral, quoteTable } from "../identifiers.ts";
import { SluiceError } from "../errors.ts";
import type { Plan } from "./plan.ts";

/** For whom an import runs who may not write just anywhere. What it makes is on record as made for such callers. */
export interface Caller {
  /** Only a table that was made for a caller counts, if one of that name is there. */
  readonly ownTable: boolean;
  /** Messages do not name columns of an existing table, but for those that the sheet's headers mean. */
  readonly hidesColumns: boolean;
}

/** SQLSTATE of an import that found a table which was not made for callers. */
export const NOT_OWN = "SLU09";

export const MADE_DDL = `
-- The tables that imports for callers of a server made.
create table if not exists sluice.made (
  table_oid oid primary key,
  schema_name text not null,
  table_name text not null,
  made_at timestamptz not null default clock_timestamp()
);
`;

/**
 * Whether the relation `oid` is a table that was made for callers, as SQL. One that has become a part of another table since is none:
 * its rows would be that table's.
 */
export function isMadeSql(oid: string): string {
  return `exists (select from sluice.made m join pg_class c on c.oid = m.table_oid join pg_namespace n on n.oid = c.relnamespace
      where m.table_oid = ${oid} and (m.schema_name, m.table_name) = (n.nspname, c.relname) and c.relkind = 'r'
        and not exists (select from pg_inherits i where i.inhrelid = c.oid))`;
}

/** Statements for the transaction that begins an import, after those that make its table. */
export function callerSql({ table, created }: Plan, caller: Caller | undefined): string[] {
  if (!caller) return [];
  const oid = `pg_catalog.to_regclass(${quoteLiteral(quoteTable(table))})::oid`;
  if (created)
    return [
      `insert into sluice.made (table_oid, schema_name, table_name)
       select c.oid, n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid}
       on conflict (table_oid) do update
       set (schema_name, table_name, made_at) = (excluded.schema_name, excluded.table_name, excluded.made_at)`,
    ];
  if (!caller.ownTable) return [];
  const body = `begin
    if not ${isMadeSql(oid)} then
      raise exception 'the table was not made for callers' using errcode = '${NOT_OWN}';
    end if;
  end`;
  return [`do ${quoteLiteral(body)}`];
}

/** Of a table that is there and was not made for callers. */
export function notAllowed(table: string, cause?: unknown): SluiceError {
  return new SluiceError(
    "table_not_allowed",
    `The table "${table}" is there already, and no upload made it, so uploads may not write to it. ` +
      `Name another table, or ask whoever runs the server to allow this one.`,
    { cause },
  );
}
