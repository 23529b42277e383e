// The functions that the tests of /parallel run on other threads.
import { chan, go, gosched, otherwise, recv, select, send } from "@sluice/go";
import type { Bool, Int32, Int64, Uint32, Uint64 } from "@sluice/go/atomic";
import { cause, type Context } from "@sluice/go/context";
import {
  parallel,
  type Parallel,
  type SharedChan,
  type SharedCond,
  type SharedMutex,
  type SharedOnce,
  type SharedRWMutex,
  type SharedWaitGroup,
} from "@sluice/go/parallel";
import { sleep } from "@sluice/go/time";

export const isPrime: Parallel<[n: number], boolean> = parallel(import.meta.url, (n: number): boolean => {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return n > 1;
});
export const echo: Parallel<[value: unknown], unknown> = parallel(
  import.meta.url,
  function echo(value: unknown): unknown {
    return value;
  },
);
export const sum: Parallel<[a: number, b: number], Promise<number>> = parallel(
  import.meta.url,
  async function sum(a: number, b: number): Promise<number> {
    await gosched();
    return a + b;
  },
);
export const fib: Parallel<[n: number], Promise<number>> = parallel(
  import.meta.url,
  // Not a function of that name, which would call itself on its own thread.
  async (n: number): Promise<number> => {
    if (n < 2) return n;
    const [a, b] = await Promise.all([fib(n - 1), fib(n - 2)]);
    return a + b;
  },
);
export const boom: Parallel<[message: string], never> = parallel(
  import.meta.url,
  function boom(message: string): never {
    throw Object.assign(new RangeError(message, { cause: new Error("because") }), { code: "BOOM" });
  },
);
export const die: Parallel<[code: number], never> = parallel(import.meta.url, function die(code: number): never {
  process.exit(code);
});
export const dieLater: Parallel<[], Promise<void>> = parallel(
  import.meta.url,
  async function dieLater(): Promise<void> {
    await sleep(20);
    process.exit(7);
  },
);
export const thread: Parallel<[], Promise<number>> = parallel(
  import.meta.url,
  async function thread(): Promise<number> {
    return (await import("node:worker_threads")).threadId;
  },
);
export const make: Parallel<[], () => void> = parallel(import.meta.url, function make(): () => void {
  return () => undefined;
});
export const burn: Parallel<[ms: number], number> = parallel(import.meta.url, function burn(ms: number): number {
  const end = performance.now() + ms;
  let n = 0;
  while (performance.now() < end) n++;
  return n;
});
/** Ends when its context does, which it looks at without ever awaiting. */
export const untilDone: Parallel<[ctx: Context, flag: Int32Array], string> = parallel(
  import.meta.url,
  function untilDone(ctx: Context, flag: Int32Array): string {
    Atomics.store(flag, 0, 1);
    while (ctx.err() === undefined);
    return `${ctx.err()?.message}`;
  },
);
export const awaitDone: Parallel<[ctx: Context, began?: Int32Array], Promise<unknown[]>> = parallel(
  import.meta.url,
  async function awaitDone(ctx: Context, began?: Int32Array): Promise<unknown[]> {
    if (began) Atomics.store(began, 0, 1);
    const error = await sleep(60_000, ctx).catch((error: Error) => error);
    return [(error as Error).message, ctx.err() === error, cause(ctx)?.message, ctx.deadline()];
  },
);
/** Adds to a number that is no atomic, as often as it is told, each time with the lock. */
export const addLocked: Parallel<[mu: SharedMutex, n: Int32Array, times: number], Promise<void>> = parallel(
  import.meta.url,
  async function addLocked(mu: SharedMutex, n: Int32Array, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      using _ = await mu.lock();
      n[0] = n[0]! + 1;
    }
  },
);
export const produce: Parallel<[out: SharedChan<number>, from: number, to: number], Promise<void>> = parallel(
  import.meta.url,
  async function produce(out: SharedChan<number>, from: number, to: number): Promise<void> {
    for (let i = from; i < to; i++) await out.send(i);
  },
);
export const total: Parallel<[values: SharedChan<number>], Promise<[sum: number, count: number]>> = parallel(
  import.meta.url,
  async function total(values: SharedChan<number>): Promise<[sum: number, count: number]> {
    let sum = 0;
    let count = 0;
    for await (const v of values) {
      sum += v;
      count++;
    }
    return [sum, count];
  },
);
/** Receives one value, after two of these tasks have met: so each has a thread of its own. */
export const meetAndReceive: Parallel<[met: Int32, values: SharedChan<number>], Promise<number | undefined>> = parallel(
  import.meta.url,
  async function meetAndReceive(met: Int32, values: SharedChan<number>): Promise<number | undefined> {
    met.add(1);
    while (met.load() < 2);
    return values.recv();
  },
);
/**
 * Waits in its event loop and then computes until another task has set the second number; tells
 * whether it has.
 */
export const computeUntil: Parallel<[begun: Int32, other: Int32], Promise<boolean>> = parallel(
  import.meta.url,
  async function computeUntil(begun: Int32, other: Int32): Promise<boolean> {
    await sleep(1);
    begun.store(1);
    for (const end = performance.now() + 10_000; other.load() === 0 && performance.now() < end;);
    return other.load() === 1;
  },
);
export const set: Parallel<[n: Int32], void> = parallel(import.meta.url, function set(n: Int32): void {
  n.store(1);
});
/** Waits for a value, and so does a goroutine that it starts. */
export const waitTwice: Parallel<[values: SharedChan<number>], Promise<void>> = parallel(
  import.meta.url,
  async function waitTwice(values: SharedChan<number>): Promise<void> {
    go(async function helper() {
      await gosched();
      await values.recv();
    });
    await values.recv();
  },
);
/** Looks for a value without ever waiting for it, and tells how long it is. */
export const poll: Parallel<[values: SharedChan<string>], Promise<number>> = parallel(
  import.meta.url,
  async function poll(values: SharedChan<string>): Promise<number> {
    for (;;) {
      const got = values.tryRecv();
      if (got.ready) return got.value?.length ?? -1;
      await sleep(1);
    }
  },
);
/** What a select with a default takes at once. */
export const takeAtOnce: Parallel<[values: SharedChan<string>], Promise<number>> = parallel(
  import.meta.url,
  async function takeAtOnce(values: SharedChan<string>): Promise<number> {
    const c = await select({ value: recv(values), idle: otherwise });
    return c.case === "value" ? (c.value?.length ?? -1) : 0;
  },
);
export const lockAndDie: Parallel<[mu: SharedMutex], Promise<void>> = parallel(
  import.meta.url,
  async function lockAndDie(mu: SharedMutex): Promise<void> {
    await mu.lock();
    process.exit(4);
  },
);
/** Sends `n` values by one select over all channels, and then tells how many each took. */
export const multiSend: Parallel<[outs: SharedChan<number>[], n: number], Promise<number[]>> = parallel(
  import.meta.url,
  async function multiSend(outs: SharedChan<number>[], n: number): Promise<number[]> {
    const counts = outs.map(() => 0);
    for (let i = 0; i < n; i++) {
      const c = await select(outs.map((out) => send(out, i)));
      counts[c.case]!++;
    }
    return counts;
  },
);
export const multiRecv: Parallel<[ins: SharedChan<number>[], n: number], Promise<number>> = parallel(
  import.meta.url,
  async function multiRecv(ins: SharedChan<number>[], n: number): Promise<number> {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (await select(ins.map((ch) => recv(ch)))).value as number;
    return sum;
  },
);
/** Receives until the context is done; how many. */
export const untilCancelled: Parallel<[ctx: Context, values: SharedChan<number>], Promise<number>> = parallel(
  import.meta.url,
  async function untilCancelled(ctx: Context, values: SharedChan<number>): Promise<number> {
    for (let n = 0; ; n++) {
      const c = await select({ done: recv(ctx.done()), value: recv(values) });
      if (c.case === "done") return n;
    }
  },
);
export const sendLocal: Parallel<[values: SharedChan<number>], Promise<unknown[]>> = parallel(
  import.meta.url,
  async function sendLocal(values: SharedChan<number>): Promise<unknown[]> {
    const local = chan<number>();
    go(async () => {
      for (let i = 0; i < 1000; i++) await local.send(i);
    });
    let fromLocal = 0;
    let fromShared = 0;
    while (fromLocal + fromShared < 2000) {
      const c = await select({ here: recv(local), there: recv(values) });
      if (c.case === "here") fromLocal++;
      else fromShared++;
    }
    return [fromLocal, fromShared];
  },
);
export const count: Parallel<[numbers: [Int32, Uint32, Int64, Uint64, Bool], times: number], void> = parallel(
  import.meta.url,
  function count([a, b, c, d, e]: [Int32, Uint32, Int64, Uint64, Bool], times: number): void {
    for (let i = 0; i < times; i++) {
      a.add(1);
      b.add(1);
      c.add(1);
      d.add(1);
    }
    e.store(true);
  },
);
export const onceThere: Parallel<[once: SharedOnce, runs: Int32], Promise<void>> = parallel(
  import.meta.url,
  async function onceThere(once: SharedOnce, runs: Int32): Promise<void> {
    await once.do(async () => {
      await sleep(20);
      runs.add(1);
    });
    if (runs.load() !== 1) throw new Error("a call of do returned before the run had ended");
  },
);
export const doneAfter: Parallel<[wg: SharedWaitGroup, ms: number], Promise<void>> = parallel(
  import.meta.url,
  async function doneAfter(wg: SharedWaitGroup, ms: number): Promise<void> {
    await sleep(ms);
    wg.done();
  },
);
/** Reads or writes two numbers that must be equal. */
export const readWrite: Parallel<[rw: SharedRWMutex, pair: Int32Array, times: number], Promise<number>> = parallel(
  import.meta.url,
  async function readWrite(rw: SharedRWMutex, pair: Int32Array, times: number): Promise<number> {
    let torn = 0;
    for (let i = 0; i < times; i++) {
      if (i % 4 === 0) {
        using _ = await rw.lock();
        pair[0] = pair[0]! + 1;
        await gosched();
        pair[1] = pair[1]! + 1;
      } else {
        using _ = await rw.rLock();
        if (pair[0] !== pair[1]) torn++;
      }
    }
    return torn;
  },
);
export const waitUntil: Parallel<[cond: SharedCond, turn: Int32, mine: number], Promise<void>> = parallel(
  import.meta.url,
  async function waitUntil(cond: SharedCond, turn: Int32, mine: number): Promise<void> {
    await cond.L.lock();
    while (turn.load() !== mine) await cond.wait();
    turn.add(1);
    cond.L.unlock();
    cond.broadcast();
  },
);
/**
 * Two threads go through the rounds together: each stores 1 to its own number and loads the
 * other's.
 */
export const storeBuffer: Parallel<[mine: Int32, other: Int32, barrier: Int32, times: number, me: number], number[]> =
  parallel(import.meta.url, function storeBuffer(mine: Int32, other: Int32, barrier: Int32, times: number): number[] {
    const seen: number[] = [];
    const meet = (n: number): void => {
      barrier.add(1);
      while (barrier.load() < n * 2);
    };
    for (let i = 0; i < times; i++) {
      meet(i * 3 + 1);
      mine.store(1);
      seen.push(other.load());
      meet(i * 3 + 2);
      mine.store(0);
      meet(i * 3 + 3);
    }
    return seen;
  });
export const publish: Parallel<[data: Int32Array, ready: Int32, times: number], void> = parallel(
  import.meta.url,
  function publish(data: Int32Array, ready: Int32, times: number): void {
    for (let i = 1; i <= times; i++) {
      data[0] = i;
      ready.store(i);
      while (ready.load() !== -i);
    }
  },
);
/** How often the data was older than the flag. */
export const observe: Parallel<[data: Int32Array, ready: Int32, times: number], number> = parallel(
  import.meta.url,
  function observe(data: Int32Array, ready: Int32, times: number): number {
    let stale = 0;
    for (let i = 1; i <= times; i++) {
      while (ready.load() !== i);
      if (data[0] !== i) stale++;
      ready.store(-i);
    }
    return stale;
  },
);
