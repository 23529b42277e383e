// map, filter, flatMap: call a function for each value, with a number of workers. Ordered and
// unordered are one implementation. A result that comes before its turn is stored, and the worker
// that has the result before it delivers it too.
//
// Invariants: a value gets its index at the moment at which it is received, so indexes follow the
// input. An error has an index too. In order, it ends the stage only after the results before it. A
// worker awaits once for each value: fn's result. It also waits if there is no value or too many
// are in flight (in-flight.ts), and if the event loop should have its turn. Foreign code may run
// while it waits for fn, so afterwards the worker sets itself as the running goroutine.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { current, setCurrent } from "../internal/goroutine.ts";
import { restoreAfter, turnIfDue } from "../internal/sched.ts";
import { InFlight } from "./in-flight.ts";
import { Stage, stage, type StageOptions, type Workers } from "./stage.ts";

/**
 * The function for each value. `ctx` is done when the stage has to stop. Pass it to everything that
 * takes long.
 */
export type Fn<T, R> = (value: T, ctx: Context) => R | PromiseLike<R>;
type Items<R> = Iterable<R> | AsyncIterable<R>;

/** The result of fn for each value. */
export function map<T, R>(ctx: Context, input: RecvChan<T>, fn: Fn<T, R>, options: Workers = {}): RecvChan<R> {
  return transform(ctx, input, { name: "map", ...options }, false, fn, emitOne);
}

/** The values for which fn is true. A type guard narrows their type, as for arrays. */
export function filter<T, S extends T>(
  ctx: Context,
  input: RecvChan<T>,
  fn: (value: T, ctx: Context) => value is S,
  options?: Workers,
): RecvChan<S>;
export function filter<T>(ctx: Context, input: RecvChan<T>, fn: Fn<T, boolean>, options?: Workers): RecvChan<T>;
export function filter<T>(ctx: Context, input: RecvChan<T>, fn: Fn<T, boolean>, options: Workers = {}): RecvChan<T> {
  return transform(ctx, input, { name: "filter", ...options }, false, fn, emitIf);
}

/** All members of the iterables that fn returns for the values. */
export function flatMap<T, R>(
  ctx: Context,
  input: RecvChan<T>,
  fn: Fn<T, Items<R>>,
  options: Workers = {},
): RecvChan<R> {
  return transform(ctx, input, { name: "flatMap", ...options }, false, fn, emitAll);
}

/** A fixed number of workers that share the input. Results come as soon as they are ready. */
export function workerPool<T, R>(
  ctx: Context,
  input: RecvChan<T>,
  fn: Fn<T, R>,
  options: Workers & { readonly workers: number },
): RecvChan<R> {
  return transform(ctx, input, { name: "workerPool", ...options }, false, fn, emitOne);
}

/**
 * The same in the order of the input: a slow value holds back the results after it, but not the
 * work on them. An error also comes after the results of the values before it, but no more values
 * are taken after the first error in time.
 */
export const ordered: {
  readonly map: typeof map;
  readonly filter: typeof filter;
  readonly flatMap: typeof flatMap;
} = {
  map: (ctx, input, fn, options) => transform(ctx, input, { name: "ordered.map", ...options }, true, fn, emitOne),
  filter: <T>(ctx: Context, input: RecvChan<T>, fn: Fn<T, boolean>, options?: Workers): RecvChan<never> =>
    transform<T, boolean, never>(ctx, input, { name: "ordered.filter", ...options }, true, fn, emitIf),
  flatMap: (ctx, input, fn, options) =>
    transform(ctx, input, { name: "ordered.flatMap", ...options }, true, fn, emitAll),
};

/**
 * Calls fn for each value; rejects with the first error, or with `ctx.err()` if ctx ends it before
 * the input does.
 */
export function forEach<T>(ctx: Context, input: RecvChan<T>, fn: Fn<T, unknown>, options: Workers = {}): Promise<void> {
  return restoreAfter(visit(ctx, input, fn, options));
}

async function visit<T>(ctx: Context, input: RecvChan<T>, fn: Fn<T, unknown>, options: Workers): Promise<void> {
  const stageOptions = { name: "forEach", whole: true, ...options };
  await transform<T, unknown, never>(ctx, input, stageOptions, false, fn, emitNone).recv();
}

/** The result of fn over all values, from `initial` on; rejects as `forEach` does. */
export function reduce<T, A>(
  ctx: Context,
  input: RecvChan<T>,
  fn: (sum: A, value: T, ctx: Context) => A | PromiseLike<A>,
  initial: A,
): Promise<A> {
  return restoreAfter(fold(ctx, input, fn, initial));
}

async function fold<T, A>(
  ctx: Context,
  input: RecvChan<T>,
  fn: (sum: A, value: T, ctx: Context) => A | PromiseLike<A>,
  initial: A,
): Promise<A> {
  let sum = initial;
  const end = stage<never>(ctx, [input], { name: "reduce", whole: true }, async (s) => {
    for (;;) {
      const [value, ok] = await s.next(input);
      if (!ok) return;
      sum = await fn(sum, value, s.ctx);
    }
  });
  await end.recv();
  return sum;
}

/** Delivers a result as the pattern requires; `undefined` if that needed no waiting. */
type Deliver<T, X, R> = (stage: Stage<R>, result: X, value: T) => Promise<void> | undefined;

/**
 * Runs fn on each value with so many workers, and delivers the results. It is over 60 lines because
 * the workers share its variables: each value passes through here, and an object would cost more.
 */
function transform<T, X, R>(
  ctx: Context,
  input: RecvChan<T>,
  options: StageOptions,
  inOrder: boolean,
  fn: Fn<T, X>,
  deliver: Deliver<T, X, R>,
): RecvChan<R> {
  const { workers = 1 } = options;
  const inFlight = new InFlight<R>(workers);
  /** Results that came before their turn: the result of value i is at i modulo the bound. */
  const early: (Result<T, X> | undefined)[] = [];
  let turn = 0;
  /**
   * In order: the first of the errors that came before their turn, and its index. Later values are
   * not taken.
   */
  let failure: unknown;
  let failedAt = Infinity;
  let atWork = workers;
  /**
   * The work of one worker. It has more than 15 branches because taking, ordering and delivering
   * share the value at hand.
   */
  const body = async (s: Stage<R>): Promise<void> => {
    const g = current();
    /**
     * The index of the value that this worker has. If receiving fails, that counts as the last
     * index.
     */
    let index = Infinity;
    try {
      for (;;) {
        const rest = inFlight.enter(g);
        if (rest !== undefined) await rest;
        setCurrent(g);
        const pause = turnIfDue();
        if (pause !== undefined) await pause;
        if (failedAt < Infinity) break;
        index = Infinity;
        const taken = s.tryNext(input) ?? (await s.waitForNext(input));
        if (!taken[1]) break;
        // (Destructuring it as an array would use its iterator.)
        const value = taken[0];
        index = taken[2];
        const result = await fn(value, s.ctx);
        setCurrent(g);
        if (inOrder && index !== turn) {
          early[index % inFlight.size] = { value, result };
          continue;
        }
        let next: Result<T, X> | undefined = { value, result };
        do {
          const delivered = deliver(s, next.result, next.value);
          if (delivered !== undefined) await delivered;
          inFlight.leave();
          if (++turn === failedAt) throw failure;
          const at = turn % inFlight.size;
          next = early[at];
          early[at] = undefined;
        } while (next !== undefined);
      }
    } catch (error) {
      index = Math.min(index, s.received);
      if (!inOrder || index <= turn || s.ctx.err() !== undefined) throw error;
      if (index < failedAt) {
        failedAt = index;
        failure = error;
      }
    }
    inFlight.leave();
    // Results that wait belong to the stage until the reader takes them.
    if (--atWork === 0) await inFlight.drained(g);
  };
  const s = new Stage<R>(ctx, [input], { ...options, capacity: inFlight.size, source: inFlight }, body);
  inFlight.bound(s);
  return s.output;
}

interface Result<T, X> {
  readonly value: T;
  readonly result: X;
}

function emitOne<R>(s: Stage<R>, result: R): Promise<void> | undefined {
  return s.emit(result);
}

function emitIf<T>(s: Stage<T>, keep: boolean, value: T): Promise<void> | undefined {
  return keep ? s.emit(value) : undefined;
}

function emitAll<R>(s: Stage<R>, results: Items<R>): Promise<void> {
  return s.emitAll(results);
}

function emitNone(): undefined {
  // forEach has no results
}
