// Operators that drop values on purpose, on a clock that only the test moves.
import { describe, expect, it } from "vitest";
import { background, withCancel } from "../context.ts";
import { type Chan, chan, go, type RecvChan } from "../index.ts";
import { pass, settle, useFakeTimers } from "../test/fake-timers.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { buffer, conflate, debounce, map, sample, throttle } from "./index.ts";

expectNoLeaks();
useFakeTimers();

const ctx = background();

/** What comes out of a channel, as it comes; `end` or the error's message last. */
function collect<T>(output: RecvChan<T>): (T | string)[] {
  const got: (T | string)[] = [];
  go(async () => {
    try {
      for await (const value of output) got.push(value);
      got.push("end");
    } catch (error) {
      got.push((error as Error).message);
    }
  });
  return got;
}

/** Sends values that are taken at once. */
async function give<T>(input: Chan<T>, ...values: T[]): Promise<void> {
  for (const value of values) {
    await input.send(value);
    await settle();
  }
}

describe("conflate", () => {
  it("keeps the latest value for a reader that is slow, and never holds back its source", async () => {
    const input = chan<number>();
    const output = conflate(ctx, input);
    await give(input, 1, 2, 3);
    expect(await output.recv()).toBe(3);
    await give(input, 4);
    expect(await output.recv()).toBe(4);
    input.close();
    expect(await output.recvOk()).toEqual([undefined, false]);
  });

  it("joins what waits with what comes, if told how", async () => {
    const input = chan<number>();
    const output = conflate(ctx, input, (sum, n) => sum + n);
    await give(input, 1, 2, 3);
    expect(await output.recv()).toBe(6);
    await give(input, 10, 20);
    input.close();
    expect(await output.recv()).toBe(30);
    expect(await output.recvOk()).toEqual([undefined, false]);
  });
});

describe("buffer", () => {
  it.each([
    ["dropOldest", [3, 4, 5], [1, 2]],
    ["dropNewest", [1, 2, 3], [4, 5]],
  ] as const)("%s: never holds back its source, and tells what it drops", async (full, kept, dropped) => {
    const input = chan<number>();
    const lost: number[] = [];
    const output = buffer(ctx, input, 3, { full, onDrop: (n) => void lost.push(n) });
    await give(input, 1, 2, 3, 4, 5);
    input.close();
    const got: number[] = [];
    for await (const n of output) got.push(n);
    expect({ got, lost }).toEqual({ got: kept, lost: dropped });
  });

  it("keeps the newest also if nobody asks what is dropped", async () => {
    const input = chan<number>();
    const output = buffer(ctx, input, 3, { full: "dropOldest" });
    await give(input, 1, 2, 3, 4, 5);
    input.close();
    const got: number[] = [];
    for await (const n of output) got.push(n);
    expect(got).toEqual([3, 4, 5]);
  });

  it("cannot drop values without room for one", () => {
    expect(() => buffer(ctx, chan<number>(), 0, { full: "dropOldest" })).toThrow(
      "buffer: n must be at least 1 to drop values, got 0",
    );
  });
});

describe("throttle", () => {
  it("passes the first value at once, and then the latest one each time the pause is over", async () => {
    const input = chan<number>();
    const got = collect(throttle(ctx, input, 100));
    await give(input, 1, 2, 3);
    expect(got).toEqual([1]);
    await pass(99);
    expect(got).toEqual([1]);
    await pass(1);
    expect(got).toEqual([1, 3]);
    await pass(200);
    await give(input, 4);
    expect(got).toEqual([1, 3, 4]);
    await give(input, 5);
    input.close();
    await settle();
    expect(got).toEqual([1, 3, 4, 5, "end"]);
  });
});

describe("debounce", () => {
  it("passes the last value of each burst once it has been quiet", async () => {
    const input = chan<number>();
    const got = collect(debounce(ctx, input, 100));
    await give(input, 1);
    await pass(99);
    await give(input, 2);
    await pass(99);
    expect(got).toEqual([]);
    await pass(1);
    expect(got).toEqual([2]);
    await give(input, 3);
    input.close();
    await settle();
    expect(got).toEqual([2, 3, "end"]);
  });
});

describe("sample", () => {
  it("passes the latest value at each tick, if there is a new one", async () => {
    const input = chan<number>();
    const got = collect(sample(ctx, input, 100));
    await give(input, 1, 2);
    await pass(100);
    expect(got).toEqual([2]);
    await pass(100);
    expect(got).toEqual([2]);
    await give(input, 3);
    await pass(100);
    expect(got).toEqual([2, 3]);
    input.close();
    await settle();
    expect(got).toEqual([2, 3, "end"]);
  });
});

describe("a time that is over", () => {
  it("comes before a value that is there as well, so that a busy input does not delay it", async () => {
    const input = chan<number>(2);
    const output = sample(ctx, input, 100);
    await give(input, 1);
    await pass(100);
    // The stage waits for its reader now, while the next tick and the next value come.
    await pass(100);
    input.trySend(2);
    expect(await output.recv()).toBe(1);
    await settle();
    expect(output.tryRecv()).toEqual({ ready: false });
    await pass(100);
    expect(output.tryRecv()).toMatchObject({ value: 2 });
    input.close();
    await settle();
  });
});

describe.each([
  ["conflate", (input: RecvChan<number>) => conflate(ctx, input)],
  ["throttle", (input: RecvChan<number>) => throttle(ctx, input, 100)],
  ["debounce", (input: RecvChan<number>) => debounce(ctx, input, 100)],
  ["sample", (input: RecvChan<number>) => sample(ctx, input, 100)],
] as const)("%s", (_, operator) => {
  it("sends what it holds before the error of its input", async () => {
    const input = chan<number>();
    const failing = map(ctx, input, (n) => {
      if (n < 0) throw new Error("below 0");
      return n;
    });
    const got = collect(operator(failing));
    await give(input, 1, 2);
    await give(input, -1);
    await pass(1000);
    expect(got.slice(-2)).toEqual([2, "below 0"]);
  });

  it("ends with the stage before it when that is cancelled, and leaves nothing running", async () => {
    const [child, cancel] = withCancel(ctx);
    const input = chan<number>();
    const got = collect(operator(buffer(child, input, 1)));
    await give(input, 1);
    cancel();
    await pass(1000);
    expect(got).toEqual([1, "end"]);
  });
});

it.each([
  ["throttle", () => throttle(ctx, chan<number>(), 0)],
  ["debounce", () => debounce(ctx, chan<number>(), -1)],
  ["sample", () => sample(ctx, chan<number>(), Number.NaN)],
] as const)("%s refuses a time that is not above 0", (name, make) => {
  expect(make).toThrow(`${name}: ms must be above 0, got`);
});
