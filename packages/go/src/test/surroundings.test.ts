// What surrounds a program: the host's async contexts, foreign awaits, pipes, other copies of the
// library, fake timers.
import { AsyncLocalStorage } from "node:async_hooks";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  background,
  Canceled,
  cause,
  type Context,
  DeadlineExceeded,
  key,
  withCancel,
  withTimeout,
  withValue,
} from "../context.ts";
import type * as contexts from "../context.ts";
import { Group as TaskGroup } from "../errgroup.ts";
import { chan, go, gosched, recoverable, select, send } from "../index.ts";
import { Weighted } from "../semaphore.ts";
import { Group } from "../singleflight.ts";
import { WaitGroup } from "../sync/index.ts";
import { sleep } from "../time.ts";
import { runProgram } from "./program.ts";
import { expectNoLeaks } from "./quiet.ts";

expectNoLeaks();

describe("an async context of the host", () => {
  it("is that of the go statement in each goroutine, however many there are", async () => {
    const storage = new AsyncLocalStorage<number>();
    const wg = new WaitGroup();
    const ch = chan<number>(3);
    let wrong = 0;
    for (let i = 0; i < 2000; i++) {
      storage.run(i, () =>
        wg.go(async () => {
          for (const end = performance.now() + 0.02; performance.now() < end;);
          if (storage.getStore() !== i) wrong++;
          await ch.send(i);
          if (storage.getStore() !== i) wrong++;
          await ch.recv();
          if (storage.getStore() !== i) wrong++;
        }),
      );
    }
    await wg.wait();
    expect(wrong).toBe(0);
  });

  it("is that of its own call in a function that had to wait for room in a group", async () => {
    const storage = new AsyncLocalStorage<number>();
    const group = new TaskGroup();
    group.setLimit(2);
    let right = 0;
    for (let i = 0; i < 20; i++) {
      storage.run(i, () => {
        void group.go(async () => {
          await gosched();
          if (storage.getStore() === i) right++;
        });
      });
    }
    await group.wait();
    expect(right).toBe(20);
  });
});

describe("a deadlock is found after awaits of something else", () => {
  const stuck: readonly [where: string, program: string][] = [
    [
      "in a function at top level",
      "void (async () => { const c = chan(); go(() => c.send(1)); await c.recv(); await null; await c.recv(); })();",
    ],
    [
      "after a timer",
      "void (async () => { go(() => {}); await new Promise((r) => setTimeout(r, 1)); await chan().recv(); })();",
    ],
    [
      "in a goroutine",
      "go(async () => { await new Promise((r) => setTimeout(r, 5)); await chan().recv(); }); go(() => {});",
    ],
  ];
  it.each(stuck)("%s", async (_, program) => {
    const { status, stderr } = await runProgram(`import { chan, go } from "go";\n${program}`);
    expect({ status, stderr: stderr.split("\n\n")[0] }).toEqual({
      status: 2,
      stderr: "fatal error: all goroutines are asleep - deadlock!",
    });
  });
});

describe("a loop of operations that fail, or take several steps, leaves timers their turns", () => {
  const [done, cancel] = withCancel(background());
  cancel();
  const closed = chan<number>();
  closed.close();
  const flight = new Group<string, number>();
  const operations: readonly [name: string, run: () => Promise<unknown>][] = [
    ["sleep with a context that is done", () => sleep(10, done)],
    ["acquire with a context that is done", () => new Weighted(1).acquire(done)],
    ["send on a closed channel", () => closed.send(1)],
    ["select of a send on a closed channel", () => select([send(closed, 1)])],
    ["singleflight", () => flight.do("key", () => 1)],
    [
      "recoverable",
      recoverable(
        () => Promise.reject(new Error("x")),
        () => undefined,
      ),
    ],
  ];
  it.each(operations)("%s", async (_, run) => {
    const state = { ticks: 0, on: true };
    const interval = setInterval(() => state.ticks++, 1);
    const limit = performance.now() + 20_000;
    go(async () => {
      while (state.on && performance.now() < limit) await run().catch(() => undefined);
      state.on = false;
    });
    while (state.on && state.ticks < 15) await new Promise((resolve) => setTimeout(resolve, 1));
    state.on = false;
    clearInterval(interval);
    expect(state.ticks).toBeGreaterThanOrEqual(15);
    await gosched();
  });
});

describe("through a pipe that is slow", () => {
  /**
   * How many lines of a program's output, errors included, arrive at a reader that takes its time.
   */
  const linesOf = async (body: string): Promise<number> => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-go-"));
    try {
      const file = join(folder, "program.ts");
      const index = new URL("../index.ts", import.meta.url).href;
      await writeFile(file, `import { chan, go, main } from ${JSON.stringify(index)};\n${body}`);
      return await new Promise<number>((resolve, reject) => {
        const command = `"${process.execPath}" --no-warnings "${file}" 2>&1 | (sleep 0.3; wc -l)`;
        execFile("sh", ["-c", command], (error, stdout) => (error ? reject(error) : resolve(Number(stdout))));
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  it("main's output is out before the process ends", async () => {
    const body = `await main(() => { for (let i = 0; i < 200_000; i++) console.log("line", i); });`;
    expect(await linesOf(body)).toBe(200_000);
  });

  it("a dump is out before the process ends", async () => {
    const stuck = "const c = chan(); for (let i = 0; i < 5000; i++) go(async function stuck() { await c.recv(); });";
    const lines = 2 + 5000 * 4 - 1 + 2; // two for the hint
    expect(await linesOf(stuck)).toBe(lines);
    expect(await linesOf(`${stuck}\nsetTimeout(() => process.kill(process.pid, "SIGQUIT"), 50);`)).toBe(lines + 3);
  });
});

describe("another copy of the library", () => {
  const other = (): Promise<typeof contexts> => {
    vi.resetModules();
    return import("../context.ts");
  };

  it("gives contexts that can be parents, with Canceled and DeadlineExceeded our own", async () => {
    const copy = await other();
    const [foreign, cancelForeign] = copy.withCancelCause(copy.background());
    const [child] = withCancel(foreign);
    const reason = new Error("reason");
    cancelForeign(reason);
    expect([child.err() === Canceled, cause(child)]).toEqual([true, reason]);
    const [late] = copy.withTimeout(copy.background(), 0);
    expect(withCancel(late)[0].err()).toBe(DeadlineExceeded);
  });

  it("leaves no listener behind when the child ends first", async () => {
    const copy = await other();
    const [foreign] = copy.withCancel(copy.background());
    const removed = vi.spyOn(foreign.signal, "removeEventListener");
    withCancel(foreign)[1]();
    expect(removed).toHaveBeenCalledTimes(1);
  });

  it("has the same goexit", async () => {
    vi.resetModules();
    const copy = await import("../go.ts");
    go(() => copy.goexit());
    await gosched();
  });
});

describe("a chain of contexts", () => {
  it("may be of any depth: it is cancelled whole, and its values and deadline are found", () => {
    const name = key<string>("name");
    const [root, cancel] = withTimeout(withValue(background(), name, "root"), 60_000);
    let ctx: Context = root;
    const chain: Context[] = [];
    for (let i = 0; i < 50_000; i++) {
      ctx = i % 2 === 0 ? withCancel(ctx)[0] : withValue(ctx, {}, i);
      chain.push(ctx);
    }
    expect([ctx.value(name), ctx.deadline()]).toEqual(["root", root.deadline()]);
    cancel();
    expect(chain.filter((_, i) => i % 2 === 0).every((each) => each.err() === Canceled)).toBe(true);
  });
});

describe("a chain of values", () => {
  it("may be of any depth", () => {
    const [root, cancel] = withTimeout(background(), 60_000);
    let ctx: Context = root;
    for (let i = 0; i < 50_000; i++) ctx = withValue(ctx, {}, i);
    expect([ctx.err(), ctx.done(), ctx.deadline()]).toEqual([undefined, root.done(), root.deadline()]);
    expect(ctx.signal).toBe(root.signal);
    cancel();
    expect([ctx.err(), cause(ctx)]).toEqual([Canceled, Canceled]);
  });
});

describe("fake timers", () => {
  afterEach(() => void vi.useRealTimers());

  it("govern sleeps also where they fake no clock", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let woken = false;
    go(async () => {
      await sleep(60_000);
      woken = true;
    });
    await gosched();
    vi.advanceTimersByTime(60_001);
    await gosched();
    expect(woken).toBe(true);
  });
});

it("a panic value that does not let itself be looked at is reported all the same", async () => {
  const hostile = `new Proxy(new Error("x"), { get() { throw new Error("get"); }, getPrototypeOf() { throw new Error("proto"); } })`;
  const { status, stderr } = await runProgram(`import { go } from "go";\ngo(() => { throw ${hostile}; });`);
  expect({ status, first: stderr.split("\n")[0] }).toEqual({
    status: 2,
    first: "panic: panic while printing panic value",
  });
});

describe("what is no number is refused", () => {
  it("as the size of a semaphore, and as a number of its units, which stay as they are", async () => {
    for (const n of [Number.NaN, -1]) {
      const text = `semaphore: expected a number of units, 0 or above, got ${n}`;
      expect(() => new Weighted(n)).toThrow(text);
      const sem = new Weighted(2);
      await expect(sem.acquire(background(), n)).rejects.toThrow(text);
      expect(() => sem.tryAcquire(n)).toThrow(RangeError);
      expect(sem.tryAcquire(1)).toBe(true);
      expect(() => sem.release(n)).toThrow(RangeError);
      expect([sem.tryAcquire(2), sem.tryAcquire(1), sem.tryAcquire(1)]).toEqual([false, true, false]);
    }
  });

  it("as a group's limit", async () => {
    const group = new TaskGroup();
    for (const n of [Number.NaN, 1.5]) {
      expect(() => group.setLimit(n)).toThrow(`errgroup: expected a whole number as the limit, got ${n}`);
    }
    group.setLimit(Infinity);
    await group.go(() => undefined);
    await group.wait();
  });
});
