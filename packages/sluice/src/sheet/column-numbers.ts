// Rows that number the columns, right below the header: `1 | 2 | 3`, `(1) | (2)` or `A | B | C`.
// Offices for statistics print them, so that their notes can name a column. They are not records.
import { BELOW } from "./evidence.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";

/** Numbers that such a row has at least, and more of them if hardly a record follows. */
const LEAST = 3;
const LEAST_ALONE = 4;
const FEW_RECORDS = 3;
/** Rows right above that may hold the names. */
const HEADER_ROWS = 4;

/**
 * The index of the row that numbers the columns, if there is one among the first rows. The cells of
 * such a row go up by one from 1 or 2 on, or from 0 on if that is the number of the texts. Names
 * are over them. Numbers are not what one of their columns holds, or the row leaves the column
 * empty that all records begin with.
 */
export function columnNumbersAt(rows: readonly HeadRow[]): number | undefined {
  for (let i = 1; i < rows.length - 1; i++) {
    const numbered = numberedColumns(rows[i]!);
    const least = rows.length - i - 1 < FEW_RECORDS ? LEAST_ALONE : LEAST;
    if (numbered.length < least || !areNamed(numbered, rows.slice(Math.max(0, i - HEADER_ROWS), i))) continue;
    const below = rows.slice(i + 1);
    const { cells } = rows[i]!;
    const isZero = numberIn(cells[0]!) === 0;
    return holdsText(below, isZero ? cells.slice(0, 1) : cells) || (!isZero && leavesFirst(below, cells)) ? i : undefined; // prettier-ignore
  }
  return undefined;
}

/** The columns with the numbers of a row that numbers them. A letter may be over the first one. */
function numberedColumns({ cells }: HeadRow): number[] {
  if (cells.length >= LEAST && areLetters(cells)) return cells.map(({ column }) => column);
  const letters = /^\p{L}$/u.test(cells[0]!.text) ? 1 : 0;
  const numbers = cells.slice(letters).map(numberIn);
  const [first] = numbers;
  // Each group of columns may have numbers of its own: `1 | 2 | 3 | 1 | 2 | 3`.
  const again = numbers.indexOf(1, 1);
  const length = again < LEAST ? numbers.length : again;
  const goesOn = numbers.every((number, n) => number !== undefined && number === first! + (n % length));
  return goesOn && (first === 1 || first === 0 || (first === 2 && letters === 1))
    ? cells.slice(letters).map(({ column }) => column)
    : [];
}

/** `A | B | C` and so on, or in small letters. */
function areLetters(cells: readonly HeadCell[]): boolean {
  const first = /^[Aa]$/.test(cells[0]!.text) ? cells[0]!.text.charCodeAt(0) : Number.NaN;
  return cells.every(({ text }, n) => text.length === 1 && text.charCodeAt(0) === first + n);
}

/** `3`, `(3)`, `[3]`, `3.` and, since spreadsheets read `(3)` so, `-3`. */
function numberIn({ text }: HeadCell): number | undefined {
  const digits = /^(?:(\d{1,3})\.?|-(\d{1,3})|\((\d{1,3})\)|\[(\d{1,3})\])$/.exec(text);
  return digits ? Number(digits.slice(1).find((group) => group !== undefined)) : undefined;
}

/**
 * Reports whether texts are over the columns: over half of them right above, and over nearly all in
 * the rows above.
 */
function areNamed(columns: readonly number[], above: readonly HeadRow[]): boolean {
  const nearest = above.at(-1)!;
  const names = (rows: readonly HeadRow[]): number => {
    const named = new Set(rows.flatMap(({ cells }) => cells.map(({ column }) => column)));
    return columns.filter((column) => named.has(column)).length;
  };
  if (!nearest.cells.every(({ sort }) => sort === "text")) return false;
  return names([nearest]) * 2 >= columns.length && names(above) * 10 >= columns.length * 9;
}

/** Reports whether a column of the row holds mostly text, and none such as the row has there. */
function holdsText(records: readonly HeadRow[], row: readonly HeadCell[]): boolean {
  return row.some(({ column, text }) => {
    const cells = records.flatMap((record) => record.cells.filter((cell) => cell.column === column));
    if (cells.some((cell) => cell.text.length === text.length && /^\p{L}$/u.test(text))) return false;
    return cells.filter(({ sort }) => sort === "text").length * 2 > cells.length;
  });
}

/** Reports whether all records have a cell in a column left of the row's. */
function leavesFirst(records: readonly HeadRow[], row: readonly HeadCell[]): boolean {
  const below = records.slice(0, BELOW);
  const [first] = row;
  if (row.length < LEAST_ALONE || below.length < FEW_RECORDS) return false;
  return below[0]!.cells.some(
    ({ column }) => column < first!.column && below.every(({ cells }) => cells.some((cell) => cell.column === column)),
  );
}
