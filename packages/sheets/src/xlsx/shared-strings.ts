// The shared strings: one arena of bytes in pages (pages.ts), and a table with the places of some
// of them.
//
// Strings are read on demand, in order: load(n) reads the part until string n is there. So a
// preview of a workbook does not wait for millions of strings that it never shows. A string in the
// arena is one word and then its UTF-8 bytes, padded to a whole word. So it can be copied word by
// word. The first word is the length in bytes, shifted by one; its lowest bit tells whether the
// string is PLAIN. END follows the last string of a page, unless that string fills the page.
//
// The table has the place of only every sixteenth string, and find() walks on from there. A place
// for each string would take more memory than short strings do. Also, strings are mostly asked for
// in order, so that each is the next one. A place counts words: the page number in the upper bits,
// the word in the page in the lower ones.
import { GT, LT } from "../ascii.ts";
import { isUtf8 } from "node:buffer";
import { SheetError, type Place } from "../errors.ts";
import { tokenMax, type Limits } from "../limits.ts";
import { PAGE_MASK, PAGE_SHIFT, Pages } from "./pages.ts";
import { unterminated, utf8, xmlError } from "../package/part.ts";
import { Unprefixed } from "../package/prefix.ts";
import { RichText, skipElement } from "./rich-text.ts";
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
  textTag,
  Token,
  Tokens,
  word,
  xmlName,
} from "../package/xml.ts";

/** The mark after the last string of a page. The first word of a string is never negative. */
const END = -1;
/** The distance of the strings that have a place in the table, as a power of two. */
const STEP_SHIFT = 4;
const STEP_MASK = (1 << STEP_SHIFT) - 1;

/** The most strings for which superscripts are stored. Headers are among the first strings. */
const RAISED_MOST = 10_000;

const siName = xmlName("si");
const sstName = xmlName("sst");

// The markup of the usual string, four bytes at a time.
const SI = word("<si>");
const T_CLOSE = word("</t>");
const SI_CLOSE = word("</si");
const SI_EMPTY = word("<si/");
const T_EMPTY = word("<t/>");

export class SharedStrings {
  /** The number of strings that are loaded. */
  count = 0;
  /**
   * The result of find(): the string's first word is `page[word]`. It lasts until the next call of
   * find() or load().
   */
  page: Int32Array = new Int32Array(0);
  word = 0;

  /**
   * For strings of which a part is set as superscript, the ranges. Only the first strings are
   * included.
   */
  readonly #raised = new Map<number, readonly number[]>();
  /** [string / 16] its place. */
  #places = new Uint32Array(64);
  /** The last position of find(): the string, and its page's number. */
  #found = -1;
  #foundPage = 0;

  readonly #xml: Unprefixed | undefined;
  readonly #pieces: AsyncIterator<Uint8Array> | undefined;
  readonly #place: Place;
  readonly #limits: Limits;
  /** The most XML that one string may take. */
  readonly #stringBytes: number;
  readonly #tokens: Tokens;
  readonly #rich = new RichText();
  /**
   * The window: bytes 0..#end of #bytes are the part's bytes from #base on. The next string begins
   * at #pos.
   */
  #bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer);
  #pos = 0;
  #end = 0;
  #base = 0;
  /**
   * The length of the window at which an incomplete string is tried again. Otherwise a long string
   * would be read over and over.
   */
  #enough = 0;
  #started = false;
  #done: boolean;
  #closed = false;
  readonly #pages: Pages;
  /** The page that is being filled, and its first free word. */
  #last: Int32Array = new Int32Array(0);
  #free = 0;
  #loading: Promise<unknown> = Promise.resolve();

  /** @param pieces the part's bytes; undefined if the workbook has no shared strings */
  constructor(pieces: AsyncIterable<Uint8Array> | undefined, place: Place, limits: Limits) {
    this.#xml = pieces && new Unprefixed(utf8(pieces, place));
    this.#pieces = this.#xml?.[Symbol.asyncIterator]();
    this.#place = place;
    this.#limits = limits;
    this.#stringBytes = tokenMax(limits);
    this.#tokens = new Tokens(this.#stringBytes);
    this.#done = pieces === undefined;
    this.#pages = new Pages(limits.sharedStringBytesInMemory);
  }

  /**
   * Reads until string `index` is loaded or the part ends. Resolves to true if the string is there.
   * Calls may overlap.
   */
  load(index: number): Promise<boolean> {
    const loading = this.#loading.then(async () => {
      try {
        while (this.count <= index && !this.#done && !this.#closed) await this.#more();
      } catch (error) {
        throw this.#xml!.place(error);
      }
      if (this.#closed) throw this.#wasClosed();
      return index < this.count;
    });
    this.#loading = loading.catch(() => {});
    return loading;
  }

  /**
   * The ranges of a string that are set as superscripts: starts and ends in bytes, one after the
   * other.
   */
  raisedIn(index: number): readonly number[] | undefined {
    return this.#raised.get(index);
  }

  /** Finds string `index`, which must be loaded. */
  find(index: number): void {
    let at = index;
    let { word } = this;
    let number = this.#foundPage;
    const from = this.#found;
    if (from <= index && (from ^ index) >>> STEP_SHIFT === 0 && this.#pages.inMemory[number] === this.page) {
      at = from;
    } else {
      at = index & ~STEP_MASK;
      const place = this.#places[at >>> STEP_SHIFT]!;
      number = place >>> PAGE_SHIFT;
      word = place & PAGE_MASK;
    }
    let page = this.#pages.inMemory[number] ?? this.#away(index, at, number, word);
    if (page === undefined) return;
    for (; ; at++) {
      if (word >= page.length || page[word] === END) {
        page = this.#pages.inMemory[++number] ?? this.#fetch(number);
        word = 0;
      }
      if (at === index) break;
      word += wordsOf(page[word]!);
    }
    this.page = page;
    this.word = word;
    this.#found = index;
    this.#foundPage = number;
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
    if (!done && this.#end < this.#enough) return;
    try {
      this.#tokens.window(this.#bytes, this.#pos, this.#end, done === true);
      this.#scan();
      this.#enough = Math.min(2 * (this.#end - this.#pos), this.#stringBytes);
    } catch (error) {
      throw xmlError(error, this.#place, this.#base);
    }
    if (done && !this.#done) throw unterminated(this.#place, this.#base + this.#end);
  }

  #append(piece: Uint8Array): void {
    const rest = this.#end - this.#pos;
    if (rest > this.#stringBytes)
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
    // If a text continues to the window's end, the scanner stops there, and nothing after it looks
    // like a tag.
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

  /**
   * Takes strings as long as they look like `<si><t>text</t></si>`, `<si><t/></si>` or `<si/>`. The
   * first may also have `xml:space="preserve"`.
   *
   * It has more than 15 branches because it is the hot loop of this file, and keeps its position in
   * a local variable.
   */
  #fast(): void {
    const bytes = this.#bytes;
    const view = this.#view;
    const rich = this.#rich;
    const cellBytes = this.#limits.cellBytes;
    const fastEnd = this.#end - 20;
    let pos = this.#pos;
    while (pos < fastEnd) {
      const open = view.getInt32(pos, true);
      const tag = open === SI ? textTag(view, pos + 4) : 0;
      if (tag === 0) {
        if (open === SI_EMPTY && bytes[pos + 4] === GT) pos += 5;
        else if (
          open === SI &&
          view.getInt32(pos + 4, true) === T_EMPTY &&
          view.getInt32(pos + 8, true) === SI_CLOSE &&
          bytes[pos + 12] === GT
        )
          pos += 13;
        else break;
        this.#add(view, pos, 0, true);
        continue;
      }
      const start = pos + 4 + tag;
      let at = start;
      let seen = 0;
      let kind = 0;
      while (((kind = pairClass[view.getUint16(at, true)]!) & STOP) === 0) {
        seen |= kind;
        at += 2;
      }
      if (bytes[at] !== LT) seen |= byteClass[bytes[at++]!]!;
      if (at + 9 > this.#end) break;
      if (view.getInt32(at, true) !== T_CLOSE || view.getInt32(at + 4, true) !== SI_CLOSE || bytes[at + 8] !== GT)
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

  /**
   * Takes one token or element between strings, or one whole string of any shape. False if the
   * window ends first or the part is done.
   */
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
      if (rich.raised.length > 0 && this.#raised.size < RAISED_MOST) this.#raised.set(this.count, rich.raised);
      this.#add(rich.view, 0, length, rich.plain);
    } else if (token === Token.open && !skipElement(tokens)) {
      return false;
    }
    this.#pos = tokens.pos;
    return true;
  }

  #add(view: DataView, start: number, length: number, plain: boolean): void {
    const header = (length << 1) | (plain ? 1 : 0);
    const words = wordsOf(header);
    if (this.#free + words > this.#last.length) {
      if (this.#free < this.#last.length) this.#last[this.#free] = END;
      this.#last = this.#pages.add(words);
      this.#free = 0;
    }
    const page = this.#last;
    let word = this.#free;
    if ((this.count & STEP_MASK) === 0) {
      const step = this.count >>> STEP_SHIFT;
      if (step === this.#places.length) {
        const grown = new Uint32Array(this.#places.length * 2);
        grown.set(this.#places);
        this.#places = grown;
      }
      this.#places[step] = ((this.#pages.inMemory.length - 1) << PAGE_SHIFT) | word;
    }
    this.count++;
    page[word++] = header;
    // The last word may contain up to three bytes from after the text. No reader uses them.
    const end = start + length;
    for (let at = start; at < end; at += 4) page[word++] = view.getInt32(at, true);
    this.#free = word;
  }

  /**
   * A page that is not in memory, on which find() walks on from string `at`. Undefined if a few
   * words of the page were enough to find `index`.
   */
  #away(index: number, at: number, number: number, word: number): Int32Array | undefined {
    if (this.#closed) throw this.#wasClosed();
    const words = this.#pages.peek(number, word);
    if (words) {
      let pos = 0;
      for (; at < index && pos < words.length && words[pos] !== END; at++) pos += wordsOf(words[pos]!);
      if (pos < words.length && words[pos] !== END && pos + wordsOf(words[pos]!) <= words.length) {
        this.page = words;
        this.word = pos;
        this.#found = -1;
        return undefined;
      }
    }
    return this.#pages.fetch(number);
  }

  #fetch(number: number): Int32Array {
    if (this.#closed) throw this.#wasClosed();
    return this.#pages.fetch(number);
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

/** The number of words that a string takes, from its first word. */
function wordsOf(header: number): number {
  return 1 + (((header >>> 1) + 3) >> 2);
}
