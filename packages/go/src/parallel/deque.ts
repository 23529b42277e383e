// The run queue of a P: a work-stealing deque (Chase and Lev, "Dynamic circular work-stealing
// deque", 2005), of fixed size.
//
// The owner pushes and takes at the bottom, newest first. Thieves take at the top, oldest first,
// one task at a time with a compare-and-swap for each, up to half of the tasks. `top` only grows,
// so a slow thief cannot take a task twice (no ABA). The owner uses the same compare-and-swap only
// for the last task. JavaScript's atomics are sequentially consistent, as the original algorithm
// assumes. Go's own queue lets thieves take half with one compare-and-swap. But then its owner must
// take the oldest task first, and with fork–join that keeps every branch of the tree alive.
//
// Both numbers wrap at 2^32. The code compares them by their difference.

import { BOTTOM, DEQUE, dequeAt, home, self, slotAt, SLOTS_USED, TOP, words } from "./arena.ts";

const mask: number = DEQUE - 1;

/** Pushes a task to this thread's deque, and returns true if there was space. */
export function push(task: number): boolean {
  const b = words[home + BOTTOM] as number;
  const t = Atomics.load(words, home + TOP);
  if (((b - t) | 0) >= DEQUE) return false;
  words[dequeAt(self) + (b & mask)] = task;
  Atomics.store(words, home + BOTTOM, (b + 1) | 0);
  return true;
}

/** Takes this thread's newest task; 0 if there is none. */
export function pop(): number {
  const b = ((words[home + BOTTOM] as number) - 1) | 0;
  Atomics.store(words, home + BOTTOM, b);
  const t = Atomics.load(words, home + TOP);
  const left = (b - t) | 0;
  if (left < 0) {
    Atomics.store(words, home + BOTTOM, t);
    return 0;
  }
  const task = words[dequeAt(self) + (b & mask)] as number;
  if (left > 0) return task;
  // This is the last task, and a thief may be taking it.
  const won = Atomics.compareExchange(words, home + TOP, t, (t + 1) | 0) === t;
  Atomics.store(words, home + BOTTOM, (t + 1) | 0);
  return won ? task : 0;
}

/** Takes the oldest task of a slot's deque; 0 if there is none, or another thread was faster. */
export function steal(slot: number): number {
  const at = slotAt(slot);
  const t = Atomics.load(words, at + TOP);
  const b = Atomics.load(words, at + BOTTOM);
  if (((b - t) | 0) <= 0) return 0;
  const task = Atomics.load(words, dequeAt(slot) + (t & mask));
  return Atomics.compareExchange(words, at + TOP, t, (t + 1) | 0) === t ? task : 0;
}

/** The number of tasks in a slot's deque. */
export function queuedAt(slot: number): number {
  const at = slotAt(slot);
  return Math.max(0, (Atomics.load(words, at + BOTTOM) - Atomics.load(words, at + TOP)) | 0);
}

/** True if any deque holds a task. */
export function hasTasks(): boolean {
  const used = Atomics.load(words, SLOTS_USED);
  for (let slot = 1; slot <= used; slot++) if (queuedAt(slot) > 0) return true;
  return false;
}

/**
 * Takes half of a slot's tasks, the oldest, at most `most`. Returns one of them to run, and puts
 * the others into this thread's deque, in their order. `moved` is the number of tasks taken; the
 * result is undefined if there are no tasks.
 */
export function stealHalf(slot: number, most: number): { readonly task: number; readonly moved: number } | undefined {
  const wanted = Math.min(most, (queuedAt(slot) + 1) >> 1);
  const first = steal(slot);
  if (first === 0) return undefined;
  let moved = 1;
  while (moved < wanted) {
    const next = steal(slot);
    if (next === 0) break;
    push(next);
    moved++;
  }
  return { task: first, moved };
}
