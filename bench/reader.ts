// Reads one workbook with one reader, looks at every cell and prints what it took as JSON: a fresh process for each figure,
// started by read.ts. Usage: reader.ts NAME FILE
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { open } from "@sluice/sheets";

export interface Reading {
  readonly rows: number;
  /** Cells that are not empty. */
  readonly cells: number;
  readonly milliseconds: number;
  /** Peak resident set, in bytes. */
  readonly peak: number;
}

interface Tally {
  rows: number;
  cells: number;
  /** Length of all values, so that none goes unread. */
  length: number;
}

// The peers have their own folder and lock file; no type of theirs is needed beyond these.
const peers = createRequire(join(import.meta.dirname, "peers", "package.json"));
interface ExcelJs {
  stream: {
    xlsx: {
      WorkbookReader: new (
        file: string,
        options: object,
      ) => AsyncIterable<AsyncIterable<{ values: readonly unknown[] }>>;
    };
  };
}
interface Hucre {
  streamXlsxRows(input: Uint8Array): AsyncIterable<{ values: readonly unknown[] }>;
}
interface SheetJs {
  readFile(
    file: string,
    options: object,
  ): { SheetNames: string[]; Sheets: Record<string, { "!data"?: ({ v?: unknown } | undefined)[][] } | undefined> };
}

const readers: Record<string, (file: string) => Promise<Tally>> = {
  "sheets batches()": async (file) => {
    const tally = { rows: 0, cells: 0, length: 0 };
    await using book = await open(file);
    for await (const batch of book.sheet().batches()) {
      tally.rows += batch.rowCount;
      tally.cells += batch.cellCount;
      for (let i = 0; i < batch.cellCount; i++) tally.length += batch.ends[i]! - batch.starts[i]!;
      batch.release();
    }
    return tally;
  },
  "sheets rows()": async (file) => {
    const tally = { rows: 0, cells: 0, length: 0 };
    await using book = await open(file);
    for await (const row of book.sheet().rows()) look(tally, row.values);
    return tally;
  },
  hucre: async (file) => {
    const { streamXlsxRows } = peers("hucre/xlsx") as Hucre;
    const tally = { rows: 0, cells: 0, length: 0 };
    for await (const row of streamXlsxRows(readFileSync(file))) look(tally, row.values);
    return tally;
  },
  "@protobi/exceljs": (file) => excelJs("@protobi/exceljs", file),
  exceljs: (file) => excelJs("exceljs", file),
  "@e965/xlsx (SheetJS)": async (file) => {
    const { readFile } = peers("@e965/xlsx") as SheetJs;
    const tally = { rows: 0, cells: 0, length: 0 };
    const book = readFile(file, { dense: true });
    for (const row of book.Sheets[book.SheetNames[0] ?? ""]?.["!data"] ?? [])
      look(
        tally,
        row.map((cell) => cell?.v),
      );
    return tally;
  },
};

export const readerNames: readonly string[] = Object.keys(readers);

if (import.meta.main) {
  const [name = "", file = ""] = process.argv.slice(2);
  const start = performance.now();
  const { rows, cells } = await readers[name]!(file);
  const milliseconds = performance.now() - start;
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ rows, cells, milliseconds, peak } satisfies Reading));
}

function look(tally: Tally, values: readonly unknown[]): void {
  tally.rows++;
  for (const value of values) {
    if (value === null || value === undefined || value === "") continue;
    tally.cells++;
    tally.length += typeof value === "string" ? value.length : 8;
  }
}

async function excelJs(name: string, file: string): Promise<Tally> {
  const { stream } = peers(name) as ExcelJs;
  const options = {
    worksheets: "emit",
    sharedStrings: "cache",
    hyperlinks: "ignore",
    styles: "cache",
    entries: "emit",
  };
  const tally = { rows: 0, cells: 0, length: 0 };
  for await (const sheet of new stream.xlsx.WorkbookReader(file, options))
    for await (const row of sheet) look(tally, row.values);
  return tally;
}
