// A number as its format shows it, for `--text shown`. The formats of spreadsheets are a language,
// which numfmt knows.
import { createRequire } from "node:module";
import type * as Numfmt from "numfmt";
import type { ShowNumber } from "@sluice/sheets";

/** Loaded when the first number is shown: few imports need it, and every one would wait for it. */
let numfmt: typeof Numfmt | undefined;

/** Excel takes no longer code. */
const LONGEST_CODE = 255;

/**
 * The text without the blanks that fill a cell; undefined if the format is General, hides the
 * number, or cannot be read. Names of months and signs are those of English, unless the format
 * states another language.
 */
export const showNumber: ShowNumber = (value, code) => {
  if (/^(?:General|@)?$/i.test(code) || code.length > LONGEST_CODE) return undefined;
  // Before the `try`: if the library is missing, that is an error, and not an unreadable format.
  numfmt ??= createRequire(import.meta.url)("numfmt") as typeof Numfmt;
  try {
    const text = numfmt.format(code, value, { dateErrorThrows: true, dateSpanLarge: false }).trim();
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
};
