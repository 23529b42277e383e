// What Go's implementation does and nobody promises: imitated because it is cheap and what Go
// programmers are used to. A failure here is a change to think about, not a broken guarantee.
import { describe, expect, it } from "vitest";
import { background, withCancel } from "../context.ts";
import { Group } from "../errgroup.ts";
import { chan, goexit, gosched, otherwise, recv, select, send } from "../index.ts";
import { Weighted } from "../semaphore.ts";
import { Mutex, Once, Pool, RWMutex, WaitGroup } from "../sync/index.ts";
import { runProgram } from "./program.ts";
import { expectNoLeaks } from "./quiet.ts";

expectNoLeaks();

/** Starts one goroutine for each value, and lets them run until they wait. */
async function startEach<T>(values: readonly T[], fn: (value: T) => unknown): Promise<WaitGroup> {
  const wg = new WaitGroup();
  for (const value of values) wg.go(() => fn(value));
  await gosched();
  return wg;
}

describe("channels", () => {
  it("A11 A12 serve receivers and senders in the order in which they came", async () => {
    const ch = chan<number>();
    const seen: string[] = [];
    const receivers = await startEach(["a", "b", "c"], async (name) => void seen.push(`${name}${await ch.recv()}`));
    for (const v of [1, 2, 3]) await ch.send(v);
    await receivers.wait();
    expect(seen).toEqual(["a1", "b2", "c3"]);
    const senders = await startEach([1, 2, 3], (v) => ch.send(v));
    expect([await ch.recv(), await ch.recv(), await ch.recv()]).toEqual([1, 2, 3]);
    await senders.wait();
  });

  it("A17 let a waiting sender's value in with the receive that makes room", async () => {
    const ch = chan<number>(2);
    for (const v of [1, 2]) ch.trySend(v);
    const senders = await startEach([3, 4], (v) => ch.send(v));
    expect(ch.tryRecv()).toMatchObject({ value: 1 });
    expect(ch.len).toBe(2);
    const rest = [ch.tryRecv(), ch.tryRecv(), ch.tryRecv()];
    expect(rest).toMatchObject([{ value: 2 }, { value: 3 }, { value: 4 }]);
    await senders.wait();
  });

  it("A18 hand a value to a waiting receiver past the buffer", async () => {
    const ch = chan<number>(4);
    const got: unknown[] = [];
    const receivers = await startEach([0], async () => void got.push(await ch.recv()));
    expect([ch.trySend(1), ch.len]).toEqual([true, 0]);
    await receivers.wait();
    expect(got).toEqual([1]);
  });

  it("A22 when closed wake receivers in the order in which they came", async () => {
    const ch = chan<number>();
    const order: number[] = [];
    const receivers = await startEach([1, 2, 3], async (i) => {
      await ch.recv();
      order.push(i);
    });
    ch.close();
    await receivers.wait();
    expect(order).toEqual([1, 2, 3]);
  });

  it("A23 A24 when closed make each waiting sender panic, and keep what is buffered", async () => {
    const ch = chan<number>(1);
    ch.trySend(1);
    const errors: string[] = [];
    const senders = await startEach([2, 3], (v) => ch.send(v).catch((error: Error) => errors.push(error.message)));
    ch.close();
    await senders.wait();
    expect(errors).toEqual(["send on closed channel", "send on closed channel"]);
    expect([await ch.recvOk(), await ch.recvOk()]).toEqual([
      [1, true],
      [undefined, false],
    ]);
  });

  it("A41 let go of a value that was received", async () => {
    const { stdout } = await runProgram(`
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      import { chan, gosched } from "go";
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc") as () => void;
      const ch = chan<object>(4);
      const refs: WeakRef<object>[] = [];
      async function fill(): Promise<void> {
        for (let i = 0; i < 3; i++) {
          const value = { i };
          refs.push(new WeakRef(value));
          await ch.send(value);
        }
      }
      await fill();
      await ch.recv();
      await ch.recv();
      for (let i = 0; i < 3; i++) { await new Promise((resolve) => { setTimeout(resolve, 1); }); gc(); }
      console.log(refs.map((ref) => ref.deref() !== undefined).join(" "), ch.len);
    `);
    expect(stdout).toBe("false false true 1\n");
  });
});

describe("select", () => {
  it("B16 panics when a channel it waits to send on is closed, and leaves its other queues", async () => {
    const ch = chan<number>();
    const other = chan<number>();
    const waiting = select({ out: send(ch, 1), other: recv(other) });
    ch.close();
    await expect(waiting).rejects.toThrow(/^send on closed channel$/);
    expect(other.trySend(1)).toBe(false);
  });

  it("B31 refuses two otherwise", async () => {
    await expect(select([otherwise, otherwise])).rejects.toThrow(/^reflect\.Select: multiple default cases$/);
  });
});

describe("locks", () => {
  it("C11 a panic in a function of WaitGroup.go ends the program before wait can return", async () => {
    const { status, stdout, stderr } = await runProgram(`
      import { WaitGroup } from "go/sync";
      const wg = new WaitGroup();
      wg.go(() => { throw new Error("boom"); });
      await wg.wait();
      console.log("never");
    `);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^panic: boom\n/);
  });

  it("C19 serve waiters first in, first out", async () => {
    const mu = new Mutex();
    const order: number[] = [];
    await mu.lock();
    const waiters = await startEach([0, 1, 2, 3, 4], async (i) => {
      using _ = await mu.lock();
      order.push(i);
    });
    mu.unlock();
    await waiters.wait();
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it("C27 let in all readers that wait before the next writer", async () => {
    const rw = new RWMutex();
    const order: string[] = [];
    await rw.lock();
    const waiters = await startEach(["r1", "w", "r2"], async (name) => {
      using _ = await (name === "w" ? rw.lock() : rw.rLock());
      order.push(name);
    });
    rw.unlock();
    await waiters.wait();
    expect(order).toEqual(["r1", "r2", "w"]);
  });

  it("C36 a Once counts as done after a Goexit", async () => {
    const once = new Once();
    const wg = await startEach([0], () => once.do(() => goexit()));
    await wg.wait();
    let again = false;
    await once.do(() => (again = true));
    expect(again).toBe(false);
  });

  it("C55 a Pool ignores nil", () => {
    const pool = new Pool<string>();
    pool.put(undefined);
    pool.put(null as never);
    expect(pool.get()).toBeUndefined();
  });
});

describe("the others", () => {
  it("D14 a parent's done closes before its children's", async () => {
    const [parent, cancel] = withCancel(background());
    const [child] = withCancel(parent);
    const order: string[] = [];
    // The child's waiter came first.
    const waiters = await startEach([child, parent], async (ctx) => {
      await ctx.done()?.recv();
      order.push(ctx === parent ? "parent" : "child");
    });
    cancel();
    await waiters.wait();
    expect(order).toEqual(["parent", "child"]);
  });

  it("G12 a Goexit in a function of a group is no error", async () => {
    const g = new Group();
    await g.go(async () => {
      await gosched();
      goexit();
    });
    await expect(g.wait()).resolves.toBeUndefined();
  });

  it("G21 one release admits as many as fit", async () => {
    const sem = new Weighted(3);
    await sem.acquire(background(), 3);
    let inside = 0;
    const waiters = await startEach([1, 1, 2], async (n) => {
      await sem.acquire(background(), n);
      inside++;
    });
    sem.release(2);
    await gosched();
    expect(inside).toBe(2);
    sem.release(3);
    await waiters.wait();
  });

  it("G64 a dump marks leaked goroutines, and the short form lists only them", async () => {
    const { stdout } = await runProgram(`
      import { chan, go } from "go";
      import { goroutineLeakProfile, recordStacks } from "go/pprof";
      import { sleep } from "go/time";
      recordStacks(true);
      const held = chan<number>();
      (() => go(async function lost() { await chan<number>().recv(); }))();
      go(async function kept() { await held.recv(); });
      await sleep(20);
      console.log(await goroutineLeakProfile());
      console.log(await goroutineLeakProfile({ debug: 2 }));
      held.trySend(1);
      process.exit(0);
    `);
    expect(stdout).toMatch(/^goroutineleak profile: total 1\n1 @ 0x[0-9a-f]+\n#\tlost\(\.\.\.\)\n/);
    expect(stdout).toMatch(/\ngoroutine 2 \[chan receive \(leaked\)\]:\nlost\(\.\.\.\)\n/);
    expect(stdout).toMatch(/\ngoroutine 3 \[chan receive\]:\nkept\(\.\.\.\)\n/);
  });
});
