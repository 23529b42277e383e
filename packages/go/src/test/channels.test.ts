// What Go's own tests of channels and select check (runtime/chan_test, test/chan/*,
// test/closedchan), said anew.
import { afterEach, describe, expect, it, vi } from "vitest";
import { chan, go, gosched, otherwise, recv, select, send, type Chan, type RecvChan } from "../index.ts";
import { WaitGroup } from "../sync/index.ts";
import { expectNoLeaks } from "./quiet.ts";
import { seeded } from "./random.ts";

expectNoLeaks();
afterEach(() => vi.restoreAllMocks());

/**
 * Whether `operation` waits. It must be possible to end it afterwards by closing or filling what it
 * waits on.
 */
async function waits(operation: () => Promise<unknown>): Promise<boolean> {
  let waiting = true;
  go(async () => {
    await operation().catch(() => undefined);
    waiting = false;
  });
  await gosched();
  return waiting;
}

describe("a channel of each capacity from 0 to 199", () => {
  it("A2 A8 A9 A15 waits when it is empty or full, and only then", async () => {
    for (let capacity = 0; capacity < 200; capacity++) {
      const ch = chan<number>(capacity);
      expect(ch.tryRecv().ready).toBe(false);
      for (let i = 0; i < capacity; i++) expect(ch.trySend(i)).toBe(true);
      expect([ch.trySend(-1), ch.len, ch.cap]).toEqual([false, capacity, capacity]);
      expect((await select({ out: send(ch, -1), idle: otherwise })).case).toBe("idle");
      for (let i = 0; i < capacity; i++) expect(await ch.recv()).toBe(i);
      expect((await select({ in: recv(ch), idle: otherwise })).case).toBe("idle");
      expect(ch.len).toBe(0);
    }
    for (const capacity of [0, 1, 7]) {
      const ch = chan<number>(capacity);
      expect(await waits(() => ch.recv())).toBe(true);
      await ch.send(0);
      for (let i = 0; i < capacity; i++) await ch.send(i);
      expect(await waits(() => ch.send(capacity))).toBe(true);
      for (let i = 0; i <= capacity; i++) expect(await ch.recv()).toBe(i);
    }
  });

  it("A10 A14 A19 A21 keeps the order, loses nothing, and close ends it", async () => {
    for (let capacity = 0; capacity < 200; capacity++) {
      const ch = chan<number>(capacity);
      go(async () => {
        for (let i = 0; i < 100; i++) await ch.send(i);
        ch.close();
      });
      for (let i = 0; i < 100; i++) expect(await ch.recv()).toBe(i);
      expect(await ch.recvOk()).toEqual([undefined, false]);
    }
    for (const capacity of [0, 1, 10, 199]) {
      const ch = chan<number>(capacity);
      const wg = new WaitGroup();
      const counts = new Map<number, number>();
      for (let p = 0; p < 4; p++) {
        wg.go(async () => {
          for (let i = 0; i < 1000; i++) await ch.send(i);
        });
        wg.go(async () => {
          for (let i = 0; i < 1000; i++) {
            const v = (await ch.recv()) as number;
            counts.set(v, (counts.get(v) ?? 0) + 1);
          }
        });
      }
      await wg.wait();
      expect([counts.size, [...counts.values()].every((n) => n === 4)]).toEqual([1000, true]);
    }
  });
});

describe("an operation that must not wait", () => {
  it("A38 B33 finds the value or the end while another drains and closes", async () => {
    const wg = new WaitGroup();
    const found: string[] = [];
    for (let i = 0; i < 1000; i++) {
      const ch = chan<number>(1);
      ch.trySend(1);
      wg.go(async () => {
        if (i % 2 === 0) found.push((await select({ got: recv(ch), idle: otherwise })).case);
        else found.push(ch.tryRecv().ready ? "got" : "idle");
      });
      // Before them, between them or after them.
      for (let k = i % 5; k > 0; k--) await Promise.resolve();
      ch.close();
      await ch.recv();
    }
    await wg.wait();
    expect([found.length, found.every((what) => what === "got")]).toEqual([1000, true]);
    expect(chan<number>().tryRecv()).toEqual({ ready: false });
    const closed = chan<number>();
    closed.close();
    expect(closed.tryRecv()).toEqual({ ready: true, value: undefined, ok: false });
  });

  it("B7 never finds two channels empty of which one always has a value, or is closed", async () => {
    for (const byClosing of [false, true]) {
      for (let i = 0; i < 1000; i++) {
        const a = chan<number>(1);
        const b = chan<number>(1);
        a.trySend(1);
        let idle = false;
        go(async () => {
          idle = (await select({ a: recv(a), b: recv(b), idle: otherwise })).case === "idle";
        });
        if (byClosing) b.close();
        else b.trySend(1);
        a.tryRecv();
        await gosched();
        expect(idle).toBe(false);
      }
    }
  });
});

describe("evaluation", () => {
  /** Gives the value and notes its name. */
  const noting = (): { note: <T>(name: string, value: T) => T; order: string[] } => {
    const order: string[] = [];
    const note = <T>(name: string, value: T): T => {
      order.push(name);
      return value;
    };
    return { note, order };
  };

  it("A32 A33 of a plain send and receive comes before the wait, from left to right, once", async () => {
    const { note, order } = noting();
    const ch = chan<number>(1);
    await note("channel", ch).send(note("value", 5));
    const target: Record<string, unknown> = {};
    note("object", target)[note("key", "k")] = await note("from", ch).recv();
    expect(order).toEqual(["channel", "value", "object", "key", "from"]);
    expect(target).toEqual({ k: 5 });
    await select([send(note<Chan<number> | undefined>("nil", undefined), note("lost", 1)), otherwise]);
    expect(order.slice(5)).toEqual(["nil", "lost"]);
  });

  it("B1 B2 of a select's operands comes first and in order, and ends with the first that throws", async () => {
    const { note, order } = noting();
    const ch = chan<number>(1);
    const boom = (): never => {
      throw new Error("boom");
    };
    const cases = (): unknown => [recv(note("a", ch)), send(note("b", ch), boom()), recv(note("never", ch))];
    expect(cases).toThrow("boom");
    expect(order).toEqual(["a", "b"]);
  });

  it("B8 of what a received value goes to comes after its case has won, or not at all", async () => {
    const a = chan<number>(1);
    const b = chan<number>(1);
    b.trySend(7);
    const target: number[] = [];
    let touched = 0;
    const slot = (): number => {
      touched++;
      return 0;
    };
    const c = await select({ a: recv(a), b: recv(b) });
    if (c.case === "a" && c.ok) (undefined as unknown as number[])[slot()] = c.value;
    if (c.case === "b" && c.ok) target[slot()] = c.value;
    const none = await select({ a: recv(a), idle: otherwise });
    if (none.case === "a" && none.ok) target[slot()] = none.value;
    expect([target, touched]).toEqual([[7], 1]);
  });
});

describe("each form of each operation", () => {
  type Form = (ch: Chan<number> | undefined) => Promise<unknown>;
  const other = chan<number>();
  const receives: Record<string, Form> = {
    "recv in a select of one": (ch) => select({ c: recv(ch) }),
    "recv in a select of two": (ch) => select({ c: recv(ch), o: recv(other) }),
    "recv beside a nil case": (ch) => select([recv(ch), recv<number>(undefined)]),
  };
  const sends: Record<string, Form> = {
    "send in a select of one": (ch) => select({ c: send(ch, 1) }),
    "send in a select of two": (ch) => select({ c: send(ch, 1), o: recv(other) }),
    "send beside a nil case": (ch) => select([send(ch, 1), recv<number>(undefined)]),
  };
  const plain: Record<string, (ch: Chan<number>) => Promise<unknown>> = {
    recv: (ch) => ch.recv(),
    recvOk: (ch) => ch.recvOk(),
    next: (ch) => ch[Symbol.asyncIterator]().next(),
  };

  it("A6 A7 A8 A9 B28 waits exactly when it must", async () => {
    const full = (): Chan<number> => {
      const ch = chan<number>(1);
      ch.trySend(1);
      return ch;
    };
    for (const receive of [...Object.values(receives), ...Object.values(plain)]) {
      expect(await waits(() => receive(full()))).toBe(false);
      for (const empty of [chan<number>(), chan<number>(1)]) {
        expect(await waits(() => receive(empty))).toBe(true);
        await empty.send(1);
      }
    }
    for (const put of [...Object.values(sends), (ch: Chan<number>): Promise<void> => ch.send(1)]) {
      expect(await waits(() => put(chan<number>(1)))).toBe(false);
      for (const filled of [chan<number>(), full()]) {
        expect(await waits(() => put(filled))).toBe(true);
        await filled.recv();
      }
    }
    await gosched();
  });

  it("B6 B28 with otherwise never waits, and takes it exactly when the other case would wait", async () => {
    const ready = chan<number>(1);
    ready.trySend(1);
    expect((await select({ c: recv(ready), idle: otherwise })).case).toBe("c");
    expect((await select({ c: recv(ready), idle: otherwise })).case).toBe("idle");
    expect((await select({ idle: otherwise, c: send(ready, 1) })).case).toBe("c");
    expect((await select({ idle: otherwise, c: send(ready, 1) })).case).toBe("idle");
    expect((await select({ c: send<number>(undefined, 1), idle: otherwise })).case).toBe("idle");
    expect((await select({ idle: otherwise })).case).toBe("idle");
  });

  it("A19 A20 B12 gives what a closed channel buffers and then the end, again and again", async () => {
    const receiveOk: ((ch: Chan<number>) => Promise<[unknown, boolean]>)[] = [
      (ch) => ch.recvOk(),
      async (ch) => {
        const c = await select({ c: recv(ch) });
        return [c.value, c.ok];
      },
      async (ch) => {
        const c = await select({ c: recv(ch), o: recv(other) });
        return c.case === "c" ? [c.value, c.ok] : ["never", false];
      },
      async (ch) => {
        const c = await select({ c: recv(ch), idle: otherwise });
        return c.case === "c" ? [c.value, c.ok] : ["never", false];
      },
      async (ch) => {
        const c = ch.tryRecv();
        return c.ready ? [c.value, c.ok] : ["never", false];
      },
    ];
    for (const receive of receiveOk) {
      for (const buffered of [0, 2]) {
        const ch = chan<number>(buffered);
        for (let i = 0; i < buffered; i++) ch.trySend(i + 1);
        ch.close();
        for (let i = 0; i < buffered; i++) expect(await receive(ch)).toEqual([i + 1, true]);
        for (let i = 0; i < 3; i++) expect(await receive(ch)).toEqual([undefined, false]);
      }
    }
  });

  it("A25 A26 A28 B13 B14 panics on a closed channel with Go's text and stores nothing", async () => {
    const puts: ((ch: Chan<number>) => unknown)[] = [
      (ch) => ch.send(1),
      (ch) => ch.trySend(1),
      (ch) => select({ c: send(ch, 1) }),
      (ch) => select({ c: send(ch, 1), o: recv(other) }),
      (ch) => select({ c: send(ch, 1), idle: otherwise }),
    ];
    for (const put of puts) {
      for (const capacity of [0, 1]) {
        const ch = chan<number>(capacity);
        ch.close();
        const error: unknown = await Promise.resolve()
          .then(() => put(ch))
          .catch((e: unknown) => e);
        expect(error).toBeInstanceOf(Error);
        expect((error as Error).message).toBe("send on closed channel");
        expect(ch.len).toBe(0);
      }
    }
    const ch = chan<number>();
    ch.close();
    expect(() => ch.close()).toThrow(/^close of closed channel$/);
    expect(() => chan(-1)).toThrow(/^makechan: size out of range$/);
  });

  it("B15 panics, or takes a case beside it that is ready too", async () => {
    const closed = chan<number>();
    closed.close();
    let panics = 0;
    for (let i = 0; i < 1000; i++) {
      const ready = chan<number>(1);
      ready.trySend(1);
      await select({ out: send(closed, 1), in: recv(ready) }).catch(() => panics++);
    }
    expect(panics).toBeGreaterThan(100);
    expect(panics).toBeLessThan(900);
  });
});

describe("select", () => {
  it("B29 B30 over a list gives the index, and what came", async () => {
    const ch = chan<string>(2);
    ch.trySend("x");
    const nil: Chan<string> | undefined = undefined;
    expect(await select([recv<string>(nil), recv(ch)])).toEqual({ case: 1, ok: true, value: "x" });
    expect(await select([send<string>(nil, "y"), send(ch, "y")])).toEqual({ case: 1 });
    ch.close();
    await ch.recv();
    expect(await select([recv<string>(nil), recv(ch)])).toEqual({ case: 1, ok: false, value: undefined });
  });

  it("B18 two selects with send and receive of one channel get each other's values only", async () => {
    for (const capacity of [0, 10]) {
      const ch = chan<number>(capacity);
      const wg = new WaitGroup();
      for (const me of [0, 1]) {
        wg.go(async () => {
          for (let i = 0; i < 1000; i++) {
            const c =
              me === 0 || i % 2 === 0
                ? await select({ in: recv(ch), out: send(ch, me) })
                : await select({ out: send(ch, me), in: recv(ch) });
            // With a buffer one may well receive what one has put there.
            if (c.case === "in" && capacity === 0) expect(c.value).toBe(1 - me);
          }
        });
      }
      await wg.wait();
    }
  });

  it("B20 B21 that is decided leaves no waiter behind that would swallow a later value", async () => {
    const c = chan<number>();
    const d = chan<number>();
    const e = chan<number>();
    go(async () => {
      await select([recv(c), recv(c), recv(d)]);
      await e.send(9);
    });
    await gosched();
    go(async () => void (await c.recv()));
    await gosched();
    await d.send(7);
    expect(await e.recv()).toBe(9);
    // The other receiver of c still waits, and is the one that gets it.
    expect(c.trySend(8)).toBe(true);
    expect(c.trySend(8)).toBe(false);
    await gosched();
  });

  it("B19 a value offered on four channels at once arrives once", async () => {
    const chans = [0, 1, 2, 3].map(() => chan<number>());
    const counts = new Map<number, number>();
    const wg = new WaitGroup();
    const count = async (ch: RecvChan<number>): Promise<void> => {
      for await (const v of ch) counts.set(v, (counts.get(v) ?? 0) + 1);
    };
    for (const ch of chans) wg.go(() => count(ch));
    for (let i = 0; i < 5000; i++) {
      const [a, b, c, d] = chans as [Chan<number>, Chan<number>, Chan<number>, Chan<number>];
      await select({ a: send(a, i), b: send(b, i), c: send(c, i), d: send(d, i) });
    }
    for (const ch of chans) ch.close();
    await wg.wait();
    expect([counts.size, [...counts.values()].every((n) => n === 1)]).toEqual([5000, true]);
  });

  it("B23 that drops the value works with plain and selected partners", async () => {
    type Put = (ch: Chan<number>) => Promise<unknown>;
    const puts: Put[] = [
      (ch) => ch.send(1),
      (ch) => select([send(ch, 1)]),
      (ch) => select([send(ch, 1), recv(chan())]),
    ];
    const takes: Put[] = [(ch) => ch.recv(), (ch) => select([recv(ch)]), (ch) => select([recv(ch), recv(chan())])];
    for (const put of puts) {
      for (const take of takes) {
        for (const takerFirst of [true, false]) {
          const ch = chan<number>();
          const [first, second] = takerFirst ? [take, put] : [put, take];
          expect(await waits(() => first(ch))).toBe(true);
          await second(ch);
          await gosched();
        }
      }
    }
  });

  it("A14 B22 loses no wake-up and no value among random operations of many goroutines", async () => {
    const { below } = seeded();
    const chans = [0, 1, 2, 5].map((capacity) => chan<number>(capacity));
    const any = (): Chan<number> => chans[below(chans.length)] as Chan<number>;
    const producers = 8;
    const each = 500;
    const producing = new WaitGroup();
    const consuming = new WaitGroup();
    const seen: number[] = [];
    for (let p = 0; p < producers; p++) {
      producing.go(async () => {
        for (let i = 0; i < each; i++) {
          const v = p * each + i;
          if (below(3) === 0) await any().send(v);
          else if (below(2) === 0) await select([send(any(), v), send(any(), v), send(any(), v)]);
          else while ((await select({ a: send(any(), v), b: send(any(), v), idle: otherwise })).case === "idle");
          for (let k = below(4); k > 0; k--) await Promise.resolve();
        }
      });
    }
    for (let c = 0; c < 6; c++) {
      consuming.go(async () => {
        // What is closed and drained is switched off by a nil channel.
        const open = new Set<Chan<number>>(chans);
        while (open.size > 0) {
          const list = [...open];
          const got = await select(list.map((ch) => recv(ch)));
          if (got.ok) seen.push(got.value);
          else open.delete(list[got.case] as Chan<number>);
        }
      });
    }
    await producing.wait();
    for (const ch of chans) ch.close();
    await consuming.wait();
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: producers * each }, (_, i) => i));
  });
});

describe("channels of channels", () => {
  it("A34 what is received can be sent on at once", async () => {
    const cc = chan<Chan<Chan<number>>>(1);
    const c = chan<Chan<number>>(1);
    const inner = chan<number>(1);
    await cc.send(c);
    await (await cc.recv())?.send(inner);
    await (await c.recv())?.send(2);
    expect(await inner.recv()).toBe(2);
  });

  it("A35 elements without content count like any others", async () => {
    for (const capacity of [0, 3]) {
      const ch = chan<undefined>(capacity);
      go(async () => {
        for (let i = 0; i < 10; i++) await ch.send(undefined);
        ch.close();
      });
      let n = 0;
      for await (const _ of ch) n++;
      expect(n).toBe(10);
    }
  });
});
