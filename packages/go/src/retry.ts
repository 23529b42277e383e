// @sluice/go/retry: repeats a call until it succeeds, its context ends, or another attempt is
// hopeless.
//
// Words: an *attempt* is one call. The *backoff* is the wait after a failed attempt. *Jitter* is
// the random part of that, so that many clients do not come back at the same moment. A *budget* is
// shared by many calls, and limits retries to a share of all calls. So retries do not overload a
// service that is already in trouble. Backoff and jitter follow "Exponential Backoff And Jitter"
// (Marc Brooker, 2015). The budget is a token bucket as in Finagle's RetryBudget.

import type { Context } from "./context.ts";
import { monotonic, wall } from "./internal/clock.ts";
import { restoreAfter } from "./internal/sched.ts";
import { isGoexit } from "./internal/thrown.ts";
import { sleep } from "./time.ts";

/** Milliseconds to wait after failed attempt number `attempt`, which counts from 1. */
export type Backoff = (attempt: number) => number;

/** The options of {@link exponential}. Every option may be omitted. */
export interface ExponentialOptions {
  /** Milliseconds after the first attempt; 100 by default. */
  readonly initial?: number | undefined;
  /** The factor by which each wait is longer than the one before; 2 by default. */
  readonly factor?: number | undefined;
  /** The longest wait, in milliseconds; 30,000 by default. */
  readonly max?: number | undefined;
  /**
   * The random part. `full` (the default): between 0 and the wait. `equal`: between half of it and
   * all of it. `none`: exactly the wait.
   */
  readonly jitter?: "full" | "equal" | "none" | undefined;
  /** Numbers from 0 to below 1; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

/** The options of {@link retry}. Every option may be omitted. */
export interface RetryOptions {
  /** The most attempts in all; by default as many as the context allows. */
  readonly attempts?: number | undefined;
  /** The waits between attempts; `exponential()` by default. */
  readonly backoff?: Backoff | undefined;
  /** A budget shared with other calls: if it is used up, there is no retry. */
  readonly budget?: Budget | undefined;
  /**
   * Returns true if an error is worth another attempt. By default all are, except `permanent` ones.
   */
  readonly retryIf?: ((error: unknown) => boolean) | undefined;
  /** Called before each wait, for logs. `attempt` is the one that failed, `ms` the wait. */
  readonly onRetry?: ((error: unknown, attempt: number, ms: number) => void) | undefined;
}

/**
 * Calls fn until it succeeds, and returns its result. `attempt` counts from 1.
 *
 * Rejects with the last error if the attempts or the budget are used up, or if the error is not
 * worth a retry. For an error marked by {@link permanent} it rejects with the error inside. It
 * rejects with `ctx.err()` if ctx ends before an attempt or in a wait. If a wait would go past the
 * context's deadline, it rejects with the last error at once.
 */
export function retry<T>(
  ctx: Context,
  fn: (ctx: Context, attempt: number) => T | PromiseLike<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = Infinity } = options;
  if (!(attempts >= 1)) throw new RangeError(`retry: attempts must be at least 1, got ${attempts}`);
  return restoreAfter(run(ctx, fn, attempts, options));
}

/** Marks an error as one that another attempt cannot fix: `throw permanent(error)`. */
export function permanent(error: unknown): Error {
  return new Permanent(error);
}

/** Marks an error with the wait that the other side has asked for, for example by `Retry-After`. */
export function retryAfter(error: unknown, ms: number): Error {
  return new After(error, expectNumber("retryAfter", "ms", ms));
}

/** Waits that grow by a factor, with a random part. Throws a RangeError for invalid numbers. */
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
 * The retries that many calls may use together: a share of the number of calls, and a few a second
 * in any case.
 *
 * Each first attempt adds `ratio` of a token, and each retry takes one. Tokens are kept for ten
 * seconds at most.
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

  /** Records a first attempt. */
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
    // Tokens from calls fade over the same time as tokens from seconds.
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
      // If fn was cancelled, its error is a consequence of that.
      if (ctx.err() !== undefined || attempt >= attempts || !retryIf(error)) throw error;
      const ms = thrown instanceof After ? thrown.ms : backoff(attempt);
      const deadline = ctx.deadline();
      if (deadline !== undefined && wall() + ms >= deadline.getTime()) throw error;
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
