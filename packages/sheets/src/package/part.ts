// Reads one part of a workbook as a stream of UTF-8 XML. Reads small parts whole, as events.
import { SheetError, type Place } from "../errors.ts";
import { fixed } from "../limits.ts";
import { DEPTH_MAX, Token, Tokens, tooDeep, XmlFault } from "./xml.ts";

/**
 * The part's text as UTF-8, without a byte-order mark. A part that declares another encoding is
 * converted.
 */
export async function* utf8(
  pieces: AsyncIterable<Uint8Array>,
  place: Place,
): AsyncGenerator<Uint8Array, void, undefined> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let head: Uint8Array | undefined = new Uint8Array();
  for await (let piece of pieces) {
    if (head) {
      // The declaration fits in 200 bytes. If an XML part is shorter than that, the reader waits
      // for its end.
      if (head.length > 0 || piece.length < 200) piece = head = Buffer.concat([head, piece]);
      if (piece.length < 200) continue;
      head = undefined;
      decoder = decoderOf(piece, place);
      if (!decoder) piece = withoutMark(piece);
    }
    yield decoder ? Buffer.from(decoder.decode(piece, { stream: true })) : piece;
  }
  if (head && head.length > 0) {
    decoder = decoderOf(head, place);
    yield decoder ? Buffer.from(decoder.decode(head)) : withoutMark(head);
  } else if (decoder) {
    const rest = decoder.decode();
    if (rest !== "") yield Buffer.from(rest);
  }
}

/** Makes a SheetError of a fault in the XML, with the place of the fault. */
export function xmlError(fault: unknown, place: Place, base = 0): unknown {
  if (!(fault instanceof XmlFault)) return fault;
  const where = place.cell ? ` near cell ${place.cell}` : "";
  const part = place.part ?? "A part";
  if (fault.code === "limit")
    return new SheetError("limit", `${part} is not meant to be read${where}: ${fault.message}.`, {
      ...place,
      offset: base + fault.at,
    });
  const todo =
    fault.code === "doctype"
      ? "It is refused; save the workbook again in Excel."
      : "Open the workbook in Excel and save it again, or report it to the program that wrote it.";
  return new SheetError(fault.code, `${part} is not valid XML${where}: ${fault.message}. ${todo}`, {
    ...place,
    offset: base + fault.at,
  });
}

/** The error for a part whose root element is still open at its end. */
export function unterminated(place: Place, offset: number): SheetError {
  return new SheetError(
    "unterminated_xml",
    `${place.part ?? "A part"} ends too early: its last element is never closed (after ${offset} bytes). The file was cut off or written badly; get it again.`,
    { ...place, offset },
  );
}

/**
 * Reads a part whole. It calls `on` at each open (or empty) tag, and `off` at each close tag. It
 * checks the nesting, and its memory stays bounded.
 *
 * @param cells true if the part may hold cells. Otherwise its size and its number of elements are
 * limited, far above those of any honest part
 */
export async function readPart(
  pieces: AsyncIterable<Uint8Array>,
  place: Place,
  on: (tokens: Tokens, depth: number) => void,
  off: (depth: number) => void = () => {},
  cells = false,
): Promise<void> {
  const tokens = new Tokens(fixed.tokenBytes);
  let rest: Buffer = Buffer.alloc(0);
  let base = 0;
  let depth = 0;
  let elements = 0;
  const tooLarge = (what: string): SheetError =>
    new SheetError("limit", `${place.part ?? "A part"} ${what}; no honest workbook has a part like this.`, {
      ...place,
      offset: base,
    });
  // Takes the complete tokens of `rest`, which then begins with the rest of one, at offset `base`.
  const drain = (final: boolean): void => {
    tokens.window(rest, 0, rest.length, final);
    for (;;) {
      const token = tokens.next();
      if (token === Token.more || token === Token.end) break;
      if (token === Token.open) {
        on(tokens, depth++);
        if (depth > DEPTH_MAX) throw tooDeep(tokens.start);
        elements++;
      } else if (token === Token.empty) {
        on(tokens, depth);
        off(depth);
        elements++;
      } else if (token === Token.close) {
        if (--depth < 0) throw new XmlFault("bad_xml", `${tokens.tagText()} closes nothing`, tokens.start);
        off(depth);
      }
    }
    base += tokens.pos;
    rest = rest.subarray(tokens.pos);
    if (!cells && elements > fixed.smallPartElements)
      throw tooLarge(`has more than ${fixed.smallPartElements} elements`);
  };
  try {
    // An incomplete token is tried again when there is twice as much text. Otherwise a long token
    // would be read over and over.
    let enough = 0;
    for await (const piece of utf8(pieces, place)) {
      rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
      if (!cells && base + rest.length > fixed.smallPartBytes)
        throw tooLarge(`inflates to more than ${fixed.smallPartBytes} bytes`);
      if (rest.length < enough) continue;
      drain(false);
      enough = Math.min(2 * rest.length, fixed.tokenBytes);
    }
    drain(true);
  } catch (error) {
    throw xmlError(error, place, base);
  }
  if (depth > 0 || rest.length > 0) throw unterminated(place, base);
  if (elements === 0) throw xmlError(new XmlFault("bad_xml", "there is no element in it", 0), place);
}

/** The piece without the byte-order mark of UTF-8 (EF BB BF). */
function withoutMark(piece: Uint8Array): Uint8Array {
  return piece[0] === 0xef && piece[1] === 0xbb && piece[2] === 0xbf ? piece.subarray(3) : piece;
}

/**
 * The decoder for a part that is not UTF-8; undefined if it is. UTF-16 is known by its mark or by
 * the zero in its first `<` (XML 1.0, appendix F); for all else the declaration counts. @throws
 * SheetError if it names an unknown encoding
 */
function decoderOf(piece: Uint8Array, place: Place): InstanceType<typeof TextDecoder> | undefined {
  const [a, b] = piece;
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0)) return new TextDecoder("utf-16le");
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c)) return new TextDecoder("utf-16be");
  const declaration = Buffer.from(piece.subarray(0, 200)).toString("latin1");
  const encoding = /^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']/.exec(declaration)?.[1];
  if (!encoding || /^(utf-?8|us-ascii|ascii)$/i.test(encoding)) return undefined;
  try {
    const decoder = new TextDecoder(encoding);
    return decoder.encoding === "utf-8" || decoder.encoding.startsWith("utf-16") ? undefined : decoder;
  } catch {
    throw new SheetError(
      "bad_encoding",
      `${place.part ?? "A part"} says that it is written in "${encoding}", which is no known encoding; UTF-8 was expected.`,
      place,
    );
  }
}
