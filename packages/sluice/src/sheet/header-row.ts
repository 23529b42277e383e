// Finds the header from the first rows of a sheet: titles and blank rows above it, groups over
// names, headers that continue in the next row, a row of units below, or no header at all.
//
// These facts tell a header from a record: its cells are labels, it covers most of the columns that
// the rows below fill, and it is above values that are not text. A sheet that holds only text
// cannot show the last one. Then the first row that covers the columns is the header, since sheets
// have one far more often than not. If nothing is clear it is the first row, as people expect, and
// a note says what was decided. `--header` and `--skip` settle it.
//
// evidence.ts compares a row with those below it, header-groups.ts joins the rows of a header, and
// about-rows.ts finds the rows below a header that are not records:
//
//   1  Sales of 2024                            passed over: a title
//   2
//   3          | Europe |       | Asia  |         groups ┐ the header: Region, Europe / Units,
//   4  Region  | Units  | Price | Units | Price   names  ┘ Europe / Price, Asia / Units, …
//   5          | pcs    | €     | pcs   | €       units
//   6  Nord    | 120    | 9.50  | 80    | 7.50    the first record
import type { Header, HeaderChoice } from "../options.ts";
import {
  ABOUT_RECORDS,
  ABOUT_ROWS,
  NO_VALUE,
  aboutLines,
  areAutomatic,
  areCodes,
  isAbout,
  isFieldId,
  isUnits,
} from "./about-rows.ts";
import { isProse, isRemark, namesBelow } from "./above-header.ts";
import { columnNumbersAt } from "./column-numbers.ts";
import { BELOW, cellsByColumn, evidence, evidenceOfLast, isLabel, seriesIn, sortBelow } from "./evidence.ts";
import { withoutMarks } from "./footnote-marks.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";
import {
  WRAPPED,
  distinct,
  headerOf,
  isPair,
  joined,
  namesBeside,
  onTop,
  pairAt,
  repeatedAcross,
  repeatsName,
  withGroupsAbove,
  withNamesAbove,
} from "./header-groups.ts";
import { isOutline } from "./outline.ts";
import { isDrawnRow } from "./printed.ts";
import { foldRepeat } from "./repeats.ts";
import { withReplicates } from "./replicates.ts";
import { isTotalLabel } from "./totals.ts";

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
  /** The first column has the names of the rows, and no name itself; see row-names.ts. */
  readonly rowNames?: boolean;
}

/**
 * Finds the header among the first rows.
 *
 * @param rows at least one; lines that are drawn between them do not count
 * @param known reports whether a schema, `--map` or the table names a header. If a row has more of
 *   these than the row that looks like the header, it is the header
 */
export function detectLayout(rows: readonly HeadRow[], known: (text: string) => boolean = () => false): Layout {
  const others = rows.every(isDrawnRow) ? rows : rows.filter((row) => !isDrawnRow(row));
  return withBareNames(others, known, (given) => withoutColumnNumbers(given, (those) => layoutWith(those, known)));
}

/**
 * The layout of the rows without one that numbers the columns, if that is right below the header,
 * and without the codes below it.
 */
function withoutColumnNumbers(rows: readonly HeadRow[], find: (rows: readonly HeadRow[]) => Layout): Layout {
  const at = columnNumbersAt(rows);
  if (at === undefined) return find(rows);
  const { number } = rows[at]!;
  // Codes of the columns may be below their numbers.
  const lines = isAbout(rows, at + 1) ? 2 : 1;
  const layout = find(rows.toSpliced(at, lines));
  const top = [...layout.headerRows, layout.unitsRow, ...layout.aboutRows];
  if (!top.includes(rows[at - 1]!.number)) return find(rows);
  const about = Array.from({ length: lines }, (_, n) => number + n);
  return {
    ...layout,
    aboutRows: [...layout.aboutRows, ...about].toSorted((a, b) => a - b),
    firstRow: Math.max(layout.firstRow, number + lines),
  };
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

/** A label without its footnote marks: `Rate¹` → `Rate`. */
function bareText({ text, raised, sort }: HeadCell): string {
  const without = withoutMarks(raised ?? text);
  return sort !== "text" || without === raised ? text : without;
}

/**
 * The layout by looks, unless another row has more of the known headers, and they are at least half
 * of its cells.
 */
function layoutWith(rows: readonly HeadRow[], known: (text: string) => boolean): Layout {
  const found = withFirstName(rows, layoutByLooks(rows));
  const records = rows.filter(({ number }) => number >= found.firstRow);
  const looks = withLastNames(rows, { ...found, headers: withReplicates(found.headers, records) }, records);
  const counts = rows.map((row) => row.cells.filter((cell) => known(cell.text)).length);
  const most = Math.max(...counts);
  const best = counts.indexOf(most);
  const named =
    most * 2 >= rows[best]!.cells.length && most > looks.headers.filter((header) => known(header.text)).length;
  return named ? layoutOf(rows, best, rows[best]!.cells.map(headerOf), 1) : looks;
}

/**
 * The layout with a name for the first column, if it has none and the row right above the header
 * holds one. That row names all other columns together, from the first one of them on:
 *
 *     Year | Persons |
 *          | Men     | Women
 *     2013 | 51      | 49
 */
function withFirstName(rows: readonly HeadRow[], layout: Layout): Layout {
  const { headers, headerRows, firstRow } = layout;
  const above = rows.find(({ number }) => number === headerRows[0]! - 1);
  const [name, all, ...others] = above?.cells ?? [];
  if (!above || !name || !all || others.length > 0 || headers[0]?.sheetColumn !== all.column) return layout;
  const areWords = above.cells.every(({ sort, text }) => sort === "text" && !/[:：]$/.test(text));
  const records = rows.filter(({ number }) => number >= firstRow).slice(0, BELOW);
  const begin = records.filter(({ cells }) => cells[0]!.column === name.column);
  if (!areWords || headers.length < 2 || begin.length * 2 < records.length) return layout;
  return {
    ...layout,
    headers: [headerOf(name), ...headers],
    headerRows: [above.number, ...headerRows],
    passedOver: layout.passedOver.filter((number) => number !== above.number),
  };
}

/** The layout with the names of the row right above for the columns right of the header's own. */
function withLastNames(rows: readonly HeadRow[], layout: Layout, records: readonly HeadRow[]): Layout {
  const { headers, headerRows, passedOver } = layout;
  const above = rows.find(({ number }) => number === headerRows[0]! - 1);
  const filled = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  const named = above && headers.length > 1 ? namesBeside(above, headers, filled) : undefined;
  if (!above || !named) return layout;
  return {
    ...layout,
    headers: named,
    headerRows: [above.number, ...headerRows],
    passedOver: passedOver.filter((number) => number !== above.number),
  };
}

/**
 * The layout by what the rows look like. The first of these that is found counts:
 *
 *   - the ids of a survey's fields, below their names
 *   - a record in the first row, or an outline: the sheet has no header
 *   - a row of groups over a row of names, and lines that continue the names
 *   - rows that repeat their texts across, until all columns are told apart
 *   - codes over names: the names are the header
 *   - one row, with the lines that continue it, and the rows of groups above it
 *
 * It has more than 15 branches because each of these has its own signs.
 */
function layoutByLooks(rows: readonly HeadRow[]): Layout {
  // The ids of a survey's fields are below their names and questions.
  if (rows.slice(1, 1 + ABOUT_ROWS).some(({ cells }) => cells.every(isFieldId)))
    return layoutOf(rows, 0, rows[0]!.cells.map(headerOf), 1);
  const found = isOutline(rows) ? undefined : findHeader(rows);
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
  // Codes, or names that a spreadsheet has made, over names: these are the header.
  const codes = (row: number): boolean => areCodes(rows[row]!.cells.slice(1)) || areAutomatic(rows[row]!.cells);
  if (lines === 1 && codes(found) && isAbout(rows, found + 1) && !codes(found + 1))
    return layoutOf(rows, found + 1, rows[found + 1]!.cells.map(headerOf), 1);
  if (lines === 1 && namesDimensions(rows, found)) {
    headers = joined(rows[found]!, rows[found + 1]!.cells.map(headerOf), false);
    lines = 2;
  }
  if (found > 0 && isSeriesOver(rows, found - 1))
    return layoutOf(rows, found - 1, onTop(rows[found - 1]!, headers), lines + 1);
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

/**
 * The layout with a header of some lines, the first of which has the index `first`. Units and other
 * words below it go with their columns. If names are the same, these words become a part of them.
 */
function layoutOf(rows: readonly HeadRow[], first: number, headers: readonly Header[], lines: number): Layout {
  const last = first + lines - 1;
  const about = isUnits(rows, last) ? [] : rows.slice(last + 1, last + 1 + aboutLines(rows, last));
  const units = isUnits(rows, last + about.length) ? rows[last + about.length + 1]! : undefined;
  const unitOf = new Map((about[0]?.cells ?? []).map(({ column, text }) => [column, text]));
  for (const { column, text } of units?.cells ?? []) {
    const unit = text.replaceAll(/^[[(]|[\])]$/g, "").trim();
    unitOf.set(column, unitOf.has(column) ? `${unitOf.get(column)}, ${unit}` : unit);
  }
  // What tells equal names apart is a part of them.
  const told =
    units || distinct(headers) === headers.length
      ? headers
      : headers.map((header) => withUnit(header, headers, unitOf));
  const names = distinct(told) === told.length ? told : headers;
  const isNamed = new Set(headers.map(({ sheetColumn }) => sheetColumn));
  const more = (about[0]?.cells ?? []).filter(({ column, sort }) => sort === "text" && !isNamed.has(column));
  return {
    headers: [
      ...names.map((header, n) => {
        const unit = header === headers[n] ? unitOf.get(header.sheetColumn) : undefined;
        return unit === undefined || unit === "-" || unit === header.text ? header : { ...header, unit };
      }),
      ...more.map(headerOf),
    ].toSorted((a, b) => a.sheetColumn - b.sheetColumn),
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

/**
 * Index of the header; undefined if the first row is a record already. Rows that cover too few
 * columns are titles, and remarks are passed over. The first other row is the header, if it has
 * more labels over values than values like those below.
 */
function findHeader(rows: readonly HeadRow[]): number | undefined {
  for (let i = 0; i < rows.length - 1; i++) {
    const { covers, labels, records } = evidence(rows, i);
    if (!covers || saysValues(rows[i]!)) continue; // a title, or something else above the table
    const names = namesBelow(rows, i, labels);
    if (names !== undefined) {
      i = names - 1;
      continue;
    }
    if (records === 0 && (isRemark(rows, i, labels) || isProse(rows, i, labels) || isSeriesOver(rows, i))) continue;
    if (labels + records === 0 && holdsTexts(rows, i)) return undefined;
    if (records === 0 || (labels > records && !holdsFractions(rows[i]!))) return nearest(rows, i, labels);
    if (labels === 0 && (i === 0 || holdsValues(rows))) return undefined;
    return widest(rows, i);
  }
  return 0;
}

/** Whether a row has fractions, and no series: they are measured, and no names. */
function holdsFractions(row: HeadRow): boolean {
  const fractions = row.cells.filter(({ sort, text }) => sort === "number" && /^-?\d*\.\d+$/.test(text));
  return fractions.length > 1 && seriesIn(row).size === 0;
}

/** A name with its value in one cell: `Account: 0808 8804`. */
const NAME_AND_VALUE = /^\p{L}[^:]*\p{L}\s?: ?\S/u;

/** Whether most cells of a row are names with their values, as banks write them above a list. */
function saysValues({ cells }: HeadRow): boolean {
  const said = cells.filter(
    ({ sort, text }) => sort === "text" && text.includes(":") && /\d/.test(text) && NAME_AND_VALUE.test(text),
  );
  return cells.length > 1 && said.length * 2 > cells.length;
}

/** Rows from a row of names to another one that is right above the records. */
const NEAR_ROWS = 5;

/**
 * The last one of rows of names, if there is a blank row between them, and nothing else but lines
 * of one text. What is further above describes it: `GDP | Gross domestic product` over
 * `Frequency: yearly` and `date | GDP`.
 */
function nearest(rows: readonly HeadRow[], header: number, labels: number): number {
  for (let i = header + 2; i <= header + NEAR_ROWS && i < rows.length - 1; i++) {
    const between = rows.slice(header + 1, i);
    if (!between.every(({ cells }) => cells.length === 1 && cells[0]!.sort === "text")) break;
    if (rows[i]!.cells.length < rows[header]!.cells.length || rows[i]!.number === rows[header]!.number + i - header) continue; // prettier-ignore
    const last = evidence(rows, i);
    if (last.covers && last.records === 0 && last.labels >= Math.max(labels, 1) && rows[i]!.cells.every(isLabel)) return i; // prettier-ignore
  }
  return header;
}

/** The texts of a column that look alike, at least, and their share. */
const ALIKE = 5;
const MOSTLY = 0.9;

/**
 * Whether a row of texts is one of the records, in half of its cells or more, and in two: the text
 * is there once more in its column, and the rows are not the same; or it ends like all texts of its
 * column, with digits and a unit (`15 kg`, `(3 h)`).
 */
function holdsTexts(rows: readonly HeadRow[], i: number): boolean {
  const { cells } = rows[i]!;
  const others = cellsByColumn(
    rows.slice(i + 1).filter((row) => {
      const texts = new Map(row.cells.map(({ column, text }) => [column, text]));
      return cells.some(({ column, text }) => texts.get(column) !== text);
    }),
  );
  const held = cells.filter(({ column, text }) => {
    const texts = (others.get(column) ?? []).map((cell) => cell.text);
    const end = endOf(text);
    const alike = end === undefined ? 0 : texts.filter((one) => endOf(one) === end).length;
    return texts.includes(text) || (alike >= ALIKE && alike >= texts.length * MOSTLY);
  });
  return held.length > 1 && held.length * 2 >= cells.length;
}

/** The end of a text from its last digits on, if a unit follows them: `15 kg` → `0 kg`. */
function endOf(text: string): string | undefined {
  return /\d(\P{Nd}{2,10})$/u.exec(text)?.[1];
}

/** Reports whether the first row has several cells, all of them values like those below. */
function holdsValues(rows: readonly HeadRow[]): boolean {
  const { cells } = rows[0]!;
  return cells.length > 1 && evidence(rows, 0).records === cells.length;
}

/**
 * The index of the likely header above the first record.
 *
 * It is the first row that covers more than half of the record's columns. If there is none, the
 * rows right above the record may cover them together. Then it is the first of these, if it has a
 * label over a value of another kind. In all other cases it is the first row, for want of a sign.
 * Undefined if totals alone are above the record.
 */
function widest(rows: readonly HeadRow[], record: number): number | undefined {
  if (record > 0 && rows.slice(0, record).every(isTotalAbove)) return undefined;
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

/** Whether a row is a total that people write above their records: `Total: | 780`. */
function isTotalAbove({ cells: [label, ...sums] }: HeadRow): boolean {
  return sums.length > 0 && isTotalLabel(label!.text) && sums.every(({ sort }) => sort === "number");
}

/**
 * Whether a row is a series, days of a month, over the names of all of its columns, days of the
 * week. The names begin further left, and none of them is what a record has in its column.
 */
function isSeriesOver(rows: readonly HeadRow[], i: number): boolean {
  const [row, next] = [rows[i]!, rows[i + 1]];
  const below = rows.slice(i + 2, i + 2 + BELOW);
  if (!next || next.number !== row.number + 1 || below.length < ABOUT_RECORDS) return false;
  if (seriesIn(row).size !== row.cells.length || next.cells[0]!.column >= row.cells[0]!.column) return false;
  const names = new Map(next.cells.map(({ column, text }) => [column, text]));
  const hasValues = below.some(({ cells }) => cells.some(({ column, text }) => names.get(column) === text));
  return (
    next.cells.every(({ sort }) => sort === "text") && row.cells.every(({ column }) => names.has(column)) && !hasValues
  );
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
export function otherTable(rows: readonly HeadRow[], { headers, firstRow, headerRows }: Layout): HeadRow | undefined {
  const own = rows.filter(({ number }) => headerRows.includes(number)).flatMap(({ cells }) => cells);
  const names = new Set([...headers, ...own].map(({ text }) => foldRepeat(text)));
  for (let i = 2; i < rows.length - 2; i++) {
    const row = rows[i]!;
    const before = rows[i - 1]!;
    if (before.number <= firstRow || row.cells.length < 2) continue;
    const apart = row.number > before.number + 1 || before.cells.length === 1;
    const isSeries = isOtherSeries(rows, i, headers);
    const isAgain = !isSeries && row.cells.every(({ text }) => names.has(foldRepeat(text)));
    if (!apart || !(row.cells.every(isLabel) || isSeries) || isAgain) continue;
    if (rows[i + 1]!.number !== row.number + 1) continue;
    const { covers, labels, records } = evidence(rows.slice(0, i + 4), i);
    if (covers && labels > 0 && records === 0) return row;
  }
  return undefined;
}

/**
 * Whether a row is a series after a blank row, as the header is one: columns `8`, `9`, `10` of
 * another block. The rows below it begin further left.
 */
function isOtherSeries(rows: readonly HeadRow[], i: number, headers: readonly Header[]): boolean {
  const [row, next] = [rows[i]!, rows[i + 1]!];
  const isSeries = seriesIn(row).size === row.cells.length && row.number > rows[i - 1]!.number + 1;
  const numbers = headers.filter(({ text }) => /^\d+$/.test(text)).length;
  const nameOf = new Map(headers.map(({ sheetColumn, text }) => [sheetColumn, text]));
  const isAgain = row.cells.every(({ column, text }) => nameOf.get(column) === text);
  return isSeries && !isAgain && numbers * 2 > headers.length && next.cells[0]!.column < row.cells[0]!.column;
}

/** Columns that the last name of a header is over at least, if it is merged across. */
const LAST_PARTS = 3;

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
  const isLonger = longerTexts(rows, i, firstBelow, names);
  const isLine = row.cells.every(
    (cell) => labelled.has(cell.column) || repeatsName(names.get(cell.column), cell.text) || isLonger(cell),
  );
  // One word alone may be a value that is missing, unless the line before was a header as well.
  const goesOn = row.cells.length + lines >= 3 && labelled.size > 0 && isLine && records === 0;
  return under && (goesOn || partsLast(row, rows[i + 1]!, first, Math.max(...names.keys())));
}

/**
 * Whether a row parts the last name of the header, which is merged across: words under it and under
 * two columns without a name or more. The next row begins as records do, and fills such columns.
 */
function partsLast({ cells }: HeadRow, next: HeadRow, first: number, last: number): boolean {
  const areNames = cells.every(({ sort, text }) => sort === "text" && !/\d/.test(text));
  const begins = cells[0]!.column === last && last > first && cells.length >= LAST_PARTS;
  return areNames && begins && next.cells[0]!.column <= first && next.cells.at(-1)!.column > last;
}

/**
 * A test of the cells of row i, which leaves the first column of the records empty: words more than
 * twice as long as all that the records have in their columns, as over `x` or `yes`. False of all
 * cells, if not each of three records or more fills the first column, or if all of their columns
 * have a name already.
 */
function longerTexts(
  rows: readonly HeadRow[],
  i: number,
  first: number,
  names: ReadonlyMap<number, string>,
): (cell: HeadCell) => boolean {
  const below = rows.slice(i + 1, i + 1 + BELOW);
  const fills = ({ cells }: HeadRow): boolean => cells[0]!.column === first;
  const begin = below.findIndex(fills);
  const records = below.slice(begin);
  const isNamed = records.every(({ cells }) => cells.every(({ column }) => names.has(column)));
  if (begin < 0 || begin > WRAPPED || records.length < ABOUT_RECORDS || isNamed) return () => false;
  if (!records.every(fills)) return () => false;
  return ({ column, text, sort }) => {
    const values = records.flatMap(({ cells }) => cells.filter((cell) => cell.column === column));
    return sort === "text" && values.length > 0 && values.every((value) => value.text.length * 2 < text.length);
  };
}

/**
 * The names with the words of the next line: `Percent` over `of class` → `Percent of class`. A word
 * in the gap after a name gets a column: `Percent / of class`.
 */
function wrapped(headers: readonly Header[], { cells }: HeadRow): Header[] {
  const more = new Map(cells.map((cell) => [cell.column, cell.text]));
  return headers.flatMap((header, n) => {
    const text = more.get(header.sheetColumn);
    const next = headers[n + 1]?.sheetColumn ?? Number.POSITIVE_INFINITY;
    const between = cells.filter(({ column }) => column > header.sheetColumn && column < next);
    return [
      text === undefined || repeatsName(header.text, text) ? header : { ...header, text: `${header.text} ${text}` },
      ...between.map((cell) => ({ sheetColumn: cell.column, text: `${header.text} / ${cell.text}` })),
    ];
  });
}
