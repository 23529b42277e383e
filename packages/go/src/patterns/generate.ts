// generate: the way into a pipeline.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { orDone } from "./merge.ts";
import { stage } from "./stage.ts";

/**
 * The values of an iterable or a stream, one at a time as they are asked for. When the stage stops, the iterator's
 * `return` is called, a stream is cancelled. An iterator that is in the middle of its `next` then is not waited for: what
 * it was about to give is lost.
 */
export function generate<T>(ctx: Context, iterable: Iterable<T> | AsyncIterable<T> | ReadableStream<T>): RecvChan<T> {
  // A channel is asked as a channel, so that a stage that stops does not go on waiting for its next value.
  if (iterable instanceof Channel) return orDone<T>(ctx, iterable);
  return stage<T>(ctx, [], { name: "generate" }, (s) => s.emitAll(iterable));
}
