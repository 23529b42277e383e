// Texts that a spreadsheet program would run, made harmless in text files, and brought back.
//
// Such a program takes a field that begins with one of a few characters for a formula. Where its own separator is another one than
// the file's, quotes in the middle of what it takes for a field protect nothing: it begins a field behind every separator of its
// own, and a record behind every line break. So a text has several places at which a field may begin: its own begin, and behind each
// of `;`, `|`, tab and line break. At each place where a formula would begin, also behind spaces and quotes, one apostrophe goes in
// front; and so it does where such a text has an apostrophe there already. Taking one off at each such place is the exact inverse.
// (packages/web/src/csv.js has the same rule for the browser; formulas.test.ts holds all writers to one table.)

const FORMULA = String.raw`=+\-@＝＋－＠`;
/** Where a field may begin, with what may stand in front of a formula there. */
const place = (begins: string): string =>
  String.raw`(?:(?<=^)(?=${begins}[ '"]*[${FORMULA}\t\r\n])|(?<=[;|\t\r\n])(?=${begins}[ '"]*[${FORMULA}]))`;

const FORMULAS = new RegExp(place(""), "g");
const GUARDED = new RegExp(place("'"), "g");
const GUARDS = new RegExp(`${place("'")}'`, "g");
const RUNS = new RegExp(place(""));

/** Whether a spreadsheet program would run the text, or a part of it, as a formula. */
export function runs(text: string): boolean {
  return RUNS.test(text);
}

/** With an apostrophe at each place where a formula would begin (if that is wanted), or seems to have got one already (always). */
export function guarded(text: string, guard: boolean): string {
  return text.replace(guard ? FORMULAS : GUARDED, "'");
}

/** The text that {@link guarded} was given, whether guards were wanted or not. */
export function unguarded(text: string): string {
  return text.replace(GUARDS, "");
}
