// The operations of fibers: each is an object that `yield*` carries out.
//
// Invariants
// - `next()` begins an operation, and `next(fiber)` ends one that waited: the loop passes the
//   fiber. So an operation holds no state of a wait, and may be used again, by any fiber.
// - An operation that need not wait gives its result at once, and the generator is not suspended.
//
// Each class has its own `next`, though they are alike: a generator's `yield*` calls the one that
// it saw before about twice as fast as one that it shares with other operations.

import type { Received, RecvChan, SendChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { type Channel, Waiter, type WaitQueue } from "../internal/channel.ts";
import { alarmIn } from "../internal/clock.ts";
import type { State } from "../internal/goroutine.ts";
import { yieldThen } from "../internal/sched.ts";
import {
  across,
  type Case,
  carryOut,
  otherwise,
  pick,
  type RecvCase,
  type SendCase,
  type Selecting,
  selecting,
  stateOf,
} from "../select.ts";
import { Hold } from "../sync/hold.ts";
import type { Mutex } from "../sync/mutex.ts";
import type { RWMutex } from "../sync/rwmutex.ts";
import { begin, done, type Fiber, PARKED, type Place, runWith, type Waiting } from "./fiber.ts";

/** An operation of a fiber: `yield*` carries it out and gives its result. */
export interface Operation<R> {
  [Symbol.iterator](): Iterator<Waiting, R>;
}

type Step<R> = IteratorResult<Waiting, R>;

export class Recv<T> implements RecvCase<T> {
  readonly channel: RecvChan<T> | undefined;

  constructor(channel: RecvChan<T> | undefined) {
    this.channel = channel;
  }

  get kind(): "recv" {
    return "recv";
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(resumed?: Fiber): Step<T | undefined> {
    const f = resumed ?? begin();
    if (f === undefined || (resumed === undefined && !receive(f, this.channel as Channel<T>))) return PARKED;
    return done(f.take() as T | undefined);
  }
}

export class RecvOk<T> {
  readonly channel: RecvChan<T> | undefined;

  constructor(channel: RecvChan<T> | undefined) {
    this.channel = channel;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(resumed?: Fiber): Step<Received<T>> {
    const f = resumed ?? begin();
    if (f === undefined || (resumed === undefined && !receive(f, this.channel as Channel<T>))) return PARKED;
    const value = f.take();
    return done([value, f.ok] as Received<T>);
  }
}

/** Go's `range`: each `yield*` receives a value, and gives false once there will be none. */
export class Range<T> {
  /** The value that was received last. */
  value: T = undefined as T;
  readonly channel: RecvChan<T> | undefined;

  constructor(channel: RecvChan<T> | undefined) {
    this.channel = channel;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(resumed?: Fiber): Step<boolean> {
    const f = resumed ?? begin();
    if (f === undefined || (resumed === undefined && !receive(f, this.channel as Channel<T>))) return PARKED;
    this.value = f.take() as T;
    return done(f.ok);
  }
}

/** True if the fiber has a value now, or the end. Else it waits. */
function receive<T>(f: Fiber, channel: Channel<T> | undefined): boolean {
  if (channel === undefined) {
    f.park("chan receive (nil chan)", nowhere);
    return false;
  }
  if (channel.across !== undefined) {
    follow(f, channel.recvOk(), ([value, ok]) => f.decide(0, value, ok));
    return false;
  }
  if (channel.canRecv()) {
    const ok = channel.hasValue;
    if (!ok && channel.failure !== undefined) throw f.failing(channel.failure.error, "chan receive");
    return f.keep(channel.recvNow(), ok);
  }
  channel.enqueue(f);
  // The source of a channel is told when its last receiver leaves.
  f.park("chan receive", channel.source === undefined ? channel.recvq : { withdraw: () => channel.dequeue(f) });
  return false;
}

/** The place of fibers that nothing will wake. */
const nowhere: Place = { withdraw: () => undefined };

export class Send<T> implements SendCase {
  readonly channel: SendChan<T> | undefined;
  readonly value: T;

  constructor(channel: SendChan<T> | undefined, value: T) {
    this.channel = channel;
    this.value = value;
  }

  get kind(): "send" {
    return "send";
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(resumed?: Fiber): Step<void> {
    if (resumed !== undefined) return done(resumed.take() as undefined);
    const f = begin();
    if (f === undefined) return PARKED;
    const { value } = this;
    const channel = this.channel as Channel<T> | undefined;
    if (channel === undefined) return f.park("chan send (nil chan)", nowhere);
    if (channel.across !== undefined) return follow(f, channel.send(value));
    try {
      if (channel.trySend(value)) return f.complete(undefined);
    } catch (error) {
      throw f.failing(error, "chan send");
    }
    f.value = value;
    channel.sendq.push(f);
    return f.park("chan send", channel.sendq);
  }
}

type Cases = Readonly<Record<string, Case>> | readonly Case[];

/** The names of the last select over named cases. Most selects have the names of the one before. */
let known: readonly string[] = [];
/** A list for their cases, which are in it during the operation only. */
let list: Case[] = [];

export class Select<R> {
  readonly #cases: Cases;
  /** What dumps show, if not the state of the cases. */
  readonly #state: State | undefined;

  constructor(cases: Cases, state?: State) {
    this.#cases = cases;
    this.#state = state;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(resumed?: Fiber): Step<R> {
    if (resumed !== undefined) return done(resumed.take() as R);
    const f = begin();
    if (f === undefined) return PARKED;
    const cases = this.#cases;
    if (Array.isArray(cases)) return choose(f, cases as readonly Case[], undefined);
    unpack(cases as Readonly<Record<string, Case>>);
    const step = choose<R>(f, list, known, this.#state);
    for (let i = 0; i < list.length; i++) list[i] = otherwise;
    return step;
  }
}

/** Puts the names into `known` and the cases into `list`. */
function unpack(cases: Readonly<Record<string, Case>>): void {
  let n = 0;
  for (const name in cases) {
    if (name !== known[n]) {
      n = -1;
      break;
    }
    list[n++] = cases[name] as Case;
  }
  if (n === known.length) return;
  known = Object.keys(cases);
  list = Object.values(cases);
}

function choose<R>(f: Fiber, cases: readonly Case[], names: readonly string[] | undefined, state?: State): Step<R> {
  try {
    const at = pick(cases, names);
    if (at >= 0) return f.complete(carryOut(cases, at, names) as R);
    if (across !== undefined) return follow(f, across([...cases] as unknown as readonly never[], names, "select"));
  } catch (error) {
    throw f.failing(error, "select");
  }
  const waiting = state ?? stateOf(cases);
  return f.suspend(waiting, new Joined(selecting().wait(cases, names, waiting, f)));
}

/** The queues that a select has joined. */
class Joined {
  readonly #select: Selecting;

  constructor(select: Selecting) {
    this.#select = select;
  }

  withdraw(): void {
    this.#select.end(-1, () => undefined, undefined);
  }
}

/** A Mutex, an RWMutex, or any other lock. */
export interface Lock {
  readonly queue?: WaitQueue;
  readonly tryLock?: () => Disposable | undefined;
  readonly lock: () => Promise<Disposable>;
}

export class Locking {
  readonly #lock: Lock;
  readonly #state: State;

  constructor(lock: Lock) {
    this.#lock = lock;
    this.#state = "readers" in lock ? "sync.RWMutex.Lock" : "sync.Mutex.Lock";
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(resumed?: Fiber): Step<Disposable> {
    if (resumed !== undefined) return done(resumed.take() as Disposable);
    const f = begin();
    if (f === undefined) return PARKED;
    const lock = this.#lock;
    const { queue } = lock;
    if (queue === undefined) return follow(f, lock.lock());
    const hold = lock.tryLock?.();
    if (hold !== undefined) return f.complete(hold);
    const step = f.waitIn(queue, this.#state, new Hold(lock as Mutex));
    // Readers may wait for a writer that waits. So a writer stays in the queue until its turn.
    return this.#state === "sync.Mutex.Lock" ? step : f.stay();
  }
}

/** Locks for reading. */
export function readNow(f: Fiber, rw: RWMutex): Step<Disposable> {
  if (!("readers" in rw)) return follow(f, (rw as RWMutex).rLock());
  const hold = rw.tryRLock();
  return hold === undefined ? f.waitIn(rw.readers, "sync.RWMutex.RLock", new Hold(rw)) : f.complete(hold);
}

/** An operation whose beginning is a function. It makes the fiber wait, or gives the result. */
export class Simple<R> {
  readonly #begin: (f: Fiber) => Step<R>;
  readonly #end: ((value: unknown) => void) | undefined;

  constructor(begin: (f: Fiber) => Step<R>, end?: (value: unknown) => void) {
    this.#begin = begin;
    this.#end = end;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(resumed?: Fiber): Step<R> {
    if (resumed === undefined) {
      const f = begin();
      return f === undefined ? PARKED : this.#begin(f);
    }
    const value = resumed.take();
    this.#end?.(value);
    return done(value as R);
  }
}

/** Waits for the promise. `kept` is what to do with its value. */
export function follow<V>(
  f: Fiber,
  promise: PromiseLike<V>,
  kept: (value: V) => void = (value) => f.decide(0, value, true),
): Step<never> {
  const step = f.suspend();
  promise.then(kept, (error: unknown) => f.fail(0, () => error));
  return step;
}

/** Waits for a promise, which may be left alone before it is settled. */
export class Until<V> {
  readonly #promise: PromiseLike<V>;

  constructor(promise: PromiseLike<V>) {
    this.#promise = promise;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(resumed?: Fiber): Step<V> {
    if (resumed !== undefined) return done(resumed.take() as V);
    const f = begin();
    if (f === undefined) return PARKED;
    const turn = ++f.turn;
    // The reaction of a native promise is a microtask of its own, in which fibers may run.
    const isNative = this.#promise instanceof Promise;
    const settled = (wake: () => void): void => {
      if (turn === f.turn) (isNative ? runWith : call)(wake);
    };
    const step = f.suspend(undefined, awayFromPromise);
    this.#promise.then(
      (value) => settled(() => f.decide(0, value, true)),
      (error: unknown) => settled(() => f.fail(0, () => error)),
    );
    return step;
  }
}

function call(fn: () => void): void {
  fn();
}

/** A promise whose fiber has left means nothing to it. */
const awayFromPromise: Place = { withdraw: (f) => void f.turn++ };

export function sleepNow(f: Fiber, ms: number): Step<void> {
  if (!(ms > 0)) return f.complete(undefined);
  const alarm = alarmIn(ms, () => f.decide(0, undefined, true));
  return f.park("sleep", { withdraw: () => alarm.cancel() });
}

export function yieldNow(f: Fiber): Step<void> {
  const step = f.suspend();
  yieldThen(() => f.enter(undefined));
  return step;
}

/** Makes the fiber end when ctx is done. */
export function endWhenDone(f: Fiber, ctx: Context): Step<void> {
  const done = ctx.done() as Channel<never> | undefined;
  if (done === undefined) return f.complete(undefined);
  if (done.closed) {
    f.end();
    return PARKED;
  }
  const w = new Waiter(0, undefined, f.g, () => undefined, { decide: () => f.end(), fail: () => f.end() });
  done.enqueue(w);
  const before = f.onEnd;
  f.onEnd = () => {
    before?.();
    if (!done.closed) done.dequeue(w);
  };
  return f.complete(undefined);
}
