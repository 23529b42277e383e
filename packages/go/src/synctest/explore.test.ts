import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { background, withCancel } from "../context.ts";
import { chan, go, gosched, recv, select, send } from "../index.ts";
import { Weighted } from "../semaphore.ts";
import { Cond, Mutex, Once, RWMutex, WaitGroup } from "../sync/index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { now, sleep, Timer } from "../time.ts";
import { explore, type ScheduleError, test } from "./index.ts";

expectNoLeaks();

const printed: string[] = [];
beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, "error").mockImplementation((text: string) => void printed.push(text));
});
afterEach(() => vi.restoreAllMocks());

async function failure(
  fn: () => unknown,
  options: { seeds?: number; seed?: number } = { seeds: 1000 },
): Promise<ScheduleError> {
  const error: unknown = await explore(fn, options).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toMatchObject({ name: "ScheduleError" });
  return error as ScheduleError;
}

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Runs the bodies as goroutines and waits for all. */
async function together(...bodies: (() => unknown)[]): Promise<void> {
  const wg = new WaitGroup();
  for (const body of bodies) wg.go(body);
  await wg.wait();
}

/** What each bug is, a program that has it, and the same program without it. */
const bugs: [string, bug: () => unknown, mended: () => unknown][] = [
  ["a lost update", () => counts(undefined), () => counts(new Mutex())],
  ["a lost update over promises of the host's", countsByHost, () => counts(new Mutex())],
  ["locks in two orders", () => transfers(false), () => transfers(true)],
  ["a send on a channel that the receiver closes", () => closes("receiver"), () => closes("sender")],
  ["check, then act", () => initialises(false), () => initialises(true)],
  ["a signal that nobody waits for yet", () => signals(false), () => signals(true)],
  ["add inside of the goroutine that is counted", () => adds(false), () => adds(true)],
  ["a semaphore of two taken for a lock", () => guards(2), () => guards(1)],
  ["a read lock upgraded", () => upgrades(false), () => upgrades(true)],
  ["a result that nobody takes after a cancellation", () => answers(0), () => answers(1)],
  ["a stopped timer that is drained by force", () => stops(false), () => stops(true)],
  ["two consumers of a len that was looked at", () => drains(false), () => drains(true)],
];

async function counts(mu: Mutex | undefined): Promise<void> {
  let n = 0;
  const add = async (): Promise<void> => {
    await mu?.lock();
    const seen = n;
    await gosched();
    n = seen + 1;
    mu?.unlock();
  };
  await together(add, add);
  must(n === 2, "an update is lost");
}

async function countsByHost(): Promise<void> {
  let n = 0;
  const add = async (): Promise<void> => {
    const seen = n;
    await Promise.resolve();
    n = seen + 1;
  };
  await together(add, add);
  must(n === 2, "an update is lost");
}

async function transfers(ordered: boolean): Promise<void> {
  const a = new Mutex();
  const b = new Mutex();
  const both = async (first: Mutex, second: Mutex): Promise<void> => {
    using _ = await first.lock();
    using __ = await second.lock();
  };
  await together(
    () => both(a, b),
    () => (ordered ? both(a, b) : both(b, a)),
  );
}

async function closes(who: "receiver" | "sender"): Promise<void> {
  const ch = chan<number>(1);
  await together(
    async () => {
      await ch.send(1);
      await ch.send(2);
      if (who === "sender") ch.close();
    },
    async () => {
      await ch.recv();
      if (who === "receiver") ch.close();
      else await ch.recv();
    },
  );
}

async function initialises(once: boolean): Promise<void> {
  let made = 0;
  let ready = false;
  const guard = new Once();
  const make = async (): Promise<void> => {
    await gosched();
    made++;
    ready = true;
  };
  const use = async (): Promise<void> => {
    if (once) await guard.do(make);
    else if (!ready) await make();
  };
  await together(use, use);
  must(made === 1, "made twice");
}

async function signals(looks: boolean): Promise<void> {
  const cond = new Cond(new Mutex());
  let ready = false;
  await together(
    async () => {
      using _ = await cond.L.lock();
      if (looks) while (!ready) await cond.wait();
      else await cond.wait();
    },
    async () => {
      using _ = await cond.L.lock();
      ready = true;
      cond.signal();
    },
  );
}

async function adds(before: boolean): Promise<void> {
  const wg = new WaitGroup();
  let done = 0;
  for (let i = 0; i < 2; i++) {
    if (before) wg.add(1);
    go(async () => {
      if (!before) wg.add(1);
      await gosched();
      done++;
      wg.done();
    });
  }
  await gosched();
  await wg.wait();
  must(done === 2, "did not wait");
}

async function guards(units: number): Promise<void> {
  const sem = new Weighted(units);
  let inside = 0;
  const enter = async (): Promise<void> => {
    await sem.acquire(background());
    must(++inside === 1, "two inside");
    await gosched();
    inside--;
    sem.release();
  };
  await together(enter, enter, enter);
}

async function upgrades(releases: boolean): Promise<void> {
  const rw = new RWMutex();
  const change = async (): Promise<void> => {
    await rw.rLock();
    if (releases) rw.rUnlock();
    await rw.lock();
    rw.unlock();
    if (!releases) rw.rUnlock();
  };
  await together(change, change);
}

async function answers(capacity: number): Promise<void> {
  const [ctx, cancel] = withCancel(background());
  const result = chan<number>(capacity);
  go(() => result.send(1));
  go(cancel);
  await select({ result: recv(result), gone: recv(ctx.done()) });
}

async function stops(drains: boolean): Promise<void> {
  const timer = new Timer(10);
  const quit = chan<never>();
  await together(
    () => select({ tick: recv(timer.c), quit: recv(quit) }),
    async () => {
      await sleep(10);
      // Whoever else has received the tick, it does not come again.
      if (!timer.stop()) {
        if (drains) timer.c.tryRecv();
        else await timer.c.recv();
      }
      quit.close();
    },
  );
}

async function drains(atOnce: boolean): Promise<void> {
  const ch = chan<number>(2);
  await ch.send(1);
  const drain = async (): Promise<void> => {
    if (atOnce) ch.tryRecv();
    else if (ch.len > 0) {
      await gosched();
      await ch.recv();
    }
  };
  await together(drain, drain);
}

describe("explore", () => {
  it.each(bugs)("finds %s in 1,000 schedules, and none in its twin", { timeout: 120_000 }, async (_, bug, mended) => {
    const { seed, schedules } = await failure(bug);
    expect(schedules).toBeLessThanOrEqual(1000);
    expect(printed.join("\n")).toContain(`seed ${seed} fails`);
    expect(await explore(mended, { seeds: 200 })).toEqual({ schedules: 200 });
  });

  it("replays a seed exactly", async () => {
    const first = await failure(() => counts(undefined));
    const logs: string[] = [];
    for (let i = 0; i < 2; i++) {
      const again = await failure(() => counts(undefined), { seed: first.seed });
      expect(again.schedules).toBe(1);
      logs.push(again.message.replace(/after \d+ schedules?/, ""));
    }
    expect(logs[0]).toBe(logs[1]);
    expect(first.message.replace(/after \d+ schedules?/, "")).toBe(logs[0]);
  });

  it("gives a run the same random numbers each time", async () => {
    const runs: number[][] = [];
    const host = Math.random;
    for (let i = 0; i < 2; i++) {
      await explore(
        async () => {
          const numbers = [Math.random()];
          const ch = chan<number>(3);
          for (let n = 0; n < 3; n++) await select([send(ch, 1), send(ch, 2), send(ch, 3)]);
          ch.close();
          for await (const v of ch) numbers.push(v);
          runs.push(numbers);
        },
        { seed: 42 },
      );
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(Math.random).toBe(host);
  });

  it("prints the shortest schedule that fails as a table of goroutines and steps", async () => {
    const { message, cause } = await failure(() => counts(undefined));
    expect(cause).toMatchObject({ message: "an update is lost" });
    const [head, changes, , columns, ...rows] = message.split("\n");
    expect(head).toMatch(/^seed \d+ fails: an update is lost$/);
    expect(changes).toMatch(
      /^in \d changes of goroutine, after \d+ schedules?; again with explore\(fn, \{ seed: \d+ \}\):$/,
    );
    expect(columns).toMatch(/^step +goroutine +does +rests at$/);
    expect(rows[0]).toMatch(/^1 +1 main\.func1 +starts +.*explore\.test\.ts:\d+:\d+$/);
    expect(rows.filter((row) => row.includes("2 add")).length).toBeGreaterThanOrEqual(2);
    // Each of the two goroutines reads before the other one writes: no schedule has fewer changes.
    expect(Number(/in (\d) changes/.exec(message)?.[1])).toBeLessThanOrEqual(4);
  });

  it("ends a run that never ends by itself", async () => {
    const spin = async (): Promise<void> => {
      for (;;) await gosched();
    };
    await expect(explore(spin, { seeds: 1, steps: 50 })).rejects.toThrow("no end after 50 steps");
  });

  it("waits for what is real, and moves the bubble's clock", async () => {
    let end = 0;
    await explore(
      async () => {
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
        await sleep(60_000);
        end = now().getTime();
      },
      { seeds: 3 },
    );
    expect(end).toBe(Date.UTC(2000, 0, 1) + 60_000);
  });

  it("leaves goroutines outside of it alone", async () => {
    const ch = chan<number>();
    let got = 0;
    go(async () => {
      for await (const v of ch) got += v;
    });
    await explore(() => counts(new Mutex()), { seeds: 20 });
    await ch.send(1);
    ch.close();
    await expect.poll(() => got).toBe(1);
  });

  it("refuses a second search, a bubble around it and wrong numbers", async () => {
    const first = explore(() => gosched(), { seeds: 5 });
    await expect(explore(() => undefined)).rejects.toThrow("explore is running already");
    await first;
    await test(() => expect(explore(() => undefined)).rejects.toThrow("called from within a synctest bubble"));
    await expect(explore(() => undefined, { seeds: -1 })).rejects.toThrow(
      "seeds must be a whole number, 0 or above, got -1",
    );
  });
});

describe("with node:test", () => {
  it("runs bubbles and searches in its tests, beside its mocked timers", () => {
    const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
    const program = `
      import { mock, test } from "node:test";
      import { equal } from "node:assert";
      const { explore, test: bubble } = await import(${url("./index.ts")});
      const { now, sleep } = await import(${url("../time.ts")});
      test("a bubble", async () => {
        mock.timers.enable({ apis: ["setTimeout", "Date"] });
        await bubble(async () => { await sleep(60_000); equal(now().getUTCMinutes(), 1); });
        mock.timers.reset();
      });
      test("a search", async () => { await explore(() => sleep(5), { seeds: 5 }); });`;
    const { status, stdout } = spawnSync(
      process.execPath,
      ["--no-warnings", "--input-type=module", "--eval", program],
      {
        encoding: "utf8",
      },
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/pass 2\b/) });
  });
});
