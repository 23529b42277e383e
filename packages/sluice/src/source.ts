// The sheet as the engine reads it: the header known, batches to come.
import type { RowBatch, Sheet, Workbook } from "@sluice/sheets";
import { SluiceError } from "./errors.ts";
import type { Header } from "./mapping.ts";

/** A sheet being read: its header is known, and there is at least one row below. */
export interface Source {
  readonly headers: readonly Header[];
  readonly headerRow: number;
  /** The batch whose first row is the header. */
  readonly first: RowBatch;
  next(): Promise<RowBatch | undefined>;
  /** How much of the sheet has been read, from 0 to 1. */
  progress(): number;
  notes(): string[];
  close(): Promise<void>;
}

/** The sheet of that name, or of that number from 1. @throws SluiceError (`unknown_sheet`) where there is none */
export function findSheet(file: string, workbook: Workbook, wanted: string): Sheet {
  const { sheets } = workbook;
  const numbered = /^\d+$/.test(wanted) ? sheets[Number(wanted) - 1] : undefined;
  const found = sheets.find(({ name }) => name === wanted) ?? numbered;
  if (found) return workbook.sheet(found.name);
  const list = sheets.map(({ name }, n) => `${n + 1} "${name}"`).join(", ");
  throw new SluiceError(
    "unknown_sheet",
    `${file} has no sheet "${wanted}". It has: ${list}. Name one of them, or give its number.`,
  );
}

/**
 * Reads the header, and far enough to know that there is a row below it.
 *
 * @throws SheetError where the sheet cannot be read, SluiceError where there is nothing to import
 */
export async function readHeader(file: string, sheet: Sheet): Promise<Source> {
  const iterator = sheet.batches()[Symbol.asyncIterator]();
  const warned: { row: number; message: string }[] = [];
  let warnings = 0;
  let progress = 0;
  const next = async (): Promise<RowBatch | undefined> => {
    const { value, done } = await iterator.next();
    if (done) return undefined;
    progress = value.progress;
    warnings += value.warnings.length;
    if (warned.length === 0) warned.push(...value.warnings.slice(0, 1));
    return value;
  };
  const close = async (): Promise<void> => void (await iterator.return?.());
  try {
    const first = await next();
    if (!first) {
      throw new SluiceError(
        "empty_sheet",
        `${file}: the sheet "${sheet.name}" is empty. Expected: a header row, and rows below it. Choose another sheet with --sheet.`,
      );
    }
    const headerRow = first.rowNumbers[0]!;
    const headers: Header[] = [];
    for (let cell = first.firstCell[0]!; cell < first.firstCell[1]!; cell++) {
      const text = first.bytes.toString("utf8", first.starts[cell], first.ends[cell]).trim();
      if (text !== "") headers.push({ sheetColumn: first.columns[cell]!, text });
    }
    // Only the header: then the next batch decides, and is read ahead.
    const ahead = first.rowCount === 1 ? await next() : undefined;
    if (headers.length === 0 || (first.rowCount === 1 && !ahead)) {
      throw new SluiceError(
        "no_rows",
        `${file}: the sheet "${sheet.name}" has a header (row ${headerRow}) and no rows below it, so there is nothing to import. Choose another sheet with --sheet.`,
      );
    }
    // One batch is read ahead, while the table is looked up and while the last one is encoded.
    let coming = ahead ? Promise.resolve(ahead) : next();
    coming.catch(() => undefined);
    return {
      headers,
      headerRow,
      first,
      next: async () => {
        const batch = await coming;
        coming = batch ? next() : Promise.resolve(undefined);
        coming.catch(() => undefined);
        return batch;
      },
      progress: () => progress,
      notes: () =>
        warned.map(
          ({ row, message }) => `row ${row}: ${message}${warnings > 1 ? ` (and ${warnings - 1} more like it)` : ""}`,
        ),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
