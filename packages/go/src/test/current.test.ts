// Which goroutine runs is known without diagnostics wherever goroutines await only what this
// library gives them: dumps and deadlock reports rest on it.
import { afterEach, expect, it, vi } from "vitest";
import { background, withCancel } from "../context.ts";
import { Group } from "../errgroup.ts";
import { chan, go, gosched, otherwise, recv, select, send, timeout } from "../index.ts";
import { current } from "../internal/goroutine.ts";
import { forEach, generate, map, reduce, replicate } from "../patterns/index.ts";
import { Weighted } from "../semaphore.ts";
import { Group as Flight } from "../singleflight.ts";
import { Cond, Mutex, Once, RWMutex, WaitGroup } from "../sync/index.ts";
import { after, sleep } from "../time.ts";
import { expectNoLeaks } from "./quiet.ts";
import { seeded } from "./random.ts";

expectNoLeaks();
afterEach(() => vi.restoreAllMocks());

it("F35 a goroutine that parks before its first await is not current for the code that continues", async () => {
  const ch = chan<number>();
  const start = async (): Promise<void> => {
    go(async () => void (await ch.recv()));
    await gosched();
    go(async () => void (await ch.recv()));
  };
  const me = current();
  await start();
  for (let i = 0; i < 3; i++) await Promise.resolve();
  expect(current()).toBe(me);
  ch.close();
  await gosched();
});

it("F35 the current goroutine is the one that runs, after every operation, whether it waited or not", async () => {
  const { below } = seeded();
  const ch = chan<number>();
  const buffered = chan<number>(3);
  const mu = new Mutex();
  const rw = new RWMutex();
  const cond = new Cond(new Mutex());
  const sem = new Weighted(2);
  const [ctx, cancel] = withCancel(background());
  const shared = new Once();
  const flight = new Flight<number, void>();
  const operations: Record<string, () => Promise<unknown>> = {
    send: () => select({ out: send(ch, 1), slow: timeout(1) }),
    recv: () => select({ in: recv(ch), slow: timeout(1) }),
    "buffered send": () => (buffered.len < 3 ? buffered.send(1) : buffered.recv()),
    "buffered recv": () => (buffered.len > 0 ? buffered.recvOk() : buffered.send(2)),
    "range step": () => (buffered.len > 0 ? buffered[Symbol.asyncIterator]().next() : gosched()),
    poll: () => select({ in: recv(ch), out: send(ch, 1), idle: otherwise }),
    gosched,
    sleep: () => sleep(below(2)),
    "sleep with a context": () => sleep(0.5, ctx),
    after: () => after(0.5).recv(),
  };
  const names = Object.keys(operations);
  const wrong = new Set<string>();
  const wg = new WaitGroup();
  for (let n = 0; n < 12; n++) {
    wg.go(async () => {
      const me = current();
      for (let i = 0; i < 300; i++) {
        const name = names[below(names.length)] as string;
        await operations[name]?.();
        if (current() !== me) wrong.add(name);
      }
    });
  }
  await wg.wait();
  // Those that take several steps, without an async function of the test's own in between.
  let over = false;
  for (let n = 0; n < 8; n++) {
    wg.go(async () => {
      const me = current();
      const after = (name: string): void => {
        if (current() !== me) wrong.add(name);
      };
      for (let i = 0; i < 50; i++) {
        const guard = await (below(2) === 0 ? mu.lock() : below(2) === 0 ? rw.lock() : rw.rLock());
        after("lock");
        await gosched();
        guard[Symbol.dispose]();
        await sem.acquire(ctx);
        after("acquire");
        await gosched();
        sem.release();
        await new Once().do(gosched);
        after("once");
        await shared.do(gosched);
        after("a shared once");
        const some = new WaitGroup();
        for (let k = 0; k < 2; k++) some.go(gosched);
        await some.wait();
        after("WaitGroup.wait");
        const g = new Group();
        g.setLimit(1);
        for (let k = 0; k < 2; k++) await g.go(gosched);
        after("Group.go");
        await g.wait();
        after("Group.wait");
        await flight.do(i, gosched);
        after("singleflight");
        if (buffered.trySend(1)) for await (const _ of buffered) break;
        after("break");
        for await (const _ of map(ctx, generate(ctx, [1, 2, 3]), (v) => v)) break;
        after("a stage's break");
        await forEach(ctx, generate(ctx, [1, 2]), gosched);
        after("forEach");
        await reduce(ctx, generate(ctx, [1, 2]), (sum, v) => sum + v, 0);
        after("reduce");
        await replicate(ctx, 2, gosched);
        after("replicate");
        await cond.L.lock();
        await cond.wait();
        after("Cond.wait");
        cond.L.unlock();
      }
    });
  }
  go(async () => {
    for (; !over; await gosched()) cond.signal();
  });
  await wg.wait();
  over = true;
  cancel();
  expect([...wrong]).toEqual([]);
});
