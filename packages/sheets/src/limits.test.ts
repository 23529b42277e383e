// docs/limits.md says what the source says.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defaultLimits, fixed } from "./limits.ts";
import { DEPTH_MAX } from "./package/xml.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/limits.md"), "utf8");
/** The table under a heading, row by row. */
const table = (heading: string): string[][] =>
  page
    .split(`## ${heading}\n`)[1]!
    .split("\n## ")[0]!
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));

test("every limit stands in docs/limits.md with its default, and no other", () => {
  expect(table("Limits").map(([, name, value]) => [name, value])).toEqual(
    Object.entries(defaultLimits).map(([name, value]) => [name, shown(name, value)]),
  );
});

test("every cap that is no option stands there with its value, and no other", () => {
  expect(table("Caps that are no option").map(([, name, value]) => [name, value])).toEqual(
    Object.entries({ ...fixed, DEPTH_MAX }).map(([name, value]) => [name, shown(name, value)]),
  );
});

test("every error code stands there, in the order of the source, and no other", () => {
  const source = readFileSync(join(import.meta.dirname, "errors.ts"), "utf8");
  const codes = [...source.matchAll(/^ {2}\| "([a-z0-9_]+)"/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(20);
  expect(table("Error codes").map(([, code]) => code)).toEqual(codes);
});

function shown(name: string, value: number): string {
  if (!name.endsWith("Bytes") && !name.includes("BytesIn")) return value.toLocaleString("en-US");
  return value >= 2 ** 30 ? `${value / 2 ** 30} GiB` : `${value / 2 ** 20} MiB`;
}
