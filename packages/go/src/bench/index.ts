// @sluice/go/bench: benchmarks as `go test -bench` runs them, with its flags and its output, which
// benchstat reads.
//
//     bench("Send", async (b) => {
//       const ch = chan<number>(1);
//       while (b.loop()) {
//         await ch.send(1);
//         await ch.recv();
//       }
//     });
//     await run();

import { host } from "../internal/host.ts";
import { B, type BenchFunction, type BenchTime, type Runner, Skipped } from "./b.ts";
import { options, type RunOptions } from "./options.ts";
import type { BenchmarkResult } from "./result.ts";

export { type B, type BenchFunction, type ParallelBody, parallelBody, type PB } from "./b.ts";
export type { RunOptions } from "./options.ts";
export type { BenchmarkResult } from "./result.ts";

const registered: { readonly name: string; readonly fn: BenchFunction }[] = [];

/**
 * Registers a benchmark, which `run` runs. It is called after Go's fashion: "Send" is
 * `BenchmarkSend`.
 */
export function bench(name: string, fn: BenchFunction): void {
  if (!/^\S+$/.test(name)) throw new TypeError(`bench: expected a name without spaces, got "${name}"`);
  const full = name.startsWith("Benchmark") ? name : `Benchmark${name}`;
  if (registered.some((other) => other.name === full)) throw new Error(`bench: there is a benchmark ${full} already`);
  registered.push({ name: full, fn });
}

/**
 * Runs what was registered, one after the other, and prints `go test -bench`'s lines. Options that
 * are not given come from the command line: -bench, -benchtime, -count, -benchmem. Resolves to
 * whether all passed; if not, the process's exit code is 1.
 */
export async function run(given: RunOptions = {}): Promise<boolean> {
  const { print, pattern, count, ...how } = options(given);
  const lines = new Lines(print);
  let passed = true;
  const runner: Runner = {
    ...how,
    run: async (name, fn) => {
      if (!isAsked(name, pattern)) return true;
      let ok = true;
      for (let i = 0; i < count; i++) {
        const b = new B(name, fn, runner);
        ok = (await runOne(b, lines)) && ok;
        // Its sub-benchmarks have repeated.
        if (b.hasSub) break;
      }
      passed &&= ok;
      return ok;
    },
  };
  for (const { name, fn } of registered) await runner.run(name, fn);
  print(passed ? "PASS" : "FAIL");
  if (!passed && host.process !== undefined) host.process.exitCode = 1;
  return passed;
}

/**
 * Runs one function, without printing anything: Go's testing.Benchmark. `benchtime` is as the flag,
 * `1s` by default.
 */
export async function benchmark(fn: BenchFunction, benchtime = "1s"): Promise<BenchmarkResult> {
  const { benchTime } = options({ benchtime, bench: ".", count: 1, benchmem: false });
  const runner: Runner = {
    benchTime,
    withMemory: false,
    run: () => Promise.reject(new Error("bench: benchmark() has no sub-benchmarks")),
  };
  const result = await new B("benchmark", fn, runner).measure();
  return result as BenchmarkResult;
}

export type { BenchTime };

/**
 * Each level of a name matches its part of the pattern; where the pattern has no part, everything
 * does.
 */
function isAsked(name: string, pattern: readonly RegExp[]): boolean {
  return name.split("/").every((part, i) => pattern[i]?.test(part) ?? true);
}

async function runOne(b: B, lines: Lines): Promise<boolean> {
  const { name } = b;
  try {
    const result = await b.measure();
    if (result !== undefined) lines.result(b.procs > 1 ? `${name}-${b.procs}` : name, result);
    return true;
  } catch (error) {
    if (error instanceof Skipped) {
      lines.text(`--- SKIP: ${name}\n    ${error.message}`);
      return true;
    }
    lines.text(`--- FAIL: ${name}\n    ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return false;
  }
}

interface System {
  readonly cpus?: () => readonly { readonly model: string }[];
}
interface Machine {
  readonly platform?: string;
  readonly arch?: string;
  readonly version?: string;
}

/** The output. It describes the machine before the first line. */
class Lines {
  readonly #print: (line: string) => void;
  #isBegun = false;
  #width = 24;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  result(name: string, result: BenchmarkResult): void {
    if (!this.#isBegun) this.#describe();
    this.#isBegun = true;
    this.#width = Math.max(this.#width, name.length);
    this.#print(`${name.padEnd(this.#width)}\t${result.toString()}`);
  }

  text(text: string): void {
    this.#print(text);
  }

  #describe(): void {
    const { platform, arch, version } = (host.process ?? {}) as Machine;
    const system = host.process?.getBuiltinModule?.("node:os") as System | undefined;
    // The names are Go's, so that benchstat can compare results of both.
    if (platform !== undefined) this.#print(`goos: ${platform === "win32" ? "windows" : platform}`);
    if (arch !== undefined) this.#print(`goarch: ${arch === "x64" ? "amd64" : arch}`);
    if (version !== undefined) this.#print(`node: ${version}`);
    const model = system?.cpus?.()[0]?.model;
    if (model !== undefined) this.#print(`cpu: ${model}`);
  }
}
