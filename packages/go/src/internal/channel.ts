// The channel: a ring buffer and two queues of waiters (after Go's runtime/chan.go).
//
// Invariants
// - Buffered values and waiting receivers never coexist; neither do free slots and waiting senders.
// - A waiter is in a queue exactly as long as it waits. A select that is decided leaves all its other queues at once, so
//   every waiter in a queue is live and nobody has to check.
// - A slot, a waiter and a queue let go of a value as soon as it is handed over.
// - Handing over to a waiter bypasses the buffer; a receive from a full buffer moves the first waiting sender's value in.
//
// A channel may have a `source`, a timer or a stage: then it looks unbuffered, and asks the source for a value before each
// receive, and tells it when the first receiver parks and when the last one is gone (Go 1.23's lazy timer channels), and when
// a buffered value was taken.

import { expectAttached } from "./detached.ts";
import { current, type Goroutine, type State } from "./goroutine.ts";
import {
  completed,
  completedWith,
  failed,
  inSteps,
  type MakeError,
  misuse,
  park,
  resume,
  resumeWithError,
} from "./sched.ts";

/** A ring of no more slots never gives room back. */
const kept = 1024;

/** What a waiter gets when it is woken; what waits for a Decision has a number of its own from 0 on here instead. */
const asValue = -1;
const asPair = -2;
const asIteration = -3;
const asSender = -4;

export type Received<T> = [value: T, ok: true] | [value: undefined, ok: false];
export type TryReceived<T> =
  | { readonly ready: true; readonly value: T; readonly ok: true }
  | { readonly ready: true; readonly value: undefined; readonly ok: false }
  | { readonly ready: false };

/** What a select is to the channels it waits on. */
export interface Decision {
  /** Ends the select by its waiter of that kind; takes it out of every queue. */
  readonly decide: (kind: number, value: unknown, ok: boolean) => void;
  /** Ends it by the error of its waiter of that kind, which `make` gives. */
  readonly fail: (kind: number, make: MakeError) => void;
}

export class Waiter {
  prev: Waiter | undefined = undefined;
  next: Waiter | undefined = undefined;
  /** The value a sender offers. */
  declare value: unknown;
  declare kind: number;
  declare readonly g: Goroutine;
  declare readonly resolve: (value: never) => void;
  declare readonly select: Decision | undefined;

  constructor(
    kind: number,
    value: unknown,
    g: Goroutine,
    resolve: (value: never) => void,
    select: Decision | undefined,
  ) {
    this.kind = kind;
    this.value = value;
    this.g = g;
    this.resolve = resolve;
    this.select = select;
  }
}

/** Waiters in order of arrival; any of them can leave at once. */
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

  /** Takes the first one out. */
  shift(): Waiter | undefined {
    const w = this.first;
    if (w !== undefined) this.remove(w);
    return w;
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

/** What makes a channel's values as they are asked for: a timer, or a stage of a pipeline. */
export interface Source {
  /** Puts a value that is due into the channel. */
  readonly poll: () => void;
  /** Receivers wait now, or no longer. */
  readonly attend?: (waiting: boolean) => void;
  /** A value was taken out of the channel's buffer. */
  readonly taken?: () => void;
}

/** Who fills a channel and ends its own work once nobody reads it any more. */
export interface Owner {
  readonly join: () => void;
  /** Resolves when all work has ended; `undefined` if it has already, or goes on for other readers. */
  readonly leave: () => Promise<void> | undefined;
}

export class Channel<T> implements AsyncIterable<T> {
  declare readonly size: number;
  readonly recvq: WaitQueue = new WaitQueue();
  readonly sendq: WaitQueue = new WaitQueue();
  declare readonly source: Source | undefined;
  /** The stage of a pipeline that fills this channel; it wants to know when its readers leave. */
  owner: Owner | undefined = undefined;
  /** Why it was closed, if that was an error: receivers get it once the buffer is drained. */
  failure: { readonly error: unknown } | undefined = undefined;
  closed = false;
  count = 0;
  #head = 0;
  /** The ring. It grows up to `size` as values wait in it, so that a large capacity costs nothing until then. */
  #buffer: (T | undefined)[] = [];
  /** How many values the ring has room for. */
  #room = 0;

  constructor(size: number, source?: Source) {
    if (!(size >= 0 && size <= 0xffffffff && Math.floor(size) === size)) {
      throw new RangeError("makechan: size out of range");
    }
    this.size = size;
    this.source = source;
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
    this.sendq.push(new Waiter(asSender, value, g, captured, undefined));
    park(g, "chan send");
    return promise;
  }

  trySend(value: T): boolean {
    expectAttached(this, "ch.trySend");
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
    expectAttached(this, "ch.tryRecv");
    if (this.source !== undefined) this.source.poll();
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

  /** Closes the channel because of an error: what is buffered is still received, then every receive rejects with it. */
  fail(error: unknown): void {
    this.failure = { error };
    this.close();
  }

  /** Go's `range`. Leaving the loop early leaves the channel as it is. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new Range(this);
  }

  /** One step of `range`. */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#receive(asIteration);
  }

  /** Whether a value can be received at once. */
  get hasValue(): boolean {
    return this.count > 0 || this.sendq.first !== undefined;
  }

  /** Whether a receive would not wait. */
  canRecv(): boolean {
    if (this.source !== undefined) this.source.poll();
    return this.hasValue || this.closed;
  }

  /** Whether a send would not wait; on a closed channel it panics at once, which is not waiting. */
  canSend(): boolean {
    return this.closed || this.count < this.size || this.recvq.first !== undefined;
  }

  /** Receives what there is; `undefined` where there is nothing. */
  recvNow(): T | undefined {
    if (this.count > 0) return this.#take();
    const w = this.sendq.shift();
    return w === undefined ? undefined : (taken(w) as T);
  }

  /** Adds a waiting receiver. */
  enqueue(w: Waiter): void {
    this.recvq.push(w);
    if (this.source !== undefined && w.prev === undefined) this.source.attend?.(true);
  }

  /** Takes a waiting receiver out again. */
  dequeue(w: Waiter): void {
    this.recvq.remove(w);
    if (this.source !== undefined && this.recvq.first === undefined) this.source.attend?.(false);
  }

  /** Hands a value to a waiting receiver, else into the buffer; whether there was either. */
  offer(value: T): boolean {
    const w = this.recvq.shift();
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

  /** A ring of so many slots, in which the oldest value comes first again. */
  #fit(room: number): void {
    const wrapped = Math.max(0, this.#head + this.count - this.#room);
    const values = this.#buffer.slice(this.#head, this.#head + this.count - wrapped);
    this.#buffer = wrapped === 0 ? values : values.concat(this.#buffer.slice(0, wrapped));
    this.#head = 0;
    this.#room = room;
  }

  /** Throws away what is buffered. */
  drain(): void {
    while (this.count > 0) this.#take();
  }

  #receive<R>(kind: number): Promise<R> {
    if (this.source !== undefined) this.source.poll();
    const ok = this.hasValue;
    if (ok || this.closed) {
      if (!ok && this.failure !== undefined) return failed(this.failure.error);
      return completedWith(shaped(kind, this.recvNow(), ok) as R);
    }
    const promise = new Promise<R>(capture);
    const g = current();
    this.enqueue(new Waiter(kind, undefined, g, captured, undefined));
    park(g, "chan receive");
    return promise;
  }

  #take(): T {
    const value = this.#buffer[this.#head] as T;
    const w = this.sendq.shift();
    // The buffer is full where a sender waits: the freed slot is also its end.
    this.#buffer[this.#head] = w === undefined ? undefined : (taken(w) as T);
    if (w === undefined) this.count--;
    if (++this.#head === this.#room) this.#head = 0;
    if (this.#room > kept && this.count * 4 < this.#room) this.#fit(this.#room >> 1);
    if (this.source !== undefined) this.source.taken?.();
    return value;
  }
}

/**
 * The iterator of `for await`. Leaving the loop leaves the channel as it is, unless a stage waits for its readers. A
 * `return` while a `next` is under way withdraws it: it settles as done, and takes no value from anybody.
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
    return inSteps(this.#leave(first));
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

  /** Those that wait are in the queue in the order of their calls: if the latest is not, none is. */
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

/** What an iterator gives that has ended. */
const OVER: IteratorReturnResult<undefined> = { value: undefined, done: true };

/** Wakes a receiver with a value, or with the news that there will be none. */
function wake(w: Waiter, value: unknown, ok: boolean): void {
  if (w.kind >= 0) (w.select as Decision).decide(w.kind, value, ok);
  else resume(w.g, "chan receive", w.resolve as (v: unknown) => void, shaped(w.kind, value, ok));
}

/** What a receive of that kind gives. */
function shaped(kind: number, value: unknown, ok: boolean): unknown {
  return kind === asValue ? value : kind === asPair ? [value, ok] : { value, done: !ok };
}

/** Wakes a waiter with the error that ended the channel, as `make` gives it. */
function disappoint(w: Waiter, make: MakeError): void {
  if (w.kind >= 0) (w.select as Decision).fail(w.kind, make);
  else resumeWithError(w.g, stateOf(w), w.resolve, make);
}

function stateOf(w: Waiter): State {
  return w.kind === asSender ? "chan send" : "chan receive";
}

/** The value of a sender, which is woken. */
function taken(w: Waiter): unknown {
  const { value } = w;
  w.value = undefined;
  if (w.kind >= 0) (w.select as Decision).decide(w.kind, undefined, true);
  else resume(w.g, "chan send", w.resolve as (v: undefined) => void, undefined);
  return value;
}

/** A wait on the nil channel: for ever. */
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

// `new Promise(capture)` leaves its resolve function in `captured`: no closure for each wait.
export let captured: (value: never) => void = () => undefined;
export function capture(resolve: (value: never) => void): void {
  captured = resolve;
}
