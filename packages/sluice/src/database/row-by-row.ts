// Rows of which the database refuses many, tried one by one on the server: one statement for all of
// them, where each attempt from here would be several messages.
//
// The rows go into a temporary table by COPY, and a block of PL/pgSQL inserts each of them in a
// subtransaction and writes down what the database says. A role that may not make temporary tables,
// or a database without PL/pgSQL, is no failure: then rows are tried from here.
import { type Chunk } from "../chunk/chunk.ts";
import { aliasSql, freshSql, onConflictSql } from "../plan/conflict.ts";
import { quoteIdentifier, quoteLiteral, quoteTable } from "../schema/identifiers.ts";
import { ROW, stage } from "./merge.ts";
import type { Refusal } from "./cut.ts";
import { isRowFault, RIGHTS, rowFaultSql } from "./row-fault.ts";
import { load } from "./load.ts";
import { failureOf } from "../errors.ts";
import { released, SAVEPOINT, underSavepoint } from "./savepoint.ts";
import { isDatabaseError, type Connection } from "../target.ts";

/** The rows that were kept and refused. Rows that were left out are in neither. */
export interface Settled {
  /** Rows that were put in or written over. */
  readonly kept: number;
  readonly updated: number;
  readonly refused: readonly Refusal[];
}

/** The fields of a refusal of the server, in the order of the columns below. */
const TOLD = ["code", "message", "detail", "column", "schema", "table", "constraint", "where"] as const;

/**
 * Tries rows [from, to) of a chunk in the transaction that is open, in which all constraints are
 * immediate; undefined if that cannot be done on the server, and then nothing has happened.
 */
export async function rowByRow(
  connection: Connection,
  chunk: Chunk,
  from: number,
  to: number,
): Promise<Settled | undefined> {
  // Those are not one INSERT for each row.
  if (chunk.plan.empty !== undefined || chunk.plan.conflict?.only !== undefined) return undefined;
  try {
    return await released(connection, async () => {
      const staged = await stage(connection, chunk, from, to, `${SAVEPOINT}; `);
      const faults = `${staged}_faults`;
      const { rows } = await connection.query(
        `create temporary table if not exists ${faults.slice("pg_temp.".length)} (n integer, kept bigint, updated bigint, ${TOLD.map((name) => `"${name}" text`).join(", ")}) on commit drop;
         truncate ${faults};
         do language plpgsql ${quoteLiteral(blockSql(chunk, staged, faults))};
         select n::text, kept::text, updated::text, ${TOLD.map((name) => `"${name}"`).join(", ")} from ${faults} order by n`,
      );
      const [sum, ...refusals] = rows;
      const refused = refusals.map(([n, , , ...told]) => ({ row: from + Number(n) - 1, error: errorOf(told) }));
      await expectPolicies(connection, chunk, refused);
      return { kept: Number(sum![1]), updated: Number(sum![2]), refused };
    });
  } catch {
    // Whatever it was, the attempts from here meet it as well.
    return undefined;
  }
}

/**
 * Makes sure that what reads like a lack of rights is a policy that a row breaks.
 * @throws if it is not
 */
async function expectPolicies(
  connection: Connection,
  chunk: Chunk,
  refused: readonly (Refusal & { readonly error: Error })[],
): Promise<void> {
  const said = new Map<string, number>();
  for (const { row, error } of refused)
    if (isDatabaseError(error) && error.code === RIGHTS && !said.has(error.message)) said.set(error.message, row);
  for (const row of said.values()) {
    const failure = await failureOf(underSavepoint(connection, () => load(connection, chunk, row, row + 1)));
    if (!isRowFault(failure)) throw failure ?? new Error("not a policy");
  }
}

/**
 * The block: row 0 of the faults has the number of rows that were kept. What is no row's fault ends
 * it.
 */
function blockSql({ plan }: Chunk, staged: string, faults: string): string {
  const names = plan.columns.map(({ column }) => quoteIdentifier(column.name));
  // As COPY does, which takes a value for every column.
  const overriding = plan.statement === "copy" ? " overriding system value" : "";
  const { conflict } = plan;
  const onConflict = onConflictSql(conflict, plan.columns.map(({ column }) => column.name)); // prettier-ignore
  return `#variable_conflict use_variable
declare
  sluice_row record; sluice_rows bigint; sluice_kept bigint := 0; sluice_updated bigint := 0; sluice_fresh boolean;
  sluice_1 text; sluice_2 text; sluice_3 text; sluice_4 text; sluice_5 text; sluice_6 text; sluice_7 text; sluice_8 text;
begin
  for sluice_row in select * from ${staged} s order by s.${ROW} loop
    begin
      insert into ${quoteTable(plan.table)}${aliasSql(conflict)} (${names.join(", ")})${overriding}
        values (${names.map((name) => `sluice_row.${name}`).join(", ")})${onConflict}
        returning ${freshSql(conflict)} into sluice_fresh;
      get diagnostics sluice_rows = row_count;
      sluice_kept := sluice_kept + sluice_rows;
      if sluice_rows = 1 and not sluice_fresh then sluice_updated := sluice_updated + 1; end if;
    exception when others then
      get stacked diagnostics sluice_1 = returned_sqlstate, sluice_2 = message_text, sluice_3 = pg_exception_detail,
        sluice_4 = column_name, sluice_5 = schema_name, sluice_6 = table_name, sluice_7 = constraint_name,
        sluice_8 = pg_exception_context;
      if not ${rowFaultSql("sluice_1", "sluice_8")} or sluice_5 = 'sluice' then raise; end if;
      insert into ${faults} values (sluice_row.${ROW}, null, null, sluice_1, sluice_2, sluice_3, sluice_4, sluice_5, sluice_6, sluice_7, sluice_8);
    end;
  end loop;
  insert into ${faults} values (0, sluice_kept, sluice_updated);
end`;
}

/** The server's words as the error that an attempt from here would get. */
function errorOf(told: readonly (string | null)[]): Error {
  const said = TOLD.map((name, i) => [name, told[i]] as const).filter(([, text]) => text !== null && text !== "");
  const { message = "", ...rest } = Object.fromEntries(said) as Record<string, string>;
  return Object.assign(new Error(message), rest);
}
