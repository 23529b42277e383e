// How goroutines, stacks and panics are written, in Go's formats.

import { main, type Goroutine, type State, type States } from "./goroutine.ts";
import { chain } from "./thrown.ts";

/** A stack of more frames than this is shortened to its two ends, of half as many each. */
const mostFrames = 100;

/** A goroutine, as it is shown. */
export interface Entry {
  readonly goroutine: Goroutine;
  readonly state: string;
  /** What it waits for besides. */
  readonly others: States;
}

/** The goroutines in Go's dump format, a blank line between them. */
export function dump(entries: readonly Entry[]): string {
  return entries.map((entry) => block(entry.goroutine, entry.state + suffix(entry))).join("\n");
}

/** One goroutine in that format, by default where it parked last. */
export function block(g: Goroutine, state: string, stack: string = g.notes?.parkedAt ?? ""): string {
  const body = stack || `${g === main ? "main.main" : nameOf(g)}(...)\n`;
  const made = g.parent === 0 ? "" : `created by ${g.parentName || "func1"} in goroutine ${g.parent}\n`;
  return `goroutine ${g.id} [${state}]:\n${body}${made}${g.notes?.place ?? ""}`;
}

/** How long it has been waiting, once that is a minute, where it is known; and what it waits for besides. */
export function suffix({ goroutine: g, others }: Entry): string {
  let text = g.notes?.waited(g) ?? "";
  for (const state in others) if (others[state as State]) text += `, +${others[state as State]} ${state}`;
  return text;
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
    // V8's as the others write it. Folders have parentheses and @ in their names, too.
    const call = line.replace(/^\s+at (?:async )?(?:(.*?) \((.*)\)|(.*))$/, "$1@$2$3");
    const frame = /^(.*?)@(?!node:internal|eval )(.+:\d+:\d+|native|<anonymous>)$/.exec(call);
    if (frame) lines.push(`${frame[1] || "func1"}(...)`, `\t${frame[2]}`);
  }
  // Two lines for each frame, so `mostFrames` lines are half of the frames that stay.
  const elided = lines.length / 2 - mostFrames;
  if (elided > 0) lines.splice(mostFrames, elided * 2, `...${elided} frames elided...`);
  return lines.map((line) => `${line}\n`).join("");
}

/** A panic as Go reports it: the chain that led to it, the goroutine's header and stack, and what else is known of it. */
export function panicReport(g: Goroutine, thrown: unknown): string {
  const links = chain(thrown);
  const lines = links.map(({ value, fate }) => `panic: ${panicText(value)}${fate}\n`);
  const last = links.pop()?.value;
  const before = links.map(({ value, fate }) => aside(fate === "" ? "suppressed" : "recovered", value));
  return `${lines.join("\t")}\n${block(g, "running", frames(last))}${related(last)}${before.join("")}`;
}

/** What Go prints of a panic value: an error's message alone; continued lines are indented, so that none looks like a header. */
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
  return `(${value.constructor?.name ?? "Object"}) ${JSON.stringify(value)}`;
}

/** An error that belongs to the one that is reported. */
function aside(what: string, error: unknown, seen?: Set<unknown>): string {
  return `\n${what}: ${panicText(error)}\n${frames(error)}${related(error, seen)}`;
}

/** What else an error carries: its causes, and the members of an AggregateError. */
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
