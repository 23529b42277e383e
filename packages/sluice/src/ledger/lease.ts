// Keeps a lease alive while its import runs, on a connection beside those that load.
import type { Claim, Target } from "../targets/target.ts";
import { LEASE_MS, renewLease } from "./ledger.ts";

/**
 * Renews until disposed. A renewal that fails is no failure of the import: chunks commit by the epoch, and whether that has passed to
 * somebody else, the next commit finds out.
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
