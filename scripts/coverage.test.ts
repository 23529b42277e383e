// docs/coverage.md has no empty cell, and every page, section, file and test that it names exists.
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { anchorsOf, pages, sectionOf } from "./guide.ts";
import { keptTests } from "./kept-tests.ts";

const root = join(import.meta.dirname, "..");
const docs = join(root, "docs");
const coverage = readFileSync(join(docs, "coverage.md"), "utf8");
const guide = new Map(pages().map((page) => [`guide/${page.path}`, page]));

/** The rows of all tables, without their headers. */
const rows = [...coverage.matchAll(/^\| (.*) \|$/gm)]
  .map(([, cells]) => cells!.split(" | "))
  .filter(([first]) => first !== "of the guide" && first !== "---");

const LINK = /^\[[^\]]+\]\(([^)#]+)(?:#([^)]+))?\)(?:: "(.*)")?$/;

/** What a cell names. */
function named(cell: string): {
  readonly file: string;
  readonly anchor: string | undefined;
  readonly test: string | undefined;
} {
  const [, file, anchor, test] = LINK.exec(cell) ?? [];
  if (file === undefined) throw new Error(`expected a link, got ${cell}`);
  return { file, anchor, test };
}

test("every row has all four cells", () => {
  expect(rows.length).toBeGreaterThan(120);
  for (const row of rows) expect([row.length, row.every((cell) => cell.trim() !== "")]).toEqual([4, true]);
});

test.each(rows)("%s", (_what, page, file, proof) => {
  const { file: path, anchor } = named(page);
  expect([path, existsSync(join(docs, path))]).toEqual([path, true]);
  if (anchor !== undefined) expect(anchorsOf(readFileSync(join(docs, path), "utf8"))).toContain(anchor);
  expect([file, existsSync(join(docs, named(file).file))]).toEqual([file, true]);
  if (proof === "its blocks") {
    const text = guide.get(path)?.text;
    expect(text, `${path} is not a page of the guide`).toBeDefined();
    expect(sectionOf(text!, anchor)).toMatch(/^```ts (?:run|error|lint)/m);
  } else {
    const { file: tests, test: name } = named(proof);
    expect(keptTests(tests, readFileSync(join(docs, tests), "utf8"))).toContain(name);
  }
});

test("every example is covered, and is in the index of examples", () => {
  const index = readFileSync(join(root, "examples/README.md"), "utf8");
  for (const file of globSync("*.ts", { cwd: join(root, "examples") })) {
    if (file.endsWith(".test.ts")) continue;
    expect(index).toContain(`](${file})`);
    expect(coverage + [...guide.values()].map(({ text }) => text).join("")).toContain(`examples/${file})`);
  }
});

test("both guides' items are all there", () => {
  const count = (pattern: RegExp): number => rows.filter(([what]) => pattern.test(what!)).length;
  expect(count(/^\d+: /)).toBe(20); // questions
  expect(count(/^best practice \d/)).toBe(10);
  expect(count(/^anti-pattern \d/)).toBe(5);
  expect(count(/^\d real world/)).toBe(9);
  expect(count(/^deep dive \d/)).toBe(6);
  expect(count(/^step \d/)).toBe(8);
  expect(count(/^next step/)).toBe(5);
});
