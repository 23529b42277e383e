// What Go's tests of package time check (time/sleep_test, time/tick_test), said anew. No test looks
// at how long anything took, only at what came and in which order.
import { afterEach, describe, expect, it, vi } from "vitest";
import { chan, go, gosched, otherwise, recv, select, timeout, type RecvChan } from "../index.ts";
import { goroutineProfile, recordStacks } from "../pprof.ts";
import { WaitGroup } from "../sync/index.ts";
import { after, afterFunc, sleep, tick, Ticker, Timer } from "../time.ts";
import { expectNoLeaks } from "./quiet.ts";
import { seeded } from "./random.ts";

expectNoLeaks();
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const hostTimers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
const isReady = async (c: RecvChan<Date>): Promise<boolean> =>
  (await select({ tick: recv(c), idle: otherwise })).case === "tick";
/** What a second look in the same turn would not change: the channel looks unbuffered. */
const expectUnbuffered = (c: RecvChan<Date>): void => expect([c.len, c.cap]).toEqual([0, 0]);

describe("a timer's channel", () => {
  it("E9 E10 E11 E14 E16 E18 through stop and reset, with and without somebody waiting", async () => {
    const t = new Timer(60_000);
    expectUnbuffered(t.c);
    expect(await isReady(t.c)).toBe(false);
    // Running.
    expect([t.stop(), t.stop()]).toEqual([true, false]);
    // Stopped; runs and fires unseen.
    expect(t.reset(0.1)).toBe(false);
    await sleep(2);
    expectUnbuffered(t.c);
    expect(t.stop()).toBe(true);
    expect(await isReady(t.c)).toBe(false);
    expect(t.stop()).toBe(false);
    // Fired unseen, then moved away: the stale value is gone.
    t.reset(0.1);
    await sleep(2);
    expect(t.reset(60_000)).toBe(true);
    expect(await isReady(t.c)).toBe(false);
    // Fired and received.
    t.reset(0.1);
    await t.c.recv();
    expect([t.stop(), t.reset(60_000)]).toEqual([false, false]);

    const woken = chan<boolean>(1);
    go(async () => {
      await t.c.recv();
      await woken.send(true);
    });
    await gosched();
    expectUnbuffered(t.c);
    expect(t.reset(50_000)).toBe(true);
    expect(t.stop()).toBe(true);
    await sleep(2);
    expect(woken.len).toBe(0);
    expect(t.reset(0.1)).toBe(false);
    await woken.recv();
    expect(t.stop()).toBe(false);
  });

  it("E10 gives up a value that a select saw and did not take", async () => {
    let passedBy = 0;
    while (passedBy < 5) {
      const t = new Timer(0);
      const ready = chan<number>(1);
      ready.trySend(1);
      if ((await select({ tick: recv(t.c), other: recv(ready) })).case === "tick") continue;
      passedBy++;
      expect(passedBy % 2 === 0 ? t.stop() : t.reset(60_000)).toBe(true);
      expect(await isReady(t.c)).toBe(false);
      t.stop();
    }
  });

  it("E25 E26 E18 of a ticker likewise, with one tick pending at most", async () => {
    const t = new Ticker(60_000);
    expectUnbuffered(t.c);
    expect(await isReady(t.c)).toBe(false);
    t.reset(1);
    await sleep(8);
    expectUnbuffered(t.c);
    // A tick is pending; a reset throws it away, and so does a stop.
    t.reset(60_000);
    expect(await isReady(t.c)).toBe(false);
    t.reset(1);
    await sleep(4);
    t.stop();
    expect(await isReady(t.c)).toBe(false);
    t.stop();

    const woken = chan<boolean>(1);
    go(async () => {
      await t.c.recv();
      await woken.send(true);
    });
    await gosched();
    t.reset(50_000);
    await sleep(2);
    expect(woken.len).toBe(0);
    t.reset(0.5);
    await woken.recv();
    t.stop();
    // Stopped is not closed.
    expect(t.c.tryRecv()).toEqual({ ready: false });
  });

  it("E13 has a value, or had, wherever stop or reset says false", async () => {
    const { below } = seeded();
    for (let i = 0; i < 100; i++) {
      const t = new Timer(1);
      for (let k = below(3); k > 0; k--) await sleep(0.5);
      const received = below(2) === 0 && (await isReady(t.c));
      const was = i % 2 === 0 ? t.stop() : t.reset(60_000);
      // What was not received yet counts as running and is gone, so false means received.
      expect(was).toBe(!received);
      expect(await isReady(t.c)).toBe(false);
      t.stop();
    }
  });

  it("E15 is not late for a reset to an earlier moment", async () => {
    for (let i = 0; i < 50; i++) {
      const t = new Timer(60_000);
      const got = t.c.recv();
      t.reset(10 * 60_000);
      t.reset(0.2);
      expect(await got).toBeInstanceOf(Date);
    }
  });

  it("E27 gives each tick to one of those who wait", async () => {
    const t = new Ticker(1);
    const wg = new WaitGroup();
    const seen: number[] = [];
    for (let w = 0; w < 10; w++) {
      wg.go(async () => {
        for (let i = 0; i < 3; i++) seen.push(((await t.c.recv()) as Date).getTime());
      });
    }
    await wg.wait();
    t.stop();
    expect([seen.length, new Set(seen).size]).toEqual([30, 30]);
  });

  it("E28 fires for 0, each of 100,000 times", async () => {
    for (let i = 0; i < 100_000; i++) {
      const t = new Timer(0);
      if ((await t.c.recv()) === undefined) expect.unreachable();
    }
  });

  it("B27 E19 that lost a select holds nothing", async () => {
    const before = hostTimers();
    const ch = chan<number>(1);
    for (let i = 0; i < 1000; i++) {
      const t = after(60_000);
      const waiting = select({ late: recv(t), tick: recv(tick(60_000)), slow: timeout(60_000), v: recv(ch) });
      ch.trySend(i);
      expect((await waiting).case).toBe("v");
    }
    expect(hostTimers()).toBeLessThanOrEqual(before);
  });
});

describe("afterFunc", () => {
  it("E17 stop and reset do not wait for its function, so a new run may overlap the old one", async () => {
    const release = chan<never>();
    const wg = new WaitGroup();
    let running = 0;
    wg.add(2);
    const t = afterFunc(0.1, async () => {
      running++;
      await release.recv();
      wg.done();
    });
    while (running < 1) await sleep(1);
    expect([t.stop(), t.reset(0.1)]).toEqual([false, false]);
    while (running < 2) await sleep(1);
    release.close();
    await wg.wait();
  });

  it("E8 fires while two goroutines play ping-pong without pause", async () => {
    const ping = chan<boolean>();
    const pong = chan<boolean>();
    let fired = false;
    go(async () => {
      for await (const _ of ping) await pong.send(true);
    });
    afterFunc(1, () => (fired = true));
    while (!fired) {
      await ping.send(true);
      await pong.recv();
    }
    ping.close();
  });
});

describe("a dump", () => {
  it("F34 tells how many minutes a goroutine has waited", async () => {
    recordStacks(true);
    vi.useFakeTimers({ toFake: ["performance"] });
    vi.advanceTimersByTime(1000);
    const ch = chan<number>();
    go(async function patient() {
      await ch.recv();
    });
    await gosched();
    const header = (): string | undefined => /goroutine \d+ \[chan receive.*/.exec(goroutineProfile({ debug: 2 }))?.[0];
    expect(header()).toMatch(/\[chan receive\]:$/);
    vi.advanceTimersByTime(59_000);
    expect(header()).toMatch(/\[chan receive\]:$/);
    vi.advanceTimersByTime(2 * 60_000);
    expect(header()).toMatch(/\[chan receive, 2 minutes\]:$/);
    recordStacks(false);
    ch.close();
  });
});
