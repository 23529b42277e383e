// How a program ends that cannot go on: panics, fatal errors, deadlocks and SIGQUIT, with Go's texts on stderr and exit
// status 2.
//
// The deadlock report needs no polling: Node emits `beforeExit` exactly when nothing is left that could wake anybody (no
// timer, socket, child or pending I/O). If goroutines are parked then, they are parked for ever. The report waits for a
// second `beforeExit`, since other listeners of the first may have started work of their own.
//
// An error that nobody catches outside of goroutines is a panic too: the host tells of it without
// being kept from telling the program's own listeners. When main has returned, the process ends a turn
// of the event loop later, so that the host has told of what had failed by then.
//
// Where there is no process to end (browsers), the text goes to the console and the error to `reportError`. Nor does
// anything say there that the event loop ran dry, and a click may wake a goroutine at any time: so a deadlock is only
// suspected, when every goroutine is parked, no timer of ours is pending and nothing has happened for a second or two.

import { alarms } from "./clock.ts";
import { block, dump, frames, panicReport, stackOf } from "./dump.ts";
import { heedEnvironment, stacksHint } from "./environment.ts";
import { culprit } from "./failures.ts";
import {
  countedWaits,
  current,
  list,
  type Listed,
  main,
  mainActs,
  runnable,
  takeState,
  type Goroutine,
  type State,
} from "./goroutine.ts";
import { observer } from "./hooks.ts";
import { host, type Process } from "./host.ts";
import { type Copy, listen } from "./process.ts";
import { isCancellation } from "./thrown.ts";

let installed = false;
/** What became of the function given to `main`. */
let mainIs: "none" | "running" | "gone" | "over" = "none";
let suspected = false;
// The host's own functions, taken at load: fake timers of a test framework must not keep a program
// from ending.
const { setImmediate } = host;

const rejection = "unhandledRejection";

/** Held here, since the process holds copies of the library weakly. */
const copy: Copy = {
  beforeExit: ranDry,
  exit: (code) => {
    // How Node names a top-level await that never ends; nobody else may give the status a meaning.
    if ((code !== 13 && host.process?.exitCode !== 13) || countedWaits() === 0) return;
    (host.process as Process).exitCode = 2;
    write(deadlock());
  },
  // It tells of what nobody has caught, and changes nothing for who does catch it.
  uncaughtExceptionMonitor: (error) => {
    if (count("uncaughtException") === 0 && !host.process?.hasUncaughtExceptionCaptureCallback?.()) crash(error);
  },
  // Bun's is not told of rejections.
  ...(host.Bun !== undefined && { [rejection]: (error: unknown) => count(rejection) === 1 && crash(error) }),
  // On Deno it would keep the event loop alive under a top-level await.
  ...(host.Deno === undefined && {
    SIGQUIT: () => {
      // A program that handles the signal itself decides whether it ends.
      if (count("SIGQUIT") === 1) stop(`SIGQUIT: quit\n\n${dump(list())}${stacksHint()}`);
    },
  }),
};

function count(event: string): number {
  return host.process?.listenerCount?.(event) ?? 0;
}

function crash(error: unknown): void {
  panic(culprit(error), error);
}

/**
 * Watches from now on for a deadlock, for errors that nobody catches, and for SIGQUIT (Ctrl-\\),
 * which ends the program with a dump. `activity` gives another number whenever something has
 * happened.
 */
export function watch(activity: () => number): void {
  if (installed) return;
  installed = true;
  heedEnvironment();
  if (host.process?.on === undefined) suspectDeadlocks(activity);
  else listen(copy);
}

function ranDry(): void {
  const asleep = countedWaits() > 0;
  if (!asleep && mainIs !== "gone") return;
  // Top-level code is main, and its end is the program's: who waits then, waits for work that does
  // not come.
  if (mainIs === "none" && mainActs && main.waits === 0) return;
  if (holders > 0) {
    // Somebody outside the event loop's books may still wake a goroutine: wait for that.
    open ??= setInterval(() => undefined, 0x7fffffff);
    return;
  }
  if (suspected || setImmediate === undefined) {
    stop(asleep ? deadlock() : "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n");
  }
  suspected = true;
  setImmediate?.(() => undefined);
}

function deadlock(): string {
  return `fatal error: all goroutines are asleep - deadlock!\n\n${dump(dormant())}${stacksHint()}`;
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

/** The function given to `main` has begun. */
export function mainBegins(): void {
  mainIs = "running";
}

/** After this the program may only end by `process.exit` or by a deadlock report. */
export function mainCalledGoexit(): void {
  mainIs = "gone";
}

/** A fatal error: no handler can catch it. Throws only if there is no process to end. */
export function fatal(text: string): never {
  const error = new Error(text);
  const g = current();
  const others = list().filter((entry) => entry.goroutine !== g);
  stop(`fatal error: ${text}\n\n${block(g, "running", frames(error))}${others.length > 0 ? `\n${dump(others)}` : ""}`);
  host.reportError?.(error);
  throw error;
}

/** Ends the program because goroutine g threw and nobody caught it. */
export function panic(g: Goroutine, error: unknown): void {
  // Goroutines that the return of main has cancelled end with the program.
  if (mainIs === "over" && isCancellation(error)) return;
  let report: string;
  try {
    report = panicReport(g, error);
    if (stackOf(g, error) === "") report += stacksHint();
  } catch {
    report = `panic: panic while printing panic value\n\n${block(g, "running", "")}`;
  }
  stop(report);
  if (host.reportError !== undefined) host.reportError(error);
  // Without a process and without reportError an unhandled rejection is the loudest thing there is.
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what was thrown is passed on as it is
  else void Promise.reject(error);
}

/**
 * Ends the program with the status it has set, 0 by default, as soon as what it has printed to
 * pipes that are full is out; but by a panic where an operation has failed and nobody awaits it,
 * which the host tells before its next turn. `failed` is called if the process does not end.
 */
export function exit(failed: () => void): void {
  const { process } = host;
  if (process?.exit === undefined) {
    failed();
    return;
  }
  mainIs = "over";
  if (count(rejection) === 0) process.on?.(rejection, crash as () => void);
  const end = (): void => {
    try {
      process.exit?.();
    } finally {
      mainIs = "none";
      process.off?.(rejection, crash as () => void);
      failed();
    }
  };
  const leave = (): void => {
    const full = [process.stdout, process.stderr].filter((stream) => stream?.writableLength);
    let left = full.length;
    if (left === 0) end();
    for (const stream of full) stream?.write("", () => --left === 0 && end());
  };
  (setImmediate ?? ((fn: () => void) => fn()))(leave);
}
/**
 * Who is asleep when the event loop ran dry. A goroutine in none of our waits has come through a foreign await, so what it
 * waits for was booked on another one that has several waits; if there is none, it waits for a promise that never settles.
 */
function dormant(): Listed[] {
  const all = list().filter(
    ({ goroutine, state }) => goroutine !== main || state !== "IO wait" || mainIs === "running",
  );
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
  write(text);
  host.process?.exit?.(2);
}

function write(text: string): void {
  const stderr = host.process?.stderr;
  if (host.process?.exit === undefined || stderr === undefined) {
    host.console.error(text);
    return;
  }
  // What a stream keeps for later is lost when the process exits: however slowly it is read, it is written now.
  stderr._handle?.setBlocking?.(true);
  stderr.write(text);
}
