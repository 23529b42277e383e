// @sluice/go/synctest: tests of concurrent code with a separate clock (after Go 1.25's
// testing/synctest), and a search for the schedules in which such code fails.
//
// A bubble's clock controls the timers of this library. The host's own timers use real time, also
// in a bubble.

import { capture, captured } from "../internal/channel.ts";
import { current } from "../internal/goroutine.ts";
import { spawn } from "../internal/launch.ts";
import { failed, restoreAfter, park, resume, resumeWithError } from "../internal/sched.ts";
import { sleep as sleepFor } from "../time.ts";
import { install, startRoot } from "./border.ts";
import { Bubble, here } from "./bubble.ts";
import { type ExploreOptions, search } from "./explore.ts";

export { type ExploreOptions, ScheduleError } from "./explore.ts";

install();

/**
 * Runs fn in a new bubble. All goroutines that fn starts belong to it, and so do all that these
 * start. Its clock begins at midnight UTC 2000-01-01. It moves only if all goroutines are durably
 * blocked, and then straight to the next timer. After fn has ended the clock does not move any
 * more.
 *
 * Resolves when every goroutine of the bubble has ended. Rejects with the error that fn or one of
 * them has thrown. Rejects with `deadlock: all goroutines in bubble are blocked`, or with
 * `deadlock: main bubble goroutine has exited but blocked goroutines remain`. The stack of a
 * deadlock shows the blocked goroutines.
 *
 * A goroutine is durably blocked if only its own bubble can end its wait. Such waits are: on a
 * channel made in the bubble, in a select over such channels, in `sleep`, `Cond.wait` and
 * `WaitGroup.wait`. Waits for a lock, for I/O and for any other promise are not durable.
 *
 * @example
 * ```ts
 * import { test, wait } from "@sluice/go/synctest";
 * import { now, sleep } from "@sluice/go/time";
 *
 * await test(async () => {
 *   const began = now().getTime();
 *   let awake = false;
 *   go(async () => {
 *     await sleep(60_000);
 *     awake = true;
 *   });
 *   await sleep(59_999);
 *   awake; // => false
 *   await sleep(1);
 *   await wait();
 *   awake; // => true
 *   now().getTime() - began; // => 60000
 * });
 * ```
 */
export function test(fn: () => unknown): Promise<void> {
  if (here() !== undefined) return failed(new Error("synctest.Run called from within a synctest bubble"));
  const promise = new Promise<void>(capture);
  const wake = captured as () => void;
  const g = current();
  const bubble = new Bubble((failure) => {
    if (failure === undefined) resume(g, "synctest.Run", wake, undefined);
    else resumeWithError(g, "synctest.Run", wake, () => failure.error);
  });
  runIn(bubble, fn);
  park(g, "synctest.Run");
  return promise;
}

/** Starts fn as the root of a bubble. */
function runIn(bubble: Bubble, fn: () => unknown): void {
  const over = (): void => {
    bubble.rootIsOver = true;
    bubble.poke();
  };
  const root = { [fn.name || "main.func1"]: () => fn() }[fn.name || "main.func1"] as () => unknown;
  startRoot(bubble, () =>
    spawn(root, [], {
      ended: over,
      failed: (error) => {
        bubble.failure ??= { error };
        over();
      },
    }),
  );
}

/**
 * Resolves when every other goroutine of the caller's bubble has ended or is durably blocked.
 * Rejects with `goroutine is not in a bubble`, and with `wait already in progress` if another
 * goroutine is in `wait`.
 */
export function wait(): Promise<void> {
  const bubble = here();
  if (bubble === undefined) return failed(new Error("goroutine is not in a bubble"));
  if (bubble.waiting !== undefined) return failed(new Error("wait already in progress"));
  const promise = new Promise<void>(capture);
  const g = current();
  bubble.waiting = { g, wake: captured as () => void };
  park(g, "synctest.Wait");
  return promise;
}

/**
 * Sleeps for `ms` milliseconds of the bubble's clock, and then waits for all others as `wait` does.
 */
export function sleep(ms: number): Promise<void> {
  return restoreAfter(sleepAndWait(ms));
}

async function sleepAndWait(ms: number): Promise<void> {
  await sleepFor(ms);
  await wait();
}

/**
 * Runs fn in a bubble under many schedules, one for each seed, and looks for one in which it fails.
 * A failure is an error that fn or one of its goroutines throws, a deadlock, or a run that never
 * ends. With /race a data race is a failure too. Every operation of the library is a step. The seed
 * decides which goroutine takes the next step, and which numbers `Math.random` gives. fn must build
 * everything that it uses, so that each run begins in the same state.
 *
 * Prints `seed N` of the first schedule that fails, and as a table the shortest schedule that fails
 * in the same way. Rejects with a ScheduleError whose `cause` is the error that was thrown. `{
 * seed: N }` runs that schedule again.
 */
export function explore(fn: () => unknown, options: ExploreOptions = {}): Promise<{ readonly schedules: number }> {
  if (here() !== undefined) return failed(new Error("synctest.Run called from within a synctest bubble"));
  return search((bubble) => runIn(bubble, fn), options);
}
