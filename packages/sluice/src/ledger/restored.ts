// A ledger that came into this database by a dump.
//
// The ledger knows a table by its OID, so that a table which was dropped and made again is another
// one. A restored dump gives each table another OID. Without more the ledger would say of every
// table that it is gone, and would let the same command put all rows in once more. So the first use
// of a restored ledger finds its tables by their names, as the dump did.
import { quoteLiteral } from "../schema/identifiers.ts";
import type { Target } from "../target.ts";
import { restoredShape, shapeSql } from "./table-shape.ts";

/** The name by which a table is found. Imports of earlier versions have no name with a schema. */
const NAMED = "pg_catalog.to_regclass(coalesce(full_name, relation))";

/**
 * Finds the tables of all imports by name, in one transaction. Idempotent.
 *
 * @param place where the ledger is, as SQL
 * @param lock the advisory lock under which the ledger changes
 */
export async function adoptRestored(target: Target, place: string, lock: number): Promise<void> {
  const { rows } = await target.query(
    `select id, shape, ${shapeSql(NAMED)} from sluice.imports where state in ('running', 'failed') and shape is not null`,
  );
  const shapes = rows.flatMap(([id, then, now]) => {
    const shape = now ? restoredShape(then!, now) : undefined;
    return shape === undefined
      ? []
      : [`update sluice.imports set shape = ${quoteLiteral(shape)} where id = ${quoteLiteral(id!)}`];
  });
  await target.query(
    [
      `select pg_catalog.pg_advisory_xact_lock(${lock})`,
      `update sluice.imports set table_oid = ${NAMED}::oid where coalesce(full_name, relation) is not null`,
      ...shapes,
      `update sluice.ledger set place = ${place}`,
    ].join(";\n"),
  );
}
