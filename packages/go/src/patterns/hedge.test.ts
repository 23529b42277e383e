import { describe, expect, it } from "vitest";
import { background, Canceled, type Context, withCancel } from "../context.ts";
import { goexit } from "../index.ts";
import { sleep } from "../time.ts";
import { pass, useFakeTimers } from "../test/fake-timers.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { hedge } from "./index.ts";

expectNoLeaks();
useFakeTimers();

const ctx = background();

/** A function whose attempts take these times, and what was begun and cancelled of it. */
function taking(...times: number[]): { fn: (ctx: Context, attempt: number) => Promise<string>; log: string[] } {
  const log: string[] = [];
  const fn = async (inner: Context, attempt: number): Promise<string> => {
    log.push(`${attempt} begins at ${performance.now() - start}`);
    await sleep(times[attempt - 1] as number, inner).catch((error: unknown) => {
      log.push(`${attempt} is cancelled`);
      throw error;
    });
    return `answer ${attempt}`;
  };
  const start = performance.now();
  return { fn, log };
}

describe("hedge", () => {
  it("asks once if the answer comes in time", async () => {
    const { fn, log } = taking(50, 50);
    const answer = hedge(ctx, fn, { ms: 100 });
    await pass(50);
    expect(await answer).toBe("answer 1");
    await pass(1000);
    expect(log).toEqual(["1 begins at 0"]);
  });

  it("asks again when there is no answer in time, takes the first one, and cancels the others", async () => {
    const { fn, log } = taking(1000, 30, 1000);
    const answer = hedge(ctx, fn, { ms: 100, requests: 3 });
    await pass(130);
    expect(await answer).toBe("answer 2");
    await pass(1000);
    expect(log).toEqual(["1 begins at 0", "2 begins at 100", "1 is cancelled"]);
  });

  it("asks again at once when a request has failed, and fails when all have", async () => {
    const asked: number[] = [];
    const fn = (_: Context, attempt: number): string => {
      asked.push(attempt);
      throw new Error(`no ${attempt}`);
    };
    const error = await hedge(ctx, fn, { ms: 100, requests: 3 }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors.map(String)).toEqual(["Error: no 1", "Error: no 2", "Error: no 3"]);
    expect(asked).toEqual([1, 2, 3]);
  });

  it("counts a function that calls Goexit as failed", async () => {
    const error = await hedge(ctx, () => goexit(), { ms: 1, requests: 1 }).catch((error: unknown) => error);
    expect((error as AggregateError).errors.map(String)).toEqual(["Error: hedge: a function called Goexit"]);
  });

  it("ends with its context, which the requests see too", async () => {
    const [child, cancel] = withCancel(ctx);
    const { fn, log } = taking(1000, 1000);
    const outcome = hedge(child, fn, { ms: 100 }).catch((error: unknown) => error);
    await pass(100);
    cancel();
    expect(await outcome).toBe(Canceled);
    await pass(0);
    expect(log.slice(2).toSorted()).toEqual(["1 is cancelled", "2 is cancelled"]);
    await expect(hedge(child, fn, { ms: 100 })).rejects.toBe(Canceled);
  });

  it("refuses numbers that make no sense", () => {
    expect(() => hedge(ctx, () => 1, { ms: -1 })).toThrow("hedge: ms must be at least 0, got -1");
    expect(() => hedge(ctx, () => 1, { ms: 1, requests: 0 })).toThrow(
      "hedge: requests must be a whole number from 1 on",
    );
  });
});
