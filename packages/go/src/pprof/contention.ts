// Where goroutines wait for each other: the block profile, by who waits, and the mutex profile, by
// who lets them wait (after Go's runtime/mprof.go).

import { monotonic } from "../internal/clock.ts";
import type { Goroutine, State } from "../internal/goroutine.ts";
import { addPart, type Part, removePart } from "../internal/observers.ts";
import { here } from "../internal/stacks.ts";
import { encodeProfile, framesOf, type Sample } from "./profile.ts";

/** The waits for another goroutine. Waits for time or for the host do not count. */
const blocks = /^(?:chan |select|semacquire|sync\.)/;
const mutexes = /^sync\.(?:RW)?Mutex\./;

interface Total {
  count: number;
  ms: number;
}
/** Totals by stack. */
type Totals = Map<string, Total>;

const blocked: Totals = new Map();
const contended: Totals = new Map();
let blockRate = 0;
let mutexFraction = 0;

interface Wait {
  readonly state: State;
  readonly since: number;
  readonly stack: string;
}
const waits = new WeakMap<Goroutine, Wait[]>();

const part: Part = {
  parked: (g, state) => {
    if (!blocks.test(state) || (blockRate === 0 && !mutexes.test(state))) return;
    const wait = { state, since: monotonic(), stack: blockRate > 0 ? here() : "" };
    const known = waits.get(g);
    if (known === undefined) waits.set(g, [wait]);
    else known.push(wait);
  },
  // The code that wakes it is in `unlock` now. The profile counts that place.
  woken: (g) => {
    const wait = waits.get(g)?.find(({ state }) => mutexes.test(state));
    if (wait !== undefined) noteContention(wait);
  },
  resumed: (g, state) => {
    const all = waits.get(g);
    const at = all?.findIndex((wait) => wait.state === state) ?? -1;
    const [wait] = at < 0 ? [] : (all?.splice(at, 1) ?? []);
    if (wait === undefined) return;
    noteContention(wait);
    if (blockRate === 0) return;
    const ms = monotonic() - wait.since;
    // A short wait is kept with a probability that is proportional to its length. It then
    // represents those that were not kept.
    if (ms >= blockRate) note(blocked, wait.stack, 1, ms);
    else if (Math.random() < ms / blockRate) note(blocked, wait.stack, blockRate / ms, blockRate);
  },
};

/** Waits whose end was recorded at the unlock. */
const told = new WeakSet<Wait>();

function noteContention(wait: Wait): void {
  if (mutexFraction === 0 || told.has(wait) || !mutexes.test(wait.state)) return;
  told.add(wait);
  if (Math.random() * mutexFraction >= 1) return;
  note(contended, here(), mutexFraction, (monotonic() - wait.since) * mutexFraction);
}

function note(totals: Totals, stack: string, count: number, ms: number): void {
  const total = totals.get(stack) ?? { count: 0, ms: 0 };
  total.count += count;
  total.ms += ms;
  totals.set(stack, total);
}

/**
 * Samples waits from now on: about one in so many milliseconds that goroutines wait for each other,
 * all those that take longer. 0 switches it off. Costs a stack (1 to 3 µs) for each wait.
 */
export function setBlockProfileRate(ms: number): void {
  if (!(ms >= 0)) throw new RangeError(`pprof: expected a rate of 0 ms or more, got ${ms}`);
  blockRate = ms;
  follow();
}

/**
 * Samples one in so many waits for a mutex, on average; 0 switches it off, and below 0 nothing
 * changes. Gives the fraction before.
 */
export function setMutexProfileFraction(fraction: number): number {
  const before = mutexFraction;
  if (fraction < 0) return before;
  if (!Number.isInteger(fraction)) throw new RangeError(`pprof: expected a whole number, got ${fraction}`);
  mutexFraction = fraction;
  follow();
  return before;
}

function follow(): void {
  if (blockRate > 0 || mutexFraction > 0) addPart(part);
  else removePart(part);
}

export interface ContentionOptions {
  /** With 1 the profile is text. */
  readonly debug?: 0 | 1 | undefined;
}

/**
 * The places where goroutines have waited, and how long, since `setBlockProfileRate`. As gzipped
 * protobuf, or with debug 1 as text.
 */
export function blockProfile(options: { readonly debug: 1 }): string;
export function blockProfile(options?: { readonly debug?: 0 | undefined }): Uint8Array;
export function blockProfile({ debug = 0 }: ContentionOptions = {}): string | Uint8Array {
  return debug === 1 ? text("contention", blocked) : profile(blocked);
}

/**
 * The places where mutexes were unlocked that other goroutines waited for, and how long these had
 * waited, since `setMutexProfileFraction`.
 */
export function mutexProfile(options: { readonly debug: 1 }): string;
export function mutexProfile(options?: { readonly debug?: 0 | undefined }): Uint8Array;
export function mutexProfile({ debug = 0 }: ContentionOptions = {}): string | Uint8Array {
  return debug === 1 ? text("mutex", contended) : profile(contended);
}

/** The number of stacks in each profile. */
export function contentionCounts(): { readonly block: number; readonly mutex: number } {
  return { block: blocked.size, mutex: contended.size };
}

function profile(totals: Totals): Uint8Array {
  const samples = [...totals].map(([stack, { count, ms }]): Sample => {
    return { stack: framesOf(stack), values: [count, ms * 1e6] };
  });
  const types = [
    ["contentions", "count"],
    ["delay", "nanoseconds"],
  ] as const;
  return encodeProfile({ types, samples, periodType: ["contentions", "count"], period: 1 });
}

/** A profile in Go's format, in which a cycle is a nanosecond. */
function text(name: string, totals: Totals): string {
  const sorted = [...totals].sort(([, a], [, b]) => b.ms - a.ms);
  const parts = sorted.map(([stack, { count, ms }]) => {
    const frames = framesOf(stack).map(({ name, file, line }) => `#\t${name}\t${file}:${line}\n`);
    return `${Math.round(ms * 1e6)} ${Math.round(count)} @\n${frames.join("")}\n`;
  });
  return `--- ${name}:\ncycles/second=1000000000\n${parts.join("")}`;
}
