import { numGoroutine } from "@sluice/go";
import { Int32 } from "@sluice/go/atomic";
import { background, withCancelCause, withTimeout } from "@sluice/go/context";
import { gomaxprocs, numCPU, parallel, runtimeStats, sharedChan, transfer } from "@sluice/go/parallel";
import { find } from "@sluice/go/leak";
import { goroutineProfile, metrics } from "@sluice/go/pprof";
import { availableParallelism } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { type Outcome, runProgram } from "../test/program.ts";
import * as work from "../test/threads.ts";
import { LIVE, words } from "./arena.ts";

const failure = (promise: Promise<unknown>): Promise<Error & { code?: unknown }> =>
  promise.then(
    () => new Error("did not fail"),
    (error: Error) => error,
  );

afterEach(() => {
  gomaxprocs(2);
});

describe("parallel()", () => {
  it("gives what the function gives, on another thread", async () => {
    expect(await work.isPrime(97)).toBe(true);
    expect(await work.isPrime(98)).toBe(false);
    expect(await work.sum(1, 2)).toBe(3);
    const { threadId } = await import("node:worker_threads");
    expect(await work.thread()).not.toBe(threadId);
  });

  it("copies what it is given, as it was at the call", async () => {
    const value = { list: [1, { two: 2 }], when: new Date(5), map: new Map([["k", new Set([1n])]]) };
    const got = work.echo(value);
    value.list.push(3);
    expect(await got).toEqual({ list: [1, { two: 2 }], when: new Date(5), map: new Map([["k", new Set([1n])]]) });
    expect(await work.echo(undefined)).toBeUndefined();
  });

  it("takes values of any size, and many calls at once", async () => {
    for (const size of [10, 200, 5_000, 3_000_000]) expect(await work.echo("x".repeat(size))).toHaveLength(size);
    const bytes = new Uint8Array(1_000_000).fill(7);
    expect(Buffer.compare((await work.echo(bytes)) as Uint8Array, bytes)).toBe(0);
    // More than there are cells: they wait in the backlog.
    const calls = Array.from({ length: 5_000 }, (_, i) => work.echo(i));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
  });

  it("lets a task start tasks and wait for them", async () => {
    expect(await work.fib(12)).toBe(144);
  });

  it("gives an error with its class, code, cause, its own stack and the caller's", async () => {
    async function caller(): Promise<void> {
      await work.boom("too far");
    }
    const error = await failure(caller());
    expect(error).toBeInstanceOf(RangeError);
    expect([error.message, error.code, (error.cause as Error).message]).toEqual(["too far", "BOOM", "because"]);
    expect(error.stack).toMatch(/at boom .*threads\.ts[^]*at (async )?caller .*parallel\.test\.ts/);
  });

  it("says what cannot be sent, and goes on", async () => {
    expect((await failure(work.echo(() => 1))).message).toMatch(
      /^argument 1 of echo cannot be copied .* it is a function/,
    );
    expect((await failure(work.make())).message).toMatch(/^the result of make cannot be copied/);
    expect(await work.echo(1)).toBe(1);
  });

  it("says what is wrong with a function that is not at top level", async () => {
    const late = parallel(new URL("../test/threads.ts", import.meta.url), function late() {
      return 1;
    });
    expect((await failure(late())).message).toMatch(
      /^parallel: late of file:.*threads\.ts is not there in a worker: .* Call parallel\(import\.meta\.url, fn\) at the top level/,
    );
  });

  it("says what is wrong with a module that cannot be imported", async () => {
    const missing = parallel("file:///nowhere/missing.ts", (n: number) => n);
    expect((await failure(missing(1))).message).toMatch(
      /^parallel: a worker could not import file:\/\/\/nowhere\/missing\.ts: Cannot find module/,
    );
    expect(() => parallel("./work.ts", () => 1)).toThrow(
      /expected the module's address as the first argument.*got "\.\/work\.ts"/,
    );
    expect(() => parallel(import.meta.url, 1 as never)).toThrow(
      "parallel: expected a function as the second argument, got number",
    );
  });

  it("fails the tasks of a worker that ends, and replaces it", async () => {
    const [first, second] = await Promise.all([failure(work.die(3)), failure(work.dieLater())]);
    expect(first.message).toBe("parallel: the worker that ran this task has ended: it called process.exit(3)");
    expect(second.message).toMatch(/the worker that ran this task has ended/);
    expect(await Promise.all([1, 2, 3, 4].map((n) => work.sum(n, n)))).toEqual([2, 4, 6, 8]);
  });

  it("counts its tasks as goroutines of their caller", async () => {
    const before = numGoroutine();
    work.isPrime.go(97);
    expect(numGoroutine()).toBe(before + 1);
    await expect.poll(() => numGoroutine()).toBe(before);
  });
});

describe("a context as an argument", () => {
  it("is done for a task that never awaits", async () => {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const [ctx, cancel] = withCancelCause(background());
    const ended = work.untilDone(ctx, flag);
    await expect.poll(() => flag[0]).toBe(1);
    cancel(new Error("why"));
    expect(await ended).toBe("context canceled");
  });

  it("ends what the task waits for, with the cause", async () => {
    const [ctx, cancel] = withCancelCause(background());
    // A task that has not begun hears that its context is done, and nothing of the cause.
    const began = new Int32Array(new SharedArrayBuffer(4));
    const ended = work.awaitDone(ctx, began);
    await expect.poll(() => began[0]).toBe(1);
    cancel(new Error("why"));
    expect(await ended).toEqual(["context canceled", true, "why", undefined]);
  });

  it("has its deadline there, and may be done already", async () => {
    const [ctx, cancel] = withTimeout(background(), 30);
    const deadline = ctx.deadline();
    expect(await work.awaitDone(ctx)).toEqual([
      "context deadline exceeded",
      true,
      "context deadline exceeded",
      deadline,
    ]);
    cancel();
    expect((await work.awaitDone(ctx))[0]).toBe("context deadline exceeded");
    expect((await failure(work.echo({ ctx: background() }))).message).toMatch(
      /^the result of echo cannot be copied .* at ctx, a Context, which can only be an argument/,
    );
  });
});

describe("the runtime", () => {
  it("has as many Ps as there are cores, or as it is told", async () => {
    expect(numCPU()).toBe(availableParallelism());
    expect(gomaxprocs(1)).toBe(2);
    expect(gomaxprocs()).toBe(1);
    expect(await Promise.all([1, 2, 3].map((n) => work.sum(n, 1)))).toEqual([2, 3, 4]);
    expect(gomaxprocs(3)).toBe(1);
    expect(gomaxprocs(-1)).toBe(3);
    const { procs, globalQueue, perProc } = runtimeStats();
    expect([procs, globalQueue, perProc.map(({ id }) => id)]).toEqual([3, 0, [0, 1, 2]]);
    expect(() => gomaxprocs(1.5)).toThrow("gomaxprocs: expected a whole number, got 1.5");
  });

  it("runs tasks on several Ps at once, and counts them", async () => {
    gomaxprocs(2);
    const ran = (): number => runtimeStats().perProc.reduce((sum, p) => sum + p.ran, 0);
    const before = ran();
    await Promise.all(Array.from({ length: 20 }, () => work.burn(20)));
    expect(ran() - before).toBe(20);
    expect(runtimeStats().perProc.every((p) => p.queued === 0)).toBe(true);
  });

  it("wakes a worker that has the place of one that was ended", async () => {
    for (let round = 0; round < 3; round++) {
      gomaxprocs(2);
      const values = sharedChan<number>();
      const met = new Int32();
      const got = [1, 2].map(() => work.meetAndReceive(met, values));
      await expect.poll(() => met.load()).toBe(2);
      for (const n of [1, 2]) await values.send(n);
      expect(new Set(await Promise.all(got))).toEqual(new Set([1, 2]));
      gomaxprocs(1);
      await expect.poll(() => Atomics.load(words, LIVE)).toBe(1);
    }
  });

  it("wakes a worker that sleeps rather than one that computes in a turn of its event loop", async () => {
    for (let round = 0; round < 4; round++) {
      const [begun, other] = [new Int32(), new Int32()];
      const met = new Int32();
      const values = sharedChan<number>(2);
      const both = [1, 2].map(() => work.meetAndReceive(met, values));
      for (const n of [1, 2]) await values.send(n);
      await Promise.all(both);
      const computes = work.computeUntil(begun, other);
      await expect.poll(() => begun.load()).toBe(1);
      await work.set(other);
      expect(await computes).toBe(true);
    }
  });

  it("moves what was given to transfer", async () => {
    const bytes = new Uint8Array(100_000).fill(3);
    const got = (await work.echo(transfer(bytes))) as Uint8Array;
    expect([bytes.length, got.length, got[9]]).toEqual([0, 100_000, 3]);
    const job = { data: new Uint8Array(4), name: "x" };
    const sent = transfer(job);
    expect(() => job.name).toThrow(".name was used after transfer: the value belongs to its receiver now");
    expect(await work.echo(sent)).toEqual({ data: new Uint8Array(4), name: "x" });
    expect(sent.data.length).toBe(0);
    expect(transfer(5)).toBe(5);
  });
});

describe("diagnostics", () => {
  it("/pprof and /leak tell of what the threads run", async () => {
    const values = sharedChan<number>();
    const over = work.waitTwice(values);
    const profile = (): string => goroutineProfile({ debug: 2 });
    await expect.poll(profile).toMatch(/goroutine \d{7} \[chan receive\]:\nwaitTwice\(/);
    await expect.poll(profile).toMatch(/goroutine \d{7} \[chan receive\]:\nhelper\(/);
    expect(metrics()).toMatch(/^go_goroutines 3$/m);
    const leaks = (await find())?.message;
    expect(leaks).toMatch(/Goroutine \d{7} in state chan receive, with waitTwice on top of the stack/);
    expect(leaks).toMatch(/with helper on top of the stack/);
    await values.send(1);
    await values.send(2);
    await over;
    expect(await find()).toBeUndefined();
  });

  it("tells of a task that computes without an end, which its worker cannot", async () => {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const [ctx, cancel] = withCancelCause(background());
    const over = work.untilDone(ctx, flag);
    await expect.poll(() => flag[0]).toBe(1);
    expect(goroutineProfile({ debug: 2 })).toMatch(/goroutine \d{7} \[running\]:\nuntilDone\(/);
    cancel(new Error("enough"));
    await over;
  });

  it("GODEBUG=schedtrace=X prints what the scheduler does, and with scheddetail=1 each P, M and goroutine", async () => {
    // Twice two tasks, which run until the trace has shown both at work. A worker does not get both
    // of a pair.
    const program = (debug: string): Promise<Outcome> => {
      process.env["GODEBUG"] = debug;
      return runProgram(`import { parallel, gomaxprocs } from "go/parallel";
        import { main } from "go";
        const burn = parallel(import.meta.url, function burn(state: Int32Array, round: number) {
          Atomics.add(state, 1, 1);
          while (Atomics.load(state, 0) < round);
        });
        const state = new Int32Array(new SharedArrayBuffer(8));
        const write = process.stderr.write.bind(process.stderr);
        let begun = 0;
        process.stderr.write = (text: string) => {
          if (begun === 2 * (state[0] + 1)) state[0]++;
          begun = Atomics.load(state, 1);
          return write(text);
        };
        await main(async () => {
          gomaxprocs(2);
          for (const round of [1, 2]) await Promise.all([burn(state, round), burn(state, round)]);
        });`);
    };
    const short = await program("schedtrace=5");
    expect(short.stderr).toMatch(
      /^SCHED \d+ms: gomaxprocs=2 idleprocs=\d threads=\d spinningthreads=\d needspinning=0 idlethreads=\d runqueue=\d \[\d \d\]$/m,
    );
    const long = await program("schedtrace=5,scheddetail=1");
    delete process.env["GODEBUG"];
    expect(long.stderr).toMatch(/^ {2}P0: status=1 schedtick=1 m=1 runqsize=\d$/m);
    expect(long.stderr).toMatch(/^ {2}M1: p=0 spinning=false blocked=false$/m);
    expect(long.stderr).toMatch(/^ {2}G1: status=4\(parallel call\) m=0 lockedm=nil$/m);
    expect(long.stderr).toMatch(/^ {2}G\d{7}: status=2\(\) m=1 lockedm=nil$/m);
  });
});

describe("a program", () => {
  const double = "export const double = parallel(import.meta.url, function double(n: number) { return 2 * n; });\n";
  const head = `import { parallel } from "go/parallel";\nimport { go, main } from "go";\n${double}`;

  it("ends when no task is pending, and not before", async () => {
    const got = await runProgram(`${head}double(4).then((n) => console.log(n));`);
    expect(got).toEqual({ status: 0, stdout: "8\n", stderr: "" });
  });

  it("needs neither main nor isMainThread, and runs only once", async () => {
    expect(await runProgram(`${head}console.log(await double(4));\nconsole.log(await double(5));`)).toEqual({
      status: 0,
      stdout: "8\n10\n",
      stderr: "",
    });
    expect(await runProgram(`${head}await main(async () => console.log(await double(4)));`)).toEqual({
      status: 0,
      stdout: "8\n",
      stderr: "",
    });
  });

  it("reports a deadlock of goroutines on all threads, however they wait", async () => {
    const waiting = `import { sharedChan } from "go/parallel";\n${head}
      const waits = parallel(import.meta.url, async function waits(ch: any) { await ch.recv(); });
      const ch = sharedChan<number>();\n`;
    const [called, alone, late] = await Promise.all([
      runProgram(`${waiting}await main(() => waits(ch));`),
      runProgram(`${waiting}await main(async () => { await ch.recv(); });`),
      runProgram(`${waiting}await main(async () => {
        for (const ms of [0, 300]) {
          setTimeout(() => void ch.send(1), ms);
          await waits(ch);
        }
        console.log("woken");
        waits.go(ch);
        await ch.recv();
      });`),
    ]);
    for (const { status, stderr } of [called, alone, late]) {
      expect(stderr).toMatch(/^fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 \[/);
      expect(status).toBe(2);
    }
    expect(called.stderr).toMatch(/goroutine \d{7} \[chan receive\]:\nwaits\(/);
    expect(late.stdout).toBe("woken\n");
  });

  it("ends with main, whatever its tasks do", async () => {
    const got = await runProgram(`${head}
      const forever = parallel(import.meta.url, function forever() { for (;;); });
      await main(async () => { forever.go(); console.log(await double(1)); });`);
    expect(got).toEqual({ status: 0, stdout: "2\n", stderr: "" });
  });

  it("panics with what a task throws that nobody awaits, and with what a task's goroutine throws", async () => {
    const awaited = await runProgram(`${head}
      const bad = parallel(import.meta.url, function bad() { throw new Error("nobody listens"); });
      await main(async () => { bad.go(); await double(1); await new Promise(() => setTimeout(() => undefined, 1e6)); });`);
    expect([awaited.status, awaited.stderr]).toEqual([
      2,
      expect.stringMatching(/^panic: nobody listens\n\ngoroutine 2 \[running\]:\nbad/),
    ]);
    const inner = await runProgram(`${head}
      const bad = parallel(import.meta.url, async function bad() {
        go(async function inner() { throw new Error("deep down"); });
        await new Promise((resolve) => setTimeout(resolve, 1e6));
      });
      await main(() => bad());`);
    expect([inner.status, inner.stderr]).toEqual([
      2,
      expect.stringMatching(/^panic: deep down\n\ngoroutine \d+ \[running\]:\n/),
    ]);
  });
});
