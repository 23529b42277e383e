import { inspect, types } from "node:util";
import { describe, expect, it } from "vitest";
import {
  afterFunc,
  background,
  Canceled,
  cause,
  type Context,
  DeadlineExceeded,
  fromSignal,
  key,
  type Key,
  todo,
  withCancel,
  withCancelCause,
  withDeadline,
  withoutCancel,
  withTimeout,
  withTimeoutCause,
  withValue,
} from "./context.ts";
import { gosched, numGoroutine, type RecvChan } from "./index.ts";
import { expectNoLeaks } from "./test/quiet.ts";
import { runProgram } from "./test/program.ts";
import { sleep } from "./time.ts";

expectNoLeaks();

const done = (ctx: Context): RecvChan<never> => ctx.done() as RecvChan<never>;
const isDone = (ctx: Context): boolean => ctx.done()?.tryRecv().ready ?? false;
const childrenOf = (ctx: Context): number =>
  (ctx as unknown as { children?: ReadonlySet<unknown> }).children?.size ?? 0;

describe("context", () => {
  it("D1 the roots are never done, hold nothing, and print as in Go", () => {
    for (const [ctx, text] of [
      [background(), "context.Background"],
      [todo(), "context.TODO"],
    ] as const) {
      expect([ctx.done(), ctx.err(), ctx.deadline(), ctx.value(key("k"))]).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      expect(String(ctx)).toBe(text);
      expect(ctx.signal.aborted).toBe(false);
    }
  });

  it("D2 D3 the two errors have Go's texts", () => {
    expect([Canceled.message, DeadlineExceeded.message]).toEqual(["context canceled", "context deadline exceeded"]);
    expect([DeadlineExceeded.timeout(), DeadlineExceeded.temporary()]).toEqual([true, true]);
  });

  it("keep nothing that is written onto them, and are errors to everybody all the same", () => {
    const text = inspect(Canceled);
    const seen: Error & { attempts?: number } = Canceled;
    seen.attempts = 3;
    seen.name = "Wrapped";
    seen.stack = "elsewhere";
    Object.assign(seen, { requestId: 7 });
    expect([seen.attempts, seen.name, seen.stack]).toEqual([undefined, "AbortError", "Error: context canceled"]);
    expect(() => (seen.message = "request 7: context canceled")).toThrow(TypeError);
    expect(inspect(Canceled)).toBe(text);
    expect([types.isNativeError(Canceled), Canceled instanceof Error, `${Canceled}`]).toEqual([
      true,
      true,
      "AbortError: context canceled",
    ]);
    expect(Object.prototype.toString.call(Canceled)).toBe("[object Error]");
    expect(structuredClone(Canceled).message).toBe("context canceled");
  });

  it("D4 D5 D6 D8 cancel is synchronous for the whole subtree, err and done in one", () => {
    const [a, cancel] = withCancel(background());
    const [b] = withCancel(withValue(a, key("k"), 1));
    const [c] = withTimeout(b, 60_000);
    expect(a.done()).toBe(a.done());
    expect([a, b, c].map(isDone)).toEqual([false, false, false]);
    cancel();
    expect([a, b, c].map(isDone)).toEqual([true, true, true]);
    expect([a, b, c].map((ctx) => ctx.err())).toEqual([Canceled, Canceled, Canceled]);
    cancel();
    expect(a.err()).toBe(Canceled);
  });

  it("D7 D29 refuses a nil parent and a nil key", () => {
    const nil = undefined as unknown as Context;
    const text = "cannot create context from nil parent";
    expect(() => withCancel(nil)).toThrow(text);
    expect(() => withCancelCause(nil)).toThrow(text);
    expect(() => withTimeout(nil, 1)).toThrow(text);
    expect(() => withDeadline(nil, new Date())).toThrow(text);
    expect(() => withValue(nil, key("k"), 1)).toThrow(text);
    expect(() => withoutCancel(nil)).toThrow(text);
    expect(() => withValue(background(), undefined as never, 1)).toThrow("nil key");
  });

  it("D12 D13 a child detaches itself, and a parent that is done forgets its children", () => {
    const [parent, cancel] = withCancel(background());
    const children = Array.from({ length: 10 }, () => withCancel(parent));
    expect(childrenOf(parent)).toBe(10);
    for (const [child, cancelChild] of children.slice(0, 4)) {
      cancelChild();
      expect(child.err()).toBe(Canceled);
    }
    expect(parent.err()).toBeUndefined();
    expect(childrenOf(parent)).toBe(6);
    cancel();
    expect(childrenOf(parent)).toBe(0);
  });

  it("D15 a child of a context that is done is done at once, with its err and cause", () => {
    const [parent, cancel] = withCancelCause(background());
    const why = new Error("why");
    cancel(why);
    const [child] = withCancel(parent);
    expect([child.err(), cause(child)]).toEqual([Canceled, why]);
    expect(isDone(child)).toBe(true);
  });

  it("D17 D18 D19 D20 the first cause wins", () => {
    const first = new Error("first");
    const second = new Error("second");
    const make = (): { a: Context; b: Context; stopA: (e?: Error) => void; stopB: (e?: Error) => void } => {
      const [a, stopA] = withCancelCause(background());
      const [b, stopB] = withCancelCause(a);
      return { a, b, stopA, stopB };
    };
    const one = make();
    expect(cause(one.a)).toBeUndefined();
    one.stopA(first);
    one.stopB(second);
    expect([cause(one.a), cause(one.b)]).toEqual([first, first]);
    const two = make();
    two.stopB(second);
    two.stopA(first);
    expect([cause(two.a), cause(two.b)]).toEqual([first, second]);
    const three = make();
    three.stopA();
    expect([cause(three.a), three.a.err()]).toEqual([Canceled, Canceled]);
  });

  it("D22 D23 the cause of a timeout counts only when time is up", async () => {
    const late = new Error("too late");
    const [a] = withTimeoutCause(background(), 1, late);
    await done(a).recv();
    expect([a.err(), cause(a)]).toEqual([DeadlineExceeded, late]);
    const [b, cancel] = withTimeoutCause(background(), 60_000, late);
    cancel();
    expect([b.err(), cause(b)]).toEqual([Canceled, Canceled]);
  });

  it("D24 D25 D26 D27 deadlines: the earlier one counts, a past one is over at once", () => {
    const [parent, cancel] = withTimeout(background(), 1000);
    const [child, cancelChild] = withTimeout(parent, 60_000);
    expect(child.deadline()).toEqual(parent.deadline());
    expect(String(child)).toMatch(/^context\.Background\.WithDeadline\(\S+ \[\S+s\]\)\.WithCancel$/);
    cancelChild();
    cancel();
    expect(parent.err()).toBe(Canceled);
    const [past, cancelPast] = withDeadline(background(), new Date(Date.now() - 1));
    expect(past.err()).toBe(DeadlineExceeded);
    cancelPast();
    expect(past.err()).toBe(DeadlineExceeded);
  });

  it("D28 any layer that is cancelled ends the innermost, and values stay readable", () => {
    for (let layer = 0; layer < 30; layer++) {
      let ctx = background();
      const cancels: (() => void)[] = [];
      const keys: Key<number>[] = [];
      for (let i = 0; i < 30; i++) {
        const k = key<number>(`k${i}`);
        keys.push(k);
        const [next, cancel] = i % 3 === 0 ? withTimeout(ctx, 60_000) : withCancel(ctx);
        cancels.push(cancel);
        ctx = withValue(next, k, i);
      }
      (cancels[layer] as () => void)();
      expect(ctx.err()).toBe(Canceled);
      expect(keys.map((k) => ctx.value(k))).toEqual(keys.map((_, i) => i));
      (cancels[0] as () => void)();
    }
  });

  it("D30 D31 D32 D33 values: the nearest binding, by identity, past everything", async () => {
    const k = key<string>("k");
    const outer = withValue(background(), k, "outer");
    const [middle, cancel] = withCancel(outer);
    const inner = withoutCancel(withValue(middle, k, "inner"));
    expect([outer.value(k), inner.value(k), inner.value(key<string>("k"))]).toEqual(["outer", "inner", undefined]);
    expect(withValue(outer, k, undefined as never).value(k)).toBeUndefined();
    const symbol = Symbol("s");
    expect(withValue(background(), symbol, 5).value(symbol)).toBe(5);
    cancel();
    expect([inner.done(), inner.err(), inner.deadline(), cause(inner)]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const value: string | undefined = inner.value(k);
    expect(value).toBe("inner");
  });

  it("D34 D35 D36 D37 afterFunc runs in a goroutine of its own, unless stopped first", async () => {
    const [ctx, cancel] = withCancel(background());
    const seen: string[] = [];
    const stop = afterFunc(ctx, () => void seen.push("stopped"));
    afterFunc(ctx, () => void seen.push("ran"));
    expect(childrenOf(ctx)).toBe(2);
    expect([stop(), stop()]).toEqual([true, false]);
    expect(childrenOf(ctx)).toBe(1);
    cancel();
    expect(seen).toEqual([]);
    await gosched();
    expect(seen).toEqual(["ran"]);
    const late = afterFunc(ctx, () => void seen.push("late"));
    expect(late()).toBe(false);
    await gosched();
    expect(seen).toEqual(["ran", "late"]);
  });

  it("D38 a parent with an afterFunc of its own is asked instead of watched", () => {
    const fns = new Set<() => void>();
    let err: Error | undefined;
    const [inner] = withCancel(background());
    const custom: Context & { afterFunc: (fn: () => void) => () => boolean } = {
      done: () => done(inner),
      err: () => err,
      deadline: () => undefined,
      value: () => undefined,
      signal: background().signal,
      afterFunc: (fn) => {
        fns.add(fn);
        return () => fns.delete(fn);
      },
    };
    const before = numGoroutine();
    const [a, cancelA] = withCancel(custom);
    const [b] = withCancel(custom);
    expect(numGoroutine()).toBe(before);
    expect(fns.size).toBe(2);
    cancelA();
    expect([fns.size, a.err()]).toEqual([1, Canceled]);
    err = DeadlineExceeded;
    for (const fn of fns) fn();
    expect(b.err()).toBe(DeadlineExceeded);
  });

  it("D39 D40 a wrapper costs a goroutine only if it has a done of its own, which ends with the child", async () => {
    const [inner, cancelInner] = withCancel(background());
    const wrap = (over: Partial<Pick<Context, "done" | "err">>): Context => ({
      done: () => inner.done(),
      err: () => inner.err(),
      deadline: () => inner.deadline(),
      value: (k) => inner.value(k),
      signal: inner.signal,
      ...over,
    });
    const before = numGoroutine();
    const [, cancelPlain] = withCancel(wrap({}));
    expect(numGoroutine()).toBe(before);
    const [own, cancelOwn] = withCancel(background());
    const [child, cancelChild] = withCancel(wrap({ done: () => own.done(), err: () => own.err() }));
    expect(numGoroutine()).toBe(before + 1);
    cancelInner();
    expect(child.err()).toBeUndefined();
    cancelChild();
    for (let i = 0; i < 20 && numGoroutine() > before; i++) await gosched();
    expect(numGoroutine()).toBe(before);
    cancelOwn();
    cancelPlain();
  });

  it("D43 prints as in Go", () => {
    const named = key<unknown>("user");
    const [c] = withCancel(background());
    expect(String(withValue(c, named, "ann"))).toBe("context.Background.WithCancel.WithValue(user, ann)");
    expect(String(withValue(todo(), named, undefined))).toBe("context.TODO.WithValue(user, <nil>)");
    expect(String(withValue(todo(), named, new Map()))).toBe("context.TODO.WithValue(user, Map)");
    expect(String(withValue(todo(), named, Object.create(null)))).toBe("context.TODO.WithValue(user, Object)");
    expect(String(withoutCancel(c))).toBe("context.Background.WithCancel.WithoutCancel");
  });

  it("a CancelFunc cancels when its block is left", () => {
    let outside: Context;
    {
      const [ctx, cancel] = withCancel(background());
      using _ = cancel;
      outside = ctx;
      expect(ctx.err()).toBeUndefined();
    }
    expect(outside.err()).toBe(Canceled);
  });

  it("its signal is aborted with the cause, and is made only when asked for", () => {
    const [ctx, cancel] = withCancelCause(background());
    const { signal } = withValue(ctx, key("k"), 1);
    expect([signal, signal.aborted]).toEqual([ctx.signal, false]);
    const why = new Error("why");
    cancel(why);
    expect([signal.aborted, signal.reason]).toEqual([true, why]);
    const [late, stop] = withCancel(background());
    stop();
    expect(late.signal.reason).toBe(Canceled);
  });
});

describe("fromSignal", () => {
  it("is done with the signal, with its reason as the cause", () => {
    const controller = new AbortController();
    const ctx = fromSignal(controller.signal);
    expect(ctx.signal).toBe(controller.signal);
    const [child] = withCancel(ctx);
    const why = new Error("why");
    controller.abort(why);
    expect([child.err(), cause(child)]).toEqual([Canceled, why]);
    expect(fromSignal(AbortSignal.abort()).err()).toBe(Canceled);
  });

  it("keeps a reason that is no error", () => {
    const reason = { status: 499 };
    expect(cause(fromSignal(AbortSignal.abort(reason)))?.cause).toBe(reason);
  });

  it("is DeadlineExceeded for a TimeoutError", async () => {
    const ctx = fromSignal(AbortSignal.timeout(1));
    await sleep(60_000, ctx).catch(() => undefined);
    expect(ctx.err()).toBe(DeadlineExceeded);
  });

  it("adds one listener to a signal, however many contexts descend from it", () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    for (let i = 0; i < 100; i++) {
      const [, cancel] = withCancel(fromSignal(signal));
      cancel();
    }
    expect(listeners).toBe(1);
    expect(childrenOf(fromSignal(signal))).toBe(0);
  });
});

describe("notify", () => {
  it("D46 is cancelled by the signal, named by its cause, and holds the process until then", async () => {
    const { status, stdout, stderr } = await runProgram(
      `
      import { cause, notify } from "go/context";
      const [ctx, stop] = notify("SIGTERM");
      console.log(String(ctx));
      await ctx.done()?.recv();
      console.log(ctx.err()?.message, "/", cause(ctx)?.message);
      stop();
    `,
      "SIGTERM",
    );
    expect(stderr).toBe("");
    expect(stdout).toBe(
      "signal.NotifyContext(context.Background, [terminated])\ncontext canceled / terminated signal received\n",
    );
    expect(status).toBe(0);
  });

  it("does not hold a program that has nothing left to do, and after stop a deadlock is one", async () => {
    expect((await runProgram(`import { notify } from "go/context"; notify();`)).status).toBe(0);
    const { status, stderr } = await runProgram(`
      import { chan } from "go";
      import { notify } from "go/context";
      const [, stop] = notify("SIGUSR2");
      setTimeout(stop, 20);
      await chan<number>().recv();
    `);
    expect(stderr).toContain("all goroutines are asleep - deadlock!");
    expect(status).toBe(2);
  });
});
