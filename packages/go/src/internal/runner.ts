// Follows which goroutine's code runs, at each change: for /trace, and for the labels of a
// processor profile.
//
// The engine tells it where it can (Node): before each reaction of a promise the host's async
// context says whose that is. Elsewhere it is taken to be who continued last.

import type { Goroutine } from "./goroutine.ts";
import { current, main } from "./goroutine.ts";
import { host } from "./host.ts";
import { addPart, exactly, isExact, type Part, removePart, runAs } from "./observers.ts";

/** Code that is told about the changes. */
export interface RunnerListener {
  /** The code of goroutine g begins to run. */
  readonly runs: (g: Goroutine) => void;
  /** All microtasks have run, so no goroutine runs. */
  readonly idle: () => void;
  /** Goroutine g, which was queued without a wait, has had its turn. */
  readonly continues?: (g: Goroutine) => void;
}

interface Engine {
  readonly promiseHooks?: {
    readonly createHook: (hooks: { readonly before: () => void }) => () => void;
  };
}

let listeners: readonly RunnerListener[] = [];
/** True if the engine reports changes. */
let isTold = false;
let runner: Goroutine | undefined;
/** True if all microtasks have run. Then the code that runs is a callback of the host. */
let isIdle = false;
let drainIsComing = false;
/** Goroutines that were made and have not begun. */
let fresh = new WeakSet<Goroutine>();
/** Goroutines that are queued without a wait. */
let pausing = new WeakSet<Goroutine>();
let unhook: (() => void) | undefined;

/** Tells the listener from now on; the returned function ends that. */
export function followRunner(listener: RunnerListener): () => void {
  listeners = [...listeners, listener];
  if (listeners.length === 1) follow();
  listener.runs(runner ?? current());
  return () => {
    listeners = listeners.filter((other) => other !== listener);
    if (listeners.length > 0) return;
    unhook?.();
    removePart(part);
  };
}

/** True if a callback of the host runs, such as that of a timer, which goroutine g has set. */
export function isHostsCallback(g: Goroutine): boolean {
  return isTold && isIdle && g !== main;
}

const part: Part = {
  created: (g) => void fresh.add(g),
  parked: (g) => {
    if (g === runner) runner = undefined;
  },
  woken: (g) => {
    if (g.waits === 0) pausing.add(g);
  },
  resumed: (g) => {
    if (!isTold) switchTo(g);
  },
  stepped: (g) => switchTo(g),
  entered: (g) => {
    // A goroutine that has to begin may have been queued for that.
    if (pausing.delete(g)) for (const { continues } of listeners) continues?.(g);
    else if (fresh.delete(g)) switchTo(g);
  },
};

function follow(): void {
  fresh = new WeakSet();
  pausing = new WeakSet();
  runner = current();
  isIdle = false;
  addPart(part);
  const engine = host.process?.getBuiltinModule?.("node:v8") as Engine | undefined;
  // Bun has the function, but it throws.
  isTold = isExact && host.Bun === undefined && engine?.promiseHooks !== undefined;
  if (!isTold) return;
  // On older versions of Node the storage listens to promises too. It must be the first listener.
  runAs(main, () => undefined);
  unhook = engine?.promiseHooks?.createHook({ before: () => switchTo(exactly()) });
}

function switchTo(g: Goroutine | undefined): void {
  if (g === undefined || g === runner) return;
  runner = g;
  isIdle = false;
  for (const { runs } of listeners) runs(g);
  if (!drainIsComing) expectDrain();
}

/** After all microtasks no goroutine runs. */
function expectDrain(): void {
  const { process } = host;
  if (process?.nextTick === undefined) return;
  drainIsComing = true;
  process.nextTick(() => {
    drainIsComing = false;
    runner = undefined;
    isIdle = true;
    for (const { idle } of listeners) idle();
  });
}
