import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ERROR_CODES } from "./errors.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/errors.md"), "utf8");
/** Each code that the page explains, with its cells. */
const rows = [...page.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, code, cells]) => ({
  code: code!,
  cells: cells!.split(" | ").map((cell) => cell.trim()),
}));

test("docs/errors.md explains each code that there is, once, and no other", () => {
  expect(rows.map(({ code }) => code).sort()).toEqual([...ERROR_CODES].sort());
});

test("each code has an exit code, a meaning and a next step", () => {
  for (const { code, cells } of rows) {
    const [exit = "", meaning = "", advice = ""] = cells;
    expect(`${code}: ${exit}`).toMatch(/: (?:–|\d+(?:, \d+)?)$/);
    expect(`${code}: ${meaning}`).toMatch(/: \S.{20}/);
    expect(`${code}: ${advice}`).toMatch(/: \S/);
  }
});

test("each code is one that the source gives", () => {
  const files = globSync("**/*.ts", { cwd: import.meta.dirname }).filter(
    (file) => !/(?:^|\/)test\/|\.test\.ts$|^errors\.ts$/.test(file),
  );
  const source = files.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join("\n");
  const silent = ERROR_CODES.filter((code) => code !== "interrupted" && !source.includes(`"${code}"`));
  expect(silent).toEqual([]);
});
