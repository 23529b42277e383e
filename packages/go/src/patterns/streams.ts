// The web's streams and events, into channels and out of them. (Into a channel a stream goes by `generate`.)
//
// Invariant: whoever ends first tells the other side, and no value is taken that is not passed on.

import type { RecvChan, SendChan } from "../chan.ts";
import { type Context, fromSignal } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { recv, select, send } from "../select.ts";
import { Stage } from "./stage.ts";

/**
 * The events of that type from now on, in a channel of their own. A channel that is full drops what comes, as Go's
 * signal.Notify does; without a capacity it takes all there are. The listener is removed when the channel's reader
 * leaves or ctx is done.
 *
 * @example
 * ```ts
 * import { background, withCancel } from "@sluice/go/context";
 * import { fromEvent } from "@sluice/go/patterns";
 *
 * const [ctx, cancel] = withCancel(background());
 * const target = new EventTarget();
 * const clicks = fromEvent(ctx, target, "click");
 * target.dispatchEvent(new Event("click"));
 * (await clicks.recv())?.type; // => "click"
 * cancel();
 * ```
 */
export function fromEvent<E extends Event = Event>(
  ctx: Context,
  target: EventTarget,
  type: string,
  capacity: number = 0xffffffff,
): RecvChan<E> {
  const listener = (event: Event): void => void stage.output.trySend(event as E);
  const stage: Stage<E> = new Stage<E>(ctx, [], { name: "fromEvent", capacity }, async (s) => {
    await s.ctx.done()?.recv();
    target.removeEventListener(type, listener);
  });
  target.addEventListener(type, listener);
  return stage.output;
}

/**
 * A stream of what comes through the channel, each value received when it is asked for. Cancelling the stream leaves the
 * channel, as `break` leaves a `for await`; the error of a stage is the error of the stream.
 */
export function toReadableStream<T>(input: RecvChan<T>): ReadableStream<T> {
  const reader = input[Symbol.asyncIterator]();
  const cancelled = new Channel<never>(0);
  return new ReadableStream<T>(
    {
      pull: async (controller) => {
        const c = await select({ value: recv(input), cancelled: recv<never>(cancelled) });
        if (c.case === "cancelled") return;
        if (c.ok) controller.enqueue(c.value);
        else controller.close();
      },
      cancel: async () => {
        cancelled.close();
        await reader.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * A stream into the channel: a write waits while the channel is full, closing the stream closes the channel. Aborting it
 * closes the channel too: receivers get what was sent, then the reason as an error.
 */
export function toWritableStream<T>(output: SendChan<T>): WritableStream<T> {
  return new WritableStream<T>({
    write: async (value, controller) => {
      const { signal } = controller as unknown as { signal: AbortSignal }; // Node's types lack it
      const aborted = fromSignal(signal).done();
      await select({ sent: send<T>(output, value), aborted: recv(aborted) });
    },
    close: () => output.close(),
    abort: (reason) => (output as unknown as Channel<T>).fail(reason),
  });
}
