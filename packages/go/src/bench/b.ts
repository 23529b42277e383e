// The B of Go's testing package: the argument of a benchmark's function.
//
// Why not on top of mitata or tinybench: this package has no dependencies, and both call the
// function for each operation, so that neither has a loop to stop, to start and to count in. What
// is left is Go's own rule for how often to run, which is short (after src/testing/benchmark.go).

import { Uint32 } from "../atomic.ts";
import type * as V8 from "node:v8";
import { host } from "../internal/host.ts";
import { collect } from "../internal/proof.ts";
import { gomaxprocs, parallel, type Parallel } from "../parallel/index.ts";
import { WaitGroup } from "../sync/waitgroup.ts";
import { BenchmarkResult } from "./result.ts";

/** The length of a benchmark's run: milliseconds, or a number of operations. */
export type BenchTime = { readonly ms: number } | { readonly n: number };

/**
 * The function of a benchmark. It does the operation `b.n` times, or as long as `b.loop()` is true.
 */
export type BenchFunction = (b: B) => unknown;

/** The runner of benchmarks, as far as sub-benchmarks need it. */
export interface Runner {
  readonly benchTime: BenchTime;
  /** True if allocated memory is measured. */
  readonly withMemory: boolean;
  /**
   * Runs the benchmark of that name, unless the pattern excludes it. Resolves to true if it passed.
   */
  readonly run: (name: string, fn: BenchFunction) => Promise<boolean>;
}

/** Thrown by `skip`. */
export class Skipped extends Error {}

const most = 1_000_000_000;
const clock = performance.now.bind(performance);

export class B {
  /** The full name: `BenchmarkSend/small`. */
  readonly name: string;
  /** The number of times that the function must do its operation, if it does not use `loop`. */
  n = 1;
  /** @internal True if it had sub-benchmarks: then it has no result itself. */
  hasSub = false;
  /** @internal The number of Ps on which its operations ran. */
  procs = 1;
  readonly #fn: BenchFunction;
  readonly #runner: Runner;
  readonly #extra = new Map<string, number>();
  readonly #cleanups: (() => unknown)[] = [];
  #withMemory: boolean;
  #bytes = 0;
  #parallelism = 1;
  #loopN = 0;
  #loopI = 0;
  #loopDone = false;
  #started = 0;
  #isOn = false;
  #ms = 0;
  #allocated = 0;
  #meter: Meter | undefined;

  /** @internal */
  constructor(name: string, fn: BenchFunction, runner: Runner) {
    this.name = name;
    this.#fn = fn;
    this.#runner = runner;
    this.#withMemory = runner.withMemory;
  }

  /**
   * For `while (b.loop())` around the operation: true until that was done often enough. The first
   * call starts the timer, and the last one stops it, so what stands before and after the loop is
   * not measured. Throws if the timer is stopped.
   */
  loop(): boolean {
    if (this.#loopI < this.#loopN) {
      this.#loopI++;
      return true;
    }
    return this.#loopOn();
  }

  #loopOn(): boolean {
    if (!this.#isOn) throw new Error(`${this.name}: b.loop() was called with the timer stopped`);
    if (this.#loopDone) throw new Error(`${this.name}: b.loop() was called after it had returned false`);
    const { benchTime } = this.#runner;
    if (this.#loopN === 0) {
      this.#loopN = "n" in benchTime ? benchTime.n : 1;
      this.resetTimer();
    } else if ("n" in benchTime || this.elapsed() >= benchTime.ms || this.#loopN >= most) {
      this.stopTimer();
      this.n = this.#loopN;
      this.#loopDone = true;
      return false;
    } else this.#loopN = predict(benchTime.ms, this.#loopN, this.elapsed(), this.#loopN);
    this.#loopI++;
    return true;
  }

  /** Continues measuring, after `stopTimer`. The timer is on when the function is called. */
  startTimer(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#meter = this.#withMemory ? new Meter() : undefined;
    this.#started = clock();
  }

  /** Stops measuring until `startTimer`. */
  stopTimer(): void {
    if (!this.#isOn) return;
    this.#ms += clock() - this.#started;
    this.#allocated += this.#meter?.stop() ?? 0;
    this.#isOn = false;
  }

  /** Discards the measurements so far, and the metrics that were reported. */
  resetTimer(): void {
    this.#extra.clear();
    const wasOn = this.#isOn;
    this.stopTimer();
    this.#ms = 0;
    this.#allocated = 0;
    if (wasOn) this.startTimer();
  }

  /** The milliseconds measured so far. */
  elapsed(): number {
    return this.#ms + (this.#isOn ? clock() - this.#started : 0);
  }

  /** Sets the number of bytes that each operation processes. The result then shows MB/s. */
  setBytes(bytes: number): void {
    this.#bytes = bytes;
  }

  /**
   * Reports the bytes of heap for each operation, as the flag -benchmem does for all benchmarks.
   */
  reportAllocs(): void {
    if (this.#withMemory) return;
    this.#withMemory = true;
    if (this.#isOn) this.#meter = new Meter();
  }

  /**
   * Reports one value more, or another one for `ns/op`, `MB/s` or `B/op`; 0 for `ns/op` leaves that
   * out.
   */
  reportMetric(value: number, unit: string): void {
    if (unit === "") throw new TypeError("metric unit must not be empty");
    if (/\s/.test(unit)) throw new TypeError("metric unit must not contain whitespace");
    this.#extra.set(unit, value);
  }

  /** Calls fn when the function has ended. The last registered fn is called first. */
  cleanup(fn: () => unknown): void {
    this.#cleanups.push(fn);
  }

  /** Ends the benchmark without a result. */
  skip(reason = ""): never {
    throw new Skipped(reason);
  }

  /**
   * Runs a sub-benchmark, and resolves when it is over: whether it passed. This one is then no
   * benchmark itself.
   */
  run(name: string, fn: BenchFunction): Promise<boolean> {
    this.hasSub = true;
    return this.#runner.run(`${this.name}/${name.replaceAll(/\s/g, "_")}`, fn);
  }

  /** Sets the number of goroutines that `runParallel` starts for each P; 1 by default. */
  setParallelism(p: number): void {
    if (p >= 1) this.#parallelism = p;
  }

  /**
   * Does the operation in several goroutines at once, which share `b.n` among them: `gomaxprocs()`
   * of them, times `setParallelism`. With `parallelBody` they run on the Ps of /parallel, else as
   * goroutines of this thread.
   */
  async runParallel(body: ParallelBody | ((pb: PB) => unknown)): Promise<void> {
    if (this.n === 0) return;
    const procs = gomaxprocs();
    const count = procs * this.#parallelism;
    const counter = new Uint32();
    // So many that going to the counter takes little of the time, and so few that all end at about
    // the same time.
    const grain = Math.max(1, Math.min(Math.floor(this.n / count / 8), 1e4));
    if (shared in body) {
      this.procs = procs;
      await Promise.all(Array.from({ length: count }, () => body[shared](counter, this.n, grain)));
    } else {
      const wg = new WaitGroup();
      const failures: unknown[] = [];
      for (let i = 0; i < count; i++) {
        wg.go(async () => {
          try {
            await body(new PB(counter, this.n, grain));
          } catch (error) {
            failures.push(error);
          }
        });
      }
      await wg.wait();
      if (failures.length > 0) throw failures[0];
    }
    if (counter.load() < this.n) {
      throw new Error(`${this.name}: runParallel: a body ended before pb.next() was false`);
    }
  }

  /** @internal Runs the benchmark until its time is over. */
  async measure(): Promise<BenchmarkResult | undefined> {
    const { benchTime } = this.#runner;
    await this.#runOnce(1);
    if (this.hasSub) return undefined;
    if (this.#loopN === 0) {
      if ("n" in benchTime) {
        if (benchTime.n > 1) await this.#runOnce(benchTime.n);
      } else {
        for (let n = 1; this.#ms < benchTime.ms && n < most;) {
          n = predict(benchTime.ms, this.n, this.#ms, n);
          await this.#runOnce(n);
        }
      }
    }
    const allocated = this.#withMemory ? Math.max(0, this.#allocated) : undefined;
    return new BenchmarkResult(this.n, this.#ms, this.#bytes, allocated, this.#extra);
  }

  async #runOnce(n: number): Promise<void> {
    tidy();
    this.n = n;
    this.#loopN = this.#loopI = 0;
    this.#loopDone = false;
    this.#parallelism = 1;
    this.resetTimer();
    this.startTimer();
    try {
      await this.#fn(this);
    } finally {
      this.stopTimer();
      for (const cleanup of this.#cleanups.splice(0).toReversed()) await cleanup();
    }
    if (this.#loopN > 0 && !this.#loopDone) {
      throw new Error(`${this.name}: the function returned before b.loop() was false (break or return in the loop?)`);
    }
  }
}

/** The argument of a goroutine of `runParallel`: its share of the operations. */
export class PB {
  readonly #counter: Uint32;
  readonly #n: number;
  readonly #grain: number;
  #left = 0;

  /** @internal */
  constructor(counter: Uint32, n: number, grain: number) {
    this.#counter = counter;
    this.#n = n;
    this.#grain = grain;
  }

  /**
   * The condition of `while (pb.next())` around the operation: true if there is another one to do.
   */
  next(): boolean {
    if (this.#left === 0) {
      const taken = this.#counter.add(this.#grain);
      const first = taken - this.#grain;
      this.#left = Math.max(0, Math.min(this.#grain, this.#n - first));
      if (this.#left === 0) return false;
    }
    this.#left--;
    return true;
  }
}

const shared: unique symbol = Symbol("runs on the Ps");

/** A body of `runParallel` that runs on every core. */
export interface ParallelBody {
  readonly [shared]: Parallel<[counter: Uint32, n: number, grain: number], unknown>;
}

/**
 * Makes a body for `b.runParallel` that runs on the Ps of /parallel. As with `parallel` itself: at
 * the top level of a module, with `import.meta.url`; each worker imports that module.
 */
export function parallelBody(module: string | URL, fn: (pb: PB) => unknown): ParallelBody {
  if (typeof fn !== "function") {
    throw new TypeError(`parallelBody: expected a function as the second argument, got ${typeof fn}`);
  }
  const body = async (counter: Uint32, n: number, grain: number): Promise<void> => {
    await fn(new PB(counter, n, grain));
  };
  Object.defineProperty(body, "name", { value: fn.name });
  return { [shared]: parallel(module, body) };
}

/**
 * The number of operations that should reach a time, after `before` operations took `ms` (Go's
 * predictN).
 */
function predict(goal: number, before: number, ms: number, last: number): number {
  // A fifth more than is needed; not more than a hundred times as often, in case that the clock was
  // wrong.
  const wanted = Math.floor(((goal * before) / Math.max(ms, 1e-6)) * 1.2);
  return Math.min(Math.max(Math.min(wanted, 100 * last), last + 1), most);
}

/** Collects garbage, if the host allows it, so that a run does not pay for the one before. */
function tidy(): void {
  try {
    collect();
  } catch {
    // The engine does not allow a program to collect garbage.
  }
}

interface HeapSizes {
  readonly heapStatistics: { readonly usedHeapSize: number };
}

/**
 * Measures the memory that is allocated on the heap: the growth of the heap, and the memory freed
 * by each collection.
 */
class Meter {
  readonly #v8: typeof V8;
  readonly #collections: V8.GCProfiler;
  readonly #before: number;

  constructor() {
    const v8 = host.process?.getBuiltinModule?.("node:v8") as typeof V8 | undefined;
    if (v8?.GCProfiler === undefined) {
      throw new Error("bench: expected a host with GCProfiler of node:v8, as Node.js is, to measure what is allocated");
    }
    this.#v8 = v8;
    this.#collections = new v8.GCProfiler();
    this.#collections.start();
    this.#before = v8.getHeapStatistics().used_heap_size;
  }

  /** Returns the bytes allocated since it was made. */
  stop(): number {
    const after = this.#v8.getHeapStatistics().used_heap_size;
    const { statistics } = this.#collections.stop() as unknown as {
      readonly statistics: readonly { readonly beforeGC: HeapSizes; readonly afterGC: HeapSizes }[];
    };
    const used = ({ heapStatistics }: HeapSizes): number => heapStatistics.usedHeapSize;
    return statistics.reduce(
      (sum, { beforeGC, afterGC }) => sum + used(beforeGC) - used(afterGC),
      after - this.#before,
    );
  }
}
