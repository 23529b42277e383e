// Doorbells and inboxes: through them one thread wakes another, and sends it references to its
// cells.
//
// A thread that finds nothing to do parks. It sets its bell to PARKED, checks again for everything
// that could concern it, and only then waits on the bell, a futex. A thread that has something for
// it first publishes that and then looks at the bell. The operations are sequentially consistent,
// so one of the two sees the other, and no wake-up is lost. Only the thread that sets the bell back
// from PARKED wakes it.
//
// An inbox is a ring for many writers and one reader, after Vyukov's bounded queue. A writer gets
// its place by adding to the tail. Its entry counts when it is not 0. The ring has space for every
// cell of the thread, and each is sent at most once. So no writer ever waits for a place.

import {
  BELL,
  CELLS,
  DEAD,
  home,
  IDLE,
  INBOX_TAIL,
  inboxAt,
  LIFE,
  LOOKS,
  RINGS,
  self,
  slotAt,
  slotOf,
  SLOTS_USED,
  SPINNING,
  UNUSED,
  words,
} from "./arena.ts";
import { hasTasks } from "./deque.ts";

const RUNNING = 0;
/** The thread is parked in its event loop, and counts in IDLE: a task may wake it. */
const PARKED = 1;
/** The thread was woken to look for work, and counts as one that does. */
const LOOKING = 2;
/** The thread has ended. */
const SILENT = 3;
/**
 * The thread is parked and takes no tasks. It is the first thread, or a worker that loads or
 * retires.
 */
const OCCUPIED = 4;
/** Like PARKED, and nothing on the thread can continue by itself. */
const SLEEPING = 5;

const mask: number = CELLS - 1;
let head = 0;

/** Sends a cell's reference to its owner, and wakes it. */
export function sendHome(reference: number): void {
  const slot = slotOf(reference);
  const place = Atomics.add(words, slotAt(slot) + INBOX_TAIL, 1) & mask;
  Atomics.store(words, inboxAt(slot) + place, reference);
  ring(slot);
}

/** Takes the next reference out of this thread's inbox; 0 if the inbox is empty. */
export function nextInbox(): number {
  const at = inboxAt(self) + (head & mask);
  const reference = Atomics.load(words, at);
  if (reference === 0) return 0;
  Atomics.store(words, at, 0);
  head = (head + 1) | 0;
  return reference;
}

export function hasInbox(): boolean {
  return Atomics.load(words, inboxAt(self) + (head & mask)) !== 0;
}

/** Wakes a thread if it is parked, and returns true if it was. */
export function ring(slot: number, as: number = RUNNING): boolean {
  const at = slotAt(slot) + BELL;
  let was: number;
  do {
    was = Atomics.load(words, at);
    if (was !== SLEEPING && ((was !== PARKED && was !== OCCUPIED) || as === LOOKING)) return false;
    // A thread that was parked may have gone to sleep since: it still has to be woken.
  } while (Atomics.compareExchange(words, at, was, as) !== was);
  Atomics.add(words, RINGS, 1);
  uncount(was);
  Atomics.notify(words, at);
  if (was === SLEEPING) woke?.();
  return true;
}

let woke: (() => void) | undefined;

/** Sets the function that is called after this thread has woken a worker that slept. */
export function onWake(fn: () => void): void {
  woke = fn;
}

/** Takes a thread that was in this state out of the count of idle workers. */
function uncount(was: number): void {
  if (was === SLEEPING || was === PARKED) Atomics.sub(words, IDLE, 1);
}

let lastRung = 1;
/**
 * The limit of the loop: by then a worker that counts as idle is woken, unless it was ended in the
 * middle of parking.
 */
const patience = 1000;

/**
 * Called if there is a task that no worker may know of: wakes an idle worker, unless one looks for
 * work already. If that one finds work, it wakes the next. So all needed workers wake one after the
 * other (Go's rule for its spinning Ms).
 */
export function wakeIdle(): void {
  for (let n = 0; n < patience; n++) {
    if (Atomics.load(words, IDLE) <= 0 || Atomics.load(words, SPINNING) > 0) return;
    if (Atomics.compareExchange(words, SPINNING, 0, 1) !== 0 || wakeOne()) return;
    Atomics.sub(words, SPINNING, 1);
    // Meanwhile another thread may have pushed a task, and relied on the worker that was to be
    // woken here.
    if (!hasTasks()) return;
  }
}

/**
 * Wakes one that sleeps, who then looks for work at once. Those that wait in their event loops may
 * be in the middle of something long there: if nobody sleeps all of them are woken, and each looks
 * as soon as it can.
 */
function wakeOne(): boolean {
  const used = Atomics.load(words, SLOTS_USED);
  for (let n = 1; n < used; n++) {
    lastRung = lastRung >= used ? 2 : lastRung + 1;
    if (ring(lastRung, LOOKING)) return true;
  }
  for (let slot = 2; slot <= used; slot++) {
    if (Atomics.load(words, slotAt(slot) + BELL) === PARKED) ring(slot);
  }
  return false;
}

let parkedAs = PARKED;

/**
 * Marks this thread as parked, and tells whether a task may wake it. The caller must check for new
 * work after this call.
 */
export function setParked(takesTasks: boolean): void {
  parkedAs = takesTasks ? PARKED : OCCUPIED;
  Atomics.store(words, home + BELL, parkedAs);
  if (takesTasks) Atomics.add(words, IDLE, 1);
}

/**
 * Marks this thread as running. Returns true if it was woken to look for work: then it counts in
 * SPINNING.
 */
export function unpark(): boolean {
  const was = Atomics.exchange(words, home + BELL, RUNNING);
  uncount(was);
  return was === LOOKING;
}

/** Removes a slot's thread, which has ended, from the counts, whatever its state was. */
export function silence(slot: number): void {
  const at = slotAt(slot);
  const was = Atomics.exchange(words, at + BELL, SILENT);
  uncount(was);
  if (was === LOOKING || Atomics.exchange(words, at + LOOKS, 0) === 1) Atomics.sub(words, SPINNING, 1);
}

/**
 * Blocks a worker that is parked until its bell rings. If it takes tasks and all workers sleep now,
 * it tells the first thread. That may be the only thread that can continue.
 */
export function sleep(): void {
  if (parkedAs === PARKED) {
    if (Atomics.compareExchange(words, home + BELL, PARKED, SLEEPING) !== PARKED) return;
    parkedAs = SLEEPING;
    if (eachSleeps()) ring(1);
  }
  waitParked();
}

/**
 * True if each worker was seen asleep, one after the other. Meanwhile one may have woken another.
 */
function eachSleeps(): boolean {
  const used = Atomics.load(words, SLOTS_USED);
  for (let slot = 2; slot <= used; slot++) {
    const at = slotAt(slot);
    const life = Atomics.load(words, at + LIFE);
    if (life !== UNUSED && life !== DEAD && Atomics.load(words, at + BELL) !== SLEEPING) return false;
  }
  return true;
}

/** True if a slot's thread is parked. */
export function isParked(slot: number): boolean {
  return [PARKED, OCCUPIED, SLEEPING].includes(Atomics.load(words, slotAt(slot) + BELL));
}

/**
 * For the first thread: true if each worker sleeps until this thread rings, and there is no task
 * for any. If one was woken during the look, the thread that woke it has counted that, or is awake.
 */
export function allAsleep(): boolean {
  const rings = Atomics.load(words, RINGS);
  return eachSleeps() && Atomics.load(words, RINGS) === rings && !hasTasks();
}

/** Blocks the thread until its bell rings, or until `ms` milliseconds are over. */
export function waitParked(ms?: number): void {
  Atomics.wait(words, home + BELL, parkedAs, ms);
}

interface AsyncWait {
  readonly async: boolean;
  readonly value: PromiseLike<unknown>;
}
let listening = false;

/**
 * Calls back once, in a turn of the event loop after the bell has rung. Further calls before that
 * have no effect.
 */
export function whenRung(fn: () => void): void {
  if (listening) return;
  const atomics = Atomics as unknown as {
    waitAsync: (words: Int32Array, index: number, value: number) => AsyncWait;
  };
  const wait = atomics.waitAsync(words, home + BELL, parkedAs);
  listening = true;
  const rung = (): void => {
    listening = false;
    fn();
  };
  if (wait.async) void wait.value.then(rung);
  else void Promise.resolve().then(rung);
}
