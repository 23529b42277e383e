// Where the header is, found from the first rows of a sheet: titles and blank rows above it, groups over names, headers that go on in
// the next row, a row of units below, or none at all.
//
// What tells a header from a record: its cells are labels, it covers most of the columns that the rows below fill, and it stands over
// values that are no text. A sheet of nothing but text cannot show the last; then the first row that covers the columns is the header,
// since sheets have one far more often than not. Where nothing is clear it is the first row, as people expect, and what was decided is
// said in a note. `--header` and `--skip` settle it.
import { kindOf } from "./cell-kind.ts";
import { CellType, type RowBatch } from "@sluice/sheets";
import type { Header } from "./mapping.ts";

/** How many rows are looked at for the header. */
export const HEAD_ROWS = 50;
/** Characters after which no more rows are looked at for a header. */
export const HEAD_CHARACTERS: number = 4 * 1024 ** 2;
/** Rows that a header may go on over. */
const WRAPPED = 2;
/** Rows below a candidate that are compared with it. */
const BELOW = 20;

/** What the caller knows: no header, or the row (or the first and last of two rows) that it is, as the sheet numbers them. */
export type HeaderChoice = "none" | readonly [first: number, last: number];

/** How the top of a sheet is laid out. Rows are numbered as the sheet numbers them. */
export interface Layout {
  readonly headers: readonly Header[];
  /** The rows of the header, one to three; none where the sheet has no header. */
  readonly headerRows: readonly number[];
  /** Below the header, with what the numbers count. */
  readonly unitsRow: number | undefined;
  /** No record stands above this row. */
  readonly firstRow: number;
  /** Rows with content above the header, which are no records. */
  readonly passedOver: readonly number[];
}

/** A row of the sheet's top. */
export interface HeadRow {
  readonly number: number;
  readonly cells: readonly HeadCell[];
}

export interface HeadCell {
  readonly column: number;
  /** In one line: white space is one blank, a date without a time of day has none. */
  readonly text: string;
  /** What it is as a value: `number`, `date`, …; `text` for anything that could be a label. */
  readonly sort: string;
}

/** The first rows that hold a value, of a batch. */
export function headRows(batch: RowBatch, most: number = HEAD_ROWS): HeadRow[] {
  const rows: HeadRow[] = [];
  const { bytes, columns, starts, ends, types, firstCell } = batch;
  for (let row = 0; row < batch.rowCount && rows.length < most; row++) {
    const cells: HeadCell[] = [];
    for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++) {
      const [start, end, type] = [starts[cell]!, ends[cell]!, types[cell] as CellType];
      const text = bytes.toString("utf8", start, end).trim().replaceAll(/\s+/g, " ");
      if (text === "") continue;
      const label = type === CellType.date ? text.replace("T00:00:00.000", "") : text;
      cells.push({ column: columns[cell]!, text: label, sort: sortOf(kindOf(bytes, start, end, type)) });
    }
    if (cells.length > 0) rows.push({ number: batch.rowNumbers[row]!, cells });
  }
  return rows;
}

/**
 * Finds the header among the first rows.
 *
 * @param rows at least one
 * @param known headers that a schema, `--map` or the table names: a row that has more of them than what looks like the header is it
 */
export function detectLayout(rows: readonly HeadRow[], known: (text: string) => boolean = () => false): Layout {
  const looks = layoutByLooks(rows);
  const counts = rows.map((row) => row.cells.filter((cell) => known(cell.text)).length);
  const most = Math.max(...counts);
  const best = counts.indexOf(most);
  const named =
    most * 2 >= rows[best]!.cells.length && most > looks.headers.filter((header) => known(header.text)).length;
  return named ? layoutOf(rows, best, rows[best]!.cells.map(headerOf), 1) : looks;
}

function layoutByLooks(rows: readonly HeadRow[]): Layout {
  const found = findHeader(rows);
  if (found === undefined)
    return { headers: [], headerRows: [], unitsRow: undefined, firstRow: rows[0]!.number, passedOver: [] };
  for (const first of [found, found - 1]) {
    if (first >= 0 && isPair(rows, first)) return layoutOf(rows, first, joined(rows[first]!, rows[first + 1]!), 2);
  }
  let headers = rows[found]!.cells.map(headerOf);
  let lines = 1;
  for (; lines <= WRAPPED && continues(rows, found, lines, headers); lines++)
    headers = wrapped(headers, rows[found + lines]!);
  return layoutOf(rows, found, headers, lines);
}

/** The layout that the caller states. Rows that are not there are an empty header. */
export function statedLayout(rows: readonly HeadRow[], choice: HeaderChoice, firstRow: number): Layout {
  if (choice === "none") {
    return { headers: [], headerRows: [], unitsRow: undefined, firstRow, passedOver: [] };
  }
  const [first, last] = choice;
  const lines = rows.filter((row) => row.number >= first && row.number <= last);
  return {
    headers: lines.length === 2 ? joined(lines[0]!, lines[1]!) : (lines[0]?.cells.map(headerOf) ?? []),
    headerRows: first === last ? [first] : [first, last],
    unitsRow: undefined,
    firstRow: Math.max(last + 1, firstRow),
    passedOver: rows.map((row) => row.number).filter((number) => number < first),
  };
}

function layoutOf(rows: readonly HeadRow[], first: number, headers: readonly Header[], lines: number): Layout {
  const last = first + lines - 1;
  const units = isUnits(rows, last) ? rows[last + 1]! : undefined;
  const unitOf = new Map(units?.cells.map((cell) => [cell.column, cell.text.replaceAll(/^[[(]\s*|\s*[\])]$/g, "")]));
  return {
    headers: headers.map((header) => {
      const unit = unitOf.get(header.sheetColumn);
      return unit === undefined || unit === "-" ? header : { ...header, unit };
    }),
    headerRows: rows.slice(first, last + 1).map((row) => row.number),
    unitsRow: units?.number,
    firstRow: (units ?? rows[last]!).number + 1,
    passedOver: rows.slice(0, first).map((row) => row.number),
  };
}

function headerOf({ column, text }: HeadCell): Header {
  return { sheetColumn: column, text };
}

/** Index of the header; undefined where the first row is a record already. */
function findHeader(rows: readonly HeadRow[]): number | undefined {
  for (let i = 0; i < rows.length - 1; i++) {
    const { covers, labels, records } = evidence(rows, i);
    if (!covers) continue; // a title, or something else above the table
    if (records === 0 && isRemark(rows, i, labels)) continue;
    if (records === 0 || labels > records) return i;
    // Below a title, a row of values says nothing about where the header is.
    return i === 0 && labels === 0 ? undefined : 0;
  }
  return 0;
}

/** Rows of remarks above a table: `Customer:` and who it is, `# made by …`; at most so many. */
const REMARKS = 10;

/**
 * Whether a row is a remark: the next row is a better header; or one behind a blank row is wider than all before it, and names more
 * columns; or a comment sign or a colon says so, and the next row is a header too.
 *
 * @param labels how many texts the row has over values of another kind
 */
function isRemark(rows: readonly HeadRow[], i: number, labels: number): boolean {
  const next = evidence(rows, i + 1);
  if (next.records === 0 && next.labels > Math.max(labels, 1) && !isPair(rows, i)) return true;
  const [first] = rows[i]!.cells;
  if (/^#\s+\S|[:：]$/.test(first!.text) && next.covers && next.labels > 0 && next.records === 0) return true;
  let widest = rows[i]!.cells.length;
  for (let j = i + 1; j < Math.min(i + REMARKS, rows.length - 1); j++) {
    const { cells, number } = rows[j]!;
    if (cells.length <= widest) continue;
    widest = cells.length;
    if (number === rows[j - 1]!.number + 1) continue;
    const below = evidence(rows, j);
    if (below.covers && below.labels > Math.max(labels, 1) && below.records === 0 && !isPair(rows, j - 1)) return true;
  }
  return false;
}

/** How a row stands to those below it. */
function evidence(rows: readonly HeadRow[], i: number): { covers: boolean; labels: number; records: number } {
  const row = rows[i]!;
  // The next row may belong to the header as well, so it counts only where there is no other.
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
  let labels = 0;
  let records = 0;
  for (const cell of row.cells) {
    const cells = filled.get(cell.column) ?? [];
    const sort = sortBelow(cells);
    if (sort === undefined || sort === "text") continue;
    if (cell.sort === "text") labels++;
    else if (cell.sort === sort && !(isYear(cell) && !cells.every(isYear))) records++;
  }
  return { covers: covered * 2 > usual.length, labels, records };
}

/** What two thirds of a column's cells are, if they are. */
function sortBelow(cells: readonly HeadCell[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { sort } of cells) counts.set(sort, (counts.get(sort) ?? 0) + 1);
  return [...counts].find(([, count]) => count * 3 >= cells.length * 2)?.[0];
}

/** Years head the columns of many tables. */
function isYear({ text }: HeadCell): boolean {
  return /^(?:19|20)\d\d$/.test(text);
}

function isLabel(cell: HeadCell): boolean {
  return cell.sort === "text" || isYear(cell);
}

/**
 * Whether a row of groups stands over the row with index `first + 1`: several labels, most of which span two columns or more. A label
 * that spans one column stands over nothing (cells merged downwards), else it is a title or a remark.
 */
function isPair(rows: readonly HeadRow[], first: number): boolean {
  const [groups, names] = [rows[first], rows[first + 1]];
  if (!groups || !names || names.number !== groups.number + 1 || first + 2 >= rows.length) return false;
  if (![...groups.cells, ...names.cells].every(isLabel)) return false;
  // `Unit: ACME` is a remark.
  if (groups.cells.some(({ text }) => /[:：]$/.test(text))) return false;
  const { labels, records } = evidence(rows, first + 1);
  if (labels === 0 || records > 0) return false;
  const named = new Set(names.cells.map((cell) => cell.column));
  const columns = [...named];
  let wide = 0;
  let single = 0;
  for (const [n, { column }] of groups.cells.entries()) {
    const next = groups.cells[n + 1]?.column ?? Number.POSITIVE_INFINITY;
    const from = columns.findIndex((one) => one >= column);
    const span = from < 0 ? 0 : columns.slice(from, from + 2).filter((one) => one < next).length;
    if (span === 2) wide++;
    else if (span === 1 && named.has(column)) single++;
  }
  return groups.cells.length >= 2 && wide >= 1 && (single === 0 || wide >= 2);
}

/** `Address` over `Street` and `City` → `Address / Street`, `Address / City`. */
function joined(groups: HeadRow, names: HeadRow): Header[] {
  const groupOf = new Map(groups.cells.map((cell) => [cell.column, cell.text]));
  const nameOf = new Map(names.cells.map((cell) => [cell.column, cell.text]));
  const headers: Header[] = [];
  let group: string | undefined;
  for (const column of [...new Set([...groupOf.keys(), ...nameOf.keys()])].sort((a, b) => a - b)) {
    group = groupOf.get(column) ?? group;
    const name = nameOf.get(column);
    const parts = name === undefined ? [groupOf.get(column)] : [group, name];
    headers.push({ sheetColumn: column, text: parts.filter((part) => part !== undefined).join(" / ") });
  }
  return headers;
}

/**
 * Whether a row goes on with the headers above it: `Percent` over `of class`, all of it words over numbers. A record would have
 * something in the first column, in a column of words, or no more than letters and signs for a missing value.
 */
function continues(rows: readonly HeadRow[], header: number, lines: number, headers: readonly Header[]): boolean {
  const i = header + lines;
  const row = rows[i];
  if (!row || row.number !== rows[i - 1]!.number + 1 || i + 1 >= rows.length || isUnits(rows, i - 1)) return false;
  const above = new Set(headers.map((header) => header.sheetColumn));
  const under = row.cells.every(({ column, text }) => above.has(column) && !NO_VALUE.test(text));
  if (fillsFirst(rows[header]!, row) || row.cells.every(({ text }) => text.length === 1)) return false;
  const { labels, records } = evidence(rows, i);
  // One word alone may be a value that is missing, unless the line before was a header as well.
  return under && row.cells.length + lines >= 3 && labels === row.cells.length && records === 0;
}

function wrapped(headers: readonly Header[], { cells }: HeadRow): Header[] {
  const more = new Map(cells.map((cell) => [cell.column, cell.text]));
  return headers.map((header) => {
    const text = more.get(header.sheetColumn);
    return text === undefined ? header : { ...header, text: `${header.text} ${text}` };
  });
}

const UNIT =
  /^(?:[µmkMGc]?(?:g|m|l|s|W|V|A|Hz|J|Pa|bar|mol|cd|K|N|Wh|B|bit)|[°º]?[CF]|t|min|h|hrs?|hours?|days?|d|years?|yrs?|months?|in|ft|yd|mi|lb|lbs|oz|gal|mph|km\/h|m\/s|m[²³23]|cm[²³23]|km[²2]|ha|kg\/m[²³23]|g\/l|mg\/l|ppm|ppb|rpm|dB|pcs|pieces|stk|units?|%|‰|[€$£¥]|EUR|USD|GBP|CHF|JPY|-)$/;
const IN_BRACKETS = /^(?:\(.{1,12}\)|\[.{1,12}\])$/;

/** What people write where they have no value. */
const NO_VALUE =
  /^[([]?(?:-+|–|—|\?+|\.+|x|n\.?\s?\/?a\.?|nan|null|nil|none|no data|missing|unknown|not (?:known|available|applicable)|tb[ad]|k\.?\s?a\.?|keine?|unbekannt|inconnu|desconocido)[)\]]?$/i;

/**
 * Whether the row behind the header holds units: `kg`, `(m/s)`, `%`, each over a number. Letters by themselves may be grades or sizes:
 * they are units beside one that is nothing else, or where one letter stands in all columns but the first. In doubt it is a record.
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

/** Whether a row holds something in the first column of the header. */
function fillsFirst(header: HeadRow, row: HeadRow): boolean {
  return row.cells[0]!.column <= header.cells[0]!.column;
}

/** Kinds of values, as coarse as a header needs them; a word such as `no` may be a label. */
function sortOf(kind: string): string {
  if (["true", "false", "yes", "no", "y", "n", "t", "f"].includes(kind)) return "text";
  if (/^(?:integer|bigint|huge|decimal|double|code|digits .*)$/.test(kind)) return "number";
  return /date|timestamp/.test(kind) ? "date" : kind === "iso time" ? "time" : kind;
}
