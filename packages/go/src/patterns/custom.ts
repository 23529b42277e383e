// stage: custom operators, with the same guarantees as the operators of this library.
//
// This is the public face. The life of a stage, its end and the way of its errors are described in
// stage.ts.

import type { Received, RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { type Stage, stage as start } from "./stage.ts";

/** The operations for the body of a custom stage. */
export interface StageBody<R> {
  /** Done when the stage has to stop. Pass it to everything that takes long. */
  readonly ctx: Context;
  /**
   * Receives from an input: `[value, true]`, or `[undefined, false]` at its end. Rejects when the
   * stage has to stop, and with the error of an input that failed. Do not catch these two.
   */
  next<T>(input: RecvChan<T>): Promise<Received<T>>;
  /**
   * Sends a result; waits until the reader takes it. Rejects when the stage has to stop. Do not
   * catch that.
   */
  emit(value: R): Promise<void>;
  /** Sends all values of an iterable or a stream. */
  emitAll(values: Iterable<R> | AsyncIterable<R> | ReadableStream<R>): Promise<void>;
}

/** The options of {@link stage}. Every option may be omitted. */
export interface CustomOptions {
  /** The name in dumps and messages; `stage` by default. */
  readonly name?: string | undefined;
  /** The number of goroutines that run the body at the same time; 1 by default. */
  readonly workers?: number | undefined;
  /** The number of results that may wait for the reader; 0 by default. */
  readonly capacity?: number | undefined;
  /**
   * The milliseconds that the stage waits, as the other stages do, for a body that has to stop;
   * 1000 by default.
   */
  readonly grace?: number | undefined;
}

/**
 * A custom operator: runs `body` in a goroutine (or in several) and returns the channel of the
 * results that it emits.
 *
 * The channel ends when every body has returned. Three events end the stage, and the stages before
 * it: ctx is done, the reader leaves its loop, or a body throws. In the last case the reader gets
 * that error after the results before it. Inputs must be channels. The stage leaves all of them
 * when it ends.
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
  { name = "stage", workers, capacity = 0, grace }: CustomOptions = {},
): RecvChan<R> {
  return start<R>(ctx, inputs, { name, workers, capacity, grace }, (s) => body(new Body(s)));
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
