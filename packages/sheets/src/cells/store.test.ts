import { expect, test, vi } from "vitest";
import { open } from "../index.ts";
import type { RowBatch } from "./batch.ts";
import type * as Stores from "./store.ts";
import { storeSize } from "./store.ts";

/** A new copy of the module, without the stores of other tests. */
async function fresh(): Promise<typeof Stores> {
  vi.resetModules();
  return await import("./store.ts");
}

test("a reading takes the store that another one has left, once, and only in its own size", async () => {
  const { leave, StorePool } = await fresh();
  const size = storeSize(5000);
  const left = new StorePool(size).take();
  leave(left);
  expect(new StorePool(size * 2).take()).not.toBe(left);
  expect(new StorePool(size).take()).toBe(left);
  expect(new StorePool(size).take()).not.toBe(left);
});

test("a large store, and one more than a few, give their memory back", async () => {
  const { leave, StorePool } = await fresh();
  const large = new StorePool(storeSize(1e9) * 2).take();
  leave(large);
  expect(large.bytes.buffer.byteLength).toBe(0);
  const stores = Array.from({ length: 10 }, () => new StorePool(4096).take());
  for (const store of stores) leave(store);
  expect(stores.filter(({ bytes }) => bytes.buffer.byteLength > 0).length).toBeLessThanOrEqual(4);
});

test.each([
  [0, 4096],
  [3840, 4096],
  [3841, 8192],
  [524_032, 524_288],
  [524_033, 524_288],
  [1e12, 524_288],
])("the stores for %d bytes have room for %d", (bytes, size) => {
  expect(storeSize(bytes)).toBe(size);
});

test("a batch that was not released is its reader's, whatever is read after it", async () => {
  const read = async (text: string): Promise<RowBatch> => {
    await using book = await open(new Blob([text]));
    const all: RowBatch[] = [];
    for await (const batch of book.sheet().batches()) all.push(batch);
    expect(all.length).toBe(1);
    return all[0]!;
  };
  const texts = ["first,1\n", "second,2\n", "third,3\n", "fourth,4\n"];
  const batches: RowBatch[] = [];
  for (const text of texts) batches.push(await read(text));
  const found = batches.map(({ bytes, starts, ends }) => bytes.toString("latin1", starts[0], ends[0]));
  expect(found).toEqual(["first", "second", "third", "fourth"]);
});
