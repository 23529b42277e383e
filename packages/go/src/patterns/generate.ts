// generate: the way into a pipeline.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { orDone } from "./merge.ts";
import { stage } from "./stage.ts";

/** The values of an iterable, one at a time as they are asked for. When the stage stops, the iterator's `return` is called. */
export function generate<T>(ctx: Context, iterable: Iterable<T> | AsyncIterable<T>): RecvChan<T> {
  // A channel is asked as a channel, so that a stage that stops does not go on waiting for its next value.
  if (iterable instanceof Channel) return orDone<T>(ctx, iterable);
  return stage<T>(ctx, [], { name: "generate" }, async (s) => {
    // `for await` would do for both, but costs an await more for each value of a plain iterable.
    if (Symbol.iterator in iterable) for (const value of iterable) await s.emit(value);
    else for await (const value of iterable) await s.emit(value);
  });
}
