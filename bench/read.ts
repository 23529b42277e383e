// Reads big workbooks with our reader and with others. See README.md.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { businessRows } from "../packages/sluice/src/sample/sample.ts";
import { root, workbook } from "./data.ts";
import { type Reading, readerNames } from "./reader.ts";
import { count, median, printTable, run, times } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    /** What a reader gets that cannot read `rows`, or not in `seconds`. */
    fewer: { type: "string", default: "100000" },
    strings: { type: "string", default: "inline,shared" },
    readers: { type: "string", default: readerNames.join(",") },
    seconds: { type: "string", default: "120" },
    runs: { type: "string", default: "3" },
  },
});
const pinned = existsSync("/usr/bin/taskset");
const [rows, fewer, limit, runs] = [flags.rows, flags.fewer, flags.seconds, flags.runs].map(Number) as [
  number,
  number,
  number,
  number,
];

const counted = new Map<number, number>();

interface Figure {
  readonly reader: string;
  readonly rows: number;
  readonly rate: number;
  readonly peak: number;
  /** Why it is not what was asked for. */
  readonly note: string;
}

console.log(
  `Node ${process.versions.node}, one process a figure${pinned ? ", pinned to one core" : ""}, median of ${runs}`,
);
for (const strings of flags.strings.split(",") as ("inline" | "shared")[]) {
  const figures: Figure[] = [];
  for (const reader of flags.readers.split(",")) {
    const figure = await measure(reader, rows, strings);
    if (figure.rate === 0 && fewer < rows) {
      const smaller = await measure(reader, fewer, strings);
      figures.push({ ...smaller, note: `${figure.note} with ${count(rows)}` });
    } else figures.push(figure);
  }
  const rate = (reader: string): number => figures.find((figure) => figure.reader === reader)?.rate ?? Number.NaN;
  const ratio = (ours: number, figure: Figure): string =>
    figure.rate > 0 && ours > 0 ? times(ours / figure.rate) : "–";
  console.log(`\n${count(rows)} rows of nine text cells, ${strings} strings\n`);
  printTable(
    ["reader", "rows", "rows/s", "peak MB", "rows() / it", "batches() / it", "note"],
    figures.map((figure) => [
      figure.reader,
      count(figure.rows),
      figure.rate > 0 ? count(figure.rate) : "–",
      figure.rate > 0 ? count(figure.peak / 1e6) : "–",
      ratio(rate("sheets rows()"), figure),
      ratio(rate("sheets batches()"), figure),
      figure.note,
    ]),
  );
}

/** Rate 0: it could not do it. A failure is not tried again. */
async function measure(reader: string, rows: number, strings: "inline" | "shared"): Promise<Figure> {
  const file = await workbook(rows, strings);
  const cells = expectedCells(rows);
  const readings: Reading[] = [];
  for (let i = 0; i < runs; i++) {
    const command = [process.execPath, "--conditions=source", join(root, "bench", "reader.ts"), reader, file];
    const [program, ...args] = pinned ? ["taskset", "-c", "0", ...command] : command;
    const done = await run(program!, args, { seconds: limit });
    const failure = done.late
      ? `over ${limit} s`
      : done.code === 0
        ? wrong(JSON.parse(done.stdout) as Reading, rows + 1, cells)
        : reason(done.stderr);
    if (failure) return { reader, rows, rate: 0, peak: 0, note: failure };
    readings.push(JSON.parse(done.stdout) as Reading);
  }
  const milliseconds = median(readings.map((reading) => reading.milliseconds));
  const peak = median(readings.map((reading) => reading.peak));
  return { reader, rows, rate: (rows / milliseconds) * 1000, peak, note: "" };
}

function wrong(reading: Reading, rows: number, cells: number): string {
  if (reading.rows === rows && reading.cells === cells) return "";
  return `reads ${count(reading.rows)} rows, ${count(reading.cells)} cells`;
}

function reason(stderr: string): string {
  if (/heap out of memory|allocation failed/i.test(stderr)) return "out of memory";
  const line = stderr.split("\n").find((line) => /^\s*\w*Error|^Error/.test(line)) ?? stderr.trim().split("\n").at(-1);
  return (line ?? "failed").trim().slice(0, 80);
}

function expectedCells(rows: number): number {
  let cells = counted.get(rows);
  if (cells === undefined) {
    cells = 9;
    for (const row of businessRows({ rows })) for (const text of row) if (text !== "") cells++;
    counted.set(rows, cells);
  }
  return cells;
}
