// Runs in every test file. When its tests are over no goroutine may be left, as Go's TestMain with goleak has it; and
// SEED=<n> in the environment repeats the random choices of a test that failed and printed it.
import { afterAll } from "vitest";

if (process.env["SEED"] !== undefined) {
  const { configureGlobal } = await import("fast-check");
  configureGlobal({ seed: Number(process.env["SEED"]) });
}

afterAll(async () => {
  // Not before: it records stacks from then on, and tests shall find the library as programs do.
  const { verifyNone } = await import("@sluice/go/leak");
  await verifyNone();
});
