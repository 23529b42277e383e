// Once, and functions that run once (after Go's sync/once.go and oncefunc.go).
//
// Invariants: the function runs at most once, even if it throws or calls Goexit. The reference to
// it is dropped after its call.

import { completed, restoreAfter } from "../internal/sched.ts";
import { Mutex } from "./mutex.ts";

export class Once {
  #done = false;
  readonly #mutex = new Mutex();

  /**
   * Runs fn on the first call of all, synchronously up to its first await. No call resolves before
   * that run has ended. If fn throws, only the first caller gets the error. A call from inside fn
   * waits for ever.
   */
  do(fn: () => unknown): Promise<void> {
    if (this.#done) return completed();
    const guard = this.#mutex.tryLock();
    return restoreAfter(guard ? this.#lead(fn, guard) : this.#follow());
  }

  async #lead(fn: () => unknown, guard: Disposable): Promise<void> {
    try {
      await fn();
    } finally {
      this.#done = true;
      guard[Symbol.dispose]();
    }
  }

  async #follow(): Promise<void> {
    (await this.#mutex.lock())[Symbol.dispose]();
  }
}

/**
 * A function that calls fn on its first call and returns the same result, or throws the same error,
 * on every call.
 */
export function onceValue<T>(fn: () => T): () => T {
  let call: (() => T) | undefined = fn;
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  return () => {
    if (call) {
      const first = call;
      call = undefined;
      try {
        outcome = { value: first() };
      } catch (error) {
        // Until an error's stack is written out, the error holds the functions on it.
        void (error as Error | undefined)?.stack;
        outcome = { error };
      }
    }
    if (!outcome) throw new Error("sync: a once function was called from inside itself");
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  };
}

/**
 * Like `onceValue`, for a function without a result: an async one gives every caller the same
 * promise.
 */
export const onceFunc: <T extends void | PromiseLike<void>>(fn: () => T) => () => T = onceValue;

/** Like `onceValue`, for Go's functions of two results: a tuple. */
export const onceValues: <const T extends readonly unknown[]>(fn: () => T) => () => T = onceValue;
