import { describe, expect, it } from "vitest";
import { background, Canceled, withCancel, withTimeout } from "./context.ts";
import { gosched } from "./index.ts";
import { Weighted } from "./semaphore.ts";
import { WaitGroup } from "./sync/index.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();

const ctx = background();

describe("Weighted", () => {
  it("G13 admits no more than its size", async () => {
    const sem = new Weighted(3);
    const wg = new WaitGroup();
    let held = 0;
    for (let i = 0; i < 30; i++) {
      wg.go(async () => {
        const n = 1 + (i % 3);
        await sem.acquire(ctx, n);
        held += n;
        expect(held).toBeLessThanOrEqual(3);
        await gosched();
        held -= n;
        sem.release(n);
      });
    }
    await wg.wait();
  });

  it("G14 a context that is done gets nothing, even if units are free", async () => {
    const [done, cancel] = withCancel(ctx);
    cancel();
    const sem = new Weighted(1);
    await expect(sem.acquire(done, 1)).rejects.toBe(Canceled);
    expect(sem.tryAcquire(1)).toBe(true);
  });

  it("G15 units granted together with a cancellation are given back", async () => {
    const sem = new Weighted(1);
    await sem.acquire(ctx, 1);
    const [c, cancel] = withCancel(ctx);
    const waiting = sem.acquire(c, 1);
    await gosched();
    sem.release(1);
    cancel();
    await expect(waiting).rejects.toBe(Canceled);
    expect(sem.tryAcquire(1)).toBe(true);
  });

  it("G16 G17 is strictly first come, first served", async () => {
    const sem = new Weighted(2);
    await sem.acquire(ctx, 1);
    const order: string[] = [];
    const wg = new WaitGroup();
    for (const [name, n] of [
      ["large", 2],
      ["small", 1],
      ["other", 1],
    ] as const) {
      wg.go(async () => {
        await sem.acquire(ctx, n);
        order.push(name);
        if (name === "large") await gosched();
        sem.release(n);
      });
    }
    await gosched();
    expect([order, sem.tryAcquire(1)]).toEqual([[], false]);
    sem.release(1);
    await wg.wait();
    expect(order).toEqual(["large", "small", "other"]);
  });

  it("G18 a request above the size waits for its context and holds back nobody", async () => {
    const sem = new Weighted(2);
    const [c, cancel] = withTimeout(ctx, 5);
    const hopeless = sem.acquire(c, 3);
    await gosched();
    await sem.acquire(ctx, 2);
    await expect(hopeless).rejects.toThrow("context deadline exceeded");
    cancel();
    sem.release(2);
  });

  it("G19 the head that gives up lets those behind it go on", async () => {
    const sem = new Weighted(2);
    await sem.acquire(ctx, 1);
    const [c, cancel] = withCancel(ctx);
    const head = sem.acquire(c, 2);
    const next = sem.acquire(ctx, 1);
    await gosched();
    cancel();
    await expect(head).rejects.toBe(Canceled);
    await next;
    sem.release(2);
  });

  it("lets any of many leave, and serves the rest in order", async () => {
    const sem = new Weighted(1);
    await sem.acquire(ctx);
    const served: number[] = [];
    const wg = new WaitGroup();
    const cancels: (() => void)[] = [];
    for (let i = 0; i < 100; i++) {
      const [c, cancel] = withCancel(ctx);
      cancels.push(cancel);
      wg.go(async () => {
        try {
          await sem.acquire(c);
        } catch {
          return;
        }
        served.push(i);
        sem.release();
      });
    }
    await gosched();
    for (let i = 0; i < 100; i += 3) cancels[i]!();
    await gosched();
    sem.release();
    await wg.wait();
    expect(served).toEqual(Array.from({ length: 100 }, (_, i) => i).filter((i) => i % 3 !== 0));
    expect(sem.tryAcquire()).toBe(true);
    for (const cancel of cancels) cancel();
  });

  it("G20 releasing more than held panics", () => {
    expect(() => new Weighted(1).release(1)).toThrow(/^semaphore: released more than held$/);
  });
});
