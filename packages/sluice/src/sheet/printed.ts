// What printed pages and drawn tables have between their rows: the number of a page, and lines.
import type { HeadRow } from "./head-rows.ts";

const PAGE =
  /^(?:page|seite|página|pagina|page no\.?|stránka|strona|sida|side|сторінка|страница|стр\.?|p\.)\s*\d+(?:\s*(?:of|von|de|di|z|из|\/)\s*\d+)?$/i;
const LINE = /^(?=.{3})[-=_*+|.~#\s─━═]+$/;
/** The signs that a line over several columns may have. */
export const DRAWN_SIGNS = ":-=_~+─━═";
/** Such a line in one column: `-----`, or `:---:` as Markdown has it. */
const PART = /^:?[-=_~+─━═]{2,}:?$/;

/** Reports whether a text is the number of a page: `Page 3`, `Seite 1 von 2`. */
export function isPageNumber(text: string): boolean {
  return PAGE.test(text);
}

/**
 * Reports whether the texts of a row are a line: signs in its one cell, or in each of several. Two
 * signs alone may be marks for missing values.
 */
export function isDrawn(texts: readonly string[]): boolean {
  if (texts.length === 1) return LINE.test(texts[0]!);
  return texts.every((text) => PART.test(text)) && texts.some((text) => text.length > 2);
}

/** Reports whether a row of the sheet's top is such a line. */
export function isDrawnRow({ cells }: HeadRow): boolean {
  return isDrawn(cells.map(({ text }) => text));
}

/** Reports whether a lone text belongs to printed pages: a page's number, a drawn line. */
export function isPrinted(text: string): boolean {
  return isDrawn([text]) || isPageNumber(text);
}
