// Ends a test run with one plain line: `512 passed, 0 failed`. In CI nothing may be skipped, so
// there a skip is a failure.
import type { Reporter, TestModule } from "vitest/node";

export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "pending") counts.skipped++;
        else counts[state]++;
      }
    }
    if (process.env["CI"] && counts.skipped > 0) {
      console.error(`${counts.skipped} tests were skipped, and in CI none may be.`);
      counts.failed += counts.skipped;
      counts.skipped = 0;
      process.exitCode = 1;
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
  }
}
