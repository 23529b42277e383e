import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { newDatabase, newFolder, server } from "./test/database.ts";
import { run } from "./test/program.ts";
import { writeWorkbook, type TestCell } from "./test/workbook.ts";
import { previewFile, type SheetPreview } from "./preview.ts";
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
  const docs = readFileSync(new URL("../../../docs/inference.md", import.meta.url), "utf8");
  const list = /\*\*A row of totals\*\*[^]*?:\s+((?:`[^`]+`,?\s+)+)/.exec(docs)![1]!;
  expect([...list.matchAll(/`([^`]+)`/g)].map(([, word]) => word)).toEqual(TOTAL_WORDS);
});

describe("a row of totals at the end", () => {
  test.each<[string, TestCell[][], number]>([
    ["below ids", [["Total", null, 30]], 1],
    ["behind a blank row", [[], ["Summe", null, 30]], 1],
    ["in three rows", [["Subtotal", null, 30], ["Total", 2, 3e9], ["Average", null, 15.5]], 3], // prettier-ignore
    ["below dates", [[null, "Total", 30]], 1],
  ])("%s decides no type and is rejected, which a note says", async (_, totals, rejected) => {
    const found = await preview([HEAD, ...SALES, ...totals]);
    expect(typesOf(found)).toEqual(["integer", "date", "integer"]);
    expect(found.rejects.total).toBe(rejected);
    expect(found.notes.filter((note) => note.includes("looks like a row of totals"))).toHaveLength(rejected);
  });

  test.each<[string, TestCell[][], (string | null)[]]>([
    ["stands among the others", [["Total", null, 30], [3, "2024-01-07", 5]], ["text", "date", "integer"]], // prettier-ignore
    ["is one of more than three", Array.from({ length: 4 }, () => ["Total", null, 1]), ["text", "date", "integer"]], // prettier-ignore
    ["is called something else", [["n/a", null, 30]], ["text", "date", "integer"]],
  ])("counts like any other where it %s", async (_, rows, types) => {
    const found = await preview([HEAD, ...SALES, ...rows]);
    expect(typesOf(found)).toEqual(types);
    expect(found.rejects.total).toBe(0);
    expect(found.notes).toEqual([]);
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
    expect(found.notes).toEqual([]);
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
