import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { REJECT_CODES, REJECT_COLUMNS } from "../reject.ts";
import { CONDITIONS } from "../database/row-fault.ts";

const source = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");
const docs = source("../../../../docs/rejects.md");
/** The names in the first column of the tables below a heading. */
const named = (text: string): string[] =>
  [...text.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  );

test("docs/rejects.md explains every code that there is, and no other", () => {
  expect(named(docs.slice(docs.indexOf("## Codes"))).sort()).toEqual(
    [...REJECT_CODES, ...Object.values(CONDITIONS)].sort(),
  );
});

test("docs/rejects.md names the columns of a reject file in their order", () => {
  const file = docs.slice(docs.indexOf("## The file"), docs.indexOf("## Codes"));
  expect(named(file)).toEqual([...REJECT_COLUMNS]);
});

test("every code is one that a row can be rejected with", () => {
  const checks =
    source("../values/values.ts") +
    source("../values/array.ts") +
    source("../database/row-fault.ts") +
    source("../chunk/encode.ts");
  expect(REJECT_CODES.filter((code) => !checks.includes(`"${code}"`))).toEqual([]);
});
