// What holds of every operator alike: the values are those of plain array code, nothing it started
// outlives it, it holds back its source, and errors reach the consumer.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { background, type Context, withCancel } from "../context.ts";
import { chan, gosched, numGoroutine, recv, select, timeout, type RecvChan } from "../index.ts";
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
  partition,
  rateLimit,
  reduce,
  replicate,
  stage,
  take,
  tee,
  unbatch,
  workerPool,
} from "./index.ts";

expectNoLeaks();

type Numbers = RecvChan<number>;

interface Operator {
  readonly apply: (ctx: Context, input: Numbers, workers: number) => Numbers;
  /** The same for an array. */
  readonly model: (values: number[]) => number[];
  /** Whether the order is the model's with several workers too. */
  readonly inOrder: boolean;
}

const pause = async (v: number): Promise<void> => {
  for (let k = Math.abs(v) % 3; k > 0; k--) await Promise.resolve();
};
const double = async (v: number): Promise<number> => (await pause(v), v * 2);
const isEven = async (v: number): Promise<boolean> => (await pause(v), v % 2 === 0);
const twice = async (v: number): Promise<number[]> => (await pause(v), [v, v]);
const same = (values: number[]): number[] => values;
const doubled = (values: number[]): number[] => values.map((v) => v * 2);
const even = (values: number[]): number[] => values.filter((v) => v % 2 === 0);
const repeated = (values: number[]): number[] => values.flatMap((v) => [v, v]);

/** An operator of one's own. */
const doubling = (ctx: Context, input: Numbers, workers: number): Numbers =>
  stage<number>(
    ctx,
    [input],
    async (s) => {
      for (;;) {
        const [value, ok] = await s.next(input);
        if (!ok) return;
        await s.emit(await double(value));
      }
    },
    { workers },
  );

const operators: Record<string, Operator> = {
  map: { apply: (ctx, c, workers) => map(ctx, c, double, { workers }), model: doubled, inOrder: false },
  filter: { apply: (ctx, c, workers) => filter(ctx, c, isEven, { workers }), model: even, inOrder: false },
  flatMap: { apply: (ctx, c, workers) => flatMap(ctx, c, twice, { workers }), model: repeated, inOrder: false },
  partition: {
    apply: (ctx, c, workers) => partition(ctx, c, (v) => v % 3, double, { workers }),
    model: doubled,
    inOrder: false,
  },
  stage: { apply: doubling, model: doubled, inOrder: false },
  workerPool: { apply: (ctx, c, workers) => workerPool(ctx, c, double, { workers }), model: doubled, inOrder: false },
  "ordered.map": {
    apply: (ctx, c, workers) => ordered.map(ctx, c, double, { workers }),
    model: doubled,
    inOrder: true,
  },
  "ordered.filter": {
    apply: (ctx, c, workers) => ordered.filter(ctx, c, isEven, { workers }),
    model: even,
    inOrder: true,
  },
  "ordered.flatMap": {
    apply: (ctx, c, workers) => ordered.flatMap(ctx, c, twice, { workers }),
    model: repeated,
    inOrder: true,
  },
  take: { apply: (ctx, c) => take(ctx, c, 7), model: (values) => values.slice(0, 7), inOrder: true },
  "batch and unbatch": { apply: (ctx, c) => unbatch(ctx, batch(ctx, c, 3)), model: same, inOrder: true },
  buffer: { apply: (ctx, c, workers) => buffer(ctx, c, workers), model: same, inOrder: true },
  "merge of one": { apply: (ctx, c) => merge(ctx, c), model: same, inOrder: true },
  "fanOut and merge": {
    apply: (ctx, c, workers) => merge(ctx, ...fanOut(ctx, c, workers)),
    model: same,
    inOrder: false,
  },
  "tee and merge": { apply: (ctx, c) => merge(ctx, ...tee(ctx, c)), model: repeated, inOrder: false },
  bridge: { apply: (ctx, c) => bridge(ctx, generate(ctx, [c])), model: same, inOrder: true },
  orDone: { apply: (ctx, c) => orDone(ctx, c), model: same, inOrder: true },
  rateLimit: { apply: (ctx, c) => rateLimit(ctx, c, every(0)), model: same, inOrder: true },
};

const root = background();

async function all(input: Numbers): Promise<number[]> {
  const got: number[] = [];
  for await (const v of input) got.push(v);
  return got;
}

/**
 * 0, 1, 2, … without end, or with an error after `failAt` values; tells how many were asked for and
 * whether it was left.
 */
function source(failAt = Infinity): { values: Iterable<number>; made: () => number; left: () => boolean } {
  let made = 0;
  let left = false;
  function* values(): Generator<number> {
    try {
      while (made < failAt) yield made++;
      throw new Error(`after ${failAt}`);
    } finally {
      left = true;
    }
  }
  return { values: values(), made: () => made, left: () => left };
}

const numeric = (a: number, b: number): number => a - b;

for (const [name, { apply, model, inOrder }] of Object.entries(operators)) {
  describe(name, () => {
    it("J10 J11 J12 J16 J26 gives what plain array code gives", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), async (values, n) => {
          const got = await all(apply(root, generate(root, values), n));
          if (inOrder || (n === 1 && !name.startsWith("tee"))) expect(got).toEqual(model(values));
          else expect(got.sort(numeric)).toEqual(model(values).sort(numeric));
          expect(numGoroutine()).toBe(1);
        }),
        { numRuns: 50 },
      );
    });

    it("leaves nothing running after a break", async () => {
      for (let n = 0; n < 5; n++) {
        const from = source();
        let seen = 0;
        for await (const _ of apply(root, generate(root, from.values), 3)) if (seen++ === n) break;
        expect([numGoroutine(), from.left()]).toEqual([1, true]);
      }
    });

    it("ends quietly and leaves nothing running when its context is cancelled", async () => {
      for (let n = 0; n < 5; n++) {
        const from = source();
        const [ctx, cancel] = withCancel(root);
        let seen = 0;
        for await (const _ of apply(ctx, generate(ctx, from.values), 3)) if (seen++ === n) cancel();
        cancel();
        expect([numGoroutine(), from.left()]).toEqual([1, true]);
      }
      const [ctx, cancel] = withCancel(root);
      const waiting = all(apply(ctx, chan<number>(), 3));
      await gosched();
      cancel();
      expect([await waiting, numGoroutine()]).toEqual([[], 1]);
    });

    it("J14 carries an error to the consumer, behind the values before it, and leaves nothing running", async () => {
      for (const failAt of [0, 1, 5]) {
        const from = source(failAt);
        const got: number[] = [];
        const error = await (async () => {
          for await (const v of apply(root, generate(root, from.values), 1)) got.push(v);
        })().catch((e: Error) => e.message);
        expect([error, numGoroutine()]).toEqual([`after ${failAt}`, 1]);
        const before = model(Array.from({ length: failAt }, (_, i) => i));
        // A stage with several goroutines may be stopped with a value in each other's hands.
        if (inOrder) expect(got).toEqual(before);
        else for (const v of got) expect(before).toContain(v);
      }
    });
  });
}

describe("back-pressure", () => {
  // `take` has had enough after a few.
  const endless = Object.entries(operators).filter(([name]) => name !== "take");

  for (const [name, { apply }] of endless) {
    it(`${name} asks its source for little more than is read`, async () => {
      const from = source();
      const [ctx, cancel] = withCancel(root);
      const out = apply(ctx, generate(ctx, from.values), 2);
      for (let i = 0; i < 5; i++) await gosched();
      expect(from.made()).toBeLessThanOrEqual(10);
      for (let i = 0; i < 20; i++) await out.recv();
      for (let i = 0; i < 5; i++) await gosched();
      // A filter reads two for one.
      expect(from.made()).toBeLessThanOrEqual(2 * 20 + 12);
      cancel();
      await all(out);
    });
  }
});

describe("a pipeline of any operators", () => {
  it("leaves nothing running, however it ends, and gives what array code gives until then", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(operators)), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(100), { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom("to its end", "by a break", "by cancelling", "by an error"),
        fc.nat(20),
        async (names, values, workers, ending, at) => {
          const [ctx, cancel] = withCancel(root);
          let expected = values;
          let out = generate(
            ctx,
            (function* () {
              for (const [i, v] of values.entries()) {
                if (ending === "by an error" && i === at) throw new Error("midway");
                yield v;
              }
            })(),
          );
          for (const name of names) {
            const { apply, model } = operators[name] as Operator;
            out = apply(ctx, out, workers);
            expected = model(expected);
          }
          const got: number[] = [];
          const error = await (async () => {
            for await (const v of out) {
              got.push(v);
              if (got.length <= at) continue;
              if (ending === "by a break") break;
              if (ending === "by cancelling") cancel();
            }
          })().catch((e: Error) => e.message);
          cancel();
          // `take` may have had enough before the error came.
          expect(["midway", undefined]).toContain(error);
          expect(numGoroutine()).toBe(1);
          // The others' results come in any order, and `take` takes any of them.
          if (!names.every((name) => operators[name]?.inOrder)) return;
          expect(got).toEqual(ending === "to its end" ? expected : expected.slice(0, got.length));
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe("forEach and reduce", () => {
  it("J13 J15 end everything before them at the first error and when cancelled", async () => {
    for (const consume of [
      (ctx: Context, c: Numbers, fn: (v: number) => void) => forEach(ctx, c, fn, { workers: 3 }),
      (ctx: Context, c: Numbers, fn: (v: number) => void) => reduce<number, void>(ctx, c, (_, v) => fn(v), undefined),
    ]) {
      const from = source();
      const failing = consume(root, generate(root, from.values), (v) => {
        if (v === 9) throw new Error("nine");
      });
      await expect(failing).rejects.toThrow("nine");
      expect([numGoroutine(), from.left()]).toEqual([1, true]);

      const other = source();
      const [ctx, cancel] = withCancel(root);
      const cancelled = consume(ctx, generate(ctx, other.values), (v) => {
        if (v === 9) cancel();
      });
      await expect(cancelled).rejects.toThrow("context canceled");
      expect([numGoroutine(), other.left()]).toEqual([1, true]);

      const wrong = source(5);
      await expect(consume(root, generate(root, wrong.values), () => undefined)).rejects.toThrow("after 5");
      expect(numGoroutine()).toBe(1);
    }
  });

  it("J15 give what array code gives", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer()), fc.integer({ min: 1, max: 4 }), async (values, workers) => {
        const seen: number[] = [];
        await forEach(root, generate(root, values), (v) => void seen.push(v), { workers });
        expect(seen.sort(numeric)).toEqual([...values].sort(numeric));
        const text = await reduce(root, generate(root, values), async (sum, v) => `${sum},${v}`, "");
        expect(text).toBe(values.reduce((sum, v) => `${sum},${v}`, ""));
      }),
      { numRuns: 50 },
    );
  });
});

describe("generate", () => {
  it("J17 takes arrays, generators, async generators, channels and streams", async () => {
    async function* later(): AsyncGenerator<number> {
      yield 1;
      await gosched();
      yield 2;
    }
    const ch = chan<number>(2);
    for (const v of [1, 2]) ch.trySend(v);
    ch.close();
    for (const from of [[1, 2], new Set([1, 2]), later(), ch, ReadableStream.from([1, 2])]) {
      expect(await all(generate(root, from))).toEqual([1, 2]);
    }
  });
});

describe("generate over an iterable", () => {
  it("makes a value when it is asked for", async () => {
    const from = source();
    const [ctx, cancel] = withCancel(root);
    const out = generate(ctx, from.values);
    await gosched();
    expect(from.made()).toBe(0);
    expect([await out.recv(), from.made()]).toEqual([0, 1]);
    const c = await select({ out: recv(out), slow: timeout(1000) });
    expect(c).toEqual({ case: "out", ok: true, value: 1 });
    expect([out.tryRecv(), out.len, numGoroutine()]).toEqual([{ ready: true, value: 2, ok: true }, 0, 2]);
    cancel();
    expect([await out.recvOk(), from.left()]).toEqual([[undefined, false], true]);
  });

  it("tells the iterator when it is cancelled, also from inside its next, and drops what that gives", async () => {
    const [ctx, cancel] = withCancel(root);
    let left = false;
    function* cancelling(): Generator<number> {
      try {
        yield 0;
        cancel();
        yield 1;
      } finally {
        left = true;
      }
    }
    expect([await all(generate(ctx, cancelling())), left, numGoroutine()]).toEqual([[0], true, 1]);
  });

  it("does not ask at all when the context is done", async () => {
    const from = source();
    const [ctx, cancel] = withCancel(root);
    cancel();
    expect([await all(generate(ctx, from.values)), from.made()]).toEqual([[], 0]);
  });

  it("gives the error of an iterator that throws, and leaves one that gives a thenable", async () => {
    let returned = 0;
    const broken = (next: () => IteratorResult<number>): Iterable<number> => ({
      [Symbol.iterator]: () => ({ next, return: () => ({ done: true, value: ++returned }) }),
    });
    const torn = broken(() => {
      throw new Error("torn");
    });
    await expect(all(generate(root, torn))).rejects.toThrow("torn");
    expect(returned).toBe(0);
    const flattened = broken(() => ({ done: false, value: Promise.resolve(1) as unknown as number }));
    await expect(all(generate(root, flattened))).rejects.toThrow("send of a thenable");
    expect([returned, numGoroutine()]).toEqual([1, 1]);
  });
});

describe("merge, tee, or, batch and replicate", () => {
  it("J16 merge gives the values of all, each input's own in order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(9), { maxLength: 10 }), { maxLength: 4 }), async (inputs) => {
        const marked = inputs.map((values, i) => values.map((v) => i * 10 + v));
        const got = await all(merge(root, ...marked.map((values) => generate(root, values))));
        for (const [i, values] of marked.entries()) {
          expect(got.filter((v) => Math.floor(v / 10) === i)).toEqual(values);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("J28 tee goes no further than one value ahead of the slower reader", async () => {
    const from = source();
    const [ctx, cancel] = withCancel(root);
    const [a, b] = tee(ctx, generate(ctx, from.values));
    await a.recv();
    expect((await select({ a: recv(a), slow: timeout(5) })).case).toBe("slow");
    expect(from.made()).toBeLessThanOrEqual(4);
    expect(await b.recv()).toBe(0);
    cancel();
    await Promise.all([all(a), all(b)]);
  });

  it("J23 or leaves nothing running, whatever closes it", async () => {
    for (const how of ["a close", "a value", "its context"]) {
      const [ctx, cancel] = withCancel(root);
      const a = chan<number>(1);
      const done = or(ctx, a, chan<number>());
      if (how === "a close") a.close();
      else if (how === "a value") a.trySend(1);
      else cancel();
      expect([await done.recvOk(), numGoroutine()]).toEqual([[undefined, false], 1]);
    }
  });

  it("J12 batch by size and by time never sends an empty group, and all values in order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), async (waits, size) => {
        const slow = map(root, generate(root, [...waits.entries()]), async ([i, wait]) => {
          for (let k = 0; k < wait; k++) await gosched();
          return i;
        });
        const groups: number[][] = [];
        for await (const group of batch(root, slow, size, 1)) groups.push(group);
        expect(groups.every((group) => group.length > 0 && group.length <= size)).toBe(true);
        expect(groups.flat()).toEqual(waits.map((_, i) => i));
      }),
      { numRuns: 30 },
    );
  });

  it("J31 heartbeat and a rate limit that waits end at a break and when cancelled", async () => {
    const slow = (ctx: Context): RecvChan<unknown> => rateLimit(ctx, generate(ctx, [1, 2, 3]), every(60_000));
    for (const start of [(ctx: Context): RecvChan<unknown> => heartbeat(ctx, 1), slow]) {
      for await (const _ of start(root)) break;
      expect(numGoroutine()).toBe(1);
      const [ctx, cancel] = withCancel(root);
      for await (const _ of start(ctx)) cancel();
      expect(numGoroutine()).toBe(1);
    }
  });

  it("J32 replicate leaves nothing running once the others have seen that they are cancelled", async () => {
    const answer = await replicate(root, 5, async (ctx, i) => {
      for (let k = 0; k < i; k++) await gosched();
      if (i > 0) await ctx.done()?.recv();
      return i;
    });
    for (let k = 0; k < 6; k++) await gosched();
    expect([answer, numGoroutine()]).toEqual([0, 1]);
  });
});
