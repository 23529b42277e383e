// The face of values: rows of JavaScript values, made from batches.
import { CellType, type RowBatch } from "./batch.ts";
import { readIso } from "./dates.ts";
import { parseNumber } from "./number.ts";
import { cellName } from "./reference.ts";

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

const noWarnings: readonly string[] = Object.freeze([]);

export class Row {
  /** Counted from 1, as Excel shows it. */
  readonly number: number;
  /** Index = column − 1; null where a cell is empty; no nulls at the end. */
  readonly values: readonly CellValue[];
  /** The last column that has a cell in the file, even an empty one. */
  readonly width: number;
  /** E.g. that a formula has no saved value. Usually empty. */
  readonly warnings: readonly string[];

  constructor(number: number, values: readonly CellValue[], width: number, warnings: readonly string[]) {
    this.number = number;
    this.values = values;
    this.width = width;
    this.warnings = warnings;
  }

  /** The cells that have a value. */
  *cells(): Generator<Cell, void, undefined> {
    for (const [i, value] of this.values.entries())
      if (value !== null) yield { ref: cellName(i + 1, this.number), column: i + 1, type: typeOf(value), value };
  }
}

export async function* rowsOf(batches: AsyncIterable<RowBatch>): AsyncGenerator<Row, void, undefined> {
  for await (const batch of batches) {
    let warning = 0;
    for (let r = 0; r < batch.rowCount; r++) {
      let warnings = noWarnings;
      const number = batch.rowNumbers[r]!;
      if (batch.warnings.length > 0) {
        const first = warning;
        while (batch.warnings[warning]?.row === number) warning++;
        if (warning > first) warnings = batch.warnings.slice(first, warning).map(({ message }) => message);
      }
      yield new Row(number, valuesOf(batch, r), batch.widths[r]!, warnings);
    }
    batch.release();
  }
}

function valuesOf(batch: RowBatch, row: number): CellValue[] {
  const { columns, firstCell } = batch;
  const values: CellValue[] = [];
  const end = firstCell[row + 1]!;
  for (let cell = firstCell[row]!; cell < end; cell++) {
    const column = columns[cell]!;
    while (values.length < column - 1) values.push(null);
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
