// The options of a run, in the words of `go test`. They are given in code, or on the command line.

import { host } from "../internal/host.ts";
import type { BenchTime } from "./b.ts";

export interface RunOptions {
  /**
   * Which benchmarks: a regular expression, or several with `/` between for sub-benchmarks; all by
   * default.
   */
  readonly bench?: string | undefined;
  /**
   * The length of each run: `1s`, `100ms`, `1m`, or a number of operations, `100x`; `1s` by
   * default.
   */
  readonly benchtime?: string | undefined;
  /** The number of times that each benchmark runs; 1 by default. benchstat wants 10. */
  readonly count?: number | undefined;
  /** True if the bytes of heap for each operation are reported. */
  readonly benchmem?: boolean | undefined;
  /** Called with each line; `console.log` by default. */
  readonly print?: ((line: string) => void) | undefined;
}

interface Options {
  readonly pattern: readonly RegExp[];
  readonly benchTime: BenchTime;
  readonly count: number;
  readonly withMemory: boolean;
  readonly print: (line: string) => void;
}

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/**
 * Completes the given options from the command line. Throws for an option that it does not
 * understand.
 */
export function options(given: RunOptions): Options {
  const flags = flagsOf((host.process as { argv?: readonly string[] } | undefined)?.argv?.slice(2) ?? []);
  const bench = given.bench ?? flags.get("bench") ?? ".";
  const count = given.count ?? Number(flags.get("count") ?? 1);
  if (!(Number.isInteger(count) && count > 0)) {
    throw new RangeError(`bench: count: expected a whole number above 0, got ${flags.get("count") ?? count}`);
  }
  const memory = flags.get("benchmem");
  return {
    pattern: bench.split("/").map((part) => new RegExp(part)),
    benchTime: timeOf(given.benchtime ?? flags.get("benchtime") ?? "1s"),
    count,
    withMemory: given.benchmem ?? (memory !== undefined && memory !== "false"),
    print: given.print ?? ((line) => console.log(line)),
  };
}

const withValue = new Set(["bench", "benchtime", "count"]);

/**
 * The flags of a command line: `-bench=.`, `--bench .` and `-test.bench .` mean the same. Other
 * arguments belong to the program.
 */
function flagsOf(args: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const match = /^--?(?:test\.)?(bench|benchtime|count|benchmem)(?:=(.*))?$/s.exec(args[i] as string);
    if (match === null) continue;
    const [, name = "", value] = match;
    if (value !== undefined || !withValue.has(name)) flags.set(name, value ?? "true");
    else {
      const next = args[++i];
      if (next === undefined) throw new TypeError(`bench: -${name}: expected a value after it`);
      flags.set(name, next);
    }
  }
  return flags;
}

function timeOf(text: string): BenchTime {
  const times = /^(\d+)x$/.exec(text)?.[1];
  if (times !== undefined && Number(times) > 0) return { n: Number(times) };
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(amount) * (units[unit] ?? 0);
  if (!(ms > 0))
    throw new TypeError(`bench: benchtime: expected a time such as 1s, or a number such as 100x, got "${text}"`);
  return { ms };
}
