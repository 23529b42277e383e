// Time as the timers of this library see it: a monotonic clock, and alarms that are never early.
//
// Invariants: an alarm holds the process (its host timer is ref'd) until it fires or is cancelled, so alarms exist only
// while somebody waits for them. Host timers may fire up to a millisecond early, count 32 bits of milliseconds, and drop
// fractions; an alarm looks at the clock when it is called and goes on waiting if it must.
//
// The host's functions are looked up at each call, so that a test framework's fake timers govern these timers too.

const furthest = 0x7fffffff;

/** Milliseconds on a clock that never goes back. */
export function monotonic(): number {
  return performance.now();
}

export class Alarm<A> {
  readonly #at: number;
  readonly #ring: (arg: A) => void;
  readonly #arg: A;
  #handle: unknown;

  /** Calls ring(arg) once `monotonic()` has reached `at`. */
  constructor(at: number, ring: (arg: A) => void, arg: A) {
    this.#at = at;
    this.#ring = ring;
    this.#arg = arg;
    this.#arm(monotonic());
  }

  cancel(): void {
    clearTimeout(this.#handle as number);
  }

  #arm(now: number): void {
    this.#handle = setTimeout(fire, Math.min(Math.ceil(this.#at - now), furthest), this as Ringing);
  }

  /** The host timer went off. */
  fired(): void {
    const now = monotonic();
    if (now < this.#at) this.#arm(now);
    else this.#ring(this.#arg);
  }
}

interface Ringing {
  fired: () => void;
}

function fire(alarm: Ringing): void {
  alarm.fired();
}
