// The text of goroutines, stacks and panics, in Go's formats.

import { failedWait } from "./failures.ts";
import { abandoned, main, nameOf, type Goroutine, type State, type States } from "./goroutine.ts";
import { chain, isCancellation } from "./thrown.ts";

/**
 * The most frames of a stack. A longer stack is shortened to its two ends, each of half this
 * length.
 */
const mostFrames = 100;

/** A goroutine, as a dump shows it. */
export interface Entry {
  readonly goroutine: Goroutine;
  readonly state: string;
  /** The goroutine's other waits. */
  readonly others: States;
  /** The place it is at, if it is not at its wait. */
  readonly stack?: string;
}

/** The goroutines in Go's dump format, with a blank line between them. */
export function dump(entries: readonly Entry[]): string {
  return entries.map((entry) => block(entry.goroutine, entry.state + suffix(entry), entry.stack)).join("\n");
}

/**
 * The text of a goroutine in that format, by default with the stack of its wait, as far as that is
 * known.
 */
export function block(g: Goroutine, state: string, stack: string = parkedAt(g)): string {
  const body = stack || `${g === main ? "main.main" : nameOf(g)}(...)\n`;
  const made = g.parent === 0 ? "" : `created by ${g.parentName} in goroutine ${g.parent}\n`;
  return `goroutine ${g.id} [${state}]:\n${body}${made}${g.notes?.place ?? ""}`;
}

/**
 * The time that it has been waiting, if that is known and at least a minute; then its other waits.
 */
export function suffix({ goroutine: g, others }: Entry): string {
  let text = (g.notes?.waited(g) ?? "") + (abandoned.has(g) ? ", abandoned" : "");
  for (const state in others) if (others[state as State]) text += `, +${others[state as State]} ${state}`;
  return text;
}

/** The function in which a goroutine is, as far as it is known. */
export function topFunction(g: Goroutine): string {
  return /^(.*)\(\.\.\.\)\n/.exec(parkedAt(g))?.[1] ?? nameOf(g);
}

/**
 * The stack of its wait. If a goroutine waits for something foreign, only its last wait in this
 * library is known, and that one is over.
 */
function parkedAt(g: Goroutine): string {
  return g.waits > 0 ? (g.notes?.parkedAt ?? "") : "";
}

/**
 * A stack of V8, Firefox or Safari in Go's format: a line for the function, then an indented one
 * for the place.
 */
export function frames(error: unknown): string {
  const stack = error instanceof Error ? error.stack : undefined;
  if (typeof stack !== "string") return "";
  const lines: string[] = [];
  for (const line of stack.split("\n")) {
    // Gives V8's lines the form of the others. Names of folders may contain parentheses and @, too.
    const call = line.replace(/^\s+at (?:async )?(?:(.*?) \((.*)\)|(.*))$/, "$1@$2$3");
    const frame = /^(?!.*\.next@<)(.*?)@(?!node:internal|eval )(.+:\d+:\d+|native|<anonymous>)$/.exec(call);
    // The frames below a goroutine's function belong to this library. (Those of `next` are the
    // engine's: it resumes a generator.)
    if (/^(Launch|Fiber)\.run@/.test(call)) break;
    if (frame) lines.push(`${frame[1] || "func1"}(...)`, `\t${frame[2]}`);
  }
  // Each frame has two lines, so `mostFrames` lines are half of the frames that stay.
  const elided = lines.length / 2 - mostFrames;
  if (elided > 0) lines.splice(mostFrames, elided * 2, `...${elided} frames elided...`);
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * A panic as Go reports it: the chain that led to it, the goroutine's header and stack, and
 * everything else known about it.
 */
export function panicReport(g: Goroutine, thrown: unknown): string {
  const links = chain(thrown);
  const lines = links.map(({ value, fate }) => `panic: ${panicText(value)}${fate}\n`);
  const last = links.pop()?.value;
  const before = links.map(({ value, fate }) => aside(fate === "" ? "suppressed" : "recovered", value));
  return `${lines.join("\t")}\n${block(g, "running", stackOf(g, last))}${waitOf(g, last)}${kind(last)}${related(last)}${before.join("")}`;
}

/**
 * The origin of an error that ended goroutine g. If the error is one object for everybody, this is
 * the stack of the wait that it ended.
 */
export function stackOf(g: Goroutine, error: unknown): string {
  return frames(error) || (failedWait(g, error)?.at ?? "");
}

/** The wait in which a cancelled goroutine was. */
function waitOf(g: Goroutine, error: unknown): string {
  const state = isCancellation(error) ? failedWait(g, error)?.state : undefined;
  return state === undefined || state === "running" ? "" : `\ncancelled while waiting: ${state}\n`;
}

/** The class of an error and its code, if they say more than that it is an error. */
function kind(error: unknown): string {
  if (!(error instanceof Error) || isCancellation(error)) return "";
  const { name, code } = error as Error & { code?: unknown };
  const known = error.constructor.name || name;
  const coded = typeof code === "string" || typeof code === "number" ? ` code=${code}` : "";
  return known === "Error" && coded === "" ? "" : `\n[${known}${coded}]\n`;
}

/**
 * Go's text of a panic value: only the message of an error. Continued lines are indented, so they
 * do not look like headers.
 */
function panicText(error: unknown): string {
  return describe(error).replaceAll("\n", "\n\t");
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
  return `(${value.constructor?.name ?? "Object"}) ${json(value)}`;
}

/**
 * The value as JSON. If JSON cannot express a part (big integers, objects that contain themselves),
 * only its name is shown.
 */
function json(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return `{${Object.keys(value).join()}}`;
  }
}

/** An error that belongs to the reported error. */
function aside(what: string, error: unknown, seen?: Set<unknown>): string {
  return `\n${what}: ${panicText(error)}\n${frames(error)}${kind(error)}${related(error, seen)}`;
}

/** The other errors that an error carries: its causes, and the members of an AggregateError. */
function related(error: unknown, seen: Set<unknown> = new Set()): string {
  if (!(error instanceof Error) || seen.has(error)) return "";
  seen.add(error);
  let text = "";
  if (error instanceof AggregateError) {
    for (const [i, member] of (error.errors as unknown[]).entries()) {
      text += aside(`error ${i + 1} of ${error.errors.length}`, member, seen);
    }
  }
  if (error.cause !== undefined && !seen.has(error.cause)) {
    text += aside("caused by", error.cause, seen);
  }
  return text;
}
