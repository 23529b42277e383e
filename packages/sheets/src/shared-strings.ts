// The shared strings: one arena of bytes in pages (pages.ts), and a table that says where each string begins.
//
// Strings are read on demand, in order: load(n) reads the part until string n is there, so that a preview of a workbook
// does not wait for millions of strings that it never shows. A string in the arena is one word (its length in bytes, shifted
// by one, and in the lowest bit whether it is PLAIN) and then its UTF-8 bytes, padded to a whole word; so it is copied word
// by word. The table counts words: page number in the upper bits, word in the page in the lower ones.
import { isUtf8 } from "node:buffer";
import { SheetError, type Place } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { PAGE_SHIFT, Pages } from "./pages.ts";
import { unterminated, utf8, xmlError } from "./part.ts";
import { RichText } from "./rich-text.ts";
import {
  byteClass,
  classOf,
  CONTROL,
  DECODE,
  decodeText,
  ESCAPE,
  mayHaveEscape,
  pairClass,
  settleText,
  STOP,
  Token,
  Tokens,
  xmlName,
} from "./xml.ts";

const LT = 0x3c;
const siName = xmlName("si");
const sstName = xmlName("sst");

// What the usual string looks like, four bytes at a time.
const SI = int32("<si>");
const T_OPEN = int32("<t>x") & 0xffffff;
const T_CLOSE = int32("</t>");
const SI_CLOSE = int32("</si");

export class SharedStrings {
  /** How many are loaded. */
  count = 0;
  offsets: Uint32Array = new Uint32Array(1024);
  /** [page] in memory, or undefined: then page() gives it. */
  readonly pages: readonly (Int32Array | undefined)[];

  readonly #pieces: AsyncIterator<Uint8Array> | undefined;
  readonly #place: Place;
  readonly #limits: Limits;
  readonly #tokens = new Tokens();
  readonly #rich = new RichText();
  /** The window: bytes 0..#end of #bytes are the part's bytes from #base on; the next string begins at #pos. */
  #bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer);
  #pos = 0;
  #end = 0;
  #base = 0;
  #started = false;
  #done: boolean;
  #closed = false;
  readonly #pages: Pages;
  #page: Int32Array = new Int32Array(0);
  #word = 0;
  #loading: Promise<unknown> = Promise.resolve();

  /** @param pieces the part's bytes; undefined where the workbook has no shared strings */
  constructor(pieces: AsyncIterable<Uint8Array> | undefined, place: Place, limits: Limits) {
    this.#pieces = pieces && utf8(pieces, place)[Symbol.asyncIterator]();
    this.#place = place;
    this.#limits = limits;
    this.#done = pieces === undefined;
    this.#pages = new Pages(limits.sharedStringBytesInMemory);
    this.pages = this.#pages.inMemory;
  }

  /** Reads until string `index` is there or the part ends; the answer is whether it is there. Calls may overlap. */
  load(index: number): Promise<boolean> {
    const loading = this.#loading.then(async () => {
      while (this.count <= index && !this.#done && !this.#closed) await this.#more();
      if (this.#closed) throw this.#wasClosed();
      return index < this.count;
    });
    this.#loading = loading.catch(() => {});
    return loading;
  }

  /** A page that is not in memory; it lasts until the next one is asked for. */
  page(index: number): Int32Array {
    if (this.#closed) throw this.#wasClosed();
    return this.#pages.fetch(index);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#loading;
    await this.#pieces?.return?.();
    this.#pages.close();
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#pieces!.next();
    if (!done) this.#append(value);
    try {
      this.#tokens.window(this.#bytes, this.#pos, this.#end, done === true);
      this.#scan();
    } catch (error) {
      throw xmlError(error, this.#place, this.#base);
    }
    if (done && !this.#done) throw unterminated(this.#place, this.#base + this.#end);
  }

  #append(piece: Uint8Array): void {
    const rest = this.#end - this.#pos;
    if (rest > this.#limits.cellBytes * 4 + 65_536)
      throw new SheetError(
        "limit",
        `Shared string ${this.count} takes more than ${rest} bytes of XML; the limit cellBytes = ${this.#limits.cellBytes}.`,
        { ...this.#place, offset: this.#base + this.#pos },
      );
    this.#base += this.#pos;
    if (this.#bytes.length < rest + piece.length + 16) {
      const bytes = Buffer.allocUnsafeSlow(Math.max((rest + piece.length) * 1.25 + 64, 65_536));
      bytes.set(this.#bytes.subarray(this.#pos, this.#end), 0);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    } else {
      this.#bytes.copyWithin(0, this.#pos, this.#end);
    }
    this.#bytes.set(piece, rest);
    this.#pos = 0;
    this.#end = rest + piece.length;
    // A text that runs to the window's end stops there, and nothing behind it looks like a tag.
    this.#bytes.fill(0, this.#end, this.#end + 12);
    this.#bytes[this.#end] = 0x3c;
  }

  #scan(): void {
    const begin = this.#pos;
    if (!this.#started && !this.#prolog()) return;
    for (;;) {
      this.#fast();
      if (!this.#general()) break;
    }
    if (!isUtf8(this.#bytes.subarray(begin, this.#pos)))
      throw new SheetError(
        "bad_encoding",
        `${this.#place.part ?? "The shared strings"} holds bytes that are not UTF-8, before string ${this.count}; open the workbook in Excel and save it again.`,
        { ...this.#place, offset: this.#base + begin },
      );
  }

  #prolog(): boolean {
    const tokens = this.#tokens;
    for (;;) {
      const token = tokens.next();
      if (token === Token.more || token === Token.end) break;
      if (token !== Token.open && token !== Token.empty) continue;
      this.#pos = tokens.pos;
      this.#started = true;
      this.#done = token === Token.empty;
      return tokens.is(sstName) ? !this.#done : true;
    }
    this.#pos = tokens.pos;
    return false;
  }

  /** Takes strings as long as they look like `<si><t>text</t></si>` and need no decoding. */
  #fast(): void {
    const bytes = this.#bytes;
    const view = this.#view;
    const rich = this.#rich;
    const cellBytes = this.#limits.cellBytes;
    const fastEnd = this.#end - 20;
    let pos = this.#pos;
    while (pos < fastEnd && view.getInt32(pos, true) === SI && (view.getInt32(pos + 4, true) & 0xffffff) === T_OPEN) {
      const start = pos + 7;
      let at = start;
      let seen = 0;
      let kind = 0;
      while (((kind = pairClass[view.getUint16(at, true)]!) & STOP) === 0) {
        seen |= kind;
        at += 2;
      }
      if (bytes[at] !== LT) seen |= byteClass[bytes[at++]!]!;
      if (at + 9 > this.#end) break;
      if (view.getInt32(at, true) !== T_CLOSE || view.getInt32(at + 4, true) !== SI_CLOSE || bytes[at + 8] !== 0x3e)
        break;
      pos = at + 9;
      let from = view;
      let begin = start;
      let length = at - start;
      if ((seen & DECODE) !== 0 || ((seen & ESCAPE) !== 0 && mayHaveEscape(bytes, start, at))) {
        rich.begin(length);
        begin = 0;
        length = settleText(rich.bytes, 0, decodeText(bytes, start, at, rich.bytes, 0));
        seen = classOf(rich.bytes, 0, length);
        from = rich.view;
      }
      if (length > cellBytes) throw this.#tooLong(length);
      this.#add(from, begin, length, (seen & CONTROL) === 0);
    }
    this.#pos = pos;
  }

  /** Takes one token between strings, or one whole string of any shape; false where the window ends first or the part is done. */
  #general(): boolean {
    const tokens = this.#tokens;
    tokens.pos = this.#pos;
    const token = tokens.next();
    if (token === Token.more || token === Token.end) return false;
    if (token === Token.close) {
      this.#pos = tokens.pos;
      this.#done = true;
      return false;
    }
    if ((token === Token.open || token === Token.empty) && tokens.is(siName)) {
      const rich = this.#rich;
      rich.begin(Math.max(64, this.#end - this.#pos));
      if (token === Token.open && !rich.element(tokens)) return false;
      const length = rich.finish();
      if (length > this.#limits.cellBytes) throw this.#tooLong(length);
      this.#add(rich.view, 0, length, rich.plain);
    }
    this.#pos = tokens.pos;
    return true;
  }

  #add(view: DataView, start: number, length: number, plain: boolean): void {
    const words = 1 + ((length + 3) >> 2);
    if (this.#word + words > this.#page.length) {
      this.#page = this.#pages.add(words);
      this.#word = 0;
    }
    if (this.count === this.offsets.length) {
      const grown = new Uint32Array(this.offsets.length * 2);
      grown.set(this.offsets);
      this.offsets = grown;
    }
    const page = this.#page;
    let word = this.#word;
    this.offsets[this.count++] = ((this.pages.length - 1) << PAGE_SHIFT) | word;
    page[word++] = (length << 1) | (plain ? 1 : 0);
    // The last word may take up to three bytes from behind the text; nobody reads them.
    const end = start + length;
    for (let at = start; at < end; at += 4) page[word++] = view.getInt32(at, true);
    this.#word = word;
  }

  #wasClosed(): SheetError {
    return new SheetError("closed", "The workbook was closed while one of its sheets was being read.", this.#place);
  }

  #tooLong(length: number): SheetError {
    return new SheetError(
      "limit",
      `Shared string ${this.count} has ${length} bytes, more than the limit cellBytes = ${this.#limits.cellBytes}.`,
      { ...this.#place, offset: this.#base + this.#pos },
    );
  }
}

function int32(text: string): number {
  return Buffer.from(text, "latin1").readInt32LE(0);
}
