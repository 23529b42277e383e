// Keeps a lease alive while its import runs, on a connection beside those that load.
import type { Claim, Target } from "../target.ts";
import { LEASE_MS, renewLease } from "./ledger.ts";

/**
 * The imports that this process is at work on, by their ids, and how to tell those who wait for
 * one.
 */
const held = new Map<string, PromiseWithResolvers<void>>();

/**
 * Holds an import until disposed. Connections have the name of the import that used them last, so
 * they cannot tell two imports of one process apart.
 */
export function hold({ id }: Pick<Claim, "id">): Disposable {
  const released = Promise.withResolvers<void>();
  held.set(id, released);
  return {
    [Symbol.dispose]: () => {
      held.delete(id);
      released.resolve();
    },
  };
}

/** Resolves when this process has ended an import; undefined if it is not at work on it. */
export function whenReleased(id: string): Promise<void> | undefined {
  return held.get(id)?.promise;
}

/**
 * Renews until disposed. A renewal that fails is not a failure of the import: chunks commit by the
 * epoch, and whether that has passed to somebody else, the next commit finds out.
 */
export function keepLease(target: Target, claim: Claim): AsyncDisposable {
  let renewal: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    renewal ??= renewLease(target, claim)
      .catch(() => undefined)
      .finally(() => (renewal = undefined));
  }, LEASE_MS / 3);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await renewal;
    },
  };
}
