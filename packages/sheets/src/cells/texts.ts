// Strings made from cells' bytes. Making a string costs a call out of JavaScript, whatever its
// length. But the short texts of a sheet are mostly the same again and again: countries, kinds,
// states. So texts of up to twelve bytes are first looked up among those that were made before.
// That takes a fifth of the time, and keeps one string instead of thousands.
//
// The table is direct-mapped: each text has one slot, and a later text with the same slot replaces
// it. The table never grows. It keeps a string only from the second time on. Texts that never come
// again would otherwise fill the table, and would survive the garbage collector's first pass.

/** A short text is three words long. */
const SHORT_BYTES = 12;
const SLOT_SHIFT = 12;

export class Texts {
  /** [4 * slot] the text's three words, zeros after its end, and its length. */
  readonly #keys = new Int32Array(4 << SLOT_SHIFT);
  /** [slot] empty if the text came only once. */
  readonly #strings: string[] = Array<string>(1 << SLOT_SHIFT).fill("");
  #bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer, 0, 0);

  /** The UTF-8 text at `start` to `end`, which is not empty. */
  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    // The loop reads whole words, so it may read past the text's end.
    if (length > SHORT_BYTES || start + SHORT_BYTES > bytes.length) return utf8(bytes, start, end);
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const view = this.#view;
    const keys = this.#keys;
    const a = view.getInt32(start, true) & maskOf(length);
    const b = length > 4 ? view.getInt32(start + 4, true) & maskOf(length - 4) : 0;
    const c = length > 8 ? view.getInt32(start + 8, true) & maskOf(length - 8) : 0;
    const mixed = Math.imul(a ^ Math.imul(b ^ Math.imul(c, 0x9e3779b1), 0x85ebca6b) ^ length, 0xc2b2ae35);
    const slot = (mixed ^ (mixed >>> 15)) & ((1 << SLOT_SHIFT) - 1);
    const key = slot << 2;
    if (keys[key] === a && keys[key + 1] === b && keys[key + 2] === c && keys[key + 3] === length)
      return (this.#strings[slot] ||= utf8(bytes, start, end));
    keys[key] = a;
    keys[key + 1] = b;
    keys[key + 2] = c;
    keys[key + 3] = length;
    this.#strings[slot] = "";
    return utf8(bytes, start, end);
  }
}

/**
 * The string of a range of UTF-8 bytes. `toString("utf8", start, end)` looks up the encoding's name
 * each time, which is a seventh of the cost of a string.
 */
function utf8(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & { utf8Slice(start: number, end: number): string }).utf8Slice(start, end);
}

/** The bits of a word's first `bytes` bytes. */
function maskOf(bytes: number): number {
  return bytes >= 4 ? -1 : (1 << (8 * bytes)) - 1;
}
