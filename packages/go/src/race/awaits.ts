// The order that promises create, and the goroutine that runs, on a host that tells of neither:
// a page. Node tells of both; promises.ts and internal/observers.ts ask it.
//
// Here the program tells. Rewritten code, and the library in the build for a page, call probes: for
// what they await, and for promises that they keep. `then` and the constructor of promises are
// replaced. A probe adds a reaction to a promise directly before the await does. So it runs
// directly before the code that continues, and no await takes longer than before.
//
// Words: a promise is *known* if it was made where a probe sees it. Who settles it is known then.
// Of an unknown promise that was kept, the goroutine that continues is taken to be after all that
// anybody did: better no report than a false one.
//
// What cannot be seen: a promise of an async function that the host calls itself, as
// `list.map(load)` does, is unknown. If only the host handles the rejection of a known promise, as
// a stream does, it counts as unhandled.

import { main, type Goroutine } from "../internal/goroutine.ts";
import { keepBy } from "../internal/observers.ts";
import { around } from "../internal/patch.ts";
import { nextStep } from "./detector.ts";
import { learnOfAll, me, type Snapshot } from "./threads.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- as the types of promises have it
type Reaction = ((value: any) => unknown) | null | undefined;
type Constructor = new (executor: never) => object;
type Resolve = (value: unknown) => void;
type Executor = (resolve: Resolve, reject: Resolve) => void;

interface Known {
  /** The knowledge of the goroutine that settled it, at that time. */
  settledBy?: Snapshot;
  /** The promise that settles it. */
  follows?: object;
  /** Rejects as this promise does, as long as nobody handles that. */
  echo?: Promise<unknown> | undefined;
}

const Native = Promise;
const { prototype } = Native;
const nativeThen = prototype.then;
const known = new WeakMap<object, Known>();

/** The goroutine whose code runs. */
let running: Goroutine | undefined;
/** True while a static method of promises calls `then`, as its caller. */
let isCombining = false;

/** Follows promises by the probes of rewritten code from now on, and who runs. */
export function followAwaits(): void {
  keepBy({ run: runAs, getStore: () => running });
  around(prototype, "then", () => then as Promise<unknown>["then"]);
  around(globalThis, "Promise", followed);
  for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"]) keepIn(name);
}

/** For `await value`: returns the promise that is awaited. `isCall` if a call made it just now. */
export function awaited(value: unknown, isCall = false): Promise<unknown> {
  const promise = Native.resolve(value);
  handled(promise);
  const g = running;
  const isSeen = isCall || !isPromise(value) || known.has(value);
  const enter = (): void => {
    begin(g, promise);
    if (!isSeen) learnOfAll();
  };
  void nativeThen.call(promise, enter, enter);
  return promise;
}

/** For a call whose result is kept: if that is a promise, it becomes known. */
export function kept<T>(value: T): T {
  if (!isPromise(value) || known.has(value)) return value;
  const g = running;
  const settled = (): void => {
    const { settledBy } = knownOf(value);
    if (settledBy === undefined) knownOf(value).settledBy = runAs(g, () => me().snapshot());
  };
  const echo = nativeThen.call(value, settled, (reason: unknown) => {
    settled();
    // The host must still tell of it if nobody handles the rejection.
    throw reason;
  });
  known.set(value, { echo });
  return value;
}

/** For the head of `for await`: the same values, each of them awaited with a probe. */
export function walked(values: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterable<unknown> {
  const make = (values as AsyncIterable<unknown>)[Symbol.asyncIterator] as (() => AsyncIterator<unknown>) | undefined;
  const iterator = make === undefined ? ofEach(values as Iterable<unknown>) : make.call(values);
  const stepped: AsyncIterator<unknown> = {
    next: () => awaited(iterator.next(), true) as Promise<IteratorResult<unknown>>,
  };
  if (iterator.return !== undefined) {
    const { return: close } = iterator;
    stepped.return = () => awaited(close.call(iterator), true) as Promise<IteratorResult<unknown>>;
  }
  return { [Symbol.asyncIterator]: () => stepped };
}

/** A declaration before `await using`: it lets the goroutine continue after that has awaited. */
export function disposing(): Disposable {
  const g = running;
  return { [Symbol.dispose]: () => begin(g, undefined) };
}

/** The values of an iterable, each of them awaited. */
function ofEach(values: Iterable<unknown>): AsyncIterator<unknown> {
  const iterator = values[Symbol.iterator]();
  const step = ({ done, value }: IteratorResult<unknown>): Promise<IteratorResult<unknown>> => {
    const promise = Native.resolve(value);
    handled(promise);
    return nativeThen.call(promise, (value: unknown) => ({ done, value })) as Promise<IteratorResult<unknown>>;
  };
  return {
    next: () => step(iterator.next()),
    return: () => step(iterator.return?.() ?? { done: true, value: undefined }),
  };
}

function runAs<T>(g: Goroutine | undefined, body: () => T): T {
  const before = running;
  running = g;
  try {
    return body();
  } finally {
    running = before;
  }
}

/** Goroutine g continues, because of that promise. */
function begin(g: Goroutine | undefined, promise: object | undefined): void {
  nextStep();
  running = g ?? main;
  const snapshot = snapshotOf(promise);
  if (snapshot !== undefined) me().learn(snapshot);
}

function snapshotOf(promise: object | undefined): Snapshot | undefined {
  for (let next = promise; next !== undefined;) {
    const one = known.get(next);
    if (one?.settledBy !== undefined) return one.settledBy;
    next = one?.follows;
  }
  return undefined;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Native;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  return typeof (value as { readonly then?: unknown }).then === "function";
}

function knownOf(promise: object): Known {
  let one = known.get(promise);
  if (one === undefined) known.set(promise, (one = {}));
  return one;
}

function settle(promise: object): void {
  knownOf(promise).settledBy = me().snapshot();
}

/** The program handles the rejection of a promise. */
function handled(promise: object): void {
  const one = known.get(promise);
  if (one?.echo === undefined) return;
  void nativeThen.call(one.echo, undefined, () => undefined);
  one.echo = undefined;
}

/** The `then` of all promises: its functions run as the goroutine that called it. */
function then(this: Promise<unknown>, fulfilled: Reaction, rejected: Reaction): Promise<unknown> {
  handled(this);
  // The host calls it, to settle a promise with this one.
  if (!isCombining && isHosts(fulfilled) && isHosts(rejected)) return nativeThen.call(this, fulfilled, rejected);
  const g = running;
  const react = (fn: Reaction, otherwise: (value: unknown) => unknown) => (value: unknown) => {
    begin(g, this);
    const result = (typeof fn === "function" ? fn : otherwise)(value);
    if (isThenable(result)) knownOf(derived).follows = result;
    else settle(derived);
    return result;
  };
  const pass = (reason: unknown): never => {
    throw reason;
  };
  const guarded = (fn: (value: unknown) => unknown) => (value: unknown) => {
    try {
      return fn(value);
    } catch (error) {
      settle(derived);
      throw error;
    }
  };
  const derived: Promise<unknown> = nativeThen.call(
    this,
    guarded(react(fulfilled, (value) => value)),
    guarded(react(rejected, pass)),
  );
  knownOf(derived);
  return derived;
}

/** True for the functions with which the host settles a promise. */
function isHosts(fn: Reaction): boolean {
  return typeof fn === "function" && fn.name === "" && /\{\s*\[native code\]\s*\}$/.test(String(fn));
}

/** The constructor of promises, of which each is known. */
function followed(): PromiseConstructor {
  const statics = new Map<PropertyKey, unknown>([["withResolvers", withResolvers]]);
  const constructor: PromiseConstructor = new Proxy(Native, {
    construct: (_, [executor], target) => make(executor, (target === constructor ? Native : target) as Constructor),
    get: (_, name, receiver) => {
      const value: unknown = Reflect.get(Native, name);
      // A class that extends it makes its own promises.
      if (receiver !== constructor || typeof value !== "function") return value;
      let own = statics.get(name);
      if (own === undefined) statics.set(name, (own = combining(value as (...args: unknown[]) => unknown)));
      return own;
    },
  });
  return constructor;
}

function combining(method: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  return (...args) => {
    const before = isCombining;
    isCombining = true;
    try {
      return method.apply(Native, args);
    } finally {
      isCombining = before;
    }
  };
}

function withResolvers(): { promise: object; resolve: Resolve; reject: Resolve } {
  let functions: { resolve: Resolve; reject: Resolve } | undefined;
  const executor: Executor = (resolve, reject) => (functions = { resolve, reject });
  const promise = make(executor, Native);
  return { promise, ...(functions as unknown as { resolve: Resolve; reject: Resolve }) };
}

function make(executor: unknown, target: Constructor): object {
  // The host says that it expected a function.
  if (typeof executor !== "function") return Reflect.construct(Native, [executor], target) as object;
  const own: Known = {};
  let isOver = false;
  // The executor may call its functions before the promise is there.
  let promise: object | undefined = undefined;
  const settled = (): void => {
    own.settledBy = me().snapshot();
  };
  const made: object = Reflect.construct(
    Native,
    [
      (resolve: Resolve, reject: Resolve) => {
        const settleWith = (settle: Resolve) => (value: unknown) => {
          if (isOver) return;
          isOver = true;
          if (settle === reject || value === promise || !isThenable(value)) {
            settled();
            settle(value);
          } else resolve(adopted(value, settled));
        };
        (executor as Executor)(settleWith(resolve), settleWith(reject));
      },
    ],
    target,
  );
  promise = made;
  known.set(made, own);
  return made;
}

/** A value that settles a promise as `value` does; `settled` is called directly before. */
function adopted(value: PromiseLike<unknown>, settled: () => void): PromiseLike<unknown> {
  const g = running;
  const both = (fn: Reaction) => (value: unknown) => {
    settled();
    return fn?.(value);
  };
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- only the host calls it
    then: (fulfil: Reaction, reject: Reaction) => runAs(g, () => value.then(both(fulfil), both(reject))) as never,
  };
}

/** Makes a function of the host run its callbacks as the goroutine that called the function. */
function keepIn(name: string): void {
  const functions = globalThis as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>;
  const own = functions[name];
  if (own === undefined) return;
  const keeping = (fn: unknown, ...args: unknown[]): unknown => {
    if (typeof fn !== "function") return own(fn, ...args);
    const g = running;
    return own((...args: unknown[]) => runAs(g, () => (nextStep(), fn(...args) as unknown)), ...args);
  };
  // A mark on it stays, such as that of a test framework's clock.
  around(functions, name, () => Object.assign(keeping, own));
}
