import { describe, expect, it } from "vitest";
import { chan } from "../index.ts";
import { runProgram } from "../test/program.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import type { B, PB } from "./index.ts";
import { bench, benchmark, parallelBody, run } from "./index.ts";
import { options } from "./options.ts";
import { BenchmarkResult } from "./result.ts";

expectNoLeaks();

/**
 * A line as benchstat reads it (golang.org/x/perf/benchfmt): a name, a number of operations, and
 * pairs of value and unit.
 */
function parse(line: string): { name: string; n: number; values: Record<string, number> } | undefined {
  const [name = "", n = "", ...rest] = line.trim().split(/\s+/);
  if (!/^Benchmark\S*$/.test(name) || !/^\d+$/.test(n) || rest.length % 2 !== 0) return undefined;
  const values: Record<string, number> = {};
  for (let i = 0; i < rest.length; i += 2) values[rest[i + 1] as string] = Number(rest[i]);
  return { name, n: Number(n), values };
}

let count = 0;
/** Runs one benchmark and gives its lines. */
async function lines(
  fn: (b: B) => unknown,
  given: object = {},
): Promise<{ lines: string[]; passed: boolean; name: string }> {
  const name = `BenchmarkTest${++count}`;
  bench(name, fn);
  const printed: string[] = [];
  const before = process.exitCode;
  const passed = await run({ bench: `^${name}$`, benchtime: "5x", print: (line) => printed.push(line), ...given });
  process.exitCode = before;
  return { lines: printed, passed, name };
}

describe("b.loop and b.n", () => {
  it("do the operation as often as -benchtime=Nx says, and leave out what stands before the loop", async () => {
    let before = 0;
    let done = 0;
    const begun = performance.now();
    const result = await benchmark((b) => {
      before++;
      for (const end = performance.now() + 20; performance.now() < end;);
      while (b.loop()) done++;
    }, "5x");
    expect([before, done, result.n]).toEqual([1, 5, 5]);
    expect(result.ms).toBeLessThanOrEqual(performance.now() - begun - 20);
  });

  it("run until the time is over, both alike, and for functions that await", async () => {
    let loops = 0;
    const looped = await benchmark(async (b) => {
      const ch = chan<number>(1);
      while (b.loop()) {
        loops++;
        await ch.send(1);
        await ch.recv();
      }
    }, "20ms");
    expect(looped.n).toBe(loops);
    expect(looped.ms).toBeGreaterThanOrEqual(20);
    const calls: number[] = [];
    const counted = await benchmark((b) => {
      calls.push(b.n);
      for (let i = 0; i < b.n; i++) Math.sqrt(i);
    }, "5ms");
    expect(calls[0]).toBe(1);
    expect(calls.at(-1)).toBe(counted.n);
    expect(calls).toEqual(calls.toSorted((a, b) => a - b));
    expect(counted.nsPerOp()).toBeCloseTo((counted.ms * 1e6) / counted.n);
  });

  it("do not measure while the timer is stopped", async () => {
    const begun = performance.now();
    const result = await benchmark((b) => {
      for (let i = 0; i < b.n; i++) {
        b.stopTimer();
        for (const end = performance.now() + 10; performance.now() < end;);
        b.startTimer();
      }
    }, "3x");
    // One time to begin with, and three.
    expect(result.ms).toBeLessThanOrEqual(performance.now() - begun - 40);
    expect(result.n).toBe(3);
  });

  it("say how they are used wrongly", async () => {
    await expect(benchmark((b) => void b.loop(), "2x")).rejects.toThrow(
      "the function returned before b.loop() was false",
    );
    await expect(
      benchmark((b) => {
        b.stopTimer();
        b.loop();
      }),
    ).rejects.toThrow("b.loop() was called with the timer stopped");
    await expect(
      benchmark((b) => {
        while (b.loop());
        b.startTimer();
        b.loop();
      }, "1x"),
    ).rejects.toThrow("b.loop() was called after it had returned false");
    await expect(benchmark((b) => b.reportMetric(1, "a b"))).rejects.toThrow("must not contain whitespace");
  });
});

describe("what is printed", () => {
  it("is what benchstat reads, with bytes and metrics of its own", async () => {
    const kept: unknown[] = [];
    const { lines: printed, name } = await lines(
      (b) => {
        b.setBytes(1000);
        while (b.loop()) kept.push(Array.from({ length: 1000 }, (_, i) => i + 0.5));
        b.reportMetric(3, "widgets/op");
      },
      { benchmem: true, count: 2, benchtime: "50x" },
    );
    expect(printed[0]).toMatch(/^goos: \w+$/);
    expect(printed[1]).toMatch(/^goarch: \w+$/);
    expect(printed.at(-1)).toBe("PASS");
    const results = printed.flatMap((line) => parse(line) ?? []);
    expect(results.map(({ name }) => name)).toEqual([name, name]);
    for (const { n, values } of results) {
      expect(n).toBe(50);
      expect(Object.keys(values)).toEqual(["ns/op", "MB/s", "widgets/op", "B/op"]);
      expect(values["widgets/op"]).toBe(3);
      // An array of a thousand doubles takes 8,000 bytes, and a little besides; more while it
      // grows.
      expect(values["B/op"]).toBeGreaterThan(8000);
      expect(values["B/op"]).toBeLessThan(100_000);
    }
    expect(kept).toHaveLength(100);
  });

  it("counts what garbage collections have taken, too", async () => {
    let last: unknown;
    const { lines: printed } = await lines(
      (b) => {
        b.reportAllocs();
        while (b.loop()) last = Array.from({ length: 1000 }, (_, i) => i + 0.5);
      },
      { benchtime: "5000x" },
    );
    expect(last).toHaveLength(1000);
    // 40 MB, more than the young generation holds.
    expect(parse(printed.at(-2) ?? "")?.values["B/op"]).toBeGreaterThan(8000);
  });

  it("has Go's digits", () => {
    const line = (ns: number): string => new BenchmarkResult(1, ns / 1e6, 0, undefined, new Map()).toString();
    expect([12345.6, 123.46, 12.345, 1.2345, 0.12345].map(line)).toEqual([
      "       1\t     12346 ns/op",
      "       1\t       123.5 ns/op",
      "       1\t        12.35 ns/op",
      "       1\t         1.234 ns/op",
      "       1\t         0.1235 ns/op",
    ]);
  });

  it("has sub-benchmarks, of which the pattern chooses", async () => {
    const ran: string[] = [];
    const fn = async (b: B): Promise<void> => {
      for (const size of ["small", "very large"]) {
        const passed = await b.run(size, (b) => {
          ran.push(b.name);
          while (b.loop());
        });
        expect(passed).toBe(true);
      }
    };
    const { lines: printed, name } = await lines(fn);
    expect(printed.flatMap((line) => parse(line)?.name ?? [])).toEqual([`${name}/small`, `${name}/very_large`]);
    ran.length = 0;
    await run({ bench: `^${name}$/large`, benchtime: "1x", print: () => undefined });
    expect(ran).toEqual([`${name}/very_large`]);
    // The benchmark itself runs once, and its sub-benchmarks repeat.
    ran.length = 0;
    const counted: string[] = [];
    await run({ bench: `^${name}$`, benchtime: "1x", count: 3, print: (line) => counted.push(line) });
    expect(ran).toEqual(["small", "very_large"].flatMap((size) => Array(3).fill(`${name}/${size}`)));
    expect(counted.flatMap((line) => parse(line)?.name ?? [])).toEqual(ran);
  });

  it("tells of failures and of what is skipped, and calls what is to be cleaned up", async () => {
    const order: number[] = [];
    const failed = await lines((b) => {
      b.cleanup(() => order.push(1));
      b.cleanup(() => order.push(2));
      throw new Error("boom");
    });
    expect([failed.passed, failed.lines.at(-1)]).toEqual([false, "FAIL"]);
    expect(failed.lines[0]).toMatch(new RegExp(`^--- FAIL: ${failed.name}\n    Error: boom\n`));
    expect(order).toEqual([2, 1]);
    const skipped = await lines((b) => b.skip("not today"));
    expect(skipped.lines).toEqual([`--- SKIP: ${skipped.name}\n    not today`, "PASS"]);
  });
});

describe("options", () => {
  it("are refused if they are not understood", () => {
    expect(() => options({ benchtime: "soon" })).toThrow(
      'expected a time such as 1s, or a number such as 100x, got "soon"',
    );
    expect(() => options({ count: 0 })).toThrow("expected a whole number above 0");
    expect(options({ benchtime: "1.5ms" }).benchTime).toEqual({ ms: 1.5 });
    expect(options({ benchtime: "20x" }).benchTime).toEqual({ n: 20 });
    expect(() => bench("a b", () => undefined)).toThrow("expected a name without spaces");
    bench("Once", () => undefined);
    expect(() => bench("BenchmarkOnce", () => undefined)).toThrow("there is a benchmark BenchmarkOnce already");
  });

  it("come from the command line as go test has them", async () => {
    const { stdout, status } = await runProgram(`
      process.argv.push("-bench=Wanted", "-benchtime", "7x", "--count=2", "-test.benchmem");
      const { bench, run } = await import("go/bench");
      bench("Wanted", (b) => { while (b.loop()); });
      bench("Other", (b) => { while (b.loop()); });
      await run();`);
    const results = stdout.split("\n").flatMap((line) => parse(line) ?? []);
    expect(results.map(({ name, n }) => [name, n])).toEqual([
      ["BenchmarkWanted", 7],
      ["BenchmarkWanted", 7],
    ]);
    expect(Object.keys(results[0]?.values ?? {})).toContain("B/op");
    expect(status).toBe(0);
  });
});

describe("runParallel", () => {
  it("shares the operations among goroutines", async () => {
    let done = 0;
    let bodies = 0;
    const result = await benchmark(async (b) => {
      done = bodies = 0;
      b.setParallelism(3);
      await b.runParallel(async (pb: PB) => {
        bodies++;
        while (pb.next()) {
          done++;
          await Promise.resolve();
        }
      });
    }, "1000x");
    expect([result.n, done, bodies % 3]).toEqual([1000, 1000, 0]);
    await expect(benchmark((b) => b.runParallel(() => Promise.reject(new Error("boom"))), "10x")).rejects.toThrow(
      "boom",
    );
    await expect(benchmark((b) => b.runParallel(() => undefined), "10x")).rejects.toThrow(
      "a body ended before pb.next() was false",
    );
  });

  it("runs on the Ps of /parallel, and says on how many", async () => {
    expect(() => parallelBody(import.meta.url, undefined as never)).toThrow(
      "expected a function as the second argument",
    );
    const { stdout, stderr } = await runProgram(`
      import { bench, parallelBody, run } from "go/bench";
      import { gomaxprocs } from "go/parallel";
      import { main } from "go";
      import { isMainThread } from "node:worker_threads";
      const sqrt = parallelBody(import.meta.url, function sqrt(pb) {
        if (isMainThread) throw new Error("not on a P");
        while (pb.next()) Math.sqrt(2);
      });
      bench("Sqrt", async (b) => { await b.runParallel(sqrt); });
      await main(async () => {
        gomaxprocs(2);
        await run({ benchtime: "1000x" });
      });`);
    expect(stderr).toBe("");
    const [result] = stdout.split("\n").flatMap((line) => parse(line) ?? []);
    expect([result?.name, result?.n]).toEqual(["BenchmarkSqrt-2", 1000]);
  });
});
