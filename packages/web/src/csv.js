// Rejected rows as a CSV file (RFC 4180) that a spreadsheet can open without running anything.

const COLUMNS = ["sheet", "row", "column", "value", "code", "reason"];

/**
 * Where a spreadsheet program would begin a formula: at the begin of a text and, since its separator may be another one than the
 * comma, behind each of `;`, `|`, tab and line break. The rule is that of packages/sluice/src/formulas.ts.
 */
const FORMULAS = /(?<=^)(?=[ '"]*[=+\-@＝＋－＠\t\r\n])|(?<=[;|\t\r\n])(?=[ '"]*[=+\-@＝＋－＠])/g;

/**
 * The rows with a header line. A text that a spreadsheet would take for a formula gets an apostrophe in front, and the file
 * begins with a byte order mark, by which Excel knows that it is UTF-8.
 *
 * @param {readonly Record<string, string | number | undefined>[]} rejects as the server reports them
 * @returns {string}
 */
export function toCsv(rejects) {
  const lines = [COLUMNS, ...rejects.map((reject) => COLUMNS.map((name) => reject[name]))];
  return "\uFEFF" + lines.map((fields) => fields.map(toField).join(",") + "\r\n").join("");
}

/** @param {string | number | undefined} value */
function toField(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = value.replace(FORMULAS, "'");
  return /[",;|\t\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
