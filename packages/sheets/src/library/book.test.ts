// What a library reads: found by its content, with the cells that the other readers would give, and
// within bounds.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as sheetJs from "@e965/xlsx";
import { afterAll, expect, test } from "vitest";
import type { SheetError } from "../errors.ts";
import { openByLibrary } from "./book.ts";
import { resolveLimits, type Limits } from "../limits.ts";
import { Duration } from "../cells/duration.ts";
import { CellError } from "../cells/rows.ts";
import { openSource } from "../source.ts";
import { cfb } from "../test/cfb-writer.ts";
import { collect, source, workbook } from "../test/workbook-writer.ts";
import { zip } from "../test/zip-writer.ts";
import { open } from "../workbook.ts";
import { Archive } from "../package/zip.ts";

const folder = mkdtempSync(join(tmpdir(), "sheets-library-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, "../test/fixtures/libreoffice", name));

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

test("an XML spreadsheet may have single quotes, elements of a program's own, and any encoding", async () => {
  const cell = (type: string, value: string, attributes = ""): string =>
    `<Cell${attributes}><Data ss:Type='${type}'>${value}</Data></Cell>`;
  const xml = (encoding: string): string =>
    `<?xml version='1.0' encoding='${encoding}' standalone='yes'?>
<?mso-application progid='Excel.Sheet'?>
<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet' xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet'>
<FontList>01 Arial 10<Row/></FontList><!-- a remark -->
<Styles><Style ss:ID='s' /><Style ss:ID='d'><Font ss:Bold='1'/><NumberFormat ss:Format='[h]:mm' /></Style></Styles>
<Sheetnames>?Table "A" &amp; B?</Sheetnames>
<Worksheet ss:Name='Table "A" &amp; B'><Table><Column ss:Index='1' ss:Width='140'/>
<Row ss:Index='2'>${cell("String", "Größe &lt; 5 &quot;m&quot;")}${cell("Number", "203", " ss:Index='3'")}</Row>
<Row>${cell("String", "<B>bold</B> and <Font html:Color='#f00'>red</Font>")}<Cell ss:StyleID='d'><Data ss:Type='DateTime'>1900-01-01T13:30:00.000</Data></Cell></Row>
</Table><WorksheetOptions xmlns='urn:schemas-microsoft-com:office:excel'><Print><Visible>no</Visible></Print></WorksheetOptions></Worksheet></Workbook>`;
  for (const [encoding, bytes] of [
    ["ISO-8859-1", Buffer.from(xml("ISO-8859-1"), "latin1")],
    ["UTF-8", Buffer.from(xml("UTF-8"))],
    ["UTF-16", Buffer.from(`\ufeff${xml("UTF-16")}`, "utf16le")],
  ] as const) {
    await using book = await open(source(bytes));
    const found = await collect(book.sheet().rows());
    expect([encoding, book.sheets[0]!.name]).toEqual([encoding, 'Table "A" & B']);
    expect(found.map(({ number, values }) => [number, ...values])).toEqual([
      [2, 'Größe < 5 "m"', null, 203],
      [3, "bold and red", new Duration(135_000_000)],
    ]);
  }
});

test("an XML spreadsheet that is cut off is refused in our own words", async () => {
  const xml =
    "<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'><Worksheet ss:Name='A'><Table><Row>";
  expect(await failure(open(file("cut.xls", xml)))).toMatchObject({
    code: "unterminated_xml",
    message: expect.not.stringContaining("undefined") as string,
  });
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

/** A workbook of three sheets, so that parts and substreams lie behind each other. */
function several(bookType: BookType): Buffer {
  const book = sheetJs.utils.book_new();
  for (const name of ["One", "Two", "Three"])
    sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet(Array.from({ length: 40 }, (_, n) => [n, `${name} ${n}`])), name);
  return sheetJs.write(book, { type: "buffer", bookType, bookSST: true }) as Buffer;
} // prettier-ignore

test("an .xlsb of which a part is cut off anywhere is refused, and no row of it is missed", async () => {
  const bytes = several("xlsb");
  const archive = await Archive.open(await openSource(source(bytes)), resolveLimits());
  const entries = await Promise.all(
    archive.names.map(async (name) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of archive.read(archive.find(name)!, undefined)) pieces.push(Uint8Array.from(piece));
      return { name, data: Buffer.concat(pieces) };
    }),
  );
  const whole = await rows(file("whole.xlsb", zip(entries)));
  expect(whole).toHaveLength(41);
  const parts = entries.filter(({ name }) => /(?:sheet\d|sharedStrings|styles|workbook)\.bin$/.test(name));
  expect(parts.map(({ name }) => name.split("/").at(-1)!).sort()).toEqual(
    ["sharedStrings.bin", "sheet1.bin", "sheet2.bin", "sheet3.bin", "styles.bin", "workbook.bin"],
  );
  for (const { name, data: part } of parts) {
    const step = Math.max(1, Math.floor(part.length / 12));
    for (const length of [0, 1, 2, part.length - 3, part.length - 2, part.length - 1, ...Array.from({ length: 11 }, (_, n) => (n + 1) * step)]) {
      const cut = entries.map((entry) => (entry.name === name ? { name, data: part.subarray(0, length) } : entry));
      expect(await failure(openBounded(zip(cut), {})), `${name} cut at ${length} of ${part.length}`).toMatchObject({
        code: "unsupported_format",
        message: expect.stringContaining(`is cut off: its part ${name} ends before its last record`) as string,
      });
    }
  }
}); // prettier-ignore

test("an .xls whose records are cut off anywhere is refused, also one sheet of several", async () => {
  // The container is right, and the stream in it is shorter.
  const { read, find, utils } = (sheetJs as unknown as { CFB: Record<"read" | "find" | "write", (...args: unknown[]) => unknown> & { utils: Record<"cfb_new" | "cfb_add", (...args: unknown[]) => unknown> } }).CFB;
  const { write } = (sheetJs as unknown as { CFB: { write(...args: unknown[]): Buffer } }).CFB;
  const name = "/Workbook";
  const { content } = find(read(several("biff8"), { type: "buffer" }), name) as { content: Uint8Array };
  const stream = Buffer.from(content);
  const container = (bytes: Buffer): Buffer => {
    const made = utils.cfb_new();
    utils.cfb_add(made, name, bytes);
    return Buffer.from(write(made, { type: "buffer" }));
  };
  await (await openBounded(container(stream), {}))[Symbol.asyncDispose]();
  for (let n = 1; n <= 5; n++) {
    const length = Math.floor((stream.length * n) / 6);
    expect(await failure(openBounded(container(stream.subarray(0, length)), {})), `cut at ${length}`).toMatchObject({
      code: "legacy_xls",
    });
  }
  const last = await failure(openBounded(container(stream.subarray(0, stream.length - 5)), {}));
  expect(last.message).toMatch(/is cut off: sheet \d ends before its last record/);
}); // prettier-ignore

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
  await expect(openBounded(bytes, {}).then((book) => book[Symbol.asyncDispose]())).resolves.toBeUndefined();
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
  const program = `import { open } from ${JSON.stringify(join(import.meta.dirname, "../index.ts"))};
    const book = await open(${JSON.stringify(path)});
    for await (const row of book.sheet().rows()) console.log(row.values.length);`;
  const node =
    Number.parseInt(process.versions.node) >= 24
      ? process.execPath
      : join(import.meta.dirname, "../../../../node_modules/.bin/node");
  const flags = ["--conditions=source", "--disable-warning=ExperimentalWarning", "--input-type=module"];
  expect(execFileSync(node, [...flags, "--eval", program], { encoding: "utf8", timeout: 60_000 })).toBe("4\n4\n4\n");
});
