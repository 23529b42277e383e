// A schedule: which goroutine continues at each step, as a list of small numbers.
//
// A decision is 0 for "the goroutine that ran last, or else the one that has queued longest", and n
// for the n-th other one. The next number is 0 for "the next step when this goroutine has stopped",
// and n for "the next step already n-1 microtasks later". The second kind interleaves code between
// foreign awaits. So the shortest schedule is the one with the fewest numbers that are not 0.
//
// Seeds with an even number choose at random. Those with an odd number choose by priorities that
// change a few times (PCT: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler
// with Probabilistic Guarantees of Finding Bugs", 2010). They find a bug that needs d orderings
// among n goroutines and k steps with a probability of at least 1/(n·k^(d-1)).

/** The decisions of a schedule, step by step. */
export interface Schedule {
  /** Returns the index of the goroutine that continues; `ids` are the numbers of the goroutines. */
  readonly pick: (ids: readonly number[]) => number;
  /**
   * Returns 1 plus the number of microtasks after which the next goroutine continues; 0 means after
   * all of them.
   */
  readonly gap: () => number;
}

/** Random numbers from 0 to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The schedule of a seed. */
export function bySeed(seed: number): Schedule {
  const random = randomOf(seed);
  const gap = (): number => (random() < 0.25 ? 1 + Math.floor(random() * 6) : 0);
  if (seed % 2 === 0) return { pick: (ids) => Math.floor(random() * ids.length), gap };
  return { pick: byPriority(random), gap };
}

/**
 * The number of steps that a program is assumed to have, when the moments of the changes are
 * chosen.
 */
const STEPS = 60;

function byPriority(random: () => number): Schedule["pick"] {
  const priorities = new Map<number, number>();
  const changes = new Set(Array.from({ length: 3 }, () => Math.floor(random() * STEPS)));
  let step = 0;
  return (ids) => {
    for (const id of ids) if (!priorities.has(id)) priorities.set(id, 1 + random());
    let best = 0;
    ids.forEach((id, i) => {
      if ((priorities.get(id) as number) > (priorities.get(ids[best] as number) as number)) best = i;
    });
    // From now on this goroutine has the lowest priority of all.
    if (changes.has(step++)) priorities.set(ids[best] as number, random() / step);
    return best;
  };
}

/** The schedule of a list of decisions. Missing ones are 0. */
export function byDecisions(decisions: readonly number[]): Schedule {
  let at = 0;
  const next = (): number => decisions[at++] ?? 0;
  return { pick: (ids) => Math.min(next(), ids.length - 1), gap: next };
}

/** Records the decisions of a schedule. */
export function recorded(schedule: Schedule, decisions: number[]): Schedule {
  const noted = (decision: number): number => {
    decisions.push(decision);
    return decision;
  };
  return { pick: (ids) => noted(schedule.pick(ids)), gap: () => noted(schedule.gap()) };
}

/**
 * Looks for fewer decisions with which `fails` still holds: without those at the end, then without
 * each part, from halves down to single ones. It calls `fails` at most `most` times.
 */
export async function shrink(
  decisions: readonly number[],
  fails: (decisions: readonly number[]) => Promise<boolean>,
  most = 400,
): Promise<readonly number[]> {
  let best = trimmed(decisions);
  let left = most;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.length; from += size) {
      const candidate = trimmed(best.map((decision, i) => (i >= from && i < from + size ? 0 : decision)));
      if (same(candidate, best)) continue;
      if (left-- <= 0) return best;
      if (await fails(candidate)) best = candidate;
    }
  }
  return best;
}

/** The decisions without the zeros at the end. */
function trimmed(decisions: readonly number[]): readonly number[] {
  let { length } = decisions;
  while (length > 0 && decisions[length - 1] === 0) length--;
  return decisions.slice(0, length);
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((decision, i) => decision === b[i]);
}
