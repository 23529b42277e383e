// Outlines: sheets in which each row has one text, and the column says its level. No row names the
// columns, since a name would have values below it.
//
//   Food  |
//         | Fruit
//         | Bread
//   Tools |
//         | Saw
import type { HeadRow } from "./head-rows.ts";

/** Rows that an outline has at least, and those that begin left of the row above them. */
const LEAST_ROWS = 6;
const ENDS = 2;

/** Reports whether the first rows of a sheet are an outline. */
export function isOutline(rows: readonly HeadRow[]): boolean {
  const areLone = rows.every(({ cells }) => cells.length === 1 && cells[0]!.sort === "text");
  if (rows.length < LEAST_ROWS || !areLone) return false;
  const ends = rows.slice(1).filter(({ cells }, n) => cells[0]!.column < rows[n]!.cells[0]!.column);
  return ends.length >= ENDS;
}
