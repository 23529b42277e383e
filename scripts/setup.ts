// Runs in every test file. When its tests are over no goroutine may be left, as Go's TestMain with
// goleak has it; and SEED=<n> in the environment repeats the random choices of a test that failed
// and printed it.
import { afterAll, expect, vi } from "vitest";

if (process.env["SEED"] !== undefined) {
  const { configureGlobal } = await import("fast-check");
  configureGlobal({ seed: Number(process.env["SEED"]) });
}

// A test of the library that does not come to its end hangs: no machine is so slow. Those that
// build packages say so themselves.
if (/[\\/]packages[\\/]go[\\/]/.test(expect.getState().testPath ?? ""))
  vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

afterAll(async () => {
  // Not before: it records stacks from then on, and tests shall find the library as programs do.
  const { verifyNone } = await import("@sluice/go/leak");
  await verifyNone();
});
