// Numbers, tables and rejects for people.
import { grouped } from "../grouped.ts";
import { inOneLine } from "../printable.ts";
import type { Reject } from "../reject.ts";

/** `1,234,567` */
export function count(n: number): string {
  return grouped(Math.round(n));
}

/** Rows a second, whole. */
export function rate(rows: number, milliseconds: number): number {
  return milliseconds > 0 ? Math.round((rows * 1000) / milliseconds) : 0;
}

/**
 * Rows of text as columns that line up; the first row is the head. What would steer a terminal is
 * shown as an escape.
 */
export function columns(cells: readonly (readonly string[])[], right: readonly boolean[] = []): string[] {
  const rows = cells.map((row) => row.map(inOneLine));
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** A text in one line, cut if it is longer; what would steer a terminal is shown as an escape. */
export function oneLine(text: string, widest: number): string {
  const line = inOneLine(text.replaceAll(/\s+/g, " "));
  return line.length > widest ? `${line.slice(0, widest)}…` : line;
}

/** The fault of a row, in one line. */
export function rejectText(reject: Reject): string {
  const value =
    reject.value === undefined
      ? ""
      : ` ${JSON.stringify(reject.value.length > 60 ? `${reject.value.slice(0, 60)}…` : reject.value).replaceAll("\\\\", "\\")}`;
  return `${reject.code}: ${reject.column === undefined ? "" : `${reject.column}${value}: `}${reject.reason}`;
}
