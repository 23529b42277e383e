// A Context as an argument: the worker gets a copy, which is done when the caller's context is.
//
// The copy learns that in two ways. The caller's thread sets bits in the task's cell, and the
// copy's `err` looks at them. So a task that never awaits sees them. The caller's thread also posts
// a message with the cause, for a task that waits. The worker writes its slot into the cell before
// it looks at the bits. The caller sets the bits before it looks at the slot. So at least one of
// them sees the other.
//
// A copy ends with its task, so that nothing derived from it remains. Values are not copied: their
// keys are objects.

import type { RecvChan } from "../chan.ts";
import {
  afterFunc,
  background,
  Canceled,
  cause,
  type Context,
  DeadlineExceeded,
  fromSignal,
  type Key,
} from "../context.ts";
import { C_DONE, C_STATE, C_USE, cellAt, self, words } from "./arena.ts";
import { decode, encode, type Encoded, registerAmbassador } from "./codec.ts";
import { type Payload, sendTo } from "./post.ts";

const CANCELED = 1;
const EXCEEDED = 2;
/** The number of contexts that fit into a word, with two bits for each. */
const most = 16;

/** The representation of a context. */
interface Sent {
  /** The number of the context among those of the task; -1 if it can never be done. */
  readonly n: number;
  readonly deadline: Date | undefined;
  readonly done: number;
  readonly cause: Error | undefined;
}

/** The message that a task's context is done. */
export interface Cancel {
  readonly kind: "cancel";
  readonly task: number;
  /** The number of the use of the cell to which the message belongs. */
  readonly use: number;
  readonly n: number;
  readonly done: number;
  readonly cause: Payload;
}

const copies = new Map<number, Copy[]>();

/** The number of tasks of this thread with contexts. Messages for them must be heard at once. */
export function followed(): number {
  return copies.size;
}

/** Follows the contexts among a task's arguments, until the returned function is called. */
export function follow(contexts: readonly Context[], task: number): () => void {
  const use = words[cellAt(task) + C_USE] as number;
  const stops = contexts.map((ctx, n) => afterFunc(ctx, () => tell(ctx, task, use, n)));
  return () => stops.forEach((stop) => stop());
}

function tell(ctx: Context, task: number, use: number, n: number): void {
  const at = cellAt(task);
  // The task may have ended meanwhile, and another task may use its cell.
  if (words[at + C_USE] !== use) return;
  const done = codeOf(ctx);
  Atomics.or(words, at + C_DONE, done << (n * 2));
  const runner = Atomics.load(words, at + C_STATE);
  if (runner === 0) return;
  const message: Cancel = { kind: "cancel", task, use, n, done, cause: causeOf(ctx) };
  if (runner === self) cancelCopy(message);
  else sendTo(runner, message);
}

function codeOf(ctx: Context): number {
  return ctx.err() === DeadlineExceeded ? EXCEEDED : CANCELED;
}

function causeOf(ctx: Context): Payload {
  const { bytes, length } = encode([cause(ctx)], () => "the cause of a context");
  return { bytes: bytes.slice(0, length), extras: [], moved: [] };
}

/** Records that the caller's context is done. */
export function cancelCopy({ task, use, n, done, cause }: Cancel): void {
  if (words[cellAt(task) + C_USE] !== use) return;
  copies.get(task)?.[n]?.end(done, decode(cause.bytes)[0] as Error);
}

/** Records that a task has ended here. */
export function endCopies(task: number): void {
  const list = copies.get(task);
  if (list === undefined) return;
  copies.delete(task);
  for (const copy of list) copy.leave();
}

class Copy implements Context {
  readonly #at: number;
  readonly #shift: number;
  readonly #deadline: Date | undefined;
  readonly #controller = new AbortController();
  readonly #inner: Context = fromSignal(this.#controller.signal);
  #isFollowed = true;

  constructor(task: number, n: number, deadline: Date | undefined) {
    this.#at = cellAt(task) + C_DONE;
    this.#shift = n * 2;
    this.#deadline = deadline;
  }

  get signal(): AbortSignal {
    return this.#inner.signal;
  }

  done(): RecvChan<never> | undefined {
    return this.#inner.done();
  }

  err(): Error | undefined {
    if (this.#isFollowed && this.#inner.err() === undefined) {
      const done = (Atomics.load(words, this.#at) >> this.#shift) & 3;
      if (done !== 0) this.end(done, undefined);
      else if (this.#deadline !== undefined && this.#deadline.getTime() <= Date.now()) this.end(EXCEEDED, undefined);
    }
    return this.#inner.err();
  }

  deadline(): Date | undefined {
    return this.#deadline;
  }

  value<T>(key: Key<T>): T | undefined {
    return this.#inner.value(key);
  }

  toString(): string {
    return "parallel.Context";
  }

  /** Ends the copy, because the caller's context is done. */
  end(done: number, why: Error | undefined): void {
    const err = done === EXCEEDED ? DeadlineExceeded : Canceled;
    // The signal's reason is the cause, and its name tells which of the two errors it is.
    const reason =
      why === undefined || why.message === err.message ? err : Object.defineProperty(why, "name", { value: err.name });
    this.#controller.abort(reason);
  }

  leave(): void {
    this.#isFollowed = false;
    this.end(CANCELED, undefined);
  }
}

registerAmbassador({
  name: "Context",
  matches: (value) => {
    const { done, err, deadline } = value as Partial<Context>;
    return typeof done === "function" && typeof err === "function" && typeof deadline === "function";
  },
  send: (ctx: Context, { contexts }: Encoded): Sent => {
    if (contexts === undefined) throw new TypeError("a Context, which can only be an argument of a parallel function");
    if (ctx.done() === undefined) return { n: -1, deadline: undefined, done: 0, cause: undefined };
    const done = ctx.err() === undefined ? 0 : codeOf(ctx);
    if (contexts.push(ctx) > most) throw new TypeError(`a Context, the ${most + 1}th of one call`);
    return { n: contexts.length - 1, deadline: ctx.deadline(), done, cause: cause(ctx) };
  },
  receive: ({ n, deadline, done, cause }: Sent, task: number): Context => {
    if (n < 0) return background();
    const copy = new Copy(task, n, deadline);
    if (done !== 0) copy.end(done, cause);
    const list = copies.get(task) ?? [];
    list[n] = copy;
    copies.set(task, list);
    // The context may have been done between the call and now.
    copy.err();
    return copy;
  },
});
