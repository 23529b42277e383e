// @sluice/go/time: sleeping, timers and tickers (after Go 1.23's package time).
//
// Invariants
// - A timer's channel looks unbuffered and holds at most one value: the time at which it was due.
// - `stop` and `reset` discard a value that was not received, and count a timer with such a value
//   as running.
// - A host timer exists only while a goroutine waits on the channel or in a sleep, or while an
//   `afterFunc` waits to call its function. So a timer or ticker that is dropped costs nothing, and
//   one on which nobody waits does not keep the process alive.

import type { Context } from "./context.ts";
import type { RecvChan } from "./chan.ts";
import { capture, captured, Channel, type Source } from "./internal/channel.ts";
import { Alarm, alarmIn, monotonic, wall } from "./internal/clock.ts";
import { current } from "./internal/goroutine.ts";
import { spawn } from "./internal/launch.ts";
import { completed, failed, restoreAfter, misuse, park, resume, settled } from "./internal/sched.ts";
import { recv, selectAs, timeout } from "./select.ts";

/**
 * Waits `ms` milliseconds or a little more. With a context, it rejects with the context's `err` as
 * soon as that is done.
 */
export function sleep(ms: number, ctx?: Context): Promise<void> {
  const err = ctx?.err();
  if (err !== undefined) return failed(err, "sleep");
  if (!(ms > 0)) return completed();
  const done = ctx?.done();
  if (ctx && done) return restoreAfter(sleepUnless(ctx, done, ms));
  const promise = new Promise<void>(capture);
  const g = current();
  const wake = captured as () => void;
  alarmIn(ms, () => resume(g, "sleep", wake, undefined));
  park(g, "sleep");
  return promise;
}

async function sleepUnless(ctx: Context, done: RecvChan<never>, ms: number): Promise<void> {
  const c = await selectAs("sleep", { slept: timeout(ms), done: recv(done) });
  if (c.case === "done") throw ctx.err() as Error;
}

/** A channel that gives the time once, `ms` milliseconds from now. */
export function after(ms: number): RecvChan<Date> {
  return new Timer(ms).c;
}

/**
 * A channel that gives the time every `ms` milliseconds for ever; `undefined` (the nil channel)
 * unless ms is above 0.
 */
export function tick(ms: number): RecvChan<Date> | undefined {
  return ms > 0 ? new Ticker(ms).c : undefined;
}

/**
 * For tests with fake timers (Vitest's, Jest's, node:test's). Resolves when every goroutine has
 * done everything that it can without time passing. Call it before you move the clock, and before
 * you look at results. It takes real turns of the event loop, so it needs no real timer. It does
 * not wait for I/O.
 */
export function settle(): Promise<void> {
  return settled();
}

export function now(): Date {
  return new Date(wall());
}

/** The result of `afterFunc`. */
export interface FuncTimer {
  readonly c: undefined;
  /**
   * Returns true if it kept the function from starting. Does not wait for a function that is
   * running.
   */
  stop(): boolean;
  /** Starts the timer again with `ms`; returns true if it was still running. */
  reset(ms: number): boolean;
}

/** Runs fn in a new goroutine after `ms` milliseconds. Keeps the process alive until then. */
export function afterFunc(ms: number, fn: () => unknown): FuncTimer {
  return new FuncTimerImpl(ms, fn);
}

/** A timer that gives one value on `c`, `ms` milliseconds after it was made or reset. */
export class Timer {
  readonly c: RecvChan<Date>;
  readonly #source: TimeSource;

  constructor(ms: number) {
    this.#source = new TimeSource(ms, 0);
    this.c = this.#source.channel;
  }

  /**
   * Stops the timer. Returns true if it was running, or had a value that was not received, which is
   * discarded. The channel stays open.
   */
  stop(): boolean {
    return this.#source.stop();
  }

  /** Starts the timer again with `ms`; returns what `stop` would return. */
  reset(ms: number): boolean {
    return this.#source.reset(ms, 0);
  }
}

/**
 * A ticker that gives a value on `c` every `ms` milliseconds. A slow receiver finds one value, and
 * the others are dropped.
 */
export class Ticker {
  readonly c: RecvChan<Date>;
  readonly #source: TimeSource;

  /** Throws `non-positive interval for NewTicker`. */
  constructor(ms: number) {
    if (!(ms > 0)) throw misuse("non-positive interval for NewTicker");
    this.#source = new TimeSource(ms, ms);
    this.c = this.#source.channel;
  }

  /** Stops the ticks. The channel stays open, so that no receiver takes its closing for a tick. */
  stop(): void {
    this.#source.stop();
  }

  /** Starts a fresh period from now. Throws `non-positive interval for Ticker.Reset`. */
  reset(ms: number): void {
    if (!(ms > 0)) throw misuse("non-positive interval for Ticker.Reset");
    this.#source.reset(ms, ms);
  }
}

class TimeSource implements Source {
  readonly channel: Channel<Date>;
  /** The time on the monotonic clock at which the next value is due; `undefined` when stopped. */
  #at: number | undefined;
  /** The same on the wall clock: the value that is delivered. */
  #wall = 0;
  #period = 0;
  #alarm: Alarm | undefined;

  constructor(ms: number, period: number) {
    this.channel = new Channel<Date>(1, this);
    this.reset(ms, period);
  }

  /** Starts again; returns what `stop` would return. */
  reset(ms: number, period: number): boolean {
    const was = this.stop();
    const wait = ms > 0 ? ms : 0;
    this.#at = monotonic() + wait;
    this.#wall = wall() + wait;
    this.#period = period;
    this.attend(this.channel.recvq.first !== undefined);
    return was;
  }

  stop(): boolean {
    const was = this.#at !== undefined || this.channel.count > 0;
    this.#at = undefined;
    this.channel.drain();
    this.attend(false);
    return was;
  }

  poll(): void {
    this.#give(monotonic());
  }

  /** Gives the value that is due at that moment, if there is one. */
  #give(now: number): void {
    if (this.#at === undefined || now < this.#at) return;
    const due = new Date(Math.min(this.#wall, 8.64e15));
    if (this.#period > 0) {
      const steps = 1 + Math.floor((now - this.#at) / this.#period);
      this.#at += steps * this.#period;
      this.#wall += steps * this.#period;
    } else this.#at = undefined;
    this.channel.offer(due);
  }

  attend(waiting: boolean): void {
    this.#alarm?.cancel();
    this.#alarm = waiting && this.#at !== undefined ? new Alarm(this.#at, () => this.#ring()) : undefined;
  }

  /** Trusts an alarm that has rung: fake timers may use another clock than `monotonic`. */
  #ring(): void {
    this.#give(Math.max(monotonic(), this.#at ?? 0));
    this.attend(this.channel.recvq.first !== undefined);
  }
}

class FuncTimerImpl implements FuncTimer {
  readonly c = undefined;
  readonly #fn: () => unknown;
  #alarm: Alarm | undefined;

  constructor(ms: number, fn: () => unknown) {
    this.#fn = fn;
    this.reset(ms);
  }

  stop(): boolean {
    const was = this.#alarm !== undefined;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    return was;
  }

  reset(ms: number): boolean {
    const was = this.stop();
    this.#alarm = alarmIn(ms, () => {
      this.#alarm = undefined;
      spawn(this.#fn, []);
    });
    return was;
  }
}
