// A sheet and its two faces: batches of bytes, and rows of values made from them.
import type { RowBatch } from "./batch.ts";
import { SheetError, type Place } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { rowsOf, type Row } from "./rows.ts";
import type { SharedStrings } from "./shared-strings.ts";
import type { DateStyles } from "./styles.ts";
import type { SheetInfo, SheetState } from "./workbook.ts";
import { readBatches } from "./xlsx.ts";

export interface ReadOptions {
  /** Stops reading; the iteration fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The first row to give, as Excel numbers them. */
  readonly from?: number;
  /** The last row to give. Reading ends at the first row beyond it, so rows that the file has out of order behind that are not seen. */
  readonly to?: number;
}

/** What a sheet needs of its workbook. */
export interface SheetParts {
  readonly limits: Limits;
  readonly strings: SharedStrings;
  readonly date1904: boolean;
  readonly place: Place;
  readonly signal: AbortSignal | undefined;
  open(
    signal: AbortSignal | undefined,
  ): Promise<{ dateStyles: DateStyles; pieces: AsyncIterable<Uint8Array>; size: number }>;
}

export class Sheet {
  readonly name: string;
  readonly index: number;
  readonly state: SheetState;
  readonly #parts: SheetParts;

  /** @internal */
  constructor({ name, index, state }: SheetInfo, parts: SheetParts) {
    this.name = name;
    this.index = index;
    this.state = state;
    this.#parts = parts;
  }

  /** The rows that have a value (or a warning), in the order of the file. Each iteration reads the sheet anew. */
  rows(options: ReadOptions = {}): AsyncIterable<Row> {
    return { [Symbol.asyncIterator]: () => rowsOf(this.batches(options)) };
  }

  /** The same rows, many at a time and as bytes; see {@link RowBatch}. Each iteration reads the sheet anew. */
  batches(options: ReadOptions = {}): AsyncIterable<RowBatch> {
    const from = rowOption("from", options.from, 1);
    const to = rowOption("to", options.to, Number.POSITIVE_INFINITY);
    return { [Symbol.asyncIterator]: () => this.#read(options.signal, from, to) };
  }

  async *#read(asked: AbortSignal | undefined, from: number, to: number): AsyncGenerator<RowBatch, void, undefined> {
    const parts = this.#parts;
    const signals = [asked, parts.signal].filter((signal) => signal !== undefined);
    const signal = signals.length === 2 ? AbortSignal.any(signals) : signals[0];
    signal?.throwIfAborted();
    try {
      const { dateStyles, pieces, size } = await parts.open(signal);
      const { limits, strings, date1904, place } = parts;
      yield* readBatches(pieces, { place, limits, strings, dateStyles, date1904, from, to }, signal, size);
    } catch (error) {
      throw error instanceof SheetError && error.sheet === undefined ? error.at(parts.place) : error;
    }
  }
}

function rowOption(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (value === otherwise || (Number.isInteger(value) && value >= 1)) return value;
  throw new SheetError("bad_option", `${name} must be a row number from 1 on, and it is ${String(value)}.`);
}
