// The interface for diagnostics (/leak, /pprof, /trace). They install an observer here, and this
// file does not depend on them.
//
// Invariant: without an observer each event costs a program one predictable branch and nothing
// else.

import type { Body, Goroutine, Listed, State } from "./record.ts";

export interface Observer {
  /** A goroutine was made. The stack is still that of its `go` statement. */
  readonly created: (g: Goroutine) => void;
  /** A goroutine has run up to its first await. Only the goroutine's own future holds `end`. */
  readonly began: (g: Goroutine, end: object) => void;
  /** A goroutine parks. The stack is still its own. */
  readonly parked: (g: Goroutine, state: State) => void;
  /** An operation of g fails at once. The stack is still that of its call. */
  readonly failed: (g: Goroutine) => void;
  /** Goroutine g will continue, and is queued. The stack is still that of the code that woke it. */
  readonly woken: (g: Goroutine) => void;
  /** A wait is over. Without `woken` before, the stack is still that of the code that ended it. */
  readonly resumed: (g: Goroutine, state: State) => void;
  /** A goroutine's function has ended, in any way. */
  readonly ended: (g: Goroutine) => void;
  /** Runs code of goroutine g, so that `current` is right after its foreign awaits too. */
  readonly run: <T>(g: Goroutine, body: () => T) => T;
  /** A channel was made. */
  readonly made: (channel: object) => void;
  /**
   * Goroutine g threw, and nobody supervises it. Returns true if the observer takes the error, so
   * that there is no panic.
   */
  readonly takes: (g: Goroutine, error: unknown) => boolean;
  /** Code of goroutine g, which is a fiber, runs next. */
  readonly stepped: (g: Goroutine) => void;
  /** The goroutine that runs now, if the observer knows it better than the scheduler. */
  readonly current: () => Goroutine | undefined;
}

export let observer: Observer | undefined;

export function observe(next: Observer | undefined): void {
  observer = next;
}

/** Tells anonymous functions apart. */
export interface Namer {
  /** Goroutine g runs fn, which has no name. */
  readonly later: (g: Goroutine, fn: Body) => void;
  /** Names the living goroutines, or also those that have ended. */
  readonly all: (ended: boolean) => void;
}

export let namer: Namer | undefined;

export function nameBy(next: Namer): void {
  namer = next;
}

/** The functions that a worker of /parallel replaces, and what the first thread adds. */
export const elsewhere: {
  /** The goroutines of the other threads, for the first thread. */
  list?: () => readonly Listed[];
  /** Called for `main`: a worker thread must not run the program's main function. */
  main?: () => Promise<never>;
  /** Ends the whole program, with a report. */
  end?: (report: string) => void;
  /** Called when a task begins. */
  task?: () => void;
  /**
   * Runs the generator that goroutine g's function returned, and gives what ends with it;
   * `undefined` for any other result (/fiber).
   */
  drive?: (g: Goroutine, result: unknown) => unknown;
} = {};
