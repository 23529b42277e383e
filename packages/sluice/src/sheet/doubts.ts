// Doubts about the layout that was found: notes, each with the option that settles it.
//
//   many columns without a name                 --header N, --header none
//   a header of a word and a date               --header N
//   names above the header, too                 --header N
//   one column, with delimiters in its values   --delimiter
//   an outline, one value in each row           --header N
//   a form, a printed report, no table at all   --range, or --sheet
//   another table below the first one           --range, one for each
//   tables side by side                         --range, one for each
//   titles of sections among the records        --add section
//   names in the first row of each group alone  --add row
//   groups above the header, not in its names   --header N-M
//
// A doubt changes nothing of the import. `sluice preview` shows it before any row goes in.
import { columnLetters } from "../xlsx/text.ts";
import { namedValues } from "./above-header.ts";
import { isForm, isReport } from "./form.ts";
import { groupColumns } from "./groups.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";
import { isLabel } from "./evidence.ts";
import { spansOf } from "./header-groups.ts";
import { otherTable, type Layout } from "./header-row.ts";
import { rowsText } from "./record-notes.ts";
import { isPrinted, usualCells } from "./records.ts";
import { isTitleRow, sectionRule } from "./sections.ts";
import { partedTables, repeatedBlocks, type Block } from "./side-by-side.ts";
import { scoreOf } from "./table-score.ts";

/** Columns without a name that are worth a note, and their share. */
const UNNAMED = 3;

/** The facts about a sheet that its rows do not show. */
interface About {
  /** True if the titles of sections have a column. */
  readonly sections?: boolean;
  /** True if the sheet is delimited text. */
  readonly isText?: boolean;
}

/** Notes on a sheet of which the first rows are these. */
export function layoutDoubts(
  rows: readonly HeadRow[],
  layout: Layout,
  { sections = false, isText = true }: About = {},
): string[] {
  const records = rows.filter(({ number }) => number >= layout.firstRow);
  if (records.length === 0) return [];
  const notes: string[] = [];
  const filled = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  const named = new Set(layout.headers.map(({ sheetColumn }) => sheetColumn));
  const unnamed = [...filled].filter((column) => !named.has(column)).length;
  const { headerRows } = layout;
  if (headerRows.length > 0 && unnamed >= UNNAMED && unnamed * 2 >= filled.size)
    notes.push(
      `${unnamed} of ${filled.size} columns have no name in row ${headerRows.at(-1)}, so another row may be the header: --header N (or N-M) says which, --header none that there is none`,
    );
  notes.push(
    ...datedNotes(rows, headerRows),
    ...namesAboveNotes(rows, layout),
    ...groupsAboveNotes(rows, layout),
    ...oneColumnNotes(records, isText),
  );
  const body = bodyOf(records);
  const { doubt } = scoreOf(body, layout);
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
  notes.push(...sideNotes(layout, records));
  if (!sections) notes.push(...sectionNotes(rows, records, layout));
  notes.push(...groupNotes(body, layout));
  return notes;
}

/** The rows up to the last one of several cells: of what is below, most are remarks. */
function bodyOf(records: readonly HeadRow[]): readonly HeadRow[] {
  const usual = usualCells(records.map(({ cells }) => cells.length));
  const last = records.findLastIndex(({ cells }) => cells.length > 1 && cells.length * 2 >= usual);
  return last < 0 ? records : records.slice(0, last + 1);
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

/**
 * Says that the row right above the header may be the header: it has a text in nearly all columns
 * that the header names, and so has the header.
 */
function namesAboveNotes(rows: readonly HeadRow[], layout: Layout): string[] {
  const { headerRows, passedOver } = layout;
  const at = rows.findIndex(({ number }) => number === headerRows[0]);
  const [above, header] = [rows[at - 1], rows[at]];
  if (!above || !header || above.number !== passedOver.at(-1)) return [];
  const areNames = [...above.cells, ...header.cells].every(({ sort }) => sort === "text");
  if (!areNames || above.cells.length < header.cells.length - 1 || groupsAbove(rows, layout)) return [];
  // A text alone in the first column is a title.
  if (above.cells.length === 1 && above.cells[0]!.column <= header.cells[0]!.column) return [];
  return [`row ${above.number} (${textsOf(above)}) may be the header as well: --header ${above.number} takes it`];
}

/** `"Name", "Born", "Pay", …` */
function textsOf({ cells }: HeadRow): string {
  const names = cells.slice(0, NAMES).map(({ text }) => JSON.stringify(text.slice(0, SHOWN)));
  return `${names.join(", ")}${cells.length > NAMES ? ", …" : ""}`;
}

/** The most rows from groups to the header below them. */
const GROUPS_APART = 2;

/**
 * The row above the header that may hold groups of its names, and is not a part of them. Two of
 * its cells or more are each over two names or more. Or one is, and another cell is over a column
 * without a name.
 */
function groupsAbove(rows: readonly HeadRow[], { headers, headerRows, passedOver }: Layout): HeadRow | undefined {
  const [header] = headerRows;
  const above = header === undefined ? undefined : rows.findLast(({ number }) => number < header);
  if (!above || above.number !== passedOver.at(-1) || above.number + GROUPS_APART < header!) return undefined;
  const areLabels = above.cells.every((cell) => isLabel(cell) && !/[:：]$/.test(cell.text));
  if (!areLabels || above.cells.length < 2 || namedValues(above)) return undefined;
  const { wide, down } = spansOf(above, headers.map(({ sheetColumn }) => sheetColumn)); // prettier-ignore
  return wide > 1 || (wide === 1 && down > 0) ? above : undefined;
}

/** Says that the row above the header may hold groups, which are left out of the names. */
function groupsAboveNotes(rows: readonly HeadRow[], layout: Layout): string[] {
  const above = groupsAbove(rows, layout);
  if (!above) return [];
  return [
    `row ${above.number} (${textsOf(above)}) above the header may name groups of columns, and is left out of the names: --header ${above.number}-${layout.headerRows.at(-1)} joins it to them`,
  ];
}

/** Names that a note shows. */
const NAMES = 3;

/** Says that tables are side by side, or that several columns have one name, with the ways out. */
function sideNotes(layout: Layout, records: readonly HeadRow[]): string[] {
  const blocks = withUnnamed(repeatedBlocks(layout), records);
  if (blocks.length > 0) {
    const names = [...new Set(layout.headers.map(({ text }) => text))];
    const more = names.length > NAMES ? ", …" : "";
    return [
      `the names ${names.slice(0, NAMES).map((name) => JSON.stringify(name)).join(", ")}${more} are there ${blocks.length} times side by side, and a number tells their columns apart: ${ranges(blocks)}`,
    ]; // prettier-ignore
  }
  const parted = partedTables(layout, records);
  if (parted.length === 0) return sharedNotes(layout);
  const empty = parted.slice(0, -1).map(([, last]) => columnLetters(last + 1));
  const [are, count] =
    empty.length === 1
      ? [`column ${empty[0]} is empty and parts`, "two"]
      : [`columns ${empty.join(", ")} are empty and part`, parted.length];
  return [...sharedNotes(layout), `${are} the sheet in ${count} tables: ${ranges(parted)}`];
}

/** The blocks with the filled columns left of each, which have no name. */
function withUnnamed(blocks: readonly Block[], records: readonly HeadRow[]): Block[] {
  const filled = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  return blocks.map(([first, last], n) => {
    let from = first;
    while (from - 1 > (blocks[n - 1]?.[1] ?? 0) && filled.has(from - 1)) from--;
    return [from, last];
  });
}

/** `--range A:B takes one, --range D:E the other` */
function ranges(blocks: readonly Block[]): string {
  const [first, second, ...others] = blocks.map(([from, to]) => `--range ${columnLetters(from)}:${columnLetters(to)}`);
  if (others.length === 0) return `${first} takes one, ${second} the other`;
  return `${first} takes the first one, ${second} the next one, ${others.length === 1 ? others[0] : `…, ${others.at(-1)}`} the last one`;
}

/** Says that columns have one name, so that a number tells them apart. */
function sharedNotes({ headers }: Layout): string[] {
  const columns = new Map<string, string[]>();
  for (const { text, sheetColumn } of headers)
    columns.set(text, [...(columns.get(text) ?? []), columnLetters(sheetColumn)]);
  const shared = [...columns].filter(([, letters]) => letters.length > 1);
  if (shared.length === 0) return [];
  const shown = shared
    .slice(0, NAMES)
    .map(([text, letters]) => `${JSON.stringify(text)} (${letters.slice(0, NAMES).join(", ")}${letters.length > NAMES ? ", …" : ""})`); // prettier-ignore
  const more = shared.length > NAMES ? ` and ${shared.length - NAMES} more` : "";
  return [`several columns have the name ${shown.join(", ")}${more}, and a number tells them apart`];
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

/** Cells of records, from which on a line of one text is more than a record with little in it. */
const SECTION_CELLS = 3;

/** Says which lines of one text, as titles of sections are, are among the records. */
function sectionNotes(rows: readonly HeadRow[], records: readonly HeadRow[], layout: Layout): string[] {
  const wide = records.filter(({ cells }) => cells.length > 1).map(({ cells }) => cells.length);
  if (isReport(records, layout) || usualCells(wide) < 2) return [];
  const above = rows.filter(({ number }) => number < layout.firstRow);
  const isTitle = ({ cells }: HeadRow): boolean => above.some((row) => repeatsRow(row.cells, cells));
  // Lines below the table are no titles, nor are those of a legend.
  const usual = usualCells(wide);
  const last = records.findLastIndex(({ cells }) => cells.length > 1 && cells.length * 2 >= usual);
  // A year alone is a title too, if no row with more cells has something in its column.
  const filled = new Set(records.filter(({ cells }) => cells.length > 1).flatMap(({ cells }) => cells.map(({ column }) => column))); // prettier-ignore
  // Of two cells, one is missing in many a record, but not in the first one.
  const looked = usual < SECTION_CELLS ? Math.min(1, last) : last;
  const lone = records.slice(0, looked).filter(({ cells: [cell, ...others] }, n) => {
    const isAgain = isTitle(records[n + 1]!) || above.some(({ cells }) => cells[0]!.text === cell!.text);
    const isSection = cell!.sort === "text" ? !isPrinted(cell!.text) : !filled.has(cell!.column);
    return others.length === 0 && isSection && !isAgain;
  });
  const [first] = lone;
  if (!first || lone.length > wide.length) return [];
  const found = rowsText({ count: lone.length, rows: lone.map(({ number }) => number) });
  const [hold, are, it] = lone.length === 1 ? ["holds", "a title of a section does, and is", "it"] : ["hold", "titles of sections do, and are", "them"]; // prettier-ignore
  const rule = sectionRule(records) ?? { begin: 0 };
  const advice = lone.every((row) => isTitleRow(row, rule)) ? `; --add section puts ${it} in a column of the rows below` : ""; // prettier-ignore
  return [
    `${found} ${hold} one ${first.cells[0]!.sort === "text" ? "text" : "value"} alone (${JSON.stringify(first.cells[0]!.text.slice(0, SHOWN))}), as ${are} imported${advice}`,
  ];
}

/**
 * Whether a row repeats one above the records: it begins with the same text, and ends with it too.
 * `Total` over `Men` and `Women` is not the title of a record that is called `Total`.
 */
function repeatsRow(above: readonly HeadCell[], cells: readonly HeadCell[]): boolean {
  return above[0]!.text === cells[0]!.text && (cells.length === 1 || above.at(-1)!.text === cells.at(-1)!.text);
}

/**
 * Says which columns have a value in the first row of each group of records alone, or in another
 * one.
 */
function groupNotes(records: readonly HeadRow[], { headers }: Layout): string[] {
  const columns = groupColumns(records);
  if (columns.length === 0) return [];
  const nameOf = new Map(headers.map(({ sheetColumn, text }) => [sheetColumn, text]));
  const names = columns.map((column) => JSON.stringify(nameOf.get(column) ?? `column_${column}`));
  const [name, has] = names.length === 1 ? ["the column", "has"] : ["the columns", "have"];
  const first = records.find(({ cells }) => cells.length > 1)!;
  if (!first.cells.some(({ column }) => columns.includes(column)))
    return [
      `${name} ${names.join(", ")} ${has} a value in one row of each group, as it seems, and ${names.length === 1 ? "is" : "are"} empty in the others, which nothing else tells apart; row ${first.number} has none, so that the value may be in the middle of its group, and filling downwards would be wrong; --add row keeps the order of the rows`,
    ];
  return [
    `${name} ${names.join(", ")} ${has} a value in the first row of each group, as it seems, and ${names.length === 1 ? "is" : "are"} empty in the others, which nothing else tells apart; --add row keeps the order of the rows, by which they can be filled`,
  ];
}

/** Characters of a title that a note shows. */
const SHOWN = 60;

/** The share of rows that hold a delimiter equally often. */
const REGULAR = 0.8;

/** Says that all of a sheet is one column whose values hold a delimiter regularly. */
function oneColumnNotes(records: readonly HeadRow[], isText: boolean): string[] {
  const values = records.map(({ cells }) => cells);
  if (values.length < 2 || values.some((cells) => cells.length > 1)) return [];
  const columns = new Set(values.map(([cell]) => cell!.column)).size;
  const all = columns === 1 ? "all of it is one column, and its values hold" : "each row has one value, and these hold";
  for (const delimiter of [",", ";", "\t", "|"]) {
    // Characters in quotes inside of the value do not part fields.
    const counts = values.map(([cell]) => cell!.text.replaceAll(/"[^"]*"/g, "").split(delimiter).length - 1);
    const usual = counts.toSorted((a, b) => a - b)[Math.floor(counts.length / 2)]!;
    if (usual === 0 || counts.filter((count) => count === usual).length < counts.length * REGULAR) continue;
    const quoted = values.some(([cell]) => cell!.text.includes(`${delimiter}"`));
    return [
      `${all} ${JSON.stringify(delimiter)} ${usual} times each: ` +
        (!isText
          ? `if that parts columns, part them in a spreadsheet first ("Text to Columns")`
          : quoted
            ? "the lines seem to be quoted as a whole, so save the file again without quotes around lines"
            : `if that parts columns, --delimiter ${JSON.stringify(delimiter)} says so`),
    ];
  }
  const printed = values.filter(([cell]) => PRINTED.test(cell!.text)).length;
  if (values.length < PRINTED_LINES || printed * 3 < values.length) return [];
  return [
    `all of it is one column, and its texts look like the lines of a printed report, so they are imported as they are: part them in a spreadsheet first ("Text to Columns"), or import the data that the report was made of`,
  ];
}

/** Lines of a report: points that lead to a number, or a word before two numbers or more. */
const PRINTED = /(?:\. ?){4}.*\d|\p{L}.* \d[\d.,]*%? [\d.,% -]*\d%?$/u;
/** Lines that a printed report has at least; a third of them are such. */
const PRINTED_LINES = 20;
