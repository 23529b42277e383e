// Windows over a stream: tumbling, sliding, session. They are for all values or for each key, and
// use the clock or the values' own time.
//
// Words (after "The Dataflow Model", Akidau et al., 2015): a value's *event time* is the time that
// belongs to it. The *watermark* is the latest event time so far, minus the allowed lateness: no
// older value is expected. A window closes, and is sent, when the watermark has passed its end. A
// value is *late* if all its windows are closed. Without event time, a value's time is the moment
// at which it is received, and windows close by the clock.
//
// Invariants: windows come in the order of their ends, and then of their keys' first values. Each
// value is in all windows that it belongs to, or it is late and reported. When the input ends, or
// fails, all open windows are sent. An empty window is never sent. A key without an open window
// takes no memory.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { wall } from "../internal/clock.ts";
import { after } from "../time.ts";
import { exchange, untilEnd } from "./exchange.ts";
import { stage, type Stage } from "./stage.ts";

/** Values of one period of time, of one key. */
export interface Window<T, K = undefined> {
  /** `undefined` if windows are not by key. */
  readonly key: K;
  /**
   * Milliseconds since 1970, or in the unit of the event time. `end` is the first moment after the
   * window.
   */
  readonly start: number;
  readonly end: number;
  /** In the order of the input; never empty. */
  readonly values: readonly T[];
}

/**
 * The time that counts, and the key of the values that belong together. Every option may be
 * omitted.
 */
export interface WindowOptions<T, K> {
  /** Makes separate windows for each key. */
  readonly key?: ((value: T) => K) | undefined;
  /** The event time of a value, in milliseconds. Without this function the clock counts. */
  readonly time?: ((value: T) => number) | undefined;
  /** The time by which a value may be older than the latest one; 0 by default. */
  readonly lateness?: number | undefined;
  /** Called with each late value. Without it they are dropped. */
  readonly onLate?: ((value: T) => void) | undefined;
}

/**
 * Windows of `size` milliseconds, side by side: each value is in one. They begin at multiples of
 * `size`.
 */
function tumbling<T, K = undefined>(
  ctx: Context,
  input: RecvChan<T>,
  size: number,
  options: WindowOptions<T, K> = {},
): RecvChan<Window<T, K>> {
  expectAbove0("window.tumbling", "size", size);
  return windows(ctx, input, "window.tumbling", options, () => new Aligned<T>(size, size));
}

/**
 * Windows of `size` milliseconds, one every `step`: each value is in `size / step` of them. They
 * begin at multiples of `step`.
 */
function sliding<T, K = undefined>(
  ctx: Context,
  input: RecvChan<T>,
  size: number,
  step: number,
  options: WindowOptions<T, K> = {},
): RecvChan<Window<T, K>> {
  expectAbove0("window.sliding", "size", size);
  expectAbove0("window.sliding", "step", step);
  return windows(ctx, input, "window.sliding", options, () => new Aligned<T>(size, step));
}

/**
 * Windows of values that follow each other within `gap` milliseconds; each ends `gap` after its
 * last value.
 */
function session<T, K = undefined>(
  ctx: Context,
  input: RecvChan<T>,
  gap: number,
  options: WindowOptions<T, K> = {},
): RecvChan<Window<T, K>> {
  expectAbove0("window.session", "gap", gap);
  return windows(ctx, input, "window.session", options, () => new Sessions<T>(gap));
}

/** Windows over time: `window.tumbling`, `window.sliding` and `window.session`. */
export const window: {
  readonly tumbling: typeof tumbling;
  readonly sliding: typeof sliding;
  readonly session: typeof session;
} = { tumbling, sliding, session };

/** A window that is not full yet. */
interface Open<T> {
  start: number;
  end: number;
  readonly values: T[];
}

/** The open windows of one key, in the order of their ends. */
interface Assigner<T> {
  readonly open: Open<T>[];
  /**
   * Puts a value into its windows that end after the watermark; false if there is no such window.
   */
  add(value: T, time: number, watermark: number): boolean;
}

function windows<T, K>(
  ctx: Context,
  input: RecvChan<T>,
  name: string,
  { key: keyOf, time: timeOf, lateness = 0, onLate }: WindowOptions<T, K>,
  assigner: () => Assigner<T>,
): RecvChan<Window<T, K>> {
  if (!(lateness >= 0)) throw new RangeError(`${name}: lateness must be at least 0, got ${lateness}`);
  return stage<Window<T, K>>(ctx, [input], { name }, async (s) => {
    const byKey = new Map<K, Assigner<T>>();
    let watermark = -Infinity;
    /**
     * No open window ends before this time. So for most values the windows of the other keys need
     * no check.
     */
    let next = Infinity;
    const closeEnded = async (): Promise<void> => {
      if (watermark < next) return;
      await close(s, byKey, watermark);
      next = soonest(byKey);
    };
    let alarm: { readonly at: number; readonly due: RecvChan<Date> } | undefined;
    const take = async (): Promise<void> => {
      for (;;) {
        if (timeOf === undefined && next !== alarm?.at) alarm = alarmFor(next);
        const due = alarm?.due;
        const got = await exchange<T, Window<T, K>>(s, { input, due });
        if (got.what === "end") return;
        if (got.what === "value") {
          const { value } = got;
          const time = timeOf === undefined ? wall() : expectTime(name, timeOf(value));
          // With the clock, windows that have ended by now are sent first.
          if (timeOf === undefined) {
            watermark = Math.max(watermark, time);
            await closeEnded();
          }
          const end = assign(byKey, assigner, keyOf?.(value) as K, value, time, watermark);
          if (end === undefined) onLate?.(value);
          else next = Math.min(next, end);
          watermark = Math.max(watermark, time - (timeOf === undefined ? 0 : lateness));
        } else {
          alarm = undefined;
          watermark = Math.max(watermark, wall());
        }
        await closeEnded();
      }
    };
    await untilEnd(s, take, () => close(s, byKey, Infinity));
  });
}

/** The first end of the windows of the value's key; `undefined` if the value is late. */
function assign<T, K>(
  byKey: Map<K, Assigner<T>>,
  assigner: () => Assigner<T>,
  key: K,
  value: T,
  time: number,
  watermark: number,
): number | undefined {
  const known = byKey.get(key);
  const windowsOfKey = known ?? assigner();
  if (!windowsOfKey.add(value, time, watermark)) return undefined;
  const [first] = windowsOfKey.open;
  if (first === undefined) return Infinity; // it fell between two windows
  if (known === undefined) byKey.set(key, windowsOfKey);
  return first.end;
}

/** Sends the windows that end by then, and forgets the keys without another window. */
async function close<T, K>(s: Stage<Window<T, K>>, byKey: Map<K, Assigner<T>>, watermark: number): Promise<void> {
  const closed: Window<T, K>[] = [];
  for (const [key, { open }] of byKey) {
    let n = 0;
    while (n < open.length && (open[n] as Open<T>).end <= watermark) n++;
    for (const ended of open.splice(0, n)) closed.push({ key, ...ended });
    if (open.length === 0) byKey.delete(key);
  }
  closed.sort((a, b) => a.end - b.end);
  for (const ended of closed) await s.emit(ended);
}

function soonest<T, K>(byKey: Map<K, Assigner<T>>): number {
  let first = Infinity;
  for (const { open } of byKey.values()) first = Math.min(first, (open[0] as Open<T>).end);
  return first;
}

function alarmFor(at: number): { readonly at: number; readonly due: RecvChan<Date> } | undefined {
  return at === Infinity ? undefined : { at, due: after(Math.max(1, at - wall())) };
}

/** Windows that begin at multiples of a step. */
class Aligned<T> implements Assigner<T> {
  readonly open: Open<T>[] = [];
  readonly #size: number;
  readonly #step: number;

  constructor(size: number, step: number) {
    this.#size = size;
    this.#step = step;
  }

  add(value: T, time: number, watermark: number): boolean {
    let added = false;
    const last = Math.floor(time / this.#step);
    for (let n = Math.floor((time - this.#size) / this.#step) + 1; n <= last; n++) {
      const start = n * this.#step;
      if (start + this.#size <= watermark) continue;
      this.#at(start).values.push(value);
      added = true;
    }
    // If steps are longer than windows, a value may be between two of them. It belongs to neither,
    // but is not late.
    return added || time - last * this.#step >= this.#size;
  }

  /**
   * The window that begins at this time. If it does not exist, it is made. Most values belong to
   * the newest windows.
   */
  #at(start: number): Open<T> {
    let at = this.open.length;
    while (at > 0 && (this.open[at - 1] as Open<T>).start > start) at--;
    const before = this.open[at - 1];
    if (before?.start === start) return before;
    const made: Open<T> = { start, end: start + this.#size, values: [] };
    this.open.splice(at, 0, made);
    return made;
  }
}

/** Windows that grow with their values. If a value connects two windows, they become one. */
class Sessions<T> implements Assigner<T> {
  readonly open: Open<T>[] = [];
  readonly #gap: number;

  constructor(gap: number) {
    this.#gap = gap;
  }

  add(value: T, time: number, watermark: number): boolean {
    const end = time + this.#gap;
    // The value may still join a session that is open although it should have ended already.
    const joined = this.open.filter((window) => window.start < end && time < window.end);
    const [first, ...others] = joined;
    if (first === undefined) {
      if (end <= watermark) return false;
      const at = this.open.findIndex((window) => window.start > time);
      this.open.splice(at < 0 ? this.open.length : at, 0, { start: time, end, values: [value] });
      return true;
    }
    first.start = Math.min(first.start, time);
    first.end = Math.max(end, first.end, others.at(-1)?.end ?? 0);
    for (const other of others) {
      for (const moved of other.values) first.values.push(moved);
      this.open.splice(this.open.indexOf(other), 1);
    }
    first.values.push(value);
    return true;
  }
}

function expectAbove0(name: string, what: string, ms: number): void {
  if (!(ms > 0)) throw new RangeError(`${name}: ${what} must be above 0, got ${ms}`);
}

function expectTime(name: string, time: number): number {
  if (Number.isFinite(time)) return time;
  throw new RangeError(`${name}: the time of a value must be a finite number of milliseconds, got ${time}`);
}
