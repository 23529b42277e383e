// Cond: waiting for a change of what a lock protects (after Go's sync/cond.go).
//
// Invariants: waiters are woken in order of arrival, each by one signal or broadcast and by nothing
// else. A signal without a waiter has no effect.

import { waitIn, WaitQueue, wakeFirst } from "../internal/channel.ts";
import { restoreAfter } from "../internal/sched.ts";
import type { Hold, Locker } from "./hold.ts";

interface Held extends Locker {
  holder?: Hold | undefined;
}

const state = "sync.Cond.Wait";

export class Cond {
  /** The lock to hold while the condition is read or changed. */
  readonly L: Locker;
  readonly #waiters = new WaitQueue();

  constructor(locker: Locker) {
    this.L = locker;
  }

  /**
   * Unlocks L, waits for a signal, and locks L again. Check the condition again afterwards, in a
   * loop. A guard of L from before the wait unlocks L after the wait as well.
   */
  wait(): Promise<void> {
    return restoreAfter(this.#wait());
  }

  async #wait(): Promise<void> {
    const lock = this.L as Held;
    const { holder } = lock;
    lock.unlock();
    await waitIn(this.#waiters, state);
    await lock.lock();
    if (holder) lock.holder = holder;
  }

  /** Wakes the waiter that has waited longest. The caller need not hold L. */
  signal(): void {
    wakeFirst(this.#waiters, state);
  }

  /** Wakes all present waiters. */
  broadcast(): void {
    while (this.#waiters.first) this.signal();
  }
}
