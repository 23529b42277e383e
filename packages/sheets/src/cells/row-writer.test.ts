// Batches that are built cell by cell, compared with the cells that were put in; and the small
// parts of cells: numbers, references, superscripts.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CellType, PLAIN, type RowBatch } from "./batch.ts";
import { parseNumber } from "./number.ts";
import { cellName, columnName, parseReference } from "./reference.ts";
import { batchOf, RowWriter } from "./row-writer.ts";
import { raised } from "./superscript.ts";
import { defaultLimits } from "../limits.ts";

type Put = readonly [column: number, type: CellType, text: string];

/** A batch's rows, as they were put in. */
function rowsOf(batch: RowBatch): [row: number, width: number, cells: (Put | readonly [...Put, number])[]][] {
  return Array.from(batch.rowNumbers, (number, r) => [
    number,
    batch.widths[r]!,
    Array.from({ length: batch.firstCell[r + 1]! - batch.firstCell[r]! }, (_, i) => {
      const cell = batch.firstCell[r]! + i;
      const text = batch.bytes.toString("utf8", batch.starts[cell], batch.ends[cell]);
      return [batch.columns[cell]!, batch.types[cell] as CellType, text, batch.flags[cell]!] as const;
    }),
  ]);
}

const text = fc.string({ unit: fc.constantFrom("a", "é", "中", "😀", " ", "\n", "\\", '"', "\x7f", "\0", "]") });
const cells = fc
  .uniqueArray(fc.integer({ min: 1, max: 16_384 }), { maxLength: 6 })
  .chain((columns) =>
    fc.tuple(
      ...columns.toSorted((a, b) => a - b).map((column) => fc.tuple(fc.constant(column), fc.constantFrom(...Object.values(CellType)), text)),
    ),
  ); // prettier-ignore

test("rows come out as they were put in, over any number of batches", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(cells, fc.nat(9), fc.boolean())), fc.integer({ min: 1, max: 4 }), (rows, takeEvery) => {
      const writer = new RowWriter(defaultLimits);
      const found: unknown[] = [];
      const want: unknown[] = [];
      const take = (): void => {
        const taken = writer.take();
        if (!taken) return;
        const batch = batchOf(taken, 0.5);
        expect([batch.rowCount, batch.cellCount, batch.progress]).toEqual([batch.rowNumbers.length, batch.columns.length, 0.5]);
        found.push(...rowsOf(batch).map((row) => [...row, batch.warnings.filter((one) => one.row === row[0])]));
      };
      for (const [n, [of, width, warned]] of rows.entries()) {
        const row = n + 1;
        for (const [column, type, value] of of) writer.put(row, column, type, value);
        if (warned) writer.warn(row, `warning ${row}`);
        writer.endRow(row, width);
        const kept = of.filter(([, , value]) => value !== "");
        if (kept.length > 0 || warned) {
          const flags = (value: string): number => (/[\0-\x1f"\\\x7f]/.test(value) ? 0 : PLAIN);
          want.push([row, width, kept.map(([column, type, value]) => [column, type, value, flags(value)]), warned ? [{ row, message: `warning ${row}` }] : []]);
        }
        if (row % takeEvery === 0) take();
      }
      take();
      expect(found).toEqual(want);
      expect(writer.take()).toBeUndefined();
    }),
  );
}); // prettier-ignore

test("a batch is full by its cells or its bytes, and empty again when it was taken", () => {
  const writer = new RowWriter(defaultLimits);
  for (let row = 1; row < 16_384; row++) writer.put(row, 1, CellType.number, "7");
  expect(writer.full).toBe(false);
  writer.put(16_384, 1, CellType.number, "7");
  writer.endRow(16_384, 1);
  expect(writer.full).toBe(true);
  writer.take();
  expect(writer.full).toBe(false);
  writer.put(1, 1, CellType.string, "x".repeat(512 * 1024 - 1));
  expect(writer.full).toBe(false);
  writer.put(1, 2, CellType.string, "x");
  expect(writer.full).toBe(true);
});

test("what is besides the values belongs to its own batch", () => {
  const writer = new RowWriter(defaultLimits);
  const put = (row: number): RowBatch => {
    writer.put(row, 2, CellType.number, "7");
    writer.show(row, 2, `shown ${row}`);
    writer.link(row, 2, `link ${row}`);
    writer.raise(row, 2, `raised ${row}`);
    writer.endRow(row, 2);
    return batchOf(writer.take()!, 1);
  };
  for (const row of [1, 2]) {
    const { shown, links, raised } = put(row);
    expect([shown, links, raised].map((texts) => [...texts!.entries()])).toEqual([
      [[row, 2, `shown ${row}`]],
      [[row, 2, `link ${row}`]],
      [[row, 2, `raised ${row}`]],
    ]);
  }
  writer.put(3, 1, CellType.number, "7");
  writer.endRow(3, 1);
  expect(batchOf(writer.take()!, 1)).toMatchObject({ shown: undefined, links: undefined, raised: undefined });
});

test("a row of nothing is kept only with a warning of its own", () => {
  const writer = new RowWriter(defaultLimits);
  writer.warn(1, "first");
  writer.endRow(1, 0);
  writer.endRow(2, 3);
  writer.put(3, 1, CellType.string, "");
  writer.endRow(3, 1);
  expect([...batchOf(writer.take()!, 1).rowNumbers]).toEqual([1]);
});

test("serial numbers and durations are dates, durations, or the numbers that they are", () => {
  const writer = new RowWriter(defaultLimits);
  writer.putSerial(1, 1, 43_861.5, false, false);
  writer.putSerial(1, 2, 43_861.5, true, false);
  writer.putSerial(1, 3, -1, false, false);
  writer.putSerial(1, 4, 60, false, false);
  writer.putSerial(1, 5, 0.5, false, false);
  writer.putSerial(1, 6, 0.5, false, true);
  writer.putSerial(1, 7, 0.5, true, false);
  writer.putDuration(1, 8, 1.5);
  writer.putDuration(1, 9, -0.5);
  writer.putDuration(1, 10, 1e300);
  writer.endRow(1, 10);
  const batch = batchOf(writer.take()!, 1);
  expect(rowsOf(batch)[0]![2].map(([column, type, value]) => [column, type, value])).toEqual([
    [1, CellType.date, "2020-01-31T12:00:00.000"],
    [2, CellType.date, "2024-02-01T12:00:00.000"],
    [3, CellType.number, "-1"],
    [4, CellType.date, "1900-02-28T00:00:00.000"],
    [5, CellType.date, "1899-12-31T12:00:00.000"],
    [6, CellType.date, "1899-12-31T12:00:00.000"],
    [7, CellType.date, "1904-01-01T12:00:00.000"],
    [8, CellType.duration, "36:00:00"],
    [9, CellType.duration, "-12:00:00"],
    [10, CellType.number, "1e+300"],
  ]);
  expect(batch.warnings).toEqual([
    { row: 1, message: "D1 shows 29 February 1900, a day that never was; it is read as 28 February 1900" },
    { row: 1, message: "E1 shows 0 January 1900, a day that never was; it is read as 31 December 1899" },
  ]);
});

test.each([
  [{ rows: 4 }, 5, 1, "x", "row_out_of_range", "A5", "There is a row 5, beyond the limit rows = 4; raise the limit to read on."],
  [{ columns: 2 }, 1, 3, "x", "column_out_of_range", "C1", "There is a cell C1, beyond the limit columns = 2; raise the limit to read on."],
  [{ cellBytes: 5 }, 2, 2, "€€", "limit", "B2", "B2 has more than the limit cellBytes = 5; raise the limit to read it."],
] as const)("with the limits %j a cell is refused with its name", (limits, row, column, value, code, cell, message) => {
  const writer = new RowWriter({ ...defaultLimits, ...limits });
  writer.put(1, 1, CellType.string, "12345");
  expect(() => writer.put(row, column, CellType.string, value)).toThrow(expect.objectContaining({ code, cell, message }));
  writer.put(row, column, CellType.string, "");
}); // prettier-ignore

describe("numbers", () => {
  const parsed = (value: string): number => parseNumber(Buffer.from(`1${value}1`, "latin1"), 1, 1 + value.length);

  test("are those that JavaScript reads, to the last bit", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 24 });
    const number = fc
      .tuple(fc.constantFrom("", "-"), digits, fc.constantFrom("", "."), digits, fc.constantFrom("", "", "e5", "E-7", "e+22"))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(number, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)), (value) => {
        const isNumber = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value);
        expect(parsed(value)).toBe(isNumber ? Number(value) : Number.NaN);
      }),
      { numRuns: 2000 },
    );
  }); // prettier-ignore

  test.each([
    "",
    "-",
    ".",
    "-.",
    "1.2.3",
    "1-",
    "--1",
    "1e",
    "1e+",
    "e5",
    "0x10",
    "1 ",
    " 1",
    "1,5",
    "Infinity",
    "NaN",
    "1_0",
    "+",
  ])("%j is none", (value) => expect(parsed(value)).toBeNaN());

  test("are not longer than 400 characters", () => {
    expect(parsed("1".repeat(300))).toBe(Number("1".repeat(300)));
    expect(parsed(`0.${"0".repeat(397)}1`)).toBe(0);
    expect(parsed(`0.${"0".repeat(398)}1`)).toBeNaN();
    expect([parsed("+1"), parsed("1."), parsed("-0")]).toEqual([1, 1, -0]);
  });
});

test("a reference names a column and a row, and is read as it was written", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 0, max: 2 ** 40 }), (column, row) => {
      const name = cellName(column, row);
      expect(parseReference(name)).toEqual({ column, row });
      expect(parseReference(` ${name.toLowerCase()} `)).toEqual({ column, row });
      expect(name).toBe(`${columnName(column)}${row}`);
    }),
  );
  expect([1, 26, 27, 52, 53, 702, 703, 16_384].map(columnName)).toEqual(["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"]);
  for (const wrong of ["", "A", "1", "$A$1", "A1B", "A-1", "1A", "A1.0", "Ä1", "ABCDEFGHIJK1", `A${"1".repeat(16)}`])
    expect([wrong, parseReference(wrong)]).toEqual([wrong, undefined]);
}); // prettier-ignore

test("superscripts are Unicode's, and what has none stays", () => {
  expect(raised("0123456789")).toBe("⁰¹²³⁴⁵⁶⁷⁸⁹");
  expect(raised("a,b*")).toBe("ᵃ,ᵇ*");
});
