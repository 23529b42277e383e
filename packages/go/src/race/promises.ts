// The order that promises create: the code that settles a promise happened before the code that
// continues because of it.
//
// The engine reports each promise that is made, settled and reacted to. Its origin does not matter:
// an await, a `then`, `Promise.all`, an async function, or the host. The scheduler settles its own
// promises as the goroutine that waits for them, so they do not order anything.
//
// A reaction also begins a new step.

import { host } from "../internal/host.ts";
import { nextStep } from "./detector.ts";
import { me, type Snapshot } from "./threads.ts";

interface Hooks {
  readonly promiseHooks: {
    readonly createHook: (hooks: {
      readonly init: (promise: Known, parent: Known | undefined) => void;
      readonly before: (promise: Known) => void;
      readonly settled: (promise: Known) => void;
    }) => unknown;
  };
}

const settledBy: unique symbol = Symbol("settled by");
const reactsTo: unique symbol = Symbol("reacts to");

interface Known {
  [settledBy]?: Snapshot;
  [reactsTo]?: Known | undefined;
}

/** Follows promises from now on. Throws if the host does not report them. */
export function followPromises(): void {
  const v8 = host.process?.getBuiltinModule?.("node:v8") as Partial<Hooks> | undefined;
  if (v8?.promiseHooks === undefined)
    throw new Error("race: the detector needs Node.js, whose engine tells of promises");
  v8.promiseHooks.createHook({
    init: (promise, parent) => {
      if (parent !== undefined) promise[reactsTo] = parent;
    },
    before: (promise) => {
      nextStep();
      const parent = promise[reactsTo];
      if (parent === undefined) return;
      promise[reactsTo] = undefined;
      const snapshot = parent[settledBy];
      if (snapshot !== undefined) me().learn(snapshot);
    },
    settled: (promise) => {
      // If another promise settles it, this is called again in the reaction of that promise.
      promise[settledBy] = me().snapshot();
    },
  });
}
