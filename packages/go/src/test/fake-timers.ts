// Vitest's fake timers for each test of a file, and goroutines that run between the steps of the
// time.
import { afterEach, beforeEach, vi } from "vitest";
import { gosched } from "../index.ts";

/** Replaces the timers and clocks in each test of the file that calls this once. */
export function useFakeTimers(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  });
  afterEach(() => vi.useRealTimers());
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await gosched();
}

/** Lets so many milliseconds pass, and everything happen that they bring. */
export async function pass(ms: number): Promise<void> {
  await settle();
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}
