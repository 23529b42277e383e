// What an import would do with a file, without doing it: layout, columns and their types, mapping, DDL, a sample, and the rows among
// the first that would be rejected. Nothing is written, and no database is needed; where there is one, its tables are looked at.
import type { SheetState, Workbook } from "@sluice/sheets";
import { fields, type LoadPlan } from "./chunk.ts";
import { inferred } from "./design.ts";
import { columnLetters, Encoder } from "./encode.ts";
import { describeError, renamed } from "./errors.ts";
import type { ImportOptions } from "./import.ts";
import { SAMPLE_ROWS, type InferredColumn } from "./infer.ts";
import type { Match } from "./mapping.ts";
import { prepareTable, tableName, type Prepared } from "./prepare.ts";
import type { Reject } from "./reject.ts";
import { openWorkbook } from "./reject-source.ts";
import { indexDdl } from "./schema.ts";
import { layoutOptions, readHeader, type Source, sheetOf, type SheetView } from "./source.ts";
import { sheetsToImport } from "./tables.ts";
import type { Target } from "./targets/target.ts";

/** Rows that are shown. */
const SHOWN_ROWS = 5;
/** Rejects that are listed; all are counted. */
const LISTED_REJECTS = 10;
/** What the records that are encoded at once weigh, at most. */
const SAMPLE_BYTES = 8 * 1024 ** 2;

export interface PreviewOptions extends Omit<ImportOptions, "target" | "onProgress" | "onRejects"> {
  /** Where existing tables are looked at; without one every table is new. */
  readonly target?: Pick<Target, "name" | "describe" | "storageOf">;
}

/** A file as an import would see it. */
export interface FilePreview {
  readonly file: string;
  readonly format: string;
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  /** One for each sheet that would be imported. */
  readonly imports: readonly SheetPreview[];
  /** Why sheets go into one table or several; sheets that are left out. */
  readonly notes: readonly string[];
}

export interface SheetPreview {
  readonly sheet: string;
  readonly table: string;
  /** The table is there already. */
  readonly exists: boolean;
  /** Rows of the header, as the sheet numbers them; none where there is no header. */
  readonly headerRows: readonly number[];
  readonly unitsRow: number | null;
  /** No record stands above this row. */
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
  readonly notes: readonly string[];
  /** Why this sheet cannot be imported; what is above is then as far as it is known. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A column of the sheet. */
export interface ColumnPreview {
  /** `A`, `B`, … */
  readonly letter: string;
  readonly header: string;
  readonly unit: string | null;
  /** The table's column; null where the header is left out or has none. */
  readonly column: string | null;
  /** The type it has, or would get. */
  readonly type: string | null;
  /** How its texts write dates, where that is not ISO. */
  readonly dateFormat: string | null;
  readonly match: Match | null;
  /** What its values look like, whatever type the table has. */
  readonly inferred: InferredColumn;
}

/**
 * Looks at a file.
 *
 * @throws SheetError if it cannot be read, SluiceError if what was asked for makes no sense. What is wrong with one sheet is in
 * its `error`.
 */
export async function previewFile(options: PreviewOptions): Promise<FilePreview> {
  const file = options.fileName ?? options.file;
  await using workbook = await openWorkbook(options.file, options.csv, options.formats);
  const { sheets, notes } = await sheetsToImport(workbook, { ...options, file });
  const imports: SheetPreview[] = [];
  for (const { sheet, table, alike } of sheets) {
    const sampled = alike.map((name) => sheetOf(workbook, name));
    imports.push(await previewSheet(file, sheet, sampled, { ...options, ...(table === undefined ? {} : { table }) }));
  }
  return { file, format: workbook.format, sheets: sheetsOf(workbook), imports, notes };
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
    source = await readHeader(file, sheet, layoutOptions(options), alike);
    const names = { file, sheet: sheet.name };
    const prepared = await prepareTable(options.target ?? nowhere, source, names, options);
    const looked = await look(sheet, source, prepared, names);
    return {
      ...(await known(sheet, prepared.table, source, prepared)),
      ...looked,
      notes: [...prepared.notes, ...source.notes()],
      error: null,
    };
  } catch (error) {
    const { code, message, exitCode } = describeError(renamed(error, options.file, file));
    if (exitCode === 2) throw error;
    return { ...(await known(sheet, tableName(options, file), source, undefined)), error: { code, message } };
  } finally {
    await source?.close();
  }
}

/** What the layout and the sample say, and the table where it could be prepared. */
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
        match: prepared?.matches.get(sheetColumn) ?? null,
        inferred: inferred(sample!, sheetColumn, text),
      };
    }),
    ddl: prepared?.ddl ?? [],
    indexes: prepared?.indexes.map((index) => indexDdl(index, table)) ?? [],
    sample: [],
    rejects: { total: 0, reasons: {}, first: [] },
    notes: [],
    error: null,
  };
}

/** Encodes the first records as an import would, and keeps what it says of them. */
async function look(
  sheet: SheetView,
  { layout }: Source,
  prepared: Prepared,
  names: { readonly file: string; readonly sheet: string },
): Promise<Pick<SheetPreview, "sample" | "rejects">> {
  const { table, load, headers, width } = prepared;
  const plan: LoadPlan = { ...names, table, columns: load, statement: "copy", step: SAMPLE_ROWS };
  const encoder = new Encoder(plan, headers, width, SAMPLE_ROWS, SAMPLE_ROWS, () => false, SAMPLE_BYTES);
  const sample: { row: number; values: readonly (string | null)[] }[] = [];
  const first: Reject[] = [];
  const reasons: Record<string, number> = {};
  let total = 0;
  const take = (): void => {
    const { chunk, rejects } = encoder.take();
    for (let row = 0; row < chunk.rowCount && sample.length < SHOWN_ROWS; row++)
      sample.push({ row: chunk.rowNumbers[row]!, values: fields(chunk, row) });
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
  for await (const batch of sheet.batches({ from: layout.firstRow })) {
    for (let row = 0; row < batch.rowCount && encoder.records < SAMPLE_ROWS;) {
      row = encoder.fill(batch, row);
      if (encoder.full) take();
    }
    batch.release();
    if (encoder.records >= SAMPLE_ROWS) break;
  }
  take();
  return { sample, rejects: { total, reasons, first } };
}
