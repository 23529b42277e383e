// generate: the source of a pipeline.

import type { RecvChan, Thenable } from "../chan.ts";
import type { Context } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { orDone } from "./merge.ts";
import { iterate, iteratorOf } from "./iterate.ts";
import { kindOf, Stage, stage, type StageSource } from "./stage.ts";

/** As in `chan<T>`: asks for an argument that nobody can give if the values are promises. */
type NoPromises<T> = 0 extends 1 & T
  ? []
  : // oxlint-disable-next-line typescript/no-explicit-any
    [T extends Thenable ? any : never] extends [never]
    ? []
    : [refused: "a promise cannot be an element of a channel: call what makes it in map, not before generate"];

/**
 * The values of an iterable or a stream, one at a time on demand. A plain iterable is asked during
 * the receive, so its values pass without a wait.
 *
 * When the stage stops, it calls the iterator's `return`, cancels a stream, and destroys a Node
 * stream (a socket, a file). The loop that was left waits for this cleanup, and throws its error.
 * An async generator runs ahead by one value. So it may be in the middle of its `next`, whose value
 * is lost, and it can clean up only after that. If that takes longer than a second, the loop
 * continues without it, and a warning of the process names the stage. A `stage` that calls
 * `emitAll` can wait longer: it takes a `grace`.
 */
export function generate<T>(
  ctx: Context,
  iterable: Iterable<T> | AsyncIterable<T> | ReadableStream<T>,
  ...refused: NoPromises<T>
): RecvChan<T>;
export function generate<T>(ctx: Context, iterable: Iterable<T> | AsyncIterable<T> | ReadableStream<T>): RecvChan<T> {
  if (!isIterable(iterable)) throw new TypeError(`generate: expected an iterable or a stream, got ${kindOf(iterable)}`);
  // A channel is received from, and not iterated over. So a stage that stops does not continue to
  // wait for the channel's next value.
  if (iterable instanceof Channel) return orDone<T>(ctx, iterable);
  if (typeof (iterable as Iterable<T>)[Symbol.iterator] === "function") {
    return new Iteration<T>(ctx, iterable as Iterable<T>).stage.output;
  }
  const values = iterable as AsyncIterable<T> | ReadableStream<T>;
  // The iterator is made at once: a readline interface loses the lines that come before it exists.
  const iterator = "getReader" in values ? undefined : iteratorOf(values);
  return stage<T>(ctx, [], { name: "generate" }, (s) => iterate(s, values, iterator));
}

/** Makes a value when a reader receives, so that no value needs a separate turn. */
class Iteration<T> implements StageSource {
  readonly stage: Stage<T>;
  readonly #values: Iterable<T>;
  /** Closed when there are no more values; fails if the iterator did. */
  readonly #ended = new Channel<never>(0);
  #iterator: Iterator<T> | undefined;
  /** True if the iterator has ended, or is in the middle of its `next`. */
  #done = false;

  constructor(ctx: Context, values: Iterable<T>) {
    this.#values = values;
    this.stage = new Stage<T>(ctx, [], { name: "generate", capacity: 1, source: this }, async (s) => {
      try {
        await s.next(this.#ended);
      } finally {
        // The reader left before the iterator's end.
        if (!this.#done) await s.cleanUp(() => this.#iterator?.return?.());
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
}

function isIterable(given: unknown): boolean {
  const {
    [Symbol.iterator]: plain,
    [Symbol.asyncIterator]: async,
    getReader,
  } = Object(given) as Partial<Iterable<unknown> & AsyncIterable<unknown> & ReadableStream>;
  return plain !== undefined || async !== undefined || getReader !== undefined;
}
