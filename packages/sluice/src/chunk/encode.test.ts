import { CellType, PLAIN, type RowBatch } from "@sluice/sheets";
import { expect, test } from "vitest";
import { fields, lines, sheetCells, type LoadPlan } from "./chunk.ts";
import { columnLetters } from "../xlsx/text.ts";
import { Encoder } from "./encode.ts";
import { table, type TableSpec } from "../schema/schema.ts";
import { batchOfRows } from "../test/batch.ts";

interface TestRow {
  readonly number: number;
  readonly width?: number;
  /** By column (1-based); a number is a number cell. */
  readonly cells: Readonly<Record<number, string | number>>;
}

function batchOf(rows: readonly TestRow[]): RowBatch {
  const cells = rows.flatMap((row) =>
    Object.entries(row.cells).map(([column, value]) => ({ column: Number(column), value })),
  );
  const texts = cells.map(({ value }) => Buffer.from(String(value)));
  const ends: number[] = [];
  for (const text of texts) ends.push((ends.at(-1) ?? 0) + text.length);
  const firstCell = [0];
  for (const row of rows) firstCell.push(firstCell.at(-1)! + Object.keys(row.cells).length);
  return {
    rowCount: rows.length,
    cellCount: cells.length,
    bytes: Buffer.concat(texts),
    rowNumbers: Int32Array.from(rows, (row) => row.number),
    widths: Int32Array.from(rows, (row) => row.width ?? Math.max(...Object.keys(row.cells).map(Number))),
    firstCell: Int32Array.from(firstCell),
    columns: Int32Array.from(cells, ({ column }) => column),
    types: Uint8Array.from(cells, ({ value }) => (typeof value === "number" ? CellType.number : CellType.string)),
    flags: Uint8Array.from(texts, (text) =>
      text.some((byte) => byte < 0x20 || byte === 0x22 || byte === 0x5c || byte === 0x7f) ? 0 : PLAIN,
    ),
    starts: Int32Array.from(ends, (end, i) => end - texts[i]!.length),
    ends: Int32Array.from(ends),
    progress: 1,
    warnings: [],
    release: () => undefined,
  };
}

function encoder(
  columns: TableSpec["columns"],
  options: {
    width?: "exact" | "pad";
    rows?: number;
    sheetColumns?: readonly number[];
    headers?: readonly number[];
    most?: number;
    weight?: number;
  } = {},
): Encoder {
  const schema = table({ name: "t", columns });
  const load = schema.columns.map((column, i) => ({
    column,
    sheetColumn: options.sheetColumns?.[i] ?? i + 1,
    header: column.name.toUpperCase(),
  }));
  const plan: LoadPlan = { file: "f.xlsx", sheet: "S", table: "t", columns: load, statement: "copy", step: 100 };
  return new Encoder(
    plan,
    options.headers ?? load.map((entry) => entry.sheetColumn),
    options.width ?? "pad",
    options.rows ?? 1000,
    options.most,
    () => false,
    options.weight,
  );
}

test("rows become COPY text: tabs between fields, NULL for empty cells, escapes where COPY needs them", () => {
  const encode = encoder({ a: {}, b: {}, c: {} });
  const rows = [
    { number: 2, cells: { 1: "plain", 2: 'quo"te', 3: "back\\slash" } },
    { number: 3, cells: { 1: "tab\there", 3: "line\r\nbreak" } },
    { number: 4, cells: { 2: "\\N" } },
  ];
  expect(encode.fill(batchOf(rows), 0)).toBe(3);
  const { chunk, rejects } = encode.take();
  expect(rejects).toEqual([]);
  expect(chunk.data.toString()).toBe(
    'plain\tquo"te\tback\\\\slash\ntab\\there\t\\N\tline\\r\\nbreak\n\\N\t\\\\N\t\\N\n',
  );
  expect(fields(chunk, 0)).toEqual(["plain", 'quo"te', "back\\slash"]);
  expect(fields(chunk, 1)).toEqual(["tab\there", null, "line\r\nbreak"]);
  expect(fields(chunk, 2)).toEqual([null, "\\N", null]);
  expect([...chunk.rowNumbers]).toEqual([2, 3, 4]);
  expect(lines(chunk, 1, 2).toString()).toBe("tab\\there\t\\N\tline\\r\\nbreak\n");
});

test("a row that does not fit leaves no trace in the chunk and becomes a reject with its place", () => {
  const encode = encoder({ a: { notNull: true }, n: { type: "integer" } }, { width: "exact" });
  const rows: TestRow[] = [
    { number: 2, cells: { 1: "good", 2: 1 } },
    { number: 3, width: 1, cells: { 1: "short" } },
    { number: 5, cells: { 1: "bad number", 2: "many" } },
    { number: 6, width: 2, cells: { 2: 7 } },
    { number: 7, cells: { 1: "long", 2: 1, 3: "beyond" } },
    { number: 8, width: 2, cells: { 1: "nul\0", 2: 1 } },
    { number: 9, width: 2, cells: { 1: "padded with an empty cell" } },
  ];
  encode.fill(batchOf(rows), 0);
  const { chunk, rejects } = encode.take();
  expect(chunk.data.toString()).toBe("good\t1\npadded with an empty cell\t\\N\n");
  expect([...chunk.rowNumbers]).toEqual([2, 9]);
  expect(rejects.map(({ row, column, value, code }) => [row, column, value, code])).toEqual([
    [3, undefined, undefined, "too_few_columns"],
    [5, "N", "many", "invalid_number"],
    [6, "A", undefined, "missing_value"],
    [7, undefined, "beyond", "too_many_columns"],
    [8, "A", "nul\0", "nul_character"],
  ]);
  expect(rejects[0]).toMatchObject({ file: "f.xlsx", sheet: "S", reason: "the row has 1 of 2 columns" });
});

test("a column of the primary key must have a value, whatever else is said of it", () => {
  const encode = encoder({ a: { primaryKey: true }, b: {} });
  encode.fill(batchOf([{ number: 2, cells: { 2: "x" } }, { number: 3, cells: { 1: "x" } }]), 0); // prettier-ignore
  const { chunk, rejects } = encode.take();
  expect(rejects.map(({ row, column, code }) => [row, column, code])).toEqual([[2, "A", "missing_value"]]);
  expect(chunk.data.toString()).toBe("x\t\\N\n");
});

test("columns that are not loaded are passed over, blank rows are no records", () => {
  const encode = encoder({ a: {}, b: {} }, { sheetColumns: [2, 4], headers: [1, 2, 3, 4] });
  encode.fill(
    batchOf([
      { number: 2, cells: { 1: "x", 2: "a", 3: "x", 4: "b" } },
      { number: 3, width: 9, cells: {} },
      { number: 4, cells: { 4: "only b" } },
    ]),
    0,
  );
  const { chunk } = encode.take();
  expect(chunk.data.toString()).toBe("a\tb\n\\N\tonly b\n");
});

test("a value in a column without a header is not lost silently: its row is rejected", () => {
  const encode = encoder({ a: {}, c: {} }, { sheetColumns: [1, 3] });
  encode.fill(
    batchOf([
      { number: 2, cells: { 1: "x", 2: "homeless", 3: "y" } },
      { number: 3, cells: { 1: "x", 2: "", 3: "y" } },
    ]),
    0,
  );
  const { chunk, rejects } = encode.take();
  expect(rejects).toMatchObject([{ row: 2, value: "homeless", code: "missing_header" }]);
  expect(chunk.data.toString()).toBe("x\ty\n");
});

test("a chunk covers a fixed number of records, rejected ones included, and goes on where the last one ended", () => {
  const encode = encoder({ a: { notNull: true }, b: {} }, { rows: 2 });
  const batch = batchOf([
    { number: 2, cells: { 1: "one" } },
    { number: 3, cells: { 2: "no a" } },
    { number: 4, cells: { 1: "three" } },
  ]);
  expect(encode.fill(batch, 0)).toBe(2);
  expect(encode.full).toBe(true);
  const first = encode.take();
  expect(first.chunk).toMatchObject({ index: 0, rowCount: 1 });
  expect(first.rejects).toHaveLength(1);
  expect(encode.fill(batch, 2)).toBe(3);
  expect(encode.full).toBe(false);
  expect(encode.take().chunk).toMatchObject({ index: 1, rowCount: 1 });
  expect(encode.empty).toBe(true);
});

test("the first chunks may be smaller, each twice the one before", () => {
  const encode = encoder({ a: {} }, { rows: 2, most: 7 });
  const batch = batchOf(Array.from({ length: 20 }, (_, n) => ({ number: n + 2, cells: { 1: `row ${n}` } })));
  const sizes: number[] = [];
  for (let row = 0; row < 20;) {
    row = encode.fill(batch, row);
    sizes.push(encode.take().chunk.rowCount);
  }
  expect(sizes).toEqual([2, 4, 7, 7]);
});

test("values longer than any buffer so far are written whole", () => {
  const encode = encoder({ a: {}, b: {} });
  const long = "x".repeat(600_000);
  const tabs = `${"\t".repeat(300_000)}.`;
  encode.fill(batchOf([{ number: 2, cells: { 1: long, 2: tabs } }]), 0);
  const { chunk } = encode.take();
  expect(fields(chunk, 0)).toEqual([long, tabs]);
});

test("a released buffer is used again without touching the chunk that is being filled", () => {
  const encode = encoder({ a: {} }, { rows: 3 });
  const row = (number: number, letter: string): TestRow => ({ number, cells: { 1: letter.repeat(50_000) } });
  const texts: string[] = [];
  for (const letters of ["abc", "def", "ghi"]) {
    encode.fill(batchOf([...letters].map((letter, i) => row(i + 2, letter))), 0);
    const { chunk } = encode.take();
    texts.push(chunk.data.toString());
    chunk.release();
  }
  expect(texts.map((text) => [...new Set(text.replaceAll("\n", ""))].join(""))).toEqual(["abc", "def", "ghi"]);
});

test.each([
  [1, "A"],
  [26, "Z"],
  [27, "AA"],
  [16_384, "XFD"],
])("column %i is %s", (column, letters) => {
  expect(columnLetters(column)).toBe(letters);
});

test("a chunk takes records up to exactly its weight, and not one byte more", () => {
  // Two columns weigh 8 each.
  const rows = (last: string): TestRow[] => [
    { number: 2, cells: { 1: "aa", 2: "bb" } },
    { number: 3, cells: { 1: "cc", 2: last } },
  ];
  for (const [last, taken] of [
    ["dd", 2],
    ["ddd", 1],
  ] as const) {
    const encode = encoder({ a: {}, b: {} }, { weight: 40 });
    expect(encode.fill(batchOf(rows(last)), 0)).toBe(taken);
    expect([encode.full, encode.take().chunk.rowCount]).toEqual([taken === 1, taken]);
  }
});

test("after a chunk of its full weight, the next one is full at its own border, however the batches are cut", () => {
  const rows = ["dddd", "ee", "ff", "gg", "hh"].map((text, n): TestRow => ({ number: n + 2, cells: { 1: text } }));
  const counts = (batches: readonly TestRow[][]): number[] => {
    const encode = encoder({ a: {} }, { rows: 3, weight: 20 });
    const found: number[] = [];
    const take = (): number => found.push(encode.take().chunk.rowCount);
    for (const batch of batches.map(batchOf))
      for (let row = 0; row < batch.rowCount;) {
        row = encode.fill(batch, row);
        if (encode.full) take();
      }
    if (!encode.empty) take();
    return found;
  };
  expect(counts([rows])).toEqual([1, 2, 2]);
  expect(counts(rows.map((row) => [row]))).toEqual([1, 2, 2]);
});

test("a text that means NULL is missing from its own column, whatever the next one takes", () => {
  const encode = encoder({ a: { notNull: true, nulls: ["n/a"] }, b: {}, c: { nulls: ["n/a"] }, d: { notNull: true } });
  encode.fill(
    batchOf([
      { number: 2, cells: { 1: "n/a", 2: "x", 4: "y" } },
      { number: 3, cells: { 1: "x", 3: "n/a", 4: "y" } },
    ]),
    0,
  );
  const { chunk, rejects } = encode.take();
  expect(rejects.map(({ row, column, code }) => [row, column, code])).toEqual([[2, "A", "missing_value"]]);
  expect(chunk.data.toString()).toBe("x\t\\N\t\\N\ty\n");
});

test("a row has the cells that the sheet held, whichever way its values were read", () => {
  const encode = encoder({
    day: { type: "date" },
    moment: { type: "timestamp" },
    active: { type: "boolean" },
    amount: { type: "numeric(12,2)" },
    seen: { type: "text" },
    number: { type: "bigint" },
  });
  const day = new Date("2024-02-29T00:00:00Z");
  const noon = new Date("2024-02-29T12:00:00Z");
  encode.fill(
    batchOfRows([
      [day, noon, true, 12.5, day, 7],
      ["2024-02-29", "2024-02-29", "t", "12.50", 5, "007"],
      ["2024-02-29T00:00:00.000", "2024-02-29T00:00:00.000", "Yes", "1e2", noon, 1e21],
      ["  2024-02-29 ", day, "false", 0.1 + 0.2, true, "-7"],
    ]),
    0,
  );
  const { chunk, rejects } = encode.take();
  expect(rejects.map(({ row, column, code }) => [row, column, code])).toEqual([[3, "NUMBER", "out_of_range"]]);
  expect([fields(chunk, 0), fields(chunk, 1), fields(chunk, 2)]).toEqual([
    ["2024-02-29", "2024-02-29T12:00:00.000", "true", "12.5", "2024-02-29", "7"],
    ["2024-02-29", "2024-02-29", "true", "12.50", "5", "007"],
    ["2024-02-29", "2024-02-29T00:00:00.000", "false", "0.3", "true", "-7"],
  ]);
  const cells = sheetCells(chunk);
  expect([cells(0), cells(1), cells(2)]).toEqual([
    [
      ["d", "2024-02-29T00:00:00.000"],
      ["d", "2024-02-29T12:00:00.000"],
      ["b", "true"],
      ["n", "12.5"],
      ["d", "2024-02-29T00:00:00.000"],
      ["n", "7"],
    ],
    ["2024-02-29", "2024-02-29", "t", "12.50", ["n", "5"], "007"],
    ["  2024-02-29 ", ["d", "2024-02-29T00:00:00.000"], "false", ["n", "0.30000000000000004"], ["b", "true"], "-7"],
  ]);
});

test("a text that would be a date cell at midnight keeps its time among the cells of its row", () => {
  const encode = encoder({ day: { type: "date" }, other: {} });
  encode.fill(batchOfRows([["2024-02-29T00:00:00.000", "x"]]), 0);
  const { chunk } = encode.take();
  expect([fields(chunk, 0), sheetCells(chunk)(0)]).toEqual([
    ["2024-02-29", "x"],
    ["2024-02-29T00:00:00.000", "x"],
  ]);
});

test("cells that are left out are kept whole, the short ones and the long ones", () => {
  const encode = encoder({ a: {} }, { headers: [1, 2] });
  const texts = [1, 31, 32, 33, 64, 5000].map((length) => "aé".repeat(length).slice(0, length));
  encode.fill(batchOfRows(texts.map((text) => ["x", text])), 0);
  const { chunk } = encode.take();
  const cells = sheetCells(chunk);
  expect(texts.map((_, row) => cells(row))).toEqual(texts.map((text) => ["x", text]));
});
