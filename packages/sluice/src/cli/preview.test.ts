// `sluice preview`, and imports of several sheets, as a user meets them: every case runs the real
// program.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { FilePreview } from "../preview.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { EXAMPLE, run } from "../test/program.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";

const withServer = test.skipIf(server === undefined);

const STAFF: TestCell[][] = [
  ["Staff 2024"],
  [],
  ["Name", "Born", "Pay", "Badge"],
  ["Ada", "31/01/1990", 4000.5, "007"],
  ["Bob", "1/2/1985", 3900, "n/a"],
  ["Eve", "15/6/2001", "?", "12"],
];

test("preview shows layout, types, what speaks against others, DDL and first rows, and makes no database", async () => {
  await using folder = newFolder();
  await writeWorkbook(join(folder.path, "staff.xlsx"), { Staff: STAFF, Notes: [["just a word"]] });
  const result = await run(folder.path, "preview", "staff.xlsx");
  expect(result.stderr).toBe("");
  expect(result.stdout).toBe(`staff.xlsx: xlsx, sheets 1 "Staff", 2 "Notes"

Sheet "Staff" → a new table staff; header in row 3, 3 rows looked at
Note: the header is row 3; row 1 above it is passed over
Note: the column "pay" is text although 2 of 3 values are numeric, because of values such as "?" (row 6); --type "pay=numeric" rejects those, and --type "pay=text" says that it is text; if that means that a value is missing, --null "pay=?" reads it so

   header  column  type                sure   why
A  Name    name    text                100 %
B  Born    born    date as DD/MM/YYYY  100 %
C  Pay     pay     text                100 %  2 of 3 are numeric, but not "?" (row 6)
D  Badge   badge   text                100 %  digits that a number would not keep: leading zeros, a plus, or more than 15

create table "staff" (
  "name" text,
  "born" date,
  "pay" text,
  "badge" text
);
comment on column "staff"."name" is 'Name';
comment on column "staff"."born" is 'Born';
comment on column "staff"."pay" is 'Pay';
comment on column "staff"."badge" is 'Badge';

row  name  born        pay     badge
  4  Ada   1990-01-31  4000.5  007
  5  Bob   1985-02-01  3900    n/a
  6  Eve   2001-06-15  ?       12
`);
  expect(result.code).toBe(0);
  expect(await readdir(folder.path)).toEqual(["staff.xlsx"]);
});

test("of many sheets the first 250 are listed", async () => {
  await using folder = newFolder();
  const sheets = Array.from({ length: 252 }, (_, n): [string, TestCell[][]] => [`Sheet ${n + 1}`, STAFF]);
  await writeWorkbook(join(folder.path, "staff.xlsx"), Object.fromEntries(sheets));
  const { stdout } = await run(folder.path, "preview", "staff.xlsx");
  expect(stdout.split("\n")[0]).toMatch(/^staff\.xlsx: xlsx, sheets 1 "Sheet 1", .*, 250 "Sheet 250", and 2 more$/);
});

test("a wide sheet begins with a summary", async () => {
  await using folder = newFolder();
  const n = (value: string | number): string => Array.from({ length: 250 }, () => String(value)).join(",");
  const head = ["name", "mixed", ...Array.from({ length: 250 }, (_, i) => `week_${i + 1}`), "none"].join(",");
  await writeFile(join(folder.path, "wide.csv"), `${head}\nAda,1,${n(1)},\nBob,2,${n(2.5)},\nEve,x y,${n(3)},\n`);
  const { stdout } = await run(folder.path, "preview", "wide.csv");
  expect(stdout.split("\n").slice(2, 6)).toEqual([
    'Sheet "wide" → a new table wide; header in row 1, 3 rows looked at',
    "253 columns: 250 numeric, 3 text",
    "1 is text although most values are of another type: B mixed",
    "1 is without a value in the rows looked at: IS none",
  ]);
});

test("--json is the same for programs, --type and --header have their say", async () => {
  await using folder = newFolder();
  await writeWorkbook(join(folder.path, "staff.xlsx"), { Staff: STAFF });
  const options = ["--type", "pay=numeric", "--header", "3", "--map", "Badge="];
  const result = await run(folder.path, "preview", "staff.xlsx", "--json", ...options);
  const preview = JSON.parse(result.stdout) as FilePreview;
  expect(preview).toMatchObject({
    file: "staff.xlsx",
    format: "xlsx",
    sheets: [{ name: "Staff", state: "visible" }],
    imports: [
      {
        sheet: "Staff",
        table: "staff",
        exists: false,
        headerRows: [3],
        unitsRow: null,
        firstRow: 4,
        records: 3,
        complete: true,
        columns: [
          { letter: "A", header: "Name", column: "name", type: "text", match: { by: "name", score: 1 } },
          {
            letter: "B",
            column: "born",
            type: "date",
            dateFormat: "DD/MM/YYYY",
            inferred: { confidence: 1, values: 3 },
          },
          {
            letter: "C",
            column: "pay",
            type: "numeric",
            inferred: { type: "text", nearest: { type: "numeric", fits: 2, against: [{ row: 6, value: "?" }] } },
          },
          { letter: "D", header: "Badge", column: null, type: null, match: null },
        ],
        sample: [
          { row: 4, values: ["Ada", "1990-01-31", "4000.5"] },
          { row: 5, values: ["Bob", "1985-02-01", "3900"] },
        ],
        rejects: { total: 1, reasons: { invalid_number: 1 }, first: [{ row: 6, column: "Pay", value: "?" }] },
        error: null,
      },
    ],
  });
  expect(result.code).toBe(0);
});

withServer(
  "preview against a database: the table that is there, mapping with scores, and nothing is written",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query("create table staff (name text, born date, payment numeric, badges text)");
    await writeWorkbook(join(folder.path, "staff.xlsx"), { Staff: STAFF });
    const result = await run(folder.path, "preview", "staff.xlsx", "--to", database.dsn, "--map", "Pay=payment");
    expect(result.stdout).toContain('Sheet "Staff" → the table staff in postgres://');
    expect(result.stdout).toMatch(/Badge +badges +text +100 % +taken by likeness 0\.9\d/);
    expect(result.stdout).toMatch(/Pay +payment +numeric +--map/);
    expect(result.stdout).toMatch(/Born +born +date as DD\/MM\/YYYY/);
    expect(result.stdout).toContain(
      '1 of these rows would be rejected: 1 × invalid_number\n  row 6  invalid_number: Pay "?"',
    );
    expect(result.stdout).not.toContain("create table");
    expect(result.code).toBe(0);
    expect(await database.query("select count(*) from staff")).toEqual([["0"]]);
    expect(await database.query("select count(*) from pg_namespace where nspname = 'sluice'")).toEqual([["0"]]);

    const unmapped = await run(folder.path, "preview", "staff.xlsx", "--to", database.dsn);
    expect(unmapped.stdout).toContain('Sheet "Staff" cannot be imported.');
    expect(unmapped.stdout).toMatch(/no column for the header "Pay" \(column C; nearest: payment 0\.4\d\)/);
    expect(unmapped.code).toBe(1);
  },
);

test("preview says with the example's schema what the import will reject", async () => {
  await using folder = newFolder();
  const result = await run(folder.path, "preview", EXAMPLE, "--schema", EXAMPLE.replace(".xlsx", ".schema.ts"));
  expect(result.stdout).toContain(
    "13 of these rows would be rejected: 5 × too_few_columns, 4 × missing_value, 4 × invalid_email",
  );
  expect(result.stdout).toContain('"id" bigserial primary key');
  expect(result.code).toBe(0);
});

test.each([
  [["preview"], 2, /missing required argument 'file'/],
  [["preview", "no.xlsx"], 1, /no\.xlsx/],
  [["preview", EXAMPLE, "--header", "3-9"], 2, /Expected a row number, two rows such as 2-3, or none, got "3-9"/],
  [["preview", EXAMPLE, "--header", "0"], 2, /Expected a row number/],
  [["preview", EXAMPLE, "--type", "name"], 2, /Expected "column=type", got "name"/],
  [["preview", EXAMPLE, "--type", "nope=text"], 2, /no column or header "nope"/],
  [["preview", EXAMPLE, "--sheet", "Nope"], 1, /has no sheet "Nope". It has: 1 "Sheet1"/],
])("sluice %j ends with %i and says why", async (args, code, message) => {
  await using folder = newFolder();
  const result = await run(folder.path, ...args);
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  expect(result.code).toBe(code);
});

withServer("--sheet all: the same headers make one table, with types that hold for all of them", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await writeWorkbook(join(folder.path, "months.xlsx"), {
    Jan: [
      ["Day", "Sum"],
      [1, 2],
    ],
    Feb: [
      ["Day", "Sum"],
      [1, 2.5],
    ],
    Empty: [],
  });
  const preview = await run(folder.path, "preview", "months.xlsx", "--sheet", "all");
  expect(preview.stdout).toContain('Note: without rows, and so left out: "Empty"');
  expect(preview.stdout).toContain("Note: all sheets have the same headers, so they go into one table, months");
  expect(preview.stdout.match(/"sum" numeric/g)).toHaveLength(2);
  const args = ["import", "months.xlsx", "--sheet", "all", "--to", database.dsn];
  const dry = await run(folder.path, ...args, "--dry-run");
  expect([dry.code, dry.stdout.match(/Would import 1 of 1 row/g)]).toEqual([
    0,
    ["Would import 1 of 1 row", "Would import 1 of 1 row"],
  ]);
  const result = await run(folder.path, ...args, "--create");
  expect(result.stderr).toBe("");
  expect(result.code).toBe(0);
  expect(await database.query("select day, sum, pg_typeof(sum)::text from months order by sum")).toEqual([
    ["1", "2", "numeric"],
    ["1", "2.5", "numeric"],
  ]);
  // The first sheet replaces what is there, the second one joins it.
  expect((await run(folder.path, ...args, "--replace", "--quiet")).code).toBe(0);
  expect(await database.query("select count(*) from months")).toEqual([["2"]]);
});

withServer("--sheet all: different headers make a table for each sheet, --table puts them into one", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await writeWorkbook(join(folder.path, "shop.xlsx"), {
    Customers: [["Name"], ["Ada"]],
    "Open orders": [
      ["Name", "Total"],
      ["Ada", 5],
    ],
  });
  const result = await run(folder.path, "import", "shop.xlsx", "--sheet", "all", "--to", database.dsn);
  expect(result.stdout).toContain("the sheets have different headers, so each goes into a table of its own, shop_…");
  expect(result.code).toBe(0);
  expect(await database.query("select * from shop_customers")).toEqual([["Ada"]]);
  expect(await database.query("select * from shop_open_orders")).toEqual([["Ada", "5"]]);
  await database.query('create table "both" (name text, total integer)');
  const one = await run(folder.path, "import", "shop.xlsx", "--sheet", "all", "--table", "both", "--to", database.dsn);
  expect(one.code).toBe(0);
  expect(await database.query('select * from "both" order by total')).toEqual([
    ["Ada", "5"],
    ["Ada", null],
  ]);
});

withServer("preview --schema prints a schema file that can be edited and imports what the preview showed", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await writeWorkbook(join(folder.path, "staff.xlsx"), { Staff: STAFF });
  const printed = await run(folder.path, "preview", "--schema", "staff.xlsx");
  expect(printed.stdout).toContain('  name: "staff",');
  expect(printed.stdout).toContain('    born: { type: "date", header: "Born", dateFormat: "DD/MM/YYYY" },');
  expect(printed.stderr).toBe(
    "Note: the header is row 3; row 1 above it is passed over\n" +
      'Note: the column "pay" is text although 2 of 3 values are numeric, because of values such as "?" (row 6); --type "pay=numeric" rejects those, and --type "pay=text" says that it is text; if that means that a value is missing, --null "pay=?" reads it so\n',
  );
  expect((await run(folder.path, "preview", "staff.xlsx", "--schema")).stdout).toBe(printed.stdout);
  await writeFile(join(folder.path, "own.schema.ts"), printed.stdout.replace("born:", "birthday:"));
  const result = await run(folder.path, "import", "staff.xlsx", "--schema", "own.schema.ts", "--to", database.dsn);
  expect(result.stdout).toContain("Imported 3 of 3 rows");
  expect(await database.query("select name, birthday::text, badge from staff where name = 'Ada'")).toEqual([
    ["Ada", "1990-01-31", "007"],
  ]);
});

withServer("an import says the types of the table that it made in one line, and --json what it assumed", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await writeWorkbook(join(folder.path, "staff.xlsx"), { Staff: STAFF });
  const result = await run(folder.path, "import", "staff.xlsx", "--to", database.dsn);
  expect(result.stdout).toContain("\nTypes: name text, born date as DD/MM/YYYY, pay text, badge text\n");
  const again = await run(folder.path, "import", "staff.xlsx", "--to", database.dsn, "--again", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({
    assumptions: [
      { about: "sheet", said: "Staff", option: "--sheet" },
      { about: "header", said: "row 3", option: "--header" },
      { about: "records", said: "from row 4 on", option: "--header, --range or --skip-last" },
      { about: "notations", said: "born=date(DD/MM/YYYY)", option: "--type", values: ["born=date(DD/MM/YYYY)"] },
    ],
  });
});
