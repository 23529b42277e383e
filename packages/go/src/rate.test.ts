import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { background, Canceled, withCancel, withTimeout } from "./context.ts";
import { go, gosched } from "./index.ts";
import { every, Inf, KeyedLimiter, Limiter } from "./rate.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => vi.useRealTimers());

const ctx = background();

describe("Limiter", () => {
  it("lets a burst through at once, and then one event for each token that comes", () => {
    const limiter = new Limiter(10, 2);
    expect([limiter.allow(), limiter.allow(), limiter.allow()]).toEqual([true, true, false]);
    vi.advanceTimersByTime(99);
    expect(limiter.allow()).toBe(false);
    vi.advanceTimersByTime(1);
    expect([limiter.allow(), limiter.allow()]).toEqual([true, false]);
    vi.advanceTimersByTime(10_000);
    expect([limiter.allow(), limiter.allow(), limiter.allow()]).toEqual([true, true, false]);
  });

  it("never lets more through in any stretch than its burst and the tokens of that stretch", () => {
    const step = fc.record({ pause: fc.integer({ min: 0, max: 700 }), n: fc.integer({ min: 0, max: 4 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(step),
        (limit, burst, steps) => {
          const limiter = new Limiter(limit, burst);
          const passed: { at: number; n: number }[] = [];
          for (const { pause, n } of steps) {
            vi.advanceTimersByTime(pause);
            if (limiter.allow(n)) passed.push({ at: performance.now(), n });
          }
          for (let from = 0; from < passed.length; from++) {
            let sum = 0;
            for (let to = from; to < passed.length; to++) {
              sum += passed[to]!.n;
              const most = burst + ((passed[to]!.at - passed[from]!.at) * limit) / 1000;
              expect(sum).toBeLessThanOrEqual(most + 1e-6);
            }
          }
        },
      ),
    );
  });

  it("books events ahead, one behind the other", () => {
    const limiter = new Limiter(every(100), 1);
    expect([1, 2, 3].map(() => limiter.reserve().delay())).toEqual([0, 100, 200]);
    expect(limiter.tokens).toBe(-2);
    vi.advanceTimersByTime(150);
    expect(limiter.reserve().delay()).toBe(150);
  });

  it("cannot book more than its burst", () => {
    const limiter = new Limiter(1, 3);
    const booked = limiter.reserve(4);
    expect([booked.ok, booked.delay()]).toEqual([false, Infinity]);
    booked.cancel();
    expect(limiter.tokens).toBe(3);
    expect(limiter.allow(3)).toBe(true);
  });

  it("gives back what a cancelled reservation has taken, once", () => {
    const limiter = new Limiter(10, 1);
    limiter.reserve();
    const second = limiter.reserve();
    second.cancel();
    second.cancel();
    expect(limiter.tokens).toBe(0);
    expect(limiter.reserve().delay()).toBe(100);
  });

  it("gives back nothing that a later reservation was booked behind, nor after its moment", () => {
    const limiter = new Limiter(10, 2);
    limiter.reserve(2);
    const two = limiter.reserve(2);
    limiter.reserve(1);
    two.cancel(); // one of its two tokens carries the reservation after it
    expect(limiter.tokens).toBe(-2);
    vi.advanceTimersByTime(1000);
    const past = limiter.reserve(1);
    vi.advanceTimersByTime(1);
    past.cancel();
    expect(limiter.tokens).toBeCloseTo(1.01);
  });

  it("waits until its turn, in the order in which it was asked", async () => {
    const limiter = new Limiter(every(100), 1);
    const done: string[] = [];
    for (const name of ["a", "b", "c"]) {
      go(async () => {
        await limiter.wait(ctx);
        done.push(`${name} ${performance.now() - start}`);
      });
    }
    const start = performance.now();
    await gosched();
    await vi.advanceTimersByTimeAsync(200);
    await gosched();
    expect(done).toEqual(["a 0", "b 100", "c 200"]);
  });

  it("gives a wait's token back when its context ends, with the context's error", async () => {
    const limiter = new Limiter(every(100), 1);
    limiter.allow();
    const [child, cancel] = withCancel(ctx);
    const waiting = limiter.wait(child);
    expect(limiter.tokens).toBe(-1);
    cancel();
    await expect(waiting).rejects.toBe(Canceled);
    expect(limiter.tokens).toBe(0);
    await expect(limiter.wait(child)).rejects.toBe(Canceled);
  });

  it("does not begin a wait that a deadline or the burst makes hopeless", async () => {
    const limiter = new Limiter(1, 2);
    limiter.allow(2);
    const [child, cancel] = withTimeout(ctx, 500);
    await expect(limiter.wait(child)).rejects.toThrow("rate: Wait(n=1) would exceed context deadline");
    await expect(limiter.wait(ctx, 3)).rejects.toThrow("rate: Wait(n=3) exceeds limiter's burst 2");
    expect(limiter.tokens).toBe(0);
    cancel();
  });

  it("with no limit lets everything through, and with a limit of 0 the burst alone", async () => {
    const open = new Limiter(Inf, 0);
    expect(open.allow(1000)).toBe(true);
    await open.wait(ctx, 1000);
    const shut = new Limiter(0, 1);
    expect([shut.allow(), shut.allow()]).toEqual([true, false]);
    await expect(shut.wait(ctx)).rejects.toThrow("limit 0");
  });

  it("of 0 gives a token back that was booked for never, and takes none for a wait that it refuses", async () => {
    const limiter = new Limiter(0, 2);
    expect(limiter.allow(2)).toBe(true);
    const [first, second] = [limiter.reserve(), limiter.reserve()];
    expect([first.delay(), second.delay(), limiter.tokens]).toEqual([Infinity, Infinity, -2]);
    first.cancel();
    second.cancel();
    expect(limiter.tokens).toBe(0);
    await expect(limiter.wait(ctx)).rejects.toThrow("rate: Wait(n=1) exceeds limiter's limit 0");
    expect([limiter.tokens, limiter.allow()]).toEqual([0, false]);
    const booked = limiter.reserve();
    limiter.setLimit(10);
    limiter.reserve();
    booked.cancel();
    expect(limiter.tokens).toBe(-1);
  });

  it("takes another limit and burst from now on", () => {
    const limiter = new Limiter(1, 1);
    limiter.allow();
    vi.advanceTimersByTime(500);
    limiter.setLimit(100);
    expect(limiter.tokens).toBe(0.5);
    vi.advanceTimersByTime(5);
    expect(limiter.tokens).toBe(1);
    limiter.setBurst(3);
    vi.advanceTimersByTime(1000);
    expect([limiter.limit, limiter.burst, limiter.tokens]).toEqual([100, 3, 3]);
  });

  it("refuses what is not a number from 0 on", () => {
    expect(() => new Limiter(-1, 1)).toThrow("rate: limit must be a number from 0 on, got -1");
    expect(() => new Limiter(1, Number.NaN)).toThrow("rate: burst must be a number from 0 on, got NaN");
    expect(() => new Limiter(1, 1).allow(-1)).toThrow("rate: n must be a number from 0 on, got -1");
  });

  it("every(ms) is one event in that time, and no limit for 0", () => {
    expect([every(100), every(2000), every(0)]).toEqual([10, 0.5, Inf]);
  });
});

describe("KeyedLimiter", () => {
  it("counts each key by itself", async () => {
    const limiters = new KeyedLimiter<string>(10, 1);
    expect([limiters.allow("a"), limiters.allow("b"), limiters.allow("a")]).toEqual([true, true, false]);
    expect(limiters.reserve("b").delay()).toBe(100);
    await limiters.wait(ctx, "c");
    expect(limiters.allow("c")).toBe(false);
  });

  it("forgets the keys whose buckets are full again, and no others", () => {
    const limiters = new KeyedLimiter<number>(10, 1);
    for (let key = 0; key < 1000; key++) limiters.allow(key);
    expect(limiters.size).toBe(1000);
    vi.advanceTimersByTime(100);
    limiters.allow(5);
    for (let key = 1000; key < 3000; key++) {
      limiters.allow(key);
      if (key % 10 === 0) vi.advanceTimersByTime(10);
    }
    expect(limiters.size).toBeLessThan(1100);
    expect(limiters.allow(2999)).toBe(false);
  });
});
