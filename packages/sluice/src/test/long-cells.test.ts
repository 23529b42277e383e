// Long cells that are almost a number, a date or JSON. A check that takes quadratic time would need
// minutes for one of them, and hold up every other import of a service meanwhile: then these tests
// end by their limit of time.
import { background } from "@sluice/go/context";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runImport } from "../import.ts";
import { databases, newFolder } from "./database.ts";

const LENGTH = 250_000;
const CELLS: Readonly<Record<string, string>> = {
  digits: `${"1".repeat(LENGTH)}x`,
  zeros: `0.${"0".repeat(LENGTH)}1x`,
  "digits of a second": `2020-01-01 10:00:00.${"0".repeat(LENGTH)}1x`,
  "an open text": `["${'\\"'.repeat(LENGTH / 2)}`,
  brackets: "[".repeat(LENGTH),
  braces: "{".repeat(LENGTH),
  spaces: `1${" ".repeat(LENGTH)}x`,
  "thousands and more": `1${",234".repeat(LENGTH / 4)}x`,
  signs: "-".repeat(LENGTH),
  points: "1.".repeat(LENGTH / 2),
  colons: "1:".repeat(LENGTH / 2),
  dates: "1-1-".repeat(LENGTH / 4),
  "a formula": `=${" ".repeat(LENGTH)}HYPERLINK`,
};
const TYPES =
  "integer,numeric,numeric(10,2),double precision,timestamp,time(3),date,boolean,interval,jsonb,uuid,integer[]";

test.each(databases)("each is rejected by every type that does not take it, on $name", async ({ open }) => {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  const types = TYPES.split(/,(?![^(]*\))/);
  await target.query(`create table t (k integer, ${types.map((type, n) => `c${n} ${type}`).join(", ")})`);
  const quoted = Object.values(CELLS).map((cell) => `"${cell.replaceAll('"', '""')}"`);
  const file = join(folder.path, "long.csv");
  const lines = quoted.flatMap((cell) =>
    types.map((_, n) => `1${",".repeat(n + 1)}${cell}${",".repeat(types.length - 1 - n)}`),
  );
  await writeFile(file, [`k,${types.map((_, n) => `c${n}`).join(",")}`, ...lines, ""].join("\n"));
  const result = await runImport(background(), { target, file, table: "t", csv: { delimiter: ",", quote: '"' } });
  expect(result).toMatchObject({ total: lines.length, rejected: lines.length });
});

test("JSON of a million texts is looked at in little memory", () => {
  // The pieces of it as lists took half a gigabyte.
  const look = `
    const { kindOf } = await import(${JSON.stringify(new URL("../values/cell-kind.ts", import.meta.url).href)});
    for (const text of ['[' + '"a",'.repeat(1_000_000) + '1]', '{' + Array.from({ length: 200_000 }, (_, n) => '"k' + n + '":1').join() + '}']) {
      const bytes = Buffer.from(text);
      console.log(kindOf(bytes, 0, bytes.length, 1));
    }`;
  const args = ["--conditions=source", "--max-old-space-size=128", "--input-type=module", "--eval", look];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect({ stdout, status }).toEqual({ stdout: "json\njson\n", status: 0 });
});

test.each(Object.entries(CELLS))("%s: types are inferred", async (_, cell) => {
  await using folder = newFolder();
  await using database = await databases.at(-1)!.open();
  const file = join(folder.path, "long.csv");
  await writeFile(file, `id,v\n1,"${cell.replaceAll('"', '""')}"\n2,"${cell.replaceAll('"', '""')}"\n`);
  const { target } = database;
  const result = await runImport(background(), { target, file, table: "t", csv: { delimiter: ",", quote: '"' } });
  expect(result).toMatchObject({ inserted: 2 });
});
