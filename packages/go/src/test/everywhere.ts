// What must hold wherever the published package runs: a program that uses the public entries only,
// and no host but the web's common ground. published.test.ts bundles it for a browser and runs it
// on each version of Node.
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
import {
  batch,
  Breaker,
  conflate,
  fromEvent,
  generate,
  groupBy,
  heal,
  hedge,
  map,
  ordered,
  Pool,
  stage,
  toReadableStream,
  window as windows,
  workerPool,
  workList,
} from "@sluice/go/patterns";
import { goroutineProfile } from "@sluice/go/pprof";
import { Topic } from "@sluice/go/pubsub";
import { every, KeyedLimiter, Limiter } from "@sluice/go/rate";
import { constant, permanent, retry } from "@sluice/go/retry";
import { Weighted } from "@sluice/go/semaphore";
import { Group as Flight } from "@sluice/go/singleflight";
import { Cond, Mutex, Once, RWMutex, WaitGroup } from "@sluice/go/sync";
import { after, afterFunc, sleep, Ticker, Timer } from "@sluice/go/time";
import { start, stop } from "@sluice/go/trace";

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
    "patterns by key, by time, for slow readers, for jobs that make jobs",
    async () => {
      const grouped: [boolean, number[]][] = [];
      const wg = new WaitGroup();
      for await (const { key, values } of groupBy(ctx, generate(ctx, [1, 2, 3, 4]), (n) => n % 2 === 0)) {
        wg.go(async () => void grouped.push([key, await all(values)]));
      }
      await wg.wait();
      const timed = windows.tumbling(ctx, generate(ctx, [1, 5, 12]), 10, { time: (n) => n });
      const listed = workList<number, number>(ctx, [1], (n, add) => {
        if (n < 4) add(n + 1);
        return n;
      });
      const doubled = stage<number>(ctx, [], (s) => s.emitAll([2, 4]));
      const latest = await all(conflate(ctx, generate(ctx, [1, 2, 3])));
      return [
        grouped.sort(([a], [b]) => Number(a) - Number(b)),
        (await all(timed)).map(({ values }) => values),
        await all(listed),
        await all(doubled),
        latest.at(-1),
      ];
    },
    [
      [
        [false, [1, 3]],
        [true, [2, 4]],
      ],
      [[1, 5], [12]],
      [1, 2, 3, 4],
      [2, 4],
      3,
    ],
  );
  await check(
    "rate, retry, and calls that fail or hang",
    async () => {
      const limiter = new Limiter(every(1), 1);
      await limiter.wait(ctx);
      await limiter.wait(ctx);
      const perKey = new KeyedLimiter<string>(0, 1);
      const allowed = [perKey.allow("a"), perKey.allow("a"), perKey.allow("b")];
      const options = { backoff: constant(1) };
      const third = await retry(ctx, (_, n) => (n < 3 ? Promise.reject(new Error("busy")) : n), options);
      const gone = await retry(ctx, () => Promise.reject(permanent(new Error("gone"))), options).catch(String);
      const breaker = new Breaker({ failures: 1 });
      await breaker.run(() => Promise.reject(new Error("down"))).catch(() => undefined);
      const second = await hedge(ctx, (c, n) => (n === 1 ? sleep(60_000, c).then(() => n) : n), { ms: 1 });
      const healed = await heal<unknown>(ctx, (c, beat) => (beat(), second === 2 ? "well" : sleep(60_000, c)), {
        ms: 60_000,
      });
      const pool = new Pool<number>(ctx, { workers: 2 });
      for (const n of [1, 2, 3]) await pool.go(() => n);
      return [allowed, third, gone, breaker.state, second, healed, await pool.wait()];
    },
    [[true, false, true], 3, "Error: gone", "open", 2, "well", [1, 2, 3]],
  );
  await check(
    "pubsub",
    async () => {
      const topic = new Topic<number>({ replay: 1 });
      const whole = topic.subscribe(ctx);
      const latest = topic.subscribe(ctx, { buffer: 1, slow: "dropOldest" });
      for (const n of [1, 2, 3]) await topic.publish(n);
      const late = topic.subscribe(ctx);
      topic.close();
      return [await all(whole), await all(latest), await all(late)];
    },
    [[1, 2, 3], [3], [3]],
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
  await check(
    "a trace",
    async () => {
      start();
      const ch = chan<number>();
      go(async function reader() {
        await ch.recv();
      });
      await sleep(1);
      await ch.send(1);
      const { traceEvents } = JSON.parse(stop()) as { traceEvents: { ph: string; name: string }[] };
      const has = (ph: string, name: string): boolean => traceEvents.some((e) => e.ph === ph && e.name === name);
      return [has("X", "chan receive"), has("X", "running"), has("s", "wake"), has("f", "wake")];
    },
    [true, true, true, true],
  );
  if (typeof process === "undefined") {
    await check("main returns where there is no process to end", () => main(() => gosched()), undefined);
  }
}
