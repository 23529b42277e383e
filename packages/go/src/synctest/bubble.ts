// A bubble: a group of goroutines with a separate clock (after Go's runtime/synctest.go).
//
// Invariants
//
// - A goroutine belongs to the bubble of its creator, if there is one. The function given to `test`
//   is the root.
// - The clock moves only if every goroutine of the bubble is durably blocked, and then straight to
//   the next timer.
// - If all are blocked, the first possible one of these happens: timers that are due ring, `wait`
//   returns, the clock moves, or the bubble ends with a deadlock.
// - A bubble checks itself when a goroutine has parked or ended and all microtasks have run. So it
//   costs nothing while it waits for something real.

import { current, type Goroutine, leaveWait, remove, setCurrent } from "../internal/goroutine.ts";
import { dump } from "../internal/dump.ts";
import { host } from "../internal/host.ts";
import { isExact, runAs } from "../internal/observers.ts";
import { queued, resume } from "../internal/sched.ts";
import { list, type State } from "../internal/goroutine.ts";

/** Midnight UTC 2000-01-01. */
const beginning = Date.UTC(2000, 0, 1);
// The host's own function, taken at load: a test framework's fake timers must not stop a bubble.
const soon: (fn: () => void) => void = host.setImmediate ?? ((fn) => void setTimeout(fn, 0));

const bubbles = new WeakMap<Goroutine, Bubble>();
/** The waits of each goroutine that code outside of its bubble may end. */
const foreign = new WeakMap<Goroutine, State[]>();

/** The bubble of the running goroutine. */
export function here(): Bubble | undefined {
  return bubbles.get(current());
}

/** The bubble that a goroutine belongs to. */
export function bubbleOf(g: Goroutine): Bubble | undefined {
  return bubbles.get(g);
}

/** A timer of a bubble. */
interface Entry {
  readonly at: number;
  readonly ring: () => void;
  /** The goroutine that set the timer. Its function runs as code of this goroutine. */
  readonly g: Goroutine;
}

let count = 0;

export class Bubble {
  readonly id: number = ++count;
  /** Milliseconds since 1970. */
  now: number = beginning;
  /** In order of their creation, the root first; those that have ended are taken out. */
  readonly members: Set<Goroutine> = new Set();
  /** The goroutine that is in `wait`, and the function that ends it. */
  waiting: { readonly g: Goroutine; readonly wake: () => void } | undefined;
  /** True if the root's function has ended. */
  rootIsOver = false;
  /** The first error that was thrown. */
  failure: { readonly error: unknown } | undefined;
  /** True if the bubble assumes that only its own goroutines hold the locks for which they wait. */
  locksAreDurable = false;
  /** Tells that something has happened, after which the bubble may have to act. */
  poke: () => void = () => this.#pokeSoon();
  readonly #timers = new Set<Entry>();
  readonly #ended: (error: unknown) => void;
  readonly #random: () => number;
  #poked = false;
  #over = false;

  /** `ended` is called once: with the error that was thrown, or with `undefined`. */
  constructor(ended: (failure: { readonly error: unknown } | undefined) => void, random: () => number = Math.random) {
    this.#ended = ended as (failure: unknown) => void;
    this.#random = random;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Adds goroutine g to the bubble. */
  add(g: Goroutine): void {
    bubbles.set(g, this);
    this.members.add(g);
  }

  /** Records that the function of goroutine g has ended. */
  leave(g: Goroutine): void {
    this.members.delete(g);
    this.poke();
  }

  /**
   * Records that a goroutine without a supervisor threw. The rest of the bubble does not count any
   * more.
   */
  panicked(error: unknown): void {
    this.failure ??= { error };
    this.#end();
  }

  setTimeout(ring: () => void, ms: number): Entry {
    const entry = { at: this.now + ms, ring, g: current() };
    this.#timers.add(entry);
    // Timers without a wait do not need all goroutines to be blocked.
    if (ms <= 0) soon(() => this.#timers.has(entry) && !this.rootIsOver && this.#ring([entry]));
    return entry;
  }

  clearTimeout(entry: unknown): void {
    this.#timers.delete(entry as Entry);
  }

  /** Does the next action if all goroutines are blocked. Returns true if there was one. */
  act(): boolean {
    if (this.#over || !this.#isBlocked()) return false;
    const due = this.rootIsOver ? [] : this.#dueAt(this.now);
    if (due.length > 0) this.#ring(due);
    else if (this.waiting !== undefined) this.#endWait();
    else if (this.members.size === 0) this.#end();
    else if (this.rootIsOver) {
      this.#deadlock("deadlock: main bubble goroutine has exited but blocked goroutines remain");
    } else if (this.#timers.size > 0) this.#advance();
    else this.#deadlock("deadlock: all goroutines in bubble are blocked");
    return true;
  }

  /** True if nothing in the bubble can continue any of its goroutines. */
  #isBlocked(): boolean {
    for (const g of this.members) if (g.waits === 0 || (foreign.get(g)?.length ?? 0) > 0) return false;
    for (const g of queued()) if (this.members.has(g)) return false;
    return true;
  }

  #pokeSoon(): void {
    if (this.#poked || this.#over) return;
    this.#poked = true;
    soon(() => {
      this.#poked = false;
      // Queued goroutines continue soon. They may park in a wait that was already announced, and
      // then no event follows.
      if (this.act() || queued().some((g) => this.members.has(g))) this.poke();
    });
  }

  #dueAt(moment: number): Entry[] {
    return [...this.#timers].filter(({ at }) => at <= moment);
  }

  /**
   * Moves the clock to the next timer. Timers that are due at the same instant ring in any order.
   */
  #advance(): void {
    let next = Infinity;
    for (const { at } of this.#timers) next = Math.min(next, at);
    this.now = Math.max(this.now, next);
    const due = this.#dueAt(this.now);
    // They ring one by one without AsyncLocalStorage: in the order in which they were set.
    this.#ring(isExact ? shuffled(due, this.#random) : due);
  }

  #ring(entries: readonly Entry[]): void {
    // Without AsyncLocalStorage a goroutine is known through foreign awaits only if it continues
    // alone. So the other timers ring when everything is blocked again.
    for (const entry of isExact ? entries : entries.slice(0, 1)) {
      if (!isExact) setCurrent(entry.g);
      // A timer that rang before may have stopped this one.
      if (this.#timers.delete(entry)) runAs(entry.g, entry.ring);
    }
    this.poke();
  }

  #endWait(): void {
    const { g, wake } = this.waiting as { g: Goroutine; wake: () => void };
    this.waiting = undefined;
    resume(g, "synctest.Wait", wake, undefined);
  }

  #deadlock(message: string): void {
    if (this.failure === undefined) {
      const error = new Error(message);
      const blocked = list().filter(({ goroutine }) => this.members.has(goroutine));
      const entries = blocked.map((entry) => ({
        ...entry,
        state: `${entry.state} (durable), synctest bubble ${this.id}`,
      }));
      error.stack = `Error: ${message}\n\n${dump(entries)}`;
      this.failure = { error };
    }
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timers.clear();
    for (const g of this.members) forget(g);
    this.members.clear();
    this.#ended(this.failure);
  }
}

/**
 * Records that goroutine g waits for something outside of its bubble (1), or does not any more
 * (-1).
 */
export function noteForeign(g: Goroutine, state: State, change: 1 | -1): void {
  const states = foreign.get(g);
  if (change === 1) {
    if (states === undefined) foreign.set(g, [state]);
    else states.push(state);
    return;
  }
  const at = states?.indexOf(state) ?? -1;
  if (at >= 0) states?.splice(at, 1);
}

/** Removes a goroutine that can never continue from the records. */
function forget(g: Goroutine): void {
  while (g.waits > 0 && g.waits !== Infinity) leaveWait(g, g.state);
  remove(g);
}

function shuffled<T>(values: T[], random: () => number): T[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j] as T, values[i] as T];
  }
  return values;
}
