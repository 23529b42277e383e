// Stacks, for dumps and profiles. This file records the stack of each `go` statement and of each
// wait. It also records how long the wait lasts, and whether anything can still resume the
// goroutine. It costs a stack (1 to 3 µs) for each `go` and each wait, so it runs only on request.

import { monotonic } from "./clock.ts";
import { frames } from "./dump.ts";
import type { Goroutine, Notes, State } from "./goroutine.ts";
import { tellApart } from "./names.ts";
import { addPart, type Part, removePart } from "./observers.ts";

/**
 * The folder of this library, in each form in which stacks may name it. The library's own frames
 * are omitted from stacks. In a bundle they cannot be told from the others.
 */
const homes: readonly string[] = /^.*\/(?=internal\/stacks\.[jt]s$)/.exec(import.meta.url)?.flatMap(spellings) ?? [];

/** The counter of the waits that end while stacks are recorded (/pprof). */
export const counter: { waited?: (state: State, ms: number) => void } = {};

/**
 * Switches the observer on or off. Nothing more becomes known about goroutines that began while it
 * was off.
 */
export function recordStacks(on: boolean): void {
  tellApart();
  if (!on) {
    removePart(recorder);
    return;
  }
  addPart(recorder);
}

/** The part that records the stacks. */
const recorder: Part = {
  created: (g) => {
    g.notes = new Noted(here());
  },
  began: (g, end) => {
    if (g.notes !== undefined) g.notes.life = new WeakRef(end);
  },
  parked: (g) => {
    g.notes ??= new Noted("");
    g.notes.parkedAt = here();
    g.notes.parkedSince = monotonic();
  },
  failed: (g) => {
    g.notes ??= new Noted("");
    g.notes.parkedAt = here();
  },
  resumed: (g, state) => {
    if (g.notes?.parkedSince) counter.waited?.(state, monotonic() - g.notes.parkedSince);
  },
};

class Noted implements Notes {
  readonly createdAt: string;
  readonly place: string;
  parkedAt = "";
  parkedSince = 0;
  life: WeakRef<object> | undefined;

  constructor(createdAt: string) {
    this.createdAt = createdAt;
    this.place = /\n(\t.*\n)/.exec(createdAt)?.[1] ?? "";
  }

  waited(g: Goroutine): string {
    const minutes = g.waits > 0 && this.parkedSince > 0 ? Math.floor((monotonic() - this.parkedSince) / 60_000) : 0;
    return minutes > 0 ? `, ${minutes} minutes` : "";
  }
}

/** Stacks that were recorded before: goroutines start and wait in few places, again and again. */
const known = new Map<string, string>();
const MOST_KNOWN = 1_000;

/** The present stack, without the library's own frames. */
export function here(): string {
  const limited = Error as { stackTraceLimit?: number };
  const limit = limited.stackTraceLimit;
  limited.stackTraceLimit = 50;
  const error = new Error();
  const stack = error.stack ?? "";
  if (limit !== undefined) limited.stackTraceLimit = limit;
  let text = known.get(stack);
  if (text !== undefined) return text;
  text = withoutOwn(error);
  if (known.size === MOST_KNOWN) known.clear();
  known.set(stack, text);
  return text;
}

/** The stack of an error, without the library's own frames. */
function withoutOwn(error: Error): string {
  const lines = frames(error).split("\n");
  let text = "";
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const place = lines[i + 1] as string;
    if (!isOwn(place)) text += `${lines[i]}\n${place}\n`;
  }
  return text;
}

function isOwn(place: string): boolean {
  const at = place.trim();
  return homes.some((home) => at.startsWith(home)) && !/\.test\.[jt]s:/.test(place);
}

/** A URL, and the path that it means. */
function spellings(url: string): string[] {
  return [url, decodeURIComponent(url.replace("file://", ""))];
}
