// Sheets read on other cores: the same cells, warnings and errors as the serial reader gives, in
// the same order.
import { getEventListeners } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RowBatch } from "../cells/batch.ts";
import { SheetError } from "../errors.ts";
import { hazards } from "../test/hazards/catalogue.ts";
import { corpus } from "../test/corpus.ts";
import { open } from "../workbook.ts";
import { batches, type ParallelOptions, sheets } from "./index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sheets-parallel-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All that a batch says, row by row, so that it does not matter where batches are cut. */
function rowsOf(batch: RowBatch): unknown[] {
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const number = batch.rowNumbers[row] as number;
    const cells = [];
    for (let i = batch.firstCell[row] as number; i < (batch.firstCell[row + 1] as number); i++) {
      const column = batch.columns[i] as number;
      const text = batch.bytes.toString("utf8", batch.starts[i], batch.ends[i]);
      const more = [batch.shown, batch.raised, batch.links].map((texts) => texts?.at(number, column));
      cells.push([column, batch.types[i], batch.flags[i], text, ...more]);
    }
    const warnings = batch.warnings.filter((warning) => warning.row === number);
    return [number, batch.widths[row], batch.badRows?.has(row) ?? false, cells, warnings];
  });
}

/** What an iteration gives: its rows, and how it ended. */
async function taken(read: () => AsyncIterable<RowBatch>): Promise<unknown[]> {
  const all: unknown[] = [];
  try {
    for await (const batch of read()) {
      all.push(...rowsOf(batch));
      batch.release();
    }
  } catch (error) {
    all.push(error instanceof SheetError ? error.toJSON() : error);
  }
  return all;
}

async function serially(file: string, options: ParallelOptions): Promise<unknown[]> {
  try {
    await using book = await open(file, options);
    const all: unknown[] = [];
    for (const info of book.sheets) all.push(info.name, await taken(() => book.sheet(info.index).batches(options)));
    return all;
  } catch (error) {
    return [(error as SheetError).toJSON()];
  }
}

async function atOnce(file: string, options: ParallelOptions): Promise<unknown[]> {
  try {
    const all: unknown[] = [];
    for await (const { sheet, batches } of sheets(file, options)) all.push(sheet.name, await taken(() => batches));
    return all;
  } catch (error) {
    return [(error as SheetError).toJSON()];
  }
}

const every: ParallelOptions = { links: true, raised: true, badBytes: "mark" };

test("every hazard is read as by the serial reader, or refused as by it", async () => {
  for (const [i, hazard] of hazards.entries()) {
    const file = join(folder, `hazard ${i}`);
    writeFileSync(file, hazard.file());
    expect([hazard.name, await atOnce(file, every)]).toEqual([hazard.name, await serially(file, every)]);
  }
}, 120_000);

test.skipIf(!existsSync(join(corpus, "files")))(
  "so are files of the corpus, if it is there",
  async () => {
    const streaming: ParallelOptions = { formats: "streaming" };
    const files = readdirSync(join(corpus, "files"), { withFileTypes: true, recursive: true })
      .filter((file) => file.isFile())
      .map(({ name, parentPath }) => join(parentPath, name))
      .toSorted();
    // One of ten: each worker opens each file once more for each of its sheets.
    for (const file of files.filter((_, i) => i % 10 === 0)) {
      expect([file, await atOnce(file, streaming)]).toEqual([file, await serially(file, streaming)]);
    }
  },
  300_000,
);

/** A text of n rows. Its last row is broken if it is to be. */
function text(name: string, n: number, isBroken = false): string {
  const file = join(folder, name);
  const rows = Array.from({ length: n }, (_, i) => `${i},text ${i},"quoted, ${i}"\n`);
  writeFileSync(file, `${rows.join("")}${isBroken ? '"never closed' : ""}`);
  return file;
}

test("an error comes after the rows before it", async () => {
  const file = text("broken.csv", 50_000, true);
  const found = await taken(() => batches(file));
  expect(found).toEqual(await taken(() => serialBatches(file)));
  expect(found.length).toBeGreaterThan(1);
  expect(found.at(-1)).toMatchObject({ code: "unclosed_quote" });
});

async function* serialBatches(file: string): AsyncGenerator<RowBatch> {
  await using book = await open(file);
  yield* book.sheet().batches();
}

test("a sheet is chosen by its name or number, and rows by their numbers; a URL names a file too", async () => {
  const file = text("rows.csv", 100);
  const found = await taken(() => batches(pathToFileURL(file), 0, { from: 10, to: 12 }));
  expect(found.map((row) => (row as [number])[0])).toEqual([10, 11, 12]);
  expect(await taken(() => batches(file, "nothing"))).toMatchObject([{ code: "unknown_sheet" }]);
  expect(await taken(() => batches(join(folder, "nowhere.csv")))).toMatchObject([{ code: "file_not_found" }]);
  await expect(sheets(file, { sheets: ["nothing"] }).next()).rejects.toMatchObject({ code: "unknown_sheet" });
});

test("leaving the iteration ends the reading, and so does the signal", async () => {
  const file = text("long.csv", 300_000);
  let seen = 0;
  for await (const batch of batches(file)) {
    seen += batch.rowCount;
    break;
  }
  expect(seen).toBeLessThan(300_000);

  const abort = new AbortController();
  const reason = new Error("enough");
  const reading = (async () => {
    for await (const _ of batches(file, undefined, { signal: abort.signal })) abort.abort(reason);
  })();
  await expect(reading).rejects.toBe(reason);
  for await (const _ of sheets(file)) break;
  expect(() => batches(file, undefined, { signal: abort.signal })[Symbol.asyncIterator]()).toThrow(reason);
});

test("a signal is let go of when the reading has ended", async () => {
  const file = text("short.csv", 10);
  const { signal } = new AbortController();
  await taken(() => batches(file, undefined, { signal }));
  for await (const _ of batches(file, undefined, { signal })) break;
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
