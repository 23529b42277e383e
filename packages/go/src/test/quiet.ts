// Every test must end all that it started: called once in a test file, this checks it after each of
// its tests.
import { afterEach, expect } from "vitest";
import { gosched, numGoroutine } from "../index.ts";

export function expectNoLeaks(): void {
  afterEach(async () => {
    for (let i = 0; i < 20 && numGoroutine() > 1; i++) await gosched();
    expect(numGoroutine()).toBe(1);
  });
}
