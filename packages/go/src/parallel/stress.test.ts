// Stress: random programs over threads, checked for what must hold whatever the order. SEED=<n>
// repeats one; STRESS=<seconds> runs on.
import { gosched, recv, select, send, timeout } from "@sluice/go";
import { Int32 } from "@sluice/go/atomic";
import { gomaxprocs, sharedChan, type SharedChan, SharedMutex, SharedWaitGroup } from "@sluice/go/parallel";
import { beforeEach, describe, expect, it } from "vitest";
import { seeded } from "../test/random.ts";
import * as work from "../test/threads.ts";

const seconds = Number(process.env["STRESS"] ?? 1);

beforeEach(() => void gomaxprocs(2));

/** Runs rounds until the time is over, at least two. */
async function rounds(round: (n: number) => Promise<void>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (let n = 0; n < 2 || performance.now() < end; n++) await round(n);
}

describe("under stress", () => {
  it("no value is lost or repeated among senders, receivers and selects on several threads", async () => {
    const random = seeded();
    await rounds(async () => {
      gomaxprocs(1 + random.below(3));
      const chans = Array.from({ length: 1 + random.below(3) }, () => sharedChan<number>(random.below(3)));
      const pick = (): SharedChan<number>[] => chans.filter((_, i) => i === 0 || random.below(2) === 0);
      const n = 10 + random.below(60);
      const senders = Array.from({ length: 1 + random.below(3) }, () => work.multiSend(pick(), n));
      let sum = 0;
      let count = 0;
      const total = senders.length * n;
      const here = (async () => {
        while (count < total) {
          const c = await select([...chans.map((ch) => recv(ch)), timeout(60_000)]);
          if (!("value" in c) || c.value === undefined) throw new Error("nothing came for a minute");
          sum += c.value;
          count++;
          if (random.below(10) === 0) await gosched();
        }
      })();
      await Promise.all([here, ...senders]);
      expect([sum, chans.map((ch) => ch.len)]).toEqual([senders.length * ((n * (n - 1)) / 2), chans.map(() => 0)]);
    });
  });

  it("single calls, one after the other, always come back: a lost wake-up would hang", async () => {
    await rounds(async () => {
      for (let i = 0; i < 100; i++) expect(await work.echo(i)).toBe(i);
      await Promise.all([work.sum(1, 2), work.fib(6), work.echo("x".repeat(500))]);
    });
  });

  it("locks and counters on all threads agree", async () => {
    const random = seeded();
    await rounds(async () => {
      const mu = new SharedMutex();
      const n = new Int32Array(new SharedArrayBuffer(4));
      const times = 50 + random.below(200);
      await Promise.all([work.addLocked(mu, n, times), work.addLocked(mu, n, times), work.addLocked(mu, n, times)]);
      expect(n[0]).toBe(3 * times);
      const wg = new SharedWaitGroup();
      wg.add(3);
      const tasks = [0, 1, 2].map((ms) => work.doneAfter(wg, ms));
      await Promise.all([wg.wait(), wg.wait(), ...tasks]);
    });
  });

  it("litmus: store buffering and message passing through atomics never show what no order allows", async () => {
    const [x, y, flag] = [new Int32(), new Int32(), new Int32()];
    const data = new Int32Array(new SharedArrayBuffer(4));
    const times = 100 * seconds;
    const [a, b] = await Promise.all([work.storeBuffer(x, y, flag, times, 0), work.storeBuffer(y, x, flag, times, 1)]);
    expect(a.filter((seen, i) => seen === 0 && b[i] === 0)).toEqual([]);
    const ready = new Int32();
    const [, stale] = await Promise.all([work.publish(data, ready, times), work.observe(data, ready, times)]);
    expect(stale).toBe(0);
  });

  it("a send and a receive of one select, on three threads, meet others only", async () => {
    const ch = sharedChan<number>();
    const sends = work.multiSend([ch], 200);
    let got = 0;
    while (got < 200) {
      const c = await select({ in: recv(ch), out: send(ch, -1), late: timeout(60_000) });
      if (c.case !== "in" || c.value === undefined || c.value < 0) throw new Error(`it met itself: ${c.case}`);
      got++;
    }
    await sends;
  });
});
