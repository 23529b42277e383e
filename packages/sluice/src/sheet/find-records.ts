// Finds the rules for the records of a sheet from the rows that are looked at beforehand: the
// number of cells that records usually have, the rows that would be a repeated header, and the rows
// that are totals. The rest is found while the rows stream by (records.ts).
import { SheetError } from "@sluice/sheets";
import { usageError } from "../errors.ts";
import { cellsByColumn, sortBelow } from "./evidence.ts";
import type { FirstBatches } from "./first-batches.ts";
import type { HeadRow } from "./head-rows.ts";
import type { Layout } from "./header-row.ts";
import { SAMPLE_ROWS } from "./infer.ts";
import { mergedDown, type MergedDown } from "./merged.ts";
import { LastRows, type PreparedRows } from "./prepared.ts";
import { isDrawnRow, isPageNumber } from "./printed.ts";
import { RecordFilter, recordsOf, usualCells, type RecordRules } from "./records.ts";
import { isTitleRow, sectionRule, type SectionRule } from "./sections.ts";
import { beginnings, hasTotals, Totals, type TotalRow } from "./totals.ts";
import type { SheetView } from "../rejects/as-source.ts";

/** The options about the records. */
export interface RecordOptions {
  /** No row below the header is left out. */
  readonly allRows?: boolean;
  /** Records after which the rest of the sheet is left out. */
  readonly limit?: number;
  /** The number of the last rows that are not records. */
  readonly skipLast?: number;
  /** Cells that are merged downwards get the value of the first one. */
  readonly fillMerged?: boolean;
  /** Titles of sections are no records, since a column gets them. */
  readonly sections?: boolean;
}

/** Rules for the records, and the rows that are called totals, left out or not. */
export interface FoundRecords {
  readonly rules: RecordRules;
  readonly totals: readonly TotalRow[];
  /** Cells that are merged downwards and are not filled. */
  readonly unfilled: readonly MergedDown[];
  /** Rows below the first ones, at the end, that are prepared and not filled in. */
  readonly prepared?: PreparedRows;
}

/** The most bytes of the sheet's part if its merged cells are looked at only to tell of them. */
const SMALL_PART = 4 * 1024 ** 2;

/**
 * Looks at the records that types are inferred from.
 *
 * @param first the sheet's batches from the layout's first row on
 * @param rows the first rows of the sheet
 * @param asTheyStand whether every row is a record, since the file holds nothing else
 */
export async function findRecords(
  sheet: SheetView,
  first: FirstBatches,
  rows: readonly HeadRow[],
  layout: Layout,
  options: RecordOptions,
  asTheyStand: boolean,
): Promise<FoundRecords> {
  const merged = await mergedOf(sheet, layout.firstRow, options);
  const fills = options.fillMerged === true && merged.length > 0;
  const rules = { ...rulesOf(rows, layout, options, asTheyStand), ...(fills ? { merged } : {}) };
  const unfilled = fills ? [] : merged;
  if (rules.all) return { rules, totals: [], unfilled };
  const { totals, prepared } = await findTotals(first, rules);
  const proven = totals.filter((total) => total.proven).map(({ row }) => row);
  // Of the first rows, doubts.ts tells.
  const isBelow = prepared !== undefined && prepared.firstRow > rows.at(-1)!.number;
  return { rules: { ...rules, totals: proven }, totals, unfilled, ...(isBelow ? { prepared } : {}) };
}

/**
 * @throws SluiceError (`no_merged`) if they are to be filled, and the file's format does not tell
 *   them
 */
async function mergedOf(
  sheet: SheetView,
  firstRow: number,
  { fillMerged = false }: RecordOptions,
): Promise<MergedDown[]> {
  const ranges = await sheet.merged(fillMerged ? {} : { mostBytes: SMALL_PART });
  if (ranges === undefined && fillMerged)
    throw usageError(
      "no_merged",
      `--fill-merged takes an .xlsx file, and the sheet "${sheet.name}" is of another format, whose merged cells are not read. Save it as "Excel Workbook (.xlsx)", or leave --fill-merged out.`,
    );
  return mergedDown(ranges ?? [], firstRow);
}

function rulesOf(
  rows: readonly HeadRow[],
  { firstRow, headerRows, headers }: Layout,
  { allRows = false, limit, skipLast, sections = false }: RecordOptions,
  asTheyStand: boolean,
): RecordRules {
  const records = rows.filter(({ number }) => number >= firstRow);
  const titles = new Set(rows.filter(({ number }) => number < firstRow).map(({ cells }) => cells[0]!.text));
  const isPrinted = (row: HeadRow): boolean =>
    isDrawnRow(row) || (row.cells.length === 1 && (isPageNumber(row.cells[0]!.text) || titles.has(row.cells[0]!.text)));
  const rule = sections ? sectionRule(records) : undefined;
  const usual = usualCells(
    records
      .filter((row) => !isPrinted(row) && (rule === undefined || !isTitleRow(row, rule)))
      .map(({ cells }) => cells.length),
  );
  const above = rows.filter((row) => row.number < firstRow && (row.cells.length > 1 || usual > 1) && !isDrawnRow(row));
  // A blank row before the remarks parts no records.
  const body = records.slice(
    0,
    records.findLastIndex(({ cells }) => cells.length > 1 && cells.length * 2 >= usual) + 1,
  );
  const repeated: RecordRules["repeated"] =
    headerRows.length === 0 || usual < 2
      ? []
      : [
          ...above.map(({ cells }) => cells.map(({ column, text }) => ({ column, text }))),
          ...joinedHeader(headers, headerRows),
        ];
  const titled = [...repeated.keys()].filter((at) => mayHaveTitle(above[at], headerRows));
  const blank = body.slice(1).filter(({ number }, n) => number > body[n]!.number + 1).length;
  return {
    firstRow,
    all: allRows || asTheyStand,
    // A header of one column could be a value of it.
    repeated,
    folds: true,
    drawn: true,
    ...(titled.length > 0 ? { titled } : {}),
    usual,
    ...(textCells(body, usual) > 1 ? { texts: textCells(body, usual) } : {}),
    gaps: blank * 10 > body.length,
    ...(rule === undefined || usual < 2
      ? {}
      : { sections: { ...rule, ...(ownTitle(titled, repeated, records) ?? titleAbove(rows, headerRows[0], rule)) } }),
    totals: [],
    ...(limit === undefined ? {} : { limit }),
    ...(skipLast === undefined ? {} : { skipLast }),
  };
}

/** Names after the title of a header, at least, and their characters. */
const TITLED_NAMES = 2;
const TITLED_CHARACTERS = 8;

/**
 * Whether a row is one of the header's that may come again with another title in its first cell.
 * Its other names are texts that no record has by chance: two different ones, not too short.
 */
function mayHaveTitle(row: HeadRow | undefined, headerRows: readonly number[]): boolean {
  const [, ...names] = row?.cells ?? [];
  const texts = new Set(names.map(({ text }) => text));
  return (
    row !== undefined &&
    headerRows.includes(row.number) &&
    names.every(({ sort }) => sort === "text") &&
    texts.size >= TITLED_NAMES &&
    [...texts].join("").length >= TITLED_CHARACTERS
  );
}

/** The first cell of the header, if the header comes again with another title there. */
function ownTitle(
  titled: readonly number[],
  repeated: RecordRules["repeated"],
  records: readonly HeadRow[],
): { title: string } | undefined {
  for (const [title, ...names] of titled.map((at) => repeated[at]!)) {
    const isAgain = ({ cells }: HeadRow): boolean =>
      cells.length === names.length + 1 &&
      cells[0]!.text !== title!.text &&
      names.every(({ column, text }, n) => cells[n + 1]!.column === column && cells[n + 1]!.text === text);
    if (records.some(isAgain)) return { title: title!.text };
  }
  return undefined;
}

/** The title right above the header, or with a blank row between. */
function titleAbove(rows: readonly HeadRow[], header: number | undefined, rule: SectionRule): { title?: string } {
  const above = header === undefined ? undefined : rows.findLast(({ number }) => number < header);
  if (!above || above.number < header! - 2 || !isTitleRow(above, rule)) return {};
  return { title: above.cells[0]!.text };
}

/** Less than half of the cells of records, if half of their columns, or more, hold values. */
function textCells(records: readonly HeadRow[], usual: number): number {
  const columns = [...cellsByColumn(records).values()];
  const typed = columns.filter((cells) => {
    const sort = sortBelow(cells);
    return sort !== undefined && sort !== "text";
  });
  return typed.length * 2 >= columns.length ? Math.ceil(usual / 2) - 1 : 0;
}

/** The names of a header of several rows, in one row: a later page may have them so. */
function joinedHeader(headers: Layout["headers"], headerRows: readonly number[]): RecordRules["repeated"] {
  if (headerRows.length < 2) return [];
  return [headers.map(({ sheetColumn, text }) => ({ column: sheetColumn, text }))];
}

/** What is found in the rows that are looked at. */
interface Looked {
  readonly totals: readonly TotalRow[];
  readonly prepared?: PreparedRows | undefined;
}

/**
 * The rows that are called totals, among those that are looked at, and those at the end that are
 * prepared. If reading the sheet fails here, the load will tell.
 */
async function findTotals(first: FirstBatches, rules: RecordRules): Promise<Looked> {
  try {
    const { any, prepared } = await anyTotals(first, rules);
    if (!any) return { totals: [], prepared };
    const totals = new Totals();
    let complete = true;
    for await (const { batch, more } of looked(first, rules)) {
      totals.add(batch);
      if (more) complete = false;
    }
    return { totals: totals.found(complete), prepared };
  } catch (error) {
    if (error instanceof SheetError) return { totals: [] };
    throw error;
  }
}

/**
 * Whether a row is called a total, or the last row begins right of the first one; and the rows at
 * the end that are prepared.
 */
async function anyTotals(
  batches: FirstBatches,
  rules: RecordRules,
): Promise<{ readonly any: boolean; readonly prepared: PreparedRows | undefined }> {
  const lastRows = new LastRows();
  let begins: number | undefined;
  let ends: number | undefined;
  let complete = true;
  let any = false;
  for await (const { batch, more } of looked(batches, rules)) {
    any ||= hasTotals(batch);
    lastRows.add(batch);
    const [first, last] = beginnings(batch);
    begins ??= first;
    ends = last ?? ends;
    if (more) complete = false;
  }
  return {
    any: any || (complete && begins !== undefined && ends !== undefined && ends > begins),
    prepared: complete ? lastRows.prepared(rules.usual) : undefined,
  };
}

/** The batches that hold the rows which types are inferred from. */
async function* looked(
  first: FirstBatches,
  rules: RecordRules,
): AsyncGenerator<{ batch: Parameters<Totals["add"]>[0]; more: boolean }, void, undefined> {
  let rows = 0;
  for await (const batch of recordsOf(first.look(), new RecordFilter(rules))) {
    rows += batch.rowCount;
    yield { batch, more: rows >= SAMPLE_ROWS };
    first.lookedAt(batch);
    if (rows >= SAMPLE_ROWS) return;
  }
}
