// The channel: a ring buffer and two queues of waiters (after Go's runtime/chan.go).
//
// Invariants
// - Buffered values and waiting receivers never coexist; neither do free slots and waiting senders.
// - A waiter is in a queue exactly as long as it waits. When a select is decided, it leaves all its
//   other queues at once. So every waiter in a queue is live, and no code has to check that.
// - A slot, a waiter and a queue drop their reference to a value as soon as the value is handed
//   over.
// - A value for a waiting receiver bypasses the buffer. A receive from a full buffer moves the
//   first waiting sender's value in.
//
// A channel may have a `source`, which is a timer or a stage. Such a channel looks unbuffered. It
// asks its source for a value before each receive. It tells the source when the first receiver
// parks and when the last one is gone (Go 1.23's lazy timer channels). It also tells when a
// buffered value was taken.

import { detached, expectAttached } from "./detached.ts";
import { current, type Goroutine, type State } from "./goroutine.ts";
import { observer } from "./hooks.ts";
import {
  completed,
  completedWith,
  failed,
  restoreAfter,
  type MakeError,
  misuse,
  park,
  resume,
  resumeWithError,
} from "./sched.ts";

/** A ring with this number of slots or fewer never shrinks. */
const kept = 1024;

/**
 * The shape of the value that a woken waiter gets. A waiter of a Decision has a number from 0 on
 * here instead.
 */
const asValue = -1;
const asPair = -2;
const asIteration = -3;
const asSender = -4;

export type Received<T> = [value: T, ok: true] | [value: undefined, ok: false];
export type TryReceived<T> =
  | { readonly ready: true; readonly value: T; readonly ok: true }
  | { readonly ready: true; readonly value: undefined; readonly ok: false }
  | { readonly ready: false };

/** The interface of a select to the channels on which it waits. */
export interface Decision {
  /** Ends the select by its waiter of that kind, and removes the select from every queue. */
  readonly decide: (kind: number, value: unknown, ok: boolean) => void;
  /** Ends it with the error of its waiter of that kind. `make` gives the error. */
  readonly fail: (kind: number, make: MakeError) => void;
  /**
   * Only for a Decision that another thread may make too: true if it is still open, and stays open
   * for this step.
   */
  readonly hold?: () => boolean;
  /** Makes the decision for this thread; false if another thread has made it. */
  readonly claim?: () => boolean;
}

/** The way to continue a goroutine: a function that resolves its promise, or its fiber. */
export type Continuation = ((value: never) => void) | Decision;

export class Waiter {
  prev: Waiter | undefined = undefined;
  next: Waiter | undefined = undefined;
  /** The value that a sender offers. */
  declare value: unknown;
  declare kind: number;
  declare readonly g: Goroutine;
  declare readonly resolve: Continuation;
  declare readonly select: Decision | undefined;

  constructor(kind: number, value: unknown, g: Goroutine, resolve: Continuation, select?: Decision) {
    this.kind = kind;
    this.value = value;
    this.g = g;
    this.resolve = resolve;
    this.select = select;
  }
}

/** Waiters in order of arrival. Each of them can leave at once. */
export class WaitQueue {
  first: Waiter | undefined = undefined;
  last: Waiter | undefined = undefined;

  push(w: Waiter): void {
    const last = this.last;
    if (last === undefined) this.first = w;
    else {
      last.next = w;
      w.prev = last;
    }
    this.last = w;
  }

  /** Removes and returns the first waiter that still waits. */
  shift(): Waiter | undefined {
    for (let w = this.first; w !== undefined; w = this.first) {
      this.remove(w);
      if (w.select?.claim === undefined || w.select.claim()) return w;
    }
    return undefined;
  }

  /** True if a waiter is in the queue that `shift` returns if it is called at once. */
  get any(): boolean {
    let w = this.first;
    while (w?.select?.hold !== undefined && !w.select.hold()) {
      this.remove(w);
      w = this.first;
    }
    return w !== undefined;
  }

  remove(w: Waiter): void {
    const { prev, next } = w;
    if (prev === undefined) this.first = next;
    else prev.next = next;
    if (next === undefined) this.last = prev;
    else next.prev = prev;
    w.prev = undefined;
    w.next = undefined;
  }
}

/** The producer of a channel's values on demand: a timer, or a stage of a pipeline. */
export interface Source {
  /** Puts a value that is due into the channel. */
  readonly poll: () => void;
  /** Tells whether receivers wait now. */
  readonly attend?: (waiting: boolean) => void;
  /** A value was taken out of the channel's buffer. */
  readonly taken?: () => void;
}

/** The producer of a channel that ends its own work once nobody reads the channel any more. */
export interface Owner {
  readonly join: () => void;
  /**
   * Resolves when all work has ended. `undefined` if it has ended already, or if it continues for
   * other readers.
   */
  readonly leave: () => Promise<void> | undefined;
}

/** A select over a channel that other threads use too. */
export type Across = (cases: readonly never[], names: readonly string[] | undefined, state: State) => Promise<unknown>;

export class Channel<T> implements AsyncIterable<T> {
  declare readonly size: number;
  readonly recvq: WaitQueue = new WaitQueue();
  readonly sendq: WaitQueue = new WaitQueue();
  declare readonly source: Source | undefined;
  /**
   * The stage of a pipeline that fills this channel. The channel tells it when its readers leave.
   */
  owner: Owner | undefined = undefined;
  /** The error that closed it, if there was one. Receivers get it once the buffer is drained. */
  failure: { readonly error: unknown } | undefined = undefined;
  closed = false;
  count = 0;
  #head = 0;
  /**
   * The ring. It grows up to `size` as values wait in it, so a large capacity costs nothing before
   * that.
   */
  #buffer: (T | undefined)[] = [];
  /** The number of slots of the ring. */
  #room = 0;

  constructor(size: number, source?: Source) {
    if (!(size >= 0 && size <= 0xffffffff && Math.floor(size) === size)) {
      throw new RangeError("makechan: size out of range");
    }
    this.size = size;
    this.source = source;
    if (observer !== undefined) observer.made(this);
  }

  /** The function for a select over this channel, if its ends may be on several threads. */
  get across(): Across | undefined {
    return undefined;
  }

  get len(): number {
    return this.source === undefined ? this.count : 0;
  }

  get cap(): number {
    return this.source === undefined ? this.size : 0;
  }

  send(value: T): Promise<void> {
    expectAttached(this, "ch.send");
    if (isThenable(value)) return failed(thenableError());
    if (this.closed) return failed(closedError(this.send));
    if (this.offer(value)) return completed();
    const promise = new Promise<void>(capture);
    const g = current();
    this.sendq.push(new Waiter(asSender, value, g, captured));
    park(g, "chan send");
    return promise;
  }

  trySend(value: T): boolean {
    if (this === undefined) detached("ch.trySend");
    if (isThenable(value)) throw thenableError();
    if (this.closed) throw closedError(this.trySend);
    return this.offer(value);
  }

  recv(): Promise<T | undefined> {
    expectAttached(this, "ch.recv");
    return this.#receive(asValue);
  }

  recvOk(): Promise<Received<T>> {
    expectAttached(this, "ch.recvOk");
    return this.#receive(asPair);
  }

  tryRecv(): TryReceived<T> {
    if (this === undefined) detached("ch.tryRecv");
    this.source?.poll();
    if (this.hasValue) return { ready: true, value: this.recvNow() as T, ok: true };
    if (!this.closed) return { ready: false };
    if (this.failure !== undefined) throw this.failure.error;
    return { ready: true, value: undefined, ok: false };
  }

  close(): void {
    expectAttached(this, "ch.close");
    if (this.closed) throw misuse("close of closed channel", this.close);
    this.closed = true;
    const { failure } = this;
    for (let w = this.recvq.shift(); w !== undefined; w = this.recvq.shift()) {
      if (failure === undefined) wake(w, undefined, false);
      else disappoint(w, () => failure.error);
    }
    for (let w = this.sendq.shift(); w !== undefined; w = this.sendq.shift()) {
      w.value = undefined;
      disappoint(w, closedError);
    }
  }

  /**
   * Closes the channel because of an error. Buffered values are still received, and then every
   * receive rejects with the error.
   */
  fail(error: unknown): void {
    this.failure = { error };
    this.close();
  }

  /** Go's `range`. Leaving the loop early does not change the channel. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new Range(this);
  }

  /** One step of `range`. */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#receive(asIteration);
  }

  /** True if a value can be received at once. */
  get hasValue(): boolean {
    return this.count > 0 || this.sendq.any;
  }

  /** True if a receive would not wait. */
  canRecv(): boolean {
    this.source?.poll();
    return this.hasValue || this.closed;
  }

  /**
   * True if a send would not wait. On a closed channel a send panics at once, so it does not wait
   * either.
   */
  canSend(): boolean {
    return this.closed || this.count < this.size || this.recvq.any;
  }

  /** Receives a value that is available now; `undefined` if no value is. */
  recvNow(): T | undefined {
    if (this.count > 0) return this.#take();
    const w = this.sendq.shift();
    return w === undefined ? undefined : (taken(w) as T);
  }

  /** Adds a waiting receiver. */
  enqueue(w: Waiter): void {
    this.recvq.push(w);
    if (w.prev === undefined) this.source?.attend?.(true);
  }

  /** Removes a waiting receiver. */
  dequeue(w: Waiter): void {
    this.recvq.remove(w);
    if (this.recvq.first === undefined) this.source?.attend?.(false);
  }

  /**
   * Hands a value to a waiting receiver, or else puts it into the buffer. True if one of the two
   * was possible.
   */
  offer(value: T): boolean {
    const w = this.recvq.first && this.recvq.shift();
    if (w !== undefined) {
      wake(w, value, true);
      return true;
    }
    if (this.count >= this.size) return false;
    if (this.count === this.#room) this.#fit(Math.min(this.#room * 2 || 64, this.size));
    let at = this.#head + this.count++;
    if (at >= this.#room) at -= this.#room;
    this.#buffer[at] = value;
    return true;
  }

  /** Makes a ring with `room` slots, in which the oldest value comes first again. */
  #fit(room: number): void {
    const wrapped = Math.max(0, this.#head + this.count - this.#room);
    const values = this.#buffer.slice(this.#head, this.#head + this.count - wrapped);
    this.#buffer = wrapped === 0 ? values : values.concat(this.#buffer.slice(0, wrapped));
    this.#head = 0;
    this.#room = room;
  }

  /** Discards the buffered values. */
  drain(): void {
    while (this.count > 0) this.#take();
  }

  #receive<R>(kind: number): Promise<R> {
    this.source?.poll();
    const ok = this.hasValue;
    if (ok || this.closed) {
      if (!ok && this.failure !== undefined) return failed(this.failure.error);
      return completedWith(shaped(kind, this.recvNow(), ok) as R);
    }
    const promise = new Promise<R>(capture);
    const g = current();
    this.enqueue(new Waiter(kind, undefined, g, captured));
    park(g, "chan receive");
    return promise;
  }

  #take(): T {
    const value = this.#buffer[this.#head] as T;
    const w = this.sendq.first && this.sendq.shift();
    // A sender waits only if the buffer is full, so the slot that becomes free is also the buffer's
    // end.
    this.#buffer[this.#head] = w === undefined ? undefined : (taken(w) as T);
    if (w === undefined) this.count--;
    if (++this.#head === this.#room) this.#head = 0;
    if (this.#room > kept && this.count * 4 < this.#room) this.#fit(this.#room >> 1);
    this.source?.taken?.();
    return value;
  }
}

/**
 * The iterator of `for await`. Leaving the loop does not change the channel, unless a stage waits
 * for its readers. A `return` during a `next` withdraws that `next`: it settles as done, and does
 * not take a value from any other receiver.
 */
class Range<T> implements AsyncIterator<T, undefined> {
  readonly #channel: Channel<T>;
  /** The waiter of the latest `next`, if that had to wait. */
  #waiter: Waiter | undefined;
  #left = false;

  constructor(channel: Channel<T>) {
    this.#channel = channel;
    channel.owner?.join();
  }

  return(): Promise<IteratorResult<T, undefined>> {
    const first = !this.#left;
    this.#left = true;
    this.#withdraw();
    return restoreAfter(this.#leave(first));
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#left) return completedWith(OVER);
    const { recvq } = this.#channel;
    const { last } = recvq;
    const step = this.#channel.next();
    if (recvq.last !== last && recvq.last !== undefined) {
      this.#waiter = recvq.last;
      this.#waiter.value = this;
    }
    return step;
  }

  /**
   * Waiting calls are in the queue in their order. So if the latest call is not in the queue, the
   * others are not either.
   */
  #withdraw(): void {
    const { recvq } = this.#channel;
    let w = this.#waiter;
    this.#waiter = undefined;
    if (w === undefined || (w.prev === undefined && recvq.first !== w)) return;
    for (let before: Waiter | undefined; w !== undefined; w = before) {
      before = w.prev;
      if (w.value !== this) continue;
      this.#channel.dequeue(w);
      wake(w, undefined, false);
    }
  }

  async #leave(first: boolean): Promise<IteratorResult<T, undefined>> {
    if (first) await this.#channel.owner?.leave();
    return OVER;
  }
}

/** The result of an iterator that has ended. */
const OVER: IteratorReturnResult<undefined> = { value: undefined, done: true };

/** Continues goroutine g, whose wait of that state is over, with a value. */
export function continueWith(g: Goroutine, state: State, go: Continuation, value?: unknown): void {
  if (typeof go === "object") go.decide(0, value, true);
  else resume(g, state, go as (value: unknown) => void, value);
}

/** Ends the wait of goroutine g with the error that `make` gives. */
export function failWith(g: Goroutine, state: State, go: Continuation, make: MakeError): void {
  if (typeof go === "object") go.fail(0, make);
  else resumeWithError(g, state, go, make);
}

/**
 * Parks the current goroutine in a queue that is not a channel's. `wakeFirst` wakes it with the
 * value.
 */
export function waitIn<T>(queue: WaitQueue, state: State, value?: T): Promise<T> {
  const promise = new Promise<T>(capture);
  const g = current();
  queue.push(new Waiter(0, value, g, captured));
  park(g, state);
  return promise;
}

/** Wakes the first waiter of a queue. Returns its value; `undefined` if nobody waits. */
export function wakeFirst(queue: WaitQueue, state: State): unknown {
  const w = queue.shift();
  if (w === undefined) return undefined;
  const { value } = w;
  continueWith(w.g, state, w.resolve, value);
  return value;
}

/** Wakes a receiver with a value, or tells it that no value will come. */
function wake(w: Waiter, value: unknown, ok: boolean): void {
  if (w.kind >= 0) (w.select as Decision).decide(w.kind, value, ok);
  else continueWith(w.g, "chan receive", w.resolve, shaped(w.kind, value, ok));
}

/** The result of a receive of that kind. */
function shaped(kind: number, value: unknown, ok: boolean): unknown {
  return kind === asValue ? value : kind === asPair ? [value, ok] : { value, done: !ok };
}

/** Wakes a waiter with the error that ended the channel. `make` gives the error. */
function disappoint(w: Waiter, make: MakeError): void {
  if (w.kind >= 0) (w.select as Decision).fail(w.kind, make);
  else failWith(w.g, stateOf(w), w.resolve, make);
}

function stateOf(w: Waiter): State {
  return w.kind === asSender ? "chan send" : "chan receive";
}

/** Takes the value of a sender, and wakes the sender. */
function taken(w: Waiter): unknown {
  const { value } = w;
  w.value = undefined;
  if (w.kind >= 0) (w.select as Decision).decide(w.kind, undefined, true);
  else continueWith(w.g, "chan send", w.resolve);
  return value;
}

/** Waits on the nil channel, which means for ever. */
export function never(state: State): Promise<never> {
  park(current(), state);
  return new Promise<never>(() => undefined);
}

export function closedError(above?: (...args: never[]) => unknown): Error {
  return misuse("send on closed channel", above);
}

export function thenableError(): TypeError {
  return new TypeError("send of a thenable: an await would flatten it");
}

export function isThenable(value: unknown): boolean {
  if (typeof value === "object" ? value === null : typeof value !== "function") return false;
  return typeof (value as { then?: unknown }).then === "function";
}

// `new Promise(capture)` puts its resolve function into `captured`, so a wait does not need a
// closure.
export let captured: (value: never) => void = () => undefined;
export function capture(resolve: (value: never) => void): void {
  captured = resolve;
}
