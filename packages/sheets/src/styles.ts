// Which cell styles show their number as a date or a time. Only that is read of styles.xml: number formats and the cellXfs list.
import { SheetError, type Place } from "./errors.ts";
import { fixed } from "./limits.ts";
import { parseNumber } from "./number.ts";
import { readPart } from "./part.ts";
import { xmlName, type Tokens } from "./xml.ts";

/** What a number format makes of a number: no date, a date (with or without a time), or a time of day alone. */
export const Shown = { number: 0, date: 1, time: 2 } as const;
export type Shown = (typeof Shown)[keyof typeof Shown];

/** [style index] what the style's number format shows. */
export type DateStyles = Uint8Array;

const names = {
  numFmts: xmlName("numFmts"),
  numFmt: xmlName("numFmt"),
  cellXfs: xmlName("cellXfs"),
  xf: xmlName("xf"),
  numFmtId: xmlName("numFmtId"),
  formatCode: xmlName("formatCode"),
};

export async function readStyles(pieces: AsyncIterable<Uint8Array>, place: Place): Promise<DateStyles> {
  const formats = new Map<number, Shown>();
  // The format of an xf may be defined behind it, so the ids are kept until the end.
  let ids = new Float64Array(256);
  let count = 0;
  let section: "numFmts" | "cellXfs" | undefined;
  let sectionDepth = -1;
  const on = (tokens: Tokens, depth: number): void => {
    if (section === undefined) {
      for (const name of ["numFmts", "cellXfs"] as const)
        if (tokens.is(names[name])) [section, sectionDepth] = [name, depth];
    } else if (section === "numFmts" && tokens.is(names.numFmt)) {
      const code = tokens.value(names.formatCode);
      if (code !== undefined) formats.set(Number(tokens.value(names.numFmtId)), shownBy(code));
    } else if (section === "cellXfs" && tokens.is(names.xf) && depth === sectionDepth + 1) {
      if (count === ids.length) {
        const grown = new Float64Array(2 * count);
        grown.set(ids);
        ids = grown;
      }
      ids[count++] = tokens.attribute(names.numFmtId)
        ? parseNumber(tokens.bytes, tokens.valueStart, tokens.valueEnd)
        : 0;
    }
    if (count > fixed.styles || formats.size > fixed.formats)
      throw new SheetError(
        "limit",
        `${place.part ?? "The styles"} has more than ${fixed.styles} cell formats or ${fixed.formats} number formats; Excel knows no more than 65,490. The file was written badly.`,
        place,
      );
  };
  const off = (depth: number): void => {
    if (depth === sectionDepth) [section, sectionDepth] = [undefined, -1];
  };
  await readPart(pieces, place, on, off);
  return Uint8Array.from(ids.subarray(0, count), (id) => formats.get(id) ?? shownByBuiltIn(id));
}

/** The formats that have a number and no code in the file; 27–36, 50–58 and 71–81 are those of East Asian and Thai Excel. */
export function shownByBuiltIn(id: number): Shown {
  if ((id >= 18 && id <= 21) || id === 32 || id === 33 || id === 45 || id === 47) return Shown.time;
  if (id === 75 || id === 76 || id === 78 || id === 80) return Shown.time;
  const date =
    (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58) || (id >= 71 && id <= 81 && id !== 79);
  return date ? Shown.date : Shown.number;
}

/**
 * What a number format shows. Its first section decides. Quoted text, escapes (`\d`), fillers (`*d`), spacers (`_d`), colours,
 * conditions and locales in brackets are no date codes. `[h]`, `[mm]`, `[ss]` count elapsed time: a duration, and so a number.
 * `m` is a month, and a minute beside hours or seconds.
 */
export function shownBy(code: string): Shown {
  let date = false;
  let month = false;
  let time = false;
  for (let i = 0; i < code.length; i++) {
    const char = code[i]!.toLowerCase();
    if (char === ";") break;
    if (char === '"') {
      const close = code.indexOf('"', i + 1);
      if (close < 0) break;
      i = close;
    } else if (char === "\\" || char === "_" || char === "*") {
      i++;
    } else if (char === "[") {
      const close = code.indexOf("]", i);
      if (close < 0) break;
      if (/^(h+|m+|s+)$/i.test(code.slice(i + 1, close))) return Shown.number;
      i = close;
    } else if (code.slice(i, i + 7).toLowerCase() === "general") {
      i += 6;
    } else if (char === "e" && /[+-]/.test(code[i + 1] ?? "")) {
      i++;
    } else if (char === "h" || char === "s") {
      time = true;
    } else if (char === "m") {
      month = true;
    } else if ("ydeg".includes(char) || (char === "b" && /^bb/i.test(code.slice(i)))) {
      date = true;
    }
  }
  if (date || (month && !time)) return Shown.date;
  return time ? Shown.time : Shown.number;
}
