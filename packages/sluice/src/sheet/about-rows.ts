// Rows right below the header that are not records: units, and what says more of the columns.
//
//   Station | Temp | Wind       the header
//           | °C   | m/s        units (isUnits)
//
//   Country | Wheat | Rye       the header
//   GEO     | C0110 | C0120     codes (isAbout): no column of values has one there
import { isMark } from "../values/marks.ts";
import { BELOW, cellsByColumn, evidence, isDateOver, isYear, seriesIn, sortBelow } from "./evidence.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";

/**
 * The most rows below the header that say more of the columns; and the records that must follow to
 * tell.
 */
export const ABOUT_ROWS = 2;
export const ABOUT_RECORDS = 3;

/**
 * The number of rows right below the header that are not records but say more of the columns:
 * codes, formats (`10s`, `4n`), names in a second language, questions of a survey over the ids of
 * its fields. None of their cells is a value of its column, and each column without text has a
 * different text there.
 */
export function aboutLines(rows: readonly HeadRow[], header: number): number {
  for (let lines = ABOUT_ROWS; lines > 0; lines--) if (rows[header + lines]?.cells.every(isFieldId)) return lines;
  let lines = 0;
  while (lines < ABOUT_ROWS && !isUnits(rows, header + lines) && isAbout(rows, header + lines + 1)) lines++;
  if (isUnits(rows, header + lines)) return lines;
  return lines === 0 && namesFirst(rows, header) ? 1 : misfitLines(rows, header + lines) + lines;
}

/**
 * Whether the row right below years or a series holds the name of the first column, whose cell in
 * the header is the name of the series: `Time | 2023 | 2024` over `Country`, as OECD and Eurostat
 * have it. The rows below it fill more than half of the header, so it is neither the title of a
 * section nor a record in which all is missing.
 */
function namesFirst(rows: readonly HeadRow[], header: number): boolean {
  const [row, next] = [rows[header]!, rows[header + 1]];
  const below = rows.slice(header + 2, header + 2 + BELOW);
  if (!next || next.number !== row.number + 1 || next.cells.length > 1 || below.length < ABOUT_RECORDS) return false;
  const [corner, ...series] = row.cells;
  const inSeries = seriesIn(row);
  const isSeries = series.length > 0 && series.every((cell) => isYear(cell) || inSeries.has(cell.column));
  const isName = next.cells[0]!.sort === "text" && next.cells[0]!.column === corner!.column;
  return (
    isName && corner!.sort === "text" && isSeries && below.every(({ cells }) => cells.length * 2 > row.cells.length)
  );
}

/** The most rows below the header of which no cell fits. */
const MISFIT_ROWS = 8;

/**
 * The number of rows right below a row up to the last one that misfits: titles of sections in a
 * column of numbers, frequencies and first dates of series, names in a second language.
 */
function misfitLines(rows: readonly HeadRow[], above: number): number {
  let lines = 0;
  for (let n = 1; n <= MISFIT_ROWS && rows.length - above - n > Math.max(n, ABOUT_RECORDS); n++) {
    if (rows[above + n]!.number > rows[above + n - 1]!.number + 2) break;
    const fit = fitOf(rows, above + n);
    if (fit === "misfits") lines = n;
    // A title of a section may be between two of them.
    else if (fit === "fits" || rows[above + n]!.cells.length > 1) break;
  }
  return lines;
}

/** A value with something else, such as a mark: `0.25***`, `(12)`, `> 5`. */
const VALUE_IN = /^[-+−(<>≤≥~]?\s?\d/;

/**
 * Compares a row with the columns of values below it. It fits if one of its cells is a value, or a
 * mark for a missing one. It misfits if it is a text alone there, right of others, and no such text
 * comes further down, as titles of sections do. It also does if the text that all records begin
 * with is missing, and there are different texts, or dates over numbers, over half of these columns
 * or over no other ones. Anything else tells nothing: `North | closed | closed` is a record.
 */
function fitOf(rows: readonly HeadRow[], at: number): "fits" | "misfits" | undefined {
  const { cells } = rows[at]!;
  const below = rows.slice(at + 1, at + 1 + BELOW);
  const sorts = new Map<number, string>();
  for (const [column, values] of cellsByColumn(below)) {
    const sort = values.length * 2 < below.length ? undefined : sortBelow(values);
    if (sort !== undefined) sorts.set(column, sort);
  }
  const typed = new Set([...sorts].filter(([, sort]) => sort !== "text").map(([column]) => column));
  const over = cells.filter(({ column }) => typed.has(column));
  const isWord = ({ text, sort }: HeadCell): boolean =>
    sort === "text" && !VALUE_IN.test(text) && !NO_VALUE.test(text) && !isMark(text);
  const misfits = over.filter((cell) => isWord(cell) || isDateOver(cell, sorts.get(cell.column)!));
  if (misfits.length < over.length) return "fits";
  if (misfits.length === 0) return undefined;
  const first = [...sorts.keys()].reduce((least, column) => Math.min(least, column), Number.POSITIVE_INFINITY);
  // At the left it is the title of a section, or if another one follows.
  const [{ column }, ...others] = cells as [HeadCell, ...HeadCell[]];
  const isTitle = ({ cells: [cell, ...more] }: HeadRow): boolean =>
    more.length === 0 && cell!.column === column && isWord(cell!);
  if (others.length === 0)
    return column > first && !rows.slice(at + 2).some((row) => isTitle(row)) ? "misfits" : undefined;
  const begins = sorts.get(first) === "text" && cells.some(({ column }) => column <= first);
  const isSaid = new Set(misfits.map(({ text }) => text)).size > 1 || misfits.some(({ sort }) => sort !== "text");
  const areAll = misfits.length === cells.length || misfits.length * 2 >= typed.size;
  return isSaid && !begins && areAll ? "misfits" : undefined;
}

export function isFieldId({ text }: HeadCell): boolean {
  return text.startsWith('{"ImportId":');
}

/** Reports whether the cells are codes: capitals and digits in one word. */
export function areCodes(cells: readonly HeadCell[]): boolean {
  return cells.length > 0 && cells.every(({ text }) => /^(?=.*\p{Lu})[\p{Lu}\d_.:/-]{3,}$/u.test(text));
}

/** How spreadsheets name the columns of a table that has no names. */
const AUTOMATIC =
  /^(?:column|field|spalte|colonne|colonna|columna|coluna|kolom|kolumna|kolumn|kolonne|oszlop|sloupec|столбец|стовпець|sütun|عمود|列|欄|열) ?\d+$/iu;

/** Reports whether two names of a row or more are those that spreadsheets make: `Column1`. */
export function areAutomatic(cells: readonly HeadCell[]): boolean {
  return cells.filter(({ text }) => AUTOMATIC.test(text)).length > 1;
}

/**
 * Reports whether the row with the index `at` says more of the columns. It is right below the one
 * before, records follow it, and it has something else than a value over two or more columns of
 * values: codes, formats, days of a series of weeks. It has more than 15 branches because each sign
 * for or against is one.
 */
export function isAbout(rows: readonly HeadRow[], at: number): boolean {
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
  for (const [column, cells] of cellsByColumn(below)) {
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

const BASE =
  "[µμmkMGcdn]?(?:g|m|l|L|s|W|V|A|Hz|J|Pa|bar|mol|cd|K|N|Wh|B|bit)|[°º]?[CF]|t|min|h|hrs?|hours?|days?|d|years?|yrs?|months?|in|ft|yd|mi|lb|lbs|oz|gal|mph|m[²³23]|cm[²³23]|km[²2]|ha|ppm|ppb|rpm|dB|pcs|pieces|stk|units?|%|‰|[€$£¥]|EUR|USD|GBP|CHF|JPY";
/** Thousands and millions of a currency, as a unit. */
const MULTIPLES = "(?:US ?)?[$€£¥]1[,. ]?000(?:[,. ]?000)?";
const MULTIPLE = new RegExp(`^${MULTIPLES}$`);
/** `kg`, `mg/L`, `€/kWh`, `Percent`, `$1,000` */
const UNIT = new RegExp(`^(?:-|[Pp]er ?cent|${MULTIPLES}|(?:${BASE})(?:/(?:${BASE}))?)$`);
const IN_BRACKETS = /^(?:\(.{1,20}\)|\[.{1,20}\])$/;

/** Texts that people write for a missing value. */
export const NO_VALUE: RegExp =
  /^[([]?(?:-+|–|—|\?+|\.+|x|n\.?\s?\/?a\.?|nan|null|nil|none|no data|missing|unknown|not (?:known|available|applicable)|tb[ad]|k\.?\s?a\.?|keine?|unbekannt|inconnu|desconocido)[)\]]?$/i;

/**
 * Reports whether the row after the header holds units: `kg`, `(m/s)`, `%`, each over a number.
 * Letters by themselves may be grades or sizes: they are units beside one that can only be a unit,
 * or if all columns but the first have one letter. In doubt it is a record.
 */
export function isUnits(rows: readonly HeadRow[], header: number): boolean {
  const row = rows[header + 1];
  if (!row || row.number !== rows[header]!.number + 1 || header + 2 >= rows.length) return false;
  const texts = row.cells.map(({ text }) => text);
  // No unit begins with a digit, and most records have such a text.
  if (texts.some((text) => /^\d/.test(text))) return false;
  const isUnit = (text: string): boolean =>
    text === "-" || (!NO_VALUE.test(text) && (UNIT.test(text) || IN_BRACKETS.test(text)));
  if (!texts.every(isUnit)) return false;
  const clear = texts.some((text) => !/^\p{L}$|^-$/u.test(text));
  const repeated = new Set(texts).size === 1 && texts[0] !== "-" && !fillsFirst(rows[header]!, row);
  if (!clear && !repeated) return false;
  const { labels, records } = evidence(rows, header + 1);
  // `$1,000` looks like a value.
  return labels > 0 && records <= texts.filter((text) => MULTIPLE.test(text)).length;
}

/** Reports whether a row holds something in the first column of the header. */
function fillsFirst(header: HeadRow, row: HeadRow): boolean {
  return row.cells[0]!.column <= header.cells[0]!.column;
}
