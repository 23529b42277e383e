// Workbooks that LibreOffice made from sources of ours (scripts/fixtures.sh), and what must be read of them, written by hand.
// Two habits of LibreOffice show: a formula's boolean becomes a number with a format that shows TRUE, and SQRT(-1) is #VALUE!.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CellError, type CellValue } from "../rows.ts";
import { open } from "../workbook.ts";

const folder = join(import.meta.dirname, "fixtures/libreoffice");
const names = readdirSync(folder).filter((file) => file.endsWith(".xlsx"));

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

function printed(value: CellValue): string | number | boolean {
  if (value === null) throw new Error("cells() lists an empty cell");
  if (value instanceof Date) return value.toISOString().slice(0, -1);
  return value instanceof CellError ? value.code : value;
}
