// The memory of a batch: one buffer and the columns of numbers that describe the cells in it. Stores are reused through
// release(): reading a million rows takes a handful of them.
//
// The buffer:  [ inflated XML of the sheet ............ | seal | true false | spare ................... ]
//                0                            inputSize ↑                     ↑ spareAt            size
// Text that needs no decoding stays where it is in the XML; decoded text, dates and shared strings are put into the spare part.
// Decoded text is never longer than the XML it comes from, so there is always room for it as long as shared strings and dates
// leave as many bytes as there is XML still to be read (see SheetScanner.room).
import type { RowBatch } from "./batch.ts";

export interface Warning {
  readonly row: number;
  readonly message: string;
}

const sealSize = 16;

export class Store {
  readonly inputSize: number;
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly trueAt: number;
  readonly falseAt: number;
  readonly spareAt: number;
  readonly rowNumbers: Int32Array;
  readonly widths: Int32Array;
  readonly firstCell: Int32Array;
  readonly columns: Int32Array;
  readonly types: Uint8Array;
  readonly flags: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;

  constructor(inputSize: number) {
    this.inputSize = inputSize;
    this.trueAt = (inputSize + sealSize + 7) & ~7;
    this.falseAt = this.trueAt + 4;
    this.spareAt = this.trueAt + 16;
    const size = this.spareAt + 2 * inputSize + 64;
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.bytes.write("truefalse", this.trueAt, "latin1");
    this.view = new DataView(this.bytes.buffer);
    this.words = new Int32Array(this.bytes.buffer, 0, size >> 2);
    // The shortest row that counts is <row><c><f/></c></row>, the shortest cell <c><v>1</v></c>.
    const rows = Math.ceil(inputSize / 22) + 1;
    const cells = Math.ceil(inputSize / 15) + 1;
    this.rowNumbers = new Int32Array(rows);
    this.widths = new Int32Array(rows);
    this.firstCell = new Int32Array(rows + 1);
    this.columns = new Int32Array(cells);
    this.types = new Uint8Array(cells);
    this.flags = new Uint8Array(cells);
    this.starts = new Int32Array(cells);
    this.ends = new Int32Array(cells);
  }

  /** Marks the end of the XML: a text that runs to it stops there, and what follows looks like no tag. */
  seal(end: number): void {
    this.bytes.fill(0, end, end + sealSize);
    this.bytes[end] = 0x3c;
  }

  /** Gives the memory back at once; left to the garbage collector, outgrown stores add up to more than the last one. */
  discard(): void {
    (this.bytes.buffer as ArrayBuffer).transfer?.(0);
  }
}

export class StorePool {
  readonly #free: Store[] = [];
  #inputSize: number;

  constructor(inputSize: number) {
    this.#inputSize = inputSize;
  }

  take(): Store {
    return this.#free.pop() ?? new Store(this.#inputSize);
  }

  /** A store twice as large, for a row that does not fit; from now on all are as large. */
  takeLarger(than: Store): Store {
    this.#inputSize = Math.max(this.#inputSize, than.inputSize * 2);
    this.clear();
    return this.take();
  }

  clear(): void {
    for (const store of this.#free.splice(0)) store.discard();
  }

  give(store: Store): void {
    if (store.inputSize === this.#inputSize && this.#free.length < 8) this.#free.push(store);
  }
}

export class Batch implements RowBatch {
  readonly rowCount: number;
  readonly cellCount: number;
  readonly bytes: Buffer;
  readonly rowNumbers: Int32Array;
  readonly widths: Int32Array;
  readonly firstCell: Int32Array;
  readonly columns: Int32Array;
  readonly types: Uint8Array;
  readonly flags: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly progress: number;
  readonly warnings: readonly Warning[];
  #pool: StorePool | undefined;
  readonly #store: Store;

  constructor(
    store: Store,
    rowCount: number,
    cellCount: number,
    warnings: readonly Warning[],
    progress: number,
    pool: StorePool,
  ) {
    this.rowCount = rowCount;
    this.cellCount = cellCount;
    this.bytes = store.bytes;
    this.rowNumbers = store.rowNumbers.subarray(0, rowCount);
    this.widths = store.widths.subarray(0, rowCount);
    this.firstCell = store.firstCell.subarray(0, rowCount + 1);
    this.columns = store.columns.subarray(0, cellCount);
    this.types = store.types.subarray(0, cellCount);
    this.flags = store.flags.subarray(0, cellCount);
    this.starts = store.starts.subarray(0, cellCount);
    this.ends = store.ends.subarray(0, cellCount);
    this.progress = progress;
    this.warnings = warnings;
    this.#pool = pool;
    this.#store = store;
  }

  release(): void {
    this.#pool?.give(this.#store);
    this.#pool = undefined;
  }
}
