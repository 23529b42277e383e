// How far the workers of a stage may be ahead of who reads its results.
//
// Invariants: values that are worked on, results that wait for their turn and results that wait to be taken are together
// twice as many as there are workers at most. (Of values with several results each, as many results may wait besides.) Who
// finds no room rests until there are no more than one for each worker; then all who rest go on, by one promise. So neither
// the workers nor the reader need wait for each value, and a reader that has emptied the buffer finds all workers at work.

import { capture, captured } from "../internal/channel.ts";
import { type Goroutine, leaveWait } from "../internal/goroutine.ts";
import { park } from "../internal/sched.ts";
import type { Stage, StageSource } from "./stage.ts";

export class Room<R> implements StageSource {
  readonly #workers: number;
  #stage: Stage<R> | undefined;
  readonly #resting: Goroutine[] = [];
  #reopened: Promise<void> | undefined;
  #reopen: ((value: never) => void) | undefined;
  /** How many values were entered and have not left. */
  #busy = 0;
  #stopped = false;

  constructor(workers: number) {
    this.#workers = workers;
  }

  get size(): number {
    return 2 * this.#workers;
  }

  /** Whose room it is. */
  bound(stage: Stage<R>): void {
    this.#stage = stage;
  }

  /** Goroutine g begins with a value: at once, or when there is room or the stage stops, and at once after that. */
  enter(g: Goroutine): Promise<void> | undefined {
    if (!this.#stopped && this.#busy + this.#waiting >= this.size) return this.#rest(g);
    this.#busy++;
    return undefined;
  }

  /** A value has been dealt with. */
  leave(): void {
    this.#busy--;
    this.taken();
  }

  /** Waits until all results were taken, or the stage stops. */
  async drained(g: Goroutine): Promise<void> {
    while (!this.#stopped && this.#waiting > 0) {
      await this.#rest(g);
      this.#busy--;
    }
  }

  poll(): void {
    // results come of their own accord
  }

  taken(): void {
    if (this.#resting.length > 0 && this.#busy + this.#waiting <= this.#workers) this.#goOn();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#stage?.hasFailed === false) this.#stage.output.drain();
    this.#goOn();
  }

  /** How many results wait to be taken. */
  get #waiting(): number {
    return (this.#stage as Stage<R>).output.count;
  }

  #rest(g: Goroutine): Promise<void> {
    if (this.#reopened === undefined) {
      this.#reopened = new Promise<void>(capture);
      this.#reopen = captured;
    }
    this.#resting.push(g);
    park(g, "select");
    return this.#reopened;
  }

  /** Whoever rests goes on by itself, so nobody has to tell who runs. */
  #goOn(): void {
    const reopen = this.#reopen as (() => void) | undefined;
    this.#busy += this.#resting.length;
    for (const g of this.#resting) leaveWait(g, "select");
    this.#resting.length = 0;
    this.#reopened = undefined;
    this.#reopen = undefined;
    reopen?.();
  }
}
