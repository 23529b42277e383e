// Sheets that are no table: forms, in which labels are beside values, and printed reports, in which
// titles of sections are between short tables.
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
 * in most of them. Or they have two columns, with labels that are all different and values of three
 * kinds, the first row among them.
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
  const columns = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  const named = headers.filter(({ sheetColumn }) => columns.has(sheetColumn)).length;
  if (named * 2 >= columns.size) return false;
  const sections = records.filter(
    ({ cells }, n) => cells.length >= SECTION_COLUMNS && records[n - 1]?.cells.length === 1,
  );
  return sections.length >= SECTIONS;
}

/** A label that says that its value follows. */
function isQuestion(cell: HeadCell | undefined): boolean {
  return cell !== undefined && cell.sort === "text" && /[^:：\s]\s?[:：]$/.test(cell.text);
}

function arePairs(rows: readonly HeadRow[]): boolean {
  const [left, right] = rows[0]!.cells;
  const fits = rows.every(
    ({ cells }) => cells.length === 2 && cells[0]!.column === left!.column && cells[1]!.column === right!.column,
  );
  if (!fits || !rows.every(({ cells }) => cells[0]!.sort === "text" && !/\d/.test(cells[0]!.text))) return false;
  if (new Set(rows.map(({ cells }) => cells[0]!.text)).size < rows.length) return false;
  const kinds = new Map<string, number>();
  for (const { cells } of rows) kinds.set(cells[1]!.sort, (kinds.get(cells[1]!.sort) ?? 0) + 1);
  // Values of one kind one after the other are those of a column.
  const sorts = rows.map(({ cells }) => cells[1]!.sort);
  const isColumn = sorts.some(
    (sort, n) => sort !== "text" && sorts.slice(n, n + RUN).every((one) => one === sort) && n + RUN <= sorts.length,
  );
  return !isColumn && kinds.size >= KINDS && Math.max(...kinds.values()) <= rows.length * MOSTLY;
}
