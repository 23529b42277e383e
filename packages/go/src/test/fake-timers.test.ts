// The library under fake timers: what comes out must not depend on how fast the machine is, and
// nothing hangs.
import { mock } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { background, withCancel, withTimeout } from "../context.ts";
import { chan, go, gosched } from "../index.ts";
import { batch, heartbeat } from "../patterns/index.ts";
import { after, settle, sleep, Ticker, Timer } from "../time.ts";
import { runProgram } from "./program.ts";
import { expectNoLeaks } from "./quiet.ts";

expectNoLeaks();

/** Real work, as a machine that is busy does it. */
const realNow = performance.now.bind(performance);
function busy(ms: number): void {
  for (const end = realNow() + ms; realNow() < end;);
}

describe.each([
  [
    "Vitest's",
    {
      on: (): void => void vi.useFakeTimers(),
      off: (): void => void vi.useRealTimers(),
      advance: async (ms: number) => {
        await vi.advanceTimersByTimeAsync(ms);
      },
    },
  ],
  [
    "node:test's",
    {
      on: (): void => mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate", "Date"] }),
      off: (): void => mock.timers.reset(),
      advance: async (ms: number) => {
        // It does not wait between the timers that it calls.
        for (let t = 0; t < ms; t += 10) {
          mock.timers.tick(10);
          await settle();
        }
      },
    },
  ],
] as const)("under %s fake timers", (_, { on, off, advance }) => {
  beforeEach(on);
  afterEach(off);

  const pass = async (ms: number): Promise<void> => {
    await settle();
    await advance(ms);
    await settle();
  };

  it("sleeps, timers, tickers, deadlines and stages by time go by the fake clock", async () => {
    const [ctx, cancel] = withCancel(background());
    const seen: string[] = [];
    const note = (name: string): void => {
      if (!seen.includes(name)) seen.push(name);
    };
    go(async () => (await sleep(1000), note("sleep")));
    go(async () => (await after(1000).recv(), note("after")));
    go(async () => (await new Timer(1000).c.recv(), note("timer")));
    go(async () => (await new Ticker(1000).c.recv(), note("ticker")));
    go(async () => {
      const [child, end] = withTimeout(ctx, 1000);
      await child.done()?.recv();
      note("deadline");
      end();
    });
    go(async () => {
      for await (const _ of heartbeat(ctx, 1000)) note("heartbeat");
    });
    const values = chan<number>(1);
    values.trySend(1);
    go(async () => {
      for await (const _ of batch(ctx, values, 10, 1000)) note("batch");
    });
    await pass(990);
    expect(seen).toEqual([]);
    await pass(20);
    expect(seen.toSorted()).toEqual(["after", "batch", "deadline", "heartbeat", "sleep", "ticker", "timer"]);
    cancel();
    await settle();
  });

  it.each([0, 3, 7])("groups by time are the same however long the work between them takes (%i ms)", async (work) => {
    const values = chan<number>();
    const groups: number[][] = [];
    go(async () => {
      for await (const group of batch(background(), values, 10, 50)) groups.push(group);
    });
    go(async () => {
      for (let i = 0; i < 6; i++) {
        await values.send(i);
        busy(work);
        await sleep(20);
      }
      values.close();
    });
    await pass(500);
    expect(groups).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });

  it("a hot loop of awaited operations still gives the event loop its turns", async () => {
    const values = chan<number>(1);
    let turns = 0;
    let stop = false;
    const realImmediate = new MessageChannel();
    realImmediate.port1.on("message", () => {
      if (++turns === 3) stop = true;
      else realImmediate.port2.postMessage(undefined);
    });
    realImmediate.port2.postMessage(undefined);
    while (!stop) {
      await values.send(1);
      await values.recv();
    }
    realImmediate.port1.close();
    expect(turns).toBe(3);
  });
});

describe("settle", () => {
  it("waits until nobody can go on, without any time", async () => {
    const first = chan<number>();
    const last = chan<number>(1);
    go(async () => {
      let n = await first.recv();
      for (let i = 0; i < 100; i++) {
        await gosched();
        n!++;
      }
      await last.send(n!);
    });
    await first.send(0);
    await settle();
    expect(last.tryRecv()).toEqual({ ready: true, value: 100, ok: true });
  });
});

it.each([
  ["Vitest's and Jest's", "Object.assign((fn) => fakes.push(fn), { clock: {} })"],
  ["node:test's", "(function setImmediate(fn) { fakes.push(fn); }).bind(undefined)"],
])("hangs on no fake setImmediate that is switched on before the library is loaded: %s", async (_, fake) => {
  const { status, stdout } = await runProgram(`
    const fakes: unknown[] = [];
    globalThis.setImmediate = ${fake} as never;
    const { chan, go, gosched } = await import("go");
    const ch = chan<number>();
    go(async () => { await gosched(); await ch.send(7); });
    const got = await ch.recv();
    await gosched();
    console.log(got, fakes.length);
    process.exit(0);
  `);
  expect([status, stdout.trim()]).toEqual([0, "7 0"]);
});
