// Text as the parts of a workbook hold it, and bytes in pieces.

const special = /[&<>\p{Cc}\ufffe\uffff]|^ | $| {2}|_x[0-9A-Fa-f]{4}_/u;

/**
 * `<t>` with the text as XML: what XML cannot hold, and what only looks like it, in the `_xHHHH_`
 * form (22.9.2.19).
 */
export function textElement(text: string): string {
  return special.test(text) ? `<t xml:space="preserve">${text.replaceAll(unsafe, escaped)}</t>` : `<t>${text}</t>`;
}

// A bare carriage return would reach the reader as a line feed (XML 1.0, 2.11).
const unsafe = /(?![\t\n])[&<>\p{Cc}\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)/gu;

function escaped(c: string): string {
  if (c === "&") return "&amp;";
  if (c === "<") return "&lt;";
  if (c === ">") return "&gt;";
  return `_x${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`;
}

/**
 * Gathers text as UTF-8 in pieces of about 256 KB; each is made again, for the one before is still
 * being compressed.
 */
export class ByteBuilder {
  static readonly #size = 256 * 1024;
  #bytes = Buffer.allocUnsafeSlow(ByteBuilder.#size);
  #length = 0;

  add(text: string): void {
    const most = text.length * 3;
    if (this.#length + most > this.#bytes.length) this.#grow(most);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** True if it is time to `take()`: a usual row may not fit any more. */
  get isFull(): boolean {
    return this.#length > ByteBuilder.#size - 16 * 1024;
  }

  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafeSlow(ByteBuilder.#size);
    this.#length = 0;
    return taken;
  }

  #grow(more: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** The name of a column: 1 → A, 26 → Z, 27 → AA. */
export function columnLetters(column: number): string {
  let letters = "";
  for (let n = column; n > 0; n = Math.floor((n - 1) / 26))
    letters = String.fromCharCode(65 + ((n - 1) % 26)) + letters;
  return letters;
}

/** Text inside the quotes of an attribute. */
export function attribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
