// Which step of a program the picture shows, and when the next one comes.

import { type ReadonlySignal, type Signal, computed, signal } from "@preact/signals";
import type { PictureEvent } from "../code/messages.ts";
import { Model } from "./model.ts";
import type { Step } from "./state.ts";

/** Milliseconds of a step at each speed. */
export const SPEEDS = { "slow motion": 2400, normal: 900, fast: 250 } as const;
export type Speed = keyof typeof SPEEDS;

export class Player {
  readonly #model: Model;
  readonly #length: Signal<number>;
  readonly index: Signal<number> = signal(0);
  readonly playing: Signal<boolean> = signal(false);
  readonly speed: Signal<Speed> = signal("normal");
  readonly step: ReadonlySignal<Step> = computed(() => this.steps[this.index.value] as Step);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(program: string) {
    this.#model = new Model(program);
    this.#length = signal(this.#model.steps.length);
  }

  /** All steps so far; a component that reads this is drawn again if there are more. */
  get steps(): readonly Step[] {
    void this.#length.value;
    return this.#model.steps;
  }

  add(events: readonly PictureEvent[]): void {
    for (const event of events) this.#model.add(event);
    this.#length.value = this.#model.steps.length;
  }

  /** The program has ended with that status, or was stopped. */
  end(status: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#model.end(status);
    this.#length.value = this.#model.steps.length;
  }

  play(): void {
    if (this.#isOver && this.index.value === this.steps.length - 1) this.index.value = 0;
    this.playing.value = true;
    this.#wait();
  }

  pause(): void {
    this.playing.value = false;
    clearTimeout(this.#timer);
  }

  /** Shows that step, or the nearest there is. */
  show(index: number): void {
    this.pause();
    this.index.value = Math.max(0, Math.min(index, this.steps.length - 1));
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.playing.value) return;
      if (this.index.value < this.steps.length - 1) this.index.value++;
      else if (this.#isOver) {
        this.pause();
        return;
      }
      this.#wait();
    }, SPEEDS[this.speed.value]);
  }
}
