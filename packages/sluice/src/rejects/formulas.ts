// Texts that a spreadsheet program would run, made harmless in text files, and brought back.
//
// Such a program takes a field that begins with one of a few characters for a formula. If its
// separator differs from the file's, quotes in the middle of what it takes for a field protect
// nothing. It begins a field after every one of its separators, and a record after every line
// break. So a field may begin at several places of a text: at its start, and after each of `;`,
// `|`, tab and line break. At each place where a formula would begin, also after spaces and quotes,
// one apostrophe goes in front. The same is done if such a text has an apostrophe there already.
// Taking one off at each such place is the exact inverse. (formulas.test.ts holds all writers to
// one table.)

const FORMULA = String.raw`=+\-@＝＋－＠`;
/** A place at which a field may begin, with the characters that may come before a formula there. */
const place = (begins: string): string =>
  String.raw`(?:(?<=^)(?=${begins}[ '"]*[${FORMULA}\t\r\n])|(?<=[;|\t\r\n])(?=${begins}[ '"]*[${FORMULA}]))`;

const FORMULAS = new RegExp(place(""), "g");
const GUARDED = new RegExp(place("'"), "g");
const GUARDS = new RegExp(`${place("'")}'`, "g");
const RUNS = new RegExp(place(""));

/** Reports whether a spreadsheet program would run the text, or a part of it, as a formula. */
export function runs(text: string): boolean {
  return RUNS.test(text);
}

/**
 * The text with an apostrophe at each place at which a formula would begin (if that is wanted), or
 * at which an apostrophe seems to have been added already (always).
 */
export function guarded(text: string, guard: boolean): string {
  return text.replace(guard ? FORMULAS : GUARDED, "'");
}

/** The text that {@link guarded} was given, whether guards were wanted or not. */
export function unguarded(text: string): string {
  return text.replace(GUARDS, "");
}
