// Tables that no import writes to, by whatever way it was asked to: the ledger, the database's own
// catalogues, temporary tables.
//
// A name alone does not say it: `search_path` decides what an unqualified one means, and a view, a
// rule or a partition can lead into the ledger. So the name is judged first, without a database,
// and then what the database finds under that name.
import { usageError, type SluiceError } from "../errors.ts";
import { schemaOf } from "../schema/identifiers.ts";

/**
 * Schemas that are not for imports. PostgreSQL keeps all names that begin with `pg_`, those of
 * temporary tables too.
 */
const RESERVED = /^(?:sluice|sluice_fleet|information_schema|pg_.*)$/i;

/**
 * Finds where a name leads: the schema and the name of the table that it means, or of one in the
 * ledger or of a fleet that its rows would reach by views, rules, partitions and inheritance. If
 * there is none, the schema that an unqualified name would be made in. The parameter is the quoted
 * name.
 */
export const LEADS_TO = `
  with recursive meant as (select pg_catalog.to_regclass($1)::oid as oid),
  reached as (
    select oid from meant where oid is not null
    union
    select next.oid from reached, lateral (
      select i.inhrelid as oid from pg_catalog.pg_inherits i where i.inhparent = reached.oid
      union all select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = reached.oid
      union all select d.refobjid from pg_catalog.pg_rewrite r join pg_catalog.pg_depend d
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid and d.objid = r.oid
          and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
        where r.ev_class = reached.oid
    ) next
  )
  select n.nspname::text, c.relname::text, (c.oid = meant.oid)::text
  from meant, reached join pg_catalog.pg_class c on c.oid = reached.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid = meant.oid or n.nspname in ('sluice', 'sluice_fleet')
  union all
  select pg_catalog.current_schema()::text, null, 'true' from meant where oid is null and pg_catalog.current_schema() is not null`;

/** Reports whether a schema is not for imports, in any way of writing its name. */
export function isReserved(schema: string): boolean {
  return RESERVED.test(schema.replaceAll(/["\s]/g, ""));
}

/** @throws SluiceError (`table_not_allowed`) for a name in a schema that is not for imports */
export function checkName(table: string): void {
  const schema = schemaOf(table);
  if (schema !== undefined && isReserved(schema)) throw notAllowed(table, schema);
}

/**
 * @param found what {@link LEADS_TO} says of the name
 * @throws SluiceError (`table_not_allowed`) if it leads to a table that is not for imports
 */
export function checkFound(table: string, found: readonly (readonly (string | null)[])[]): void {
  for (const [schema, name, itself] of found) {
    // A name with a schema would be made in that one.
    if (name === null && schemaOf(table) !== undefined) continue;
    if (!isReserved(schema!)) continue;
    throw notAllowed(table, schema!, itself === "true" ? undefined : `${schema}.${name}`);
  }
}

function notAllowed(table: string, schema: string, by?: string): SluiceError {
  const shown = JSON.stringify(table);
  const bare = schema.replaceAll(/["\s]/g, "");
  const whose = /^sluice$/i.test(bare)
    ? "the schema sluice holds the ledger of imports"
    : /^sluice_fleet$/i.test(bare)
      ? "the schema sluice_fleet holds the queue of a fleet"
      : /^pg_(?:toast_)?temp/i.test(schema)
        ? `the schema ${schema} holds temporary tables, which end with their session`
        : `the schema ${schema} belongs to the database itself`;
  const where = by === undefined ? "" : `, and ${shown} leads to its table ${by}`;
  return usageError(
    "table_not_allowed",
    `no import writes to the table ${shown}: ${whose}${where}. Name another table, in a schema of your own (--table).`,
  );
}
