// The kinds of recorded events, and the code that combines a kind, a state and a number.

import type { State } from "../internal/goroutine.ts";

/** Goroutine g was made by goroutine a; b is its name. */
export const CREATED = 1;
/**
 * Goroutine g, made by a, was there when recording began; b is its name, and `state` what it was
 * in.
 */
export const KNOWN = 2;
/** The goroutine begins to wait; b is the place, if it is known. */
export const PARKED = 3;
/** The goroutine will continue from its wait. Goroutine a woke it, or the host if a is 0. */
export const WOKEN = 4;
/** The wait is over; without WOKEN before, a is the goroutine that ended it. */
export const RESUMED = 5;
/** The goroutine's code runs. */
export const RUNS = 6;
/** No goroutine's code runs. */
export const IDLE = 7;
/** The goroutine's function has ended; b is its name. */
export const ENDED = 8;
/** The bytes of heap in use are a, and the delay of the event loop is b milliseconds. */
export const COUNTERS = 9;
/** Task a begins, part of task `extra`; b is its name. */
export const TASK = 10;
/** Task a ends. */
export const TASK_END = 11;
/** Region a of goroutine g begins, for task `extra`; b is its name. */
export const REGION = 12;
/** Region a ends. */
export const REGION_END = 13;
/** A message, b, of category a, for task `extra`. */
export const LOG = 14;
/** The goroutine is queued without a wait. */
export const PAUSES = 15;
/** The goroutine has had that turn. */
export const CONTINUES = 16;

/**
 * The goroutine leaves something for another thread: a task or its wait, or what ends those. a is
 * the same number as that of the TAKEN that belongs to it.
 */
export const LEFT = 17;
/** The goroutine gets what was left. */
export const TAKEN = 18;

/** The states in the order of their numbers, from 1. */
const states: readonly State[] = [
  "running",
  "runnable",
  "sleep",
  "chan receive",
  "chan send",
  "chan receive (nil chan)",
  "chan send (nil chan)",
  "select",
  "select (no cases)",
  "semacquire",
  "sync.Mutex.Lock",
  "sync.RWMutex.Lock",
  "sync.RWMutex.RLock",
  "sync.WaitGroup.Wait",
  "sync.Cond.Wait",
  "IO wait",
  "parallel call",
  "synctest.Run",
  "synctest.Wait",
];
const numbers = new Map(states.map((state, i) => [state, i + 1]));

/** A kind with a state or a number. */
export function codeOf(kind: number, state?: State, extra = 0): number {
  return kind + 32 * ((state === undefined ? 0 : (numbers.get(state) ?? 0)) + 32 * extra);
}

export function kindOf(code: number): number {
  return code % 32;
}

export function stateOf(code: number): State | undefined {
  return states[(Math.floor(code / 32) % 32) - 1];
}

export function extraOf(code: number): number {
  return Math.floor(code / 1024);
}
