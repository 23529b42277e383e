// The text of a string item: `<si>` of the shared strings and `<is>` of a cell. Plain text and rich runs are joined in the
// order of the file; phonetic runs are left out.
import {
  classOf,
  CONTROL,
  DECODE,
  decodeText,
  DEPTH_MAX,
  ESCAPE,
  isSpace,
  settleText,
  Token,
  tooDeep,
  xmlName,
  type Tokens,
} from "./xml.ts";

const tName = xmlName("t");
const rPhName = xmlName("rPh");

export class RichText {
  bytes: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(this.bytes.buffer);
  length = 0;
  plain = true;

  /** Starts a new text; `room` is at least the number of raw bytes it can come from. */
  begin(room: number): void {
    this.length = 0;
    if (this.bytes.length >= room + 8) return;
    this.bytes = Buffer.allocUnsafeSlow(room + 64 + (room >> 1));
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** Reads up to the close tag of the element whose open tag was just read; false where the window ends first. */
  element(tokens: Tokens): boolean {
    let depth = 0;
    for (;;) {
      const token = tokens.next();
      if (token === Token.more || token === Token.end) return false;
      if (token === Token.close && depth-- === 0) return true;
      if (token !== Token.open) continue;
      if (tokens.is(tName)) {
        if (!this.text(tokens)) return false;
      } else if (tokens.is(rPhName)) {
        if (!skipElement(tokens)) return false;
      } else {
        if (++depth > DEPTH_MAX) throw tooDeep(tokens.start);
      }
    }
  }

  /** Reads the text of the element whose open tag was just read, up to its close tag. */
  text(tokens: Tokens): boolean {
    const begin = this.length;
    let seen = 0;
    for (;;) {
      const token = tokens.next();
      if (token === Token.more || token === Token.end) return false;
      if (token === Token.text) {
        const { bytes, start, stop } = tokens;
        const classes = classOf(bytes, start, stop);
        seen |= classes;
        if ((classes & DECODE) !== 0) this.length = decodeText(bytes, start, stop, this.bytes, this.length);
        else this.length += bytes.copy(this.bytes, this.length, start, stop);
      } else if (token === Token.cdata) {
        seen |= ESCAPE;
        this.length = decodeText(tokens.bytes, tokens.start, tokens.stop, this.bytes, this.length, false);
      } else if (token === Token.open) {
        if (!skipElement(tokens)) return false;
      } else if (token === Token.close) {
        // An underscore may come from an entity too.
        if ((seen & (ESCAPE | DECODE)) !== 0) this.length = settleText(this.bytes, begin, this.length);
        return true;
      }
    }
  }

  /** Drops spaces at both ends: around a number, a boolean or an index they mean nothing. */
  trim(): void {
    let from = 0;
    while (this.length > 0 && isSpace(this.bytes[this.length - 1]!)) this.length--;
    while (from < this.length && isSpace(this.bytes[from]!)) from++;
    if (from > 0) this.bytes.copyWithin(0, from, this.length);
    this.length -= from;
  }

  /** Finds out whether the text is plain; gives its length. */
  finish(): number {
    this.plain = (classOf(this.bytes, 0, this.length) & CONTROL) === 0;
    return this.length;
  }
}

/** Passes over the element whose open tag was just read; false where the window ends first. */
export function skipElement(tokens: Tokens): boolean {
  for (let depth = 0; ;) {
    const token = tokens.next();
    if (token === Token.more || token === Token.end) return false;
    if (token === Token.open && ++depth > DEPTH_MAX) throw tooDeep(tokens.start);
    if (token === Token.close && depth-- === 0) return true;
  }
}
