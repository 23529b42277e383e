// Puts small bugs into sources, one at a time, and prints those that the tests do not notice:
//
//   npm run mutations -- packages/sheets/src/cells/dates.ts
//   npm run mutations -- packages/go/src/internal/channel.ts packages/go/src/chan.test.ts
//
// The tests are those that are named, else those in the folders of the sources. What was judged
// before and has not changed is not judged again (.cache/mutations). JOBS=4 judges four at a time.
// Ends with 1 if a file is missing, or if the tests fail without a bug.
import { existsSync, globSync } from "node:fs";
import { dirname } from "node:path";
import { Stryker } from "@stryker-mutator/core";

const named = process.argv.slice(2);
const missing = named.find((file) => !existsSync(file));
const sources = named.filter((file) => !file.endsWith(".test.ts"));
if (sources.length === 0 || missing !== undefined) {
  console.error(missing === undefined ? "Which sources? npm run mutations -- FILES" : `There is no file ${missing}.`);
  process.exit(1);
}
const tests = named.filter((file) => file.endsWith(".test.ts"));
if (tests.length === 0) tests.push(...globSync([...new Set(sources.map((file) => `${dirname(file)}/*.test.ts`))]));
if (tests.length === 0) {
  console.error(
    `There are no tests beside ${sources.join(", ")}. Name those that judge it: npm run mutations -- FILES TESTS`,
  );
  process.exit(1);
}
process.env["SLUICE_MUTATION_TESTS"] = JSON.stringify(tests);

const stryker = new Stryker({
  mutate: sources,
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  vitest: { configFile: "scripts/mutations.config.ts", related: false },
  coverageAnalysis: "perTest",
  incremental: true,
  incrementalFile: `.cache/mutations/${sources.join("+").replaceAll("/", "-")}.json`,
  reporters: ["clear-text"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: true },
  concurrency: Number(process.env["JOBS"]) || 2,
  tempDirName: ".cache/mutations/tree",
  // What Stryker copies to put the bugs into is the repository without these.
  ignorePatterns: ["/bench", "/deploy", "/packages/site", "/packages/web"],
  // A mutation that does not end has been noticed. The machine may have other work, too.
  timeoutMS: 8000,
  disableTypeChecks: false,
  // Stryker would rewrite it by an interface that TypeScript 7 does not have, and Node needs none.
  tsconfigFile: "",
});
await stryker.runMutationTest();
