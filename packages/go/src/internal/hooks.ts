// The seam for diagnostics (/leak, /pprof): they install an observer here, and nothing here knows them.
//
// Invariant: with no observer a program pays one predictable branch at each event and nothing else.

import type { Body, Goroutine, State } from "./goroutine.ts";

export interface Observer {
  /** A goroutine was made; still on the stack of its `go` statement. */
  readonly created: (g: Goroutine) => void;
  /** A goroutine has run up to its first await. Nothing but the goroutine's own future holds `end`. */
  readonly began: (g: Goroutine, end: object) => void;
  /** A goroutine parks; still on its own stack. */
  readonly parked: (g: Goroutine) => void;
  /** An operation of g fails at once; still on the stack of its call. */
  readonly failed: (g: Goroutine) => void;
  /** A wait is over. */
  readonly resumed: (g: Goroutine, state: State) => void;
  /** Runs a goroutine's body, so that `current` holds through foreign awaits too. */
  readonly run: <T>(g: Goroutine, body: () => T) => T;
  /** The goroutine that runs now, where the observer knows better than the scheduler. */
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
  /** Names those that live, or those that have ended too. */
  readonly all: (ended: boolean) => void;
}

export let namer: Namer | undefined;

export function nameBy(next: Namer): void {
  namer = next;
}
