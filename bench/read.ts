// Reads big workbooks and CSV with our reader and with others: rows a second, peak memory, and how
// ours compares. See README.md.
//
// Every reading is a process of its own, on one core. Ours goes before and after the others, so
// that a machine that gets slower or faster meanwhile shows in the range. A small reading first
// fills the compile cache, as that of an installed program is filled: making JavaScript of our
// sources would cost 27 MB of the peak.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { businessRows } from "../packages/sluice/src/sample/sample.ts";
import { csv, root, tmp, workbook } from "./data.ts";
import { csvReaderNames, type Reading, readerNames } from "./reader.ts";
import { atLeast, atMost, count, type Goal, median, printGoals, printTable, type Run, run, times } from "./run.ts";

/** The file: a workbook with its texts in the sheet or in the table of shared strings, or CSV. */
type Form = "inline" | "shared" | "csv";
const forms: readonly Form[] = ["inline", "shared", "csv"];

const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    /** What a reader gets that fails with `rows`. */
    fewer: { type: "string", default: "100000" },
    forms: { type: "string", default: forms.join(",") },
    readers: { type: "string", default: "" },
    seconds: { type: "string", default: "240" },
    runs: { type: "string", default: "1" },
    /** The core that all readings run on. */
    core: { type: "string", default: "0" },
  },
});
const rows = Number(flags.rows);
const fewer = Number(flags.fewer);
const limit = Number(flags.seconds);
const pinned = existsSync("/usr/bin/taskset");
/** By a part of the name: `--readers batches,hucre`. */
const chosen = (form: Form): readonly string[] =>
  (form === "csv" ? csvReaderNames : readerNames).filter((name) =>
    flags.readers.split(",").some((part) => name.includes(part)),
  );
const isOwn = (name: string): boolean => name.startsWith("sheets ");

/** What one reading came to. */
interface Figure {
  /** Rows a second; 0 where there is none to speak of. */
  readonly rate: number;
  /** Peak resident set, in bytes. */
  readonly peak: number;
  /** How many rows the sheet had. */
  readonly rows: number;
  /** Why it is not what was asked for. */
  readonly note: string;
}

/**
 * Rows a second, times as fast as those others, and memory; and how many times as fast as the
 * fastest other rows() is to be.
 */
const GOALS: Record<
  Form,
  readonly [rate: number, rivals: readonly string[], ratio: number, peak: number, rowsRatio: number]
> = {
  inline: [550_000, ["hucre"], 6, 110e6, 4],
  shared: [380_000, ["@protobi/exceljs"], 9, 160e6, 4],
  csv: [600_000, ["csv-parse", "papaparse"], 2, 100e6, 2],
};

const env = { NODE_COMPILE_CACHE: join(tmp, "compile-cache") };
const goals: Goal[] = [];
const expected = new Map<number, number>();
console.log(
  `Node ${process.versions.node}, a new process for each reading${pinned ? ", pinned to one core" : ""}; ours before and after the others`,
);
for (const form of forms.filter((form) => flags.forms.split(",").includes(form))) {
  const names = chosen(form);
  const ours = names.filter(isOwn);
  const peers = names.filter((name) => !isOwn(name));
  for (const name of names) await measure(name, 1000, form);
  const figures = new Map<string, Figure[]>(names.map((name) => [name, []]));
  for (let i = 0; i < Number(flags.runs); i++) await round([...ours, ...peers], form, figures);
  if (peers.length > 0) await round(ours, form, figures);
  print(form, figures);
  judge(form, figures);
}
console.log();
printGoals(goals);

async function round(names: readonly string[], form: Form, figures: Map<string, Figure[]>): Promise<void> {
  for (const name of names) {
    const before = figures.get(name)!;
    if (before.some(({ note }) => note !== "")) continue; // what failed once is not tried again
    const figure = await measure(name, rows, form);
    if (figure.rate === 0 && fewer < rows) {
      const smaller = await measure(name, fewer, form);
      before.push({ ...smaller, note: `with ${count(rows)}: ${figure.note}` });
    } else before.push(figure);
  }
}

async function measure(name: string, rows: number, form: Form): Promise<Figure> {
  const file = form === "csv" ? await csv(rows) : await workbook(rows, form);
  const reader = join(root, "bench", "reader.ts");
  const command = [process.execPath, "--conditions=source", reader, name, file, String(limit)];
  const [program, ...args] = pinned ? ["taskset", "-c", flags.core, ...command] : command;
  // A reader that gives no row in time cannot stop itself.
  const done = await run(program!, args, { seconds: limit + 10, env });
  if (done.late) return { rows, rate: 0, peak: done.peak, note: `no row in ${limit} s, ${megabytes(done.peak)}` };
  if (done.code !== 0) return { rows, rate: 0, peak: done.peak, note: reason(done) };
  const reading = JSON.parse(done.stdout) as Reading;
  const rate = (reading.rows / reading.milliseconds) * 1000;
  if (!reading.complete)
    return { rows, rate, peak: reading.peak, note: `${count(reading.rows)} rows in ${limit} s, then stopped` };
  const wrong = reading.rows !== rows + 1 || reading.cells !== expectedCells(rows);
  if (wrong)
    return {
      rows,
      rate: 0,
      peak: reading.peak,
      note: `gives ${count(reading.rows)} rows, ${count(reading.cells)} cells`,
    };
  return { rows, rate, peak: reading.peak, note: "" };
}

function print(form: Form, figures: ReadonlyMap<string, readonly Figure[]>): void {
  console.log(`\n${count(rows)} rows of nine text cells, ${form === "csv" ? "CSV" : `${form} strings`}\n`);
  const ours = [...figures.keys()].filter(isOwn);
  printTable(
    ["reader", "rows", "rows/s", "from", "to", "peak", ...ours.map((name) => `${name.slice(7)} is`), "note"],
    [...figures].map(([name, all]) => {
      const rates = all.map(({ rate }) => rate);
      const rate = median(rates);
      return [
        name,
        count(all[0]!.rows),
        rate > 0 ? count(rate) : "–",
        all.length > 1 ? count(Math.min(...rates)) : "",
        all.length > 1 ? count(Math.max(...rates)) : "",
        megabytes(peakOf(all)),
        ...ours.map((own) => (rate > 0 ? times(rateOf(figures.get(own)!) / rate) : "–")),
        all.find(({ note }) => note !== "")?.note ?? "",
      ];
    }),
  );
}

function judge(form: Form, figures: ReadonlyMap<string, readonly Figure[]>): void {
  const batches = figures.get("sheets batches()");
  if (!batches) return;
  const [rate, rivals, ratio, peak, rowsRatio] = GOALS[form];
  const own = rateOf(batches);
  goals.push(atLeast(`${form}, batches(): rows/s`, own, rate, count));
  for (const rival of rivals) {
    const other = figures.get(rival);
    if (other && rateOf(other) > 0)
      goals.push(atLeast(`${form}, batches(): times as fast as ${rival}`, own / rateOf(other), ratio, times));
  }
  goals.push(atMost(`${form}, batches(): peak memory`, peakOf(batches), peak, megabytes));
  const rows = figures.get("sheets rows()");
  const fastest = Math.max(...[...figures].map(([name, all]) => (isOwn(name) ? 0 : rateOf(all))));
  if (rows && fastest > 0)
    goals.push(
      atLeast(`${form}, rows(): times as fast as the fastest other`, rateOf(rows) / fastest, rowsRatio, times),
    );
}

function rateOf(figures: readonly Figure[]): number {
  return median(figures.map(({ rate }) => rate));
}

function peakOf(figures: readonly Figure[]): number {
  return Math.max(...figures.map(({ peak }) => peak));
}

function megabytes(bytes: number): string {
  return `${count(bytes / 1e6)} MB`;
}

function reason({ code, stderr, peak }: Run): string {
  // Node's code for a program that waits when there is nothing left to wait for.
  if (code === 13) return "stops on the way, without an error";
  if (/heap out of memory|allocation failed/i.test(stderr)) return `out of memory at ${megabytes(peak)}`;
  const line = stderr.split("\n").find((line) => /^\s*\w*Error/.test(line)) ?? stderr.trim().split("\n").at(-1);
  return (line ?? "failed").trim().slice(0, 80);
}

/** Cells that are not empty, the header's included. */
function expectedCells(rows: number): number {
  const known = expected.get(rows);
  if (known !== undefined) return known;
  let cells = 9;
  for (const row of businessRows({ rows })) for (const text of row) if (text !== "") cells++;
  expected.set(rows, cells);
  return cells;
}
