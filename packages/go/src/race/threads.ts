// Vector clocks: the events that each goroutine knows to have happened (Lamport; Mattern; after
// FastTrack by Flanagan and Freund, 2009).
//
// Invariants
//
// - Each goroutine has a slot, which is used again after its end.
// - A goroutine's own time counts its releases. A goroutine that has acquired its release at time t
//   knows everything that it knew by then. So to know (slot, t) is to know a whole clock.
// - A clock that was given away never changes: its holder makes a copy before it learns more.

import { main, type Goroutine } from "../internal/goroutine.ts";
import { exactly } from "../internal/observers.ts";

/** The latest known time of each slot. */
type Times = Uint32Array;

/** The knowledge at the moment of a release. */
export interface Snapshot {
  readonly slot: number;
  readonly time: number;
  readonly known: Times;
}

/**
 * Goroutines that have ended, and their times at the end. A goroutine that knows such a time may
 * use the slot.
 */
const free: { readonly thread: Thread; readonly time: number }[] = [];
let slots = 0;
/** The last goroutine of each slot. */
const holders: Thread[] = [];

/** A goroutine, from the point of view of the detector. */
export class Thread {
  /** The goroutine's id. */
  readonly id: number;
  /** The index of its time in clocks. */
  readonly slot: number;
  time = 1;
  isOver = false;
  /**
   * True if its time does not advance: for a timer, and for a goroutine whose slot has been taken
   * over.
   */
  isStill = false;
  /** The stack of its `go` statement. */
  readonly made: Error | undefined;
  /** The objects that it acquires when one of its present waits is over. Main may be in several. */
  readonly pending: Set<object> = new Set();
  #known: Times;
  /** True if another clock shares `#known`. */
  #isShared: boolean;

  constructor(id: number, slot: number, known: Times, made: Error | undefined) {
    this.id = id;
    this.slot = slot;
    this.#known = known;
    this.#isShared = true;
    this.made = made;
  }

  /**
   * True if the work in that slot at that time happened before the present work of this goroutine.
   */
  knows(slot: number, time: number): boolean {
    return slot === this.slot || (this.#known[slot] ?? 0) >= time;
  }

  /**
   * A clock of everything that this goroutine knows now. Its later work is not in it, because its
   * own time advances here (unless the time is still).
   */
  snapshot(): Snapshot {
    this.#isShared = true;
    return { slot: this.slot, time: this.isStill ? this.time : this.time++, known: this.#known };
  }

  learn({ slot, time, known }: Snapshot): void {
    if (this.knows(slot, time)) return;
    this.#known = joined(this.#known, known, slot, time, this.#isShared);
    this.#isShared = false;
  }

  /** The latest time of a slot that it knows. */
  knownOf(slot: number): number {
    return slot === this.slot ? this.time : (this.#known[slot] ?? 0);
  }

  /** Learns what several goroutines have released. */
  learnAll(snapshots: Iterable<Snapshot>): void {
    for (const snapshot of snapshots) this.learn(snapshot);
  }
}

/**
 * Combines two clocks, and the time of one slot. Writes into the first clock if that is allowed.
 */
function joined(into: Times, from: Times, slot: number, time: number, isShared: boolean): Times {
  const length = Math.max(into.length, from.length, slot + 1);
  let times = into;
  if (length > into.length) {
    times = new Uint32Array(length);
    times.set(into);
  } else if (isShared) times = into.slice();
  for (let i = 0; i < from.length; i++) if ((from[i] as number) > (times[i] as number)) times[i] = from[i] as number;
  if ((times[slot] as number) < time) times[slot] = time;
  return times;
}

const nothing: Times = new Uint32Array(0);

const threads = new WeakMap<Goroutine, Thread>();
let lastGoroutine: Goroutine | undefined;
let lastThread: Thread | undefined;
/**
 * A timer that rings. Code that it wakes knows what the timer's maker knew, and not what the maker
 * has done since.
 */
let ringing: Thread | undefined;

/** A new slot. */
export function newSlot(): number {
  return slots++;
}

/** The thread of a goroutine. */
export function threadOf(g: Goroutine): Thread {
  let thread = threads.get(g);
  if (thread === undefined) keep(g, (thread = new Thread(g.id, slots++, nothing, undefined)));
  return thread;
}

function keep(g: Goroutine, thread: Thread): void {
  threads.set(g, thread);
  holders[thread.slot] = thread;
}

/** The running thread learns everything that anybody has done until now. */
export function learnOfAll(): void {
  const thread = me();
  for (const other of holders) if (other !== thread) thread.learn(other.snapshot());
}

/** The running thread. */
export function me(): Thread {
  const g = exactly() ?? main;
  if (g !== lastGoroutine) {
    lastGoroutine = g;
    lastThread = threadOf(g);
  }
  // Code that a timer wakes runs as the ringing timer.
  return ringing !== undefined && ringing.id === g.id ? ringing : (lastThread as Thread);
}

/** Records that the running goroutine has made goroutine g. */
export function begin(g: Goroutine, made: Error): void {
  const maker = me();
  const { slot, time, known } = maker.snapshot();
  // A slot is reused by a goroutine that knows everything done in it. So clocks stay short. Only
  // the last ended goroutines are tried, or the search would cost more than it gains.
  const first = Math.max(0, free.length - 16);
  const near = free.slice(first).findIndex((ended) => maker.knows(ended.thread.slot, ended.time));
  const at = near < 0 ? -1 : first + near;
  const ended = at < 0 ? undefined : free.splice(at, 1)[0]?.thread;
  const thread = new Thread(g.id, ended?.slot ?? slots++, joined(known, nothing, slot, time, true), made);
  if (ended !== undefined) {
    // A promise that it still settles must not count as settled by the new goroutine.
    ended.isStill = true;
    thread.time = ended.time + 1;
  }
  keep(g, thread);
  if (g === lastGoroutine) lastGoroutine = undefined;
}

/** Records that a goroutine has ended. */
export function end(g: Goroutine): void {
  const thread = threadOf(g);
  thread.isOver = true;
  free.push({ thread, time: thread.time });
}

/** Runs `ring` with the knowledge that the maker of a timer had when it made the timer. */
export function asTimer(made: Snapshot, maker: number, ring: () => void): void {
  const before = ringing;
  ringing = new Thread(maker, made.slot, made.known, undefined);
  ringing.isStill = true;
  ringing.time = made.time;
  try {
    ring();
  } finally {
    ringing = before;
  }
}

/** An object that other threads acquire and release too. It keeps the releases itself. */
export abstract class Remote {
  abstract acquire(thread: Thread): void;
  abstract release(thread: Thread): void;
  /** Releases, and forgets earlier releases. */
  abstract releaseOnly(thread: Thread): void;
}

/** The releases to each object: the last snapshot of each goroutine that no later one knew. */
const released = new WeakMap<object, Map<number, Snapshot>>();

/** Releases: everything until now happened before the code that acquires the object next. */
export function release(object: object, thread: Thread = me()): void {
  if (object instanceof Remote) {
    object.release(thread);
    return;
  }
  const snapshot = thread.snapshot();
  const all = released.get(object);
  if (all === undefined) {
    released.set(object, new Map([[snapshot.slot, snapshot]]));
    return;
  }
  // Code that acquires this snapshot learns what this goroutine knows. A timer does not know what
  // else its maker has released.
  if (!thread.isStill) for (const { slot, time } of all.values()) if (thread.knows(slot, time)) all.delete(slot);
  all.set(snapshot.slot, snapshot);
}

/** Releases, and forgets earlier releases, since the running goroutine knows them. */
export function releaseOnly(object: object, thread: Thread = me()): void {
  if (object instanceof Remote) {
    object.releaseOnly(thread);
    return;
  }
  const snapshot = thread.snapshot();
  released.set(object, new Map([[snapshot.slot, snapshot]]));
}

/**
 * Acquires: everything that was released to the object happened before the work of the running
 * goroutine from now on.
 */
export function acquire(object: object, thread: Thread = me()): void {
  if (object instanceof Remote) {
    object.acquire(thread);
    return;
  }
  const all = released.get(object);
  if (all !== undefined) thread.learnAll(all.values());
}

/** What was released to one object was also released to another one. */
export function passOn(from: object, to: object): void {
  const all = released.get(from);
  if (all === undefined) return;
  const into = released.get(to) ?? new Map<number, Snapshot>();
  for (const [slot, snapshot] of all) if ((into.get(slot)?.time ?? 0) < snapshot.time) into.set(slot, snapshot);
  released.set(to, into);
}

/** Forgets what was released to an object. */
export function forget(object: object): void {
  released.delete(object);
}
