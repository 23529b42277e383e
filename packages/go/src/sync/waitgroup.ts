// WaitGroup: waits for a number of goroutines to end (after Go's sync/waitgroup.go).
//
// Invariants: there are waiters only while the counter is above zero. The step to zero releases all
// of them together. If a waiter finds the counter above zero again when it continues, the next
// round has overtaken it. That is an error in the program.

import { waitIn, WaitQueue, wakeFirst } from "../internal/channel.ts";
import { expectAttached } from "../internal/detached.ts";
import { spawn } from "../internal/launch.ts";
import { completed, restoreAfter, misuse } from "../internal/sched.ts";

const state = "sync.WaitGroup.Wait";

export class WaitGroup {
  /** @internal */
  count = 0;
  /** @internal */
  readonly queue: WaitQueue = new WaitQueue();

  readonly #supervisor = { ended: (): void => this.done() };

  /** Adds to the counter. At zero all waits end. Throws `sync: negative WaitGroup counter`. */
  add(delta: number): void {
    if (!Number.isInteger(delta)) throw new TypeError(`sync: WaitGroup.add: expected a whole number, got ${delta}`);
    if (this.count + delta < 0) throw misuse("sync: negative WaitGroup counter");
    this.count += delta;
    if (this.count > 0) return;
    while (this.queue.first) wakeFirst(this.queue, state);
  }

  /** Subtracts one from the counter. */
  done(): void {
    expectAttached(this, "wg.done");
    this.add(-1);
  }

  /**
   * Waits until the counter is zero. Rejects with `sync: WaitGroup is reused before previous Wait
   * has returned` if `add` is called after that moment and before the caller continues.
   */
  wait(): Promise<void> {
    if (this.count === 0) return completed();
    return restoreAfter(waitIn<void>(this.queue, state).then(() => this.left()));
  }

  /** @internal The check of a goroutine whose wait is over, or that need not wait. */
  left(): void {
    if (this.count > 0) throw new Error("sync: WaitGroup is reused before previous Wait has returned");
  }

  /**
   * Starts fn in a goroutine that counts until it returns or calls Goexit. It must not panic: that
   * ends the program.
   */
  go(fn: () => unknown): void {
    this.add(1);
    spawn(fn, [], this.#supervisor);
  }
}
