// Reads foreign iterators one value at a time, for a stage that may have to stop meanwhile.
//
// Invariants: when the stage stops, it calls the iterator's `return` and waits for it. If the
// cleanup throws, the stage gets the error. An async generator answers a `next` in progress first,
// and that may never happen. Then the grace of the stage bounds the wait, as for a worker that is
// in a call.
// A Node stream is destroyed at once, so that it does not wait for data.

import type { Context } from "../context.ts";

/** The consumer of the values: a stage. */
export interface Sink<T> {
  /** Done when the sink takes no more. */
  readonly ctx: Context;
  /** Takes a value; rejects when the sink takes no more. */
  emit(value: T): Promise<void> | undefined;
  /** Runs the cleanup of the source, and keeps its error. */
  cleanUp(run: () => unknown): Promise<void>;
}

/**
 * Emits all values of an async iterable or a stream, whose iterator may exist already. As for `for
 * await`, `next` and `return` may return a promise or not.
 */
export async function iterate<T>(
  s: Sink<T>,
  values: AsyncIterable<T> | ReadableStream<T>,
  iterator: AsyncIterator<T> = iteratorOf(values),
): Promise<void> {
  let abandon: (reason: unknown) => void = () => undefined;
  /** The answer to a `next` in progress. */
  let answer: Promise<unknown> | undefined;
  let done = false;
  const { signal } = s.ctx;
  const stopped = (): void => abandon(s.ctx.err());
  signal.addEventListener("abort", stopped);
  try {
    for (;;) {
      const err = s.ctx.err();
      if (err !== undefined) throw err;
      const step = await new Promise<IteratorResult<T, unknown>>((resolve, reject) => {
        abandon = reject;
        const failed = (error: unknown): void => {
          done = true; // an iterator that throws has ended
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what it threw is passed on as it is
          reject(error);
        };
        try {
          answer = Promise.resolve(iterator.next()).then(resolve, failed);
        } catch (error) {
          failed(error);
        }
      });
      answer = undefined;
      if (step.done === true) {
        done = true;
        return;
      }
      await s.emit(step.value);
    }
  } finally {
    signal.removeEventListener("abort", stopped);
    if (!done) {
      const left = leave(values, iterator);
      // Until the answer has come, this worker is in a call, and the cleanup has not begun.
      await Promise.race([left, answer]).catch(() => undefined);
      await s.cleanUp(() => left);
    }
  }
}

async function leave<T>(values: AsyncIterable<T> | ReadableStream<T>, iterator: AsyncIterator<T>): Promise<void> {
  if (isNodeStream(values)) values.destroy();
  await iterator.return?.();
}

/** Node's streams: sockets, files, pipes of child processes. */
interface NodeStream<T> {
  destroy(): unknown;
  iterator(options: { readonly destroyOnReturn: boolean }): AsyncIterator<T>;
}

function isNodeStream<T>(values: object): values is NodeStream<T> {
  const { destroy, iterator } = values as Partial<NodeStream<T>>;
  return typeof destroy === "function" && typeof iterator === "function";
}

/**
 * The iterator of a Node stream must not destroy a socket whose other side has finished sending:
 * the program may still write to it.
 */
export function iteratorOf<T>(values: AsyncIterable<T> | ReadableStream<T>): AsyncIterator<T> {
  if ("getReader" in values) return fromStream(values);
  return isNodeStream<T>(values) ? values.iterator({ destroyOnReturn: false }) : values[Symbol.asyncIterator]();
}

/**
 * A reader cancels at once. A stream's own iterator would first finish its read. As that one does,
 * it releases its lock at the end.
 */
function fromStream<T>(stream: ReadableStream<T>): AsyncIterator<T, undefined> {
  const reader = stream.getReader();
  return {
    next: async () => {
      const step = await reader.read();
      if (step.done) reader.releaseLock();
      return step as IteratorResult<T, undefined>;
    },
    return: async () => {
      await reader.cancel();
      reader.releaseLock();
      return { value: undefined, done: true };
    },
  };
}
