// Breaker: stops calling what is down, and asks now and then whether it is back (after "Circuit Breaker"
// in Michael Nygard's "Release It!").
//
// States: *closed*, calls go through; *open*, after so many failures in a row, calls are refused at once;
// *half-open*, after a pause, a few probes go through: one failure opens it again, as many successes close it.
//
// Invariant: a call counts in the state in which it began. What was begun before it opened changes nothing after.

import { monotonic } from "../internal/clock.ts";
import { isGoexit } from "../internal/thrown.ts";

export type BreakerState = "closed" | "open" | "half-open";

/** When a {@link Breaker} opens and closes; all of it may be left out. */
export interface BreakerOptions {
  /** Failures in a row that open it; 5 by default. */
  readonly failures?: number | undefined;
  /** Milliseconds until it lets probes through; 30,000 by default. */
  readonly ms?: number | undefined;
  /** Probes at the same time, and successes that close it; 1 by default. */
  readonly probes?: number | undefined;
  /** Whether an error says that the other side is down; each does by default. */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** Called at each change, for logs and metrics. */
  readonly onChange?: ((state: BreakerState) => void) | undefined;
}

/** What a call that was refused rejects with. */
export class BreakerOpenError extends Error {
  override readonly name = "BreakerOpenError";
  readonly code = "breaker_open";
  /** Milliseconds until a call may be let through. */
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
  /** Rises at each change of state: a call that began before it counts no more. */
  #round = 0;
  /** In a row, while it is closed. */
  #failed = 0;
  /** While it is half-open: probes that run, and that have succeeded. */
  #probing = 0;
  #succeeded = 0;
  #openedAt = 0;

  /** Throws a RangeError for numbers that make no sense. */
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

  /** Calls fn and gives what it gives. Rejects with a {@link BreakerOpenError}, fn not called, while it is open. */
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
    if (this.#state === "open") {
      const left = this.#left();
      if (left > 0) throw new BreakerOpenError(left);
      this.#become("half-open");
    }
    if (this.#state === "half-open") {
      if (this.#probing + this.#succeeded >= this.#probes) throw new BreakerOpenError(0);
      this.#probing++;
    }
    return this.#round;
  }

  #leave(failed: boolean): void {
    if (this.#state === "half-open") {
      this.#probing--;
      if (failed) this.#open();
      else if (++this.#succeeded >= this.#probes) this.#become("closed");
    } else if (!failed) this.#failed = 0;
    else if (++this.#failed >= this.#failures) this.#open();
  }

  #open(): void {
    this.#openedAt = monotonic();
    this.#become("open");
  }

  #left(): number {
    return this.#openedAt + this.#ms - monotonic();
  }

  #become(state: BreakerState): void {
    this.#state = state;
    this.#round++;
    this.#failed = this.#probing = this.#succeeded = 0;
    this.#onChange?.(state);
  }
}
