// Pool: functions that are handed in one by one, and all of their results (after the pools of sourcegraph/conc).
//
// An errgroup keeps the first error and no result. A pool keeps everything: the results in the order of the
// `go` calls, and all errors. For conc's streams see `ordered.map` over a channel of functions.
//
// Invariant: a function that fails, or calls Goexit, gives its place to the next one like any other.

import { type Context, withCancel } from "../context.ts";
import { Group } from "../errgroup.ts";
import { inSteps } from "../internal/sched.ts";
import { isGoexit } from "../internal/thrown.ts";

/** How a {@link Pool} runs its functions; all of it may be left out. */
export interface PoolOptions {
  /** How many functions run at the same time; as many as there are by default. */
  readonly workers?: number | undefined;
  /** Whether the first error cancels the context of the others; false by default. */
  readonly cancelOnError?: boolean | undefined;
}

/** What happens between one `wait` and the next. */
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

  /** Throws a RangeError unless `workers` is a whole number from 1 on. */
  constructor(ctx: Context, { workers = Infinity, cancelOnError = false }: PoolOptions = {}) {
    if (!(workers >= 1) || (workers !== Infinity && !Number.isInteger(workers))) {
      throw new RangeError(`Pool: workers must be a whole number from 1 on, got ${workers}`);
    }
    this.#parent = ctx;
    this.#workers = workers;
    this.#cancelOnError = cancelOnError;
  }

  /**
   * Starts fn in a goroutine; waits for a place first. Resolves when fn has started. The context is done
   * when the pool's is, after the first error if that cancels, and when `wait` is over.
   */
  go(fn: (ctx: Context) => T | PromiseLike<T>): Promise<void> {
    const { group, ctx, cancel, outcomes } = (this.#round ??= this.#begin());
    const at = outcomes.length;
    // Stays if fn calls Goexit.
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
   * Waits for all functions and gives their results, in the order of the `go` calls. Rejects with an
   * AggregateError of all errors, in the same order, if there are any. The pool may be used again then.
   */
  wait(): Promise<T[]> {
    return inSteps(this.#wait());
  }

  /** As `wait`, but gives results and errors side by side, as `Promise.allSettled` does. Never rejects. */
  settled(): Promise<PromiseSettledResult<T>[]> {
    return inSteps(this.#settled());
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
