// Where a stage's worker waits: for a value or for room in an output; and always for the stage's stop too.
//
// A select over the operation and the context's done channel would do the same. But it queues up at that one channel for each
// value that passes, with two waiters, three objects and an async function: a value's way through `map` took 2.2 times as
// long. So a stage listens to its context once, and its stop wakes whoever sits then.
//
// Invariants: a seat is free, or taken by one wait of one worker. While it is taken its waiter is in a channel's queue.
// Whoever ends the wait frees the seat.

import { capture, captured, type Channel, type Decision, Waiter } from "../internal/channel.ts";
import { current, type Goroutine, main } from "../internal/goroutine.ts";
import { type MakeError, park, resume, resumeWithError } from "../internal/sched.ts";

/** What a stage received, and as its how manieth value. */
export type Taken<T> =
  | readonly [value: T, ok: true, index: number]
  | readonly [value: undefined, ok: false, index: number];

/** The seats of one stage: as many as ever waited at the same time. */
export class Seats {
  readonly #all: Seat[] = [];
  readonly #free: Seat[] = [];
  /** How many values were received. */
  received = 0;

  /** A free seat. */
  take(): Seat {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const seat = new Seat(this);
    this.#all.push(seat);
    return seat;
  }

  free(seat: Seat): void {
    this.#free.push(seat);
  }

  /** Ends every wait by an error. */
  interrupt(error: unknown): void {
    for (const seat of this.#all) seat.interrupt(error);
  }
}

export class Seat implements Decision {
  readonly #seats: Seats;
  readonly #waiter: Waiter = new Waiter(0, undefined, main, () => undefined, this);
  #g: Goroutine | undefined;
  #resolve: ((value: never) => void) | undefined;
  #channel: Channel<unknown> | undefined;
  #receives = false;

  constructor(seats: Seats) {
    this.#seats = seats;
  }

  /** Waits until the channel has a value or is closed; only where it has none yet. */
  receive<T>(channel: Channel<T>): Promise<Taken<T>> {
    this.#channel = channel;
    this.#receives = true;
    channel.enqueue(this.#waiter);
    return this.#sit<Taken<T>>();
  }

  /** Waits until the channel takes the value; only where it has no room yet. */
  send<T>(channel: Channel<T>, value: T): Promise<void> {
    this.#channel = channel;
    this.#receives = false;
    this.#waiter.value = value;
    channel.sendq.push(this.#waiter);
    return this.#sit();
  }

  decide(_: number, value: unknown, ok: boolean): void {
    const result = this.#receives ? [value, ok, ok ? this.#seats.received++ : -1] : undefined;
    const g = this.#g as Goroutine;
    const resolve = this.#resolve as (value: unknown) => void;
    this.#leave();
    resume(g, "select", resolve, result);
  }

  fail(_: number, make: MakeError): void {
    const g = this.#g as Goroutine;
    const resolve = this.#resolve as (value: never) => void;
    this.#leave();
    resumeWithError(g, "select", resolve, make);
  }

  interrupt(error: unknown): void {
    if (this.#g === undefined) return;
    if (this.#receives) this.#channel?.dequeue(this.#waiter);
    else this.#channel?.sendq.remove(this.#waiter);
    this.#waiter.value = undefined;
    this.fail(0, () => error);
  }

  #sit<R = void>(): Promise<R> {
    const promise = new Promise<R>(capture);
    const g = current();
    this.#g = g;
    this.#resolve = captured;
    park(g, "select");
    return promise;
  }

  #leave(): void {
    this.#g = undefined;
    this.#resolve = undefined;
    this.#channel = undefined;
    this.#seats.free(this);
  }
}
