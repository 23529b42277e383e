// The common parts of shared objects: words of shared memory, a guard on the first of them, and
// their transport.

import { giveCell, NEXT_OBJECT, whenCellIsFree, words as arena } from "./arena.ts";
import { registerAmbassador } from "./codec.ts";
import { enter, leave } from "./guard.ts";
import type { State } from "../internal/goroutine.ts";
import {
  append,
  endToken,
  expectMemory,
  makeToken,
  parkHere,
  resumeWaiting,
  takeOutcome,
  type Waiting,
} from "./waits.ts";

export const GUARD = 0;
export const ID = 1;
/** The first word that the object itself uses. */
export const OWN = 2;

export abstract class SharedObject {
  /** @internal The object's memory, which is its whole state. */
  readonly memory: Int32Array;

  /** `from` is the memory of an object of another thread, or the number of words for a new one. */
  constructor(from: SharedArrayBuffer | number) {
    expectMemory();
    if (typeof from === "number") {
      this.memory = new Int32Array(new SharedArrayBuffer((OWN + from) * 4));
      this.memory[ID] = Atomics.add(arena, NEXT_OBJECT, 1);
    } else this.memory = new Int32Array(from);
  }

  /** Runs a few instructions while no other thread uses the object. */
  protected locked<T>(body: () => T): T {
    enter(this.memory, GUARD);
    try {
      return body();
    } finally {
      leave(this.memory, GUARD);
    }
  }

  /**
   * Waits in a queue of the object, unless `ready()`, called with the guard held, says that this is
   * not needed. `done` gets the outcome.
   */
  protected waitIn<T>(
    queue: number,
    state: State,
    ready: () => T | undefined,
    done: (outcome: number) => T,
  ): Promise<T> | { readonly value: T } {
    let waiting: Waiting<T> | undefined;
    const begin = (): { readonly value: T } | undefined => {
      const token = makeToken((token) => {
        const outcome = takeOutcome(token);
        resumeWaiting(waiting as Waiting<T>, state, done(outcome));
      });
      if (token === 0) {
        whenCellIsFree(() => {
          const got = begin();
          if (got !== undefined) resumeWaiting(waiting as Waiting<T>, state, got.value);
        });
        return undefined;
      }
      const value = this.locked(() => {
        const value = ready();
        if (value === undefined) append(this.memory, queue, token);
        return value;
      });
      if (value === undefined) return undefined;
      abandon(token);
      return { value };
    };
    const got = begin();
    if (got !== undefined) return got;
    waiting = parkHere<T>(state);
    return waiting.promise;
  }
}

/** Discards a wait that was not needed. */
function abandon(token: number): void {
  endToken(token);
  giveCell(token);
}

/** Makes the objects of a class transportable to other threads. */
export function registerShared(
  name: string,
  type: Function,
  receive: (memory: SharedArrayBuffer) => SharedObject,
): void {
  registerAmbassador({
    name,
    matches: (value) => value instanceof type,
    send: (value: SharedObject) => value.memory.buffer,
    receive,
  });
}
