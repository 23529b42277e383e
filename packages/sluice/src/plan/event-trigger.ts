// Event triggers, which may refuse DDL. An import's DDL makes a table, a column, an index or the
// ledger, and the temporary table of rows that may meet others. If an event trigger raises an
// error, that is not the fault of a row.
import { SluiceError } from "../errors.ts";
import { quoteIdentifier } from "../schema/identifiers.ts";
import { isDatabaseError, type QueryResult } from "../target.ts";

interface Asked {
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
}

/** What an event trigger raised, as an error that nobody takes for a row's fault. */
export function ofDdl(error: unknown): unknown {
  if (!isDatabaseError(error) || error.routine !== RAISED) return error;
  return new SluiceError(DDL_REFUSED, error.message, { cause: error });
}

/** The code of an error that an event trigger raised. */
export const DDL_REFUSED = "ddl_refused";

/** The function of the server that carries out RAISE. */
export const RAISED = "exec_stmt_raise";

/**
 * Says which event trigger raised an error and how to do without; undefined if none did, as far as
 * is known.
 */
export async function eventTriggerAdvice(asked: Asked, error: unknown): Promise<string | undefined> {
  if (!isDatabaseError(error) || error.routine !== RAISED) return undefined;
  const found = await asked
    .query(
      `select e.evtname::text from pg_catalog.pg_event_trigger e join pg_catalog.pg_proc p on p.oid = e.evtfoid
       where e.evtenabled <> 'D' and pg_catalog.strpos($1, p.proname || '(') > 0 order by 1`,
      [error.where ?? ""],
    )
    .catch(() => undefined);
  const names = (found?.rows ?? []).map(([name]) => name!);
  const [name] = names;
  if (name === undefined) return undefined;
  const list = names.map((one) => JSON.stringify(one)).join(" or ");
  return (
    `The event trigger ${list} of the database raised this. Import as a role that it lets through, ` +
    `or switch it off meanwhile: alter event trigger ${quoteIdentifier(name)} disable`
  );
}
