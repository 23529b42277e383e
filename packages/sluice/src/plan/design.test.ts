// What an import makes of a sheet that no schema describes: real files into real databases. Long,
// since sheets come in many shapes and each is followed from the file to the table.
import { background, withCancel } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkTypes, parseType } from "./design.ts";
import { runImport } from "../import.ts";
import { previewFile } from "../preview.ts";
import { table } from "../schema/schema.ts";
import { databases, newFolder } from "../test/database.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";
import type { Target } from "../target.ts";
import type { ImportOptions, ImportResult } from "../options.ts";

type Rows = readonly (readonly TestCell[])[];

async function imported(
  target: Target,
  folder: string,
  rows: Rows,
  options: Partial<ImportOptions> = {},
): Promise<ImportResult> {
  const file = await writeWorkbook(join(folder, "things.xlsx"), { Things: rows });
  return await runImport(background(), { target, file, ...options });
}

const day = (text: string): Date => new Date(`${text}Z`);

/** Column → type, as the database has it, and the comment where there is one. */
async function columns(target: Target, name = "things"): Promise<Record<string, string>> {
  const { rows } = await target.query(
    `select attname::text, concat_ws(' -- ', format_type(atttypid, atttypmod), col_description(attrelid, attnum))
     from pg_attribute where attrelid = to_regclass('${name}') and attnum > 0 and not attisdropped order by attnum`,
  );
  return Object.fromEntries(rows) as Record<string, string>;
}

async function query(target: Target, sql: string): Promise<readonly (readonly (string | null)[])[]> {
  return (await target.query(sql)).rows;
}

describe.each(databases)("on $name", ({ open }) => {
  test("the columns of a new table have the types of their values, and the headers as comments", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: Rows = [
      ["Id", "Serial No", "Price (€)", "Ratio", "Active?", "Born", "Seen at", "Zip", "Key", "Extra", "Nothing", "When"],
      [1, 3_000_000_000, 12.5, 0.1 + 0.2, true, day("1999-12-31"), day("2020-01-31T12:30"), "01234", "123e4567-e89b-12d3-a456-426614174000", '{"a":[1]}', null, "31/01/2020"],
      [2, 5, 3, 1, false, day("2000-02-29"), day("2020-02-01"), "12345", "123e4567-e89b-12d3-a456-426614174001", "[]", null, "1/2/2020"],
      [3, null, null, null, null, null, null, null, null, null, null, null],
    ]; // prettier-ignore
    const result = await imported(target, folder.path, rows);
    expect(result).toMatchObject({ table: "things", total: 3, inserted: 3, rejected: 0 });
    expect(await columns(target)).toEqual({
      id: "integer -- Id",
      serial_no: "bigint -- Serial No",
      price: "numeric -- Price (€)",
      ratio: "double precision -- Ratio",
      active: "boolean -- Active?",
      born: "date -- Born",
      seen_at: "timestamp without time zone -- Seen at",
      zip: "text -- Zip",
      key: "uuid -- Key",
      extra: "jsonb -- Extra",
      nothing: "text -- Nothing",
      when: "date -- When",
    });
    expect(await query(target, 'select * from things order by id')).toEqual([
      ["1", "3000000000", "12.5", "0.30000000000000004", "t", "1999-12-31", "2020-01-31 12:30:00", "01234", "123e4567-e89b-12d3-a456-426614174000", '{"a": [1]}', null, "2020-01-31"],
      ["2", "5", "3", "1", "f", "2000-02-29", "2020-02-01 00:00:00", "12345", "123e4567-e89b-12d3-a456-426614174001", "[]", null, "2020-02-01"],
      ["3", null, null, null, null, null, null, null, null, null, null, null],
    ]); // prettier-ignore
    // The same file again finds its table, and its dates are read as before.
    expect(await imported(target, folder.path, rows, { again: true })).toMatchObject({ inserted: 3, rejected: 0 });
    expect(await query(target, 'select count(*), count("when") from things')).toEqual([["6", "4"]]);
  });

  test("a hostile header is a name and a comment, nothing else", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const headers = [`x'); drop table things; --`, String.raw`back\'; drop table things; --`, 'quo"te', "select"];
    await imported(target, folder.path, [headers, ["a", "b", "c", "d"]]);
    expect(Object.values(await columns(target))).toEqual(
      headers.map((header) => `text${header === "select" ? "" : ` -- ${header}`}`),
    );
  });

  test("a header that every table has as a column of its own is numbered, and found again", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: Rows = [
      ["xmin", "ctid", "TableOID", "name"],
      ["a", "b", "c", "d"],
    ];
    await imported(target, folder.path, rows);
    expect(Object.keys(await columns(target))).toEqual(["xmin_2", "ctid_2", "table_oid", "name"]);
    expect(await imported(target, folder.path, rows, { again: true })).toMatchObject({ inserted: 1 });
  });
});

describe("a sheet's layout", () => {
  const open = databases[0]!.open;

  test("titles above the header are passed over, and rows keep their numbers", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: Rows = [
      ["Staff 2024"],
      [],
      ["Name", "Age"],
      ["Ada", 36],
      ["Bob", "old"],
      ...many(20, (n) => [`P${n}`, n]),
    ];
    const typed = await imported(target, folder.path, rows, { types: new Map([["Age", "integer"]]) });
    expect(typed).toMatchObject({
      total: 22,
      inserted: 21,
      rejects: [{ row: 5, column: "Age", value: "old", code: "invalid_number" }],
    });
    expect(typed.notes).toContain("the header is row 3; row 1 above it is passed over");
    expect(await columns(target)).toEqual({ name: "text -- Name", age: "integer -- Age" });
  });

  test("two rows of header are joined, units are no record", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: Rows = [
      ["", "2019", "", "2020", ""],
      ["Country", "Min", "Max", "Min", "Max"],
      ["", "kg", "kg", "t", "t"],
      ["Peru", 1, 2, 3, 4.5],
      ["Chile", 1, 2, 3, 4],
    ];
    const { inserted, notes } = await imported(target, folder.path, rows);
    expect(inserted).toBe(2);
    expect(notes).toEqual(
      expect.arrayContaining(["the header is rows 1 and 2, joined", "row 3 holds units and is no record"]),
    );
    expect(await columns(target)).toEqual({
      country: "text -- Country",
      _2019_min: "integer -- 2019 / Min (kg)",
      _2019_max: "integer -- 2019 / Max (kg)",
      _2020_min: "integer -- 2020 / Min (t)",
      _2020_max: "numeric -- 2020 / Max (t)",
    });
    // The table that was made of it is found again by the same header.
    expect((await imported(target, folder.path, rows, { again: true })).inserted).toBe(2);
  });

  test("without a header columns are numbered, and the file finds them again", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: Rows = [
      ["Ada", 36],
      ["Bob", 41],
      ["Eve", 7, "late"],
    ];
    const { notes } = await imported(target, folder.path, rows);
    expect(notes.join()).toMatch(/row 1 holds values and no names, so there is no header/);
    await imported(target, folder.path, rows, { again: true });
    expect(await query(target, "select * from things order by column_2")).toEqual([
      ["Eve", "7", "late"], ["Eve", "7", "late"], ["Ada", "36", null], ["Ada", "36", null], ["Bob", "41", null], ["Bob", "41", null],
    ]); // prettier-ignore
  });

  test("values under no header get a column of their own in a new table", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await imported(target, folder.path, [
      ["", "Name", "Name"],
      [0, "Ada", "Lovelace"],
      [1, "Bob", "Smith"],
    ]);
    expect(await columns(target)).toEqual({ column_1: "integer", name: "text -- Name", name_2: "text -- Name" });
    expect(
      (
        await imported(target, folder.path, [
          ["", "Name", "Name"],
          [2, "Eve", "X"],
        ])
      ).inserted,
    ).toBe(1);
    expect(await query(target, "select * from things order by 1")).toEqual([
      ["0", "Ada", "Lovelace"],
      ["1", "Bob", "Smith"],
      ["2", "Eve", "X"],
    ]);
  });

  test("--header and --skip settle it", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: Rows = [
      ["a", "b"],
      ["c", "d"],
      ["e", "f"],
    ];
    await imported(target, folder.path, rows, { table: "second", header: [2, 2] });
    await imported(target, folder.path, rows, { table: "none", header: "none", skip: 1 });
    await imported(target, folder.path, rows, { table: "later", header: [1, 1], skip: 2 });
    expect(await query(target, "select c, d from second")).toEqual([["e", "f"]]);
    expect(await query(target, "select column_1 from none order by 1")).toEqual([["c"], ["e"]]);
    expect(await query(target, "select a from later")).toEqual([["e"]]);
    await expect(imported(target, folder.path, [["a"], [], ["b"]], { header: [2, 2] })).rejects.toMatchObject({
      code: "no_header",
      message: expect.stringContaining(
        "row 2 is empty, so it cannot be the header. The first row with content after it is row 3",
      ) as string,
    });
    await expect(imported(target, folder.path, rows, { header: [3, 3] })).rejects.toMatchObject({ code: "no_rows" });
    await expect(imported(target, folder.path, rows, { skip: 9 })).rejects.toMatchObject({ code: "empty_sheet" });
  });

  test("a sheet without a header goes into an existing table only in a stated way: by order, or by --map", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table things (id serial, name text, age integer)");
    const rows: Rows = [
      ["Ada", 36],
      ["Bob", 41],
    ];
    await expect(imported(target, folder.path, rows)).rejects.toMatchObject({
      code: "no_header",
      message: expect.stringContaining("--header none") as string,
    });
    await imported(target, folder.path, rows, { header: "none" });
    await imported(target, folder.path, rows, {
      header: "none",
      map: new Map([
        ["column_1", ""],
        ["column_2", "age"],
      ]),
    });
    expect(await query(target, "select name, age from things order by id")).toEqual([
      ["Ada", "36"],
      ["Bob", "41"],
      [null, "36"],
      [null, "41"],
    ]);
  });

  test("the columns of the table that is there show which row is the header, and a bad first row stays a record", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table things (id integer, n integer)");
    const { inserted, rejects } = await imported(target, folder.path, [
      ["Id", "N"],
      ["x", "y"],
      [1, 2],
      [3, 4],
    ]);
    expect([inserted, rejects.map(({ row }) => row)]).toEqual([2, [2]]);
    await target.query("create table words (job text, town text)");
    await imported(
      target,
      folder.path,
      [
        ["a", "b", "c"],
        ["Job", "Town"],
        ["poet", "Rome"],
      ],
      { table: "words" },
    );
    expect(await query(target, "select * from words")).toEqual([["poet", "Rome"]]);
  });

  test("headers that a schema names are found wherever they stand", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const schema = table({ name: "things", columns: { name: {}, job: {} } });
    await imported(
      target,
      folder.path,
      [
        ["one", "two"],
        ["Name", "Job"],
        ["Ada", "poet"],
      ],
      { schema },
    );
    expect(await query(target, "select * from things")).toEqual([["Ada", "poet"]]);
  });
});

describe("types", () => {
  const open = databases[0]!.open;

  test("a later value that does not fit is rejected with its reason, never changed", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: TestCell[][] = [
      ["N", "D"],
      ...many(10_000, (n) => [n, `${(n % 28) + 1}/12/2020`]),
      ["n/a", "1/12/2020"],
      [5, "12/31/2020"],
      [1.5, "31/12/2020"],
    ];
    const result = await imported(target, folder.path, rows);
    expect(result).toMatchObject({
      total: 10_003,
      inserted: 10_000,
      rejects: [
        {
          row: 10_002,
          column: "N",
          value: "n/a",
          code: "invalid_number",
          reason: 'not a whole number; the option --null "n/a" reads it as a missing value',
        },
        {
          row: 10_003,
          column: "D",
          value: "12/31/2020",
          code: "invalid_date",
          reason: "not a date as DD/MM/YYYY (nor a date cell)",
        },
        { row: 10_004, column: "N", value: "1.5" },
      ],
    });
    expect(result.notes.join("\n")).toMatch(/types were inferred from the first 10,000 rows.*--type/);
  });

  test("a few marks in column after column are told from rows that are no records, and the advice works", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const count = (n: number, mark: string): TestCell => (n % 10 === 3 ? mark : n);
    const rows: TestCell[][] = [
      ["State", "Pupils", "Teachers", "Aides", "Schools"],
      ...many(40, (n) => [`S${n}`, count(n, "M"), count(n + 1, "N"), count(n + 2, "M"), count(n + 3, "N")]),
      ...many(40, (n) => [`T${n}`, count(n, "N"), count(n + 1, "M"), count(n + 2, "N"), count(n + 3, "M")]),
    ];
    const { notes } = await imported(target, folder.path, rows, { table: "marked" });
    const note = notes.find((one) => one.includes("4 of 5 columns are text"));
    expect(note).toMatch('if these mean that a value is missing, --null "M" --null "N" reads them so');
    // A column with errors, which has a note of its own, does not hide them.
    const shares = rows.map((row, n): TestCell[] => [
      ...row,
      n === 0 ? "Share" : n % 10 === 1 ? { error: "#VALUE!" } : 0.5,
    ]);
    const withErrors = (await imported(target, folder.path, shares, { table: "shares" })).notes.join("\n");
    expect(withErrors).toMatch('if these mean that a value is missing, --null "M" --null "N" reads them so');
    expect(withErrors).toMatch('--null "#VALUE!" reads them as missing');
    await imported(target, folder.path, rows, { table: "counts", nulls: ["M", "N"] });
    expect(Object.values(await columns(target, "counts")).slice(1)).toEqual([
      "integer -- Pupils",
      "integer -- Teachers",
      "integer -- Aides",
      "integer -- Schools",
    ]);
    // Words that are all different are not marks.
    const words = rows.map((row, n) => row.map((cell) => (cell === "M" || cell === "N" ? `${cell}${n}` : cell)));
    const { notes: others } = await imported(target, folder.path, words, { table: "spoiled" });
    expect(others.find((one) => one.includes("4 of 5 columns are text"))).toMatch("--skip-last leave them out");
  });

  test("many columns in one notation are one note", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const sheet = (columns: number): TestCell[][] => [
      ["Name", ...Array.from({ length: columns }, (_, n) => `Pay ${n}`)],
      ...many(5, (n) => [`A${n}`, ...Array.from({ length: columns }, () => `${n + 1}.000,50`)]),
    ];
    const { notes } = await imported(target, folder.path, sheet(6), { table: "six" });
    const about = notes.filter((note) => note.includes("1.234,56"));
    expect(about).toEqual([
      "6 columns are read as numbers like 1.234,56 (pay_0, pay_1, pay_2, pay_3, pay_4 and 1 more); " +
        'for each of them, --type "pay_0=numeric(1.234,56)" states it, and --type "pay_0=text" keeps the texts in a new table',
    ]);
    const few = await imported(target, folder.path, sheet(4), { table: "four" });
    expect(few.notes.filter((note) => note.startsWith('the column "pay_'))).toHaveLength(4);
  });

  test("letters of which one could mean false are no booleans among others", async () => {
    await using folder = newFolder();
    await using database = await open();
    const rows: TestCell[][] = [["Name", "Sex"], ...many(9, (n) => [`A${n}`, n % 3 === 0 ? "M" : "F"])];
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), { People: rows });
    const { imports } = await previewFile({ file, target: database.target });
    expect(imports[0]!.columns[1]!.inferred).toMatchObject({ type: "text" });
    expect(imports[0]!.columns[1]!.inferred.nearest).toBeUndefined();
  });

  test("--type states a type or a notation by column or header", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: Rows = [
      ["Born", "No"],
      ["1/2/2020", 1],
      ["3/4/2020", 2],
    ];
    await imported(target, folder.path, rows, {
      types: new Map([
        ["Born", "date(MM/DD/YYYY)"],
        ["no", "text"],
      ]),
    });
    expect(await columns(target)).toEqual({ born: "date -- Born", no: "text -- No" });
    await imported(target, folder.path, rows, { types: new Map([["born", "date(DD/MM/YYYY)"]]) });
    expect(await query(target, "select born from things")).toEqual([
      ["2020-01-02"],
      ["2020-03-04"],
      ["2020-02-01"],
      ["2020-04-03"],
    ]);
    // What a column is may be said again.
    expect(
      (
        await imported(target, folder.path, rows, {
          types: new Map([
            ["no", "text"],
            ["born", "date(DD/MM/YYYY)"],
          ]),
        })
      ).rejected,
    ).toBe(0);
    // Without it nobody can tell, and both are rejected.
    expect(await imported(target, folder.path, rows)).toMatchObject({ rejected: 2, reasons: { invalid_date: 2 } });
    for (const [types, code] of [
      [{ no: "integer" }, "bad_type"],
      [{ nope: "text" }, "unknown_column"],
      [{ no: "int); drop table things" }, "bad_type"],
    ] as const)
      await expect(
        imported(target, folder.path, rows, { types: new Map(Object.entries(types)) }),
      ).rejects.toMatchObject({ code, exitCode: 2 });
  });

  test("dates as text go into a column that must have one, and by a schema in the stated notation only", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table things (born date not null, seen timestamptz, note text)");
    const rows: Rows = [
      ["Born", "Seen"],
      ["31/01/2020", "31/01/2020 12:30"],
      ["1/2/2020", null],
    ];
    const { inserted, notes } = await imported(target, folder.path, rows);
    expect([inserted, notes]).toEqual([2, ['the column "note" has no header in the sheet and stays empty']]);
    expect(await query(target, "select born from things order by 1")).toEqual([["2020-01-31"], ["2020-02-01"]]);
    const schema = table({ name: "other", columns: { born: { type: "date" }, seen: {} } });
    expect(await imported(target, folder.path, rows, { schema })).toMatchObject({
      rejected: 2,
      reasons: { invalid_date: 2 },
    });
    const types = new Map([["Born", "date(DD/MM/YYYY)"]]);
    expect(await imported(target, folder.path, rows, { schema, types })).toMatchObject({ rejected: 0 });
    await expect(
      imported(target, folder.path, rows, { schema, types: new Map([["seen", "date"]]) }),
    ).rejects.toMatchObject({ code: "bad_type" });
  });

  test("--migrate adds columns with the types of their values", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table things (name text)");
    await imported(
      target,
      folder.path,
      [
        ["Name", "Age"],
        ["Ada", 36],
      ],
      { migrate: true },
    );
    expect(await columns(target)).toEqual({ name: "text", age: "integer" });
  });

  test.each([
    ["integer", { type: "integer" }],
    ["numeric(10, 2)", { type: "numeric(10, 2)" }],
    ["text[]", { type: "text[]" }],
    ['"my type"', { type: '"my type"' }],
    ["timestamp(3)", { type: "timestamp(3)" }],
    ["date(DD/MM/YYYY)", { type: "date", dateFormat: "DD/MM/YYYY" }],
    ["date(DD.MM.YY)", { type: "date", dateFormat: "DD.MM.YY" }],
    ["date(YYYYMMDD)", { type: "date", dateFormat: "YYYYMMDD" }],
    ["numeric(1.234,56)", { type: "numeric", numberFormat: "1.234,56" }],
    ["numeric(10,2)(1 234,56 €)", { type: "numeric(10,2)", numberFormat: "1 234,56 €" }],
    ["double precision($1,234.56)", { type: "double precision", numberFormat: "$1,234.56" }],
    ["integer(1,234)", { type: "integer", numberFormat: "1,234" }],
    ["numeric(10,2)", { type: "numeric(10,2)" }],
    ["timestamptz (MMM DD, YYYY hh:mm A)", { type: "timestamptz", dateFormat: "MMM DD, YYYY hh:mm A" }],
  ])("--type reads %j", (text, spec) => {
    expect(parseType("c", text)).toEqual(spec);
  });

  test.each(["", "int;", "date(YY/MM)", "a'b", "1"])("--type refuses %j", (text) => {
    expect(() => parseType("c", text)).toThrow(/expected a type of PostgreSQL/);
  });

  test("--type for a column that is not there names those that are", () => {
    const load = [{ column: table({ name: "t", columns: { age: {} } }).columns[0]!, sheetColumn: 1, header: "Age" }];
    expect(() => checkTypes(new Map([["ag", "text"]]), load)).toThrow(/no column or header "ag". Columns: age/);
  });
});

test("a sheet wider than any table is refused before a table is made", async () => {
  await using folder = newFolder();
  await using database = await databases[0]!.open();
  const { target } = database;
  const file = join(folder.path, "wide.csv");
  const line = (cell: (n: number) => string): string => Array.from({ length: 1601 }, (_, n) => cell(n)).join(",");
  await writeFile(file, `${line((n) => `name ${n}`)}\n${line(String)}\n`);
  await expect(runImport(background(), { target, file })).rejects.toMatchObject({
    code: "too_wide",
    message: expect.stringContaining("the sheet has 1601 columns, and a table can have 1600") as string,
  });
  expect(await target.describe("wide")).toBeUndefined();
});

test("what goes on begins at the row that it began with, and reads dates as it did, whatever is said now", async () => {
  await using folder = newFolder();
  await using database = await databases[0]!.open();
  const { target } = database;
  const rows = [
    ["Title", "A"],
    ["Staff", "B"],
    ["Name", "Born"],
    ...many(300, (n) => [`P${n}`, `1/${(n % 28) + 1}/2020`]),
  ];
  const [ctx, cancel] = withCancel(background());
  const file = await writeWorkbook(join(folder.path, "things.xlsx"), { Things: rows });
  const begun = await runImport(ctx, {
    file, target, method: "batch", batchSize: 50, workers: 1, header: [3, 3], types: new Map([["born", "date(MM/DD/YYYY)"]]),
    onProgress: ({ inserted }) => { if (inserted >= 100) cancel(); },
  }); // prettier-ignore
  expect(begun.interrupted).toBe(true);
  const ended = await runImport(background(), { file, target, resume: begun.id });
  expect(ended).toMatchObject({ total: 300, inserted: 300, rejected: 0 });
  expect(await query(target, "select count(*), count(distinct name), max(born) from things")).toEqual([
    ["300", "300", "2020-01-28"],
  ]);
});

test("an unfinished import goes on by itself only where header, types and rows to skip are the same", async () => {
  await using folder = newFolder();
  await using database = await databases[0]!.open();
  const { target } = database;
  const file = await writeWorkbook(join(folder.path, "things.xlsx"), { Things: [["N"], ...many(300, (n) => [n])] });
  const [ctx, cancel] = withCancel(background());
  const common = { file, target, method: "batch", batchSize: 50, workers: 1 } as const;
  const begun = await runImport(ctx, { ...common, onProgress: () => cancel() });
  await expect(runImport(background(), { ...common, skip: 1, header: [1, 1] })).rejects.toThrow(
    `the import ${begun.id} of this file, which was begun with other options`,
  );
  expect((await runImport(background(), common)).id).toBe(begun.id);
});

test("a header by likeness is taken where one column is meant, and it is said", async () => {
  await using folder = newFolder();
  await using database = await databases[0]!.open();
  const { target } = database;
  await target.query("create table things (address text, county text)");
  const { notes } = await imported(target, folder.path, [["Adress"], ["High St 1"]]);
  expect(notes).toContain('the header "Adress" was taken for the column "address" by likeness (0.96)');
  await expect(imported(target, folder.path, [["Country"], ["Peru"]])).rejects.toMatchObject({
    code: "missing_column",
    message: expect.stringContaining('"Country" (column A; nearest: county 0.86)') as string,
  });
});

function many(n: number, row: (n: number) => TestCell[]): TestCell[][] {
  return Array.from({ length: n }, (_, i) => row(i));
}
