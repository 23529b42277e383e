// Vector clocks: the events that each goroutine knows to have happened (Lamport; Mattern; after
// FastTrack by Flanagan and Freund, 2009).
//
// Invariants
//
// - Each goroutine has a slot, which is used again after its end: if possible by a goroutine that
//   knows all that was done in it. Else, if many have ended, the new goroutine counts as after the
//   one that ended first. That hides races with it, and keeps clocks short.
// - A goroutine's own time counts its releases. Releases with no access and nothing learned in
//   between are one. A goroutine that has acquired its release at time t
//   knows everything that it knew by then. So to know (slot, t) is to know a whole clock.
// - A clock that was given away never changes: its holder makes a copy before it learns more.

import { main, type Goroutine } from "../internal/goroutine.ts";
import { exactly } from "../internal/observers.ts";

/** The latest known time of each slot. */
type Times = Uint32Array;
const nothing: Times = new Uint32Array(0);
/** The objects of a thread that waits for none. */
const none: Set<object> = new Set();

/** A `go` statement: its stack or, if many goroutines were made there, its place. */
export interface Made {
  readonly stack: Error | undefined;
  readonly site: number;
}

/** The knowledge at the moment of a release. */
export interface Snapshot {
  readonly slot: number;
  readonly time: number;
  readonly known: Times;
}

interface Ended {
  readonly thread: Thread;
  readonly time: number;
}

/**
 * Goroutines that have ended, and their times at the end, the first one first. A goroutine that
 * knows such a time may use the slot.
 */
const free: Ended[] = [];
/** The most slots that stay free because no new goroutine knows all that was done in them. */
const mostFree = 256;
/** How many free slots a new goroutine looks at. To look at all would cost more than it gains. */
const looks = 8;
/** The free slot at which the next look begins. */
let looked = 0;
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
  /** Its `go` statement. */
  readonly made: Made | undefined;
  /** The objects that it acquires when one of its present waits is over. Main may be in several. */
  pending: Set<object> = none;
  #known: Times;
  /** True if another clock shares `#known`. */
  #isShared: boolean;
  /** The clock that it has learned last. */
  #learned: Times = nothing;
  /** Its last release, if it has accessed and learned nothing since. */
  #last: Snapshot | undefined;

  constructor(id: number, slot: number, known: Times, made: Made | undefined) {
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
    return (this.#last ??= { slot: this.slot, time: this.isStill ? this.time : this.time++, known: this.#known });
  }

  /** A clock whose time no other release has. */
  ownSnapshot(): Snapshot {
    this.#last = undefined;
    const snapshot = this.snapshot();
    this.#last = undefined;
    return snapshot;
  }

  /** The time that tells of all that it has done. */
  lastTime(): number {
    return this.#last?.time ?? this.time;
  }

  /** Records that it has accessed something: releases from now on tell more than those before. */
  acts(): void {
    this.#last = undefined;
  }

  learn({ slot, time, known }: Snapshot): void {
    if (this.knows(slot, time)) return;
    // Goroutines that were made together have one clock until they learn more.
    this.#known = joined(this.#known, known === this.#learned ? nothing : known, slot, time, this.#isShared);
    this.#isShared = false;
    this.#learned = known;
    this.#last = undefined;
  }

  /** It acquires the object when one of its present waits is over. */
  awaits(object: object): void {
    if (this.pending === none) this.pending = new Set();
    this.pending.add(object);
  }

  /** Learns what the goroutine that had its slot before knew at its end. */
  learnEnded(ended: Thread): void {
    const { slot, time, known } = ended.snapshot();
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

/** The thread of a goroutine, in its record: a WeakMap would cost more than all else. */
const threadKey: unique symbol = Symbol("thread");
interface Followed {
  [threadKey]?: Thread;
}

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
  let thread = (g as Followed)[threadKey];
  if (thread === undefined) keep(g, (thread = new Thread(g.id, slots++, nothing, undefined)));
  return thread;
}

function keep(g: Goroutine, thread: Thread): void {
  (g as Followed)[threadKey] = thread;
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

/** The last release after which a goroutine was made, and the clock that the goroutine got. */
let lastMade: Snapshot | undefined;
let firstClock: Times = nothing;

/** Records that the running goroutine has made goroutine g. */
export function begin(g: Goroutine, made: Made): void {
  const maker = me();
  const snapshot = maker.snapshot();
  if (snapshot !== lastMade) firstClock = joined(snapshot.known, nothing, snapshot.slot, snapshot.time, true);
  lastMade = snapshot;
  const ended = slotFor(maker);
  const thread = new Thread(g.id, ended?.thread.slot ?? slots++, firstClock, made);
  if (ended !== undefined) {
    // A promise that it still settles must not count as settled by the new goroutine.
    ended.thread.isStill = true;
    thread.time = ended.thread.time + 1;
    // A goroutine that knows the new one's time also knows when the earlier one ended.
    if (!maker.knows(thread.slot, ended.time)) thread.learnEnded(ended.thread);
  }
  keep(g, thread);
  if (g === lastGoroutine) lastGoroutine = undefined;
}

/** The ended goroutine whose slot a new one takes over, if there is any. */
function slotFor(maker: Thread): Ended | undefined {
  // Probably the maker knows one of the last.
  for (let i = free.length - 1; i >= Math.max(0, free.length - looks); i--) if (isKnown(maker, i)) return taken(i);
  for (let i = Math.min(looks, free.length - looks); i > 0; i--) {
    looked = (looked + 1) % free.length;
    if (isKnown(maker, looked)) return taken(looked);
  }
  return free.length < mostFree ? undefined : free.shift();
}

function isKnown(maker: Thread, at: number): boolean {
  const { thread, time } = free[at] as Ended;
  return maker.knows(thread.slot, time);
}

function taken(at: number): Ended | undefined {
  return free.splice(at, 1)[0];
}

/** Records that a goroutine has ended. */
export function end(g: Goroutine): void {
  const thread = threadOf(g);
  thread.isOver = true;
  free.push({ thread, time: thread.lastTime() });
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

/** The releases to an object: the last snapshot of each goroutine that no later one knew. */
class Releases {
  readonly of: Map<number, Snapshot> = new Map();
  /** With so many, those that a later one knew are removed. */
  #most = 4;

  add(snapshot: Snapshot, thread: Thread): void {
    const before = this.of.get(snapshot.slot);
    if (before === snapshot) return;
    // Code that acquires this snapshot learns what this goroutine knows. A timer does not know what
    // else its maker has released.
    if (!thread.isStill && this.of.size >= this.#most) {
      for (const { slot, time } of this.of.values()) if (thread.knows(slot, time)) this.of.delete(slot);
      this.#most = Math.max(4, 2 * this.of.size);
    }
    this.of.set(snapshot.slot, before === undefined || before.time < snapshot.time ? snapshot : both(before, snapshot));
  }
}

/** What two releases of one slot tell, of which a timer made the second one. */
function both(later: Snapshot, { slot, time, known }: Snapshot): Snapshot {
  return { slot, time: Math.max(later.time, time), known: joined(later.known, known, slot, 0, true) };
}

const released = new WeakMap<object, Releases>();

/** Releases: everything until now happened before the code that acquires the object next. */
export function release(object: object, thread: Thread = me()): void {
  if (object instanceof Remote) {
    object.release(thread);
    return;
  }
  let all = released.get(object);
  if (all === undefined) released.set(object, (all = new Releases()));
  all.add(thread.snapshot(), thread);
}

/** Releases, and forgets earlier releases, since the running goroutine knows them. */
export function releaseOnly(object: object, thread: Thread = me()): void {
  if (object instanceof Remote) {
    object.releaseOnly(thread);
    return;
  }
  const all = new Releases();
  released.set(object, all);
  all.add(thread.snapshot(), thread);
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
  if (all !== undefined) thread.learnAll(all.of.values());
}

/** What was released to one object was also released to another one. */
export function passOn(from: object, to: object): void {
  const all = released.get(from);
  if (all === undefined) return;
  const into = released.get(to) ?? new Releases();
  for (const [slot, snapshot] of all.of) {
    if ((into.of.get(slot)?.time ?? 0) < snapshot.time) into.of.set(slot, snapshot);
  }
  released.set(to, into);
}

/** Forgets what was released to an object. */
export function forget(object: object): void {
  released.delete(object);
}
