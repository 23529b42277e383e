// Reads the tags after the rows of a sheet's part.
import type { Place } from "../errors.ts";
import { utf8 } from "../package/part.ts";

const ROWS_END = /<\/(?:[\w.-]+:)?sheetData\s*>|<(?:[\w.-]+:)?sheetData\s*\/>/;
/** The greatest length of a tag that the end of a piece may cut. */
const CARRY = 16 * 1024;

/**
 * The matches of a global pattern for a tag, with the UTF-8 bytes of the part as characters. It
 * inflates the whole part.
 */
export async function* tagsAfterRows(
  pieces: AsyncIterable<Uint8Array>,
  place: Place,
  tag: RegExp,
): AsyncGenerator<RegExpExecArray, void, undefined> {
  let behindRows = false;
  let text = "";
  for await (const piece of utf8(pieces, place)) {
    text += Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString("latin1");
    if (!behindRows) {
      const end = ROWS_END.exec(text);
      if (!end) {
        text = text.slice(-CARRY);
        continue;
      }
      behindRows = true;
      text = text.slice(end.index + end[0].length);
    }
    let done = 0;
    for (const match of text.matchAll(tag)) {
      done = match.index + match[0].length;
      yield match;
    }
    text = text.slice(Math.max(done, text.length - CARRY));
  }
}

/** `A` → 1, `AA` → 27 */
export function columnNumber(letters: string): number {
  return [...letters].reduce((number, letter) => number * 26 + letter.charCodeAt(0) - 64, 0);
}
