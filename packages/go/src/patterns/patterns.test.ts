// What each operator does that the others do not; operators.test.ts has what holds of all. Long, as
// there are two dozen of them.
import { describe, expect, it, vi } from "vitest";
import { chan, gosched, numGoroutine, recv, select, timeout, type RecvChan } from "../index.ts";
import { background, withCancel } from "../context.ts";
import { settle, sleep } from "../time.ts";
import { goroutineProfile } from "../pprof.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import {
  batch,
  bridge,
  buffer,
  every,
  fanOut,
  filter,
  flatMap,
  forEach,
  generate,
  heartbeat,
  map,
  merge,
  or,
  orDone,
  ordered,
  rateLimit,
  reduce,
  replicate,
  stage,
  take,
  tee,
  toReadableStream,
  unbatch,
  workerPool,
} from "./index.ts";

expectNoLeaks();

const ctx = background();

async function all<T>(input: RecvChan<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const v of input) got.push(v);
  return got;
}

function* count(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
}

describe("a worker that is deaf to cancellation", () => {
  const deaf = (grace?: number): [answers: RecvChan<number>, answer: () => void, cancel: () => void] => {
    const [ctx, cancel] = withCancel(background());
    let answer = (): void => undefined;
    const fn = (n: number): Promise<number> =>
      n === 1 ? Promise.resolve(n) : new Promise((resolve) => (answer = () => resolve(n)));
    return [map(ctx, generate(ctx, [1, 2]), fn, { workers: 2, grace }), () => answer(), cancel];
  };

  it("holds its reader no longer than the grace, who leaves or whose context ends, and is named in dumps", async () => {
    const warnings: Error[] = [];
    const listener = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", listener);
    for (const leaves of [true, false]) {
      const [answers, answer, cancel] = deaf(1);
      const got: number[] = [];
      for await (const n of answers) {
        got.push(n);
        if (leaves) break;
        cancel();
      }
      expect(got).toEqual([1]);
      expect(goroutineProfile({ debug: 2 })).toMatch(/\[IO wait, abandoned\]:\nmap\(\.\.\.\)\n/);
      answer();
      cancel();
      await gosched();
    }
    process.off("warning", listener);
    expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual(
      Array(2).fill(
        "AbandonedGoroutine: map: 1 of its workers did not end within 1 ms after the stage was to stop, and its reader goes on " +
          "without them. Hand the context of the worker to what it calls, or wait longer: { grace: ms }",
      ),
    );
    expect((warnings[0] as { detail?: string }).detail).toMatch(
      /^goroutine \d+ \[IO wait, abandoned\]:\nmap\(\.\.\.\)\n/,
    );
  });

  it.each([
    [undefined, 999, 1000],
    [Number.POSITIVE_INFINITY, 1_000_000_000, undefined],
  ])("with a grace of %s holds its reader for %s ms, and no longer than %s", async (grace, holds, ends) => {
    vi.useFakeTimers();
    const silence = (): void => undefined;
    process.on("warning", silence);
    try {
      const [answers, answer, cancel] = deaf(grace);
      let left = false;
      const loop = (async () => {
        for await (const _ of answers) break;
        left = true;
      })();
      await settle();
      vi.advanceTimersByTime(holds);
      await settle();
      expect(left).toBe(false);
      if (ends === undefined) answer();
      else vi.advanceTimersByTime(ends - holds);
      await loop;
      answer();
      cancel();
      await settle();
    } finally {
      process.off("warning", silence);
      vi.useRealTimers();
    }
  });

  it("that cleans its source up is waited for, however short the grace is", async () => {
    const cleaned: number[] = [];
    const source = (async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        await new Promise((resolve) => setTimeout(resolve, 30));
        cleaned.push(1);
      }
    })();
    for await (const _ of stage<number>(ctx, [], (s) => s.emitAll(source), { grace: 1 })) break;
    expect(cleaned).toEqual([1]);
  });

  it("has its grace once more after the last cleanup", async () => {
    vi.useFakeTimers();
    const silence = (): void => undefined;
    process.on("warning", silence);
    try {
      let [clean, answer] = [silence, silence];
      const source = (async function* () {
        try {
          yield 1;
          yield 2;
        } finally {
          await new Promise<void>((resolve) => (clean = resolve));
        }
      })();
      let workers = 0;
      const values = stage<number>(
        ctx,
        [],
        (s) => (++workers === 1 ? s.emitAll(source) : new Promise((resolve) => (answer = resolve))),
        { grace: 100, workers: 2 },
      );
      let left = false;
      const loop = (async () => {
        for await (const _ of values) break;
        left = true;
      })();
      await settle();
      vi.advanceTimersByTime(100);
      await settle();
      clean();
      await settle();
      vi.advanceTimersByTime(99);
      await settle();
      expect(left).toBe(false);
      vi.advanceTimersByTime(1);
      await loop;
      answer();
      await settle();
    } finally {
      process.off("warning", silence);
      vi.useRealTimers();
    }
  });

  it("needs a grace that is a number", () => {
    expect(() => map(background(), chan<number>(), (n) => n, { grace: Number.NaN })).toThrow(
      "map: grace must be a number of milliseconds, 0 or above, got NaN",
    );
  });
});

describe("a stage", () => {
  it("ends when its input ends", async () => {
    expect(await all(map(ctx, generate(ctx, [1, 2, 3]), (v) => v * 2))).toEqual([2, 4, 6]);
    expect(numGoroutine()).toBe(1);
  });

  it("gives its error to the consumer and ends all stages before it", async () => {
    let left = false;
    function* source(): Generator<number> {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        left = true;
      }
    }
    const failing = map(ctx, generate(ctx, source()), (v) => {
      if (v === 3) throw new Error("three");
      return v;
    });
    const got: number[] = [];
    await expect(
      (async () => {
        for await (const v of map(ctx, failing, (v) => v)) got.push(v);
      })(),
    ).rejects.toThrow("three");
    expect(got).toEqual([0, 1, 2]);
    expect(left).toBe(true);
    expect(numGoroutine()).toBe(1);
  });

  it("ends with all stages before it when the consumer breaks out", async () => {
    for await (const v of batch(
      ctx,
      map(ctx, generate(ctx, count(1e9)), (v) => v, { workers: 4 }),
      2,
    )) {
      expect(v.length).toBe(2);
      break;
    }
    expect(numGoroutine()).toBe(1);
  });

  it("keeps working for the readers that are left", async () => {
    const source = generate(ctx, [1, 2, 3, 4]);
    const a = source[Symbol.asyncIterator]();
    const b = source[Symbol.asyncIterator]();
    expect((await a.next()).value).toBe(1);
    await a.return?.();
    expect((await b.next()).value).toBe(2);
    await b.return?.();
    expect(numGoroutine()).toBe(1);
  });

  it("ends quietly when its context is cancelled", async () => {
    const [c, cancel] = withCancel(ctx);
    const out = map(c, generate(c, count(1e9)), (v) => v);
    const got: number[] = [];
    for await (const v of out) {
      got.push(v);
      if (v === 5) cancel();
    }
    expect(got).toEqual([0, 1, 2, 3, 4, 5]);
    expect(numGoroutine()).toBe(1);
  });

  it("has ended only when all stages before it have, however long they take", async () => {
    const [c, cancel] = withCancel(ctx);
    let ended = false;
    const slow = map(c, generate(c, count(1e9)), async (v) => {
      if (v < 5) return v;
      cancel();
      await sleep(5);
      ended = true;
      return v;
    });
    for await (const _ of orDone(c, buffer(c, slow, 1)));
    expect([ended, numGoroutine()]).toEqual([true, 1]);
  });

  it("ends on cancellation while it waits for an input that never comes", async () => {
    const [c, cancel] = withCancel(ctx);
    const out = merge(c, chan<number>(), chan<number>());
    await gosched();
    cancel();
    expect(await all(out)).toEqual([]);
  });

  it("says what is wrong with an input", () => {
    const inputs = [undefined, [1, 2], "text", null, {}] as unknown as RecvChan<number>[];
    const got = ["Undefined", "Array", "String", "Null", "Object"];
    for (const [i, input] of inputs.entries()) {
      const message = `map: expected a channel of this copy of the library as input, got ${got[i]}: generate(ctx, iterable) makes one`;
      expect(() => map(ctx, input, (v) => v)).toThrow(new TypeError(message));
      expect(() => merge(ctx, chan<number>(), input)).toThrow(/^merge: expected a channel/);
      expect(() => toReadableStream(input)).toThrow(/^toReadableStream: expected a channel/);
    }
  });

  it("says what is wrong with a number of workers", () => {
    expect(() => map(ctx, chan<number>(), (v) => v, { workers: 0 })).toThrow("map: workers must be at least 1, got 0");
  });
});

describe("map", () => {
  it("runs as many at once as it has workers", async () => {
    let running = 0;
    let most = 0;
    const together = chan<never>();
    const out = map(
      ctx,
      generate(ctx, count(20)),
      async (v) => {
        most = Math.max(most, ++running);
        if (most === 4 && !together.tryRecv().ready) together.close();
        await together.recv();
        running--;
        return v;
      },
      { workers: 4 },
    );
    expect((await all(out)).sort((a, b) => a - b)).toEqual([...count(20)]);
    expect(most).toBe(4);
  });
});

describe("map and ordered.map", () => {
  const both = { map, "ordered.map": ordered.map };
  for (const [name, op] of Object.entries(both)) {
    it(`${name} is ahead of its reader by two values a worker, and goes on when half of them are taken`, async () => {
      let begun = 0;
      const [c, cancel] = withCancel(ctx);
      const out = op(c, generate(c, count(1e9)), (v) => (begun++, v), { workers: 3 });
      const settled = async (): Promise<number> => {
        for (let i = 0; i < 5; i++) await gosched();
        return begun;
      };
      expect([await settled(), out.len, out.cap]).toEqual([6, 0, 0]);
      for (let i = 0; i < 2; i++) await out.recv();
      expect(await settled()).toBe(6);
      await out.recv();
      expect(await settled()).toBe(9);
      cancel();
      // What waits when the context is cancelled is dropped.
      expect(await all(out)).toEqual([]);
    });

    it(`${name} still belongs to its context while results wait at its end`, async () => {
      const [c, cancel] = withCancel(ctx);
      const got: number[] = [];
      for await (const v of op(c, generate(c, count(4)), (v) => v, { workers: 4 })) {
        got.push(v);
        for (let i = 0; i < 5; i++) await gosched();
        if (got.length === 2) cancel();
      }
      expect(got).toEqual([0, 1]);
    });

    it(`${name} gives the results from before an error first`, async () => {
      const out = op(ctx, generate(ctx, count(9)), (v) => (v === 4 ? Promise.reject(new Error("four")) : v), {
        workers: 4,
      });
      for (let i = 0; i < 5; i++) await gosched();
      const got: number[] = [];
      await expect(
        (async () => {
          for await (const v of out) got.push(v);
        })(),
      ).rejects.toThrow("four");
      expect(got.slice(0, 4)).toEqual([0, 1, 2, 3]);
    });
  }

  it("lets the event loop have its turns, with nothing but microtasks to wait for", async () => {
    let over = false;
    setTimeout(() => (over = true), 1);
    function* untilOver(): Generator<number> {
      while (!over) yield 1;
    }
    await forEach(ctx, generate(ctx, untilOver()), () => undefined);
    over = false;
    setTimeout(() => (over = true), 1);
    for await (const _ of map(ctx, generate(ctx, untilOver()), (v) => v, { workers: 2 }));
    expect(over).toBe(true);
  });
});

describe("ordered", () => {
  it("J11 keeps the order of the input and works at the same time", async () => {
    let running = 0;
    const together = chan<never>();
    const out = ordered.map(
      ctx,
      generate(ctx, count(40)),
      async (v) => {
        if (++running === 8) together.close();
        await together.recv();
        await sleep((v * 7) % 5);
        return v;
      },
      { workers: 8 },
    );
    expect(await all(out)).toEqual([...count(40)]);
  });

  it("J11 filters and flattens in order", async () => {
    const even = ordered.filter(ctx, generate(ctx, count(10)), (v) => v % 2 === 0, { workers: 3 });
    expect(await all(ordered.flatMap(ctx, even, (v) => [v, v], { workers: 3 }))).toEqual([
      0, 0, 2, 2, 4, 4, 6, 6, 8, 8,
    ]);
  });

  it("gives an error to the consumer", async () => {
    const out = ordered.map(ctx, generate(ctx, count(100)), (v) => (v === 9 ? Promise.reject(new Error("nine")) : v), {
      workers: 3,
    });
    await expect(all(out)).rejects.toThrow("nine");
  });

  for (const workers of [1, 2, 3, 8]) {
    it(`J14 gives an error behind the values before it, however early it comes: ${workers} workers`, async () => {
      const failing = (n: number): Generator<number> =>
        (function* () {
          yield* count(n);
          throw new Error(`at ${n}`);
        })();
      for (let n = 0; n < 6; n++) {
        const work = async (v: number): Promise<number> => {
          for (let k = 10 - v; k > 0; k--) await gosched(); // the first ones take longest
          if (v === n || v === n + 1) throw new Error(`at ${v}`);
          return v;
        };
        const fromFn = ordered.map(ctx, generate(ctx, count(10)), work, { workers });
        const fromInput = ordered.map(ctx, generate(ctx, failing(n)), work, { workers });
        for (const out of [fromFn, fromInput]) {
          const got: number[] = [];
          await expect(
            (async () => {
              for await (const v of out) got.push(v);
            })(),
          ).rejects.toThrow(`at ${n}`);
          expect(got).toEqual([...count(n)]);
        }
        expect(numGoroutine()).toBe(1);
      }
    });
  }
});

describe("filter, flatMap, workerPool", () => {
  it("keep, flatten and share", async () => {
    expect(await all(filter(ctx, generate(ctx, count(6)), (v) => v % 2 === 1))).toEqual([1, 3, 5]);
    expect(await all(flatMap(ctx, generate(ctx, ["ab", "c"]), (v) => v))).toEqual(["a", "b", "c"]);
    const squares = workerPool(ctx, generate(ctx, count(5)), (v) => v * v, { workers: 3 });
    expect((await all(squares)).sort((a, b) => a - b)).toEqual([0, 1, 4, 9, 16]);
  });
});

describe("forEach", () => {
  it("resolves when all is done, rejects with the first error or with the context's", async () => {
    const seen: number[] = [];
    await forEach(ctx, generate(ctx, count(5)), (v) => seen.push(v), { workers: 2 });
    expect(seen.length).toBe(5);
    await expect(forEach(ctx, generate(ctx, count(5)), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    const [c, cancel] = withCancel(ctx);
    const never = forEach(c, chan<number>(), () => undefined);
    cancel();
    await expect(never).rejects.toThrow("context canceled");
  });
});

describe("batch", () => {
  it("J12 groups by size and sends what is left", async () => {
    expect(await all(batch(ctx, generate(ctx, count(7)), 3))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(await all(batch(ctx, generate(ctx, count(6)), 3))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(await all(batch(ctx, generate(ctx, []), 3))).toEqual([]);
  });

  it("J12 sends a group that is not full when its time is up", async () => {
    const input = chan<number>();
    const out = batch(ctx, input, 100, 5);
    await input.send(1);
    await input.send(2);
    expect(await out.recv()).toEqual([1, 2]);
    input.close();
    expect(await out.recvOk()).toEqual([undefined, false]);
  });

  it("J12 sends what is left before an error", async () => {
    const input = map(ctx, generate(ctx, count(5)), (v) => (v === 4 ? Promise.reject(new Error("four")) : v));
    const out = batch(ctx, input, 3);
    expect(await out.recv()).toEqual([0, 1, 2]);
    expect(await out.recv()).toEqual([3]);
    await expect(out.recv()).rejects.toThrow("four");
  });

  it("says what is wrong with a size", () => {
    expect(() => batch(ctx, chan<number>(), 0)).toThrow("batch: size must be at least 1, got 0");
  });
});

describe("merge", () => {
  it("gives the values of all inputs", async () => {
    const out = merge(ctx, generate(ctx, [1, 2]), generate(ctx, [3]), generate(ctx, [4, 5]));
    expect((await all(out)).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    expect(await all(merge(ctx))).toEqual([]);
  });
});

describe("reduce", () => {
  it("J15 gives the result over all values, or the first error", async () => {
    expect(await reduce(ctx, generate(ctx, count(5)), (sum, v) => sum + v, 100)).toBe(110);
    await expect(reduce(ctx, generate(ctx, count(5)), () => Promise.reject(new Error("no")), 0)).rejects.toThrow("no");
    const [c, cancel] = withCancel(ctx);
    cancel();
    await expect(reduce(c, generate(c, count(5)), (sum, v) => sum + v, 0)).rejects.toThrow("context canceled");
  });
});

describe("take", () => {
  it("J25 gives the first n and stops the stages before", async () => {
    expect(await all(take(ctx, generate(ctx, count(1e9)), 3))).toEqual([0, 1, 2]);
    expect(numGoroutine()).toBe(1);
    expect(await all(take(ctx, generate(ctx, [1]), 3))).toEqual([1]);
    expect(await all(take(ctx, generate(ctx, [1]), 0))).toEqual([]);
    expect(await all(take(ctx, generate(ctx, [1, 2]), Infinity))).toEqual([1, 2]);
  });

  it("says what is wrong with a number", () => {
    for (const n of [-1, Number.NaN, 1.5, -Infinity]) {
      expect(() => take(ctx, chan<number>(), n)).toThrow(
        new RangeError(`take: n must be a whole number from 0 on, got ${n}`),
      );
    }
  });
});

describe("unbatch", () => {
  it("J12 reverses batch", async () => {
    expect(await all(unbatch(ctx, batch(ctx, generate(ctx, count(7)), 3)))).toEqual([...count(7)]);
  });
});

describe("buffer", () => {
  it("J30 lets the stage before run ahead", async () => {
    let made = 0;
    const source = map(ctx, generate(ctx, count(10)), (v) => {
      made++;
      return v;
    });
    const out = buffer(ctx, source, 4);
    for (let i = 0; i < 5; i++) await gosched();
    expect([made >= 4, made < 10, out.len]).toEqual([true, true, 4]);
    expect(await all(out)).toEqual([...count(10)]);
  });
});

describe("fanOut and merge", () => {
  it("J26 share the values and bring them together again", async () => {
    const outs = fanOut(ctx, generate(ctx, count(50)), 3);
    expect(outs.length).toBe(3);
    const got = await all(merge(ctx, ...outs.map((out) => map(ctx, out, (v) => v))));
    expect(got.sort((a, b) => a - b)).toEqual([...count(50)]);
    expect(numGoroutine()).toBe(1);
  });

  it("lose no value if one output is left, and end with the last one", async () => {
    const source = count(1e9);
    const outs = fanOut(ctx, generate(ctx, source), 3);
    const got: number[] = [];
    const read = async (out: RecvChan<number>, most: number): Promise<void> => {
      for await (const v of out) {
        got.push(v);
        await gosched();
        if (--most === 0) break;
      }
    };
    await Promise.all([read(outs[0]!, 1), read(outs[1]!, 10), read(outs[2]!, 20)]);
    expect(got.sort((a, b) => a - b)).toEqual([...count(31)]);
    expect(source.next().done).toBe(true);
  });

  it("give the error of the input to every output", async () => {
    const failing = map(ctx, generate(ctx, count(1)), () => Promise.reject(new Error("torn")));
    const ends = await Promise.allSettled(fanOut(ctx, failing, 2).map(all));
    expect(ends.map((end) => end.status === "rejected" && end.reason.message)).toEqual(["torn", "torn"]);
  });
});

describe("tee", () => {
  it("J28 gives every value to both", async () => {
    const [a, b] = tee(ctx, generate(ctx, count(20)));
    expect(await Promise.all([all(a), all(b)])).toEqual([[...count(20)], [...count(20)]]);
  });

  it("goes on for one reader when the other leaves, and ends when both have left", async () => {
    const [a, b] = tee(ctx, generate(ctx, count(1e9)));
    const leave = async (out: RecvChan<number>, after: number): Promise<void> => {
      for await (const v of out) if (v === after) break;
    };
    await Promise.all([leave(a, 3), leave(b, 30)]);
    expect(numGoroutine()).toBe(1);
  });

  it("goes on for one reader when the other, which only receives, leaves by a context", async () => {
    const [a, b] = tee(ctx, generate(ctx, count(20)));
    const [c, cancel] = withCancel(ctx);
    const some = orDone(c, a);
    const rest = all(b);
    expect(await some.recv()).toBe(0);
    cancel();
    expect(await rest).toEqual([...count(20)]);
  });

  it("gives an error to both", async () => {
    const [a, b] = tee(
      ctx,
      map(ctx, generate(ctx, [1]), () => Promise.reject(new Error("no"))),
    );
    const results = await Promise.allSettled([all(a), all(b)]);
    expect(results.map((r) => r.status)).toEqual(["rejected", "rejected"]);
  });
});

describe("bridge", () => {
  it("J29 flattens a channel of channels in order", async () => {
    const chans = generate(
      ctx,
      [0, 3, 6].map((from) => generate(ctx, [from, from + 1, from + 2])),
    );
    expect(await all(bridge(ctx, chans))).toEqual([...count(9)]);
  });

  it("ends the channel it is in the midst of when the consumer leaves", async () => {
    for await (const v of bridge(ctx, generate(ctx, [generate(ctx, count(1e9))]))) if (v === 3) break;
    expect(numGoroutine()).toBe(1);
  });
});

describe("or, orDone", () => {
  it("J23 is closed when any of the channels is", async () => {
    const a = chan<number>();
    const b = chan<number>();
    const done = or(ctx, a, b);
    expect((await select({ done: recv(done), slow: timeout(2) })).case).toBe("slow");
    b.close();
    expect(await done.recvOk()).toEqual([undefined, false]);
  });

  it("J27 ends a range over a channel that is never closed", async () => {
    const [c, cancel] = withCancel(ctx);
    const never = chan<number>(1);
    await never.send(1);
    const got: number[] = [];
    for await (const v of orDone(c, never)) {
      got.push(v);
      cancel();
    }
    expect(got).toEqual([1]);
  });
});

describe("heartbeat", () => {
  it("J31 beats until its context is done, and keeps one beat at most", async () => {
    const [c, cancel] = withCancel(ctx);
    const beats = heartbeat(c, 1);
    expect((await beats.recv()) instanceof Date).toBe(true);
    await sleep(10);
    expect(beats.len).toBe(1);
    await beats.recv();
    await beats.recv();
    cancel();
    while ((await beats.recvOk())[1]);
  });
});

describe("rateLimit", () => {
  it("J33 keeps to all of the limits", async () => {
    const began = performance.now();
    const out = rateLimit(ctx, generate(ctx, count(8)), every(1, 8), every(5, 4));
    expect(await all(out)).toEqual([...count(8)]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(4 * 5);
  });

  it("J33 lets a burst pass at once, and says what is wrong with a limit", () => {
    const limit = every(1000, 3);
    expect([limit.reserve(), limit.reserve(), limit.reserve()]).toEqual([0, 0, 0]);
    expect(limit.reserve()).toBeGreaterThan(900);
    expect(() => every(-1)).toThrow("every: ms must be at least 0, got -1");
    expect(() => every(1, 0)).toThrow("every: burst must be at least 1, got 0");
  });
});

describe("replicate", () => {
  it("J32 gives the first answer and cancels the others", async () => {
    const cancelled: number[] = [];
    const answer = await replicate(ctx, 3, async (c, i) => {
      if (i === 1) return "one";
      await sleep(60_000, c).catch(() => cancelled.push(i));
      return "late";
    });
    expect(answer).toBe("one");
    await gosched();
    expect(cancelled).toEqual([0, 2]);
  });

  it("rejects when all fail or the context is done", async () => {
    await expect(replicate(ctx, 2, (_, i) => Promise.reject(new Error(`no ${i}`)))).rejects.toMatchObject({
      message: "replicate: all 2 failed",
      errors: [{ message: "no 0" }, { message: "no 1" }],
    });
    const [c, cancel] = withCancel(ctx);
    const waiting = replicate(c, 2, (c) => sleep(60_000, c));
    cancel();
    await expect(waiting).rejects.toThrow("context canceled");
  });
});
