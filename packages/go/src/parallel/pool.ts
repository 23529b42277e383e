// The workers, from the point of view of the first thread. It starts them on demand, replaces them
// when they die, and ends them when there are fewer Ps.
//
// The first thread runs no tasks. Its deque is the global queue, and its bell rings when an outcome
// arrives for it. It never blocks for long. After a call it waits for the outcome on its futex for
// at most 50 µs, and only as long as that is worthwhile. Otherwise it waits in the event loop.

import { holdOpen } from "../internal/fatal.ts";
import { elsewhere } from "../internal/hooks.ts";
import { host } from "../internal/host.ts";
import {
  BELL,
  DEAD,
  FATAL,
  IDLE,
  INBOX_TAIL,
  LIFE,
  LIVE,
  makeArena,
  MAX_PROCS,
  memory,
  P_SLOT,
  procAt,
  PROCS,
  RETIRING,
  self,
  slotAt,
  SLOTS,
  SLOTS_USED,
  STARTING,
  UNUSED,
  words,
} from "./arena.ts";
import {
  allAsleep,
  hasInbox,
  onWake,
  ring,
  setParked,
  silence,
  unpark,
  waitParked,
  wakeIdle,
  whenRung,
} from "./bell.ts";
import { backlogged, callBy, failTasks, failTasksOf, pending } from "./calls.ts";
import { goroutinesOf } from "./census.ts";
import { queuedAt } from "./deque.ts";
import { afterMicrotasks, afterTurn, cores, expectThreads, mayBlock, startThread, type Thread } from "./host.ts";
import { takeInbox } from "./machine.ts";
import { traceScheduler } from "./schedtrace.ts";
import { Spinner } from "./spin.ts";
import { onWait, sharedWaits } from "./waits.ts";
import { expected, heard, type Mail, sendBy } from "./post.ts";

/** Threads by slot. */
const threads = new Map<number, Thread>();
/** For each P, the slot that runs it, or 0. */
const procs: number[] = [];
/** Milliseconds that the first thread waits for an outcome without its event loop. */
const moment = 0.05;
/** Milliseconds between turns of its event loop. */
const slice = 1;

let open = false;
let timer: { ref?: () => void; unref?: () => void } | undefined;

/** Makes the shared memory, if this is the first thread. */
export function openPool(): void {
  if (open || self !== 0) return;
  expectThreads();
  open = true;
  makeArena(Math.min(cores(), MAX_PROCS));
  sendBy((slot, message, moved) => threads.get(slot)?.post(message, moved));
  elsewhere.list = () => [...threads.keys()].flatMap(goroutinesOf);
}

/** Makes this thread the first. The pool opens at its first use. */
export function leadPool(): void {
  callBy({ ready: openPool, began: holdProcess, ended: holdProcess, pushed });
  onWait(openPool, waitBegan, holdProcess);
  // A worker that slept can now end a wait, also if this thread has waited for nothing new.
  onWake(holdProcess);
  traceScheduler(openPool, globalQueue);
}

/** True if the first thread waits for others. */
let isHeld = false;

/**
 * Keeps the process alive during a call or a wait. But it does not if no thread is left that could
 * end one. Then the host finds that there is nothing to do, and the deadlock is reported.
 */
function holdProcess(): void {
  // What is on its way over a port does not keep the event loop alive.
  const holds = (pending > 0 || sharedWaits > 0) && (!allAsleep() || hasInbox() || expected() > 0);
  if (holds === isHeld) return;
  isHeld = holds;
  holdOpen(holds ? 1 : -1);
  // The type is that of a timer in Node. In a browser a timer is a number, and a page lives anyway.
  timer ??= setInterval(() => undefined, 0x7fffffff) as unknown as NonNullable<typeof timer>;
  if (holds) timer.ref?.();
  else timer.unref?.();
}

function waitBegan(): void {
  holdProcess();
  pumpSoon();
}

function pushed(): void {
  if (Atomics.load(words, LIVE) < Atomics.load(words, PROCS) && Atomics.load(words, IDLE) <= 0) grow();
  pumpSoon();
}

/** Starts one more worker, if more are wanted. */
export function grow(): void {
  const wanted = Atomics.load(words, PROCS);
  for (let proc = 0; proc < wanted; proc++) {
    if ((procs[proc] ?? 0) !== 0) continue;
    startProc(proc);
    return;
  }
}

function freeSlot(): number {
  for (let slot = 2; slot <= SLOTS; slot++) {
    if (Atomics.load(words, slotAt(slot) + LIFE) === UNUSED) return slot;
  }
  throw new Error(`parallel: ${SLOTS - 1} workers have been used up; too many have died`);
}

function startProc(proc: number): void {
  const slot = freeSlot();
  procs[proc] = slot;
  Atomics.store(words, procAt(proc) + P_SLOT, slot);
  Atomics.store(words, slotAt(slot) + BELL, 0);
  // Its inbox is empty. The new thread begins to read it at the first place, whichever thread had
  // the slot before.
  Atomics.store(words, slotAt(slot) + INBOX_TAIL, 0);
  Atomics.store(words, slotAt(slot) + LIFE, STARTING);
  if (Atomics.load(words, SLOTS_USED) < slot) Atomics.store(words, SLOTS_USED, slot);
  Atomics.add(words, LIVE, 1);
  const module = entry();
  const thread = startThread(
    module,
    { arena: memory, slot, proc, entry: module.href },
    {
      message: (message) => hear(message as Message),
      ended: (code, error) => ended(slot, proc, code, error),
    },
  );
  threads.set(slot, thread);
}

let firstModule: string | undefined;
/**
 * Records the module with which workers begin in a bundle, since a bundle has no file of this
 * library.
 */
export function noteModule(module: string): void {
  firstModule ??= module;
}

function entry(): URL {
  const file = /\/parallel\/pool(\.[jt]s)$/.exec(import.meta.url);
  return file === null ? new URL(firstModule as string) : new URL(`./worker${file[1]}`, import.meta.url);
}

export type Message =
  | Mail
  | { readonly kind: "grow" }
  | { readonly kind: "relay"; readonly slot: number; readonly message: unknown }
  | { readonly kind: "procs"; readonly procs: number };

function hear(message: Message): void {
  switch (message.kind) {
    case "grow":
      if (Atomics.load(words, LIVE) < Atomics.load(words, PROCS)) grow();
      return;
    case "procs":
      setProcs();
      return;
    case "relay":
      threads.get(message.slot)?.post(message.message, []);
      return;
    case "put":
    case "drop":
    case "want":
    case "ahead":
    case "copy":
    case "parcel":
      heard(message);
  }
}

function ended(slot: number, proc: number, code: number, error: Error | undefined): void {
  if (!threads.delete(slot)) return;
  Atomics.sub(words, LIVE, 1);
  silence(slot);
  if (procs[proc] === slot) procs[proc] = 0;
  if (Atomics.load(words, FATAL) !== 0) host.process?.exit?.(2);
  const life = slotAt(slot) + LIFE;
  if (Atomics.load(words, life) === RETIRING) {
    Atomics.store(words, life, UNUSED);
    if (pending > 0) wakeOrGrow();
    return;
  }
  if (Atomics.exchange(words, life, DEAD) === STARTING) {
    failTasks(
      new Error(`parallel: no worker can be started: ${error?.message ?? `exit code ${code}`}`, { cause: error }),
    );
    return;
  }
  const said = error === undefined ? `it called process.exit(${code})` : error.message;
  const failure = new Error(`parallel: the worker that ran this task has ended: ${said}`, { cause: error });
  failTasksOf(slot, failure);
  for (const [other, thread] of threads) {
    thread.post({ kind: "died", slot, said: failure.message }, []);
    ring(other);
  }
  if (pending > 0 || queuedAt(slot) > 0) wakeOrGrow();
  // All remaining workers may be asleep.
  holdProcess();
}

function wakeOrGrow(): void {
  if (Atomics.load(words, LIVE) < Atomics.load(words, PROCS)) grow();
  else wakeIdle();
}

/** Called when the wanted number of Ps has changed. */
export function setProcs(): void {
  const wanted = Atomics.load(words, PROCS);
  for (let proc = wanted; proc < procs.length; proc++) {
    const slot = procs[proc] as number;
    if (slot === 0) continue;
    procs[proc] = 0;
    Atomics.store(words, slotAt(slot) + LIFE, RETIRING);
    ring(slot);
  }
  if (queuedAt(1) > 0) wakeOrGrow();
}

/** The number of calls that no worker has taken yet. */
export function globalQueue(): number {
  return open ? queuedAt(1) + backlogged : 0;
}

let isComing = false;
let sliceEnd = 0;
const spinner = new Spinner(75);

function pumpSoon(): void {
  if (isComing) return;
  isComing = true;
  afterMicrotasks(pump);
}

/** Resumes callers whose outcome has arrived. */
function pump(): void {
  isComing = false;
  unpark();
  if (takeInbox()) {
    again();
    return;
  }
  waitAMoment();
  setParked(false);
  if (hasInbox()) {
    unpark();
    takeInbox();
    again();
    return;
  }
  holdProcess();
  if (pending > 0 || sharedWaits > 0) whenRung(pump);
}

function again(): void {
  const now = performance.now();
  if (now < sliceEnd) {
    pumpSoon();
    return;
  }
  isComing = true;
  afterTurn(() => {
    sliceEnd = performance.now() + slice;
    pump();
  });
}

/** Waits for an outcome without the event loop, if that was worthwhile before. */
function waitAMoment(): void {
  if (!mayBlock || pending === 0 || performance.now() > sliceEnd + 10) {
    sliceEnd = performance.now() + slice;
  }
  if (!mayBlock || pending === 0 || !spinner.isDue()) return;
  if (!spinner.look(hasInbox)) {
    setParked(false);
    if (!hasInbox()) waitParked(moment);
  }
  spinner.note(hasInbox());
}
