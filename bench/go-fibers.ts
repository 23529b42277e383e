// The workloads of go.ts in fibers (@sluice/go/fiber). All of a workload runs in fibers; the caller
// waits for their end.
import type * as Go from "@sluice/go";
import type { Steps } from "@sluice/go/fiber";
import { kept, turn, type Workloads } from "./go-shared.ts";

/**
 * The workloads, by name. It is longer than 60 lines because it is a list: one workload after the
 * other.
 */
export async function fibers(): Promise<Workloads> {
  const { chan, gosched } = await import("@sluice/go");
  const { go, lock, recv, select, send, until } = await import("@sluice/go/fiber");
  const { Mutex, WaitGroup } = await import("@sluice/go/sync");

  /** Starts a fiber that sends n values to k unbuffered channels in turn. */
  const feed = (n: number, k: number): Go.Chan<number>[] => {
    const chans = Array.from({ length: k }, () => chan<number>());
    go(function* () {
      for (let i = 0; i < n; i++) yield* send(chans[i % k], i);
    });
    return chans;
  };

  return {
    "fiber-pingpong": async (n) => {
      const ping = chan<number>();
      const pong = chan<number>();
      const wg = new WaitGroup();
      go(function* () {
        for (let i = 0; i < n / 2; i++) yield* send(pong, (yield* recv(ping))!);
      });
      wg.go(function* () {
        for (let i = 0; i < n / 2; i++) {
          yield* send(ping, i);
          yield* recv(pong);
        }
      });
      await wg.wait();
    },
    "fiber-buffered": async (n) => {
      const ch = chan<number>(100);
      const wg = new WaitGroup();
      go(function* () {
        for (let i = 0; i < n; i++) yield* send(ch, i);
      });
      wg.go(function* () {
        for (let i = 0; i < n; i++) yield* recv(ch);
      });
      await wg.wait();
    },
    "fiber-select2": async (n) => {
      const [a, b] = feed(n, 2);
      const wg = new WaitGroup();
      wg.go(function* () {
        for (let i = 0; i < n; i++) yield* select({ a: recv(a), b: recv(b) });
      });
      await wg.wait();
    },
    "fiber-select8": async (n) => {
      const cases = feed(n, 8).map((ch) => recv(ch));
      const wg = new WaitGroup();
      wg.go(function* () {
        for (let i = 0; i < n; i++) yield* select(cases);
      });
      await wg.wait();
    },
    "fiber-mutex": async (n) => {
      const mu = new Mutex();
      const wg = new WaitGroup();
      for (let task = 0; task < 10; task++) {
        wg.go(function* () {
          for (let i = 0; i < n / 10; i++) {
            yield* lock(mu);
            yield* until(turn);
            mu.unlock();
          }
        });
      }
      await wg.wait();
    },
    "fiber-parked": async (n) => {
      const ch = chan<never>();
      kept.push(ch);
      const started = { count: 0 };
      // One function for all: the engine makes a prototype and a map for each generator function,
      // about 400 bytes.
      const wait = function* (): Steps {
        started.count++;
        yield* recv(ch);
      };
      for (let i = 0; i < n; i++) go(wait);
      while (started.count < n) await gosched();
    },
  };
}
