// map, filter, flatMap: a function for each value, run by a number of workers. Ordered and unordered are one implementation:
// a worker that has its result waits, if order matters, until all earlier values have been dealt with.
//
// Invariant of the ordered form: a value gets its index at the moment at which it is received, so indexes follow the input.
// At most `workers` results wait for their turn.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { isThenable } from "../internal/channel.ts";
import { inSteps } from "../internal/sched.ts";
import type { Seat } from "./seat.ts";
import { type Stage, stage, type StageOptions, type Workers } from "./stage.ts";

/** What is done with a value. `ctx` is done when the stage is to stop: for whatever takes long. */
export type Fn<T, R> = (value: T, ctx: Context) => R | PromiseLike<R>;
type Items<R> = Iterable<R> | AsyncIterable<R>;

/** fn of each value. */
export function map<T, R>(ctx: Context, input: RecvChan<T>, fn: Fn<T, R>, options: Workers = {}): RecvChan<R> {
  return transform(ctx, input, { name: "map", ...options }, false, fn, emitOne);
}

/** The values for which fn is true. */
export function filter<T>(ctx: Context, input: RecvChan<T>, fn: Fn<T, boolean>, options: Workers = {}): RecvChan<T> {
  return transform(ctx, input, { name: "filter", ...options }, false, fn, emitIf);
}

/** All that the iterables hold which fn gives for the values. */
export function flatMap<T, R>(
  ctx: Context,
  input: RecvChan<T>,
  fn: Fn<T, Items<R>>,
  options: Workers = {},
): RecvChan<R> {
  return transform(ctx, input, { name: "flatMap", ...options }, false, fn, emitAll);
}

/** A fixed number of workers that share the input; results come as they are ready. */
export function workerPool<T, R>(
  ctx: Context,
  input: RecvChan<T>,
  fn: Fn<T, R>,
  options: Required<Workers>,
): RecvChan<R> {
  return transform(ctx, input, { name: "workerPool", ...options }, false, fn, emitOne);
}

/** The same with the order of the input kept: a slow value holds back the results behind it, not the work on them. */
export const ordered: {
  readonly map: typeof map;
  readonly filter: typeof filter;
  readonly flatMap: typeof flatMap;
} = {
  map: (ctx, input, fn, options) => transform(ctx, input, { name: "ordered.map", ...options }, true, fn, emitOne),
  filter: (ctx, input, fn, options) => transform(ctx, input, { name: "ordered.filter", ...options }, true, fn, emitIf),
  flatMap: (ctx, input, fn, options) =>
    transform(ctx, input, { name: "ordered.flatMap", ...options }, true, fn, emitAll),
};

/** Calls fn for each value; rejects with the first error, or with `ctx.err()` if ctx ends it before the input does. */
export function forEach<T>(ctx: Context, input: RecvChan<T>, fn: Fn<T, unknown>, options: Workers = {}): Promise<void> {
  return inSteps(visit(ctx, input, fn, options));
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
  return inSteps(fold(ctx, input, fn, initial));
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

/** Does with a result what the pattern is for; `undefined` when that needed no waiting. */
type Deliver<T, X, R> = (stage: Stage<R>, result: X, value: T) => Promise<void> | undefined;

function transform<T, X, R>(
  ctx: Context,
  input: RecvChan<T>,
  options: StageOptions,
  inOrder: boolean,
  fn: Fn<T, X>,
  deliver: Deliver<T, X, R>,
): RecvChan<R> {
  const turns = inOrder ? new Turns() : undefined;
  return stage<R>(ctx, [input], options, async (s) => {
    for (;;) {
      const [value, ok, index] = await s.next(input);
      if (!ok) return;
      // What needs no await gets none: each costs a turn of all the workers.
      const made = fn(value, s.ctx);
      const result = isThenable(made) ? await made : (made as X);
      const turn = turns?.come(index, s);
      if (turn !== undefined) await turn;
      const delivered = deliver(s, result, value);
      if (delivered !== undefined) await delivered;
      turns?.next();
    }
  });
}

/** Lets those who come go on in the order of their numbers, one at a time. */
class Turns {
  #now = 0;
  readonly #waiting = new Map<number, Seat>();

  /** Waits until it is this number's turn; rejects when the stage is to stop. */
  come(index: number, s: Stage<unknown>): Promise<void> | undefined {
    if (index === this.#now) return undefined;
    const err = s.ctx.err();
    if (err !== undefined) return Promise.reject(err);
    const seat = s.seat();
    this.#waiting.set(index, seat);
    return seat.wait();
  }

  /** The next one's turn. */
  next(): void {
    const seat = this.#waiting.get(++this.#now);
    if (seat === undefined) return;
    this.#waiting.delete(this.#now);
    seat.wake();
  }
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
