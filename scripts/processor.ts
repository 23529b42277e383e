// Notes what a test file has cost, for scripts/processor.config.ts.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { afterAll, expect } from "vitest";
import type { Cost } from "./processor.config.ts";

/** Of the kernel's clock in /proc. */
const TICK_MS = 10;

afterAll(() => {
  const { user, system } = process.cpuUsage();
  // The name of the program, in brackets, may contain spaces.
  const fields = existsSync("/proc/self/stat")
    ? readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ")
    : [];
  const programs = (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * TICK_MS;
  const cost: Cost = { file: expect.getState().testPath!, own: (user + system) / 1000, programs };
  appendFileSync(process.env["SLUICE_TEST_COSTS"]!, `${JSON.stringify(cost)}\n`);
});
