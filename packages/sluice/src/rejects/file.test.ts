import { execFileSync } from "node:child_process";
import { link, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CellType, type RowBatch } from "@sluice/sheets";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RejectFile } from "./file.ts";
import { openWorkbook, originalSheet } from "./as-source.ts";
import { XlsxRejects } from "./xlsx.ts";
import { REJECT_COLUMNS, type Reject, type RejectCell } from "../reject.ts";
import { newFolder } from "../test/database.ts";

const LETTERS = ["n", "s", "b", "e", "d", "t"] as const;

function reject(row: number, cells: readonly RejectCell[], more: Partial<Reject> = {}): Reject {
  return {
    file: "people.xlsx",
    sheet: "People",
    row,
    column: "E-Mail",
    value: "=x",
    code: "too_few_columns",
    reason: "the row has too few",
    cells,
    ...more,
  };
}

type Titles = readonly (string | null)[];

async function write(path: string, ...parts: (readonly [Titles, readonly Reject[]])[]): Promise<readonly string[]> {
  return writeWith(new RejectFile(path), ...parts);
}

async function writeWith(
  file: RejectFile,
  ...parts: (readonly [Titles, readonly Reject[]])[]
): Promise<readonly string[]> {
  for (const [titles, rejects] of parts) await file.write(headersOf(titles), rejects);
  await file[Symbol.asyncDispose]();
  return file.paths;
}

function headersOf(titles: Titles): { sheetColumn: number; text: string }[] {
  return titles.flatMap((text, n) => (text === null ? [] : [{ sheetColumn: n + 1, text }]));
}

/** The rows of a batch as cells with their types. */
function cellsOf(batch: RowBatch): RejectCell[][] {
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const cells: RejectCell[] = Array.from({ length: batch.widths[row]! }, () => null);
    for (let i = batch.firstCell[row]!; i < batch.firstCell[row + 1]!; i++) {
      const text = batch.bytes.toString("utf8", batch.starts[i], batch.ends[i]);
      const type = LETTERS[batch.types[i]!]!;
      cells[batch.columns[i]! - 1] = type === "s" ? (text === "" ? null : text) : [type, text];
    }
    return cells;
  });
}

/** All sheets of a reject file as the importer sees them: the header first. */
async function readBack(path: string): Promise<RejectCell[][][]> {
  await using workbook = await openWorkbook(path);
  const sheets: RejectCell[][][] = [];
  for (const { name } of workbook.sheets) {
    const rows: RejectCell[][] = [];
    const sheet = originalSheet(workbook.sheet(name), workbook.format === "csv");
    for await (const batch of sheet.batches()) rows.push(...cellsOf(batch));
    expect(await sheet.isRejectFile()).toBe(true);
    sheets.push(rows);
  }
  return sheets;
}

describe("a workbook of rejects", () => {
  test("brings every cell back as it stood: text, type and width", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.xlsx");
    const rows: RejectCell[][] = [
      ["085232", ["n", "0.30000000000000004"], ["n", "1E+05"], ["n", "123456789012345678"], ["b", "true"]],
      ["=1+1", "'=1+1", "+49 30", "@x", "-5"],
      [null, "only the second", null, null],
      ["tab\there", "line\nbreak", "return\r\nand feed", " padded ", '"quoted", and <tagged> & more _x0041_'],
      [["e", "#DIV/0!"], ["b", "false"], "😀 \u0001 \uffff"],
      [
        ["t", "37:30:00"],
        ["t", "-01:30:00"],
        ["t", "00:00:01.500"],
      ],
      [
        ["d", "2020-01-31T00:00:00.000"],
        ["d", "2020-01-31T12:30:15.123"],
        ["d", "1899-12-31T12:30:00.000"],
        ["d", "1904-01-01T23:59:59.999"],
        ["d", "9999-12-31T23:59:59.999"],
        ["d", "1900-01-01T00:00:00.000"],
        ["d", "1900-02-28T06:00:00.000"],
        ["d", "1900-03-01T00:00:00.000"],
      ],
    ];
    const titles = ["Name", "row", null, "E-Mail", "value"];
    await write(path, [titles, rows.map((cells, n) => reject(n + 2, cells))]);
    const [sheet] = await readBack(path);
    expect(sheet).toEqual([titles, ...rows]);
  });

  test("brings any text, number and date back", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.xlsx");
    const cell: fc.Arbitrary<RejectCell> = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1 }),
      fc.string({ unit: "binary", minLength: 1 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n): RejectCell => ["n", String(n)]),
      fc.boolean().map((b): RejectCell => ["b", String(b)]),
      fc
        .date({ min: new Date("1900-01-01"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
        .map((date): RejectCell => ["d", date.toISOString().slice(0, -1)]),
    );
    const row = fc.array(fc.option(cell), { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        await write(path, [["A"], rows.map((cells, n) => reject(n + 2, cells))]);
        expect((await readBack(path))[0]!.slice(1)).toEqual(rows);
      }),
      { numRuns: 25 },
    );
  });

  test("says what is wrong in its first seven columns, as text that no program runs", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.xlsx");
    await write(path, [["A"], [reject(7, ["x"]), reject(9, ["y"], { column: undefined, value: undefined })]]);
    await using workbook = await openWorkbook(path);
    const rows: unknown[] = [];
    for await (const { values } of workbook.sheet().rows()) rows.push(values);
    expect(rows).toEqual([
      ["file", "sheet", "row", "column", "value", "code", "reason", "A"],
      ["people.xlsx", "People", 7, "E-Mail", "=x", "too_few_columns", "the row has too few", "x"],
      ["people.xlsx", "People", 9, null, null, "too_few_columns", "the row has too few", "y"],
    ]);
    for await (const batch of workbook.sheet().batches()) expect(batch.types[8]).toBe(CellType.string);
  });

  test("makes a row as wide as the header, but for one that is rejected because it is not", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.xlsx");
    await write(path, [
      ["A", "B", "C"],
      [reject(2, ["x"]), reject(3, ["x"], { code: "invalid_email" })],
    ]);
    expect((await readBack(path))[0]!.slice(1)).toEqual([["x"], ["x", null, null]]);
  });

  test("goes on in a further sheet where one is full", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.xlsx");
    const file = await XlsxRejects.create(path, 4);
    await file.begin(["A"]);
    for (let row = 2; row < 10; row++) await file.write([reject(row, [String(row)])]);
    await file.end();
    expect(await readBack(path)).toEqual([
      [["A"], ["2"], ["3"], ["4"]],
      [["A"], ["5"], ["6"], ["7"]],
      [["A"], ["8"], ["9"]],
    ]);
  });

  test("has a sheet for each header", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.xlsx");
    const paths = await write(
      path,
      [["A"], [reject(2, ["1"])]],
      [["A"], [reject(3, ["2"])]],
      [["B", "C"], [reject(2, ["3", "4"])]],
    );
    expect(paths).toEqual([path]);
    expect(await readBack(path)).toEqual([
      [["A"], ["1"], ["2"]],
      [
        ["B", "C"],
        ["3", "4"],
      ],
    ]);
  });

  test("refuses more columns than a workbook can hold, and says what to do", async () => {
    await using folder = newFolder();
    const titles = Array.from({ length: 16_380 }, (_, n) => `h${n}`);
    await expect(write(join(folder.path, "bad.xlsx"), [titles, [reject(2, ["x"])]])).rejects.toThrow(
      /a workbook holds 16384 columns, and these would be 16387\. Use a \.csv file/,
    );
  });
});

describe("a text that is longer than a workbook's cell", () => {
  const longest = "x".repeat(32_767);

  test("is not cut, since it would be imported so again: the file is refused, and says what to do", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.xlsx");
    await expect(write(path, [["A", "B"], [reject(7, ["a", `${longest}x`])]])).rejects.toThrow(
      /the cell B7 has 32768 characters, and a workbook's cell holds 32767\. Use a \.csv file/,
    );
    const csv = join(folder.path, "bad.csv");
    await write(csv, [["A"], [reject(7, [`${longest}x`])]]);
    expect(await readBack(csv)).toEqual([[["A"], [`${longest}x`]]]);
  });

  test("is cut where it says what is wrong, for that is not imported", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.xlsx");
    await write(path, [["A"], [{ ...reject(7, [longest]), reason: `not a number: ${longest}` }]]);
    expect(await readBack(path)).toEqual([[["A"], [longest]]]);
  });
});

describe("rejects as CSV", () => {
  test("are RFC 4180, with an apostrophe in front of what would run as a formula", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.csv");
    await write(path, [
      ["Name", "row", null, "=E-Mail"],
      [
        reject(2, ["=1+1", ["n", "-5"], null, "-5", "a,b", 'say "hi"', "two\r\nlines", " padded "]),
        reject(3, ["'=x", "'plain", ["d", "2020-01-31T00:00:00.000"], ["b", "true"], null]),
      ],
    ]);
    expect(await readFile(path, "utf8")).toBe(
      "file,sheet,row,column,value,code,reason,Name,row,,'=E-Mail\r\n" +
        `people.xlsx,People,2,E-Mail,'=x,too_few_columns,the row has too few,'=1+1,-5,,'-5,"a,b","say ""hi""","two\r\nlines"," padded "\r\n` +
        "people.xlsx,People,3,E-Mail,'=x,too_few_columns,the row has too few,''=x,'plain,2020-01-31T00:00:00.000,true,\r\n",
    );
  });

  test.each([true, false])("bring any text back, and how wide a row is (guard: %s)", async (guard) => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.csv");
    const text = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1 }),
      fc.string({ unit: "binary", minLength: 1 }),
      fc.stringMatching(/^'{0,3}[=+\-@\t\r'a].{0,3}$/),
      fc.stringMatching(/^(?:['" ;|\t\r\n]{0,3}[=+\-@＝'a]){1,4}$/),
      fc.constantFrom('"', '\\"', "\\", "a\\", '\\""', "sep=;", " ", "\n", "\r\n", ";", "\t", "|", "\ufeff"),
    );
    const row = fc.array(fc.option(text), { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        await writeWith(new RejectFile(path, guard), [["A", "B"], rows.map((cells, n) => reject(n + 2, cells))]);
        expect((await readBack(path))[0]!.slice(1)).toEqual(rows);
      }),
      {
        numRuns: 300,
        // Cells that look like another quote, another delimiter or an escape to who does not know
        // that this is a reject file.
        examples: [
          [[["'", null], ["\t#", null], [null]]],
          [[["\u0001\u000e\u0001\u0000", null]]],
          [
            [
              ["';'", "';'"],
              ["';'", "';'"],
            ],
          ],
          [
            [
              ['a\\"b', 'c\\"'],
              ['d\\"e', "x"],
            ],
          ],
        ],
      },
    );
  });

  test("saved again by a spreadsheet program, with its delimiter, is still known", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.csv");
    for (const [d, q] of [
      [";", ""],
      ["\t", '"'],
    ] as const) {
      const header = REJECT_COLUMNS.map((name) => `${q}${name}${q}`).join(d);
      await writeFile(
        path,
        `\ufeff${header}${d}A${d}B\r\n${d.repeat(7)}'x'${d}'1,5'\r\n${d.repeat(7)}'y'${d}'2,5'\r\n`,
      );
      expect(await readBack(path)).toEqual([
        [
          ["A", "B"],
          ["'x'", "'1,5'"],
          ["'y'", "'2,5'"],
        ],
      ]);
    }
  });

  test("have a file for each header", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.csv");
    const paths = await write(
      path,
      [["A"], [reject(2, ["1"])]],
      [["B"], [reject(2, ["2"])]],
      [["A"], [reject(3, ["3"])]],
    );
    expect(paths).toEqual([path, join(folder.path, "bad-2.csv")]);
    expect(await readFile(path, "utf8")).toMatch(/,1\r\n.*,3\r\n$/);
    expect(await readFile(paths[1]!, "utf8")).toMatch(/,B\r\n.*,2\r\n$/);
  });
});

describe.each(["csv", "xlsx"])("a .%s file", (kind) => {
  test("without rejects has the header of the first sheet", async () => {
    await using folder = newFolder();
    const path = join(folder.path, `bad.${kind}`);
    await write(path, [["A", "B"], []], [["C"], []]);
    if (kind === "xlsx") expect(await readBack(path)).toEqual([[["A", "B"]]]);
    else expect(await readFile(path, "utf8")).toBe("file,sheet,row,column,value,code,reason,A,B\r\n");
  });

  test("is not made by an import that does not come as far", async () => {
    await using folder = newFolder();
    const path = join(folder.path, `bad.${kind}`);
    expect(await write(path)).toEqual([]);
    await expect(readFile(path)).rejects.toThrow(/ENOENT/);
  });

  test("a pipe, which would hold the program up for ever, and a folder are refused", async () => {
    await using folder = newFolder();
    const [pipe, inner] = [join(folder.path, "pipe.csv"), join(folder.path, "folder.csv")];
    execFileSync("mkfifo", [pipe]);
    await mkdir(inner);
    for (const path of [pipe, inner])
      await expect(new RejectFile(path).check()).rejects.toMatchObject({
        code: "reject_file",
        message: expect.stringContaining(`the reject file ${path} is not an ordinary file. `) as string,
      });
  });

  test("that cannot be made says so before the import", async () => {
    const file = new RejectFile(`/no/such/folder/bad.${kind}`);
    await expect(file.check()).rejects.toThrow(/cannot write the reject file \/no\/such\/folder\/bad\.\w+: ENOENT/);
  });
});

describe.runIf(process.platform === "linux").each(["csv", "xlsx"])("on a full disk a .%s file", (kind) => {
  test.each([1, 500, 4_000, 20_000])("says so: %i rejects at a time", async (length) => {
    await using folder = newFolder();
    const path = join(folder.path, `bad.${kind}`);
    await symlink("/dev/full", path);
    const file = new RejectFile(path);
    const rejects = Array.from({ length }, (_, n) => reject(n + 2, ["x".repeat(200), String(n * 7919)]));
    await expect(
      (async () => {
        for (let round = 0; round < 20; round++) await file.write(headersOf(["A", "B"]), rejects);
        await file[Symbol.asyncDispose]();
      })(),
    ).rejects.toThrow(/cannot write the reject file .*: ENOSPC/);
    await file[Symbol.asyncDispose]();
  });
});

describe("a text file of rejects", () => {
  test.each([true, false])(
    "has date cells that are date cells again, and texts that look so (guarded: %s)",
    async (guard) => {
      await using folder = newFolder();
      const path = join(folder.path, "bad.csv");
      const iso = "2024-01-02T03:04:05.678";
      const texts = guard ? [iso, `'${iso}`, `''${iso}`, `x${iso}`] : [`'${iso}`, `''${iso}`, `x${iso}`, `${iso} `];
      const cells: RejectCell[] = [["d", iso], ...texts];
      await writeWith(new RejectFile(path, guard), [["A", "B", "C", "D", "E"], [reject(2, cells)]]);
      expect((await readBack(path))[0]![1]).toEqual(cells);
    },
  );

  test("has numbers as the texts of their columns are written", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.csv");
    await using file = new RejectFile(path);
    const formats = ["1.234,56", "1,234.56", "1 234,56 €", undefined];
    const headers = formats.map((format, n) => ({
      sheetColumn: n + 1,
      text: `c${n}`,
      ...(format === undefined ? {} : { numberFormat: format }),
    }));
    await file.write(headers, [reject(2, [["n", "1.125"], ["n", "1.125"], ["n", "-1.5E+3"], ["n", "1.125"]])]); // prettier-ignore
    await file[Symbol.asyncDispose]();
    expect((await readBack(path))[0]![1]).toEqual(["1,125", "1.125", "-1500", "1.125"]);
  });
});

test("no name of a file that is imported is written over", async () => {
  await using folder = newFolder();
  const [input, other] = [join(folder.path, "in.csv"), join(folder.path, "bad-2.csv")];
  for (const path of [input, other]) await writeFile(path, "A\n1\n");
  const second = join(folder.path, "second.csv");
  await link(input, second);
  const refused = (path: string): object => ({
    code: "reject_file",
    message: `--rejects ${path} is a file that is imported. Name another one.`,
  });
  for (const path of [input, second])
    await expect(new RejectFile(path).check([input, other])).rejects.toMatchObject(refused(path));
  // Rejects of a sheet with another header go to a second file.
  await using file = new RejectFile(join(folder.path, "bad.csv"));
  await file.check([input, other]);
  await file.write([{ sheetColumn: 1, text: "A" }], [reject(2, ["x"])]);
  await expect(file.write([{ sheetColumn: 1, text: "B" }], [reject(2, ["x"])])).rejects.toMatchObject(refused(other));
  expect(await readFile(other, "utf8")).toBe("A\n1\n");
});

describe("a reject file that was there", () => {
  const HOUR = 3_600_000;
  const TITLES: Titles[] = [["E-Mail"], ["E-Mail", "Name"], ["Phone"]];

  /** Writes a file of three parts twice; each part is changed in between, as `change` has it. */
  async function again(path: string, change: (content: string) => string, keptSince: Date | undefined) {
    const parts = TITLES.map((titles): [Titles, readonly Reject[]] => [
      titles,
      [
        reject(
          2,
          titles.map(() => "a"),
        ),
      ],
    ]);
    const paths = await write(path, ...parts);
    const before: string[] = [];
    for (const part of paths) {
      before.push(change(await readFile(part, "utf8")));
      await writeFile(part, before.at(-1)!);
    }
    const file = new RejectFile(path);
    file.keptSince = keptSince;
    const now = await writeWith(file, ...parts);
    expect(now).toEqual(paths);
    const after = await Promise.all(now.map((part) => readFile(part, "utf8")));
    return { isKept: file.isKept, stayed: after.map((content, n) => content === before[n]) };
  }

  const repair = (content: string): string => content.replace(/a(?=\r\n$|,)/, "repaired");
  test("stays in each of its parts if that part was changed since", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.csv");
    const since = new Date(Date.now() - HOUR);
    expect(await again(path, (content) => `${content}more\r\n`, since)).toEqual({
      isKept: true,
      stayed: [true, true, true],
    });
    let part = 0;
    const third = (content: string): string => (++part === 3 ? repair(content) : content.slice(0, -3));
    expect(await again(join(folder.path, "third.csv"), third, since)).toEqual({
      isKept: true,
      stayed: [false, false, true],
    });
  });

  test("is replaced in each of its parts if it was changed before, or nothing was asked", async () => {
    await using folder = newFolder();
    const change = (content: string): string => `${content}more\r\n`;
    for (const since of [new Date(Date.now() + HOUR), undefined])
      expect(await again(join(folder.path, "bad.csv"), change, since)).toEqual({
        isKept: false,
        stayed: [false, false, false],
      });
  });
});
