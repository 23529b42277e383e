// The sheet as the engine reads it: the header found, a sample for inference, batches of records to come.
import type { RowBatch, Workbook } from "@sluice/sheets";
import { asFlags, SluiceError, usageError } from "./errors.ts";
import {
  detectLayout,
  HEAD_CHARACTERS,
  HEAD_ROWS,
  headRows,
  statedLayout,
  type HeaderChoice,
  type HeadRow,
  type Layout,
} from "./header-row.ts";
import { Inference, SAMPLE_ROWS } from "./infer.ts";
import { normalizeName } from "./identifiers.ts";
import { nameOfColumn, type Header, type HeaderMap } from "./mapping.ts";
import { originalSheet, type SheetView } from "./reject-source.ts";
import type { Column, TableSchema } from "./schema.ts";

export type { SheetView };

/** What is known of a sheet's layout before it is read. */
export interface LayoutOptions {
  /** Where the header is; found unless told. */
  readonly header?: HeaderChoice;
  /** Rows at the top, as the sheet numbers them, that are neither header nor record. */
  readonly skip?: number;
  /** Whether a text is a header that a schema or `--map` names. */
  readonly known?: (text: string) => boolean;
}

/** The first records of a sheet, or of sheets alike, as far as inference looked. */
export interface Sample {
  readonly inference: Inference;
  /** No record was left out. */
  readonly complete: boolean;
}

/** A sheet being read: its header is known, and there is at least one row below. */
export interface Source {
  readonly headers: readonly Header[];
  /** The header's last row, or the first record's where there is no header; for messages. */
  readonly headerRow: number;
  readonly layout: Layout;
  /** Tells the columns of the table that is there: a row that names them is the header. Before the sample is taken. */
  meet(columns: readonly Column[]): void;
  /** Begins with another row than the layout's, before the first batch is taken: an import goes on as it began. */
  startAt(row: number): Promise<void>;
  /** The next batch of records. */
  next(): Promise<RowBatch | undefined>;
  /** Reads the first records once more, for inference; the same sample each time. */
  sample(): Promise<Sample>;
  /** How much of the sheet has been read, from 0 to 1. */
  progress(): number;
  notes(): string[];
  close(): Promise<void>;
}

/** What an import's options say of the layout. */
export function layoutOptions(options: {
  readonly header?: HeaderChoice;
  readonly skip?: number;
  readonly schema?: TableSchema;
  readonly map?: HeaderMap;
}): LayoutOptions {
  const { header, skip, schema, map } = options;
  return {
    known: knownNames([...(schema?.columns ?? []).flatMap(namesOf), ...(map?.keys() ?? [])]),
    ...(header === undefined ? {} : { header }),
    ...(skip === undefined ? {} : { skip }),
  };
}

/** A sheet as it is imported; the first visible one unless named. */
export function sheetOf(workbook: Workbook, name?: string): SheetView {
  return originalSheet(workbook.sheet(name), isText(workbook));
}

/** Whether it is delimited text, which has one sheet: its name is the file's. */
export function isText({ format }: Workbook): boolean {
  return format === "csv" || format === "tsv";
}

function namesOf(column: Column): string[] {
  return [column.name, ...column.headers];
}

/** Whether a text is one of these names, but for case, spaces and punctuation. */
function knownNames(names: readonly string[]): (text: string) => boolean {
  const known = new Set(names.map(normalizeName));
  known.delete("");
  return (text) => known.has(normalizeName(text));
}

/** The sheet of that name (as written, or else without regard to case), or of that number from 1. @throws SluiceError (`unknown_sheet`) where there is none */
export function findSheet(file: string, workbook: Workbook, wanted: string): SheetView {
  const { sheets } = workbook;
  const numbered = /^\d+$/.test(wanted) ? sheets[Number(wanted) - 1] : undefined;
  const folded = wanted.toLowerCase();
  const found =
    sheets.find(({ name }) => name === wanted) ?? numbered ?? sheets.find(({ name }) => name.toLowerCase() === folded);
  if (found) return sheetOf(workbook, found.name);
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
  const records = new Records(sheet, layout.firstRow, above);
  try {
    if (headers().length === 0 || (await records.isEmpty())) {
      throw new SluiceError(
        "no_rows",
        `${file}: the sheet "${sheet.name}" has a header (row ${headerRow()}) and no rows below it, so there is nothing to import. Choose another sheet with --sheet.`,
      );
    }
  } catch (error) {
    await records.close();
    throw error;
  }
  let sample: Promise<Sample> | undefined;
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
    meet: (columns) => {
      if (options.header !== undefined) return;
      const before = options.known;
      const named = knownNames(columns.flatMap(namesOf));
      known = (text) => named(text) || (before?.(text) ?? false);
      layout = detectLayout(rows, known);
    },
    startAt: (row) => records.startAt(row),
    next: () => records.next(),
    sample: () => (sample ??= readSample(file, alike, known === undefined ? options : { ...options, known })),
    progress: () => records.progress,
    notes: () => [...(isRejectFile ? [REJECT_NOTE] : []), ...records.notes()],
    close: () => records.close(),
  };
}

/** A file of rejects has its header in the first row, whatever the sheet was like. */
const REJECT_LAYOUT: LayoutOptions = { header: [1, 1] };
const REJECT_NOTE = "this is a file of rejects: what it says of them is left out, and their cells are imported";

type Warning = RowBatch["warnings"][number];

/** The batches of records; one is read ahead, while the table is looked up and while the last one is encoded. */
class Records {
  progress = 0;
  readonly #sheet: SheetView;
  readonly #above: readonly Warning[];
  #first: Warning | undefined;
  #warnings: number;
  #from: number;
  #iterator: AsyncIterator<RowBatch>;
  #coming: Promise<RowBatch | undefined>;

  /** @param above what the reader said of rows above the records */
  constructor(sheet: SheetView, from: number, above: readonly Warning[]) {
    this.#sheet = sheet;
    this.#from = from;
    this.#above = above;
    this.#first = above[0];
    this.#warnings = above.length;
    this.#iterator = sheet.batches({ from })[Symbol.asyncIterator]();
    this.#coming = this.#ahead();
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#coming) === undefined;
  }

  async startAt(row: number): Promise<void> {
    if (row === this.#from) return;
    await this.close();
    this.#from = row;
    this.#iterator = this.#sheet.batches({ from: row })[Symbol.asyncIterator]();
    this.#coming = this.#ahead();
  }

  async next(): Promise<RowBatch | undefined> {
    const batch = await this.#coming;
    if (!batch) return undefined;
    this.progress = batch.progress;
    for (const warning of batch.warnings) {
      // What is said of the file as a whole is said each time that it is read.
      if (this.#above.some(({ message }) => message === warning.message)) continue;
      this.#first ??= warning;
      this.#warnings++;
    }
    this.#coming = this.#ahead();
    return batch;
  }

  notes(): string[] {
    if (!this.#first) return [];
    const more = this.#warnings > 1 ? ` (and ${this.#warnings - 1} more like it)` : "";
    return [`row ${this.#first.row}: ${asFlags(this.#first.message)}${more}`];
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  #ahead(): Promise<RowBatch | undefined> {
    const coming = this.#iterator.next().then((step) => (step.done ? undefined : step.value));
    // The waiting call is told.
    coming.catch(() => undefined);
    return coming;
  }
}

/** How the top of the sheet is laid out, and its first rows. @throws SluiceError if it is empty, or has no header where one is said to be */
export async function findLayout(
  file: string,
  sheet: SheetView,
  options: LayoutOptions,
): Promise<{ layout: Layout; rows: readonly HeadRow[]; warnings: readonly Warning[] }> {
  const { header, skip = 0, known } = (await sheet.isRejectFile()) ? REJECT_LAYOUT : options;
  const stated = header === undefined || header === "none" ? skip + 1 : header[0];
  const { rows, warnings } = await readHead(sheet, stated);
  if (rows.length === 0) {
    const where = stated > 1 ? `has no row from row ${stated} on` : "is empty";
    throw new SluiceError(
      "empty_sheet",
      `${file}: the sheet "${sheet.name}" ${where}. Expected: a header row, and rows below it. Choose another sheet with --sheet.`,
    );
  }
  if (header === undefined) return { layout: detectLayout(rows, known), rows, warnings };
  if (header !== "none" && rows[0]!.number > header[1]) {
    throw usageError(
      "no_header",
      `${file}, sheet "${sheet.name}": row ${header[0]} is empty, so it cannot be the header. The first row with content behind it is row ${rows[0]!.number}. Check --header.`,
    );
  }
  return { layout: statedLayout(rows, header, header === "none" ? rows[0]!.number : skip + 1), rows, warnings };
}

/** What there is to say of a layout that is not simply a header in the first row with content. */
export function layoutNotes({ headerRows, unitsRow, passedOver, firstRow }: Layout): string[] {
  const notes: string[] = [];
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
  if (headerRows.length > 1) notes.push(`the header is rows ${headerRows.join(" and ")}, joined`);
  if (unitsRow !== undefined) notes.push(`row ${unitsRow} holds units and is no record`);
  return notes;
}

function unnamed(rows: readonly HeadRow[]): Header[] {
  const widest = Math.max(...rows.map((row) => row.cells.at(-1)?.column ?? 0));
  return Array.from({ length: widest }, (_, n) => ({ sheetColumn: n + 1, text: nameOfColumn(n + 1) }));
}

async function readHead(sheet: SheetView, from: number): Promise<{ rows: HeadRow[]; warnings: Warning[] }> {
  const rows: HeadRow[] = [];
  const warnings: Warning[] = [];
  let room = HEAD_CHARACTERS;
  for await (const batch of sheet.batches({ from })) {
    for (const row of headRows(batch, HEAD_ROWS - rows.length)) {
      if (room < 0) break;
      for (const { text } of row.cells) room -= text.length;
      rows.push(row);
    }
    warnings.push(...batch.warnings);
    batch.release();
    if (rows.length >= HEAD_ROWS || room < 0) break;
  }
  return { rows, warnings };
}

async function readSample(file: string, sheets: readonly SheetView[], options: LayoutOptions): Promise<Sample> {
  const inference = new Inference();
  let complete = true;
  for (const sheet of sheets) {
    const { layout } = await findLayout(file, sheet, options);
    const limit = inference.records + SAMPLE_ROWS;
    let more = false;
    for await (const batch of sheet.batches({ from: layout.firstRow })) {
      more = inference.add(batch, limit);
      batch.release();
      if (more) break;
    }
    if (more) complete = false;
    else inference.endSheet();
  }
  return { inference, complete };
}
