import { expect, test } from "vitest";
import { keptTests } from "./kept-tests.ts";

test("keptTests() counts tests that run, with what their tables hold, and their groups", () => {
  const source = `
    const rows: readonly string[][] = [["row of a constant"]];
    const unix = test.skipIf(process.platform === "win32");
    describe("group", () => {
      test("plain", () => { expect(1).toBe(1); });
      unix(\`with \${1} template\`, { timeout: 5 }, async () => { expect(1).toBe(1); });
      it.each([["row"], [\`made \${1}\`]])("of %s", (a) => { expect(a).toBe(1); });
      test.each<string[]>(rows)("of a constant %s", (a) => expect(a).toBe(1));
    });
  `;
  expect(keptTests("a.ts", source)).toEqual([
    "plain",
    "with … template",
    "of %s",
    "row",
    "made …",
    "of a constant %s",
    "row of a constant",
    "group",
  ]);
});

test.each([
  'test.skip("name", () => { expect(1).toBe(1); });',
  'test.skip.each([["name"]])("of %s", () => { expect(1).toBe(1); });',
  'test.todo("name");',
  'test.fails("name", () => { expect(1).toBe(2); });',
  'test("name", () => {});',
  'test("name", async () => { /* later */ });',
  'describe("name", () => {});',
  'describe("name", () => { test.skip("a", () => { expect(1).toBe(1); }); });',
  'describe.skip("group", () => { test("name", () => { expect(1).toBe(1); }); });',
  '// test("name", () => { expect(1).toBe(1); });',
  'const text = "name";',
])("keptTests() does not count %s", (source) => {
  expect(keptTests("a.ts", source).join()).not.toContain("name");
});
