// Titles of sections: lines of one cell between the records, at their left or over their values.
//
//   Region | Sales
//   North  |          the title of the rows below it
//   Anna   | 5
//   Bert   | 6
//          | South    a title too: the column has no texts in the records
//   Carl   | 7
//
// Such a line may be a record with little in it, so it is one unless `--add section` says that a
// column gets the titles.
import { isMark } from "../values/marks.ts";
import { NO_VALUE } from "./about-rows.ts";
import { cellsByColumn, sortBelow } from "./evidence.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";

/** What tells the titles of sections from records. */
export interface SectionRule {
  /** The column that records begin in: the first one that half of the rows with more cells fill. */
  readonly begin: number;
  /**
   * The columns right of it that have texts in the records. A text alone in another one is a title;
   * missing if none is.
   */
  readonly texts?: readonly number[];
}

/** The rule by what the first records hold; undefined if none has more than one cell. */
export function sectionRule(rows: readonly HeadRow[]): SectionRule | undefined {
  const wide = rows.filter(({ cells }) => cells.length > 1);
  const columns = [...cellsByColumn(wide)];
  const usual = columns.filter(([, cells]) => cells.length * 2 >= wide.length);
  if (usual.length === 0) return undefined;
  const begin = Math.min(...usual.map(([column]) => column));
  const isText = ([column, cells]: (typeof columns)[number]): boolean =>
    column > begin && ["text", undefined].includes(sortBelow(cells));
  return { begin, texts: columns.filter(isText).map(([column]) => column) };
}

/**
 * Reports whether a cell that is alone in its line is a title. A year left of the records is a
 * title too; in their first column it may be one of them.
 */
export function isTitleCell(
  { column, sort, text }: Pick<HeadCell, "column" | "sort" | "text">,
  { begin, texts }: SectionRule,
): boolean {
  if (sort !== "text") return column < begin;
  return column <= begin || (texts?.includes(column) === false && !isMark(text) && !NO_VALUE.test(text));
}

/** Reports whether a row is a line of one cell that is the title of a section. */
export function isTitleRow({ cells }: HeadRow, rule: SectionRule): boolean {
  return cells.length === 1 && isTitleCell(cells[0]!, rule);
}
