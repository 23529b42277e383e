/**
 * Seeded random numbers, the same on every machine: xoshiro128** 1.1 by David Blackman and
 * Sebastiano Vigna (2018, public domain, https://prng.di.unimi.it/xoshiro128starstar.c), its four
 * words of state filled by splitmix32 steps (the 32-bit finalizer of MurmurHash3 over a Weyl
 * sequence). Good for making up data, not for secrets.
 */
export class Random {
  readonly #state = new Uint32Array(4);

  /** `stream` tells apart several independent sequences of one seed. */
  constructor(seed: number, stream = 0) {
    // Seeds may be larger than 32 bits: both halves count.
    let word = mix(seed >>> 0) ^ mix(Math.floor(seed / 2 ** 32) ^ 0x5bd1e995) ^ mix(stream + 0x9e3779b9);
    for (let i = 0; i < 4; i++) {
      word = (word + 0x9e3779b9) >>> 0;
      this.#state[i] = mix(word);
    }
  }

  /** The next 32 bits, as a number in [0, 2³²). */
  next(): number {
    const s = this.#state;
    const s0 = s[0]!;
    const s1 = s[1]!;
    const result = Math.imul(rotl(Math.imul(s1, 5), 7), 9) >>> 0;
    const s2 = s[2]! ^ s0;
    const s3 = s[3]! ^ s1;
    s[1] = s1 ^ s2;
    s[0] = s0 ^ s3;
    s[2] = s2 ^ (s1 << 9);
    s[3] = rotl(s3, 11);
    return result;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound);
  }

  /** One element of a list that has at least one. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** `count` decimal digits (1 to 9), leading zeros included. */
  digits(count: number): string {
    const power = 10 ** count;
    return String(power + this.below(power)).slice(1);
  }
}

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
