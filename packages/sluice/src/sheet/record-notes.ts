// Notes about rows that are not records, and about rows that may not be.
//
//   row 9 ("Total") is a total, the sum of the rows above, and is left out (--all-rows keeps …)
//   B2:B9 is merged, and its rows below the first are empty there; --fill-merged fills them
import { grouped } from "../grouped.ts";
import { columnLetters } from "../xlsx/text.ts";
import type { MergedDown } from "./merged.ts";
import type { Layout } from "./header-row.ts";
import type { PreparedRows } from "./prepared.ts";
import type { LeftOut, OtherTitle, OtherTitles, WhyLeftOut } from "./records.ts";
import type { TotalRow } from "./totals.ts";

/** Rows that a note names one by one. */
const NAMED = 6;
/** Totals that are named with their labels. */
const LABELS = 3;

/** Words for rows that are not records, for one row and for several. */
const WHAT: Readonly<Record<WhyLeftOut, readonly [one: string, several: string]>> = {
  repeats: ["repeats the header, or what stands above it,", "repeat the header, or what stands above it,"],
  page: ["holds a page number", "hold page numbers"],
  line: ["is a drawn line", "are drawn lines"],
  mark: ["holds the end mark U+001A alone", "hold the end mark U+001A alone"],
  total: ["is a total, the sum of the rows above,", "are totals, the sums of the rows above,"],
  section: [
    "holds the title of a section, which the records below it get,",
    "hold titles of sections, which the records below them get,",
  ],
  below: ["below the table is a remark", "below the table are remarks"],
  last: ["is one of the last, which --skip-last names,", "are the last, which --skip-last names,"],
};
/** The reasons for which the text of the first row is shown. */
const WITH_TEXT: ReadonlySet<WhyLeftOut> = new Set(["page", "total", "section", "below", "last"]);

/** The notes, one for each reason. `doubtful` are rows at the end that are kept. */
export function leftOutNotes(
  leftOut: readonly LeftOut[],
  doubtful: Omit<LeftOut, "why"> | undefined,
  otherTitles: OtherTitles,
): string[] {
  const notes = leftOut.map(({ why, count, rows, text }) => {
    const shown = WITH_TEXT.has(why) && text !== "" ? ` (${JSON.stringify(text)})` : "";
    const [what, are] = count === 1 ? [WHAT[why][0], "is"] : [WHAT[why][1], "are"];
    const keep = why === "last" ? "" : " (--all-rows keeps every row)";
    return `${rowsText({ count, rows })}${shown} ${what} and ${are} left out${keep}`;
  });
  notes.push(...titleNotes(otherTitles));
  if (doubtful) {
    const [hold, are] = doubtful.count === 1 ? ["holds", "is"] : ["hold", "are"];
    notes.push(
      `${rowsText(doubtful)} at the end ${hold} one cell (${JSON.stringify(doubtful.text)}) and ${are} imported; --skip-last ${doubtful.count} leaves ${doubtful.count === 1 ? "it" : "them"} out`,
    );
  }
  return notes;
}

/** Says which lines may be titles of other tables, and which range takes each of these. */
function titleNotes({ count, first: titles }: OtherTitles): string[] {
  const [first, next] = titles;
  if (!first) return [];
  const columns = `A${first.header}:${columnLetters(first.lastColumn)}`;
  if (first.row === first.header) return [frontNote(count, titles, columns)];
  if (!next)
    return [
      `row ${first.row} (${JSON.stringify(first.text)}) above a repeated header may be the title of another table: --range 1:${first.row - 1} takes what is above it, --range ${columns} what is below; --add section puts it in a column of the rows below`,
    ];
  const rows = rowsText({ count, rows: titles.map(({ row }) => row) });
  return [
    `${rows} (${JSON.stringify(first.text)}, ${JSON.stringify(next.text)}${count > 2 ? ", …" : ""}) above repeated headers may be titles of other tables: --range 1:${first.row - 1} takes what is above them, --range ${columns}${next.row - 1} the next table, and so on; --add section puts them in a column of the rows below`,
  ];
}

/** Says which headers have other titles in their first cells. */
function frontNote(count: number, titles: readonly OtherTitle[], columns: string): string {
  const [first, next] = [titles[0]!, titles[1]];
  const rows = rowsText({ count, rows: titles.map(({ row }) => row) });
  const [repeat, a] = next ? ["repeat the header with other titles in front", "the next"] : ["repeats the header with another title in front", "the other"]; // prettier-ignore
  const named = next ? `${JSON.stringify(first.text)}, ${JSON.stringify(next.text)}${count > 2 ? ", …" : ""}` : JSON.stringify(first.text); // prettier-ignore
  return `${rows} ${repeat} (${named}): --add section puts these in a column of the rows below, --range 1:${first.row - 1} takes what is above, --range ${columns}${next ? next.row - 1 : ""} ${a} table`;
}

/** Says that cells are merged downwards, so that all rows but the first are empty there. */
export function mergedNote(unfilled: readonly MergedDown[]): string[] {
  if (unfilled.length === 0) return [];
  const name = ({ column, firstRow, lastRow }: MergedDown): string =>
    `${columnLetters(column)}${firstRow}:${columnLetters(column)}${lastRow}`;
  const more = unfilled.length > LABELS ? ` and ${unfilled.length - LABELS} more` : "";
  const are =
    unfilled.length === 1
      ? "is merged, and its rows below the first are"
      : "are merged, and their rows below the first are";
  return [`${unfilled.slice(0, LABELS).map(name).join(", ")}${more} ${are} empty there; --fill-merged fills them`];
}

/** Rows that are called totals and stay records, since nothing proves it. */
export function keptTotalsNote(totals: readonly TotalRow[]): string[] {
  const kept = totals.filter(({ proven }) => !proven);
  if (kept.length === 0) return [];
  const labels = [...new Set(kept.map(({ label }) => JSON.stringify(label)))];
  const more = labels.length > LABELS ? ", …" : "";
  const rows = rowsText({ count: kept.length, rows: kept.map(({ row }) => row) });
  const [looks, are] = kept.length === 1 ? ["looks like a total", "is"] : ["look like totals", "are"];
  return [
    `${rows} (${labels.slice(0, LABELS).join(", ")}${more}) ${looks} and ${are} imported: the numbers are not the sums of the rows above`,
  ];
}

/** Says which rows at the end are prepared, and not filled in. */
export function preparedNote(
  prepared: PreparedRows | undefined,
  { headers, headerRows, firstRow: first }: Layout,
): string[] {
  if (!prepared) return [];
  const { firstRow, lastRow, count, columns } = prepared;
  const nameOf = new Map(headers.map(({ sheetColumn, text }) => [sheetColumn, text]));
  const names = columns.map((column) => JSON.stringify(nameOf.get(column) ?? `column_${column}`)).join(", ");
  const last = columnLetters(Math.max(...nameOf.keys(), ...columns));
  return [
    `${grouped(count)} rows at the end (${firstRow} to ${lastRow}) hold the same in the column${columns.length === 1 ? "" : "s"} ${names} and nothing else, as rows do that are prepared and not filled in, and are imported; --range A${headerRows[0] ?? first}:${last}${firstRow - 1} leaves them out`,
  ];
}

/** `row 4`, `rows 4 and 7`, `rows 7 to 10`, `12 rows, the first of them 3, 9, 15` */
export function rowsText({ count, rows }: { readonly count: number; readonly rows: readonly number[] }): string {
  if (count === 1) return `row ${rows[0]}`;
  const last = rows.at(-1)!;
  if (rows.length === count && last === (rows[0] ?? last) + count - 1)
    return count === 2 ? `rows ${rows[0]} and ${last}` : `rows ${rows[0]} to ${last}`;
  if (count <= NAMED) return `rows ${rows.slice(0, -1).join(", ")} and ${last}`;
  return `${grouped(count)} rows (${rows.slice(0, NAMED).join(", ")}, …)`;
}
