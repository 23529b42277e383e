// The order in which test files begin. Vitest begins those that took longest in its last run, and
// without a last run the largest ones. The largest are not those that take longest: a file of a few
// lines that waits for a minute would begin last, and the cores would be idle meanwhile.
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, from docs/testing.md. They are begun first, in this order. */
export const LONGEST: readonly string[] = [
  "packages/sluice/src/test/crash.test.ts",
  "packages/site/src/test/site.test.ts",
  "packages/sluice/src/cli/cli.test.ts",
  "packages/sluice/src/cli/locks.test.ts",
  "packages/web/src/test/journey.test.ts",
  "packages/sluice/src/server/fleet/chaos.test.ts",
  "packages/sluice/src/server/fleet/partition.test.ts",
  "packages/sluice/src/ledger/replay.test.ts",
  "packages/go/src/pprof/profiles.test.ts",
  "packages/sluice/src/run/failure.test.ts",
  "scripts/guide.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
