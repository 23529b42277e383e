// The tables that imports for callers of a server made. Those callers may continue writing to them,
// but not to any other table that exists.
//
// A table is known by its OID and its name. By the OID, because a table that was dropped and made
// by somebody else under the same name is another one. By the name, because a table of a restored
// dump, or one that has got an old OID, is another one too. Its row is written by the transaction
// that makes the table, and stays when the history of the import is deleted. No caller can write
// here: no import takes a table of this schema as its target.
import { quoteLiteral, quoteTable } from "../schema/identifiers.ts";
import { SluiceError } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import { type Caller } from "../options.ts";

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
 * The condition, as SQL, that the relation `oid` is a table that was made for callers. A table that
 * has become a part of another table since is not: its rows would be that table's.
 */
export function isMadeSql(oid: string): string {
  return `exists (select from sluice.made m join pg_class c on c.oid = m.table_oid join pg_namespace n on n.oid = c.relnamespace
      where m.table_oid = ${oid} and (m.schema_name, m.table_name) = (n.nspname, c.relname) and c.relkind = 'r'
        and not exists (select from pg_inherits i where i.inhrelid = c.oid))`;
}

/** Statements for the transaction that begins an import, after those that make its table. */
export function callerSql({ table, created }: Pick<Plan, "table" | "created">, caller: Caller | undefined): string[] {
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

/** The error for an existing table that was not made for callers. */
export function notAllowed(table: string, cause?: unknown): SluiceError {
  return new SluiceError(
    "table_not_allowed",
    `The table "${table}" is there already, and no upload made it, so uploads may not write to it. ` +
      `Name another table, or ask whoever runs the server to allow this one.`,
    { cause },
  );
}
