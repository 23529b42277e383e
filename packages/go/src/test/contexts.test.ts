// What Go's tests of package context check (context/x_test, context_test), said anew.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterFunc,
  background,
  Canceled,
  cause,
  type Context,
  DeadlineExceeded,
  key,
  withCancel,
  withCancelCause,
  withDeadline,
  withoutCancel,
  withTimeout,
  withTimeoutCause,
  withValue,
} from "../context.ts";
import { go, gosched, type RecvChan } from "../index.ts";
import { WaitGroup } from "../sync/index.ts";
import { expectNoLeaks } from "./quiet.ts";

expectNoLeaks();

const isDone = (ctx: Context): boolean => ctx.done()?.tryRecv().ready ?? false;
const childrenOf = (ctx: Context): number =>
  (ctx as unknown as { children?: ReadonlySet<unknown> }).children?.size ?? 0;

/** A context of somebody else's making: passes all on to `inner`, unless told otherwise. */
const wrap = (inner: Context, over: Partial<Pick<Context, "done" | "err" | "value">>): Context => ({
  done: () => inner.done(),
  err: () => inner.err(),
  deadline: () => inner.deadline(),
  value: (k) => inner.value(k),
  signal: inner.signal,
  ...over,
});

describe("cause", () => {
  const parentCause = new Error("the parent's");
  const childCause = new Error("the child's");
  const tooSlow = new Error("too slow");
  const past = (): Date => new Date(Date.now() - 1000);

  const rows: readonly [id: string, name: string, make: () => Context, err?: Error, cause?: Error][] = [
    ["D20", "of a root", () => background()],
    ["D20", "of a context that is not done", () => withCancelCause(background())[0]],
    ["D17", "as given", () => ended(withCancelCause(background()), parentCause), Canceled, parentCause],
    ["D17", "nil", () => ended(withCancelCause(background()), undefined), Canceled, Canceled],
    ["D20", "of withCancel", () => ended(withCancel(background())), Canceled, Canceled],
    ["D18", "through withCancel", () => below((p) => withCancel(p)[0]), Canceled, parentCause],
    ["D18", "through withValue", () => below((p) => withValue(p, key("k"), 1)), Canceled, parentCause],
    ["D18", "through two layers", () => below((p) => withCancel(withCancel(p)[0])[0]), Canceled, parentCause],
    ["D18", "parent first", () => twoCauses("parent"), Canceled, parentCause],
    ["D18", "child first", () => twoCauses("child"), Canceled, childCause],
    ["D19", "plain cancel of the child, then the parent's cause", () => plainFirst(), Canceled, Canceled],
    ["D22", "timeout with a cause, expired", () => expired(tooSlow), DeadlineExceeded, tooSlow],
    [
      "D22",
      "timeout with a cause, cancelled",
      () => ended(withTimeoutCause(background(), 60_000, tooSlow)),
      Canceled,
      Canceled,
    ],
    ["D23", "expired, then the parent's cause", () => expiredFirst(), DeadlineExceeded, tooSlow],
    [
      "D23",
      "the parent's cause, then time up",
      () => below((p) => withTimeoutCause(p, 60_000, tooSlow)[0]),
      Canceled,
      parentCause,
    ],
    ["D25", "a deadline in the past", () => withDeadline(background(), past())[0], DeadlineExceeded, DeadlineExceeded],
    ["D24", "under an earlier deadline the cause is dropped", () => underEarlier(), DeadlineExceeded, DeadlineExceeded],
    ["D33", "withoutCancel before", () => below((p) => withoutCancel(p))],
    ["D33", "withoutCancel of what is done", () => withoutCancel(ended(withCancelCause(background()), parentCause))],
    ["D33", "below withoutCancel", () => below((p) => withCancel(withoutCancel(p))[0])],
    [
      "D33",
      "below withoutCancel, cancelled",
      () => ended(withCancelCause(withoutCancel(background())), childCause),
      Canceled,
      childCause,
    ],
  ];

  function ended([ctx, cancel]: [Context, (cause?: Error) => void], why?: Error): Context {
    cancel(why);
    return ctx;
  }
  function below(derive: (parent: Context) => Context): Context {
    const [parent, cancel] = withCancelCause(background());
    const ctx = derive(parent);
    cancel(parentCause);
    return ctx;
  }
  function twoCauses(first: "parent" | "child"): Context {
    const [parent, cancelParent] = withCancelCause(background());
    const [child, cancelChild] = withCancelCause(parent);
    if (first === "parent") cancelParent(parentCause);
    cancelChild(childCause);
    cancelParent(parentCause);
    return child;
  }
  function plainFirst(): Context {
    const [parent, cancelParent] = withCancelCause(background());
    const [child, cancelChild] = withCancel(parent);
    cancelChild();
    cancelParent(parentCause);
    return child;
  }
  function expired(why: Error): Context {
    return withTimeoutCause(background(), 0, why)[0];
  }
  function expiredFirst(): Context {
    const [parent, cancel] = withCancelCause(background());
    const [child] = withTimeoutCause(parent, 0, tooSlow);
    cancel(parentCause);
    return child;
  }
  function underEarlier(): Context {
    const [parent] = withDeadline(background(), past());
    return withTimeoutCause(parent, 60_000, tooSlow)[0];
  }

  it("D17 D18 D19 D20 D22 D23 D24 D25 D33 is the first that was given, and err where none was", () => {
    for (const [id, name, make, err, why] of rows) {
      const ctx = make();
      expect([id, name, ctx.err(), cause(ctx)]).toEqual([id, name, err, why]);
      expect([id, name, isDone(ctx)]).toEqual([id, name, err !== undefined]);
    }
  });

  it("D21 may be asked for while cancel runs", async () => {
    const [ctx, cancel] = withCancelCause(background());
    const why = new Error("why");
    go(async () => {
      await gosched();
      cancel(why);
    });
    let asked = 0;
    for (let seen = cause(ctx); ; seen = cause(ctx), asked++) {
      expect([undefined, why]).toContain(seen);
      if (seen !== undefined) break;
      await Promise.resolve();
      if (asked % 50 === 49) await gosched();
    }
    let within: Error | undefined;
    const [other, stop] = withCancelCause(background());
    other.signal.addEventListener("abort", () => (within = cause(other)));
    stop(why);
    expect(within).toBe(why);
  });
});

describe("cancelling", () => {
  it("D10 counts once, however many do it at the same time", async () => {
    const root = withCancelCause(background());
    const all = [root];
    for (let i = 1; i < 50; i++) all.push(withCancelCause((all[Math.floor(i / 2)] as typeof root)[0]));
    const wg = new WaitGroup();
    for (const [i, [, cancel]] of all.entries()) {
      for (let k = 0; k < 3; k++) {
        wg.go(async () => {
          for (let n = (i * 7 + k) % 5; n > 0; n--) await Promise.resolve();
          cancel(new Error(`${i}`));
        });
      }
    }
    await wg.wait();
    const causes = all.map(([ctx]) => cause(ctx));
    for (const [, cancel] of all) cancel(new Error("late"));
    expect(all.map(([ctx]) => cause(ctx))).toEqual(causes);
    expect(all.every(([ctx]) => ctx.err() === Canceled && isDone(ctx))).toBe(true);
  });

  it("D11 a child from a goroutine that its parent's end woke does not hang", async () => {
    const [parent, cancelParent] = withCancel(background());
    const [child, cancelChild] = withCancel(parent);
    go(async () => {
      await parent.done()?.recv();
      cancelChild();
    });
    await gosched();
    cancelParent();
    expect(await child.done()?.recvOk()).toEqual([undefined, false]);
  });

  it("D5 D16 a child made while its parent is being cancelled is cancelled too, with the cause", () => {
    const [parent, cancel] = withCancelCause(background());
    const why = new Error("why");
    const made: Context[] = [];
    // Foreign code runs in the midst of the cancellation, before and after other children are
    // reached.
    for (let i = 0; i < 3; i++) {
      const [sibling] = withCancel(parent);
      sibling.signal.addEventListener("abort", () => {
        expect([parent.err(), isDone(parent)]).toEqual([Canceled, true]);
        made.push(withCancel(parent)[0], withTimeout(withValue(parent, key("k"), 1), 60_000)[0]);
      });
    }
    cancel(why);
    expect(made.length).toBe(6);
    for (const ctx of made) expect([ctx.err(), cause(ctx), isDone(ctx)]).toEqual([Canceled, why, true]);
    expect(childrenOf(parent)).toBe(0);
  });

  it("D26 D27 a timeout stops its timer, and prints as the deadline it is", async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const all = Array.from({ length: 50 }, () => withTimeout(background(), 60_000));
    expect(timers()).toBeGreaterThanOrEqual(before + 49);
    expect(String(all[0]?.[0])).toMatch(/^context\.Background\.WithDeadline\(\S+ \[\S+s\]\)$/);
    for (const [, cancel] of all) cancel();
    expect(timers()).toBeLessThanOrEqual(before);
    expect(all.every(([ctx]) => ctx.err() === Canceled)).toBe(true);
  });

  it("D35 a context by its deadline runs what waits for it", async () => {
    const [ctx] = withTimeout(background(), 1);
    let ran = false;
    const wg = new WaitGroup();
    wg.add(1);
    afterFunc(ctx, () => {
      ran = ctx.err() === DeadlineExceeded;
      wg.done();
    });
    await wg.wait();
    expect(ran).toBe(true);
  });
});

describe("the books", () => {
  it("D12 D13 D37 D44 hold a child until it or its parent is cancelled or expires", async () => {
    const [parent, cancel] = withCancel(background());
    const [, cancelPlain] = withCancel(parent);
    const [, cancelTimeout] = withTimeout(withValue(parent, key("k"), 1), 60_000);
    const [expiring] = withTimeout(parent, 1);
    const stop = afterFunc(parent, () => undefined);
    expect(childrenOf(parent)).toBe(4);
    await expiring.done()?.recv();
    expect(childrenOf(parent)).toBe(3);
    cancelPlain();
    expect(childrenOf(parent)).toBe(2);
    cancelTimeout();
    stop();
    expect(childrenOf(parent)).toBe(0);
    withCancel(parent);
    cancel();
    expect(childrenOf(parent)).toBe(0);
  });
});

describe("a context of somebody else's making", () => {
  it("D32 passes on values", () => {
    const k = key<string>("k");
    const custom = wrap(withValue(background(), k, "v"), {});
    expect(withCancel(withoutCancel(withValue(custom, key("other"), 1)))[0].value(k)).toBe("v");
  });

  it("D9 D40 D41 has its own done, which counts for its children, and is left alone by them", async () => {
    const [inner, cancelInner] = withCancelCause(background());
    const [own, cancelOwn] = withCancel(background());
    const custom = wrap(inner, { done: () => own.done(), err: () => own.err() });
    const [child, cancelChild] = withCancel(custom);
    const [other] = withCancel(custom);
    cancelChild();
    expect([child.err(), custom.err(), own.err()]).toEqual([Canceled, undefined, undefined]);
    cancelInner(new Error("not its business"));
    await gosched();
    expect(other.err()).toBeUndefined();
    cancelOwn();
    expect(await (other.done() as RecvChan<never>).recvOk()).toEqual([undefined, false]);
    expect(other.err()).toBe(Canceled);
  });

  it("D41 that hides what it wraps gives its own err as the cause", async () => {
    const [inner, cancelInner] = withCancelCause(background());
    const gone = new Error("gone");
    let err: Error | undefined;
    const [own, cancelOwn] = withCancel(background());
    const custom = wrap(inner, { done: () => own.done(), err: () => err, value: () => undefined });
    const [child] = withCancel(custom);
    err = gone;
    cancelOwn();
    await child.done()?.recv();
    cancelInner(new Error("hidden"));
    expect([cause(custom), child.err(), cause(child)]).toEqual([gone, gone, gone]);
  });

  it("D42 that ends before what it wraps gives that one's later cause all the same", () => {
    const [inner, cancelInner] = withCancelCause(background());
    const custom = wrap(inner, { err: () => Canceled });
    expect(cause(custom)).toBe(Canceled);
    const why = new Error("later");
    cancelInner(why);
    expect(cause(custom)).toBe(why);
  });
});

describe("a tree of contexts", () => {
  type Cancel = (cause?: Error) => void;
  const kinds: readonly ((parent: Context) => readonly [Context, Cancel?])[] = [
    (parent) => withCancel(parent),
    (parent) => withTimeout(parent, 60_000),
    (parent) => withCancelCause(parent),
    (parent) => [withValue(parent, key("k"), 1)],
    (parent) => [withoutCancel(parent)],
  ];
  const [takesCause, endsAlone] = [2, 4];

  interface Node {
    readonly ctx: Context;
    readonly kind: number;
    readonly cancel: Cancel | undefined;
    readonly parent: Node | undefined;
    cause: Error | undefined;
  }

  it("D8 D12 D15 D17 D18 D33 ends where it is cancelled and below, with the first cause, in any order", () => {
    const command = fc.record({ make: fc.boolean(), kind: fc.nat(4), at: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const nodes: Node[] = [{ ctx: background(), kind: -1, cancel: undefined, parent: undefined, cause: undefined }];
        const end = (node: Node, why: Error): void => {
          if (node.cause !== undefined) return;
          node.cause = why;
          for (const child of nodes) if (child.parent === node && child.kind !== endsAlone) end(child, why);
        };
        for (const { make, kind, at } of commands) {
          const node = nodes[at % nodes.length] as Node;
          if (make) {
            const [ctx, cancel] = (kinds[kind] as (typeof kinds)[number])(node.ctx);
            nodes.push({ ctx, kind, cancel, parent: node, cause: kind === endsAlone ? undefined : node.cause });
          } else if (node.cancel !== undefined) {
            const why = node.kind === takesCause ? new Error("why") : Canceled;
            node.cancel(why);
            end(node, why);
          }
          for (const { ctx, cause: why } of nodes) {
            expect([cause(ctx), ctx.err(), isDone(ctx)]).toEqual([why, why && Canceled, why !== undefined]);
            if (why !== undefined) expect(cause(ctx)).toBe(why);
          }
        }
        for (const { cancel } of nodes) cancel?.();
      }),
      { numRuns: 200 },
    );
  });
});
