// Goroutines that are generators: the operations, and how they live beside awaited goroutines.
// Long, because each operation is tested in each state of a channel, a lock and a context.
import { afterEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { background, Canceled, DeadlineExceeded, withCancel, withTimeout } from "../context.ts";
import { Group } from "../errgroup.ts";
import {
  chan,
  defer,
  go as goroutine,
  goexit,
  gosched as yieldNow,
  numGoroutine,
  recoverable,
  recv as receiving,
} from "../index.ts";
import type { Received } from "../index.ts";
import { current } from "../internal/goroutine.ts";
import { Weighted } from "../semaphore.ts";
import { Mutex, RWMutex, WaitGroup } from "../sync/index.ts";
import { after, sleep as sleepAwaited } from "../time.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { seeded } from "../test/random.ts";
import {
  acquire,
  endWith,
  fail,
  go,
  gosched,
  lock,
  type Operation,
  otherwise,
  range,
  recv,
  recvOk,
  rLock,
  select,
  send,
  sleep,
  type Steps,
  timeout,
  until,
  wait,
} from "./index.ts";

expectNoLeaks();
afterEach(() => vi.restoreAllMocks());

/** Runs a fiber and gives what it returns, or rejects with what it throws. */
function fiber<T>(body: () => Steps<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    go(function* () {
      try {
        resolve(yield* body());
      } catch (error) {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what the body threw
        reject(error);
      }
    });
  });
}

describe("recoverable", () => {
  it("hands the panic of a fiber to the handler, and lets goexit pass", async () => {
    const seen: unknown[] = [];
    const done = chan<number>(2);
    go(
      recoverable(
        function* (text: string): Steps {
          using _ = defer(() => void done.trySend(1));
          yield* gosched();
          throw new Error(text);
        },
        (error) => void seen.push((error as Error).message),
      ),
      "caught",
    );
    go(
      recoverable(
        function* (): Steps {
          using _ = defer(() => void done.trySend(2));
          yield* gosched();
          goexit();
        },
        (error) => void seen.push(error),
      ),
    );
    await done.recv();
    await done.recv();
    await yieldNow();
    expect(seen).toEqual(["caught"]);
  });
});

describe("channels", () => {
  it("a fiber sends, receives and ranges, in order", async () => {
    const ch = chan<number>();
    const doubled = chan<number>(1);
    go(function* () {
      for (let i = 0; i < 3; i++) yield* send(ch, i);
      ch.close();
    });
    go(function* () {
      for (const values = range(ch); yield* values;) yield* send(doubled, values.value * 2);
      doubled.close();
    });
    const got: number[] = [];
    for await (const v of doubled) got.push(v);
    expect(got).toEqual([0, 2, 4]);
  });

  it("recv gives undefined and recvOk false once a channel is closed and drained", async () => {
    const ch = chan<string>(1);
    ch.trySend("a");
    ch.close();
    const all = await fiber(function* () {
      return [yield* recvOk(ch), yield* recvOk(ch), yield* recv(ch)];
    });
    expect(all).toEqual([["a", true], [undefined, false], undefined]);
  });

  it("a close wakes those that wait: receivers with nothing, senders with a panic", async () => {
    const ch = chan<number>();
    const nothing = fiber(() => recvOkOf(ch));
    await yieldNow();
    ch.close();
    expect(await nothing).toEqual([undefined, false]);

    const other = chan<number>();
    const sending = fiber(function* () {
      yield* send(other, 1);
    });
    await yieldNow();
    other.close();
    await expect(sending).rejects.toThrow("send on closed channel");
    await expect(
      fiber(function* () {
        yield* send(other, 1);
      }),
    ).rejects.toThrow("send on closed channel");
  });

  it("a fiber that fails has its own line in the error's stack", async () => {
    const ch = chan<number>();
    const error = await fiber(function* sender() {
      goroutine(async () => ch.close());
      try {
        yield* send(ch, 1);
      } catch (error) {
        return error as Error;
      }
      return undefined;
    });
    expect(error?.stack).toMatch(/at sender .*fiber\.test\.ts/);
  });

  it("waits on the nil channel for ever", async () => {
    let passed = false;
    const [ctx, cancel] = withCancel(background());
    for (const operation of [recv<number>(undefined), send<number>(undefined, 1)] as Operation<unknown>[]) {
      go(function* () {
        yield* endWith(ctx);
        yield* operation;
        passed = true;
      });
    }
    for (let i = 0; i < 3; i++) await yieldNow();
    expect([passed, numGoroutine()]).toEqual([false, 3]);
    cancel();
  });

  it("refuses a thenable and a channel of another copy, in words", () => {
    const ch = chan<unknown>();
    expect(() => send(ch, Promise.resolve() as unknown)).toThrow("send of a thenable: an await would flatten it");
    expect(() => recv({} as never)).toThrow("recv: expected a channel of this copy of the library, got object");
  });

  it("timers and stages are channels as any other", async () => {
    const ch = after(1);
    expect(await fiber(() => recvOf(ch))).toBeInstanceOf(Date);
  });

  it("an operation may be used again, by any fiber", async () => {
    const ch = chan<number>();
    const receive = recv(ch);
    const sum = chan<number>(2);
    for (let i = 0; i < 2; i++) {
      go(function* () {
        yield* send(sum, (yield* receive)! + (yield* receive)!);
      });
    }
    for (let i = 1; i <= 4; i++) await ch.send(i);
    expect((await sum.recv())! + (await sum.recv())!).toBe(10);
  });
});

function* recvOf<T>(ch: Parameters<typeof recv<T>>[0]): Steps<T | undefined> {
  return yield* recv(ch);
}

function* recvOkOf<T>(ch: Parameters<typeof recv<T>>[0]): Steps<Received<T>> {
  return yield* recvOk(ch);
}

describe("select", () => {
  it("takes what is ready, waits for the first, and has defaults and timeouts", async () => {
    const a = chan<string>(1);
    const b = chan<number>();
    const out = chan<number>(1);
    const results = await fiber(function* () {
      const all: unknown[] = [yield* select({ a: recv(a), idle: otherwise })];
      a.trySend("x");
      all.push(yield* select({ a: recv(a), b: recv(b) }));
      all.push(yield* select([recv(b), send(out, 7)]));
      all.push(yield* select({ b: receiving(b), slow: timeout(1) }));
      goroutine(() => b.send(5));
      all.push(yield* select({ a: recv(a), b: recv(b), nil: recv<number>(undefined) }));
      return all;
    });
    expect(results).toEqual([
      { case: "idle" },
      { case: "a", ok: true, value: "x" },
      { case: 1 },
      { case: "slow" },
      { case: "b", ok: true, value: 5 },
    ]);
    expect(out.tryRecv()).toMatchObject({ value: 7 });
    expect([a, b].map((ch) => [ch.tryRecv().ready, ch.trySend("y" as never)])).toEqual([
      [false, true],
      [false, false],
    ]);
  });

  it("throws what the awaited select rejects with", async () => {
    const closed = chan<number>();
    closed.close();
    await expect(
      fiber(function* () {
        yield* select({ out: send(closed, 1) });
      }),
    ).rejects.toThrow("send on closed channel");
    const open = chan<number>();
    const waiting = fiber(function* () {
      yield* select({ out: send(open, 1), never: recv(chan<number>()) });
    });
    await yieldNow();
    open.close();
    await expect(waiting).rejects.toThrow("send on closed channel");
    await expect(
      fiber(function* () {
        yield* select({ a: otherwise, b: otherwise });
      }),
    ).rejects.toThrow("reflect.Select: multiple default cases");
  });

  it("several ready cases are equally likely", async () => {
    const { below } = seeded();
    expect(below(2)).toBeLessThan(2);
    const chans = Array.from({ length: 3 }, () => chan<number>(300));
    for (const ch of chans) for (let i = 0; i < 300; i++) ch.trySend(i);
    const counts = [0, 0, 0];
    await fiber(function* () {
      for (let i = 0; i < 300; i++) counts[(yield* select(chans.map((ch) => recv(ch)))).case]!++;
    });
    for (const count of counts) expect(count).toBeGreaterThan(60);
  });
});

describe("locks, groups and semaphores", () => {
  it("fibers and awaited goroutines exclude each other, first come, first served", async () => {
    const mu = new Mutex();
    const wg = new WaitGroup();
    const order: number[] = [];
    const first = await mu.lock();
    for (let i = 0; i < 6; i++) {
      if (i % 2 === 0) {
        wg.go(function* () {
          using _ = yield* lock(mu);
          order.push(i);
          yield* gosched();
        });
      } else {
        wg.go(async () => {
          using _ = await mu.lock();
          order.push(i);
          await yieldNow();
        });
      }
      await yieldNow();
    }
    first[Symbol.dispose]();
    await wg.wait();
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
    expect(mu.tryLock()).toBeDefined();
  });

  it("readers of an RWMutex share it, and a writer has it alone", async () => {
    const rw = new RWMutex();
    const wg = new WaitGroup();
    let readers = 0;
    let most = 0;
    let writers = 0;
    for (let i = 0; i < 9; i++) {
      wg.go(function* () {
        for (let k = 0; k < 5; k++) {
          if (i % 3 === 0) {
            using _ = yield* lock(rw);
            expect([++writers, readers]).toEqual([1, 0]);
            yield* gosched();
            writers--;
          } else {
            using _ = yield* rLock(rw);
            most = Math.max(most, ++readers);
            expect(writers).toBe(0);
            yield* gosched();
            readers--;
          }
        }
      });
    }
    await wg.wait();
    expect(most).toBeGreaterThan(1);
    expect(rw.tryLock()).toBeDefined();
  });

  it("takes any other lock and group by their promises", async () => {
    const rw = new RWMutex();
    const g = new Group();
    await g.go(() => sleepAwaited(1));
    await fiber(function* () {
      using _ = yield* lock(rw.rLocker());
      expect(rw.tryLock()).toBeUndefined();
      yield* wait(g);
    });
    expect(rw.tryLock()).toBeDefined();
    await g.go(() => Promise.reject(new Error("boom")));
    await expect(
      fiber(function* () {
        yield* wait(g);
      }),
    ).rejects.toThrow("boom");
  });

  it("waits for a WaitGroup, and notices that it is used again too early", async () => {
    const wg = new WaitGroup();
    await fiber(() => waitOf(wg));
    wg.add(1);
    const waiting = fiber(() => waitOf(wg));
    await yieldNow();
    wg.done();
    await waiting;
    wg.add(1);
    const overtaken = fiber(() => waitOf(wg));
    await yieldNow();
    wg.done();
    wg.add(1);
    await expect(overtaken).rejects.toThrow("sync: WaitGroup is reused before previous Wait has returned");
    wg.done();
  });

  it("a semaphore admits fibers in order, gives up with the context, and keeps nothing then", async () => {
    const sem = new Weighted(2);
    expect(sem.tryAcquire(2)).toBe(true);
    const [ctx, cancel] = withCancel(background());
    const waiting = fiber(() => acquire(sem, 1, ctx));
    const patient = fiber(() => acquire(sem, 2));
    await yieldNow();
    cancel();
    await expect(waiting).rejects.toBe(Canceled);
    await expect(fiber(() => acquire(sem, 1, ctx))).rejects.toBe(Canceled);
    sem.release(2);
    await patient;
    expect(sem.tryAcquire(1)).toBe(false);
    sem.release(2);
    await fiber(() => acquire(sem));
    sem.release();
    const [soon, stop] = withTimeout(background(), 1);
    await expect(fiber(() => acquire(sem, 3, soon))).rejects.toBe(DeadlineExceeded);
    stop();
    expect(sem.tryAcquire(2)).toBe(true);
  });
});

function* waitOf(wg: WaitGroup): Steps {
  yield* wait(wg);
}

describe("time, promises and errors", () => {
  it("sleeps, and ends its sleep with the context", async () => {
    const begun = performance.now();
    await fiber(function* () {
      yield* sleep(5);
      yield* sleep(0);
      yield* sleep(1, background());
    });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(5);
    const [ctx, cancel] = withCancel(background());
    const sleeping = fiber(function* () {
      yield* sleep(60_000, ctx);
    });
    await yieldNow();
    cancel();
    await expect(sleeping).rejects.toBe(Canceled);
  });

  it("waits for a promise, and throws what it rejects with", async () => {
    const values = await fiber(function* () {
      const value = (yield* until(Promise.resolve(3))) + (yield* wait(Promise.resolve(4)));
      try {
        yield* until(Promise.reject(new Error("boom")));
      } catch (error) {
        return [value, (error as Error).message];
      }
      return [];
    });
    expect(values).toEqual([7, "boom"]);
  });

  it("fail throws, through finally blocks and into catches", async () => {
    const order: string[] = [];
    await expect(
      fiber(function* () {
        try {
          yield* fail(new Error("boom"));
        } finally {
          order.push("finally");
        }
      }),
    ).rejects.toThrow("boom");
    expect(order).toEqual(["finally"]);
  });

  it("goexit ends a fiber through its finally blocks", async () => {
    const order: string[] = [];
    const wg = new WaitGroup();
    wg.go(function* () {
      try {
        yield* gosched();
        goexit();
      } finally {
        yield* gosched();
        order.push("finally");
      }
    });
    await wg.wait();
    expect(order).toEqual(["finally"]);
  });

  it("a misuse is an error at its place, in words", async () => {
    const ch = chan<number>();
    const star = "write yield* recv(ch)";
    await expect(
      fiber(function* () {
        yield recv(ch) as never;
      } as () => Steps),
    ).rejects.toThrow(star);
    const iterated = fiber(function* () {
      for (const _ of recv(ch) as Iterable<unknown>);
      yield* gosched();
    });
    await expect(iterated).rejects.toThrow("write yield* before each of them");
    expect(() => [...(recv(ch) as Iterable<unknown>)]).toThrow("an operation ran outside of a fiber");
    expect(ch.trySend(1)).toBe(false);
  });
});

describe("cancellation", () => {
  const kinds: Record<string, () => Operation<unknown>> = {
    recv: () => recv(chan<number>()),
    send: () => send(chan<number>(), 1),
    select: () => select({ a: recv(chan<number>()), b: send(chan<number>(), 1), slow: timeout(60_000) }),
    sleep: () => sleep(60_000),
    until: () => until(new Promise(() => undefined)),
    acquire: () => acquire(new Weighted(0)),
    lock: () => {
      const mu = new Mutex();
      mu.tryLock();
      return lock(mu);
    },
    wait: () => {
      const wg = new WaitGroup();
      wg.add(1);
      return wait(wg);
    },
  };
  for (const [name, operation] of Object.entries(kinds)) {
    it(`a fiber whose context ends is ended in its ${name}, and its finally blocks run`, async () => {
      const [ctx, cancel] = withCancel(background());
      const order: string[] = [];
      const wg = new WaitGroup();
      wg.go(function* () {
        yield* endWith(ctx);
        try {
          yield* operation();
          order.push("not ended");
        } catch {
          order.push("caught");
        } finally {
          yield* sleep(1);
          order.push("finally");
        }
        order.push("went on");
      });
      for (let i = 0; i < 3; i++) await yieldNow();
      cancel();
      expect(order).toEqual([]);
      await wg.wait();
      expect(order).toEqual(["finally"]);
    });
  }

  it("a channel that an ended fiber waited on serves the others", async () => {
    const [ctx, cancel] = withCancel(background());
    const ch = chan<number>();
    for (const operation of [recv(ch), select({ a: recv(ch) })]) {
      go(function* () {
        yield* endWith(ctx);
        yield* operation;
      });
    }
    await yieldNow();
    cancel();
    await yieldNow();
    expect(ch.trySend(1)).toBe(false);
    const got = ch.recv();
    expect(ch.trySend(2)).toBe(true);
    expect(await got).toBe(2);
  });

  it("a value that was handed over is not lost: the fiber ends at its next yield", async () => {
    const [ctx, cancel] = withCancel(background());
    const ch = chan<number>();
    const got: unknown[] = [];
    go(function* () {
      yield* endWith(ctx);
      got.push(yield* recv(ch));
      yield* gosched();
      got.push("went on");
    });
    await yieldNow();
    ch.trySend(1);
    cancel();
    await yieldNow();
    await yieldNow();
    expect(got).toEqual([1]);
  });

  it("ends a loop that never waits, and one whose context was done before", async () => {
    const [ctx, cancel] = withCancel(background());
    const ch = chan<number>(1);
    let n = 0;
    const wg = new WaitGroup();
    wg.go(function* () {
      yield* endWith(ctx);
      for (;;) {
        yield* send(ch, n);
        yield* recv(ch);
        if (++n === 1000) cancel();
      }
    });
    await wg.wait();
    expect(n).toBe(1000);
    wg.go(function* () {
      yield* endWith(ctx);
      n = -1;
    });
    await wg.wait();
    expect(n).toBe(1000);
  });

  it("a context keeps nothing of fibers that have ended", async () => {
    const [ctx, cancel] = withCancel(background());
    const wg = new WaitGroup();
    for (let i = 0; i < 3; i++) {
      wg.go(function* () {
        yield* endWith(ctx);
        yield* endWith(ctx);
      });
    }
    await wg.wait();
    expect((ctx.done() as unknown as { recvq: { first: unknown } }).recvq.first).toBeUndefined();
    cancel();
  });
});

describe("both lanes", () => {
  it("goroutines of either kind meet on one channel, and nothing is lost", async () => {
    const ch = chan<number>(2);
    const wg = new WaitGroup();
    const sum = { fibers: 0, awaited: 0 };
    const readers = new WaitGroup();
    for (let r = 0; r < 2; r++) {
      readers.go(async () => {
        for await (const v of ch) sum.awaited += v;
      });
      readers.go(function* () {
        for (const values = range(ch); yield* values;) sum.fibers += values.value;
      });
    }
    for (let w = 0; w < 2; w++) {
      wg.go(async () => {
        for (let i = 1; i <= 500; i++) await ch.send(i);
      });
      wg.go(function* () {
        for (let i = 1; i <= 500; i++) yield* send(ch, i);
      });
    }
    await wg.wait();
    ch.close();
    await readers.wait();
    expect(sum.fibers + sum.awaited).toBe(4 * 125_250);
    expect(Math.min(sum.fibers, sum.awaited)).toBeGreaterThan(0);
  });

  it("the code of an awaited goroutine is never interrupted between two awaits", async () => {
    const ch = chan<number>(100);
    let step = 0;
    const wg = new WaitGroup();
    wg.go(function* () {
      for (const values = range(ch); yield* values;) step++;
    });
    wg.go(async () => {
      for (let i = 0; i < 200; i++) {
        const before = step;
        const sending = ch.send(i);
        ch.trySend(i);
        expect(step).toBe(before);
        await sending;
      }
      ch.close();
    });
    await wg.wait();
    expect(step).toBeGreaterThan(200);
  });

  it("a fiber runs no earlier than the next suspension of the code that starts it", async () => {
    const order: string[] = [];
    const wg = new WaitGroup();
    wg.go(function* () {
      wg.go(function* () {
        order.push("child");
        yield* gosched();
      });
      order.push("parent");
      yield* gosched();
    });
    order.push("starter");
    await wg.wait();
    expect(order).toEqual(["starter", "parent", "child"]);
  });

  it("the current goroutine is the one that runs, through any operation", async () => {
    const { below } = seeded();
    const ch = chan<number>();
    const buffered = chan<number>(3);
    const mu = new Mutex();
    const wrong = new Set<string>();
    const operations: Record<string, () => Operation<unknown>> = {
      send: () => select({ out: send(ch, 1), slow: timeout(1) }),
      recv: () => select({ in: recv(ch), slow: timeout(1) }),
      buffered: () => (buffered.len < 3 ? send(buffered, 1) : recv(buffered)),
      gosched,
      sleep: () => sleep(below(2)),
      until: () => until(below(2) === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, 1))),
    };
    const names = Object.keys(operations);
    const wg = new WaitGroup();
    for (let n = 0; n < 10; n++) {
      wg.go(function* () {
        const me = current();
        for (let i = 0; i < 200; i++) {
          const name = names[below(names.length)] as string;
          yield* operations[name]!();
          if (current() !== me) wrong.add(name);
          using _ = yield* lock(mu);
          if (current() !== me) wrong.add("lock");
          if (below(3) === 0) yield* gosched();
        }
      });
      wg.go(async () => {
        const me = current();
        for (let i = 0; i < 100; i++) {
          (await mu.lock())[Symbol.dispose]();
          if (current() !== me) wrong.add("awaited lock");
          await (below(2) === 0 ? yieldNow() : sleepAwaited(below(2)));
          if (current() !== me) wrong.add("awaited");
        }
      });
    }
    await wg.wait();
    expect([...wrong]).toEqual([]);
  });
});

describe("the types", () => {
  it("yield* is typed as the operation's result", () => {
    function* body(): Steps<string> {
      const v = yield* recv(chan<number>());
      expectTypeOf(v).toEqualTypeOf<number | undefined>();
      expectTypeOf(yield* recvOk(chan<number>())).toEqualTypeOf<Received<number>>();
      expectTypeOf(yield* send(chan<number>(), 1)).toEqualTypeOf<void>();
      const c = yield* select({ a: recv(chan<string>()), b: send(chan<number>(), 1), c: otherwise });
      if (c.case === "a" && c.ok) expectTypeOf(c.value).toEqualTypeOf<string>();
      expectTypeOf(yield* lock(new Mutex())).toEqualTypeOf<Disposable>();
      expectTypeOf(yield* until(Promise.resolve(1))).toEqualTypeOf<number>();
      expectTypeOf(yield* fail("x")).toEqualTypeOf<never>();
      return "x";
    }
    // @ts-expect-error -- a number is not a string
    void (() => send(chan<string>(), 1));
    expectTypeOf(body).returns.toEqualTypeOf<Steps<string>>();
    expect(true).toBe(true);
  });
});
