import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { previewFile, type PreviewOptions, type SheetPreview } from "../preview.ts";
import { MergedFill, mergedDown } from "./merged.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { batchOfRows } from "../test/batch.ts";
import { run } from "../test/program.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";

const GROUPS: TestCell[][] = [
  ["Region", "City", "Sales"],
  ["North", "Oslo", 5],
  [null, "Bergen", 6],
  ["", "Tromsø", 7],
  ["South", "Rome", 8],
  [null, "Bari", 9],
];
const MERGED = ["A2:A4", "A5:A6"];

async function look(options: Partial<PreviewOptions> = {}, merged = MERGED): Promise<SheetPreview> {
  await using folder = newFolder();
  const file = await writeWorkbook(join(folder.path, "cities.xlsx"), { S: GROUPS }, merged);
  return (await previewFile({ file, ...options })).imports[0]!;
}

const regions = ({ sample }: SheetPreview): (string | null)[] => sample.map(({ values }) => values[0]!);

test("cells that are merged downwards are empty below the first, and a note says so", async () => {
  const found = await look();
  expect(regions(found)).toEqual(["North", null, null, "South", null]);
  expect(found.notes).toEqual([
    "A2:A4, A5:A6 are merged, and their rows below the first are empty there; --fill-merged fills them",
  ]);
});

test("--fill-merged fills them, and them alone", async () => {
  const found = await look({ fillMerged: true });
  expect([regions(found), found.notes]).toEqual([["North", "North", "North", "South", "South"], []]);
  expect(regions(await look({ fillMerged: true }, ["A2:A3"]))).toEqual(["North", "North", null, "South", null]);
});

test("of ranges that overlap in a column, the one that begins later has the cells", async () => {
  const overlapping = ["A2:A6", "A2:A3", "A4:A6", "A5:A5", "A5:A6"];
  const rows = GROUPS.map((row, n) => (n === 3 ? ["East", ...row.slice(1)] : row));
  await using folder = newFolder();
  const file = await writeWorkbook(join(folder.path, "cities.xlsx"), { S: rows }, overlapping);
  const found = (await previewFile({ file, fillMerged: true })).imports[0]!;
  expect(regions(found)).toEqual(["North", "North", "East", "South", "South"]);
});

test("a hundred thousand ranges over the same rows are filled by the cells, not by the ranges", () => {
  const ROWS = 20_000;
  const rows = Array.from({ length: ROWS }, (_, n) => [n === 0 ? "North" : null, n]);
  const ranges = Array.from({ length: 100_000 }, (_, n) => ({ firstRow: 1, lastRow: ROWS - (n % 1000), firstColumn: 1, lastColumn: 1 })); // prettier-ignore
  const filled = new MergedFill(mergedDown(ranges, 1)).fill(batchOfRows(rows));
  expect(filled.cellCount).toBe(2 * ROWS);
  expect(filled.columns.filter((column) => column === 1)).toHaveLength(ROWS);
});

test("cells that are filled weigh at most 8 times what the rows hold, and 64 MiB, in a batch and in the sheet", () => {
  const label = "n".repeat(1024 ** 2);
  // 32 bytes and a text of 1 MiB, 72 times, are 8 times the cells below and 64 MiB, nearly.
  const fill = (rows: number): void => {
    const merged = new MergedFill([{ column: 1, firstRow: 1, lastRow: 1000 }]);
    const batches = [batchOfRows([[label, "x"]]), ...Array.from({ length: rows }, (_, n) => batchOfRows([[null, "x"]], n + 2))];
    for (const batch of batches) merged.fill(batch);
  }; // prettier-ignore
  expect(() => fill(72)).not.toThrow();
  expect(() => fill(73)).toThrow(
    /^Row 74: merged cells would give .* more than 8 times what they hold themselves\. Take the merging off/,
  );
  const wide = (columns: number): void => {
    const merged = new MergedFill(Array.from({ length: columns }, (_, n) => ({ column: n + 1, firstRow: 1, lastRow: 9 })));
    merged.fill(batchOfRows([Array.from({ length: columns }, () => label)]));
    for (let row = 0; row < 8; row++) merged.fill(batchOfRows([[...Array.from({ length: columns }, () => null), "x"]], row + 2));
  }; // prettier-ignore
  expect(() => wide(63)).not.toThrow();
  expect(() => wide(65)).toThrow(/^Row 2: /);
});

test("what is merged across, or in the header, is neither filled nor said", async () => {
  const found = await look({ fillMerged: true }, ["A1:C1", "B2:C2"]);
  expect([regions(found), found.notes]).toEqual([["North", null, null, "South", null], []]);
});

test("--fill-merged of another format is refused, with what to do", async () => {
  await using folder = newFolder();
  await writeFile(join(folder.path, "a.csv"), "x,y\n1,2\n");
  const result = await run(folder.path, "preview", "a.csv", "--fill-merged");
  expect([result.code, result.stderr]).toEqual([2, expect.stringContaining("--fill-merged takes an .xlsx file")]);
});

test.skipIf(server === undefined)("an import fills groups that go on over many batches", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const rows = Array.from({ length: 40_000 }, (_, n): TestCell[] => [n % 20_000 === 0 ? `R${n}` : null, n]);
  await writeWorkbook(join(folder.path, "big.xlsx"), { S: [["Region", "n"], ...rows] }, ["A2:A20001", "A20002:A40001"]);
  const result = await run(folder.path, "import", "big.xlsx", "--fill-merged", "--to", database.dsn);
  expect(result.code).toBe(0);
  expect(await database.query("select region, count(*), min(n) from big group by 1 order by 1")).toEqual([
    ["R0", "20000", "0"],
    ["R20000", "20000", "20000"],
  ]);
});
