// How a program ends that cannot go on: panics, fatal errors and deadlocks, with Go's texts on stderr and exit status 2.
//
// The deadlock report needs no polling: Node emits `beforeExit` exactly when nothing is left that could wake anybody (no
// timer, socket, child or pending I/O). If goroutines are parked then, they are parked for ever. The report waits for a
// second `beforeExit`, since other listeners of the first may have started work of their own.
//
// Where there is no process to end (browsers), the text goes to the console and the error to `reportError`.

import { current, list, main, type Goroutine, type State } from "./goroutine.ts";

interface Host {
  process?: {
    on?: (event: string, listener: () => void) => unknown;
    exit?: (code?: number) => never;
    stderr?: { write: (text: string) => unknown };
  };
  setImmediate?: (fn: () => void) => unknown;
  reportError?: (error: unknown) => void;
  console: { error: (text: string) => void };
}
const host = globalThis as unknown as Host;

let installed = false;
let mainIsGone = false;

/** Watches for a deadlock from now on. `isAnyParked` tells whether any goroutine waits. */
export function atDeadlock(isAnyParked: () => boolean): void {
  if (installed) return;
  installed = true;
  let suspected = false;
  host.process?.on?.("beforeExit", () => {
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

let holders = 0;
let open: ReturnType<typeof setInterval> | undefined;

/**
 * Says that something which does not keep the event loop alive (a signal handler) may wake goroutines. While there are
 * such, a program whose goroutines are all parked waits instead of reporting a deadlock. The result takes it back.
 */
export function holdOpen(): () => void {
  holders++;
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    if (--holders > 0) return;
    clearInterval(open);
    open = undefined;
  };
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
  const more = related(error);
  stop(`panic: ${panicText(error)}\n\n${block(g, "running", frames(error))}${more}`);
  if (host.reportError !== undefined) host.reportError(error);
  // Without a process and without reportError an unhandled rejection is the loudest thing there is.
  else void Promise.reject(error instanceof Error ? error : new Error(panicText(error)));
}

/** Ends the program with the status it has set, 0 by default. */
export function exit(): void {
  host.process?.exit?.();
}

/** The goroutines in Go's dump format, a blank line between them. */
export function dump(entries: readonly { goroutine: Goroutine; state: State }[]): string {
  return entries
    .map(({ goroutine, state }) => block(goroutine, state, goroutine.notes?.parkedAt ?? "", suffix(goroutine)))
    .join("\n");
}

/** One goroutine in that format. */
export function block(g: Goroutine, state: State, stack: string, suffix = ""): string {
  const body = stack === "" ? `${g === main ? "main.main" : nameOf(g)}(...)\n` : stack;
  const made = g.parent === 0 ? "" : `created by ${g.parentName || "func1"} in goroutine ${g.parent}\n`;
  const place = /\n(\t.*\n)/.exec(g.notes?.createdAt ?? "")?.[1] ?? "";
  return `goroutine ${g.id} [${state}${suffix}]:\n${body}${made}${place}`;
}

/** How long it has been waiting, once that is a minute, where it is known. */
export function suffix(g: Goroutine): string {
  const since = g.notes?.parkedSince ?? 0;
  const minutes = g.waits > 0 && since > 0 ? Math.floor((Date.now() - since) / 60_000) : 0;
  return minutes > 0 ? `, ${minutes} minutes` : "";
}

/** The function that a goroutine is in, as far as it is known. */
export function topFunction(g: Goroutine): string {
  return /^(.*)\(\.\.\.\)\n/.exec(g.notes?.parkedAt ?? "")?.[1] ?? nameOf(g);
}

function nameOf(g: Goroutine): string {
  return g.name || "func1";
}

/** A stack of V8, Firefox or Safari as Go prints one: a line for the function, an indented one for the place. */
export function frames(error: unknown): string {
  const stack = error instanceof Error ? error.stack : undefined;
  if (typeof stack !== "string") return "";
  const lines: string[] = [];
  for (const line of stack.split("\n")) {
    const v8 = /^\s+at (?:async )?(?:(.*) \()?([^()]+:\d+:\d+|native|<anonymous>)\)?$/.exec(line);
    const other = v8 ?? /^(.*)@(.+:\d+:\d+)$/.exec(line);
    const place = other?.[2];
    if (place === undefined || place.startsWith("node:internal")) continue;
    lines.push(`${other?.[1] || "func1"}(...)`, `\t${place}`);
  }
  return lines.length > 0 ? lines.join("\n") + "\n" : "";
}

/** What Go prints of a panic value: an error's message alone; continued lines are indented, so that none looks like a header. */
export function panicText(error: unknown): string {
  let text: string;
  try {
    text = describe(error);
  } catch {
    text = "panic while printing panic value";
  }
  return text.replaceAll("\n", "\n\t");
}

type Thrown =
  | { message?: unknown; toString?: () => string; constructor?: { name?: string } }
  | (string | number | bigint | boolean | symbol | null | undefined);

function describe(error: unknown): string {
  if (error instanceof Error) return error.message;
  const value = error as Thrown;
  if (value === undefined || value === null) return "panic called with nil argument";
  if (typeof value !== "object") return String(value);
  if (typeof value.message === "string") return value.message;
  if (value.toString !== Object.prototype.toString && value.toString !== undefined) return value.toString();
  return `(${value.constructor?.name ?? "Object"}) ${JSON.stringify(value)}`;
}

/** What else an error carries: its causes, and the members of an AggregateError. */
function related(error: unknown, seen: Set<unknown> = new Set()): string {
  if (!(error instanceof Error) || seen.has(error)) return "";
  seen.add(error);
  let text = "";
  if (error instanceof AggregateError) {
    for (const [i, member] of (error.errors as unknown[]).entries()) {
      text += `\nerror ${i + 1} of ${error.errors.length}: ${panicText(member)}\n${frames(member)}${related(member, seen)}`;
    }
  }
  if (error.cause !== undefined && !seen.has(error.cause)) {
    text += `\ncaused by: ${panicText(error.cause)}\n${frames(error.cause)}${related(error.cause, seen)}`;
  }
  return text;
}

/** Who is asleep when the event loop ran dry. A goroutine in none of our waits waits for a promise that never settles. */
function dormant(): { goroutine: Goroutine; state: State }[] {
  return list()
    .filter(({ goroutine, state }) => goroutine !== main || state !== "running")
    .map((entry) =>
      entry.state === "running" || entry.state === "runnable" ? { ...entry, state: "IO wait" as const } : entry,
    );
}

function stop(text: string): void {
  const process = host.process;
  if (process?.exit === undefined) {
    host.console.error(text);
    return;
  }
  process.stderr?.write(text);
  process.exit(2);
}
