// Values of somebody else's making, asked for one after the other by a stage that may have to stop meanwhile.
//
// Invariants: a stage never waits for a foreign `next` that may never settle. When it stops, the iterator is told to return;
// and a Node stream is destroyed at once, since its `return` would queue up after a `next` that is under way. What the cleanup
// throws is told to the stage.

import type { Stage } from "./stage.ts";

/** Emits all values of an async iterable or a stream. Its `next` and `return` may give a promise or not, as for `for await`. */
export async function pull<T>(s: Stage<T>, values: AsyncIterable<T> | ReadableStream<T>): Promise<void> {
  const iterator = "getReader" in values ? fromStream(values) : iteratorOf(values);
  let abandon: (reason: unknown) => void = () => undefined;
  let asked = false;
  let done = false;
  const { signal } = s.ctx;
  const stopped = (): void => abandon(s.ctx.err());
  signal.addEventListener("abort", stopped);
  try {
    for (;;) {
      const err = s.ctx.err();
      if (err !== undefined) throw err;
      asked = true;
      const step = await new Promise<IteratorResult<T, unknown>>((resolve, reject) => {
        abandon = reject;
        const failed = (error: unknown): void => {
          done = true; // an iterator that throws has ended
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what it threw is passed on as it is
          reject(error);
        };
        try {
          Promise.resolve(iterator.next()).then(resolve, failed);
        } catch (error) {
          failed(error);
        }
      });
      asked = false;
      if (step.done === true) {
        done = true;
        return;
      }
      await s.emit(step.value);
    }
  } finally {
    signal.removeEventListener("abort", stopped);
    if (!done) await leave(s, values, iterator, asked);
  }
}

async function leave<T>(
  s: Stage<T>,
  values: AsyncIterable<T> | ReadableStream<T>,
  iterator: AsyncIterator<T>,
  asked: boolean,
): Promise<void> {
  try {
    if (isNodeStream(values)) values.destroy();
    const left = Promise.resolve(iterator.return?.());
    // An iterator that has been asked answers first; only one that has not can be waited for.
    if (asked) left.catch(() => undefined);
    else await left;
  } catch (error) {
    s.cleanupFailed(error);
  }
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

/** A socket whose other side has sent all it will may still be written to: its iterator must not destroy it then. */
function iteratorOf<T>(values: AsyncIterable<T>): AsyncIterator<T> {
  return isNodeStream<T>(values) ? values.iterator({ destroyOnReturn: false }) : values[Symbol.asyncIterator]();
}

/** A stream's own iterator finishes a read before it cancels; a reader cancels at once. */
function fromStream<T>(stream: ReadableStream<T>): AsyncIterator<T, undefined> {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<T, undefined>>,
    return: async () => {
      await reader.cancel();
      return { value: undefined, done: true };
    },
  };
}
