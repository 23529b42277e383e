import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LONGEST, LongestFirst } from "./order.ts";

const root = join(import.meta.dirname, "..");
/** What the order needs to know of a run: no file has been timed, and none is known. */
const run = { config: { root }, cache: { getFileTestResults: () => undefined, getFileStats: () => undefined } };
const project = { name: "", config: { isolate: true, sequence: { groupOrder: 0 } } };

test("every test file that is to begin first is there", () => {
  expect(LONGEST.filter((name) => !existsSync(join(root, name)))).toEqual([]);
});

test("the files that take longest begin first, in the order of their list, and all others after them", async () => {
  const [first, second, third] = LONGEST;
  const given = ["packages/go/src/go.test.ts", third!, "examples/mail.test.ts", first!, second!];
  const specifications = given.map((name) => ({ moduleId: join(root, name), project }));
  const sequencer = new LongestFirst(run as unknown as ConstructorParameters<typeof LongestFirst>[0]);
  const sorted = await sequencer.sort(specifications as unknown as Parameters<LongestFirst["sort"]>[0]);
  expect(sorted.map(({ moduleId }) => moduleId.slice(root.length + 1))).toEqual([
    first,
    second,
    third,
    "packages/go/src/go.test.ts",
    "examples/mail.test.ts",
  ]);
});
