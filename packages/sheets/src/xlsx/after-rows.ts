// Reads the tags after the rows of a sheet's part.
import type { Place } from "../errors.ts";
import { utf8 } from "../package/part.ts";

/** The name in `ROWS_END`. It is searched for first, because that needs no string. */
const ROWS = "sheetData";
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
  /** The end of the pieces before the end of the rows. */
  let carry: Uint8Array = new Uint8Array(0);
  let text = "";
  for await (const piece of utf8(pieces, place)) {
    if (behindRows) {
      text += Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString("latin1");
    } else {
      const bytes = Buffer.concat([carry, piece]);
      const rows = bytes.includes(ROWS) ? bytes.toString("latin1") : "";
      const end = ROWS_END.exec(rows);
      if (!end) {
        carry = bytes.subarray(-CARRY);
        continue;
      }
      behindRows = true;
      text = rows.slice(end.index + end[0].length);
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
