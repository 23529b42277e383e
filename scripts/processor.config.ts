// What each test file costs: `npm run processor -- FILES`. A shared machine makes seconds on the
// clock useless, and those of the processor not.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { mergeConfig, type ViteUserConfig } from "vitest/config";
import type { Reporter } from "vitest/node";
import base from "../vitest.config.ts";

/** What scripts/processor.ts notes of a file, in milliseconds of a processor. */
export interface Cost {
  readonly file: string;
  /** Of the process that runs the tests. */
  readonly own: number;
  /** Of the programs that it has started, and those that they have. */
  readonly programs: number;
}

const folder = mkdtempSync(join(tmpdir(), "sluice-processor-"));
const list = (process.env["SLUICE_TEST_COSTS"] = join(folder, "costs"));

const reporter: Reporter = {
  onTestRunEnd() {
    const costs = readFileSync(list, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Cost)
      .sort((a, b) => b.own + b.programs - a.own - a.programs);
    rmSync(folder, { recursive: true });
    const line = (own: number, programs: number, name: string): string =>
      [own + programs, own, programs].map((ms) => (ms / 1000).toFixed(1).padStart(8)).join("") + `  ${name}`;
    const sum = (of: (cost: Cost) => number): number => costs.reduce((total, cost) => total + of(cost), 0);
    console.log("     sum     own programs  seconds of a processor");
    for (const { file, own, programs } of costs) console.log(line(own, programs, relative(process.cwd(), file)));
    console.log(
      line(
        sum(({ own }) => own),
        sum(({ programs }) => programs),
        `${costs.length} files`,
      ),
    );
  },
};

const config: ViteUserConfig = mergeConfig(base, {
  test: { setupFiles: ["scripts/processor.ts"] },
} satisfies ViteUserConfig);
// Merging would add to the list.
config.test!.reporters = ["dot", reporter];

export default config;
