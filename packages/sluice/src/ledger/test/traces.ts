// Ways through a model: random walks, and the shortest way to each kind of step.
import type { Model } from "./checker.ts";
import type { LedgerStep, Size, State } from "./protocol.ts";

export type Trace = readonly { readonly from: State; readonly step: LedgerStep }[];
type LedgerModel = Model<State, LedgerStep>;

/** @param below a random number from 0 on, below what is given */
export function randomWalk(model: LedgerModel, length: number, below: (limit: number) => number): Trace {
  const trace: { from: State; step: LedgerStep }[] = [];
  for (let from = model.first; trace.length < length;) {
    const steps = [...model.steps(from)].flatMap((step) => Array<LedgerStep>(weightOf(step)).fill(step));
    if (steps.length === 0) break;
    const step = steps[below(steps.length)]!;
    trace.push({ from, step });
    from = step.to;
  }
  return trace;
}

/** Most walks would end early if all steps were as likely. */
function weightOf({ act }: LedgerStep): number {
  return /^(?:cancel|kill|stop|fail|finish|terminate)/.test(act.does) ? 1 : 8;
}

/** Breadth first: the shortest way to each kind of step, with that step as its last. */
export function shortestWays(model: LedgerModel, size: Size): Trace[] {
  const seen = new Set([model.key(model.first)]);
  const ways = new Map<string, Trace>();
  const queue: { state: State; trace: Trace }[] = [{ state: model.first, trace: [] }];
  for (const { state, trace } of queue) {
    for (const step of model.steps(state)) {
      const way = [...trace, { from: state, step }];
      const kind = kindOf(state, step, size);
      if (!ways.has(kind)) ways.set(kind, way);
      const key = model.key(step.to);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push({ state: step.to, trace: way });
    }
  }
  // A way that another one begins with is gone anyhow.
  const begun = new Set([...ways.values()].flatMap((way) => way.slice(0, -1).map(({ step }) => step)));
  return [...ways.values()].filter((way) => !begun.has(way.at(-1)!.step));
}

/**
 * Which step it is, and what decides what comes of it: who takes it, and how that stands with the
 * ledger.
 */
function kindOf(from: State, { act }: LedgerStep, { steps }: Size): string {
  const process = "process" in act ? from.processes[act.process] : undefined;
  const chunk = "process" in act ? act.chunk : from.orphan?.chunk;
  const session = process ? process.sessions.find((one) => one.chunk === chunk) : from.orphan;
  const recorded = chunk === undefined ? Math.min(...from.recorded) : from.recorded[chunk]!;
  const left = from.processes.filter(({ epoch }) => epoch === "stale").flatMap(({ sessions }) => sessions);
  return JSON.stringify([
    act.does,
    process?.epoch ?? from.orphan?.epoch,
    from.failed ? "failed" : from.status,
    session?.at,
    session && recorded - session.step,
    recorded === 0 ? "none" : recorded < steps ? "some" : "all",
    act.does === "terminate" && [left.length > 0, from.orphan?.epoch],
  ]);
}

/** Stands for a state as far as what may be done in it depends on it. */
export function sortOf({ status, failed, leased, recorded, processes }: State): string {
  return JSON.stringify([status, failed, leased, recorded, processes.map(({ epoch }) => epoch).sort()]);
}
