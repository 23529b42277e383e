// Time for the timers of this library: a monotonic clock, and alarms that are never early.
//
// Invariants: an alarm keeps the process alive (its host timer is ref'd) until it fires or is
// cancelled. So alarms exist only while somebody waits for them. Host timers may fire up to a
// millisecond early, count 32 bits of milliseconds, and drop fractions. If an alarm is called early
// for one of these reasons, it continues to wait.
//
// The host's functions are looked up at each call, so that a test framework's fake timers control
// these timers too. A framework may fake the timers but not the clock. So if a timer is much too
// early, its call counts and not the clock.

import { host } from "./host.ts";

const furthest = 0x7fffffff;
/** The greatest time by which a host timer may be too early, in milliseconds. */
const early = 1;

/**
 * True if a function of the host is a test framework's: sinon's, Vitest's and Jest's have a clock,
 * node:test's are bound.
 */
export function isFake(fn: unknown): boolean {
  const { clock, name } = (fn ?? {}) as { clock?: unknown; name?: string };
  return !!clock || (name ?? "").startsWith("bound");
}

const DateAtLoad = Date;
const nowAtLoad: unknown = isFake(performance.now) ? undefined : performance.now;
const timeoutAtLoad: unknown = isFake(setTimeout) ? undefined : setTimeout;

/** True if a test controls time. Then nothing may depend on how much real time passes. */
export function isTimeFake(): boolean {
  return setTimeout !== timeoutAtLoad;
}

/** Timers, and the clock that controls them, as replacements for the host's. */
export interface Timers {
  /** Milliseconds since 1970. Without this function the host's clock applies. */
  readonly now?: () => number;
  readonly setTimeout: (ring: () => void, ms: number) => unknown;
  readonly clearTimeout: (handle: unknown) => void;
}

/** Gives the timers of the code that runs now, if those are not the host's. */
export let timersHere: (() => Timers | undefined) | undefined;

export function setTimers(here: (() => Timers | undefined) | undefined): void {
  timersHere = here;
}

/** Milliseconds since 1970, on the clock of the code that runs now. */
export function wall(): number {
  return timersHere?.()?.now?.() ?? Date.now();
}

/** Milliseconds on a clock that never goes back. */
export function monotonic(): number {
  const own = timersHere?.()?.now;
  if (own !== undefined) return own();
  // node:test fakes the date together with its timers, but not this clock.
  if (Date !== DateAtLoad && performance.now === nowAtLoad) return Date.now();
  return performance.now();
}

/** The number of alarms. */
export let alarms = 0;

/**
 * Calls ring in `ms` milliseconds. If `ms` is not above 0, it calls ring at once, in a separate
 * turn.
 */
export function alarmIn(ms: number, ring: () => void): Alarm {
  return new Alarm(monotonic() + (ms > 0 ? ms : 0), ring);
}

export class Alarm {
  readonly #at: number;
  readonly #ring: () => void;
  readonly #timers: Timers = timersHere?.() ?? (host as unknown as Timers);
  #handle: unknown;

  /** Calls ring once `monotonic()` has reached `at`. */
  constructor(at: number, ring: () => void) {
    this.#at = at;
    this.#ring = ring;
    alarms++;
    this.#arm(monotonic());
  }

  cancel(): void {
    if (this.#handle === undefined) return;
    this.#timers.clearTimeout(this.#handle);
    this.#over();
  }

  #over(): void {
    this.#handle = undefined;
    alarms--;
  }

  #arm(now: number): void {
    const ms = Math.max(0, Math.ceil(this.#at - now));
    const clipped = ms > furthest;
    const fired = (): void => {
      const now = monotonic();
      if (now < this.#at && (clipped || this.#at - now <= early)) this.#arm(now);
      else {
        this.#over();
        this.#ring();
      }
    };
    this.#handle = this.#timers.setTimeout(fired, clipped ? furthest : ms);
  }
}
