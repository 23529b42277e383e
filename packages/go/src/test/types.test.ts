// What the compiler allows and refuses. `npm run types` is what checks it: an error that is
// expected and does not come is an error. Nothing here is about values, but for the last line of
// each test, which keeps the names in use.
import { describe, expect, expectTypeOf, it } from "vitest";
import { background, key, type Context, type Key, type TypedKey, withCancel, withValue } from "../context.ts";
import {
  chan,
  defer,
  go,
  otherwise,
  recoverable,
  recv,
  select,
  send,
  timeout,
  type Chan,
  type RecvChan,
  type SendChan,
} from "../index.ts";
import { Group } from "../errgroup.ts";
import { filter, generate, map, ordered, reduce, tee } from "../patterns/index.ts";
import { Mutex, onceValues, Pool, SyncMap } from "../sync/index.ts";

interface Animal {
  readonly name: string;
}
interface Dog extends Animal {
  readonly breed: string;
}

describe("directions and variance", () => {
  it("A37 a Chan is either direction, and neither is a Chan or the other", () => {
    const ch = chan<Dog>(1);
    const out: SendChan<Dog> = ch;
    const input: RecvChan<Dog> = ch;
    // @ts-expect-error a sender cannot become both
    const a: Chan<Dog> = out;
    // @ts-expect-error nor can a receiver
    const b: Chan<Dog> = input;
    // @ts-expect-error nor one the other
    const c: RecvChan<Dog> = out;
    // @ts-expect-error nor the other the one
    const d: SendChan<Dog> = input;
    // @ts-expect-error a receiver does not send
    expect(input.send).toBeDefined();
    // @ts-expect-error a receiver does not close
    expect(input.close).toBeDefined();
    // @ts-expect-error a sender does not receive
    expect(out.recv).toBeDefined();
    // @ts-expect-error nor range
    expect(out[Symbol.asyncIterator]).toBeDefined();
    expect([a, b, c, d].length).toBe(4);
  });

  it("A37 receivers may be seen as wider, senders as narrower, channels as they are", () => {
    const dogs = chan<Dog>(1);
    const animals = chan<Animal>(1);
    const wider: RecvChan<Animal> = dogs;
    const narrower: SendChan<Dog> = animals;
    // @ts-expect-error an animal need not be a dog
    const wrongInput: RecvChan<Dog> = animals;
    // @ts-expect-error who takes dogs does not take any animal
    const wrongOutput: SendChan<Animal> = dogs;
    // @ts-expect-error who could send any animal into a channel of dogs
    const wrongBoth: Chan<Animal> = dogs;
    expect([wider, narrower, wrongInput, wrongOutput, wrongBoth].length).toBe(5);
  });

  it("A1 elements: what is sent and received has the element's type, and a thenable is none", () => {
    const ch = chan<number>(1);
    expectTypeOf(ch.recv).returns.resolves.toEqualTypeOf<number | undefined>();
    expectTypeOf(ch.recvOk).returns.resolves.toEqualTypeOf<[value: number, ok: true] | [value: undefined, ok: false]>();
    // @ts-expect-error no text into a channel of numbers
    const bad = (): unknown => ch.trySend("x");
    // @ts-expect-error an await would flatten it
    const promises = chan<Promise<number>>();
    // @ts-expect-error also within a union
    const some = chan<number | PromiseLike<number>>(1);
    // @ts-expect-error also what merely has a `then`
    const thenables = chan<{ then: (resolve: (v: number) => void) => void }>();
    const boxed = chan<{ later: Promise<number> }>();
    const functions = chan<() => Promise<number>>(2);
    expect([bad, promises, some, thenables, boxed, functions].length).toBe(6);
  });
});

describe("select", () => {
  it("B24 narrows by the name of the case, and by ok", async () => {
    const jobs = chan<Dog>(1);
    const results = chan<number>(1);
    jobs.trySend({ name: "rex", breed: "mix" });
    const nil: Chan<string> | undefined = undefined;
    const c = await select({
      job: recv(jobs),
      nil: recv<string>(nil),
      out: send(results, 1),
      slow: timeout(1000),
      idle: otherwise,
    });
    expectTypeOf(c.case).toEqualTypeOf<"job" | "nil" | "out" | "slow" | "idle">();
    switch (c.case) {
      case "job":
        expectTypeOf(c.value).toEqualTypeOf<Dog | undefined>();
        if (c.ok) expectTypeOf(c.value).toEqualTypeOf<Dog>();
        else expectTypeOf(c.value).toEqualTypeOf<undefined>();
        break;
      case "nil":
        if (c.ok) expectTypeOf(c.value).toEqualTypeOf<string>();
        break;
      case "out":
      case "slow":
      case "idle":
        // @ts-expect-error only a receive gives a value
        expect(c.value).toBeUndefined();
    }
    // @ts-expect-error there is no such case
    expect(c.case === "other").toBe(false);
  });

  it("B29 narrows by the index of a list that is written out, and gives a number for any other", async () => {
    const a = chan<number>(1);
    const b = chan<string>(1);
    a.trySend(1);
    const c = await select([recv(a), recv(b)]);
    expectTypeOf(c.case).toEqualTypeOf<0 | 1>();
    if (c.case === 0 && c.ok) expectTypeOf(c.value).toEqualTypeOf<number>();
    if (c.case === 1 && c.ok) expectTypeOf(c.value).toEqualTypeOf<string>();
    a.trySend(1);
    const many = await select([a, a].map((ch) => recv(ch)));
    expectTypeOf(many.case).toEqualTypeOf<number>();
    if (many.ok) expectTypeOf(many.value).toEqualTypeOf<number>();
    expect([c.case, many.ok]).toEqual([0, true]);
  });

  it("B28 takes from receivers and sends to senders only, values of their type", () => {
    const ch = chan<number>(1);
    const out: SendChan<number> = ch;
    const input: RecvChan<number> = ch;
    const wrong: (() => unknown)[] = [
      // @ts-expect-error a sender gives nothing
      () => recv(out),
      // @ts-expect-error a receiver takes nothing
      () => send(input, 1),
      // @ts-expect-error no text into a channel of numbers
      () => send(ch, "x"),
      // @ts-expect-error a case is made by recv, send, timeout or otherwise
      () => select({ ch }),
    ];
    expect(wrong.length).toBe(4);
  });
});

describe("context", () => {
  it("D30 a key knows the type of its value", () => {
    const user = key<{ id: number }>("user");
    const ctx = withValue(background(), user, { id: 1 });
    expectTypeOf(ctx.value(user)).toEqualTypeOf<{ id: number } | undefined>();
    // @ts-expect-error no text for a user
    const bad = withValue(background(), user, "ann");
    const symbol = Symbol("any");
    expectTypeOf(withValue(ctx, symbol, 1).value(symbol)).toBeUnknown();
    // @ts-expect-error a key of one type is none of another
    const other: TypedKey<string> = user;
    const wide: Key<{ id: number }> = user;
    // @ts-expect-error a string could be anybody's
    const bare = (): unknown => withValue(background(), "user", 1);
    expect([bad, other, wide, bare].length).toBe(4);
  });

  it("D4 a done channel gives nothing and is nobody's to close", () => {
    const [ctx, cancel] = withCancel(background());
    expectTypeOf(ctx.done()).toEqualTypeOf<RecvChan<never> | undefined>();
    // @ts-expect-error only its CancelFunc ends a context
    const close = (c: Context): unknown => c.done()?.close();
    // @ts-expect-error withCancel's takes no cause
    const withCause = (): void => cancel(new Error("why"));
    cancel();
    expect([close, withCause].length).toBe(2);
  });
});

describe("goroutines", () => {
  it("F20 a recoverable body takes its function's arguments, and its handler need not give what the function does", () => {
    const body = recoverable(
      async (n: number) => n,
      () => {},
    );
    expectTypeOf(body).parameters.toEqualTypeOf<[number]>();
    expectTypeOf(body).returns.resolves.toEqualTypeOf<number | void>();
    const wrong = (): unknown => [
      () => go(body, 1),
      // @ts-expect-error no text for a number
      () => go(body, "1"),
    ];
    expect(wrong).toBeTypeOf("function");
  });
});

describe("defer", () => {
  it("F9 is for `using` whatever fn gives, but for a promise, which is for `await using`", () => {
    const wrong = (given: unknown, quietly: () => void): unknown => {
      using _quiet = defer(quietly);
      using _throws = defer(() => {
        throw given;
      });
      using _exits = defer(() => process.exit(1));
      using _parses = defer(() => JSON.parse("1"));
      // @ts-expect-error a promise would not be awaited
      using _late = defer(async () => undefined);
      return async (): Promise<void> => {
        await using _late = defer(async () => undefined);
        await using _throws = defer(() => {
          throw given;
        });
      };
    };
    expect(wrong).toBeTypeOf("function");
  });
});

describe("sync and patterns", () => {
  it("C38 C52 C57 results have their types", async () => {
    expectTypeOf(new Mutex().tryLock()).toEqualTypeOf<Disposable | undefined>();
    expectTypeOf(new Pool(() => 1).get()).toEqualTypeOf<number>();
    expectTypeOf(new Pool<number>(() => 1).get()).toEqualTypeOf<number>();
    expectTypeOf(new Pool<number>().get()).toEqualTypeOf<number | undefined>();
    const [value, ok] = new SyncMap<string, number>().load("a");
    expectTypeOf(value).toEqualTypeOf<number | undefined>();
    if (ok) expectTypeOf(value).toEqualTypeOf<number>();
    expectTypeOf(onceValues(() => [1, "a"])).returns.toEqualTypeOf<readonly [1, "a"]>();
    const wrong = (): unknown => [
      // @ts-expect-error a set of keys
      new SyncMap<string, number>().store(1, 1),
      // @ts-expect-error of values
      new Pool<number>().put("a"),
    ];
    expect(wrong).toBeTypeOf("function");
  });

  it("J10 stages pass on what their functions give", async () => {
    const ctx = background();
    const input = chan<number>(1);
    input.close();
    expectTypeOf(map(ctx, input, (v) => `${v}`)).toEqualTypeOf<RecvChan<string>>();
    expectTypeOf(map(ctx, input, async (v) => [v])).toEqualTypeOf<RecvChan<number[]>>();
    expectTypeOf(ordered.flatMap(ctx, input, (v) => [`${v}`])).toEqualTypeOf<RecvChan<string>>();
    expectTypeOf(tee(ctx, input)).toEqualTypeOf<[RecvChan<number>, RecvChan<number>]>();
    expectTypeOf(reduce(ctx, input, (sum: string, v) => sum + String(v), "")).resolves.toEqualTypeOf<string>();
    // @ts-expect-error a stage reads a channel
    const wrong = (): unknown => map(ctx, [1, 2], (v: number) => v);
    expect(wrong).toBeTypeOf("function");
  });

  it("J10 a type guard narrows what filter lets through", () => {
    const ctx = background();
    const input = chan<number | string>();
    input.close();
    const isText = (v: unknown): v is string => typeof v === "string";
    expectTypeOf(filter(ctx, input, isText)).toEqualTypeOf<RecvChan<string>>();
    expectTypeOf(ordered.filter(ctx, input, isText, { workers: 2 })).toEqualTypeOf<RecvChan<string>>();
    expectTypeOf(filter(ctx, input, (v) => typeof v === "string")).toEqualTypeOf<RecvChan<string>>();
    expectTypeOf(filter(ctx, input, async (v) => v === 1)).toEqualTypeOf<RecvChan<number | string>>();
  });

  it("J17 promises are no values of a pipeline: map makes them", () => {
    const ctx = background();
    const ids = [1, 2];
    const load = async (id: number): Promise<string> => `${id}`;
    const right = (): RecvChan<string> => map(ctx, generate(ctx, ids), load);
    // @ts-expect-error an await would look into them
    const wrong = (): unknown => generate(ctx, ids.map(load));
    const generic = <T>(values: Iterable<T>): RecvChan<T> => generate(ctx, values);
    const any = (values: any): unknown => generate(ctx, values); // oxlint-disable-line typescript/no-explicit-any -- it is what is tested
    expect([right, wrong, generic, any].length).toBe(4);
  });
});

describe("errgroup", () => {
  it("takes every function but one that returns an error, which Go would take for its failure", async () => {
    const g = new Group();
    const generic = <T>(fn: (v: T) => T, v: T): Promise<void> => g.go(() => fn(v));
    const later = <T>(fn: () => Promise<T>): Promise<void> => g.go(fn);
    const any = (): any => undefined; // oxlint-disable-line typescript/no-explicit-any -- it is what is tested
    const unknown = (): unknown => undefined;
    await Promise.all([
      g.go(() => undefined),
      g.go(async () => 1),
      g.go(() => Promise.resolve({ name: "x", n: 1 })),
      g.go(async () => {}),
      g.go(() => {
        if (g === undefined) throw new Error("never");
      }),
      g.go(any),
      g.go(unknown),
      generic((v) => v, 1),
      later(async () => "x"),
    ]);
    // @ts-expect-error it is to be thrown
    await g.go(() => new TypeError("lost"));
    // @ts-expect-error also where there may be none
    await g.go(async () => (g === undefined ? undefined : new Error("lost")));
    // @ts-expect-error and where there may be no room
    g.tryGo(() => new Error("lost"));
    await g.wait();
  });
});
