// Headers of several rows: groups over names, names that repeat across as merged cells that were
// parted do, words that are divided between two rows.
//
//   Address |      | Phone        Address / Street, Address / City, Phone
//   Street  | City |
//
//   2019  | 2019 | 2020  | 2020   2019 / Wheat, 2019 / Rye, 2020 / Wheat, 2020 / Rye
//   Wheat | Rye  | Wheat | Rye
import type { Header } from "../options.ts";
import { isUnits } from "./about-rows.ts";
import { evidenceOfLast, isLabel, isYear } from "./evidence.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";

/** Rows that a header may continue over. */
export const WRAPPED = 3;

/** `Month: May 2024`, and not `Q1: Price` */
const NAMED_VALUE = /^\p{L}[\p{L} .]{1,20}[:：]\s+\S/u;

/** Whether a row above names says `Month: May 2024`, and the names differ without it. */
function saysValue({ cells }: HeadRow, names: readonly string[]): boolean {
  return new Set(names).size === names.length && cells.some(({ text }) => NAMED_VALUE.test(text));
}

export function headerOf({ column, text }: HeadCell): Header {
  return { sheetColumn: column, text };
}

/**
 * Reports whether the row with index `first` has groups over the next row: several labels, most of
 * which span two columns or more. A label that spans one column must be above nothing (cells merged
 * downwards), else the row is a title or a remark.
 */
export function isPair(rows: readonly HeadRow[], first: number): boolean {
  const [groups, names] = [rows[first], rows[first + 1]];
  if (!groups || !names || first + 2 >= rows.length) return false;
  if (![...groups.cells, ...names.cells].every(isLabel)) return false;
  // `Unit: ACME` is a remark.
  if (groups.cells.some(({ text }) => /[:：]$/.test(text))) return false;
  if (saysValue(groups, names.cells.map(({ text }) => text))) return false; // prettier-ignore
  const { labels, records } = evidenceOfLast(rows, first + 1);
  if ((labels === 0 && !areYears(names)) || records > 0) return false;
  const { wide, single, down } = spansOf(groups, names.cells.map((cell) => cell.column)); // prettier-ignore
  const apart = names.number - groups.number;
  if (wide === 0 || groups.cells.length < 2) return false;
  if (isOverNothing(rows, first, names.cells.map(headerOf), apart)) return false; // prettier-ignore
  return isHeldTogether(down, apart) || (apart === 1 && (single === 0 || wide >= 2));
}

/** `2023 | 2024`: years that go up are names, also over numbers. */
function areYears({ cells }: HeadRow): boolean {
  return cells.length > 1 && cells.every((cell, n) => isYear(cell) && (n === 0 || cell.text > cells[n - 1]!.text));
}

/** Whether a cell is a date or a number, and no year, right after a word: `Date | 2024-01-31`. */
function isValueOf(cell: HeadCell, n: number, cells: readonly HeadCell[]): boolean {
  const name = cells[n - 1];
  return cell.sort !== "text" && !isYear(cell) && name?.sort === "text" && name.column === cell.column - 1;
}

/**
 * Whether no row below fills the columns of a group, and a blank row follows the groups; or they
 * have a name with its value, and the names need no groups. Such a row is a remark.
 */
function isOverNothing(rows: readonly HeadRow[], groups: number, names: readonly Header[], apart: number): boolean {
  const { cells } = rows[groups]!;
  if (apart <= 1 && (distinct(names) < names.length || !cells.some(isValueOf))) return false;
  const filled = new Set(rows.slice(groups + 1).flatMap((row) => row.cells.map(({ column }) => column)));
  return cells.some(({ column }, n) => {
    const next = cells[n + 1]?.column ?? Number.POSITIVE_INFINITY;
    return ![...filled].some((one) => one >= column && one < next);
  });
}

/** Names that are merged downwards hold two rows together, also if a blank one is between them. */
function isHeldTogether(down: number, apart: number): boolean {
  return down >= 2 && apart <= 2;
}

/** The names in the row below groups, with them. */
export function pairAt(rows: readonly HeadRow[], groups: number): Header[] {
  return joined(rows[groups]!, rows[groups + 1]!.cells.map(headerOf));
}

/**
 * The number of a row's cells that are above two columns or more, of those above one that has a
 * name, and of those above nothing: names whose cells are merged downwards.
 */
export function spansOf(
  { cells }: HeadRow,
  columns: readonly number[],
): { wide: number; single: number; down: number } {
  const named = new Set(columns);
  let [wide, single, down] = [0, 0, 0];
  for (const [n, { column }] of cells.entries()) {
    const next = cells[n + 1]?.column ?? Number.POSITIVE_INFINITY;
    const from = columns.findIndex((one) => one >= column);
    const span = from < 0 ? 0 : columns.slice(from, from + 2).filter((one) => one < next).length;
    if (span === 2) wide++;
    else if (span === 1 && named.has(column)) single++;
    else if (span === 0) down++;
  }
  return { wide, single, down };
}

/** Cells of a row that repeats its texts across. */
const ACROSS = 4;

/**
 * The header of several rows that repeat their texts from cell to cell, as merged cells that were
 * parted do: `2019 | 2019 | 2020 | 2020` over `Wheat | Rye | Wheat | Rye`. Undefined if such rows
 * do not tell all columns apart.
 */
export function repeatedAcross(
  rows: readonly HeadRow[],
  header: number,
): { headers: Header[]; lines: number } | undefined {
  let headers: Header[] = [];
  for (let lines = 1; lines <= WRAPPED + 1; lines++) {
    const row = rows[header + lines - 1];
    if (!row || row.number !== rows[header]!.number + lines - 1 || !repeatsAcross(row)) return undefined;
    if (lines > 1 && isUnits(rows, header + lines - 2)) return undefined;
    headers = stacked(headers, row);
    if (distinct(headers) === headers.length) return { headers, lines };
  }
  return undefined;
}

/** Whether half of a row's texts are there more than once. */
function repeatsAcross({ cells }: HeadRow): boolean {
  const counts = new Map<string, number>();
  for (const { text } of cells) counts.set(text, (counts.get(text) ?? 0) + 1);
  return cells.length >= ACROSS && cells.every(isLabel) && cells.filter(({ text }) => counts.get(text)! > 1).length * 2 >= cells.length; // prettier-ignore
}

/** Each name below the one above it, if it is another one: `2019 / Wheat`. */
function stacked(above: readonly Header[], { cells }: HeadRow): Header[] {
  const nameAt = new Map(above.map(({ sheetColumn, text }) => [sheetColumn, text]));
  for (const { column, text } of cells) {
    const name = nameAt.get(column);
    if (name === undefined || !repeatsName(name, text))
      nameAt.set(column, name === undefined ? text : `${name} / ${text}`);
  }
  return [...nameAt].sort(([a], [b]) => a - b).map(([sheetColumn, text]) => ({ sheetColumn, text }));
}

/** Rows from groups to the next ones, since cells that are merged downwards are blank between. */
const MERGED_ROWS = 4;
/** The most rows of groups above a header of two rows or more. */
const GROUP_ROWS = 3;

/**
 * Joins the rows right above a header that hold groups, two or more of them, each over two columns
 * or more. It has more than 15 branches because each sign against a group is one.
 */
export function withGroupsAbove(
  rows: readonly HeadRow[],
  header: number,
  names: readonly Header[],
): [number, readonly Header[]] {
  let headers = names;
  let top = header;
  for (; top > 0 && header - top < GROUP_ROWS; top--) {
    const above = rows[top - 1]!;
    if (above.cells.length < 2) return groupsOverLines(rows, top, headers) ?? [top, headers];
    if (!above.cells.every((cell) => isLabel(cell) && !/[:：]$/.test(cell.text))) break;
    if (saysValue(above, headers.map(({ text }) => text))) break; // prettier-ignore
    const { wide, single, down } = spansOf(above, headers.map(({ sheetColumn }) => sheetColumn)); // prettier-ignore
    const apart = rows[top]!.number - above.number;
    if (isOverNothing(rows, top - 1, headers, apart)) break;
    const grouped = joined(above, headers);
    // Groups tell names apart, also if the blank rows of merged cells are between them.
    const isNeeded = apart <= MERGED_ROWS && wide > 1 && single === 0 && distinct(headers) < headers.length && distinct(grouped) === grouped.length; // prettier-ignore
    if (wide === 0 || (!isHeldTogether(down, apart) && !isNeeded && (apart > 1 || wide === 1 || single > 0))) {
      const nested = nestedGroups(rows, top, headers);
      return nested ? [top - 2, nested] : [top, headers];
    }
    headers = grouped;
  }
  return [top, headers];
}

/**
 * Names below groups, if lines in the first column are between them, and the groups tell the names
 * apart. A cell that is merged downwards holds such lines, and the last one is beside the names:
 *
 *     Place            | Sales |          | Area |
 *     a - free market  |       |          |      |
 *     b - by tender    | a     | b        | a    | b
 */
function groupsOverLines(
  rows: readonly HeadRow[],
  top: number,
  names: readonly Header[],
): [number, readonly Header[]] | undefined {
  const [{ sheetColumn: first } = { sheetColumn: 0 }, ...others] = names;
  if (distinct(names) === names.length) return undefined;
  let groups = top - 1;
  while (groups >= 0 && rows[groups]!.cells.length === 1 && rows[groups]!.cells[0]!.column === first) groups--;
  const row = rows[groups];
  if (!row || rows[top]!.number - row.number > MERGED_ROWS || row.cells[0]!.column !== first) return undefined;
  const over = { ...row, cells: row.cells.slice(1) };
  const { wide, single } = spansOf(over, others.map(({ sheetColumn }) => sheetColumn)); // prettier-ignore
  if (wide < 2 || single > 0 || !row.cells.every((cell) => isLabel(cell) && !/[:：]$/.test(cell.text)))
    return undefined;
  const headers = [{ sheetColumn: first, text: row.cells[0]!.text }, ...joined(over, others)];
  return distinct(headers) === headers.length ? [groups, headers] : undefined;
}

/**
 * Names below groups in two rows, if only both rows tell all of them apart. A group ends with the
 * one above it, so that `Total` has no other group below it:
 *
 *     Hospitals |        |           |        | Total |
 *     General   |        | Special   |        |       |
 *     Beds      | Cases  | Beds      | Cases  | Beds  | Cases
 */
function nestedGroups(rows: readonly HeadRow[], top: number, names: readonly Header[]): Header[] | undefined {
  const [upper, lower] = [rows[top - 2], rows[top - 1]];
  if (!upper || !lower || distinct(names) === names.length) return undefined;
  const columns = names.map(({ sheetColumn }) => sheetColumn);
  const areGroups = (row: HeadRow, below: HeadRow): boolean => {
    const { wide, single, down } = spansOf(row, columns);
    const areLabels = row.cells.every((cell) => isLabel(cell) && !/[:：]$/.test(cell.text));
    return areLabels && wide > 1 && single === 0 && down === 0 && below.number - row.number <= MERGED_ROWS;
  };
  if (!areGroups(upper, lower) || !areGroups(lower, rows[top]!)) return undefined;
  const own = new Set(lower.cells.map(({ column }) => column));
  const ends = upper.cells.filter(({ column }) => !own.has(column)).map((cell) => ({ ...cell, text: "" }));
  const nested = joined(upper, joined({ ...lower, cells: [...lower.cells, ...ends] }, names));
  return distinct(nested) === nested.length ? nested : undefined;
}

/**
 * Joins the rows right above a header whose names are not all different, if these rows tell more of
 * the names apart: `State` and `County` over `FIPS` and `FIPS`. It also joins a word that is
 * divided: `Unemploy-` over `ment rate`.
 */
export function withNamesAbove(
  rows: readonly HeadRow[],
  header: number,
  names: readonly Header[],
): [number, readonly Header[]] {
  let headers = names;
  let top = header;
  for (; top > 0 && header - top < GROUP_ROWS; top--) {
    const above = rows[top - 1]!;
    if (above.number !== rows[top]!.number - 1 || above.cells.length < 2) break;
    if (!above.cells.every((cell) => cell.sort === "text" && !/[:：]$/.test(cell.text))) break;
    const here = distinct(headers);
    const nameAt = new Map(headers.map(({ sheetColumn, text }) => [sheetColumn, text]));
    const isDivided = ({ column, text }: HeadCell): boolean =>
      /\p{L}-$/u.test(text) && /^\p{Ll}/u.test(nameAt.get(column) ?? "");
    const isShared = ({ column }: HeadCell): boolean =>
      headers.filter(({ text }) => text === nameAt.get(column)).length > 1;
    const divided = above.cells.some(isDivided);
    if (here === headers.length && !divided) break;
    const [single, grouped] = [onTop(above, headers), joined(above, headers)];
    if (distinct(single) === headers.length && above.cells.every((cell) => isDivided(cell) || isShared(cell)))
      headers = single;
    else if (distinct(grouped) > here) headers = grouped;
    else break;
  }
  return [top, headers];
}

/** The number of different names. */
export function distinct(headers: readonly Header[]): number {
  return new Set(headers.map(({ text }) => text)).size;
}

/** Each cell before the name below it. */
export function onTop({ cells }: HeadRow, headers: readonly Header[]): Header[] {
  const words = new Map(cells.map((cell) => [cell.column, cell.text]));
  return headers.map((header) => {
    const word = words.get(header.sheetColumn);
    if (word === undefined) return header;
    const isDivided = /\p{L}-$/u.test(word) && /^\p{Ll}/u.test(header.text);
    return { ...header, text: isDivided ? word.slice(0, -1) + header.text : `${word} ${header.text}` };
  });
}

/**
 * `Address` over `Street` and `City` → `Address / Street`, `Address / City`.
 * @param spans true if a group reaches until the next one
 */
export function joined(groups: HeadRow, names: readonly Header[], spans = true): Header[] {
  const groupOf = new Map(groups.cells.map((cell) => [cell.column, cell.text]));
  const nameOf = new Map(names.map((name) => [name.sheetColumn, name.text]));
  const headers: Header[] = [];
  let group: string | undefined;
  for (const column of [...new Set([...groupOf.keys(), ...nameOf.keys()])].sort((a, b) => a - b)) {
    group = groupOf.get(column) ?? group;
    const name = nameOf.get(column);
    const parts = name === undefined ? [groupOf.get(column)] : [spans ? group : groupOf.get(column), name];
    headers.push({ sheetColumn: column, text: parts.filter((part) => part !== undefined && part !== "").join(" / ") });
  }
  return headers;
}

/**
 * Reports whether a text is the name above it, or the part of that without its groups, in any case.
 */
export function repeatsName(name: string | undefined, text: string): boolean {
  return ` / ${name?.toLowerCase()}`.endsWith(` / ${text.toLowerCase()}`);
}

/** Names that the row above has at least, right of the others. */
const LEAST_BESIDE = 2;

/**
 * The names of the row right above the header for the filled columns right of all of its names,
 * if it has a different text for each of them: people whose results are beside a list.
 *
 *                 | Player | Ada | Bob
 *     Game        | Result |     |
 *     Peru – Chad | 2:1    | 1:1 | 3:1
 *
 * @param filled the columns that the records fill
 * @returns undefined if there are none, or one alone
 */
export function namesBeside(
  above: HeadRow,
  names: readonly Header[],
  filled: ReadonlySet<number>,
): readonly Header[] | undefined {
  const last = Math.max(...names.map(({ sheetColumn }) => sheetColumn));
  const open = [...filled].filter((column) => column > last);
  const beside = above.cells.filter(({ column }) => column > last);
  const areNames = beside.every(({ column, sort }) => sort === "text" && filled.has(column));
  const areAll = beside.length === open.length && new Set(beside.map(({ text }) => text)).size === open.length;
  const isNext = beside[0]?.column === last + 1;
  return beside.length >= LEAST_BESIDE && areNames && areAll && isNext
    ? [...names, ...beside.map(headerOf)]
    : undefined;
}
