import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chan, go, gosched, select, send } from "../index.ts";
import { Mutex } from "../sync/index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { now, sleep } from "../time.ts";
import { explore, type ScheduleError, test } from "./index.ts";
import { bugs, counts, goroutines } from "./test/bugs.ts";

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

describe("explore", () => {
  it.each(bugs)("finds %s in 1,000 schedules, and none in its twin", { timeout: 120_000 }, async (_, bug, mended) => {
    const { seed, schedules } = await failure(() => bug(goroutines));
    expect(schedules).toBeLessThanOrEqual(1000);
    expect(printed.join("\n")).toContain(`seed ${seed} fails`);
    expect(await explore(() => mended(goroutines), { seeds: 200 })).toEqual({ schedules: 200 });
  });

  it("replays a seed exactly", async () => {
    const bug = (): unknown => counts(goroutines, undefined);
    const first = await failure(bug);
    const logs: string[] = [];
    for (let i = 0; i < 2; i++) {
      const again = await failure(bug, { seed: first.seed });
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
    const { message, cause } = await failure(() => counts(goroutines, undefined));
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
    await explore(() => counts(goroutines, new Mutex()), { seeds: 20 });
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
