// RWMutex: one writer or any number of readers (after Go's sync/rwmutex.go).
//
// Invariants: a waiting writer holds back new readers, so writers do not starve (and a reader that
// locks again can deadlock). When a writer unlocks, all readers that wait at that moment go before
// the next writer. A lock cannot be upgraded or downgraded.

import { waitIn, WaitQueue, wakeFirst } from "../internal/channel.ts";
import { expectAttached } from "../internal/detached.ts";
import { fatal } from "../internal/fatal.ts";
import { completedWith } from "../internal/sched.ts";
import { Hold, type Locker } from "./hold.ts";

const writing = "sync.RWMutex.Lock";
const reading = "sync.RWMutex.RLock";

export class RWMutex implements Locker {
  /**
   * @internal The hold that has the lock for writing. `Cond.wait` restores it, so that the guard
   * from before the wait still unlocks.
   */
  holder: Hold | undefined = undefined;
  #readers = 0;
  /** @internal The writers that wait, each with its hold. */
  readonly queue: WaitQueue = new WaitQueue();
  /** @internal The readers that wait. */
  readonly readers: WaitQueue = new WaitQueue();
  /**
   * The number of the reading period. A period lasts from the first reader to the last. A guard of
   * an earlier period does nothing.
   */
  #reading = 1;

  /**
   * Waits until nobody reads or writes, and locks for writing. The guard works like that of
   * `Mutex.lock`.
   */
  lock(): Promise<Disposable> {
    const hold = this.tryLock();
    return hold ? completedWith(hold) : waitIn<Disposable>(this.queue, writing, new Hold(this));
  }

  /**
   * Waits until nobody writes or waits to write, and locks for reading. Dispose of the guard or
   * call `rUnlock`, but not both. After the last reader has left, a guard does nothing. While
   * others read, it cannot know that `rUnlock` was called for it.
   */
  rLock(): Promise<Disposable> {
    const hold = this.tryRLock();
    return hold ? completedWith(hold) : waitIn<Disposable>(this.readers, reading, new Hold(this));
  }

  /** Locks for writing if nobody reads or writes. */
  tryLock(): Disposable | undefined {
    if (this.#readers > 0 || this.#isTaken) return undefined;
    return (this.holder = new Hold(this));
  }

  /** Locks for reading if nobody writes or waits to write. */
  tryRLock(): Disposable | undefined {
    if (this.#isTaken) return undefined;
    return this.#admitReader(new Hold(this));
  }

  /**
   * Unlocks for writing. Fatal error `sync: Unlock of unlocked RWMutex` if it is not locked for
   * writing.
   */
  unlock(): void {
    expectAttached(this, "rw.unlock");
    if (!this.holder) fatal("sync: Unlock of unlocked RWMutex");
    this.holder = undefined;
    if (!this.readers.first) this.#admitWriter();
    while (this.readers.first) this.#admitReader(wakeFirst(this.readers, reading) as Hold);
  }

  /**
   * Unlocks for reading. Fatal error `sync: RUnlock of unlocked RWMutex` if it is not locked for
   * reading.
   */
  rUnlock(): void {
    expectAttached(this, "rw.rUnlock");
    if (this.#readers === 0) fatal("sync: RUnlock of unlocked RWMutex");
    if (--this.#readers === 0) this.#reading++;
    this.#admitWriter();
  }

  /** The read side of this mutex as a Locker. */
  rLocker(): Locker {
    return { lock: () => this.rLock(), unlock: () => this.rUnlock() };
  }

  /** @internal The action of a guard's disposal. */
  drop(hold: Hold): void {
    if (this.holder === hold) this.unlock();
    else if (hold.reading === this.#reading) {
      hold.reading = 0;
      this.rUnlock();
    }
  }

  /** True if a writer has it or waits for it. */
  get #isTaken(): boolean {
    return this.holder !== undefined || this.queue.first !== undefined;
  }

  #admitWriter(): void {
    if (this.#readers === 0) this.holder = wakeFirst(this.queue, writing) as Hold | undefined;
  }

  #admitReader(hold: Hold): Hold {
    this.#readers++;
    hold.reading = this.#reading;
    return hold;
  }
}
