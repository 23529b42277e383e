// How texts are read, from the options to the table: notations, marks for missing values, zones,
// blanks.
import { background } from "@sluice/go/context";
import { join } from "node:path";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import type { Header, ImportOptions, ImportResult } from "../options.ts";
import type { Reject } from "../reject.ts";
import { RejectFile } from "../rejects/file.ts";
import { table } from "../schema/schema.ts";
import { databases, newFolder } from "./database.ts";
import { writeWorkbook, type TestCell } from "./workbook.ts";

const open = databases[0]!.open;

interface Found {
  readonly types: readonly (string | null)[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly notes: readonly string[];
  readonly reasons: readonly string[];
}

/**
 * Imports a sheet into the table `t`: a text, or the cells of a workbook.
 * @param setup SQL before
 */
async function imported(
  sheet: string | readonly (readonly TestCell[])[],
  options: Partial<ImportOptions> = {},
  setup?: string,
  merged: readonly string[] = [],
): Promise<Found> {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  if (setup !== undefined) await target.query(setup);
  const file = join(folder.path, typeof sheet === "string" ? "t.csv" : "t.xlsx");
  if (typeof sheet === "string") await writeFile(file, sheet);
  else await writeWorkbook(file, { Sheet: sheet.map((row) => [...row]) }, merged);
  const result = await runImport(background(), { file, target, table: "t", ...options });
  const types = await target.query(
    "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 't'::regclass and attnum > 0 order by attnum",
  );
  return {
    types: types.rows.map(([type]) => type!),
    rows: (await target.query("select * from t")).rows,
    notes: result.notes,
    reasons: result.rejects.map(({ reason }) => reason),
  };
}

describe("numbers in a notation", () => {
  const german = "day;pieces;pay\n1;1.250;1.234,56\n2;2.500;-89,90\n";

  test("go into a new table as numbers, and a note says how they were read", async () => {
    const { types, rows, notes } = await imported(german);
    expect(types).toEqual(["integer", "integer", "numeric"]);
    expect(rows).toEqual([["1", "1250", "1234.56"], ["2", "2500", "-89.90"]]); // prettier-ignore
    expect(notes).toContainEqual(expect.stringContaining('"pieces" is read as numbers like 1.234,56 (2 values)'));
  });

  test("go into a table that is there in the same way", async () => {
    const setup = "create table t (day int, pieces numeric, pay numeric(10,2))";
    const { rows, reasons } = await imported(german, {}, setup);
    expect([rows, reasons]).toEqual([[["1", "1250", "1234.56"], ["2", "2500", "-89.90"]], []]); // prettier-ignore
  });

  test("are decimals there, with a note, if nothing tells, and text in a new table", async () => {
    const setup = "create table t (pieces numeric, n int)";
    const there = await imported("pieces;n\n1.250;1\n2.500;2\n", {}, setup);
    expect(there.rows).toEqual([["1.250", "1"], ["2.500", "2"]]); // prettier-ignore
    expect(there.notes).toContainEqual(expect.stringContaining("could have it between thousands"));
    const made = await imported("pieces;n\n1.250;1\n2.500;2\n");
    expect(made.types).toEqual(["text", "integer"]);
    expect(made.notes).toContainEqual(
      expect.stringMatching(/"pieces" is text: .*--type "pieces=numeric\(1\.234,56\)"/),
    );
    const stated = await imported("pieces;n\n1.250;1\n2.500;2\n", {
      types: new Map([["pieces", "numeric(1.234,56)"]]),
    });
    expect([stated.types, stated.rows]).toEqual([
      ["numeric", "integer"],
      [
        ["1250", "1"],
        ["2500", "2"],
      ],
    ]);
  });

  test("take the unit of the sheet where it was not stated, and no other", async () => {
    const rows = [["pay"], ["($30.00)"], ["$12.34"], [5]];
    const types = new Map([["pay", "numeric(10,2)(1,234.56)"]]);
    const found = await imported(rows, { types });
    expect([found.types, found.rows]).toEqual([["numeric(10,2)"], [["-30.00"], ["12.34"], ["5.00"]]]);
    const mixed = await imported([["pay"], ["$1.00"], ["€1.00"]], { types });
    expect(mixed.rows).toEqual([]);
    expect(mixed.reasons[0]).toContain('--type "pay=numeric(10,2)($1,234.56)" takes the unit $');
  });

  test("are stated in a schema file", async () => {
    const columns = { pieces: { type: "integer", numberFormat: "1.234,56" }, pay: { type: "text", nulls: ["-"] } };
    const schema = table({ name: "t", columns });
    const { rows, reasons } = await imported("pieces;pay\n1.250;-\n1.25;x\n", { schema });
    expect(rows).toEqual([["1250", null]]);
    expect(reasons).toEqual(["not a number as 1.234,56"]);
  });

  test.each(["numeric(abc1.2)", "integer(1.234.56)", "date(1.234,56)"])("%s is refused as a type", async (type) => {
    await expect(imported("a\n1\n", { types: new Map([["a", type]]) })).rejects.toThrow(/--type "a=.*expected a type/);
  });
});

describe("what means that there is no value", () => {
  const sheet = "id,country,qty\n1,NA,5\n2,MY,\\N\n3,MZ,-9\n4,   ,n/a\n  ,,\n";

  test("marks among values of one type, blanks, and no row of blanks", async () => {
    const { types, rows, notes } = await imported(sheet);
    expect(types).toEqual(["integer", "text", "integer"]);
    expect(rows).toEqual([["1", "NA", "5"], ["2", "MY", null], ["3", "MZ", "-9"], ["4", null, null]]); // prettier-ignore
    expect(notes).toContainEqual(expect.stringContaining('"n/a" is read as a missing value in 1 cell ('));
  });

  test("what is stated, for all columns or for one", async () => {
    const { rows } = await imported(sheet, { nulls: ["NA", "qty=-9"] });
    expect(rows).toEqual([["1", null, "5"], ["2", "MY", null], ["3", "MZ", null], ["4", null, null]]); // prettier-ignore
    const none = await imported(sheet, { nulls: ["", "country=NA"] });
    expect(none.types).toEqual(["integer", "text", "text"]);
    expect(none.rows.map(([, country, qty]) => [country, qty])).toEqual([
      [null, "5"], ["MY", "\\N"], ["MZ", "-9"], [null, "n/a"],
    ]); // prettier-ignore
  });

  test("errors only where that was stated", async () => {
    const cells: TestCell[][] = [["a"], [1], [{ error: "#N/A" }]];
    expect((await imported(cells)).notes).toContainEqual(
      expect.stringContaining('--null "#N/A" reads them as missing'),
    );
    const { types, rows } = await imported(cells, { nulls: ["#N/A"] });
    expect([types, rows]).toEqual([["integer"], [["1"], [null]]]);
  });

  test("a column that must have a value rejects it", async () => {
    const { rows, reasons } = await imported("a\n1\nn/a\n", {}, "create table t (a int not null)");
    expect([rows, reasons]).toEqual([[["1"]], ["the cell is empty, and the column must have a value"]]);
  });
});

test("times without a zone are in the stated one", async () => {
  const setup = "create table t (at timestamptz)";
  const { rows, reasons } = await imported(
    "at\n2020-06-19 06:15:00\n2020-06-19 06:15:00Z\n2020-03-29 02:30:00\n",
    { timeZone: "Europe/Berlin" },
    setup,
  );
  expect(rows).toEqual([["2020-06-19 04:15:00+00"], ["2020-06-19 06:15:00+00"]]);
  expect(reasons[0]).toContain("does not exist in Europe/Berlin");
});

test("typed cells go into a column of text as a person reads them", async () => {
  const day = new Date("2024-01-02T00:00:00Z");
  const { rows } = await imported([["a"], ["closed"], [day], [0.1], [0.30000000000000004]]);
  expect(rows).toEqual([["closed"], ["2024-01-02"], ["0.1"], ["0.30000000000000004"]]);
});

test("cells that marks have emptied are counted by column, found or stated, in a new table and in one that is there", async () => {
  const text = "name,units,pay,code\nAda,1,n/a,-9\n-9,n/a,n/a,5\nEve,3,4,-9\nBob,7,8,9\n";
  const options = { nulls: ["-9"] };
  const said = [
    '"n/a" is read as a missing value in 3 cells (units 1, pay 2): all other values there are of one type; --null "" keeps such marks as text',
    '"-9" is a missing value, as --null says, in 3 cells (name 1, code 2)',
  ];
  expect((await imported(text, options)).notes).toEqual(expect.arrayContaining(said));
  const setup = "create table t (name text, units int, pay int, code int)";
  expect((await imported(text, options, setup)).notes).toEqual(expect.arrayContaining(said));
  const texts = await imported("name\n-9\nAda\n", options, "create table t (name text)");
  expect(texts.notes).toContain('"-9" is a missing value, as --null says, in 1 cell (name 1)');
});

test("the shorthand of statistical offices is missing, and a JSON array is none", async () => {
  const { rows, types } = await imported([["n", "list"], ["[c]", "[]"], [5, "[1]"], ["[low]", "[2]"]]); // prettier-ignore
  expect([types, rows]).toEqual([["integer", "jsonb"], [[null, "[]"], ["5", "[1]"], [null, "[2]"]]]); // prettier-ignore
});

describe("typed cells in columns of text", () => {
  const number = (value: number, format: string): TestCell => ({ number: value, format });
  const rows: TestCell[][] = [
    ["code", "day", "hours", "sum"],
    [number(7, "000"), number(45000, "dd.mm.yyyy"), number(1.5625, "[h]:mm"), number(1234.5, "#,##0.00")],
    [number(12, "000"), "in May", "many", number(5, ";;;")],
    [3.25, true, { error: "#N/A" }, number(-1, "0_);(0)")],
  ];
  const types = new Map(["code", "day", "hours"].map((name) => [name, "text"] as const));

  test("have their value", async () => {
    const { rows: found } = await imported(rows, { types });
    expect(found).toEqual([
      ["7", "2023-03-15", "37:30:00", "1234.5"],
      ["12", "in May", "many", "5"],
      ["3.25", "true", "#N/A", "-1"],
    ]);
  });

  test("have what their format shows, if that is asked for; columns of other types have their values", async () => {
    const { rows: found, types: of } = await imported(rows, { types, text: "shown" });
    expect(of).toEqual(["text", "text", "text", "numeric"]);
    expect(found).toEqual([
      ["007", "15.03.2023", "37:30", "1234.5"],
      ["012", "in May", "many", "5"],
      ["3.25", "true", "#N/A", "-1"],
    ]);
    const all = await imported(rows, { types: new Map([...types, ["sum", "text"]]), text: "shown" });
    expect(all.rows.map((row) => row[3])).toEqual(["1,234.50", "5", "(1)"]);
  });

  test("are judged as they are shown", async () => {
    const setup = "create table t (code varchar(3), day text, hours text, sum text)";
    const { rows: found, reasons } = await imported(rows, { text: "shown", nulls: ["012"] }, setup);
    expect(found.map(([code]) => code)).toEqual(["007", null]);
    expect(reasons).toEqual(["the text is longer than 3 characters"]);
  });

  test("are filled into merged cells as they are shown", async () => {
    const merged: TestCell[][] = [["day", "n"], [number(45000, "dd.mm.yyyy"), 1], [null, 2]]; // prettier-ignore
    const options = { types: new Map([["day", "text"]]), text: "shown", fillMerged: true } as const;
    const { rows: found } = await imported(merged, options, undefined, ["A2:A3"]);
    expect(found).toEqual([["15.03.2023", "1"], ["15.03.2023", "2"]]); // prettier-ignore
  });
});

describe("links", () => {
  const link = (text: string, address: string): TestCell => ({ text, link: address });
  const rows: TestCell[][] = [
    [link("name", "https://example.org/header"), "size", "site"],
    [link("Ada", "https://example.org/ada?a=1&b=2"), 1, link("x", "mailto:ada@example.org")],
    ["Bob", 2, "y"],
  ];

  test("are dropped with a note", async () => {
    const { notes, types } = await imported(rows);
    expect(types).toHaveLength(3);
    expect(notes).toContain("2 cells have a link, whose address is not kept; --links keeps it in a column beside the text"); // prettier-ignore
  });

  test("are kept in columns of their own", async () => {
    const { rows: found, notes, types } = await imported(rows, { links: true });
    expect(types).toEqual(["text", "integer", "text", "text", "text"]);
    expect(found).toEqual([
      ["Ada", "1", "x", "https://example.org/ada?a=1&b=2", "mailto:ada@example.org"],
      ["Bob", "2", "y", null, null],
    ]);
    expect(notes).toContain('the addresses of 1 link in "name" go into the column "name_link"');
  });

  test("go into the column of a table that is there; without one, --migrate makes it", async () => {
    const there = await imported(rows, { links: true, map: new Map([["site", ""]]) }, "create table t (name text, size int, name_link text)"); // prettier-ignore
    expect(there.rows[0]).toEqual(["Ada", "1", "https://example.org/ada?a=1&b=2"]);
    const lacking = imported(rows, { links: true, map: new Map([["site", ""]]) }, "create table t (name text, size int)"); // prettier-ignore
    await expect(lacking).rejects.toMatchObject({ code: "missing_column" });
    const migrated = await imported(rows, { links: true, migrate: true }, "create table t (name text, size int)");
    expect(migrated.rows[0]).toEqual(["Ada", "1", "x", "https://example.org/ada?a=1&b=2", "mailto:ada@example.org"]);
  });

  test("of which there are none are said to be missing", async () => {
    const { notes } = await imported([["a", "b"], ["x", 1], ["y", 2]], { links: true }); // prettier-ignore
    expect(notes).toContain("--links: no cell of the columns that are loaded has a link");
    expect((await imported("a,b\n1,2\n")).notes.join()).not.toMatch(/link/);
  });
});

test("rejects of typed cells come back through a text file as they would have gone in", async () => {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  const day = new Date(Date.UTC(2024, 0, 2));
  const rows = (n: TestCell): TestCell[][] => [
    ["id", "pay", "note", "day"],
    [1, "1.234,56", "x", "31/01/2024"],
    [n, 1.125, day, day],
    [3, 1234.5, "2024-01-02T00:00:00.000", "01/02/2024"],
  ];
  const types = new Map([["pay", "numeric(1.234,56)"], ["day", "date(DD/MM/YYYY)"], ["note", "text"], ["id", "integer"]]); // prettier-ignore
  const importOf = async (file: string, name: string): Promise<ImportResult> => {
    await using rejects = new RejectFile(join(folder.path, "bad.csv"));
    const onRejects = (list: readonly Reject[], headers: readonly Header[]): Promise<void> =>
      rejects.write(headers, list);
    const say = file.endsWith("bad.csv") ? {} : { onRejects };
    return await runImport(background(), { file, target, table: name, types, mode: "append", ...say });
  };
  await target.query("create table whole (id int, pay numeric, note text, day date check (day > '2024-01-01'))");
  await target.query("create table parts (like whole including all)");
  await importOf(await writeWorkbook(join(folder.path, "whole.xlsx"), { S: rows(2) }), "whole");
  const first = await importOf(await writeWorkbook(join(folder.path, "parts.xlsx"), { S: rows("two") }), "parts");
  expect(first).toMatchObject({ inserted: 2, rejected: 1 });
  const path = join(folder.path, "bad.csv");
  await writeFile(path, (await readFile(path, "utf8")).replace(/,two,1,125|,two,"1,125"/, ',2,"1,125"'));
  expect(await importOf(path, "parts")).toMatchObject({ inserted: 1, rejected: 0 });
  const whole = await target.query("select * from whole order by id");
  expect((await target.query("select * from parts order by id")).rows).toEqual(whole.rows);
  expect(whole.rows[1]).toEqual(["2", "1.125", "2024-01-02", "2024-01-02"]);
});
