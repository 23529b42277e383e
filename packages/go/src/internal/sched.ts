// What runs next, and when the event loop gets a turn.
//
// Goroutines are async functions and the JavaScript engine runs them; the scheduler decides only when a promise of ours
// resolves. Each operation that is awaited ends in exactly one of
//   completed / completedWith   it did not have to wait,
//   park … resume               it waited until somebody woke it.
// While one goroutine runs and all others wait, those that it wakes queue up until it waits itself, as on one P of Go's. Then
// only one is ever under way, and a producer fills its buffer before the consumer empties it. It may also wait for something
// foreign, which nobody tells us. So who queues goes on when all microtasks have run (where the
// host tells that), or when the one that runs has used none of our operations for so many
// microtasks that it cannot be on its way to the next one.
//
// To count those takes a microtask of ours for each of theirs. With that at every wake-up a
// transfer took 20 % longer; so it is done as long as goroutines are seen to wait for something
// foreign, and now and then besides.
//
// Where several can run, a microtask before each announces it to `current`. That takes 20 to 25 ns, half as much as an await
// that does not wait; with it everywhere, a transfer over a buffered channel took twice as long. Tried and rejected: setting
// `current` at once when the next one is let go on (ping-pong another 15 % faster), for who parks may have more to do before
// it suspends, and would do it in the other's name.
//
// Awaits use up credit. When the credit is gone the clock is read, and when a slice of time is over, the scheduler *holds*:
// from then on every operation that completes, every wake-up and every start queues up for the next turn of the event loop,
// so that timers and I/O run however hot the goroutines are (Go's sysmon preempts after 10 ms).
//
// Nothing here keeps a goroutine alive: a parked one is reachable only through what it waits on.

import { isFake, isTimeFake } from "./clock.ts";
import { noteFailure } from "./failures.ts";
import { watch } from "./fatal.ts";
import {
  countRunnable,
  current,
  enterWait,
  leaveWait,
  mainActs,
  noteUse,
  runnable,
  setCurrent,
  type Goroutine,
  type State,
} from "./goroutine.ts";
import { observer } from "./hooks.ts";
import { host } from "./host.ts";

/**
 * Milliseconds between turns of the event loop. Far below the 10 ms promised: on a machine whose cores are all busy the
 * process itself gets only a few milliseconds at a time, and timers must get theirs of those. A turn costs about 3 µs.
 */
const slice = 1;
/** The clock is read once in so many operations at most (35 ns for the clock; 64 makes it 0.5 ns an operation). */
const batch = 64;
/**
 * So many microtasks without an operation of ours mean that who runs waits for something foreign.
 * To return through as many async functions takes one each.
 */
const patience = 16;

/** While time is a test's, a slice is so many looks at the clock: how busy the machine is must not show. */
const fakeSlice = 256;

// Taken at load, as the host's functions below are; looked up again if it is a test's by then.
const clock = isTimeFake() ? (): number => performance.now() : performance.now.bind(performance);
const resolved: Promise<void> = Promise.resolve();

// The first operation of all finds no credit, which is when the deadlock report is installed.
let credit = 1;
let granted = 1;
let grantedAt = 0;
let sliceStart = 0;
let holding = false;
/** How often the clock was looked at in this slice, while time is a test's. */
let looks = 0;
/** How many steps were run. */
let ran = 0;
/** Who goes on later, in order. */
let first: Step | undefined;
let last: Step | undefined;
const yielding: Step[] = [];
let yieldersWaited = false;
let turnIsComing = false;
/** Whether we are told when all microtasks have run. */
let drainIsComing = false;
/**
 * Whether the microtasks without an operation are counted now, how many there were, and the credit
 * when they began.
 */
let counting = false;
let idle = 0;
let creditThen = 0;
/**
 * How many times who ran was watched and came to nothing foreign, since the last time that it did.
 */
let trust = 0;
/** After so many more wake-ups, who runs is watched again; at once after each turn and drain. */
let unwatched = 0;
/** Main has returned: nobody goes on but by an error. */
let frozen = false;

/** One goroutine that is to go on: by `go(value)`, as g. */
interface Step {
  next: Step | undefined;
  readonly g: Goroutine;
  /** The wait that this ends, if it is one. */
  readonly state: State | undefined;
  readonly go: (value: never) => void;
  readonly value: unknown;
}

function run({ g, state, go, value }: Step): void {
  ran++;
  if (state) leaveWait(g, state);
  else {
    countRunnable(1);
    if (g.waits === 0) g.state = "running";
  }
  // Not at once: who parks may have more to do before it suspends.
  runAs(g);
  go(value as never);
}

/** What an operation without a result returns when it did not wait. */
export function completed(): Promise<void> {
  return mayGoOn() ? resolved : runAfterTurn(undefined);
}

/** What an operation with a result returns when it did not wait. */
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
 * What an operation returns that fails without waiting; `state` is the wait that it would have
 * been.
 */
export function failed(error: unknown, state?: State): Promise<never> {
  const g = current();
  if (observer !== undefined) observer.failed(g);
  noteFailure(g, error, state);
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what a stage threw is passed on as it is
  if (mayGoOn() || frozen) return Promise.reject(error);
  return new Promise((_, reject) => later(pause(g, () => reject(error), failing)));
}

/** The error of an operation that panics; `above`, and what it calls, is left out of its stack. */
export function misuse(message: string, above: (...args: never[]) => unknown = misuse): Error {
  watchProgram();
  const error = new Error(message);
  (Error as { captureStackTrace?: (error: Error, above: unknown) => void }).captureStackTrace?.(error, above);
  return error;
}

/** For loops that go on without a promise: one where the event loop is to have its turn first. */
export function turnIfDue(): Promise<void> | undefined {
  return isOverdue() ? runAfterTurn<void>(undefined) : undefined;
}

/** What an operation returns that did not wait, but is held. */
function runAfterTurn<T>(value: T, g: Goroutine = current()): Promise<T> {
  return new Promise<T>((resolve) => later(pause(g, resolve, value)));
}

/** Resolves when everyone who can run has run, and the event loop had a turn. */
export function yieldToAll(): Promise<void> {
  askForTurn();
  return new Promise<void>((resolve) => {
    yielding.push(pause(current(), resolve, undefined));
    proceed();
  });
}

/** Resolves when everyone has done what needs no time to pass: nobody went on in two turns of the event loop. */
export async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    const before = ran;
    await yieldToAll();
    // The one step is ours.
    quiet = ran - before > 1 ? 0 : quiet + 1;
  }
}

/** Goroutine g pauses, in no wait, until the step is run. */
function pause<T>(g: Goroutine, go: (value: T) => void, value: T): Step {
  countRunnable(-1);
  if (g.waits === 0) g.state = "runnable";
  return stepOf(g, undefined, go, value);
}

function stepOf<T>(g: Goroutine, state: State | undefined, go: (value: T) => void, value: T): Step {
  return { next: undefined, g, state, go, value };
}

/** Books a wait of goroutine g. The caller queues what will `resume` it. */
export function park(g: Goroutine, state: State): void {
  enterWait(g, state);
  proceed();
}

/**
 * Ends a wait that `park` booked: resolves its promise, in order of the calls. While one goroutine runs, those that it wakes
 * wait until it waits itself.
 */
export function resume<T>(g: Goroutine, state: State, resolve: (value: T) => void, value: T): void {
  (holding || runnable === 1 ? later : run)(stepOf(g, state, resolve, value));
}

/**
 * Gives the error of an operation. One that is made then leaves out `above`, and what it calls, of
 * its stack.
 */
export type MakeError = (above: () => never) => unknown;

/** The value of a step that ends in an error. */
const failing: unknown = Symbol("failing");

/**
 * Ends a wait with the error that `make` gives. Waiters carry no reject function, since a promise
 * that is resolved by a rejected one rejects; that one is made only when its waiter goes on, or it
 * would count as unhandled meanwhile.
 */
export function resumeWithError(g: Goroutine, state: State, resolve: (value: never) => void, make: MakeError): void {
  const step = stepOf(g, state, () => fail(g, state, resolve, make), failing);
  (!frozen && (holding || runnable === 1) ? later : run)(step);
}

/**
 * The error is made where an engine that follows awaits backwards finds the waiter: in a reaction
 * whose promise the waiter's promise waits for already, which takes a microtask more.
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

/** Runs `begin(g)` in a microtask of its own, in order of the calls. */
export function start(g: Goroutine, begin: (g: Goroutine) => void): void {
  // Held as a promise too, whose reaction keeps the host's async context: that of the `go` statement. Not held twice, for
  // it would go behind those that were started after it.
  void resolved.then(() => (isOverdue() ? runAfterTurn(undefined, g).then(() => begin(g)) : begin(g)));
}

/** How many goroutines queue for their turn. */
export function queued(): number {
  let count = yielding.length;
  for (let step = first; step !== undefined; step = step.next) count++;
  return count;
}

/**
 * From now on deadlocks are reported, and errors that nobody catches. Any wait, and much use,
 * switches it on by itself.
 */
export function watchProgram(): void {
  watch(() => grantedAt + credit);
}

/**
 * Main has returned: from now on no goroutine goes on, except those that get an error, so that no
 * failure is lost. The function given back undoes that, in case the program goes on all the same.
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

function later(step: Step): void {
  enqueue(step);
  if (--unwatched <= 0) watchRunner();
}

function enqueue(step: Step): void {
  if (last) last.next = step;
  else first = step;
  last = step;
}

/**
 * Whoever runs may turn out to wait for something foreign: asks for the moment at which those who
 * queue go on at the latest, and counts the microtasks of who runs until nobody queues.
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

/** All microtasks have run: who runs waits for something foreign, and who queues may go on. */
function onDrained(): void {
  drainIsComing = false;
  unwatched = 0;
  if (first && !holding) releaseAll();
}

/** Counts the microtasks in which who runs used no operation while others queue. */
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

function runFirst(): void {
  const step = first as Step;
  first = step.next;
  if (!first) last = first;
  run(step);
}

/** Lets the next one go on if nobody else can. */
export function proceed(): void {
  if (!isOverdue() && runnable <= 0 && first) runFirst();
}

/** Whether the slice is over; costs credit. */
function isOverdue(): boolean {
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
  // As many operations as fit a third of the slice at the present rate, so that slow ones are looked at often.
  // (Where no time has passed, that is any number.)
  credit = granted = isTimeFake() ? batch : Math.min(batch, Math.ceil((granted * slice) / 3 / (now - grantedAt)));
  grantedAt = now;
  return false;
}

function isSliceOver(now: number): boolean {
  return isTimeFake() ? ++looks >= fakeSlice : now - sliceStart >= slice;
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
  // Who yielded goes after who was held: a turn later, but not later than that.
  if (others && !yieldersWaited && yielding.length) {
    yieldersWaited = true;
    askForTurn();
    return;
  }
  yieldersWaited = false;
  for (const step of yielding.splice(0)) run(step);
}

/** Lets everyone go on, in order, until it is time to hold again: starting many goroutines may take long. */
function runAll(): void {
  for (let n = 0; first && !holding;) {
    runFirst();
    holding = ++n % batch === 0 && isSliceOver(clock());
  }
}

/**
 * `current` must be g when g's code goes on. That code runs in a microtask which `resolve`, or the await of a promise that
 * is resolved, queues; so one is queued right before it that sets `current`. Where nobody else can run it is not needed.
 */
function runAs(g: Goroutine): void {
  void resolved.then(() => setCurrent(g));
}

/** What an operation of several steps returns: when it is over, `current` is the goroutine that began it. */
export function inSteps<T>(operation: Promise<T>): Promise<T> {
  const g = current();
  return new Promise<T>((resolve, reject) => {
    operation.then(
      (value) => goOn(g, resolve, value, false),
      (error: unknown) => {
        noteFailure(g, error, g.state);
        goOn(g, reject, error, true);
      },
    );
  });
}

/** Goroutine g, which was in no wait, goes on by `go(value)`: now, or when the event loop had a turn. */
function goOn<T>(g: Goroutine, go: (value: T) => void, value: T, isError: boolean): void {
  if (isOverdue() && !(frozen && isError)) later(isError ? pause(g, () => go(value), failing) : pause(g, go, value));
  else {
    runAs(g);
    go(value);
  }
}

// The host's own functions, taken at load: fake timers of a test framework must not stop the scheduler.
const defer: () => void = makeDefer();
/** Bun's does not wait for the microtasks. */
const nextTick =
  host.Bun === undefined && !isFake(host.process?.nextTick) ? host.process?.nextTick?.bind(host.process) : undefined;

/** What calls onTurn after timers and I/O had their turn. */
function makeDefer(): () => void {
  const immediate = isFake(host.setImmediate) ? undefined : host.setImmediate;
  if (immediate) return () => void immediate(onTurn);
  if (!host.MessageChannel) return () => void setTimeout(onTurn);
  // Browsers: a message to oneself is not clamped to 4 ms, as a nested setTimeout is.
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
