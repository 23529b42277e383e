// Rows of totals: the words that people write into the first cell of one, and a test that tells it
// from a record which only has such a word.
//
// A label alone proves nothing: "Total" may be a company. A row is a total without doubt if its
// label says so and each of its numbers is the sum of the column above it: of all rows, or of those
// since the last total. If the sum is not found (an average, figures that were rounded, a label
// further down than the rows that are looked at), the row stays a record, and a note names it.
//
// The last row may be a total without a label: it leaves a column empty that nearly each record
// fills, left of its first number, and all of its numbers are sums.
import { CellType, type RowBatch } from "@sluice/sheets";
import { isBlankCell } from "../chunk/blank.ts";
import { kindOf } from "../values/cell-kind.ts";
import { amountOf, NOTATIONS } from "../schema/number-format.ts";
import { isMark } from "../values/marks.ts";

/** The words in lower case; docs/inference.md lists them. */
export const TOTAL_WORDS: readonly string[] = [
  "total,totals,grand total,subtotal,sub-total,sum,average,mean,summe,gesamt,gesamtsumme,insgesamt",
  "zwischensumme,durchschnitt,mittelwert,total général,somme,moyenne,totale,somma,suma,promedio,soma,média",
  "totaal,gemiddelde,razem,celkem,celkom,spolu,összesen,ukupno,skupaj,summa,totalt,sammanlagt,yhteensä",
  "итого,всего,сумма,всього,усього,общо,σύνολο,toplam,المجموع,الإجمالي,סה״כ,jumlah,tổng cộng,計,合計,小計,総計,总计,合计,합계",
].flatMap((line) => line.split(","));

/** Records above a total without a label at least, and its sums that are not 0. */
const LEAST_SUMMED = 3;
const LEAST_SUMS = 2;
/** The most such rows at the end. */
export const MOST_TOTALS = 3;

/** The first two characters of the words, and the words of one: most texts begin otherwise. */
const BEGINNINGS = new Set(TOTAL_WORDS.map((word) => word.slice(0, 2)));
/** The words by their last character, which tells of most texts that they end in none. */
const byEnd = Map.groupBy(TOTAL_WORDS, (word) => word.at(-1));

const LONGEST_LABEL = 60;
const label = new RegExp(`^\\s*(?:${TOTAL_WORDS.join("|")})(?![\\p{L}\\p{N}])`, "iu");
const labelEnd = new RegExp(`(?<![\\p{L}\\p{N}])(?:${TOTAL_WORDS.join("|")})\\s*:?\\s*$`, "iu");

/** `Total`, `Summe:`, `Grand total 2024`, but not `Totally Thai`. */
export function isTotalLabel(text: string): boolean {
  return text.length <= LONGEST_LABEL && beginsAsTotal(text) && label.test(text);
}

/** Few texts begin as such a word; the pattern, which is slow, is for those. */
function beginsAsTotal(text: string): boolean {
  const beginning = text.trimStart().slice(0, 2).toLowerCase();
  return BEGINNINGS.has(beginning) || BEGINNINGS.has(beginning.slice(0, 1));
}

/**
 * Reports whether a text names a total: a word of the list, `North Total` as Excel names subtotals,
 * or the `*` and `**` of SAP's lists.
 */
function namesTotal(text: string): boolean {
  return isTotalLabel(text) || (text.length <= LONGEST_LABEL && endsAsTotal(text)) || STARS.test(text);
}

/** How lists of SAP call totals. */
const STARS = /^\s*\*{1,3}\s*$/;

/** Few texts end in such a word; the pattern, which is slow, is for those. */
function endsAsTotal(text: string): boolean {
  const end = text.trimEnd();
  const words = (end.endsWith(":") ? end.slice(0, -1).trimEnd() : end).toLowerCase();
  return (byEnd.get(words.at(-1))?.some((word) => words.endsWith(word)) ?? false) && labelEnd.test(text);
}

/** A row that is called a total. */
export interface TotalRow {
  readonly row: number;
  readonly label: string;
  /** True if its numbers are the sums of those above it. */
  readonly proven: boolean;
}

/** Reports whether any row of a batch is called a total. */
export function hasTotals(batch: RowBatch): boolean {
  for (let row = 0; row < batch.rowCount; row++) if (labelOf(batch, row) !== undefined) return true;
  return false;
}

/** The columns that the first and the last row of a batch begin in; undefined of blank rows. */
export function beginnings(batch: RowBatch): readonly [first: number | undefined, last: number | undefined] {
  if (batch.rowCount === 0) return [undefined, undefined];
  let last = batch.rowCount - 1;
  while (last > 0 && filledColumns(batch, last).length === 0) last--;
  return [filledColumns(batch, 0)[0], filledColumns(batch, last)[0]];
}

/** The columns that a row has something else than blanks in. */
function filledColumns(batch: RowBatch, row: number): number[] {
  const filled: number[] = [];
  for (let cell = batch.firstCell[row]!; cell < batch.firstCell[row + 1]!; cell++)
    if (!isBlankCell(batch, cell)) filled.push(batch.columns[cell]!);
  return filled;
}

/** Goes through the records of a sheet, and keeps the sums that prove which of them are totals. */
export class Totals {
  readonly rows: TotalRow[] = [];
  /** Sums by column, of all records so far, and of those since the last total. */
  readonly #all = new Map<number, Readings>();
  readonly #since = new Map<number, Readings>();
  /** Columns that hold a text which is not a label of a total. */
  readonly #texts = new Set<number>();
  #records = 0;
  #sinceTotal = 0;
  /** Proven totals that no record has followed yet, by the column of their label. */
  #last: { readonly column: number; readonly total: TotalRow }[] = [];
  /** The number of records that fill a column, and the last record. */
  readonly #filled = new Map<number, number>();
  #latest: { readonly row: number; readonly filled: number; readonly cells: readonly Value[] } | undefined;

  add(batch: RowBatch): void {
    for (let row = 0; row < batch.rowCount; row++) {
      if (batch.firstCell[row] === batch.firstCell[row + 1]) continue;
      const found = labelOf(batch, row);
      if (found === undefined) this.#record(batch, row);
      else this.#total(batch, row, found);
    }
  }

  /**
   * The totals, when the last record has been seen. One at the end whose label does not fit the
   * values of its column is not among them: it decides no type, and is rejected with its reason.
   *
   * @param complete whether the sheet ends here
   */
  found(complete: boolean): TotalRow[] {
    const last = complete ? this.#unlabelled() : undefined;
    return [...this.#labelled(complete), ...(last === undefined ? [] : [{ row: last, label: "", proven: true }])];
  }

  #labelled(complete: boolean): TotalRow[] {
    // This many are a category of the data, such as both sexes together.
    if (this.rows.length > MOST_TOTALS && this.rows.length * 4 > this.#records) return [];
    const misfits = new Set<TotalRow>();
    if (complete && this.#last.length <= MOST_TOTALS)
      for (const { column, total } of this.#last) {
        // A mark for a missing value fits every column, and a word one that is empty.
        if (this.#filled.has(column) && !this.#texts.has(column) && !isMark(total.label)) misfits.add(total);
      }
    const rows = this.rows.filter((total) => !misfits.has(total));
    return rows.map((total) =>
      total.proven && !isMostlyProven(rows, total.label) ? { ...total, proven: false } : total,
    );
  }

  /**
   * The last row, if it is a total without a label. Its numbers are a half of the sums that they
   * are a part of.
   */
  #unlabelled(): number | undefined {
    const { row, filled, cells } = this.#latest ?? { row: 0, filled: 0, cells: [] };
    const records = this.#records - 1;
    const all = cells.flatMap(({ column, values }) => (values === undefined ? [] : [{ column, values }]));
    // The sum of these sums may be in one more column.
    const numbers = all.filter(({ column }) => this.#filled.get(column)! > 1);
    if (records < LEAST_SUMMED || all.length < filled || numbers.length === 0) return undefined;
    const own = new Set(cells.map(({ column }) => column));
    const leaves = [...this.#filled].some(
      ([column, count]) => column < numbers[0]!.column && count * 10 >= records * 9 && !own.has(column),
    );
    const isSumOf = (of: ReadonlyMap<number, Readings>): boolean =>
      NOTATIONS.some(
        (_, n) =>
          numbers.filter(({ values }) => values[n] !== 0).length >= LEAST_SUMS &&
          numbers.every(({ column, values }) => isSum(of.get(column)![n]! - values[n]!, values[n]!)),
      );
    return leaves && (isSumOf(this.#all) || isSumOf(this.#since)) ? row : undefined;
  }

  #record(batch: RowBatch, row: number): void {
    const columns = filledColumns(batch, row);
    if (columns.length === 0) return;
    const cells = valuesOf(batch, row);
    this.#records++;
    this.#sinceTotal++;
    this.#last = [];
    this.#latest = { row: batch.rowNumbers[row]!, filled: columns.length, cells };
    for (const column of columns) this.#filled.set(column, (this.#filled.get(column) ?? 0) + 1);
    for (const { column, values } of cells) {
      if (values === undefined) this.#texts.add(column);
      else for (const sums of [this.#all, this.#since]) sums.set(column, plus(sums.get(column), values));
    }
  }

  #total(batch: RowBatch, row: number, { column, text }: { column: number; text: string }): void {
    const numbers = valuesOf(batch, row).filter((cell) => cell.values !== undefined && cell.column !== column);
    const sums = (of: ReadonlyMap<number, Readings>): boolean =>
      NOTATIONS.some(
        (_, n) =>
          numbers.some(({ values }) => values![n] !== 0) &&
          numbers.every((cell) => isSum(of.get(cell.column)?.[n], cell.values![n]!)),
      );
    const proven = (this.#sinceTotal > 1 && sums(this.#since)) || (this.#records > 1 && sums(this.#all));
    // The subtotal of one row repeats it; beside another proof it is one.
    const single = this.#sinceTotal === 1 && sums(this.#since) && this.rows.some((one) => one.proven);
    const total = { row: batch.rowNumbers[row]!, label: text.trim(), proven: proven || single };
    this.rows.push(total);
    this.#latest = undefined;
    this.#last.push({ column, total });
    if (!total.proven) return;
    this.#since.clear();
    this.#sinceTotal = 0;
  }
}

/**
 * Whether more rows of a label are proven than not: one part of them alone would not be left out,
 * such as where figures are rounded.
 */
function isMostlyProven(rows: readonly TotalRow[], label: string): boolean {
  const alike = rows.filter((row) => row.label === label);
  return alike.filter(({ proven }) => proven).length * 2 > alike.length;
}

/** A word that is longer than a unit or a currency. */
const WORD = /\p{L}{4}/u;

/** The label of a row that is called a total, its first text, and the column of it. */
function labelOf(batch: RowBatch, row: number): { column: number; text: string } | undefined {
  const { firstCell, columns, types, starts, ends, bytes } = batch;
  for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++) {
    const length = ends[cell]! - starts[cell]!;
    if (length === 0 || types[cell] !== CellType.string) continue;
    if (length > LONGEST_LABEL * 4) return undefined;
    const text = bytes.toString("utf8", starts[cell], ends[cell]);
    // A star before a name is a mark of that record.
    if (!namesTotal(text) || (STARS.test(text) && hasWord(batch, row))) return undefined;
    return { column: columns[cell]!, text };
  }
  return undefined;
}

function hasWord({ firstCell, types, starts, ends, bytes }: RowBatch, row: number): boolean {
  for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++)
    if (types[cell] === CellType.string && WORD.test(bytes.toString("utf8", starts[cell], ends[cell]))) return true;
  return false;
}

/** A cell as a number in each notation; NaN for a notation that does not fit. */
type Readings = readonly number[];

/** A cell of a row, as a number if it is one. */
interface Value {
  readonly column: number;
  readonly values: Readings | undefined;
}

function plus(sums: Readings | undefined, values: Readings): Readings {
  return sums === undefined ? values : sums.map((sum, n) => sum + values[n]!);
}

/** The cells of a row; a number in the notations that it can be read in. */
function valuesOf(batch: RowBatch, row: number): Value[] {
  const { firstCell, columns, types, starts, ends, bytes } = batch;
  const cells: Value[] = [];
  for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++) {
    const [start, end] = [starts[cell]!, ends[cell]!];
    if (start === end) continue;
    const kind = kindOf(bytes, start, end, types[cell] as CellType);
    const text = bytes.toString("utf8", start, end);
    const amount = types[cell] === CellType.string ? amountOf(text) : undefined;
    // Codes such as 007 are digits, and their column is text.
    if (["text", "email", "url", "code"].includes(kind)) cells.push({ column: columns[cell]!, values: undefined });
    else if (amount) cells.push({ column: columns[cell]!, values: amount.readings.map(Number) });
    else if (["integer", "bigint", "decimal", "double"].includes(kind))
      cells.push({ column: columns[cell]!, values: NOTATIONS.map(() => Number(text)) });
  }
  return cells;
}

/** Whether a number is that sum, but for what binary fractions lose. What is no number is none. */
function isSum(sum: number | undefined, value: number): boolean {
  return sum !== undefined && Math.abs(sum - value) <= 1e-9 * Math.max(Math.abs(sum), Math.abs(value));
}
