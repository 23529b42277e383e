// Finds the cell styles that show their number as a date or a time. It reads only this from
// styles.xml: number formats and the cellXfs list.
import { SheetError, type Place } from "../errors.ts";
import { fixed } from "../limits.ts";
import { parseNumber } from "../cells/number.ts";
import { readPart } from "../package/part.ts";
import { xmlName, type Tokens } from "../package/xml.ts";

/**
 * The kinds of values that a number format shows: a number, a date (with or without a time), a time
 * of day alone, or elapsed time.
 */
export const Shown = { number: 0, date: 1, time: 2, duration: 3 } as const;
export type Shown = (typeof Shown)[keyof typeof Shown];

/** [style index] the kind that the style's number format shows. */
export type DateStyles = Uint8Array;

/** The facts about the workbook's cell styles. */
export interface Styles {
  readonly shown: DateStyles;
  /**
   * The code of a style's number format. General if it has no format, or one that differs between
   * languages.
   */
  formatOf(style: number): string;
}

/** The styles of a workbook without styles. */
export const NO_STYLES: Styles = { shown: new Uint8Array(), formatOf: () => "General" };

const names = {
  numFmts: xmlName("numFmts"),
  numFmt: xmlName("numFmt"),
  cellXfs: xmlName("cellXfs"),
  xf: xmlName("xf"),
  numFmtId: xmlName("numFmtId"),
  formatCode: xmlName("formatCode"),
};

export async function readStyles(pieces: AsyncIterable<Uint8Array>, place: Place): Promise<Styles> {
  const formats = new Map<number, string>();
  // The format of an xf may be defined after it, so the ids are kept until the end.
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
      if (code !== undefined) formats.set(Number(tokens.value(names.numFmtId)), code);
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
  const used = ids.subarray(0, count);
  const shownOf = new Map([...formats].map(([id, code]) => [id, shownBy(code)]));
  return {
    shown: Uint8Array.from(used, (id) => shownOf.get(id) ?? shownByBuiltIn(id)),
    formatOf: (style) => formats.get(used[style] ?? 0) ?? BUILT_IN[used[style] ?? 0] ?? "General",
  };
}

/**
 * The codes of the built-in formats, which have a number and no code in the file, as in the United
 * States (ECMA-376, part 1, 18.8.30).
 */
const BUILT_IN: Readonly<Record<number, string>> = {
  1: "0",
  2: "0.00",
  3: "#,##0",
  4: "#,##0.00",
  9: "0%",
  10: "0.00%",
  11: "0.00E+00",
  12: "# ?/?",
  13: "# ??/??",
  14: "m/d/yy",
  15: "d-mmm-yy",
  16: "d-mmm",
  17: "mmm-yy",
  18: "h:mm AM/PM",
  19: "h:mm:ss AM/PM",
  20: "h:mm",
  21: "h:mm:ss",
  22: "m/d/yy h:mm",
  37: "#,##0;(#,##0)",
  38: "#,##0;[Red](#,##0)",
  39: "#,##0.00;(#,##0.00)",
  40: "#,##0.00;[Red](#,##0.00)",
  45: "mm:ss",
  46: "[h]:mm:ss",
  47: "mm:ss.0",
  48: "##0.0E+0",
  49: "@",
};

/**
 * The kind that a built-in format shows: one that has a number and no code in the file. 27–36,
 * 50–58 and 71–81 belong to East Asian and Thai Excel. It has more than 15 branches because it is a
 * table.
 */
export function shownByBuiltIn(id: number): Shown {
  if (id === 46 || id === 79) return Shown.duration;
  if ((id >= 18 && id <= 21) || id === 32 || id === 33 || id === 45 || id === 47) return Shown.time;
  if (id === 75 || id === 76 || id === 78 || id === 80) return Shown.time;
  const date = (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58) || (id >= 71 && id <= 81);
  return date ? Shown.date : Shown.number;
}

/**
 * The kind that a number format shows. Its first section decides. Quoted text, escapes (`\d`),
 * fillers (`*d`), spacers (`_d`), colours, conditions and locales in brackets are not date codes.
 * `[h]`, `[mm]`, `[ss]` count elapsed time: a duration. `m` is a month, or a minute if it is next
 * to hours or seconds.
 *
 * `d.m.yyyy` is a date, `h:mm` a time, `[h]:mm` a duration, and `0.00" days"` a number.
 *
 * It has more than 15 branches because each kind of character has one.
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
      if (/^(h+|m+|s+)$/i.test(code.slice(i + 1, close))) return Shown.duration;
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
