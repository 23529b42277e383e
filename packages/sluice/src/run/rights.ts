// The rights on its table that an import needs and its user does not have, column by column.
import type { Plan } from "../plan/plan.ts";
import { quoteIdentifier, quoteTable } from "../schema/identifiers.ts";
import type { Target } from "../target.ts";

/** A right on columns of a table. */
type Right = "insert" | "update" | "select";

/** For each pair of a right and a column: the column, if this user does not have the right. */
const LACKING = `
  select w.needed ->> 0, w.needed ->> 1, current_user::text
  from pg_catalog.json_array_elements($2::json) with ordinality as w (needed, n)
  where not pg_catalog.has_column_privilege(pg_catalog.to_regclass($1), w.needed ->> 1, w.needed ->> 0) order by w.n`;

/** Says which rights are missing, with the statement that grants them; undefined if none is. */
export async function rightsLacking(
  target: Pick<Target, "query">,
  { table, load, conflict }: Pick<Plan, "table" | "load" | "conflict">,
): Promise<string | undefined> {
  const names = load.map(({ column }) => column.name);
  const key = conflict?.key ?? [];
  const needed: readonly (readonly [Right, string])[] = [
    ...(conflict?.only ? [] : names).map((name) => ["insert", name] as const),
    ...(conflict?.action === "update" ? names.filter((name) => !key.includes(name)) : []).map(
      (name) => ["update", name] as const,
    ),
    // The rows that are there are read. Which of them are new, their `xmax` says.
    ...(conflict ? [...key, ...names, "xmax"] : []).map((name) => ["select", name] as const),
  ];
  const { rows } = await target.query(LACKING, [quoteTable(table), JSON.stringify(needed)]);
  const user = rows[0]?.[2];
  if (!user) return undefined;
  const rights = Map.groupBy(rows, ([right]) => right!);
  const of = (right: Right, how: (name: string) => string): string =>
    (rights.get(right) ?? []).map(([, name]) => how(name!)).join(", ");
  const lacks: string[] = [];
  const grants: string[] = [];
  for (const right of ["insert", "update"] as const) {
    if (!rights.has(right)) continue;
    lacks.push(`${right} on ${of(right, JSON.stringify)}`);
    grants.push(`${right} (${of(right, quoteIdentifier)})`);
  }
  if (rights.has("select")) {
    lacks.push("select");
    grants.push("select");
  }
  return `The user ${user} lacks the right to ${lacks.join(", and to ")}: grant ${grants.join(", ")} on ${quoteTable(table)} to ${quoteIdentifier(user)}`;
}
