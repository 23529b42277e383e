// How a program ends that cannot go on: panics, fatal errors, deadlocks and SIGQUIT, with Go's texts on stderr and exit
// status 2.
//
// The deadlock report needs no polling: Node emits `beforeExit` exactly when nothing is left that could wake anybody (no
// timer, socket, child or pending I/O). If goroutines are parked then, they are parked for ever. The report waits for a
// second `beforeExit`, since other listeners of the first may have started work of their own.
//
// Where there is no process to end (browsers), the text goes to the console and the error to `reportError`. Nor does
// anything say there that the event loop ran dry, and a click may wake a goroutine at any time: so a deadlock is only
// suspected, when every goroutine is parked, no timer of ours is pending and nothing has happened for a second or two.

import { alarms } from "./clock.ts";
import { block, dump, frames, panicReport } from "./dump.ts";
import { current, list, type Listed, main, runnable, takeState, type Goroutine, type State } from "./goroutine.ts";
import { observer } from "./hooks.ts";

interface Output {
  readonly _handle?: { setBlocking?: (on: boolean) => void };
  readonly writableLength?: number;
  readonly write: (text: string, written?: () => void) => unknown;
}
interface Process {
  on?: (event: string, listener: () => void) => unknown;
  listenerCount?: (event: string) => number;
  exit?: (code?: number) => never;
  stdout?: Output;
  stderr?: Output;
}
interface Host {
  process?: Process;
  Deno?: unknown;
  setImmediate?: (fn: () => void) => unknown;
  reportError?: (error: unknown) => void;
  console: { error: (text: string) => void };
}
const host = globalThis as unknown as Host;

let installed = false;
let mainIsGone = false;

/**
 * Watches from now on for a deadlock, and for SIGQUIT (Ctrl-\), which ends the program with a dump. `isAnyParked` tells
 * whether any goroutine waits; `activity` gives another number whenever something has happened.
 */
export function atDeadlock(isAnyParked: () => boolean, activity: () => number): void {
  if (installed) return;
  installed = true;
  if (host.process?.on === undefined) {
    suspectDeadlocks(activity);
    return;
  }
  // On Deno it would keep the event loop alive under a top-level await.
  if (host.Deno === undefined) {
    host.process.on("SIGQUIT", () => {
      // A program that handles the signal itself decides what becomes of it.
      if (host.process?.listenerCount?.("SIGQUIT") === 1) stop(`SIGQUIT: quit\n\n${dump(list())}`);
    });
  }
  let suspected = false;
  host.process.on("beforeExit", () => {
    const asleep = isAnyParked();
    if (!asleep && !mainIsGone) return;
    if (holders > 0) {
      // Somebody outside the event loop's books may still wake a goroutine: wait for that.
      open ??= setInterval(() => undefined, 0x7fffffff);
      return;
    }
    if (suspected || host.setImmediate === undefined) {
      stop(
        asleep
          ? `fatal error: all goroutines are asleep - deadlock!\n\n${dump(dormant())}`
          : "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n",
      );
    }
    suspected = true;
    host.setImmediate?.(() => undefined);
  });
}

/** Looks once a second; two looks in a row that find everybody asleep, and nothing done in between, are reported, once. */
function suspectDeadlocks(activity: () => number): void {
  let before: number | undefined;
  const timer: unknown = setInterval(() => {
    const now = runnable > 0 || alarms > 0 || holders > 0 ? undefined : activity();
    if (now !== undefined && now === before) {
      clearInterval(timer as number);
      host.console.error(`suspected: all goroutines are asleep - deadlock!\n\n${dump(dormant())}`);
    }
    before = now;
  }, 1000);
  (timer as { unref?: () => void }).unref?.();
}

let holders = 0;
let open: ReturnType<typeof setInterval> | undefined;

/**
 * Says by 1 that something which does not keep the event loop alive (a signal handler) may wake goroutines, and
 * by -1 that it may no longer. While there are such, a program whose goroutines are all parked waits instead of reporting a
 * deadlock.
 */
export function holdOpen(change: 1 | -1): void {
  holders += change;
  // Where the event loop runs dry once more, it is looked at anew who holds it open, and for whom.
  clearInterval(open);
  open = undefined;
}

/** After this the program may only end by `process.exit` or by a deadlock report. */
export function mainCalledGoexit(): void {
  mainIsGone = true;
}

/** A fatal error: no handler can catch it. Throws only where there is no process to end. */
export function fatal(text: string): never {
  const error = new Error(text);
  const g = current();
  const others = list().filter((entry) => entry.goroutine !== g && entry.goroutine !== main);
  stop(`fatal error: ${text}\n\n${block(g, "running", frames(error))}${others.length > 0 ? `\n${dump(others)}` : ""}`);
  host.reportError?.(error);
  throw error;
}

/** Ends the program because goroutine g threw and nobody caught it. */
export function panic(g: Goroutine, error: unknown): void {
  let report: string;
  try {
    report = panicReport(g, error);
  } catch {
    report = `panic: panic while printing panic value\n\n${block(g, "running", "")}`;
  }
  stop(report);
  if (host.reportError !== undefined) host.reportError(error);
  // Without a process and without reportError an unhandled rejection is the loudest thing there is.
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what was thrown is passed on as it is
  else void Promise.reject(error);
}

/** Ends the program with the status it has set, 0 by default, as soon as what it has printed to pipes that are full is out. */
export function exit(): void {
  const { stdout, stderr } = host.process ?? {};
  const full = [stdout, stderr].filter((stream) => (stream?.writableLength ?? 0) > 0);
  let left = full.length;
  const end = (): unknown => host.process?.exit?.();
  if (left === 0) end();
  for (const stream of full) stream?.write("", () => --left === 0 && end());
}

/**
 * Who is asleep when the event loop ran dry. A goroutine in none of our waits has come through a foreign await, so what it
 * waits for was booked on another one that has several waits; if there is none, it waits for a promise that never settles.
 */
function dormant(): Listed[] {
  const all = list().filter(({ goroutine, state }) => goroutine !== main || state !== "running");
  const booked = observer === undefined ? all.filter(({ goroutine }) => goroutine.others) : [];
  for (const entry of all) {
    if (entry.goroutine.waits > 0) continue;
    let state: State | undefined;
    for (const { others } of booked) state ??= takeState(others);
    entry.state = state ?? "IO wait";
  }
  return all;
}

function stop(text: string): void {
  const process = host.process;
  if (process?.exit === undefined) {
    host.console.error(text);
    return;
  }
  // What a stream keeps for later is lost when the process exits: however slowly it is read, it is written now.
  process.stderr?._handle?.setBlocking?.(true);
  process.stderr?.write(text);
  process.exit(2);
}
