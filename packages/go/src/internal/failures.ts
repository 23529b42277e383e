// Whose operation failed, and in which wait. An error of Go's that is one object for everybody
// (`Canceled`, `DeadlineExceeded`) has no stack of its own, so that nothing else tells where it
// came from.
//
// Invariant: of each error and of each goroutine the last failure is kept, as long as somebody
// holds that error or goroutine.

import { main, type Goroutine, type State } from "./goroutine.ts";

interface Failure {
  readonly g: Goroutine;
  readonly error: unknown;
  /** The wait; `undefined` if the operation failed without one and did not say. */
  readonly state: State | undefined;
  /** Its stack, if stacks are recorded. */
  readonly at: string;
}
/** By error and by goroutine. */
const failures = new WeakMap<object, Failure>();

/** An operation of goroutine g fails with the error, in that wait. */
export function noteFailure(g: Goroutine, error: unknown, state: State | undefined): void {
  if (typeof error !== "object" || error === null) return;
  const failure = { g, error, state, at: g.notes?.parkedAt ?? "" };
  failures.set(error, failure);
  failures.set(g, failure);
}

/**
 * The goroutine whose operation failed with the error last; main for an error of somebody else's.
 */
export function culprit(error: unknown): Goroutine {
  return failures.get(error as object)?.g ?? main;
}

/** The wait of g that failed with the error. */
export function failedWait(g: Goroutine, error: unknown): Failure | undefined {
  return [error as object, g].map((key) => failures.get(key)).find((known) => known?.g === g && known.error === error);
}
