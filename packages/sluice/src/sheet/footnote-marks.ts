// Footnote marks in headers: `Population¹`, `GDP ⁽²⁾ (%)`. They refer to a remark and do not belong
// to the name.
//
// `km²`, `R²` and `10³` have no mark: a mark comes after a word of three letters or more, a year, a
// bracket or a percent sign. Parts of a cell that are set as superscripts come here as Unicode's
// superscripts.

const ONE = "[⁽(]?[⁰¹²³⁴⁵⁶⁷⁸⁹ᵃ-ᶻⁱⁿʰʲˡʳˢʷˣʸ]{1,3}[⁾)]?";
const MARK = new RegExp(
  `(?<=(\\p{L}{3,}|\\b(?:19|20)\\d\\d|[)\\]%]))\\s?(?:${ONE})(?:[,;⁾\\s]{0,2}${ONE})*(?=$|[\\s)\\]/,:])`,
  "gu",
);
const UNIT = /^(?:met(?:er|re)s?|foot|feet|inch(?:es)?|yards?|miles?|sec|seconds?)$/i;

/** A header without its marks. */
export function withoutMarks(text: string): string {
  return text
    .replaceAll(MARK, (mark: string, before: string) => (/^[²³]$/.test(mark.trim()) && UNIT.test(before) ? mark : ""))
    .trim();
}
