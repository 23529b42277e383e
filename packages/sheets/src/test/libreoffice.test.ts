// Workbooks that LibreOffice made from sources of ours (scripts/fixtures.sh), and what must be read of them, written by hand.
// LibreOffice has habits that show; fixtures/libreoffice/README.md lists them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CellError, type CellValue } from "../rows.ts";
import { open } from "../workbook.ts";

const folder = join(import.meta.dirname, "fixtures/libreoffice");
const files = readdirSync(folder).sort();
const names = files.filter((file) => file.endsWith(".xlsx"));

test("every source has its workbook and its cells", () => {
  const sources = files.filter((file) => /\.(fods|csv)$/.test(file)).map((file) => file.replace(/\.\w+$/, ""));
  expect(names).toEqual(sources.map((source) => `${source}.xlsx`));
  expect(files).toEqual(expect.arrayContaining(sources.map((source) => `${source}.json`)));
});

test.each(names)("%s is read cell for cell", async (name) => {
  const sheets: unknown[] = [];
  await using book = await open(join(folder, name));
  for (const { name, index, state } of book.sheets) {
    const cells: Record<string, readonly [string, string | number | boolean]> = {};
    for await (const row of book.sheet(index).rows())
      for (const { ref, type, value } of row.cells()) cells[ref] = [type, printed(value)];
    sheets.push({ name, hidden: state !== "visible", cells });
  }
  expect({ sheets }).toEqual(JSON.parse(readFileSync(join(folder, name.replace(/xlsx$/, "json")), "utf8")));
});

test("the workbook with dates since 1904 says so", async () => {
  await using book = await open(join(folder, "dates-1904.xlsx"));
  expect(book.date1904).toBe(true);
});

test("the row with the 29 February 1900 that never was carries a warning, and no other does", async () => {
  await using book = await open(join(folder, "date-formats.xlsx"));
  const warnings: number[] = [];
  for await (const row of book.sheet("Dates").rows()) warnings.push(row.warnings.length);
  expect(warnings).toEqual([0, 0, 0, 0, 0, 0, 1]);
});

test("merged, hidden and styled cells leave the widths of their rows as they are in the file", async () => {
  await using book = await open(join(folder, "sheets.xlsx"));
  expect(book.sheet().name).toBe("First");
  const widths = new Map<number, number>();
  for await (const row of book.sheet("Styled").rows()) widths.set(row.number, row.width);
  expect([widths.get(2), widths.get(63)]).toEqual([3, 1]);
});

function printed(value: CellValue): string | number | boolean {
  if (value === null) throw new Error("cells() lists an empty cell");
  if (value instanceof Date) return value.toISOString().slice(0, -1);
  return value instanceof CellError ? value.code : value;
}
