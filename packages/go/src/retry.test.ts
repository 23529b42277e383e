import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { background, Canceled, DeadlineExceeded, withCancel, withTimeout } from "./context.ts";
import { go, goexit, gosched, numGoroutine } from "./index.ts";
import { Budget, constant, exponential, permanent, retry, retryAfter } from "./retry.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => vi.useRealTimers());

const ctx = background();
const atOnce = { backoff: constant(0) };

type Attempt = (ctx: unknown, attempt: number) => number;

/** Fails so often before it succeeds with the number of the attempt. */
function failing(times: number, error: unknown = new Error("busy")): Attempt {
  return (_, attempt) => {
    if (attempt <= times) throw error;
    return attempt;
  };
}

describe("retry", () => {
  it("lets a Goexit through: it is no failure", async () => {
    let attempts = 0;
    go(async () => {
      await retry(ctx, () => (attempts++, goexit()), atOnce);
    });
    for (let i = 0; i < 10; i++) await gosched();
    expect([attempts, numGoroutine()]).toEqual([1, 1]);
  });

  it("gives the result of the first attempt that succeeds", async () => {
    expect(await retry(ctx, failing(0))).toBe(1);
    expect(await retry(ctx, failing(3), atOnce)).toBe(4);
    expect(await retry(ctx, (_, attempt) => Promise.resolve(failing(2)(_, attempt)), atOnce)).toBe(3);
  });

  it("rejects with the last error when the attempts are used up", async () => {
    const seen: number[] = [];
    const fn = (_: unknown, attempt: number): never => {
      seen.push(attempt);
      throw new Error(`attempt ${attempt}`);
    };
    await expect(retry(ctx, fn, { ...atOnce, attempts: 3 })).rejects.toThrow("attempt 3");
    expect(seen).toEqual([1, 2, 3]);
  });

  it("waits as the backoff says, and longer where the other side asks for it", async () => {
    const waits: [number, number][] = [];
    const fn = (_: unknown, attempt: number): string => {
      if (attempt === 2) throw retryAfter(new Error("429"), 5000);
      if (attempt < 4) throw new Error("busy");
      return `after ${performance.now() - start} ms`;
    };
    const options = {
      backoff: exponential({ jitter: "none" }),
      onRetry: (_: unknown, n: number, ms: number) => void waits.push([n, ms]),
    };
    const start = performance.now();
    const result = retry(ctx, fn, options);
    await vi.advanceTimersByTimeAsync(5500);
    expect(await result).toBe("after 5500 ms");
    expect(waits).toEqual([
      [1, 100],
      [2, 5000],
      [3, 400],
    ]);
  });

  it("does not try again after a permanent error, nor after one that retryIf refuses", async () => {
    const bad = new TypeError("bad request");
    const fn = vi.fn<Attempt>(failing(9, permanent(bad)));
    await expect(retry(ctx, fn, atOnce)).rejects.toBe(bad);
    expect(fn).toHaveBeenCalledTimes(1);
    const other = vi.fn<Attempt>(failing(9, bad));
    await expect(retry(ctx, other, { ...atOnce, retryIf: (e) => !(e instanceof TypeError) })).rejects.toBe(bad);
    expect(other).toHaveBeenCalledTimes(1);
  });

  it("unwraps what retryAfter marked, for the caller and for retryIf", async () => {
    const error = new Error("429");
    const retryIf = vi.fn<(error: unknown) => boolean>(() => true);
    const options = { attempts: 2, retryIf };
    await expect(retry(ctx, failing(9, retryAfter(error, 0)), options)).rejects.toBe(error);
    expect(retryIf.mock.calls).toEqual([[error]]);
  });

  it("ends with its context: before an attempt and in a wait with the context's error", async () => {
    const [child, cancel] = withCancel(ctx);
    const fn = vi.fn<Attempt>(failing(9));
    const outcome = retry(child, fn, { backoff: constant(60_000) }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10);
    cancel();
    expect(await outcome).toBe(Canceled);
    expect(fn).toHaveBeenCalledTimes(1);
    await expect(retry(child, fn)).rejects.toBe(Canceled);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it("does not begin a wait that the deadline would cut off: the last error comes out", async () => {
    const [child, cancel] = withTimeout(ctx, 1000);
    await expect(retry(child, failing(9), { backoff: constant(1000) })).rejects.toThrow("busy");
    expect(child.err()).toBeUndefined();
    vi.advanceTimersByTime(1000);
    await expect(retry(child, failing(9))).rejects.toBe(DeadlineExceeded);
    cancel();
  });

  it("hands its context to the function, and passes on what that says when it is cancelled", async () => {
    const [child, cancel] = withCancel(ctx);
    const cut = new Error("connection closed, since the context ended");
    const fn = (given: unknown): never => {
      expect(given).toBe(child);
      cancel();
      throw cut;
    };
    await expect(retry(child, fn, atOnce)).rejects.toBe(cut);
  });

  it("refuses a number of attempts below 1", () => {
    expect(() => retry(ctx, failing(0), { attempts: 0 })).toThrow("retry: attempts must be at least 1, got 0");
  });
});

describe("exponential", () => {
  it("grows by the factor up to the longest wait", () => {
    const backoff = exponential({ initial: 10, factor: 3, max: 200, jitter: "none" });
    expect([1, 2, 3, 4, 5].map(backoff)).toEqual([10, 30, 90, 200, 200]);
    expect(exponential({ jitter: "none" })(1e9)).toBe(30_000);
  });

  it("draws the wait from all of it, or from its upper half", () => {
    for (const [jitter, random, wait] of [
      ["full", 0, 0],
      ["full", 0.5, 50],
      ["equal", 0, 50],
      ["equal", 0.5, 75],
    ] as const) {
      expect(exponential({ jitter, random: () => random })(1)).toBe(wait);
    }
  });

  it("refuses numbers that make no sense", () => {
    expect(() => exponential({ factor: 0.5 })).toThrow("exponential: factor must be at least 1, got 0.5");
    expect(() => exponential({ initial: -1 })).toThrow("exponential: initial must be a number from 0 on, got -1");
    expect(() => constant(Number.NaN)).toThrow("constant: ms must be a number from 0 on, got NaN");
  });
});

describe("Budget", () => {
  it("keeps the retries of many calls to a share of them", async () => {
    const budget = new Budget(0.1, 0);
    let attempts = 0;
    const fn = (): never => {
      attempts++;
      throw new Error("down");
    };
    for (let call = 0; call < 1000; call++) {
      await expect(retry(ctx, fn, { ...atOnce, attempts: 5, budget })).rejects.toThrow("down");
    }
    expect(attempts).toBeGreaterThanOrEqual(1099);
    expect(attempts).toBeLessThanOrEqual(1101);
  });

  it("allows some retries each second if there are few calls", () => {
    const budget = new Budget(0, 2);
    const spend = (): number => {
      let n = 0;
      while (budget.tryWithdraw()) n++;
      return n;
    };
    expect(spend()).toBe(20);
    vi.advanceTimersByTime(1000);
    expect(spend()).toBe(1);
    vi.advanceTimersByTime(1_000_000);
    expect(spend()).toBe(20);
  });
});
