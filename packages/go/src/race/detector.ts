// The detector: it records which goroutine read and wrote each location, and whether these accesses
// were ordered.
//
// Words: a *step* is the code that a goroutine runs without an await. A read and a write of one
// location in one step are an *update*, which is atomic. So is a read that leads to a write of its
// location before the next await (`if (!x) x = …`). Updates do not race with each other.
//
// Invariants: a write replaces the accesses of other goroutines that are ordered before it, and so
// does a read at times. So a location keeps only a few accesses for each goroutine.
//
// A plain read that was not ordered after another goroutine's update may become part of an update
// itself, if a write follows in its step. Then it is not a race. So such a read is judged when its
// step is over.
//
// Properties and elements with the same history share one location, which never changes. An access
// moves the property to another location: the one to which the same access has moved others in this
// step, or a new one. A property that raced, or may have, gets a location of its own. So an array
// that one step reads or writes needs a few locations, and a reference for each element.

import { type Made, me, type Thread } from "./threads.ts";

/** A place in a program: the number that rewritten code passes. */
export type Site = number;

export interface Access {
  readonly thread: Thread;
  time: number;
  step: number;
  site: Site;
  /** True for a write that is an update, and for a read that leads to one. */
  isAtomic: boolean;
  readonly isWrite: boolean;
  /** True for a walk over a whole collection. */
  isWalk: boolean;
  stack: Error | undefined;
}

/** The accesses of a location that has none. */
const none: Access[] = [];

/** A variable, a property, an element, or a whole collection. */
export class Location {
  reads: Access[] = none;
  writes: Access[] = none;
  /** With so many reads, those that a later one knows are removed. */
  mostReads = 8;
  /** The kind of the thing, for the report of a Map. */
  readonly kind: "variable" | "property" | "map" | "channel" | "WaitGroup";
  // The last access, for the shortcut.
  lastThread: Thread | undefined;
  lastTime = 0;
  lastStep = 0;
  lastWrote = false;
  /** True if several properties may have this location. */
  isShared = false;
  /** How many properties have moved here and not away. */
  users = 0;
  /** Where accesses in this step move a property from here. */
  moves: Map<number, Move> | undefined;

  constructor(kind: Location["kind"]) {
    this.kind = kind;
  }

  /** A location of its own, with the same accesses. */
  copy(): Location {
    const own = new Location(this.kind);
    if (this.reads.length > 0) own.reads = this.reads.map((access) => ({ ...access }));
    if (this.writes.length > 0) own.writes = this.writes.map((access) => ({ ...access }));
    own.mostReads = this.mostReads;
    own.lastThread = this.lastThread;
    own.lastTime = this.lastTime;
    own.lastStep = this.lastStep;
    own.lastWrote = this.lastWrote;
    return own;
  }
}

interface Move {
  readonly thread: Thread;
  readonly time: number;
  readonly to: Location;
}

/** The location of properties and elements that nobody has accessed. */
export const untouched: Location = new Location("property");
untouched.isShared = true;

export interface Race {
  readonly location: Location;
  readonly access: Access;
  readonly previous: Access;
}

/** The number of the step. */
let step = 1;
let marked = false;
/** Plain reads that were not ordered after an update. They are judged when the step is over. */
let doubtful: Race[] = [];
/** The number of accesses that raced, or that are judged later. */
let alarms = 0;
/** Shared locations from which properties have moved in this step. */
let left: Location[] = [];
let report: (race: Race) => void = () => undefined;
let takesStacks = true;

/** Sets the function that gets the races from now on, and whether each access keeps its stack. */
export function reportTo(to: (race: Race) => void, stacks: boolean): void {
  report = to;
  takesStacks = stacks;
}

/** Begins the next step. */
export function nextStep(): void {
  step++;
  marked = false;
  goSite = -1;
  if (doubtful.length > 0) judge();
  if (left.length > 0) forgetMoves();
}

/** A history has the step of each access, so the moves of other steps lead nowhere. */
function forgetMoves(): void {
  for (const location of left) location.moves = undefined;
  left = [];
}

function judge(): void {
  const races = doubtful;
  doubtful = [];
  for (const race of races) if (!race.access.isAtomic) report(race);
}

export function read(location: Location, site: Site, isAtomic: boolean, isWalk = false): void {
  const thread = me();
  if (isLast(location, thread)) return;
  mark();
  if (location.reads.length >= location.mostReads) forgetReads(location, thread);
  const access = noted(location, false, thread, site);
  // If this step has written the location, this read is a part of that update.
  access.isAtomic = isAtomic || ofThisStep(location.writes, thread)?.isAtomic === true;
  access.isWalk = isWalk;
  for (const previous of location.writes) {
    if (thread.knows(previous.thread.slot, previous.time)) continue;
    if (!previous.isAtomic) found({ location, access: withStack(access), previous: { ...previous } });
    else if (!access.isAtomic) {
      alarms++;
      doubtful.push({ location, access, previous: { ...previous } });
    }
  }
  setLast(location, thread, false);
}

export function write(location: Location, site: Site, isUpdate = false): void {
  const thread = me();
  if (isLast(location, thread) && location.lastWrote) return;
  mark();
  const mine = ofThisStep(location.reads, thread);
  const wasBlind = ofThisStep(location.writes, thread)?.isAtomic === false;
  const access = noted(location, true, thread, site);
  access.isAtomic = (isUpdate || mine !== undefined) && !wasBlind;
  if (mine !== undefined && access.isAtomic) mine.isAtomic = true;
  check(location, location.writes, access);
  check(location, location.reads, access);
  setLast(location, thread, true);
}

function found(race: Race): void {
  alarms++;
  report(race);
}

/** Records the read of a property that has this location; returns its location from now on. */
export function readIn(location: Location, site: Site, isAtomic: boolean, isWalk = false): Location {
  if (location.isShared) return move(location, site, (isAtomic ? updates : 0) | (isWalk ? walks : 0));
  read(location, site, isAtomic, isWalk);
  return location;
}

/** Records the write of a property that has this location; returns its location from now on. */
export function writeIn(location: Location, site: Site, isUpdate = false): Location {
  if (location.isShared) return move(location, site, writes | (isUpdate ? updates : 0));
  write(location, site, isUpdate);
  return location;
}

// The kinds of an access, together a number below 8.
const updates = 1;
const walks = 2;
const writes = 4;

/** Records an access of a property whose location is shared. `kind` is one of those above. */
function move(location: Location, site: Site, kind: number): Location {
  const thread = me();
  if (isLast(location, thread) && ((kind & writes) === 0 || location.lastWrote)) return location;
  const key = site * 8 + kind;
  const known = location.moves?.get(key);
  if (known !== undefined && known.thread === thread && known.time === thread.time) {
    thread.acts();
    location.users--;
    known.to.users++;
    return known.to;
  }
  // No other property is here, and none can come: it was made in an earlier step.
  const isOwn = location.users === 1 && location.lastStep !== step;
  const to = isOwn ? location : location.copy();
  to.isShared = false;
  const before = alarms;
  const isAtomic = (kind & updates) > 0;
  if ((kind & writes) > 0) write(to, site, isAtomic);
  else read(to, site, isAtomic, (kind & walks) > 0);
  if (isOwn) return to;
  location.users--;
  if (alarms > before) return to;
  to.isShared = true;
  to.users = 1;
  if (location.moves === undefined) {
    location.moves = new Map();
    left.push(location);
  }
  location.moves.set(key, { thread, time: thread.time, to });
  return to;
}

/** True if the last access was in this step too, and nothing was released since. */
function isLast(location: Location, thread: Thread): boolean {
  return location.lastThread === thread && location.lastStep === step && location.lastTime === thread.time;
}

function setLast(location: Location, thread: Thread, wrote: boolean): void {
  location.lastWrote = wrote || (isLast(location, thread) && location.lastWrote);
  location.lastThread = thread;
  location.lastStep = step;
  location.lastTime = thread.time;
}

/**
 * Forgets reads that the running goroutine knows: a write that is not ordered after them is not
 * ordered after its own read either, which comes next.
 */
function forgetReads(location: Location, thread: Thread): void {
  location.reads = location.reads.filter(
    (read) => read.thread === thread || !thread.knows(read.thread.slot, read.time),
  );
  location.mostReads = Math.max(8, 2 * location.reads.length);
}

/** Reports the earlier accesses that are not ordered, and removes those that are. */
function check(location: Location, before: Access[], access: Access): void {
  let kept = 0;
  for (const previous of before) {
    if (previous.thread === access.thread) {
      before[kept++] = previous;
      continue;
    }
    if (access.thread.knows(previous.thread.slot, previous.time)) continue;
    before[kept++] = previous;
    if (!(access.isAtomic && previous.isAtomic)) {
      found({ location, access: withStack(access), previous: { ...previous } });
    }
  }
  before.length = kept;
}

/** Accesses are in the order of their steps, so those of this one are the last. */
function ofThisStep(accesses: readonly Access[], thread: Thread): Access | undefined {
  for (let i = accesses.length - 1; i >= 0; i--) {
    const access = accesses[i] as Access;
    if (access.step !== step) return undefined;
    if (access.thread === thread) return access;
  }
  return undefined;
}

/**
 * Records the access of a goroutine in this step. Of its earlier ones it keeps the last atomic one
 * and the last other one.
 */
function noted(location: Location, isWrite: boolean, thread: Thread, site: Site): Access {
  thread.acts();
  const accesses = isWrite ? location.writes : location.reads;
  // An operation of a channel has no place except its stack. The stack of an earlier operation is
  // good enough.
  const known = site < 0 ? accesses.find((access) => access.thread === thread)?.stack : undefined;
  const stack = known ?? ((takesStacks || site < 0) && hasRoom(site) ? captured() : undefined);
  const own = ofThisStep(accesses, thread);
  if (own !== undefined) {
    own.time = thread.time;
    own.site = site;
    own.stack = stack;
    return own;
  }
  let seenAtomic = false;
  let seenPlain = false;
  for (let i = accesses.length - 1; i >= 0; i--) {
    const access = accesses[i] as Access;
    if (access.thread !== thread) continue;
    if (access.isAtomic ? seenAtomic : seenPlain) accesses.splice(i, 1);
    else if (access.isAtomic) seenAtomic = true;
    else seenPlain = true;
  }
  const access = { thread, time: thread.time, step, site, isAtomic: false, isWrite, isWalk: false, stack };
  // Most locations have one. An array that begins empty has room for 17 after its first `push`.
  if (accesses.length > 0) accesses.push(access);
  else if (isWrite) location.writes = [access];
  else location.reads = [access];
  return access;
}

/**
 * The most stacks for each place. Taking a stack costs more than everything else about an access.
 */
const mostStacks = 256;
const stacksOf: number[] = [];

function hasRoom(site: Site): boolean {
  if (site < 0) return true;
  const count = (stacksOf[site] ?? 0) + 1;
  stacksOf[site] = count;
  return count <= mostStacks;
}

/** A copy of an access as it is now, with its stack. */
function withStack(access: Access): Access {
  return { ...access, stack: access.stack ?? (takesStacks ? captured() : undefined) };
}

/** The place of the `go` statement that is evaluated now, if the program's code has said it. */
let goSite: Site = -1;
/** The same for goroutines whose place nobody has said, by the name of their function. */
const stacksOfName = new Map<string, number>();

/** `go`, and the classes whose method `go` starts a goroutine. */
export const starters: Set<unknown> = new Set();

/** Says that a `go` statement is evaluated. */
export function goAt(site: Site): void {
  goSite = site;
}

/** The `go` statement of a goroutine that is made now, whose function has that name. */
export function madeHere(name: string): Made {
  const site = goSite;
  goSite = -1;
  if (site >= 0) return { stack: hasRoom(site) ? captured() : undefined, site };
  const count = (stacksOfName.get(name) ?? 0) + 1;
  stacksOfName.set(name, count);
  return { stack: count <= mostStacks ? captured() : undefined, site };
}

const limited = Error as { stackTraceLimit?: number };

/** A stack, which is written out only on request. */
export function captured(): Error {
  const limit = limited.stackTraceLimit;
  limited.stackTraceLimit = 12;
  const error = new Error();
  if (limit !== undefined) limited.stackTraceLimit = limit;
  return error;
}

const resolved = Promise.resolve();

/** Ends the step of a callback of the host, which is a step too, but no promise ends it. */
function mark(): void {
  if (marked) return;
  marked = true;
  const then = step;
  const end = (): void => {
    if (step === then) nextStep();
  };
  void resolved.then(end);
}
