import { describe, expect, it } from "vitest";
import { background, Canceled, cause, withCancel } from "./context.ts";
import { Group, withContext } from "./errgroup.ts";
import { chan, gosched, type RecvChan } from "./index.ts";
import { current } from "./internal/goroutine.ts";
import { recordStacks } from "./internal/stacks.ts";
import { WaitGroup } from "./sync/index.ts";
import { expectNoLeaks } from "./test/quiet.ts";
import { sleep } from "./time.ts";

expectNoLeaks();

const done = (ctx: { done(): RecvChan<never> | undefined }): RecvChan<never> => ctx.done() as RecvChan<never>;

describe("errgroup", () => {
  it("G1 G2 G3 waits for all and rejects with the first error in time, again and again", async () => {
    const g = new Group();
    let ended = 0;
    await g.go(async () => {
      await sleep(10);
      ended++;
      throw new Error("late");
    });
    await g.go(async () => {
      await sleep(2);
      ended++;
      throw new Error("early");
    });
    await expect(g.wait()).rejects.toThrow("early");
    expect(ended).toBe(2);
    await expect(g.wait()).rejects.toThrow("early");
  });

  it("G4 G5 the context is cancelled by the first error, which is its cause", async () => {
    const [g, ctx] = withContext(background());
    const boom = new Error("boom");
    await g.go(() => done(ctx).recv());
    await g.go(() => {
      throw boom;
    });
    await expect(g.wait()).rejects.toBe(boom);
    expect(ctx.err()).toBe(Canceled);
    expect(cause(ctx)).toBe(boom);
  });

  it("G6 an error stops nobody who does not watch the context", async () => {
    const [g] = withContext(background());
    let finished = false;
    await g.go(async () => {
      await sleep(3);
      finished = true;
    });
    await g.go(() => Promise.reject(new Error("boom")));
    await expect(g.wait()).rejects.toThrow("boom");
    expect(finished).toBe(true);
  });

  it("G4 G5 the context is cancelled when wait is over", async () => {
    const [g, ctx] = withContext(background());
    await g.go(() => undefined);
    expect(ctx.err()).toBeUndefined();
    await g.wait();
    expect(cause(ctx)).toBe(Canceled);
  });

  it("G7 under a limit go waits for room", async () => {
    const g = new Group();
    g.setLimit(2);
    let running = 0;
    let most = 0;
    for (let i = 0; i < 10; i++) {
      await g.go(async () => {
        most = Math.max(most, ++running);
        await gosched();
        running--;
      });
    }
    await g.wait();
    expect(most).toBe(2);
  });

  it("a function that had to wait for room was made by who waited, not by who made the room", async () => {
    recordStacks(true);
    try {
      const g = new Group();
      g.setLimit(1);
      const parents: number[] = [];
      const callers: number[] = [];
      const wg = new WaitGroup();
      for (let i = 0; i < 4; i++) {
        wg.go(async () => {
          callers.push(current().id);
          await g.go(async () => {
            await gosched();
            parents.push(current().parent);
          });
        });
      }
      await wg.wait();
      await g.wait();
      expect(parents).toEqual(callers);
    } finally {
      recordStacks(false);
    }
  });

  it("wait counts functions that still queue for room", async () => {
    const g = new Group();
    g.setLimit(1);
    let ran = 0;
    for (let i = 0; i < 5; i++) void g.go(() => ran++);
    await g.wait();
    expect(ran).toBe(5);
  });

  it("G8 G9 tryGo starts only where there is room", async () => {
    const g = new Group();
    g.setLimit(0);
    expect(g.tryGo(() => undefined)).toBe(false);
    g.setLimit(1);
    expect(g.tryGo(() => gosched())).toBe(true);
    expect(g.tryGo(() => undefined)).toBe(false);
    await g.wait();
    g.setLimit(-1);
    expect(g.tryGo(() => undefined)).toBe(true);
    await g.wait();
  });

  it("G10 the limit may not change while functions run", async () => {
    const g = new Group();
    const release = chan<never>();
    await g.go(() => release.recv());
    expect(() => g.setLimit(3)).toThrow("errgroup: modify limit while 1 goroutines in the group are still active");
    release.close();
    await g.wait();
  });

  it("a parent that is cancelled cancels the group's context", async () => {
    const [parent, cancel] = withCancel(background());
    const [g, ctx] = withContext(parent);
    await g.go(async () => {
      await done(ctx).recv();
      throw ctx.err() as Error;
    });
    cancel();
    await expect(g.wait()).rejects.toBe(Canceled);
  });
});
