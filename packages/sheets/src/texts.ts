// Strings made of cells' bytes. To make one costs a call out of JavaScript, whatever its length; and the short texts of a sheet are
// mostly the same again and again: countries, kinds, states. So texts of up to twelve bytes are looked up first among those that
// were made before, which takes a fifth of the time and keeps one string where there would be thousands.
//
// The table is direct-mapped: a text has one slot, and who comes later has it. It never grows. Its string is kept from the second
// time on, for texts that never come again would fill the table, and outlive the garbage collector's first look at them.

/** A short text is three words. */
const SHORT_BYTES = 12;
const SLOT_SHIFT = 12;

export class Texts {
  /** [4 * slot] the text's three words, zeros behind its end, and its length. */
  readonly #keys = new Int32Array(4 << SLOT_SHIFT);
  /** [slot] empty where the text came once only. */
  readonly #strings: string[] = Array<string>(1 << SLOT_SHIFT).fill("");
  #bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer, 0, 0);

  /** The UTF-8 text at `start` to `end`, which is not empty. */
  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    // Whole words are read, also past the text's end.
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

/** As `toString("utf8", start, end)` does, but that looks up the encoding's name each time: a seventh of what a string costs. */
function utf8(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & { utf8Slice(start: number, end: number): string }).utf8Slice(start, end);
}

/** The bits of a word's first `bytes` bytes. */
function maskOf(bytes: number): number {
  return bytes >= 4 ? -1 : (1 << (8 * bytes)) - 1;
}
