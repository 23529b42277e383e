import { describe, expect, it } from "vitest";
import { background, Canceled, type Context, withCancel } from "../context.ts";
import { Group } from "../errgroup.ts";
import { chan, go, goexit, gosched } from "../index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { forEach, generate, ordered, Pool } from "./index.ts";

expectNoLeaks();

const ctx = background();
const fail = (text: string) => (): never => {
  throw new Error(text);
};

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await gosched();
}

describe("Pool", () => {
  it("J7 gives the results in the order of the go calls, however they end", async () => {
    const pool = new Pool<number>(ctx);
    const gates = [chan<never>(), chan<never>(), chan<never>()];
    for (const [i, gate] of gates.entries()) {
      await pool.go(async () => {
        await gate.recv();
        return i;
      });
    }
    for (const gate of gates.toReversed()) {
      gate.close();
      await settle();
    }
    expect(await pool.wait()).toEqual([0, 1, 2]);
  });

  it("J3 runs as many functions at the same time as it has workers; go waits for a place", async () => {
    const pool = new Pool<void>(ctx, { workers: 2 });
    const gate = chan<never>();
    let running = 0;
    let started = 0;
    go(async () => {
      for (let i = 0; i < 5; i++) {
        await pool.go(async () => {
          running++;
          await gate.recv();
          running--;
        });
        started++;
      }
    });
    await settle();
    expect([running, started]).toEqual([2, 2]);
    gate.close();
    await settle();
    await pool.wait();
    expect([running, started]).toEqual([0, 5]);
  });

  it("J3 refuses fewer than one worker, and what is no whole number", () => {
    for (const workers of [0, -1, 1.5, NaN]) {
      expect(() => new Pool(ctx, { workers })).toThrow(
        new RangeError(`Pool: workers must be a whole number from 1 on, got ${workers}`),
      );
    }
  });

  it("J4 can be used again after wait, and a function that fails gives its place to the next", async () => {
    const pool = new Pool<string>(ctx, { workers: 1 });
    await pool.go(fail("a"));
    await pool.go(() => "b");
    await expect(pool.wait()).rejects.toThrow("Pool: 1 of 2 failed");
    await pool.go(() => "c");
    expect([await pool.wait(), await pool.wait()]).toEqual([["c"], []]);
  });

  it("J5 rejects with all errors, in the order of the go calls", async () => {
    const pool = new Pool<void>(ctx);
    await pool.go(async () => {
      await settle();
      fail("first")();
    });
    await pool.go(() => undefined);
    await pool.go(fail("last"));
    const error = await pool.wait().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).message).toBe("Pool: 2 of 3 failed");
    expect((error as AggregateError).errors).toEqual([new Error("first"), new Error("last")]);
  });

  it("J7 settled gives results and errors side by side", async () => {
    const pool = new Pool<number>(ctx);
    await pool.go(() => 1);
    await pool.go(fail("two"));
    await pool.go(() => 3);
    expect(await pool.settled()).toEqual([
      { status: "fulfilled", value: 1 },
      { status: "rejected", reason: new Error("two") },
      { status: "fulfilled", value: 3 },
    ]);
  });

  it("J6 cancels the context of the others at the first error if that was asked for, and always after wait", async () => {
    for (const cancelOnError of [true, false]) {
      const pool = new Pool<void>(ctx, { cancelOnError });
      let seen: Context | undefined;
      await pool.go((c) => void (seen = c));
      await pool.go(fail("no"));
      await settle();
      expect(seen?.err()).toBe(cancelOnError ? Canceled : undefined);
      await pool.settled();
      expect(seen?.err()).toBe(Canceled);
    }
  });

  it("J6 hands the context that it was given down", async () => {
    const [parent, cancel] = withCancel(ctx);
    const pool = new Pool<Error | undefined>(parent);
    await pool.go(async (c) => {
      await c.done()?.recv();
      return c.err();
    });
    cancel();
    expect(await pool.wait()).toEqual([Canceled]);
  });

  it("J4 a function that calls Goexit has no result, and says so", async () => {
    const pool = new Pool<void>(ctx, { workers: 1 });
    await pool.go(() => goexit());
    await pool.go(() => undefined);
    const [first, second] = await pool.settled();
    expect(first).toEqual({ status: "rejected", reason: new Error("Pool: a function called Goexit") });
    expect(second?.status).toBe("fulfilled");
  });
});

describe("what else conc has", () => {
  it("J8 functions run side by side, and what is done with their results keeps the order", async () => {
    const tasks = chan<() => Promise<string>>();
    const gates = new Map(["a", "b", "c"].map((name) => [name, chan<never>()]));
    const finished: string[] = [];
    go(async () => {
      for (const [name, gate] of gates) {
        await tasks.send(async () => {
          await gate.recv();
          finished.push(name);
          return name;
        });
      }
      tasks.close();
    });
    const seen: string[] = [];
    go(async () => {
      for (const name of ["c", "b", "a"]) {
        await settle();
        gates.get(name)?.close();
      }
    });
    for await (const name of ordered.map(ctx, tasks, (task) => task(), { workers: 3 })) seen.push(name);
    expect([finished, seen]).toEqual([
      ["c", "b", "a"],
      ["a", "b", "c"],
    ]);
  });

  it("J8 a function that fails ends the stream with its error, after the results before it", async () => {
    const tasks = generate<() => string>(ctx, [() => "a", fail("b"), () => "c"]);
    const seen: string[] = [];
    const stream = ordered.map(ctx, tasks, (task) => task(), { workers: 2 });
    const failure = await (async () => {
      for await (const name of stream) seen.push(name);
      return undefined;
    })().catch((error: Error) => error.message);
    expect([seen, failure]).toEqual([["a"], "b"]);
  });
});

it("of an errgroup, the first panic of a child comes out of wait itself, with the child's stack, once all have ended", async () => {
  const group = new Group();
  const failing = chan<never>();
  let ended = 0;
  const fails = async (): Promise<never> => {
    await gosched();
    failing.close();
    throw new Error("of the child");
  };
  await group.go(fails);
  await group.go(async () => {
    await failing.recv();
    ended++;
    throw new Error("a later one");
  });
  const error = (await group.wait().catch((error: unknown) => error)) as Error;
  expect([error.message, ended]).toEqual(["of the child", 1]);
  expect(error.stack).toContain("at fails");
});

it("a slice is worked on side by side, in place too, and its results are in its order", async () => {
  const numbers = [1, 2, 3, 4, 5];
  await forEach(ctx, generate(ctx, numbers.keys()), (i) => void (numbers[i] = (numbers[i] as number) * 10), {
    workers: 3,
  });
  expect(numbers).toEqual([10, 20, 30, 40, 50]);
  const halves: number[] = [];
  for await (const half of ordered.map(ctx, generate(ctx, numbers), (n) => n / 2, { workers: 3 })) halves.push(half);
  expect(halves).toEqual([5, 10, 15, 20, 25]);
});
