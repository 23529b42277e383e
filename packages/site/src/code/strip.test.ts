import { stripTypeScriptTypes } from "node:module";
import { expect, test } from "vitest";
import { pages } from "../../../../scripts/guide.ts";
import { moduleOf } from "./strip.ts";

const same = (file: string): string => file;
const blocks = pages().flatMap((page) => page.blocks.filter(({ meta }) => meta[0] === "run"));
const runnable = blocks.filter(({ code }) => !/from "(?!@sluice\/go)|@sluice\/go\/(?:parallel|net)"/.test(code));

test("every block of the guide has the statements that Node runs, in the same lines", () => {
  expect(runnable.length).toBeGreaterThan(100);
  const lines = (code: string): string[] => code.split("\n").map((line) => line.replaceAll(/\s|;$/g, ""));
  for (const { code, page, line } of runnable) {
    const node = stripTypeScriptTypes(code).replaceAll(/"@sluice\/go(?:\/\w+)?"/g, '"…"');
    const own = moduleOf(code, () => "…").code;
    expect([page, line, lines(own)]).toEqual([page, line, lines(node)]);
  }
});

test("imports lead to the site's files, and text that only looks like one stays", () => {
  const program =
    'import { go } from "@sluice/go";\nimport "@sluice/go/leak";\nawait import("@sluice/go/time");\nlog("a from \'b\'");';
  expect(moduleOf(program, same).code).toBe(
    'import { go } from "go/index";\nimport "go/leak";\nawait import("go/time");\nlog("a from \'b\'");',
  );
});

test("what is not a program is refused with its place, and a module that a page lacks with those that it has", () => {
  expect(() => moduleOf("let x = 1;\nconst = 3;", same)).toThrow(/^main\.ts\(2,7\): Unexpected token/);
  expect(() => moduleOf('import fs from "node:fs";', same)).toThrow(
    /^cannot import "node:fs" in a page: expected one of @sluice\/go, /,
  );
});

test("a namespace is refused with its place, an enum runs, and text that looks like a namespace stays", () => {
  expect(() => moduleOf("let x = 1;\n  namespace N { export const y = x; }", same)).toThrow(
    "main.ts(2,3): TypeScript namespaces do not run here",
  );
  expect(moduleOf("enum Colour { Red }", same).code).toContain('Colour["Red"] = Red');
  const text = "const text = `\nnamespace N {\n`;\n/*\nnamespace N {\n*/\ndeclare namespace M { const z: number }";
  expect(moduleOf(text, same).code).toContain("`\nnamespace N {\n`;\n/*\nnamespace N {\n*/");
});

test("the line with which a shell starts a file is not a part of the program", () => {
  expect(moduleOf("#!/usr/bin/env node\nlog(1);", same).code).toBe("///usr/bin/env node\nlog(1);");
});

test("the columns of the program are known after types that have gone", () => {
  const { code, columns } = moduleOf("const a: number = 1;\nlet b = (a as number) + c;", same);
  expect(code).toBe("const a = 1;\nlet b = (a ) + c;");
  expect(columns[0]).toContainEqual([10, 18]);
  expect(columns[1]).toContainEqual([13, 22]);
});
