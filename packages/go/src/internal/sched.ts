// What runs next, and when the event loop gets a turn.
//
// Goroutines are async functions and the JavaScript engine runs them; the scheduler decides only when a promise of ours
// resolves. Each operation that is awaited ends in exactly one of
//   completed / completedWith   it did not have to wait,
//   park … resume               it waited until somebody woke it.
// Both use up credit. When the credit is gone the clock is read, and when a slice of time is over, the scheduler *holds*:
// from then on every operation that completes, every wake-up and every start waits for the next turn of the event loop,
// so that timers and I/O run however hot the goroutines are (Go's sysmon preempts after 10 ms).
//
// Nothing here keeps a goroutine alive: a parked one is reachable only through what it waits on.

import { atDeadlock } from "./fatal.ts";
import {
  current,
  enterWait,
  isAnyParked,
  leaveWait,
  runnable,
  setCurrent,
  type Goroutine,
  type State,
} from "./goroutine.ts";

/**
 * Milliseconds between turns of the event loop. Far below the 10 ms promised: on a machine whose cores are all busy the
 * process itself gets only a few milliseconds at a time, and timers must get theirs of those. A turn costs about 3 µs.
 */
const slice = 1;
/** The clock is read once in so many operations at most (35 ns for the clock; 64 makes it 0.5 ns an operation). */
const batch = 64;

// Taken at load, as the host's functions below are.
const clock = performance.now.bind(performance);
const resolved: Promise<void> = Promise.resolve();

// The first operation of all finds no credit, which is when the deadlock report is installed.
let credit = 1;
let granted = 1;
let grantedAt = 0;
let sliceStart = -1;
let holding = false;
/** What waits for the next turn; before `heldFrom` it has run already. */
let held: ((() => void) | undefined)[] = [];
let heldFrom = 0;
let yielding: (() => void)[] = [];
let yieldersWaited = false;
let turnIsComing = false;

/** What an operation without a result returns when it did not wait. */
export function completed(): Promise<void> {
  if (--credit > 0 || !overdue()) {
    if (runnable > 1) runAs(current());
    return resolved;
  }
  return runAfterTurn(undefined);
}

/** What an operation with a result returns when it did not wait. */
export function completedWith<T>(value: T): Promise<T> {
  if (--credit > 0 || !overdue()) {
    if (runnable > 1) runAs(current());
    return Promise.resolve(value);
  }
  return runAfterTurn(value);
}

/** What an operation returns that did not wait, but is held. */
function runAfterTurn<T>(value: T): Promise<T> {
  return joinLater(held, value);
}

/** Resolves when everyone who can run has run, and the event loop had a turn. */
export function yieldToAll(): Promise<void> {
  askForTurn();
  return joinLater(yielding, undefined);
}

/** A promise for the goroutine that runs now, resolved by what is put on the list. */
function joinLater<T>(list: ((() => void) | undefined)[], value: T): Promise<T> {
  const g = current();
  return new Promise<T>((resolve) => {
    list.push(() => {
      runAs(g);
      resolve(value);
    });
  });
}

/** Books a wait of goroutine g. The caller queues what will `resume` it. */
export function park(g: Goroutine, state: State): void {
  enterWait(g, state);
  if (--credit <= 0) overdue();
}

/** Ends a wait that `park` booked: resolves its promise, in order of the calls. */
export function resume<T>(g: Goroutine, state: State, resolve: (value: T) => void, value: T): void {
  leaveWait(g, state);
  if (holding) {
    held.push(() => {
      runAs(g);
      resolve(value);
    });
  } else {
    runAs(g);
    resolve(value);
  }
}

/**
 * Ends a wait with an error. Waiters carry no reject function, since a promise that is resolved by a rejected one rejects;
 * that one is made only when its waiter goes on, or it would count as unhandled meanwhile.
 */
export function resumeWithError(g: Goroutine, state: State, resolve: (value: never) => void, error: unknown): void {
  leaveWait(g, state);
  const run = (): void => {
    runAs(g);
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what a stage threw is passed on as it is
    (resolve as (value: Promise<never>) => void)(Promise.reject(error));
  };
  if (holding) held.push(run);
  else run();
}

/** Runs `begin(g)` in a microtask of its own, in order of the calls. */
export function start(g: Goroutine, begin: (g: Goroutine) => void): void {
  void resolved.then(() => beginOrHold(g, begin));
}

/** From now on a deadlock is reported. Any wait, and much use, switches it on by itself. */
export function watchForDeadlock(): void {
  atDeadlock(isAnyParked);
}

function beginOrHold(g: Goroutine, begin: (g: Goroutine) => void): void {
  if (--credit <= 0 && overdue()) held.push(() => begin(g));
  else begin(g);
}

/** Whether the slice is over; called when the credit is gone. */
function overdue(): boolean {
  if (holding) return true;
  watchForDeadlock();
  const now = clock();
  if (sliceStart < 0) sliceStart = now;
  if (now - sliceStart >= slice) {
    holding = true;
    askForTurn();
    return true;
  }
  // As many operations as fit a third of the slice at the present rate, so that slow ones are looked at often.
  const spent = now - grantedAt;
  const fitting = spent > 0 ? Math.ceil((granted * slice) / 3 / spent) : batch;
  granted = fitting < batch ? fitting : batch;
  credit = granted;
  grantedAt = now;
  return false;
}

function askForTurn(): void {
  if (turnIsComing) return;
  turnIsComing = true;
  defer(onTurn);
}

function onTurn(): void {
  turnIsComing = false;
  holding = false;
  sliceStart = clock();
  grantedAt = sliceStart;
  granted = 1;
  credit = 1;
  const others = held.length > 0;
  if (others) runHeld();
  if (yielding.length === 0) return;
  // Who yielded goes after who was held: a turn later, but not later than that.
  if (others && !yieldersWaited) {
    yieldersWaited = true;
    askForTurn();
    return;
  }
  yieldersWaited = false;
  const ready = yielding;
  yielding = [];
  for (const run of ready) run();
}

/** Runs what was held, in order, until it is time to hold again: starting many goroutines may take long. */
function runHeld(): void {
  while (heldFrom < held.length && !holding) {
    const run = held[heldFrom] as () => void;
    held[heldFrom++] = undefined;
    run();
    if (heldFrom % batch === 0 && clock() - sliceStart >= slice) holding = true;
  }
  if (heldFrom === held.length) {
    held = [];
    heldFrom = 0;
  } else holding = true;
  if (holding) askForTurn();
}

/**
 * `current` must be g when g's code goes on. That code runs in a microtask which `resolve`, or the await of a promise that
 * is resolved, queues; so one is queued right before it that sets `current`. Where nobody else can run it is not needed.
 */
function runAs(g: Goroutine): void {
  void resolved.then((g.enter ??= setCurrent.bind(undefined, g)));
}

// The host's own functions, taken at load: fake timers of a test framework must not stop the scheduler.
const host = globalThis as unknown as {
  setImmediate?: (fn: () => void) => unknown;
  MessageChannel?: new () => { port1: { onmessage: () => void }; port2: { postMessage: (message: undefined) => void } };
};
const defer: (fn: () => void) => void = makeDefer();

/** Runs fn after timers and I/O had their turn. */
function makeDefer(): (fn: () => void) => void {
  const immediate = host.setImmediate;
  if (immediate !== undefined) return (fn) => void immediate(fn);
  if (host.MessageChannel === undefined) return (fn) => void setTimeout(fn, 0);
  // Browsers: a message to oneself is not clamped to 4 ms, as a nested setTimeout is.
  const { port1, port2 } = new host.MessageChannel();
  let next: (() => void) | undefined;
  port1.onmessage = () => next?.();
  return (fn) => {
    next = fn;
    port2.postMessage(undefined);
  };
}
