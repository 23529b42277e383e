// Tables whose rules would make of a row what nobody counts: they are refused before the first row.
//
// COPY passes over the rules of a table, an INSERT runs them, and what a rule did with a row no INSERT can tell. So the methods would
// leave different rows, in silence. ON CONFLICT is refused by PostgreSQL itself where there are rules.
import { SluiceError } from "./errors.ts";
import { quoteIdentifier, quoteTable } from "./identifiers.ts";
import type { ImportOptions } from "./import.ts";
import type { TableInfo } from "./targets/target.ts";

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
