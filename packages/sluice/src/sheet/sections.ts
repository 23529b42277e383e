// Titles of sections: lines of one cell between the records, at their left.
//
//   Region | Sales
//   North  |          the title of the rows below it
//   Anna   | 5
//   Bert   | 6
//   South  |
//   Carl   | 7
//
// Such a line may be a record with little in it, so it is one unless `--add section` says that a
// column gets the titles.
import { cellsByColumn } from "./evidence.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";

/** The column that records begin in: the first one that half of the rows with more cells fill. */
export function recordsBegin(rows: readonly HeadRow[]): number | undefined {
  const wide = rows.filter(({ cells }) => cells.length > 1);
  const usual = [...cellsByColumn(wide)].filter(([, cells]) => cells.length * 2 >= wide.length);
  return usual.length === 0 ? undefined : Math.min(...usual.map(([column]) => column));
}

/**
 * Reports whether a cell that is alone in its line is a title; records begin in the column
 * `begin`. A year left of them is a title too; in their first column it may be one of them.
 */
export function isTitleCell({ column, sort }: Pick<HeadCell, "column" | "sort">, begin: number): boolean {
  return sort === "text" ? column <= begin : column < begin;
}

/** Reports whether a row is a line of one cell that is the title of a section. */
export function isTitleRow({ cells }: HeadRow, begin: number): boolean {
  return cells.length === 1 && isTitleCell(cells[0]!, begin);
}
