// Go's package sync, one describe for each of its types; long, since Go promises as much of each.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { go, goexit, gosched } from "../index.ts";
import { runProgram } from "../test/program.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { sleep } from "../time.ts";
import { Cond, Mutex, Once, onceFunc, onceValue, onceValues, Pool, RWMutex, SyncMap, WaitGroup } from "./index.ts";

expectNoLeaks();

/** What a program prints that makes this mistake; everything it does afterwards is lost. */
const fatal = async (body: string): Promise<{ status: number | null; first: string | undefined }> => {
  const { status, stdout, stderr } = await runProgram(`
    import { Mutex, RWMutex, Cond } from "go/sync";
    try { ${body} } catch { console.log("caught"); } finally { console.log("finally"); }
  `);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^.*\n\ngoroutine 1 \[running\]:\n/);
  return { status, first: stderr.split("\n")[0] };
};

describe("a method that is passed on without its object", () => {
  it.each([
    ["wg.done", new WaitGroup().done],
    ["mu.unlock", new Mutex().unlock],
    ["rw.unlock", new RWMutex().unlock],
    ["rw.rUnlock", new RWMutex().rUnlock],
  ] as const)("%s says what to pass instead", (name, method) => {
    expect(() => method.call(undefined as never)).toThrow(
      `${name} was called without its object: pass (...v) => ${name}(...v) on`,
    );
  });
});

describe("WaitGroup", () => {
  it("C1 C2 C3 C8 waits until the counter is zero, releases all together, and may be used again", async () => {
    const wg = new WaitGroup();
    await wg.wait();
    for (let round = 0; round < 8; round++) {
      wg.add(16);
      let released = 0;
      for (let i = 0; i < 3; i++) {
        go(async () => {
          await wg.wait();
          released++;
        });
      }
      for (let i = 0; i < 16; i++) {
        await gosched();
        expect(released).toBe(0);
        wg.done();
      }
      await gosched();
      expect(released).toBe(3);
    }
  });

  it("C4 C5 a counter below zero panics", () => {
    const wg = new WaitGroup();
    wg.add(1);
    wg.done();
    expect(() => wg.done()).toThrow(/^sync: negative WaitGroup counter$/);
    expect(() => wg.add(-1)).toThrow(/^sync: negative WaitGroup counter$/);
  });

  it("C7 a round that begins before those who waited for the last one went on is found by them", async () => {
    const wg = new WaitGroup();
    wg.add(1);
    const waiting = wg.wait();
    wg.done();
    wg.add(1);
    await expect(waiting).rejects.toThrow(/^sync: WaitGroup is reused before previous Wait has returned$/);
    const next = wg.wait();
    wg.done();
    await next;
    wg.add(1);
    wg.done();
  });

  it("C9 C10 go counts at once, from inside too, and uncounts after a Goexit", async () => {
    const wg = new WaitGroup();
    let ran = 0;
    wg.go(() => {
      ran++;
      wg.go(async () => {
        await gosched();
        ran++;
        goexit();
      });
    });
    await wg.wait();
    expect(ran).toBe(2);
  });
});

describe("Mutex", () => {
  it("C12 C13 excludes, with lock and tryLock mixed", async () => {
    const mu = new Mutex();
    const wg = new WaitGroup();
    let inside = 0;
    let count = 0;
    for (let g = 0; g < 10; g++) {
      wg.go(async () => {
        for (let i = 0; i < 100; i++) {
          if (i % 3 === 0) {
            const guard = mu.tryLock();
            if (guard === undefined) continue;
            guard[Symbol.dispose]();
          }
          using _ = await mu.lock();
          expect(++inside).toBe(1);
          await Promise.resolve();
          inside--;
          count++;
        }
      });
    }
    await wg.wait();
    expect(count).toBeGreaterThan(0);
  });

  it("C15 C17 anyone may unlock it, and tryLock tells whether it is free", async () => {
    const mu = new Mutex();
    await mu.lock();
    expect(mu.tryLock()).toBeUndefined();
    const wg = new WaitGroup();
    wg.go(() => mu.unlock());
    await wg.wait();
    expect(mu.tryLock()).toBeDefined();
    const rw = new RWMutex();
    await rw.lock();
    wg.go(() => rw.unlock());
    await wg.wait();
    await rw.rLock();
    wg.go(() => rw.rUnlock());
    await wg.wait();
    expect(rw.tryLock()).toBeDefined();
  });

  it("C16 an unlock too many is fatal and cannot be caught", async () => {
    expect(await fatal("new Mutex().unlock();")).toEqual({
      status: 2,
      first: "fatal error: sync: unlock of unlocked mutex",
    });
  });

  it("C23 is had by one who pauses between its locks, though another locks again right after each unlock", async () => {
    const mu = new Mutex();
    const wg = new WaitGroup();
    let stop = false;
    wg.go(async () => {
      while (!stop) {
        await mu.lock();
        await sleep(0.1);
        mu.unlock();
      }
    });
    for (let i = 0; i < 10; i++) {
      await sleep(0.1);
      await mu.lock();
      mu.unlock();
    }
    stop = true;
    await wg.wait();
  });

  it("its guard unlocks once, and never another's turn", async () => {
    const mu = new Mutex();
    const first = await mu.lock();
    mu.unlock();
    const second = await mu.lock();
    first[Symbol.dispose]();
    expect(mu.tryLock()).toBeUndefined();
    second[Symbol.dispose]();
    second[Symbol.dispose]();
    expect(mu.tryLock()).toBeDefined();
  });
});

describe("RWMutex", () => {
  it("C24 C25 C28 readers share, writers do not", async () => {
    const rw = new RWMutex();
    await rw.rLock();
    const second = rw.tryRLock();
    expect([second !== undefined, rw.tryLock()]).toEqual([true, undefined]);
    second?.[Symbol.dispose]();
    second?.[Symbol.dispose]();
    rw.rUnlock();
    using writer = await rw.lock();
    expect([writer !== undefined, rw.tryRLock(), rw.tryLock()]).toEqual([true, undefined, undefined]);
  });

  it("C25 never lets a writer in beside anybody else", async () => {
    const rw = new RWMutex();
    const wg = new WaitGroup();
    let readers = 0;
    let writers = 0;
    for (let g = 0; g < 12; g++) {
      wg.go(async () => {
        for (let i = 0; i < 50; i++) {
          if (g % 4 === 0) {
            using _ = await rw.lock();
            expect([++writers, readers]).toEqual([1, 0]);
            await Promise.resolve();
            writers--;
          } else {
            using _ = await rw.rLock();
            readers++;
            expect(writers).toBe(0);
            await Promise.resolve();
            readers--;
          }
        }
      });
    }
    await wg.wait();
  });

  it("C26 a waiting writer holds back new readers until it has been", async () => {
    const rw = new RWMutex();
    const order: string[] = [];
    const wg = new WaitGroup();
    await rw.rLock();
    const enter = (name: string, lock: () => Promise<Disposable>): void =>
      wg.go(async () => {
        using _ = await lock();
        order.push(name);
      });
    enter("w1", () => rw.lock());
    await gosched();
    expect(rw.tryRLock()).toBeUndefined();
    enter("r1", () => rw.rLock());
    enter("w2", () => rw.lock());
    enter("r2", () => rw.rLock());
    await gosched();
    expect(order).toEqual([]);
    rw.rUnlock();
    await wg.wait();
    expect([order[0], order.length]).toEqual(["w1", 4]);
  });

  it("C30 C31 misuse is fatal", async () => {
    const w = { status: 2, first: "fatal error: sync: Unlock of unlocked RWMutex" };
    const r = { status: 2, first: "fatal error: sync: RUnlock of unlocked RWMutex" };
    expect(await fatal("new RWMutex().unlock();")).toEqual(w);
    expect(await fatal("const rw = new RWMutex(); void rw.rLock(); rw.unlock();")).toEqual(w);
    expect(await fatal("new RWMutex().rUnlock();")).toEqual(r);
    expect(await fatal("const rw = new RWMutex(); void rw.lock(); rw.rUnlock();")).toEqual(r);
  });

  it("its reader's guard unlocks once, and does nothing once nobody reads any more", async () => {
    const rw = new RWMutex();
    {
      using _ = await rw.rLock();
      rw.rUnlock();
    }
    const old = await rw.rLock();
    const writing = rw.lock();
    const waiting = rw.rLock();
    rw.rUnlock();
    (await writing)[Symbol.dispose]();
    using reader = await waiting;
    old[Symbol.dispose]();
    expect(rw.tryLock()).toBeUndefined();
    reader[Symbol.dispose]();
    reader[Symbol.dispose]();
    expect(rw.tryLock()).toBeDefined();
  });

  it("C32 rLocker is its read side", async () => {
    const rw = new RWMutex();
    const reader = rw.rLocker();
    await reader.lock();
    expect([rw.tryLock(), rw.tryRLock() !== undefined]).toEqual([undefined, true]);
    rw.rUnlock();
    reader.unlock();
    expect(rw.tryLock()).toBeDefined();
  });
});

describe("Once", () => {
  it("C33 C34 runs the first function only, and no call resolves before it has ended", async () => {
    const once = new Once();
    let ended = 0;
    const wg = new WaitGroup();
    for (let i = 0; i < 10; i++) {
      wg.go(async () => {
        await once.do(async () => {
          await sleep(2);
          ended++;
        });
        expect(ended).toBe(1);
      });
    }
    await wg.wait();
    let sync = false;
    void new Once().do(() => (sync = true));
    expect(sync).toBe(true);
  });

  it("C35 counts as done after a panic, which goes to the first caller", async () => {
    const once = new Once();
    await expect(once.do(() => Promise.reject(new Error("boom")))).rejects.toThrow("boom");
    await once.do(() => {
      throw new Error("never");
    });
  });

  it("C37 from inside itself it waits for ever", async () => {
    const { status, stderr } = await runProgram(`
      import { Once } from "go/sync";
      const once = new Once();
      await once.do(() => once.do(() => {}));
    `);
    expect([status, stderr.split("\n")[0]]).toEqual([2, "fatal error: all goroutines are asleep - deadlock!"]);
  });
});

describe("onceFunc, onceValue, onceValues", () => {
  it("C38 run once and give the same result each time", async () => {
    let runs = 0;
    const value = onceValue(() => ++runs);
    expect([value(), value()]).toEqual([1, 1]);
    const values = onceValues(() => [++runs, "two"]);
    expect(values()).toBe(values());
    const func = onceFunc(async () => void runs++);
    await Promise.all([func(), func()]);
    expect(runs).toBe(3);
  });

  it("C42 do not run again after a Goexit", async () => {
    let runs = 0;
    const value = onceValue((): number => {
      runs++;
      return goexit();
    });
    const wg = new WaitGroup();
    for (let i = 0; i < 3; i++) wg.go(() => void value());
    await wg.wait();
    expect(runs).toBe(1);
  });

  it("C39 throw the same error each time", () => {
    let runs = 0;
    const value = onceValue((): number => {
      runs++;
      throw new Error("boom");
    });
    expect(value).toThrow("boom");
    expect(value).toThrow("boom");
    expect(runs).toBe(1);
    const inner: () => number = onceValue(() => inner());
    expect(inner).toThrow("from inside itself");
  });

  it("C40 the error's stack reaches into the function, each time", () => {
    const value = onceValue(function origin(): number {
      throw new Error("boom");
    });
    for (let i = 0; i < 2; i++) {
      const error = (() => {
        try {
          return value();
        } catch (e) {
          return e as Error;
        }
      })();
      expect((error as Error).stack).toContain("at origin ");
    }
  });

  it("C41 nil is thrown again as well", () => {
    let runs = 0;
    const value = onceValue(() => {
      runs++;
      // oxlint-disable-next-line typescript/only-throw-error -- Go's panic(nil)
      throw undefined;
    });
    for (let i = 0; i < 2; i++) {
      let thrown = 0;
      try {
        value();
      } catch (error) {
        expect(error).toBeUndefined();
        thrown++;
      }
      expect(thrown).toBe(1);
    }
    expect(runs).toBe(1);
  });
});

describe("Cond", () => {
  it("C44 C45 C46 signal wakes the one that has waited longest, holding the lock again", async () => {
    const mu = new Mutex();
    const cond = new Cond(mu);
    const woken: number[] = [];
    const wg = new WaitGroup();
    for (let i = 0; i < 4; i++) {
      wg.go(async () => {
        using _ = await mu.lock();
        await cond.wait();
        expect(mu.tryLock()).toBeUndefined();
        woken.push(i);
      });
    }
    await gosched();
    for (let i = 0; i < 4; i++) {
      cond.signal();
      await gosched();
      expect(woken.length).toBe(i + 1);
    }
    await wg.wait();
    expect(woken).toEqual([0, 1, 2, 3]);
    expect(mu.tryLock()).toBeDefined();
  });

  it("C47 C48 broadcast wakes all that wait now; a signal nobody waits for is forgotten", async () => {
    const rw = new RWMutex();
    const cond = new Cond(rw.rLocker());
    cond.signal();
    cond.broadcast();
    const wg = new WaitGroup();
    let woken = 0;
    for (let i = 0; i < 3; i++) {
      wg.go(async () => {
        await cond.L.lock();
        await cond.wait();
        woken++;
        cond.L.unlock();
      });
    }
    await gosched();
    expect(woken).toBe(0);
    cond.broadcast();
    await wg.wait();
    expect([woken, rw.tryLock() !== undefined]).toEqual([3, true]);
  });

  it("C49 C50 a later waiter cannot take an earlier one's wake-up, and who signals need not hold the lock", async () => {
    for (let i = 0; i < 100; i++) {
      const mu = new Mutex();
      const cond = new Cond(mu);
      const waiting: string[] = [];
      const woken: string[] = [];
      const wg = new WaitGroup();
      const wait = async (name: string): Promise<void> => {
        await mu.lock();
        waiting.push(name);
        await cond.wait();
        woken.push(name);
        mu.unlock();
      };
      wg.go(() => wait("first"));
      while (waiting.length === 0) await gosched();
      wg.go(() => wait("second"));
      // The second begins to wait before the signal, or after it and before the first goes on.
      for (let k = i % 6; k > 0; k--) await Promise.resolve();
      cond.signal();
      while (waiting.length < 2 || woken.length === 0) await gosched();
      expect(woken).toEqual(["first"]);
      cond.signal();
      await wg.wait();
    }
  });

  it("C44 a wait without the lock is fatal", async () => {
    expect(await fatal("void new Cond(new Mutex()).wait();")).toEqual({
      status: 2,
      first: "fatal error: sync: unlock of unlocked mutex",
    });
  });
});

describe("Pool", () => {
  it("C52 C53 hands out what was put in, once, and makes new ones where it can", () => {
    const plain = new Pool<string>();
    expect(plain.get()).toBeUndefined();
    plain.put("a");
    plain.put(undefined);
    expect([plain.get(), plain.get()]).toEqual(["a", undefined]);
    let made = 0;
    const making = new Pool(() => ++made);
    expect([making.get(), making.get()]).toEqual([1, 2]);
  });

  it("C54 lets go of what two collections have passed by, unless it was used in between", () => {
    const pool = new Pool<number>() as Pool<number | undefined> & { collected(): boolean };
    pool.put(1);
    expect(pool.collected()).toBe(true);
    pool.put(2);
    expect([pool.get(), pool.get(), pool.get()]).toEqual([2, 1, undefined]);
    pool.put(3);
    pool.collected();
    expect(pool.collected()).toBe(false);
    expect(pool.get()).toBeUndefined();
  });
});

describe("SyncMap", () => {
  it("C57 C58 C59 C60 C61 C62 C66 does what a plain map under a lock does", () => {
    const operation = fc.tuple(
      fc.constantFrom("load", "store", "loadOrStore", "loadAndDelete", "delete", "swap", "cas", "cad", "clear"),
      fc.constantFrom("a", "b", undefined),
      fc.nat(2),
      fc.nat(2),
    );
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const map = new SyncMap<string | undefined, number>();
        const model = new Map<string | undefined, number>();
        const found = (k: string | undefined): [number | undefined, boolean] => [model.get(k), model.has(k)];
        for (const [name, k, v, old] of operations) {
          const before = found(k);
          const same = before[1] && before[0] === old;
          switch (name) {
            case "load":
              expect(map.load(k)).toEqual(before);
              break;
            case "store":
              map.store(k, v);
              model.set(k, v);
              break;
            case "loadOrStore":
              expect(map.loadOrStore(k, v)).toEqual(before[1] ? before : [v, false]);
              if (!before[1]) model.set(k, v);
              break;
            case "loadAndDelete":
              expect(map.loadAndDelete(k)).toEqual(before);
              model.delete(k);
              break;
            case "delete":
              map.delete(k);
              model.delete(k);
              break;
            case "swap":
              expect(map.swap(k, v)).toEqual(before);
              model.set(k, v);
              break;
            case "cas":
              expect(map.compareAndSwap(k, old, v)).toBe(same);
              if (same) model.set(k, v);
              break;
            case "cad":
              expect(map.compareAndDelete(k, old)).toBe(same);
              if (same) model.delete(k);
              break;
            case "clear":
              map.clear();
              model.clear();
          }
        }
        const all: [string | undefined, number][] = [];
        map.range((k, v) => void all.push([k, v]));
        expect(all).toEqual([...model]);
      }),
    );
  });

  it("C64 C65 range bears changes, sees each key once, and stops on false", () => {
    const map = new SyncMap<number, string>();
    for (let i = 0; i < 5; i++) map.store(i, "x");
    const seen: number[] = [];
    map.range((k) => {
      seen.push(k);
      map.delete(k);
      map.store(k, "again");
      map.range(() => undefined);
      map.delete(3);
    });
    expect(seen).toEqual([0, 1, 2, 4]);
    let calls = 0;
    map.range(() => ++calls < 2);
    expect(calls).toBe(2);
  });

  it("C67 clear is safe among others, and a last one leaves nothing", async () => {
    const map = new SyncMap<number, number>();
    const wg = new WaitGroup();
    for (let g = 0; g < 4; g++) {
      wg.go(async () => {
        for (let i = 0; i < 100; i++) {
          map.store(i, g);
          await Promise.resolve();
          const [value, ok] = map.load(i);
          expect(ok ? value : 0).toBeOneOf([0, 1, 2, 3]);
          if (i % 10 === g) map.clear();
        }
      });
    }
    await wg.wait();
    map.clear();
    map.range(() => expect.unreachable());
  });
});
