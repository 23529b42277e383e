// Streams and events of the web, to channels and back. (For a stream into a channel use
// `generate`.)
//
// Invariant: the side that ends first tells the other one, and every value that is taken is passed
// on.

import type { RecvChan, SendChan } from "../chan.ts";
import { type Context, fromSignal } from "../context.ts";
import { type Channel, type Decision, Waiter } from "../internal/channel.ts";
import { current, leaveWait } from "../internal/goroutine.ts";
import { park, turnIfDue } from "../internal/sched.ts";
import { recv, select, send } from "../select.ts";
import { expectChannel, Stage } from "./stage.ts";

/** The interface through which Node's objects, and many others, emit events. */
export interface Emitter {
  on(type: string, listener: (...args: unknown[]) => void): unknown;
  off(type: string, listener: (...args: unknown[]) => void): unknown;
}

/**
 * The events of that type from now on, in a new channel. A full channel drops further events, as
 * Go's signal.Notify does. Without a capacity it takes all events. The listener is removed when the
 * channel's reader leaves or ctx is done.
 *
 * Accepts an EventTarget or an emitter in Node's manner. For an emitter's event the channel gives
 * what its listeners get: the one argument, or an array if there are several. Throws a TypeError
 * for anything else.
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
  capacity?: number,
): RecvChan<E>;
export function fromEvent<T = unknown>(ctx: Context, target: Emitter, type: string, capacity?: number): RecvChan<T>;
export function fromEvent(
  ctx: Context,
  target: EventTarget | Emitter,
  type: string,
  capacity: number = 0xffffffff,
): RecvChan<unknown> {
  const isTarget = has(target, "addEventListener");
  if (!isTarget && !(has(target, "on") && has(target, "off"))) {
    throw new TypeError("fromEvent: expected an EventTarget, or an emitter with `on` and `off`");
  }
  const { output, ctx: listening } = new Stage<unknown>(ctx, [], { name: "fromEvent", capacity }, async (s) => {
    await s.ctx.done()?.recv();
  });
  const { signal } = listening;
  // The signal removes the listener at once, and if it is already aborted, the listener is never
  // added.
  if (isTarget) (target as EventTarget).addEventListener(type, (event) => void output.trySend(event), { signal });
  else if (!signal.aborted) {
    const emitter = target as Emitter;
    const listener = (...args: unknown[]): void => void output.trySend(args.length > 1 ? args : args[0]);
    emitter.on(type, listener);
    signal.addEventListener("abort", () => emitter.off(type, listener), { once: true });
  }
  return output;
}

function has(target: unknown, method: string): boolean {
  return typeof (target as Record<string, unknown> | undefined | null)?.[method] === "function";
}

/**
 * A stream of the channel's values. It receives each value on demand. Cancelling the stream leaves
 * the channel, as `break` leaves a `for await`. The error of a stage is the error of the stream.
 */
export function toReadableStream<T>(input: RecvChan<T>): ReadableStream<T> {
  expectChannel(input, "toReadableStream");
  const channel = input as unknown as Channel<T>;
  const reader = channel[Symbol.asyncIterator]();
  let cancelled = false;
  let leave: () => void = () => undefined;
  return new ReadableStream<T>(
    {
      pull: async (controller) => {
        const pause = turnIfDue();
        if (pause !== undefined) await pause;
        if (cancelled) return;
        const pass = (value: T | undefined, ok: boolean): void => {
          if (ok) controller.enqueue(value as T);
          else controller.close();
        };
        const got = channel.tryRecv();
        if (got.ready) pass(got.value, got.ok);
        // A value passes at the moment of its send, so at no time does only a microtask hold it.
        else await new Promise<void>((resolve, reject) => (leave = attend(channel, pass, resolve, reject)));
      },
      cancel: async () => {
        cancelled = true;
        leave();
        await reader.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function unmade(): never {
  throw new Error("never called");
}

/**
 * Waits for the channel's next value and passes it on at once. The function returned removes the
 * wait from the queue, if it is there.
 */
function attend<T>(
  channel: Channel<T>,
  pass: (value: T | undefined, ok: boolean) => void,
  resolve: () => void,
  reject: (error: unknown) => void,
): () => void {
  const g = current();
  let waiting = true;
  const end = (then: () => void): void => {
    waiting = false;
    leaveWait(g, "chan receive");
    then();
  };
  const decision: Decision = {
    decide: (_, value, ok) => end(() => (pass(value as T | undefined, ok), resolve())),
    fail: (_, make) => end(() => reject(make(unmade))),
  };
  const waiter = new Waiter(0, undefined, g, resolve, decision);
  channel.enqueue(waiter);
  park(g, "chan receive");
  return () => {
    if (!waiting) return;
    channel.dequeue(waiter);
    end(resolve);
  };
}

/**
 * A stream into the channel. A write waits while the channel is full, and closing the stream closes
 * the channel. Aborting the stream closes the channel too: receivers get the values that were sent,
 * then the reason as an error.
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
