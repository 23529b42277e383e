import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chan, go, goexit, gosched } from "../index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { Breaker, BreakerOpenError, type BreakerState } from "./index.ts";

expectNoLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => vi.useRealTimers());

const good = (): string => "good";
const bad = (): never => {
  throw new Error("bad");
};
const outcome = (breaker: Breaker, fn: () => string | Promise<string>): Promise<string> =>
  breaker.run(fn).catch((error: Error) => error.message);

describe("Breaker", () => {
  it("opens after so many failures in a row, and calls nothing then", async () => {
    const breaker = new Breaker({ failures: 3, ms: 1000 });
    for (const fn of [bad, bad, good, bad, bad]) await outcome(breaker, fn);
    expect(breaker.state).toBe("closed");
    await outcome(breaker, bad);
    expect(breaker.state).toBe("open");
    let called = false;
    const refused = await breaker.run(() => (called = true)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BreakerOpenError);
    expect(refused).toMatchObject({ code: "breaker_open", ms: 1000 });
    expect(called).toBe(false);
  });

  it("does not count a Goexit as a failure", async () => {
    const breaker = new Breaker({ failures: 1 });
    go(() => breaker.run(() => goexit()));
    for (let i = 0; i < 10; i++) await gosched();
    expect(breaker.state).toBe("closed");
  });

  it("lets a probe through after the pause: a success closes it, a failure opens it again", async () => {
    const states: BreakerState[] = [];
    const breaker = new Breaker({ failures: 1, ms: 1000, onChange: (state) => void states.push(state) });
    await outcome(breaker, bad);
    vi.advanceTimersByTime(999);
    expect(await outcome(breaker, good)).toBe("breaker: open, calls are refused for another 1 ms");
    vi.advanceTimersByTime(1);
    expect(breaker.state).toBe("half-open");
    expect(await outcome(breaker, bad)).toBe("bad");
    expect(breaker.state).toBe("open");
    vi.advanceTimersByTime(1000);
    expect(await outcome(breaker, good)).toBe("good");
    expect(states).toEqual(["open", "half-open", "open", "half-open", "closed"]);
  });

  it("lets no more probes through than it wants to see succeed", async () => {
    const breaker = new Breaker({ failures: 1, ms: 1000, probes: 2 });
    await outcome(breaker, bad);
    vi.advanceTimersByTime(1000);
    const slow = chan<string>();
    const probes = [breaker.run(async () => (await slow.recv()) as string), outcome(breaker, good)];
    expect(await outcome(breaker, good)).toMatch(/^breaker: open/);
    await slow.send("slow");
    expect(await Promise.all(probes)).toEqual(["slow", "good"]);
    expect(breaker.state).toBe("closed");
  });

  it("lets another probe through if one hangs, and does not count the one that hung", async () => {
    const states: BreakerState[] = [];
    const breaker = new Breaker({ failures: 1, ms: 1000, onChange: (state) => void states.push(state) });
    await outcome(breaker, bad);
    vi.advanceTimersByTime(1000);
    const stuck = chan<string>();
    const hanging = outcome(breaker, async () => Promise.reject(new Error(await stuck.recv())));
    vi.advanceTimersByTime(999);
    expect(await outcome(breaker, good)).toMatch(/^breaker: open/);
    vi.advanceTimersByTime(1);
    expect(await outcome(breaker, good)).toBe("good");
    await stuck.send("at last");
    expect(await hanging).toBe("at last");
    expect(states).toEqual(["open", "half-open", "closed"]);
  });

  it("does not count a call that began before it opened", async () => {
    const breaker = new Breaker({ failures: 1, ms: 1000 });
    const slow = chan<string>();
    const early = outcome(breaker, async () => (await slow.recv()) as string);
    await outcome(breaker, bad);
    vi.advanceTimersByTime(1000);
    await slow.send("late answer");
    expect(await early).toBe("late answer");
    expect(breaker.state).toBe("half-open");
    expect(await outcome(breaker, bad)).toBe("bad");
    expect(breaker.state).toBe("open");
  });

  it("does not count errors that say nothing of the other side", async () => {
    const breaker = new Breaker({ failures: 1, isFailure: (error) => !(error instanceof RangeError) });
    const own = (): never => {
      throw new RangeError("mine");
    };
    expect(await outcome(breaker, own)).toBe("mine");
    expect(breaker.state).toBe("closed");
  });

  it("refuses numbers that make no sense", () => {
    expect(() => new Breaker({ failures: 0 })).toThrow("Breaker: failures must be at least 1, got 0");
    expect(() => new Breaker({ ms: 0 })).toThrow("Breaker: ms must be above 0, got 0");
    expect(() => new Breaker({ probes: 0 })).toThrow("Breaker: probes must be at least 1, got 0");
  });
});
