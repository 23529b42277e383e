// RWMutex: one writer or any number of readers (after Go's sync/rwmutex.go).
//
// Invariants: a waiting writer holds back new readers, so writers do not starve (and a reader that locks again can
// deadlock). When a writer unlocks, all readers that wait by then go before the next writer. No upgrade, no downgrade.

import { expectAttached } from "../internal/detached.ts";
import { fatal } from "../internal/fatal.ts";
import { completedWith } from "../internal/sched.ts";
import { Hold, HoldQueue, type Locker } from "./hold.ts";

export class RWMutex implements Locker {
  /** @internal Who has the lock for writing; `Cond.wait` puts it back, so that the guard from before the wait still unlocks. */
  holder: Hold | undefined = undefined;
  #readers = 0;
  readonly #waitingWriters = new HoldQueue("sync.RWMutex.Lock");
  readonly #waitingReaders = new HoldQueue("sync.RWMutex.RLock");
  /** Counts the times that somebody read, from the first reader to the last: a guard of an earlier time does nothing. */
  #reading = 1;

  /** Waits until nobody reads or writes, and locks for writing. The guard is as `Mutex.lock`'s. */
  lock(): Promise<Disposable> {
    const hold = new Hold(this);
    if (!this.#free()) return this.#waitingWriters.wait(hold);
    this.holder = hold;
    return completedWith<Disposable>(hold);
  }

  /**
   * Waits until nobody writes or waits to write, and locks for reading. Dispose of the guard or call `rUnlock`: a guard does
   * nothing once nobody reads, but while others do it cannot know that `rUnlock` was called for it.
   */
  rLock(): Promise<Disposable> {
    const hold = new Hold(this);
    if (this.holder !== undefined || this.#waitingWriters.first !== undefined) return this.#waitingReaders.wait(hold);
    return completedWith<Disposable>(this.#admitReader(hold));
  }

  /** Locks for writing if nobody reads or writes. */
  tryLock(): Disposable | undefined {
    if (!this.#free()) return undefined;
    return (this.holder = new Hold(this));
  }

  /** Locks for reading if nobody writes or waits to write. */
  tryRLock(): Disposable | undefined {
    if (this.holder !== undefined || this.#waitingWriters.first !== undefined) return undefined;
    return this.#admitReader(new Hold(this));
  }

  /** Fatal error `sync: Unlock of unlocked RWMutex` if it is not locked for writing. */
  unlock(): void {
    expectAttached(this, "rw.unlock");
    if (this.holder === undefined) fatal("sync: Unlock of unlocked RWMutex");
    this.holder = undefined;
    if (this.#waitingReaders.first === undefined) {
      this.#admitWriter();
      return;
    }
    while (this.#waitingReaders.first !== undefined) this.#admitReader(this.#waitingReaders.grant());
  }

  /** Fatal error `sync: RUnlock of unlocked RWMutex` if it is not locked for reading. */
  rUnlock(): void {
    expectAttached(this, "rw.rUnlock");
    if (this.#readers === 0) fatal("sync: RUnlock of unlocked RWMutex");
    if (--this.#readers === 0) this.#reading++;
    this.#admitWriter();
  }

  /** This mutex's read side as a Locker. */
  rLocker(): Locker {
    return { lock: () => this.rLock(), unlock: () => this.rUnlock() };
  }

  /** @internal What disposing of a guard does. */
  drop(hold: Hold): void {
    if (this.holder === hold) this.unlock();
    else if (hold.reading === this.#reading) {
      hold.reading = 0;
      this.rUnlock();
    }
  }

  #free(): boolean {
    return this.holder === undefined && this.#readers === 0 && this.#waitingWriters.first === undefined;
  }

  #admitWriter(): void {
    if (this.#readers > 0 || this.#waitingWriters.first === undefined) return;
    this.holder = this.#waitingWriters.grant();
  }

  #admitReader(hold: Hold): Hold {
    this.#readers++;
    hold.reading = this.#reading;
    return hold;
  }
}
