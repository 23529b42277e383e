// The places in which imports run: a number of them at the same time, and the rest in the order in
// which they came.
//
// A file that a library reads whole does not take one of these places. All such files together have
// one separate place.
import { isStreamed, SheetError } from "@sluice/sheets";
import type { Context } from "@sluice/go/context";
import { Weighted } from "@sluice/go/semaphore";

export class Rooms {
  readonly #streamed: Weighted;
  readonly #library = new Weighted(1);

  /** @param limit how many run at the same time */
  constructor(limit: number) {
    this.#streamed = new Weighted(limit);
  }

  /**
   * Waits for a place, which `Symbol.dispose` gives back.
   * @throws the context's error if it ends before
   */
  async enter(ctx: Context, path: string): Promise<Disposable> {
    const room = (await streams(path)) ? this.#streamed : this.#library;
    await room.acquire(ctx, 1);
    return { [Symbol.dispose]: () => room.release(1) };
  }
}

/** A file that cannot even be looked at takes a place as the others do, and its import says why. */
async function streams(path: string): Promise<boolean> {
  try {
    return await isStreamed(path);
  } catch (error) {
    if (error instanceof SheetError) return true;
    throw error;
  }
}
