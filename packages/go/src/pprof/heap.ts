// The heap profile: a sample of allocations, which the engine takes.

import { collectSoon } from "../internal/proof.ts";
import { frameOf } from "./cpu.ts";
import { ask, type CallFrame } from "./inspector.ts";
import { encodeProfile, type Frame, type Sample } from "./profile.ts";

interface Node {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly id: number;
  readonly children: readonly Node[];
}
interface Raw {
  readonly head: Node;
  readonly samples: readonly { readonly size: number; readonly nodeId: number; readonly ordinal: number }[];
}

/** The objects that are counted: living ones, or all that were allocated. */
export type HeapKind = "heap" | "allocs";

export interface HeapProfile {
  /** For `go tool pprof`: gzipped protobuf. */
  readonly pprof: () => Uint8Array;
  /** For the developer tools of browsers: the text of a `.heapprofile`. */
  readonly heapprofile: () => string;
}

export interface HeapProfileOptions {
  /** The average number of bytes from one sample to the next; 524,288 by default, as in Go. */
  readonly interval?: number | undefined;
  /**
   * `heap` (the default) counts what lives when the profile is taken, `allocs` what was collected
   * since too.
   */
  readonly kind?: HeapKind | undefined;
}

let running: { readonly kind: HeapKind; readonly interval: number; readonly began: number } | undefined;

/** The kind of sampling that is on, if any. */
export function heapKind(): HeapKind | undefined {
  return running?.kind;
}

/** Starts to sample allocations. Rejects with `heap profiling already in use` if it is on. */
export async function startHeapProfile({
  interval = 512 * 1024,
  kind = "heap",
}: HeapProfileOptions = {}): Promise<void> {
  if (!(Number.isInteger(interval) && interval > 0)) {
    throw new RangeError(`pprof: expected an interval of a whole number of bytes above 0, got ${interval}`);
  }
  if (running !== undefined) throw new Error("heap profiling already in use");
  running = { kind, interval, began: Date.now() };
  const collected = kind === "allocs";
  try {
    await ask("HeapProfiler.enable");
    await ask("HeapProfiler.startSampling", {
      samplingInterval: interval,
      includeObjectsCollectedByMajorGC: collected,
      includeObjectsCollectedByMinorGC: collected,
    });
  } catch (error) {
    running = undefined;
    throw error;
  }
}

/**
 * The profile so far; sampling goes on. With `gc` all garbage is collected before. Rejects if
 * sampling is not on.
 */
export async function heapProfile({ gc = false }: { readonly gc?: boolean | undefined } = {}): Promise<HeapProfile> {
  if (running === undefined) throw new Error("heap profiling is not in use: await startHeapProfile() first");
  const { kind, interval, began } = running;
  if (gc) await collectSoon();
  const { profile } = await ask<{ profile: Raw }>("HeapProfiler.getSamplingProfile");
  const name = kind === "heap" ? "inuse" : "alloc";
  return {
    heapprofile: () => JSON.stringify(profile),
    pprof: () =>
      encodeProfile({
        types: [
          [`${name}_objects`, "count"],
          [`${name}_space`, "bytes"],
        ],
        samples: samplesOf(profile),
        periodType: ["space", "bytes"],
        period: interval,
        began,
        durationMs: Date.now() - began,
      }),
  };
}

/** Ends sampling. */
export async function stopHeapProfile(): Promise<void> {
  if (running === undefined) throw new Error("heap profiling is not in use: await startHeapProfile() first");
  running = undefined;
  await ask("HeapProfiler.stopSampling");
  await ask("HeapProfiler.disable");
}

function samplesOf({ head, samples }: Raw): Sample[] {
  const stacks = new Map<number, readonly Frame[]>();
  const walk = ({ callFrame, id, children }: Node, above: readonly Frame[], isRoot: boolean): void => {
    const stack = isRoot ? above : [frameOf(callFrame), ...above];
    stacks.set(id, stack);
    for (const child of children) walk(child, stack, false);
  };
  walk(head, [], true);
  const counts = new Map<number, number>();
  for (const { nodeId } of samples) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  const found: Sample[] = [];
  const take = ({ id, selfSize, children }: Node): void => {
    if (selfSize > 0) found.push({ stack: stacks.get(id) ?? [], values: [counts.get(id) ?? 0, selfSize] });
    for (const child of children) take(child);
  };
  take(head);
  return found;
}
