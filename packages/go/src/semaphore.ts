// @sluice/go/semaphore: a weighted semaphore (after x/sync/semaphore).
//
// Invariant: strictly first come, first served. A request that does not fit holds back smaller ones
// after it, so that large requests do not starve. A request that can never fit waits for its
// context and holds back no other request.

import type { Context } from "./context.ts";
import { Channel, Waiter, WaitQueue } from "./internal/channel.ts";
import { expectAttached } from "./internal/detached.ts";
import { main } from "./internal/goroutine.ts";
import { completed, failed, restoreAfter, misuse } from "./internal/sched.ts";
import { recv, select } from "./select.ts";

/** A request that waits. */
class Request extends Waiter {
  readonly n: number;
  /** Closed when it is granted. */
  readonly granted: Channel<never> = new Channel<never>(0);

  constructor(n: number) {
    super(0, undefined, main, () => undefined);
    this.n = n;
  }
}

export class Weighted {
  readonly #size: number;
  #held = 0;
  /**
   * Requests. Each of them can leave at once, even if the queue is long.
   */
  readonly #queue: WaitQueue = new WaitQueue();

  /** A semaphore of n units. Throws a RangeError if n is not a number from 0 on. */
  constructor(n: number) {
    this.#size = units(n);
  }

  /**
   * Takes n units; waits until they are free. Rejects with `ctx.err()` if ctx is done first, and
   * takes nothing then. Rejects with a RangeError if n is not a number from 0 on; `tryAcquire` and
   * `release` throw it.
   */
  acquire(ctx: Context, n = 1): Promise<void> {
    if (!(n >= 0)) return failed(rangeError(n));
    const err = ctx.err();
    if (err !== undefined) return failed(err);
    if (this.tryAcquire(n)) return completed();
    return restoreAfter(this.#wait(ctx, this.request(n)));
  }

  /** Takes n units if they are free and no request waits, and returns true if it did. */
  tryAcquire(n = 1): boolean {
    units(n);
    if (this.#queue.first !== undefined || this.#size - this.#held < n) return false;
    this.#held += n;
    return true;
  }

  /** Gives n units back. Throws `semaphore: released more than held`. */
  release(n = 1): void {
    expectAttached(this, "sem.release");
    if (units(n) > this.#held) throw misuse("semaphore: released more than held");
    this.#held -= n;
    this.#grant();
  }

  async #wait(ctx: Context, request: Request | undefined): Promise<void> {
    await select({ granted: recv(request?.granted), done: recv(ctx.done()) });
    const err = ctx.err();
    if (err === undefined) return;
    if (request !== undefined) this.withdraw(request);
    throw err;
  }

  /** @internal Queues a request for n units; `undefined` if it can never be granted. */
  request(n: number): Request | undefined {
    if (n > this.#size) return undefined;
    const request = new Request(n);
    this.#queue.push(request);
    return request;
  }

  /**
   * @internal Takes a request back, which may have been granted meanwhile. A caller that gets an
   * error must hold nothing.
   */
  withdraw(request: Request): void {
    if (request.granted.closed) this.#held -= request.n;
    else this.#queue.remove(request);
    this.#grant();
  }

  #grant(): void {
    for (let w = this.#queue.first; w !== undefined; w = this.#queue.first) {
      const request = w as Request;
      if (this.#size - this.#held < request.n) return;
      this.#held += request.n;
      this.#queue.remove(request);
      request.granted.close();
    }
  }
}

/** Returns n if it is a valid number of units. */
function units(n: number): number {
  if (!(n >= 0)) throw rangeError(n);
  return n;
}

function rangeError(n: number): RangeError {
  return new RangeError(`semaphore: expected a number of units, 0 or above, got ${n}`);
}
