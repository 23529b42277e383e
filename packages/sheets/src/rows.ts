// The face of values: rows of JavaScript values, made from batches.
import { CellType, type RowBatch } from "./batch.ts";
import { readIso } from "./dates.ts";
import { SheetError } from "./errors.ts";
import { parseNumber } from "./number.ts";
import { cellName, columnName } from "./reference.ts";

/** What an error cell holds, such as `#DIV/0!`. */
export class CellError {
  readonly code: string;
  constructor(code: string) {
    this.code = code;
  }
  toString(): string {
    return this.code;
  }
  toJSON(): string {
    return this.code;
  }
}

/** A date is a Date whose UTC fields are what the sheet shows. */
export type CellValue = null | string | number | boolean | Date | CellError;

export interface Cell {
  /** Like `B7`. */
  readonly ref: string;
  /** Counted from 1. */
  readonly column: number;
  /** Number, string, boolean, error, date. */
  readonly type: "n" | "s" | "b" | "e" | "d";
  readonly value: CellValue;
}

const none: readonly string[] = Object.freeze([]);

export class Row {
  /** Counted from 1, as Excel shows it. */
  readonly number: number;
  /** Index = column − 1; null where a cell is empty; no nulls at the end. */
  readonly values: readonly CellValue[];
  /** The last column that has a cell in the file, even an empty one. */
  readonly width: number;
  /** E.g. that a formula has no saved value. Usually empty. */
  readonly warnings: readonly string[];
  readonly #names: readonly string[];

  /** @internal */
  constructor(
    number: number,
    values: readonly CellValue[],
    width: number,
    warnings: readonly string[],
    names: readonly string[] = none,
  ) {
    this.number = number;
    this.values = values;
    this.width = width;
    this.warnings = warnings;
    this.#names = names;
  }

  /**
   * The values by the names of their columns, null where a named column is empty. Names come from the option `header`; a column
   * without one is called by its letters.
   */
  record(): Record<string, CellValue> {
    // Without a prototype, for a header may be called `__proto__`.
    const record = Object.create(null) as Record<string, CellValue>;
    for (let i = 0; i < Math.max(this.#names.length, this.values.length); i++)
      record[this.#names[i] ?? columnName(i + 1)] = this.values[i] ?? null;
    return record;
  }

  /** The cells that have a value. */
  *cells(): Generator<Cell, void, undefined> {
    for (const [i, value] of this.values.entries())
      if (value !== null) yield { ref: cellName(i + 1, this.number), column: i + 1, type: typeOf(value), value };
  }
}

/** `true`: the first row that has a value; a number: that row; else the names themselves, in the order of the columns. */
export type Header = boolean | number | readonly string[];

/** Rows from `from` on that stand below the header. @throws SheetError (`bad_option`) where the header's row has no value */
export async function* rowsOf(
  batches: AsyncIterable<RowBatch>,
  header: Header = false,
  from = 1,
): AsyncGenerator<Row, void, undefined> {
  let names = typeof header === "object" ? namesOf(header) : header === false ? none : undefined;
  for await (const batch of batches) {
    let warning = 0;
    for (let r = 0; r < batch.rowCount; r++) {
      let warnings = none;
      const number = batch.rowNumbers[r]!;
      if (batch.warnings.length > 0) {
        const first = warning;
        while (batch.warnings[warning]?.row === number) warning++;
        if (warning > first) warnings = batch.warnings.slice(first, warning).map(({ message }) => message);
      }
      if (names === undefined) {
        if (typeof header === "number" && number < header) continue;
        if (typeof header === "number" && number > header) throw noHeader(header);
        names = namesOf(valuesOf(batch, r));
      } else if (number >= from) {
        yield new Row(number, valuesOf(batch, r), batch.widths[r]!, warnings, names);
      }
    }
    batch.release();
  }
  if (typeof header === "number" && names === undefined) throw noHeader(header);
}

function noHeader(row: number): SheetError {
  return new SheetError(
    "bad_option",
    `Row ${row}, which the option header names, has no value; give the row of the headers.`,
  );
}

/** A name for each column: the header's text, its letters where that is empty, a number behind it where it was there before. */
function namesOf(headers: readonly CellValue[]): readonly string[] {
  const taken = new Set<string>();
  return headers.map((value, i) => {
    const text = (value instanceof Date ? value.toISOString().slice(0, -1) : String(value ?? "")).trim();
    const wanted = text === "" ? columnName(i + 1) : text;
    let name = wanted;
    for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
    taken.add(name);
    return name;
  });
}

function valuesOf(batch: RowBatch, row: number): CellValue[] {
  const { columns, firstCell } = batch;
  let values: CellValue[] = [];
  const end = firstCell[row + 1]!;
  for (let cell = firstCell[row]!; cell < end; cell++) {
    const column = columns[cell]!;
    const gap = column - 1 - values.length;
    // A cell far to the right: thousands of pushes would cost more than all else.
    if (gap > 64) values = values.concat(Array<null>(gap).fill(null));
    else for (let i = 0; i < gap; i++) values.push(null);
    values.push(cellValue(batch, cell));
  }
  return values;
}

/** The value of one cell of a batch, by its index in the batch. */
export function cellValue(batch: RowBatch, cell: number): CellValue {
  const { bytes } = batch;
  const start = batch.starts[cell]!;
  const end = batch.ends[cell]!;
  switch (batch.types[cell] as CellType) {
    case CellType.number:
      return parseNumber(bytes, start, end);
    case CellType.string:
      return bytes.toString("utf8", start, end);
    case CellType.boolean:
      return bytes[start] === 0x74;
    case CellType.error:
      return new CellError(bytes.toString("utf8", start, end));
    case CellType.date:
      return readIso(bytes, start);
    default:
      throw new RangeError(`cell type ${batch.types[cell]}`);
  }
}

function typeOf(value: string | number | boolean | Date | CellError): Cell["type"] {
  if (typeof value === "string") return "s";
  if (typeof value === "number") return "n";
  if (typeof value === "boolean") return "b";
  return value instanceof Date ? "d" : "e";
}
