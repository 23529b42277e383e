// Doubts about the layout that was found: notes, each with the option that settles it.
import { columnLetters } from "../xlsx/text.ts";
import { namedValues } from "./above-header.ts";
import { isForm, isReport } from "./form.ts";
import type { HeadRow } from "./head-rows.ts";
import { gapInHeader, otherTable, type Layout } from "./header-row.ts";
import { scoreOf } from "./table-score.ts";

/** Columns without a name that are worth a note, and their share. */
const UNNAMED = 3;

/** Notes on a sheet of which the first rows are these. */
export function layoutDoubts(rows: readonly HeadRow[], layout: Layout): string[] {
  const records = rows.filter(({ number }) => number >= layout.firstRow);
  if (records.length === 0) return [];
  const notes: string[] = [];
  const filled = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  const named = new Set(layout.headers.map(({ sheetColumn }) => sheetColumn));
  const unnamed = [...filled].filter((column) => !named.has(column)).length;
  const { headerRows } = layout;
  if (headerRows.length > 0 && unnamed >= UNNAMED && unnamed * 2 >= filled.size)
    notes.push(
      `${unnamed} of ${filled.size} columns have no name in row ${headerRows.at(-1)}, so another row may be the header: --header N says which, --header none that there is none`,
    );
  notes.push(...datedNotes(rows, headerRows), ...oneColumnNotes(records));
  const { doubt } = scoreOf(records, layout);
  if (isForm(rows))
    notes.push(
      `this looks like a form, labels beside values, and not like a table: each of its rows is imported as a record. --range B2:K99 names a part that is a table, and --sheet NAME another sheet`,
    );
  else if (isReport(records, layout))
    notes.push(
      `this looks like a printed report, sections one below the other, and not like a table: each of its rows is imported as a record. --range B2:K99 names a part that is a table`,
    );
  else if (doubt !== undefined)
    notes.push(`this hardly looks like a table, for ${doubt}; --range B2:K99 names the part that is one`);
  notes.push(...stackedNotes(rows, layout, columnLetters(Math.max(...filled))));
  const gap = gapInHeader(layout, records);
  if (gap !== undefined) {
    const columns = [...named].sort((a, b) => a - b);
    const [left, right] = [columns.filter((column) => column < gap), columns.filter((column) => column > gap)];
    const range = (part: readonly number[]): string => `${columnLetters(part[0]!)}:${columnLetters(part.at(-1)!)}`;
    notes.push(
      `column ${columnLetters(gap)} is empty and parts the sheet in two tables: --range ${range(left)} takes one, --range ${range(right)} the other`,
    );
  }
  return notes;
}

/** Says that a header of a word and a date may be a remark, if nothing but words is below it. */
function datedNotes(rows: readonly HeadRow[], headerRows: readonly number[]): string[] {
  const at = rows.findIndex(({ number }) => number === headerRows[0]);
  const [row, next] = [rows[at], rows[at + 1]];
  if (!row || !next || headerRows.length > 1 || row.cells.length !== 2) return [];
  const date = namedValues(row)?.values.find(({ sort }) => sort === "date");
  if (!date || next.cells.length !== 2 || !next.cells.every(({ sort }) => sort === "text")) return [];
  return [
    `the name ${JSON.stringify(date.text)} is a date, so row ${row.number} may be a remark above the table: --header ${next.number} says that the names are in row ${next.number}`,
  ];
}

/** Says that another table begins below the first one, and how each is reached. */
function stackedNotes(rows: readonly HeadRow[], layout: Layout, lastColumn: string): string[] {
  const other = otherTable(rows, layout);
  if (!other) return [];
  const [first] = other.cells;
  const letter = columnLetters(first!.column);
  const begin = layout.headerRows[0] ?? layout.firstRow;
  // A title above the other table is not a part of the first one.
  const end = rows.slice(0, rows.indexOf(other)).findLast(({ cells }) => cells.length > 1)?.number ?? begin;
  return [
    `row ${other.number} (${JSON.stringify(first!.text)}, …) looks like the header of another table: --range ${letter}${begin}:${lastColumn}${end} takes the first one, --range ${letter}${other.number}:${lastColumn} that one`,
  ];
}

/** The share of rows that hold a delimiter equally often. */
const REGULAR = 0.8;

/** Says that all of a sheet is one column whose values hold a delimiter regularly. */
function oneColumnNotes(records: readonly HeadRow[]): string[] {
  const values = records.map(({ cells }) => cells);
  if (values.length < 2 || values.some((cells) => cells.length > 1)) return [];
  for (const delimiter of [",", ";", "\t", "|"]) {
    // Characters in quotes inside of the value do not part fields.
    const counts = values.map(([cell]) => cell!.text.replaceAll(/"[^"]*"/g, "").split(delimiter).length - 1);
    const usual = counts.toSorted((a, b) => a - b)[Math.floor(counts.length / 2)]!;
    if (usual === 0 || counts.filter((count) => count === usual).length < counts.length * REGULAR) continue;
    const quoted = values.some(([cell]) => cell!.text.includes(`${delimiter}"`));
    return [
      `all of it is one column, and its values hold ${JSON.stringify(delimiter)} ${usual} times each: ` +
        (quoted
          ? "the lines seem to be quoted as a whole, so save the file again without quotes around lines"
          : `if that parts columns, --delimiter ${JSON.stringify(delimiter)} says so`),
    ];
  }
  return [];
}
