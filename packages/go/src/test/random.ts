// A random source that can be repeated: a failing test prints its seed, and SEED=<it> in the
// environment gives it again.
import { onTestFailed, vi } from "vitest";

export interface Random {
  /** From 0 to below n. */
  readonly below: (n: number) => number;
}

/**
 * For one test. The library's own choices (which of several ready cases) come from it too, until
 * the test ends.
 */
export function seeded(): Random {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  let state = seed >>> 0;
  // Mulberry32.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  vi.spyOn(Math, "random").mockImplementation(next);
  onTestFailed(() => console.error(`repeat it with SEED=${seed}`));
  return { below: (n) => Math.floor(next() * n) };
}
