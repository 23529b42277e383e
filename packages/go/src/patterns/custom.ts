// stage: an operator of one's own, with the promises of those that are here.
//
// What a stage is, when it ends and where its errors go stands in stage.ts; this is its public face.

import type { Received, RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { type Stage, stage as start } from "./stage.ts";

/** What the body of a stage of one's own works with. */
export interface StageBody<R> {
  /** Done when the stage is to stop: for whatever takes long. */
  readonly ctx: Context;
  /**
   * Receives from an input: `[value, true]`, or `[undefined, false]` at its end. Rejects when the stage
   * is to stop, and with the error of an input that failed; let both through.
   */
  next<T>(input: RecvChan<T>): Promise<Received<T>>;
  /** Sends a result; waits until the reader takes it. Rejects when the stage is to stop: let that through. */
  emit(value: R): Promise<void>;
  /** Sends all values of an iterable or a stream. */
  emitAll(values: Iterable<R> | AsyncIterable<R> | ReadableStream<R>): Promise<void>;
}

/** How {@link stage} runs its body; all of it may be left out. */
export interface CustomOptions {
  /** What dumps and messages call it; `stage` by default. */
  readonly name?: string | undefined;
  /** How many goroutines run the body at the same time; 1 by default. */
  readonly workers?: number | undefined;
  /** How many results may wait for the reader; 0 by default. */
  readonly capacity?: number | undefined;
}

/**
 * An operator of one's own: runs `body` in a goroutine (or in several) and gives the channel of what it emits.
 *
 * The channel ends when every body has returned. It ends the stage, and the stages before it, when
 * ctx is done, when the reader leaves its loop, and when a body throws: then the reader gets that error
 * after the results before it. Inputs must be channels; all of them are left when the stage ends.
 *
 * @example
 * ```ts
 * import { background, type Context } from "@sluice/go/context";
 * import { generate, stage } from "@sluice/go/patterns";
 * import type { RecvChan } from "@sluice/go";
 *
 * function pairs<T>(ctx: Context, input: RecvChan<T>): RecvChan<[T, T]> {
 *   return stage<[T, T]>(ctx, [input], async (s) => {
 *     let [before, ok] = await s.next(input);
 *     for (let value; ok; before = value) {
 *       [value, ok] = await s.next(input);
 *       if (ok) await s.emit([before as T, value as T]);
 *     }
 *   });
 * }
 * const got: [number, number][] = [];
 * for await (const pair of pairs(background(), generate(background(), [1, 2, 3]))) got.push(pair);
 * got; // => [[1, 2], [2, 3]]
 * ```
 */
export function stage<R>(
  ctx: Context,
  inputs: readonly RecvChan<unknown>[],
  body: (stage: StageBody<R>) => Promise<void>,
  { name = "stage", workers, capacity = 0 }: CustomOptions = {},
): RecvChan<R> {
  return start<R>(ctx, inputs, { name, workers, capacity }, (s) => body(new Body(s)));
}

class Body<R> implements StageBody<R> {
  readonly #stage: Stage<R>;

  constructor(stage: Stage<R>) {
    this.#stage = stage;
  }

  get ctx(): Context {
    return this.#stage.ctx;
  }

  async next<T>(input: RecvChan<T>): Promise<Received<T>> {
    const [value, ok] = await this.#stage.next(input);
    return ok ? [value, true] : [undefined, false];
  }

  async emit(value: R): Promise<void> {
    await this.#stage.emit(value);
  }

  emitAll(values: Iterable<R> | AsyncIterable<R> | ReadableStream<R>): Promise<void> {
    return this.#stage.emitAll(values);
  }
}
