// What is let go of, by counting: who waits in a queue after a wait is over, however it ended, and
// what is still held of a value that went another way.
import { describe, expect, it } from "vitest";
import { chan, numGoroutine, otherwise, recv, select, send, timeout, type Chan } from "../index.ts";
import { background, withCancel, type CancelFunc, type Context } from "../context.ts";
import type { Channel, WaitQueue } from "../internal/channel.ts";
import { Weighted } from "../semaphore.ts";
import { runProgram } from "./program.ts";

function waiters(ch: Chan<number>): number {
  const { recvq, sendq } = ch as unknown as Channel<number> & { recvq: WaitQueue; sendq: WaitQueue };
  let n = 0;
  for (const queue of [recvq, sendq]) for (let w = queue.first; w !== undefined; w = w.next) n++;
  return n;
}

/** Waits that are given up or lose: what waits on `never`, and what ends it. */
const WAITS: Readonly<
  Record<
    string,
    (never: Chan<number>, ctx: Context, cancel: CancelFunc) => [wait: Promise<unknown>, end: () => unknown]
  >
> = {
  "a receive, by a value": (never) => [never.recv(), () => never.trySend(1)],
  "a send, by a receiver": (never) => [never.send(1), () => never.tryRecv()],
  "a receive, by the close": (never) => [never.recv(), () => never.close()],
  "a send, by the close": (never) => [never.send(1).catch(() => undefined), () => never.close()],
  "a select of both, by another channel": (never) => {
    const other = chan<number>();
    return [select({ a: recv(never), b: send(never, 1), c: recv(other) }), () => other.trySend(1)];
  },
  "a select of both, by a close of another one": (never) => {
    const other = chan<number>();
    return [select({ a: recv(never), b: send(never, 1), c: recv(other) }), () => other.close()];
  },
  "a select of many cases of one channel, by its own": (never) => [
    select([recv(never), recv(never), send(never, 1), recv(never)]),
    () => never.trySend(2),
  ],
  "a select, by its timeout": (never) => [
    select({ a: recv(never), b: send(never, 1), c: timeout(1) }),
    () => undefined,
  ],
  "a select, by a context": (never, ctx, cancel) => [select({ a: recv(never), done: recv(ctx.done()) }), cancel],
  "a send of a select, by an error": (never) => {
    const closed = chan<number>();
    return [select({ a: recv(never), b: send(closed, 1) }).catch(() => undefined), () => closed.close()];
  },
};

describe("queues", () => {
  it.each(Object.entries(WAITS))("B25 nobody is left in one after %s", async (_, wait) => {
    const never = chan<number>();
    const [ctx, cancel] = withCancel(background());
    const [promise, end] = wait(never, ctx, cancel);
    expect(waiters(never)).toBeGreaterThan(0);
    end();
    await promise;
    expect(waiters(never)).toBe(0);
    cancel();
    expect(numGoroutine()).toBe(1);
  });

  it("B25 a select that does not wait joins none", async () => {
    const never = chan<number>();
    await select({ a: recv(never), b: send(never, 1), idle: otherwise });
    expect(waiters(never)).toBe(0);
  });

  it("a semaphore forgets who gave up, and takes no place for them", async () => {
    const room = new Weighted(1);
    await room.acquire(background(), 1);
    const gaveUp = Array.from({ length: 5 }, () => {
      const [ctx, cancel] = withCancel(background());
      return { wait: room.acquire(ctx, 1).catch((error: unknown) => error), cancel };
    });
    const last = room.acquire(background(), 1);
    for (const { cancel } of gaveUp) cancel();
    expect(await Promise.all(gaveUp.map(({ wait }) => wait))).toHaveLength(5);
    room.release(1);
    await last;
    expect(room.tryAcquire(1)).toBe(false);
    room.release(1);
    expect(room.tryAcquire(1)).toBe(true);
  });
});

describe("values", () => {
  it("B25 of every case that lost, and of every one that won, are collected when nobody has them any more", async () => {
    const { status, stdout, stderr } = await runProgram(`
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      import { chan, go, gosched, recv, select, send, timeout } from "go";
      import { afterFunc, background, withCancel, withTimeout, withValue } from "go/context";
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc") as () => void;
      const refs = new Map<string, WeakRef<object>>();
      const value = (name: string): object => { const made = { name }; refs.set(name, new WeakRef(made)); return made; };
      const never = chan<object>(), other = chan<object>(), ready = chan<object>(1), closed = chan<object>();
      async function lose(): Promise<void> {
        const first = select({ a: send(never, value("lost to a receive")), b: recv(other) });
        await gosched();
        other.trySend(value("received by a select"));
        await first;
        const second = select({ a: send(never, value("lost to a timeout")), b: timeout(1) });
        await second;
        const third = select({ a: send(other, value("sent by a select")), b: recv(never) });
        await gosched();
        other.tryRecv();
        await third;
        const fourth = select([send(other, value("sent, of two of one channel")), send(other, value("not sent, of two"))]);
        await gosched();
        other.tryRecv();
        await fourth;
        const fifth = select({ a: send(closed, value("sent to what was closed")), b: recv(never) }).catch(() => undefined);
        await gosched();
        closed.close();
        await fifth;
        ready.trySend(value("passed through a buffer"));
        ready.tryRecv();
        const plain = other.send(value("sent to a receiver"));
        await gosched();
        other.tryRecv();
        await plain;
        const [ctx, cancel] = withCancel(withValue(background(), value, value("value of a context")));
        const sixth = select({ a: send(never, value("lost to a context")), b: recv(ctx.done()) });
        await gosched();
        cancel();
        await sixth;
        // The last one, since the next select overwrites what the one before it has kept.
        const shut = chan<object>();
        const seventh = select({ a: send(shut, value("sent last to what was closed")), b: recv(never) }).catch(() => undefined);
        await gosched();
        shut.close();
        await seventh;
      }
      await lose();
      const [parent, end] = withCancel(background());
      async function children(): Promise<void> {
        const [child, stop] = withCancel(parent);
        refs.set("child of a context that lives", new WeakRef(child));
        go(async () => void (await select({ done: recv(child.done()) })));
        await gosched();
        stop();
        const [timed] = withTimeout(parent, 1);
        refs.set("child whose time is over", new WeakRef(timed));
        await timed.done().recv();
        const held = value("held by a function that is not called any more");
        const undo = afterFunc(parent, () => void held);
        undo();
      }
      await children();
      for (let i = 0; i < 4; i++) { await new Promise((resolve) => { setTimeout(resolve, 5); }); gc(); }
      console.log(refs.size, [...refs].filter(([, ref]) => ref.deref() !== undefined).map(([name]) => name).join("; "));
      end();
      process.exit(0);
    `);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "15 \n", stderr: "" });
  });
});
