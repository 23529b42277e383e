// @sluice/go/parallel: goroutines on every core. docs/parallel.md has the design.

import { P_RAN, P_SLOT, P_STOLEN, procAt, PROCS, self, words } from "./arena.ts";
import { call, callAndForget } from "./calls.ts";
import { queuedAt } from "./deque.ts";
import { enterFunction, isLoading, mainCalled, moduleOf } from "./functions.ts";
import "./shared-atomic.ts";
import "./shared-select.ts";
import { cores, isWorker, whenStarted } from "./host.ts";
import { isIdle, isRunning } from "./machine.ts";
import { awaitStart, joinPool, tellParent } from "./member.ts";
import { globalQueue, leadPool, noteModule, openPool, setProcs } from "./pool.ts";

export { type Codec, sharedChan, type SharedChan } from "./shared-chan.ts";
export { SharedMutex } from "./shared-mutex.ts";
export { SharedCond, SharedOnce, SharedRWMutex, SharedWaitGroup } from "./shared-sync.ts";
export { transfer } from "./transfer.ts";

if (isWorker) {
  awaitStart();
  whenStarted(joinPool);
} else leadPool();

/**
 * A function that runs on any P. It is called like the original function, and returns a promise.
 */
export interface Parallel<A extends unknown[], R> {
  (...args: A): Promise<Awaited<R>>;
  /** Starts it without waiting for it, as `go` does. If it throws, the program ends. */
  readonly go: (...args: A) => void;
}

/**
 * Makes a function that runs on every core. Call this at the top level of a module. Each worker
 * imports that module once, so the module's code outside of functions runs there too. The
 * exceptions are the function given to `main`, and code after a check of `isMainThread`. `module`
 * is `import.meta.url`, or `__filename` in a CommonJS module.
 *
 * A call copies the arguments, as structured clone does, and rejects with a TypeError if they
 * cannot be copied. It waits for a P and runs there to its end. It resolves to a copy of the
 * result, or rejects with a copy of the error.
 */
export function parallel<A extends unknown[], R>(module: string | URL, fn: (...args: A) => R): Parallel<A, R> {
  const address = moduleOf(module);
  if (typeof fn !== "function")
    throw new TypeError(`parallel: expected a function as the second argument, got ${typeof fn}`);
  noteModule(address);
  const known = enterFunction(address, fn);
  const parallelized = (...args: A): Promise<Awaited<R>> =>
    (isProgram() ? mainCalled() : call(known, args)) as Promise<Awaited<R>>;
  const go = (...args: A): void => {
    if (!isProgram()) callAndForget(known, args);
  };
  Object.defineProperty(parallelized, "name", { value: fn.name, configurable: true });
  return Object.assign(parallelized, { go });
}

/**
 * True if a worker imports a module whose top level continues as a program. The worker must not run
 * that.
 */
function isProgram(): boolean {
  return isWorker && (!isRunning || isLoading()) && isIdle();
}

/**
 * Sets the number of Ps, if n is above 0: at most that many tasks run at once. Returns the previous
 * number.
 */
export function gomaxprocs(n = 0): number {
  if (self === 0) openPool();
  if (!Number.isInteger(n)) throw new TypeError(`gomaxprocs: expected a whole number, got ${n}`);
  if (n < 1) return Atomics.load(words, PROCS);
  const before = Atomics.exchange(words, PROCS, Math.min(n, 64));
  if (self === 1) setProcs();
  else tellParent({ kind: "procs", procs: n });
  return before;
}

/** The number of cores that this process may use. */
export function numCPU(): number {
  return cores();
}

/** The past and waiting work of the Ps. `stolen` counts tasks that a P took from another P. */
export interface RuntimeStats {
  readonly procs: number;
  /** The number of calls that no P has taken yet. */
  readonly globalQueue: number;
  readonly perProc: readonly {
    readonly id: number;
    readonly queued: number;
    readonly ran: number;
    readonly stolen: number;
  }[];
}

export function runtimeStats(): RuntimeStats {
  const procs = gomaxprocs();
  const perProc = Array.from({ length: procs }, (_, id) => {
    const at = procAt(id);
    const slot = Atomics.load(words, at + P_SLOT);
    const queued = slot === 0 ? 0 : queuedAt(slot);
    return { id, queued, ran: Atomics.load(words, at + P_RAN), stolen: Atomics.load(words, at + P_STOLEN) };
  });
  return { procs, globalQueue: self === 1 ? globalQueue() : queuedAt(1), perProc };
}
