// A guard: a lock for a few instructions on shared memory, never across an await (after Drepper,
// "Futexes are tricky").
//
// The word is 0 for free, 1 for locked, and 2 for locked with a waiting thread. A page's first
// thread may not block, so it spins. A guard is held for less than a microsecond, unless its thread
// is interrupted.

import { threads } from "./host.ts";
import { pause } from "./spin.ts";

const mayWait: boolean = threads?.Worker !== undefined || (globalThis as { document?: unknown }).document === undefined;
const tries = 8;

export function enter(words: Int32Array, at: number): void {
  if (Atomics.compareExchange(words, at, 0, 1) !== 0) contend(words, at);
}

/**
 * Looks at the guard less and less often, and only reads it. So the thread that has the guard keeps
 * its cache line, and can do several operations before it has to give the line away.
 */
function contend(words: Int32Array, at: number): void {
  for (let i = 0; i < tries; i++) {
    for (let n = 1 << i; n > 0; n--) pause();
    if (Atomics.load(words, at) === 0 && Atomics.compareExchange(words, at, 0, 1) === 0) return;
  }
  while (Atomics.exchange(words, at, 2) !== 0) if (mayWait) Atomics.wait(words, at, 2);
}

export function leave(words: Int32Array, at: number): void {
  if (Atomics.exchange(words, at, 0) === 2) Atomics.notify(words, at, 1);
}
