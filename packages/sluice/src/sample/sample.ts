/**
 * `sluice sample`: a made-up business directory as a workbook, of any size, the same for the same
 * options.
 */
import type { Writable } from "node:stream";
import { businessColumns, businessRows, type BusinessOptions } from "./businesses.ts";
import { lastRow, writeXlsx } from "../xlsx/xlsx-writer.ts";

export { businessColumns, businessRows, type BusinessColumn, type BusinessOptions } from "./businesses.ts";

export interface SampleOptions extends BusinessOptions {
  /**
   * The place of a cell's text: `inline` in the cell, or `shared` in the workbook's string table,
   * with an index in the cell. Default "shared", as Excel writes.
   */
  readonly strings?: "shared" | "inline";
}

/**
 * Writes the workbook: one sheet, `Sheet1`, a header and `rows` rows. Resolves when `output` has
 * taken all of it; does not end `output`, for it may be the process's own. Rejects when `output`
 * fails, and with a RangeError for options that make no sense. Memory does not grow with `rows`.
 */
export async function writeSample(output: Writable, options: SampleOptions): Promise<void> {
  const { rows } = options;
  if (rows > lastRow - 1)
    throw new RangeError(`a sheet holds at most ${lastRow - 1} rows below its header, got ${rows}`);
  businessRows(options).next(); // wrong options fail before the first byte
  await writeXlsx(output, {
    sheet: "Sheet1",
    columns: businessColumns,
    rows: () => businessRows(options),
    strings: options.strings ?? "shared",
    // A file to keep should be small, a big one is made to be read once.
    level: rows <= 50_000 ? 9 : 1,
  });
}
