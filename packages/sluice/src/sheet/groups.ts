// Columns that have a value in the first row of each group of records alone, as pivot tables and
// printed lists have them:
//
//   Town  | Age   | 2010
//   Bern  | young | 5        the column Town is such a one: the rows without a town are told apart
//         | old   | 7        within a group, and not from those of other groups (groupColumns)
//   Basel | young | 4
//         | old   | 9
//
//   Team  | Player | Goals
//   Red   | Ada    | 5       a column at the left that most rows leave empty, and in which no name
//         | Bob    | 3       comes again (leadingGroups)
//   Blue  | Joe    | 1
//         | Max    | 4
import { cellsByColumn, isYear, sortBelow } from "./evidence.ts";
import type { HeadRow } from "./head-rows.ts";

/** Rows without a name, and groups, at least. */
const LEAST_ROWS = 4;
const LEAST_GROUPS = 2;
/** The share of rows that fill the column in which records have their own names. */
const DENSE = 0.9;

/** The columns of such names, from the left, among the first records of a sheet. */
export function groupColumns(records: readonly HeadRow[]): number[] {
  const rows = records.filter(({ cells }) => cells.length > 1);
  const columns = labelColumns(rows);
  const labels = rows.map(({ cells }) => columns.map((column) => cells.find((cell) => cell.column === column)?.text));
  const filled = columns.map((_, at) => labels.flatMap((row, n) => (row[at] === undefined ? [] : [n])).join(" "));
  const found: number[] = [];
  const rowsFound = new Set<string>();
  // From the right: names of groups are themselves in groups.
  for (let at = columns.length - 1; at >= 0; at--) {
    // A second name of the same groups; or the name of a group that is longer than these rows.
    const isBeside = rowsFound.has(filled[at]!) || (found.length > 0 && filled[at] === "0");
    if (!isBeside && !isOfGroups(labels, at)) continue;
    found.unshift(columns[at]!);
    rowsFound.add(filled[at]!);
    for (const [n, row] of labels.entries()) row[at] ??= labels[n - 1]?.[at];
  }
  return found;
}

/**
 * The columns at the left that name groups by their looks alone: the first record fills them, half
 * of the others or more leave the first of them empty, and no name comes again there. Half of the
 * groups have several rows. A row that fills one of the columns fills all others right of it, up to
 * the first column that nearly all rows fill.
 */
export function leadingGroups(records: readonly HeadRow[]): number[] {
  const rows = records.filter(({ cells }) => cells.length > 1);
  const columns = [...cellsByColumn(rows)].sort(([a], [b]) => a - b);
  const own = columns.findIndex(([, cells]) => cells.length >= rows.length * DENSE);
  const leading = columns.slice(0, Math.max(own, 0)).map(([column]) => column);
  if (leading.length === 0) return [];
  const names = columns[0]![1].map(({ text }) => text);
  const empty = rows.length - names.length;
  const begins = rows.map(({ cells: [cell] }) => cell!.column === leading[0]);
  const several = begins.filter((begin, n) => begin && begins[n + 1] === false).length;
  const areGroups = several >= Math.max(LEAST_GROUPS, names.length / 2) && empty >= Math.max(LEAST_ROWS, names.length);
  const fillsOn = rows.every(({ cells }) => {
    const filled = new Set(cells.map(({ column }) => column));
    const from = leading.findIndex((column) => filled.has(column));
    return from < 0 || leading.slice(from).every((column) => filled.has(column));
  });
  return areGroups && fillsOn && begins[0]! && new Set(names).size === names.length ? leading : [];
}

/**
 * The columns left of the first one that holds numbers in half of the rows. Years and dates are no
 * such numbers: they can tell the records of a group apart.
 */
function labelColumns(rows: readonly HeadRow[]): number[] {
  const columns = [...cellsByColumn(rows)].sort(([a], [b]) => a - b);
  const isValue = ([, cells]: (typeof columns)[number]): boolean =>
    cells.length * 2 > rows.length &&
    !["text", "date", undefined].includes(sortBelow(cells)) &&
    !cells.every((cell) => cell.sort === "text" || isYear(cell));
  const value = columns.findIndex(isValue);
  return value < 0 ? [] : columns.slice(0, value).map(([column]) => column);
}

/**
 * Whether the label at an index names groups. Half of the rows without it, or more, have the labels
 * of another one, and in no group do labels come twice.
 */
function isOfGroups(labels: readonly (readonly (string | undefined)[])[], at: number): boolean {
  const counts = new Map<string, number>();
  const keys = labels.map((row) => row.map((text, n) => (n === at ? "" : (text ?? ""))).join("\n"));
  let groups = 0;
  let inGroup = new Set<string>();
  const others: string[] = [];
  for (const [n, row] of labels.entries()) {
    const key = keys[n]!;
    if (row[at] !== undefined) {
      groups++;
      inGroup = new Set();
    } else {
      others.push(key);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    if (inGroup.has(key)) return false;
    inGroup.add(key);
  }
  if (groups < LEAST_GROUPS || others.length < LEAST_ROWS || groups > others.length) return false;
  return others.filter((key) => counts.get(key)! > 1).length * 2 >= others.length;
}
