// Operators that use the clock: rate limits and heartbeats.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { monotonic } from "../internal/clock.ts";
import { sleep, Ticker } from "../time.ts";
import { stage } from "./stage.ts";

/** A limit for how often something may happen. Several stages that get the same Limit share it. */
export interface Limit {
  /** Books one event, and returns the number of milliseconds until it may take place. */
  readonly reserve: () => number;
}

/**
 * A limit of one event every `ms` milliseconds, and up to `burst` (1 by default) at once after a
 * pause: a token bucket.
 */
export function every(ms: number, burst = 1): Limit {
  if (!(ms >= 0)) throw new RangeError(`every: ms must be at least 0, got ${ms}`);
  if (!(burst >= 1)) throw new RangeError(`every: burst must be at least 1, got ${burst}`);
  // The bucket, represented by the moment at which it would be full again (the generic cell rate
  // algorithm).
  let full = -Infinity;
  return {
    reserve: () => {
      const now = monotonic();
      full = Math.max(full, now) + ms;
      return Math.max(0, full - burst * ms - now);
    },
  };
}

/** The same values, no faster than every limit allows. */
export function rateLimit<T>(ctx: Context, input: RecvChan<T>, ...limits: readonly Limit[]): RecvChan<T> {
  return stage<T>(ctx, [input], { name: "rateLimit" }, async (s) => {
    for (;;) {
      const [value, ok] = await s.next(input);
      if (!ok) return;
      const wait = Math.max(0, ...limits.map((limit) => limit.reserve()));
      if (wait > 0) await sleep(wait, s.ctx);
      await s.emit(value);
    }
  });
}

/**
 * The time every `ms` milliseconds until ctx is done. At most one pulse waits; further ones are
 * dropped.
 */
export function heartbeat(ctx: Context, ms: number): RecvChan<Date> {
  const ticker = new Ticker(ms);
  return stage<Date>(ctx, [], { name: "heartbeat", capacity: 1 }, async (s) => {
    for (;;) {
      const [time] = await s.next(ticker.c);
      s.output.trySend(time as Date);
    }
  });
}
