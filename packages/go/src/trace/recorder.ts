// The recorder: an observer that writes the activity of goroutines into the active rings.

import { addCrossings, type Crossings, removeCrossings } from "../internal/crossings.ts";
import { current, list, main, nameOf, type Goroutine } from "../internal/goroutine.ts";
import { host } from "../internal/host.ts";
import { tellApart } from "../internal/names.ts";
import { addPart, type Part, removePart } from "../internal/observers.ts";
import { followRunner, isHostsCallback } from "../internal/runner.ts";
import { here } from "../internal/stacks.ts";
import {
  codeOf,
  CONTINUES,
  COUNTERS,
  CREATED,
  ENDED,
  IDLE,
  KNOWN,
  LEFT,
  PARKED,
  PAUSES,
  RESUMED,
  RUNS,
  TAKEN,
  WOKEN,
} from "./events.ts";
import type { Ring } from "./ring.ts";

interface Memory {
  readonly memoryUsage?: () => { readonly heapUsed: number };
}

/** Milliseconds between two looks at the heap and the event loop. */
const period = 20;

// Taken at load: a test framework's fake timers must not set the times of events.
const clock = performance.now.bind(performance);
const origin = performance.timeOrigin;
const { setInterval, clearInterval } = globalThis;

/** Milliseconds since 1970, the same on every thread. */
export function timeNow(): number {
  return origin + clock();
}

let rings: readonly Ring[] = [];
let withStacks = 0;
/** The function that ends everything that runs while there is a ring. */
let stopFollowing: (() => void) | undefined;

export function isRecording(): boolean {
  return rings.length > 0;
}

/** Writes into this ring too, from now on. */
export function record(ring: Ring, stacks: boolean): void {
  rings = [...rings, ring];
  if (stacks) withStacks++;
  for (const { goroutine: g, state } of list(current())) {
    ring.add(timeNow(), codeOf(KNOWN, state), g.id, g.parent, ring.text(nameShown(g)));
  }
  stopFollowing ??= follow();
}

export function stopRecording(ring: Ring, stacks: boolean): void {
  rings = rings.filter((other) => other !== ring);
  if (stacks) withStacks--;
  if (rings.length > 0) return;
  stopFollowing?.();
  stopFollowing = undefined;
}

export function nameShown(g: Goroutine): string {
  return g === main ? "main" : nameOf(g);
}

/** Writes an event. If b is a text, the ring stores the text. */
export function add(code: number, g: number, a: number, b: number | string = 0): void {
  const at = timeNow();
  for (const ring of rings) ring.add(at, code, g, a, typeof b === "string" ? ring.text(b) : b);
}

/** Writes an event as `add` does, with a text for a too. */
export function addTexts(code: number, g: number, a: string, b: string): void {
  const at = timeNow();
  for (const ring of rings) ring.add(at, code, g, ring.text(a), ring.text(b));
}

/**
 * The goroutine that lets somebody continue; 0 if it is a callback of the host's, as of a timer.
 */
function waker(): number {
  const g = current();
  return isHostsCallback(g) ? 0 : g.id;
}

const created = codeOf(CREATED);
const woken = codeOf(WOKEN);
const runs = codeOf(RUNS);
const idle = codeOf(IDLE);
const pauses = codeOf(PAUSES);
const continues = codeOf(CONTINUES);
const ended = codeOf(ENDED);

const part: Part = {
  created: (g) => add(created, g.id, g.parent, nameShown(g)),
  parked: (g, state) => add(codeOf(PARKED, state), g.id, 0, withStacks > 0 ? top(here()) : 0),
  woken: (g) => {
    if (g.waits > 0) add(woken, g.id, waker());
    else add(pauses, g.id, 0);
  },
  resumed: (g, state) => add(codeOf(RESUMED, state), g.id, waker()),
  ended: (g) => add(ended, g.id, 0, nameShown(g)),
};

const left = codeOf(LEFT);
const taken = codeOf(TAKEN);
/** The goroutine that waits in each cell of this thread. */
const waiting = new Map<number, number>();

/** One number for one use of a cell: for what goes into it, or for the answer that comes out. */
function keyOf(cell: number, use: number, isAnswer: boolean): number {
  return (cell * 2 + (isAnswer ? 1 : 0)) * 2 ** 20 + (use & 0xfffff);
}

const crossingPart: Crossings = {
  queued: (cell, use) => {
    const { id } = current();
    waiting.set(cell, id);
    add(left, id, keyOf(cell, use, false));
  },
  began: (cell, use) => add(taken, current().id, keyOf(cell, use, false)),
  claimed: () => undefined,
  answered: (cell, use, g) => add(left, g.id, keyOf(cell, use, true)),
  continued: (cell, use) => {
    const g = waiting.get(cell);
    if (g !== undefined) add(taken, g, keyOf(cell, use, true));
  },
};

function follow(): () => void {
  tellApart();
  // This comes before the running goroutine is followed, because the part's events come first.
  addPart(part);
  addCrossings(crossingPart);
  const stopFollowing = followRunner({
    runs: (g) => add(runs, g.id, 0),
    idle: () => add(idle, 0, 0),
    continues: (g) => add(continues, g.id, 0),
  });
  const stopLooking = lookAtHost();
  return () => {
    stopLooking();
    stopFollowing();
    removeCrossings(crossingPart);
    removePart(part);
  };
}

/**
 * Writes the counters now and then. How late the timer for that is, is the delay of the event loop.
 */
function lookAtHost(): () => void {
  const memory = host.process as Memory | undefined;
  let last = clock();
  const look = (expected: number): void => {
    const now = clock();
    add(codeOf(COUNTERS), 0, memory?.memoryUsage?.().heapUsed ?? 0, Math.max(0, now - last - expected));
    last = now;
  };
  look(0);
  const timer = setInterval(() => look(period), period);
  (timer as { unref?: () => void }).unref?.();
  return () => {
    look(period);
    clearInterval(timer);
  };
}

/** The first frame of a stack: `worker app.ts:3:5`. */
function top(stack: string): string {
  const [name = "", place = ""] = stack.split("\n");
  return name === "" ? "" : `${name.replace(/\(\.\.\.\)$/, "")} ${place.trim()}`;
}
