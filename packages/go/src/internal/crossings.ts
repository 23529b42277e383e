// What crosses from one thread of /parallel to another, for diagnostics (/race, /trace). They add
// a part here, and /parallel does not depend on them.
//
// A *cell* names one wait for a shared object, or one task on its way to a P and back: a number
// that all threads know. It is used again after the wait or the task is over, and `use` tells how
// often it was used.
//
// Invariant: without a part each event costs a program one predictable branch and nothing else.

import type { Goroutine } from "./goroutine.ts";

export interface Crossings {
  /** The running goroutine begins a wait in the cell, or starts a task. */
  readonly queued: (cell: number, use: number) => void;
  /** The task begins, in the goroutine that runs. */
  readonly began: (cell: number, use: number) => void;
  /** An operation of a channel, which runs under the channel's guard, ends the wait in the cell. */
  readonly claimed: (cell: number) => void;
  /** Goroutine g ends the wait or the task in the cell. */
  readonly answered: (cell: number, use: number, g: Goroutine) => void;
  /** The goroutine that waited in the cell, or for the task, continues. */
  readonly continued: (cell: number, use: number) => void;
}

export let crossings: Crossings | undefined;

let parts: readonly Crossings[] = [];

/** Adds the part of a diagnostic, from now on. */
export function addCrossings(part: Crossings): void {
  compose([...parts, part]);
}

/** Removes it again. */
export function removeCrossings(part: Crossings): void {
  compose(parts.filter((other) => other !== part));
}

function compose(next: readonly Crossings[]): void {
  parts = next;
  const all = parts;
  crossings =
    all.length < 2
      ? all[0]
      : {
          queued: (cell, use) => all.forEach((part) => part.queued(cell, use)),
          began: (cell, use) => all.forEach((part) => part.began(cell, use)),
          claimed: (cell) => all.forEach((part) => part.claimed(cell)),
          answered: (cell, use, g) => all.forEach((part) => part.answered(cell, use, g)),
          continued: (cell, use) => all.forEach((part) => part.continued(cell, use)),
        };
}
