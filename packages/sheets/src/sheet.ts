// A sheet and its two ways to read it: batches of bytes, and rows of values made from them.
import type { RowBatch } from "./cells/batch.ts";
import type { MergedRange, Range, SheetInfo, SheetState, ShowNumber } from "./book.ts";
import { SheetError, type Place } from "./errors.ts";
import { rowsOf, type Header, type Row } from "./cells/rows.ts";

export interface ReadOptions {
  /** Stops reading; the iteration fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The first row to give, as Excel numbers them. */
  readonly from?: number;
  /**
   * The last row to give. Reading ends at the first row with a higher number. If the file is out of
   * order, lower rows after that one are not seen.
   */
  readonly to?: number;
  /**
   * Asks for {@link RowBatch.shown}, and makes a number's text from its format. It is not called
   * for `.ods` and `.fods`, which have that text in the file. Delimited text has no formats.
   * Reading `.xlsx` takes longer with it.
   */
  readonly show?: ShowNumber;
  /**
   * Asks for {@link RowBatch.links}: the addresses of hyperlinks, and those that a formula
   * `HYPERLINK("address", …)` states. For `.xls` and the like, formulas are not included. Reading
   * `.xlsx` takes longer with it, and reads the sheet's part twice.
   */
  readonly links?: boolean;
  /**
   * Asks for {@link RowBatch.raised}. Formats that a library reads do not have it. Reading `.xlsx`
   * takes longer with it.
   */
  readonly raised?: boolean;
}

export interface RowOptions extends ReadOptions {
  /**
   * The source of the columns' names for {@link Row.record}. `true` means the first row that has a
   * value, a number means that row, and a list has the names themselves. The header's row and the
   * rows above it are not given.
   */
  readonly header?: Header;
}

export class Sheet {
  readonly name: string;
  readonly index: number;
  readonly state: SheetState;
  /** The number of bytes that a reading of it goes through, as far as the file tells. */
  readonly size: number;
  readonly #place: Place;
  readonly #signal: AbortSignal | undefined;
  readonly #batches: (range: Range) => AsyncIterable<RowBatch>;
  readonly #hasLinks: () => Promise<boolean>;
  readonly #mentionsLinks: () => Promise<boolean>;
  readonly #merged: (mostBytes: number) => Promise<readonly MergedRange[] | undefined>;

  /** @internal */
  constructor(
    { name, index, state }: SheetInfo,
    place: Place,
    signal: AbortSignal | undefined,
    batches: (range: Range) => AsyncIterable<RowBatch>,
    merged: (mostBytes: number) => Promise<readonly MergedRange[] | undefined> = () => Promise.resolve(undefined),
    size = 0,
    hasLinks: () => Promise<boolean> = () => Promise.resolve(false),
    mentionsLinks: () => Promise<boolean> = () => Promise.resolve(true),
  ) {
    this.#hasLinks = hasLinks;
    this.#mentionsLinks = mentionsLinks;
    this.#merged = merged;
    this.size = size;
    this.name = name;
    this.index = index;
    this.state = state;
    this.#place = place;
    this.#signal = signal;
    this.#batches = batches;
  }

  /**
   * The rows that have a value (or a warning), in the order of the file. Each iteration reads the
   * sheet again from its start.
   */
  rows({ header, ...options }: RowOptions = {}): AsyncIterable<Row> {
    if (header === undefined || header === false)
      return { [Symbol.asyncIterator]: () => rowsOf(this.batches(options)) };
    if (typeof header === "number") rowOption("header", header, 1);
    const { from } = options;
    // The header may be above the first row that is asked for.
    const batches = this.batches(typeof header === "object" ? options : { ...options, from: 1 });
    return { [Symbol.asyncIterator]: () => rowsOf(batches, header, from) };
  }

  /**
   * The same rows, many at a time and as bytes; see {@link RowBatch}. Each iteration reads the
   * sheet again from its start.
   */
  batches(options: ReadOptions = {}): AsyncIterable<RowBatch> {
    const from = rowOption("from", options.from, 1);
    const to = rowOption("to", options.to, Number.POSITIVE_INFINITY);
    const { signal, show, links, raised } = options;
    return { [Symbol.asyncIterator]: () => this.#read(signal, { from, to, show, links, raised }) };
  }

  /**
   * The merged cells of a sheet of an .xlsx file. The part lists them after the rows, so all of the
   * sheet is inflated to find them. Undefined for other formats, and if the part has more than
   * `mostBytes`.
   */
  merged({ mostBytes = Number.POSITIVE_INFINITY }: { readonly mostBytes?: number } = {}): Promise<
    readonly MergedRange[] | undefined
  > {
    return this.#merged(mostBytes);
  }

  /**
   * Resolves to true if there are hyperlinks, as far as that is known without reading the rows.
   * Formulas do not count, and neither do formats that a library reads.
   */
  hasLinks(): Promise<boolean> {
    return this.#hasLinks();
  }

  /**
   * Resolves to false if there are no hyperlinks, and none in formulas. It inflates the whole part
   * of a sheet in an .xlsx file, and searches it for the word. Every other format gives true.
   *
   * @throws SheetError if the part cannot be read, or the workbook is closed
   */
  mentionsLinks(): Promise<boolean> {
    return this.#mentionsLinks();
  }

  async *#read(
    asked: AbortSignal | undefined,
    range: Omit<Range, "signal">,
  ): AsyncGenerator<RowBatch, void, undefined> {
    const signals = [asked, this.#signal].filter((signal) => signal !== undefined);
    const signal = signals.length === 2 ? AbortSignal.any(signals) : signals[0];
    signal?.throwIfAborted();
    try {
      yield* this.#batches({ signal, ...range });
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
