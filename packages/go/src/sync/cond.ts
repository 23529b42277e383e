// Cond: waiting for a change of what a lock protects (after Go's sync/cond.go).
//
// Invariants: waiters are woken in order of arrival, each by one signal or broadcast and by nothing else; a signal that
// finds no waiter is forgotten.

import { capture, captured, Waiter, WaitQueue } from "../internal/channel.ts";
import { current } from "../internal/goroutine.ts";
import { inSteps, park, resume } from "../internal/sched.ts";
import type { Hold, Locker } from "./hold.ts";

interface Held extends Locker {
  holder?: Hold | undefined;
}

export class Cond {
  /** The lock that is held when the condition is looked at or changed. */
  readonly L: Locker;
  readonly #waiters = new WaitQueue();

  constructor(locker: Locker) {
    this.L = locker;
  }

  /**
   * Unlocks L, waits for a signal, and locks L again. Look at the condition again afterwards, in a loop. A guard of L from
   * before the wait unlocks it after the wait as well.
   */
  wait(): Promise<void> {
    const lock = this.L as Held;
    const hold = lock.holder;
    const promise = new Promise<void>(capture);
    const g = current();
    const w = new Waiter(0, undefined, g, captured, undefined);
    lock.unlock();
    this.#waiters.push(w);
    park(g, "sync.Cond.Wait");
    return inSteps(relock(promise, lock, hold));
  }

  /** Wakes the one that has waited longest. L need not be held. */
  signal(): void {
    const w = this.#waiters.first;
    if (w === undefined) return;
    this.#waiters.remove(w);
    resume(w.g, "sync.Cond.Wait", w.resolve as () => void, undefined);
  }

  /** Wakes all that wait now. */
  broadcast(): void {
    while (this.#waiters.first !== undefined) this.signal();
  }
}

async function relock(woken: Promise<void>, lock: Held, hold: Hold | undefined): Promise<void> {
  await woken;
  await lock.lock();
  if (hold !== undefined) lock.holder = hold;
}
