// Many goroutines, random pauses and cancellations, and what must hold of each primitive all the
// while and at the end.
import { afterEach, describe, expect, it, vi } from "vitest";
import { background, Canceled, withCancel, withTimeout } from "../context.ts";
import { Group, withContext } from "../errgroup.ts";
import { chan, gosched, recv, select, send, timeout } from "../index.ts";
import { Weighted } from "../semaphore.ts";
import { Group as Flight } from "../singleflight.ts";
import { Cond, Mutex, RWMutex, WaitGroup } from "../sync/index.ts";
import { sleep } from "../time.ts";
import { expectNoLeaks } from "./quiet.ts";
import { type Random, seeded } from "./random.ts";

expectNoLeaks();
afterEach(() => vi.restoreAllMocks());

/** A short random pause: none, some microtasks, a turn of the event loop, or a timer. */
async function pause({ below }: Random): Promise<void> {
  const how = below(20);
  if (how === 0) await gosched();
  else if (how === 1) await sleep(below(2));
  else for (let k = how % 5; k > 0; k--) await Promise.resolve();
}

describe("under stress", () => {
  it("B22 select with timeouts loses no value and doubles none", async () => {
    const random = seeded();
    const ch = chan<number>();
    const wg = new WaitGroup();
    const seen: number[] = [];
    const total = 4000;
    let next = 0;
    for (let p = 0; p < 3; p++) {
      wg.go(async () => {
        while (next < total) {
          const v = next++;
          // A send that times out has sent nothing, so it is tried again.
          while ((await select({ out: send(ch, v), slow: timeout(random.below(3) / 4) })).case === "slow");
          await pause(random);
        }
      });
    }
    const readers = new WaitGroup();
    for (let c = 0; c < 3; c++) {
      readers.go(async () => {
        for (;;) {
          const got = await select({ in: recv(ch), slow: timeout(random.below(3) / 4) });
          if (got.case === "slow") continue;
          if (!got.ok) return;
          seen.push(got.value);
          await pause(random);
        }
      });
    }
    await wg.wait();
    ch.close();
    await readers.wait();
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
  });

  it("G13 G15 G18 G19 a semaphore never admits too much, and no unit is lost by cancelling", async () => {
    const random = seeded();
    const size = 7;
    const sem = new Weighted(size);
    const wg = new WaitGroup();
    let held = 0;
    let refused = 0;
    for (let g = 0; g < 30; g++) {
      wg.go(async () => {
        for (let i = 0; i < 40; i++) {
          // Now and then more than there is.
          const n = 1 + random.below(size + 1);
          const [ctx, cancel] = n > size ? withTimeout(background(), 0.5) : withCancel(background());
          const waiting = sem.acquire(ctx, n);
          const cancelling = random.below(3) === 0;
          if (cancelling) void pause(random).then(cancel);
          const error = await waiting.catch((e: Error) => e);
          if (error === undefined) {
            held += n;
            expect(held).toBeLessThanOrEqual(size);
            await pause(random);
            held -= n;
            sem.release(n);
          } else {
            refused++;
            expect(error).toBe(ctx.err());
          }
          cancel();
        }
      });
    }
    await wg.wait();
    expect(held).toBe(0);
    expect(refused).toBeGreaterThan(0);
    expect(sem.tryAcquire(size)).toBe(true);
  });

  it("C13 C25 C44 locks exclude, and Cond's waiters all get their turn", async () => {
    const random = seeded();
    const mu = new Mutex();
    const rw = new RWMutex();
    const cond = new Cond(mu);
    const wg = new WaitGroup();
    const queue: number[] = [];
    const taken: number[] = [];
    let readers = 0;
    let writers = 0;
    for (let g = 0; g < 8; g++) {
      wg.go(async () => {
        for (let i = 0; i < 100; i++) {
          if (g % 2 === 0) {
            using _ = await mu.lock();
            queue.push(g * 100 + i);
            cond.signal();
          } else {
            using _ = await mu.lock();
            while (queue.length === 0) await cond.wait();
            taken.push(queue.shift() as number);
          }
          if (random.below(3) === 0) {
            using _ = await rw.lock();
            expect([++writers, readers]).toEqual([1, 0]);
            await pause(random);
            writers--;
          } else {
            using _ = await rw.rLock();
            readers++;
            expect(writers).toBe(0);
            await pause(random);
            readers--;
          }
        }
      });
    }
    await wg.wait();
    expect([taken.length, new Set(taken).size, queue.length]).toEqual([400, 400, 0]);
  });

  it("G2 G4 G5 G7 a group keeps its limit, ends after all, and tells the first error", async () => {
    const random = seeded();
    for (let round = 0; round < 20; round++) {
      const [g, ctx] = round % 2 === 0 ? withContext(background()) : [new Group(), background()];
      const limit = 1 + random.below(5);
      g.setLimit(limit);
      let running = 0;
      let ended = 0;
      let first: Error | undefined;
      const tasks = 40;
      const failing = random.below(2 * tasks);
      for (let i = 0; i < tasks; i++) {
        await g.go(async () => {
          expect(++running).toBeLessThanOrEqual(limit);
          try {
            await pause(random);
            if (i === failing || i === failing + 3) {
              const error = new Error(`${i}`);
              first ??= error;
              throw error;
            }
          } finally {
            running--;
            ended++;
          }
        });
      }
      const error = await g.wait().catch((e: Error) => e);
      expect([error, ended, running]).toEqual([first, tasks, 0]);
      if (round % 2 === 0) expect(ctx.err()).toBe(Canceled);
    }
  });

  it("G22 G24 G26 singleflight gives each caller the result of a run that was under way or began with its call", async () => {
    const random = seeded();
    const flight = new Flight<number, number>();
    const wg = new WaitGroup();
    const over: boolean[] = [];
    let stale = 0;
    for (let g = 0; g < 12; g++) {
      wg.go(async () => {
        for (let i = 0; i < 40; i++) {
          if (random.below(10) === 0) flight.forget(i % 2);
          const known = [...over];
          const { value } = await flight.do(i % 2, async () => {
            const run = over.push(false) - 1;
            await pause(random);
            // Until its end is known to those who wait, it may still be joined.
            void gosched().then(() => (over[run] = true));
            return run;
          });
          if (known[value] === true) stale++;
          await pause(random);
        }
      });
    }
    await wg.wait();
    await gosched();
    expect([stale, over.length < 12 * 40]).toEqual([0, true]);
  });
});
