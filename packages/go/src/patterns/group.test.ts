import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { background, withCancel } from "../context.ts";
import { chan, go, gosched } from "../index.ts";
import { WaitGroup } from "../sync/index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { generate, groupBy, map, partition } from "./index.ts";

expectNoLeaks();
afterEach(() => vi.useRealTimers());

const ctx = background();

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await gosched();
}

describe("groupBy", () => {
  it("gives a channel for each key, with the values of that key in order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9)), fc.nat(3), async (values, capacity) => {
        const got = new Map<number, number[]>();
        const wg = new WaitGroup();
        for await (const { key, values: group } of groupBy(ctx, generate(ctx, values), (v) => v % 3, { capacity })) {
          const own: number[] = [];
          got.set(key, own);
          wg.go(async () => {
            for await (const value of group) own.push(value);
          });
        }
        await wg.wait();
        const expected = new Map<number, number[]>();
        for (const v of values) expected.set(v % 3, [...(expected.get(v % 3) ?? []), v]);
        expect(got).toEqual(expected);
      }),
    );
  });

  it("begins another group when the reader of one has left, and loses no value to that", async () => {
    const seen: string[] = [];
    let group = 0;
    const wg = new WaitGroup();
    for await (const { values } of groupBy(ctx, generate(ctx, ["a1", "a2", "a3", "a4", "a5"]), (v) => v[0])) {
      const name = ++group;
      wg.go(async () => {
        let taken = 0;
        for await (const value of values) {
          seen.push(`${value} in group ${name}`);
          if (++taken === 2) break;
        }
      });
    }
    await wg.wait();
    expect(seen).toEqual(["a1 in group 1", "a2 in group 1", "a3 in group 2", "a4 in group 2", "a5 in group 3"]);
  });

  it("forgets a key that has been idle, and that one only", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
    const input = chan<string>();
    const events: string[] = [];
    go(async () => {
      for await (const { key, values } of groupBy(ctx, input, (v) => v[0], { idle: 100 })) {
        events.push(`${key} begins`);
        go(async () => {
          for await (const value of values) events.push(value);
          events.push(`${key} ends`);
        });
      }
    });
    const send = async (value: string): Promise<void> => {
      await input.send(value);
      await settle();
    };
    await send("a1");
    await vi.advanceTimersByTimeAsync(60);
    await send("b1");
    await vi.advanceTimersByTimeAsync(60);
    await settle();
    expect(events).toEqual(["a begins", "a1", "b begins", "b1", "a ends"]);
    await send("a2");
    input.close();
    await settle();
    expect(events.slice(5).toSorted()).toEqual(["a begins", "a ends", "a2", "b ends"]);
  });

  it("keeps a key as long as values of it come, and for its idle time after the last one", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
    const input = chan<string>();
    const events: string[] = [];
    go(async () => {
      for await (const { key, values } of groupBy(ctx, input, (v) => v[0], { idle: 100 })) {
        events.push(`${key} begins`);
        go(async () => {
          for await (const value of values) events.push(value);
          events.push(`${key} ends`);
        });
      }
    });
    for (const value of ["a1", "a2", "a3"]) {
      await input.send(value);
      await settle();
      await vi.advanceTimersByTimeAsync(60);
      await settle();
    }
    expect(events).toEqual(["a begins", "a1", "a2", "a3"]);
    await vi.advanceTimersByTimeAsync(60);
    await settle();
    expect(events).toEqual(["a begins", "a1", "a2", "a3", "a ends"]);
    input.close();
    await settle();
  });

  it("passes the error of its input on to the groups and to the channel of groups", async () => {
    const failing = map(ctx, generate(ctx, [1, 2, 3]), (v) => {
      if (v === 3) throw new Error("no 3");
      return v;
    });
    const errors: string[] = [];
    const wg = new WaitGroup();
    const read = async (): Promise<void> => {
      for await (const { values } of groupBy(ctx, failing, () => "all")) {
        wg.go(async () => {
          try {
            for await (const value of values) errors.push(`value ${value}`);
          } catch (error) {
            errors.push((error as Error).message);
          }
        });
      }
    };
    await expect(read()).rejects.toThrow("no 3");
    await wg.wait();
    expect(errors).toEqual(["value 1", "value 2", "no 3"]);
  });

  it("ends with its context although a group is not read", async () => {
    const [child, cancel] = withCancel(ctx);
    const groups = groupBy(child, generate(ctx, [1, 2]), (v) => v);
    const first = await groups.recv();
    await settle();
    cancel();
    expect(await groups.recvOk()).toEqual([undefined, false]);
    expect(await first?.values.recvOk()).toEqual([undefined, false]);
  });

  it("refuses an idle time that is not above 0", () => {
    expect(() => groupBy(ctx, chan<number>(), (v) => v, { idle: 0 })).toThrow("groupBy: idle must be above 0, got 0");
  });
});

describe("partition", () => {
  it("keeps the order of each key, and works on one value of a key at a time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(99)), fc.integer({ min: 1, max: 5 }), async (values, workers) => {
        const atWork = new Set<number>();
        const work = async (v: number): Promise<number> => {
          expect(atWork.has(v % 4)).toBe(false);
          atWork.add(v % 4);
          for (let i = v % 5; i > 0; i--) await gosched();
          atWork.delete(v % 4);
          return v;
        };
        const got: number[] = [];
        for await (const v of partition(ctx, generate(ctx, values), (v) => v % 4, work, { workers })) got.push(v);
        for (let key = 0; key < 4; key++) {
          expect(got.filter((v) => v % 4 === key)).toEqual(values.filter((v) => v % 4 === key));
        }
      }),
    );
  });

  it("works on other keys while one is slow", async () => {
    const slow = chan<never>();
    const done: string[] = [];
    const input = generate(ctx, ["a1", "b1", "a2", "b2", "c1"]);
    const output = partition(
      ctx,
      input,
      (v) => v[0],
      async (v) => {
        if (v === "a1") await slow.recv();
        return v;
      },
      { workers: 2 },
    );
    for (let i = 0; i < 3; i++) done.push((await output.recv()) as string);
    expect(done).toEqual(["b1", "b2", "c1"]);
    slow.close();
    for await (const v of output) done.push(v);
    expect(done.slice(3)).toEqual(["a1", "a2"]);
  });

  it("takes no more values of busy keys than there are workers", async () => {
    const slow = chan<never>();
    let taken = 0;
    const source = generate(
      ctx,
      (function* () {
        for (; taken < 100;) yield ++taken;
      })(),
    );
    const output = partition(
      ctx,
      source,
      () => "one key",
      () => slow.recv(),
      { workers: 3 },
    );
    await settle();
    expect(taken).toBeLessThanOrEqual(1 + 3 + 1);
    slow.close();
    let n = 0;
    for await (const _ of output) n++;
    expect(n).toBe(100);
  });
});
