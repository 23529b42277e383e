// The goroutine and the wait to which each failure belongs. Some errors of Go are one object for
// everybody (`Canceled`, `DeadlineExceeded`). They have no stack, so only this record tells their
// origin.
//
// Invariant: for each error and each goroutine the last failure is kept, as long as that error or
// goroutine is still in use.

import { main, type Goroutine, type State } from "./goroutine.ts";

interface Failure {
  readonly g: Goroutine;
  readonly error: unknown;
  /** The wait; `undefined` if the operation failed without a wait and did not name one. */
  readonly state: State | undefined;
  /** The stack of the failure, if stacks are recorded. */
  readonly at: string;
}
/** By error and by goroutine. */
const failures = new WeakMap<object, Failure>();

/** Records that an operation of goroutine g fails with the error, in that wait. */
export function noteFailure(g: Goroutine, error: unknown, state: State | undefined): void {
  if (typeof error !== "object" || error === null) return;
  const failure = { g, error, state, at: g.notes?.parkedAt ?? "" };
  failures.set(error, failure);
  failures.set(g, failure);
}

/**
 * The goroutine whose operation was the last to fail with the error; main for an error of foreign
 * code.
 */
export function culprit(error: unknown): Goroutine {
  return failures.get(error as object)?.g ?? main;
}

/** The wait of g that failed with the error. */
export function failedWait(g: Goroutine, error: unknown): Failure | undefined {
  return [error as object, g].map((key) => failures.get(key)).find((known) => known?.g === g && known.error === error);
}
