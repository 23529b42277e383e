// Doubts about the layout that was found: notes, each with the option that settles it.
//
//   many columns without a name                 --header N, --header none
//   a header of a word and a date               --header N
//   names above the header, too                 --header N
//   one column, with delimiters in its values   --delimiter
//   an outline, one value in each row           --header N
//   a form, a report, a calendar, no table      --range, or --sheet
//   another table below the first one           --range, one for each
//   tables side by side                         --range, one for each
//   blocks of rows that do not go together      --range, one for each
//   titles of sections among the records        --add section
//   names in the first row of each group alone  --add row
//   a level of an outline in each of several    --add row
//   rows with a number alone                    --range
//   groups above the header, not in its names   --header N-M
//   a name that is a value                      --header none
//
// A doubt changes nothing of the import. `sluice preview` shows it before any row goes in.
import { columnLetters } from "../xlsx/text.ts";
import { namedValues } from "./above-header.ts";
import { isForm, isReport, isTurned, weekRows } from "./form.ts";
import { groupColumns, leadingGroups } from "./groups.ts";
import { levelColumns } from "./levels.ts";
import { oddBlocks, type OddBlock } from "./blocks.ts";
import { HEAD_ROWS, type HeadCell, type HeadRow } from "./head-rows.ts";
import { cellsByColumn, isLabel, isYear, seriesIn, sortBelow } from "./evidence.ts";
import { spansOf } from "./header-groups.ts";
import { otherTable, type Layout } from "./header-row.ts";
import { rowsText } from "./record-notes.ts";
import { isPrinted } from "./printed.ts";
import { usualCells } from "./records.ts";
import { isTitleRow, sectionRule, type SectionRule } from "./sections.ts";
import { blockBeside, lowerTable, partedTables, repeatedBlocks, type Block, type BlockBeside } from "./side-by-side.ts";
import { scoreOf } from "./table-score.ts";

/** Columns without a name that are worth a note, and their share. */
const UNNAMED = 3;

/** The facts about a sheet that its rows do not show. */
interface About {
  /** True if the titles of sections have a column. */
  readonly sections?: boolean;
  /** True if the sheet is delimited text. */
  readonly isText?: boolean;
  /** The columns with cells that are merged downwards, of which another note speaks. */
  readonly merged?: ReadonlySet<number>;
}

/** Notes on a sheet of which the first rows are these. */
export function layoutDoubts(
  rows: readonly HeadRow[],
  layout: Layout,
  { sections = false, isText = true, merged = new Set() }: About = {},
): string[] {
  const records = rows.filter(({ number }) => number >= layout.firstRow);
  if (records.length === 0) return [];
  const notes: string[] = [];
  const filled = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  const named = new Set(layout.headers.map(({ sheetColumn }) => sheetColumn));
  const beside = blockBeside(layout, records);
  const [from, to] = beside?.block ?? [0, -1];
  const unnamed = [...filled].filter((column) => !named.has(column) && (column < from || column > to)).length;
  const { headerRows } = layout;
  if (headerRows.length > 0 && unnamed >= UNNAMED && unnamed * 2 >= filled.size)
    notes.push(
      `${unnamed} of ${filled.size} columns have no name in row ${headerRows.at(-1)}, so another row may be the header: --header N (or N-M) says which, --header none that there is none`,
    );
  const dated = datedNotes(rows, headerRows);
  notes.push(
    ...(dated.length > 0 ? dated : valueNameNotes(rows, records, layout)),
    ...namesAboveNotes(rows, layout),
    ...groupsAboveNotes(rows, layout),
    ...oneColumnNotes(rows, records, layout, isText),
  );
  const body = bodyOf(records);
  const lastColumn = columnLetters(Math.max(...filled));
  const kind = kindNote(rows, layout);
  const levels = levelColumns(body);
  const { doubt } = scoreOf(body, layout);
  if (kind !== undefined) notes.push(kind);
  // Of an outline, each column has few values.
  else if (doubt !== undefined && levels.length === 0)
    notes.push(`this hardly looks like a table, for ${doubt}; --range B2:K99 names the part that is one`);
  const other = otherTable(rows, layout);
  if (other) notes.push(stackedNote(rows, layout, other, lastColumn));
  const side = sideNotes(layout, records, other);
  notes.push(...(side.length === 0 && beside && kind === undefined ? [besideNote(beside)] : side), ...lostNotes(rows));
  // In what is not a table, no row is worth a word.
  if (kind !== undefined) return notes;
  const own = body.filter(({ number }) => number < (other?.number ?? Number.POSITIVE_INFINITY));
  if (levels.length > 0) notes.push(levelsNote(levels, layout));
  else {
    if (!sections) notes.push(...sectionNotes(rows, records, layout));
    notes.push(...groupNotes(own, layout, merged));
  }
  const blocks = oddBlocks(own);
  if (blocks.length > 0) notes.push(blocksNote(blocks, layout, lastColumn));
  notes.push(...loneValueNotes(records, layout, lastColumn), ...preparedNotes(records, layout, lastColumn));
  notes.push(...unfilledNotes(rows, layout, filled));
  return notes;
}

/** Says that the sheet is a form, a printed report, a turned table or a calendar. */
function kindNote(rows: readonly HeadRow[], layout: Layout): string | undefined {
  const records = rows.filter(({ number }) => number >= layout.firstRow);
  const each = "each of its rows is imported as a record. --range B2:K99 names a part that is a table";
  if (isForm(rows))
    return `this looks like a form, labels beside values, and not like a table: ${each}, and --sheet NAME another sheet`;
  if (isReport(records, layout))
    return `this looks like a printed report, sections one below the other, and not like a table: ${each}`;
  if (isTurned(records) && !otherTable(rows, layout))
    return `the values of each row are of one kind, and those of each column are not, so the columns may be the records. Rows are imported as records: turn the table in a spreadsheet first ("Paste Special", "Transpose")`;
  const weeks = weekRows(records);
  if (weeks.length === 0) return undefined;
  return `this looks like a calendar, and not like a table: ${rowsText({ count: weeks.length, rows: weeks })} count on from cell to cell, as days do, and ${each}, and --sheet NAME another sheet`;
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
  const [before, above] =
    header === undefined ? [] : [undefined, ...rows.filter(({ number }) => number < header)].slice(-2);
  if (!above || above.number !== passedOver.at(-1) || above.number + GROUPS_APART < header!) return undefined;
  const areLabels = above.cells.every((cell) => isLabel(cell) && !/[:：]$/.test(cell.text));
  if (!areLabels || above.cells.length < 2 || namedValues(above)) return undefined;
  // Names with their values, in the columns that the row before has as well.
  const columns = new Set(before?.cells.map(({ column }) => column));
  if (before?.number === above.number - 1 && above.cells.every(({ column }) => columns.has(column))) return undefined;
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
function sideNotes(layout: Layout, records: readonly HeadRow[], other: HeadRow | undefined): string[] {
  const blocks = withUnnamed(repeatedBlocks(layout), records);
  if (blocks.length > 0) {
    const names = [...new Set(layout.headers.map(({ text }) => text))];
    const more = names.length > NAMES ? ", …" : "";
    return [
      `the names ${names.slice(0, NAMES).map((name) => JSON.stringify(name)).join(", ")}${more} are there ${blocks.length} times side by side, and a number tells their columns apart: ${ranges(blocks)}`,
    ]; // prettier-ignore
  }
  const lower = lowerTable(layout, records);
  // A row that names columns below the first ones as well is the header of another table below.
  if (lower && lower.row !== other?.number) {
    const { row, names, block } = lower;
    const columns = layout.headers.map(({ sheetColumn }) => sheetColumn);
    const first = [Math.min(...columns), Math.max(...columns)].map(columnLetters).join(":");
    const [from, to] = block.map(columnLetters);
    return [
      `row ${row} (${textsOf({ number: row, cells: names })}) looks like the header of a table beside the first one: --range ${first} takes the first one, --range ${from}${row}:${to} that one`,
    ];
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

/** Says that a block of cells is beside the table, and how each is reached. */
function besideNote({ table, block, firstRow, lastRow }: BlockBeside): string {
  const [from, to] = block.map(columnLetters);
  return `columns ${from} to ${to} are apart from the others and hold something in rows ${firstRow} to ${lastRow} alone, so that may be another table: --range ${table.map(columnLetters).join(":")} takes the first one, --range ${from}${firstRow}:${to}${lastRow} that one`;
}

/** What programs write for a letter that they cannot read. */
const LOST = "\uFFFD";

/** Says that letters were lost before the file came here. */
function lostNotes(rows: readonly HeadRow[]): string[] {
  const lost = rows.flatMap(({ cells }) => cells.filter(({ text }) => text.includes(LOST)));
  const [first] = lost;
  if (!first) return [];
  const word = first.text.split(" ").find((one) => one.includes(LOST))!;
  const [hold, are] = lost.length === 1 ? ["cell holds", "a letter was"] : ["cells hold", "letters were"];
  const of = rows.length < HEAD_ROWS ? "" : ` of the first ${HEAD_ROWS} rows`;
  return [
    `${lost.length} ${hold.replace(" ", `${of} `)} ${JSON.stringify(LOST)} (${JSON.stringify(word.slice(0, SHOWN))}): ${are} lost when the file was made, and only its source has them`,
  ];
}

/** The blocks with the filled columns left of each, which have no name. */
function withUnnamed(blocks: readonly Block[], records: readonly HeadRow[]): Block[] {
  const filled = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  return blocks.map(([first, last], n) => {
    // What is left of all blocks are the names of the rows.
    let from = n === 0 ? Math.min(first, ...filled) : first;
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
function stackedNote(rows: readonly HeadRow[], layout: Layout, other: HeadRow, lastColumn: string): string {
  const begin = layout.headerRows[0] ?? layout.firstRow;
  const at = rows.indexOf(other);
  const above = rows.slice(0, at).filter(({ number }) => number >= begin);
  // A title above the other table is not a part of the first one.
  const end = above.findLast(({ cells }) => cells.length > 1)?.number ?? begin;
  // The first column may have no name.
  const [letter, otherLetter] = [above.filter(({ number }) => number <= end), rows.slice(at, at + NEXT_ROWS)].map((part) =>
    columnLetters(Math.min(...part.map(({ cells }) => cells[0]!.column))),
  );
  return `row ${other.number} (${JSON.stringify(other.cells[0]!.text)}, …) looks like the header of another table: --range ${letter}${begin}:${lastColumn}${end} takes the first one, --range ${otherLetter}${other.number}:${lastColumn} that one`;
} // prettier-ignore

/** Rows from the header of another table on, which show where it begins. */
const NEXT_ROWS = 4;

/** Cells of records, from which on a line of one text is more than a record with little in it. */
const SECTION_CELLS = 3;

/** The least number of such lines in a column of texts: fewer are records. */
const INSIDE = 3;

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
  const rule: SectionRule = sectionRule(records) ?? { begin: 0 };
  // Of two cells, one is missing in many a record, but not in the first one.
  const looked = usual < SECTION_CELLS ? Math.min(1, last) : last;
  const found = records.slice(0, looked).filter(({ cells: [cell, ...others] }, n) => {
    const isAgain = isTitle(records[n + 1]!) || above.some(({ cells }) => cells[0]!.text === cell!.text);
    const isSection = cell!.sort === "text" ? !isPrinted(cell!.text) : !filled.has(cell!.column);
    return others.length === 0 && isSection && !isAgain;
  });
  // Right of the first column of records, few texts among texts are records with little in them.
  const isInside = ({ cells: [cell] }: HeadRow): boolean =>
    cell!.column > rule.begin && rule.texts?.includes(cell!.column) === true;
  const lone = found.filter(isInside).length < INSIDE ? found.filter((row) => !isInside(row)) : found;
  const [first] = lone;
  if (!first || lone.length > wide.length) return [];
  const which = foundRows(rows, lone);
  const [hold, are, it] = lone.length === 1 ? ["holds", "a title of a section does, and is", "it"] : ["hold", "titles of sections do, and are", "them"]; // prettier-ignore
  const advice = lone.every((row) => isTitleRow(row, rule)) ? `; --add section puts ${it} in a column of the rows below` : ""; // prettier-ignore
  return [
    `${which} ${hold} one ${first.cells[0]!.sort === "text" ? "text" : "value"} alone (${JSON.stringify(first.cells[0]!.text.slice(0, SHOWN))}), as ${are} imported${advice}`,
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
function groupNotes(records: readonly HeadRow[], layout: Layout, merged: ReadonlySet<number>): string[] {
  const isOpen = (column: number): boolean => !merged.has(column);
  const columns = groupColumns(records).filter(isOpen);
  const leading = columns.length > 0 ? [] : leadingGroups(records).filter(isOpen);
  if (columns.length + leading.length === 0) return [];
  const [are, have, names] = namesOf([...columns, ...leading], layout);
  const first = records.find(({ cells }) => cells.length > 1)!;
  if (leading.length > 0)
    return [
      `${names} ${have} a value in the first row of each group, as it seems, and ${are} empty in the others; --add row keeps the order of the rows, by which they can be filled`,
    ];
  if (!first.cells.some(({ column }) => columns.includes(column)))
    return [
      `${names} ${have} a value in one row of each group, as it seems, and ${are} empty in the others, which nothing else tells apart; row ${first.number} has none, so that the value may be in the middle of its group, and filling downwards would be wrong; --add row keeps the order of the rows`,
    ];
  return [
    `${names} ${have} a value in the first row of each group, as it seems, and ${are} empty in the others, which nothing else tells apart; --add row keeps the order of the rows, by which they can be filled`,
  ];
}

/** `is`, `has`, `the column "Town"`; or the words for several columns. */
function namesOf(columns: readonly number[], { headers }: Layout): [are: string, have: string, names: string] {
  const nameOf = new Map(headers.map(({ sheetColumn, text }) => [sheetColumn, text]));
  const names = columns.map((column) => JSON.stringify(nameOf.get(column) ?? `column_${column}`)).join(", ");
  return columns.length === 1 ? ["is", "has", `the column ${names}`] : ["are", "have", `the columns ${names}`];
}

/** Says that columns hold the levels of an outline. */
function levelsNote(columns: readonly number[], layout: Layout): string {
  const [, , names] = namesOf(columns, layout);
  return `${names} hold the levels of an outline: a row fills one of them, and is without the names of the levels above it; --add row keeps the order of the rows, by which they can be filled`;
}

/** Says which blocks of rows do not go with the first one. */
function blocksNote(blocks: readonly OddBlock[], { headers, headerRows, firstRow }: Layout, lastColumn: string): string {
  const [{ rows, before, after, odd }] = blocks as [OddBlock];
  const begin = headerRows[0] ?? firstRow;
  const nameOf = new Map(headers.map(({ sheetColumn, text }) => [sheetColumn, text]));
  const found = rowsText({ count: rows.length, rows: rows.map(({ number }) => number) });
  const [does, fills] = rows.length === 1 ? ["does", "fills"] : ["do", "fill"];
  const why = odd
    ? `${JSON.stringify(odd.text.slice(0, SHOWN))} is where the column ${JSON.stringify(nameOf.get(odd.column) ?? `column_${odd.column}`)} has values`
    : `${rows.length === 1 ? "it" : "they"} ${fills} few of the columns`;
  const next = odd ? rows[0]! : after!;
  const more = blocks.length === 1 ? "" : `; so ${blocks.length === 2 ? "does 1 other block" : `do ${blocks.length - 1} other blocks`}`;
  return `${found} after a blank row ${does} not go with the rows above, for ${why}${more}: --range A${begin}:${lastColumn}${before.number} takes what is above, --range A${next.number}:${lastColumn} what is below`;
} // prettier-ignore

/** Cells of records, from which on a row of one number is more than one with little in it. */
const NUMBERED_CELLS = 3;
/** Rows of one number alone that are worth a note. */
const NUMBERED_ROWS = 2;

/** Says which records have a number or a date alone, in the column that records begin with. */
function loneValueNotes(records: readonly HeadRow[], layout: Layout, lastColumn: string): string[] {
  const wide = records.filter(({ cells }) => cells.length > 1);
  const rule = sectionRule(records);
  if (!rule || usualCells(wide.map(({ cells }) => cells.length)) < NUMBERED_CELLS) return [];
  const lone = records.filter(
    ({ cells: [cell, ...others] }) => others.length === 0 && cell!.sort !== "text" && cell!.column === rule.begin,
  );
  // One row of several cells may be a header.
  const leastWide = layout.headerRows.length > 0 ? 1 : NUMBERED_ROWS;
  if (lone.length < NUMBERED_ROWS || wide.length < leastWide) return [];
  const last = wide.at(-1)!.number;
  const [, , name] = namesOf([rule.begin], layout);
  const advice = lone.every(({ number }) => number > last)
    ? `--range A${layout.headerRows[0] ?? layout.firstRow}:${lastColumn}${last} leaves them out`
    : `a schema file (--schema) with notNull for another column rejects them`;
  return [`${foundRows(records, lone)} have a value in ${name} alone, and are imported; ${advice}`];
}

/** Says which rows at the end are prepared, and not filled in. */
function preparedNotes(records: readonly HeadRow[], layout: Layout, lastColumn: string): string[] {
  const rows = preparedRows(records);
  if (rows.length === 0) return [];
  const [first] = rows as [HeadRow];
  const columns = first.cells.map(({ column }) => column);
  return [
    `${foundRows(records, rows)} at the end have values in ${namesOf(columns, layout)[2]} alone, and are imported; --range A${layout.headerRows[0] ?? layout.firstRow}:${lastColumn}${first.number - 1} leaves them out`,
  ];
}

/** Cells of a row at the end that is not filled in, at least, and such rows. */
const PREPARED_CELLS = 2;
const PREPARED_ROWS = 2;

/**
 * The rows at the end that are prepared, and not filled in: each has numbers alone, in the same
 * columns, and less than half of the cells of the others. But for the first number they are the
 * same, as sums of nothing are.
 */
function preparedRows(records: readonly HeadRow[]): readonly HeadRow[] {
  const columns = ({ cells }: HeadRow): string => cells.map(({ column }) => column).join(" ");
  const last = records.at(-1)!;
  const from = records.findLastIndex((row) => columns(row) !== columns(last)) + 1;
  const rows = records.slice(from);
  const usual = usualCells(records.slice(0, from).map(({ cells }) => cells.length));
  const areNumbers = rows.every(({ cells }) =>
    cells.every(({ sort, text }, n) => sort !== "text" && (n === 0 || text === last.cells[n]!.text)),
  );
  const areFew = last.cells.length >= PREPARED_CELLS && last.cells.length * 2 < usual;
  return rows.length >= PREPARED_ROWS && areFew && areNumbers ? rows : [];
}

/** The share of names that have a value, from which on no word is needed. */
const FILLED = 0.1;
const LEAST_NAMED = 4;

/** Says that most columns with a name are empty, if the whole sheet has been looked at. */
function unfilledNotes(rows: readonly HeadRow[], { headers, headerRows }: Layout, filled: ReadonlySet<number>): string[] {
  const empty = headers.filter(({ sheetColumn }) => !filled.has(sheetColumn)).length;
  if (headerRows.length === 0 || headers.length < LEAST_NAMED || rows.length >= HEAD_ROWS) return [];
  // Of a few columns, one alone has values.
  if (headers.length - empty > Math.max(1, headers.length * FILLED)) return [];
  return [
    `${empty} of the ${headers.length} columns that row ${headerRows.at(-1)} names are empty, so this may be a form that nobody has filled in, or a chart of coloured cells; --sheet NAME takes another sheet`,
  ];
} // prettier-ignore

/** Rows that were found among the first ones; if there are more, the text says so. */
function foundRows(rows: readonly HeadRow[], found: readonly HeadRow[]): string {
  const text = rowsText({ count: found.length, rows: found.map(({ number }) => number) });
  return rows.length < HEAD_ROWS || found.length === 1 ? text : `${text} of the first ${HEAD_ROWS}`;
}

/** A number without a sign of its own: `25%` is a name in many tables. */
const PLAIN = /^-?\d[\d.,]*$/;

/**
 * Says that a name of the header is a value, so that the row may be a record or a remark. Years,
 * numbers that count on, or go up to the last name, and dates over numbers are names.
 */
function valueNameNotes(rows: readonly HeadRow[], records: readonly HeadRow[], { headerRows }: Layout): string[] {
  const header = rows.find(({ number }) => number === headerRows[0]);
  if (!header || headerRows.length > 1) return [];
  const below = cellsByColumn(records);
  const series = seriesIn(header);
  const isValue = (cell: HeadCell): boolean =>
    (cell.sort === "date" || (cell.sort === "number" && PLAIN.test(cell.text))) && !isYear(cell) && !series.has(cell.column); // prettier-ignore
  const first = header.cells.findIndex(isValue);
  const odd = header.cells[first];
  if (!odd) return [];
  const sort = sortBelow(below.get(odd.column) ?? []);
  const rest = header.cells.slice(first);
  const goesUp = rest.length > 1 && rest.every((cell, n) => isValue(cell) && (n === 0 || Number(cell.text) > Number(rest[n - 1]!.text))); // prettier-ignore
  if (sort !== "text" && (goesUp || odd.sort === "date")) return [];
  return [
    `the name ${JSON.stringify(odd.text)} is a value, so row ${header.number} may not be a header: --header none says that there is none, --header N that row N is it`,
  ];
}

/** Characters of a title that a note shows. */
const SHOWN = 60;

/** The share of rows that hold a delimiter equally often. */
const REGULAR = 0.8;

/** Characters that part fields in most files, and those that do if the header has them as well. */
const DELIMITERS = [",", ";", "\t", "|"];
const RARE_DELIMITERS = [":", "^", "~", "#", "!", "&", "/"];

/** Says that all of a sheet is one column whose values hold a delimiter regularly. */
function oneColumnNotes(
  rows: readonly HeadRow[],
  records: readonly HeadRow[],
  { headerRows }: Layout,
  isText: boolean,
): string[] {
  const values = records.map(({ cells }) => cells);
  if (values.length < 2 || values.some((cells) => cells.length > 1)) return [];
  const columns = new Set(values.map(([cell]) => cell!.column)).size;
  const all = columns === 1 ? "all of it is one column, and its values hold" : "each row has one value, and these hold";
  const header = rows.find(({ number }) => number === headerRows[0])?.cells[0];
  // Characters in quotes inside of the value do not part fields.
  const countIn = (text: string, delimiter: string): number =>
    text.replaceAll(/"[^"]*"/g, "").split(delimiter).length - 1;
  for (const delimiter of isText ? [...DELIMITERS, ...RARE_DELIMITERS] : DELIMITERS) {
    const counts = values.map(([cell]) => countIn(cell!.text, delimiter));
    const usual = counts.toSorted((a, b) => a - b)[Math.floor(counts.length / 2)]!;
    if (RARE_DELIMITERS.includes(delimiter) && (!header || countIn(header.text, delimiter) !== usual)) continue;
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
  const aligned = values.filter(([cell]) => cell!.aligned).length;
  if (header?.aligned && aligned >= values.length * REGULAR)
    return [
      `all of it is one column, and blanks align words in its lines, so they may have columns of a fixed width, which are not parted: part them in a spreadsheet first ("Text to Columns", "Fixed width")`,
    ];
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
