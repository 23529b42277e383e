// @sluice/go/rate: limits how often something may happen (after golang.org/x/time/rate).
//
// A limiter is a token bucket: it holds up to `burst` tokens and gains `limit` of them a second. An
// event takes one. The algorithm is that of Go's package. An event that comes too early is booked
// for the moment at which its token will be there, so the bucket may go below zero. So waiting
// callers are served in the order in which they came, and no queue is needed.
//
// Invariant: a cancelled reservation gives back only tokens that no later reservation depends on.

import type { Context } from "./context.ts";
import { monotonic, wall } from "./internal/clock.ts";
import { failed } from "./internal/sched.ts";
import { sleep } from "./time.ts";

/**
 * Events a second. `Inf` lets everything through. 0 lets through only as many events as there are
 * tokens.
 */
export type Limit = number;

/** No limit at all. */
export const Inf: Limit = Infinity;

/** The limit of one event every `ms` milliseconds; `Inf` if `ms` is not above 0. */
export function every(ms: number): Limit {
  return ms > 0 ? 1000 / ms : Inf;
}

/** A permit from {@link Limiter.reserve}, for now or a later moment. */
export interface Reservation {
  /** True if the limiter can ever grant it: n is not above the burst. */
  readonly ok: boolean;
  /** Milliseconds until it is valid: 0 for at once, `Infinity` if it is not ok. */
  delay(): number;
  /**
   * Gives the tokens back as far as possible, for others to use. Does nothing after its moment has
   * passed.
   */
  cancel(): void;
}

export class Limiter {
  #limit: Limit;
  #burst: number;
  /** Tokens at the moment `#last`; below 0 if some are booked ahead. */
  #tokens: number;
  #last = -Infinity;
  /** The time of the latest event that was booked. */
  #lastEvent = -Infinity;

  /**
   * A limiter of `limit` events a second, and up to `burst` at once. It begins with a full bucket.
   * Throws a RangeError for a limit or a burst that is not a number from 0 on.
   */
  constructor(limit: Limit, burst: number) {
    this.#limit = expectNumber("limit", limit);
    this.#burst = expectNumber("burst", burst);
    this.#tokens = burst;
  }

  get limit(): Limit {
    return this.#limit;
  }

  get burst(): number {
    return this.#burst;
  }

  /** The tokens that are there now; below 0 if events are booked ahead. */
  get tokens(): number {
    return this.#tokensAt(monotonic());
  }

  /** Returns true if n events may happen now, and takes their tokens then. Never waits. */
  allow(n = 1): boolean {
    return this.#book(monotonic(), n, 0).ok;
  }

  /** Books n events for the first possible moment. Never waits: the caller waits, or cancels. */
  reserve(n = 1): Reservation {
    return this.#book(monotonic(), n, Infinity);
  }

  /**
   * Waits until n events may happen. Rejects with `ctx.err()` if ctx is done first. Rejects at
   * once, with Go's text, if n is above the burst or if the context's deadline would come too
   * early. If the wait is cancelled, it gives its tokens back.
   */
  wait(ctx: Context, n = 1): Promise<void> {
    if (n > this.#burst && this.#limit !== Inf) {
      return failed(new Error(`rate: Wait(n=${n}) exceeds limiter's burst ${this.#burst}`));
    }
    const err = ctx.err();
    if (err !== undefined) return failed(err);
    const now = monotonic();
    const deadline = ctx.deadline();
    const patience = deadline === undefined ? Infinity : deadline.getTime() - wall();
    if (this.#limit === 0 && this.#tokensAt(now) < n) {
      return failed(new Error(`rate: Wait(n=${n}) exceeds limiter's limit 0`));
    }
    const booked = this.#book(now, n, patience);
    if (!booked.ok) return failed(new Error(`rate: Wait(n=${n}) would exceed context deadline`));
    const delay = booked.delay();
    const slept = sleep(delay, ctx);
    return delay > 0 ? slept.catch((error: unknown) => giveBack(booked, error)) : slept;
  }

  /** Sets another limit from now on. Booked events keep their moments. */
  setLimit(limit: Limit): void {
    expectNumber("limit", limit);
    this.#advance(monotonic());
    this.#limit = limit;
  }

  /** Sets another burst from now on. */
  setBurst(burst: number): void {
    expectNumber("burst", burst);
    this.#advance(monotonic());
    this.#burst = burst;
  }

  #book(now: number, n: number, patience: number): Reservation {
    expectNumber("n", n);
    if (this.#limit === Inf) return new Booking(true, now, () => undefined);
    const tokens = this.#tokensAt(now) - n;
    const wait = tokens < 0 ? this.#millisecondsFor(-tokens) : 0;
    if (n > this.#burst || wait > patience) return new Booking(false, Infinity, () => undefined);
    const at = now + wait;
    this.#last = now;
    this.#tokens = tokens;
    this.#lastEvent = at;
    return new Booking(true, at, () => this.#restore(at, n));
  }

  #restore(at: number, n: number): void {
    const now = monotonic();
    if (this.#limit === Inf || n === 0 || at < now) return;
    // Later bookings got their moments on the basis of these tokens, so those tokens stay taken.
    const restored = at >= this.#lastEvent ? n : n - this.#tokensIn(this.#lastEvent - at);
    if (restored <= 0) return;
    this.#advance(now);
    this.#tokens = Math.min(this.#burst, this.#tokens + restored);
    if (at !== this.#lastEvent) return;
    const before = at - this.#millisecondsFor(n);
    if (before >= now) this.#lastEvent = before;
  }

  #advance(now: number): void {
    this.#tokens = this.#tokensAt(now);
    this.#last = now;
  }

  #tokensAt(now: number): number {
    if (this.#last === -Infinity) return this.#burst;
    return Math.min(this.#burst, this.#tokens + this.#tokensIn(Math.max(0, now - this.#last)));
  }

  #tokensIn(ms: number): number {
    if (this.#limit === Inf) return Infinity;
    return this.#limit === 0 ? 0 : (ms * this.#limit) / 1000;
  }

  #millisecondsFor(tokens: number): number {
    return this.#limit > 0 ? (tokens * 1000) / this.#limit : Infinity;
  }
}

/**
 * A limiter for each key, for example for each host, user or tenant.
 *
 * If a key has not been used for so long that its bucket is full again, it is forgotten. A new
 * bucket would be the same. So the memory is that of the keys in use, at most twice.
 */
export class KeyedLimiter<K> {
  readonly #limit: Limit;
  readonly #burst: number;
  readonly #limiters = new Map<K, Limiter>();
  /** The number of keys at which it looks for idle ones. */
  #crowded = 64;

  /**
   * Each key may have `limit` events a second, and up to `burst` at once. Throws as {@link Limiter}
   * does.
   */
  constructor(limit: Limit, burst: number) {
    this.#limit = expectNumber("limit", limit);
    this.#burst = expectNumber("burst", burst);
  }

  /** The number of keys that are remembered. */
  get size(): number {
    return this.#limiters.size;
  }

  /** Like {@link Limiter.allow}, for a key. */
  allow(key: K, n = 1): boolean {
    return this.#of(key).allow(n);
  }

  /** Like {@link Limiter.reserve}, for a key. */
  reserve(key: K, n = 1): Reservation {
    return this.#of(key).reserve(n);
  }

  /** Like {@link Limiter.wait}, for a key. */
  wait(ctx: Context, key: K, n = 1): Promise<void> {
    return this.#of(key).wait(ctx, n);
  }

  #of(key: K): Limiter {
    let limiter = this.#limiters.get(key);
    if (limiter !== undefined) return limiter;
    if (this.#limiters.size >= this.#crowded) this.#forgetIdle();
    limiter = new Limiter(this.#limit, this.#burst);
    this.#limiters.set(key, limiter);
    return limiter;
  }

  #forgetIdle(): void {
    for (const [key, limiter] of this.#limiters) {
      if (limiter.tokens >= this.#burst) this.#limiters.delete(key);
    }
    this.#crowded = Math.max(64, 2 * this.#limiters.size);
  }
}

class Booking implements Reservation {
  readonly ok: boolean;
  readonly #at: number;
  #restore: (() => void) | undefined;

  constructor(ok: boolean, at: number, restore: () => void) {
    this.ok = ok;
    this.#at = at;
    this.#restore = restore;
  }

  delay(): number {
    return Math.max(0, this.#at - monotonic());
  }

  cancel(): void {
    const restore = this.#restore;
    this.#restore = undefined;
    restore?.();
  }
}

function giveBack(booked: Reservation, error: unknown): never {
  booked.cancel();
  throw error;
}

function expectNumber(name: string, value: number): number {
  if (!(value >= 0)) throw new RangeError(`rate: ${name} must be a number from 0 on, got ${value}`);
  return value;
}
