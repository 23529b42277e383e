import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { run } from "../test/program.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";
import { previewFile, type SheetPreview } from "../preview.ts";
import { isTotalLabel, TOTAL_WORDS } from "./totals.ts";

async function preview(rows: TestCell[][], types?: ReadonlyMap<string, string>): Promise<SheetPreview> {
  await using folder = newFolder();
  const file = await writeWorkbook(join(folder.path, "sales.xlsx"), { S: rows });
  const { imports } = await previewFile({ file, ...(types ? { types } : {}) });
  return imports[0]!;
}

const typesOf = ({ columns }: SheetPreview): (string | null)[] => columns.map(({ type }) => type);

const HEAD = ["id", "day", "amount"];
const SALES: TestCell[][] = [
  [1, "2024-01-05", 10],
  [2, "2024-01-06", 20],
];

test("a label of totals is one of the words that docs/inference.md lists, alone or before others", () => {
  for (const word of TOTAL_WORDS) {
    expect(isTotalLabel(` ${word.toUpperCase()}: `)).toBe(true);
    expect(isTotalLabel(`${word} 2024`)).toBe(true);
    expect(isTotalLabel(`x ${word}`)).toBe(false);
  }
  expect(["Totally Thai", "Summer", "Meanwhile", "n/a", ""].filter((text) => isTotalLabel(text))).toEqual([]);
  const docs = readFileSync(new URL("../../../../docs/inference.md", import.meta.url), "utf8");
  const list = /\*\*A row of totals\*\*[^]*?:\s+((?:`[^`]+`,?\s+)+)/.exec(docs)![1]!;
  expect([...list.matchAll(/`([^`]+)`/g)].map(([, word]) => word)).toEqual(TOTAL_WORDS);
});

describe("a row of totals at the end", () => {
  test.each([
    ["left out, if its sum proves it", 250, 3],
    ["a record that a note names, if nothing proves it", 260, 4],
  ])("below codes with leading zeros is %s", async (_, total, records) => {
    const rows = [["01", "IT", 100], ["02", "HR", 100], ["03", "Ops", 50], ["Total", null, total]]; // prettier-ignore
    const found = await preview([["Code", "Name", "Budget"], ...rows]);
    expect([typesOf(found), found.records]).toEqual([["text", "text", "integer"], records]);
    expect(found.notes.filter((note) => note.includes('"Total"'))).toHaveLength(1);
  });

  test.each<[string, TestCell[][], number]>([
    ["below ids", [["Total", null, 30]], 1],
    ["behind a blank row", [[], ["Summe", null, 30]], 1],
    ["in three rows", [["Subtotal", null, 30], ["Total", 2, 3e9], ["Average", null, 15.5]], 3], // prettier-ignore
    ["below dates", [[null, "Total", 30]], 1],
    ["right of another number", [[3, "Total", 31]], 1],
  ])("%s decides no type and is rejected, which a note says", async (_, totals, rejected) => {
    const found = await preview([HEAD, ...SALES, ...totals]);
    expect(typesOf(found)).toEqual(["integer", "date", "integer"]);
    expect(found.rejects.total).toBe(rejected);
    expect(found.notes.filter((note) => note.includes("looks like a row of totals"))).toHaveLength(rejected);
  });

  test("is taken if its column is said to be text, as the note names it", async () => {
    const rows = [HEAD, ...SALES, ["Total", null, 30]];
    const found = await preview(rows);
    const option = /--type "(\w+)=text" takes it/.exec(found.notes.join())?.[1];
    const taken = await preview(rows, new Map([[option!, "text"]]));
    expect([found.rejects.total, taken.rejects.total, taken.records - found.records]).toEqual([1, 0, 0]);
  });

  test.each<[string, TestCell[][], (string | null)[]]>([
    ["stands among the others and is no sum", [["Total", null, 31], [3, "2024-01-07", 5]], ["text", "date", "integer"]], // prettier-ignore
    ["is one of more than three", Array.from({ length: 4 }, () => ["Total", null, 1]), ["text", "date", "integer"]], // prettier-ignore
    ["is called something else", [["Rest", null, 30]], ["text", "date", "integer"]],
  ])("counts like any other where it %s", async (_, rows, types) => {
    const found = await preview([HEAD, ...SALES, ...rows]);
    expect(typesOf(found)).toEqual(types);
    expect(found.rejects.total).toBe(0);
    expect(found.leftOut).toEqual([]);
  });

  test("counts like any other in a column of text, where it fits", async () => {
    const found = await preview([["name", "n"], ["Ada", 1], ["Bob", 2], ["Total", 3.5]]); // prettier-ignore
    expect(typesOf(found)).toEqual(["text", "numeric"]);
    expect(found.rejects.total).toBe(0);
  });

  test("counts like any other where --type makes its column text", async () => {
    const found = await preview([HEAD, ...SALES, ["Total", 2, 30.5]], new Map([["id", "text"]]));
    expect(typesOf(found)).toEqual(["text", "text", "numeric"]);
    expect(found.rejects.total).toBe(0);
    expect(found.notes).toEqual([expect.stringContaining('the column "day" is text although 2 of 3 values are date')]);
  });

  test("is found below a column of digits that are no quantity", async () => {
    const found = await preview([["Phone", "n"], ["555123", 1], ["555124", 2], ["Total", 3]]); // prettier-ignore
    expect(typesOf(found)).toEqual(["text", "integer"]);
    expect(found.rejects.total).toBe(0);
  });

  test.skipIf(server === undefined)("hides no notation of dates from a table that is there", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query("create table sales (day date, amount integer)");
    const rows: TestCell[][] = [["day", "amount"], ["31/01/2024", 1], ["01/02/2024", 2], ["Total", 3]]; // prettier-ignore
    const file = await writeWorkbook(join(folder.path, "sales.xlsx"), { S: rows });
    const result = await run(folder.path, "import", file, "--to", database.dsn);
    expect(result.stdout).toContain('row 4  invalid_date: day "Total"');
    expect(result.code).toBe(3);
    expect(await database.query("select day::text, amount from sales order by 2")).toEqual([
      ["2024-01-31", "1"],
      ["2024-02-01", "2"],
    ]);
  });
});

describe("a total that is the sum of the rows above it is left out, and named", () => {
  const CITIES: TestCell[][] = [["Region", "City", "Sales"], ["North", "Oslo", 5], ["North", "Bergen", 6]]; // prettier-ignore
  const SOUTH: TestCell[][] = [["South", "Rome", 8], ["South", "Bari", 9]]; // prettier-ignore

  test("subtotals and a grand total in a column of text", async () => {
    const rows = [...CITIES, ["North Total", null, 11], ...SOUTH, ["South Total", null, 17], ["Grand Total", null, 28]];
    const found = await preview(rows);
    expect(found.records).toBe(4);
    expect(found.leftOut).toEqual([{ why: "total", count: 3, rows: [4, 7, 8], text: "North Total" }]);
    expect(found.notes.join()).toContain('rows 4, 7 and 8 ("North Total") are totals');
  });

  test("among ids, so that they stay numbers", async () => {
    const found = await preview([HEAD, ...SALES, ["Total", null, 30], [3, "2024-01-07", 5]]);
    expect([found.records, typesOf(found)]).toEqual([3, ["integer", "date", "integer"]]);
  });

  test.each<[string, TestCell[][]]>([
    ["another number", [...CITIES, ["North Total", null, 12], ...SOUTH]],
    ["the one record above", [...CITIES.slice(0, 2), ["North Total", null, 5], ...SOUTH]],
    ["no number at all", [...CITIES, ["North Total", null, null], ...SOUTH]],
    ["a word that only begins so", [...CITIES, ["Totally", null, 11], ...SOUTH]],
  ])("but not one with %s", async (_, rows) => {
    const found = await preview(rows);
    expect([found.records, found.leftOut]).toEqual([rows.length - 1, []]);
  });

  test("nor a category that comes again and again, such as both sexes together", async () => {
    const rows = [1, 2, 3, 4].flatMap((n): TestCell[][] => [["Men", n], ["Women", n], ["Total", 2 * n]]); // prettier-ignore
    expect((await preview([["Sex", "Count"], ...rows])).records).toBe(12); // prettier-ignore
  });

  test("nor some of one label, if more of them are no sums, as where figures are rounded", async () => {
    const towns = ["A", "B", "C", "D", "E"].flatMap((town, n): TestCell[][] => [
      ...["Men", "Women", "Boys", "Girls"].map((who): TestCell[] => [town, who, 5 + n]),
      ["Total", null, n < 2 ? 4 * (5 + n) : 1],
    ]);
    const found = await preview([["Town", "Who", "Count"], ...towns]);
    expect([found.records, found.leftOut]).toEqual([25, []]);
    expect(found.notes.join()).toContain('rows 6, 11, 16, 21 and 26 ("Total") look like totals and are imported');
  });

  test("one that is kept is named, and why", async () => {
    const found = await preview([...CITIES, ["Total", null, 12]]);
    expect(found.notes).toEqual([
      'row 4 ("Total") looks like a total and is imported: the numbers are not the sums of the rows above',
    ]);
  });
});

describe("the last row without a label", () => {
  const rows: TestCell[][] = [["North", "a", 5, 10], ["South", "b", 6, 20], ["West", "c", 7, 30]]; // prettier-ignore
  const last = async (row: TestCell[], above: TestCell[][] = rows): Promise<unknown> => {
    const { leftOut } = await preview([["Region", "Kind", "Units", "Sales"], ...above, row]);
    return leftOut.map(({ why, rows: numbers }) => [why, numbers]);
  };

  test("is a total, if it leaves the names empty and two of its numbers are sums", async () => {
    expect(await last([null, null, 18, 60])).toEqual([["total", [5]]]);
    const { notes } = await preview([["Region", "Kind", "Units", "Sales"], ...rows, [null, null, 18, 60]]);
    expect(notes).toEqual([
      'row 5 ("18") is a total, the sum of the rows above, and is left out (--all-rows keeps every row)',
    ]);
    // After a subtotal, and with the sum of the sums in one more column.
    const parts: TestCell[][] = [...rows, ["Total", null, 18, 60], ["East", "d", 1, 2], ["Sea", "e", 3, 4]];
    expect(await last([null, null, 22, 66], parts)).toEqual([["total", [5, 8]]]);
    expect(await last([null, null, 18, 60, 78])).toEqual([["total", [5]]]);
  });

  test("is a record, if a sum is missing or wrong, or it has a name", async () => {
    for (const row of [
      [null, null, 18, 61],
      [null, null, 18, null],
      [null, "x", 18, 60],
      [null, null, 0, 0],
    ])
      expect(await last(row)).toEqual([]);
    // Many records have no name, or hardly any record is above it.
    const nameless = rows.map(([, ...cells]): TestCell[] => [null, ...cells]);
    expect(await last([null, null, 18, 60], [["x", "a", 0, 0], ...nameless.map(([, , ...n]): TestCell[] => [null, null, ...n])])).toEqual([]); // prettier-ignore
    expect(await last([null, null, 11, 30], rows.slice(0, 2))).toEqual([]);
  });
});

test("a total in a notation is proven by its sums, and a mark as its label makes it no record with an empty cell", async () => {
  const rows: TestCell[][] = [
    ["material", "text", "pieces", "value"],
    ["4711", "Screw", "1.200", "350,00-"],
    ["4712", "Nut", "900", "120,50"],
    ["4713", "Disc", "15", "0,75-"],
  ];
  const found = await preview([...rows, ["*", null, "2.115", "230,25-"]]);
  expect(found.leftOut).toEqual([{ why: "total", count: 1, rows: [5], text: "*" }]);
  expect(typesOf(found)).toEqual(["integer", "text", "integer", "numeric"]);
  expect(found.sample.map(({ row }) => row)).toEqual([2, 3, 4]);
  const wrong = await preview([...rows, ["*", null, "2.116", "230,25-"]]);
  expect(wrong.leftOut).toEqual([]);
  expect(wrong.notes).toContainEqual(expect.stringMatching(/row 5 \("\*"\) looks like a total and is imported/));
});

test("a total whose label is in a column that is empty otherwise is left out, or said", async () => {
  const rows: TestCell[][] = [
    ["Step", null, "Hours"],
    ["Plan", null, 3],
    ["Build", null, 8],
    ["Test", null, 2],
  ];
  const proven = await preview([...rows, [null, "計", 13]]);
  expect(proven.leftOut).toEqual([{ why: "total", count: 1, rows: [5], text: "計" }]);
  const wrong = await preview([...rows, [null, "Total", 14]]);
  expect(wrong.notes).toContainEqual(expect.stringMatching(/row 5 \("Total"\) looks like a total and is imported/));
});

test("a star before a name is no total, and one beside a currency is", async () => {
  const rows: TestCell[][] = [
    ["flag", "country", "gdp"],
    ["*", "Chile", 5],
    [null, "Peru", 7],
    ["*", "Cuba", 3],
  ];
  expect((await preview(rows)).notes).toEqual([]);
  const amounts: TestCell[][] = [
    ["code", "unit", "value"],
    ["a", "EUR", 5],
    ["b", "EUR", 7],
  ];
  expect((await preview([...amounts, ["*", "EUR", 12]])).leftOut.map(({ rows: [row] }) => row)).toEqual([4]);
});
