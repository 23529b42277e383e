// The memory of a batch: one buffer, and columns of numbers that describe the cells in it.
// release() makes a store available again, so reading a million rows needs only a few stores.
//
// The buffer:
//
//  [ inflated XML of the sheet ......... | seal | true false | spare ................. ]
//    0                         inputSize ↑                   ↑ spareAt           size
//
// The columns of a row with number 7 and the cells A7 = 42 (a number in the XML) and C7 = "ab" (a
// decoded text):
//
//  by row    rowNumbers [7]                 widths [3]                      firstCell [0, 2]
//  by cell   columns    [1, 3]              types  [number, string]         flags [PLAIN, PLAIN]
//            starts     [in XML, in spare]     ends   [start + 2, start + 2]
//
// Text that needs no decoding stays in the XML, at its original place. Decoded text, dates and
// shared strings are put into the spare part. Decoded text is never longer than the XML it comes
// from. So there is always space for it, if shared strings and dates leave as many bytes free as
// there is XML still to be read (RowState.spareEnd).
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
    // The shortest row that has a value is <row><c><f/></c></row>, the shortest cell
    // <c><v>1</v></c>.
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

  /**
   * Marks the end of the XML. The scanner stops there, even in the middle of a text. The bytes
   * after it do not look like a tag.
   */
  seal(end: number): void {
    this.bytes.fill(0, end, end + sealSize);
    this.bytes[end] = 0x3c;
  }

  /**
   * Gives the memory back at once. If that were left to the garbage collector, outgrown stores
   * would add up to more memory than the last one takes.
   */
  discard(): void {
    (this.bytes.buffer as ArrayBuffer).transfer?.(0);
  }
}

/**
 * Stores that no reading has. The next reading takes them, because a new store costs half a
 * millisecond: a workbook of many sheets is read sheet by sheet, and a preview reads a sheet
 * several times.
 */
const idle: Store[] = [];
const IDLE_MAX = 4;
/**
 * The most text in a store: so little that it stays in the processor's cache, and so much that the
 * cost of a batch does not matter.
 */
const STORE_BYTES = 512 * 1024;

/** Leaves a store to the next reading. If there are enough, or it is large, it is discarded. */
export function leave(store: Store): void {
  if (idle.length < IDLE_MAX && store.inputSize <= STORE_BYTES) idle.push(store);
  else store.discard();
}

function takeIdle(inputSize: number): Store | undefined {
  const at = idle.findIndex((store) => store.inputSize === inputSize);
  return at < 0 ? undefined : idle.splice(at, 1)[0];
}

/**
 * The size of the stores for a text of this many bytes: a small one does not need large stores.
 * The sizes are few, so that readings can take each other's stores.
 */
export function storeSize(bytes: number): number {
  return Math.max(4096, Math.min(STORE_BYTES, 2 ** Math.ceil(Math.log2(bytes + 256))));
}

/** The most stores that a pool keeps. */
const FREE_STORES = 8;

export class StorePool {
  readonly #free: Store[] = [];
  #inputSize: number;

  constructor(inputSize: number) {
    this.#inputSize = inputSize;
  }

  take(): Store {
    return this.#free.pop() ?? takeIdle(this.#inputSize) ?? new Store(this.#inputSize);
  }

  /**
   * A store twice as large, for a row that does not fit. From then on every new store has that
   * size.
   */
  takeLarger(than: Store): Store {
    this.#inputSize = Math.max(this.#inputSize, than.inputSize * 2);
    this.clear();
    return this.take();
  }

  clear(): void {
    for (const store of this.#free.splice(0)) leave(store);
  }

  give(store: Store): void {
    if (store.inputSize === this.#inputSize && this.#free.push(store) > FREE_STORES) this.#free.pop();
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
  readonly badRows: ReadonlySet<number> | undefined;
  readonly unended: boolean;
  readonly shown: RowBatch["shown"];
  readonly links: RowBatch["links"];
  readonly raised: RowBatch["raised"];
  #pool: StorePool | undefined;
  readonly #store: Store;

  constructor(
    store: Store,
    rowCount: number,
    cellCount: number,
    warnings: readonly Warning[],
    progress: number,
    pool: StorePool,
    {
      badRows,
      unended = false,
      shown,
      links,
      raised,
    }: Pick<RowBatch, "badRows" | "unended" | "shown" | "links" | "raised"> = {},
  ) {
    this.shown = shown;
    this.links = links;
    this.raised = raised;
    this.badRows = badRows;
    this.unended = unended;
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
