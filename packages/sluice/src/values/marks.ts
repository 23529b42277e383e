// The texts that people write if a value is missing.
//
// A mark counts as missing only among values of one type: `NA` between numbers is not a value, and
// `NA` between the codes of countries is Namibia.

const MARKS: ReadonlySet<string> = new Set([
  ..."NA|N/A|#N/A|N.A.|N.A|n/v|n.v.|n.d.|n.d|k.A.|k. A.|s/d|s.d.|null|(null)|none|nil|nan|missing|not available|not applicable|no data"
    .toLowerCase()
    .split("|"),
  // "No data" and "not available" in other languages.
  ..."keine angabe|keine angaben|keine daten|non disponible|no disponible|sin datos|não disponível|sem dados".split(
    "|",
  ),
  ..."non disponibile|geen gegevens|brak danych|нет данных|н/д|н.д.|veri yok|无数据|無資料|データなし".split("|"),
  ..."– — … : x \\n <na> #null!".split(" "),
  // The shorthand of statistical offices: suppressed, not available, not applicable, low,
  // unreliable.
  ..."[c] [x] [z] [low] [u] [w] [-] [:] [..] (x) (z) (c) (d) (l) (s) (n) (na) (nm)".split(" "),
]);
/** One sign alone or as often as it fills a cell: `-`, `..`, `. .`, `*****`, `..........`. */
const SIGNS = /^([-.*])(?:\s?\1)*$/;
/** The marks in small letters, and one of each sign. */
export const MARK_SAMPLES: readonly string[] = [...MARKS, "-", ".", "*"];
const LONGEST = Math.max(...[...MARKS].map((mark) => mark.length));

/** Reports whether a text is a mark for a missing value, in capitals or not. */
export function isMark(text: string): boolean {
  return text.length <= LONGEST && (MARKS.has(text.toLowerCase()) || SIGNS.test(text));
}
