// A number as its format shows it, for `--text shown`. The formats of spreadsheets are a language,
// which numfmt knows.
import { format as formatNumber } from "numfmt";
import type { ShowNumber } from "@sluice/sheets";

/** Excel takes no longer code. */
const LONGEST_CODE = 255;

/**
 * The text without the blanks that fill a cell; undefined if the format is General, hides the
 * number, or cannot be read. Names of months and signs are those of English, unless the format
 * states another language.
 */
export const showNumber: ShowNumber = (value, code) => {
  if (/^(?:General|@)?$/i.test(code) || code.length > LONGEST_CODE) return undefined;
  try {
    const text = formatNumber(code, value, { dateErrorThrows: true, dateSpanLarge: false }).trim();
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
};
