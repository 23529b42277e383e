// Rows of JavaScript values, made from batches.
import { CellType, type RowBatch } from "./batch.ts";
import { readIso } from "./dates.ts";
import { Duration, readDuration } from "./duration.ts";
import { SheetError } from "../errors.ts";
import { parseNumber } from "./number.ts";
import { cellName, columnName } from "./reference.ts";
import { Texts } from "./texts.ts";

/** The value of an error cell, such as `#DIV/0!`. */
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

/**
 * The class of records. It inherits nothing, because a header may be called `__proto__` or
 * `toString`. An object from `Object.create(null)` inherits nothing either, but V8 treats it as a
 * dictionary. That is three times as slow to make, seven times as slow to read, and five times as
 * large.
 */
const Named = function () {} as unknown as new () => Record<string, CellValue>;
Named.prototype = Object.create(null);

/** A date is a Date whose UTC fields are what the sheet shows. */
export type CellValue = null | string | number | boolean | Date | Duration | CellError;

export interface Cell {
  /** Like `B7`. */
  readonly ref: string;
  /** Counted from 1. */
  readonly column: number;
  /** Number, string, boolean, error, date, duration ("t"). */
  readonly type: "n" | "s" | "b" | "e" | "d" | "t";
  readonly value: CellValue;
}

const none: readonly string[] = Object.freeze([]);

export class Row {
  /** Counted from 1, as Excel shows it. */
  readonly number: number;
  /** Index = column − 1; null if a cell is empty; no nulls at the end. */
  readonly values: readonly CellValue[];
  /** The last column that has a cell in the file, even an empty one. */
  readonly width: number;
  /** Remarks, e.g. that a formula has no saved value. Usually empty. */
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
   * The values by the names of their columns, null if a named column is empty. The option `header`
   * gives the names. A column without a name is called by its letters.
   */
  record(): Record<string, CellValue> {
    const record = new Named();
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

/**
 * `true` takes the names from the first row that has a value, and a number takes them from that
 * row. A list has the names themselves, in the order of the columns.
 */
export type Header = boolean | number | readonly string[];

/**
 * The rows from `from` on that are below the header. @throws SheetError (`bad_option`) if the
 * header's row has no value
 */
export function rowsOf(batches: AsyncIterable<RowBatch>, header: Header = false, from = 1): AsyncIterator<Row> {
  return new RowIterator(cursors(batches, header, from));
}

/** For each batch, its rows below the header. Asking for the next batch releases this one. */
async function* cursors(
  batches: AsyncIterable<RowBatch>,
  header: Header,
  from: number,
): AsyncGenerator<Cursor, void, undefined> {
  const texts = new Texts();
  let names = typeof header === "object" ? namesOf(header) : header === false ? none : undefined;
  for await (const batch of batches) {
    let row = 0;
    for (; names === undefined && row < batch.rowCount; row++) {
      const number = batch.rowNumbers[row]!;
      if (typeof header === "number" && number < header) continue;
      if (typeof header === "number" && number > header) throw noHeader(header);
      names = namesOf(valuesOf(batch, row, texts));
    }
    if (names) yield new Cursor(batch, row, from, texts, names);
    batch.release();
  }
  if (typeof header === "number" && names === undefined) throw noHeader(header);
}

/** The rows of a batch, one at a time. */
class Cursor {
  readonly #batch: RowBatch;
  readonly #first: number;
  readonly #from: number;
  readonly #texts: Texts;
  readonly #names: readonly string[];
  #row = 0;
  #warning = 0;

  /**
   * @param first the first of the batch's rows to give, as an index
   * @param from the same as a row number
   */
  constructor(batch: RowBatch, first: number, from: number, texts: Texts, names: readonly string[]) {
    this.#batch = batch;
    this.#first = first;
    this.#from = from;
    this.#texts = texts;
    this.#names = names;
  }

  take(): Row | undefined {
    const batch = this.#batch;
    while (this.#row < batch.rowCount) {
      const row = this.#row++;
      const number = batch.rowNumbers[row]!;
      const warnings = batch.warnings.length > 0 ? this.#warnings(number) : none;
      if (row >= this.#first && number >= this.#from)
        return new Row(number, valuesOf(batch, row, this.#texts), batch.widths[row]!, warnings, this.#names);
    }
    return undefined;
  }

  #warnings(row: number): readonly string[] {
    const { warnings } = this.#batch;
    const first = this.#warning;
    while (warnings[this.#warning]?.row === row) this.#warning++;
    return first === this.#warning ? none : warnings.slice(first, this.#warning).map(({ message }) => message);
  }
}

/**
 * Gives the rows just as an async generator would. A generator takes two more turns of the
 * microtask queue and one promise for each row.
 */
class RowIterator implements AsyncIterator<Row> {
  readonly #cursors: AsyncGenerator<Cursor, void, undefined>;
  #cursor: Cursor | undefined;
  /** Calls that wait for a batch, and the last of them. A new call waits for that last one. */
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(cursors: AsyncGenerator<Cursor, void, undefined>) {
    this.#cursors = cursors;
  }

  next(): Promise<IteratorResult<Row, undefined>> {
    const row = this.#waiting === 0 ? this.#cursor?.take() : undefined;
    return row === undefined ? this.#queue(() => this.#more()) : Promise.resolve({ value: row, done: false });
  }

  return(): Promise<IteratorResult<Row, undefined>> {
    return this.#queue(async () => {
      this.#cursor = undefined;
      await this.#cursors.return();
      return { value: undefined, done: true };
    });
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const done = this.#last.then(work).finally(() => this.#waiting--);
    this.#last = done.catch(() => {});
    return done;
  }

  async #more(): Promise<IteratorResult<Row, undefined>> {
    for (;;) {
      const value = this.#cursor?.take();
      if (value) return { value, done: false };
      this.#cursor = undefined;
      const next = await this.#cursors.next();
      if (next.done) return { value: undefined, done: true };
      this.#cursor = next.value;
    }
  }
}

function noHeader(row: number): SheetError {
  return new SheetError(
    "bad_option",
    `Row ${row}, which the option header names, has no value; give the row of the headers.`,
  );
}

/**
 * A name for each column: the header's text, or the column's letters if that is empty. A name that
 * is already in use gets a number at its end.
 */
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

/**
 * A list of nulls, as long as most rows are wide. A row's array of values is a copy of some of
 * them, so it has exactly the right size.
 */
const nulls: null[] = [];
for (let i = 0; i < 64; i++) nulls.push(null);

function valuesOf(batch: RowBatch, row: number, texts: Texts): CellValue[] {
  const { columns, firstCell } = batch;
  const end = firstCell[row + 1]!;
  let cell = firstCell[row]!;
  const length = end > cell ? columns[end - 1]! : 0;
  const values: CellValue[] = length <= nulls.length ? nulls.slice(0, length) : Array<null>(length).fill(null);
  for (; cell < end; cell++) values[columns[cell]! - 1] = valueOf(batch, cell, texts);
  return values;
}

/** The value of one cell of a batch, by its index in the batch. */
function valueOf(batch: RowBatch, cell: number, texts: Texts): CellValue {
  const { bytes } = batch;
  const start = batch.starts[cell]!;
  const end = batch.ends[cell]!;
  switch (batch.types[cell] as CellType) {
    case CellType.number:
      return parseNumber(bytes, start, end);
    case CellType.string:
      return texts.text(bytes, start, end);
    case CellType.boolean:
      return bytes[start] === 0x74;
    case CellType.error:
      return new CellError(texts.text(bytes, start, end));
    case CellType.date:
      return readIso(bytes, start);
    case CellType.duration:
      return readDuration(bytes.toString("latin1", start, end));
    default:
      throw new RangeError(`cell type ${batch.types[cell]}`);
  }
}

function typeOf(value: NonNullable<CellValue>): Cell["type"] {
  if (typeof value === "string") return "s";
  if (typeof value === "number") return "n";
  if (typeof value === "boolean") return "b";
  if (value instanceof Date) return "d";
  return value instanceof Duration ? "t" : "e";
}
