import type { RowBatch } from "@sluice/sheets";
import { expect, test } from "vitest";
import type { SheetView } from "../rejects/as-source.ts";
import { batchOfRows } from "../test/batch.ts";
import { RecordReader } from "./record-reader.ts";
import { EVERY_ROW } from "./records.ts";

/** A sheet of one row a batch, which counts the readings that are open. */
function countedSheet(rows: number): { readonly sheet: SheetView; readonly open: () => number } {
  let open = 0;
  const sheet: SheetView = {
    name: "s",
    index: 0,
    state: "visible",
    size: 0,
    delimiter: undefined,
    isRejectFile: async () => false,
    merged: async () => undefined,
    hasLinks: async () => false,
    mentionsLinks: async () => false,
    async *batches({ from = 1 } = {}): AsyncGenerator<RowBatch, void, undefined> {
      open++;
      try {
        for (let row = from; row <= rows; row++) yield batchOfRows([[`row ${row}`]], row);
      } finally {
        open--;
      }
    },
  };
  return { sheet, open: () => open };
}

test.each([1, 3])(
  "one reading is open at a time, if records begin in row %i, and none in the end",
  async (firstRow) => {
    const { sheet, open } = countedSheet(5);
    const reader = new RecordReader(sheet, 1, []);
    expect(await reader.first.isEmpty()).toBe(false);
    await reader.startWith({ ...EVERY_ROW, firstRow });
    const first = await reader.next();
    expect([first?.rowNumbers[0], open()]).toEqual([firstRow, 1]);
    await reader.close();
    expect(open()).toBe(0);
  },
);
