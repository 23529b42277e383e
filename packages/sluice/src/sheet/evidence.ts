// What the rows below a row say of it: whether it covers their columns, and whether its cells are
// labels over their values, or values like theirs.
import { isMark } from "../values/marks.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";

/** Rows below a candidate that are compared with it. */
export const BELOW = 20;

/** The signs in the rows below that a row is a header, or a record. */
interface Evidence {
  /** True if the row has cells in most of the columns that are filled below. */
  readonly covers: boolean;
  /** The columns that have a text over values of another kind. */
  readonly labelled: ReadonlySet<number>;
  readonly labels: number;
  /** The number of its cells that are values of the same kind as those below. */
  readonly records: number;
}

/**
 * Compares a row with those below it.
 *
 *     Name  | Born | Pay         covers all columns; labels 2: Born and Pay; records 0
 *     Ada   | 1815 | 12.5        below it are a text and two numbers
 *     Grace | 1906 | 9
 *
 * A text over texts says nothing: `Name` counts in neither. It has more than 15 branches because it
 * counts several signs in one pass.
 */
export function evidence(rows: readonly HeadRow[], i: number): Evidence {
  const row = rows[i]!;
  // The next row may belong to the header as well, so it counts only if there is no other.
  const below = rows.slice(i + (rows.length > i + 2 ? 2 : 1), i + 2 + BELOW);
  const filled = cellsByColumn(below);
  const usual = [...filled].filter(([, cells]) => cells.length * 2 >= below.length).map(([column]) => column);
  const own = new Set(row.cells.map((cell) => cell.column));
  const covered = usual.filter((column) => own.has(column)).length;
  const series = seriesIn(row);
  // Sums that grow from month to month do not continue the months.
  const kind = isEven(row) ? isEven : (other: HeadRow): boolean => seriesIn(other).size > 0;
  const isSeries = series.size > 0 && below.filter(kind).length * 3 <= below.length;
  const labelled = new Set<number>();
  let records = 0;
  for (const cell of row.cells) {
    const cells = filled.get(cell.column) ?? [];
    const sort = sortBelow(cells);
    if (sort === undefined || sort === "text") continue;
    if (cell.sort === "text" || (isSeries && series.has(cell.column)) || isDateOver(cell, sort))
      labelled.add(cell.column);
    else if (cell.sort === sort && !(isYear(cell) && !cells.every(isYear))) records++;
  }
  return { covers: covered * 2 > usual.length, labels: labelled.size, labelled, records };
}

/** The cells of rows by their columns. A sheet can have 16,384 of these. */
export function cellsByColumn(rows: readonly HeadRow[]): Map<number, HeadCell[]> {
  const columns = new Map<number, HeadCell[]>();
  for (const { cells } of rows) {
    for (const cell of cells) {
      const column = columns.get(cell.column);
      if (column) column.push(cell);
      else columns.set(cell.column, [cell]);
    }
  }
  return columns;
}

/**
 * Compares a row that may be the header's last one with those below it. If nothing comes of that,
 * because hardly a record follows, the next row counts as well.
 */
export function evidenceOfLast(rows: readonly HeadRow[], i: number): Evidence {
  const found = evidence(rows, i);
  if (found.labels > 0 || found.records > 0 || i + 1 >= rows.length) return found;
  return evidence([...rows.slice(0, i + 1), rows[i + 1]!], i);
}

/**
 * The kind of two thirds of a column's cells, if they have the same. Marks for missing values do
 * not count beside values.
 */
export function sortBelow(cells: readonly HeadCell[]): string | undefined {
  const values = cells.filter(({ sort, text }) => sort !== "text" || !isMark(text));
  const counts = new Map<string, number>();
  for (const { sort } of values.length > 0 ? values : cells) counts.set(sort, (counts.get(sort) ?? 0) + 1);
  return [...counts].find(([, count]) => count * 3 >= (values.length || cells.length) * 2)?.[0];
}

/** Days and months head the columns of numbers in many tables. */
export function isDateOver(cell: HeadCell, sort: string): boolean {
  return cell.sort === "date" && sort === "number";
}

/**
 * Numbers or dates that are side by side and go up, or down, from cell to cell: a series of three
 * with equal steps, or of five. Numbers without equal steps must go up, since those of shares and
 * of people by age go down.
 */
const EVEN_SERIES = 3;
const ANY_SERIES = 5;
/**
 * The least number of values that have the same ratio, as doses of a dilution do (`100 | 50 | 25 |
 * 12.5`), and what rounding may change in the ratio.
 */
const DILUTED = 4;
const ROUNDED = 0.025;

/**
 * The columns of a series that goes through all numbers and dates of a row: ages, weeks, months,
 * numbered districts.
 */
export function seriesIn(row: HeadRow): ReadonlySet<number> {
  const values = row.cells.filter(isOfSeries);
  const steps = stepsIn(row);
  const isOneWay =
    steps.every((step) => step > 0) || (steps.every((step) => step < 0) && values.every(({ sort }) => sort === "date"));
  if (!isEven(row) && !isDiluted(values) && (!isOneWay || values.length < ANY_SERIES)) return new Set();
  return new Set(values.map(({ column }) => column));
}

/** Whether the numbers and dates of a row have equal steps: `12 | 11 | 10`. */
function isEven(row: HeadRow): boolean {
  const steps = stepsIn(row);
  return steps.length >= EVEN_SERIES - 1 && steps[0] !== 0 && steps.every((step) => step === steps[0]);
}

/** Whether numbers have the same ratio; a 0 may be the first or the last one. */
function isDiluted(cells: readonly HeadCell[]): boolean {
  const numbers = cells.map(({ text, sort }) => (sort === "number" ? Number(text) : Number.NaN));
  const series = numbers.slice(numbers[0] === 0 ? 1 : 0, numbers.at(-1) === 0 ? -1 : undefined);
  const ratios = series.slice(1).map((number, n) => number / series[n]!);
  const [first] = ratios as [number, ...number[]];
  const isSame = ratios.every((ratio) => Math.abs(ratio / first - 1) <= ROUNDED);
  return series.length >= DILUTED && series.every((number) => number > 0) && Math.abs(first - 1) > 0.1 && isSame;
}

/** The differences from each number or date of a row to the next one. */
function stepsIn({ cells }: HeadRow): number[] {
  const numbers = cells.filter(isOfSeries).map(({ text, sort }) => (sort === "date" ? Date.parse(text) : Number(text)));
  return numbers.slice(1).map((number, n) => number - numbers[n]!);
}

function isOfSeries({ sort }: HeadCell): boolean {
  return sort === "number" || sort === "date";
}

/** Years head the columns of many tables. */
export function isYear({ text }: HeadCell): boolean {
  return /^(?:19|20)\d\d$/.test(text);
}

export function isLabel(cell: HeadCell): boolean {
  return cell.sort === "text" || cell.sort === "date" || isYear(cell);
}
