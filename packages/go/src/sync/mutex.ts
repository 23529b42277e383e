// Mutex: mutual exclusion across awaits (after Go's sync/mutex.go).
//
// Invariants: waiters are served first in, first out, and `unlock` hands the lock straight to the first of them, so there
// are waiters only while the mutex is locked and no newcomer gets past them (Go does this only in its starvation mode).
// The mutex belongs to nobody: any goroutine may unlock it.

import { expectAttached } from "../internal/detached.ts";
import { fatal } from "../internal/fatal.ts";
import { completedWith } from "../internal/sched.ts";
import { Hold, HoldQueue, type Locker } from "./hold.ts";

export class Mutex implements Locker {
  /** @internal Who has the lock; `Cond.wait` puts it back, so that the guard from before the wait still unlocks. */
  holder: Hold | undefined = undefined;
  readonly #queue = new HoldQueue("sync.Mutex.Lock");

  /**
   * Waits until the mutex is free and locks it. The guard unlocks when it is disposed of (`using _ = await mu.lock()`),
   * once, and not at all if `unlock()` was called first.
   */
  lock(): Promise<Disposable> {
    const hold = new Hold(this);
    if (this.holder !== undefined) return this.#queue.wait(hold);
    this.holder = hold;
    return completedWith<Disposable>(hold);
  }

  /** Locks if that needs no waiting; else `undefined`. */
  tryLock(): Disposable | undefined {
    if (this.holder !== undefined) return undefined;
    return (this.holder = new Hold(this));
  }

  /** Fatal error `sync: unlock of unlocked mutex` if it is not locked. */
  unlock(): void {
    expectAttached(this, "mu.unlock");
    if (this.holder === undefined) fatal("sync: unlock of unlocked mutex");
    this.holder = this.#queue.first === undefined ? undefined : this.#queue.grant();
  }

  /** @internal What disposing of a guard does. */
  drop(hold: Hold): void {
    if (this.holder === hold) this.unlock();
  }
}
