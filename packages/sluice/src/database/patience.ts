// The patience with a lost connection: a server that restarts is back in seconds; a server that is
// gone fails in the end.
import { setTimeout as sleep } from "node:timers/promises";
import { SluiceError } from "../errors.ts";

/** The time for which a lost connection is tried again, by default. */
export const DEFAULT_RECONNECT_MS = 30_000;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** The code of a server that has become a standby while an import ran. */
export const STANDBY = "standby";
/** Errors that may be over in a moment. Wrong passwords and unknown hosts are not. */
const PASSING = new Set([
  "connection_lost",
  "connection_refused",
  "connection_failed",
  "too_many_connections",
  STANDBY,
]);

/** A series of failed attempts, up to the next success. */
export class Patience {
  readonly #limit: number;
  #since: number | undefined;
  #first: unknown;
  #pause = FIRST_PAUSE_MS;

  constructor(limitMs: number) {
    this.#limit = limitMs;
  }

  /**
   * Waits before the next attempt, each time longer, if the error may go away by itself.
   *
   * @throws the error if it cannot go away, or the first one if attempts have failed for too long
   */
  async bear(error: unknown): Promise<void> {
    const now = performance.now();
    this.#since ??= now;
    this.#first ??= error;
    if (!(error instanceof SluiceError) || !PASSING.has(error.code)) throw error;
    if (now - this.#since >= this.#limit) throw this.#first;
    // Several workers that lost their connections together do not come back together.
    await sleep(this.#pause * (0.5 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}
