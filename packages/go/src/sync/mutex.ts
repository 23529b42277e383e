// Mutex: mutual exclusion across awaits (after Go's sync/mutex.go).
//
// Invariants: waiters are served first in, first out, and `unlock` hands the lock straight to the
// first of them. So there are waiters only while the mutex is locked, and no newcomer passes them
// (Go does this only in its starvation mode). The mutex has no owner: any goroutine may unlock it.

import { waitIn, WaitQueue, wakeFirst } from "../internal/channel.ts";
import { expectAttached } from "../internal/detached.ts";
import { fatal } from "../internal/fatal.ts";
import { completedWith } from "../internal/sched.ts";
import { Hold, type Locker } from "./hold.ts";

const state = "sync.Mutex.Lock";

export class Mutex implements Locker {
  /**
   * @internal The hold that has the lock. `Cond.wait` restores it, so that the guard from before
   * the wait still unlocks.
   */
  holder: Hold | undefined = undefined;
  /** @internal Those that wait, each with its hold. */
  readonly queue: WaitQueue = new WaitQueue();

  /**
   * Waits until the mutex is free and locks it. Disposing of the guard unlocks it (`using _ = await
   * mu.lock()`), once. If `unlock()` was called first, the guard does nothing.
   */
  lock(): Promise<Disposable> {
    const hold = this.tryLock();
    return hold ? completedWith(hold) : waitIn<Disposable>(this.queue, state, new Hold(this));
  }

  /** Locks if that needs no waiting; otherwise returns `undefined`. */
  tryLock(): Disposable | undefined {
    if (this.holder) return undefined;
    return (this.holder = new Hold(this));
  }

  /** Unlocks. Fatal error `sync: unlock of unlocked mutex` if it is not locked. */
  unlock(): void {
    expectAttached(this, "mu.unlock");
    if (!this.holder) fatal("sync: unlock of unlocked mutex");
    this.holder = wakeFirst(this.queue, state) as Hold | undefined;
  }

  /** @internal The action of a guard's disposal. */
  drop(hold: Hold): void {
    if (this.holder === hold) this.unlock();
  }
}
