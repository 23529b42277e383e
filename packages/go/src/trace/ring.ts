// The memory of events: a ring of records of a fixed size, and a ring of the texts that they name.
//
// Invariants
// - The newest events are kept; the oldest make room.
// - Only one thread writes. The memory may be shared, and another thread may read at any time: what
//   is overwritten meanwhile is left out.
// - A text is named by its place in all that was ever written, so that a place which was
//   overwritten is known as such.

/** Numbers in a record: time, code, goroutine, two operands. */
const width = 5;
/**
 * Bytes before the records: how many were written, whether the ring was full, bytes of text
 * written.
 */
const head = 16;
const WRITTEN = 0;
const FULL = 1;
const TEXT = 2;
/** Bytes of text for each record of the capacity. */
const textShare = 8;
const longestText = 1024;

export interface Event {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly code: number;
  readonly g: number;
  readonly a: number;
  readonly b: number;
}

/** The contents of a ring at one time. */
export interface Snapshot {
  /** Oldest first. */
  readonly events: readonly Event[];
  /** True if older events were dropped. */
  readonly isCut: boolean;
  /** A text that was written; `undefined` if it was dropped. */
  readonly text: (place: number) => string | undefined;
}

export class Ring {
  readonly memory: ArrayBufferLike;
  readonly #counts: Int32Array;
  readonly #records: Float64Array;
  readonly #texts: Uint8Array;
  readonly #mask: number;
  /** The last position of each text, as long as it is in the ring. */
  readonly #places = new Map<string, number>();

  /** Uses memory of a size that `memoryFor` gave. */
  constructor(memory: ArrayBufferLike) {
    const capacity = (memory.byteLength - head) / (width * 8 + textShare);
    this.memory = memory;
    this.#mask = capacity - 1;
    this.#counts = new Int32Array(memory, 0, head / 4);
    this.#records = new Float64Array(memory, head, capacity * width);
    this.#texts = new Uint8Array(memory, head + capacity * width * 8);
  }

  add(at: number, code: number, g: number, a: number, b: number): void {
    const counts = this.#counts;
    const n = counts[WRITTEN] as number;
    const records = this.#records;
    let i = (n & this.#mask) * width;
    records[i++] = at;
    records[i++] = code;
    records[i++] = g;
    records[i++] = a;
    records[i] = b;
    if (n === this.#mask) counts[FULL] = 1;
    Atomics.store(counts, WRITTEN, n + 1);
  }

  /** Writes a text and returns its position. A text that is already there is not written again. */
  text(value: string): number {
    const known = this.#places.get(value);
    const counts = this.#counts;
    const size = this.#texts.length;
    const written = counts[TEXT] as number;
    // Half the ring later it is written again, so that it stays as long as the records that name
    // it.
    if (known !== undefined && ((written - known) | 0) < size >> 1) return known;
    const bytes = new TextEncoder().encode(value.slice(0, longestText)).subarray(0, longestText);
    if (this.#places.size > 4096) this.#places.clear();
    this.#places.set(value, written);
    const put = (at: number, byte: number): void => void (this.#texts[(written + at) & (size - 1)] = byte);
    put(0, bytes.length & 255);
    put(1, bytes.length >> 8);
    for (const [i, byte] of bytes.entries()) put(i + 2, byte);
    Atomics.store(counts, TEXT, (written + bytes.length + 2) | 0);
    return written;
  }

  read(): Snapshot {
    const before = Atomics.load(this.#counts, WRITTEN);
    const isCut = this.#counts[FULL] === 1;
    const records = this.#records.slice();
    const texts = this.#texts.slice();
    const written = Atomics.load(this.#counts, TEXT);
    const capacity = this.#mask + 1;
    // The records that were overwritten during the copy, and the one that is being written.
    const lost = isCut ? (Atomics.load(this.#counts, WRITTEN) - before) & this.#mask : 0;
    const held = isCut ? capacity - lost : before;
    const events: Event[] = [];
    for (let n = before - held; n !== before; n++) {
      const i = (n & this.#mask) * width;
      const [at, code, g, a, b] = records.subarray(i, i + width) as unknown as [number, number, number, number, number];
      events.push({ at, code, g, a, b });
    }
    const text = (place: number): string | undefined => {
      const size = texts.length;
      const age = (written - place) | 0;
      if (age <= 0 || age > size) return undefined;
      const byte = (at: number): number => texts[(place + at) & (size - 1)] as number;
      const length = byte(0) + byte(1) * 256;
      return new TextDecoder().decode(Uint8Array.from({ length }, (_, i) => byte(i + 2)));
    };
    return { events, isCut, text };
  }
}

/** The bytes of a ring for this number of events, rounded up to a power of two. */
export function memoryFor(events: number): number {
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(1024, events)));
  return head + capacity * (width * 8 + textShare);
}
