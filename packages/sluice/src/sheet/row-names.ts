// Delimited text whose rows have names: the header has no name for their column, and so one field
// fewer than each row. `write.table` of R writes such files, and R and pandas read them so.
//
//   "dose","weight"         not: dose    is c1, c2, …
//   "c1",0.5,12             but: column 1 is c1, c2, …
//   "c2",0.7,14                  dose    is 0.5, 0.7, …
//
// A remark to the right of the last name looks alike. So each row must have the field, and the
// first field must be a name or number of the row: texts that are all different, beside numbers
// alone; or 1, 2, 3, …, if the first name does not say that these are its own.
import type { Layout } from "./header-row.ts";
import type { HeadRow } from "./head-rows.ts";

/** The rows that tell. */
const LEAST_ROWS = 3;
/** A name of numbers that count the rows. */
const COUNTS = /^(?:[#№]|(?:row.?)?(?:no|nr|num|number|id|idx|index|rank|pos|position)\b.*|.*_id|n)$/i;

/**
 * The layout with names from the second column on, if the rows have names.
 *
 * @param delimiter of delimited text; in other sheets no row has fields
 */
export function withRowNames(rows: readonly HeadRow[], layout: Layout, delimiter: string | undefined): Layout {
  if (delimiter === undefined) return layout;
  const header = rows.find(({ number }) => number === layout.headerRows[0]);
  const records = rows.filter(({ number }) => number >= layout.firstRow);
  if (!header || layout.headerRows.length > 1 || records.length < LEAST_ROWS) return layout;
  const names = header.cells.length;
  const isOneFewer = header.width === names && records.every(({ width }) => width === names + 1);
  if (!isOneFewer || !records.some(({ cells }) => cells.at(-1)!.column === names + 1)) return layout;
  if (!areCounted(records, header.cells[0]!.text) && !areNamed(records)) return layout;
  return { ...layout, rowNames: true, headers: layout.headers.map((one) => ({ ...one, sheetColumn: one.sheetColumn + 1 })) }; // prettier-ignore
}

/** Whether the rows begin with 1, 2, 3, … or 0, 1, 2, …, and the first name does not say so. */
function areCounted(records: readonly HeadRow[], first: string): boolean {
  const begin = Number(records[0]!.cells[0]!.text);
  if (COUNTS.test(first) || (begin !== 0 && begin !== 1)) return false;
  return records.every(({ cells: [cell] }, n) => cell!.column === 1 && cell!.text === String(begin + n));
}

/** Whether the rows begin with texts that are all different, and all other cells are numbers. */
function areNamed(records: readonly HeadRow[]): boolean {
  const texts = records.map(({ cells: [cell] }) => (cell!.column === 1 && cell!.sort === "text" ? cell!.text : ""));
  if (texts.includes("") || new Set(texts).size < texts.length) return false;
  return records.every(({ cells }) =>
    cells.slice(1).every(({ sort, text }) => sort === "number" || text === "NA" || text === "NaN"),
  );
}
