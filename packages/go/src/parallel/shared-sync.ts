// SharedWaitGroup, SharedOnce, SharedRWMutex and SharedCond: as those of /sync, for all threads.
// (SharedMutex stands alone.)

import { fatal } from "../internal/fatal.ts";
import { spawn } from "../internal/launch.ts";
import { completed, completedWith, restoreAfter, misuse } from "../internal/sched.ts";
import { registerAmbassador } from "./codec.ts";
import type { SharedMutex } from "./shared-mutex.ts";
import { OWN, registerShared, SharedObject } from "./shared-object.ts";
import { claimFirst, endAll, sendOutcome } from "./waits.ts";

const QUEUE: number = OWN;
const COUNT: number = OWN + 2;

/** Waits for a number of goroutines, on any thread, to end. */
export class SharedWaitGroup extends SharedObject {
  constructor(from?: SharedArrayBuffer) {
    super(from ?? 3);
  }

  /** Adds to the counter; at zero all waits end. Throws `sync: negative WaitGroup counter`. */
  add(delta: number): void {
    if (!Number.isInteger(delta)) throw new TypeError(`sync: WaitGroup.add: expected a whole number, got ${delta}`);
    const isNegative = this.locked(() => {
      const count = (this.memory[COUNT] as number) + delta;
      if (count < 0) return true;
      Atomics.store(this.memory, COUNT, count);
      if (count === 0) endAll(this.memory, QUEUE, 0);
      return false;
    });
    if (isNegative) throw misuse("sync: negative WaitGroup counter");
  }

  /** Counts down by one. */
  done(): void {
    this.add(-1);
  }

  /** Waits until the counter is zero. */
  wait(): Promise<void> {
    const ready = (): true | undefined => (this.memory[COUNT] === 0 ? true : undefined);
    const waited = this.waitIn(QUEUE, "sync.WaitGroup.Wait", ready, (): true => true);
    return waited instanceof Promise ? (waited as Promise<unknown> as Promise<void>) : completed();
  }

  /** Starts fn in a goroutine of this thread that counts until it returns or calls Goexit. */
  go(fn: () => unknown): void {
    this.add(1);
    spawn(fn, [], { ended: () => this.done() });
  }
}

/** Runs a function once, on whatever thread calls it first. */
export class SharedOnce extends SharedObject {
  constructor(from?: SharedArrayBuffer) {
    super(from ?? 3);
  }

  /**
   * Runs fn on the first call of all; no call resolves before that run has ended. What fn throws
   * goes to the first caller.
   */
  do(fn: () => unknown): Promise<void> {
    const was = Atomics.compareExchange(this.memory, COUNT, 0, 1);
    if (was === 0) return restoreAfter(this.#lead(fn));
    const ready = (): true | undefined => (Atomics.load(this.memory, COUNT) === 2 ? true : undefined);
    const waited = this.waitIn(QUEUE, "sync.Mutex.Lock", ready, (): true => true);
    return waited instanceof Promise ? (waited as Promise<unknown> as Promise<void>) : completed();
  }

  async #lead(fn: () => unknown): Promise<void> {
    try {
      await fn();
    } finally {
      this.locked(() => {
        Atomics.store(this.memory, COUNT, 2);
        endAll(this.memory, QUEUE, 0);
      });
    }
  }
}

const READERS: number = OWN;
const WRITERS: number = OWN + 2;
const READING: number = OWN + 4;
const WRITING: number = OWN + 5;
const TIMES: number = OWN + 6;

/**
 * A lock for one writer or any number of readers, on any thread. A waiting writer holds back new
 * readers.
 */
export class SharedRWMutex extends SharedObject {
  constructor(from?: SharedArrayBuffer) {
    super(from ?? 7);
  }

  /**
   * Waits until nobody reads or writes, and locks for writing. Disposing of what it gives unlocks.
   */
  lock(): Promise<Disposable> {
    const take = (): Disposable | undefined => (this.#isFree() ? this.#write() : undefined);
    const got = this.waitIn(WRITERS, "sync.RWMutex.Lock", take, () => this.#writeGuard());
    return got instanceof Promise ? got : completedWith(got.value);
  }

  /**
   * Waits until nobody writes or waits to write, and locks for reading. Disposing of what it gives
   * unlocks.
   */
  rLock(): Promise<Disposable> {
    const take = (): Disposable | undefined => (this.#isReadable() ? this.#read() : undefined);
    const got = this.waitIn(READERS, "sync.RWMutex.RLock", take, () => this.#readGuard());
    return got instanceof Promise ? got : completedWith(got.value);
  }

  /** Locks for writing if nobody reads or writes. */
  tryLock(): Disposable | undefined {
    return this.locked(() => (this.#isFree() ? this.#write() : undefined));
  }

  /** Locks for reading if nobody writes or waits to write. */
  tryRLock(): Disposable | undefined {
    return this.locked(() => (this.#isReadable() ? this.#read() : undefined));
  }

  /** Fatal error `sync: Unlock of unlocked RWMutex` if it is not locked for writing. */
  unlock(): void {
    const { memory } = this;
    const isLocked = this.locked(() => {
      if (memory[WRITING] === 0) return false;
      memory[WRITING] = 0;
      let any = false;
      for (let w = claimFirst(memory, READERS); w !== 0; w = claimFirst(memory, READERS)) {
        any = true;
        memory[READING]!++;
        sendOutcome(w, 0);
      }
      if (!any) this.#admitWriter();
      return true;
    });
    if (!isLocked) fatal("sync: Unlock of unlocked RWMutex");
  }

  /** Fatal error `sync: RUnlock of unlocked RWMutex` if it is not locked for reading. */
  rUnlock(): void {
    const isLocked = this.locked(() => {
      if (this.memory[READING] === 0) return false;
      this.memory[READING]!--;
      this.#admitWriter();
      return true;
    });
    if (!isLocked) fatal("sync: RUnlock of unlocked RWMutex");
  }

  /** This mutex's read side as a Locker. */
  rLocker(): { readonly lock: () => Promise<Disposable>; readonly unlock: () => void } {
    return { lock: () => this.rLock(), unlock: () => this.rUnlock() };
  }

  #isFree(): boolean {
    return this.memory[WRITING] === 0 && this.memory[READING] === 0;
  }

  #isReadable(): boolean {
    return this.memory[WRITING] === 0 && this.memory[WRITERS] === 0;
  }

  #write(): Disposable {
    this.memory[WRITING] = 1;
    return this.#writeGuard();
  }

  #read(): Disposable {
    this.memory[READING]!++;
    return this.#readGuard();
  }

  #admitWriter(): void {
    if (!this.#isFree()) return;
    const w = claimFirst(this.memory, WRITERS);
    if (w === 0) return;
    this.memory[WRITING] = 1;
    sendOutcome(w, 0);
  }

  /** Does nothing once somebody has locked it for writing after this. */
  #writeGuard(): Disposable {
    const time = Atomics.add(this.memory, TIMES, 1) + 1;
    return {
      [Symbol.dispose]: () => {
        if (Atomics.load(this.memory, WRITING) === 1 && Atomics.load(this.memory, TIMES) === time) this.unlock();
      },
    };
  }

  #readGuard(): Disposable {
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld && Atomics.load(this.memory, READING) > 0) this.rUnlock();
        isHeld = false;
      },
    };
  }
}

/** Waiting for a change of what a SharedMutex protects. */
export class SharedCond extends SharedObject {
  /** The lock that is held when the condition is looked at or changed. */
  readonly L: SharedMutex;

  constructor(locker: SharedMutex, from?: SharedArrayBuffer) {
    super(from ?? 2);
    this.L = locker;
  }

  /**
   * Unlocks L, waits for a signal, and locks L again. Look at the condition again afterwards, in a
   * loop.
   */
  wait(): Promise<void> {
    const woken = this.waitIn<true>(
      QUEUE,
      "sync.Cond.Wait",
      () => undefined,
      (): true => true,
    ) as Promise<true>;
    this.L.unlock();
    return restoreAfter(woken.then(async () => void (await this.L.lock())));
  }

  /** Wakes the one that has waited longest. */
  signal(): void {
    this.locked(() => {
      const w = claimFirst(this.memory, QUEUE);
      if (w !== 0) sendOutcome(w, 0);
    });
  }

  /** Wakes all that wait now. */
  broadcast(): void {
    this.locked(() => endAll(this.memory, QUEUE, 0));
  }
}

registerShared("SharedWaitGroup", SharedWaitGroup, (memory) => new SharedWaitGroup(memory));
registerShared("SharedOnce", SharedOnce, (memory) => new SharedOnce(memory));
registerShared("SharedRWMutex", SharedRWMutex, (memory) => new SharedRWMutex(memory));
registerAmbassador({
  name: "SharedCond",
  matches: (value) => value instanceof SharedCond,
  send: (cond: SharedCond) => [cond.L, cond.memory.buffer],
  receive: ([locker, memory]: [SharedMutex, SharedArrayBuffer]) => new SharedCond(locker, memory),
});
