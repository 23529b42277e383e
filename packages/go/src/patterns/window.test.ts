import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { background, withCancel } from "../context.ts";
import { chan, go, gosched, type RecvChan } from "../index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { generate, map, window, type Window, type WindowOptions } from "./index.ts";

expectNoLeaks();
afterEach(() => vi.useRealTimers());

const ctx = background();
const byTime = { time: (v: number) => v };

async function all<T>(output: RecvChan<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const value of output) got.push(value);
  return got;
}

/** `start-end: values` of each window. */
function shown(windows: readonly Window<unknown, string | undefined>[]): string[] {
  return windows.map(
    ({ key, start, end, values }) => `${key === undefined ? "" : `${key} `}${start}-${end}: ${values.join(" ")}`,
  );
}

describe("window.tumbling", () => {
  it("puts each value into the one window of its time", async () => {
    const got = await all(window.tumbling(ctx, generate(ctx, [1, 5, 9, 10, 25, 26, 40]), 10, byTime));
    expect(shown(got)).toEqual(["0-10: 1 5 9", "10-20: 10", "20-30: 25 26", "40-50: 40"]);
  });

  it("waits for values that are late by no more than the lateness, and tells of those that are", async () => {
    const late: number[] = [];
    const options = { ...byTime, lateness: 5, onLate: (v: number) => void late.push(v) };
    const got = await all(window.tumbling(ctx, generate(ctx, [1, 12, 8, 14, 9, 15, 7, 11]), 10, options));
    expect(shown(got)).toEqual(["0-10: 1 8 9", "10-20: 12 14 15 11"]);
    expect(late).toEqual([7]);
  });

  it("keeps a window for each key, and sends windows in the order of their ends", async () => {
    const options: WindowOptions<number, string> = { ...byTime, key: (v) => (v % 2 === 0 ? "even" : "odd") };
    const got = await all(window.tumbling(ctx, generate(ctx, [1, 2, 3, 12, 15, 28]), 10, options));
    expect(shown(got)).toEqual(["odd 0-10: 1 3", "even 0-10: 2", "even 10-20: 12", "odd 10-20: 15", "even 20-30: 28"]);
  });

  it("sends the windows of several keys that end together in the order of their ends, whichever key came first", async () => {
    const values = [
      { key: "first", time: 0 },
      { key: "first", time: 8 },
      { key: "second", time: 1 },
    ];
    const options = {
      time: ({ time }: { time: number }) => time,
      key: ({ key }: { key: string }) => key,
      lateness: 100,
    };
    const got = await all(window.session(ctx, generate(ctx, values), 10, options));
    expect(got.map(({ key, end }) => [key, end])).toEqual([
      ["second", 11],
      ["first", 18],
    ]);
  });

  it("goes by the clock if values bear no time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"], now: 1000 });
    const input = chan<string>();
    const got: Window<string>[] = [];
    go(async () => {
      for await (const w of window.tumbling(ctx, input, 100)) got.push(w);
    });
    const pass = async (ms: number): Promise<void> => {
      for (let i = 0; i < 10; i++) await gosched();
      await vi.advanceTimersByTimeAsync(ms);
      for (let i = 0; i < 10; i++) await gosched();
    };
    await input.send("a");
    await pass(50);
    await input.send("b");
    await pass(49);
    expect(got).toEqual([]);
    await pass(1);
    expect(shown(got)).toEqual(["1000-1100: a b"]);
    await pass(500);
    await input.send("c");
    input.close();
    await pass(0);
    expect(shown(got)).toEqual(["1000-1100: a b", "1600-1700: c"]);
  });

  it("holds every value exactly once, whatever the order, unless it is late", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(200)),
        fc.nat(60),
        fc.integer({ min: 1, max: 40 }),
        async (times, lateness, size) => {
          // Each value is one of its own, also if two bear the same time.
          const values = times.map((time, n) => ({ time, n }));
          const late: typeof values = [];
          const options = {
            time: (v: (typeof values)[0]) => v.time,
            lateness,
            onLate: (v: (typeof values)[0]) => void late.push(v),
          };
          const got = await all(window.tumbling(ctx, generate(ctx, values), size, options));
          const held = [...got.flatMap((w) => w.values), ...late];
          expect(held.toSorted((a, b) => a.n - b.n)).toEqual(values);
          for (const { start, end, values } of got) {
            expect(end - start).toBe(size);
            expect(values.every(({ time }) => time >= start && time < end)).toBe(true);
          }
          const starts = got.map(({ start }) => start);
          expect(starts).toEqual([...new Set(starts)].toSorted((a, b) => a - b));
          let latest = -Infinity;
          for (const value of values) {
            if (value.time >= latest - lateness) expect(late).not.toContain(value);
            latest = Math.max(latest, value.time);
          }
        },
      ),
    );
  });
});

describe("window.sliding", () => {
  it("puts each value into all windows that cover its time", async () => {
    const got = await all(window.sliding(ctx, generate(ctx, [1, 6, 12]), 10, 5, byTime));
    expect(shown(got)).toEqual(["-5-5: 1", "0-10: 1 6", "5-15: 6 12", "10-20: 12"]);
  });

  it("with steps longer than the windows leaves out what lies between, which is not late", async () => {
    const late: number[] = [];
    const options = { ...byTime, onLate: (v: number) => void late.push(v) };
    const got = await all(window.sliding(ctx, generate(ctx, [1, 7, 11]), 5, 10, options));
    expect(shown(got)).toEqual(["0-5: 1", "10-15: 11"]);
    expect(late).toEqual([]);
  });
});

describe("window.session", () => {
  it("ends when nothing has come for the gap", async () => {
    const got = await all(window.session(ctx, generate(ctx, [1, 3, 9, 20, 22, 50]), 10, byTime));
    expect(shown(got)).toEqual(["1-19: 1 3 9", "20-32: 20 22", "50-60: 50"]);
  });

  it("joins two sessions by a value between them", async () => {
    const options = { ...byTime, lateness: 100 };
    const got = await all(window.session(ctx, generate(ctx, [1, 15, 8, 40]), 10, options));
    expect(shown(got)).toEqual(["1-25: 1 15 8", "40-50: 40"]);
  });
});

it("windows that are open are sent before the error of the input", async () => {
  const failing = map(ctx, generate(ctx, [1, 2, 3]), (v) => {
    if (v === 3) throw new Error("no 3");
    return v;
  });
  const got: Window<number>[] = [];
  const read = async (): Promise<void> => {
    for await (const w of window.tumbling(ctx, failing, 10, byTime)) got.push(w);
  };
  await expect(read()).rejects.toThrow("no 3");
  expect(shown(got)).toEqual(["0-10: 1 2"]);
});

it("windows end with their context, and leave nothing running", async () => {
  const [child, cancel] = withCancel(ctx);
  const output = window.tumbling(child, chan<number>(), 1000);
  cancel();
  expect(await output.recvOk()).toEqual([undefined, false]);
});

it("windows refuse sizes and times that make no sense", async () => {
  expect(() => window.tumbling(ctx, chan<number>(), 0)).toThrow("window.tumbling: size must be above 0, got 0");
  expect(() => window.sliding(ctx, chan<number>(), 1, -1)).toThrow("window.sliding: step must be above 0, got -1");
  expect(() => window.session(ctx, chan<number>(), Number.NaN)).toThrow("window.session: gap must be above 0, got NaN");
  expect(() => window.session(ctx, chan<number>(), 1, { lateness: -1 })).toThrow("lateness must be at least 0, got -1");
  const output = window.tumbling(ctx, generate(ctx, [1]), 10, { time: () => Number.NaN });
  await expect(all(output)).rejects.toThrow("window.tumbling: the time of a value must be a finite number");
});
