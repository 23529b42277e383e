// A wait of a stage's worker: for a value, or for space in an output, and always for the stage's
// stop too.
//
// A select over the operation and the context's done channel would do the same. But for each value
// it queues up at that one channel, with two waiters, three objects and an async function. With it
// a value took 2.2 times as long to pass through `map`. So a stage listens to its context once, and
// its stop wakes all workers that wait at that moment.
//
// Invariants: a StageWaiter is free, or taken by one wait of one worker. While it is taken, its
// entry is in a channel's queue. The code that ends the wait frees it.

import { capture, captured, type Channel, type Decision, Waiter } from "../internal/channel.ts";
import { current, type Goroutine, main } from "../internal/goroutine.ts";
import { type MakeError, park, resume, resumeWithError } from "../internal/sched.ts";

/** A received value and its index in the input; -1 at the input's end. */
export type Taken<T> =
  | readonly [value: T, ok: true, index: number]
  | readonly [value: undefined, ok: false, index: number];

/** The waiters of one stage, used again and again: as many as ever waited at the same time. */
export class Waiters {
  readonly #all: StageWaiter[] = [];
  readonly #free: StageWaiter[] = [];
  /** The number of values that were received. */
  received = 0;

  /** A free waiter. */
  take(): StageWaiter {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const waiter = new StageWaiter(this);
    this.#all.push(waiter);
    return waiter;
  }

  free(waiter: StageWaiter): void {
    this.#free.push(waiter);
  }

  /** Ends every wait with an error. */
  interrupt(error: unknown): void {
    for (const waiter of this.#all) waiter.interrupt(error);
  }
}

export class StageWaiter implements Decision {
  readonly #waiters: Waiters;
  readonly #waiter: Waiter = new Waiter(0, undefined, main, () => undefined, this);
  #g: Goroutine | undefined;
  #resolve: ((value: never) => void) | undefined;
  #channel: Channel<unknown> | undefined;
  #receives = false;

  constructor(waiters: Waiters) {
    this.#waiters = waiters;
  }

  /** Waits until the channel has a value or is closed. Call it only if it has no value yet. */
  receive<T>(channel: Channel<T>): Promise<Taken<T>> {
    this.#channel = channel;
    this.#receives = true;
    channel.enqueue(this.#waiter);
    return this.#park<Taken<T>>();
  }

  /** Waits until the channel takes the value. Call it only if it has no space yet. */
  send<T>(channel: Channel<T>, value: T): Promise<void> {
    this.#channel = channel;
    this.#receives = false;
    this.#waiter.value = value;
    channel.sendq.push(this.#waiter);
    return this.#park();
  }

  decide(_: number, value: unknown, ok: boolean): void {
    const result = this.#receives ? [value, ok, ok ? this.#waiters.received++ : -1] : undefined;
    const g = this.#g as Goroutine;
    const resolve = this.#resolve as (value: unknown) => void;
    this.#release();
    resume(g, "select", resolve, result);
  }

  fail(_: number, make: MakeError): void {
    const g = this.#g as Goroutine;
    const resolve = this.#resolve as (value: never) => void;
    this.#release();
    resumeWithError(g, "select", resolve, make);
  }

  interrupt(error: unknown): void {
    if (this.#g === undefined) return;
    if (this.#receives) this.#channel?.dequeue(this.#waiter);
    else this.#channel?.sendq.remove(this.#waiter);
    this.#waiter.value = undefined;
    this.fail(0, () => error);
  }

  #park<R = void>(): Promise<R> {
    const promise = new Promise<R>(capture);
    const g = current();
    this.#g = g;
    this.#resolve = captured;
    park(g, "select");
    return promise;
  }

  #release(): void {
    this.#g = undefined;
    this.#resolve = undefined;
    this.#channel = undefined;
    this.#waiters.free(this);
  }
}
