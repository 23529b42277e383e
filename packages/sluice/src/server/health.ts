// Asks if the database answers, at most once at a time.
import type { Target } from "../target.ts";

/** A probe that takes longer than this has failed. */
const PATIENCE_MS = 2000;

/**
 * @returns a probe: resolves when the database answers; rejects with the reason if it does not, or
 *   not in time.
 */
export function createProbe(target: Target): () => Promise<void> {
  let asked: Promise<void> | undefined;
  return async () => {
    // Probes that come while the database hangs wait for the same answer; they would pile up on its
    // connections otherwise.
    const answer = (asked ??= target.ping().finally(() => {
      asked = undefined;
    }));
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`no answer from the database in ${PATIENCE_MS / 1000} s`)),
      PATIENCE_MS,
    );
    try {
      await Promise.race([answer, promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
