// Values that PostgreSQL would round, cut or reinterpret without a word: into tables with columns
// of every such type, by COPY and by INSERT.
import { background } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { table } from "../schema/schema.ts";
import { databases, newFolder } from "./database.ts";
import { writeWorkbook } from "./workbook.ts";

const TYPES = `
  create domain price as numeric(4,2);
  create domain sale as price check (value > 0);
  create domain day as date;
  create domain moment as timestamp;
  create domain second as timestamp(0);
  create domain code as varchar(3);
  create domain days as day[];
  create type item as (name varchar(3), price price, sold date)`;

/** Of each type: values that go in as they stand, and such as must not. */
const CASES: readonly (readonly [type: string, good: readonly string[], bad: readonly string[]])[] = [
  ["timestamp(0)", ["2024-01-31 10:00:00", "2024-01-31 10:00:00.000"], ["2024-01-31 10:00:00.6"]],
  ["timestamptz(0)", ["2024-01-31 10:00:00+02"], ["2024-01-31 10:00:00.6+02"]],
  ["timestamp(3)", ["2024-01-31 10:00:00.123"], ["2024-01-31 10:00:00.1234"]],
  ["time(0)", ["23:59:59"], ["23:59:59.9"]],
  ["timetz(0)", ["23:59:59+01"], ["23:59:59.9", "23:59:59.9+01"]],
  ["timetz", ["10:00:00.123456+01:30", "9:30"], ["10:00:00.1234567"]],
  [
    "interval",
    ["36:00:00.123456", "1 day 2 hours", "P1DT2H", "1.5 days"],
    ["1.1234567 seconds", "PT0.1234567S", "0.0001 ms"],
  ],
  ["interval", ["1.5 years", "1.23 months", "1 mon ago"], ["1.23456 years"]],
  ["interval(0)", ["1 second", "-2:00:05"], ["1.6 seconds", "00:00:01.5"]],
  ["interval hour to minute", ["1:30", "1 day 1:30:00", "120 seconds"], ["1:30:45", "90 seconds"]],
  ["interval day", ["1 day", "2 weeks", "3 months"], ["1 day 5 hours", "1.5 days", "36:00"]],
  ["interval year to month", ["1 year 2 months"], ["1 year 3 days"]],
  ["interval minute to second", ["1:30"], []],
  ["numeric(3,-2)", ["12300", "-100"], ["12345", "123456"]],
  ["numeric(2,4)", ["0.0012"], ["0.01234", "0.1"]],
  ["price", ["1.55", "99.99"], ["1.555", "100"]],
  ["sale", ["1.55", "1.550"], ["1.555"]],
  ["day", ["2024-01-31"], ["01/02/2020", "today", "infinity", "2024-01-31 15:00"]],
  ["moment", ["2024-01-31 15:00"], ["2024-01-31 15:00+02", "now"]],
  ["second", ["2024-01-31 15:00:01"], ["2024-01-31 15:00:01.5"]],
  ["code", ["abc", "äöü"], ["abc   ", "abcd"]],
  ["varchar(3)[]", ['{abc,NULL,"a,b"}', "{}", "{{a,b},{c,d}}"], ["{abc   d,abcd}", '{"abc   "}', '{{a,b},{c,"abc "}}']],
  ["numeric(4,2)[]", ["{1.55,NULL}", "{{1.5},{2}}", "[0:1]={1,2}"], ["{1.55,1.555}", "[0:1]={1,2.555}"]],
  ["price[]", ["{1.55}"], ["{1.555}"]],
  ["days", ["{2020-02-01}"], ["{01/02/2020}"]],
  ["date[]", ["{2020-02-01, 2020-02-02}"], ["{01/02/2020}", "{today}", "{2020-02-01,infinity}"]],
  ["timestamp[]", ['{"2020-02-01 10:00:00.123456"}'], ['{"2020-02-01 10:00:00.1234567"}', "{now}"]],
  [
    "daterange",
    ["[2020-01-01,2020-02-01)", "empty", "[2020-01-01,)", '["2020-01-01",]'],
    ["[now,infinity)", "[01/02/2020,)"],
  ],
  ["tsrange", ['["2020-01-01 10:00",)'], ["[now,infinity)", "[2020-01-01 10:00:00.1234567,)"]],
  ["datemultirange", ["{[2020-01-01,2020-02-01),[2021-01-01,)}", "{}"], ["{[2020-01-01,2020-02-01),[today,)}"]],
  ["int4range[]", ['{"[1,5)"}'], []],
  ["item", ["(abc,1.55,2020-01-31)", "(,,)", '("a,b",1,)'], ["(abc,1.555,)", '("abc ",1.5,)', "(a,1,today)"]],
  ["item[]", ['{"(abc,1.55,2020-01-31)"}'], ['{"(abc,1.555,)"}']],
  ["money", ["1.55", "1.550"], ["1.555"]],
  ['"char"', ["a"], ["ab", "ä"]],
  ["name", ["a".repeat(63)], ["a".repeat(64), "ä".repeat(32)]],
  ["oid", ["4294967295"], ["-1", "4294967296"]],
  ["numeric(4,2)", ["1.55"], ["1.555"]],
];

describe.each(databases)("$name", ({ open }) => {
  test("a value that a column's type would change is rejected: by COPY, by INSERT, and in a table that the import makes", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(TYPES);
    // Each row has a value in one column only.
    const rows = CASES.flatMap(([, good, bad], column) =>
      [...good, ...bad].map((value, n) => ({ column, value, good: n < good.length })),
    );
    const file = join(folder.path, "values.csv");
    const line = ({ column, value }: (typeof rows)[number], n: number): string =>
      `${n}${",".repeat(column + 1)}"${value.replaceAll('"', '""')}"${",".repeat(CASES.length - 1 - column)}`;
    const names = CASES.map((_, n) => `c${n}`);
    await writeFile(file, [`k,${names.join(",")}`, ...rows.map(line), ""].join("\n"));
    const told = (n: number): string => `${CASES[rows[n]!.column]![0]}: ${rows[n]!.value}`;
    for (const way of ["copy", "batch", "new"] as const) {
      await target.query("drop table if exists t");
      if (way !== "new")
        await target.query(`create table t (k integer, ${CASES.map(([type], n) => `c${n} ${type}`).join(", ")})`);
      const refused: string[] = [];
      const result = await runImport(background(), {
        file,
        target,
        table: "t",
        method: way === "batch" ? "batch" : "copy",
        resume: "never",
        types: way === "new" ? new Map(CASES.map(([type], n) => [`c${n}`, type])) : new Map(),
        onRejects: (list) => void refused.push(...list.map(({ row }) => told(row - 2))),
      });
      const { rows: kept } = await target.query("select k::text from t order by k::integer");
      expect([way, refused]).toEqual([way, rows.flatMap(({ good }, n) => (good ? [] : [told(n)]))]);
      expect([way, kept.map(([k]) => told(Number(k)))]).toEqual([
        way,
        rows.flatMap(({ good }, n) => (good ? [told(n)] : [])),
      ]);
      expect(result.reasons["invalid_text_representation"]).toBeUndefined();
    }
  });

  test("a date cell means the same below a domain, and dates in one notation are read there", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(`${TYPES}; create table t (k integer, v day)`);
    const cells = [
      ["k", "v"],
      [1, new Date(Date.UTC(2024, 0, 31))],
      [2, new Date(Date.UTC(2024, 0, 31, 15))],
    ];
    const book = await writeWorkbook(join(folder.path, "cells.xlsx"), { Sheet: cells });
    const first = await runImport(background(), { file: book, target, table: "t" });
    expect(first).toMatchObject({ inserted: 1, rejected: 1, reasons: { invalid_date: 1 } });
    const texts = join(folder.path, "texts.csv");
    await writeFile(texts, "k,v\n3,31/01/2020\n4,01/02/2020\n");
    expect(await runImport(background(), { file: texts, target, table: "t" })).toMatchObject({
      inserted: 2,
      rejected: 0,
    });
    const { rows } = await target.query("select v::text from t order by k");
    expect(rows.flat()).toEqual(["2024-01-31", "2020-01-31", "2020-02-01"]);
  });

  test("the table's own type counts where a schema names another", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table t (k integer, v numeric(4,2), w date)");
    const file = join(folder.path, "values.csv");
    await writeFile(file, "k,v,w\n1,1.55,2020-01-31\n2,1.555,2020-01-31\n3,1.5,today\n");
    const schema = table({ name: "t", columns: { k: { type: "integer" }, v: { type: "numeric" }, w: {} } });
    const result = await runImport(background(), { file, target, schema });
    expect(result).toMatchObject({ inserted: 1, reasons: { too_many_digits: 1, invalid_date: 1 } });
  });

  test("a table that was made anew with other types gets the values as they stand, by statements that were prepared before", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "values.csv");
    await writeFile(file, "k,v\n1,2020-02-01 10:00\n");
    for (const type of ["timestamp", "text"]) {
      await target.query(`drop table if exists t; create table t (k integer, v ${type})`);
      await runImport(background(), { file, target, table: "t", method: "batch", workers: 1, resume: "never" });
    }
    const { rows } = await target.query("select v from t");
    expect(rows).toEqual([["2020-02-01 10:00"]]);
  });
});
