// Finds the header from the first rows of a sheet: titles and blank rows above it, groups over
// names, headers that continue in the next row, a row of units below, or no header at all.
//
// These facts tell a header from a record: its cells are labels, it covers most of the columns that
// the rows below fill, and it is above values that are not text. A sheet that holds only text
// cannot show the last one. Then the first row that covers the columns is the header, since sheets
// have one far more often than not. If nothing is clear it is the first row, as people expect, and
// a note says what was decided. `--header` and `--skip` settle it.
//
// It is longer than 500 lines, because the rules weigh the same facts about the same rows.
import { columnNumbersAt } from "./column-numbers.ts";
import { withoutMarks } from "./footnote-marks.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";
import type { HeaderChoice, Header } from "../options.ts";
import { isMark } from "../values/marks.ts";

/** Rows that a header may continue over. */
const WRAPPED = 3;
/** Rows below a candidate that are compared with it. */
const BELOW = 20;

/** The layout of a sheet's top. Rows are numbered as the sheet numbers them. */
export interface Layout {
  readonly headers: readonly Header[];
  /** The rows of the header; empty if the sheet has no header. */
  readonly headerRows: readonly number[];
  /** Below the header, with what the numbers count. */
  readonly unitsRow: number | undefined;
  /** Below the header, with codes, formats or questions that say more of the columns. */
  readonly aboutRows: readonly number[];
  /** The first row that can be a record. */
  readonly firstRow: number;
  /** Rows with content above the header, which are not records. */
  readonly passedOver: readonly number[];
  /** Texts of the header with footnote marks, which its names are without. */
  readonly marked: readonly string[];
}

/**
 * Finds the header among the first rows.
 *
 * @param rows at least one
 * @param known headers that a schema, `--map` or the table names: a row that has more of them than
 *   what looks like the header is it
 */
export function detectLayout(rows: readonly HeadRow[], known: (text: string) => boolean = () => false): Layout {
  return withBareNames(rows, known, (given) => withoutColumnNumbers(given, (those) => layoutWith(those, known)));
}

/**
 * The layout of the rows without one that numbers the columns, if that is right below the header.
 */
function withoutColumnNumbers(rows: readonly HeadRow[], find: (rows: readonly HeadRow[]) => Layout): Layout {
  const at = columnNumbersAt(rows);
  if (at === undefined) return find(rows);
  const { number } = rows[at]!;
  const layout = find(rows.toSpliced(at, 1));
  const last = Math.max(layout.headerRows.at(-1) ?? number, layout.unitsRow ?? 0, ...layout.aboutRows);
  if (last !== rows[at - 1]!.number) return find(rows);
  return { ...layout, aboutRows: [...layout.aboutRows, number], firstRow: Math.max(layout.firstRow, number + 1) };
}

/**
 * The layout with names that have no footnote marks, if these are as distinct as those that have
 * them.
 *
 * @param known headers that stay as they are, if they are not known without their marks
 */
function withBareNames(
  rows: readonly HeadRow[],
  known: (text: string) => boolean,
  find: (rows: readonly HeadRow[]) => Layout,
): Layout {
  const bare = (cell: HeadCell): string => {
    const text = bareText(cell);
    return known(cell.text) && !known(text) ? cell.text : text;
  };
  const layout = find(rows);
  const cells = rows.filter(({ number }) => layout.headerRows.includes(number)).flatMap((row) => row.cells);
  const marked = cells.filter((cell) => bare(cell) !== cell.text).map(({ text, raised }) => raised ?? text);
  if (marked.length === 0) return layout;
  const isHeader = new Set(layout.headerRows);
  const without = rows.map((row): HeadRow => {
    if (!isHeader.has(row.number)) return row;
    return { ...row, cells: row.cells.map((cell) => ({ ...cell, text: bare(cell) })) };
  });
  const plain = find(without);
  const names = ({ headers }: Layout): number => new Set(headers.map(({ text }) => text)).size;
  if (plain.headerRows.join() !== layout.headerRows.join() || names(plain) < names(layout)) return layout;
  return { ...plain, marked };
}

function bareText({ text, raised, sort }: HeadCell): string {
  const without = withoutMarks(raised ?? text);
  return sort !== "text" || without === raised ? text : without;
}

function layoutWith(rows: readonly HeadRow[], known: (text: string) => boolean): Layout {
  const looks = layoutByLooks(rows);
  const counts = rows.map((row) => row.cells.filter((cell) => known(cell.text)).length);
  const most = Math.max(...counts);
  const best = counts.indexOf(most);
  const named =
    most * 2 >= rows[best]!.cells.length && most > looks.headers.filter((header) => known(header.text)).length;
  return named ? layoutOf(rows, best, rows[best]!.cells.map(headerOf), 1) : looks;
}

function layoutByLooks(rows: readonly HeadRow[]): Layout {
  // The ids of a survey's fields are below their names and questions.
  if (rows.slice(1, 1 + ABOUT_ROWS).some(({ cells }) => cells.every(isFieldId)))
    return layoutOf(rows, 0, rows[0]!.cells.map(headerOf), 1);
  const found = findHeader(rows);
  if (found === undefined)
    return {
      headers: [],
      headerRows: [],
      unitsRow: undefined,
      aboutRows: [],
      firstRow: rows[0]!.number,
      passedOver: [],
      marked: [],
    };
  for (const first of [found, found - 1]) {
    if (first < 0 || !isPair(rows, first)) continue;
    const groups = isPair(rows, first + 1) && withGroupsAbove(rows, first + 1, pairAt(rows, first + 1))[0] <= first ? first + 1 : first; // prettier-ignore
    let pair = pairAt(rows, groups);
    let lines = 2;
    for (; lines <= WRAPPED && continues(rows, groups, lines, pair); lines++)
      pair = wrapped(pair, rows[groups + lines]!);
    const [top, headers] = withNamesAbove(rows, ...withGroupsAbove(rows, groups, pair));
    return layoutOf(rows, top, [...headers], groups + lines - top);
  }
  const across = repeatedAcross(rows, found);
  if (across) return layoutOf(rows, found, across.headers, across.lines);
  let headers = rows[found]!.cells.map(headerOf);
  let lines = 1;
  for (; lines <= WRAPPED && continues(rows, found, lines, headers); lines++)
    headers = wrapped(headers, rows[found + lines]!);
  // Codes over names: the names are the header.
  const codes = (row: number): boolean => areCodes(rows[row]!.cells.slice(1));
  if (lines === 1 && codes(found) && isAbout(rows, found + 1) && !codes(found + 1))
    return layoutOf(rows, found + 1, rows[found + 1]!.cells.map(headerOf), 1);
  if (lines === 1 && namesDimensions(rows, found)) {
    headers = joined(rows[found]!, rows[found + 1]!.cells.map(headerOf), false);
    lines = 2;
  }
  const [top, all] = withNamesAbove(rows, ...withGroupsAbove(rows, found, headers));
  return layoutOf(rows, top, all, lines + found - top);
}

/** The layout that the caller states. Rows that are not there are an empty header. */
export function statedLayout(rows: readonly HeadRow[], choice: HeaderChoice, firstRow: number): Layout {
  return withBareNames(
    rows,
    () => false,
    (given) => layoutAt(given, choice, firstRow),
  );
}

function layoutAt(rows: readonly HeadRow[], choice: HeaderChoice, firstRow: number): Layout {
  if (choice === "none") {
    return { headers: [], headerRows: [], unitsRow: undefined, aboutRows: [], firstRow, passedOver: [], marked: [] };
  }
  const [first, last] = choice;
  const lines = rows.filter((row) => row.number >= first && row.number <= last);
  return {
    headers: lines
      .slice(0, -1)
      .reduceRight((headers, groups) => joined(groups, headers), lines.at(-1)?.cells.map(headerOf) ?? []),
    headerRows: Array.from({ length: last - first + 1 }, (_, n) => first + n),
    unitsRow: undefined,
    aboutRows: [],
    firstRow: Math.max(last + 1, firstRow),
    passedOver: rows.map((row) => row.number).filter((number) => number < first),
    marked: [],
  };
}

function layoutOf(rows: readonly HeadRow[], first: number, headers: readonly Header[], lines: number): Layout {
  const last = first + lines - 1;
  const units = isUnits(rows, last) ? rows[last + 1]! : undefined;
  const about = units ? [] : rows.slice(last + 1, last + 1 + aboutLines(rows, last));
  const said = units
    ? units.cells.map((cell): [number, string] => [cell.column, cell.text.replaceAll(/^[[(]|[\])]$/g, "").trim()])
    : about.slice(0, 1).flatMap(({ cells }) => cells.map((cell): [number, string] => [cell.column, cell.text]));
  const unitOf = new Map(said);
  // What tells equal names apart is a part of them.
  const told =
    units || distinct(headers) === headers.length
      ? headers
      : headers.map((header) => withUnit(header, headers, unitOf));
  const names = distinct(told) === told.length ? told : headers;
  return {
    headers: names.map((header, n) => {
      const unit = header === headers[n] ? unitOf.get(header.sheetColumn) : undefined;
      return unit === undefined || unit === "-" || unit === header.text ? header : { ...header, unit };
    }),
    headerRows: rows.slice(first, last + 1).map((row) => row.number),
    unitsRow: units?.number,
    aboutRows: about.map((row) => row.number),
    firstRow: (units ?? about.at(-1) ?? rows[last]!).number + 1,
    passedOver: rows.slice(0, first).map((row) => row.number),
    marked: [],
  };
}

/** A name that is there more than once, with what is said of its column. */
function withUnit(header: Header, headers: readonly Header[], units: ReadonlyMap<number, string>): Header {
  const unit = units.get(header.sheetColumn);
  const isShared = headers.some((other) => other !== header && other.text === header.text);
  return isShared && unit !== undefined && unit !== header.text
    ? { ...header, text: `${header.text} ${unit}` }
    : header;
}

function headerOf({ column, text }: HeadCell): Header {
  return { sheetColumn: column, text };
}

/** Index of the header; undefined if the first row is a record already. */
function findHeader(rows: readonly HeadRow[]): number | undefined {
  for (let i = 0; i < rows.length - 1; i++) {
    const { covers, labels, records } = evidence(rows, i);
    if (!covers || isNamedValue(rows, i, labels)) continue; // a title, or something else above the table
    if (records === 0 && (isRemark(rows, i, labels) || isProse(rows, i, labels))) continue;
    if (records === 0 || labels > records) return i;
    if (labels === 0 && (i === 0 || holdsValues(rows))) return undefined;
    return widest(rows, i);
  }
  return 0;
}

/** Whether the first row holds several values and nothing else, such as those below it are. */
function holdsValues(rows: readonly HeadRow[]): boolean {
  const { cells } = rows[0]!;
  return cells.length > 1 && evidence(rows, 0).records === cells.length;
}

/**
 * Above the first record: the row that covers more than half of its columns, the first of them;
 * else the first of the rows right above it that do so together, if it has a label over a value of
 * another kind; else the first row, which tells nothing.
 */
function widest(rows: readonly HeadRow[], record: number): number {
  const columns = new Map(rows[record]!.cells.map(({ column, sort }) => [column, sort]));
  const covers = rows.slice(0, record).findIndex(({ cells }) => {
    const covered = cells.filter(({ column }) => columns.has(column)).length;
    return covered > 1 && covered * 2 > columns.size;
  });
  if (covers >= 0) return covers;
  const together = new Set<number>();
  for (
    let i = record - 1;
    i >= 0 && rows[i]!.number === rows[i + 1]!.number - 1 && rows[i]!.cells.every(isLabel);
    i--
  ) {
    const own = rows[i]!.cells.filter(({ column }) => columns.has(column));
    for (const { column } of own) together.add(column);
    if (together.size * 2 > columns.size) return own.some(({ column }) => columns.get(column) !== "text") ? i : 0;
  }
  return 0;
}

const LINK = /^(?:«|<|←)?\s*(?:back|return|go|link) to\b|^zurück (?:zu|zum|zur)\b|^retour\b|^volver\b|^torna\b/i;

/** The most rows of remarks above a table: `Customer:` and who it is, `# made by …`. */
const REMARKS = 10;
/** Cells of a row that is no remark after remarks of one cell. */
const WIDE = 3;

/**
 * Reports whether a row is a remark. That is so if the next row is a better header, or if one after
 * a blank row is wider than all before it and names more columns. It is also so if a comment sign
 * or a colon says so, and the next row is a header too.
 *
 * @param labels the number of the row's texts over values of another kind
 */
function isRemark(rows: readonly HeadRow[], i: number, labels: number): boolean {
  // What leads to another sheet is not a name.
  if (rows[i]!.cells.length <= 2 && LINK.test(rows[i]!.cells[0]!.text)) return true;
  if (isUnits(rows, i) || repeatedAcross(rows, i)) return false;
  const next = evidence(rows, i + 1);
  if (next.records === 0 && next.labels > Math.max(labels, 1) && !isPair(rows, i)) return true;
  const isApart = rows[i + 1]!.number > rows[i]!.number + 1;
  if (isApart && next.covers && next.records === 0 && next.labels >= Math.max(labels, 1) && namesMore(rows, i))
    return true;
  const [first] = rows[i]!.cells;
  if (/^#\s+\S|[:：]$/.test(first!.text) && next.covers && next.labels > 0 && next.records === 0) return true;
  let widest = rows[i]!.cells.length;
  let lines = widest;
  for (let j = i + 1; lines <= REMARKS && j < rows.length - 1; j++) {
    const { cells, number } = rows[j]!;
    if (cells.length > 1) lines++;
    if (cells.length <= widest) continue;
    // A table right below lines of one cell begins where several cells are.
    const apart = number > rows[j - 1]!.number + 1 || (widest === 1 && cells.length >= WIDE);
    widest = cells.length;
    if (!apart) continue;
    const below = evidence(rows, j);
    if (below.covers && below.labels > Math.max(labels, 1) && below.records === 0 && !isPair(rows, j - 1)) return true;
  }
  return false;
}

/**
 * Whether a row is a name and its value, `Date | 2024-01-01`, and the next one is wider and
 * consists of names. If these are over texts only, the value must be a date.
 *
 * @param labels the number of the row's texts over values of another kind
 */
function isNamedValue(rows: readonly HeadRow[], i: number, labels: number): boolean {
  const [name, value, ...others] = rows[i]!.cells;
  if (value === undefined || others.length > 0 || !isLabel(name!) || value.sort === "text") return false;
  if (value.column !== name!.column + 1 || !rows[i + 1]!.cells.every(isLabel) || isPair(rows, i)) return false;
  const next = evidence(rows, i + 1);
  if (!next.covers || next.records > 0 || !namesMore(rows, i)) return false;
  return next.labels > 0 ? next.labels >= labels : value.sort === "date";
}

/** Whether the next row is wider and names all columns that are filled below. */
function namesMore(rows: readonly HeadRow[], i: number): boolean {
  const [row, next] = [rows[i]!, rows[i + 1]!];
  const names = new Set(next.cells.map(({ column }) => column));
  const below = rows.slice(i + 2, i + 2 + BELOW);
  const all = below.every(({ cells }) => cells.every(({ column }) => names.has(column)));
  return all && next.cells.length > row.cells.length;
}

/** Rows of prose in the cells above a header, at most so many after one that looks like it. */
const PROSE_ROWS = 4;

/**
 * Whether a row that covers the columns is a part of a remark that runs over several rows and
 * cells: a row that covers them as well follows, and between the two stand words in some of the
 * columns, which are no names in two rows of either.
 */
function isProse(rows: readonly HeadRow[], i: number, labels: number): boolean {
  for (let j = i + 2; j <= i + PROSE_ROWS && j < rows.length - 1; j++) {
    const between = rows.slice(i + 1, j);
    if (
      !between.every(({ cells }) => cells.every(({ sort }) => sort === "text") && cells.length < rows[i]!.cells.length)
    )
      return false;
    const { covers, labels: names, records } = evidence(rows, j);
    const isFull = rows[j]!.cells.length >= rows[i]!.cells.length && rows[j]!.cells.every(isLabel);
    // Two rows of names that go on in each other have names that begin in small letters, or units.
    if (covers && isFull && records === 0 && names >= Math.max(labels, 2) && /^\p{Ll}/u.test(rows[i]!.cells[0]!.text))
      return true;
  }
  return false;
}

/**
 * Whether the row right below names the columns of texts, and this one those of numbers alone: as
 * exports of pivot tables do. One column may be in both.
 */
function namesDimensions(rows: readonly HeadRow[], header: number): boolean {
  const [over, row] = [rows[header]!, rows[header + 1]];
  const below = rows.slice(header + 2, header + 2 + BELOW);
  if (!row || row.number !== over.number + 1 || row.cells.length < 2 || below.length < ABOUT_RECORDS) return false;
  const own = new Set(row.cells.map(({ column }) => column));
  const values = over.cells.filter(({ column }) => !own.has(column));
  if (over.cells.length - values.length > 1 || values.length < 2) return false;
  const sortOfColumn = (column: number): string | undefined =>
    sortBelow(below.flatMap(({ cells }) => cells.filter((cell) => cell.column === column)));
  if (!values.every(({ column }) => sortOfColumn(column) === "number")) return false;
  const texts = new Set(below.flatMap(({ cells }) => cells.map(({ text }) => text)));
  return row.cells.every(
    (cell) => cell.sort === "text" && sortOfColumn(cell.column) === "text" && !texts.has(cell.text),
  );
}

/**
 * A row below the header that looks like the header of another table: after a blank row or one of a
 * title, several words over values, and not the header once more. Undefined if there is none among
 * the first rows.
 */
export function otherTable(rows: readonly HeadRow[], { headers, firstRow }: Layout): HeadRow | undefined {
  const names = new Set(headers.map(({ text }) => text));
  for (let i = 2; i < rows.length - 2; i++) {
    const row = rows[i]!;
    const before = rows[i - 1]!;
    if (before.number <= firstRow || row.cells.length < 2) continue;
    const apart = row.number > before.number + 1 || before.cells.length === 1;
    if (!apart || !row.cells.every(isLabel) || row.cells.every(({ text }) => names.has(text))) continue;
    if (rows[i + 1]!.number !== row.number + 1) continue;
    const { covers, labels, records } = evidence(rows.slice(0, i + 4), i);
    if (covers && labels > 0 && records === 0) return row;
  }
  return undefined;
}

/**
 * The column of a gap in the header with two names or more on either side, if some rows are filled
 * on one side alone: two tables side by side, and not a column that only sets others apart.
 */
export function gapInHeader({ headers, headerRows }: Layout, records: readonly HeadRow[]): number | undefined {
  if (headerRows.length === 0) return undefined;
  const filled = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  const oneSided = (gap: number): boolean =>
    records.some(({ cells }) => cells.length > 1 && (cells[0]!.column > gap || cells.at(-1)!.column < gap));
  const columns = headers.map(({ sheetColumn }) => sheetColumn).sort((a, b) => a - b);
  for (const [n, column] of columns.entries()) {
    const next = columns[n + 1];
    if (next === undefined || next === column + 1 || n < 1 || n > columns.length - 3) continue;
    const between = Array.from({ length: next - column - 1 }, (_, k) => column + 1 + k);
    if (between.every((one) => !filled.has(one)) && oneSided(column + 1)) return column + 1;
  }
  return undefined;
}

/** What the rows below say of a row. */
interface Evidence {
  /** It has cells in most of the columns that are filled below. */
  readonly covers: boolean;
  /** The columns that have a text over values of another kind. */
  readonly labelled: ReadonlySet<number>;
  readonly labels: number;
  /** Its cells that are such values as those below. */
  readonly records: number;
}

/** Compares a row with those below it. */
function evidence(rows: readonly HeadRow[], i: number): Evidence {
  const row = rows[i]!;
  // The next row may belong to the header as well, so it counts only if there is no other.
  const below = rows.slice(i + (rows.length > i + 2 ? 2 : 1), i + 2 + BELOW);
  const filled = new Map<number, HeadCell[]>();
  for (const { cells } of below) {
    for (const cell of cells) {
      const column = filled.get(cell.column);
      if (column) column.push(cell);
      else filled.set(cell.column, [cell]);
    }
  }
  const usual = [...filled].filter(([, cells]) => cells.length * 2 >= below.length).map(([column]) => column);
  const own = new Set(row.cells.map((cell) => cell.column));
  const covered = usual.filter((column) => own.has(column)).length;
  const series = seriesIn(row);
  const isSeries = series.size > 0 && below.filter((other) => seriesIn(other).size > 0).length * 3 <= below.length;
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

/**
 * Compares a row that may be the header's last one with those below it. If nothing comes of that,
 * because hardly a record follows, the next row counts as well.
 */
function evidenceOfLast(rows: readonly HeadRow[], i: number): Evidence {
  const found = evidence(rows, i);
  if (found.labels > 0 || found.records > 0 || i + 1 >= rows.length) return found;
  return evidence([...rows.slice(0, i + 1), rows[i + 1]!], i);
}

/**
 * The kind of two thirds of a column's cells, if they have the same. Marks for missing values do
 * not count beside values.
 */
function sortBelow(cells: readonly HeadCell[]): string | undefined {
  const values = cells.filter(({ sort, text }) => sort !== "text" || !isMark(text));
  const counts = new Map<string, number>();
  for (const { sort } of values.length > 0 ? values : cells) counts.set(sort, (counts.get(sort) ?? 0) + 1);
  return [...counts].find(([, count]) => count * 3 >= (values.length || cells.length) * 2)?.[0];
}

/** Days and months head the columns of numbers in many tables. */
function isDateOver(cell: HeadCell, sort: string): boolean {
  return cell.sort === "date" && sort === "number";
}

/**
 * Numbers or dates that are side by side and go up, or down, from cell to cell: a series of three
 * with equal steps, or of five.
 */
const EVEN_SERIES = 3;
const ANY_SERIES = 5;

/**
 * The columns of a series that goes through all numbers and dates of a row: ages, weeks, months,
 * numbered districts.
 */
function seriesIn({ cells }: HeadRow): ReadonlySet<number> {
  const values = cells.filter(({ sort }) => sort === "number" || sort === "date");
  const numbers = values.map(({ text, sort }) => (sort === "date" ? Date.parse(text) : Number(text)));
  const steps = numbers.slice(1).map((number, n) => number - numbers[n]!);
  const oneWay = steps.every((step) => step > 0) || steps.every((step) => step < 0);
  const even = steps.every((step) => step === steps[0]);
  if (!oneWay || values.length < (even ? EVEN_SERIES : ANY_SERIES)) return new Set();
  return new Set(values.map(({ column }) => column));
}

/** Years head the columns of many tables. */
function isYear({ text }: HeadCell): boolean {
  return /^(?:19|20)\d\d$/.test(text);
}

function isLabel(cell: HeadCell): boolean {
  return cell.sort === "text" || cell.sort === "date" || isYear(cell);
}

/**
 * Reports whether the row with index `first` has groups over the next row: several labels, most of
 * which span two columns or more. A label that spans one column must be above nothing (cells merged
 * downwards), else the row is a title or a remark.
 */
function isPair(rows: readonly HeadRow[], first: number): boolean {
  const [groups, names] = [rows[first], rows[first + 1]];
  if (!groups || !names || first + 2 >= rows.length) return false;
  if (![...groups.cells, ...names.cells].every(isLabel)) return false;
  // `Unit: ACME` is a remark.
  if (groups.cells.some(({ text }) => /[:：]$/.test(text))) return false;
  const { labels, records } = evidenceOfLast(rows, first + 1);
  if (labels === 0 || records > 0) return false;
  const { wide, single, down } = spansOf(groups, names.cells.map((cell) => cell.column)); // prettier-ignore
  const apart = names.number - groups.number;
  if (wide === 0 || groups.cells.length < 2) return false;
  return isHeldTogether(down, apart) || (apart === 1 && (single === 0 || wide >= 2));
}

/** Names that are merged downwards hold two rows together, also if a blank one is between them. */
function isHeldTogether(down: number, apart: number): boolean {
  return down >= 2 && apart <= 2;
}

/** The names in the row below groups, with them. */
function pairAt(rows: readonly HeadRow[], groups: number): Header[] {
  return joined(rows[groups]!, rows[groups + 1]!.cells.map(headerOf));
}

/**
 * The number of a row's cells that are above two columns or more, of those above one that has a
 * name, and of those above nothing: names whose cells are merged downwards.
 */
function spansOf({ cells }: HeadRow, columns: readonly number[]): { wide: number; single: number; down: number } {
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
function repeatedAcross(rows: readonly HeadRow[], header: number): { headers: Header[]; lines: number } | undefined {
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

/** The most rows of groups above a header of two rows or more. */
const GROUP_ROWS = 3;

/**
 * Joins the rows right above a header that hold groups, two or more of them, each over two columns
 * or more.
 */
function withGroupsAbove(
  rows: readonly HeadRow[],
  header: number,
  names: readonly Header[],
): [number, readonly Header[]] {
  let headers = names;
  let top = header;
  for (; top > 0 && header - top < GROUP_ROWS; top--) {
    const above = rows[top - 1]!;
    if (above.cells.length < 2) break;
    if (!above.cells.every((cell) => isLabel(cell) && !/[:：]$/.test(cell.text))) break;
    const { wide, single, down } = spansOf(above, headers.map(({ sheetColumn }) => sheetColumn)); // prettier-ignore
    const apart = rows[top]!.number - above.number;
    const grouped = joined(above, headers);
    // Groups tell names apart, also if the blank row of merged cells is between them.
    const isNeeded = apart <= 2 && wide > 1 && single === 0 && distinct(headers) < headers.length && distinct(grouped) === grouped.length; // prettier-ignore
    if (wide === 0 || (!isHeldTogether(down, apart) && !isNeeded && (apart > 1 || wide === 1 || single > 0))) break;
    headers = grouped;
  }
  return [top, headers];
}

/**
 * Joins the rows right above a header whose names are not all different, if these rows tell more of
 * the names apart: `State` and `County` over `FIPS` and `FIPS`. It also joins a word that is
 * divided: `Unemploy-` over `ment rate`.
 */
function withNamesAbove(
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

function distinct(headers: readonly Header[]): number {
  return new Set(headers.map(({ text }) => text)).size;
}

/** Each cell before the name below it. */
function onTop({ cells }: HeadRow, headers: readonly Header[]): Header[] {
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
 * @param spans a group goes on until the next one
 */
function joined(groups: HeadRow, names: readonly Header[], spans = true): Header[] {
  const groupOf = new Map(groups.cells.map((cell) => [cell.column, cell.text]));
  const nameOf = new Map(names.map((name) => [name.sheetColumn, name.text]));
  const headers: Header[] = [];
  let group: string | undefined;
  for (const column of [...new Set([...groupOf.keys(), ...nameOf.keys()])].sort((a, b) => a - b)) {
    group = groupOf.get(column) ?? group;
    const name = nameOf.get(column);
    const parts = name === undefined ? [groupOf.get(column)] : [spans ? group : groupOf.get(column), name];
    headers.push({ sheetColumn: column, text: parts.filter((part) => part !== undefined).join(" / ") });
  }
  return headers;
}

/**
 * Reports whether a row continues the headers above it: `Percent` over `of class`, all of it words
 * over numbers. A record would have something in the first column, in a column of words, or only
 * letters and signs for a missing value.
 */
function continues(rows: readonly HeadRow[], header: number, lines: number, headers: readonly Header[]): boolean {
  const i = header + lines;
  const row = rows[i];
  if (!row || row.number !== rows[i - 1]!.number + 1 || i + 1 >= rows.length || isUnits(rows, i - 1)) return false;
  const names = new Map(headers.map((header) => [header.sheetColumn, header.text]));
  const first = Math.min(...names.keys());
  // Under a name, or in the gap after one: cells that are merged across.
  const under = row.cells.every(({ column, text }) => column >= first && !NO_VALUE.test(text));
  const firstBelow = Math.min(...rows.slice(i + 1, i + 1 + BELOW).map(({ cells }) => cells[0]!.column));
  const begin = row.cells[0]!.column;
  if (begin <= Math.min(first, firstBelow) || row.cells.every(({ text }) => text.length === 1)) return false;
  // Codes, and a second name for each column, say more of the columns.
  const isSecond = begin === first && row.cells.every(({ column }) => names.has(column));
  if ((isSecond || areCodes(row.cells)) && isAbout(rows, i)) return false;
  const { labelled, records } = evidenceOfLast(rows, i);
  // A name that is there once more tells as much as a word over numbers.
  const isLine = row.cells.every(({ column, text }) => labelled.has(column) || repeatsName(names.get(column), text));
  // One word alone may be a value that is missing, unless the line before was a header as well.
  return under && row.cells.length + lines >= 3 && labelled.size > 0 && isLine && records === 0;
}

/**
 * Reports whether a text is the name above it, or the part of that without its groups, in any case.
 */
function repeatsName(name: string | undefined, text: string): boolean {
  return ` / ${name?.toLowerCase()}`.endsWith(` / ${text.toLowerCase()}`);
}

function wrapped(headers: readonly Header[], { cells }: HeadRow): Header[] {
  const more = new Map(cells.map((cell) => [cell.column, cell.text]));
  return headers.flatMap((header, n) => {
    const text = more.get(header.sheetColumn);
    const next = headers[n + 1]?.sheetColumn ?? Number.POSITIVE_INFINITY;
    const behind = cells.filter(({ column }) => column > header.sheetColumn && column < next);
    return [
      text === undefined || repeatsName(header.text, text) ? header : { ...header, text: `${header.text} ${text}` },
      ...behind.map((cell) => ({ sheetColumn: cell.column, text: `${header.text} / ${cell.text}` })),
    ];
  });
}

/**
 * The most rows below the header that say more of the columns; and the records that must follow to
 * tell.
 */
const ABOUT_ROWS = 2;
const ABOUT_RECORDS = 3;

/**
 * The number of rows right below the header that are not records but say more of the columns:
 * codes, formats (`10s`, `4n`), names in a second language, questions of a survey over the ids of
 * its fields. None of their cells is a value of its column, and each column without text has a
 * different text there.
 */
function aboutLines(rows: readonly HeadRow[], header: number): number {
  for (let lines = ABOUT_ROWS; lines > 0; lines--) if (rows[header + lines]?.cells.every(isFieldId)) return lines;
  let lines = 0;
  while (lines < ABOUT_ROWS && isAbout(rows, header + lines + 1)) lines++;
  return lines;
}

function isFieldId({ text }: HeadCell): boolean {
  return text.startsWith('{"ImportId":');
}

/** Reports whether the cells are codes: capitals and digits in one word. */
function areCodes(cells: readonly HeadCell[]): boolean {
  return cells.length > 0 && cells.every(({ text }) => /^(?=.*\p{Lu})[\p{Lu}\d_.:/-]{3,}$/u.test(text));
}

function isAbout(rows: readonly HeadRow[], at: number): boolean {
  const row = rows[at];
  const below = rows.slice(at + 1, at + 1 + BELOW);
  if (!row || row.number !== rows[at - 1]!.number + 1 || below.length < ABOUT_RECORDS) return false;
  const own = new Map(row.cells.map((cell) => [cell.column, cell]));
  // The days of a series of weeks, over numbers.
  const days = row.cells.filter(({ sort }) => sort === "date");
  const numbers = below.flatMap(({ cells }) => cells).filter(({ column }) => own.get(column)?.sort === "date");
  if (days.length > 0 && seriesIn(row).size === days.length && numbers.every(({ sort }) => sort === "number"))
    return true;
  const typed: HeadCell[] = [];
  for (const column of new Set(below.flatMap(({ cells }) => cells.map((cell) => cell.column)))) {
    const cells = below.flatMap((other) => other.cells.filter((cell) => cell.column === column));
    const sort = sortBelow(cells);
    if (sort === undefined || sort === "text" || cells.length * 2 < below.length) continue;
    const cell = own.get(column);
    // Codes of series are only above the series.
    if (!cell && column < row.cells[0]!.column) continue;
    if (!cell || (cell.sort !== "text" && !isDateOver(cell, sort)) || NO_VALUE.test(cell.text)) return false;
    typed.push(cell);
  }
  if (typed.length < 2) return false;
  if (row.cells.every(({ text }) => /^\d{1,3}[sdnb]$/.test(text))) return true;
  const texts = new Set(typed.map(({ text }) => text));
  return texts.size === typed.length && typed.some(({ text }) => text.length > 1);
}

const UNIT =
  /^(?:[µmkMGc]?(?:g|m|l|s|W|V|A|Hz|J|Pa|bar|mol|cd|K|N|Wh|B|bit)|[°º]?[CF]|t|min|h|hrs?|hours?|days?|d|years?|yrs?|months?|in|ft|yd|mi|lb|lbs|oz|gal|mph|km\/h|m\/s|m[²³23]|cm[²³23]|km[²2]|ha|kg\/m[²³23]|g\/l|mg\/l|ppm|ppb|rpm|dB|pcs|pieces|stk|units?|%|‰|[€$£¥]|EUR|USD|GBP|CHF|JPY|-)$/;
const IN_BRACKETS = /^(?:\(.{1,20}\)|\[.{1,20}\])$/;

/** Texts that people write for a missing value. */
const NO_VALUE =
  /^[([]?(?:-+|–|—|\?+|\.+|x|n\.?\s?\/?a\.?|nan|null|nil|none|no data|missing|unknown|not (?:known|available|applicable)|tb[ad]|k\.?\s?a\.?|keine?|unbekannt|inconnu|desconocido)[)\]]?$/i;

/**
 * Reports whether the row after the header holds units: `kg`, `(m/s)`, `%`, each over a number.
 * Letters by themselves may be grades or sizes: they are units beside one that can only be a unit,
 * or if all columns but the first have one letter. In doubt it is a record.
 */
function isUnits(rows: readonly HeadRow[], header: number): boolean {
  const row = rows[header + 1];
  if (!row || row.number !== rows[header]!.number + 1 || header + 2 >= rows.length) return false;
  const texts = row.cells.map(({ text }) => text);
  if (!texts.every((text) => UNIT.test(text) || (IN_BRACKETS.test(text) && !NO_VALUE.test(text)))) return false;
  const clear = texts.some((text) => !/^\p{L}$|^-$/u.test(text));
  const repeated = new Set(texts).size === 1 && texts[0] !== "-" && !fillsFirst(rows[header]!, row);
  if (!clear && !repeated) return false;
  const { labels, records } = evidence(rows, header + 1);
  return labels > 0 && records === 0;
}

/** Reports whether a row holds something in the first column of the header. */
function fillsFirst(header: HeadRow, row: HeadRow): boolean {
  return row.cells[0]!.column <= header.cells[0]!.column;
}
