// The processor profile, which the engine takes.
//
// Each sample has a stack and a time. If there are labels, this file records which goroutine runs
// at each time, and with which labels.

import type { Goroutine } from "../internal/goroutine.ts";
import { host } from "../internal/host.ts";
import { followRunner } from "../internal/runner.ts";
import { ask, type CallFrame } from "./inspector.ts";
import { areLabelsUsed, goroutineLabels, onLabels } from "./labels.ts";
import { encodeProfile, type Frame, type Labels, pathOf, type Sample } from "./profile.ts";

/** The inspector's result. Times are microseconds on the engine's clock. */
interface Raw {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

export interface CPUProfile {
  /** For `go tool pprof`: gzipped protobuf, with the labels of goroutines. */
  readonly pprof: () => Uint8Array;
  /** For the developer tools of browsers and editors: the text of a `.cpuprofile`. */
  readonly cpuprofile: () => string;
}

export interface CPUProfileOptions {
  /** Milliseconds between samples; 1 by default. */
  readonly interval?: number | undefined;
}

/** The labels that apply from a time on. */
interface Turn {
  readonly at: number;
  readonly labels: Labels | undefined;
}

let running:
  | { readonly interval: number; readonly began: number; readonly turns: Turn[]; stop?: () => void }
  | undefined;

/**
 * Starts to sample where the processor's time goes. Rejects with `cpu profiling already in use` if
 * it is on.
 */
export async function startCPUProfile({ interval = 1 }: CPUProfileOptions = {}): Promise<void> {
  if (!(interval >= 0.05)) throw new RangeError(`pprof: expected an interval of 0.05 ms or more, got ${interval}`);
  if (running !== undefined) throw new Error("cpu profiling already in use");
  const turns: Turn[] = [];
  running = { interval, began: Date.now(), turns };
  try {
    await ask("Profiler.enable");
    await ask("Profiler.setSamplingInterval", { interval: Math.round(interval * 1000) });
    await ask("Profiler.start");
  } catch (error) {
    running = undefined;
    throw error;
  }
  if (areLabelsUsed()) running.stop = noteTurns(turns);
}

/** Stops, and resolves to the profile. Rejects if no profile was started. */
export async function stopCPUProfile(): Promise<CPUProfile> {
  if (running === undefined) throw new Error("cpu profiling is not in use: await startCPUProfile() first");
  const { interval, began, turns, stop } = running;
  running = undefined;
  stop?.();
  const { profile } = await ask<{ profile: Raw }>("Profiler.stop");
  await ask("Profiler.disable");
  return {
    cpuprofile: () => JSON.stringify(profile),
    pprof: () =>
      encodeProfile({
        types: [
          ["samples", "count"],
          ["cpu", "nanoseconds"],
        ],
        samples: samplesOf(profile, turns),
        periodType: ["cpu", "nanoseconds"],
        period: Math.round(interval * 1e6),
        began,
        durationMs: (profile.endTime - profile.startTime) / 1000,
      }),
  };
}

interface Clock {
  readonly hrtime?: { readonly bigint: () => bigint };
}

/** Microseconds on the engine's clock. */
function engineTime(): number {
  return Number((host.process as Clock | undefined)?.hrtime?.bigint() ?? 0n) / 1000;
}

function noteTurns(turns: Turn[]): () => void {
  let last: Labels | undefined;
  let runner: Goroutine | undefined;
  const note = (labels: Labels | undefined): void => {
    if (labels === last) return;
    last = labels;
    turns.push({ at: engineTime(), labels });
  };
  const stop = followRunner({
    runs: (g) => {
      runner = g;
      note(goroutineLabels(g));
    },
    idle: () => {
      runner = undefined;
      note(undefined);
    },
  });
  onLabels((g) => {
    if (g === runner || runner === undefined) note(goroutineLabels(g));
  });
  return () => {
    stop();
    onLabels(undefined);
  };
}

/** The samples, without those in which the processor was idle. */
function samplesOf({ nodes, samples = [], timeDeltas = [], startTime }: Raw, turns: readonly Turn[]): Sample[] {
  const parents = new Map<number, number>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const stacks = new Map<number, readonly Frame[]>();
  const stackOf = (id: number): readonly Frame[] => {
    let stack = stacks.get(id);
    if (stack === undefined) {
      const frame = byId.get(id)?.callFrame;
      const parent = parents.get(id);
      // The root does not represent a function.
      stack = frame === undefined || parent === undefined ? [] : [frameOf(frame), ...stackOf(parent)];
      stacks.set(id, stack);
    }
    return stack;
  };
  const found: Sample[] = [];
  let at = startTime;
  let turn = -1;
  for (const [i, id] of samples.entries()) {
    at += timeDeltas[i] ?? 0;
    while ((turns[turn + 1]?.at ?? Infinity) <= at) turn++;
    const stack = stackOf(id);
    if (stack.length === 0 || stack[0]?.name === "(idle)") continue;
    // A sample represents the time until the next one.
    found.push({ stack, values: [1, (timeDeltas[i + 1] ?? timeDeltas[i] ?? 0) * 1000], labels: turns[turn]?.labels });
  }
  return found;
}

export function frameOf({ functionName, url, lineNumber }: CallFrame): Frame {
  return { name: functionName || "(anonymous)", file: pathOf(url), line: lineNumber + 1 };
}
