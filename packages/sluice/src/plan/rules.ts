// Tables with rules that change a row in ways nobody counts: they are refused before the first row.
//
// COPY passes over the rules of a table, an INSERT runs them, and no INSERT can tell what a rule
// did with a row. So the methods would leave different rows, in silence. PostgreSQL itself refuses
// ON CONFLICT if a table has rules.
import { SluiceError } from "../errors.ts";
import { quoteIdentifier, quoteTable } from "../schema/identifiers.ts";
import type { TableInfo } from "../target.ts";
import type { ImportOptions } from "../options.ts";

/** @throws SluiceError (`table_rules`) if a rule would have a say in what this import does */
export function checkRules(
  table: string,
  { rules, kind }: Pick<TableInfo, "rules" | "kind">,
  { onConflict = "error", mode }: Pick<ImportOptions, "onConflict" | "mode">,
): void {
  const rule = rules.find(
    ({ on }) =>
      on === "insert" || (on === "update" && onConflict !== "error") || (on === "delete" && mode === "replace"),
  );
  if (!rule) return;
  const way =
    kind === "v"
      ? "Make an INSTEAD OF trigger of it, or name the table behind the view with --table."
      : `Make a trigger of it, which every method runs, or switch it off for the import: alter table ${quoteTable(table)} disable rule ${quoteIdentifier(rule.name)};`;
  throw new SluiceError(
    "table_rules",
    `the ${kind === "v" ? "view" : "table"} "${table}" has the rule "${rule.name}" for ${rule.on.toUpperCase()}, and what a rule makes of a row cannot be counted. ${way}`,
  );
}
