// The preview of an import: layout, columns and their types, mapping, DDL, a sample, and the rows
// among the first that would be rejected. Nothing is written, and no database is needed; if there
// is one, its tables are looked at.
import type { Context } from "@sluice/go/context";
import type { SheetState, Workbook } from "@sluice/sheets";
import { fields, type LoadPlan } from "./chunk/chunk.ts";
import { inferred } from "./plan/design.ts";
import { Encoder } from "./chunk/encode.ts";
import { columnLetters } from "./xlsx/text.ts";
import { describeError, orInterrupted, renamed } from "./errors.ts";
import { SAMPLE_ROWS, type InferredColumn } from "./sheet/infer.ts";
import type { Match } from "./plan/mapping.ts";
import { prepareTable, tableName, type Prepared } from "./plan/prepare.ts";
import type { Reject } from "./reject.ts";
import { openWorkbook } from "./rejects/as-source.ts";
import { indexDdl } from "./schema/schema.ts";
import { leftOutNotes } from "./sheet/record-notes.ts";
import { RecordFilter, recordsOf, type LeftOut } from "./sheet/records.ts";
import { dialectNotes, layoutOptions, readHeader, type Source, sheetOf, type SheetView } from "./sheet/source.ts";
import { sheetsToImport } from "./sheet/tables.ts";
import type { Target } from "./target.ts";
import { shortestNumber } from "./values/shown.ts";
import type { ImportOptions } from "./options.ts";

/** Rows that are shown. */
const SHOWN_ROWS = 5;
/** Rejects that are listed; all are counted. */
const LISTED_REJECTS = 10;
/** The most that the records weigh which are encoded at once. */
const SAMPLE_BYTES = 8 * 1024 ** 2;

export interface PreviewOptions extends Omit<ImportOptions, "target" | "onProgress" | "onRejects"> {
  /** The database in which existing tables are looked up; without one every table is new. */
  readonly target?: Pick<Target, "name" | "describe" | "storageOf">;
  /** When it is done, the file is not read any further. */
  readonly ctx?: Context;
}

/** A file as an import would see it. */
export interface FilePreview {
  readonly file: string;
  readonly format: string;
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  /** The previews of the sheets that would be imported. */
  readonly imports: readonly SheetPreview[];
  /** The reason why sheets go into one table or several; sheets that are left out. */
  readonly notes: readonly string[];
}

export interface SheetPreview {
  readonly sheet: string;
  readonly table: string;
  /** The table is there already. */
  readonly exists: boolean;
  /** Rows of the header, as the sheet numbers them; empty if it has no header. */
  readonly headerRows: readonly number[];
  readonly unitsRow: number | null;
  /** The first row that can be a record. */
  readonly firstRow: number;
  /** Records that were looked at, and whether they are all. */
  readonly records: number;
  readonly complete: boolean;
  readonly columns: readonly ColumnPreview[];
  /** DDL that would run before the rows, and after them. */
  readonly ddl: readonly string[];
  readonly indexes: readonly string[];
  /** The first rows as they would be loaded, in the order of the columns that have a name. */
  readonly sample: readonly { readonly row: number; readonly values: readonly (string | null)[] }[];
  readonly rejects: {
    readonly total: number;
    readonly reasons: Readonly<Record<string, number>>;
    readonly first: readonly Reject[];
  };
  /** Rows below the header that are not records, as far as was looked. */
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
  /** The reason why this sheet cannot be imported; what is above is then as far as it is known. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A column of the sheet. */
export interface ColumnPreview {
  /** `A`, `B`, … */
  readonly letter: string;
  readonly header: string;
  readonly unit: string | null;
  /** The table's column; null if the header is left out or has none. */
  readonly column: string | null;
  /** The type it has, or would get. */
  readonly type: string | null;
  /** The notation of dates in its texts, if that is not ISO. */
  readonly dateFormat: string | null;
  /** The notation of numbers in its texts, if that is not PostgreSQL's. */
  readonly numberFormat: string | null;
  /** The texts that mean that there is no value. */
  readonly nulls: readonly string[];
  readonly match: Match | null;
  /** The type that its values look like, whatever type the table has. */
  readonly inferred: InferredColumn;
}

/**
 * Looks at a file.
 *
 * @throws SheetError if it cannot be read, SluiceError if what was asked for makes no sense, or
 *   (`interrupted`) if `ctx` ended. What is wrong with one sheet is in its `error`.
 */
export async function previewFile(options: PreviewOptions): Promise<FilePreview> {
  try {
    return await lookInto(options);
  } catch (error) {
    throw orInterrupted(error, options.ctx);
  }
}

async function lookInto(options: PreviewOptions): Promise<FilePreview> {
  const file = options.fileName ?? options.file;
  await using workbook = await openWorkbook(options.file, options);
  const { sheets, notes } = await sheetsToImport(workbook, { ...options, file });
  const imports: SheetPreview[] = [];
  for (const { sheet, table, alike } of sheets) {
    const sampled = alike.map((name) => sheetOf(workbook, name, options));
    imports.push(await previewSheet(file, sheet, sampled, { ...options, ...(table === undefined ? {} : { table }) }));
  }
  return {
    file,
    format: workbook.format,
    sheets: sheetsOf(workbook),
    imports,
    notes: [...dialectNotes(workbook, options.csv), ...notes],
  };
}

function sheetsOf(workbook: Workbook): FilePreview["sheets"] {
  return workbook.sheets.map(({ name, state }) => ({ name, state }));
}

async function previewSheet(
  file: string,
  sheet: SheetView,
  alike: readonly SheetView[],
  options: PreviewOptions,
): Promise<SheetPreview> {
  const unknown = (): Promise<undefined> => Promise.resolve(undefined);
  const nowhere = { name: "the database", describe: unknown, storageOf: unknown };
  let source: Source | undefined;
  try {
    source = await readHeader(file, sheet, layoutOptions(options, sheet.name), alike);
    const names = { file, sheet: sheet.name };
    const prepared = await prepareTable(options.target ?? nowhere, source, names, options);
    const looked = await look(source, prepared, names);
    return {
      ...(await known(sheet, prepared.table, source, prepared)),
      ...looked,
      notes: [...prepared.notes, ...looked.notes, ...source.notes()],
      error: null,
    };
  } catch (error) {
    const { code, message, exitCode } = describeError(renamed(error, options.file, file));
    if (exitCode === 2 || options.ctx?.err() !== undefined) throw error;
    return { ...(await known(sheet, tableName(options, file), source, undefined)), error: { code, message } };
  } finally {
    await source?.close();
  }
}

/** The preview that the layout and the sample give, and the table if it could be prepared. */
async function known(
  sheet: SheetView,
  table: string,
  source: Source | undefined,
  prepared: Prepared | undefined,
): Promise<SheetPreview> {
  const sample = await source?.sample();
  const columns = new Map(prepared?.load.map((entry) => [entry.sheetColumn, entry]));
  return {
    sheet: sheet.name,
    table,
    exists: prepared ? !prepared.created : false,
    headerRows: source?.layout.headerRows ?? [],
    unitsRow: source?.layout.unitsRow ?? null,
    firstRow: source?.layout.firstRow ?? 1,
    records: sample?.inference.records ?? 0,
    complete: sample?.complete ?? true,
    columns: (prepared?.sheetHeaders ?? source?.headers ?? []).map(({ sheetColumn, text, unit }) => {
      const column = columns.get(sheetColumn)?.column;
      return {
        letter: columnLetters(sheetColumn),
        header: text,
        unit: unit ?? null,
        column: column?.name ?? null,
        type: column?.type ?? null,
        dateFormat: column?.dateFormat ?? null,
        numberFormat: column?.numberFormat ?? null,
        nulls: column?.nulls ?? [],
        match: prepared?.matches.get(sheetColumn) ?? null,
        inferred: inferred(sample!, sheetColumn, text),
      };
    }),
    ddl: prepared?.ddl ?? [],
    indexes: prepared?.indexes.map((index) => indexDdl(index, table)) ?? [],
    sample: [],
    rejects: { total: 0, reasons: {}, first: [] },
    leftOut: [],
    notes: [],
    error: null,
  };
}

/** Encodes the first records as an import would, and keeps what it says of them. */
async function look(
  source: Source,
  prepared: Prepared,
  names: { readonly file: string; readonly sheet: string },
): Promise<Pick<SheetPreview, "sample" | "rejects" | "leftOut" | "notes">> {
  const { table, load, headers, width } = prepared;
  const plan: LoadPlan = { ...names, table, columns: load, statement: "copy", step: SAMPLE_ROWS };
  const encoder = new Encoder(plan, headers, width, SAMPLE_ROWS, SAMPLE_ROWS, () => false, SAMPLE_BYTES);
  const sample: { row: number; values: readonly (string | null)[] }[] = [];
  // The database keeps the number of such a column, and not the digits that the file has for it.
  const asStored = (value: string | null, n: number): string | null =>
    value !== null && load[n]!.column.type === "double precision" ? shortestNumber(value) : value;
  const first: Reject[] = [];
  const reasons: Record<string, number> = {};
  let total = 0;
  const take = (): void => {
    const { chunk, rejects } = encoder.take();
    for (let row = 0; row < chunk.rowCount && sample.length < SHOWN_ROWS; row++)
      sample.push({ row: chunk.rowNumbers[row]!, values: fields(chunk, row).map(asStored) });
    // Their texts go with the chunk.
    for (const { file, sheet, row, column, value, code, reason, cells } of rejects.slice(
      0,
      LISTED_REJECTS - first.length,
    ))
      first.push({ file, sheet, row, column, value, code, reason, cells });
    for (const { code } of rejects) reasons[code] = (reasons[code] ?? 0) + 1;
    total += rejects.length;
    chunk.release();
  };
  const { rules } = await source.found();
  const filter = new RecordFilter(rules);
  let ended = true;
  for await (const batch of recordsOf(source.first.look(), filter)) {
    for (let row = 0; row < batch.rowCount && encoder.records < SAMPLE_ROWS;) {
      row = encoder.fill(batch, row);
      if (encoder.full) take();
    }
    source.first.lookedAt(batch);
    if (encoder.records >= SAMPLE_ROWS) {
      ended = false;
      break;
    }
  }
  take();
  const leftOut = filter.leftOut;
  const notes = leftOutNotes(leftOut, ended ? filter.doubtful : undefined, filter.otherTitles);
  return { sample, rejects: { total, reasons, first }, leftOut, notes };
}
