// How a row is compared with the header, or a title above it, that it may repeat on the next page.
//
//   Sales 2024 | Page 1 of 3        Sales 2024 (continued) | Page 2 of 3     the same title
//   Item       | Units sold         ITEM                   | Units Sold      the same header
//   2024-01-01T00:00:00.000         2024-01-01                               the same date

const WORDS =
  "continued|cont(?:'?d)?\\.?|fortsetzung|forts\\.|suite|continuaci[oó]n|continua(?:ção|zione)?|vervolg|ciąg dalszy|c\\.d\\.|продолжение|続き|续";
const CONTINUED = new RegExp(`\\s*(?:[,:;–—-]\\s*[([]?|[([])(?:${WORDS})[)\\]]?$|\\s(?:continued|fortsetzung)$`, "u");
const PAGE =
  /(?<!\p{L})(page|seite|p[aá]gina|strona|sida|side|страница|стр\.|p\.) ?\d+(?: ?(?:of|von|de|di|z|из|\/) ?\d+)?/gu;

/**
 * A text as it is compared: in small letters, without what differs from page to page. One letter
 * stays, since it may be a code.
 */
export function foldRepeat(text: string): string {
  if (text.length === 1) return text;
  const folded = text.toLowerCase().replace("t00:00:00.000", "").replaceAll(" / ", " ");
  const page = /\d/.test(folded) ? folded.replaceAll(PAGE, "$1") : folded;
  return page.replace(CONTINUED, "") || page;
}

/** Whether a text may be this one when it is folded. It costs little, and few texts are. */
export function beginsLike(text: string, folded: string): boolean {
  const length = Math.min(4, folded.length);
  return text.slice(0, length).toLowerCase() === folded.slice(0, length).toLowerCase();
}
