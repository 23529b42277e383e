import type { RowBatch } from "@sluice/sheets";
import { expect, test } from "vitest";
import type { SheetView } from "../rejects/as-source.ts";
import { batchOfRows } from "../test/batch.ts";
import { FirstBatches } from "./first-batches.ts";

const MIB = 1024 ** 2;

/**
 * A sheet of one row a batch.
 *
 * @param size the memory of a batch
 * @param bad the row at which a reading fails
 */
function sheetOf(rows: number, { size = 0, bad = 0 } = {}) {
  const readings: number[] = [];
  const released: number[] = [];
  const view: Pick<SheetView, "batches"> = {
    async *batches({ from = 1 } = {}): AsyncGenerator<RowBatch, void, undefined> {
      readings.push(from);
      for (let row = from; row <= rows; row++) {
        if (row === bad) throw new Error(`row ${row} is damaged`);
        const batch = batchOfRows([[`row ${row}`]], row);
        const bytes = size === 0 ? batch.bytes : Buffer.concat([batch.bytes, Buffer.alloc(size - batch.bytes.length)]);
        yield { ...batch, bytes, release: () => released.push(row) };
      }
    },
  };
  return { view: view as SheetView, readings, released };
}

async function lookAt(first: FirstBatches, most = Number.POSITIVE_INFINITY): Promise<number[]> {
  const rows: number[] = [];
  for await (const batch of first.look()) {
    rows.push(batch.rowNumbers[0]!);
    first.lookedAt(batch);
    if (rows.length === most) break;
  }
  return rows;
}

async function takeAll(first: FirstBatches): Promise<number[]> {
  const rows: number[] = [];
  for (let batch = await first.take(); batch; batch = await first.take()) {
    rows.push(batch.rowNumbers[0]!);
    batch.release();
  }
  return rows;
}

test("the sheet is read once, however many look at it before it is loaded", async () => {
  const { view, readings, released } = sheetOf(5);
  const first = new FirstBatches(view, 2);
  expect(await first.isEmpty()).toBe(false);
  expect(await lookAt(first, 2)).toEqual([2, 3]);
  expect(await Promise.all([lookAt(first), lookAt(first)])).toEqual([
    [2, 3, 4, 5],
    [2, 3, 4, 5],
  ]);
  expect(released).toEqual([]);
  expect(await takeAll(first)).toEqual([2, 3, 4, 5]);
  expect(released).toEqual([2, 3, 4, 5]);
  expect(readings).toEqual([2]);
  // Whoever looks after that reads by himself.
  expect(await lookAt(first, 1)).toEqual([2]);
  expect(readings).toEqual([2, 2]);
});

test("32 MiB of batches are kept, and the others are read again", async () => {
  const { view, readings, released } = sheetOf(6, { size: 16 * MIB });
  const first = new FirstBatches(view, 1);
  expect(await lookAt(first, 2)).toEqual([1, 2]);
  expect(readings).toEqual([1]);
  expect(await lookAt(first)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(readings).toEqual([1, 3]);
  expect(released).toEqual([3, 4, 5, 6]);
  expect(await takeAll(first)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(readings).toEqual([1, 3]);

  const smaller = sheetOf(4, { size: 16 * MIB - 1 });
  expect(await lookAt(new FirstBatches(smaller.view, 1))).toEqual([1, 2, 3, 4]);
  expect(smaller.readings).toEqual([1, 4]);
});

test("whoever looks, and the load, are told of a damage in the same row", async () => {
  const { view, readings } = sheetOf(5, { bad: 3 });
  const first = new FirstBatches(view, 1);
  await expect(lookAt(first)).rejects.toThrow("row 3 is damaged");
  await expect(lookAt(first)).rejects.toThrow("row 3 is damaged");
  expect((await first.take())?.rowNumbers[0]).toBe(1);
  expect((await first.take())?.rowNumbers[0]).toBe(2);
  await expect(first.take()).rejects.toThrow("row 3 is damaged");
  expect(readings).toEqual([1]);
});

test("a sheet without rows is empty", async () => {
  const first = new FirstBatches(sheetOf(0).view, 1);
  expect(await first.isEmpty()).toBe(true);
  expect(await lookAt(first)).toEqual([]);
  expect(await first.take()).toBeUndefined();
});
