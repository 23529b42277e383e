// Which cell styles show their number as a date. Only that is read of styles.xml: number formats and the cellXfs list.
import type { Place } from "./errors.ts";
import { readPart } from "./part.ts";
import { xmlName, type Tokens } from "./xml.ts";

/** [style index] 1 where the style's number format is a date, a time or both. */
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
  const formats = new Map<number, boolean>();
  let styles = new Uint8Array(256);
  let count = 0;
  let section: "numFmts" | "cellXfs" | undefined;
  let sectionDepth = -1;
  // The format of an xf may be defined behind it, so the ids are kept until the end.
  const ids: number[] = [];
  const on = (tokens: Tokens, depth: number): void => {
    if (section === undefined) {
      for (const name of ["numFmts", "cellXfs"] as const)
        if (tokens.is(names[name])) [section, sectionDepth] = [name, depth];
    } else if (section === "numFmts" && tokens.is(names.numFmt)) {
      const code = tokens.value(names.formatCode);
      if (code !== undefined) formats.set(Number(tokens.value(names.numFmtId)), isDateFormat(code));
    } else if (section === "cellXfs" && tokens.is(names.xf) && depth === sectionDepth + 1) {
      ids.push(Number(tokens.value(names.numFmtId) ?? 0));
    }
  };
  const off = (depth: number): void => {
    if (depth === sectionDepth) [section, sectionDepth] = [undefined, -1];
  };
  await readPart(pieces, place, on, off);
  if (ids.length > styles.length) styles = new Uint8Array(ids.length);
  for (const id of ids) styles[count++] = (formats.get(id) ?? isBuiltInDate(id)) ? 1 : 0;
  return styles.subarray(0, count);
}

/** The formats that have a number and no code in the file; 27–36, 50–58 and 71–81 are dates of East Asian and Thai Excel. */
export function isBuiltInDate(id: number): boolean {
  return (
    (id >= 14 && id <= 22) ||
    (id >= 27 && id <= 36) ||
    id === 45 ||
    id === 47 ||
    (id >= 50 && id <= 58) ||
    (id >= 71 && id <= 81 && id !== 78)
  );
}

/**
 * Whether a number format shows a date or a time. Its first section decides. Quoted text, escapes (`\d`), fillers (`*d`),
 * spacers (`_d`), colours, conditions and locales in brackets are no date codes. `[h]`, `[mm]`, `[ss]` count elapsed time:
 * a duration, and so a number.
 */
export function isDateFormat(code: string): boolean {
  let date = false;
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
      if (/^(h+|m+|s+)$/i.test(code.slice(i + 1, close))) return false;
      i = close;
    } else if (code.slice(i, i + 7).toLowerCase() === "general") {
      i += 6;
    } else if (char === "e" && /[+-]/.test(code[i + 1] ?? "")) {
      i++;
    } else if ("ymdhse".includes(char) || (char === "b" && /^bb/i.test(code.slice(i)))) {
      date = true;
    } else if (char === "g" && /^g+/i.test(code.slice(i))) {
      date = true;
    }
  }
  return date;
}
