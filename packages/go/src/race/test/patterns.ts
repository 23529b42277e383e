// What orders two accesses and what does not, rule by rule of Go's memory model: programs as Go's
// own tests of its race detector have them, as far as JavaScript allows. See race.test.ts.
// Long, because it is a list of programs.
import { Int32, Value } from "../../atomic.ts";
import { afterFunc as afterContext, background, withCancel, withTimeout } from "../../context.ts";
import { Group, withContext } from "../../errgroup.ts";
import { chan, go, gosched, numGoroutine, otherwise, recv, select, send } from "../../index.ts";
import { forEach, generate, map, ordered, reduce } from "../../patterns/index.ts";
import { Weighted } from "../../semaphore.ts";
import { Group as Flight } from "../../singleflight.ts";
import { Cond, Mutex, Once, onceValue, Pool, RWMutex, SyncMap, WaitGroup } from "../../sync/index.ts";
import { test as inBubble, wait } from "../../synctest/index.ts";
import { after, afterFunc, sleep, Ticker, Timer } from "../../time.ts";

export type Programs = readonly [id: string, what: string, races: boolean, run: () => unknown][];

const ctx = background();

/** Waits until the goroutines that are about to end have ended, in a way that orders nothing. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 100 && numGoroutine() > 1; i++) await sleep(1);
}

/** Runs each function in a goroutine of its own, and waits for all in that way. */
async function together(...bodies: (() => unknown)[]): Promise<void> {
  for (const body of bodies) go(body);
  await quiet();
}

/** Adds one to each number, three times, each time in one step. */
function addingTo(counts: number[]): () => Promise<void> {
  return async () => {
    for (let n = 0; n < 3; n++) {
      for (let i = 0; i < counts.length; i++) counts[i] = (counts[i] as number) + 1;
      await sleep(1);
    }
  };
}

export const patterns: Programs = [
  [
    "H20",
    "each of two waits at once, as two requests of a server have them, is after what it waited for",
    false,
    async () => {
      const request = async (gate: Promise<void>): Promise<number> => {
        let x = 0;
        const [group] = withContext(ctx);
        await group.go(async () => {
          await gosched();
          await gate;
          x = 1;
        });
        await group.wait();
        return x;
      };
      const { promise: gate, resolve: open } = Promise.withResolvers<void>();
      const second = request(gate);
      const first = await request(Promise.resolve());
      open();
      return first + (await second);
    },
  ],
  [
    "H16",
    "the value sent is read before the exchange, and the target written after it",
    true,
    async () => {
      let x = 0;
      const [a, b] = [chan<number>(1), chan<number>(1)];
      await b.send(1);
      await together(
        () => a.send(x),
        async () => (await sleep(1), (x = (await b.recv()) as number)),
      );
    },
  ],
  [
    "H16",
    "so that the two sides of one exchange are none",
    false,
    async () => {
      let x = 0;
      const ch = chan<number>();
      const wg = new WaitGroup();
      wg.go(() => ch.send(x));
      wg.go(async () => (x = (await ch.recv()) as number));
      await wg.wait();
    },
  ],
  [
    "H30",
    "a bubble's goroutines are before the wait and the test that they let return",
    false,
    async () => {
      let x = 0;
      let y = 0;
      await inBubble(async () => {
        go(() => void (x = 1));
        go(async () => ((y = 1), await chan<void>(1).send()));
        await wait();
        x = 2;
        go(async () => (await sleep(1), (y = 2)));
        await sleep(2);
      });
      return x + y;
    },
  ],
  [
    "H30",
    "its clock orders nothing",
    true,
    async () => {
      let x = 0;
      await inBubble(async () => {
        go(async () => (await sleep(1), (x = 1)));
        await sleep(2);
        x = 2;
      });
      return x;
    },
  ],
  [
    "H4",
    "a go statement orders what was before it",
    false,
    async () => {
      let x = 0;
      x = 1;
      const done = chan<number>();
      go(async () => done.send(x));
      await done.recv();
    },
  ],
  [
    "H5",
    "the end of a goroutine orders nothing",
    true,
    async () => {
      let x = 0;
      go(() => void (x = 1));
      await quiet();
      return x;
    },
  ],
  [
    "H29",
    "two timers ten milliseconds apart order nothing",
    true,
    async () => {
      let x = 0;
      await together(
        async () => (await sleep(1), (x = 1)),
        async () => (await sleep(11), (x = 2)),
      );
      return x;
    },
  ],
  [
    "H7",
    "a send orders what was before it, unbuffered",
    false,
    async () => {
      let x = 0;
      const ch = chan<number>();
      go(async () => ((x = 1), await ch.send(1)));
      await ch.recv();
      return x;
    },
  ],
  [
    "H7",
    "a send orders what was before it, buffered",
    false,
    async () => {
      let x = 0;
      const ch = chan<number>(10);
      go(async () => ((x = 1), await ch.send(1)));
      await ch.recv();
      return x;
    },
  ],
  [
    "H7",
    "a send that waits does too, and one in a select",
    false,
    async () => {
      let x = 0;
      const ch = chan<number>(1);
      await ch.send(0);
      go(async () => ((x = 1), await select({ out: send(ch, 1), never: recv(chan()) })));
      await sleep(1);
      await ch.recv();
      await ch.recv();
      return x;
    },
  ],
  [
    "H7",
    "a value of another sender orders nothing",
    true,
    async () => {
      let x = 0;
      const ch = chan<number>(2);
      await together(
        () => ch.send(0),
        async () => (await sleep(1), (x = 1), await ch.send(1)),
        async () => (await ch.recv(), x),
      );
    },
  ],
  [
    "H8",
    "an unbuffered receive orders the end of its send",
    false,
    async () => {
      let x = 0;
      const ch = chan<number>();
      go(async () => ((x = 1), await ch.recv()));
      await ch.send(1);
      return x;
    },
  ],
  [
    "H9",
    "a receive from a buffer with room orders nothing",
    true,
    async () => {
      let x = 0;
      const ch = chan<number>(10);
      go(async () => ((x = 1), await ch.recv()));
      await ch.send(1);
      await quiet();
      return x;
    },
  ],
  [
    "H9",
    "a channel of one value is a mutex",
    false,
    async () => {
      let x = 0;
      const lock = chan<number>(1);
      const done = chan<number>(3);
      for (let i = 0; i < 3; i++) {
        go(async () => {
          await lock.send(1);
          const seen = x;
          await gosched();
          x = seen + 1;
          await lock.recv();
          await done.send(1);
        });
      }
      for (let i = 0; i < 3; i++) await done.recv();
      return x;
    },
  ],
  [
    "H9",
    "a channel of two values is none",
    true,
    async () => {
      let x = 0;
      const sem = chan<number>(2);
      const enter = async (): Promise<void> => {
        await sem.send(1);
        const seen = x;
        await gosched();
        x = seen + 1;
        await sem.recv();
      };
      await together(enter, enter);
    },
  ],
  [
    "H10",
    "a close orders each receive that it ends",
    false,
    async () => {
      let x = 0;
      const ch = chan<number>();
      const seen: number[] = [];
      const wg = new WaitGroup();
      wg.go(async () => (await ch.recv(), x));
      wg.go(async () => (await ch.recvOk(), x));
      wg.go(async () => {
        for await (const _ of ch);
        return x;
      });
      wg.go(async () => (await select({ ch: recv(ch) }), x));
      await sleep(1);
      x = 1;
      ch.close();
      await wg.wait();
      ch.tryRecv();
      return seen;
    },
  ],
  [
    "H11",
    "a close does not order a send that panics on it",
    true,
    async () => {
      let x = 0;
      const ch = chan<number>(1);
      await together(
        () => ((x = 1), ch.close()),
        async () => {
          await sleep(1);
          await ch.send(1).catch(() => undefined);
          x = 2;
        },
      );
      return x;
    },
  ],
  [
    "H12",
    "a send and a close in no order are a race",
    true,
    async () => {
      const ch = chan<number>(1);
      await together(
        () => ch.send(1),
        async () => (await sleep(1), ch.close()),
      );
    },
  ],
  [
    "H12",
    "a close after all sends is none",
    false,
    async () => {
      const ch = chan<number>(3);
      const wg = new WaitGroup();
      for (let i = 0; i < 3; i++) wg.go(() => ch.send(i));
      await wg.wait();
      ch.close();
    },
  ],
  [
    "H13",
    "len orders nothing",
    true,
    async () => {
      let x = 0;
      const ch = chan<number>(1);
      go(async () => ((x = 1), await ch.send(1)));
      while (ch.len === 0) await gosched();
      return x;
    },
  ],
  [
    "H13",
    "len and cap beside a close are no race",
    false,
    async () => {
      const ch = chan<number>(1);
      await together(
        () => ch.close(),
        () => ch.len + ch.cap,
      );
    },
  ],
  [
    "H14",
    "an operation that took the default orders nothing",
    true,
    async () => {
      let x = 0;
      const ch = chan<number>();
      await together(
        async () => ((x = 1), await select({ out: send(ch, 1), idle: otherwise })),
        async () => (await sleep(1), await select({ in: recv(ch), idle: otherwise }), (x = 2)),
      );
      return x;
    },
  ],
  [
    "H15",
    "a channel's variable that is set beside its use is a race",
    true,
    async () => {
      let ch = chan<number>(1);
      await together(
        () => ch.send(1),
        async () => (await sleep(1), (ch = chan<number>(1))),
      );
    },
  ],
  [
    "H17",
    "unlock orders later locks of the same mutex",
    false,
    async () => {
      let x = 0;
      const mu = new Mutex();
      const wg = new WaitGroup();
      for (let i = 0; i < 4; i++) {
        wg.go(async () => {
          using _ = await mu.lock();
          const seen = x;
          await gosched();
          x = seen + 1;
        });
      }
      await wg.wait();
      return x;
    },
  ],
  [
    "H17",
    "and not of another one",
    true,
    async () => {
      let x = 0;
      const locks = [new Mutex(), new Mutex()];
      await together(
        ...locks.map((mu) => async () => {
          using _ = await mu.lock();
          x = 1;
          await gosched();
        }),
      );
      return x;
    },
  ],
  [
    "H18",
    "writers and readers of an RWMutex are ordered",
    false,
    async () => {
      let x = 0;
      const rw = new RWMutex();
      const wg = new WaitGroup();
      for (let i = 0; i < 3; i++) {
        wg.go(async () => {
          using _ = await rw.lock();
          x = i;
          await gosched();
        });
        wg.go(async () => {
          using _ = await rw.rLock();
          await gosched();
          return x;
        });
      }
      await wg.wait();
    },
  ],
  [
    "H18",
    "readers are not ordered among themselves",
    true,
    async () => {
      let x = 0;
      const rw = new RWMutex();
      const both = async (): Promise<void> => {
        using _ = await rw.rLock();
        x = 1;
        await gosched();
      };
      await together(both, both);
      return x;
    },
  ],
  [
    "H19",
    "tryLock counts as lock if it succeeds",
    false,
    async () => {
      let x = 0;
      const mu = new Mutex();
      const rw = new RWMutex();
      const wg = new WaitGroup();
      for (let i = 0; i < 2; i++) {
        wg.go(async () => {
          while (mu.tryLock() === undefined) await gosched();
          while (rw.tryLock() === undefined) await gosched();
          x = i;
          await gosched();
          rw.unlock();
          mu.unlock();
        });
      }
      await wg.wait();
      return x;
    },
  ],
  [
    "H19",
    "and orders nothing if it fails",
    true,
    async () => {
      let x = 0;
      const mu = new Mutex();
      await together(
        async () => (await mu.lock(), (x = 1), mu.unlock(), await mu.lock()),
        async () => (await sleep(1), mu.tryLock(), (x = 2)),
      );
      return x;
    },
  ],
  [
    "H20",
    "once.do orders its function before each return",
    false,
    async () => {
      let x = 0;
      const once = new Once();
      const value = onceValue(() => ({ made: 1 }));
      const wg = new WaitGroup();
      const seen = new Int32();
      for (let i = 0; i < 3; i++) {
        wg.go(async () => {
          await once.do(async () => (await gosched(), (x = 1)));
          seen.add(x + value().made);
        });
      }
      await wg.wait();
      await once.do(() => undefined);
    },
  ],
  [
    "H21",
    "atomics order what they see",
    false,
    async () => {
      let x = 0;
      let y = 0;
      const ready = new Int32();
      const box = new Value<object>();
      const wg = new WaitGroup();
      wg.go(() => ((x = 1), ready.store(1)));
      wg.go(() => ((y = 1), box.store({})));
      wg.go(async () => {
        while (ready.load() === 0 || box.load() === undefined) await gosched();
        return x + y;
      });
      await wg.wait();
    },
  ],
  [
    "H22",
    "done orders the wait that it ends",
    false,
    async () => {
      let x = 0;
      let y = 0;
      const wg = new WaitGroup();
      wg.add(2);
      go(async () => ((x = 1), wg.done()));
      go(async () => (await gosched(), (y = 1), wg.done()));
      await wg.wait();
      return x + y;
    },
  ],
  [
    "H22",
    "and not the counted ones among themselves",
    true,
    async () => {
      let x = 0;
      const wg = new WaitGroup();
      for (let i = 0; i < 2; i++) wg.go(() => void (x = i));
      await wg.wait();
      return x;
    },
  ],
  [
    "H22",
    "a write after done is a race",
    true,
    async () => {
      let x = 0;
      const wg = new WaitGroup();
      wg.add(1);
      go(() => (wg.done(), (x = 1)));
      await wg.wait();
      return x;
    },
  ],
  [
    "H23",
    "a first add beside a wait is a race",
    true,
    async () => {
      const wg = new WaitGroup();
      await together(
        async () => (wg.add(1), await sleep(60), wg.done()),
        async () => (await sleep(1), await wg.wait()),
      );
    },
  ],
  [
    "H24",
    "a signal orders the wait that it ends",
    false,
    async () => {
      let x = 0;
      let ready = false;
      const cond = new Cond(new Mutex());
      const wg = new WaitGroup();
      wg.go(async () => {
        await cond.L.lock();
        while (!ready) await cond.wait();
        cond.L.unlock();
        return x;
      });
      await gosched();
      x = 1;
      await cond.L.lock();
      ready = true;
      cond.broadcast();
      cond.L.unlock();
      await wg.wait();
    },
  ],
  [
    "H25",
    "a pool orders put before get",
    false,
    async () => {
      const pool = new Pool(() => ({ n: 0 }));
      const wg = new WaitGroup();
      for (let i = 0; i < 2; i++) {
        wg.go(async () => {
          const value = pool.get();
          value.n = i;
          await gosched();
          pool.put(value);
        });
      }
      await wg.wait();
      return pool.get().n;
    },
  ],
  [
    "H25",
    "use after put is a race",
    true,
    async () => {
      const pool = new Pool(() => ({ n: 0 }));
      const use = async (): Promise<void> => {
        const value = pool.get();
        pool.put(value);
        value.n = 1;
        await gosched();
      };
      await together(use, use);
    },
  ],
  [
    "H26",
    "a SyncMap orders writes before reads that see them",
    false,
    async () => {
      const shared = new SyncMap<string, { n: number }>();
      const wg = new WaitGroup();
      wg.go(() => {
        const value = { n: 0 };
        value.n = 1;
        shared.store("a", value);
      });
      wg.go(async () => {
        for (;;) {
          const [value, ok] = shared.load("a");
          if (ok) return value.n;
          await gosched();
        }
      });
      await wg.wait();
    },
  ],
  [
    "H27",
    "a cancellation orders who sees it",
    false,
    async () => {
      let x = 0;
      const [child, cancel] = withCancel(ctx);
      const [grandchild] = withCancel(child);
      const wg = new WaitGroup();
      wg.go(async () => (await grandchild.done()?.recv(), x));
      wg.go(async () => {
        while (grandchild.err() === undefined) await gosched();
        return x;
      });
      wg.add(1);
      afterContext(grandchild, () => (wg.done(), x));
      await sleep(1);
      x = 1;
      cancel();
      await wg.wait();
    },
  ],
  [
    "H28",
    "afterFunc orders what was before it",
    false,
    async () => {
      let x = 0;
      x = 1;
      const done = chan<number>();
      afterFunc(1, () => done.send(x));
      await done.recv();
    },
  ],
  [
    "H28",
    "and not what its caller does after it",
    true,
    async () => {
      let x = 0;
      afterFunc(1, () => void (x = 1));
      x = 2;
      await sleep(20);
      return x;
    },
  ],
  [
    "H28",
    "a reset timer orders the tick that is received",
    false,
    async () => {
      let x = 0;
      const timer = new Timer(10_000);
      const ticker = new Ticker(1);
      const wg = new WaitGroup();
      wg.go(async () => (await timer.c.recv(), x));
      await sleep(1);
      x = 1;
      timer.reset(1);
      await wg.wait();
      await ticker.c.recv();
      ticker.stop();
      await after(1).recv();
    },
  ],
  [
    "H30",
    "the end of a deadline orders what was before its context",
    false,
    async () => {
      let x = 0;
      x = 1;
      const [limited] = withTimeout(ctx, 1);
      const done = chan<number>();
      go(async () => (await limited.done()?.recv(), await done.send(x)));
      await done.recv();
    },
  ],
  [
    "H32",
    "inserts into a Map are writes of the whole of it",
    true,
    async () => {
      const all = new Map<string, number>();
      await together(
        () => all.set("a", 1),
        async () => (await sleep(1), all.set("b", 2)),
      );
    },
  ],
  [
    "H32",
    "a read and a write of a Map are a race",
    true,
    async () => {
      const all = new Map<string, number>();
      await together(
        () => all.get("a"),
        async () => (await sleep(1), all.set("b", 2)),
      );
    },
  ],
  [
    "H32",
    "a walk over a Map and a write in between are a race",
    true,
    async () => {
      const all = new Map([
        ["a", 1],
        ["b", 2],
      ]);
      await together(
        async () => {
          for (const [key] of all) await Promise.resolve(key);
        },
        async () => (await Promise.resolve(), all.delete("b")),
      );
    },
  ],
  [
    "H32",
    "the size of a Set beside an insert is a race",
    true,
    async () => {
      const all = new Set<string>();
      await together(
        () => all.add("a"),
        async () => (await sleep(1), all.size),
      );
    },
  ],
  [
    "H32",
    "reads of a Map beside each other are none",
    false,
    async () => {
      const all = new Map([["a", 1]]);
      await together(
        () => all.get("a"),
        () => [...all.keys()],
        () => all.has("b"),
      );
    },
  ],
  [
    "H32",
    "distinct elements and properties are distinct locations",
    false,
    async () => {
      const array = [0, 0];
      const object = { a: 0, b: 0 };
      const numbers = new Uint8Array(2);
      await together(
        () => ((array[0] = 1), (object.a = 1), (numbers[0] = 1)),
        async () => (await sleep(1), (array[1] = 1), (object.b = 1), (numbers[1] = 1)),
      );
    },
  ],
  [
    "H32",
    "the last element, read by at(-1) and written without order, is a race",
    true,
    async () => {
      const array = [0, 0, 0];
      await together(
        () => (array[2] = 1),
        async () => (await sleep(1), array.at(-1)),
      );
    },
  ],
  [
    "H32",
    "at and pop use the last element, and not the first one",
    false,
    async () => {
      const array = [0, 0, 0];
      await together(
        () => (array[0] = 1),
        async () => (await sleep(1), [array.at(-1), array.at(1), array.pop()]),
      );
    },
  ],
  [
    "H32",
    "one of many elements that were filled in one step is written again without order",
    true,
    async () => {
      const array = new Uint8Array(1000);
      await together(
        () => {
          for (let i = 0; i < 1000; i++) array[i] = 1;
        },
        async () => (await sleep(1), (array[777] = 2)),
      );
    },
  ],
  [
    "H32",
    "of elements that one step read, one is part of an update, and another is not",
    true,
    async () => {
      const array = [0, 0, 0, 0];
      const at = async (i: number): Promise<void> => {
        let sum = 0;
        for (let n = 0; n < 4; n++) sum += array[n] as number;
        array[i] = sum;
        await sleep(1);
      };
      await together(
        () => at(1),
        () => at(2),
      );
    },
  ],
  [
    "H32",
    "elements that goroutines fill, read and fill again in turn are right",
    false,
    async () => {
      const [there, back] = [chan<number[]>(), chan<number[]>()];
      const add = (array: number[]): number[] => {
        for (let i = 0; i < array.length; i++) array[i] = (array[i] as number) + 1;
        return array;
      };
      await together(
        async () => {
          let array = Array.from({ length: 50 }, () => 0);
          for (let n = 0; n < 3; n++) {
            await there.send(add(array));
            array = (await back.recv()) as number[];
          }
        },
        async () => {
          for (let n = 0; n < 3; n++) await back.send(add((await there.recv()) as number[]));
        },
      );
    },
  ],
  [
    "H32",
    "updates of elements in turns without order are right, and a read beside them is not",
    true,
    () => {
      const counts = [0, 0, 0];
      const add = addingTo(counts);
      return together(add, add, async () => (await sleep(2), counts[2]));
    },
  ],
  [
    "H32",
    "updates of elements in turns without order are right",
    false,
    () => {
      const add = addingTo([0, 0, 0]);
      return together(add, add);
    },
  ],
  [
    "H32",
    "the same element is one",
    true,
    async () => {
      const array = [0, 0];
      await together(
        () => (array[1] = 1),
        async () => (await sleep(1), array[1]),
      );
    },
  ],
  [
    "H32",
    "two views of the same memory are one",
    true,
    async () => {
      const bytes = new Uint8Array(8);
      const rest = new Uint8Array(bytes.buffer, 4);
      await together(
        () => (bytes[5] = 1),
        async () => (await sleep(1), (rest[1] = 2)),
      );
    },
  ],
  [
    "atomic",
    "a counter that is read and written in one step",
    false,
    async () => {
      let n = 0;
      const counts = { n: 0 };
      const wg = new WaitGroup();
      for (let i = 0; i < 1000; i++) {
        wg.go(async () => {
          n++;
          await gosched();
          n += 1;
          counts.n = counts.n + 1;
        });
      }
      await wg.wait();
      return n;
    },
  ],
  [
    "atomic",
    "counts in a Map, each set to what is read in the call itself",
    false,
    async () => {
      const counts = new Map<string, number>();
      const seen = new Set<string>();
      const count = (): void => {
        counts.set("a", (counts.get("a") ?? 0) + 1);
        seen.add(seen.has("a") ? "b" : "a");
      };
      await together(count, async () => (await sleep(1), count()));
    },
  ],
  [
    "atomic",
    "a read of it beside that is a race",
    true,
    async () => {
      let n = 0;
      await together(
        () => n++,
        async () => (await sleep(1), n),
      );
    },
  ],
  [
    "atomic",
    "so is a write",
    true,
    async () => {
      let n = 0;
      await together(
        () => n++,
        async () => (await sleep(1), (n = 0)),
      );
      return n;
    },
  ],
  [
    "atomic",
    "a check and its act in one step",
    false,
    async () => {
      let value: object | undefined;
      const cache = new Map<string, number>();
      const get = (): object | undefined => {
        if (value === undefined) value = {};
        return value;
      };
      const look = (): number => {
        const found = cache.get("a");
        if (found !== undefined) return found;
        cache.set("a", 1);
        return 1;
      };
      await together(
        () => [get(), look()],
        async () => (await sleep(1), [get(), look()]),
      );
    },
  ],
  [
    "promise",
    "an awaited promise orders what was before it was settled",
    false,
    async () => {
      let x = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      go(async () => (await gosched(), (x = 1), resolve()));
      await promise;
      return x;
    },
  ],
  [
    "promise",
    "so do a shared call of an async function, all and then",
    false,
    async () => {
      let x = 0;
      let y = 0;
      const load = async (): Promise<number> => {
        await sleep(1);
        return (x = 1);
      };
      const shared: Promise<number>[] = [];
      const made = chan<void>();
      go(() => {
        shared.push(load());
        shared.push(sleep(1).then(() => (y = 1)));
        made.close();
      });
      await made.recv();
      const wg = new WaitGroup();
      wg.go(async () => (await shared[0], x));
      wg.go(async () => (await Promise.all(shared), x + y));
      wg.go(() => shared[1]?.then(() => y));
      await wg.wait();
    },
  ],
  [
    "errgroup",
    "wait is after each function",
    false,
    async () => {
      const [group] = withContext(ctx);
      let x = 0;
      let y = 0;
      await group.go(async () => (await gosched(), (x = 1)));
      await group.go(() => void (y = 1));
      await group.wait();
      return x + y;
    },
  ],
  ...[false, true].map((isLimited): Programs[number] => [
    "errgroup",
    isLimited ? "a function that had to wait for the limit is after those that ended" : "go alone is after none",
    !isLimited,
    async () => {
      const group = new Group();
      if (isLimited) group.setLimit(1);
      let x = 0;
      await group.go(async () => (await gosched(), (x = 1)));
      if (!isLimited) await quiet();
      await group.go(() => undefined);
      const seen = x;
      await group.wait();
      return seen;
    },
  ]),
  ...[false, true].map((isLate): Programs[number] => [
    "atomic",
    isLate ? "whoever looks at a queue is not after who fills it" : "whoever takes something out of a queue is",
    isLate,
    async () => {
      const queue: { n: number }[] = [];
      let left = 0;
      await together(
        async () => {
          const job = { n: 0 };
          await gosched();
          job.n = 1;
          queue.push(job);
        },
        async () => {
          const next = (): { n: number } | undefined => (isLate ? queue.at(0) : queue.shift());
          let job = next();
          for (; job === undefined; job = next()) await gosched();
          left += job.n;
        },
      );
    },
  ]),
  ...[false, true].map((isLate): Programs[number] => [
    "atomic",
    isLate ? "Atomics do not order what comes after them" : "Atomics order",
    isLate,
    async () => {
      const flags = new Int32Array(2);
      const data = { n: 0 };
      await together(
        async () => {
          if (!isLate) data.n = 1;
          Atomics.store(flags, 1, 1);
          if (isLate) data.n = 1;
        },
        async () => {
          while (Atomics.load(flags, 1) === 0) await sleep(1);
          return data.n;
        },
      );
    },
  ]),
  [
    "H32",
    "a pattern writes properties",
    true,
    async () => {
      const o = { n: 0 };
      await together(
        () => void ([o.n] = [1]),
        () => void ({ n: o.n } = { n: 2 }),
      );
    },
  ],
  [
    "H32",
    "Object.assign writes properties",
    true,
    async () => {
      const o = { n: 0 };
      await together(
        () => void Object.assign(o, { n: 1 }),
        () => o.n,
      );
    },
  ],
  [
    "semaphore",
    "release orders acquire",
    false,
    async () => {
      const sem = new Weighted(1);
      let x = 0;
      const wg = new WaitGroup();
      for (let i = 0; i < 3; i++) {
        wg.go(async () => {
          await sem.acquire(ctx);
          x = i;
          await gosched();
          sem.release();
        });
      }
      await wg.wait();
      return x;
    },
  ],
  [
    "singleflight",
    "the one that ran is before all who share",
    false,
    async () => {
      const flight = new Flight<string, object>();
      let x = 0;
      const wg = new WaitGroup();
      for (let i = 0; i < 3; i++) {
        wg.go(async () => {
          await flight.do("a", async () => (await sleep(1), (x = 1), {}));
          return x;
        });
      }
      await wg.wait();
    },
  ],
  [
    "patterns",
    "what workers did is before who sees the end of the stage",
    false,
    async () => {
      const sums = [0, 0, 0, 0];
      await forEach(ctx, generate(ctx, [0, 1, 2, 3]), async (i) => (await gosched(), (sums[i] = i)), { workers: 4 });
      const values = map(ctx, generate(ctx, [{ n: 0 }, { n: 1 }]), async (v) => (await gosched(), (v.n = 2), v));
      for await (const { n } of values) sums[0] = n;
      for await (const { n } of ordered.map(ctx, generate(ctx, [{ n: 0 }]), (v) => ((v.n = 3), v))) sums[0] = n;
      await reduce(ctx, generate(ctx, [1, 2]), (a, b) => a + b, 0);
      return sums;
    },
  ],
];
