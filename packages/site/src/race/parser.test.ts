import { expect, test, vi } from "vitest";
import { pages } from "../../../../scripts/guide.ts";
import type { rewrite } from "../../../go/src/race/rewrite.ts";
import { moduleOf } from "../code/strip.ts";
import { obstacle } from "../code/runnable.ts";

const blocks = pages().flatMap((page) =>
  page.blocks.filter(({ meta, code }) => meta[0] === "run" && obstacle(code) === undefined),
);

async function rewriter(): Promise<{ readonly rewrite: typeof rewrite }> {
  vi.resetModules();
  return import("../../../go/src/race/rewrite.ts");
}

test("with the page's parser each block of the guide gets the probes that it gets with Node's", async () => {
  const node = await rewriter();
  vi.doMock("oxc-parser", () => import("./parser.ts"));
  const page = await rewriter();
  expect(page.rewrite).not.toBe(node.rewrite);
  const options = { file: "/app/main.ts", lang: "js", format: "module", probe: "probe", awaits: "also" } as const;
  let count = 0;
  for (const { page: path, line, code } of blocks) {
    const { code: module } = moduleOf(code, (file) => file);
    const [expected, got] = [node, page].map(({ rewrite }) => rewrite(module, options));
    expect([path, line, got?.code]).toEqual([path, line, expected?.code]);
    expect([path, line, got?.columns()]).toEqual([path, line, expected?.columns()]);
    if (expected !== undefined) count++;
  }
  expect(count).toBeGreaterThan(100);
});

test("what the page's parser cannot read stays as it is, so that the browser says what is wrong", async () => {
  vi.doMock("oxc-parser", () => import("./parser.ts"));
  const { rewrite } = await rewriter();
  const options = { file: "/app/main.ts", lang: "js", format: "module", probe: "probe", awaits: "also" } as const;
  expect(rewrite("const = 3;", options)).toBeUndefined();
  expect(rewrite("for (;;", options)).toBeUndefined();
});
