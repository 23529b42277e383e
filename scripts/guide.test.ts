// Every block of code in docs/guide does what the page says, and every link in it leads somewhere.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anchorsOf, type Block, outcomeOf, pages, promisedStatus, Workshop } from "./guide.ts";

const root = join(import.meta.dirname, "..");
const guide = join(root, "docs/guide");
const all = pages();
const blocks = all.flatMap((page) => page.blocks);

const DONE = ["run", "error", "lint"];
const MANNERS = ["race", "stacks"];

let workshop: Workshop;
let errors: Map<Block, string>;
beforeAll(async () => {
  workshop = new Workshop(blocks);
  errors = await workshop.compile();
});
afterAll(() => workshop[Symbol.dispose]());

test("the guide has its pages, each with a title", () => {
  expect(all.length).toBeGreaterThan(20);
  expect(blocks.length).toBeGreaterThan(100);
  for (const { path, title } of all) expect([path, title]).toEqual([path, expect.stringMatching(/\w/)]);
});

test("every block of TypeScript says what is done with it, and shows the outcome", () => {
  for (const { page, line, meta, output } of blocks) {
    const at = `${page}:${line}`;
    expect([at, DONE.includes(meta[0]!), output !== undefined]).toEqual([at, true, true]);
    for (const word of meta.slice(1))
      expect(MANNERS.includes(word) || /^exit=\d+$/.test(word), `${at}: ${word}`).toBe(true);
  }
  for (const { path, text } of all) {
    const known = blocks.filter(({ page }) => page === path).length;
    expect([path, text.match(/^```(?:ts|js|typescript|javascript)\b/gm)?.length ?? 0]).toEqual([path, known]);
  }
});

test("every link leads to a file and, if it names one, to a heading", () => {
  const broken: string[] = [];
  for (const { path, text } of all) {
    for (const [, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const file = target === "" ? join(guide, path) : join(dirname(join(guide, path)), target!);
      if (!existsSync(file)) broken.push(`${path}: ${target}`);
      else if (anchor !== undefined && !anchorsOf(readFileSync(file, "utf8")).includes(anchor))
        broken.push(`${path}: ${target}#${anchor}`);
    }
  }
  expect(broken).toEqual([]);
});

test("every page is in the index", () => {
  const index = all.find(({ path }) => path === "index.md")!.text;
  for (const { path } of all) if (path !== "index.md") expect(index).toContain(`](${path})`);
});

for (const page of all.filter(({ blocks }) => blocks.length > 0)) {
  describe(page.path, () => {
    for (const block of page.blocks) {
      test.concurrent(`line ${block.line} (${block.meta.join(" ")}) does what the page says`, async ({ expect }) => {
        if (!block.meta.includes("error")) expect(errors.get(block)).toBeUndefined();
        const { output, status } = await outcomeOf(workshop, errors, block);
        expect(output).toBe(block.output);
        expect(status).toBe(promisedStatus(block));
      });
    }
  });
}
