// The workloads of go.ts in @sluice/go. The library is loaded by the call, so that go-work.ts can
// set the clock before.
import type * as Go from "@sluice/go";
import { fibers } from "./go-fibers.ts";
import { checkDelivered, checkSum, kept, processorTime, turn, upTo, type Work, type Workloads } from "./go-shared.ts";

/**
 * The workloads, by name. It is longer than 60 lines because it is a list: one workload after the
 * other.
 */
export async function ours(): Promise<Workloads> {
  const { chan, go, gosched, recv, select } = await import("@sluice/go");
  const { Mutex, WaitGroup } = await import("@sluice/go/sync");
  const { background } = await import("@sluice/go/context");
  const { batch, generate, groupBy, map, ordered, window } = await import("@sluice/go/patterns");
  const { Topic } = await import("@sluice/go/pubsub");

  /** Starts a goroutine that sends n values to k unbuffered channels in turn. */
  const feed = (n: number, k: number): Go.Chan<number>[] => {
    const chans = Array.from({ length: k }, () => chan<number>());
    go(async () => {
      for (let i = 0; i < n; i++) await chans[i % k]!.send(i);
    });
    return chans;
  };
  const mapping = (map: typeof ordered.map, fn: (v: number) => number | Promise<number>): Work => {
    return async (n) => {
      const ctx = background();
      let sum = 0;
      for await (const v of map(ctx, generate(ctx, upTo(n)), fn, { workers: 8 })) sum += v;
      checkSum(sum, n);
    };
  };

  /**
   * n goroutines that are started at once, wait for one gate, and are woken at once: what each half
   * took.
   */
  const burst = async (n: number): Promise<{ readonly start: number; readonly wake: number }> => {
    const gate = chan<never>();
    const wg = new WaitGroup();
    const begun = { count: 0 };
    const start = processorTime();
    for (let i = 0; i < n; i++) {
      wg.go(async () => {
        begun.count++;
        await gate.recv();
      });
    }
    while (begun.count < n) await gosched();
    const waiting = processorTime();
    gate.close();
    await wg.wait();
    return { start: waiting - start, wake: processorTime() - waiting };
  };

  return {
    ...(await fibers()),
    pingpong: async (n) => {
      const ping = chan<number>();
      const pong = chan<number>();
      go(async () => {
        for (let i = 0; i < n / 2; i++) await pong.send((await ping.recv())!);
      });
      for (let i = 0; i < n / 2; i++) {
        await ping.send(i);
        await pong.recv();
      }
    },
    buffered: async (n) => {
      const ch = chan<number>(100);
      go(async () => {
        for (let i = 0; i < n; i++) await ch.send(i);
      });
      for (let i = 0; i < n; i++) await ch.recv();
    },
    try: async (n) => {
      const ch = chan<number>(100);
      for (let i = 0; i < n; i += 100) {
        for (let j = 0; j < 100; j++) if (!ch.trySend(j)) throw new Error("full");
        for (let j = 0; j < 100; j++) if (!ch.tryRecv().ready) throw new Error("empty");
      }
    },
    select2: async (n) => {
      const [a, b] = feed(n, 2);
      for (let i = 0; i < n; i++) await select({ a: recv(a), b: recv(b) });
    },
    select8: async (n) => {
      const cases = feed(n, 8).map((ch) => recv(ch));
      for (let i = 0; i < n; i++) await select(cases);
    },
    mutex: async (n) => {
      const mu = new Mutex();
      const wg = new WaitGroup();
      for (let task = 0; task < 10; task++) {
        wg.go(async () => {
          for (let i = 0; i < n / 10; i++) {
            await mu.lock();
            await turn;
            mu.unlock();
          }
        });
      }
      await wg.wait();
    },
    spawn: async (n) => {
      const wg = new WaitGroup();
      for (let i = 0; i < n; i += 100) {
        for (let j = 0; j < 100; j++) wg.go(async () => undefined);
        await wg.wait();
      }
    },
    start: async (n) => (await burst(n)).start,
    wake: async (n) => (await burst(n)).wake,
    first: async (n) => void (await burst(n)),
    parked: async (n) => {
      const ch = chan<never>();
      kept.push(ch);
      const started = { count: 0 };
      for (let i = 0; i < n; i++) {
        go(async () => {
          started.count++;
          await ch.recv();
        });
      }
      while (started.count < n) await gosched();
    },
    map: mapping(map, async (v) => v + 1),
    syncmap: mapping(map, (v) => v + 1),
    ordered: mapping(ordered.map, async (v) => v + 1),
    groupby: async (n) => {
      const ctx = background();
      const wg = new WaitGroup();
      let sum = n;
      for await (const { values } of groupBy(ctx, generate(ctx, upTo(n)), (v) => v % 10)) {
        wg.go(async () => {
          for await (const v of values) sum += v;
        });
      }
      await wg.wait();
      checkSum(sum, n);
    },
    bycount: async (n) => {
      const ctx = background();
      let sum = n;
      for await (const values of batch(ctx, generate(ctx, upTo(n)), 100)) for (const v of values) sum += v;
      checkSum(sum, n);
    },
    bytime: async (n) => {
      const ctx = background();
      let sum = n;
      for await (const { values } of window.tumbling(ctx, generate(ctx, upTo(n)), 10)) for (const v of values) sum += v;
      checkSum(sum, n);
    },
    pubsub: async (n) => {
      const topic = new Topic<number>();
      const wg = new WaitGroup();
      let sum = 0;
      for (let i = 0; i < 10; i++) {
        const values = topic.subscribe(background());
        wg.go(async () => {
          for await (const v of values) sum += v;
        });
      }
      for (let i = 0; i < n / 10; i++) await topic.publish(i);
      topic.close();
      await wg.wait();
      checkDelivered(sum, n);
    },
  };
}
