// What is not one large .xlsx file: other formats, workbooks of many sheets, many small files, and
// how soon the first row is there. See README.md.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { open } from "@sluice/sheets";
import { businessColumns, businessRows } from "../packages/sluice/src/sample/sample.ts";
import { csv, kept, root, tmp, workbook } from "./data.ts";
import { openDatabase } from "./database.ts";
import type { Reading } from "./reader.ts";
import {
  atLeast,
  atMost,
  count,
  type Goal,
  median,
  mustRun,
  printGoals,
  printTable,
  type Run,
  seconds,
  times,
} from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    /** Rows of the other formats: what the library reads of .xls within its limit of memory. */
    rows: { type: "string", default: "30000" },
    sheets: { type: "string", default: "200" },
    files: { type: "string", default: "1000" },
    /** Files that are imported by a command each, to compare with. */
    single: { type: "string", default: "20" },
    /** Rows of the workbooks whose first row is waited for. */
    large: { type: "string", default: "1000000" },
    runs: { type: "string", default: "3" },
    only: { type: "string", default: "formats,sheets,first,files" },
  },
});
const rows = Number(flags.rows);
const runs = Number(flags.runs);
const parts: Record<string, () => Promise<void>> = { formats, sheets: manySheets, first: firstRow, files: manyFiles };
const only = flags.only.split(",");
for (const part of only)
  if (!(part in parts)) throw new Error(`--only: there is no "${part}", only ${Object.keys(parts).join(", ")}`);

const env = { NODE_COMPILE_CACHE: join(tmp, "compile-cache") };
const goals: Goal[] = [];
for (const part of only) await parts[part]!();
printGoals(goals);

/** SheetJS, which the importer has for .xls and .xlsb: here it also makes the files. */
interface SheetJs {
  readonly utils: {
    aoa_to_sheet(rows: readonly (readonly string[])[]): object;
    book_new(): object;
    book_append_sheet(book: object, sheet: object, name: string): void;
  };
  write(book: object, options: object): Buffer;
}

/** A file of sheets with `rows` rows each, every one with a header. */
function made(format: "ods" | "xls" | "xlsb" | "xlsx", sheets: number, rows: number): Promise<string> {
  return kept(`${sheets}x${rows}.${format}`, async (out) => {
    const { utils, write } = createRequire(join(root, "packages", "sluice", "src", "index.ts"))(
      "@e965/xlsx",
    ) as SheetJs;
    const book = utils.book_new();
    const all = businessRows({ rows: sheets * rows });
    for (let n = 1; n <= sheets; n++) {
      const table = [businessColumns.map(({ title }) => title)];
      for (let row = 0; row < rows; row++) table.push(all.next().value!);
      utils.book_append_sheet(book, utils.aoa_to_sheet(table), `Sheet${n}`);
    }
    out.write(write(book, { type: "buffer", bookType: format, compression: true }));
  });
}

async function read(name: string, file: string): Promise<Reading> {
  const reader = join(root, "bench", "reader.ts");
  const done = await mustRun(process.execPath, ["--conditions=source", reader, name, file], { env });
  return JSON.parse(done.stdout) as Reading;
}

async function formats(): Promise<void> {
  const names = ["sheets batches()", "sheets rows()", "@e965/xlsx (SheetJS)"];
  console.log(`${count(rows)} rows in other formats; a process for each reading, ${runs} runs in turn, medians\n`);
  const table: string[][] = [];
  for (const format of ["ods", "xls", "xlsb"] as const) {
    const file = await made(format, 1, rows);
    const readings = new Map<string, Reading[]>(names.map((name) => [name, []]));
    for (let i = 0; i < runs; i++) for (const name of names) readings.get(name)!.push(await read(name, file));
    const rate = (name: string): number =>
      median(readings.get(name)!.map((one) => (one.rows / one.milliseconds) * 1000));
    const peak = (name: string): number => median(readings.get(name)!.map((one) => one.peak)) / 1024 ** 2;
    for (const name of names) {
      for (const one of readings.get(name)!)
        if (one.rows !== rows + 1) throw new Error(`${name}: ${count(one.rows)} rows of .${format}`);
      const against = rate(name) / rate("@e965/xlsx (SheetJS)");
      table.push([`.${format}`, name, count(rate(name)), times(against), `${count(peak(name))} MB`]);
    }
    if (format === "ods")
      goals.push(atLeast(".ods: rows() / SheetJS", rate("sheets rows()") / rate("@e965/xlsx (SheetJS)"), 1, times));
  }
  printTable(["format", "reader", "rows/s", "SheetJS = 1", "peak"], table);
  console.log();
}

/** Reads every sheet of a workbook. Returns milliseconds. */
async function readAll(file: string, expected: number): Promise<number> {
  const start = performance.now();
  let found = 0;
  await using book = await open(file);
  for (const { index } of book.sheets)
    for await (const batch of book.sheet(index).batches()) {
      found += batch.rowCount;
      batch.release();
    }
  if (found !== expected) throw new Error(`${file}: ${count(found)} rows, not ${count(expected)}`);
  return performance.now() - start;
}

async function manySheets(): Promise<void> {
  const sheets = Number(flags.sheets);
  const each = 300;
  const many = await made("xlsx", sheets, each);
  const one = await made("xlsx", 1, sheets * each);
  const took: [many: number[], one: number[]] = [[], []];
  for (let i = 0; i <= runs; i++) {
    const [first, second] = [await readAll(many, sheets * (each + 1)), await readAll(one, sheets * each + 1)];
    if (i === 0) continue; // the first ones compile
    took[0].push(first);
    took[1].push(second);
  }
  const [ofMany, ofOne] = [median(took[0]), median(took[1])];
  console.log(`${count(sheets * each)} rows with batches(), in this process; ${runs} runs in turn, medians\n`);
  printTable(
    ["workbook", "time", "one sheet = 1"],
    [
      ["one sheet", seconds(ofOne), times(1)],
      [`${sheets} sheets`, seconds(ofMany), times(ofMany / ofOne)],
    ],
  );
  console.log();
  goals.push(atMost(`${sheets} sheets / one sheet`, ofMany / ofOne, 1.3, times));
}

async function firstRow(): Promise<void> {
  const large = Number(flags.large);
  console.log(`from open() to the first row of ${count(large)}, in this process; ${runs} runs, medians\n`);
  const table: string[][] = [];
  for (const form of ["inline", "shared", "csv"] as const) {
    const file = form === "csv" ? await csv(large) : await workbook(large, form);
    const took: number[] = [];
    for (let i = 0; i <= runs; i++) {
      const start = performance.now();
      await using book = await open(file);
      for await (const row of book.sheet().rows()) {
        if (row.values.length !== businessColumns.length) throw new Error(`${file}: ${row.values.length} values`);
        break;
      }
      if (i > 0) took.push(performance.now() - start);
    }
    table.push([form, `${median(took).toFixed(1)} ms`]);
    goals.push(atMost(`the first row, ${form}`, median(took), 50, (figure) => `${figure.toFixed(1)} ms`));
  }
  printTable(["texts", "first row"], table);
  console.log();
}

async function manyFiles(): Promise<void> {
  const [files, single] = [Number(flags.files), Number(flags.single)];
  const each = 100;
  const source = await made("xlsx", 1, each);
  await using database = await openDatabase("formats");
  const folder = mkdtempSync(join(tmp, "files-"));
  try {
    const paths = Array.from({ length: files }, (_, n) => join(folder, `file${n}.xlsx`));
    for (const path of paths) copyFileSync(source, path);
    const sluice = (some: readonly string[], ...more: string[]): Promise<Run> => {
      const launcher = join(root, "packages", "sluice", "bin", "sluice.js");
      return mustRun(process.execPath, [launcher, "import", ...some, "--to", database.to.href, "--quiet", ...more]);
    };
    // The first import makes the ledger.
    await sluice([source], "--table", "before");
    let alone = 0;
    for (const [n, path] of paths.slice(0, single).entries())
      alone += (await sluice([path], "--table", `alone${n}`)).milliseconds;
    // The files are equal, and each has a table of its own, named after it.
    const { milliseconds } = await sluice(paths, "--again");
    const { rows: found } = await database.client.query<{ sum: string }>(
      "select sum(inserted) as sum from sluice.imports where target_table like 'file%' and state = 'finished'",
    );
    if (Number(found[0]!.sum) !== files * each) throw new Error(`${found[0]!.sum} rows of ${count(files * each)}`);
    console.log(`${count(files)} workbooks of ${each} rows into tables of their own, PostgreSQL ${database.version}\n`);
    printTable(
      ["command", "time", "for each file"],
      [
        [`one for all ${count(files)}`, seconds(milliseconds), `${(milliseconds / files).toFixed(0)} ms`],
        [`one for each, ${single} of them`, seconds(alone), `${(alone / single).toFixed(0)} ms`],
      ],
    );
    console.log();
    goals.push(atMost("one command / one for each file", milliseconds / files / (alone / single), 0.5, times));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
