import { expect, test } from "vitest";
import { readMerged } from "./merged.ts";

const sheet =
  '<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&lt;mergeCell ref="J1:K1"/></t></is></c></row></sheetData>' +
  '<mergeCells count="3"><mergeCell ref="A1:B2"/><mergeCell ref="$C$1:$C$10"/><mergeCell ref="AA3:ZZ1048576"/></mergeCells></worksheet>';

test.each([1, 7, 40, 1000])("each range is read once, in pieces of %i bytes", async (size) => {
  expect(await readMerged(pieces(sheet, size), {})).toEqual([
    { firstRow: 1, lastRow: 2, firstColumn: 1, lastColumn: 2 },
    { firstRow: 1, lastRow: 10, firstColumn: 3, lastColumn: 3 },
    { firstRow: 3, lastRow: 1_048_576, firstColumn: 27, lastColumn: 702 },
  ]);
});

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}
