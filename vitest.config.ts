import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { LongestFirst } from "./scripts/order.ts";

// One run for every package. The `source` condition makes workspace packages resolve to their
// TypeScript sources.
const conditions = ["source", "node"];

const config: ViteUserConfig = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "examples/**/*.test.ts"],
    // The folder for temporary files comes first, as the others use it. The rules for finding or
    // starting a PostgreSQL server are in the file itself. The page is built if it has changed.
    globalSetup: ["scripts/temporary.ts", "scripts/postgres.ts", "scripts/page.ts"],
    // No test file may leave a goroutine behind.
    setupFiles: ["scripts/setup.ts"],
    // Worker-thread pools cannot run tests that change the working directory or send signals;
    // processes can.
    pool: "forks",
    // About half of the time a test file waits: for programs, servers, browsers, and leases that
    // run out. With as many files as cores, the cores would be idle for as long.
    maxWorkers: 2 * availableParallelism(),
    // Whole programs are started in tests, on machines with one slow core too. Tests that are
    // longer say so themselves, and those of the library have less (scripts/setup.ts).
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is polled for comes at once on an idle machine, and later on a busy one.
    expect: { poll: { timeout: 60_000 } },
    sequence: { shuffle: { files: false, tests: true }, sequencer: LongestFirst },
    reporters: ["default", "./scripts/reporter.ts"],
  },
});

export default config;
