// Waits for shared objects, with queues of waiters in shared memory.
//
// A waiter is a cell of its goroutine's thread. A *token*, which is a cell too, says whether the
// wait is still open. To end a wait, code first claims the token by a compare-and-swap, and then
// sends it to its thread. The waiter of a plain operation is its own token. The waiters of a select
// share one token. So exactly one case takes effect, whichever thread decides it.
//
// Invariants
//
// - Only code that holds the guard of a queue's object changes the queue.
// - A waiter leaves its queue when it is claimed, when it is found to be over, or when its own
//   thread removes it. The last of these always happens before the cell is used again.
// - Waiters of a thread that has ended are skipped.

import { crossings } from "../internal/crossings.ts";
import { current, type Goroutine, type State } from "../internal/goroutine.ts";
import { park, resume } from "../internal/sched.ts";
import { capture, captured } from "../internal/channel.ts";
import {
  C_CASE,
  C_FN,
  C_NEXT,
  C_OUTCOME,
  C_PREV,
  C_STATE,
  C_TOKEN,
  C_USE,
  cellAt,
  cellOf,
  giveCell,
  isDead,
  self,
  slotOf,
  takeCell,
  useOf,
  words,
} from "./arena.ts";
import { sendHome } from "./bell.ts";

// States of a token.
const OPEN = 1;
const OVER = 2;
/** The state while its own thread decides whether to end it. */
const HELD = 3;

type Ended = (token: number) => void;

/** The functions that continue after the wait, by the token's cell. */
const ends: (Ended | undefined)[] = [];
/** The number of goroutines of this thread that wait for shared objects. */
export let sharedWaits = 0;

let opens: () => void = () => undefined;
let began: () => void = () => undefined;
let over: () => void = () => undefined;

/**
 * Sets the functions that the first thread calls before there is a shared object, and when a wait
 * begins and ends.
 */
export function onWait(open: () => void, begin: () => void, end: () => void): void {
  opens = open;
  began = begin;
  over = end;
}

/** Makes sure that there is shared memory. */
export function expectMemory(): void {
  if (self === 0) opens();
}

/** A new open token of this thread; 0 if all cells are in use. */
export function makeToken(ended: Ended): number {
  const token = takeCell();
  if (token === 0) return 0;
  ends[cellOf(token)] = ended;
  const at = cellAt(token);
  words[at + C_TOKEN] = token;
  words[at + C_FN] = 0;
  words[at + C_CASE] = 0;
  words[at + C_OUTCOME] = 0;
  Atomics.store(words, at + C_STATE, OPEN);
  sharedWaits++;
  began();
  if (crossings !== undefined) {
    words[at + C_USE]!++;
    crossings.queued(token, useOf(token));
  }
  return token;
}

/** An additional waiter for a token; 0 if all cells are in use. */
export function makeWaiter(token: number, kase: number): number {
  const waiter = takeCell();
  if (waiter === 0) return 0;
  const at = cellAt(waiter);
  words[at + C_TOKEN] = token;
  words[at + C_CASE] = kase;
  words[at + C_FN] = 0;
  return waiter;
}

/** Handles a reference that was sent to this thread. Returns true if it belongs to a token. */
export function wake(token: number): boolean {
  const ended = ends[cellOf(token)];
  if (ended === undefined) return false;
  endToken(token);
  crossings?.continued(token, useOf(token));
  ended(token);
  return true;
}

/** Ends the wait. The cell stays in use until it is given back. */
export function endToken(token: number): void {
  ends[cellOf(token)] = undefined;
  sharedWaits--;
  over();
}

/** Claims a token of this thread, and returns true if it was open. */
export function claimOwn(token: number): boolean {
  const at = cellAt(token) + C_STATE;
  return (
    Atomics.compareExchange(words, at, OPEN, OVER) === OPEN || Atomics.compareExchange(words, at, HELD, OVER) === HELD
  );
}

/**
 * Keeps other threads from claiming a token of this thread for a moment, and returns true if it is
 * open.
 */
export function holdOwn(token: number): boolean {
  const at = cellAt(token) + C_STATE;
  const was = Atomics.compareExchange(words, at, OPEN, HELD);
  if (was === OPEN) queueMicrotask(() => Atomics.compareExchange(words, at, HELD, OPEN));
  return was !== OVER;
}

function claim(token: number): boolean {
  const at = cellAt(token) + C_STATE;
  for (;;) {
    const was = Atomics.compareExchange(words, at, OPEN, OVER);
    // Its own thread holds it for a few instructions.
    if (was !== HELD) return was === OPEN && !isDead(slotOf(token));
  }
}

/** A queue: two words of its object, the first waiter and the last. */
export function append(object: Int32Array, queue: number, waiter: number): void {
  const at = cellAt(waiter);
  const last = object[queue + 1] as number;
  words[at + C_PREV] = last;
  words[at + C_NEXT] = 0;
  words[at + C_FN] = 1;
  object[queue + 1] = waiter;
  if (last === 0) Atomics.store(object, queue, waiter);
  else words[cellAt(last) + C_NEXT] = waiter;
}

/** Puts a waiter before all others. */
export function prepend(object: Int32Array, queue: number, waiter: number): void {
  const at = cellAt(waiter);
  const first = object[queue] as number;
  words[at + C_PREV] = 0;
  words[at + C_NEXT] = first;
  words[at + C_FN] = 1;
  if (first === 0) object[queue + 1] = waiter;
  else words[cellAt(first) + C_PREV] = waiter;
  Atomics.store(object, queue, waiter);
}

/** Removes a waiter, if it is in the queue. */
export function takeOut(object: Int32Array, queue: number, waiter: number): void {
  const at = cellAt(waiter);
  if (words[at + C_FN] !== 1) return;
  words[at + C_FN] = 0;
  const prev = words[at + C_PREV] as number;
  const next = words[at + C_NEXT] as number;
  if (next === 0) object[queue + 1] = prev;
  else words[cellAt(next) + C_PREV] = prev;
  if (prev === 0) Atomics.store(object, queue, next);
  else words[cellAt(prev) + C_NEXT] = next;
}

/**
 * Claims the token of the first waiter for which that is possible, except those of `not`, and
 * removes the waiter; 0 if there is none.
 */
export function claimFirst(object: Int32Array, queue: number, not = 0): number {
  for (let waiter = object[queue] as number; waiter !== 0;) {
    const at = cellAt(waiter);
    const next = words[at + C_NEXT] as number;
    const token = words[at + C_TOKEN] as number;
    if (token !== not) {
      takeOut(object, queue, waiter);
      if (claim(token)) {
        words[cellAt(token) + C_CASE] = words[at + C_CASE] as number;
        return waiter;
      }
    }
    waiter = next;
  }
  return 0;
}

/** The token of a waiter that was claimed. */
export function tokenOf(waiter: number): number {
  return words[cellAt(waiter) + C_TOKEN] as number;
}

/** Tells a waiter's thread that its wait is over. */
export function sendOutcome(waiter: number, outcome: number): void {
  const token = tokenOf(waiter);
  words[cellAt(token) + C_OUTCOME] = outcome;
  crossings?.answered(token, useOf(token), current());
  sendHome(token);
}

/** Ends every wait of a queue. */
export function endAll(object: Int32Array, queue: number, outcome: number): void {
  for (let waiter = claimFirst(object, queue); waiter !== 0; waiter = claimFirst(object, queue)) {
    sendOutcome(waiter, outcome);
  }
}

/** The parts of a waiting operation of one object. */
export interface Waiting<T> {
  readonly promise: Promise<T>;
  readonly g: Goroutine;
  readonly resolve: (value: never) => void;
}

/** Parks the current goroutine. */
export function parkHere<T>(state: State): Waiting<T> {
  const promise = new Promise<T>(capture);
  const waiting = { promise, g: current(), resolve: captured };
  park(waiting.g, state);
  return waiting;
}

export function resumeWaiting<T>({ g, resolve }: Waiting<T>, state: State, value: T): void {
  resume(g, state, resolve as (value: T) => void, value);
}

/** The outcome of a token that was sent to this thread. Gives its cell back. */
export function takeOutcome(token: number): number {
  const outcome = words[cellAt(token) + C_OUTCOME] as number;
  giveCell(token);
  return outcome;
}
