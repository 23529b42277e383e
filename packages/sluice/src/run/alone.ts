// The parts of an import that need no database, measured alone: what is left of the whole import's
// time is the database's.
import { performance } from "node:perf_hooks";
import type { Context } from "@sluice/go/context";
import type { ImportOptions } from "../options.ts";
import { planOf } from "../plan/method.ts";
import { prepareTable } from "../plan/prepare.ts";
import { openWorkbook } from "../rejects/as-source.ts";
import { layoutOptions, readHeader, sheetOf } from "../sheet/source.ts";
import { runPipeline } from "./pipeline.ts";

/** Times in milliseconds. */
export interface Alone {
  /** The time in which all rows of the sheet are read and dropped. */
  readonly reading: number;
  /**
   * The time in which all rows are read, checked and encoded as the method sends them, and then
   * dropped.
   */
  readonly encoding: number;
}

/**
 * Measures the first visible sheet of a file whose table is yet to be made. Reads the file twice.
 *
 * @throws SheetError, SluiceError as an import of it would
 */
export async function measureAlone(
  ctx: Context,
  options: Pick<ImportOptions, "file" | "schema" | "method" | "target">,
): Promise<Alone> {
  const { file, target } = options;
  await using workbook = await openWorkbook(file, {});
  const sheet = sheetOf(workbook);
  const started = performance.now();
  for await (const batch of sheet.batches()) batch.release();
  const read = performance.now();
  const source = await readHeader(file, sheet, layoutOptions(options, sheet.name));
  try {
    const names = { file, sheet: sheet.name };
    const prepared = await prepareTable(target, source, names, options);
    const { rules } = await source.found();
    await source.startWith(rules);
    const plan = planOf(prepared, rules, options);
    await runPipeline(
      { ctx, rows: source, plan, names },
      { loaders: 1, isDone: () => false, commit: () => Promise.resolve() },
    );
  } finally {
    await source.close();
  }
  return { reading: read - started, encoding: performance.now() - read };
}
