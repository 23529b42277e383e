// @sluice/go/errgroup: goroutines for the parts of one task, with the first error and a limit
//   (after x/sync/errgroup).
//
// Invariants: `wait` settles only when every function has ended, including those that are still
// queued. The group keeps the first error in time, which cancels the group's context. Every `wait`
// rejects with it. If a function throws, that is the error that it would return in Go, so it is not
// a panic.

import { type CancelCauseFunc, type Context, withCancelCause } from "./context.ts";
import { continueWith, failWith, waitIn, WaitQueue, wakeFirst } from "./internal/channel.ts";
import { spawn } from "./internal/launch.ts";
import { completed, failed } from "./internal/sched.ts";

type Task = () => unknown;

/**
 * The check of fn's type: an error that fn throws is used, but one that fn returns would be lost.
 * (The `any` lets open types pass, as in `chan`.)
 */
type Throws<R> = 0 extends 1 & R
  ? unknown
  : // oxlint-disable-next-line typescript/no-explicit-any
    [Awaited<R> extends infer E ? (E extends Error ? any : never) : never] extends [never]
    ? unknown
    : "an error that is returned is lost: throw it";

export class Group {
  readonly #cancel: CancelCauseFunc | undefined;
  readonly #queue = new WaitQueue();
  readonly #supervisor = { ended: (): void => this.#ended(), failed: (error: unknown): void => this.#failed(error) };
  /** The goroutines that wait in `wait`. */
  readonly #waiting = new WaitQueue();
  #limit = Infinity;
  /** The number of functions that have not ended, including those that are queued. */
  #all = 0;
  #running = 0;
  #failure: { readonly error: unknown } | undefined;

  /**
   * A group without a context: an error does not stop the others. `withContext` makes a group that
   * cancels.
   */
  constructor(cancel?: CancelCauseFunc) {
    this.#cancel = cancel;
  }

  /**
   * Starts fn in a goroutine; under a limit, waits until it may run. Resolves when fn has been
   * started, not when it has ended.
   */
  go<R>(fn: (() => R) & Throws<R>): Promise<void> {
    this.#all++;
    if (this.#running < this.#limit) {
      this.#running++;
      this.#spawn(fn);
      return completed();
    }
    const promise = waitIn<void>(this.#queue, "chan send");
    // The goroutine that waited starts fn, in the host's async context of this call. The one that
    // ended does not start it.
    void promise.then(() => this.#spawn(fn));
    return promise;
  }

  /** Starts fn if the limit allows it now, and returns true if it did. */
  tryGo<R>(fn: (() => R) & Throws<R>): boolean {
    if (this.#running >= this.#limit) return false;
    this.#all++;
    this.#running++;
    this.#spawn(fn);
    return true;
  }

  /**
   * Sets the limit: at most n functions run at once from now on. 0 admits no functions, and a
   * negative n any number. As in Go, queued functions start after an error too: the context tells
   * them to end. Throws `errgroup: modify limit while N goroutines in the group are still active`,
   * and a RangeError if n is not a whole number.
   */
  setLimit(n: number): void {
    if (this.#running > 0) {
      throw new Error(`errgroup: modify limit while ${this.#running} goroutines in the group are still active`);
    }
    if (!(n < 0 || n === Infinity || Number.isInteger(n))) {
      throw new RangeError(`errgroup: expected a whole number as the limit, got ${n}`);
    }
    this.#limit = n < 0 ? Infinity : n;
  }

  /**
   * Waits until all functions have ended, and cancels the group's context. Rejects with the first
   * error if there was one.
   */
  wait(): Promise<void> {
    if (this.#all > 0) return waitIn<void>(this.#waiting, "sync.WaitGroup.Wait");
    this.#cancel?.(undefined);
    return this.#failure === undefined ? completed() : failed(this.#failure.error);
  }

  #spawn(fn: Task): void {
    spawn(fn, [], this.#supervisor);
  }

  #failed(error: unknown): void {
    if (this.#failure === undefined) {
      this.#failure = { error };
      this.#cancel?.(error instanceof Error ? error : new Error(String(error), { cause: error }));
    }
    this.#ended();
  }

  #ended(): void {
    this.#running--;
    if (this.#queue.first !== undefined && this.#running < this.#limit) {
      this.#running++;
      wakeFirst(this.#queue, "chan send");
    }
    if (--this.#all > 0) return;
    if (this.#waiting.first !== undefined) this.#cancel?.(undefined);
    const failure = this.#failure;
    for (let w = this.#waiting.shift(); w !== undefined; w = this.#waiting.shift()) {
      if (failure === undefined) continueWith(w.g, "sync.WaitGroup.Wait", w.resolve, undefined);
      else failWith(w.g, "sync.WaitGroup.Wait", w.resolve, () => failure.error);
    }
  }
}

/**
 * Makes a group, and a context for its functions. The first error cancels the context, and so does
 * the end of `wait`. A function stops only if it looks at that context. The group still starts
 * further functions, so a loop that starts many must check `ctx.err()` itself.
 */
export function withContext(parent: Context): [Group, Context] {
  const [ctx, cancel] = withCancelCause(parent);
  return [new Group(cancel), ctx];
}
