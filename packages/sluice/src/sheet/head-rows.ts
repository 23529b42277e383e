// The first rows of a sheet, as the rules about its layout need them.
import { CellType, type RowBatch } from "@sluice/sheets";
import { kindOf } from "../values/cell-kind.ts";

/** The number of rows that are looked at for the header. */
export const HEAD_ROWS = 100;
/** Characters after which no more rows are looked at for a header. */
export const HEAD_CHARACTERS: number = 4 * 1024 ** 2;

/** A row of the sheet's top. */
export interface HeadRow {
  readonly number: number;
  readonly cells: readonly HeadCell[];
  /** The fields of the row, or its columns up to the last cell, with those that are empty. */
  readonly width?: number;
}

export interface HeadCell {
  readonly column: number;
  /**
   * The text in one line: white space is one blank, and a date without a time of day has no time.
   */
  readonly text: string;
  /** The text with Unicode's superscripts, if it has some by its format. */
  readonly raised?: string;
  /** Several blanks are between its words, as if they had columns of their own. */
  readonly aligned?: boolean;
  /** The kind of its value: `number`, `date`, …; `text` for anything that could be a label. */
  readonly sort: string;
}

/** Two words with blanks between that may align them. */
const ALIGNED = /\S {2,}\S/;

/**
 * A number in any notation, with what is written around amounts: no name in any case, whatever its
 * column becomes.
 */
const AMOUNT =
  /^[-+−(]?\s?(?:[$€£¥]|[A-Z]{3})?\s?\d{1,3}(?:(?:[.,'\u00A0\u202F ]\d{3})*|\d*)(?:[.,]\d+)?\s?(?:[%$€£¥]|[A-Z]{3})?[-)]?$/u;
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));

/**
 * `USD 100` and `(5)`, and neither `ITE21` nor `2017 1)`: letters around an amount are those of a
 * currency, and brackets are a pair.
 */
function isAmount(text: string): boolean {
  if (text.startsWith("(") !== text.endsWith(")")) return false;
  return AMOUNT.test(text) && (text.match(/[A-Z]{3}/g) ?? []).every((letters) => CURRENCIES.has(letters));
}

/** The first rows that hold a value, of a batch. */
export function headRows(batch: RowBatch, most: number = HEAD_ROWS): HeadRow[] {
  const rows: HeadRow[] = [];
  const { bytes, columns, starts, ends, types, firstCell, raised } = batch;
  for (let row = 0; row < batch.rowCount && rows.length < most; row++) {
    const cells: HeadCell[] = [];
    for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++) {
      const [start, end, type] = [starts[cell]!, ends[cell]!, types[cell] as CellType];
      const given = bytes.toString("utf8", start, end).trim();
      const text = given.replaceAll(/\s+/g, " ");
      if (text === "") continue;
      const label = type === CellType.date ? text.replace("T00:00:00.000", "") : text;
      const sort = sortOf(kindOf(bytes, start, end, type));
      const superscripts = raised?.at(batch.rowNumbers[row]!, columns[cell]!)?.trim().replaceAll(/\s+/g, " ");
      cells.push({
        column: columns[cell]!,
        text: label,
        ...(superscripts === undefined ? {} : { raised: superscripts }),
        ...(text !== given && ALIGNED.test(given) ? { aligned: true } : {}),
        sort: sort === "text" && isAmount(text) ? "number" : sort,
      });
    }
    if (cells.length > 0) rows.push({ number: batch.rowNumbers[row]!, cells, width: batch.widths[row]! });
  }
  return rows;
}

/** Kinds of values, as coarse as a header needs them; a word such as `no` may be a label. */
function sortOf(kind: string): string {
  if (["true", "false", "yes", "no", "y", "n", "t", "f"].includes(kind)) return "text";
  if (/^(?:integer|bigint|huge|decimal|double|code|(?:digits|amount|cut) .*)$/.test(kind)) return "number";
  if (kind.startsWith("mark ")) return "text";
  if (kind.startsWith("error ")) return "error";
  if (/^(?:duration|iso duration|clock|hours|iso time|pm time)$/.test(kind)) return "time";
  return /date|timestamp/.test(kind) ? "date" : kind;
}
