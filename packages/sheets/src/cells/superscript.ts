// Superscript parts of texts, written with the superscript letters and digits of Unicode.

const PLAIN = "0123456789+-=()abcdefghijklmnoprstuvwxyz";
const RAISED = [..."⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"];
const raisedOf = new Map([...PLAIN].map((char, i) => [char, RAISED[i]!]));

/** `1` → `¹`. A character without a superscript in Unicode stays unchanged. */
export function raised(text: string): string {
  return [...text].map((char) => raisedOf.get(char) ?? char).join("");
}
