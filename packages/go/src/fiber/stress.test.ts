// Fibers against awaited goroutines: the same random work, by either kind and by both, and
// everybody else meanwhile.
import { afterEach, describe, expect, it, vi } from "vitest";
import { background, withCancel } from "../context.ts";
import { type Chan, chan, gosched as yieldNow } from "../index.ts";
import { Weighted } from "../semaphore.ts";
import { Mutex, RWMutex, WaitGroup } from "../sync/index.ts";
import { sleep as sleepAwaited } from "../time.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { type Random, seeded } from "../test/random.ts";
import {
  acquire,
  endWith,
  go,
  gosched,
  lock,
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
} from "./index.ts";

expectNoLeaks();
afterEach(() => vi.restoreAllMocks());

/** A stage of a network: it takes a value of each input in turn. Without inputs it is a source. */
interface Stage {
  readonly inputs: readonly number[];
  readonly output: number;
  readonly add: number;
}

/**
 * A random network in which each channel has one writer and one reader. So what comes out of it
 * does not depend on the schedule (Kahn 1974). It is a forest, since a diamond with small buffers
 * can deadlock.
 */
function network({ below }: Random): {
  readonly capacities: number[];
  readonly stages: Stage[];
  readonly last: number[];
} {
  const capacities: number[] = [];
  const open: number[] = [];
  const stages: Stage[] = [];
  const made = (): number => capacities.push([0, 0, 1, 2, 7, 100][below(6)]!) - 1;
  for (let i = 0; i < 5; i++) {
    const output = made();
    open.push(output);
    stages.push({ inputs: [], output, add: 10 + below(90) });
  }
  for (let i = 0; i < 6; i++) {
    const count = 1 + below(Math.min(3, open.length));
    const inputs = Array.from({ length: count }, () => open.splice(below(open.length), 1)[0]!);
    const output = made();
    open.push(output);
    stages.push({ inputs, output, add: below(100) });
  }
  return { capacities, stages, last: open };
}

async function awaited({ inputs, output, add }: Stage, chans: readonly Chan<number>[]): Promise<void> {
  const out = chans[output]!;
  for (let i = 0; inputs.length === 0 && i < add; i++) await out.send(i);
  for (let ins = inputs.map((i) => chans[i]!), i = 0; ins.length > 0;) {
    const [v, ok] = await ins[i % ins.length]!.recvOk();
    if (ok) await out.send(v + add);
    if (ok) i++;
    else ins = ins.toSpliced(i % ins.length, 1);
  }
  out.close();
}

function* generator({ inputs, output, add }: Stage, chans: readonly Chan<number>[]): Steps {
  const out = chans[output]!;
  for (let i = 0; inputs.length === 0 && i < add; i++) yield* send(out, i);
  for (let ins = inputs.map((i) => chans[i]!), i = 0; ins.length > 0;) {
    const [v, ok] = yield* recvOk(ins[i % ins.length]);
    if (ok) yield* send(out, v + add);
    if (ok) i++;
    else ins = ins.toSpliced(i % ins.length, 1);
  }
  out.close();
}

describe("the same work by fibers and by awaited goroutines", () => {
  it("gives the same from every random network, whichever kind its stages are", async () => {
    const random = seeded();
    for (let round = 0; round < 40; round++) {
      const { capacities, stages, last } = network(random);
      const results: number[][][] = [];
      for (const isFiber of [() => false, () => true, () => random.below(2) === 0]) {
        const chans = capacities.map((capacity) => chan<number>(capacity));
        const wg = new WaitGroup();
        const outs: number[][] = last.map(() => []);
        for (const stage of stages) {
          if (isFiber()) wg.go(() => generator(stage, chans));
          else wg.go(() => awaited(stage, chans));
        }
        for (const [k, i] of last.entries()) {
          if (isFiber()) {
            wg.go(function* () {
              for (const values = range(chans[i]); yield* values;) outs[k]!.push(values.value);
            });
          } else {
            wg.go(async () => {
              for await (const v of chans[i]!) outs[k]!.push(v);
            });
          }
        }
        await wg.wait();
        results.push(outs);
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    }
  });

  it("a select loses no value and doubles none, with timeouts, closes and cancelled readers", async () => {
    const { below } = seeded();
    const ch = chan<number>();
    const wg = new WaitGroup();
    const readers = new WaitGroup();
    const seen: number[] = [];
    const total = 4000;
    let next = 0;
    for (let p = 0; p < 3; p++) {
      wg.go(function* () {
        while (next < total) {
          const v = next++;
          while ((yield* select({ out: send(ch, v), slow: timeout(below(3) / 4) })).case === "slow");
          yield* pause(below);
        }
      });
    }
    const read = (): void => {
      const [ctx, cancel] = withCancel(background());
      readers.go(function* () {
        yield* endWith(ctx);
        let isClosed = false;
        try {
          for (;;) {
            const got = yield* select({ in: recv(ch), slow: timeout(below(3) / 4) });
            if (got.case === "slow") continue;
            isClosed = !got.ok;
            if (!got.ok) return;
            seen.push(got.value);
            if (below(200) === 0) cancel();
            yield* pause(below);
          }
        } finally {
          cancel();
          // Another one takes the place of a reader that was ended.
          if (!isClosed) read();
        }
      });
    };
    for (let c = 0; c < 3; c++) read();
    await wg.wait();
    ch.close();
    await readers.wait();
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
  });

  it("locks exclude and a semaphore admits no more than it has, among both kinds", async () => {
    const { below } = seeded();
    const mu = new Mutex();
    const rw = new RWMutex();
    const sem = new Weighted(5);
    const wg = new WaitGroup();
    const inside = { mu: 0, readers: 0, writers: 0, held: 0 };
    const check = (): void => {
      expect(inside.mu).toBeLessThanOrEqual(1);
      expect(inside.held).toBeLessThanOrEqual(5);
      expect(inside.writers === 0 || (inside.writers === 1 && inside.readers === 0)).toBe(true);
    };
    for (let g = 0; g < 8; g++) {
      wg.go(function* () {
        for (let i = 0; i < 60; i++) {
          {
            using _ = yield* lock(mu);
            inside.mu++;
            check();
            yield* pause(below);
            inside.mu--;
          }
          const isWriter = below(4) === 0;
          {
            using _ = yield* isWriter ? lock(rw) : rLock(rw);
            inside[isWriter ? "writers" : "readers"]++;
            check();
            yield* pause(below);
            inside[isWriter ? "writers" : "readers"]--;
          }
          const n = 1 + below(5);
          yield* acquire(sem, n);
          inside.held += n;
          check();
          yield* pause(below);
          inside.held -= n;
          sem.release(n);
        }
      });
      wg.go(async () => {
        for (let i = 0; i < 60; i++) {
          {
            using _ = await mu.lock();
            inside.mu++;
            check();
            await (below(3) === 0 ? yieldNow() : sleepAwaited(below(2)));
            inside.mu--;
          }
          using _ = await rw.rLock();
          inside.readers++;
          check();
          await yieldNow();
          inside.readers--;
          await sem.acquire(background(), 2);
          inside.held += 2;
          check();
          await yieldNow();
          inside.held -= 2;
          sem.release(2);
        }
      });
    }
    await wg.wait();
    expect(inside).toEqual({ mu: 0, readers: 0, writers: 0, held: 0 });
    expect([mu.tryLock(), rw.tryLock(), sem.tryAcquire(5)].every(Boolean)).toBe(true);
  });
});

function* pause(below: Random["below"]): Steps {
  const how = below(20);
  if (how === 0) yield* gosched();
  else if (how === 1) yield* sleep(below(2));
  else if (how < 4) yield* until(Promise.resolve());
}

describe("however hot fibers are", () => {
  /** What else happens while `start` keeps fibers busy for 200 ms. */
  async function during(start: (isBusy: () => boolean, wg: WaitGroup) => void): Promise<void> {
    const seen = { ticks: 0, turns: 0, awaited: 0, passed: 0 };
    const end = performance.now() + 200;
    const computed = process.threadCpuUsage();
    let known = 0;
    const isBusy = (): boolean => {
      if (performance.now() < end) return true;
      if (known++ % 64 !== 0) return true;
      const { user, system } = process.threadCpuUsage(computed);
      return user + system < 200_000;
    };
    const interval = setInterval(() => seen.ticks++, 1);
    const wg = new WaitGroup();
    const others = new WaitGroup();
    const relay = chan<number>(1);
    let isOver = false;
    others.go(async () => {
      for (; !isOver; seen.turns++) await yieldNow();
    });
    others.go(async () => {
      for (; !isOver; seen.awaited++) await relay.send(1);
      relay.close();
    });
    others.go(async () => {
      for await (const _ of relay) seen.passed++;
    });
    start(isBusy, wg);
    await wg.wait();
    isOver = true;
    clearInterval(interval);
    await others.wait();
    expect(Math.min(seen.ticks, seen.turns)).toBeGreaterThanOrEqual(15);
    expect(Math.min(seen.awaited, seen.passed)).toBeGreaterThanOrEqual(15);
  }

  it("timers, the event loop and awaited goroutines go on during an unbuffered ping-pong", async () => {
    await during((isBusy, wg) => {
      const ping = chan<boolean>();
      const pong = chan<boolean>();
      wg.go(function* () {
        for (const values = range(ping); yield* values;) yield* send(pong, values.value);
      });
      wg.go(function* () {
        while (isBusy()) {
          yield* send(ping, true);
          yield* recv(pong);
        }
        ping.close();
      });
    });
  });

  it("they go on beside a fiber that never waits, and one that unlocks and locks again", async () => {
    await during((isBusy, wg) => {
      const ch = chan<number>(1);
      wg.go(function* () {
        while (isBusy()) {
          yield* send(ch, 1);
          yield* recv(ch);
        }
      });
    });
    await during((isBusy, wg) => {
      const mu = new Mutex();
      for (let i = 0; i < 2; i++) {
        wg.go(function* () {
          while (isBusy()) {
            using _ = yield* lock(mu);
          }
        });
      }
    });
  });

  it("100,000 of them start, wait and end", async () => {
    const gate = chan<never>();
    const wg = new WaitGroup();
    let begun = 0;
    for (let i = 0; i < 100_000; i++) {
      wg.go(function* () {
        begun++;
        yield* recv(gate);
      });
    }
    while (begun < 100_000) await yieldNow();
    gate.close();
    await wg.wait();
    let n = 0;
    go(function* () {
      for (; n < 3; n++) yield* gosched();
    });
    while (n < 3) await yieldNow();
  });
});
