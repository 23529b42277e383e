import { describe, expect, it } from "vitest";
import { chan, go, gosched, otherwise, recv, select, send, timeout, type Chan, type RecvChan } from "./index.ts";
import type { Channel } from "./internal/channel.ts";
import { WaitGroup } from "./sync/index.ts";
import { after } from "./time.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();

describe("select", () => {
  it("gives the case that won with what came", async () => {
    const a = chan<number>(1);
    const b = chan<string>(1);
    await a.send(1);
    expect(await select({ a: recv(a), b: recv(b) })).toEqual({ case: "a", ok: true, value: 1 });
    expect(await select({ a: recv(a), b: send(b, "x") })).toEqual({ case: "b" });
    b.close();
    expect(await select([recv(a), recv(b)])).toEqual({ case: 1, ok: true, value: "x" });
    expect(await select([recv(a), recv(b)])).toEqual({ case: 1, ok: false, value: undefined });
  });

  it("B3 B5 picks uniformly among the cases that are ready, by case and not by channel", async () => {
    const a = chan<number>(1);
    const b = chan<number>(1);
    const counts = { a1: 0, a2: 0, b: 0 };
    const n = 9_000;
    for (let i = 0; i < n; i++) {
      a.trySend(1);
      b.trySend(1);
      counts[(await select({ a1: recv(a), a2: recv(a), b: recv(b) })).case]++;
    }
    const deviation = Math.sqrt((n * 2) / 9);
    for (const count of Object.values(counts)) expect(Math.abs(count - n / 3)).toBeLessThan(10 * deviation);
  });

  it("B4 picks among sends too", async () => {
    const ch = chan<number>(1000);
    for (let i = 0; i < 1000; i++) await select([send(ch, 0), send(ch, 1)]);
    let ones = 0;
    for (let i = 0; i < 1000; i++) ones += (await ch.recv()) as number;
    expect(ones).toBeGreaterThan(100);
    expect(ones).toBeLessThan(900);
  });

  it("B6 otherwise is taken only if nothing is ready, alone at once, and only once in a select", async () => {
    const ch = chan<number>(1);
    expect(await select({ v: recv(ch), idle: otherwise })).toEqual({ case: "idle" });
    ch.trySend(1);
    expect((await select({ idle: otherwise, v: recv(ch) })).case).toBe("v");
    expect(await select([otherwise])).toEqual({ case: 0 });
    await expect(select([otherwise, otherwise])).rejects.toThrow("reflect.Select: multiple default cases");
  });

  it("B9 the case of a nil channel is never chosen", async () => {
    const none: Chan<number> | undefined = undefined;
    const ch = chan<number>(1);
    ch.trySend(7);
    expect(await select({ none: recv<number>(none), out: send<number>(none, 1), ch: recv(ch) })).toEqual({
      case: "ch",
      ok: true,
      value: 7,
    });
    expect((await select({ none: recv<number>(none), idle: otherwise })).case).toBe("idle");
  });

  it("B12 B13 B14 a closed channel is always ready: to receive nothing, or to panic", async () => {
    const ch = chan<number>();
    ch.close();
    expect(await select({ ch: recv(ch), idle: otherwise })).toEqual({ case: "ch", ok: false, value: undefined });
    await expect(select({ ch: send(ch, 1), idle: otherwise })).rejects.toThrow(/^send on closed channel$/);
  });

  it("B17 B18 send and receive of one channel in a select never match each other, but those of two selects do", async () => {
    const ch = chan<number>();
    expect((await select({ out: send(ch, 1), in: recv(ch), idle: otherwise })).case).toBe("idle");
    const wg = new WaitGroup();
    let received = 0;
    for (const me of [0, 1]) {
      wg.go(async () => {
        for (let i = 0; i < 1000; i++) {
          const c = await select({ in: recv(ch), out: send(ch, me) });
          if (c.case !== "in") continue;
          received++;
          expect(c.value).toBe(1 - me);
        }
      });
    }
    await wg.wait();
    expect(received).toBe(1000);
  });

  it("B19 exactly one case takes effect", async () => {
    const chans = Array.from({ length: 4 }, () => chan<number>());
    const wg = new WaitGroup();
    const seen: number[] = [];
    for (const ch of chans) {
      wg.go(async () => {
        for await (const v of ch) seen.push(v);
      });
    }
    for (let i = 0; i < 2000; i++) await select(chans.map((ch) => send(ch, i)));
    for (const ch of chans) ch.close();
    await wg.wait();
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
  });

  it("B20 B21 B25 losers leave every queue at once, a channel that is listed twice too", async () => {
    const a = chan<number>();
    const b = chan<number>();
    for (let i = 0; i < 1000; i++) {
      const waiting = select([recv(a), recv(b), recv(b), send(b, 1), timeout(60_000)]);
      await a.send(i);
      await waiting;
    }
    for (const ch of [a, b] as unknown as Channel<number>[]) {
      expect([ch.recvq.first, ch.sendq.first]).toEqual([undefined, undefined]);
    }
    const later = b.recv();
    await b.send(5);
    expect(await later).toBe(5);
  });

  it("B22 B23 loses no wake-up among plain and select operations", async () => {
    const chans = [0, 1, 0, 4].map((n) => chan<number>(n));
    const rounds = 500;
    const wg = new WaitGroup();
    for (const ch of chans) {
      wg.go(async () => {
        for (let i = 0; i < rounds; i++) await ch.send(i);
      });
      wg.go(async () => {
        for (let i = 0; i < rounds; i++) await ch.recv();
      });
    }
    const each = async (
      make: (ch: Chan<number>) => ReturnType<typeof send> | ReturnType<typeof recv>,
    ): Promise<void> => {
      const left = chans.map(() => rounds);
      for (let i = 0; i < rounds * chans.length; i++) {
        const c = await select(chans.map((ch, k) => ((left[k] as number) > 0 ? make(ch) : recv<number>(undefined))));
        left[c.case] = (left[c.case] as number) - 1;
      }
    };
    wg.go(() => each((ch) => send(ch, 0)));
    wg.go(() => each((ch) => recv(ch)));
    await wg.wait();
  });

  it("its list of cases is its caller's to change while it waits", async () => {
    const [a, b, c] = [chan<number>(), chan<number>(), chan<number>(1)];
    const cases = [recv(a), recv(b)];
    const waiting = select(cases);
    cases[1] = recv(c);
    cases.push(recv(b));
    expect(a.trySend(1)).toBe(true);
    expect(await waiting).toEqual({ case: 0, ok: true, value: 1 });
    // Nobody waits in the queues it was in.
    expect([b.trySend(2), c.trySend(3), c.len]).toEqual([false, true, 1]);
  });

  it("many that wait at once and after each other keep their cases apart, whatever these were before", async () => {
    const chans = Array.from({ length: 4 }, () => chan<number>());
    const wg = new WaitGroup();
    const got: number[] = [];
    for (let g = 0; g < 6; g++) {
      wg.go(async () => {
        for (let i = 0; i < 50; i++) {
          // The same places are receives, sends and nil channels in turn.
          const cases = chans.map((ch, at) =>
            g % 2 === 0 ? recv(ch) : (at + i) % 3 === 0 ? send(undefined, 0) : send(ch, i),
          );
          const c = await select(cases.slice(0, 2 + ((g >> 1) % 3)));
          if ("value" in c) got.push(c.value as number);
        }
      });
    }
    await wg.wait();
    expect(got.sort((x, y) => x - y)).toEqual(Array.from({ length: 150 }, (_, i) => Math.floor(i / 3)));
  });

  it("B24 leaves break, continue and return to the caller's own loop", async () => {
    const ch = chan<number>(3);
    for (const v of [1, 2, 3]) ch.trySend(v);
    const seen: number[] = [];
    for (;;) {
      const c = await select({ v: recv(ch), idle: otherwise });
      if (c.case === "idle") break;
      if (!c.ok || c.value === 2) continue;
      seen.push(c.value);
    }
    expect(seen).toEqual([1, 3]);
  });

  it("B26 a timer is taken in the end although work is always ready", async () => {
    const ch = chan<number>(1);
    const limit = after(5);
    for (;;) {
      ch.trySend(1);
      if ((await select({ work: recv(ch), limit: recv(limit) })).case === "limit") break;
    }
  });

  it("a timeout is taken when nothing else comes, and may be used again", async () => {
    const ch = chan<number>();
    const cases = { v: recv(ch), slow: timeout(2), slower: timeout(60_000) };
    expect(await select(cases)).toEqual({ case: "slow" });
    go(() => ch.send(1));
    await gosched();
    expect((await select(cases)).case).toBe("v");
    expect(await select(cases)).toEqual({ case: "slow" });
  });

  it("B1 evaluates each channel and value once, in order", async () => {
    const order: string[] = [];
    const note = <T>(name: string, value: T): T => {
      order.push(name);
      return value;
    };
    const ch = chan<number>(1);
    await select([recv(note("a", undefined)), send(note("b", ch), note("c", 1)), recv(note("d", undefined))]);
    expect(order).toEqual(["a", "b", "c", "d"]);
  });

  it("B32 takes up to 65536 cases", async () => {
    const ch = chan<number>(1);
    ch.trySend(1);
    const cases = Array.from({ length: 65_536 }, (_, i) => recv(i === 40_000 ? ch : undefined));
    expect((await select(cases)).case).toBe(40_000);
    await expect(select([...cases, otherwise])).rejects.toThrow("reflect.Select: too many cases (max 65536)");
  });

  it.each([
    ["two sends", ["a", "b"], 1],
    ["three sends of two channels", ["a", "other", "b", "a"], 1],
  ] as const)("%s on one channel have the same chance with a receiver that comes late", async (_, values, least) => {
    const ch = chan<string>();
    const other = chan<string>();
    const counts = new Map<number, number>();
    const n = 3000;
    for (let i = 0; i < n; i++) {
      const made = values.map((value) => send(value === "other" ? other : ch, value));
      const [c] = await Promise.all([select(made), gosched().then(() => ch.recv())]);
      counts.set(c.case, (counts.get(c.case) ?? 0) + 1);
    }
    const sends = values.filter((value) => value !== "other").length;
    expect(counts.size).toBeGreaterThan(least);
    const deviation = Math.sqrt((n * (sends - 1)) / sends ** 2);
    for (const count of counts.values()) expect(Math.abs(count - n / sends)).toBeLessThan(10 * deviation);
  });

  it("two receives from one channel have the same chance with a value that comes late", async () => {
    const ch = chan<string>();
    const counts = [0, 0];
    for (let i = 0; i < 2000; i++) {
      const [c] = await Promise.all([select([recv(ch), recv(ch)]), gosched().then(() => ch.send("v"))]);
      counts[c.case]!++;
    }
    expect(Math.abs(counts[0]! - 1000)).toBeLessThan(10 * Math.sqrt(500));
  });

  it("refuses what is no channel, and a thenable", () => {
    expect(() => recv({} as RecvChan<number>)).toThrow(
      "recv: expected a channel of this copy of the library, got object",
    );
    expect(() => send(chan<unknown>(), Promise.resolve())).toThrow(/^send of a thenable/);
  });

  it("narrows by the name of the case", async () => {
    const jobs = chan<{ id: number }>(1);
    jobs.trySend({ id: 3 });
    const c = await select({ job: recv(jobs), slow: timeout(1000), idle: otherwise });
    switch (c.case) {
      case "job":
        expect(c.ok && c.value.id).toBe(3);
        break;
      case "slow":
        // @ts-expect-error a timeout carries nothing
        expect(c.value).toBeUndefined();
        break;
      case "idle":
        break;
    }
    expect(c.case).toBe("job");
    // @ts-expect-error there is no such case
    expect(c.case === "other").toBe(false);
  });

  it("names the case that is none", async () => {
    await expect(select({ a: undefined as never })).rejects.toThrow(/^select: a is no case$/);
    await expect(select([otherwise, null as never])).rejects.toThrow(/^select: 1 is no case$/);
  });
});
