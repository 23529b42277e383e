// Runs the tests that judge mutations, for scripts/mutations.ts. They have no database server.
import type { ViteUserConfig } from "vitest/config";
import base from "../vitest.config.ts";

const config: ViteUserConfig = {
  ...base,
  test: {
    ...base.test,
    include: JSON.parse(process.env["SLUICE_MUTATION_TESTS"] ?? "[]") as string[],
    globalSetup: [],
    // Stryker tells tests by their names and places.
    sequence: {},
    reporters: [],
    // A mutation that hangs has been noticed.
    testTimeout: 30_000,
  },
};

export default config;
