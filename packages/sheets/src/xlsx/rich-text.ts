// The text of a string item: `<si>` of the shared strings and `<is>` of a cell. Plain text and rich
// runs are joined in the order of the file. Phonetic runs are omitted.
//
//   <si><t>plain</t></si>                      plain
//   <si><r><rPr><b/></rPr><t>rich </t></r>     a run with a font
//       <r><t>text</t></r>                     "rich text"
//       <rPh sb="0" eb="1"><t>…</t></rPh>      how to pronounce it: omitted
//   </si>
//
// Source: ECMA-376, part 1, 18.4.8 (`<si>`), 18.4.4 (`<r>`), 18.4.6 (`<rPh>`), and 22.9.2.19 for
// Excel's `_xHHHH_`.
import { raised } from "../cells/superscript.ts";
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
} from "../package/xml.ts";

const tName = xmlName("t");
const rPhName = xmlName("rPh");
const rName = xmlName("r");
const vertAlignName = xmlName("vertAlign");
const valName = xmlName("val");

const NONE: readonly number[] = [];

/**
 * A text under construction: bytes 0..length of a buffer that is used again for the next text. The
 * buffer has 8 bytes more than needed, since it may be read by whole words.
 */
export class RichText {
  bytes: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(this.bytes.buffer);
  length = 0;
  plain = true;
  /** The ranges of the text that are set as superscripts: starts and ends, one after the other. */
  raised: readonly number[] = NONE;

  /** Starts a new text. `room` is at least the number of raw bytes from which it can come. */
  begin(room: number): void {
    this.length = 0;
    this.raised = NONE;
    if (this.bytes.length >= room + 8) return;
    this.bytes = Buffer.allocUnsafeSlow(room + 64 + (room >> 1));
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /**
   * Reads up to the close tag of the element whose open tag was just read; false if the window ends
   * first. It has more than 15 branches because each child element has one.
   */
  element(tokens: Tokens): boolean {
    let depth = 0;
    let isRaised = false;
    this.raised = NONE;
    for (;;) {
      const token = tokens.next();
      if (token === Token.more || token === Token.end) return false;
      if (token === Token.close && depth-- === 0) return true;
      if ((token === Token.open || token === Token.empty) && tokens.is(vertAlignName))
        isRaised = tokens.value(valName) === "superscript";
      if (token !== Token.open) continue;
      if (tokens.is(rName)) isRaised = false;
      if (tokens.is(tName)) {
        const begin = this.length;
        if (!this.text(tokens)) return false;
        if (isRaised && this.length > begin) this.raised = [...this.raised, begin, this.length];
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
        // An entity may decode to an underscore too.
        if ((seen & (ESCAPE | DECODE)) !== 0) this.length = settleText(this.bytes, begin, this.length);
        return true;
      }
    }
  }

  /** The text with Unicode's superscripts; undefined if nothing of it is one. */
  withRaised(): string | undefined {
    return this.raised.length === 0 ? undefined : withRaised(this.bytes, 0, this.length, this.raised);
  }

  /** Drops spaces at both ends: they have no meaning around a number, a boolean or an index. */
  trim(): void {
    let from = 0;
    while (this.length > 0 && isSpace(this.bytes[this.length - 1]!)) this.length--;
    while (from < this.length && isSpace(this.bytes[from]!)) from++;
    if (from > 0) this.bytes.copyWithin(0, from, this.length);
    this.length -= from;
  }

  /** Finds out whether the text is plain, and returns its length. */
  finish(): number {
    this.plain = (classOf(this.bytes, 0, this.length) & CONTROL) === 0;
    return this.length;
  }
}

/** A text of which some parts are superscripts: `ranges` are begins and ends after `start`. */
export function withRaised(bytes: Buffer, start: number, end: number, ranges: readonly number[]): string {
  let text = "";
  let at = 0;
  for (let n = 0; n < ranges.length; n += 2) {
    text += bytes.toString("utf8", start + at, start + ranges[n]!);
    text += raised(bytes.toString("utf8", start + ranges[n]!, start + ranges[n + 1]!));
    at = ranges[n + 1]!;
  }
  return text + bytes.toString("utf8", start + at, end);
}

/** Skips the element whose open tag was just read; false if the window ends first. */
export function skipElement(tokens: Tokens): boolean {
  for (let depth = 0; ;) {
    const token = tokens.next();
    if (token === Token.more || token === Token.end) return false;
    if (token === Token.open && ++depth > DEPTH_MAX) throw tooDeep(tokens.start);
    if (token === Token.close && depth-- === 0) return true;
  }
}
