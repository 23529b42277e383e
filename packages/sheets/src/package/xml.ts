// XML as bytes: a tokenizer over a window of a part, and the decoding of text. Strings are made
// only on request.
//
// The window may end anywhere, in the middle of a tag or of an entity. next() never gives an
// incomplete token: it returns More and does not move. The caller then continues with a longer
// window (or with final = true). The tokenizer skips comments and processing instructions. It
// refuses DOCTYPE, so the only entities are the five named ones and the numeric ones. Namespaces
// are not resolved: names are compared without their prefix, which is enough for workbooks.
import { AMP, APOS, COLON, EQUALS, GT, LT, QUOTE, SLASH, UNDERSCORE } from "../ascii.ts";

/**
 * The kinds of tokens, and where they are in `<a b="c">text<d/></a>`:
 *
 *   <a b="c">   open    start..stop is the tag, nameStart..nameEnd its local name
 *   text        text    start..stop is the text, not yet decoded
 *   <d/>        empty   as open; no close follows
 *   </a>        close   as open, without attributes
 *
 * In cdata, start..stop is the text without its marks. After more, the caller needs more bytes.
 * After end, there are no more.
 */
export const Token = { more: 0, open: 1, empty: 2, close: 3, text: 4, cdata: 5, end: 6 } as const;
export type Token = (typeof Token)[keyof typeof Token];

/**
 * The classes of bytes in a text: `STOP` ends the text, `DECODE` needs decoding, `ESCAPE` may begin
 * `_xHHHH_`, and `CONTROL` cannot be in a PLAIN text.
 */
export const STOP = 1;
export const DECODE = 2;
export const ESCAPE = 4;
export const CONTROL = 8;
export const byteClass: Uint8Array = new Uint8Array(256);
for (let byte = 0; byte < 0x20; byte++) byteClass[byte] = CONTROL;
byteClass[0x7f] = byteClass[QUOTE] = byteClass[0x5c] = CONTROL;
byteClass[0x0d] = CONTROL | DECODE;
byteClass[AMP] = DECODE;
byteClass[UNDERSCORE] = ESCAPE;
byteClass[LT] = STOP;
/**
 * The classes of two bytes at once (as a little-endian word). That halves the steps through a text.
 */
export const pairClass: Uint8Array = new Uint8Array(65_536);
for (let pair = 0; pair < 65_536; pair++) pairClass[pair] = byteClass[pair & 255]! | byteClass[pair >> 8]!;

/** Four characters of markup as a number, for comparisons. */
export const word = (text: string): number => Buffer.from(text, "latin1").readInt32LE(0);
const T_OPEN = word("<t>x") & 0xffffff;
const T_SPACE_0 = word("<t x");
const T_SPACE_1 = word("ml:s");
const T_SPACE_2 = word("pace");
const T_SPACE_3 = word('="pr');
const T_SPACE_4 = word("eser");
const T_SPACE_5 = word('ve">');

/**
 * The length of the tag that opens a text, if it is `<t>` or `<t xml:space="preserve">`; 0 for all
 * other markup. Reads up to 24 bytes.
 */
export function textTag(view: DataView, at: number): number {
  const open = view.getInt32(at, true);
  if ((open & 0xffffff) === T_OPEN) return 3;
  return open === T_SPACE_0 &&
    view.getInt32(at + 4, true) === T_SPACE_1 &&
    view.getInt32(at + 8, true) === T_SPACE_2 &&
    view.getInt32(at + 12, true) === T_SPACE_3 &&
    view.getInt32(at + 16, true) === T_SPACE_4 &&
    view.getInt32(at + 20, true) === T_SPACE_5
    ? 24
    : 0;
}

export const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** A fault in the XML. A caller that knows the part makes a SheetError of it. */
export class XmlFault extends Error {
  readonly code: "bad_xml" | "doctype" | "limit";
  readonly at: number;
  constructor(code: XmlFault["code"], message: string, at: number) {
    super(message);
    this.code = code;
    this.at = at;
  }
}

/** The greatest nesting depth of elements. No workbook comes near it. */
export const DEPTH_MAX = 256;

export const tooDeep = (at: number): XmlFault =>
  new XmlFault("bad_xml", `elements lie more than ${DEPTH_MAX} deep in each other`, at);

/** The name of an element or attribute as bytes, for comparisons. */
export const xmlName = (name: string): Uint8Array => Buffer.from(name, "latin1");

/**
 * The tokenizer. Its fields describe the last token, and each call of next() overwrites them. The
 * window belongs to the caller.
 */
export class Tokens {
  bytes: Buffer = Buffer.alloc(0);
  pos = 0;
  end = 0;
  final = false;
  /**
   * The token that next() has found: its start and end, its local name, and the start of its
   * attributes.
   */
  start = 0;
  stop = 0;
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** The greatest length of a token. */
  readonly #max: number;

  constructor(max: number = Number.POSITIVE_INFINITY) {
    this.#max = max;
  }

  /** Sets the window: bytes `pos`..`end`. `final` is true if nothing comes after them. */
  window(bytes: Buffer, pos: number, end: number, final: boolean): void {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
    this.final = final;
  }

  /**
   * Reads the next token, and moves after it. @throws XmlFault if the markup is wrong, or one token
   * is too long
   */
  next(): Token {
    const token = this.#next();
    if (token === Token.more && this.end - this.pos > this.#max)
      throw new XmlFault("limit", `a single tag, text or comment has more than ${this.#max} bytes`, this.pos);
    return token;
  }

  #next(): Token {
    const { bytes, end } = this;
    for (;;) {
      const start = this.pos;
      if (start >= end) return this.final ? Token.end : Token.more;
      if (bytes[start] !== LT) {
        const found = bytes.indexOf(LT, start);
        if ((found < 0 || found >= end) && !this.final) return Token.more;
        this.start = start;
        this.stop = this.pos = found < 0 || found >= end ? end : found;
        return Token.text;
      }
      if (start + 1 >= end) return Token.more;
      const second = bytes[start + 1]!;
      if (second === 0x3f) {
        const close = this.#find("?>", start + 2);
        if (close < 0) return Token.more;
        this.pos = close + 2;
      } else if (second === 0x21) {
        const kind = this.#declaration(start);
        if (kind !== Token.end) return kind;
      } else {
        return this.#tag(start, second === SLASH);
      }
    }
  }

  /** True if this is the tag's local name. */
  is(name: Uint8Array): boolean {
    return same(this.bytes, this.nameStart, this.nameEnd, name);
  }

  /**
   * Finds an attribute of the tag by its name as written. With `local`, the name is compared with
   * the part after a prefix. The raw value is then at valueStart..valueEnd.
   *
   * It has more than 15 branches because it is one scan over the tag, with a check at each step:
   * ` name = "value"`, with blanks anywhere, and with each of the signs missing.
   */
  attribute(name: Uint8Array, local = false): boolean {
    const { bytes, stop } = this;
    let pos = this.nameEnd;
    for (;;) {
      while (pos < stop && isSpace(bytes[pos]!)) pos++;
      let nameStart = pos;
      let byte = 0;
      while (pos < stop && (byte = bytes[pos]!) !== EQUALS && byte !== GT && byte !== SLASH && !isSpace(byte)) {
        if (local && byte === COLON) nameStart = pos + 1;
        pos++;
      }
      const nameEnd = pos;
      while (pos < stop && isSpace(bytes[pos]!)) pos++;
      if (nameEnd === nameStart && bytes[pos] !== EQUALS) return false;
      if (bytes[pos] !== EQUALS)
        throw new XmlFault("bad_xml", `an attribute without a value in ${this.tagText()}`, pos);
      pos++;
      while (pos < stop && isSpace(bytes[pos]!)) pos++;
      const quote = bytes[pos]!;
      if (quote !== QUOTE && quote !== APOS)
        throw new XmlFault("bad_xml", `an attribute value without quotes in ${this.tagText()}`, pos);
      let close = pos + 1;
      while (bytes[close] !== quote && close < stop) close++;
      if (close >= stop) throw new XmlFault("bad_xml", `quotes that do not match in ${this.tagText()}`, pos);
      if (same(bytes, nameStart, nameEnd, name)) {
        this.valueStart = pos + 1;
        this.valueEnd = close;
        return true;
      }
      pos = close + 1;
    }
  }

  /** The value of an attribute as a string; undefined if the tag does not have it. */
  value(name: Uint8Array, local = false): string | undefined {
    return this.attribute(name, local) ? decodeString(this.bytes, this.valueStart, this.valueEnd) : undefined;
  }

  /** The first bytes of the token, for messages. */
  tagText(): string {
    return this.bytes.toString("utf8", this.start, Math.min(this.stop, this.start + 60));
  }

  /**
   * Reads a tag, whose `<` is at `start`. A `>` inside a quoted value does not end it. It has more
   * than 15 branches because it is one scan over the tag, with a check at each step.
   */
  #tag(start: number, closing: boolean): Token {
    const { bytes, end } = this;
    let pos = start + (closing ? 2 : 1);
    this.nameStart = pos;
    let byte = 0;
    for (; pos < end; pos++) {
      byte = bytes[pos]!;
      if (byte === COLON) this.nameStart = pos + 1;
      else if (byte === GT || byte === SLASH || isSpace(byte)) break;
    }
    if (pos === this.nameStart && pos < end)
      throw new XmlFault(
        "bad_xml",
        `"<" is not followed by a name: ${bytes.toString("utf8", start, start + 20)}`,
        start,
      );
    this.nameEnd = pos;
    for (; pos < end; pos++) {
      byte = bytes[pos]!;
      if (byte === GT) {
        this.start = start;
        this.stop = this.pos = pos + 1;
        return closing ? Token.close : bytes[pos - 1] === SLASH ? Token.empty : Token.open;
      }
      if (byte === LT)
        throw new XmlFault(
          "bad_xml",
          `"<" inside of a tag: ${bytes.toString("utf8", start, Math.min(pos + 1, start + 40))}`,
          pos,
        );
      if (byte === QUOTE || byte === APOS) {
        pos = bytes.indexOf(byte, pos + 1);
        if (pos < 0 || pos >= end) return Token.more;
      }
    }
    return Token.more;
  }

  /** Reads `<!…`. Returns cdata, more, or end after a comment. */
  #declaration(start: number): Token {
    const { bytes, end } = this;
    const head = bytes.toString("latin1", start, Math.min(end, start + 9));
    if (head.startsWith("<!--")) {
      const close = this.#find("-->", start + 4);
      if (close < 0) return Token.more;
      this.pos = close + 3;
      return Token.end;
    }
    if (head === "<![CDATA[") {
      const close = this.#find("]]>", start + 9);
      if (close < 0) return Token.more;
      this.start = start + 9;
      this.stop = close;
      this.pos = close + 3;
      return Token.cdata;
    }
    if (head.startsWith("<!DOCTYPE"))
      throw new XmlFault("doctype", "it has a DOCTYPE, which no workbook needs and which can define entities", start);
    if (["<!--", "<![CDATA[", "<!DOCTYPE"].some((word) => word.startsWith(head)) && !this.final) return Token.more;
    throw new XmlFault("bad_xml", `"${head}" is nothing that XML has`, start);
  }

  #find(text: string, from: number): number {
    const found = this.bytes.indexOf(text, from, "latin1");
    return found >= 0 && found + text.length <= this.end ? found : -1;
  }
}

/**
 * Copies text to `out` at `to`, and returns the end of the copy. It resolves entities (but not in
 * CDATA) and makes all line ends `\n`. The copy is never longer than the original. `out` may be
 * `bytes` if `to` ≤ `start`, or if `to` is after `end`.
 */
export function decodeText(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
  entities: boolean = true,
): number {
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]!;
    if (byte === AMP && entities) {
      let close = pos + 2;
      const limit = Math.min(end, pos + 12);
      while (close < limit && bytes[close] !== 0x3b) close++;
      const code = close < limit ? entity(bytes, pos + 1, close) : -1;
      if (code < 0) {
        const text = Buffer.from(bytes.subarray(pos, Math.min(end, pos + 12))).toString();
        throw new XmlFault("bad_xml", `"${text}" is no entity; a plain "&" is written &amp;`, pos);
      }
      to = writeCodePoint(out, to, code);
      pos = close;
    } else if (byte === 0x0d) {
      out[to++] = 0x0a;
      if (bytes[pos + 1] === 0x0a && pos + 1 < end) pos++;
    } else {
      out[to++] = byte;
    }
  }
  return to;
}

/** The classes of all bytes of a text, combined. */
export function classOf(bytes: Uint8Array, start: number, end: number): number {
  let seen = 0;
  for (let pos = start; pos < end; pos++) seen |= byteClass[bytes[pos]!]!;
  return seen;
}

/**
 * Resolves Excel's own escapes in decoded text, in place, and returns the new end. Spaces at both
 * ends stay, with and without xml:space="preserve". Excel drops them if that attribute is missing.
 * But a reader should not discard what a program wrote into its file.
 */
export function settleText(bytes: Uint8Array, start: number, end: number): number {
  return mayHaveEscape(bytes, start, end) ? unescapeText(bytes, start, end) : end;
}

/** True if `_x` is in the text, which may begin one of Excel's escapes. */
export function mayHaveEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let pos = start; pos < end - 6; pos++)
    if (bytes[pos] === UNDERSCORE && bytes[pos + 1] === 0x78 && bytes[pos + 6] === UNDERSCORE) return true;
  return false;
}

/**
 * Resolves Excel's `_xHHHH_` in place and returns the new end. Two of them may be a surrogate pair.
 * Half a pair becomes U+FFFD.
 */
function unescapeText(bytes: Uint8Array, start: number, end: number): number {
  let to = start;
  for (let pos = start; pos < end;) {
    let code = bytes[pos] === UNDERSCORE ? escapeAt(bytes, pos, end) : -1;
    if (code < 0) {
      bytes[to++] = bytes[pos++]!;
      continue;
    }
    pos += 7;
    if (code >= 0xd800 && code < 0xdc00) {
      const low = escapeAt(bytes, pos, end);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        pos += 7;
      }
    }
    to = writeCodePoint(bytes, to, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
  }
  return to;
}

/** The text of an attribute or an element as a string. */
export function decodeString(bytes: Buffer, start: number, end: number): string {
  const out = Buffer.allocUnsafe(end - start);
  return out.toString("utf8", 0, decodeText(bytes, start, end, out, 0));
}

function same(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

function escapeAt(bytes: Uint8Array, pos: number, end: number): number {
  if (pos + 7 > end || bytes[pos] !== UNDERSCORE || bytes[pos + 1] !== 0x78 || bytes[pos + 6] !== UNDERSCORE) return -1;
  return digits(bytes, pos + 2, pos + 6, 16);
}

const named: readonly (readonly [Uint8Array, number])[] = [
  [xmlName("amp"), AMP],
  [xmlName("apos"), APOS],
  [xmlName("quot"), QUOTE],
  [xmlName("lt"), LT],
  [xmlName("gt"), GT],
];

/** The code point of an entity's text, or −1. */
function entity(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === 0x23) {
    const hex = bytes[start + 1] === 0x78;
    const code = digits(bytes, start + (hex ? 2 : 1), end, hex ? 16 : 10);
    return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? -1 : code;
  }
  for (const [name, code] of named) if (same(bytes, start, end, name)) return code;
  return -1;
}

function digits(bytes: Uint8Array, start: number, end: number, base: number): number {
  if (start >= end) return -1;
  let value = 0;
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]! | 0x20;
    const digit = bytes[pos]! <= 0x39 ? bytes[pos]! - 0x30 : byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : 99;
    if (digit < 0 || digit >= base) return -1;
    value = value * base + digit;
  }
  return value;
}

function writeCodePoint(out: Uint8Array, to: number, code: number): number {
  if (code < 0x80) {
    out[to++] = code;
  } else if (code < 0x800) {
    out[to++] = 0xc0 | (code >> 6);
    out[to++] = 0x80 | (code & 63);
  } else if (code < 0x10000) {
    out[to++] = 0xe0 | (code >> 12);
    out[to++] = 0x80 | ((code >> 6) & 63);
    out[to++] = 0x80 | (code & 63);
  } else {
    out[to++] = 0xf0 | (code >> 18);
    out[to++] = 0x80 | ((code >> 12) & 63);
    out[to++] = 0x80 | ((code >> 6) & 63);
    out[to++] = 0x80 | (code & 63);
  }
  return to;
}
