// `sluice bench`: the same rows by each method, each into a fresh table with the guide's six
// indexes.
//
// For each size the sample is written once. Then the methods take turns, run by run, so that a
// machine that slows down slows all of them down. The median run of each method counts. A run's
// time is the one that the import reports itself, in milliseconds.
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "@sluice/go/context";
import { businesses } from "../schema/businesses.ts";
import { goDuration } from "../duration.ts";
import { SluiceError } from "../errors.ts";
import { quoteIdentifier } from "../schema/identifiers.ts";
import { runImport } from "../import.ts";
import { deleteImport } from "../ledger/history.ts";
import { writeSample } from "../sample/sample.ts";
import { measureAlone, type Alone } from "../run/alone.ts";
import type { Target } from "../target.ts";
import { connect, interruptible, type TargetFlags } from "./common.ts";
import { columns, count, rate } from "./format.ts";
import { METHODS, type Method } from "../options.ts";
import { svgPlot } from "./plot.ts";

export interface BenchFlags extends TargetFlags {
  readonly rows: number;
  readonly runs: number;
  readonly json?: boolean;
  /** The file of a plot, for which more sizes are measured. */
  readonly plot?: string;
}

interface Figure {
  readonly method: Method;
  readonly milliseconds: number;
  readonly inserted: number;
  readonly rejected: number;
}

/** The figures of a size, one for each method. */
interface Measured {
  readonly rows: number;
  readonly figures: readonly (Figure & Alone)[];
}

/** The fewest rows of a plot. */
const FIRST_SIZE = 1_000;

/**
 * Measures and prints. The exit code is 0, or that of an interruption; the files and tables are
 * gone then.
 */
export async function benchCommand(flags: BenchFlags): Promise<number> {
  return await interruptible(async (ctx) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
    try {
      await using target = await connect(flags);
      const all: Measured[] = [];
      for (const rows of sizesOf(flags)) {
        if (!flags.json && flags.plot !== undefined) process.stderr.write(`${count(rows)} rows …\n`);
        all.push(await measureSize(ctx, join(folder, `${rows}.xlsx`), target, rows, flags.runs));
      }
      print(all.at(-1)!, target, flags);
      if (flags.plot !== undefined) await plot(flags.plot, all, target, flags);
      return 0;
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

/** Powers of ten up to the rows that were asked for, if there is to be a plot. */
function sizesOf({ rows, plot: file }: BenchFlags): number[] {
  const sizes: number[] = [];
  if (file !== undefined) for (let size = FIRST_SIZE; size < rows; size *= 10) sizes.push(size);
  return [...sizes, rows];
}

/**
 * Measures each method `times` times on one file. 0.13 % of its rows are bad, so that the way of
 * rejects is measured too.
 */
async function measureSize(ctx: Context, file: string, target: Target, rows: number, times: number): Promise<Measured> {
  await writeSample(createWriteStream(file), { rows, bad: Math.round(rows * 0.0013) });
  const runs = new Map<Method, Figure[]>(METHODS.map((method) => [method, []]));
  const alone = new Map<Method, Alone[]>(METHODS.map((method) => [method, []]));
  for (let run = 0; run < times; run++) {
    for (const method of METHODS) {
      runs.get(method)!.push(await measure(ctx, file, target, method));
      alone.get(method)!.push(await measureAlone(ctx, { file, target, schema: businesses, method }));
    }
  }
  const figures = METHODS.map((method) => ({
    ...median(runs.get(method)!, ({ milliseconds }) => milliseconds),
    ...median(alone.get(method)!, ({ encoding }) => encoding),
  }));
  return { rows, figures };
}

/** One import into a table of its own. Neither the table nor its line in the history stays. */
async function measure(ctx: Context, file: string, target: Target, method: Method): Promise<Figure> {
  const table = `sluice_bench_${process.pid}`;
  try {
    const result = await runImport(ctx, { file, target, table, schema: businesses, method, mode: "create" });
    await deleteImport(target, result.id);
    if (result.interrupted) throw new SluiceError("interrupted", "interrupted: no figures");
    return { method, milliseconds: result.milliseconds, inserted: result.inserted, rejected: result.rejected };
  } finally {
    await target.query(`drop table if exists ${quoteIdentifier(table)}`);
  }
}

/** The middle one of the runs; of an even number, the larger of the two in the middle. */
function median<T>(figures: readonly T[], by: (figure: T) => number): T {
  return [...figures].sort((a, b) => by(a) - by(b))[Math.floor(figures.length / 2)]!;
}

/** Prints the figures of a size. The first method is the baseline of the others. */
function print({ rows, figures }: Measured, target: Target, flags: BenchFlags): void {
  if (flags.json) {
    console.log(JSON.stringify({ target: target.name, rows, runs: flags.runs, figures }));
    return;
  }
  const [first] = figures;
  const baseline = first!.milliseconds;
  console.log(
    `${count(rows)} rows (${count(first!.rejected)} of them bad) into ${target.name}, a fresh table with six indexes each time`,
  );
  console.log(flags.runs > 1 ? `median of ${flags.runs} runs\n` : "");
  const lines = figures.map((figure) => {
    const speedup = baseline / figure.milliseconds;
    const gain = speedup === 1 ? "baseline" : `${Math.round((1 - 1 / speedup) * 100)}% less time`;
    return [
      figure.method,
      goDuration(figure.milliseconds),
      `${count(rate(figure.inserted, figure.milliseconds))} rec/s`,
      `${speedup.toFixed(1)}x`,
      gain,
      ...shares(figure),
    ];
  });
  const head = ["Method", "Time", "Records/sec", "Speedup", "Improvement", "Reading", "Encoding", "Database"];
  for (const line of columns([head, ...lines], [false, true, true, true, false, true, true, true])) console.log(line);
  console.log(`
Reading and encoding (checks included) were measured without the database. The rest of the time is the database's.`);
}

/** The parts of an import's time: reading, encoding, and what the database adds to them. */
function shares({ milliseconds, reading, encoding }: Figure & Alone): string[] {
  const parts = [reading, Math.max(0, encoding - reading), Math.max(0, milliseconds - Math.max(reading, encoding))];
  const whole = parts.reduce((sum, part) => sum + part);
  return parts.map((part) => `${Math.round((100 * part) / whole)} %`);
}

/** Draws all sizes, a line for each method. */
async function plot(file: string, all: readonly Measured[], target: Target, flags: BenchFlags): Promise<void> {
  const series = METHODS.map((name, n) => ({
    name,
    points: all.map(({ rows, figures }) => ({ x: rows, y: rate(figures[n]!.inserted, figures[n]!.milliseconds) })),
  }));
  const title = `Rows a second into ${target.name}`;
  await writeFile(file, svgPlot({ title, x: "rows of the file", y: "rows a second", series }));
  if (!flags.json) console.log(`\nThe plot is in ${file}.`);
}
