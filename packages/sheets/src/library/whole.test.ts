// Records by themselves: which cut is noticed, whatever pieces they come in.
import fc from "fast-check";
import { expect, test } from "vitest";
import { cutOffIn, PartRecords } from "./whole.ts";

/** Seven bits in a byte; the high bit says that another one follows. */
function packed(n: number, least = 1): number[] {
  const bytes = [n & 0x7f];
  for (let left = n >>> 7; left > 0 || bytes.length < least; left >>>= 7) bytes.push(left & 0x7f);
  return bytes.map((byte, i) => (i < bytes.length - 1 ? byte | 0x80 : byte));
}
const binary = (type: number, length = 0, least = 1): number[] => [...packed(type), ...packed(length, least), ...Array.from({ length }, (_, i) => i & 0xff)]; // prettier-ignore

/** Whether a part of these bytes is cut off, given in pieces of a size. */
function partOf(name: string, bytes: readonly number[], size = 7): boolean {
  const part = new PartRecords(name);
  for (let at = 0; at < bytes.length; at += size) part.add(Uint8Array.from(bytes.slice(at, at + size)));
  return part.cutOff;
}

test("a part of an .xlsb ends with the record that belongs to its first one", () => {
  const ends = [[131, 132], [159, 160], [278, 279], [129, 130]] as const; // prettier-ignore
  for (const [begin, end] of ends) {
    const body = [...binary(begin, 3), ...binary(0, 200), ...binary(1, 16_384), ...binary(600, 1, 4)];
    for (const size of [1, 2, 3, 1000, 99_999]) {
      expect([begin, partOf("x.bin", [...body, ...binary(end)], size)]).toEqual([begin, false]);
      expect([begin, partOf("x.bin", [...body, ...binary(end, 2)], size)]).toEqual([begin, false]);
      expect([begin, partOf("x.bin", body, size)]).toEqual([begin, true]);
      for (const [, other] of ends.filter(([one]) => one !== begin))
        expect([begin, other, partOf("x.bin", [...body, ...binary(other)], size)]).toEqual([begin, other, true]);
    }
    // What comes after the end does not count.
    expect(partOf("x.bin", [...binary(begin), ...binary(end), ...binary(begin), 9, 9])).toBe(false);
    // The end is whole only with all of its bytes.
    expect(partOf("x.bin", [...binary(begin), ...binary(end, 2).slice(0, -1)])).toBe(true);
  }
  // Another part has no end; an empty one has, if it is called so.
  expect(partOf("x.bin", binary(5, 2))).toBe(false);
  const names = ["xl/workbook.bin", "xl/sharedStrings.bin", "styles.bin", "xl/worksheets/sheet12.bin", "XL/SHEET1.BIN", "xl/sheet.bin", "xl/mysheet1.bin", "xl/sheet1.xml", "x.bin"]; // prettier-ignore
  expect(names.map((name) => partOf(name, []))).toEqual([true, true, true, true, true, false, false, false, false]);
});

const record = (type: number, data: readonly number[] = []): number[] => [type & 0xff, type >> 8, data.length & 0xff, data.length >> 8, ...data]; // prettier-ignore
const BOF = record(0x0809, [0, 6]);
const EOF = record(0x000a);
const address = (at: number): number[] => [at & 0xff, (at >> 8) & 0xff, at >> 16, 0];

/** A stream of a workbook and sheets, with the places at which they end. */
function streamOf(sheets: readonly (readonly number[])[], bof = BOF): { bytes: number[]; ends: number[] } {
  const head = (places: readonly number[]): number[] => [...bof, ...places.flatMap((at) => record(0x0085, [...address(at), 0, 0])), ...record(7, [1, 2, 3]), ...EOF]; // prettier-ignore
  let at = head(sheets.map(() => 0)).length;
  const ends = [at];
  const places = sheets.map((sheet) => {
    const place = at;
    at += sheet.length;
    ends.push(at);
    return place;
  });
  return { bytes: [...head(places), ...sheets.flat()], ends };
}

test("an .xls that is cut anywhere names the first sheet that lacks its end, or 0 for the workbook", () => {
  const chart = [...BOF, ...record(3), ...EOF];
  const sheets = [[...BOF, ...record(1, [5]), ...EOF], [...BOF, ...chart, ...chart, ...record(2), ...EOF], [...BOF, ...EOF]]; // prettier-ignore
  for (const begin of [0x0009, 0x0209, 0x0409, 0x0809]) {
    const { bytes, ends } = streamOf(sheets, record(begin, [0, 6]));
    for (let length = 0; length <= bytes.length; length++) {
      const cut = ends.findIndex((end) => length < end);
      expect([length, cutOffIn(Buffer.from(bytes.slice(0, length)))]).toEqual([length, cut < 0 ? undefined : cut]);
    }
    expect(cutOffIn(Buffer.from([...bytes, 1, 2, 3]))).toBeUndefined();
  }
});

test("a place that is not the beginning of a sheet is passed over, and one past the end is not", () => {
  const workbook = (...places: readonly number[]): Buffer => Buffer.from([...BOF, ...places.flatMap((at) => record(0x0085, address(at))), ...record(0x0085, [1, 2]), ...EOF]); // prettier-ignore
  const { length } = workbook(0);
  expect([cutOffIn(workbook(6)), cutOffIn(workbook(length - 1)), cutOffIn(workbook(length - 2)), cutOffIn(workbook(length))]).toEqual([undefined, 1, undefined, 1]); // prettier-ignore
  expect([cutOffIn(workbook(6, 99)), cutOffIn(workbook())]).toEqual([2, undefined]);
});

test("any records are whole, and none that lacks a byte is", () => {
  const records = fc.array(fc.tuple(fc.constantFrom(1, 2, 0x00ff, 0x0201), fc.uint8Array({ maxLength: 9 })), { maxLength: 6 }); // prettier-ignore
  fc.assert(
    fc.property(records, fc.nat(3), (all, depth) => {
      const inner = all.flatMap(([type, data]) => record(type, [...data]));
      const bytes = [...Array.from({ length: depth + 1 }, () => BOF).flat(), ...inner, ...Array.from({ length: depth + 1 }, () => EOF).flat()]; // prettier-ignore
      expect(cutOffIn(Buffer.from(bytes))).toBeUndefined();
      expect(cutOffIn(Buffer.from(bytes.slice(0, -1)))).toBe(0);
    }),
  );
});
