// `sluice bench`: the same rows by each method, each into a fresh table with the guide's six
// indexes.
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
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
import type { Target } from "../target.ts";
import { connect, interruptible, type TargetFlags } from "./common.ts";
import { columns, count, rate } from "./format.ts";
import { METHODS, type Method } from "../options.ts";

export interface BenchFlags extends TargetFlags {
  readonly rows: number;
  readonly runs: number;
  readonly json?: boolean;
}

interface Figure {
  readonly method: Method;
  readonly milliseconds: number;
  readonly inserted: number;
  readonly rejected: number;
}

export async function benchCommand(flags: BenchFlags): Promise<number> {
  return await interruptible(async (ctx) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
    try {
      const file = join(folder, "businesses.xlsx");
      await writeSample(createWriteStream(file), { rows: flags.rows, bad: Math.round(flags.rows * 0.0013) });
      await using target = await connect(flags);
      const runs = new Map<Method, Figure[]>(METHODS.map((method) => [method, []]));
      for (let run = 0; run < flags.runs; run++) {
        for (const method of METHODS) runs.get(method)!.push(await measure(ctx, file, target, method));
      }
      print([...runs.values()].map(median), target, flags);
      return 0;
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

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

function median(figures: readonly Figure[]): Figure {
  return [...figures].sort((a, b) => a.milliseconds - b.milliseconds)[Math.floor(figures.length / 2)]!;
}

function print(figures: readonly Figure[], target: Target, flags: BenchFlags): void {
  const baseline = figures[0]!.milliseconds;
  if (flags.json) {
    console.log(JSON.stringify({ target: target.name, rows: flags.rows, runs: flags.runs, figures }));
    return;
  }
  const first = figures[0]!;
  console.log(
    `${count(flags.rows)} rows (${count(first.rejected)} of them bad) into ${target.name}, a fresh table with six indexes each time`,
  );
  console.log(flags.runs > 1 ? `median of ${flags.runs} runs\n` : "");
  const rows = figures.map((figure) => {
    const speedup = baseline / figure.milliseconds;
    const gain = speedup === 1 ? "baseline" : `${Math.round((1 - 1 / speedup) * 100)}% less time`;
    return [
      figure.method,
      goDuration(figure.milliseconds),
      `${count(rate(figure.inserted, figure.milliseconds))} rec/s`,
      `${speedup.toFixed(1)}x`,
      gain,
    ];
  });
  for (const line of columns(
    [["Method", "Time", "Records/sec", "Speedup", "Improvement"], ...rows],
    [false, true, true, true, false],
  ))
    console.log(line);
}
