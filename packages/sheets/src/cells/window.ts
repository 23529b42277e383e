// The part of a text that a scanner sees at a time. A store is filled with pieces of the text, and
// the scanner makes rows of it. The rest, an incomplete row, moves to the next store.
import { leave, type Store, StorePool } from "./store.ts";

export class Window {
  readonly pool: StorePool;
  store: Store;
  /** The number of bytes in the store. */
  end: number = 0;
  /** The offset in the text of the store's first byte. */
  base: number = 0;
  /** True if the text ends in the store, or has ended before it. */
  final: boolean = false;
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** The rest of the last piece. */
  #piece: Uint8Array = new Uint8Array(0);

  /** @param inputBytes the size of a store, until a row is longer */
  constructor(pieces: AsyncIterable<Uint8Array>, inputBytes: number) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.pool = new StorePool(inputBytes);
    this.store = this.pool.take();
  }

  /** True if no more bytes fit into the store. */
  get isFull(): boolean {
    return this.end === this.store.inputSize;
  }

  /** Reads pieces until the store is full, or the text ends. */
  async fill(): Promise<void> {
    while (!this.isFull && !this.final) {
      if (this.#piece.length === 0) {
        const next = await this.#pieces.next();
        if (next.done) this.final = true;
        else this.#piece = next.value;
        continue;
      }
      const free = this.store.inputSize - this.end;
      const part = this.#piece.length <= free ? this.#piece : this.#piece.subarray(0, free);
      this.store.bytes.set(part, this.end);
      this.end += part.length;
      this.#piece = this.#piece.subarray(part.length);
    }
  }

  /** Leaves the store to a batch, and continues from `pos` in another one. */
  handOver(pos: number): void {
    this.#carry(this.pool.take(), pos);
  }

  /** Drops the bytes before `pos`, which hold no row. */
  skip(pos: number): void {
    this.#carry(this.store, pos);
  }

  /** Continues in a store twice as large, for a row that does not fit. */
  grow(): void {
    const outgrown = this.store;
    this.#carry(this.pool.takeLarger(outgrown), 0);
    outgrown.discard();
  }

  /** Reads what is left of the text, the bytes in the store from its beginning included. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    yield this.store.bytes.subarray(0, this.end);
    yield this.#piece;
    if (this.final) return;
    for (let next = await this.#pieces.next(); !next.done; next = await this.#pieces.next()) yield next.value;
  }

  /** Frees the stores that no batch has, and ends the reading of the pieces. */
  async close(): Promise<void> {
    leave(this.store);
    this.pool.clear();
    await this.#pieces.return?.();
  }

  #carry(to: Store, pos: number): void {
    this.store.bytes.copy(to.bytes, 0, pos, this.end);
    this.store = to;
    this.base += pos;
    this.end -= pos;
  }
}
