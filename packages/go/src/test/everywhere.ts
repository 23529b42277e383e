// What must hold wherever the published package runs: a program that uses the public entries only, and no host but the web's
// common ground. published.test.ts bundles it for a browser and runs it on each version of Node.
import { chan, go, gosched, main, numGoroutine, otherwise, recoverable, recv, select, send, timeout } from "@sluice/go";
import { Int32, Value } from "@sluice/go/atomic";
import {
  background,
  cause,
  DeadlineExceeded,
  fromSignal,
  key,
  withCancel,
  withTimeout,
  withValue,
} from "@sluice/go/context";
import { withContext } from "@sluice/go/errgroup";
import { find } from "@sluice/go/leak";
import { batch, fromEvent, generate, map, ordered, toReadableStream, workerPool } from "@sluice/go/patterns";
import { goroutineProfile } from "@sluice/go/pprof";
import { Weighted } from "@sluice/go/semaphore";
import { Group as Flight } from "@sluice/go/singleflight";
import { Cond, Mutex, Once, RWMutex, WaitGroup } from "@sluice/go/sync";
import { after, afterFunc, sleep, Ticker, Timer } from "@sluice/go/time";

/** What went wrong; empty where all is well. */
export const failures: string[] = [];
/** How many checks were made. */
export let checks = 0;

async function check(what: string, body: () => unknown, expected: unknown): Promise<void> {
  checks++;
  try {
    const got = JSON.stringify(await body());
    if (got !== JSON.stringify(expected)) failures.push(`${what}: got ${got}`);
  } catch (error) {
    failures.push(`${what}: ${String(error)}`);
  }
}

const ctx = background();

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const value of values) got.push(value);
  return got;
}

/** Runs all checks, in order. */
export async function checkEverything(): Promise<void> {
  await check(
    "a channel passes values in order, then ends",
    () => {
      const ch = chan<number>();
      go(async () => {
        for (let i = 0; i < 100; i++) await ch.send(i);
        ch.close();
      });
      return all(ch);
    },
    [...Array(100).keys()],
  );
  await check(
    "select takes what is ready, else waits, else times out",
    async () => {
      const a = chan<string>(1);
      const idle = await select({ a: recv(a), idle: otherwise });
      const sent = await select({ out: send(a, "x"), late: timeout(1000) });
      const got = await select([recv(a), recv(chan<string>())]);
      const late = await select({ a: recv(a), late: timeout(5) });
      return [idle.case, sent.case, got, late.case];
    },
    ["idle", "out", { case: 0, ok: true, value: "x" }, "late"],
  );
  await check(
    "a hot loop of operations leaves timers their turns",
    async () => {
      const seen = { ticks: 0 };
      const interval = setInterval(() => seen.ticks++, 1);
      const ch = chan<number>();
      const end = performance.now() + 10_000;
      go(async () => {
        for await (const _ of ch);
      });
      while (seen.ticks < 15 && performance.now() < end) await ch.send(1);
      ch.close();
      clearInterval(interval);
      return seen.ticks >= 15;
    },
    true,
  );
  await check(
    "sync: Mutex, RWMutex, WaitGroup, Once, Cond",
    async () => {
      const mu = new Mutex();
      const rw = new RWMutex();
      const wg = new WaitGroup();
      const once = new Once();
      const cond = new Cond(new Mutex());
      let n = 0;
      const state = { ready: false };
      for (let i = 0; i < 10; i++) {
        wg.go(async () => {
          using _ = await mu.lock();
          const seen = n;
          await gosched();
          n = seen + 1;
          await once.do(() => void (n += 100));
        });
      }
      wg.go(async () => {
        await cond.L.lock();
        while (!state.ready) await cond.wait();
        cond.L.unlock();
      });
      await gosched();
      state.ready = true;
      cond.broadcast();
      await wg.wait();
      await rw.rLock();
      const blocked = rw.tryLock() === undefined;
      rw.rUnlock();
      return [n, blocked];
    },
    [110, true],
  );
  await check(
    "atomic",
    () => {
      const n = new Int32();
      const v = new Value<string>();
      v.store("a");
      return [n.add(5), n.compareAndSwap(5, 7), n.load(), v.swap("b"), v.load()];
    },
    [5, true, 7, "a", "b"],
  );
  await check(
    "context: cancellation, deadline, values, signals",
    async () => {
      const user = key<string>("user");
      const [parent, cancel] = withCancel(withValue(ctx, user, "ada"));
      const [child] = withTimeout(parent, 60_000);
      cancel();
      const [late] = withTimeout(ctx, 1);
      const error = await sleep(60_000, late).catch((error: Error) => error);
      const fromAborted = fromSignal(AbortSignal.abort(new Error("away")));
      const piped = await new ReadableStream().pipeTo(new WritableStream(), { signal: child.signal }).catch(String);
      return [child.value(user), child.err()?.message, error === DeadlineExceeded, cause(fromAborted)?.message, piped];
    },
    ["ada", "context canceled", true, "away", "AbortError: context canceled"],
  );
  await check(
    "time: After, Timer, Ticker, AfterFunc",
    async () => {
      const ticker = new Ticker(1);
      await ticker.c.recv();
      await ticker.c.recv();
      ticker.stop();
      const stopped = new Timer(60_000).stop();
      const fired = chan<string>(1);
      afterFunc(1, () => fired.send("fired"));
      return [(await after(1).recv()) instanceof Date, stopped, await fired.recv()];
    },
    [true, true, "fired"],
  );
  await check(
    "errgroup, semaphore, singleflight",
    async () => {
      const [group, groupCtx] = withContext(ctx);
      await group.go(() => Promise.reject(new Error("first")));
      await group.go(() => sleep(60_000, groupCtx));
      const error = await group.wait().catch((error: Error) => error.message);
      const weighted = new Weighted(2);
      await weighted.acquire(ctx, 2);
      const full = weighted.tryAcquire(1);
      weighted.release(2);
      const flight = new Flight<string, number>();
      let runs = 0;
      const results = await Promise.all([1, 2].map(() => flight.do("k", async () => ++runs)));
      return [error, full, runs, results.map((result) => result.shared)];
    },
    ["first", false, 1, [true, true]],
  );
  await check(
    "patterns",
    async () => {
      const squares = ordered.map(ctx, generate(ctx, [1, 2, 3, 4, 5]), (n) => n * n, { workers: 3 });
      const sums = workerPool(ctx, generate(ctx, [1, 2, 3]), async (n) => n + 1, { workers: 2 });
      const first = [];
      for await (const n of map(ctx, generate(ctx, Array(1e6).keys()), (n) => n)) if (first.push(n) === 2) break;
      return [await all(batch(ctx, squares, 2)), (await all(sums)).sort((a, b) => a - b), first];
    },
    [
      [[1, 4], [9, 16], [25]],
      [2, 3, 4],
      [0, 1],
    ],
  );
  await check(
    "streams and events",
    async () => {
      const target = new EventTarget();
      const events = fromEvent(ctx, target, "tick");
      target.dispatchEvent(new Event("tick"));
      const types: string[] = [];
      for await (const event of events) if (types.push(event.type)) break;
      return [types, await all(generate(ctx, toReadableStream(generate(ctx, [1, 2, 3]))))];
    },
    [["tick"], [1, 2, 3]],
  );
  await check(
    "a recoverable panic, and no goroutine left",
    async () => {
      const caught = chan<string>(1);
      go(
        recoverable(
          () => Promise.reject(new Error("boom")),
          (error) => caught.send((error as Error).message),
        ),
      );
      const said = await caught.recv();
      const leak = await find();
      return [said, leak?.message ?? "none", numGoroutine()];
    },
    ["boom", "none", 1],
  );
  await check("pprof", () => goroutineProfile({ debug: 2 }).startsWith("goroutine 1 ["), true);
  if (typeof process === "undefined") {
    await check("main returns where there is no process to end", () => main(() => gosched()), undefined);
  }
}
