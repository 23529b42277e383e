// The scheduler: it decides which goroutine runs next, and when the event loop gets a turn.
//
// Goroutines are async functions and the JavaScript engine runs them. The scheduler decides only
// when a promise of this library resolves. Each operation that is awaited ends in exactly one of
// these ways:
//
//  completed / completedWith   it did not have to wait,
//  park … resume               it waited until another goroutine woke it.
//
// While one goroutine runs and all others wait, the goroutines that it wakes queue up until it
// waits itself, as on one P of Go's. Then only one is active at a time, and a producer fills its
// buffer before the consumer empties it.
//
// The running goroutine may also wait for something foreign, and then nothing notifies the
// scheduler. So queued goroutines continue at the latest when all microtasks have run, if the host
// reports that. They also continue after `patience` microtasks without an operation of this
// library: the running goroutine cannot be on its way to its next operation then.
//
// To count those, the scheduler needs one microtask for each of theirs. With a count at every
// wake-up, a transfer took 20 % longer. So the scheduler counts only as long as it sees goroutines
// wait for something foreign, and now and then at other times.
//
// If several goroutines can run, a microtask before each one announces it to `current`. That takes
// 20 to 25 ns, half as much as an await that does not wait. With an announcement everywhere, a
// transfer over a buffered channel took twice as long. Another way was tried and rejected: to set
// `current` at once when the next goroutine may continue (ping-pong another 15 % faster). But a
// goroutine that parks may have more to do before it suspends, and would do it under the other
// one's name.
//
// Awaits use up credit. When the credit is gone, the scheduler reads the clock. When a slice of
// time is over, it *holds*. From then on every operation that completes, every wake-up and every
// start queues up for the next turn of the event loop. So timers and I/O run even if goroutines
// never wait (Go's sysmon preempts after 10 ms).
//
// Nothing here keeps a goroutine alive: a parked one is reachable only through the thing it waits
// on.
//
// It is longer than 500 lines, because all of these parts share the state of one run queue.

import { isFake, isTimeFake } from "./clock.ts";
import { noteFailure } from "./failures.ts";
import { watch } from "./fatal.ts";
import {
  countRunnable,
  current,
  enterWait,
  leaveWait,
  main,
  mainActs,
  noteUse,
  runnable,
  setCurrent,
  type Goroutine,
  type State,
} from "./goroutine.ts";
import { type Observer, observer } from "./hooks.ts";
import { host } from "./host.ts";

/**
 * Milliseconds between turns of the event loop. That is far below the promised 10 ms. If all cores
 * of a machine are busy, the process itself gets only a few milliseconds at a time, and timers must
 * run in those. A turn costs about 3 µs.
 */
const sliceMs = 1;
/**
 * The most operations between two looks at the clock. (A look takes 35 ns; with 64 that is 0.5 ns
 * for each operation.)
 */
const checkEvery = 64;
/**
 * The number of microtasks without an operation of this library. If it is reached, that means that
 * the running goroutine waits for something foreign. A return through the same number of async
 * functions takes one microtask for each of them.
 */
const patience = 16;

/**
 * The length of a slice in looks at the clock, while a test controls time. Then the result must not
 * depend on how busy the machine is.
 */
const fakeSlice = 256;

// Taken at load, as the host's functions below are. If a test controls time at that moment, the
// function is looked up at each call.
const clock = isTimeFake() ? (): number => performance.now() : performance.now.bind(performance);
const resolved: Promise<void> = Promise.resolve();

// The first operation of all finds no credit, and installs the deadlock report.
let credit = 1;
let granted = 1;
let grantedAt = 0;
let sliceStart = 0;
export let holding = false;
/** True if the holder of a Control decides who continues (/synctest). */
let controlled = false;
/** The number of looks at the clock in this slice, while a test controls time. */
let looks = 0;
/** The number of steps that were run. */
let ran = 0;
/** The steps that run later, in order. */
let first: Step | undefined;
let last: Step | undefined;
const yielding: Step[] = [];
let yieldersWaited = false;
let turnIsComing = false;
/** True if the host will tell when all microtasks have run. */
let drainIsComing = false;
/**
 * True while microtasks without an operation are being counted; then their number, and the credit
 * at the start of the count.
 */
let counting = false;
let idle = 0;
let creditThen = 0;
/**
 * The number of times that the running goroutine was watched since one was last found to wait for
 * something foreign.
 */
let trust = 0;
/**
 * The number of wake-ups until the running goroutine is watched again. It is 0 after each turn and
 * drain.
 */
let unwatched = 0;
/** True if main has returned: then a goroutine continues only to get an error. */
let frozen = false;

/** A step: goroutine g continues, by a call of `go(value)`. */
export interface Step {
  next: Step | undefined;
  readonly g: Goroutine;
  /** The wait that this step ends, if it ends one. */
  readonly state: State | undefined;
  readonly go: (value: never) => void;
  readonly value: unknown;
}

function run({ g, state, go, value }: Step): void {
  goOn(g, state, go, value as never);
}

/** Continues goroutine g by `go(value)`, from the wait of that state if there is one. */
function goOn<T>(g: Goroutine, state: State | undefined, go: (value: T) => void, value: T): void {
  ran++;
  if (state) leaveWait(g, state);
  else {
    countRunnable(1);
    if (g.waits === 0) g.state = "running";
  }
  // `current` is not set at once: the goroutine that parks may have more to do before it suspends.
  runAs(g);
  if (observer === undefined) go(value);
  else goObserved(observer, g, go, value);
}

/**
 * A separate function, because a function that makes a closure reserves memory for the closure's
 * variables at each call.
 */
function goObserved(by: Observer, g: Goroutine, go: Step["go"], value: unknown): void {
  by.run(g, () => go(value as never));
}

/** The return value of an operation without a result that did not wait. */
export function completed(): Promise<void> {
  return mayGoOn() ? resolved : runAfterTurn(undefined);
}

/** The return value of an operation with a result that did not wait. */
export function completedWith<T>(value: T): Promise<T> {
  return mayGoOn() ? Promise.resolve(value) : runAfterTurn(value);
}

function mayGoOn(): boolean {
  if (!mainActs) noteUse();
  if (isOverdue()) return false;
  if (runnable > 1) runAs(current());
  return true;
}

/**
 * The return value of an operation that fails without waiting. `state` is the wait that it would
 * have been.
 */
export function failed(error: unknown, state?: State): Promise<never> {
  const g = current();
  if (observer !== undefined) observer.failed(g);
  noteFailure(g, error, state);
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what a stage threw is passed on as it is
  if (mayGoOn() || frozen) return Promise.reject(error);
  return new Promise((_, reject) => enqueueWatched(pause(g, () => reject(error), failing)));
}

/** The error of an operation that panics. Its stack begins below `above`. */
export function misuse(message: string, above: (...args: never[]) => unknown = misuse): Error {
  watchProgram();
  const error = new Error(message);
  (Error as { captureStackTrace?: (error: Error, above: unknown) => void }).captureStackTrace?.(error, above);
  return error;
}

/**
 * A promise for the next turn if the event loop should have one first. For loops that otherwise
 * continue without a promise.
 */
export function turnIfDue(): Promise<void> | undefined {
  return isOverdue() ? runAfterTurn<void>(undefined) : undefined;
}

/** The return value of an operation that did not wait, but is held. */
function runAfterTurn<T>(value: T, g: Goroutine = current()): Promise<T> {
  return new Promise<T>((resolve) => afterTurn(g, resolve, value));
}

/** Continues goroutine g, which did not wait, by `go(value)` in the event loop's next turn. */
export function afterTurn<T>(g: Goroutine, go: (value: T) => void, value: T): void {
  enqueueWatched(pause(g, go, value));
}

/** Resolves when all goroutines that can run have run, and the event loop has had a turn. */
export function yieldToAll(): Promise<void> {
  return new Promise<void>(yieldThen);
}

/** Like `yieldToAll`, for the running goroutine, which continues by a call of `go`. */
export function yieldThen(go: (value: void) => void): void {
  askForTurn();
  yielding.push(pause(current(), go, undefined));
  proceed();
}

/**
 * Resolves when all goroutines have done everything that needs no time to pass: none of them
 * continues during two turns of the event loop.
 */
export async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    const before = ran;
    await yieldToAll();
    // One step is that of this function itself.
    quiet = ran - before > 1 ? 0 : quiet + 1;
  }
}

/** Pauses goroutine g, outside of any wait, until the step is run. */
function pause<T>(g: Goroutine, go: (value: T) => void, value: T): Step {
  countRunnable(-1);
  if (g.waits === 0) g.state = "runnable";
  return stepOf(g, undefined, go, value);
}

function stepOf<T>(g: Goroutine, state: State | undefined, go: (value: T) => void, value: T): Step {
  if (observer !== undefined) observer.woken(g);
  return { next: undefined, g, state, go, value };
}

/** Books a wait of goroutine g. The caller queues what will `resume` it. */
export function park(g: Goroutine, state: State): void {
  enterWait(g, state);
  proceed();
}

/**
 * Ends a wait that `park` booked: resolves its promise, in the order of the calls. While one
 * goroutine runs, those that it wakes wait until it waits itself.
 */
export function resume<T>(g: Goroutine, state: State, resolve: (value: T) => void, value: T): void {
  if (holding || runnable === 1) enqueueWatched(stepOf(g, state, resolve, value));
  else goOn(g, state, resolve, value);
}

/** Gives the error of an operation. The stack of a newly made error begins below `above`. */
export type MakeError = (above: () => never) => unknown;

/** The value of a step that ends in an error. */
const failing: unknown = Symbol("failing");

/**
 * Ends a wait with the error that `make` gives. Waiters have no reject function, since a promise
 * rejects if it is resolved with a rejected one. That rejected promise is made only when its waiter
 * continues. Otherwise it would count as unhandled until then.
 */
export function resumeWithError(g: Goroutine, state: State, resolve: (value: never) => void, make: MakeError): void {
  const step = stepOf(g, state, () => fail(g, state, resolve, make), failing);
  (!frozen && (holding || runnable === 1) ? enqueueWatched : run)(step);
}

/**
 * Makes the error inside a reaction of a promise, after the waiter's promise was set to wait for
 * that reaction. Only then does the engine find the waiter, when it follows awaits backwards to
 * make the error's stack. This takes one more microtask.
 */
function fail(g: Goroutine, state: State, resolve: (value: never) => void, make: MakeError): void {
  const attached = resolved.then(() => undefined);
  const failure = (): never => {
    const error = make(failure);
    noteFailure(g, error, state);
    setCurrent(g);
    throw error;
  };
  (resolve as (value: Promise<never>) => void)(attached.then(failure));
}

/** A goroutine that has been started and has not begun. */
export interface Beginning {
  readonly g: Goroutine;
  next: Beginning | undefined;
  /** If it is the first of a group: lets it and the rest of its group begin. */
  open: ((value: void) => void) | undefined;
  begin(): void;
}

/** The goroutines that have not begun, in order. */
let firstStart: Beginning | undefined;
let lastStart: Beginning | undefined;
/**
 * The promise that lets the group of the newest goroutines begin, and the number of these
 * goroutines so far.
 */
let gate: Promise<void> = resolved;
let gated = 0;
/** The time at which the last group began that had waited for another one. */
let openedAt = 0;

/**
 * Lets a goroutine begin, in a separate microtask, in the order of the calls.
 *
 * Goroutines that are started at the same time begin in groups. A group waits for one promise,
 * which the last goroutine of the group before it resolves. In an earlier version each goroutine
 * that was held waited for a separate promise. That took twice as long and three times the memory.
 */
export function start(task: Beginning): void {
  if (lastStart) {
    lastStart.next = task;
    if (++gated === checkEvery) {
      gated = 0;
      gate = new Promise((open) => (task.open = open));
    }
  } else {
    firstStart = task;
    gate = resolved;
    gated = 0;
  }
  lastStart = task;
  // The reaction of a promise keeps the host's async context, which is that of the `go` statement.
  void gate.then(beginFirst);
}

function beginFirst(): void {
  const task = firstStart as Beginning;
  const { next } = task;
  firstStart = next;
  if (!next) lastStart = next;
  task.next = undefined;
  // A group that has begun may use a whole slice, so that only a few of its goroutines are held one
  // by one.
  if (isOverdue() && (controlled || clock() - openedAt >= sliceMs)) hold(task);
  else task.begin();
  if (!next?.open) return;
  const { open } = next;
  next.open = undefined;
  if (holding) enqueueWatched(pause(next.g, openGate, open));
  else openGate(open);
}

function openGate(open: (value: void) => void): void {
  openedAt = clock();
  open();
}

/**
 * Lets a goroutine begin after a turn, and then at once. Otherwise those that were started after it
 * would overtake it.
 */
function hold(task: Beginning): void {
  void runAfterTurn(undefined, task.g).then(() => task.begin());
}

/** The goroutines that are queued for their turn. */
export function queued(): Goroutine[] {
  const all = yielding.map(({ g }) => g);
  for (let step = first; step !== undefined; step = step.next) all.push(step.g);
  return all;
}

/** The operations with which other code decides who continues (/synctest). */
export interface Control {
  /** Takes the steps that have been queued since the last call, in order. */
  readonly take: () => Step[];
  /** Runs one of them, so that its goroutine continues. */
  readonly run: (step: Step) => void;
  /** Gives control back to the scheduler. */
  readonly release: () => void;
}

/**
 * Makes every goroutine queue at each operation from now on, and continue only when the holder of
 * the control says so. Resolves when the coming turn of the event loop has passed.
 */
export async function takeControl(): Promise<Control> {
  while (turnIsComing || first) {
    await new Promise<void>((resolve) => {
      (host.setImmediate ?? setTimeout)(resolve);
    });
  }
  controlled = holding = true;
  turnIsComing = true;
  credit = 0;
  return {
    take: () => {
      const taken: Step[] = [];
      for (let step = first; step !== undefined; step = step.next) taken.push(step);
      first = last = undefined;
      for (const step of taken) step.next = undefined;
      return taken.concat(yielding.splice(0));
    },
    run,
    release: () => {
      controlled = false;
      turnIsComing = false;
      askForTurn();
    },
  };
}

/**
 * Reports deadlocks and uncaught errors from now on. Any wait, and frequent use, calls this too.
 */
export function watchProgram(): void {
  watch(() => grantedAt + credit);
}

/**
 * Stops all goroutines, because main has returned. From now on only those that get an error
 * continue, so that no failure is lost. The returned function undoes this, in case the program
 * continues all the same.
 */
export function freeze(): () => void {
  frozen = true;
  credit = 0;
  holding = true;
  turnIsComing = true;
  let step = first;
  first = last = undefined;
  while (step) {
    const { next } = step;
    step.next = undefined;
    (step.value === failing ? run : enqueue)(step);
    step = next;
  }
  return () => {
    frozen = false;
    turnIsComing = false;
    askForTurn();
  };
}

function enqueueWatched(step: Step): void {
  enqueue(step);
  if (--unwatched <= 0) watchRunner();
}

function enqueue(step: Step): void {
  if (last) last.next = step;
  else first = step;
  last = step;
}

/**
 * Watches the running goroutine, which may wait for something foreign. Asks for the latest moment
 * at which queued goroutines continue. Counts the microtasks of the running goroutine until the
 * queue is empty.
 */
function watchRunner(): void {
  unwatched = ++trust < 8 ? 0 : 256;
  askForTurn();
  if (nextTick !== undefined && !drainIsComing) {
    drainIsComing = true;
    nextTick(onDrained);
  }
  if (counting || holding || (trust > 8 && trust % 8 > 0)) return;
  counting = true;
  creditThen = 0;
  void resolved.then(countIdle);
}

/**
 * Called when all microtasks have run. So the running goroutine waits for something foreign, and
 * queued ones may continue.
 */
function onDrained(): void {
  drainIsComing = false;
  unwatched = 0;
  if (first && !holding) releaseAll();
}

/**
 * Counts the microtasks in which the running goroutine used no operation while others are queued.
 */
function countIdle(): void {
  if (!first || holding) counting = false;
  else if (credit !== creditThen) {
    creditThen = credit;
    idle = 0;
    void resolved.then(countIdle);
  } else if (++idle < patience) void resolved.then(countIdle);
  else {
    counting = false;
    releaseAll();
  }
}

function releaseAll(): void {
  trust = unwatched = 0;
  if (isOverdue()) return;
  runAll();
  if (first || holding) askForTurn();
}

function runNext(): void {
  const step = first as Step;
  first = step.next;
  if (!first) last = first;
  run(step);
}

/**
 * Runs the next step if no goroutine can run. If a goroutine has several waits, a step may end only
 * one of them. Then the next step follows.
 */
export function proceed(): void {
  if (isOverdue()) return;
  while (runnable <= 0 && first) runNext();
}

/** True if the slice is over. Each call costs credit. */
export function isOverdue(): boolean {
  return --credit <= 0 && lookAtClock();
}

function lookAtClock(): boolean {
  if (holding) return true;
  watchProgram();
  const now = clock();
  sliceStart ||= now;
  if (isSliceOver(now)) {
    holding = true;
    askForTurn();
    return true;
  }
  // Credit for the operations that fit a third of the slice at the present rate. So if operations
  // are slow, the clock is read often. (If no time has passed, that can be any number.)
  credit = granted = isTimeFake()
    ? checkEvery
    : Math.min(checkEvery, Math.ceil((granted * sliceMs) / 3 / (now - grantedAt)));
  grantedAt = now;
  return false;
}

function isSliceOver(now: number): boolean {
  return isTimeFake() ? ++looks >= fakeSlice : now - sliceStart >= sliceMs;
}

function askForTurn(): void {
  if (!turnIsComing) defer();
  turnIsComing = true;
}

function onTurn(): void {
  if (frozen) return;
  turnIsComing = false;
  unwatched = 0;
  holding = false;
  looks = 0;
  sliceStart = clock();
  grantedAt = sliceStart;
  granted = 1;
  credit = 1;
  const others = first;
  if (runnable <= 0 && !yielding.length) proceed();
  else runAll();
  if (first || holding) askForTurn();
  // Goroutines that yielded run after those that were held: one turn later, but never later than
  // that.
  if (others && !yieldersWaited && yielding.length) {
    yieldersWaited = true;
    askForTurn();
    return;
  }
  yieldersWaited = false;
  for (const step of yielding.splice(0)) run(step);
}

/**
 * Runs all steps in order, until it is time to hold again: many goroutines may take long to start.
 */
function runAll(): void {
  for (let n = 0; first && !holding;) {
    runNext();
    holding = ++n % checkEvery === 0 && isSliceOver(clock());
  }
}

/**
 * The goroutines that the queued microtasks will announce, in order. Main follows the last one and
 * precedes the first.
 */
let announced: Goroutine[] = [];
let heard = 0;
let noted = 0;

/**
 * Sets `current` to g when g's code continues. That code runs in a microtask. `resolve` queues it,
 * or the await of a resolved promise does. So this function queues a microtask right before it, and
 * that one sets `current`. If no other goroutine can run, this is not needed.
 */
function runAs(g: Goroutine): void {
  announced[noted++] = g;
  void resolved.then(announce);
}

function announce(): void {
  setCurrent(announced[heard] as Goroutine);
  announced[heard++] = main;
  if (heard < noted) return;
  heard = noted = 0;
  if (announced.length > 1024) announced = [];
}

/**
 * The return value of an operation of several steps. When it is over, `current` is the goroutine
 * that began it.
 */
export function restoreAfter<T>(operation: Promise<T>): Promise<T> {
  const g = current();
  return new Promise<T>((resolve, reject) => {
    operation.then(
      (value) => settle(g, resolve, value, false),
      (error: unknown) => {
        noteFailure(g, error, g.state);
        settle(g, reject, error, true);
      },
    );
  });
}

/**
 * Continues goroutine g, which was not in a wait, by `go(value)`: now, or after a turn of the event
 * loop.
 */
function settle<T>(g: Goroutine, go: (value: T) => void, value: T, isError: boolean): void {
  if (isOverdue() && !(frozen && isError))
    enqueueWatched(isError ? pause(g, () => go(value), failing) : pause(g, go, value));
  else {
    runAs(g);
    go(value);
  }
}

// The host's own functions, taken at load: a test framework's fake timers must not stop the
// scheduler.
const defer: () => void = makeDefer();
/** Bun's nextTick does not wait for the microtasks. */
const nextTick =
  host.Bun === undefined && !isFake(host.process?.nextTick) ? host.process?.nextTick?.bind(host.process) : undefined;

/** A function that calls onTurn after timers and I/O have had their turn. */
function makeDefer(): () => void {
  const immediate = isFake(host.setImmediate) ? undefined : host.setImmediate;
  if (immediate) return () => void immediate(onTurn);
  if (!host.MessageChannel) return () => void setTimeout(onTurn);
  // In browsers a message to oneself is not delayed by 4 ms, as a nested setTimeout is.
  const { port1, port2 } = new host.MessageChannel();
  port1.onmessage = () => {
    port1.unref?.();
    onTurn();
  };
  port1.unref?.();
  return () => {
    port1.ref?.();
    port2.postMessage(undefined);
  };
}
