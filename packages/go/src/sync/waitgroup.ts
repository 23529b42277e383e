// WaitGroup: waits for a number of goroutines to end (after Go's sync/waitgroup.go).
//
// Invariants: there are waiters only while the counter is above zero; the step to zero releases all of them together. A
// waiter that finds the counter above zero again when it goes on has been overtaken by the next round, which is a mistake.

import { capture, captured } from "../internal/channel.ts";
import { expectAttached } from "../internal/detached.ts";
import { current, type Goroutine } from "../internal/goroutine.ts";
import { spawn } from "../internal/launch.ts";
import { completed, inSteps, misuse, park, resume } from "../internal/sched.ts";

export class WaitGroup {
  #counter = 0;
  #waiters: { readonly g: Goroutine; readonly resolve: (value: never) => void }[] = [];

  readonly #supervisor = { ended: (): void => this.done() };

  /** Adds to the counter; at zero all waits end. Throws `sync: negative WaitGroup counter`. */
  add(delta: number): void {
    if (!Number.isInteger(delta)) throw new TypeError(`sync: WaitGroup.add: expected a whole number, got ${delta}`);
    if (this.#counter + delta < 0) throw misuse("sync: negative WaitGroup counter");
    this.#counter += delta;
    if (this.#counter > 0 || this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const w of waiters) resume(w.g, "sync.WaitGroup.Wait", w.resolve as () => void, undefined);
  }

  /** One less. */
  done(): void {
    expectAttached(this, "wg.done");
    this.add(-1);
  }

  /**
   * Waits until the counter is zero. Rejects with `sync: WaitGroup is reused before previous Wait has returned` if somebody
   * adds to it between that moment and the one at which the caller goes on.
   */
  wait(): Promise<void> {
    if (this.#counter === 0) return completed();
    const promise = new Promise<void>(capture);
    const g = current();
    this.#waiters.push({ g, resolve: captured });
    park(g, "sync.WaitGroup.Wait");
    const reused = (): void => {
      if (this.#counter > 0) throw new Error("sync: WaitGroup is reused before previous Wait has returned");
    };
    return inSteps(promise.then(reused));
  }

  /** Starts fn in a goroutine that counts until it returns or calls Goexit. It must not panic: that ends the program. */
  go(fn: () => unknown): void {
    this.add(1);
    spawn(fn, [], this.#supervisor);
  }
}
