import { chan, go, otherwise, recv, select, send, timeout } from "@sluice/go";
import { Bool, Int32, Int64, Uint32, Uint64, Value } from "@sluice/go/atomic";
import { background, withCancel } from "@sluice/go/context";
import {
  gomaxprocs,
  sharedChan,
  SharedCond,
  SharedMutex,
  SharedOnce,
  SharedRWMutex,
  SharedWaitGroup,
  transfer,
} from "@sluice/go/parallel";
import { Mutex } from "@sluice/go/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as work from "../test/threads.ts";

beforeAll(() => void gomaxprocs(2));
afterAll(() => void gomaxprocs(2));

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "did not fail",
    (error: Error) => error.message,
  );
const sumTo = (n: number): number => (n * (n - 1)) / 2;

describe("sharedChan", () => {
  it("A2 A7 A8 A9 A15 works as a channel on one thread", async () => {
    const ch = sharedChan<number>(2);
    expect([ch.len, ch.cap, ch.trySend(1), ch.trySend(2), ch.trySend(3), ch.len]).toEqual([0, 2, true, true, false, 2]);
    const third = ch.send(3);
    expect([await ch.recv(), ch.len]).toEqual([1, 2]);
    await third;
    expect([await ch.recvOk(), ch.tryRecv(), ch.tryRecv()]).toEqual([
      [2, true],
      { ready: true, value: 3, ok: true },
      { ready: false },
    ]);
    expect(() => sharedChan(-1)).toThrow("makechan: size out of range");
  });

  it("A19 A20 A25 A26 closes as a channel does", async () => {
    const ch = sharedChan<string>(1);
    await ch.send("kept");
    const blocked = failure(ch.send("lost"));
    ch.close();
    expect(await blocked).toBe("send on closed channel");
    expect([await ch.recvOk(), await ch.recvOk(), ch.tryRecv()]).toEqual([
      ["kept", true],
      [undefined, false],
      { ready: true, value: undefined, ok: false },
    ]);
    expect(() => ch.trySend("x")).toThrow("send on closed channel");
    expect(await failure(ch.send("x"))).toBe("send on closed channel");
    expect(() => ch.close()).toThrow("close of closed channel");
    const waiting = sharedChan<number>();
    const got = waiting.recvOk();
    waiting.close();
    expect(await got).toEqual([undefined, false]);
  });

  for (const capacity of [0, 1, 100]) {
    it(`A10 A14 loses nothing and repeats nothing between threads, with capacity ${capacity}`, async () => {
      const values = sharedChan<number>(capacity);
      const sums = [work.total(values), work.total(values)];
      await Promise.all([work.produce(values, 0, 1500), work.produce(values, 1500, 3000)]);
      values.close();
      const got = await Promise.all(sums);
      expect([got[0]![0] + got[1]![0], got[0]![1] + got[1]![1]]).toEqual([sumTo(3000), 3000]);
    });

    it(`A10 keeps the order of one sender, with capacity ${capacity}`, async () => {
      const values = sharedChan<number>(capacity);
      void work.produce(values, 0, 500).then(() => values.close());
      const got: number[] = [];
      for await (const v of values) got.push(v);
      expect(got).toEqual([...Array(500).keys()]);
    });
  }

  it("carries values of every kind and size, and channels", async () => {
    const ch = sharedChan<unknown>(10);
    const inner = sharedChan<number>(1);
    const bytes = new Uint8Array(10_000).fill(1);
    const sent = [1, "x", { a: [1] }, "y".repeat(5_000), new Map([[1, 2]]), bytes];
    for (const value of sent) await ch.send(value);
    await ch.send(inner);
    await ch.send(transfer(bytes));
    for (const value of sent.slice(0, -1)) expect(await ch.recv()).toEqual(value);
    expect((await ch.recv()) as Uint8Array).toHaveLength(10_000);
    const again = (await ch.recv()) as typeof inner;
    await again.send(7);
    expect(await inner.recv()).toBe(7);
    expect([(await ch.recv()) as Uint8Array, bytes].map((b) => b.length)).toEqual([10_000, 0]);
    expect(await failure(ch.send(() => 1))).toMatch(/^a value sent to a sharedChan cannot be copied/);
  });
});

describe("a value that travels over a port", () => {
  it("comes to tryRecv, on a worker and on the first thread, once and in order", async () => {
    const values = sharedChan<string>(4);
    for (const n of [300, 400]) await values.send("x".repeat(n));
    const lengths = await Promise.all([work.poll(values), work.poll(values)]);
    expect(lengths.toSorted((a, b) => a - b)).toEqual([300, 400]);
    await values.send("x".repeat(500));
    expect(values.tryRecv()).toEqual({ ready: true, value: "x".repeat(500), ok: true });
    const unbuffered = sharedChan<string>();
    const sent = unbuffered.send("x".repeat(600));
    expect(await work.poll(unbuffered)).toBe(600);
    await sent;
  });

  it("goes to who takes it though another thread has asked for it", async () => {
    const values = sharedChan<string>(1);
    const polls = [work.poll(values), work.poll(values)];
    for (const n of [300, 400]) {
      await values.send("x".repeat(n));
      if (n === 300) await expect.poll(() => values.len).toBe(0);
    }
    expect((await Promise.all(polls)).toSorted((a, b) => a - b)).toEqual([300, 400]);
    await values.send("x".repeat(500));
    const late = work.poll(values);
    const here = values.recv();
    await values.send("x".repeat(700));
    expect([(await here)?.length, await late].toSorted((a, b) => a! - b!)).toEqual([500, 700]);
  });

  it("B6 B7 is ready for a select with a default", async () => {
    const values = sharedChan<string>(1);
    expect(await work.takeAtOnce(values)).toBe(0);
    await values.send("x".repeat(5_000));
    expect(await work.takeAtOnce(values)).toBe(5_000);
  });
});

describe("select over shared channels", () => {
  it("B6 B9 B12 B13 B14 decides as select does", async () => {
    const a = sharedChan<number>(1);
    const closed = sharedChan<number>(1);
    closed.close();
    expect(await select({ a: recv(a), idle: otherwise })).toEqual({ case: "idle" });
    expect(await select({ a: send(a, 5), nil: recv(undefined) })).toEqual({ case: "a" });
    expect(await select({ a: recv(a), slow: timeout(60_000) })).toEqual({ case: "a", ok: true, value: 5 });
    expect(await select([recv(a), recv(closed)])).toEqual({ case: 1, ok: false, value: undefined });
    expect(await failure(select({ out: send(closed, 1), idle: otherwise }))).toBe("send on closed channel");
    expect(await select({ a: recv(a), slow: timeout(5) })).toEqual({ case: "slow" });
    expect(await failure(select([recv(a), otherwise, otherwise]))).toBe("reflect.Select: multiple default cases");
  });

  it("B3 chooses among those that are ready with equal chance", async () => {
    const chans = [sharedChan<number>(1), sharedChan<number>(1)];
    const counts = [0, 0];
    for (let i = 0; i < 2000; i++) {
      for (const ch of chans) ch.trySend(1);
      counts[(await select(chans.map((ch) => recv(ch)))).case]!++;
    }
    for (const n of counts) expect(n).toBeGreaterThan(700);
  });

  it("B19 B20 B22 B23 loses no wake-up between selects of several threads and plain operations", async () => {
    const chans = [0, 1, 2, 3].map((n) => sharedChan<number>(n));
    const each = 300;
    const sends = [work.multiSend(chans, each), work.multiSend(chans, each)];
    const got = await Promise.all([work.multiRecv(chans, each), work.multiRecv(chans, each)]);
    expect(got[0] + got[1]).toBe(2 * sumTo(each));
    expect((await Promise.all(sends)).flat().reduce((a, b) => a + b)).toBe(2 * each);
    expect(chans.map((ch) => ch.len)).toEqual([0, 0, 0, 0]);
  });

  it("B17 B18 never meets itself, and panics if the channel is closed meanwhile", async () => {
    const ch = sharedChan<number>();
    const selves = [1, 2].map((n) => select({ out: send(ch, n), in: recv(ch) }));
    const got = await Promise.all(selves);
    expect(got.map((c) => c.case).sort()).toEqual(["in", "out"]);
    const blocked = failure(select({ out: send(ch, 1), other: recv(sharedChan<number>()) }));
    ch.close();
    expect(await blocked).toBe("send on closed channel");
  });

  it("ends by a context's cancellation in a worker", async () => {
    const values = sharedChan<number>();
    const [ctx, cancel] = withCancel(background());
    const ended = work.untilCancelled(ctx, values);
    await values.send(1);
    await values.send(2);
    cancel();
    expect(await ended).toBe(2);
  });

  it("waits for channels of one thread and of several at once, and loses nothing", async () => {
    const values = sharedChan<number>();
    const ended = work.sendLocal(values);
    for (let i = 0; i < 1000; i++) await values.send(i);
    expect(await ended).toEqual([1000, 1000]);
    const local = chan<number>();
    const shared = sharedChan<number>();
    go(async () => {
      const c = await select({ out: send(local, 1), there: recv(shared) });
      if (c.case !== "out") throw new Error(`decided for ${c.case}`);
    });
    expect(await select({ in: recv(local), other: recv(shared) })).toEqual({ case: "in", ok: true, value: 1 });
    expect([local.trySend(1), shared.trySend(1)]).toEqual([false, false]);
  });
});

describe("shared locks", () => {
  it("C13 SharedMutex: excludes the goroutines of all threads", async () => {
    const mu = new SharedMutex();
    const n = new Int32Array(new SharedArrayBuffer(4));
    const here = async (): Promise<void> => {
      for (let i = 0; i < 500; i++) {
        using _ = await mu.lock();
        n[0] = n[0]! + 1;
      }
    };
    await Promise.all([work.addLocked(mu, n, 2000), work.addLocked(mu, n, 2000), here()]);
    expect(n[0]).toBe(4500);
  });

  it("SharedMutex: stays locked if the worker ends that has locked it, and its caller may unlock it", async () => {
    const mu = new SharedMutex();
    expect(await failure(work.lockAndDie(mu))).toMatch(/the worker that ran this task has ended/);
    const next = mu.lock();
    expect(mu.tryLock()).toBeUndefined();
    mu.unlock();
    using _ = await next;
  });

  it("C17 SharedMutex: tryLock, and guards that unlock once", async () => {
    const mu = new SharedMutex();
    const guard = await mu.lock();
    expect(mu.tryLock()).toBeUndefined();
    const next = mu.lock();
    guard[Symbol.dispose]();
    (await next)[Symbol.dispose]();
    guard[Symbol.dispose]();
    const own = mu.tryLock();
    expect(own).toBeDefined();
    mu.unlock();
    own?.[Symbol.dispose]();
    expect(mu.tryLock()).toBeDefined();
  });

  it("C24 C25 C28 SharedRWMutex: readers together, writers alone", async () => {
    const rw = new SharedRWMutex();
    const a = await rw.rLock();
    const b = rw.tryRLock();
    expect([b !== undefined, rw.tryLock()]).toEqual([true, undefined]);
    const writer = rw.lock();
    expect(rw.tryRLock()).toBeUndefined();
    a[Symbol.dispose]();
    b?.[Symbol.dispose]();
    (await writer)[Symbol.dispose]();
    const pair = new Int32Array(new SharedArrayBuffer(8));
    const torn = await Promise.all([1, 2, 3].map(() => work.readWrite(rw, pair, 200)));
    expect([...torn, pair[0], pair[1]]).toEqual([0, 0, 0, 150, 150]);
  });

  it("C2 C4 SharedWaitGroup: waits for all threads", async () => {
    const wg = new SharedWaitGroup();
    await wg.wait();
    wg.add(2);
    const tasks = [work.doneAfter(wg, 10), work.doneAfter(wg, 30)];
    let isOver = false;
    const waits = [1, 2].map(() => wg.wait().then(() => (isOver = true)));
    wg.go(() => expect(isOver).toBe(false));
    await Promise.all(waits);
    await Promise.all(tasks);
    expect(() => wg.done()).toThrow("sync: negative WaitGroup counter");
  });

  it("C33 C34 C35 SharedOnce: runs once on all threads, and nobody returns before", async () => {
    const runs = new Int32();
    const once = new SharedOnce();
    await Promise.all([1, 2, 3, 4].map(() => work.onceThere(once, runs)));
    expect(runs.load()).toBe(1);
    const bad = new SharedOnce();
    expect(await failure(bad.do(() => Promise.reject(new Error("x"))))).toBe("x");
    await bad.do(() => expect.unreachable());
  });

  it("C44 C46 C47 SharedCond: wakes those that wait, on all threads", async () => {
    const cond = new SharedCond(new SharedMutex());
    const turn = new Int32();
    const tasks = [3, 2, 1].map((mine) => work.waitUntil(cond, turn, mine));
    await work.waitUntil(cond, turn, 0);
    await Promise.all(tasks);
    expect(turn.load()).toBe(4);
  });

  it("C68 C70 /atomic: the same numbers on every thread", async () => {
    const numbers: [Int32, Uint32, Int64, Uint64, Bool] = [
      new Int32(),
      new Uint32(),
      new Int64(),
      new Uint64(),
      new Bool(),
    ];
    await Promise.all([work.count(numbers, 1000), work.count(numbers, 1000)]);
    expect(numbers.map((n) => n.load())).toEqual([2000, 2000, 2000n, 2000n, true]);
  });

  it("says what belongs to one thread, and what to use", async () => {
    expect(await failure(work.echo({ ch: chan() }))).toBe(
      "argument 1 of echo cannot be copied to another thread: it holds, at ch, a Chan, whose ends are on one thread; use sharedChan",
    );
    expect(await failure(work.echo(new Mutex()))).toMatch(/use SharedMutex$/);
    expect(await failure(work.echo(new Value()))).toMatch(/or use a sharedChan$/);
  });
});
