// How far the workers of a stage may be ahead of who reads its results.
//
// Invariant: values that are worked on and results that wait are together as many as there are workers at most, whatever
// waits for its turn counted too. (A value that gives several results may exceed that by as many as the output buffers.)
// Nobody rests while there is room.

import { capture, captured } from "../internal/channel.ts";
import { type Goroutine, leaveWait } from "../internal/goroutine.ts";
import { park } from "../internal/sched.ts";
import type { Stage, StageSource } from "./stage.ts";

interface Resting {
  readonly g: Goroutine;
  readonly resolve: (value: never) => void;
}

export class Room<R> implements StageSource {
  readonly #size: number;
  readonly #resting: Resting[] = [];
  #stage: Stage<R> | undefined;
  #busy = 0;
  #stopped = false;

  constructor(size: number) {
    this.#size = size;
  }

  /** Whose room it is. */
  bound(stage: Stage<R>): void {
    this.#stage = stage;
  }

  /** Goroutine g begins with a value: at once, or when there is room or the stage stops, and at once after that. */
  enter(g: Goroutine): Promise<void> | undefined {
    if (!this.#isOpen()) return this.#rest(g);
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
    while (!this.#stopped && (this.#stage as Stage<R>).output.count > 0) await this.#rest(g);
  }

  #rest(g: Goroutine): Promise<void> {
    const promise = new Promise<void>(capture);
    this.#resting.push({ g, resolve: captured });
    park(g, "select");
    return promise;
  }

  poll(): void {
    // results come of their own accord
  }

  taken(): void {
    if (this.#resting.length > 0 && this.#isOpen()) this.#admit();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#stage?.hasFailed === false) this.#stage.output.drain();
    while (this.#resting.length > 0) this.#admit();
  }

  #isOpen(): boolean {
    return this.#stopped || this.#busy + (this.#stage as Stage<R>).output.count < this.#size;
  }

  /** Lets one in. It goes on by itself, so nobody has to tell who runs. */
  #admit(): void {
    const { g, resolve } = this.#resting.pop() as Resting;
    this.#busy++;
    leaveWait(g, "select");
    (resolve as () => void)();
  }
}
