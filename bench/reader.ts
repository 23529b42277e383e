// Reads one file with one reader, looks at every cell and prints what it took as JSON: a fresh
// process for each figure, started by read.ts. Usage: reader.ts NAME FILE [SECONDS], after which it
// stops at the next row and says how far it came.
import { createReadStream, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { open } from "@sluice/sheets";
import { peakMemory } from "./run.ts";

export interface Reading {
  readonly rows: number;
  /** Cells that are not empty. */
  readonly cells: number;
  readonly milliseconds: number;
  /** Peak resident set, in bytes. */
  readonly peak: number;
  /** False where the time was over before the sheet was. */
  readonly complete: boolean;
}

/** Counts what a reader gives, and looks at every value so that none is left unmade. */
class Tally {
  rows = 0;
  cells = 0;
  length = 0;
  readonly #end: number;

  constructor(seconds: number) {
    this.#end = performance.now() + seconds * 1000;
  }

  value(value: unknown): void {
    if (value === null || value === undefined || value === "") return;
    this.cells++;
    this.length += typeof value === "string" ? value.length : 8;
  }

  /** Call after each row. @returns whether the time is over */
  row(): boolean {
    this.rows++;
    return this.rows % 1024 === 0 && this.late();
  }

  late(): boolean {
    return performance.now() > this.#end;
  }
}

// The peers have their own folder and lock file; no type of theirs is needed beyond these.
const peers = createRequire(join(import.meta.dirname, "peers", "package.json"));
interface ExcelJs {
  stream: { xlsx: { WorkbookReader: new (file: string, options: object) => AsyncIterable<AsyncIterable<ExcelJsRow>> } };
}
interface ExcelJsRow {
  eachCell(look: (cell: { value: unknown }) => void): void;
}
interface Hucre {
  streamXlsxRows(input: Uint8Array): AsyncIterable<{ values: readonly unknown[] }>;
}
interface CsvParse {
  parse(options: object): NodeJS.ReadWriteStream & AsyncIterable<readonly string[]>;
}
interface Papa {
  parse(input: NodeJS.ReadableStream, options: object): void;
}
interface SheetJs {
  readFile(
    file: string,
    options: object,
  ): { SheetNames: string[]; Sheets: Record<string, { "!data"?: ({ v?: unknown } | undefined)[][] } | undefined> };
}

/** Reads to the end (true), or until the tally says that the time is over (false). */
type Read = (file: string, tally: Tally) => Promise<boolean>;

const readers: Record<string, Read> = {
  "sheets batches()": async (file, tally) => {
    await using book = await open(file);
    for await (const batch of book.sheet().batches()) {
      const { bytes, starts, ends, cellCount } = batch;
      for (let i = 0; i < cellCount; i++) tally.length += ends[i]! - starts[i]! + (bytes[starts[i]!]! & 1);
      tally.rows += batch.rowCount;
      tally.cells += cellCount;
      batch.release();
      if (tally.late()) return false;
    }
    return true;
  },
  "sheets rows()": async (file, tally) => {
    await using book = await open(file);
    for await (const row of book.sheet().rows()) {
      for (const value of row.values) tally.value(value);
      if (tally.row()) return false;
    }
    return true;
  },
  hucre: async (file, tally) => {
    const { streamXlsxRows } = peers("hucre/xlsx") as Hucre;
    // From a stream it reads such archives (data descriptors) no sooner than it has gathered all of
    // the bytes.
    for await (const row of streamXlsxRows(readFileSync(file))) {
      for (const value of row.values) tally.value(value);
      if (tally.row()) return false;
    }
    return true;
  },
  "@protobi/exceljs": (file, tally) => excelJs("@protobi/exceljs", file, tally),
  exceljs: (file, tally) => excelJs("exceljs", file, tally),
  "@e965/xlsx (SheetJS)": async (file, tally) => {
    const { readFile } = peers("@e965/xlsx") as SheetJs;
    const book = readFile(file, { dense: true, cellFormula: false, cellHTML: false, cellText: false });
    for (const row of book.Sheets[book.SheetNames[0] ?? ""]?.["!data"] ?? []) {
      for (const cell of row) tally.value(cell?.v);
      tally.row(); // the work is done by now: no use in stopping
    }
    return true;
  },
};

/** Reads of CSV what data.ts writes: a quote in a field has a backslash in front. */
const csvReaders: Record<string, Read> = {
  "csv-parse": async (file, tally) => {
    const { parse } = peers("csv-parse") as CsvParse;
    const input = createReadStream(file, { highWaterMark: CSV_BYTES });
    for await (const row of input.pipe(parse({ escape: "\\" }))) {
      for (const value of row) tally.value(value);
      if (tally.row()) return false;
    }
    return true;
  },
  papaparse: (file, tally) =>
    new Promise((resolve, reject) => {
      const input = createReadStream(file, { highWaterMark: CSV_BYTES });
      (peers("papaparse") as Papa).parse(input, {
        escapeChar: "\\",
        // A chunk's rows at once: a call for each row is slower.
        chunk: ({ data }: { data: readonly (readonly string[])[] }, parser: { abort(): void }) => {
          for (const row of data) {
            for (const value of row) tally.value(value);
            tally.rows++;
          }
          if (!tally.late()) return;
          resolve(false);
          parser.abort();
        },
        complete: () => resolve(true),
        error: reject,
      });
    }),
};

/** How much of a file the streams of others read at a time; they are slower with Node's 64 KB. */
const CSV_BYTES = 256 * 1024;

const own = Object.keys(readers).filter((name) => name.startsWith("sheets "));
export const readerNames: readonly string[] = Object.keys(readers);
export const csvReaderNames: readonly string[] = [...own, ...Object.keys(csvReaders)];

if (import.meta.main) {
  const [name = "", file = "", seconds = "Infinity"] = process.argv.slice(2);
  const start = performance.now();
  const tally = new Tally(Number(seconds));
  const complete = await { ...readers, ...csvReaders }[name]!(file, tally);
  const milliseconds = performance.now() - start;
  const reading: Reading = { rows: tally.rows, cells: tally.cells, milliseconds, peak: peakMemory(), complete };
  process.stdout.write(`${JSON.stringify(reading)}\n`, () => process.exit());
}

async function excelJs(name: string, file: string, tally: Tally): Promise<boolean> {
  const { stream } = peers(name) as ExcelJs;
  const options = {
    worksheets: "emit",
    sharedStrings: "cache",
    hyperlinks: "ignore",
    styles: "ignore",
    entries: "ignore",
  };
  for await (const sheet of new stream.xlsx.WorkbookReader(file, options)) {
    for await (const row of sheet) {
      row.eachCell(({ value }) => tally.value(value));
      if (tally.row()) return false;
    }
  }
  return true;
}
