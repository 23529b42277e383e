// The order between threads. Each thread has clocks of its own goroutines only (threads.ts). Of
// another thread it knows a number: how many times code there had released something to a *place*.
//
// A place is what several threads acquire and release: a shared object of /parallel, or a part of
// one, a task, a wait. It is an entry of a table in memory that all threads share. The entry has
// two numbers for each thread: of its own last release there, and of the last one that other
// threads which released there knew. A thread's own releases to a place it also keeps exactly.
//
// Number n of a thread stands for all its first n releases to places. So if the way from one
// goroutine to another goes through a further thread, goroutines of the first thread may count as
// ordered that are not. That hides races, and never makes one up.
//
// A thread that does not follow its operations (a worker that was started without /race) leaves no
// numbers. As long as there is one, whatever comes from a place counts as after all that this
// thread had released.

import type * as Threads from "node:worker_threads";
import { host } from "../internal/host.ts";
import {
  acquire,
  forget,
  newSlot,
  passOn,
  release,
  releaseOnly,
  Remote,
  type Snapshot,
  type Thread,
} from "./threads.ts";

/** The most threads, as /parallel has it. */
const most = 96;
/** Entries of the table. A program that has more places uses one entry for all others. */
const entries = 2 ** 15;
const width = 1 + 2 * most;
// Words before the entries.
const FOLLOWS = 0;
const RACES: number = most;
const NEXT: number = most + 2;
const HEAD: number = most + 3;

const library = host.process?.getBuiltinModule?.("node:worker_threads") as Partial<typeof Threads> | undefined;
const mark = "@sluice/go: race";
/** The table of the thread that made this one. */
const left = library?.getEnvironmentData?.(mark) as unknown;
/** The number of this thread if it is a worker of /parallel. */
const slotOfWorker = (library?.workerData as Record<string, { slot?: number }> | null | undefined)?.[
  "@sluice/go/parallel"
]?.slot;
const words: Int32Array =
  slotOfWorker !== undefined && left instanceof SharedArrayBuffer ? new Int32Array(left) : make();
/** This thread's number, as /parallel counts. */
const here: number = slotOfWorker ?? 1;

/** True if no other thread of the program has made this one. */
export const isFirst: boolean = library?.isMainThread !== false || !(left instanceof SharedArrayBuffer);

/** The number of races that all threads have reported, and 1 if one of them ends the program. */
export const races: Int32Array = (left instanceof SharedArrayBuffer ? new Int32Array(left) : words).subarray(
  RACES,
  RACES + 2,
);

function make(): Int32Array {
  const memory = new SharedArrayBuffer((HEAD + (entries + 1) * width) * 4);
  library?.setEnvironmentData?.(mark, memory);
  return new Int32Array(memory);
}

/** Says that the operations of this thread are followed. */
export function followHere(): void {
  Atomics.store(words, FOLLOWS + here, 1);
}

/** What /parallel knows of its threads. */
interface Pool {
  /** The greatest number of a thread so far. */
  readonly last: () => number;
  /** True if the thread of this number has run code. */
  readonly hasBegun: (thread: number) => boolean;
}
let pool: Pool = { last: () => 1, hasBegun: () => false };

export function usePool(of: Pool): void {
  pool = of;
}

/** True if all threads follow their operations. */
function allFollow(): boolean {
  for (let t = pool.last(); t > 0; t--) {
    if (t !== here && pool.hasBegun(t) && Atomics.load(words, FOLLOWS + t) === 0) return false;
  }
  return true;
}

/** A number that no other thread gets. */
export function newId(): number {
  return Atomics.add(words, NEXT, 1) + 1;
}

/** The slot in this thread's clocks for the releases of each thread, its own included. */
const slots: number[] = [];

function slotOf(thread: number): number {
  return (slots[thread] ??= newSlot());
}

const nothing = new Uint32Array(0);
/** The most states that are kept. An older number stands for the oldest of them. */
const mostStates = 4096;
/** What this thread had released by each of its last numbers, and the number of the first one. */
const states: Snapshot[] = [];
let oldest = 1;
/** A thread of the detector's own that knows all that this thread has released. */
let all: Thread | undefined;

/** Sets the thread that collects the releases. */
export function collectIn(thread: Thread): void {
  all = thread;
}

/** Counts a release of a goroutine; returns the number. */
function give(snapshot: Snapshot): number {
  const collector = all as Thread;
  collector.learn(snapshot);
  const number = oldest + states.length;
  states.push({ ...collector.snapshot(), slot: slotOf(here), time: number });
  if (states.length <= mostStates) return number;
  states.splice(0, mostStates >> 1);
  oldest += mostStates >> 1;
  return number;
}

/** What this thread had released by a number. */
function stateAt(number: number): Snapshot | undefined {
  return states[Math.max(0, Math.min(number - oldest, states.length - 1))];
}

export class Place extends Remote {
  readonly #at: number;
  /** Stands for this place in what the thread keeps exactly. */
  readonly #exact = {};

  /** Places with the same key are the same, on all threads. */
  constructor(key: number) {
    super();
    this.#at = HEAD + entryOf(key) * width + 1;
  }

  acquire(thread: Thread): void {
    const at = this.#at;
    for (let t = Math.max(here, pool.last()); t > 0; t--) {
      const direct = Atomics.load(words, at + t);
      const known = Atomics.load(words, at + most + t);
      if (t !== here) {
        const time = Math.max(direct, known);
        if (time > 0) thread.learn({ slot: slotOf(t), time, known: nothing });
        continue;
      }
      if (direct > 0) acquire(this.#exact, thread);
      const state = known > 0 ? stateAt(known) : undefined;
      if (state !== undefined) thread.learn(state);
    }
    if (!allFollow()) this.#acquireAll(thread);
  }

  #acquireAll(thread: Thread): void {
    const last = states.at(-1);
    if (last !== undefined) thread.learn(last);
  }

  release(thread: Thread): void {
    if (Atomics.load(words, this.#at + here) === 0) forget(this.#exact);
    release(this.#exact, thread);
    this.#note(thread);
  }

  releaseOnly(thread: Thread): void {
    words.fill(0, this.#at, this.#at + 2 * most);
    releaseOnly(this.#exact, thread);
    this.#note(thread);
  }

  #note(thread: Thread): void {
    const at = this.#at;
    raise(at + here, give(thread.snapshot()));
    for (const [t, slot] of slots.entries()) {
      if (slot !== undefined && t !== here) raise(at + most + t, thread.knownOf(slot));
    }
  }

  /** What was released here was also released to another place. */
  passOn(to: Place): void {
    const [from, into] = [this.#at, to.#at];
    for (let t = 1; t < 2 * most; t++) raise(into + t, Atomics.load(words, from + t));
    passOn(this.#exact, to.#exact);
  }
}

function raise(at: number, number: number): void {
  for (let was = Atomics.load(words, at); was < number;) {
    const found = Atomics.compareExchange(words, at, was, number);
    if (found === was) return;
    was = found;
  }
}

/** The entry of a key, which is made if there is none yet. */
function entryOf(key: number): number {
  let entry = Math.imul(key, 0x9e3779b1) >>> 17;
  for (let tries = 0; tries < 64; tries++) {
    const found = Atomics.compareExchange(words, HEAD + entry * width, 0, key);
    if (found === 0 || found === key) return entry;
    entry = (entry + 1) % entries;
  }
  return entries;
}
