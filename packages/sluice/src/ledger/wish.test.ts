// Which options make an import another one. Every option stands in the table below, so a new one
// cannot come without an answer.
import { background, withCancel } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import type { ImportOptions, ImportResult } from "../options.ts";
import { table } from "../schema/schema.ts";
import { databases, newFolder } from "../test/database.ts";
import type { Target } from "../target.ts";
import { wishOf, type Wish } from "../plan/plan.ts";

/**
 * `wish`: with another value it is another import. `same`: it goes on. `key`: it says which content
 * goes where, see again.test.ts. `run`: it is about this run of the program.
 */
type Part =
  | readonly ["wish" | "same", Partial<ImportOptions>, (Partial<ImportOptions> | undefined)?]
  | readonly ["key" | "run"];

const OPTIONS: { readonly [Option in keyof Required<ImportOptions>]: Part } = {
  map: ["wish", { map: new Map([["Note", ""]]) }],
  types: ["wish", { types: new Map([["age", "text"]]) }],
  header: ["wish", { header: [1, 1] }],
  skip: ["wish", { skip: 1, header: "none" }, { header: "none" }],
  csv: ["wish", { csv: { delimiter: "," } }],
  onConflict: ["wish", { onConflict: "skip", key: ["id"] }, { key: ["id"] }],
  key: ["wish", { key: ["id"] }],
  empty: ["wish", { empty: "default" }],
  add: ["wish", { add: new Map([["row", "line"]]) }],
  nulls: ["wish", { nulls: ["n/a"] }],
  timeZone: ["wish", { timeZone: "Europe/Berlin" }],
  headers: ["wish", { headers: new Map([["people", [1, 1]]]) }],
  skips: ["wish", { skips: new Map([["people", 1]]), header: "none" }, { header: "none" }],
  range: ["wish", { range: "A1:C" }],
  limit: ["wish", { limit: 30 }],
  skipLast: ["wish", { skipLast: 1 }],
  allRows: ["wish", { allRows: true }],
  fillMerged: ["wish", { fillMerged: true }],
  text: ["wish", { text: "shown" }],
  links: ["wish", { links: true }],
  atomic: ["wish", { atomic: true }],
  mode: ["wish", { mode: "replace" }],
  schema: ["same", { schema: table({ name: "people", columns: { id: {}, age: {}, note: {} } }) }],
  fileName: ["same", { fileName: "another.csv" }],
  formats: ["same", { formats: "streaming" }],
  method: ["same", { method: "batch" }],
  workers: ["same", { workers: 2 }],
  batchSize: ["same", { batchSize: 7 }],
  chunkRows: ["same", { chunkRows: 7 }],
  cascade: ["same", { cascade: true }],
  migrate: ["same", { migrate: true }],
  alike: ["same", { alike: [] }],
  limits: ["same", { limits: { cellBytes: 5_000_000 } }],
  maxErrors: ["same", { maxErrors: 10 }],
  resume: ["same", { resume: "auto" }],
  onProgress: ["same", { onProgress: () => undefined }],
  onRejects: ["same", { onRejects: () => undefined }],
  id: ["same", { id: "an-id-of-another" }],
  onBegin: ["same", { onBegin: () => undefined }],
  onPipeline: ["same", { onPipeline: () => undefined }],
  file: ["key"],
  sheet: ["key"],
  table: ["key"],
  target: ["run"],
  dryRun: ["run"],
  workbook: ["run"],
  again: ["run"],
  caller: ["run"],
};

const cases = Object.entries(OPTIONS).flatMap(([option, [part, given, before]]) =>
  part === "wish" || part === "same" ? [{ option, part, given, before: before ?? {} }] : [],
);

/** Of every import here; small chunks, so that one can stop after the first. */
const USUAL = { table: "people", chunkRows: 5, workers: 1 };

let target: Target;
let path: string;
beforeAll(async () => {
  const folder = newFolder();
  const database = await databases[0]!.open();
  target = database.target;
  path = folder.path;
  return async () => {
    await database[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
});

async function imported(options: Partial<ImportOptions>): Promise<ImportResult> {
  return await runImport(background(), {
    target,
    file: join(path, "people.csv"),
    ...USUAL,
    ...options,
  });
}

/** Stops after its first commit. */
async function interrupted(options: Partial<ImportOptions>): Promise<ImportResult> {
  const [ctx, cancel] = withCancel(background());
  const file = join(path, "people.csv");
  return await runImport(ctx, { target, file, ...USUAL, onProgress: cancel, ...options });
}

test.each(cases)("$option: $part", async ({ option, part, given, before }) => {
  // Another content for each, so that no import is in another one's way.
  const rows = Array.from({ length: 40 }, (_, n) => `${n},${n % 90},${option}\n`);
  await writeFile(join(path, "people.csv"), `id,age,note\n${rows.join("")}`);
  await target.query("drop table if exists people; create table people (id integer primary key, age text, note text)");
  const first = await interrupted(before);
  expect(first).toMatchObject({ interrupted: true });
  expect(first.inserted).toBeGreaterThan(0);
  if (part === "same") {
    expect(await imported({ ...before, ...given })).toMatchObject({ id: first.id, total: 40, inserted: 40 });
    return;
  }
  expect(await failureOf(imported({ ...before, ...given }))).toMatchObject({
    code: "unfinished_import",
    message: expect.stringContaining(
      `the import ${first.id} of this file, which was begun with other options`,
    ) as string,
  });
  expect(await imported(before)).toMatchObject({ id: first.id, inserted: 40, interrupted: false });
});

test("a wish does not depend on the order in which it was said, nor on defaults that are said", () => {
  const wish: Wish = { map: new Map([["a", "b"], ["c", "d"]]), types: new Map([["e", "text"], ["f", "date"]]) }; // prettier-ignore
  const other: Wish = { map: new Map([["c", "d"], ["a", "b"]]), types: new Map([["f", "date"], ["e", "text"]]) }; // prettier-ignore
  expect(wishOf(other)).toBe(wishOf(wish));
  expect(wishOf({ ...wish, onConflict: "error", key: [], atomic: false, csv: {}, mode: "append" })).toBe(wishOf(wish));
  expect(wishOf({ csv: { quote: "'", delimiter: ";" } })).toBe(wishOf({ csv: { delimiter: ";", quote: "'" } }));
  expect(wishOf({ key: ["a", "b"] })).not.toBe(wishOf({ key: ["b", "a"] }));
});
