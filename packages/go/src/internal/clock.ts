// Time as the timers of this library see it: a monotonic clock, and alarms that are never early.
//
// Invariants: an alarm holds the process (its host timer is ref'd) until it fires or is cancelled, so alarms exist only
// while somebody waits for them. Host timers may fire up to a millisecond early, count 32 bits of milliseconds, and drop
// fractions; an alarm that is called goes on waiting if that is why.
//
// The host's functions are looked up at each call, so that a test framework's fake timers govern these timers too, also
// where it fakes them and not the clock: a timer that is much too early is believed.

const furthest = 0x7fffffff;
/** How much too early a host timer may be, in milliseconds. */
const early = 1;

/** Whether a function of the host is a test framework's: sinon's, Vitest's and Jest's have a clock, node:test's are bound. */
export function isFake(fn: unknown): boolean {
  const { clock, name } = (fn ?? {}) as { clock?: unknown; name?: string };
  return !!clock || (name ?? "").startsWith("bound");
}

const DateAtLoad = Date;
const nowAtLoad: unknown = isFake(performance.now) ? undefined : performance.now;
const timeoutAtLoad: unknown = isFake(setTimeout) ? undefined : setTimeout;

/** Whether time is a test's. Then nothing may depend on how much of the real one passes. */
export function isTimeFake(): boolean {
  return setTimeout !== timeoutAtLoad;
}

/** Milliseconds on a clock that never goes back. */
export function monotonic(): number {
  // node:test fakes the date with its timers, and not this clock.
  if (Date !== DateAtLoad && performance.now === nowAtLoad) return Date.now();
  return performance.now();
}

/** How many alarms there are. */
export let alarms = 0;

/** Calls ring in `ms` milliseconds, at once in a turn of its own unless that is above 0. */
export function alarmIn(ms: number, ring: () => void): Alarm {
  return new Alarm(monotonic() + (ms > 0 ? ms : 0), ring);
}

export class Alarm {
  readonly #at: number;
  readonly #ring: () => void;
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
    clearTimeout(this.#handle as number);
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
    this.#handle = setTimeout(fired, clipped ? furthest : ms);
  }
}
