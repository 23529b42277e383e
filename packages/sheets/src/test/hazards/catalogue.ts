// All hazards, and the page about them: docs/hazards.md is this list (hazards.test.ts compares).
import { Duration } from "../../cells/duration.ts";
import { CellError } from "../../cells/rows.ts";
import { archives } from "./archive.ts";
import { dates } from "./dates.ts";
import { layout } from "./layout.ts";
import { parts } from "./parts.ts";
import { text } from "./text.ts";
import { values } from "./values.ts";
import type { Cells, Hazard, HazardGroup } from "./hazard.ts";

export const groups: readonly HazardGroup[] = [values, dates, text, layout, parts, archives];
export const hazards: readonly Hazard[] = groups.flatMap((group) => group.hazards);

/** docs/hazards.md. */
export function page(): string {
  const lines = [
    "# Hazards of workbooks",
    "",
    "What real workbooks do, and what `@sluice/sheets` makes of it. Each line is the name of a test, and has a workbook of its own, which the",
    "test writes: `packages/sheets/src/test/hazards/`. This page is written from that list: `npx vitest run packages/sheets/src/test/hazards --update`.",
    "*Seen* names public threads of readers that stumbled over it. How other readers do: `bench/README.md`.",
  ];
  for (const { title, hazards } of groups) {
    lines.push("", `## ${title}`, "", "| hazard | read as | seen |", "| --- | --- | --- |");
    for (const hazard of hazards)
      lines.push(`| ${[escaped(hazard.name), outcome(hazard), hazard.seen ?? ""].map(cell).join(" | ")} |`);
  }
  return `${lines.join("\n")}\n`;
}

function outcome({ refused, sheets = [], warnings = [] }: Hazard): string {
  if (refused) return `refused: \`${refused}\``;
  const shown = sheets.map(({ name, cells }) => (sheets.length > 1 ? `${name}: ` : "") + summary(cells)).join("; ");
  return shown + (warnings.length > 0 ? "; warning" : "");
}

/** The first cells, shortened. */
function summary(cells: Cells): string {
  const all = Object.entries(cells).map(([ref, value]) => {
    const text =
      value instanceof Date
        ? value
            .toISOString()
            .slice(0, -1)
            .replace("T00:00:00.000", "")
            .replace(/\.000$/, "")
        : value instanceof CellError || value instanceof Duration
          ? String(value)
          : Object.is(value, -0)
            ? "-0"
            : JSON.stringify(value);
    return `${ref} \`${text.length > 24 ? `${text.slice(0, 20)}…` : text}\``;
  });
  if (all.length === 0) return "no cell";
  return all.length > 3 ? `${all.slice(0, 3).join(", ")}, … (${all.length} cells)` : all.join(", ");
}

/** As plain text in Markdown. */
const escaped = (text: string): string => text.replace(/[<_*[\]]/g, "\\$&");
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
