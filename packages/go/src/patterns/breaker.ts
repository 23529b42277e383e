// Breaker: stops calls to a service that is down. It tests now and then whether the service is back
// (after "Circuit Breaker" in Michael Nygard's "Release It!").
//
// States: *closed*, calls go through; *open*, calls are refused at once; *half-open*, a few probes
// go through. A number of failures in a row opens the breaker. After a pause it becomes half-open.
// Then one failure opens it again, and as many successes as there are probes close it. Probes that
// hang make room for others after the same pause.
//
// Invariant: a call counts in the state in which it began. A call that began before the breaker
// opened does not change anything later.

import { monotonic } from "../internal/clock.ts";
import { isGoexit } from "../internal/thrown.ts";

export type BreakerState = "closed" | "open" | "half-open";

/** The conditions under which a {@link Breaker} opens and closes. Every option may be omitted. */
export interface BreakerOptions {
  /** The number of failures in a row that open it; 5 by default. */
  readonly failures?: number | undefined;
  /** Milliseconds until it lets probes through; 30,000 by default. */
  readonly ms?: number | undefined;
  /**
   * The most probes at the same time, and the number of successes that close it; 1 by default. If
   * probes have not ended after `ms` milliseconds, they do not count any more, and others go
   * through.
   */
  readonly probes?: number | undefined;
  /** Returns true if an error means that the other side is down. By default every error does. */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** Called at each change, for logs and metrics. */
  readonly onChange?: ((state: BreakerState) => void) | undefined;
}

/** The error of a call that was refused. */
export class BreakerOpenError extends Error {
  override readonly name = "BreakerOpenError";
  readonly code = "breaker_open";
  /** Milliseconds until a call may go through. */
  readonly ms: number;

  constructor(ms: number) {
    super(`breaker: open, calls are refused for another ${Math.ceil(ms)} ms`);
    this.ms = ms;
  }
}

export class Breaker {
  readonly #failures: number;
  readonly #ms: number;
  readonly #probes: number;
  readonly #isFailure: (error: unknown) => boolean;
  readonly #onChange: ((state: BreakerState) => void) | undefined;
  #state: BreakerState = "closed";
  /** Rises at each change of state. A call that began before a change does not count any more. */
  #round = 0;
  /** The number of failures in a row, while it is closed. */
  #failed = 0;
  /** While it is half-open: the number of probes that run, and of those that have succeeded. */
  #probing = 0;
  #succeeded = 0;
  /** The moment at which it opened, or let the first of these probes through. */
  #since = 0;

  /** Throws a RangeError for invalid numbers. */
  constructor({ failures = 5, ms = 30_000, probes = 1, isFailure = () => true, onChange }: BreakerOptions = {}) {
    if (!(failures >= 1)) throw new RangeError(`Breaker: failures must be at least 1, got ${failures}`);
    if (!(ms > 0)) throw new RangeError(`Breaker: ms must be above 0, got ${ms}`);
    if (!(probes >= 1)) throw new RangeError(`Breaker: probes must be at least 1, got ${probes}`);
    this.#failures = failures;
    this.#ms = ms;
    this.#probes = probes;
    this.#isFailure = isFailure;
    this.#onChange = onChange;
  }

  get state(): BreakerState {
    return this.#state === "open" && this.#left() <= 0 ? "half-open" : this.#state;
  }

  /**
   * Calls fn and returns its result. While it is open, it does not call fn, but rejects with a
   * {@link BreakerOpenError}.
   */
  async run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    const round = this.#enter();
    let failed = true;
    try {
      const result = await fn();
      failed = false;
      return result;
    } catch (error) {
      // A Goexit is the caller's own end.
      failed = !isGoexit(error) && this.#isFailure(error);
      throw error;
    } finally {
      if (round === this.#round) this.#leave(failed);
    }
  }

  #enter(): number {
    if (this.#state === "closed") return this.#round;
    if (this.#state === "open" || this.#probing + this.#succeeded >= this.#probes) {
      const left = this.#left();
      if (left > 0) throw new BreakerOpenError(this.#state === "open" ? left : 0);
      this.#become("half-open");
    }
    this.#probing++;
    return this.#round;
  }

  #leave(failed: boolean): void {
    if (this.#state === "half-open") {
      this.#probing--;
      if (failed) this.#become("open");
      else if (++this.#succeeded >= this.#probes) this.#become("closed");
    } else if (!failed) this.#failed = 0;
    else if (++this.#failed >= this.#failures) this.#become("open");
  }

  /** Milliseconds that are left of the pause. */
  #left(): number {
    return this.#since + this.#ms - monotonic();
  }

  #become(state: BreakerState): void {
    const was = this.#state;
    this.#state = state;
    this.#round++;
    this.#failed = this.#probing = this.#succeeded = 0;
    this.#since = monotonic();
    if (state !== was) this.#onChange?.(state);
  }
}
