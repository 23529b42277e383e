// Mutex: mutual exclusion across awaits (after Go's sync/mutex.go).
//
// Invariants: waiters are served first in, first out, and `unlock` hands the lock straight to the first of them, so there
// are waiters only while the mutex is locked and no newcomer gets past them (Go does this only in its starvation mode).
// The mutex belongs to nobody: any goroutine may unlock it.

import { capture, captured, Waiter, WaitQueue } from "../internal/channel.ts";
import { fatal } from "../internal/fatal.ts";
import { current } from "../internal/goroutine.ts";
import { completedWith, park, resume } from "../internal/sched.ts";

/** What can be locked and unlocked. */
export interface Locker {
  readonly lock: () => Promise<Disposable>;
  readonly unlock: () => void;
}

export class Mutex implements Locker {
  #locked = false;
  /** The turn number of the present holder: a guard unlocks only its own turn. */
  #turn = 0;
  readonly #waiters = new WaitQueue();

  /**
   * Waits until the mutex is free and locks it. The guard unlocks when it is disposed of (`using _ = await mu.lock()`),
   * once, and not at all if `unlock()` was called first.
   */
  lock(): Promise<Disposable> {
    if (!this.#locked) {
      this.#locked = true;
      return completedWith(this.#guard());
    }
    const promise = new Promise<Disposable>(capture);
    const g = current();
    this.#waiters.push(new Waiter(0, undefined, g, captured, undefined));
    park(g, "sync.Mutex.Lock");
    return promise;
  }

  /** Locks if that needs no waiting; else `undefined`. */
  tryLock(): Disposable | undefined {
    if (this.#locked) return undefined;
    this.#locked = true;
    return this.#guard();
  }

  /** Fatal error `sync: unlock of unlocked mutex` if it is not locked. */
  unlock(): void {
    if (!this.#locked) fatal("sync: unlock of unlocked mutex");
    const w = this.#waiters.first;
    if (w === undefined) {
      this.#locked = false;
      this.#turn++;
      return;
    }
    this.#waiters.remove(w);
    this.#turn++;
    resume(w.g, "sync.Mutex.Lock", w.resolve as (guard: Disposable) => void, this.#guard());
  }

  #guard(): Guard {
    return new Guard(this, this.#turn);
  }

  /** Unlocks if the turn is still the one given. */
  release(turn: number): void {
    if (this.#locked && this.#turn === turn) this.unlock();
  }
}

class Guard implements Disposable {
  readonly #mutex: Mutex;
  readonly #turn: number;

  constructor(mutex: Mutex, turn: number) {
    this.#mutex = mutex;
    this.#turn = turn;
  }

  [Symbol.dispose](): void {
    this.#mutex.release(this.#turn);
  }
}
