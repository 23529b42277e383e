// A sheet and its two faces: batches of bytes, and rows of values made from them.
import type { RowBatch } from "./batch.ts";
import type { Range, SheetInfo, SheetState } from "./book.ts";
import { SheetError, type Place } from "./errors.ts";
import { rowsOf, type Header, type Row } from "./rows.ts";

export interface ReadOptions {
  /** Stops reading; the iteration fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The first row to give, as Excel numbers them. */
  readonly from?: number;
  /** The last row to give. Reading ends at the first row beyond it, so rows that the file has out of order behind that are not seen. */
  readonly to?: number;
}

export interface RowOptions extends ReadOptions {
  /**
   * Where the columns' names for {@link Row.record} come from: `true`, the first row that has a value; a number, that row; or the
   * names themselves. The header's row, and what stands above it, is not given.
   */
  readonly header?: Header;
}

export class Sheet {
  readonly name: string;
  readonly index: number;
  readonly state: SheetState;
  readonly #place: Place;
  readonly #signal: AbortSignal | undefined;
  readonly #batches: (range: Range) => AsyncIterable<RowBatch>;

  /** @internal */
  constructor(
    { name, index, state }: SheetInfo,
    place: Place,
    signal: AbortSignal | undefined,
    batches: (range: Range) => AsyncIterable<RowBatch>,
  ) {
    this.name = name;
    this.index = index;
    this.state = state;
    this.#place = place;
    this.#signal = signal;
    this.#batches = batches;
  }

  /** The rows that have a value (or a warning), in the order of the file. Each iteration reads the sheet anew. */
  rows({ header, ...options }: RowOptions = {}): AsyncIterable<Row> {
    if (header === undefined || header === false)
      return { [Symbol.asyncIterator]: () => rowsOf(this.batches(options)) };
    if (typeof header === "number") rowOption("header", header, 1);
    const { from } = options;
    // The header may stand above the first row that is asked for.
    const batches = this.batches(typeof header === "object" ? options : { ...options, from: 1 });
    return { [Symbol.asyncIterator]: () => rowsOf(batches, header, from) };
  }

  /** The same rows, many at a time and as bytes; see {@link RowBatch}. Each iteration reads the sheet anew. */
  batches(options: ReadOptions = {}): AsyncIterable<RowBatch> {
    const from = rowOption("from", options.from, 1);
    const to = rowOption("to", options.to, Number.POSITIVE_INFINITY);
    return { [Symbol.asyncIterator]: () => this.#read(options.signal, from, to) };
  }

  async *#read(asked: AbortSignal | undefined, from: number, to: number): AsyncGenerator<RowBatch, void, undefined> {
    const signals = [asked, this.#signal].filter((signal) => signal !== undefined);
    const signal = signals.length === 2 ? AbortSignal.any(signals) : signals[0];
    signal?.throwIfAborted();
    try {
      yield* this.#batches({ signal, from, to });
    } catch (error) {
      throw error instanceof SheetError && error.sheet === undefined ? error.at(this.#place) : error;
    }
  }
}

function rowOption(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (value === otherwise || (Number.isInteger(value) && value >= 1)) return value;
  throw new SheetError("bad_option", `${name} must be a row number from 1 on, and it is ${String(value)}.`);
}
