// Rewrites an XML spreadsheet of Excel 2003 for the library: only the elements that hold its cells.
//
// The library parses such a file with patterns. So it fails on valid XML that spreadsheet programs
// accept: single quotes, additional elements, and unusual encodings. Therefore this file writes
// each element that the library needs again, with its attributes in double quotes. It omits every
// other element with its contents. Text passes unchanged.
import type { Place } from "../errors.ts";
import { fixed } from "../limits.ts";
import { unterminated, utf8, xmlError } from "../package/part.ts";
import { DEPTH_MAX, Token, Tokens, tooDeep, XmlFault, xmlName } from "../package/xml.ts";

/** The elements that are kept, with their attributes. */
const ELEMENTS: readonly (readonly [name: string, attributes: readonly string[]])[] = [
  ["Workbook", []],
  ["ExcelWorkbook", []],
  ["Date1904", []],
  ["Styles", []],
  ["Style", ["ID", "Name", "Parent"]],
  ["NumberFormat", ["Format"]],
  ["Worksheet", ["Name"]],
  ["WorksheetOptions", []],
  ["Visible", []],
  ["Table", ["StyleID"]],
  ["Column", ["Index", "Span", "StyleID"]],
  ["Row", ["Index", "Span", "StyleID"]],
  ["Cell", ["Index", "StyleID", "MergeAcross", "MergeDown", "Formula"]],
  ["Data", ["Type"]],
];
const KEPT = ELEMENTS.map(([name, attributes]) => ({
  name,
  bytes: xmlName(name),
  attributes: attributes.map((attribute) => ({ attribute, bytes: xmlName(attribute) })),
}));
/** The element that is written without a closing tag: see Writer. */
const ALONE = "NumberFormat";
const HEAD = '<?xml version="1.0" encoding="UTF-8"?><?mso-application progid="Excel.Sheet"?>';
const NAMESPACES =
  ' xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet" xmlns:x="urn:schemas-microsoft-com:office:excel"';

/** The pieces of the rewritten file for the library. @throws SheetError if the file is not XML */
export async function* plainXml(
  pieces: AsyncIterable<Uint8Array>,
  place: Place,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new Writer();
  const tokens = new Tokens(fixed.tokenBytes);
  let rest: Buffer = Buffer.alloc(0);
  let base = 0;
  const drain = (final: boolean): Uint8Array => {
    tokens.window(rest, 0, rest.length, final);
    for (;;) {
      const token = tokens.next();
      if (token === Token.more || token === Token.end) break;
      writer.take(tokens, token);
    }
    base += tokens.pos;
    rest = rest.subarray(tokens.pos);
    return writer.written();
  };
  try {
    yield Buffer.from(HEAD);
    for await (const piece of utf8(pieces, place)) {
      rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
      yield drain(false);
    }
    yield drain(true);
  } catch (error) {
    throw xmlError(error, place, base);
  }
  if (writer.depth > 0 || rest.length > 0) throw unterminated(place, base);
}

/**
 * Writes the kept elements. `depth` counts all open elements of the file, and #open lists those of
 * them that are kept.
 */
class Writer {
  depth = 0;
  #out: (string | Uint8Array)[] = [];
  /** The kept elements that are open. */
  readonly #open: string[] = [];
  /**
   * The depth at which an omitted element began, or one of which only the text counts; −1 outside
   * of these.
   */
  #foreignDepth = -1;

  take(tokens: Tokens, token: Token): void {
    if (token === Token.text || token === Token.cdata) {
      this.#text(tokens, token === Token.cdata);
    } else if (token === Token.close) {
      if (--this.depth < 0) throw new XmlFault("bad_xml", `${tokens.tagText()} closes nothing`, tokens.start);
      this.#close();
    } else {
      this.#element(tokens);
      if (token === Token.empty) this.#close();
      else if (++this.depth > DEPTH_MAX) throw tooDeep(tokens.start);
    }
  }

  written(): Uint8Array {
    const parts = this.#out.map((part) => (typeof part === "string" ? Buffer.from(part) : part));
    this.#out = [];
    return Buffer.concat(parts);
  }

  #element(tokens: Tokens): void {
    if (this.#foreignDepth >= 0) return;
    const kept = this.#open.at(-1) === "Data" ? undefined : KEPT.find(({ bytes }) => tokens.is(bytes));
    if (!kept) {
      this.#foreignDepth = this.depth;
      return;
    }
    let tag = `<${kept.name}${this.#open.length === 0 ? NAMESPACES : ""}`;
    for (const { attribute, bytes } of kept.attributes) {
      const value = tokens.value(bytes, true);
      if (value !== undefined) tag += ` ss:${attribute}="${escaped(value)}"`;
    }
    // The library would take a closing tag for a second format, so this element is closed in its
    // open tag.
    this.#out.push(kept.name === ALONE ? `${tag}/>` : `${tag}>`);
    this.#open.push(kept.name);
  }

  /** Ends the element at the present depth. */
  #close(): void {
    if (this.#foreignDepth === this.depth) this.#foreignDepth = -1;
    else if (this.#foreignDepth < 0) {
      const name = this.#open.pop()!;
      if (name !== ALONE) this.#out.push(`</${name}>`);
    }
  }

  /** Writes the text of a value, including parts with a font, and the text of the one option. */
  #text({ bytes, start, stop }: Tokens, cdata: boolean): void {
    const within = this.#open.at(-1);
    if (within !== "Data" && (within !== "Visible" || this.#foreignDepth >= 0)) return;
    this.#out.push(
      cdata ? escaped(bytes.toString("utf8", start, stop)) : Uint8Array.prototype.slice.call(bytes, start, stop),
    );
  }
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;");
}
