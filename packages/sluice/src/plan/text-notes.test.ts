// A column that is text because of a few of its values: a note says so, and both of its ways work.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import type { ImportOptions, ImportResult } from "../options.ts";
import { databases, newFolder } from "../test/database.ts";

const EMBEDDED = databases.at(-1)!;

let tables = 0;

async function imported(column: readonly string[], type?: string, nulls?: readonly string[]): Promise<ImportResult> {
  const types = new Map(type === undefined ? [] : [["v", type]]);
  const text = ["id;v", ...column.map((value, n) => `${n};${value}`)].join("\n");
  return await importedText(text, { types, ...(nulls === undefined ? {} : { nulls }) });
}

async function importedText(text: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  await using folder = newFolder();
  await using database = await EMBEDDED.open();
  const file = join(folder.path, "mixed.csv");
  await writeFile(file, text);
  const result = await runImport(background(), {
    file,
    target: database.target,
    table: `mixed_${++tables}`,
    ...options,
  });
  return { ...result, notes: result.notes.filter((note) => !note.startsWith("made the table")) };
}

test.each([
  ["dates", ["2024-01-05", "2024-01-06", "01/02/2024"], "2 of 3 values are date", "date"],
  [
    "dates in a notation",
    ["13/01/2024", "14/01/2024", "May"],
    "2 of 3 values are date as DD/MM/YYYY",
    "date(DD/MM/YYYY)",
  ],
  ["numbers", ["1", "2", "many"], "2 of 3 values are integer", "integer"],
  [
    "numbers in a notation",
    ["1.001,50", "2.002,75", "lots"],
    "2 of 3 values are numeric as 1.234,56",
    "numeric(1.234,56)",
  ],
])("%s: the type that is named takes those that fit, and text takes all", async (_, values, said, type) => {
  const { notes, inserted } = await imported(values);
  expect(inserted).toBe(3);
  expect(notes).toEqual([
    expect.stringContaining(`the column "v" is text although ${said}, because of values such as`),
  ]);
  expect(notes[0]).toContain(`${JSON.stringify(values[2])} (row 4); --type "v=${type}" rejects those`);
  const typed = await imported(values, type);
  expect([typed.inserted, typed.rejected]).toEqual([2, 1]);
  const text = await imported(values, "text");
  expect([text.inserted, text.notes]).toEqual([3, []]);
});

test.each([
  ["a sign", ["1", "2", "#"], "#"],
  ["a text that comes again", ["1", "2", "3", "Not Expected", "Not Expected"], "Not Expected"],
])("%s that may mean a missing value is said, and --null reads it so", async (_, values, mark) => {
  const { notes } = await imported(values);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(new RegExp(`; if that means that a value is missing, --null "v=${mark}" reads it so$`));
  const read = await imported(values, undefined, [`v=${mark}`]);
  expect([read.inserted, read.rejected, read.notes.filter((note) => note.includes("is text although"))]).toEqual([values.length, 0, []]); // prettier-ignore
  // The name of totals, a word with digits, and several words are none.
  for (const values of [
    ["1", "2", "3", "Total", "Total"],
    ["1", "2", "3", "K4", "K4"],
    ["1", "2", "many"],
  ])
    expect((await imported(values)).notes.join()).not.toContain("--null");
});

test("one text that speaks against numbers in three columns of many is said once", async () => {
  const cells = (n: number): string => ["a", "b", "c", "d", `e`, n, n % 2 === 0 ? "Not Expected" : n, n % 2 === 0 ? "Not Expected" : n + 0.5, n % 2 === 0 ? "Not Expected" : n].join(";"); // prettier-ignore
  const lines = ["k;l;m;n;o;p;x;y;z", ...[1, 3, 5, 7, 2, 4, 9].map(cells)];
  const { notes } = await importedText(lines.join("\n"));
  expect(notes).toEqual([
    'the columns "x", "y", "z" are text although most of their values are integer, numeric, because of "Not Expected"; if that means that a value is missing, --null "Not Expected" reads it so',
  ]);
  const read = await importedText(lines.join("\n"), { nulls: ["Not Expected"] });
  expect([read.inserted, read.notes.join().includes("are text although")]).toEqual([7, false]);
});

test("a column of which less than half is of a type is text without a word", async () => {
  expect((await imported(["1", "two", "three"])).notes).toEqual([]);
});

test.each([
  ["dates", ["01/02/2020", "03/04/2020"], ["date(DD/MM/YYYY)", "date(MM/DD/YYYY)"]],
  ["timestamps", ["1/2/2020 10:00", "3/4/2020 11:30"], ["timestamp(DD/MM/YYYY HH:mm)", "timestamp(MM/DD/YYYY HH:mm)"]],
])(
  "%s whose day and month could change places are said, and both types that are named take all",
  async (_, values, types) => {
    const { notes } = await imported(values);
    const [day, month] = types.map((type) => `--type "v=${type}"`);
    expect(notes).toEqual([
      expect.stringMatching(/^the column "v" is text: day and month could change places: every value reads as /),
    ]);
    expect(notes[0]).toContain(`; ${day} or ${month} says which`);
    for (const type of types) {
      const typed = await imported(values, type);
      expect([typed.inserted, typed.rejected, typed.notes]).toEqual([2, 0, []]);
    }
  },
);

test.each([
  ["of two parts", ["1:30", "26:10", "131:05"], 'hours and minutes, or minutes and seconds, as in "26:10" (row 3);'],
  [
    "that no time is beside",
    ["36:00:00", "40:00:00"],
    'more than 23 hours, or less than 0, in each value, as in "36:00:00" (row 2);',
  ],
])("durations %s are text, and the type that is named takes all", async (_, values, said) => {
  const { inserted, notes } = await imported(values);
  expect(inserted).toBe(values.length);
  expect(notes).toEqual([expect.stringContaining(`the column "v" is text: ${said} --type "v=interval" reads`)]);
  const typed = await imported(values, "interval");
  expect([typed.inserted, typed.rejected, typed.notes]).toEqual([values.length, 0, []]);
});

test("durations past a day among times are intervals", async () => {
  const { inserted, rejected, assumptions } = await imported(["1:30:00", "26:10:00", "-0:45:10"]);
  expect([inserted, rejected]).toEqual([3, 0]);
  expect(assumptions.find(({ about }) => about === "types")?.said).toBe("id integer, v interval");
});

test("if one row near the top speaks against most columns, the option that is named makes it the header", async () => {
  const rows = ["Line 12;Winter;times;local;", ";;;;", "Stop;Run 1;Run 2;Run 3;Run 4", "North;6:00;7:00;8:00;9:00"];
  const text = [...rows, "Market;6:10;7:10;8:10;9:10", "Harbour;6:25;7:25;8:25;9:25"].join("\n");
  await using folder = newFolder();
  await using database = await EMBEDDED.open();
  const file = join(folder.path, "times.csv");
  await writeFile(file, text);
  const wrong = await runImport(background(), { file, target: database.target, table: "wrong", header: [1, 1] });
  expect(wrong.notes).toContainEqual(
    expect.stringMatching(/^4 of 5 columns are text .*; if row 3 is the header, --header 3 says so$/),
  );
  const right = await runImport(background(), { file, target: database.target, table: "times", header: [3, 3] });
  expect(right.assumptions.find(({ about }) => about === "types")?.said).toBe(
    "stop text, run_1 time, run_2 time, run_3 time, run_4 time",
  );
});

describe("in a table that is there already", () => {
  const SWAPPED = ["01/02/2020", "03/04/2020"];

  async function into(column: string, values: readonly string[], type?: string) {
    await using folder = newFolder();
    await using database = await EMBEDDED.open();
    const { target } = database;
    const file = join(folder.path, "there.csv");
    await writeFile(file, ["id;v", ...values.map((value, n) => `${n};${value}`)].join("\n"));
    await target.query(`create table there (id integer, v ${column})`);
    const types = new Map(type === undefined ? [] : [["v", type]]);
    const { inserted, notes } = await runImport(background(), { file, target, types });
    const [first] = (await target.query("select v::text from there order by id")).rows;
    return { inserted, notes, first: first?.[0] };
  }

  test.each([
    ["date", SWAPPED, "date(DD/MM/YYYY)", "2020-02-01"],
    ["date", SWAPPED, "date(MM/DD/YYYY)", "2020-01-02"],
    ["timestamp", SWAPPED, "date(DD/MM/YYYY)", "2020-02-01 00:00:00"],
    ["numeric", ["1.234", "5.678"], "integer(1.234,56)", "1234"],
    ["bigint", ["1.234", "5.678"], "numeric(1.234,56)", "1234"],
  ])("a column of the type %s takes %j as %s says", async (column, values, type, first) => {
    expect(await into(column, values, type)).toMatchObject({ inserted: 2, first });
  });

  test.each([
    ["date", "timestamp(DD/MM/YYYY HH:mm)"],
    ["text", "date(DD/MM/YYYY)"],
    ["text", "numeric(1.234,56)"],
  ])("a column of the type %s would lose what %s says, so it is refused", async (column, type) => {
    await expect(into(column, SWAPPED, type)).rejects.toMatchObject({ code: "bad_type", exitCode: 2 });
  });

  test("no type is offered for a column of texts, since none could be taken", async () => {
    expect((await into("text", SWAPPED)).notes).toEqual([]);
    expect((await into("text", ["#N/A", "5"])).notes.join("\n")).not.toMatch(/--type|so it is text/);
  });

  test("after an import that made its column text, the ways that the refusal names work", async () => {
    await using folder = newFolder();
    await using database = await EMBEDDED.open();
    const { target } = database;
    const file = join(folder.path, "told.csv");
    await writeFile(file, ["id;v", ...SWAPPED.map((value, n) => `${n};${value}`)].join("\n"));
    const run = async (given: Pick<ImportOptions, "table" | "types">) =>
      runImport(background(), { file, target, ...given });
    const types = new Map([["v", "date(DD/MM/YYYY)"]]);
    await run({ table: "told" });
    const ways = /Leave it out, or import into a new table with --table; if .*, drop it and import again\.$/;
    await expect(run({ table: "told", types })).rejects.toThrow(ways);
    expect((await run({ table: "told_anew", types })).inserted).toBe(2);
    await target.query("drop table told");
    expect((await run({ table: "told", types })).inserted).toBe(2);
    expect((await target.query("select v::text from told order by id")).rows.flat()).toEqual([
      "2020-02-01",
      "2020-04-03",
    ]);
  });
});
