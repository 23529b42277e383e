import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const packages = join(import.meta.dirname, "../../..");
const page = readFileSync(join(packages, "../docs/threats.md"), "utf8");

test("docs/threats.md names tests that there are", () => {
  let named = 0;
  for (const [, file, text] of page.matchAll(/`([\w/.-]+\.test\.ts)`(?:: ((?:"[^"]*"(?:, )?)+))?/g)) {
    const path = join(packages, file!.replace(/^packages\//, ""));
    expect(existsSync(path) || file).toBe(true);
    const source = readFileSync(path, "utf8");
    for (const [, name] of (text ?? "").matchAll(/"([^"]*)"/g)) {
      expect(source).toContain(name!);
      named++;
    }
  }
  expect(named).toBeGreaterThan(20);
});
