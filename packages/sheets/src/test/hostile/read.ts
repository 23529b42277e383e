// Reads files to their ends in a process of their own, and prints how each ended and what it cost:
// `node read.ts FILE…`.
import { SheetError } from "../../errors.ts";
import { open } from "../../workbook.ts";
import { peakMemory } from "../memory.ts";

export interface Cost {
  /** The error's code, or how many cells were read. */
  readonly ends: string | number;
  readonly message: string;
  /** Of the clock, and of the processor, from opening the file on. */
  readonly milliseconds: number;
  readonly processor: number;
  /** The process's peak resident set up to now, in bytes; 0 where there is no /proc. */
  readonly peak: number;
}

if (import.meta.main) {
  for (const file of process.argv.slice(2)) {
    const start = performance.now();
    const before = process.cpuUsage();
    const { ends, message } = await read(file);
    const milliseconds = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    const cost: Cost = { ends, message, milliseconds, processor: (user + system) / 1000, peak: peakMemory() };
    console.log(JSON.stringify(cost));
  }
}

async function read(file: string): Promise<Pick<Cost, "ends" | "message">> {
  try {
    await using book = await open(file);
    let cells = 0;
    for (const { index } of book.sheets)
      for await (const batch of book.sheet(index).batches()) {
        cells += batch.cellCount;
        batch.release();
      }
    return { ends: cells, message: "" };
  } catch (error) {
    if (error instanceof SheetError) return { ends: error.code, message: error.message };
    throw error;
  }
}
