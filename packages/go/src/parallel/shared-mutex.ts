// SharedMutex: mutual exclusion among goroutines of all threads (after Go's sync/mutex.go).
//
// Normal mode: `unlock` frees the lock and wakes the first waiter. The waiter competes for the lock
// with newcomers. If it loses, it goes back to the front. So a thread may lock and unlock many
// times while another one wakes up.
//
// Starvation mode: a waiter that has lost for more than a millisecond switches it on. Then `unlock`
// hands the lock to the first waiter, and newcomers queue. It ends when the new owner is the last
// waiter or has waited less than a millisecond.
//
// Invariant: no wake-up is lost. A waiting goroutine first joins the queue and then tries the lock.
// `unlock` first frees the lock and then looks at the queue.

import { fatal } from "../internal/fatal.ts";
import { completedWith } from "../internal/sched.ts";
import { giveCell, whenCellIsFree } from "./arena.ts";
import { GUARD, OWN, registerShared, SharedObject } from "./shared-object.ts";
import { enter, leave } from "./guard.ts";
import {
  append,
  claimFirst,
  claimOwn,
  endToken,
  makeToken,
  parkHere,
  prepend,
  resumeWaiting,
  sendOutcome,
  takeOut,
  takeOutcome,
  type Waiting,
} from "./waits.ts";

const FIRST: number = OWN;
const LOCKED: number = OWN + 2;
const STARVING: number = OWN + 3;
/** The number of times that it was locked. A guard of an earlier time does nothing. */
const TIMES: number = OWN + 4;

const TRY = 0;
const OWNER = 1;
/** Milliseconds. */
const patience = 1;
const tries = 30;

export class SharedMutex extends SharedObject {
  constructor(from?: SharedArrayBuffer) {
    super(from ?? 5);
  }

  /**
   * Waits until the mutex is free and locks it. Disposing of the result unlocks it, once. After a
   * call of `unlock()` the result does nothing.
   */
  lock(): Promise<Disposable> {
    for (let i = 0; i < tries; i++) {
      const guard = this.tryLock();
      if (guard !== undefined) return completedWith(guard);
    }
    const waiting = parkHere<Disposable>("sync.Mutex.Lock");
    this.#queue(waiting, performance.now(), false);
    return waiting.promise;
  }

  /** Locks if that needs no waiting; otherwise returns `undefined`. */
  tryLock(): Disposable | undefined {
    const { memory } = this;
    if (Atomics.load(memory, STARVING) !== 0 || Atomics.compareExchange(memory, LOCKED, 0, 1) !== 0) return undefined;
    return this.#guard();
  }

  /**
   * Unlocks; any goroutine of any thread may call it. Fatal error `sync: unlock of unlocked mutex`
   * if it is not locked.
   */
  unlock(): void {
    const { memory } = this;
    if (Atomics.load(memory, STARVING) !== 0 && this.#handOver()) return;
    if (Atomics.exchange(memory, LOCKED, 0) === 0) fatal("sync: unlock of unlocked mutex");
    if (Atomics.load(memory, FIRST) === 0) return;
    enter(memory, GUARD);
    const w = Atomics.load(memory, LOCKED) === 0 ? claimFirst(memory, FIRST) : 0;
    if (w !== 0) sendOutcome(w, TRY);
    leave(memory, GUARD);
  }

  /** Hands the lock to the first waiter. Returns true if there was one. */
  #handOver(): boolean {
    const { memory } = this;
    enter(memory, GUARD);
    const w = claimFirst(memory, FIRST);
    if (w === 0) Atomics.store(memory, STARVING, 0);
    else sendOutcome(w, OWNER);
    leave(memory, GUARD);
    return w !== 0;
  }

  #queue(waiting: Waiting<Disposable>, since: number, inFront: boolean): void {
    const { memory } = this;
    const token = makeToken((token) => this.#woken(waiting, since, takeOutcome(token)));
    if (token === 0) {
      whenCellIsFree(() => this.#queue(waiting, since, inFront));
      return;
    }
    enter(memory, GUARD);
    if (inFront && performance.now() - since > patience) Atomics.store(memory, STARVING, 1);
    if (inFront) prepend(memory, FIRST, token);
    else append(memory, FIRST, token);
    // The lock may have become free meanwhile. Then no other goroutine would wake this one.
    const got = Atomics.compareExchange(memory, LOCKED, 0, 1) === 0;
    if (got) {
      claimOwn(token);
      takeOut(memory, FIRST, token);
      if (Atomics.load(memory, FIRST) === 0) Atomics.store(memory, STARVING, 0);
    }
    leave(memory, GUARD);
    if (!got) return;
    endToken(token);
    giveCell(token);
    resumeWaiting(waiting, "sync.Mutex.Lock", this.#guard());
  }

  #woken(waiting: Waiting<Disposable>, since: number, outcome: number): void {
    const { memory } = this;
    if (outcome === TRY) {
      if (Atomics.compareExchange(memory, LOCKED, 0, 1) !== 0) {
        this.#queue(waiting, since, true);
        return;
      }
    } else {
      enter(memory, GUARD);
      if (memory[FIRST] === 0 || performance.now() - since < patience) Atomics.store(memory, STARVING, 0);
      leave(memory, GUARD);
    }
    resumeWaiting(waiting, "sync.Mutex.Lock", this.#guard());
  }

  #guard(): Disposable {
    return new MutexGuard(this, Atomics.add(this.memory, TIMES, 1) + 1);
  }
}

/** A class, because an object literal with a symbol method takes five times as long to make. */
class MutexGuard implements Disposable {
  readonly #mutex: SharedMutex;
  readonly #time: number;

  constructor(mutex: SharedMutex, time: number) {
    this.#mutex = mutex;
    this.#time = time;
  }

  [Symbol.dispose](): void {
    const { memory } = this.#mutex;
    if (Atomics.load(memory, LOCKED) === 1 && Atomics.load(memory, TIMES) === this.#time) this.#mutex.unlock();
  }
}

registerShared("SharedMutex", SharedMutex, (memory) => new SharedMutex(memory));
