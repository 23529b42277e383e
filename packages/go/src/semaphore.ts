// @sluice/go/semaphore: a weighted semaphore (after x/sync/semaphore).
//
// Invariant: strictly first come, first served. A request that does not fit holds back smaller ones behind it, so that
// large requests do not starve; one that can never fit waits for its context and holds back nobody.

import type { Context } from "./context.ts";
import { Channel, Waiter, WaitQueue } from "./internal/channel.ts";
import { expectAttached } from "./internal/detached.ts";
import { main } from "./internal/goroutine.ts";
import { completed, failed, inSteps, misuse } from "./internal/sched.ts";
import { recv, select } from "./select.ts";

interface Request {
  readonly n: number;
  readonly granted: Channel<never>;
}

export class Weighted {
  readonly #size: number;
  #held = 0;
  /** Requests, as the values of waiters: any of them can leave at once, however many there are. */
  readonly #queue: WaitQueue = new WaitQueue();

  /** A semaphore of n units. Throws a RangeError for what is no number, 0 or above. */
  constructor(n: number) {
    this.#size = units(n);
  }

  /**
   * Takes n units, waiting until they are free. Rejects with `ctx.err()`, nothing taken, when ctx is done first, and with
   * a RangeError for what is no number, 0 or above; `tryAcquire` and `release` throw it.
   */
  acquire(ctx: Context, n = 1): Promise<void> {
    if (!(n >= 0)) return failed(rangeError(n));
    const err = ctx.err();
    if (err !== undefined) return failed(err);
    if (this.tryAcquire(n)) return completed();
    if (n > this.#size) return inSteps(hopeless(ctx));
    return inSteps(this.#wait(ctx, { n, granted: new Channel<never>(0) }));
  }

  /** Takes n units if they are free and nobody waits, and tells whether it did. */
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

  async #wait(ctx: Context, request: Request): Promise<void> {
    const waiter = new Waiter(0, request, main, () => undefined, undefined);
    this.#queue.push(waiter);
    await select({ granted: recv(request.granted), done: recv(ctx.done()) });
    const err = ctx.err();
    if (err === undefined) return;
    // Done and granted may have come together: whoever sees an error must hold nothing.
    if (request.granted.closed) this.#held -= request.n;
    else this.#queue.remove(waiter);
    this.#grant();
    throw err;
  }

  #grant(): void {
    for (let waiter = this.#queue.first; waiter !== undefined; waiter = this.#queue.first) {
      const request = waiter.value as Request;
      if (this.#size - this.#held < request.n) return;
      this.#held += request.n;
      this.#queue.remove(waiter);
      request.granted.close();
    }
  }
}

/** n, if it is a number of units. */
function units(n: number): number {
  if (!(n >= 0)) throw rangeError(n);
  return n;
}

function rangeError(n: number): RangeError {
  return new RangeError(`semaphore: expected a number of units, 0 or above, got ${n}`);
}

async function hopeless(ctx: Context): Promise<never> {
  await select({ done: recv(ctx.done()) });
  throw ctx.err() as Error;
}
