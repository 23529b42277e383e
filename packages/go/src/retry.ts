// @sluice/go/retry: a call that is made again until it succeeds, its context ends, or it is hopeless.
//
// Words: an *attempt* is one call; *backoff* tells how long to wait after a failed one; *jitter* is the
// random part of that, so that many clients do not come back at the same moment; a *budget* is shared by
// many calls and keeps retries to a share of all of them, so that retries do not finish off a service
// that is in trouble. Backoff and jitter follow "Exponential Backoff And Jitter" (Marc Brooker, 2015);
// the budget is a token bucket as in Finagle's RetryBudget.

import type { Context } from "./context.ts";
import { monotonic } from "./internal/clock.ts";
import { inSteps } from "./internal/sched.ts";
import { isGoexit } from "./internal/thrown.ts";
import { sleep } from "./time.ts";

/** Milliseconds to wait after failed attempt number `attempt`, which counts from 1. */
export type Backoff = (attempt: number) => number;

/** How {@link exponential} waits; all of it may be left out. */
export interface ExponentialOptions {
  /** Milliseconds after the first attempt; 100 by default. */
  readonly initial?: number | undefined;
  /** By how much each wait is longer than the one before; 2 by default. */
  readonly factor?: number | undefined;
  /** The longest wait, in milliseconds; 30,000 by default. */
  readonly max?: number | undefined;
  /**
   * The random part. `full` (the default): between 0 and the wait. `equal`: between half of it and all of
   * it. `none`: exactly the wait.
   */
  readonly jitter?: "full" | "equal" | "none" | undefined;
  /** Numbers from 0 to below 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** How {@link retry} goes on; all of it may be left out. */
export interface RetryOptions {
  /** How many attempts there are in all; as many as the context allows by default. */
  readonly attempts?: number | undefined;
  /** How long to wait in between; `exponential()` by default. */
  readonly backoff?: Backoff | undefined;
  /** Shared with other calls: no retry when it is used up. */
  readonly budget?: Budget | undefined;
  /** Whether an error is worth another attempt; each is by default, but for `permanent` ones. */
  readonly retryIf?: ((error: unknown) => boolean) | undefined;
  /** Called before each wait, for logs. `attempt` is the one that failed, `ms` the wait. */
  readonly onRetry?: ((error: unknown, attempt: number, ms: number) => void) | undefined;
}

/**
 * Calls fn until it succeeds and gives its result. `attempt` counts from 1.
 *
 * Rejects with the last error when the attempts or the budget are used up or the error is not worth a
 * retry; with the error inside for one marked by {@link permanent}; and with `ctx.err()` when ctx ends
 * before an attempt or in a wait. A wait that would go past the context's deadline is not begun: the last
 * error comes out at once.
 */
export function retry<T>(
  ctx: Context,
  fn: (ctx: Context, attempt: number) => T | PromiseLike<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = Infinity } = options;
  if (!(attempts >= 1)) throw new RangeError(`retry: attempts must be at least 1, got ${attempts}`);
  return inSteps(run(ctx, fn, attempts, options));
}

/** Marks an error as one that no further attempt will mend: `throw permanent(error)`. */
export function permanent(error: unknown): Error {
  return new Permanent(error);
}

/** Marks an error with the wait that the other side has asked for, as by `Retry-After`. */
export function retryAfter(error: unknown, ms: number): Error {
  return new After(error, expectNumber("retryAfter", "ms", ms));
}

/** Waits that grow by a factor, with a random part. Throws a RangeError for numbers that make no sense. */
export function exponential(options: ExponentialOptions = {}): Backoff {
  const { initial = 100, factor = 2, max = 30_000, jitter = "full", random = Math.random } = options;
  expectNumber("exponential", "initial", initial);
  expectNumber("exponential", "max", max);
  if (!(factor >= 1)) throw new RangeError(`exponential: factor must be at least 1, got ${factor}`);
  return (attempt) => {
    const wait = Math.min(max, initial * factor ** (attempt - 1));
    if (jitter === "none") return wait;
    return jitter === "full" ? wait * random() : wait / 2 + (wait / 2) * random();
  };
}

/** The same wait each time. */
export function constant(ms: number): Backoff {
  expectNumber("constant", "ms", ms);
  return () => ms;
}

/**
 * What many calls may spend on retries together: a share of their number, and a few a second in any case.
 *
 * Each first attempt puts `ratio` of a token in, each retry takes one out. Tokens that come by the second
 * and by calls are kept for ten seconds at most.
 */
export class Budget {
  readonly #ratio: number;
  readonly #perSecond: number;
  #tokens: number;
  #at = monotonic();

  /**
   * @param ratio retries for each call, such as 0.1
   * @param perSecond retries a second that are allowed even if there are few calls; 1 by default
   */
  constructor(ratio: number, perSecond = 1) {
    this.#ratio = expectNumber("Budget", "ratio", ratio);
    this.#perSecond = expectNumber("Budget", "perSecond", perSecond);
    this.#tokens = perSecond * KEPT_SECONDS;
  }

  /** Notes a first attempt. */
  deposit(): void {
    this.#advance();
    this.#tokens += this.#ratio;
  }

  /** Takes a token for a retry; false if there is none. */
  tryWithdraw(): boolean {
    this.#advance();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #advance(): void {
    const now = monotonic();
    const seconds = Math.max(0, (now - this.#at) / 1000);
    this.#at = now;
    // What calls have put in fades over the same time as what a second gives.
    const faded = this.#tokens * Math.exp(-seconds / KEPT_SECONDS);
    this.#tokens = faded + this.#perSecond * KEPT_SECONDS * (1 - Math.exp(-seconds / KEPT_SECONDS));
  }
}

const KEPT_SECONDS = 10;

class Permanent extends Error {
  override readonly name = "Permanent";

  constructor(cause: unknown) {
    super(textOf(cause), { cause });
  }
}

class After extends Error {
  override readonly name = "RetryAfter";
  readonly ms: number;

  constructor(cause: unknown, ms: number) {
    super(textOf(cause), { cause });
    this.ms = ms;
  }
}

async function run<T>(
  ctx: Context,
  fn: (ctx: Context, attempt: number) => T | PromiseLike<T>,
  attempts: number,
  { backoff = exponential(), budget, retryIf = () => true, onRetry }: RetryOptions,
): Promise<T> {
  budget?.deposit();
  for (let attempt = 1; ; attempt++) {
    const err = ctx.err();
    if (err !== undefined) throw err;
    try {
      return await fn(ctx, attempt);
    } catch (thrown) {
      if (isGoexit(thrown)) throw thrown;
      if (thrown instanceof Permanent) throw thrown.cause;
      const error = thrown instanceof After ? thrown.cause : thrown;
      // What fn says when it was cancelled is a consequence of that.
      if (ctx.err() !== undefined || attempt >= attempts || !retryIf(error)) throw error;
      const ms = thrown instanceof After ? thrown.ms : backoff(attempt);
      const deadline = ctx.deadline();
      if (deadline !== undefined && Date.now() + ms >= deadline.getTime()) throw error;
      if (budget?.tryWithdraw() === false) throw error;
      onRetry?.(error, attempt, ms);
      await sleep(ms, ctx);
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function expectNumber(of: string, name: string, value: number): number {
  if (!(value >= 0)) throw new RangeError(`${of}: ${name} must be a number from 0 on, got ${value}`);
  return value;
}
