// The order that the operations of this library create (Go's memory model, and the documentation of
// its packages).
//
// The primitives contain no code for this. This file wraps their methods in functions that record
// the order and call them. It does not need the private state of a primitive. It records which
// goroutine waits when that goroutine enters a queue. It records what a goroutine acquires after
// its wait when the wait begins.

import { Int32, Value } from "../atomic.ts";
import { background, withCancel } from "../context.ts";
import { Group } from "../errgroup.ts";
import { Channel, type Waiter, WaitQueue } from "../internal/channel.ts";
import { type Timers, setTimers, timersHere } from "../internal/clock.ts";
import { go } from "../go.ts";
import { current, type Goroutine } from "../internal/goroutine.ts";
import { addPart } from "../internal/observers.ts";
import { around } from "../internal/patch.ts";
import { Stage } from "../patterns/stage.ts";
import { Weighted } from "../semaphore.ts";
import { Cond } from "../sync/cond.ts";
import { SyncMap } from "../sync/map.ts";
import { Mutex } from "../sync/mutex.ts";
import { Once } from "../sync/once.ts";
import { Pool } from "../sync/pool.ts";
import { RWMutex } from "../sync/rwmutex.ts";
import { WaitGroup } from "../sync/waitgroup.ts";
import { Bubble, bubbleOf } from "../synctest/bubble.ts";
import { Ticker, Timer } from "../time.ts";
import { Location, madeHere, nextStep, read, starters, write } from "./detector.ts";
import {
  acquire,
  asTimer,
  begin,
  end,
  me,
  release,
  releaseOnly,
  type Snapshot,
  type Thread,
  threadOf,
} from "./threads.ts";

/** Records the order of the library's operations, from now on. */
export function followOperations(): void {
  addPart({
    created: (g) => begin(g, madeHere(g.name)),
    // Several fibers run within one reaction of a promise.
    stepped: nextStep,
    ended: (g) => {
      releaseToBubble(g);
      end(g);
    },
    parked: (g) => {
      hasParked = true;
      releaseToBubble(g);
    },
    resumed: (g, state) => {
      resumed(threadOf(g), g.waits <= 0);
      const bubble = state === "synctest.Wait" ? bubbleOf(g) : undefined;
      if (bubble !== undefined) acquire(bubble, threadOf(g));
    },
  });
  for (const starter of [go, WaitGroup, Group]) starters.add(starter);
  followBubbles();
  followTimers();
  followChannels();
  followLocks();
  followWaitGroups();
  followSync();
  followAtomics();
  followContexts();
  followTasks();
}

/**
 * Releases a goroutine that blocks or ends in a bubble: that happened before a `wait` that
 * continues, and before `test` does.
 */
function releaseToBubble(g: Goroutine): void {
  const bubble = bubbleOf(g);
  if (bubble !== undefined) release(bubble, threadOf(g));
}

function followBubbles(): void {
  around(Bubble.prototype, "add", (add) => {
    return function (this: Bubble, g: Goroutine) {
      // The goroutine that calls `test` adds the root, and waits for its end.
      if (this.members.size === 0 && bubbleOf(current()) === undefined) me().awaits(this);
      add.call(this, g);
    };
  });
}

/** True if the operation that is called now has to wait. */
let hasParked = false;

function resumed(thread: Thread, isLast: boolean): void {
  for (const object of thread.pending) acquire(object, thread);
  // The thread does not know which of several waits this was, so it acquires the other objects
  // again.
  if (isLast) thread.pending.clear();
}

/**
 * Calls an operation. After it, at once or after its wait, everything that was released to the
 * object is known.
 */
export function acquiring<T>(object: object, operation: () => T): T {
  const thread = me();
  const isNew = !thread.pending.has(object);
  // It may continue before the operation has returned.
  thread.awaits(object);
  hasParked = false;
  const result = operation();
  if (hasParked) return result;
  if (isNew) thread.pending.delete(object);
  acquire(object);
  return result;
}

/** A function that releases its effects to the object at its end, even if it throws. */
export function releasing<A extends unknown[], R>(object: object, fn: (...args: A) => R): (...args: A) => R {
  const body = (...args: A): R => {
    let result: R | undefined;
    try {
      result = fn(...args);
      return result;
    } finally {
      const then = (result as PromiseLike<unknown> | undefined)?.then;
      if (typeof then === "function") {
        const over = (): void => release(object);
        then.call(result, over, over);
      } else release(object);
    }
  };
  Object.defineProperty(body, "name", { value: fn.name });
  return body;
}

// The effects of a timer became known when it was made, through the code that made it. The passing
// of time does not order anything.
function followTimers(): void {
  const before = timersHere;
  setTimers(() => {
    const own = before?.() ?? (globalThis as unknown as Timers);
    return {
      ...(own.now !== undefined && { now: own.now }),
      setTimeout: (ring, ms) => {
        const { id } = me();
        const made = me().ownSnapshot();
        return own.setTimeout(() => asTimer(made, id, ring), ms);
      },
      clearTimeout: (handle) => own.clearTimeout(handle),
    };
  });
  for (const { prototype } of [Timer, Ticker] as { prototype: Timer }[]) {
    around(prototype, "reset", (reset) => {
      return function (this: Timer, ms: number) {
        release(this.c);
        return reset.call(this, ms);
      };
    });
  }
}

/**
 * The slots of a buffered channel. The k-th value goes through slot k modulo the capacity, which
 * orders as a lock does.
 */
interface Slots {
  sent: number;
  received: number;
  readonly clocks: Snapshot[];
  /** A close writes it and a send reads it. So if the two are not ordered, they are a race. */
  readonly location: Location;
}

const slots = new WeakMap<Channel<unknown>, Slots>();
/** The goroutine that put each waiter into its queue. */
const waiters = new WeakMap<Waiter, Thread>();

function slotsOf(channel: Channel<unknown>): Slots {
  let all = slots.get(channel);
  if (all === undefined) {
    all = { sent: 0, received: 0, clocks: [], location: new Location("channel") };
    slots.set(channel, all);
  }
  return all;
}

/**
 * Puts a value into a slot, or takes one out. The goroutine learns everything that the slot's last
 * user knew.
 */
function useSlot({ clocks }: Slots, slot: number, thread: Thread): void {
  const before = clocks[slot];
  if (before !== undefined) thread.learn(before);
  clocks[slot] = thread.snapshot();
}

/** Orders a sender and a receiver that meet. */
function meet(a: Thread, b: Thread | undefined): void {
  if (b === undefined) return;
  const [ofA, ofB] = [a.snapshot(), b.snapshot()];
  a.learn(ofB);
  b.learn(ofA);
}

function followChannels(): void {
  around(WaitQueue.prototype, "push", (push) => {
    return function (this: WaitQueue, w: Waiter) {
      waiters.set(w, me());
      push.call(this, w);
    };
  });
  followSends();
  followReceives();
  followClose();
}

function followSends(): void {
  const { prototype } = Channel;
  around(prototype, "offer", (offer) => {
    return function (this: Channel<unknown>, value: unknown) {
      const waiting = this.recvq.first;
      if (waiting === undefined && this.count >= this.size) return offer.call(this, value);
      const all = slotsOf(this);
      const thread = me();
      if (this.size === 0) meet(thread, waiters.get(waiting as Waiter));
      else {
        const slot = all.sent++ % this.size;
        useSlot(all, slot, thread);
        if (waiting !== undefined) {
          all.received++;
          const receiver = waiters.get(waiting);
          if (receiver !== undefined) useSlot(all, slot, receiver);
        }
      }
      return offer.call(this, value);
    };
  });
  for (const name of ["send", "trySend"] as const) {
    around(prototype as Record<typeof name, unknown>, name, (send) => {
      return function (this: Channel<unknown>, value: unknown) {
        if (this !== undefined) read(slotsOf(this).location, -1, false);
        return (send as (value: unknown) => unknown).call(this, value);
      };
    });
  }
}

function followReceives(): void {
  const { prototype } = Channel;
  around(prototype, "recvNow", (recvNow) => {
    return function (this: Channel<unknown>) {
      const waiting = this.sendq.first;
      const thread = me();
      // A timer's reset is released to its channel, as a close is.
      if (this.source !== undefined || (this.closed && this.count === 0)) acquire(this);
      if (this.count > 0) {
        const all = slotsOf(this);
        const slot = all.received++ % this.size;
        useSlot(all, slot, thread);
        const sender = waiting === undefined ? undefined : waiters.get(waiting);
        if (sender !== undefined) {
          all.sent++;
          useSlot(all, slot, sender);
        }
      } else if (waiting !== undefined) meet(thread, waiters.get(waiting));
      return recvNow.call(this);
    };
  });
  around(prototype, "tryRecv", (tryRecv) => {
    return function (this: Channel<unknown>) {
      if (this !== undefined && this.closed && !this.hasValue) acquire(this);
      return tryRecv.call(this);
    };
  });
  for (const name of ["recv", "recvOk", "next"] as const) {
    around(prototype as Record<typeof name, (this: Channel<unknown>) => unknown>, name, (receive) => {
      return function (this: Channel<unknown>) {
        if (this?.failure !== undefined && !this.hasValue) acquire(this);
        return receive.call(this);
      };
    });
  }
}

function followClose(): void {
  around(Channel.prototype, "close", (close) => {
    return function (this: Channel<unknown>) {
      if (this !== undefined && !this.closed) {
        write(slotsOf(this).location, -1);
        release(this);
        for (let w = this.recvq.first; w !== undefined; w = w.next) {
          const receiver = waiters.get(w);
          if (receiver !== undefined) acquire(this, receiver);
        }
      }
      close.call(this);
    };
  });
}

/** The object to which the readers of an RWMutex release. */
const readers = new WeakMap<RWMutex, object>();
/** The locks that are being granted now. */
let granting: readonly object[] = [];

function readersOf(rw: RWMutex): object {
  let of = readers.get(rw);
  if (of === undefined) readers.set(rw, (of = {}));
  return of;
}

/** Calls `unlock`, and whoever gets a lock by it acquires these. */
function granted(locks: readonly object[], unlock: () => void): void {
  granting = locks;
  unlock();
  granting = [];
}

function followLocks(): void {
  around(WaitQueue.prototype, "shift", (shift) => {
    return function (this: WaitQueue) {
      const w = shift.call(this);
      if (w !== undefined) for (const lock of granting) acquire(lock, threadOf(w.g));
      return w;
    };
  });
  followMutex();
  followRWMutex();
}

function followMutex(): void {
  around(Mutex.prototype, "lock", (lock) => {
    return function (this: Mutex) {
      if (this.holder === undefined) acquire(this);
      return lock.call(this);
    };
  });
  around(Mutex.prototype, "tryLock", (tryLock) => {
    return function (this: Mutex) {
      if (this.holder === undefined) acquire(this);
      return tryLock.call(this);
    };
  });
  around(Mutex.prototype, "unlock", (unlock) => {
    return function (this: Mutex) {
      if (this !== undefined && this.holder !== undefined) releaseOnly(this);
      granted(this === undefined ? [] : [this], () => unlock.call(this));
    };
  });
}

function followRWMutex(): void {
  around(RWMutex.prototype, "lock", (lock) => {
    return function (this: RWMutex) {
      hasParked = false;
      const locked = lock.call(this);
      if (!hasParked) [this, readersOf(this)].forEach((of) => acquire(of));
      return locked;
    };
  });
  around(RWMutex.prototype, "rLock", (rLock) => {
    return function (this: RWMutex) {
      hasParked = false;
      const locked = rLock.call(this);
      if (!hasParked) acquire(this);
      return locked;
    };
  });
  for (const name of ["tryLock", "tryRLock"] as const) {
    around(RWMutex.prototype, name, (tryLock) => {
      return function (this: RWMutex) {
        const locked = tryLock.call(this);
        if (locked !== undefined) acquire(this);
        if (locked !== undefined && name === "tryLock") acquire(readersOf(this));
        return locked;
      };
    });
  }
  around(RWMutex.prototype, "unlock", (unlock) => {
    return function (this: RWMutex) {
      if (this !== undefined) releaseOnly(this);
      granted(this === undefined ? [] : [this], () => unlock.call(this));
    };
  });
  around(RWMutex.prototype, "rUnlock", (rUnlock) => {
    return function (this: RWMutex) {
      if (this !== undefined) release(readersOf(this));
      granted(this === undefined ? [] : [this, readersOf(this)], () => rUnlock.call(this));
    };
  });
}

function followWaitGroups(): void {
  /**
   * The location of each counter. If the first add and the first wait are not ordered, they are a
   * race.
   */
  const counters = new WeakMap<WaitGroup, { count: number; waiting: boolean; readonly location: Location }>();
  const counterOf = (wg: WaitGroup): { count: number; waiting: boolean; readonly location: Location } => {
    let counter = counters.get(wg);
    if (counter === undefined) {
      counter = { count: 0, waiting: false, location: new Location("WaitGroup") };
      counters.set(wg, counter);
    }
    return counter;
  };
  around(WaitGroup.prototype, "add", (add) => {
    return function (this: WaitGroup, delta: number) {
      const counter = counterOf(this);
      if (delta < 0) release(this);
      if (delta > 0 && counter.count === 0) read(counter.location, -1, false);
      counter.count += delta;
      if (counter.count <= 0) counter.waiting = false;
      try {
        add.call(this, delta);
      } catch (error) {
        counter.count -= delta;
        throw error;
      }
    };
  });
  around(WaitGroup.prototype, "wait", (wait) => {
    return function (this: WaitGroup) {
      const counter = counterOf(this);
      if (counter.count > 0 && !counter.waiting) {
        counter.waiting = true;
        write(counter.location, -1);
      }
      return acquiring(this, () => wait.call(this));
    };
  });
  // A fiber waits in the queue itself, and calls this at its end.
  around(WaitGroup.prototype, "left", (left) => {
    return function (this: WaitGroup) {
      acquire(this);
      left.call(this);
    };
  });
}

function followSync(): void {
  around(Cond.prototype, "wait", (wait) => {
    return function (this: Cond) {
      return acquiring(this, () => wait.call(this));
    };
  });
  around(Cond.prototype, "signal", (signal) => {
    return function (this: Cond) {
      release(this);
      signal.call(this);
    };
  });
  around(Once.prototype, "do", (call) => {
    return function (this: Once, fn: () => unknown) {
      acquire(this);
      return call.call(this, releasing(this, fn));
    };
  });
  const pool = Pool.prototype as Pool<unknown>;
  around(pool, "put", (put) => {
    return function (this: Pool<unknown>, value: unknown) {
      if (typeof value === "object" && value !== null) release(value);
      put.call(this, value);
    };
  });
  around(pool, "get", (get) => {
    return function (this: Pool<unknown>) {
      const value = get.call(this);
      if (typeof value === "object" && value !== null) acquire(value);
      return value;
    };
  });
  const reads = ["load", "range"] as const;
  const writes = ["store", "loadOrStore", "loadAndDelete", "delete", "swap", "compareAndSwap"] as const;
  seen(SyncMap.prototype as unknown as Methods, reads, [...writes, "compareAndDelete", "clear"]);
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

/**
 * Wraps methods whose effects other methods of the object see: reading ones acquire, and writing
 * ones also release. `by` gives what stands for an object.
 */
function seen(
  prototype: Methods,
  reads: readonly string[],
  writes: readonly string[],
  by: (object: object) => object = (object) => object,
): void {
  for (const name of [...reads, ...writes]) {
    around(prototype, name, (method) => {
      return function (this: object, ...args: unknown[]) {
        const object = by(this);
        if (name !== "store") acquire(object);
        // This comes before the call: a `range` calls code of the program, and a thrown error may
        // do so too.
        if (!reads.includes(name)) release(object);
        return method.apply(this, args);
      };
    });
  }
}

/** What stands for the memory of an atomic number that other threads have too. */
export const standIn: WeakMap<object, object> = new WeakMap();

function followAtomics(): void {
  // The class of all numbers is not exported. `Bool` contains one.
  const numbers = Object.getPrototypeOf(Int32.prototype) as Methods;
  const writes = ["store", "swap", "compareAndSwap"];
  seen(numbers, ["load"], [...writes, "add", "and", "or"], (number) => {
    const { memory } = number as Int32;
    return standIn.get(memory) ?? memory;
  });
  seen(Value.prototype as unknown as Methods, ["load"], writes);
}

interface Cancellable {
  readonly parent?: unknown;
  err(): Error | undefined;
  done(): Channel<unknown>;
  cancel(err: Error, cause: Error | undefined): void;
}

function followContexts(): void {
  // The class is not exported. Contexts with a deadline are of the same class.
  const prototype = Object.getPrototypeOf(withCancel(background())[0]) as Cancellable;
  /**
   * Acquires everything that was released to a context or to one above it, since the cancellation
   * of any of them may have ended it.
   */
  const acquireAll = (ctx: Cancellable, thread = me()): void => {
    for (let at: unknown = ctx; typeof at === "object" && at !== null; at = (at as Cancellable).parent) {
      acquire(at, thread);
    }
  };
  around(prototype, "cancel", (cancel) => {
    return function (this: Cancellable, err: Error, cause: Error | undefined) {
      release(this);
      cancel.call(this, err, cause);
    };
  });
  around(prototype, "err", (err) => {
    return function (this: Cancellable) {
      const error = err.call(this);
      if (error !== undefined) acquireAll(this);
      return error;
    };
  });
  around(prototype, "done", (done) => {
    return function (this: Cancellable) {
      const isDone = this.err() !== undefined;
      const channel = done.call(this);
      if (isDone) release(channel);
      return channel;
    };
  });
}

/** Follows the objects that run tasks and wait for them. */
function followTasks(): void {
  // Under a limit each function starts after those that ended before, as if it sent to a channel
  // from which they received.
  const limited = new WeakSet<Group>();
  around(Group.prototype, "setLimit", (setLimit) => {
    return function (this: Group, n: number) {
      setLimit.call(this, n);
      if (n < Infinity && n >= 0) limited.add(this);
      else limited.delete(this);
    };
  });
  for (const name of ["go", "tryGo"] as const) {
    around(Group.prototype as unknown as Methods, name, (start) => {
      return function (this: Group, fn: unknown) {
        const body = typeof fn === "function" ? releasing(this, fn as () => unknown) : fn;
        if (!limited.has(this)) return start.call(this, body);
        return acquiring(this, () => start.call(this, body));
      };
    });
  }
  around(Group.prototype, "wait", (wait) => {
    return function (this: Group) {
      return acquiring(this, () => wait.call(this));
    };
  });
  around(Weighted.prototype, "release", (free) => {
    return function (this: Weighted, n?: number) {
      if (this !== undefined) release(this);
      free.call(this, n);
    };
  });
  around(Weighted.prototype, "tryAcquire", (tryAcquire) => {
    return function (this: Weighted, n?: number) {
      const taken = tryAcquire.call(this, n);
      if (taken) acquire(this);
      return taken;
    };
  });
  around(Weighted.prototype, "acquire", (take) => {
    return function (this: Weighted, ctx, n?: number) {
      return acquiring(this, () => take.call(this, ctx, n));
    };
  });
  around(Stage.prototype as Stage<unknown>, "workerEnded", (ended) => {
    return function (this: Stage<unknown>) {
      release(this);
      acquire(this);
      ended.call(this);
    };
  });
}
