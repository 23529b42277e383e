// map, filter, flatMap: a function for each value, run by a number of workers. Ordered and unordered are one implementation:
// a worker that has its result waits, if order matters, until all earlier values have been dealt with.
//
// Invariant of the ordered form: a value's ticket is drawn in the same critical section that receives it, so tickets
// follow the input. At most `workers` results wait for their turn.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { Mutex } from "../sync/mutex.ts";
import { Channel } from "../internal/channel.ts";
import { recv, select } from "../select.ts";
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
export async function forEach<T>(
  ctx: Context,
  input: RecvChan<T>,
  fn: Fn<T, unknown>,
  options: Workers = {},
): Promise<void> {
  await transform<T, unknown, never>(
    ctx,
    input,
    { name: "forEach", whole: true, ...options },
    false,
    fn,
    emitNone,
  ).recv();
}

/** The result of fn over all values, from `initial` on; rejects as `forEach` does. */
export async function reduce<T, A>(
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

type Deliver<T, X, R> = (stage: Stage<R>, result: X, value: T) => Promise<void>;

function transform<T, X, R>(
  ctx: Context,
  input: RecvChan<T>,
  options: StageOptions,
  inOrder: boolean,
  fn: Fn<T, X>,
  deliver: Deliver<T, X, R>,
): RecvChan<R> {
  if (!inOrder) {
    return stage<R>(ctx, [input], options, async (s) => {
      for (;;) {
        const [value, ok] = await s.next(input);
        if (!ok) return;
        await deliver(s, await fn(value, s.ctx), value);
      }
    });
  }
  const drawing = new Mutex();
  const turns = new Turns();
  return stage<R>(ctx, [input], options, async (s) => {
    for (;;) {
      const guard = await drawing.lock();
      let item;
      let ticket;
      try {
        item = await s.next(input);
        ticket = turns.draw();
      } finally {
        guard[Symbol.dispose]();
      }
      if (!item[1]) return;
      const result = await fn(item[0], s.ctx);
      await turns.come(ticket, s.ctx);
      await deliver(s, result, item[0]);
      turns.next();
    }
  });
}

/** A queue of numbered tickets. */
class Turns {
  #drawn = 0;
  #now = 0;
  readonly #waiting = new Map<number, Channel<never>>();

  draw(): number {
    return this.#drawn++;
  }

  /** Waits until it is this ticket's turn; rejects when ctx is done first. */
  async come(ticket: number, ctx: Context): Promise<void> {
    if (ticket === this.#now) return;
    const turn = new Channel<never>(0);
    this.#waiting.set(ticket, turn);
    const c = await select({ turn: recv(turn), done: recv(ctx.done()) });
    if (c.case === "done") throw ctx.err() as Error;
  }

  next(): void {
    const turn = this.#waiting.get(++this.#now);
    this.#waiting.delete(this.#now);
    turn?.close();
  }
}

function emitOne<R>(s: Stage<R>, result: R): Promise<void> {
  return s.emit(result);
}

async function emitIf<T>(s: Stage<T>, keep: boolean, value: T): Promise<void> {
  if (keep) await s.emit(value);
}

async function emitAll<R>(s: Stage<R>, results: Items<R>): Promise<void> {
  for await (const result of results) await s.emit(result);
}

async function emitNone(): Promise<void> {
  // forEach has no results
}
