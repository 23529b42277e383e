import { expect, test } from "vitest";
import type { SheetPreview } from "../api/shapes.ts";
import { indexOf, letterOf, shownRows } from "./sheet-rows.ts";

test("letters of columns are numbers, and back", () => {
  expect(["A", "Z", "AA", "AZ", "XFD"].map(indexOf)).toEqual([0, 25, 26, 51, 16_383]);
  expect([0, 25, 26, 51, 16_383].map(letterOf)).toEqual(["A", "Z", "AA", "AZ", "XFD"]);
});

test("a row is what the preview takes it for", () => {
  const sheet = {
    headerRows: [3],
    unitsRow: 4,
    firstRow: 6,
    leftOut: [{ why: "below", count: 1, rows: [7], text: "Source" }],
    rejects: { total: 1, reasons: {}, first: [{ row: 6, column: "a", code: "c", reason: "r", cells: [] }] },
  } as unknown as SheetPreview;
  const grid = [1, 3, 4, 5, 6, 7].map((row) => ({ row, cells: [String(row)] }));
  const rows = shownRows(sheet, grid);
  expect(rows.map(({ kind }) => kind)).toEqual(["above", "header", "units", "between", "record", "left-out"]);
  expect(rows.map(({ reject }) => reject?.code)).toEqual([undefined, undefined, undefined, undefined, "c", undefined]);
});
