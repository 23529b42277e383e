// @sluice/go/errgroup: goroutines for the parts of one task, with the first error and a limit (after x/sync/errgroup).
//
// Invariants: `wait` settles only when every function has ended, those included that still queue for room. The first error
// in time is kept, cancels the group's context, and is what every `wait` rejects with. What a function throws is what it
// would return as its error in Go, so nothing a function throws is a panic.

import { type CancelCauseFunc, type Context, withCancelCause } from "./context.ts";
import { capture, captured, Waiter, WaitQueue } from "./internal/channel.ts";
import { current } from "./internal/goroutine.ts";
import { spawn } from "./internal/launch.ts";
import { completed, failed, park, resume, resumeWithError } from "./internal/sched.ts";

type Task = () => unknown;

/** What fn throws is its error; one that it returns would be lost. (The `any` lets open types pass, as in `chan`.) */
type Throws<R> = 0 extends 1 & R
  ? unknown
  : // oxlint-disable-next-line typescript/no-explicit-any
    [Awaited<R> extends infer E ? (E extends Error ? any : never) : never] extends [never]
    ? unknown
    : "an error that is returned is lost: throw it";

export class Group {
  readonly #cancel: CancelCauseFunc | undefined;
  readonly #queue = new WaitQueue();
  readonly #supervisor = { ended: (): void => this.#ended(), failed: (error: unknown): void => this.#failed(error) };
  /** Who waits in `wait`. */
  readonly #waiting = new WaitQueue();
  #limit = Infinity;
  /** How many have not ended, those included that queue for room. */
  #all = 0;
  #running = 0;
  #failure: { readonly error: unknown } | undefined;

  /** A group without a context: an error stops nobody. `withContext` makes one that cancels. */
  constructor(cancel?: CancelCauseFunc) {
    this.#cancel = cancel;
  }

  /** Starts fn in a goroutine; under a limit, waits for room first. Resolves when fn was started, not when it ended. */
  go<R>(fn: (() => R) & Throws<R>): Promise<void> {
    this.#all++;
    if (this.#running < this.#limit) {
      this.#running++;
      this.#spawn(fn);
      return completed();
    }
    const promise = new Promise<void>(capture);
    const g = current();
    this.#queue.push(new Waiter(0, undefined, g, captured, undefined));
    park(g, "chan send");
    // It is who waited for room that starts fn, in the host's async context of this call; not who made the room.
    void promise.then(() => this.#spawn(fn));
    return promise;
  }

  /** Starts fn if there is room now, and tells whether it did. */
  tryGo<R>(fn: (() => R) & Throws<R>): boolean {
    if (this.#running >= this.#limit) return false;
    this.#all++;
    this.#running++;
    this.#spawn(fn);
    return true;
  }

  /**
   * At most n functions at once from now on; 0 admits none, a negative n any number. As in Go, functions that queue for room
   * start after an error too: the context tells them to end. Throws
   * `errgroup: modify limit while N goroutines in the group are still active`, and a RangeError for what is no whole number.
   */
  setLimit(n: number): void {
    if (this.#running > 0) {
      throw new Error(`errgroup: modify limit while ${this.#running} goroutines in the group are still active`);
    }
    if (!(n < 0 || n === Infinity || Number.isInteger(n))) {
      throw new RangeError(`errgroup: expected a whole number as the limit, got ${n}`);
    }
    this.#limit = n < 0 ? Infinity : n;
  }

  /** Waits until all have ended, cancels the group's context, and rejects with the first error if there was one. */
  wait(): Promise<void> {
    if (this.#all > 0) {
      const promise = new Promise<void>(capture);
      const g = current();
      this.#waiting.push(new Waiter(0, undefined, g, captured, undefined));
      park(g, "sync.WaitGroup.Wait");
      return promise;
    }
    this.#cancel?.(undefined);
    return this.#failure === undefined ? completed() : failed(this.#failure.error);
  }

  #spawn(fn: Task): void {
    spawn(fn, [], this.#supervisor);
  }

  #failed(error: unknown): void {
    if (this.#failure === undefined) {
      this.#failure = { error };
      this.#cancel?.(error instanceof Error ? error : new Error(String(error), { cause: error }));
    }
    this.#ended();
  }

  #ended(): void {
    this.#running--;
    const w = this.#queue.first;
    if (w !== undefined && this.#running < this.#limit) {
      this.#queue.remove(w);
      this.#running++;
      resume(w.g, "chan send", w.resolve as () => void, undefined);
    }
    if (--this.#all > 0) return;
    if (this.#waiting.first !== undefined) this.#cancel?.(undefined);
    const failure = this.#failure;
    for (let w = this.#waiting.shift(); w !== undefined; w = this.#waiting.shift()) {
      if (failure === undefined) resume(w.g, "sync.WaitGroup.Wait", w.resolve as () => void, undefined);
      else resumeWithError(w.g, "sync.WaitGroup.Wait", w.resolve, () => failure.error);
    }
  }
}

/**
 * A group, and a context for its functions that is cancelled by the first error, or when `wait` is over. Nobody is stopped
 * but by looking at that context, nor is a function kept from starting: a loop that starts many asks `ctx.err()` itself.
 */
export function withContext(parent: Context): [Group, Context] {
  const [ctx, cancel] = withCancelCause(parent);
  return [new Group(cancel), ctx];
}
