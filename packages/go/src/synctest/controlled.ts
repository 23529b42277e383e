// One run of a bubble under a schedule: every operation of the library is a step, and the schedule
// decides which goroutine's step is next.
//
// Invariants: all microtasks run between two steps, unless the schedule gives a number. Nothing
// depends on real time, and `Math.random` is the schedule's. So the same decisions give the same
// run. If a goroutine awaits something real (I/O, a timer of the host's), the run waits for it, and
// may then differ.

import type { Goroutine, State } from "../internal/goroutine.ts";
import { host } from "../internal/host.ts";
import { isTimeFake } from "../internal/clock.ts";
import { races } from "../internal/races.ts";
import { type Control, type Step } from "../internal/sched.ts";
import { Bubble } from "./bubble.ts";
import { randomOf, type Schedule } from "./schedule.ts";

/** A step of a goroutine: it continued after `what`. */
export interface Taken {
  /** The number of the goroutine in the order of their start, from 1 for the root. */
  readonly id: number;
  readonly g: Goroutine;
  readonly what: string;
  /** The place at which the goroutine stopped after that: its stack, if stacks are recorded. */
  at: string;
}

export interface Run {
  readonly failure: { readonly error: unknown } | undefined;
  readonly steps: readonly Taken[];
}

export interface Limits {
  /** The number of steps after which a run counts as one that never ends. */
  readonly steps: number;
}

// The host's own function, taken at load: a test framework's fake timers must not stop a run.
const { setImmediate } = host;
const hostTimeout = isTimeFake() ? undefined : setTimeout;
const resolved = Promise.resolve();

/**
 * Runs fn as `begin` does, in a new bubble. It is over 60 lines because the steps of the loop share
 * its variables: which goroutines can continue, which one ran last, and what they have done.
 */
export async function runControlled(
  control: Control,
  begin: (bubble: Bubble) => void,
  schedule: Schedule,
  seed: number,
  limits: Limits,
): Promise<Run> {
  const end: { failure?: { readonly error: unknown } | undefined; reached: boolean } = { reached: false };
  const random = randomOf(seed ^ 0x5bd1e995);
  const bubble = new Bubble((failure) => Object.assign(end, { failure, reached: true }), random);
  bubble.poke = () => undefined;
  bubble.locksAreDurable = true;
  const ids = new Map<Goroutine, number>();
  const steps: Taken[] = [];
  const racesBefore = races.found;
  const hostRandom = Math.random;
  let pool: Step[] = [];
  let last: Goroutine | undefined;

  /**
   * The goroutines of the bubble that can continue, with the one that ran last first. All other
   * goroutines continue at once.
   */
  const collect = (): void => {
    for (const step of control.take()) {
      if (bubble.members.has(step.g)) pool.push(step);
      else control.run(step);
    }
    for (const g of bubble.members) if (!ids.has(g)) ids.set(g, ids.size + 1);
    pool = pool.filter(({ g }) => bubble.members.has(g));
    const at = pool.findIndex(({ g }) => g === last);
    if (at > 0) pool.unshift(...pool.splice(at, 1));
  };
  const takeOne = (): void => {
    const index = pool.length === 1 ? 0 : schedule.pick(pool.map(({ g }) => ids.get(g) as number));
    const [step] = pool.splice(index, 1) as [Step];
    last = step.g;
    steps.push({ id: ids.get(step.g) as number, g: step.g, what: what(step.state, step.g, steps), at: "" });
    control.run(step);
  };

  Math.random = random;
  try {
    begin(bubble);
    for (let idle = 0; !end.reached;) {
      await turn(idle);
      if (end.reached) break;
      for (const taken of steps.slice(-8)) if (taken.at === "") taken.at = taken.g.notes?.parkedAt ?? "";
      collect();
      if (pool.length === 0) {
        idle = bubble.act() ? 0 : idle + 1;
        continue;
      }
      idle = 0;
      if (steps.length >= limits.steps) {
        bubble.panicked(new Error(`synctest: no end after ${limits.steps} steps: does a goroutine wait in a loop?`));
        break;
      }
      takeOne();
      // Others may continue before this goroutine has stopped.
      for (let gap = pool.length === 0 ? 0 : schedule.gap(); gap > 0; gap = pool.length === 0 ? 0 : schedule.gap()) {
        for (let i = 1; i < gap; i++) await resolved;
        collect();
        if (pool.length === 0 || end.reached) break;
        takeOne();
      }
    }
    await turn(0);
    control.take().forEach((step) => control.run(step));
  } finally {
    Math.random = hostRandom;
  }
  const { failure } = end;
  if (failure === undefined && races.found > racesBefore) {
    return { failure: { error: new Error(`data race\n${races.last}`) }, steps };
  }
  return { failure, steps };
}

/**
 * Resolves when all microtasks have run. If that has led to nothing, it waits longer, because the
 * bubble awaits something real.
 */
function turn(idle: number): Promise<void> {
  return new Promise<void>((resolve) => {
    if (idle > 8 && hostTimeout !== undefined) hostTimeout(resolve, 1);
    else (setImmediate ?? hostTimeout ?? ((fn: () => void) => void resolved.then(fn)))(resolve);
  });
}

function what(state: State | undefined, g: Goroutine, steps: readonly Taken[]): string {
  if (state !== undefined) return `wakes from ${state}`;
  return steps.some((taken) => taken.g === g) ? "goes on" : "starts";
}
