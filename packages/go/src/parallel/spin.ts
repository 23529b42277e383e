// Spinning: a thread without work looks for work again and again for some microseconds before it
// sleeps. To put a thread to sleep and wake it takes longer than many tasks (Go's "spinning Ms" in
// runtime/proc.go).
//
// It spins only as long as that is successful. After a spin that found nothing, it sleeps twice as
// many times as before without a spin. On a machine with one core nothing can arrive while it
// spins.

import { cores } from "./host.ts";

/** Tells the core that this is a waiting loop, if the engine can do that. */
export const pause: () => void = (Atomics as { pause?: () => void }).pause?.bind(Atomics) ?? ((): void => undefined);

const isWorthwhile: boolean = cores() > 1;
const mostSkipped = 256;

export class Spinner {
  /**
   * The most looks: a number and not a time, because a test may have stopped the clock. A look
   * takes about 150 ns.
   */
  readonly #most: number;
  /** The number of remaining sleeps without a spin, and that number after the last failure. */
  #skip = 0;
  #skipped = 1;

  constructor(most: number) {
    this.#most = most;
  }

  /** True if it is worthwhile now to wait without sleeping. The caller tells `note` the result. */
  isDue(): boolean {
    if (!isWorthwhile) return false;
    if (this.#skip === 0) return true;
    this.#skip--;
    return false;
  }

  note(found: boolean): void {
    if (found) this.#skipped = 1;
    else {
      this.#skip = this.#skipped;
      this.#skipped = Math.min(this.#skipped * 2, mostSkipped);
    }
  }

  /** Looks until something is there, or often enough, and tells which. */
  look(isThere: () => boolean): boolean {
    for (let n = this.#most; n > 0; n--) {
      if (isThere()) return true;
      pause();
    }
    return false;
  }
}
