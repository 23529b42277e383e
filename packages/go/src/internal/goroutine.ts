// What is known of each goroutine: its record, the list of those that live, and which one runs.
//
// Invariants: `main` is goroutine 1 and stands for all code outside any other goroutine. A record is in the list from its
// `go` statement until its function ends. Records hold no value, no promise and no stack of their goroutine, so that a
// goroutine parked on something unreachable costs its record and nothing else.
//
// `current` is exact at the start of a goroutine and after each of our own operations. After a foreign await it is the
// goroutine that ran last and still lives: good enough for dumps, and nothing else may use it. Exact there would need AsyncLocalStorage,
// which makes every await of the program slower (measured on Node 24: an awaited async call from 32 to 76 ns).

import { heedEnvironment } from "./environment.ts";
import { namer, observer } from "./hooks.ts";

/** What a goroutine runs. */
export type Body = (...args: never[]) => unknown;

/** What a goroutine does, in the words of Go's dumps. */
export type State =
  | "running"
  | "runnable"
  | "sleep"
  | "chan receive"
  | "chan send"
  | "chan receive (nil chan)"
  | "chan send (nil chan)"
  | "select"
  | "select (no cases)"
  | "semacquire"
  | "sync.Mutex.Lock"
  | "sync.RWMutex.Lock"
  | "sync.RWMutex.RLock"
  | "sync.WaitGroup.Wait"
  | "sync.Cond.Wait"
  | "IO wait";

/** Where a goroutine was made, and where and when it parked last. */
export interface Notes {
  readonly createdAt: string;
  /** The line of the stack at which it was made. */
  readonly place: string;
  parkedAt: string;
  /** On the monotonic clock; 0 if it never parked. */
  parkedSince: number;
  /** How long g has been waiting, once that is a minute, as dumps say it. */
  readonly waited: (g: Goroutine) => string;
  /** What will end it. Collected while the goroutine lives, nothing can resume it any more. */
  life: WeakRef<object> | undefined;
}

/** How many there are of each state. */
export type States = Partial<Record<State, number>>;

// What is declared only is set by the constructor: to define it before would take time, and bytes in a bundle.
export class Goroutine {
  declare readonly id: number;
  /** The function's name, `""` as long as an anonymous one has none: `nameOf` gives it. */
  declare name: string;
  /** Id and name of the goroutine whose `go` statement made this one; 0 for main. */
  declare readonly parent: number;
  declare readonly parentName: string;
  /** What it waits for, or waited for last; `waits` tells which. */
  state: State = "runnable";
  /** How many waits of ours are under way: one, but for `Promise.all` and its like. */
  waits = 0;
  /** The further waits than the one `state` shows. */
  others: States | undefined = undefined;
  /** Known when diagnostics are on. */
  notes: Notes | undefined = undefined;
  declare prev: Goroutine;
  declare next: Goroutine;

  constructor(id: number, name: string, parent: number, parentName: string) {
    this.id = id;
    this.name = name;
    this.parent = parent;
    this.parentName = parentName;
    this.prev = this;
    this.next = this;
  }
}

export const main: Goroutine = new Goroutine(1, "main", 0, "");
main.state = "running";

let running = main;
/** Whether `running` may be main for want of better knowledge. */
let guessed = false;
/**
 * Whether main, or code outside of every goroutine, is known to have used an operation that is
 * awaited.
 */
export let mainActs = false;
let lastId = 1;
let count = 1;
/** How many goroutines are in no wait of ours. */
export let runnable = 1;

/** The goroutine that runs now; see the first comment for how far this can be trusted. */
export function current(): Goroutine {
  return observer === undefined ? running : (observer.current() ?? running);
}

export function setCurrent(g: Goroutine): void {
  running = g;
}

/** Foreign code runs now, which counts as main's. */
export function setForeign(): void {
  running = main;
  guessed = true;
}

/** The goroutine that runs now uses an operation. It is main for sure where nobody else can run. */
export function noteUse(): void {
  if (running === main && (!guessed || (runnable === 1 && main.waits === 0))) mainActs = true;
}

/** Makes a record for a goroutine that runs fn, and enters it among the living. */
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

/** The name of g's function; `func1` of any anonymous one, unless something is loaded that tells them apart. */
export function nameOf(g: Goroutine): string {
  if (g.name === "") namer?.all(true);
  return g.name || "func1";
}

/** Takes a goroutine that ended out of the living. For `main` (a Goexit) the record stays as the list's head. */
export function remove(g: Goroutine): void {
  count--;
  if (g.waits === 0) runnable--;
  if (running === g) setForeign();
  if (g === main) return;
  // Code that outlives its goroutine's function counts for nobody.
  g.waits = Infinity;
  g.prev.next = g.next;
  g.next.prev = g.prev;
}

/** How many goroutines there have been, main included. */
export function countCreated(): number {
  return lastId;
}

/** How many goroutines live, main included. */
export function countGoroutines(): number {
  return count;
}

export function countRunnable(change: 1 | -1): void {
  runnable += change;
}

/** How many waits of ours are under way, whoever they are booked on. */
let parked = 0;

export function enterWait(g: Goroutine, state: State): void {
  parked++;
  if (!mainActs) noteUse();
  if (g.waits++ === 0) {
    runnable--;
    g.state = state;
  } else addState((g.others ??= {}), state);
  if (observer !== undefined) observer.parked(g);
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

/** Takes one out and tells which; `undefined` when there is none. */
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
/** Those of them that were told to end and did not. */
export const abandoned: WeakSet<Goroutine> = new WeakSet();

/** How many waits of ours are under way, but for those of goroutines that nobody waits for. */
export function countedWaits(): number {
  let count = parked;
  for (let g = main.next; g !== main; g = g.next) if (daemons.has(g)) count -= g.waits;
  return count;
}

export interface Listed {
  readonly goroutine: Goroutine;
  state: State;
  /** What it waits for besides. */
  readonly others: States;
}

/**
 * The living with their waits as they are booked, main first. Who is in no wait of ours and does
 * not queue for its turn waits for something foreign, but for `running`, the one that asks.
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
  return all;
}
