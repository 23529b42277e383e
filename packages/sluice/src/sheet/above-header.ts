// Rows above the header that look like one: remarks of several cells, names with their values.
//
//   Customer: | ACME           a colon says what it is (isRemark)
//   Date      | 2024-01-01     a name with its value (namesBelow)
//   Item      | Price          the header
//   Tea       | 3.5
import { isUnits, NO_VALUE } from "./about-rows.ts";
import { isMark } from "../values/marks.ts";
import { BELOW, evidence, isLabel, seriesIn } from "./evidence.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";
import { isPair, repeatedAcross } from "./header-groups.ts";

const LINK = /^(?:«|<|←)?\s*(?:back|return|go|link) to\b|^zurück (?:zu|zum|zur)\b|^retour\b|^volver\b|^torna\b/i;

/** A button that leads to another sheet: `Menu ►`. */
const BUTTON = /[►▶➤➔→⇒»]\s*$|^\s*[◄◀⬅←⇐«]/u;

/** Whether a row leads to other sheets, so that its texts are not names. */
function leadsAway({ cells }: HeadRow): boolean {
  return (cells.length <= 2 && LINK.test(cells[0]!.text)) || cells.every(({ text }) => BUTTON.test(text));
}

/** The most rows of remarks above a table: `Customer:` and who it is, `# made by …`. */
const REMARKS = 10;
/** After remarks of one cell, a row of this many cells is not a remark. */
const WIDE = 3;

/**
 * Reports whether a row is a remark. That is so if the next row is a better header, or if one after
 * a blank row is wider than all before it and names more columns. It is also so if a comment sign
 * or a colon says so, and the next row is a header too. It has more than 15 branches because each
 * sign for or against is one.
 *
 * @param labels the number of the row's texts over values of another kind
 */
export function isRemark(rows: readonly HeadRow[], i: number, labels: number): boolean {
  if (leadsAway(rows[i]!)) return true;
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
    // Right below lines of one cell, the table begins with the first row of several cells.
    const isLone = j > i + 1 && rows.slice(i + 1, j).every((between) => between.cells.length === 1);
    const apart = number > rows[j - 1]!.number + 1 || isLone || (widest === 1 && cells.length >= WIDE);
    widest = cells.length;
    if (!apart) continue;
    const below = evidence(rows, j);
    if (below.covers && below.labels > Math.max(labels, 1) && below.records === 0 && !isPair(rows, j - 1)) return true;
  }
  return false;
}

/** A row of names with their values: `Date | 2024-01-01`, `Lat | 47.5 | Lon | 8.3`. */
interface NamedValues {
  readonly values: readonly HeadCell[];
  /** Texts without a value. */
  readonly words: number;
}

/** The names with their values in a row; undefined if it has none, or a value without a name. */
export function namedValues({ cells }: HeadRow): NamedValues | undefined {
  const values = cells.filter((cell, n) => {
    const name = cells[n - 1];
    return cell.sort !== "text" && name?.sort === "text" && name.column === cell.column - 1;
  });
  const words = cells.filter(({ sort }) => sort === "text").length - values.length;
  return values.length === 0 || values.length * 2 + words < cells.length ? undefined : { values, words };
}

/**
 * The index of the row of names below a row that says something of the whole table: a name with its
 * value, `Date | 2024-01-01`, or several. Undefined if the row is not such a one.
 *
 * Between the two are lines of one or two cells at most. Texts over values of another kind show
 * that the names are names. Names over texts alone show nothing. Then the value must be a date, and
 * the names must be right below it and more than two. It has more than 15 branches because each
 * sign for or against is one.
 *
 * @param labels the number of the row's texts over values of another kind
 */
export function namesBelow(rows: readonly HeadRow[], i: number, labels: number): number | undefined {
  const named = namedValues(rows[i]!);
  if (!named) return beginsBlock(rows, i) ? namesAfterBlank(rows, i) : undefined;
  if (named.words > WORDS || isPair(rows, i)) return undefined;
  let found: number | undefined;
  for (let j = i + 1; j <= i + REMARKS && j < rows.length - RECORDS; j++) {
    const { cells } = rows[j]!;
    if (areNames(rows[j]!) && cells[0]!.column <= rows[i]!.cells[0]!.column) {
      const { covers, labels: names, records } = evidence(rows, j);
      if (covers && records === 0 && names > 0 && names >= labels && isFirst(rows, i, j)) found = j;
      else if (covers && records === 0 && names + labels === 0 && j === i + 1 && namesMore(rows, i))
        return named.values.every(({ sort }) => sort === "date") ? j : undefined;
    }
    const isLine = cells.length <= 2 || namedValues(rows[j]!) !== undefined;
    // Of what looked like names, only a block of words is a remark too.
    if (!isLine || (found !== undefined && !cells.every(({ sort }) => sort === "text"))) break;
  }
  return found;
}

/** Rows that a block of names with their values has at least. */
const BLOCK_ROWS = 3;

/**
 * Whether a row of two words begins a block of names with their values, `Project | Alpha` over
 * `Budget | 12000` and `Start | 2024-01-31`: both numbers and dates follow, up to a blank row.
 */
function beginsBlock(rows: readonly HeadRow[], i: number): boolean {
  const block = rows.slice(i, namesAfterBlank(rows, i) ?? i);
  const pairs = block.every(({ cells: [name, value, ...others] }) => name?.sort === "text" && value !== undefined && others.length === 0); // prettier-ignore
  const sorts = new Set(block.map(({ cells }) => cells[1]?.sort));
  return block.length >= BLOCK_ROWS && pairs && sorts.has("number") && sorts.has("date");
}

/** The row after the next blank one, if it has names over values of another kind. */
function namesAfterBlank(rows: readonly HeadRow[], i: number): number | undefined {
  const end = rows.findIndex(({ number }, j) => j > i && number > rows[j - 1]!.number + 1);
  if (end < 0 || end > i + REMARKS || end >= rows.length - RECORDS || !areNames(rows[end]!)) return undefined;
  const { covers, labels, records } = evidence(rows, end);
  return covers && labels > 0 && records === 0 ? end : undefined;
}

/** Whether a row may hold names: words, years or a series, and no mark for a missing value. */
function areNames(row: HeadRow): boolean {
  const series = seriesIn(row);
  const isName = (cell: HeadCell): boolean =>
    isLabel(cell) && cell.sort !== "date" && !NO_VALUE.test(cell.text) && !isMark(cell.text);
  return row.cells.length > 1 && row.cells.every((cell) => isName(cell) || series.has(cell.column));
}

/** Words without a value that may be beside a name with its value. */
const WORDS = 2;
/** Records that must follow names right below a name with its value. */
const RECORDS = 2;
/** Rows of one kind below a year or a date that make a small table of them. */
const TABLE_ROWS = 2;

/**
 * Whether a row of names is the first one of the table below row i: right below it, or the lines
 * between the two end in a blank row or a line of one cell. They must not be a small table,
 * `Country | 2019` over two numbers or more.
 */
function isFirst(rows: readonly HeadRow[], i: number, names: number): boolean {
  if (names === i + 1) return true;
  const last = rows[names - 1]!;
  if (rows[names]!.number === last.number + 1 && last.cells.length > 1) return false;
  const values = rows.slice(i + 1, names).flatMap(({ cells }) => cells.slice(1, 2));
  const isTable =
    values.length >= TABLE_ROWS && values.every(({ sort }) => sort !== "text" && sort === values[0]!.sort);
  return !isTable || !rows[i]!.cells.every(isLabel);
}

/** Whether the next row is wider and names all columns that are filled below. */
function namesMore(rows: readonly HeadRow[], i: number): boolean {
  const [row, next] = [rows[i]!, rows[i + 1]!];
  const names = new Set(next.cells.map(({ column }) => column));
  const below = rows.slice(i + 2, i + 2 + BELOW);
  const all = below.every(({ cells }) => cells.every(({ column }) => names.has(column)));
  return all && next.cells.length > row.cells.length;
}

/** The most rows from a row of prose that looks like a header to the header. */
const PROSE_ROWS = 4;

/**
 * Reports whether a row that covers the columns is part of a remark that fills several rows and
 * cells. Then a row that covers them as well follows, and the rows between the two have words in
 * some of the columns. The row must begin in a small letter, as a line does that continues a
 * sentence.
 */
export function isProse(rows: readonly HeadRow[], i: number, labels: number): boolean {
  for (let j = i + 2; j <= i + PROSE_ROWS && j < rows.length - 1; j++) {
    const between = rows.slice(i + 1, j);
    if (
      !between.every(({ cells }) => cells.every(({ sort }) => sort === "text") && cells.length < rows[i]!.cells.length)
    )
      return false;
    const { covers, labels: names, records } = evidence(rows, j);
    const isFull = rows[j]!.cells.length >= rows[i]!.cells.length && rows[j]!.cells.every(isLabel);
    if (covers && isFull && records === 0 && names >= Math.max(labels, 2) && /^\p{Ll}/u.test(rows[i]!.cells[0]!.text))
      return true;
  }
  return false;
}
