// Numbers that look random and follow from a seed, so that what was found can be found again.

export class Random {
  #state: number;

  /**
   * Seeds of two numbers make sequences of their own: a case of a run can be repeated without those
   * before it.
   */
  constructor(seed: number, nth = 0) {
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(nth + 1, 0xc2b2ae35)) >>> 0;
  }

  /** From 0 up to, but not including, `below`: "mulberry32". */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  /** Once in so many times. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
