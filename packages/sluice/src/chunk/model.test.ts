// The encoder compared with a plain model of it: rows of any cells, columns of several types that
// are loaded, left out, made or without a header, with every way in which a row is rejected.
// fast-check prints the seed of a failure.
import { CellType, type RowBatch } from "@sluice/sheets";
import fc from "fast-check";
import { expect, test } from "vitest";
import { table, type Column } from "../schema/schema.ts";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { cellText } from "../values/shown.ts";
import { checkFor, takesText, typedCheckFor } from "../values/values.ts";
import type { Problem } from "../values/verdict.ts";
import { fields, sheetCells, type LoadColumn, type LoadPlan } from "./chunk.ts";
import { Encoder } from "./encode.ts";

const COLUMNS = table({
  name: "t",
  columns: {
    id: { type: "integer", notNull: true },
    note: { type: "text" },
    day: { type: "date" },
    code: { type: "varchar(4)", nulls: ["n/a"] },
    amount: { type: "numeric(6,2)" },
  },
}).columns;
const [ID, NOTE, DAY, CODE, AMOUNT] = COLUMNS as unknown as [Column, Column, Column, Column, Column];

/** The sheet: B is left out, E has no header, and the columns stand in another order than above. */
const LOADED: readonly LoadColumn[] = [
  { column: NOTE, sheetColumn: 1, header: "Note" },
  { column: ID, sheetColumn: 3, header: "Id" },
  { column: CODE, sheetColumn: 4, header: "Code" },
  { column: DAY, sheetColumn: 6, header: "Day" },
];
const HEADERS = [1, 2, 3, 4, 6];
const MADE: readonly LoadColumn[] = [
  { column: AMOUNT, sheetColumn: 0, header: "", made: { row: true } },
  { column: { ...NOTE, name: "joined" }, sheetColumn: 0, header: "", made: { from: [1, 4] } },
];

const PLAN: LoadPlan = {
  file: "f.csv",
  sheet: "s",
  table: "t",
  columns: [...LOADED, ...MADE],
  statement: "copy",
  step: 100,
};

const words = fc.string({
  unit: fc.constantFrom("a", "é", "😀", "\t", "\n", "\r", "\\", "N", '"', " ", "\u00a0"),
  maxLength: 6,
});
const cell: fc.Arbitrary<BatchCell> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  words,
  fc.constantFrom<BatchCell>("7", "n/a", "2024-02-29", "  ", "\u3000 ", "abcde", "nul\0", "x".repeat(70), "-", "1e2"),
  fc.integer({ min: -5, max: 5_000_000_000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  fc.boolean(),
  fc.constantFrom(new Date("2024-02-29T00:00:00Z"), new Date("2024-02-29T12:30:00Z"), new Date("1899-12-31T08:00:00Z")),
  fc.constantFrom<BatchCell>({ error: "#N/A" }, { duration: "37:30:00" }),
);
/** Most rows are good, or nearly so. */
const row = fc
  .tuple(words, cell, fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 99 }) }, cell), fc.oneof(fc.constantFrom<BatchCell>("ab", "n/a", null), cell), fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, cell), fc.oneof(fc.constantFrom<BatchCell>("2024-02-29", null), cell), fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, cell), fc.nat(7))
  .map(([a, b, c, d, e, f, g, n]): BatchCell[] => [a, b, c, d, e, f, g].slice(0, n % 4 === 0 ? 5 : 7)); // prettier-ignore

interface Expected {
  readonly loaded: (string | null)[][];
  readonly numbers: number[];
  readonly rejects: [row: number, column: string | undefined, code: string, value: string | undefined][];
}

const isBlank = (text: string, type: number): boolean => type === CellType.string && text.trim() === "" && text[0] !== "\0"; // prettier-ignore

/** What the encoder has to make of a batch, row by row and cell by cell. */
function model(batch: RowBatch, width: "exact" | "pad"): Expected {
  const found: Expected = { loaded: [], numbers: [], rejects: [] };
  const last = Math.max(...HEADERS);
  for (let r = 0; r < batch.rowCount; r++) {
    const cells = Array.from({ length: batch.firstCell[r + 1]! - batch.firstCell[r]! }, (_, i) => {
      const at = batch.firstCell[r]! + i;
      return { column: batch.columns[at]!, type: batch.types[at]!, bytes: batch.bytes.subarray(batch.starts[at], batch.ends[at]) };
    }).map((one) => ({ ...one, text: one.bytes.toString() })); // prettier-ignore
    if (cells.every(({ text, type }) => isBlank(text, type))) continue;
    const number = batch.rowNumbers[r]!;
    const rejected = (code: string, column?: string, value?: string): false => {
      found.rejects.push([number, column, code, value]);
      return false;
    };
    if (width === "exact" && batch.widths[r]! < last) rejected("too_few_columns");
    else if (batch.badRows?.has(r)) rejected("invalid_encoding");
    else {
      const values = new Map<number, string | null>();
      const missingBefore = (field: number): boolean => {
        const missing = LOADED.slice(0, field).find((one) => one.column.notNull && !values.has(one.sheetColumn));
        if (missing) rejected("missing_value", missing.header);
        return missing !== undefined;
      };
      const judge = (): boolean => {
        for (const { column, type, bytes, text } of cells) {
          if (isBlank(text, type)) continue;
          if (column > last) return rejected("too_many_columns", undefined, cellText(text, type));
          if (!HEADERS.includes(column)) return rejected("missing_header", undefined, cellText(text, type));
          const field = LOADED.findIndex(({ sheetColumn }) => sheetColumn === column);
          if (field < 0) continue;
          if (missingBefore(field)) return false;
          const { column: to, header } = LOADED[field]!;
          const shown = takesText(to) && type !== CellType.string ? batch.shown?.at(number, column) : undefined;
          const check = shown !== undefined || type === CellType.string ? checkFor(to) : typedCheckFor(to);
          const given = shown === undefined ? bytes : Buffer.from(shown);
          const verdict: string | null | undefined | Problem = check?.(given, 0, given.length, shown === undefined ? (type as CellType) : CellType.string); // prettier-ignore
          if (typeof verdict === "object" && verdict !== null)
            return rejected(verdict.code, header, cellText(text, type));
          const value = verdict === undefined ? (shown ?? text) : verdict;
          if (value === null && to.notNull) return rejected("missing_value", header);
          if (value?.includes("\0"))
            return rejected("nul_character", header, verdict === undefined ? cellText(text, type) : value);
          values.set(column, value);
        }
        if (missingBefore(LOADED.length)) return false;
        const texts = [1, 4].map((column) => cells.find((one) => one.column === column)?.text);
        const joined = texts.filter((text) => text !== undefined).join(" ");
        if (joined.includes("\0")) return rejected("nul_character", "", joined);
        found.numbers.push(number);
        found.loaded.push([
          ...LOADED.map(({ sheetColumn }) => values.get(sheetColumn) ?? null),
          String(number),
          joined || null,
        ]);
        return true;
      };
      judge();
    }
  }
  return found;
}

/** A batch of which a row has bytes that are not UTF-8, if there is one with that index. */
const withBadRow = (batch: RowBatch, bad: number | null): RowBatch =>
  bad === null ? batch : { ...batch, badRows: new Set([bad]) };

test("rows are loaded and rejected as the model says, in chunks of any size", () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 12 }),
      fc.constantFrom<"exact" | "pad">("exact", "pad"),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 3 }),
      fc.option(fc.nat(11)),
      (rows, width, first, times, bad) => {
        const batch = withBadRow(batchOfRows(rows, 2), bad);
        const encode = new Encoder(PLAN, HEADERS, width, first, first << times);
        const found: Expected = { loaded: [], numbers: [], rejects: [] };
        const originals: unknown[][] = [];
        const take = (): void => {
          const { chunk, rejects } = encode.take();
          const cells = sheetCells(chunk);
          for (let n = 0; n < chunk.rowCount; n++) {
            found.loaded.push(fields(chunk, n));
            originals.push(cells(n));
          }
          found.numbers.push(...chunk.rowNumbers);
          for (const { row, column, code, value } of rejects) found.rejects.push([row, column, code, value]);
          chunk.release();
        };
        for (let next = 0; next < batch.rowCount;) {
          next = encode.fill(batch, next);
          if (encode.full) take();
        }
        if (!encode.empty) take();
        expect(found).toEqual(model(batch, width));
        // The cells of a loaded row are those of the sheet, without the empty ones at its end.
        for (const [n, number] of found.numbers.entries()) {
          const r = batch.rowNumbers.indexOf(number);
          const stood: unknown[] = [];
          for (let at = batch.firstCell[r]!; at < batch.firstCell[r + 1]!; at++) {
            while (stood.length < batch.columns[at]! - 1) stood.push(null);
            const text = batch.bytes.toString("utf8", batch.starts[at], batch.ends[at]);
            stood.push(batch.types[at] === CellType.string ? text : [["n", "", "b", "e", "d", "t"][batch.types[at]!], text]);
          }
          expect(originals[n]).toEqual(stood);
        }
      },
    ),
    { numRuns: 1500 },
  );
}); // prettier-ignore
