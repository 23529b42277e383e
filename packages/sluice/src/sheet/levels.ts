// Outlines with values: each row fills one of several columns at the left, and which one says its
// level.
//
//   Section | Group | Item  | Amount
//   Food    |       |       |             each row has its own name alone, and not the names of
//           | Fruit |       |             the levels above it
//           |       | Apple | 5
//           | Bread |       |
//           |       | Rye   | 7
//
// A sheet that has nothing else is an outline without a header (outline.ts). Of two columns, the
// first one may hold titles of sections (sections.ts) or the names of groups (groups.ts).
import type { HeadRow } from "./head-rows.ts";

/** Rows that an outline has at least, and rows of its first and of its last level. */
const LEAST_ROWS = 6;
const LEAST_ENDS = 2;
/** The share of rows that fill one of the columns of levels. */
const MOSTLY = 0.9;

/** The columns of the levels, from the left; empty if the rows are not those of an outline. */
export function levelColumns(records: readonly HeadRow[]): number[] {
  const columns = [...new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)))].sort((a, b) => a - b);
  for (let count = columns.length - 1; count > 1; count--) {
    const levels = columns.slice(0, count);
    if (areLevels(records, levels)) return levels;
  }
  return [];
}

function areLevels(records: readonly HeadRow[], columns: readonly number[]): boolean {
  const last = columns.at(-1)!;
  const rows = records.map(({ cells }) => cells.filter(({ column }) => column <= last));
  const levels = rows.filter((cells) => cells.length === 1).map(([cell]) => cell!);
  if (levels.length < LEAST_ROWS || levels.length < rows.length * MOSTLY) return false;
  if (rows.some((cells) => cells.length > 1) || levels[0]!.column !== columns[0]) return false;
  const at = levels.map(({ column }) => columns.indexOf(column));
  // A level begins below the one above it. Columns of which either is filled do not tell so.
  if (at.some((level, n) => n > 0 && level > at[n - 1]! + 1)) return false;
  const firsts = levels.filter(({ column }) => column === columns[0]);
  const ends = at.filter((level) => level === columns.length - 1).length;
  if (firsts.length < LEAST_ENDS || ends < firsts.length || new Set(at).size < columns.length) return false;
  const isWord = firsts.every(({ sort }) => sort === "text");
  if (!isWord || new Set(firsts.map(({ text }) => text)).size < firsts.length) return false;
  // Titles of sections are said as such.
  const others = records.filter(({ cells }) => cells[0]!.column === columns[0] && cells.length > 1);
  return columns.length > 2 || others.length * 2 >= firsts.length;
}
