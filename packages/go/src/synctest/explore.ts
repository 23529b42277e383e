// The search for a schedule in which a program fails. It tries many seeds. Then it looks for the
// shortest schedule that fails like the first one, and prints that as a table.

import { recordStacks } from "../internal/stacks.ts";
import { nameOf } from "../internal/goroutine.ts";
import { host } from "../internal/host.ts";
import { observer } from "../internal/hooks.ts";
import { takeControl } from "../internal/sched.ts";
import type { Bubble } from "./bubble.ts";
import { type Run, runControlled, type Taken } from "./controlled.ts";
import { byDecisions, bySeed, recorded, type Schedule, shrink } from "./schedule.ts";

export interface ExploreOptions {
  /** The number of seeds to try, from 0 on; 500 by default. */
  readonly seeds?: number | undefined;
  /** The one seed to try. */
  readonly seed?: number | undefined;
  /** The number of steps after which a run counts as one that never ends; 10,000 by default. */
  readonly steps?: number | undefined;
}

/** The error with which `explore` rejects. */
export class ScheduleError extends Error {
  override readonly name: string = "ScheduleError";
  readonly seed: number;
  /** The number of schedules that were tried, this one included. */
  readonly schedules: number;

  constructor(message: string, seed: number, schedules: number, cause: unknown) {
    super(message, { cause });
    this.seed = seed;
    this.schedules = schedules;
  }
}

/** True during a search: only one search can control the scheduler. */
let exploring = false;

/** See index.ts. */
export async function search(
  begin: (bubble: Bubble) => void,
  { seeds = 500, seed, steps = 10_000 }: ExploreOptions,
): Promise<{ schedules: number }> {
  expectWhole("seeds", seeds);
  expectWhole("seed", seed ?? 0);
  expectWhole("steps", steps);
  if (exploring) throw new Error("synctest: explore is running already: await it before the next one");
  exploring = true;
  const control = await takeControl();
  try {
    const run = (schedule: Schedule, seed: number): Promise<Run> =>
      runControlled(control, begin, schedule, seed, { steps });
    const all = seed === undefined ? Array.from({ length: seeds }, (_, i) => i) : [seed];
    for (const [i, seed] of all.entries()) {
      const decisions: number[] = [];
      const { failure } = await run(recorded(bySeed(seed), decisions), seed);
      if (failure !== undefined) throw await explained(run, seed, decisions, failure.error, i + 1);
    }
    return { schedules: all.length };
  } finally {
    control.release();
    exploring = false;
  }
}

async function explained(
  run: (schedule: Schedule, seed: number) => Promise<Run>,
  seed: number,
  decisions: readonly number[],
  error: unknown,
  schedules: number,
): Promise<ScheduleError> {
  const message = messageOf(error);
  const failsAlike = async (decisions: readonly number[]): Promise<boolean> => {
    const { failure } = await run(byDecisions(decisions), seed);
    return failure !== undefined && messageOf(failure.error) === message;
  };
  const shortest = await shrink(decisions, failsAlike);
  const recording = observer !== undefined;
  recordStacks(true);
  const { steps, failure } = await run(byDecisions(shortest), seed);
  if (!recording) recordStacks(false);
  const text =
    `seed ${seed} fails: ${message}\n` +
    `in ${count(switches(steps), "change")} of goroutine, after ${count(schedules, "schedule")}; ` +
    `again with explore(fn, { seed: ${seed} }):\n\n${table(steps)}`;
  host.console.error(`synctest: ${text}`);
  return new ScheduleError(text, seed, schedules, failure?.error ?? error);
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] as string;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function switches(steps: readonly Taken[]): number {
  return steps.filter(({ id }, i) => i > 0 && steps[i - 1]?.id !== id).length;
}

/**
 * A line for each step: the goroutine that continued, the operation after which it continued, and
 * the place at which it stopped.
 */
function table(steps: readonly Taken[]): string {
  const shown = steps.length > 200 ? steps.slice(-200) : steps;
  const rows = shown.map(({ id, g, what, at }, i) => [
    String(steps.length - shown.length + i + 1),
    `${id} ${nameOf(g)}`,
    what,
    /\n\t(.*)/.exec(at)?.[1] ?? "",
  ]);
  const all = [["step", "goroutine", "does", "rests at"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] as string).length)));
  return all
    .map((row) => row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i] as number) : cell)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

function expectWhole(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0) {
    throw new RangeError(`synctest: explore: ${name} must be a whole number, 0 or above, got ${value}`);
  }
}
