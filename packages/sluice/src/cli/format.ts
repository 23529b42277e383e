// Numbers for people.

/** `1,234,567` */
export function count(n: number): string {
  return Math.round(n).toLocaleString("en");
}

/** Rows a second, whole. */
export function rate(rows: number, milliseconds: number): number {
  return milliseconds > 0 ? Math.round((rows * 1000) / milliseconds) : 0;
}

/** Rows of text as columns that line up; the first row is the head. */
export function columns(rows: readonly (readonly string[])[], right: readonly boolean[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}
