// The end of a program that cannot continue: panics, fatal errors, deadlocks and SIGQUIT, with Go's
// texts on stderr and exit status 2.
//
// The deadlock report needs no polling. Node emits `beforeExit` exactly when nothing is left that
// could wake a goroutine (no timer, socket, child or pending I/O). If goroutines are parked then,
// they are parked for ever. The report waits for a second `beforeExit`, because other listeners of
// the first may have started new work.
//
// An uncaught error outside of goroutines is a panic too. The host reports it to this library, and
// the program's own listeners still get it. When main has returned, the process ends one turn of
// the event loop later. By then the host has reported all earlier failures.
//
// If there is no process to end (browsers), the text goes to the console and the error to
// `reportError`. A browser also does not tell that the event loop ran dry, and a click may wake a
// goroutine at any time. So a deadlock is only suspected: every goroutine is parked, none of our
// timers is pending, and nothing has happened for a second or two.

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
import { elsewhere, observer } from "./hooks.ts";
import { host, type Process } from "./host.ts";
import { type Copy, listen } from "./process.ts";
import { isCancellation } from "./thrown.ts";

let installed = false;
/** The state of the function given to `main`. */
let mainIs: "none" | "running" | "gone" | "over" = "none";
/** True if the event loop ran dry, which tells the end of a program from its `process.exit`. */
let dry = false;
let suspected = false;
// The host's own functions, taken at load: the fake timers of a test framework must not keep a
// program from ending.
const { setImmediate } = host;

const rejection = "unhandledRejection";

/** Held here, because the process holds copies of the library only weakly. */
const copy: Copy = {
  beforeExit: ranDry,
  exit: (code) => {
    // 13 is Node's status for a top-level await that never ends. If another part of the program has
    // set a status, that one stays.
    if (!dry || (code !== 13 && host.process?.exitCode !== 13) || countedWaits() === 0) return;
    (host.process as Process).exitCode = 2;
    write(deadlock());
  },
  // The monitor observes uncaught errors, and does not change anything for code that catches them.
  uncaughtExceptionMonitor: (error) => {
    if (count("uncaughtException") === 0 && !host.process?.hasUncaughtExceptionCaptureCallback?.()) crash(error);
  },
  // Bun's monitor does not get rejections.
  ...(host.Bun !== undefined && { [rejection]: (error: unknown) => count(rejection) === 1 && crash(error) }),
  // On Deno this listener would keep the event loop alive under a top-level await.
  ...(!host.Deno && {
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
 * Watches from now on for a deadlock, for uncaught errors, and for SIGQUIT (Ctrl-\\), which ends
 * the program with a dump. `activity` returns another number whenever something has happened.
 */
export function watch(activity: () => number): void {
  if (installed) return;
  installed = true;
  heedEnvironment();
  if (!host.process?.on) suspectDeadlocks(activity);
  else listen(copy);
}

function ranDry(): void {
  dry = true;
  // What main still waits for is foreign, if it is nothing of this library, and never comes either.
  const asleep = countedWaits() > 0 || mainIs === "running";
  if (!asleep && mainIs !== "gone") return;
  // Top-level code is main, and the program ends when it ends. A goroutine that still waits is then
  // no deadlock: it only waits for work that will not come.
  if (mainIs === "none" && mainActs && main.waits === 0) return;
  if (holders > 0) {
    // Something that does not keep the event loop alive may still wake a goroutine, so the process
    // waits for that.
    open ??= setInterval(() => undefined, 0x7fffffff);
    return;
  }
  if (suspected || !setImmediate) {
    stop(asleep ? deadlock() : "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n");
  }
  suspected = true;
  setImmediate?.(() => undefined);
}

function deadlock(how = "fatal error"): string {
  return `${how}: all goroutines are asleep - deadlock!\n\n${dump(dormant())}${stacksHint()}`;
}

/**
 * Looks once a second. If all goroutines are asleep at two looks in a row, and nothing happened in
 * between, it reports that once.
 */
function suspectDeadlocks(activity: () => number): void {
  let before: number | undefined;
  const timer: unknown = setInterval(() => {
    const now = runnable > 0 || alarms > 0 || holders > 0 ? undefined : activity();
    if (now !== undefined && now === before) {
      clearInterval(timer as number);
      host.console.error(deadlock("suspected"));
    }
    before = now;
  }, 1000);
  (timer as { unref?: () => void }).unref?.();
}

let holders = 0;
let open: ReturnType<typeof setInterval> | undefined;

/**
 * Adds (1) or removes (-1) something that may wake goroutines but does not keep the event loop
 * alive, such as a signal handler. While there is one, a program whose goroutines are all parked
 * waits instead of reporting a deadlock.
 */
export function holdOpen(change: 1 | -1): void {
  holders += change;
  // If the event loop runs dry again, the check runs again from the start.
  clearInterval(open);
  open = undefined;
}

/** The function given to `main` has begun. */
export function mainBegins(): void {
  mainIs = "running";
}

/**
 * Records that main called Goexit. Then the program may end only by `process.exit` or by a deadlock
 * report.
 */
export function mainCalledGoexit(): void {
  mainIs = "gone";
}

/** Reports a fatal error, which no handler can catch. Throws only if there is no process to end. */
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
  // The return of main has cancelled some goroutines. These end together with the program.
  if (mainIs === "over" && isCancellation(error)) return;
  let report: string;
  try {
    report = panicReport(g, error);
    if (stackOf(g, error) === "") report += stacksHint();
  } catch {
    report = `panic: panic while printing panic value\n\n${block(g, "running", "")}`;
  }
  stop(report);
  if (host.reportError) host.reportError(error);
  // Without a process and without reportError, an unhandled rejection is the most visible report.
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what was thrown is passed on as it is
  else void Promise.reject(error);
}

/**
 * Ends the program with the status that it has set, 0 by default. It waits until the output to full
 * pipes is written. But it ends by a panic if an operation has failed and its promise is not
 * awaited. The host reports such failures before its next turn. `failed` is called if the process
 * does not end.
 */
export function exit(failed: () => void): void {
  const { process } = host;
  if (!process?.exit) {
    failed();
    return;
  }
  mainIs = "over";
  if (count(rejection) === 0) process.on?.(rejection, crash);
  const end = (): void => {
    try {
      process.exit?.();
    } finally {
      mainIs = "none";
      process.off?.(rejection, crash);
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
 * The goroutines that are asleep when the event loop ran dry. A goroutine without a wait of this
 * library has come through a foreign await. Then its wait was booked on another goroutine, which
 * has several waits. If no goroutine has several, it waits for a promise that never settles.
 */
function dormant(): Listed[] {
  const all = list().filter(
    ({ goroutine, state }) => goroutine !== main || state !== "IO wait" || mainIs === "running",
  );
  const booked = observer ? [] : all.filter(({ goroutine }) => goroutine.others);
  for (const entry of all) {
    if (entry.goroutine.waits > 0) continue;
    let state: State | undefined;
    for (const { others } of booked) state ??= takeState(others);
    entry.state = state ?? "IO wait";
  }
  return all;
}

function stop(text: string): void {
  (elsewhere.end ?? write)(text);
  host.process?.exit?.(2);
}

function write(text: string): void {
  const stderr = host.process?.stderr;
  if (!host.process?.exit || !stderr) {
    host.console.error(text);
    return;
  }
  // Buffered output of a stream is lost when the process exits. So the text is written at once,
  // even if the reader is slow.
  stderr._handle?.setBlocking?.(true);
  stderr.write(text);
}
