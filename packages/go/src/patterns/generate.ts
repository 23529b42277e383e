// generate: the way into a pipeline.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { orDone } from "./merge.ts";
import { pull } from "./pull.ts";
import { Stage, stage, type StageSource } from "./stage.ts";

/**
 * The values of an iterable or a stream, one at a time as they are asked for: a plain iterable is asked from within the
 * receive, so that its values pass without a wait. When the stage stops, the iterator's
 * `return` is called, a stream is cancelled, and a Node stream (a socket, a file) is destroyed. An iterator that is in
 * the middle of its `next` then is not waited for: what it was about to give is lost. What the cleanup throws comes out
 * where the loop was left.
 */
export function generate<T>(ctx: Context, iterable: Iterable<T> | AsyncIterable<T> | ReadableStream<T>): RecvChan<T> {
  // A channel is asked as a channel, so that a stage that stops does not go on waiting for its next value.
  if (iterable instanceof Channel) return orDone<T>(ctx, iterable);
  if (typeof (iterable as Iterable<T>)[Symbol.iterator] === "function") {
    return new Iteration<T>(ctx, iterable as Iterable<T>).stage.output;
  }
  return stage<T>(ctx, [], { name: "generate" }, (s) => pull(s, iterable as AsyncIterable<T> | ReadableStream<T>));
}

/** Makes a value when somebody receives, so that none takes a turn of its own. */
class Iteration<T> implements StageSource {
  readonly stage: Stage<T>;
  readonly #values: Iterable<T>;
  /** Closed when there are no more values; fails if the iterator did. */
  readonly #ended = new Channel<never>(0);
  #iterator: Iterator<T> | undefined;
  /** Whether the iterator has ended, or is in the middle of its `next`. */
  #done = false;

  constructor(ctx: Context, values: Iterable<T>) {
    this.#values = values;
    this.stage = new Stage<T>(ctx, [], { name: "generate", capacity: 1, source: this }, async (s) => {
      try {
        await s.next(this.#ended);
      } finally {
        if (!this.#done) this.#leave(s);
      }
    });
  }

  poll(): void {
    const { output, ctx } = this.stage;
    if (this.#done || output.count > 0 || ctx.err() !== undefined) return;
    this.#done = true;
    try {
      this.#iterator ??= this.#values[Symbol.iterator]();
      const step = this.#iterator.next();
      if (step.done === true) this.#ended.close();
      else {
        this.#done = false;
        if (ctx.err() === undefined) output.trySend(step.value);
      }
    } catch (error) {
      this.#ended.fail(error);
    }
  }

  stop(): void {
    this.stage.output.drain();
  }

  /** The iterator is left before its end. */
  #leave(s: Stage<T>): void {
    try {
      this.#iterator?.return?.();
    } catch (error) {
      s.cleanupFailed(error);
    }
  }
}
