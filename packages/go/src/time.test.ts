import { describe, expect, it, vi } from "vitest";
import { background, Canceled, withCancel } from "./context.ts";
import { chan, gosched, otherwise, recv, select } from "./index.ts";
import { WaitGroup } from "./sync/index.ts";
import { expectNoLeaks } from "./test/quiet.ts";
import { runProgram } from "./test/program.ts";
import { after, afterFunc, now, sleep, tick, Ticker, Timer } from "./time.ts";

expectNoLeaks();

describe("sleep", () => {
  it("E1 lasts at least as long as asked, and not at all for 0 or less", async () => {
    for (const ms of [1, 2.5, 7]) {
      const began = performance.now();
      await sleep(ms);
      expect(performance.now() - began).toBeGreaterThanOrEqual(ms);
    }
    await sleep(0);
    await sleep(-5);
    await sleep(Number.NEGATIVE_INFINITY);
    await sleep(Number.NaN);
  });

  it("E1 asks for no timer at all for 0 or less, with a context neither, which counts first", async () => {
    const [ctx, cancel] = withCancel(background());
    const host = vi.spyOn(globalThis, "setTimeout");
    await sleep(0, ctx);
    await sleep(-5, ctx);
    expect(host).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    cancel();
    await expect(sleep(0, ctx)).rejects.toBe(Canceled);
  });

  it("E1 asks the host for no negative time, which it warns of, however late it is", async () => {
    const real = performance.now.bind(performance);
    let looks = 0;
    vi.spyOn(performance, "now").mockImplementation(() => real() + 10 * looks++);
    const host = vi.spyOn(globalThis, "setTimeout");
    await sleep(1);
    const asked = host.mock.calls.map(([, ms]) => ms);
    vi.restoreAllMocks();
    expect(asked).toEqual([0]);
  });

  it("E2 does not take a very long time for a short one", async () => {
    const [ctx, cancel] = withCancel(background());
    const long = Promise.all([2 ** 31, 2 ** 53, Infinity].map((ms) => sleep(ms, ctx).catch((e: unknown) => e)));
    await sleep(5);
    cancel();
    expect(await long).toEqual([Canceled, Canceled, Canceled]);
  });

  it("rejects with the context's err as soon as that is done", async () => {
    const [ctx, cancel] = withCancel(background());
    const sleeping = sleep(60_000, ctx);
    cancel();
    await expect(sleeping).rejects.toBe(Canceled);
    await expect(sleep(1, ctx)).rejects.toBe(Canceled);
    await sleep(1, background());
  });

  it("F35 shows in dumps", async () => {
    const { stderr } = await runProgram(`
      import { go } from "go";
      import { sleep } from "go/time";
      import { background, withCancel } from "go/context";
      import { goroutineProfile } from "go/pprof";
      go(function nap() { return sleep(60_000); });
      go(function siesta() { return sleep(60_000, withCancel(background())[0]); });
      await sleep(1);
      process.stderr.write(goroutineProfile({ debug: 2 }));
      process.exit(0);
    `);
    expect(stderr).toContain("goroutine 2 [sleep]:\nnap(...)\n");
    expect(stderr).toContain("goroutine 3 [sleep]:\nsiesta(...)\n");
  });
});

describe("Timer", () => {
  it("E3 after gives one value, not before its time", async () => {
    const began = performance.now();
    const ch = after(20);
    expect(ch.tryRecv()).toEqual({ ready: false });
    expect(await ch.recv()).toBeInstanceOf(Date);
    expect(performance.now() - began).toBeGreaterThanOrEqual(20);
    expect(ch.tryRecv()).toEqual({ ready: false });
  });

  it("E3 E5 gives the time at which it was due, however late it is read", async () => {
    const before = now().getTime();
    const ch = after(5);
    await sleep(30);
    const due = (await ch.recv()) as Date;
    expect(due.getTime()).toBeGreaterThanOrEqual(before + 5);
    expect(due.getTime()).toBeLessThan(now().getTime() - 20);
  });

  // A machine that stops the process between the four changes their deadlines, so their order is
  // asked of the deadlines themselves.
  it("E4 timers fire in the order of their deadlines", async () => {
    const order: { ms: number; due: number }[] = [];
    const wg = new WaitGroup();
    for (const [ms, timer] of [60_000, 30, 5, 20, 10].map((ms) => [ms, after(ms)] as const)) {
      if (ms === 60_000) continue;
      wg.go(async () => {
        order.push({ ms, due: ((await timer.recv()) as Date).getTime() });
      });
    }
    await wg.wait();
    expect(order.map(({ ms }) => ms).toSorted((a, b) => a - b)).toEqual([5, 10, 20, 30]);
    expect(order.map(({ due }) => due)).toEqual(order.map(({ due }) => due).toSorted((a, b) => a - b));
  });

  it("E9 E10 E14 stop and reset count a value nobody received as running, and throw it away", async () => {
    const t = new Timer(1);
    await sleep(5);
    expect([t.c.len, t.c.cap]).toEqual([0, 0]);
    expect([t.stop(), t.stop()]).toEqual([true, false]);
    expect(t.c.tryRecv().ready).toBe(false);
    expect(t.reset(1)).toBe(false);
    await sleep(5);
    expect(t.reset(60_000)).toBe(true);
    expect(t.c.tryRecv().ready).toBe(false);
    t.stop();
  });

  it("E11 after its value was received stop and reset say false", async () => {
    const t = new Timer(1);
    await t.c.recv();
    expect(t.stop()).toBe(false);
    expect(t.reset(1)).toBe(false);
    await t.c.recv();
  });

  it("E12 E16 reset and stop act on a timer somebody waits on", async () => {
    const t = new Timer(60_000);
    let got = false;
    const wg = new WaitGroup();
    wg.go(async () => {
      await t.c.recv();
      got = true;
    });
    await gosched();
    expect(t.stop()).toBe(true);
    await sleep(2);
    expect(got).toBe(false);
    expect(t.reset(1)).toBe(false);
    await wg.wait();
    expect(got).toBe(true);
  });

  it("E27 each value goes to one of those who wait", async () => {
    const t = new Timer(1);
    const stop = chan<never>();
    const wg = new WaitGroup();
    let got = 0;
    for (let i = 0; i < 5; i++) {
      wg.go(async () => {
        if ((await select({ t: recv(t.c), stop: recv(stop) })).case === "t") got++;
      });
    }
    await sleep(10);
    stop.close();
    await wg.wait();
    expect(got).toBe(1);
  });

  it("E19 a dropped timer costs no host timer", () => {
    const active = (): number => process.getActiveResourcesInfo().filter((r) => r === "Timeout").length;
    const before = active();
    for (let i = 0; i < 10_000; i++) {
      after(60_000);
      tick(60_000);
    }
    expect(active()).toBe(before);
  });
});

describe("afterFunc", () => {
  it("E6 E9 runs in a goroutine of its own, once, unless stopped", async () => {
    const ran = chan<number>();
    const t = afterFunc(1, () => ran.send(1));
    expect(t.c).toBeUndefined();
    expect(await ran.recv()).toBe(1);
    expect([t.stop(), t.reset(1)]).toEqual([false, false]);
    expect(await ran.recv()).toBe(1);
    const never = afterFunc(60_000, () => ran.send(2));
    expect([never.reset(60_000), never.stop(), never.stop()]).toEqual([true, true, false]);
  });

  it("E7 E8 a chain makes progress while others keep busy", async () => {
    const done = chan<never>();
    let left = 5;
    const next = (): void => {
      if (--left === 0) done.close();
      else afterFunc(0, next);
    };
    afterFunc(0, next);
    const ch = chan<number>(1);
    for (;;) {
      await ch.send(1);
      await ch.recv();
      if ((await select({ done: recv(done), idle: otherwise })).case === "done") break;
    }
    expect(left).toBe(0);
  });
});

describe("Ticker", () => {
  it("E22 E23 refuses an interval that is not positive; tick gives the nil channel for it", () => {
    expect(() => new Ticker(0)).toThrow(/^non-positive interval for NewTicker$/);
    const t = new Ticker(1);
    expect(() => t.reset(-1)).toThrow(/^non-positive interval for Ticker.Reset$/);
    t.stop();
    expect(tick(0)).toBeUndefined();
  });

  it("E25 a slow reader finds one tick, and the grid is kept", async () => {
    const t = new Ticker(10);
    const first = (await t.c.recv()) as Date;
    await sleep(35);
    const late = t.c.tryRecv();
    const lateTime = late.ready ? (late.value?.getTime() ?? 0) : 0;
    expect(lateTime).toBeGreaterThan(first.getTime());
    expect((lateTime - first.getTime()) % 10).toBe(0);
    const next = (await t.c.recv()) as Date;
    expect(next.getTime()).toBeGreaterThan(lateTime + 10);
    expect((next.getTime() - first.getTime()) % 10).toBe(0);
    t.stop();
  });

  it("E26 stop ends the ticks without closing, reset starts a fresh period", async () => {
    const t = new Ticker(1);
    await sleep(3);
    t.stop();
    expect(t.c.tryRecv().ready).toBe(false);
    t.reset(1);
    let ticks = 0;
    const wg = new WaitGroup();
    wg.go(async () => {
      for await (const _ of t.c) if (++ticks === 3) break;
    });
    await wg.wait();
    t.stop();
    expect(ticks).toBe(3);
  });
});

describe("a program with timers", () => {
  it("ends while a timer or ticker is there that nobody waits on, but not before an afterFunc", async () => {
    const { status, stdout } = await runProgram(`
      import { afterFunc, Ticker, Timer } from "go/time";
      new Timer(1e9); new Ticker(1e9);
      afterFunc(20, () => console.log("ran"));
    `);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "ran\n" });
  });
});
