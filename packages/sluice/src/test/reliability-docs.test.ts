import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keptTests } from "../../../../scripts/kept-tests.ts";

const root = join(import.meta.dirname, "../../../..");
const src = join(root, "packages/sluice/src");
const page = readFileSync(join(root, "docs/reliability.md"), "utf8");

test("docs/reliability.md names tests that there are, and that run", () => {
  const promises = page.slice(page.indexOf("| promise |"), page.indexOf("Paths are below"));
  let named = 0;
  for (const [, file, text] of promises.matchAll(/`([\w/-]+\.test\.ts)`(?:: ((?:"[^"]*"(?:, )?)+))?/g)) {
    const kept = keptTests(file!, readFileSync(join(src, file!), "utf8"));
    for (const [, name] of (text ?? "").matchAll(/"([^"]*)"/g)) {
      expect(`${file}: ${kept.some((one) => one.includes(name!)) ? name : "no such test that runs"}`).toBe(
        `${file}: ${name}`,
      );
      named++;
    }
  }
  expect(named).toBeGreaterThan(15);
});

test("docs/reliability.md names files that there are", () => {
  const named = [...page.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.(?:ts|snap))`/g)].map(([, file]) => file!);
  expect(named.filter((file) => ![src, root].some((folder) => existsSync(join(folder, file))))).toEqual([]);
  expect(named.length).toBeGreaterThan(5);
});
