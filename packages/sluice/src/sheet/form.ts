// Sheets that are not a table with a record in each row. In a form, labels are beside values. In a
// printed report, titles of sections are between short tables. Others are calendars, and tables
// whose records are their columns.
import { isMark } from "../values/marks.ts";
import { cellsByColumn } from "./evidence.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";
import type { Layout } from "./header-row.ts";

/** Rows that a form has at least, and the share of its rows that hold a label with its value. */
const LEAST_ROWS = 4;
const LABELLED = 0.6;
/**
 * Kinds of values in the one column of a form without colons, and the share that none of them has.
 */
const KINDS = 3;
const MOSTLY = 2 / 3;
const RUN = 3;

/**
 * Reports whether the first rows of a sheet are those of a form: `Name: | Ada | Date: | 2024-01-31`
 * in most of them. Or they have two columns, or four and more, with labels that are all different
 * and values of three kinds, the first row among them.
 */
export function isForm(rows: readonly HeadRow[]): boolean {
  const filled = rows.filter(({ cells }) => cells.length > 1);
  if (filled.length < LEAST_ROWS) return false;
  const labelled = filled.filter(({ cells }) => cells.some((cell, n) => isQuestion(cell) && !isQuestion(cells[n + 1])));
  if (labelled.length >= filled.length * LABELLED && labelled.length >= LEAST_ROWS) return true;
  return filled.length >= rows.length * LABELLED && arePairs(filled);
}

/**
 * Sections that a report has at least among the first rows of a sheet, and columns of their rows.
 */
const SECTIONS = 4;
const SECTION_COLUMNS = 2;

/**
 * Reports whether the first rows of a sheet are those of a printed report: lines of one cell part
 * the other rows in sections, and the header names less than half of the columns.
 */
export function isReport(records: readonly HeadRow[], { headers }: Layout): boolean {
  // One cell alone, such as the word for a total, makes no column.
  const columns = new Set(
    [...cellsByColumn(records)].filter(([, cells]) => cells.length > 1).map(([column]) => column),
  );
  const named = headers.filter(({ sheetColumn }) => columns.has(sheetColumn)).length;
  if (named * 2 >= columns.size) return false;
  const sections = records.filter(
    ({ cells }, n) => cells.length >= SECTION_COLUMNS && records[n - 1]?.cells.length === 1,
  );
  return sections.length >= SECTIONS;
}

/** Rows that a turned table has at least below its first one, and their values. */
const TURNED_ROWS = 3;
const TURNED_VALUES = 3;
/** One row of so many has texts, and another one numbers or dates. */
const TURNED_SHARE = 4;

/**
 * Reports whether the records of a table seem to be its columns: each row has its name in front of
 * values of one kind, and it is not the same kind in all rows.
 *
 *     Name | Ada    | Bob  | Cy
 *     Born | 1815   | 1912 | 1970
 *     City | London | Bonn | Ulm
 */
export function isTurned(records: readonly HeadRow[]): boolean {
  const width = records[0]?.cells.length ?? 0;
  const names = new Set(records.map(({ cells }) => cells[0]!.text));
  if (width <= TURNED_VALUES || names.size < records.length) return false;
  const sorts = records.map(({ cells: [name, ...values] }) => {
    const [sort, ...others] = new Set(values.map((value) => value.sort));
    const isEven = others.length === 0 && values.length === width - 1 && !values.every(({ text }) => isMark(text));
    return name!.sort === "text" && isEven ? sort : undefined;
  });
  const texts = sorts.filter((sort) => sort === "text").length;
  const fewer = Math.min(texts, sorts.length - texts);
  return !sorts.includes(undefined) && sorts.length >= TURNED_ROWS && fewer * TURNED_SHARE >= sorts.length;
}

/** Weeks that a calendar has at least, the days of a week, and the last ones of a month. */
const WEEKS = 4;
const WEEK_DAYS = 7;
const LAST_DAYS = { least: 28, most: 31 };

/**
 * The rows of a calendar that hold the days of a month: they count on from cell to cell, and from
 * one row to the next one. Empty if the sheet is not a calendar.
 */
export function weekRows(records: readonly HeadRow[]): number[] {
  const weeks = records.flatMap(({ number, cells }) => {
    const days = cells.filter(({ sort }) => sort === "number").map(({ text }) => Number(text));
    const countsOn = days.every((day, n) => n === 0 || day === days[n - 1]! + 1);
    const areDays = days.length > 0 && days[0]! >= 1 && days.at(-1)! <= LAST_DAYS.most;
    return areDays && countsOn && days.length <= WEEK_DAYS ? [{ number, days }] : [];
  });
  const follows = weeks.filter(({ days }, n) => n > 0 && days.length > 1 && days[0] === weeks[n - 1]!.days.at(-1)! + 1);
  const ends = weeks.some(({ days }) => days.at(-1)! >= LAST_DAYS.least);
  return follows.length >= WEEKS - 1 && ends ? weeks.map(({ number }) => number) : [];
}

/** A label that says that its value follows. */
function isQuestion(cell: HeadCell | undefined): boolean {
  return cell !== undefined && cell.sort === "text" && /[^:：\s]\s?[:：]$/.test(cell.text);
}

function arePairs(rows: readonly HeadRow[]): boolean {
  const columns = rows[0]!.cells.map(({ column }) => column);
  const fits = rows.every(({ cells }) => cells.length === columns.length && cells.every(({ column }, n) => column === columns[n])); // prettier-ignore
  if (!fits || columns.length % 2 > 0) return false;
  const labels = rows.flatMap(({ cells }) => cells.filter((_, n) => n % 2 === 0));
  if (!labels.every(({ sort, text }) => sort === "text" && !/\d/.test(text))) return false;
  if (new Set(labels.map(({ text }) => text)).size < labels.length) return false;
  // Values of one kind one after the other are those of a column.
  const isColumn = (sorts: readonly string[]): boolean =>
    sorts.some(
      (sort, n) => sort !== "text" && sorts.slice(n, n + RUN).every((one) => one === sort) && n + RUN <= sorts.length,
    );
  const values = columns.flatMap((_, n) => (n % 2 > 0 ? [rows.map(({ cells }) => cells[n]!.sort)] : []));
  const kinds = new Map<string, number>();
  for (const sort of values.flat()) kinds.set(sort, (kinds.get(sort) ?? 0) + 1);
  return !values.some(isColumn) && kinds.size >= KINDS && Math.max(...kinds.values()) <= labels.length * MOSTLY;
}
