// @sluice/go/fiber: goroutines whose function is a generator, for loops in which awaits are too
// slow.
//
// `yield*` carries out an operation and gives its result. A fiber uses the same channels, locks and
// contexts as other goroutines, and waits in the same queues.

import type { Received, RecvChan, SendChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { isThenable, thenableError } from "../internal/channel.ts";
import type { Weighted } from "../semaphore.ts";
import { own, type Case, type RecvCase, type Selected, type SelectedAt, type SendCase, timeout } from "../select.ts";
import type { Locker } from "../sync/hold.ts";
import type { RWMutex } from "../sync/rwmutex.ts";
import type { WaitGroup } from "../sync/waitgroup.ts";
import type { Waiting } from "./fiber.ts";
import {
  endWhenDone,
  follow,
  Locking,
  type Operation,
  Range,
  readNow,
  Recv,
  RecvOk,
  Select,
  Send,
  Simple,
  sleepNow,
  Until,
  yieldNow,
} from "./operations.ts";

export { go, main } from "../go.ts";
export { otherwise, timeout } from "../select.ts";
export type { Waiting } from "./fiber.ts";
export type { Operation, Range } from "./operations.ts";

/** The return type of a generator function that consists of operations, and returns an R. */
export type Steps<R = void> = Generator<Waiting, R>;

/**
 * Receives a value, as `RecvChan.recv` does. It is a case of a `select` too. `undefined` is the nil
 * channel.
 */
export function recv<T>(channel: RecvChan<T> | undefined): Operation<T | undefined> & RecvCase<T> {
  if (channel !== undefined) own(channel, "recv");
  return new Recv(channel);
}

/** Receives a value, and tells whether it was sent, as `RecvChan.recvOk` does. */
export function recvOk<T>(channel: RecvChan<T> | undefined): Operation<Received<T>> {
  if (channel !== undefined) own(channel, "recvOk");
  return new RecvOk(channel);
}

/**
 * Sends a value, as `SendChan.send` does. It is a case of a `select` too. Throws for a thenable:
 * another goroutine may receive it by an await.
 */
export function send<T>(channel: SendChan<T> | undefined, value: NoInfer<T>): Operation<void> & SendCase {
  if (channel !== undefined) own(channel, "send");
  if (isThenable(value)) throw thenableError();
  return new Send(channel, value);
}

/**
 * Go's `range`. Each `yield*` receives a value into `value` and gives true. It gives false once the
 * channel is closed and drained.
 *
 * @example
 * ```ts
 * const ch = chan<number>(2);
 * const sum = chan<number>(1);
 * go(function* () {
 *   let total = 0;
 *   for (const values = range(ch); yield* values; ) total += values.value;
 *   yield* send(sum, total);
 * });
 * await ch.send(1);
 * await ch.send(2);
 * ch.close();
 * await sum.recv(); // => 3
 * ```
 */
export function range<T>(channel: RecvChan<T> | undefined): Operation<boolean> & { readonly value: T } {
  if (channel !== undefined) own(channel, "range");
  return new Range(channel);
}

/** Waits until one of the cases can proceed and carries it out, as the `select` of awaits does. */
export function select<const C extends readonly Case[]>(cases: C): Operation<SelectedAt<C>>;
export function select<const C extends Record<string, Case>>(cases: C): Operation<Selected<C>>;
export function select(cases: Readonly<Record<string, Case>> | readonly Case[]): Operation<unknown> {
  return new Select(cases);
}

/** Locks, for writing if it is an RWMutex. The guard unlocks: `using _ = yield* lock(mu)`. */
export function lock(mutex: Locker): Operation<Disposable> {
  return new Locking(mutex);
}

/** Locks an RWMutex for reading. */
export function rLock(mutex: RWMutex): Operation<Disposable> {
  return new Simple((f) => readNow(f, mutex));
}

/**
 * An object that can be waited for: a WaitGroup, or anything else with a `wait` that gives a
 * promise.
 */
interface Waitable {
  readonly wait: () => PromiseLike<void>;
}

/**
 * Waits until a WaitGroup's counter is zero, or for the `wait` of an errgroup and the like. For a
 * promise it is `until`.
 */
export function wait(group: WaitGroup | Waitable): Operation<void>;
export function wait<T>(promise: PromiseLike<T>): Operation<T>;
export function wait(group: WaitGroup | Waitable | PromiseLike<unknown>): Operation<unknown> {
  if ("then" in group) return until(group);
  return new Simple<void>(
    (f) => {
      if (!("queue" in group)) return follow(f, group.wait());
      if (group.count === 0) {
        group.left();
        return f.complete(undefined);
      }
      return f.waitIn(group.queue, "sync.WaitGroup.Wait");
    },
    () => {
      if ("left" in group) group.left();
    },
  );
}

/**
 * Takes n units of a semaphore; waits until they are free. With a context, throws its `err` as soon
 * as that is done, and takes nothing then.
 */
export function* acquire(semaphore: Weighted, n = 1, ctx?: Context): Steps {
  const err = ctx?.err();
  if (err !== undefined) yield* fail(err);
  if (semaphore.tryAcquire(n)) {
    yield* new Simple((f) => f.complete(undefined));
    return;
  }
  const request = semaphore.request(n);
  let isHeld = false;
  try {
    yield* select({ granted: recv(request?.granted), done: recv(ctx?.done()) });
    const err = ctx?.err();
    if (err !== undefined) yield* fail(err);
    isHeld = true;
  } finally {
    if (!isHeld && request !== undefined) semaphore.withdraw(request);
  }
}

/**
 * Waits `ms` milliseconds or a little more. With a context, throws its `err` as soon as that is
 * done.
 */
export function sleep(ms: number, ctx?: Context): Operation<void> {
  return ctx === undefined ? new Simple((f) => sleepNow(f, ms)) : sleepUnless(ctx, ms);
}

function* sleepUnless(ctx: Context, ms: number): Steps {
  const err = ctx.err();
  if (err !== undefined) yield* fail(err);
  const done = ctx.done();
  if (done === undefined || !(ms > 0)) {
    yield* sleep(ms);
    return;
  }
  const c = yield* new Select<{ readonly case: string }>({ slept: timeout(ms), done: recv(done) }, "sleep");
  if (c.case === "done") yield* fail(ctx.err());
}

/** Lets all other goroutines that can run do so, and timers and I/O too. */
export function gosched(): Operation<void> {
  return new Simple(yieldNow);
}

/**
 * Waits for a promise, and gives its value or throws its error. Dumps show the wait as `IO wait`.
 */
export function until<T>(promise: PromiseLike<T>): Operation<T> {
  return new Until(promise);
}

/** Throws the error. */
export function fail(error: unknown): Operation<never> {
  return new Simple((f) => {
    throw f.failing(error);
  });
}

/**
 * From now on the goroutine ends when ctx is done: at the `yield*` where it waits, else at its next
 * one. It ends as by a `return` there: its `finally` blocks run, and may wait, and nothing is
 * thrown. A wait for a lock or a WaitGroup is not cut short: it ends at the `yield*` after that.
 */
export function endWith(ctx: Context): Operation<void> {
  return new Simple((f) => endWhenDone(f, ctx));
}
