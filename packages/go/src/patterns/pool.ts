// Pool: runs functions that are added one at a time, and keeps all of their results (after the
// pools of sourcegraph/conc).
//
// An errgroup keeps only the first error. A pool keeps everything: the results in the order of the
// `go` calls, and all errors. For conc's streams see `ordered.map` over a channel of functions.
//
// Invariant: if a function fails, or calls Goexit, the next one takes its place as usual.

import { type Context, withCancel } from "../context.ts";
import { Group } from "../errgroup.ts";
import { restoreAfter } from "../internal/sched.ts";
import { isGoexit } from "../internal/thrown.ts";

/** The options of a {@link Pool}. Every option may be omitted. */
export interface PoolOptions {
  /** The most functions that run at the same time; no limit by default. */
  readonly workers?: number | undefined;
  /** True if the first error cancels the context of the others; false by default. */
  readonly cancelOnError?: boolean | undefined;
}

/** The state from one `wait` to the next. */
interface Round<T> {
  readonly group: Group;
  readonly ctx: Context;
  readonly cancel: () => void;
  readonly outcomes: PromiseSettledResult<T>[];
}

/**
 * A pool of goroutines.
 *
 * @example
 * ```ts
 * import { background } from "@sluice/go/context";
 * import { Pool } from "@sluice/go/patterns";
 *
 * const pool = new Pool<number>(background(), { workers: 2 });
 * for (const n of [1, 2, 3]) await pool.go(() => n * n); // waits while two are running
 * await pool.wait(); // => [1, 4, 9]
 * ```
 */
export class Pool<T> {
  readonly #parent: Context;
  readonly #workers: number;
  readonly #cancelOnError: boolean;
  #round: Round<T> | undefined;

  /** Throws a RangeError if `workers` is not a whole number from 1 on. */
  constructor(ctx: Context, { workers = Infinity, cancelOnError = false }: PoolOptions = {}) {
    if (!(workers >= 1) || (workers !== Infinity && !Number.isInteger(workers))) {
      throw new RangeError(`Pool: workers must be a whole number from 1 on, got ${workers}`);
    }
    this.#parent = ctx;
    this.#workers = workers;
    this.#cancelOnError = cancelOnError;
  }

  /**
   * Starts fn in a goroutine; under a limit, waits until it may run. Resolves when fn has started.
   * The context is done when the pool's is, after the first error if that cancels, and when `wait`
   * is over.
   */
  go(fn: (ctx: Context) => T | PromiseLike<T>): Promise<void> {
    const { group, ctx, cancel, outcomes } = (this.#round ??= this.#begin());
    const at = outcomes.length;
    // This outcome remains if fn calls Goexit.
    outcomes.push({ status: "rejected", reason: new Error("Pool: a function called Goexit") });
    return group.go(async () => {
      try {
        outcomes[at] = { status: "fulfilled", value: await fn(ctx) };
      } catch (error) {
        if (this.#cancelOnError) cancel();
        if (isGoexit(error)) throw error;
        outcomes[at] = { status: "rejected", reason: error };
      }
    });
  }

  /**
   * Waits for all functions and returns their results, in the order of the `go` calls. If there are
   * errors, it rejects with an AggregateError of all of them, in the same order. Afterwards the
   * pool may be used again.
   */
  wait(): Promise<T[]> {
    return restoreAfter(this.#wait());
  }

  /**
   * Like `wait`, but returns results and errors together, as `Promise.allSettled` does. Never
   * rejects.
   */
  settled(): Promise<PromiseSettledResult<T>[]> {
    return restoreAfter(this.#settled());
  }

  async #wait(): Promise<T[]> {
    const outcomes = await this.#settled();
    const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    if (errors.length > 0) throw new AggregateError(errors, `Pool: ${errors.length} of ${outcomes.length} failed`);
    return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<T>).value);
  }

  async #settled(): Promise<PromiseSettledResult<T>[]> {
    const round = this.#round;
    if (round === undefined) return [];
    await round.group.wait();
    round.cancel();
    if (this.#round === round) this.#round = undefined;
    return round.outcomes;
  }

  #begin(): Round<T> {
    const [ctx, cancel] = withCancel(this.#parent);
    const group = new Group();
    if (this.#workers !== Infinity) group.setLimit(this.#workers);
    return { group, ctx, cancel, outcomes: [] };
  }
}
