// What a library reads: found by its content, with the cells that the other readers would give, and within bounds.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as sheetJs from "@e965/xlsx";
import { afterAll, expect, test } from "vitest";
import type { SheetError } from "./errors.ts";
import { openByLibrary } from "./library-book.ts";
import { resolveLimits, type Limits } from "./limits.ts";
import { CellError } from "./rows.ts";
import { openSource } from "./source.ts";
import { cfb } from "./test/cfb-writer.ts";
import { collect, source, workbook } from "./test/workbook-writer.ts";
import { zip } from "./test/zip-writer.ts";
import { open } from "./workbook.ts";
import { Archive } from "./zip.ts";

const folder = mkdtempSync(join(tmpdir(), "sheets-library-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, "test/fixtures/libreoffice", name));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

type BookType = "xlsb" | "biff8" | "biff5" | "biff2" | "xlml";

/** A workbook of one sheet, written by the library. */
function written(rows: readonly (readonly unknown[])[], bookType: BookType): Buffer {
  const book = sheetJs.utils.book_new();
  sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet(rows.map((row) => [...row])), "Data");
  return sheetJs.write(book, { type: "buffer", bookType }) as Buffer;
}

async function rows(path: string): Promise<unknown[]> {
  await using book = await open(path);
  const found = await collect(book.sheet().rows());
  return [book.format, ...found.map(({ number, values }) => [number, ...values])];
}

async function failure(reading: Promise<unknown>): Promise<SheetError> {
  return await reading.then(
    () => Promise.reject(new Error("it could be read")),
    (error: unknown) => error as SheetError,
  );
}

async function openBounded(bytes: Uint8Array, asked: Partial<Limits>, signal?: AbortSignal): Promise<AsyncDisposable> {
  const from = await openSource(source(bytes));
  const limits = resolveLimits(asked);
  const archive = bytes[0] === 0x50 ? await Archive.open(from, limits) : undefined;
  const book = await openByLibrary(archive ? "xlsb" : "xls", from, archive, limits, signal);
  return { [Symbol.asyncDispose]: () => book.close() };
}

const data = [
  ["Name", "Zip", "Score", "Ok"],
  ["Zoë 😀", "085232", 1.5, true],
  ["", null, -2, false],
];
const read = [
  [1, "Name", "Zip", "Score", "Ok"],
  [2, "Zoë 😀", "085232", 1.5, true],
  [3, null, null, -2, false],
];

test.each<[name: string, bookType: BookType, format: string]>([
  ["old.xls", "biff8", "xls"],
  ["old.xlsx", "biff8", "xls"],
  ["binary.xlsb", "xlsb", "xlsb"],
  ["binary.xls", "xlsb", "xlsb"],
  ["xml.xls", "xlml", "xml"],
])("%s that is %s is read as %s: content decides", async (name, bookType, format) => {
  expect(await rows(file(name, written(data, bookType)))).toEqual([format, ...read]);
});

test("Excel 2 and Excel 5 are read too", async () => {
  const ascii = [["Name", 1.5], ["Bob", -2]]; // prettier-ignore
  for (const bookType of ["biff2", "biff5"] as const)
    expect(await rows(file(`${bookType}.xls`, written(ascii, bookType)))).toEqual([
      "xls",
      [1, "Name", 1.5],
      [2, "Bob", -2],
    ]);
});

test(".xls that is CSV or .xlsx is read as what it is", async () => {
  expect(await rows(file("csv.xls", "a,b\n1,2\n"))).toEqual(["csv", [1, "a", "b"], [2, "1", "2"]]);
  const xlsx = workbook({ rows: '<row r="1"><c r="A1"><v>1</v></c></row>' });
  expect(await rows(file("xlsx.xls", xlsx))).toEqual(["xlsx", [1, 1]]);
});

test("dates, booleans, errors and gaps of an XML spreadsheet", async () => {
  const cell = (type: string, value: string, attributes = ""): string =>
    `<Cell${attributes}><Data ss:Type="${type}">${value}</Data></Cell>`;
  const cells = [
    cell("DateTime", "2020-01-31T10:20:30.500"),
    cell("Boolean", "1"),
    cell("Error", "#DIV/0!"),
    cell("String", "007", ' ss:Index="6"'),
  ];
  const xml = `<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Data"><Table><Row>${cells.join("")}</Row></Table></Worksheet></Workbook>`;
  await using book = await open(source(Buffer.from(xml)));
  const [row] = await collect(book.sheet().rows());
  const values = [new Date("2020-01-31T10:20:30.500Z"), true, new CellError("#DIV/0!"), null, null, "007"];
  expect(row!.values).toEqual(values);
});

test("a table in HTML is text, in the encoding that the page names", async () => {
  const page = (charset: string): string =>
    `<html><head><meta http-equiv="Content-Type" content="text/html; charset=${charset}"></head><body><table><tr><th>Имя</th><th>Zip</th></tr><tr><td>A &amp; B</td><td>085232</td></tr><tr><td colspan=2>1,5</td></tr></table></body></html>`;
  const want = ["html", [1, "Имя", "Zip"], [2, "A & B", "085232"], [3, "1,5"]];
  expect(await rows(file("page.xls", page("utf-8")))).toEqual(want);
  const cyrillic = Uint8Array.from(page("windows-1251"), (char) =>
    char > "\x7f" ? char.charCodeAt(0) - 0x0410 + 0xc0 : char.charCodeAt(0),
  );
  expect(await rows(file("cyrillic.xls", cyrillic))).toEqual(want);
});

test("a page without a table is no spreadsheet", async () => {
  expect(
    await failure(open(file("login.xls", "<!DOCTYPE html><html><body>Please log in</body></html>"))),
  ).toMatchObject({
    code: "not_a_workbook",
    message: expect.stringContaining("looks like an HTML page") as string,
  });
});

test("an empty cell at the end of a row of .xls counts for its width", async () => {
  const sheet = sheetJs.utils.aoa_to_sheet([["a", "b", "c"], ["x"]]);
  sheet["C2"] = { t: "z" };
  const book = sheetJs.utils.book_new();
  sheetJs.utils.book_append_sheet(book, sheet, "Data");
  const bytes = sheetJs.write(book, { type: "buffer", bookType: "biff8", sheetStubs: true }) as Buffer;
  await using found = await open(source(bytes));
  const widths = (await collect(found.sheet().rows())).map(({ width, values }) => [width, values.length]);
  expect(widths).toEqual([[3, 3], [3, 1]]); // prettier-ignore
});

test("from, to, an index and a second reading", async () => {
  await using book = await open(
    file(
      "many.xls",
      written(
        Array.from({ length: 20_000 }, (_, i) => [i, `t ${i}`]),
        "biff8",
      ),
    ),
  );
  const numbers = async (options: { from?: number; to?: number }): Promise<number[]> =>
    (await collect(book.sheet(0).rows(options))).map(({ number }) => number);
  expect(await numbers({ from: 15_000, to: 15_002 })).toEqual([15_000, 15_001, 15_002]);
  for (let n = 0; n < 2; n++) expect(await numbers({})).toEqual(Array.from({ length: 20_000 }, (_, i) => i + 1));
});

test("hidden sheets are said to be hidden", async () => {
  const book = sheetJs.utils.book_new();
  for (const name of ["Shown", "Hidden", "Gone"])
    sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet([[name]]), name);
  book.Workbook = { Sheets: [{ Hidden: 0 }, { Hidden: 1 }, { Hidden: 2 }] };
  for (const bookType of ["biff8", "xlsb"] as const) {
    const bytes = sheetJs.write(book, { type: "buffer", bookType }) as Buffer;
    await using found = await open(source(bytes));
    expect(found.sheets.map(({ state }) => state)).toEqual(["visible", "hidden", "veryHidden"]);
  }
});

test.each<[Partial<Limits>, string, string]>([
  [{ rows: 2 }, "row_out_of_range", "C3"],
  [{ columns: 2 }, "column_out_of_range", "C1"],
  [{ cellBytes: 5 }, "limit", "A2"],
])("limits %j count", async (limits, code, cell) => {
  await using book = await open(source(written(data, "biff8")), { limits });
  expect(await failure(collect(book.sheet().rows()))).toMatchObject({ code, cell, sheet: "Data" });
});

test("a password is said to be one", async () => {
  // The record WRITEACCESS in the globals turned into FILEPASS.
  const xls = Buffer.from(fixture("values.xls"));
  const at = xls.indexOf(Buffer.from("5c007000", "hex"));
  xls.writeUInt16LE(0x2f, at);
  xls.writeUInt16LE(0, at + 4);
  expect(await failure(open(file("locked.xls", xls)))).toMatchObject({ code: "encrypted" });
});

test("what is damaged has the code of its format, and the message says what to do", async () => {
  expect(await failure(open(file("broken.xls", cfb(["Workbook"]))))).toMatchObject({
    code: "legacy_xls",
    message: expect.stringContaining("save it as") as string,
  });
  const broken = zip([{ name: "xl/workbook.bin", data: "x" }]);
  expect(await failure(open(file("broken.xlsb", broken)))).toMatchObject({ code: "unsupported_format" });
});

test("a file that is too large, inflates to too much, or takes too much memory or time ends in a limit", async () => {
  const bytes = written(
    Array.from({ length: 50_000 }, (_, i) => [i, `text ${i}`, Math.sin(i)]),
    "biff8",
  );
  const archive = written(data, "xlsb");
  const why = async (file: Uint8Array, bounds: Partial<Limits>): Promise<[string, string]> => {
    const { code, message } = await failure(openBounded(file, bounds));
    return [code, message];
  };
  expect(await why(bytes, { libraryFileBytes: 1000 })).toEqual([
    "limit",
    expect.stringContaining("the limit libraryFileBytes = 1000"),
  ]);
  expect(await why(archive, { libraryInflatedBytes: 1000 })).toEqual([
    "limit",
    expect.stringContaining("the limit libraryInflatedBytes = 1000"),
  ]);
  // On a busy machine the bound of the clock comes first.
  const time = { libraryMilliseconds: 1, libraryMillisecondsPerMiB: 1 };
  expect(await why(bytes, time)).toEqual([
    "limit",
    expect.stringMatching(
      /takes more than [\d.]+ s\b.* the limits libraryMilliseconds = 1 and libraryMillisecondsPerMiB = 1 /,
    ),
  ]);
  expect(await why(bytes, { libraryMemoryBytes: 64 * 2 ** 20 })).toEqual([
    "limit",
    expect.stringContaining("more than 64 MiB of memory, the limit libraryMemoryBytes = 67108864."),
  ]);
  await using book = await openBounded(bytes, {});
  expect(book).toBeDefined();
});

test("a signal ends the reading with its reason", async () => {
  const reason = new Error("enough");
  const bytes = written(
    Array.from({ length: 50_000 }, (_, i) => [i]),
    "biff8",
  );
  const control = new AbortController();
  const opening = openBounded(bytes, {}, control.signal);
  setTimeout(() => control.abort(reason), 1);
  expect(await failure(opening)).toBe(reason);
});

test("a workbook that is closed is closed, and one that is forgotten keeps no program alive", async () => {
  const path = file("forgotten.xls", written(data, "biff8"));
  const book = await open(path);
  const sheet = book.sheet();
  await book.close();
  expect(await failure(collect(sheet.rows()))).toMatchObject({ code: "closed" });
  const program = `import { open } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    const book = await open(${JSON.stringify(path)});
    for await (const row of book.sheet().rows()) console.log(row.values.length);`;
  const node =
    Number.parseInt(process.versions.node) >= 24
      ? process.execPath
      : join(import.meta.dirname, "../../../node_modules/.bin/node");
  const flags = ["--conditions=source", "--disable-warning=ExperimentalWarning", "--input-type=module"];
  expect(execFileSync(node, [...flags, "--eval", program], { encoding: "utf8", timeout: 60_000 })).toBe("4\n4\n4\n");
});
