// However hot goroutines are, timers, I/O and other goroutines go on.
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { chan, go, gosched, otherwise, recv, select } from "../index.ts";
import { Mutex, WaitGroup } from "../sync/index.ts";
import { expectNoLeaks } from "./quiet.ts";

expectNoLeaks();

/** What else happened while `work` kept the goroutines busy. */
interface Seen {
  /** Rounds of a 1 ms interval. */
  ticks: number;
  /** Files read, one after the other. */
  reads: number;
  /** Steps of a goroutine that only yields. */
  steps: number;
}

/**
 * Keeps goroutines busy for 200 ms, and until this thread has computed for as long: on a machine
 * with better things to do 200 ms may go by while it hardly runs at all.
 */
async function during(work: (busy: () => boolean) => Promise<void>): Promise<Seen> {
  const seen: Seen = { ticks: 0, reads: 0, steps: 0 };
  let over = false;
  const interval = setInterval(() => seen.ticks++, 1);
  const reading = (async () => {
    for (; !over; seen.reads++) await readFile(import.meta.filename);
  })();
  const stepping = new WaitGroup();
  stepping.go(async () => {
    for (; !over; seen.steps++) await gosched();
  });
  const end = performance.now() + 200;
  const computed = process.threadCpuUsage();
  let known = 0;
  await work(() => {
    if (performance.now() < end) return true;
    // Asked for now and then only, since it costs a call of the system.
    if (known++ % 64 !== 0) return true;
    const { user, system } = process.threadCpuUsage(computed);
    return user + system < 200_000;
  });
  over = true;
  clearInterval(interval);
  await reading;
  await stepping.wait();
  return seen;
}

const expectAll = ({ ticks, reads, steps }: Seen): void => {
  expect(ticks).toBeGreaterThanOrEqual(15);
  expect(reads).toBeGreaterThanOrEqual(1);
  expect(steps).toBeGreaterThanOrEqual(15);
};

describe("everybody else goes on", () => {
  it("F39 F40 during an unbuffered ping-pong", async () => {
    expectAll(
      await during(async (busy) => {
        const ping = chan<boolean>();
        const pong = chan<boolean>();
        go(async () => {
          for await (const more of ping) await pong.send(more);
        });
        while (busy()) {
          await ping.send(true);
          await pong.recv();
        }
        ping.close();
      }),
    );
  });

  it("F39 F40 during a polling select with otherwise", async () => {
    const ch = chan<number>();
    expectAll(
      await during(async (busy) => {
        while (busy()) await select({ got: recv(ch), idle: otherwise });
      }),
    );
  });

  it("F40 while a producer fills a large buffer", async () => {
    expectAll(
      await during(async (busy) => {
        const ch = chan<number>(100_000_000);
        for (let i = 0; busy(); i++) await ch.send(i);
      }),
    );
  });

  it("F40 while two goroutines only hand a mutex to each other", async () => {
    expectAll(
      await during(async (busy) => {
        const mu = new Mutex();
        const wg = new WaitGroup();
        for (let i = 0; i < 2; i++) {
          wg.go(async () => {
            while (busy()) {
              await mu.lock();
              await Promise.resolve();
              mu.unlock();
            }
          });
        }
        await wg.wait();
      }),
    );
  });

  it("F40 while goroutines only start goroutines", async () => {
    expectAll(
      await during(async (busy) => {
        const done = chan<never>();
        const next = (): void => {
          if (busy()) go(next);
          else done.close();
        };
        go(next);
        await done.recv();
      }),
    );
  });

  it("F40 while very many goroutines are started at once", async () => {
    let ticks = 0;
    const interval = setInterval(() => ticks++, 1);
    const wg = new WaitGroup();
    let ran = 0;
    for (let i = 0; i < 200_000; i++) {
      wg.go(() => {
        ran++;
      });
    }
    await wg.wait();
    clearInterval(interval);
    expect(ran).toBe(200_000);
    expect(ticks).toBeGreaterThan(5);
  });
});

describe("goroutines", () => {
  it("F39 gosched goes on although others never pause", async () => {
    const ch = chan<number>();
    const hot = { on: true, sent: 0 };
    const wg = new WaitGroup();
    wg.go(async () => {
      for await (const _ of ch);
    });
    wg.go(async () => {
      for (; hot.on; hot.sent++) await ch.send(1);
      ch.close();
    });
    for (let i = 0; i < 20; i++) await gosched();
    hot.on = false;
    await wg.wait();
    expect(hot.sent).toBeGreaterThan(0);
  });

  it("F41 of two pairs that play ping-pong, the one with far more work for each message holds back the other little", async () => {
    const counts = [0, 0];
    const wg = new WaitGroup();
    let over = false;
    for (const [pair, work] of [0, 1000].entries()) {
      const ping = chan<number>();
      const pong = chan<number>();
      wg.go(async () => {
        for await (const v of ping) {
          let sum = v;
          for (let i = 0; i < work; i++) sum += i;
          await pong.send(sum);
        }
      });
      wg.go(async () => {
        while (!over) {
          await ping.send(1);
          await pong.recv();
          counts[pair] = (counts[pair] as number) + 1;
        }
        ping.close();
      });
    }
    for (let i = 0; i < 30; i++) await gosched();
    over = true;
    await wg.wait();
    const [light, heavy] = counts as [number, number];
    expect(light).toBeGreaterThan(0);
    expect(heavy).toBeGreaterThan(light / 20);
    expect(light).toBeGreaterThan(heavy / 20);
  });
});
