// `sluice sample`: a workbook on standard output.
import { usageError } from "../errors.ts";
import { writeSample } from "../sample/sample.ts";
import { lastRow } from "../xlsx/xlsx-writer.ts";

export interface SampleFlags {
  readonly bad: number;
  readonly seed: number;
  readonly strings: "shared" | "inline";
}

export async function sampleCommand(rows: number, flags: SampleFlags): Promise<number> {
  if (rows > lastRow - 1) {
    throw usageError(
      "bad_sample",
      `a sheet holds at most ${lastRow - 1} rows below its header, and ${rows} were asked for.`,
    );
  }
  if (flags.bad > rows)
    throw usageError(
      "bad_sample",
      `--bad ${flags.bad}: there are only ${rows} rows to be bad. Give a number up to that.`,
    );
  if (process.stdout.isTTY)
    throw usageError(
      "bad_sample",
      `a workbook is no text for a terminal. Send it to a file: sluice sample ${rows} > businesses.xlsx`,
    );
  await writeSample(process.stdout, { rows, ...flags });
  return 0;
}
