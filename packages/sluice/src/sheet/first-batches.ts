// The batches of a sheet that several look at before they are loaded: totals and types are found
// in the first records. The sheet is read once for all of them.
//
//     to look at   batch 0, batch 1, … batch n, then a reading of its own if that is not enough
//     to load      the same batches, then the rest of the same reading
import type { RowBatch } from "@sluice/sheets";
import type { SheetView } from "../rejects/as-source.ts";

/** The most memory of batches that are kept for those who look at them later. */
const MOST_KEPT_BYTES = 32 * 1024 ** 2;

/** The batches from a row on. The reading begins at once, with the first one. */
export class FirstBatches {
  readonly from: number;
  readonly #sheet: SheetView;
  readonly #iterator: AsyncIterator<RowBatch>;
  /** The batches that are read or being read; undefined at the end of the sheet. */
  readonly #read: Promise<RowBatch | undefined>[] = [];
  #keptBytes = 0;
  /** The last row of the kept batches. */
  #keptTo = 0;
  /** The number of batches that were taken to be loaded. */
  #taken = 0;

  constructor(sheet: SheetView, from: number) {
    this.from = from;
    this.#sheet = sheet;
    this.#iterator = sheet.batches({ from })[Symbol.asyncIterator]();
    void this.#at(0);
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#at(0)) === undefined;
  }

  /**
   * The batches, to look at. Whoever has looked at one, or at a part of one, gives it back with
   * {@link FirstBatches.lookedAt}.
   */
  async *look(): AsyncGenerator<RowBatch, void, undefined> {
    let from = this.from;
    for (let n = 0; this.#taken === 0 && (n < this.#read.length || this.#keptBytes < MOST_KEPT_BYTES); n++) {
      const batch = await this.#at(n);
      if (batch === undefined) return;
      from = batch.rowNumbers[batch.rowCount - 1]! + 1;
      yield batch;
    }
    yield* this.#sheet.batches({ from });
  }

  /** Releases a batch unless it is kept. */
  lookedAt(batch: RowBatch): void {
    if (batch.rowNumbers[0]! > this.#keptTo) batch.release();
  }

  /**
   * Takes the next batch, to load and then release it; undefined at the end. The one after it is
   * read ahead.
   */
  async take(): Promise<RowBatch | undefined> {
    const batch = await this.#at(this.#taken);
    if (batch === undefined) return undefined;
    // The load has it now.
    this.#read[this.#taken++] = Promise.resolve(undefined);
    void this.#at(this.#taken);
    return batch;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  #at(n: number): Promise<RowBatch | undefined> {
    return (this.#read[n] ??= this.#next());
  }

  #next(): Promise<RowBatch | undefined> {
    const next = this.#iterator.next().then((step) => {
      if (step.done) return undefined;
      const batch = step.value;
      this.#keptBytes += batch.bytes.length;
      this.#keptTo = batch.rowNumbers[batch.rowCount - 1]!;
      return batch;
    });
    // Whoever waits for it is told.
    next.catch(() => undefined);
    return next;
  }
}
