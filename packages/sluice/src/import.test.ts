import { background, withCancel } from "@sluice/go/context";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { businesses } from "./schema/businesses.ts";
import { runImport } from "./import.ts";
import type { Reject } from "./reject.ts";
import { table } from "./schema/schema.ts";
import { databases, newFolder } from "./test/database.ts";
import { EXAMPLE } from "./test/program.ts";
import { writeWorkbook, type TestCell } from "./test/workbook.ts";
import type { Target } from "./target.ts";
import { type ImportOptions, type ImportResult, METHODS } from "./options.ts";

async function imported(
  target: Target,
  options: Partial<ImportOptions> & { file: string },
): Promise<{ result: ImportResult; rejects: Reject[] }> {
  const rejects: Reject[] = [];
  const result = await runImport(background(), { target, onRejects: (list) => void rejects.push(...list), ...options });
  expect(result.total).toBe(result.inserted + result.updated + result.skipped + result.rejected);
  expect(rejects).toHaveLength(result.rejected);
  return { result, rejects };
}

/** A workbook of one sheet. */
async function workbook(folder: string, rows: readonly (readonly TestCell[])[], name = "people.xlsx"): Promise<string> {
  return writeWorkbook(join(folder, name), { People: rows });
}

async function rowsOf(target: Target, sql: string): Promise<readonly (readonly (string | null)[])[]> {
  return (await target.query(sql)).rows;
}

describe.each(databases)("on $name", ({ name, open }) => {
  test("all four methods leave the same rows, the same rejects and the same counts", async () => {
    await using database = await open();
    const { target } = database;
    const seen: { rows: unknown; rejects: unknown; counts: unknown }[] = [];
    for (const method of name === "PGlite" ? (["batch", "copy"] as const) : METHODS) {
      const { result, rejects } = await imported(target, {
        file: EXAMPLE,
        schema: businesses,
        table: `by_${method}`,
        method,
        workers: 3,
      });
      const rows = await rowsOf(
        target,
        `select md5(string_agg(t::text, '|' order by t::text)) from (select name, category, phone, email, address, city, country, website, description from by_${method}) t`,
      );
      seen.push({ rows, rejects, counts: [result.total, result.inserted, result.rejected, result.reasons] });
    }
    expect(seen[0]!.counts).toEqual([10_000, 9_987, 13, { invalid_email: 4, missing_value: 4, too_few_columns: 5 }]);
    for (const other of seen.slice(1)) expect(other).toEqual(seen[0]);
  });

  test("values arrive as they stand: text stays text, an empty cell is NULL, a date is a date", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await workbook(folder.path, [
      ["Code", "Note", "Amount", "Day", "At", "Ok"],
      [
        "085232",
        'tab\there, "quotes", back\\slash',
        12.5,
        new Date(Date.UTC(2020, 0, 31)),
        new Date(Date.UTC(2020, 0, 31, 12, 30, 15)),
        true,
      ],
      ["\\N", "line\nbreak\r\n😀", null, null, null, false],
      [" padded ", "", 0.1, null, null, null],
    ]);
    const schema = table({
      name: "people",
      columns: {
        code: {},
        note: {},
        amount: { type: "numeric" },
        day: { type: "date" },
        at: { type: "timestamptz" },
        ok: { type: "boolean" },
      },
    });
    for (const method of ["copy", "batch"] as const) {
      const { result } = await imported(target, { file, schema, table: `people_${method}`, method });
      expect(result).toMatchObject({ total: 3, inserted: 3, rejected: 0 });
      expect(
        await rowsOf(
          target,
          `select code, note, amount::text, day::text, (at at time zone 'UTC')::text, ok::text from people_${method} order by amount nulls last, code`,
        ),
      ).toEqual([
        [" padded ", null, "0.1", null, null, null],
        ["085232", 'tab\there, "quotes", back\\slash', "12.5", "2020-01-31", "2020-01-31 12:30:15", "true"],
        ["\\N", "line\nbreak\r\n😀", null, null, null, "false"],
      ]);
    }
  });

  test("rows that only the database can refuse cost one row each, in every method", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table country (code text primary key); insert into country values ('de'), ('fr')");
    const rows: TestCell[][] = [["Id", "Name", "Country", "Age"]];
    for (let id = 1; id <= 250; id++) rows.push([id, `name ${id}`, id % 2 ? "de" : "fr", id % 100]);
    rows[10]![2] = "xx"; // row 11: foreign key
    rows[20]![3] = 150; // row 21: check
    rows[30]![0] = 7; // row 31: unique, the first one stays
    rows[40]![1] = "forbidden"; // row 41: trigger
    const file = await workbook(folder.path, rows);
    for (const method of METHODS) {
      await target.query(
        `create table p_${method} (id integer primary key, name text, country text references country, age integer check (age < 120));
         create or replace function refuse() returns trigger language plpgsql as $$ begin if new.name = 'forbidden' then raise exception 'not this one'; end if; return new; end $$;
         create trigger refuse before insert on p_${method} for each row execute function refuse()`,
      );
      const { result, rejects } = await imported(target, { file, table: `p_${method}`, method });
      expect(rejects.map(({ row, code }) => [row, code])).toEqual([
        [11, "foreign_key_violation"],
        [21, "check_violation"],
        [31, "unique_violation"],
        [41, "raise_exception"],
      ]);
      expect(rejects[2]).toMatchObject({
        column: "Id",
        value: "7",
        reason: expect.stringContaining("already exists") as string,
      });
      expect(result).toMatchObject({ total: 250, inserted: 246, rejected: 4 });
      expect(await rowsOf(target, `select count(*)::text, count(distinct id)::text from p_${method}`)).toEqual([
        ["246", "246"],
      ]);
    }
  });

  test("a refused row whose text reads like the database's word of a place costs that row, in every method", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: TestCell[][] = [["Id", "Address"]];
    for (let id = 1; id <= 9; id++) rows.push([id, `${id} Road`]);
    rows[7]![1] = "Metro, line 2, column id: 1"; // row 8: check, and a good row's line in the value
    rows[8]![1] = "x\nCOPY c, line 4"; // row 9
    const file = await workbook(folder.path, rows);
    for (const method of METHODS) {
      await target.query("drop table if exists c; create table c (id integer, address text check (address ~ 'Road'))");
      const { rejects } = await imported(target, { file, table: "c", method });
      expect(rejects.map(({ row, column, code }) => [row, column, code])).toEqual([
        [8, undefined, "check_violation"],
        [9, undefined, "check_violation"],
      ]);
    }
  });

  test("a row that is too wide for a table's page costs that row only, though the database names another", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const names = Array.from({ length: 1100 }, (_, n) => `c${n + 1}`);
    const rows = [names.join()];
    for (let row = 2; row <= 30; row++) rows.push(row === 11 || row === 25 ? names.map(() => row).join() : String(row));
    const file = join(folder.path, "wide.csv");
    await writeFile(file, rows.join("\n"));
    for (const method of METHODS) {
      await target.query(
        `drop table if exists w; create table w (${names.map((name) => `${name} float8`).join(", ")})`,
      );
      const { rejects } = await imported(target, { file, table: "w", method, header: [1, 1] });
      expect(rejects.map(({ row, code, reason }) => [row, code, reason.replace(/\d+/g, "N")])).toEqual([
        [11, "sqlstate_54000", "row is too big: size N, maximum size N"],
        [25, "sqlstate_54000", "row is too big: size N, maximum size N"],
      ]);
      expect(await rowsOf(target, "select count(*)::text from w")).toEqual([["27"]]);
    }
  });

  test("a file that is damaged further down says that it is to be repaired, and what that means for the rows that are in", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "damaged.csv");
    const records = Array.from({ length: 40_000 }, (_, n) => `${n},some text to fill it\n`);
    await writeFile(file, `n,t\n${records.join("")}1,"open\n`);
    await expect(imported(target, { file, chunkRows: 5000 })).rejects.toMatchObject({
      code: "unclosed_quote",
      message: expect.stringMatching(
        /line 40002 .*\(--quote none\)[^]* rows of this import are in the table "damaged"[^]*Repair the file: .*\nEnd this import: sluice imports cancel \w+\. Then take its rows out: /,
      ) as string,
    });
  });

  test("a row that a deferred constraint refuses at commit costs that row only", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table parent (id integer primary key); insert into parent values (1)");
    const file = await workbook(folder.path, [
      ["Id", "Parent"],
      [1, 1],
      [2, 2],
      [3, 1],
    ]);
    for (const method of METHODS) {
      await target.query(
        `create table d_${method} (id integer, parent integer references parent deferrable initially deferred)`,
      );
      const { result, rejects } = await imported(target, { file, table: `d_${method}`, method });
      expect(result).toMatchObject({ inserted: 2, rejected: 1 });
      expect(rejects[0]).toMatchObject({ row: 3, code: "foreign_key_violation" });
    }
  });

  test("rows that a trigger leaves out count as skipped", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      `create table s (name text);
       create function leave() returns trigger language plpgsql as $$ begin return case when new.name = 'no' then null else new end; end $$;
       create trigger leave before insert on s for each row execute function leave()`,
    );
    const file = await workbook(folder.path, [["Name"], ["yes"], ["no"], ["yes"]]);
    const { result } = await imported(target, { file, table: "s" });
    expect(result).toMatchObject({ total: 3, inserted: 2, skipped: 1, rejected: 0 });
  });

  test("without a schema a new table has a column for each header, named after it", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await workbook(
      folder.path,
      [
        ["Full Name", 'a"; drop table x; --', "E-Mail"],
        ["Ada", 1, "a@b.co"],
      ],
      "Q3 Report (final).xlsx",
    );
    const { result } = await imported(target, { file });
    expect(result.table).toBe("q3_report_final");
    expect(await rowsOf(target, "select full_name, a_drop_table_x, e_mail from q3_report_final")).toEqual([
      ["Ada", "1", "a@b.co"],
    ]);
  });

  test("an existing table's columns count, and --migrate adds what it lacks", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table people (id serial primary key, name text not null, age integer)");
    const file = await workbook(folder.path, [
      ["NAME", "Age", "Nick"],
      ["Ada", 36, "A"],
      [null, 1, "B"],
      ["Bob", "old", "C"],
    ]);
    await expect(imported(target, { file })).rejects.toMatchObject({
      code: "missing_column",
      message: expect.stringContaining('"Nick" (column C)') as string,
    });
    const left = await imported(target, { file, map: new Map([["Nick", ""]]) });
    expect(left.result).toMatchObject({ inserted: 1, rejected: 2, reasons: { missing_value: 1, invalid_number: 1 } });
    const added = await imported(target, { file, migrate: true });
    expect(added.result).toMatchObject({ inserted: 1, rejected: 2 });
    expect(await rowsOf(target, "select name, age::text, nick from people order by id")).toEqual([
      ["Ada", "36", null],
      ["Ada", "36", "A"],
    ]);
  });

  test("several imports that add one column at the same time all go in", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table people (name text)");
    const files: string[] = [];
    for (const name of ["Ada", "Bob", "Cid", "Dee"]) {
      const file = join(folder.path, `${name}.csv`);
      await writeFile(file, `name,nick\n${name},${name[0]}\n`);
      files.push(file);
    }
    const all = await Promise.all(
      files.map((file) => runImport(background(), { target, file, table: "people", mode: "append", migrate: true })),
    );
    expect(all.map(({ inserted }) => inserted)).toEqual([1, 1, 1, 1]);
    expect(await rowsOf(target, "select name, nick from people order by name")).toEqual([
      ["Ada", "A"],
      ["Bob", "B"],
      ["Cid", "C"],
      ["Dee", "D"],
    ]);
  });

  test("values that only the database can judge are reported alike by every method", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create type mood as enum ('good', 'bad')");
    const file = await workbook(folder.path, [
      ["Id", "Mood", "Tags"],
      [1, "good", "{a,b}"],
      [2, "odd", "{a}"],
      [3, "bad", "{a"],
      [101, "bad", "{}"],
    ]);
    const seen: Reject[][] = [];
    for (const method of METHODS) {
      await target.query(
        "drop table if exists m; create table m (id integer check (id < 100), mood mood, tags text[])",
      );
      seen.push((await imported(target, { file, table: "m", method })).rejects);
    }
    expect(seen[0]!.map(({ row, column, value, code }) => [row, column, value, code])).toEqual([
      [3, "Mood", "odd", "invalid_text_representation"],
      [4, "Tags", "{a", "invalid_text_representation"],
      [5, undefined, undefined, "check_violation"],
    ]);
    for (const other of seen) expect(other).toEqual(seen[0]);
  });

  test("headers that come to one name are numbered, and find their columns again the second time", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await workbook(folder.path, [
      ["a b", "a-b", "ab", "A_B"],
      ["1", "2", "3", "4"],
    ]);
    for (const again of [false, true])
      expect((await imported(target, { file, table: "numbered", again })).result.inserted).toBe(1);
    expect(await rowsOf(target, "select a_b, a_b_2, ab, a_b_3 from numbered")).toEqual([
      ["1", "2", "3", "4"],
      ["1", "2", "3", "4"],
    ]);
  });

  test("a column that the database fills is not taken from the sheet, nor dropped silently", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      "create table filled (id integer generated always as identity, code text, twice integer generated always as (2) stored)",
    );
    const file = await workbook(folder.path, [
      ["id", "code"],
      [5, "x"],
    ]);
    for (const migrate of [false, true]) {
      await expect(imported(target, { file, table: "filled", migrate })).rejects.toMatchObject({
        code: "generated_column",
        message: expect.stringContaining('--map "id="') as string,
      });
    }
    expect((await imported(target, { file, table: "filled", map: new Map([["id", ""]]) })).result.inserted).toBe(1);
  });

  test("cancelling keeps what is committed, says so, and ends at a chunk", async () => {
    await using database = await open();
    const { target } = database;
    const [ctx, cancel] = withCancel(background());
    const result = await runImport(ctx, {
      file: EXAMPLE, target, schema: businesses, method: "batch", workers: 2,
      onProgress: ({ inserted }) => { if (inserted >= 500) cancel(); },
    }); // prettier-ignore
    expect(result.interrupted).toBe(true);
    expect(result.inserted).toBeGreaterThanOrEqual(500);
    expect(result.total).toBeLessThan(10_000);
    expect(await rowsOf(target, "select count(*)::text from businesses")).toEqual([[String(result.inserted)]]);
    expect(await rowsOf(target, "select count(*)::text from pg_indexes where tablename = 'businesses'")).toEqual([
      ["7"],
    ]);
  });
});

describe("what bad input gets", () => {
  test.each<[what: string, rows: TestCell[][], code: string, message: RegExp]>([
    ["a sheet without rows", [], "empty_sheet", /the sheet "People" is empty/],
    ["a header only", [["Name", "Age"]], "no_rows", /a header \(row 1\) and no rows below it/],
    [
      "two columns of one name",
      [
        ["Name", "Age", "Name"],
        ["a", 1, "b"],
      ],
      "duplicate_header",
      /"Name": A and C/,
    ],
    [
      "two headers that mean one column",
      [
        ["E-Mail", "email"],
        ["a", "b"],
      ],
      "duplicate_header",
      /both mean the column "email"/,
    ],
    [
      "no header that is known",
      [
        ["X", "Y"],
        [1, 2],
      ],
      "missing_column",
      /has no column for the headers "X" \(column A\), "Y" \(column B\)/,
    ],
    [
      "no header for a column that must have a value",
      [["Email"], ["a@b.co"]],
      "missing_header",
      /needs a value for "name"/,
    ],
  ])("%s", async (_, rows, code, message) => {
    await using folder = newFolder();
    await using database = await databases[0]!.open();
    const file = await workbook(folder.path, rows);
    const schema = table({
      name: "people",
      columns: { name: { notNull: code === "missing_header" }, email: {}, age: {} },
    });
    await expect(imported(database.target, { file, schema })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    expect(await database.target.describe("people")).toBeUndefined();
  });

  test("rows too short or too long are rejected with their place", async () => {
    await using folder = newFolder();
    await using database = await databases[0]!.open();
    const file = await workbook(folder.path, [["A", "B"], ["1"], ["1", "2"], ["1", "2", "3"], ["1", ""]]);
    const exact = table({ name: "t", columns: { a: {}, b: {} }, width: "exact" });
    const { rejects, result } = await imported(database.target, { file, schema: exact });
    expect(rejects.map(({ row, code }) => [row, code])).toEqual([
      [2, "too_few_columns"],
      [4, "too_many_columns"],
    ]);
    expect(result.inserted).toBe(2);
  });

  test("a file under another name bears that name in messages and rejects", async () => {
    await using folder = newFolder();
    await using database = await databases[0]!.open();
    const copy = join(folder.path, "3f2c.xlsx");
    await copyFile(EXAMPLE, copy);
    const { rejects, result } = await imported(database.target, {
      file: copy,
      fileName: "march.xlsx",
      schema: businesses,
    });
    expect(result.file).toBe("march.xlsx");
    expect(new Set(rejects.map((reject) => reject.file))).toEqual(new Set(["march.xlsx"]));
  });
});
