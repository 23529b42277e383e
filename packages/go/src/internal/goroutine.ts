// The facts known about each goroutine: its record, the list of living goroutines, and which one
// runs.
//
// Invariants: `main` is goroutine 1 and represents all code outside any other goroutine. A record
// is in the list from its `go` statement until its function ends. A record holds no value, no
// promise and no stack of its goroutine. So a goroutine that is parked on something unreachable
// costs only its record.
//
// `current` is exact at the start of a goroutine and after each operation of this library. After a
// foreign await it is the goroutine that ran last and still lives. That is good enough for dumps,
// and nothing else may use it. To be exact there it would need AsyncLocalStorage, which makes every
// await of the program slower. (Measured on Node 24: an awaited async call took 76 instead of 32
// ns.)

import { heedEnvironment } from "./environment.ts";
import { elsewhere, namer, observer } from "./hooks.ts";
import { type Body, Goroutine, type Listed, type State, type States } from "./record.ts";

export { type Body, Goroutine, type Listed, type Notes, type State, type States } from "./record.ts";

export const main: Goroutine = new Goroutine(1, "main", 0, "");
main.state = "running";

let running = main;
/** True if `running` may be main only because nothing better is known. */
let guessed = false;
/**
 * True if main, or code outside of every goroutine, is known to have used an operation that is
 * awaited.
 */
export let mainActs = false;
let firstId = 1;
let lastId = 1;
let count = 1;
/** The number of goroutines that are in no wait of this library. */
export let runnable = 1;

/**
 * The goroutine that runs now. The comment at the top of this file says how far this can be
 * trusted.
 */
export function current(): Goroutine {
  return observer === undefined ? running : (observer.current() ?? running);
}

export function setCurrent(g: Goroutine): void {
  running = g;
}

/** Records that foreign code runs now. It counts as main's. */
export function setForeign(): void {
  running = main;
  guessed = true;
}

/**
 * Records that the running goroutine uses an operation. That is main for sure if no other goroutine
 * can run.
 */
export function noteUse(): void {
  if (running === main && (!guessed || (runnable === 1 && main.waits === 0))) mainActs = true;
}

/** Makes a record for a goroutine that runs fn, and adds it to the list of living goroutines. */
export function create(fn: Body): Goroutine {
  heedEnvironment();
  const parent = current();
  const { name } = fn;
  const g = new Goroutine(++lastId, name, parent.id, nameOf(parent));
  if (name === "") namer?.later(g, fn);
  const last = main.prev;
  last.next = g;
  g.prev = last;
  g.next = main;
  main.prev = g;
  count++;
  runnable++;
  if (observer !== undefined) observer.created(g);
  return g;
}

/**
 * The name of g's function. An anonymous one is `func1`, unless a module is loaded that tells them
 * apart.
 */
export function nameOf(g: Goroutine): string {
  if (g.name === "") namer?.all(true);
  return g.name || "func1";
}

/**
 * Removes a goroutine that has ended from the list. The record of `main` (after a Goexit) stays as
 * the list's head.
 */
export function remove(g: Goroutine): void {
  count--;
  if (g.waits === 0) runnable--;
  if (running === g) setForeign();
  if (g === main) return;
  // Code that continues after its goroutine's function has ended does not count for any goroutine.
  g.waits = Infinity;
  g.prev.next = g.next;
  g.next.prev = g.prev;
  if (observer !== undefined) observer.ended(g);
}

/** Gives goroutines from now on numbers above this one. */
export function numberFrom(id: number): void {
  firstId = lastId = id;
}

/** The number of goroutines made so far, main included. */
export function countCreated(): number {
  return lastId - firstId + 1;
}

/** The number of living goroutines, main included. */
export function countGoroutines(): number {
  return count;
}

export function countRunnable(change: 1 | -1): void {
  runnable += change;
}

/** The number of waits of this library that have not ended, on any goroutine. */
let parked = 0;

export function enterWait(g: Goroutine, state: State): void {
  parked++;
  if (!mainActs) noteUse();
  if (g.waits++ === 0) {
    runnable--;
    g.state = state;
  } else addState((g.others ??= {}), state);
  if (observer !== undefined) observer.parked(g, state);
}

export function leaveWait(g: Goroutine, state: State): void {
  parked--;
  if (--g.waits === 0) runnable++;
  else leaveOneOfSeveral(g, state);
  if (observer !== undefined) observer.resumed(g, state);
}

function leaveOneOfSeveral(g: Goroutine, state: State): void {
  const others = (g.others ??= {});
  if (others[state]) others[state]--;
  else g.state = takeState(others) ?? state;
}

export function addState(states: States, state: State): void {
  states[state] = (states[state] ?? 0) + 1;
}

/** Removes one state and returns it; `undefined` if there is none. */
export function takeState(states: States): State | undefined {
  for (const name in states) {
    const state = name as State;
    if (states[state]) {
      states[state]--;
      return state;
    }
  }
  return undefined;
}

/** Goroutines that nobody waits for. */
export const daemons: WeakSet<Goroutine> = new WeakSet();
/** The living goroutines that were told to end and did not. */
export const abandoned: WeakSet<Goroutine> = new WeakSet();

/** The number of waits of this library that have not ended, without those of daemons. */
export function countedWaits(): number {
  let count = parked;
  for (let g = main.next; g !== main; g = g.next) if (daemons.has(g)) count -= g.waits;
  return count;
}

/**
 * The living goroutines with their booked waits, main first, those of other threads last. A
 * goroutine without a wait of this library, which is not queued either, waits for something
 * foreign. The only exception is `running`, the goroutine that asks.
 */
export function list(running?: Goroutine): Listed[] {
  const all: Listed[] = [];
  let g = main;
  do {
    const known = g.waits > 0 || g.state === "runnable";
    const state = known ? g.state : g === running ? "running" : "IO wait";
    all.push({ goroutine: g, state, others: { ...g.others } });
    g = g.next;
  } while (g !== main);
  return all.concat(elsewhere.list?.() ?? []);
}
