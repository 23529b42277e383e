import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { open } from "@sluice/sheets";
import { writeXlsx, type XlsxColumn, type XlsxOptions } from "./xlsx-writer.ts";

const column = (title: string, values?: readonly string[]): XlsxColumn => ({
  title,
  width: 10,
  ...(values && { values }),
});

async function written(options: Partial<XlsxOptions>): Promise<Blob> {
  const pieces: Buffer<ArrayBuffer>[] = [];
  const output = new Writable({ write: (piece: Buffer<ArrayBuffer>, _, done) => (pieces.push(piece), done()) });
  await writeXlsx(output, {
    sheet: "Sheet1",
    columns: [column("A")],
    rows: () => [],
    strings: "shared",
    level: 1,
    ...options,
  });
  return new Blob(pieces);
}

async function read(file: Blob): Promise<(readonly unknown[])[]> {
  await using workbook = await open(file);
  const rows: (readonly unknown[])[] = [];
  for await (const row of workbook.sheet("Sheet1").rows()) rows.push(row.values);
  return rows;
}

test.each(["shared", "inline"] as const)("writeXlsx() keeps every text as it is, with %s strings", async (strings) => {
  const rows = [
    ["\0\u0001\b\u000b\u001f\u007f\u0085", "a\tb\nc\r\nd\re", "\ufffe\uffff"],
    [" before", "after ", "in  between"],
    ["\n", "\t", " "],
    [`<a href="x" title='y'>&amp;</a>`, "]]>", "<!-- -->"],
    ["_x0041_", "_x005F_x0041_", "_x41_ _X0041_ _x00e9_ _"],
    ["😀👨‍👩‍👧‍👦𠮷", "e\u0301é", "\u202eright to left\ufeff"],
    ["00123", "=1+1", "TRUE"],
    ["x".repeat(200_000), "ж".repeat(100_000), "z"],
  ];
  const columns = [column("A"), column("B"), column("C")];
  expect(await read(await written({ columns, rows: () => rows, strings }))).toEqual([["A", "B", "C"], ...rows]);
});

test.each(["shared", "inline"] as const)("writeXlsx() names columns past Z, with %s strings", async (strings) => {
  const row = Array.from({ length: 720 }, (_, i) => `c${i}`);
  const made = await written({ columns: row.map((title) => column(title)), rows: () => [row], strings });
  expect(await read(made)).toEqual([row, row]);
});

test("writeXlsx() leaves cells empty and rows short", async () => {
  const rows = [[], [""], ["a"], ["", "b"], ["c", ""]];
  await using workbook = await open(await written({ columns: [column("A"), column("B")], rows: () => rows }));
  const found: unknown[] = [];
  for await (const { number, width, values } of workbook.sheet().rows()) found.push([number, width, values]);
  expect(found).toEqual([
    [1, 2, ["A", "B"]],
    [4, 1, ["a"]],
    [5, 2, [null, "b"]],
    [6, 2, ["c"]],
  ]);
});

test("writeXlsx() stores the declared values of a column once, and refuses any other", async () => {
  const columns = [column("Kind", ["Kind", "a", "b"])];
  const rows = (): string[][] => [["a"], ["b"], ["a"], ["Kind"]];
  expect(await read(await written({ columns, rows }))).toEqual([["Kind"], ["a"], ["b"], ["a"], ["Kind"]]);
  await expect(written({ columns, rows: () => [["c"]] })).rejects.toThrow(
    new RangeError("column 1 does not declare the value c"),
  );
});

test("writeXlsx() waits for its output, and makes rows only as they are written", async () => {
  // Stored rather than deflated, as many bytes come out as go in: what is between the two is what
  // is held.
  const total = 24 * 1024 * 1024;
  const text = "x".repeat(1000);
  let made = 0;
  let taken = 0;
  let pending = 0;
  let mostHeld = 0;
  let mostPending = 0;
  const output = new Writable({
    write(piece: Buffer, _, done) {
      mostPending = Math.max(mostPending, ++pending);
      setTimeout(() => {
        pending--;
        taken += piece.length;
        done();
      }, 1);
    },
  });
  const rows = function* (): Generator<string[]> {
    for (; made < total; made += text.length) {
      mostHeld = Math.max(mostHeld, made - taken);
      yield [text];
    }
  };
  await writeXlsx(output, { sheet: "Sheet1", columns: [column("A")], rows, strings: "inline", level: 0 });
  expect(taken).toBeGreaterThan(total);
  expect(mostPending).toBe(1);
  expect(output.writableLength).toBe(0);
  expect(mostHeld).toBeLessThan(4 * 1024 * 1024);
});

test("writeXlsx() lets go of the rows when its output fails", async () => {
  let closed = false;
  const rows = function* (): Generator<string[]> {
    try {
      for (;;) yield ["x".repeat(1000)];
    } finally {
      closed = true;
    }
  };
  let room = 100;
  const output = new Writable({ write: (_piece, _, done) => done(room-- > 0 ? null : new Error("gone")) });
  output.on("error", () => {});
  const options = { sheet: "Sheet1", columns: [column("A")], strings: "inline", level: 0 } as const;
  await expect(writeXlsx(output, { ...options, rows })).rejects.toThrow("gone");
  expect(closed).toBe(true);
});

test("writeXlsx() refuses more rows than a sheet has", async () => {
  const rows = function* (): Generator<string[]> {
    for (let i = 0; i < 1_048_576; i++) yield [];
  };
  await expect(written({ rows, strings: "inline" })).rejects.toThrow(
    new RangeError("a sheet ends at row 1048576, the header counted"),
  );
});
