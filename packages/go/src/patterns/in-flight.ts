// The bound on the values of a stage that are in flight: how far its workers may be ahead of the
// reader.
//
// Invariants: values that are worked on, results that wait for their turn and results that wait to
// be received are together at most twice as many as the workers. (If a value has several results,
// as many of them may wait besides.) A worker that finds the bound reached waits until at most one
// value per worker is in flight. Then all waiting workers continue together, on one shared promise.
// So neither the workers nor the reader wait for each value, and a reader that has emptied the
// buffer finds all workers at work.

import { capture, captured } from "../internal/channel.ts";
import { type Goroutine, leaveWait } from "../internal/goroutine.ts";
import { park } from "../internal/sched.ts";
import type { Stage, StageSource } from "./stage.ts";

export class InFlight<R> implements StageSource {
  readonly #workers: number;
  #stage: Stage<R> | undefined;
  readonly #waiting: Goroutine[] = [];
  #reopened: Promise<void> | undefined;
  #reopen: ((value: never) => void) | undefined;
  /** The number of values that have entered and not left. */
  #busy = 0;
  #stopped = false;

  constructor(workers: number) {
    this.#workers = workers;
  }

  get size(): number {
    return 2 * this.#workers;
  }

  /** Sets the stage whose values are counted. */
  bound(stage: Stage<R>): void {
    this.#stage = stage;
  }

  /**
   * Lets goroutine g begin with a value: at once (`undefined`), or when the bound allows it or the
   * stage stops.
   */
  enter(g: Goroutine): Promise<void> | undefined {
    if (!this.#stopped && this.#busy + this.#buffered >= this.size) return this.#wait(g);
    this.#busy++;
    return undefined;
  }

  /** Records that a value is finished. */
  leave(): void {
    this.#busy--;
    this.taken();
  }

  /** Waits until all results were taken, or the stage stops. */
  async drained(g: Goroutine): Promise<void> {
    while (!this.#stopped && this.#buffered > 0) {
      await this.#wait(g);
      this.#busy--;
    }
  }

  poll(): void {
    // Results come without a request.
  }

  taken(): void {
    if (this.#waiting.length > 0 && this.#busy + this.#buffered <= this.#workers) this.#goOn();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#stage?.hasFailed === false) this.#stage.output.drain();
    this.#goOn();
  }

  /** The number of results that wait to be taken. */
  get #buffered(): number {
    return (this.#stage as Stage<R>).output.count;
  }

  #wait(g: Goroutine): Promise<void> {
    if (this.#reopened === undefined) {
      this.#reopened = new Promise<void>(capture);
      this.#reopen = captured;
    }
    this.#waiting.push(g);
    park(g, "select");
    return this.#reopened;
  }

  /** Each waiting worker sets itself as the running goroutine, so no announcement is needed. */
  #goOn(): void {
    const reopen = this.#reopen as (() => void) | undefined;
    this.#busy += this.#waiting.length;
    for (const g of this.#waiting) leaveWait(g, "select");
    this.#waiting.length = 0;
    this.#reopened = undefined;
    this.#reopen = undefined;
    reopen?.();
  }
}
