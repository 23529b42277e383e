// A hold on a lock, and the queue of those who wait for one. Mutex and RWMutex are made of these.
//
// Invariant: a hold is made once for each lock call, waits as a node of the queue, and is what the caller disposes of.

import { capture, captured } from "../internal/channel.ts";
import { current, type Goroutine, type State } from "../internal/goroutine.ts";
import { park, resume } from "../internal/sched.ts";

/** What can be locked and unlocked. */
export interface Locker {
  readonly lock: () => Promise<Disposable>;
  readonly unlock: () => void;
}

interface Lock {
  readonly drop: (hold: Hold) => void;
}

export class Hold implements Disposable {
  next: Hold | undefined = undefined;
  g: Goroutine | undefined = undefined;
  resolve: ((hold: never) => void) | undefined = undefined;
  /** Which of the times that an RWMutex is read it is part of; 0 for none. */
  reading = 0;
  readonly #lock: Lock;

  constructor(lock: Lock) {
    this.#lock = lock;
  }

  [Symbol.dispose](): void {
    this.#lock.drop(this);
  }
}

/** First in, first out. */
export class HoldQueue {
  readonly #state: State;
  first: Hold | undefined = undefined;
  #last: Hold | undefined = undefined;

  constructor(state: State) {
    this.#state = state;
  }

  /** Parks the current goroutine until the hold is granted. */
  wait(hold: Hold): Promise<Disposable> {
    const promise = new Promise<Disposable>(capture);
    const g = current();
    hold.g = g;
    hold.resolve = captured;
    if (this.first === undefined) this.first = hold;
    else (this.#last as Hold).next = hold;
    this.#last = hold;
    park(g, this.#state);
    return promise;
  }

  /** Takes the first out and lets its goroutine go on. */
  grant(): Hold {
    const hold = this.first as Hold;
    this.first = hold.next;
    if (this.first === undefined) this.#last = undefined;
    const { g, resolve } = hold;
    hold.next = undefined;
    hold.g = undefined;
    hold.resolve = undefined;
    resume(g as Goroutine, this.#state, resolve as (hold: Hold) => void, hold);
    return hold;
  }
}
