import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keptTests } from "../../../../scripts/kept-tests.ts";

const packages = join(import.meta.dirname, "../../..");
const page = readFileSync(join(packages, "../docs/threats.md"), "utf8");

test("docs/threats.md names tests that there are, and that run", () => {
  let named = 0;
  for (const [, file, text] of page.matchAll(/`([\w/.-]+\.test\.ts)`(?:: ((?:"[^"]*"(?:, )?)+))?/g)) {
    const path = join(packages, file!.replace(/^packages\//, ""));
    expect(existsSync(path) || file).toBe(true);
    const kept = keptTests(file!, readFileSync(path, "utf8"));
    for (const [, name] of (text ?? "").matchAll(/"([^"]*)"/g)) {
      expect(`${file}: ${kept.some((one) => one.includes(name!)) ? name : "no such test that runs"}`).toBe(
        `${file}: ${name}`,
      );
      named++;
    }
  }
  expect(named).toBeGreaterThan(20);
});
