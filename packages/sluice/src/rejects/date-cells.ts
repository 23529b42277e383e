// Date cells in a text file of rejects: they are written as the reader gives them,
// `2024-01-02T00:00:00.000`, and are date cells again when the file is imported. A text that looks
// so gets an apostrophe in front, which is taken off then.

const DATE = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$`;
const LOOKS_SO = new RegExp(`^'*${DATE}`);
const MARKED = new RegExp(`^'+${DATE}`);
const DATE_CELL = new RegExp(`^${DATE}`);

/**
 * A text, marked if it could be taken for a date cell.
 * @param mark whether that is wanted; what has a mark gets one in any case
 */
export function markedText(text: string, mark: boolean): string {
  return (mark ? LOOKS_SO : MARKED).test(text) ? `'${text}` : text;
}

/** Reports whether a field is a date cell. */
export function isDateCell(field: string): boolean {
  return DATE_CELL.test(field);
}

/** The text that {@link markedText} was given. */
export function unmarkedText(field: string): string {
  return MARKED.test(field) ? field.slice(1) : field;
}
