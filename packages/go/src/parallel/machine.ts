// An M: the work of a worker from its start to its end (after Go's schedule and findRunnable in
// runtime/proc.go).
//
// A worker runs its own newest task. Every 61st time it runs the first thread's oldest instead, so
// that no task waits for ever. If it has no task, it takes half of another worker's. If there are
// no tasks at all, it parks. If nothing on this thread can continue by itself, it parks on the
// futex of its bell. Otherwise it parks in the event loop, in which the bell's asynchronous wait
// works together with timers and I/O.
//
// Invariant: if there is a task and an idle worker, then some worker looks for work, or is woken to
// do so (Go's rule). `wakeIdle` is called after each push. A worker that has found work and was the
// last one looking also calls it. A worker first stops looking and then checks every deque once
// more. So it does not miss a task whose pusher relied on it.

import { crossings } from "../internal/crossings.ts";
import { create, remove, runnable, setCurrent, setForeign, type Goroutine } from "../internal/goroutine.ts";
import { elsewhere, observer } from "../internal/hooks.ts";
import { proceed, queued } from "../internal/sched.ts";
import { isGoexit } from "../internal/thrown.ts";
import {
  C_AWAITED,
  C_CASE,
  C_FN,
  C_FORM,
  C_OUTCOME,
  C_STATE,
  cellAt,
  cellsLent,
  home,
  LIFE,
  LOOKS,
  P_RAN,
  P_STOLEN,
  procAt,
  RETIRING,
  self,
  slotOf,
  SLOTS_USED,
  SPINNING,
  useOf,
  words,
} from "./arena.ts";
import { hasInbox, nextInbox, sendHome, setParked, sleep, unpark, wakeIdle, whenRung } from "./bell.ts";
import { complete, ERROR, fill, read, VALUE } from "./calls.ts";
import { decode, encode } from "./codec.ts";
import { endCopies, followed } from "./contexts.ts";
import { hasTasks, pop, steal, stealHalf } from "./deque.ts";
import { entryOf, functionOf, load } from "./functions.ts";
import { activeResources, afterMicrotasks, afterTurn, hasImmediate } from "./host.ts";
import { isAsked, report } from "./census.ts";
import { collect, expected } from "./post.ts";
import { Spinner } from "./spin.ts";
import { wake } from "./waits.ts";

/** The most tasks that are taken from another worker at once. */
const most = 128;
/** Milliseconds between turns of the event loop while there are tasks. */
const slice = 5;

let proc = 0;
/** The position of the counters of this worker's P. */
let counters = 0;
let looking = false;
/** True if tasks have run since the last microtasks did. */
let hasRun = false;
const spinner = new Spinner(150);
let ticks = 0;
let turnAt = 0;
/** The number of tasks that have begun here and not ended. */
let live = 0;
/**
 * The number of them that wait for their module or arguments. Meanwhile the worker takes no other
 * tasks, since it might delay them.
 */
let loading = 0;
/** The number of resources of an idle worker: the port to the thread that made it. */
const baseline = 1;
/** The tasks that are not awaited. They are goroutines of their callers. */
const forgotten = new WeakSet<Goroutine>();
let isComing = false;
let retired: () => void = () => undefined;
/**
 * True if no task has begun here that could call anything. Then a call comes from a module's top
 * level.
 */
export function isIdle(): boolean {
  return live === loading;
}

/**
 * True if this worker has begun to run tasks. Before that, the module with which it begins is
 * evaluated.
 */
export let isRunning = false;

/** Begins to run tasks. `onRetired` is called when the worker was asked to end, and has ended. */
export function runMachine(p: number, onRetired: () => void): void {
  isRunning = true;
  proc = p;
  counters = procAt(proc);
  retired = onRetired;
  // One turn later, the timer that calls this function does not count any more.
  turn();
}

/** Called if something on this thread may have given it work. */
export function nudge(): void {
  // A worker that is still starting has no P yet. It checks everything when it begins.
  if (isComing || !isRunning) return;
  isComing = true;
  afterMicrotasks(run);
}

function turn(): void {
  if (isComing) return;
  isComing = true;
  afterTurn(run);
}

function run(): void {
  isComing = false;
  resumeLooking();
  turnAt = performance.now() + slice;
  for (;;) {
    if (isAsked()) report(forgotten);
    if (takeInbox()) {
      // A worker that continues with its own work does not look for other work.
      stopLooking(true);
      nudge();
      return;
    }
    const task = takesTasks() ? next() : 0;
    if (task !== 0) {
      hasRun = true;
      const isOver = execute(task);
      if (!isOver) {
        nudge();
        return;
      }
      if ((ticks & 31) === 0 && performance.now() > turnAt) {
        turn();
        return;
      }
    } else if (!park()) return;
  }
}

/** Resumes callers whose outcome has arrived, and returns true if there were any. */
export function takeInbox(): boolean {
  let any = false;
  for (let reference = nextInbox(); reference !== 0; reference = nextInbox()) {
    any = true;
    if (!wake(reference)) complete(reference);
  }
  return any;
}

/** A task to run; 0 if there is no task anywhere. */
function next(): number {
  const isFairTurn = ++ticks % 61 === 0;
  const task = (isFairTurn ? steal(1) || steal(self) : 0) || pop() || steal1() || stealAny();
  if (task !== 0) stopLooking(true);
  return task;
}

/** Takes a task from the first thread, whose deque is the global queue. */
function steal1(): number {
  return stealFrom(1);
}

function stealAny(): number {
  startLooking();
  const used = Atomics.load(words, SLOTS_USED);
  for (let round = 0; round < 4; round++) {
    for (let n = 1; n <= used; n++) {
      const slot = ((self + n - 1) % used) + 1;
      const task = slot === self ? 0 : stealFrom(slot);
      if (task !== 0) return task;
    }
  }
  return 0;
}

function stealFrom(slot: number): number {
  const stolen = stealHalf(slot, most);
  if (stolen === undefined) return 0;
  if (slot !== 1) words[counters + P_STOLEN]! += stolen.moved;
  return stolen.task;
}

function startLooking(): void {
  if (looking) return;
  Atomics.add(words, SPINNING, 1);
  setLooking(true);
}

/**
 * Continues after it was parked. A worker that was woken to look for work counts as looking
 * already.
 */
function resumeLooking(): void {
  if (unpark()) setLooking(true);
}

function setLooking(on: boolean): void {
  looking = on;
  Atomics.store(words, home + LOOKS, on ? 1 : 0);
}

function stopLooking(found: boolean): void {
  if (!looking) return;
  setLooking(false);
  const others = Atomics.sub(words, SPINNING, 1) - 1;
  if (found && others === 0 && hasTasks()) wakeIdle();
}

/**
 * Parks, and returns true if there is something to do at once. Otherwise the event loop calls back.
 */
function park(): boolean {
  if (spins()) return true;
  // If it was woken for a task and takes none of them, it wakes another worker.
  stopLooking(!takesTasks());
  if (hasRun) {
    // Microtasks that the tasks have left come first.
    hasRun = false;
    nudge();
    return false;
  }
  const isRetiring = Atomics.load(words, home + LIFE) === RETIRING;
  if (isRetiring && live === 0 && cellsLent() === 0) {
    retired();
    return false;
  }
  setParked(takesTasks());
  if (hasWork() || isRetiring !== (Atomics.load(words, home + LIFE) === RETIRING)) {
    resumeLooking();
    return true;
  }
  if (mayBlock()) {
    sleep();
    resumeLooking();
    return true;
  }
  whenRung(nudge);
  // The worker may sleep after that has had its turn.
  if (hasImmediate()) turn();
  return false;
}

/**
 * True if something arrived while it spun. Of the workers that could take a task only one spins at
 * a time.
 */
function spins(): boolean {
  const takes = takesTasks();
  if ((takes && Atomics.load(words, SPINNING) > (looking ? 1 : 0)) || !spinner.isDue()) return false;
  if (takes) startLooking();
  const found = spinner.look(hasWork);
  spinner.note(found);
  return found;
}

function hasWork(): boolean {
  return hasInbox() || isAsked() || (takesTasks() && hasTasks());
}

/** True if this worker takes tasks now. */
function takesTasks(): boolean {
  return loading === 0 && Atomics.load(words, home + LIFE) !== RETIRING;
}

/**
 * True if nothing on this thread can continue by itself. Then no goroutine runs or is queued, no
 * timer and no I/O is pending, and no message is on its way. (A goroutine that waits for something
 * foreign counts as running.)
 */
function mayBlock(): boolean {
  return (
    runnable <= 1 &&
    loading === 0 &&
    expected() === 0 &&
    queued().length === 0 &&
    activeResources() <= baseline &&
    followed() === 0
  );
}

/** Runs a task, and returns true if it is over. */
function execute(task: number): boolean {
  elsewhere.task?.();
  const at = cellAt(task);
  Atomics.store(words, at + C_STATE, self);
  words[counters + P_RAN]!++;
  live++;
  const entry = entryOf(words[at + C_FN] as number);
  try {
    const fn = functionOf(entry);
    const key = words[at + C_FORM] as number;
    if (fn !== undefined && key === 0) return enter(task, fn, read(at, task));
    if (fn !== undefined) {
      loading++;
      collect(key, ({ bytes, extras }) => {
        loading--;
        begin(task, fn, () => decode(bytes, extras, task));
      });
      return false;
    }
  } catch (error) {
    finish(task, ERROR, error);
    return true;
  }
  loading++;
  void load(entry.module).then(
    () => {
      loading--;
      live--;
      words[counters + P_RAN]!--;
      execute(task);
      nudge();
      return undefined;
    },
    (error: unknown) => {
      loading--;
      finish(task, ERROR, error);
      nudge();
    },
  );
  return false;
}

function begin(task: number, fn: (...args: never[]) => unknown, args: () => unknown[]): void {
  try {
    enter(task, fn, args());
  } catch (error) {
    finish(task, ERROR, error);
  }
  nudge();
}

function enter(task: number, fn: (...args: never[]) => unknown, args: unknown[]): boolean {
  const g = create(fn);
  const at = cellAt(task);
  words[at + C_CASE] = g.id;
  if (words[at + C_AWAITED] === 0) forgotten.add(g);
  setCurrent(g);
  g.state = "running";
  let result: unknown;
  try {
    const run = (): unknown => {
      crossings?.began(task, useOf(task));
      return fn(...(args as never[]));
    };
    result = observer === undefined ? run() : observer.run(g, run);
  } catch (error) {
    end(g, task, ERROR, error);
    return true;
  } finally {
    setForeign();
  }
  if (typeof (result as PromiseLike<unknown> | undefined)?.then !== "function") {
    end(g, task, VALUE, result);
    return true;
  }
  void (result as PromiseLike<unknown>).then(
    (value) => end(g, task, VALUE, value),
    (error: unknown) => end(g, task, ERROR, error),
  );
  return false;
}

function end(g: Goroutine, task: number, outcome: number, value: unknown): void {
  crossings?.answered(task, useOf(task), g);
  remove(g);
  if (outcome === ERROR && isGoexit(value)) {
    finish(task, ERROR, new Error(`parallel: ${entryName(task)} called goexit, so it has no result`));
  } else finish(task, outcome, value);
  proceed();
  nudge();
}

function entryName(task: number): string {
  return entryOf(words[cellAt(task) + C_FN] as number).name;
}

/** Sends the outcome to the caller. */
function finish(task: number, outcome: number, value: unknown): void {
  live--;
  endCopies(task);
  const at = cellAt(task);
  try {
    words[at + C_OUTCOME] = outcome;
    fill(
      at,
      encode([value], () => (outcome === VALUE ? `the result of ${entryName(task)}` : `what ${entryName(task)} threw`)),
    );
  } catch (error) {
    words[at + C_OUTCOME] = ERROR;
    fill(
      at,
      encode([error], () => "an error"),
    );
  }
  Atomics.store(words, at + C_STATE, 0);
  if (slotOf(task) === self) {
    complete(task);
    nudge();
  } else sendHome(task);
}
