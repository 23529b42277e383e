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

/** Milliseconds on a clock that never goes back. */
export function monotonic(): number {
  return performance.now();
}

/** How many alarms there are. */
export let alarms = 0;

export class Alarm<A> {
  readonly #at: number;
  readonly #ring: (arg: A) => void;
  readonly #arg: A;
  #handle: unknown;
  #clipped = false;

  /** Calls ring(arg) once `monotonic()` has reached `at`. */
  constructor(at: number, ring: (arg: A) => void, arg: A) {
    this.#at = at;
    this.#ring = ring;
    this.#arg = arg;
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
    this.#clipped = ms > furthest;
    this.#handle = setTimeout(fire, this.#clipped ? furthest : ms, this as Ringing);
  }

  /** The host timer went off. */
  fired(): void {
    const now = monotonic();
    if (now < this.#at && (this.#clipped || this.#at - now <= early)) this.#arm(now);
    else {
      this.#over();
      this.#ring(this.#arg);
    }
  }
}

interface Ringing {
  fired: () => void;
}

function fire(alarm: Ringing): void {
  alarm.fired();
}
