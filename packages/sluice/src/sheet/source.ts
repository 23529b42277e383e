// The sheet as the engine reads it: the header found, a sample for inference, batches of records to
// come.
import { gosched } from "@sluice/go";
import type { RowBatch, Workbook } from "@sluice/sheets";
import { SluiceError, usageError } from "../errors.ts";
import { layoutDoubts } from "./doubts.ts";
import { FirstBatches } from "./first-batches.ts";
import { findRecords, type FoundRecords, type RecordOptions } from "./find-records.ts";
import { HEAD_CHARACTERS, HEAD_ROWS, headRows, type HeadRow } from "./head-rows.ts";
import { detectLayout, statedLayout, type Layout } from "./header-row.ts";
import { Inference, SAMPLE_ROWS } from "./infer.ts";
import { normalizeName, nameOfColumn } from "../schema/identifiers.ts";
import { findLinks, joined, type Linked } from "./links.ts";
import { parseRange, withinRange } from "./range.ts";
import { withRowNames } from "./row-names.ts";
import { RecordReader, type Warning } from "./record-reader.ts";
import { RecordFilter, recordsOf, type RecordRules } from "./records.ts";
import type { AddedColumns, Header, HeaderMap, HeaderChoice, ImportOptions, NullTexts } from "../options.ts";
import { guessesMarks, isMissingIn } from "./null-texts.ts";
import { originalSheet, type SheetView } from "../rejects/as-source.ts";
import type { Column, TableSchema } from "../schema/schema.ts";
import { showNumber } from "../values/number-shown.ts";

export type { SheetView };

/** The facts about a sheet's layout that are known before it is read. */
export interface LayoutOptions extends RecordOptions {
  /** The header, if it is stated; found by default. */
  readonly header?: HeaderChoice;
  /** Rows at the top, as the sheet numbers them, that are neither header nor record. */
  readonly skip?: number;
  /** True if the addresses of links are kept. */
  readonly links?: boolean;
  /** Texts that mean that there is no value, for the sample. */
  readonly nulls?: NullTexts;
  readonly map?: HeaderMap;
  /** Reports whether a text is a header that a schema or `--map` names. */
  readonly known?: (text: string) => boolean;
}

/**
 * Sheets alike that are looked at, at most. Each of them is looked at for each of them, so a small
 * file of thousands would take hours.
 */
const SAMPLE_SHEETS = 30;

/** The first records of a sheet, or of sheets alike, as far as inference looked. */
export interface Sample {
  readonly inference: Inference;
  /** No record was left out. */
  readonly complete: boolean;
}

/** A sheet being read: its header is known, and there is at least one row below. */
export interface Source {
  readonly headers: readonly Header[];
  /** The header's last row, or the first record's if the sheet has no header; for messages. */
  readonly headerRow: number;
  readonly layout: Layout;
  /**
   * Notes that speak against the layout, for people. Nothing is said of columns with cells that are
   * merged downwards.
   */
  doubts(merged: ReadonlySet<number>): string[];
  /**
   * Tells the columns of the table that is there: a row that names them is the header. Before the
   * sample is taken.
   */
  meet(columns: readonly Column[]): void;
  /** The rules that say which rows are records. After `meet`; the same each time. */
  found(): Promise<FoundRecords>;
  /** The first batches, to look at before the first one is taken. After `found`. */
  readonly first: FirstBatches;
  /**
   * The links of the records: all of them if these are to be kept, otherwise as far as that costs
   * little.
   */
  linked(): Promise<Linked>;
  /**
   * Says which rows are records, before the first batch is taken: an import continues as it began.
   */
  startWith(rules: RecordRules): Promise<void>;
  /** The next batch of records. */
  next(): Promise<RowBatch | undefined>;
  /** Reads the first records once more, for inference; the same sample each time. */
  sample(): Promise<Sample>;
  /** The part of the sheet that has been read, from 0 to 1. */
  progress(): number;
  notes(): string[];
  close(): Promise<void>;
}

/** The part of an import's options that is about a sheet's layout. */
export function layoutOptions(
  options: {
    readonly header?: HeaderChoice;
    readonly skip?: number;
    readonly headers?: ReadonlyMap<string, HeaderChoice>;
    readonly skips?: ReadonlyMap<string, number>;
    readonly schema?: TableSchema;
    readonly map?: HeaderMap;
    readonly nulls?: NullTexts;
    readonly links?: boolean;
    readonly add?: AddedColumns;
  } & RecordOptions,
  sheet: string,
): LayoutOptions {
  const { schema, map, nulls, allRows, limit, skipLast, fillMerged } = options;
  const header = options.headers?.get(sheet) ?? options.header;
  const skip = options.skips?.get(sheet) ?? options.skip;
  return {
    ...(nulls === undefined ? {} : { nulls }),
    ...(options.links === true ? { links: true } : {}),
    ...(options.add?.has("section") ? { sections: true } : {}),
    ...(map === undefined ? {} : { map }),
    ...(allRows === undefined ? {} : { allRows }),
    ...(fillMerged === undefined ? {} : { fillMerged }),
    ...(limit === undefined ? {} : { limit }),
    ...(skipLast === undefined ? {} : { skipLast }),
    known: knownNames([...(schema?.columns ?? []).flatMap(namesOf), ...(map?.keys() ?? [])]),
    ...(header === undefined ? {} : { header }),
    ...(skip === undefined ? {} : { skip }),
  };
}

/** The part of a sheet that is looked at, and the facts about its cells that are read. */
export interface ReadOptions {
  /** `B2:K99`, as {@link parseRange} takes it; all of the sheet by default. */
  readonly range?: string;
  /** The texts of typed cells in columns of text; their values by default. */
  readonly text?: "shown";
  /** True if the addresses of links are kept. */
  readonly links?: boolean;
}

/** A sheet as it is imported; the first visible one unless named. */
export function sheetOf(workbook: Workbook, name?: string, { range, text, links }: ReadOptions = {}): SheetView {
  const besides = { ...(text === "shown" ? { show: showNumber } : {}), ...(links === true ? { links } : {}) };
  const sheet = originalSheet(workbook.sheet(name), isText(workbook), workbook.delimiter, besides);
  return range === undefined ? sheet : withinRange(sheet, parseRange(range));
}

/** The notes about the notation of a text, if that was not stated. */
export function dialectNotes({ escapes }: Workbook, csv: ImportOptions["csv"]): string[] {
  if (!escapes || csv?.escape !== undefined) return [];
  return [
    "the text is a dump of a database: \\N is an empty cell, and backslashes escape (--escape none reads them as they stand)",
  ];
}

/** Reports whether it is delimited text, which has one sheet: its name is the file's. */
export function isText({ format }: Workbook): boolean {
  return format === "csv" || format === "tsv";
}

function namesOf(column: Column): string[] {
  return [column.name, ...column.headers];
}

/** A test that a text is one of these names, apart from case, spaces and punctuation. */
function knownNames(names: readonly string[]): (text: string) => boolean {
  const known = new Set(names.map(normalizeName));
  known.delete("");
  return (text) => known.has(normalizeName(text));
}

/**
 * The sheet of that name (as written, or else without regard to case), or of that number from 1.
 * @throws SluiceError (`unknown_sheet`) if there is none
 */
export function findSheet(file: string, workbook: Workbook, wanted: string, options: ReadOptions = {}): SheetView {
  const { sheets } = workbook;
  const numbered = /^\d+$/.test(wanted) ? sheets[Number(wanted) - 1] : undefined;
  const folded = wanted.toLowerCase();
  const found =
    sheets.find(({ name }) => name === wanted) ?? numbered ?? sheets.find(({ name }) => name.toLowerCase() === folded);
  if (found) return sheetOf(workbook, found.name, options);
  const list = sheets.map(({ name }, n) => `${n + 1} "${name}"`).join(", ");
  throw new SluiceError(
    "unknown_sheet",
    `${file} has no sheet "${wanted}". It has: ${list}. Name one of them, or give its number.`,
  );
}

/**
 * Finds the header, and reads far enough to know that there is a row below it.
 *
 * @param alike the sheets, with the same headers, that the sample is taken from
 * @throws SheetError if the sheet cannot be read, SluiceError if there is nothing to import
 */
export async function readHeader(
  file: string,
  sheet: SheetView,
  options: LayoutOptions = {},
  alike: readonly SheetView[] = [sheet],
): Promise<Source> {
  const { rows, warnings, ...found } = await findLayout(file, sheet, options);
  let { layout } = found;
  let { known } = options;
  const headers = (): readonly Header[] => (layout.headerRows.length > 0 ? layout.headers : unnamed(rows));
  const headerRow = (): number => layout.headerRows.at(-1) ?? layout.firstRow;
  const isRejectFile = await sheet.isRejectFile();

  const above = warnings.filter(({ row }) => row < layout.firstRow);
  const records = new RecordReader(sheet, layout.firstRow, above);
  await checkRows(records, headers().length, () => noRows(file, sheet.name, headerRow()));
  let sample: Promise<Sample> | undefined;
  let linked: Promise<Linked> | undefined;
  let findings: Promise<FoundRecords> | undefined;
  const findThem = async (): Promise<FoundRecords> => {
    await records.beginAt(layout.firstRow);
    return findRecords(sheet, records.first, rows, layout, options, isRejectFile);
  };
  const foundRecords = (): Promise<FoundRecords> => (findings ??= findThem());
  return {
    get headers() {
      return headers();
    },
    get headerRow() {
      return headerRow();
    },
    get layout() {
      return layout;
    },
    doubts: (merged) =>
      layoutDoubts(rows, layout, {
        sections: options.sections ?? false,
        isText: sheet.delimiter !== undefined,
        merged,
      }),
    meet: (columns) => {
      if (options.header !== undefined) return;
      const before = options.known;
      const named = knownNames(columns.flatMap(namesOf));
      known = (text) => named(text) || (before?.(text) ?? false);
      layout = withRowNames(rows, detectLayout(rows, known), sheet.delimiter);
    },
    found: foundRecords,
    get first() {
      return records.first;
    },
    linked: () => (linked ??= linksOf(alike, layout.firstRow, options.links ?? false)),
    startWith: (rules) => records.startWith(rules),
    next: () => records.next(),
    sample: () =>
      (sample ??= readSample(
        file,
        alike,
        known === undefined ? options : { ...options, known },
        sheet,
        async () => ({ first: records.first, ...(await foundRecords()) }),
        () => layout,
      )),
    progress: () => records.progress,
    notes: () => [...(isRejectFile ? [REJECT_NOTE] : []), ...records.notes()],
    close: () => records.close(),
  };
}

/** The links of sheets with the same headers: of all if links are kept, else of the first ones. */
async function linksOf(sheets: readonly SheetView[], firstRow: number, kept: boolean): Promise<Linked> {
  const looked = kept ? sheets : sheets.slice(0, SAMPLE_SHEETS);
  return joined(await Promise.all(looked.map((one) => findLinks(one, firstRow, kept))));
}

/** Closes the records, and throws, if they cannot be read or there are none. */
async function checkRows(records: RecordReader, headers: number, none: () => SluiceError): Promise<void> {
  try {
    if (headers === 0 || (await records.first.isEmpty())) throw none();
  } catch (error) {
    await records.close();
    throw error;
  }
}

function noRows(file: string, sheet: string, headerRow: number): SluiceError {
  return new SluiceError(
    "no_rows",
    `${file}: the sheet "${sheet}" has a header (row ${headerRow}) and no rows below it, so there is nothing to import. Choose another sheet with --sheet.`,
  );
}

/** A file of rejects has its header in the first row, whatever the sheet was like. */
const REJECT_LAYOUT: LayoutOptions = { header: [1, 1] };
const REJECT_NOTE = "this is a file of rejects: what it says of them is left out, and their cells are imported";

/**
 * The layout of the sheet's top, and its first rows.
 *
 * @throws SluiceError if it is empty, or has no header although one is stated
 */
export async function findLayout(
  file: string,
  sheet: SheetView,
  options: LayoutOptions,
): Promise<{ layout: Layout; rows: readonly HeadRow[]; warnings: readonly Warning[] }> {
  const { header, skip = 0, known } = (await sheet.isRejectFile()) ? REJECT_LAYOUT : options;
  const stated = header === undefined || header === "none" ? skip + 1 : header[0];
  const { rows, warnings, badRows } = await readHead(sheet, stated);
  if (rows.length === 0) {
    const where = stated > 1 ? `has no row from row ${stated} on` : "is empty";
    throw new SluiceError(
      "empty_sheet",
      `${file}: the sheet "${sheet.name}" ${where}. Expected: a header row, and rows below it. Choose another sheet with --sheet.`,
    );
  }
  const sound = (layout: Layout): Layout => {
    const bad = layout.headerRows.find((row) => badRows.has(row));
    if (bad === undefined) return layout;
    throw new SluiceError(
      "bad_encoding",
      `${file}: the header (row ${bad}) has bytes that are not UTF-8, as the rest of the file is, so its names cannot be read. Save the file as UTF-8.`,
    );
  };
  if (header === undefined)
    return { layout: sound(withRowNames(rows, detectLayout(rows, known), sheet.delimiter)), rows, warnings };
  if (header !== "none" && rows[0]!.number > header[1]) {
    throw usageError(
      "no_header",
      `${file}, sheet "${sheet.name}": row ${header[0]} is empty, so it cannot be the header. The first row with content after it is row ${rows[0]!.number}. Check --header.`,
    );
  }
  return { layout: sound(statedLayout(rows, header, header === "none" ? rows[0]!.number : skip + 1)), rows, warnings };
}

/** The notes about a layout that is not simply a header in the first row with content. */
export function layoutNotes(layout: Layout): string[] {
  const { headerRows, unitsRow, aboutRows, passedOver, firstRow, marked, rowNames } = layout;
  const notes: string[] = [];
  if (rowNames === true)
    notes.push(
      `row ${headerRows[0]} has one name fewer than each row has values, so the first column holds the names of the rows and has none; --header ${headerRows[0]} takes the names from the first column on`,
    );
  if (headerRows.length === 0) {
    notes.push(
      `row ${firstRow} holds values and no names, so there is no header: columns are called column_1, column_2, … (--header N names the header's row)`,
    );
  }
  if (passedOver.length > 0) {
    const last = passedOver.at(-1)!;
    const above = passedOver.length === 1 ? `row ${last} above it is` : `rows ${passedOver[0]} to ${last} above it are`;
    notes.push(`the header is row ${headerRows[0]}; ${above} passed over`);
  }
  if (headerRows.length > 1) notes.push(`the header is rows ${rowList(headerRows)}, joined`);
  if (marked.length > 0) {
    const [first] = marked;
    const more = marked.length === 1 ? "" : `, and ${marked.length - 1} more`;
    notes.push(`footnote marks are left out of the names (${JSON.stringify(first)}${more})`);
  }
  if (aboutRows.length > 0) {
    const rows = aboutRows.length === 1 ? `row ${aboutRows[0]} says` : `rows ${rowList(aboutRows)} say`;
    notes.push(
      `${rows} more of the columns and ${aboutRows.length === 1 ? "is no record" : "are no records"} (--header ${headerRows.length === 1 ? headerRows[0] : `${headerRows[0]}-${headerRows.at(-1)}`} reads ${aboutRows.length === 1 ? "it" : "them"} as ${aboutRows.length === 1 ? "one" : "such"})`,
    );
  }
  if (unitsRow !== undefined) notes.push(`row ${unitsRow} holds units and is no record`);
  return notes;
}

/** `4 and 5`, `4 to 6` */
export function rowList(rows: readonly number[]): string {
  return rows.length < 3 ? rows.join(" and ") : `${rows[0]} to ${rows.at(-1)}`;
}

function unnamed(rows: readonly HeadRow[]): Header[] {
  const widest = Math.max(...rows.map((row) => row.cells.at(-1)?.column ?? 0));
  return Array.from({ length: widest }, (_, n) => ({ sheetColumn: n + 1, text: nameOfColumn(n + 1) }));
}

async function readHead(
  sheet: SheetView,
  from: number,
): Promise<{ rows: HeadRow[]; warnings: Warning[]; badRows: ReadonlySet<number> }> {
  const rows: HeadRow[] = [];
  const badRows = new Set<number>();
  const warnings: Warning[] = [];
  let room = HEAD_CHARACTERS;
  for await (const batch of sheet.batches({ from, raised: true })) {
    for (const row of headRows(batch, HEAD_ROWS - rows.length)) {
      if (room < 0) break;
      for (const { text } of row.cells) room -= text.length;
      rows.push(row);
    }
    warnings.push(...batch.warnings);
    for (const row of batch.badRows ?? []) badRows.add(batch.rowNumbers[row]!);
    batch.release();
    if (rows.length >= HEAD_ROWS || room < 0) break;
  }
  return { rows, warnings, badRows };
}

/**
 * Rows that are looked at before others get a turn. A batch has a thousand and more, which would
 * keep a server from answering for a tenth of a second.
 */
const TURN_ROWS = 128;

async function readSample(
  file: string,
  sheets: readonly SheetView[],
  options: LayoutOptions,
  own: SheetView,
  foundHere: () => Promise<FoundRecords & { readonly first: FirstBatches }>,
  ownLayout: () => Layout,
): Promise<Sample> {
  const { nulls = [], map = new Map<string, string>() } = options;
  const missing = isMissingIn(nulls, ownLayout().headers, map);
  const inference = new Inference(missing, guessesMarks(nulls), own.delimiter);
  let complete = sheets.length <= SAMPLE_SHEETS;
  for (const sheet of sheets.slice(0, SAMPLE_SHEETS)) {
    const isOwn = sheet.name === own.name;
    const { rules, first } = isOwn ? await foundHere() : await recordsOfOther(file, sheet, options);
    try {
      if (await sampleSheet(inference, first, rules)) complete = false;
      else inference.endSheet();
    } finally {
      if (!isOwn) await first.close();
    }
  }
  return { inference, complete };
}

/** Looks at the first records of a sheet; true if it has more. */
async function sampleSheet(inference: Inference, first: FirstBatches, rules: RecordRules): Promise<boolean> {
  const limit = inference.records + SAMPLE_ROWS;
  for await (const batch of recordsOf(first.look(), new RecordFilter(rules))) {
    let more = false;
    for (let row = 0; row < batch.rowCount && !more; row += TURN_ROWS) {
      more = inference.add(batch, limit, row, row + TURN_ROWS);
      await gosched();
    }
    first.lookedAt(batch);
    if (more) return true;
  }
  return false;
}

async function recordsOfOther(
  file: string,
  sheet: SheetView,
  options: LayoutOptions,
): Promise<FoundRecords & { readonly first: FirstBatches }> {
  const { layout, rows } = await findLayout(file, sheet, options);
  const first = new FirstBatches(sheet, layout.firstRow);
  return { first, ...(await findRecords(sheet, first, rows, layout, options, await sheet.isRejectFile())) };
}
