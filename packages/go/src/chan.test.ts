import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chan, go, gosched, type Chan, type RecvChan, type SendChan } from "./index.ts";
import { WaitGroup } from "./sync/index.ts";
import { runProgram } from "./test/program.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();

/** Sends in a goroutine of its own, so that the test itself goes on. */
const sendLater = <T>(ch: SendChan<T>, ...values: T[]): void =>
  go(async () => {
    for (const v of values) await ch.send(v);
  });

describe("chan", () => {
  it("A1 A2 A16 len and cap start at 0 and n, and stay 0 for an unbuffered one", async () => {
    expect([chan<number>().cap, chan<number>(0).cap]).toEqual([0, 0]);
    for (let n = 0; n < 200; n++) {
      const ch = chan<number>(n);
      expect([ch.len, ch.cap]).toEqual([0, n]);
    }
    const ch = chan<number>();
    sendLater(ch, 1);
    await gosched();
    expect(ch.len).toBe(0);
    await ch.recv();
  });

  it("A3 A4 a size that cannot be panics with Go's text", () => {
    for (const size of [-1, 1.5, Number.NaN, 2 ** 59, Infinity]) {
      expect(() => chan<number>(size)).toThrow(/^makechan: size out of range$/);
    }
  });

  it("A6 an unbuffered send and receive wait for each other", async () => {
    const ch = chan<number>();
    let sent = false;
    go(async () => {
      await ch.send(1);
      sent = true;
    });
    await gosched();
    expect(sent).toBe(false);
    expect(await ch.recv()).toBe(1);
    await gosched();
    expect(sent).toBe(true);
  });

  it("A7 A8 A9 a buffered channel waits only when it is full or empty", async () => {
    const ch = chan<number>(2);
    expect(ch.tryRecv()).toEqual({ ready: false });
    await ch.send(1);
    await ch.send(2);
    expect(ch.trySend(3)).toBe(false);
    expect(ch.len).toBe(2);
    expect(ch.tryRecv()).toEqual({ ready: true, value: 1, ok: true });
  });

  it("A10 A14 keeps the order and loses nothing, for any capacity and any interleaving", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5), fc.array(fc.nat(3), { maxLength: 40 }), async (capacity, pauses) => {
        const ch = chan<number>(capacity);
        go(async () => {
          for (const [i, pause] of pauses.entries()) {
            for (let k = 0; k < pause; k++) await Promise.resolve();
            await ch.send(i);
          }
          ch.close();
        });
        const got: number[] = [];
        for await (const v of ch) got.push(v);
        expect(got).toEqual(pauses.map((_, i) => i));
      }),
      { numRuns: 200 },
    );
    const ch = chan<number>(7);
    const wg = new WaitGroup();
    const counts = Array.from({ length: 1000 }, () => 0);
    for (let p = 0; p < 4; p++) {
      wg.go(async () => {
        for (let i = 0; i < 1000; i++) await ch.send(i);
      });
      wg.go(async () => {
        for (let i = 0; i < 1000; i++) {
          const v = (await ch.recv()) as number;
          counts[v] = (counts[v] as number) + 1;
        }
      });
    }
    await wg.wait();
    expect(counts.every((n) => n === 4)).toBe(true);
  });

  it("A10 keeps the order while its buffer grows, wherever in it the oldest value is", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 600 }),
        fc.array(fc.integer({ min: -200, max: 200 })),
        (capacity, steps) => {
          const ch = chan<number>(capacity);
          let sent = 0;
          let received = 0;
          for (const step of steps) {
            for (let n = 0; n < step; n++) if (ch.trySend(sent)) sent++;
            for (let n = 0; n > step; n--) {
              const got = ch.tryRecv();
              if (got.ready && got.value === received) received++;
            }
            expect(ch.len).toBe(sent - received);
            expect(ch.len).toBeLessThanOrEqual(capacity);
          }
        },
      ),
    );
  });

  it("A15 len counts the buffer only, not what waiting senders hold", async () => {
    const ch = chan<number>(2);
    sendLater(ch, 1, 2, 3);
    await gosched();
    expect(ch.len).toBe(2);
    expect(await ch.recv()).toBe(1);
    expect(ch.len).toBe(2);
    expect([await ch.recv(), await ch.recv()]).toEqual([2, 3]);
  });

  it("A19 A20 after close gives what is buffered, then undefined without end", async () => {
    const ch = chan<number>(3);
    await ch.send(1);
    await ch.send(2);
    ch.close();
    expect(await ch.recvOk()).toEqual([1, true]);
    expect(await ch.recv()).toBe(2);
    expect(await ch.recvOk()).toEqual([undefined, false]);
    expect(await ch.recv()).toBe(undefined);
    expect(ch.tryRecv()).toEqual({ ready: true, value: undefined, ok: false });
  });

  it("A21 close wakes all waiting receivers", async () => {
    const ch = chan<number>();
    const got: unknown[] = [];
    const wg = new WaitGroup();
    for (let i = 0; i < 3; i++) wg.go(async () => void got.push(await ch.recvOk()));
    await gosched();
    ch.close();
    await wg.wait();
    expect(got).toEqual([
      [undefined, false],
      [undefined, false],
      [undefined, false],
    ]);
  });

  it("A25 A26 a send on a closed channel and a second close panic", async () => {
    const ch = chan<number>(1);
    ch.close();
    await expect(ch.send(1)).rejects.toThrow(/^send on closed channel$/);
    expect(() => ch.trySend(1)).toThrow(/^send on closed channel$/);
    expect(() => ch.close()).toThrow(/^close of closed channel$/);
    expect(ch.len).toBe(0);
  });

  it("A30 A31 range shares a closed queue among workers", async () => {
    const ch = chan<number>(10);
    const wg = new WaitGroup();
    const seen: number[] = [];
    for (let w = 0; w < 23; w++) {
      wg.go(async () => {
        for await (const v of ch) {
          if (v % 5 === 0) await gosched();
          seen.push(v);
        }
      });
    }
    for (let i = 0; i < 500; i++) await ch.send(i);
    ch.close();
    await wg.wait();
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it("A30 breaking out of range leaves the channel as it is", async () => {
    const ch = chan<number>(3);
    for (const v of [1, 2, 3]) await ch.send(v);
    for await (const _ of ch) break;
    expect(await ch.recv()).toBe(2);
  });

  it("A34 A36 channels go through channels and are map keys", async () => {
    const cc = chan<Chan<number>>(1);
    const c = chan<number>(1);
    await cc.send(c);
    await (await cc.recv())?.send(2);
    expect(await c.recv()).toBe(2);
    expect(new Map([[c, "c"]]).get(c)).toBe("c");
  });

  it("A35 undefined is a value like any other", async () => {
    const ch = chan<undefined>(2);
    await ch.send(undefined);
    expect(ch.len).toBe(1);
    expect(await ch.recvOk()).toEqual([undefined, true]);
  });

  it("A38 a receive that races with send and close is always ready", async () => {
    for (let i = 0; i < 200; i++) {
      const ch = chan<number>(1);
      await ch.send(1);
      const drained = Promise.resolve().then(() => {
        ch.close();
        return ch.tryRecv();
      });
      expect(ch.tryRecv().ready).toBe(true);
      expect((await drained).ready).toBe(true);
    }
  });

  it("A39 a chain of 10000 goroutines passes a value from end to end", async () => {
    const first = chan<number>();
    let left: RecvChan<number> = first;
    for (let i = 0; i < 10_000; i++) {
      const from = left;
      const to = chan<number>();
      go(async () => {
        await to.send(((await from.recv()) as number) + 1);
      });
      left = to;
    }
    await first.send(0);
    expect(await left.recv()).toBe(10_000);
  });

  it("A40 the prime sieve", async () => {
    const stop = chan<never>();
    const { select, recv, send } = await import("./index.ts");
    const forward = async (to: Chan<number>, v: number): Promise<boolean> =>
      (await select({ sent: send(to, v), stop: recv(stop) })).case === "sent";
    let ch = chan<number>();
    const numbers = ch;
    go(async () => {
      for (let i = 2; await forward(numbers, i); i++);
    });
    const primes: number[] = [];
    while (primes.length < 20) {
      const prime = (await ch.recv()) as number;
      primes.push(prime);
      const from = ch;
      const to = chan<number>();
      go(async () => {
        for (;;) {
          const c = await select({ v: recv(from), stop: recv(stop) });
          if (c.case === "stop" || !c.ok) return;
          if (c.value % prime !== 0 && !(await forward(to, c.value))) return;
        }
      });
      ch = to;
    }
    stop.close();
    expect(primes.at(-1)).toBe(71);
  });

  it("A29 a wait on the nil channel is for ever, and says so", async () => {
    const { stderr } = await runProgram(`
      import { go, recv, select, send } from "go";
      go(() => select([send(undefined, 1)]));
      await select([recv(undefined)]);
    `);
    expect(stderr).toContain("goroutine 1 [chan receive (nil chan)]:");
    expect(stderr).toContain("goroutine 2 [chan send (nil chan)]:");
  });

  it("refuses a thenable, which the receiver's await would flatten", async () => {
    const ch = chan<unknown>(1);
    await expect(ch.send(Promise.resolve(1))).rejects.toThrow(/^send of a thenable/);
    // oxlint-disable-next-line unicorn/no-thenable -- what this test is about
    expect(() => ch.trySend({ then: () => undefined })).toThrow(/^send of a thenable/);
  });

  it("works from plain promise code as well", async () => {
    const ch = chan<number>();
    expect(await Promise.all([ch.recv(), ch.recv(), ch.send(1), ch.send(2)])).toEqual([1, 2, undefined, undefined]);
  });
});

describe("an iterator that has returned", () => {
  it("settles the next that is under way as done, and takes no value after it", async () => {
    const ch = chan<number>();
    const it = ch[Symbol.asyncIterator]();
    const other = ch[Symbol.asyncIterator]();
    const pending = [it.next(), other.next(), it.next()];
    expect(await it.return?.()).toEqual({ value: undefined, done: true });
    expect(await Promise.all([pending[0], pending[2]])).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
    expect(ch.trySend(1)).toBe(true);
    expect(await pending[1]).toEqual({ value: 1, done: false });
    expect(ch.trySend(2)).toBe(false);
    expect(await it.next()).toEqual({ value: undefined, done: true });
    expect(await it.return?.()).toEqual({ value: undefined, done: true });
  });

  it("leaves alone what waits for the channel otherwise", async () => {
    const ch = chan<number>();
    const it = ch[Symbol.asyncIterator]();
    const first = it.next();
    ch.trySend(1);
    expect(await first).toEqual({ value: 1, done: false });
    const waiting = ch.recv();
    await it.return?.();
    expect(ch.trySend(2)).toBe(true);
    expect(await waiting).toBe(2);
  });
});

describe("an operation without its channel", () => {
  it.each(["send", "trySend", "recv", "recvOk", "tryRecv", "close"] as const)("%s says what to write", (name) => {
    const { [name]: operation } = chan<number>() as unknown as Record<string, (v: number) => unknown>;
    expect(() => (operation as (v: number) => unknown)(1)).toThrow(
      `ch.${name} was called without its object: pass (...v) => ch.${name}(...v) on`,
    );
  });
});

describe("the types of channels", () => {
  it("A37 allow each direction to do its part only", () => {
    const ch: Chan<number> = chan<number>(1);
    const out: SendChan<number> = ch;
    const input: RecvChan<number> = ch;
    const wider: RecvChan<number | string> = ch;
    // @ts-expect-error a Chan<number> does not take strings
    const wrong: SendChan<number | string> = ch;
    // @ts-expect-error no way back from a direction
    const back: Chan<number> = out;
    // @ts-expect-error nor from one to the other
    const other: RecvChan<number> = out;
    // @ts-expect-error a receiver does not close
    expect(() => input.close).not.toThrow();
    expect([wider, wrong, back, other].every((c) => c === ch)).toBe(true);
  });

  it("refuse a thenable element, also within a union, and accept any other", () => {
    // @ts-expect-error an await would flatten it
    chan<Promise<number>>();
    // @ts-expect-error the same with a capacity
    chan<Promise<number>>(1);
    // @ts-expect-error the same in part
    chan<number | PromiseLike<string>>(1);
    const generic = <T>(values: T[]): Chan<T> => chan<T>(values.length);
    const made: Chan<string> = chan();
    expect([generic([1, 2]).cap, chan<unknown>(3).cap, chan<never>().cap, made.cap]).toEqual([2, 3, 0, 0]);
  });
});
