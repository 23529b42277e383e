// Arrays, and what is not one.
import { CellType } from "@sluice/sheets";
import { describe, expect, test } from "vitest";
import { background } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runImport } from "../import.ts";
import { databases, newFolder } from "../test/database.ts";
import { arrayCheck } from "./array.ts";

const read = (text: string): unknown => {
  const bytes = Buffer.from(text);
  return arrayCheck(undefined)(bytes, 0, bytes.length, CellType.string);
};

test.each([
  ['["red","blue"]', '{"red","blue"}'],
  ["[]", "{}"],
  [
    '["a, b", "say \\"x\\"", "back\\\\slash", "", "NULL", null]',
    '{"a, b","say \\"x\\"","back\\\\slash","","NULL",NULL}',
  ],
  ["[12345678901234567890, 1.50, 1e3, true]", "{12345678901234567890,1.50,1e3,true}"],
  ["[[1,2],[3,4]]", "{{1,2},{3,4}}"],
  ['[{"id": 12345678901234567890}]', '{"{\\"id\\":12345678901234567890}"}'],
])("the JSON %s is %s", (json, literal) => {
  expect(read(json)).toBe(literal);
});

test.each(["{red,blue}", " {a}", "[0:1]={1,2}", "[1:1][-2:-1]={{1,2}}"])("%s is loaded as it stands", (text) => {
  expect(read(text)).toBeUndefined();
});

test.each(["red, blue", "red", '"red"', "[red]", '["red"', "7", "(a,b)"])(
  "%s is not an array, and the reason says how one is written",
  (text) => {
    expect(read(text)).toEqual({
      code: "invalid_array",
      reason: 'not an array: expected {red,blue}, or as JSON ["red","blue"]',
    });
  },
);

describe.each(databases)("on $name", ({ open }) => {
  test("arrays go in whichever way they are written, and their elements are judged alike", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "t.csv");
    await writeFile(
      file,
      'id,tags,n\n1,"[""red"",""blue""]","[1.5, 2]"\n2,{green},{1.25}\n3,"red, blue",\n4,,"[1.255]"\n',
    );
    await target.query("create table t (id integer, tags text[], n numeric(4,2)[])");
    const result = await runImport(background(), { target, file, table: "t" });
    expect(result.rejects.map(({ row, code }) => [row, code])).toEqual([
      [4, "invalid_array"],
      [5, "too_many_digits"],
    ]);
    expect((await target.query("select id::text, tags::text, n::text from t order by 1")).rows).toEqual([
      ["1", "{red,blue}", "{1.50,2.00}"],
      ["2", "{green}", "{1.25}"],
    ]);
  });
});
