import { setImmediate as turn, setTimeout as realSleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { background, afterFunc as afterContext, withCancel, withTimeout } from "../context.ts";
import { withContext } from "../errgroup.ts";
import { chan, go, goexit, gosched, numGoroutine, recv, select, send, timeout } from "../index.ts";
import { generate, map, heartbeat, window } from "../patterns/index.ts";
import { every, Limiter } from "../rate.ts";
import { constant, retry } from "../retry.ts";
import { Cond, Mutex, WaitGroup } from "../sync/index.ts";
import { runProgram } from "../test/program.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { after, afterFunc, now, sleep, Ticker, Timer } from "../time.ts";
import { sleep as sleepAndWait, test, wait } from "./index.ts";

expectNoLeaks();

const deadlocked = "deadlock: all goroutines in bubble are blocked";
const remained = "deadlock: main bubble goroutine has exited but blocked goroutines remain";

describe("a bubble's clock", () => {
  it("G40 begins at midnight UTC 2000-01-01 and is the same for all its goroutines", async () => {
    const seen: string[] = [];
    await test(async () => {
      const wg = new WaitGroup();
      for (let i = 0; i < 3; i++) wg.go(() => void seen.push(now().toISOString()));
      await wg.wait();
    });
    expect(seen).toEqual(Array(3).fill("2000-01-01T00:00:00.000Z"));
    await test(() => expect(now().getTime()).toBe(Date.UTC(2000, 0, 1)));
  });

  it("G41 moves only when all are durably blocked, straight to the next timer", async () => {
    const log: [string, number][] = [];
    const note = (who: string): void => void log.push([who, now().getTime() - Date.UTC(2000, 0, 1)]);
    await test(async () => {
      go(async () => {
        await sleep(24 * 3600_000);
        note("day");
      });
      await sleep(2_000);
      note("two seconds");
      await sleep(3600_000);
      note("an hour");
      await sleep(23 * 3600_000);
    });
    expect(log).toEqual([
      ["two seconds", 2_000],
      ["an hour", 3602_000],
      ["day", 24 * 3600_000],
    ]);
  });

  it("G41 stands still while a goroutine waits for something real", async () => {
    await test(async () => {
      let woken = false;
      go(async () => {
        await sleep(1);
        woken = true;
      });
      const began = now().getTime();
      await realSleep(20);
      await turn();
      expect([woken, now().getTime() - began]).toEqual([false, 0]);
      await sleep(1);
      await wait();
      expect(woken).toBe(true);
    });
  });

  it("G46 lets timers that are due at the same instant fire in varying order", async () => {
    const orders = new Set<string>();
    for (let i = 0; i < 64 && orders.size < 2; i++) {
      await test(async () => {
        const order: number[] = [];
        for (let n = 0; n < 4; n++) {
          go(async () => {
            await sleep(10);
            order.push(n);
          });
        }
        await sleep(20);
        orders.add(order.join());
      });
    }
    expect(orders.size).toBeGreaterThan(1);
  });

  it("G47 fires a timer of no time without waiting for the bubble to block", async () => {
    await test(async () => {
      let fired = 0;
      afterFunc(0, () => fired++);
      // A promise of the host's: this goroutine is not blocked.
      for (let i = 0; i < 50 && fired === 0; i++) await turn();
      expect([fired, now().getTime()]).toEqual([1, Date.UTC(2000, 0, 1)]);
    });
  });

  it("G48 gives the due time to who reads a timer late", async () => {
    await test(async () => {
      const timer = new Timer(1_000);
      await sleep(5_000);
      expect((await timer.c.recv())?.getTime()).toBe(Date.UTC(2000, 0, 1) + 1_000);
    });
  });

  it("G49 stands still when the root has returned: pending timers never fire", async () => {
    let fired = false;
    await test(() => {
      afterFunc(1, () => (fired = true));
    });
    await realSleep(10);
    expect(fired).toBe(false);
    await expect(test(() => go(() => sleep(1)))).rejects.toThrow(remained);
  });

  it("governs deadlines, tickers, timeouts of selects and patterns", async () => {
    await test(async () => {
      const began = now().getTime();
      const [ctx, cancel] = withTimeout(background(), 3600_000);
      expect(ctx.deadline()?.getTime()).toBe(began + 3600_000);
      await ctx.done()?.recv();
      cancel();
      expect([ctx.err()?.message, now().getTime() - began]).toEqual(["context deadline exceeded", 3600_000]);
      const ticker = new Ticker(60_000);
      await ticker.c.recv();
      expect((await ticker.c.recv())?.getTime()).toBe(began + 3600_000 + 120_000);
      ticker.stop();
      expect((await select({ never: recv(chan()), late: timeout(5_000) })).case).toBe("late");
      const [beating, stop] = withCancel(background());
      for await (const _ of heartbeat(beating, 1_000)) break;
      stop();
      expect(now().getTime() - began).toBe(3600_000 + 120_000 + 5_000 + 1_000);
    });
  });

  it("is not the fake one of the test framework, which may be on beside it", async () => {
    vi.useFakeTimers({ now: 5_000 });
    try {
      await test(async () => {
        await sleep(60_000);
        expect(now().toISOString()).toBe("2000-01-01T00:01:00.000Z");
      });
      expect(now().getTime()).toBe(5_000);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("what goes by the bubble's clock besides timers", () => {
  /** Milliseconds since the bubble began. */
  const passed = (): number => now().getTime() - Date.UTC(2000, 0, 1);
  async function* words(...steps: readonly (string | number)[]): AsyncGenerator<string> {
    for (const step of steps) {
      if (typeof step === "number") await sleep(step);
      else yield step;
    }
  }

  it("windows", async () => {
    const got: [words: string, at: number][] = [];
    await test(async () => {
      const ctx = background();
      const tumbling = window.tumbling(ctx, generate(ctx, words("a", 30, "b", 80, "c", 250, "d")), 100);
      for await (const { values } of tumbling) got.push([values.join(""), passed()]);
    });
    await test(async () => {
      const ctx = background();
      const sessions = window.session(ctx, generate(ctx, words("a", 30, "b", 150, "c", 300, "d")), 100);
      for await (const { values } of sessions) got.push([values.join(""), passed()]);
    });
    expect(got).toEqual([
      ["ab", 100],
      ["c", 200],
      ["d", 360],
      ["ab", 130],
      ["c", 280],
      ["d", 480],
    ]);
  });

  it("a limit and retries that look at the deadline of their context", async () => {
    await test(async () => {
      const [ctx, cancel] = withTimeout(background(), 250);
      using _ = cancel;
      const limiter = new Limiter(every(100), 1);
      for (let i = 0; i < 3; i++) await limiter.wait(ctx);
      expect(passed()).toBe(200);
      await expect(limiter.wait(ctx)).rejects.toThrow("rate: Wait(n=1) would exceed context deadline");
      let calls = 0;
      const failing = (): never => {
        throw new Error(`call ${++calls}`);
      };
      await expect(retry(ctx, failing, { backoff: constant(20) })).rejects.toThrow("call 3");
      expect(passed()).toBe(240);
    });
  });
});

describe("a bubble", () => {
  it("G39 has the goroutines that its own start, also by afterFunc, contexts and patterns", async () => {
    const at: number[] = [];
    const note = (): void => void at.push(now().getTime() - Date.UTC(2000, 0, 1));
    await test(async () => {
      go(() => go(async () => (await sleep(10), note())));
      afterFunc(20, note);
      const [ctx] = withTimeout(background(), 30);
      afterContext(ctx, note);
      for await (const v of map(background(), generate(background(), [40]), async (v) => (await sleep(v), v))) {
        expect(v).toBe(40);
        note();
      }
    });
    expect(at).toEqual([10, 20, 30, 40]);
  });

  it("G50 returns only after all its goroutines have ended", async () => {
    let ended = false;
    await test(() => {
      go(async () => {
        for (let i = 0; i < 20; i++) await gosched();
        ended = true;
      });
    });
    expect(ended).toBe(true);
    const before = numGoroutine();
    await test(async () => {
      const [group] = withContext(background());
      for (let i = 0; i < 5; i++) await group.go(() => sleep(i));
      await group.wait();
    });
    expect(numGoroutine()).toBe(before);
  });

  it("G51 rejects when all are blocked, and tells who", async () => {
    const error = await test(async () => {
      go(async function reader() {
        await chan().recv();
      });
      await new WaitGroup().wait();
      await chan().send(1);
    }).catch((error: Error) => error);
    expect(error).toMatchObject({ message: deadlocked });
    expect((error as Error).stack).toMatch(/goroutine \d+ \[chan send \(durable\), synctest bubble \d+\]:/);
    expect((error as Error).stack).toMatch(
      /goroutine \d+ \[chan receive \(durable\), synctest bubble \d+\]:\nreader\(/,
    );
    await expect(test(() => select({}))).rejects.toThrow(deadlocked);
    await expect(test(() => select({ a: recv(undefined) }))).rejects.toThrow(deadlocked);
  });

  it("G51 rejects when the root has returned and others are blocked", async () => {
    await expect(test(() => go(() => chan().recv()))).rejects.toThrow(remained);
    const ticks = test(() => {
      const ticker = new Ticker(1);
      go(async () => {
        for await (const _ of ticker.c);
      });
    });
    await expect(ticks).rejects.toThrow(remained);
  });

  it("rejects with what the root throws, and with what a goroutine of it throws", async () => {
    await expect(test(() => Promise.reject(new Error("root")))).rejects.toThrow("root");
    await expect(
      test(async () => {
        go(() => {
          throw new Error("child");
        });
        await sleep(1_000);
      }),
    ).rejects.toThrow("child");
    // The root's own failure, and not the deadlock that it leaves.
    await expect(
      test(async () => {
        go(() => chan().recv());
        await gosched();
        throw new Error("first");
      }),
    ).rejects.toThrow("first");
    await test(() => goexit());
  });

  it("G42 counts each wait that only the bubble can end as durable", async () => {
    const waits: [string, () => Promise<unknown>][] = [
      ["send", () => chan().send(1)],
      ["recv", () => chan().recv()],
      ["recvOk", () => chan().recvOk()],
      ["select", () => select({ a: recv(chan<number>()), b: send(chan<number>(), 1) })],
      ["nil", () => select([recv(undefined)])],
      ["none", () => select({})],
      [
        "Cond",
        async () => {
          const cond = new Cond(new Mutex());
          await cond.L.lock();
          await cond.wait();
        },
      ],
      [
        "WaitGroup",
        () => {
          const wg = new WaitGroup();
          wg.add(1);
          return wg.wait();
        },
      ],
    ];
    for (const [name, block] of waits) {
      expect(await test(block).catch((error: Error) => `${name}: ${error.message}`)).toBe(`${name}: ${deadlocked}`);
    }
  });

  it("G43 G56 waits in real time for channels, timers and WaitGroups of outside, and for locks", async () => {
    const outside = chan<number>();
    const wg = new WaitGroup();
    wg.add(1);
    const mu = new Mutex();
    await mu.lock();
    const timer = after(30);
    go(async () => {
      await realSleep(10);
      await outside.send(1);
      await outside.send(2);
      wg.done();
      await realSleep(10);
      mu.unlock();
    });
    await test(async () => {
      let late = false;
      go(async () => {
        await sleep(1);
        late = true;
      });
      expect(await outside.recv()).toBe(1);
      expect(await select({ a: recv(chan<number>()), out: recv(outside) })).toEqual({
        case: "out",
        ok: true,
        value: 2,
      });
      await wg.wait();
      (await mu.lock())[Symbol.dispose]();
      await timer.recv();
      expect([late, now().getTime()]).toEqual([false, Date.UTC(2000, 0, 1)]);
      await sleepAndWait(1);
    });
  });
});

describe("wait", () => {
  it("G44 resolves when all others have ended or are durably blocked", async () => {
    await test(async () => {
      const log: string[] = [];
      const ch = chan<number>();
      go(async () => {
        for (let i = 0; i < 30; i++) await gosched();
        log.push("ended");
      });
      go(async () => {
        await realSleep(5);
        log.push("blocks");
        log.push(`got ${await ch.recv()}`);
      });
      await wait();
      expect(log.toSorted()).toEqual(["blocks", "ended"]);
      await ch.send(7);
      await wait();
      expect(log.at(-1)).toBe("got 7");
    });
  });

  it("G45 goes after timers that are due and before the clock moves", async () => {
    await test(async () => {
      const log: string[] = [];
      afterFunc(0, () => log.push("due"));
      afterFunc(1, () => log.push("later"));
      await wait();
      expect(log).toEqual(["due"]);
      await sleepAndWait(1);
      expect(log).toEqual(["due", "later"]);
      const timer = new Timer(1_000);
      timer.reset(0);
      await timer.c.recv();
    });
  });

  it("G57 rejects outside of a bubble, and for a second one at the same time", async () => {
    await expect(wait()).rejects.toThrow("goroutine is not in a bubble");
    await test(async () => {
      const second = chan<string>(1);
      go(async () => {
        await wait().catch((error: Error) => second.send(error.message));
      });
      await wait();
      expect(await second.recv()).toBe("wait already in progress");
    });
    await test(() =>
      expect(test(() => undefined)).rejects.toThrow("synctest.Run called from within a synctest bubble"),
    );
  });

  it("G60 follows a sleep in one call", async () => {
    await test(async () => {
      let done = 0;
      for (let i = 0; i < 5; i++) {
        go(async () => {
          await sleep(10);
          for (let i = 0; i < 10; i++) await gosched();
          done++;
        });
      }
      await sleepAndWait(10);
      expect(done).toBe(5);
    });
  });
});

describe("across the border of a bubble", () => {
  const setup = `import { chan, go, otherwise, recv, select } from "go";
    import { test } from "go/synctest";
    import { Cond, Mutex, WaitGroup } from "go/sync";
    import { afterFunc, sleep, Timer } from "go/time";
    const box: any = {};\n`;

  async function expectFatal(message: string, body: string): Promise<void> {
    const { status, stderr } = await runProgram(`${setup}${body}\nconsole.log("went on");`);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(`fatal error: ${message}\n\n`) });
  }

  it("G52 a channel is of no use: a fatal error", async () => {
    const made = "await test(() => { box.ch = chan(1); });\n";
    await expectFatal("send on synctest channel from outside bubble", `${made}await box.ch.send(1);`);
    await expectFatal("receive on synctest channel from outside bubble", `${made}await box.ch.recv();`);
    await expectFatal("close of synctest channel from outside bubble", `${made}box.ch.close();`);
    await expectFatal(
      "select on synctest channel from outside bubble",
      `${made}await select({ a: recv(box.ch), b: otherwise });`,
    );
    await expectFatal("receive on synctest channel from outside bubble", `${made}await test(() => box.ch.tryRecv());`);
  });

  it("G53 nor is a timer", async () => {
    const timer = "await test(() => { box.t = new Timer(9); });\n";
    await expectFatal("reset of synctest timer from outside bubble", `${timer}box.t.reset(1);`);
    await expectFatal("stop of synctest timer from outside bubble", `${timer}box.t.stop();`);
    await expectFatal(
      "stop of synctest timer from outside bubble",
      "await test(() => { box.t = afterFunc(9, () => 0); }); box.t.stop();",
    );
  });

  it("G54 nobody wakes a waiter of a Cond", async () => {
    await expectFatal(
      "semaphore wake of synctest goroutine from outside bubble",
      `const cond = new Cond(new Mutex());
       const ready = chan();
       go(async () => { await ready.recv(); await sleep(5); cond.signal(); });
       await test(async () => {
         go(() => ready.recv());
         await cond.L.lock();
         await ready.send(1);
         await cond.wait();
       });`,
    );
  });

  it("G55 a WaitGroup counts on one side", async () => {
    const made = "const wg = new WaitGroup();\n";
    await expectFatal(
      "sync: WaitGroup.Add called from inside and outside synctest bubble",
      `${made}wg.add(1); await test(() => wg.add(1));`,
    );
    await expectFatal(
      "sync: WaitGroup.Add called from inside and outside synctest bubble",
      `${made}await test(() => wg.add(1)); wg.done();`,
    );
    await expectFatal(
      "sync: WaitGroup.Add called from multiple synctest bubbles",
      `${made}await test(() => wg.add(1)); await test(() => wg.add(1));`,
    );
  });

  it("G55 a WaitGroup that is back at zero may move on", async () => {
    const wg = new WaitGroup();
    for (let i = 0; i < 2; i++) {
      await test(async () => {
        wg.go(() => sleep(1_000));
        await wg.wait();
      });
    }
    wg.go(() => undefined);
    await wg.wait();
  });

  it("lets tests of several bubbles run at the same time, each with its own clock", async () => {
    const ends = await Promise.all(
      [1, 2, 3].map(async (n) => {
        let end = 0;
        await test(async () => {
          for (let i = 0; i < 3; i++) await sleep(n);
          end = now().getTime() - Date.UTC(2000, 0, 1);
        });
        return end;
      }),
    );
    expect(ends).toEqual([3, 6, 9]);
  });
});
