import { describe, expect, it } from "vitest";
import { background, Canceled, type Context, withCancel } from "../context.ts";
import { chan, goexit } from "../index.ts";
import { sleep } from "../time.ts";
import { pass, useFakeTimers } from "../test/fake-timers.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { heal, UnhealthyError } from "./index.ts";

expectNoLeaks();
useFakeTimers();

const ctx = background();

describe("heal", () => {
  it("J34 leaves a ward alone that beats, and gives its result", async () => {
    const restarts: number[] = [];
    const ward = async (own: Context, beat: () => void): Promise<string> => {
      for (let i = 0; i < 5; i++) {
        await sleep(80, own);
        beat();
      }
      return "done";
    };
    const result = heal(ctx, ward, { ms: 100, onRestart: (n) => void restarts.push(n) });
    for (let i = 0; i < 5; i++) await pass(80);
    expect([await result, restarts]).toEqual(["done", []]);
  });

  it("J34 starts a ward anew whose heartbeat stops, and cancels the context of the one that hangs", async () => {
    const contexts: Context[] = [];
    const restarts: number[] = [];
    const hung = chan<never>();
    const ward = async (own: Context, beat: () => void): Promise<number> => {
      contexts.push(own);
      beat();
      if (contexts.length < 3) await hung.recv();
      return contexts.length;
    };
    const result = heal(ctx, ward, { ms: 100, onRestart: (n) => void restarts.push(n) });
    await pass(99);
    expect(contexts.length).toBe(1);
    await pass(1);
    expect([contexts.length, contexts[0]?.err()]).toEqual([2, Canceled]);
    await pass(100);
    expect([await result, restarts]).toEqual([3, [1, 2]]);
    hung.close();
  });

  it("J34 drops what a ward says that was given up", async () => {
    const hung = chan<never>();
    let starts = 0;
    const ward = async (): Promise<string> => {
      if (++starts === 2) return sleep(50).then(() => "second");
      await hung.recv();
      throw new Error("the first one, much too late");
    };
    const result = heal(ctx, ward, { ms: 100 });
    await pass(100);
    hung.close();
    await pass(50);
    expect(await result).toBe("second");
  });

  it("J34 rejects with what the ward throws, with ctx.err(), and when it has hung too often", async () => {
    await expect(heal(ctx, () => Promise.reject(new Error("no")), { ms: 100 })).rejects.toThrow("no");
    await expect(heal(ctx, () => goexit(), { ms: 100 })).rejects.toThrow("heal: the ward called Goexit");
    const [c, cancel] = withCancel(ctx);
    const until = (own: Context): Promise<void> => sleep(60_000, own);
    const cancelled = heal(c, until, { ms: 100 }).catch((error: unknown) => error);
    await pass(10);
    cancel();
    expect(await cancelled).toBe(Canceled);
    const hopeless = heal(ctx, until, { ms: 100, restarts: 1 }).catch((error: unknown) => error);
    await pass(100);
    await pass(100);
    expect(await hopeless).toBeInstanceOf(UnhealthyError);
    expect(await hopeless).toMatchObject({ message: "heal: no heartbeat for 100 ms, after 1 restarts" });
  });

  it("J34 refuses times that make no sense", () => {
    expect(() => heal(ctx, () => 1, { ms: 0 })).toThrow(new RangeError("heal: ms must be above 0, got 0"));
    expect(() => heal(ctx, () => 1, { ms: 1, restarts: -1 })).toThrow("heal: restarts must be at least 0, got -1");
  });
});
