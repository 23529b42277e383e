// What bad input gets: a SheetError with a stable code, the place, and a message that says what to
// do.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deflateRawSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { SheetError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { open } from "../workbook.ts";
import { cfb } from "./cfb-writer.ts";
import {
  collect,
  entriesOf,
  readRows,
  rels,
  source,
  workbook,
  worksheet,
  type WorkbookParts,
} from "./workbook-writer.ts";
import { zip } from "./zip-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "sheets-errors-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Opens and reads everything; the failure, as plain data. */
async function failure(of: string | URL | Uint8Array, limits: Partial<Limits> = {}): Promise<Record<string, unknown>> {
  try {
    await using book = await open(of instanceof Uint8Array ? source(of) : of, { limits });
    for (const { index } of book.sheets) await collect(book.sheet(index).rows());
  } catch (error) {
    if (!(error instanceof SheetError)) throw error;
    return { ...error.toJSON() };
  }
  throw new Error("it could be read");
}

const cellFailure = (cell: string, parts: WorkbookParts = {}): Promise<Record<string, unknown>> =>
  failure(workbook({ ...parts, rows: `<row r="2">${cell}</row>` }));

test("a file that is not there", async () => {
  const path = join(folder, "nothing.xlsx");
  expect(await failure(path)).toMatchObject({
    code: "file_not_found",
    file: path,
    message: `There is no file ${path}; check the path.`,
  });
});

test("a directory", async () => {
  mkdirSync(join(folder, "dir.xlsx"));
  expect(await failure(join(folder, "dir.xlsx"))).toMatchObject({ code: "not_a_file" });
});

test("an empty file", async () => {
  expect(await failure(file("empty.xlsx", ""))).toMatchObject({ code: "empty_file" });
});

test("a file: URL opens as a path does, other addresses are refused", async () => {
  const path = file("url.xlsx", workbook({ rows: '<row r="1"><c r="A1"><v>1</v></c></row>' }));
  await using book = await open(pathToFileURL(path));
  expect(book.sheets).toEqual([{ name: "Sheet1", index: 0, state: "visible" }]);
  expect(await failure(new URL("https://example.com/a.xlsx"))).toMatchObject({ code: "bad_option" });
});

test("a Blob opens too", async () => {
  const blob = new Blob([new Uint8Array(workbook({ rows: '<row r="1"><c r="A1"><v>1</v></c></row>' }))]);
  await using book = await open(blob);
  expect((await collect(book.sheet().rows()))[0]!.values).toEqual([1]);
});

test.each([
  ["<!DOCTYPE html><html></html>", "an HTML page"],
  ["%PDF-1.7", "a PDF document"],
  ['<?xml version="1.0"?><a/>', "an XML document"],
  ['{"a":1,"b":2}', "JSON"],
  ["[1,2]", "JSON"],
  ["MIME-Version: 1.0\n", "a saved web page (MIME)"],
  ["From: <Saved by Blink>\r\nSubject: Sales\r\nMIME-Version: 1.0\r\n", "a saved web page (MIME)"],
  ['Content-Type: multipart/related; boundary="x"\n', "a saved web page (MIME)"],
  ["\x89PNG\r\n", "a picture"],
  ["\0\0\0\0", "nothing but zero bytes"],
  ["hello", "plain text"],
  ["\x01\x02binary", "a binary file of another kind"],
])("a file that is no archive: %j looks like %s", async (content, what) => {
  const error = await failure(Buffer.from(content, content.startsWith("\x89") ? "latin1" : "utf8"));
  expect(error["code"]).toBe("not_a_workbook");
  expect(error["message"]).toContain(`it looks like ${what}`);
});

test("text whose encoding is named is looked at in that encoding", async () => {
  const bytes = Buffer.from("丁丂七丁丂七丁丂七,七\n丂丁七丁丂七丁丂七,一\n", "utf16le").swap16();
  expect(await failure(bytes)).toMatchObject({ code: "not_a_workbook" });
  await using book = await open(new Blob([bytes]), { csv: { encoding: "utf-16be" } });
  expect((await collect(book.sheet().rows())).map((row) => row.values)).toEqual([
    ["丁丂七丁丂七丁丂七", "七"],
    ["丂丁七丁丂七丁丂七", "一"],
  ]);
});

test("a single-file web page says how it becomes a workbook", async () => {
  const page = "MIME-Version: 1.0\nX-Document-Type: Workbook\nContent-Type: multipart/related\n";
  expect((await failure(file("sales.xls", page)))["message"]).toMatch(
    /sales\.xls is not a spreadsheet: it looks like a saved web page \(MIME\)\. .* Open it in Excel.* File → Save As/,
  );
});

test("a flat OpenDocument file that is a text says so", async () => {
  const flat =
    '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><office:body/></office:document>';
  expect(await failure(Buffer.from(flat))).toMatchObject({
    code: "unsupported_format",
    message: expect.stringContaining("without a sheet in it") as string,
  });
  expect(await failure(Buffer.from(flat.slice(0, 100)))).toMatchObject({ code: "unterminated_xml" });
});

test("control characters below a header are data, and make no binary file", async () => {
  await using book = await open(new Blob(["id,note\n1,\u0001\u000e\u0001\u0000\n"]));
  expect((await collect(book.sheet().rows())).map((row) => row.values)).toEqual([
    ["id", "note"],
    ["1", "\u0001\u000e\u0001\u0000"],
  ]);
});

test("an encrypted workbook, an old .xls and another OLE file are told apart", async () => {
  expect(await failure(cfb(["EncryptionInfo", "EncryptedPackage"]))).toMatchObject({ code: "encrypted" });
  expect(await failure(cfb(["Workbook"]))).toMatchObject({ code: "legacy_xls" });
  expect(await failure(cfb(["WordDocument"]))).toMatchObject({ code: "not_a_workbook" });
  expect(await failure(cfb(["a", "b", "c", "d", "e", "EncryptedPackage"]))).toMatchObject({ code: "encrypted" });
});

test("an OLE file whose chain of sectors is a circle ends", async () => {
  expect(await failure(cfb(["a"], { cycle: true }))).toMatchObject({ code: "not_a_workbook" });
});

test("archives without a workbook say what they hold", async () => {
  expect(await failure(zip([{ name: "a.txt", data: "x" }]))).toMatchObject({ code: "no_workbook" });
  expect((await failure(zip([{ name: "a.txt", data: "x" }])))["message"]).toContain("it holds a.txt");
  expect((await failure(zip([{ name: "word/document.xml", data: "x" }])))["message"]).toContain("a Word document");
  expect(
    await failure(
      zip([
        { name: "mimetype", data: "x" },
        { name: "content.xml", data: "x" },
      ]),
    ),
  ).toMatchObject({ code: "unsupported_format" });
  expect(await failure(zip([{ name: "xl/workbook.bin", data: "x" }]))).toMatchObject({ code: "unsupported_format" });
  expect(await failure(zip([]))).toMatchObject({ code: "bad_archive" });
});

test("a workbook without sheets, and one with charts only", async () => {
  expect(await failure(workbook({ sheets: [] }))).toMatchObject({ code: "no_sheets", part: "xl/workbook.xml" });
  const charts = workbook({
    entries: [{ name: "xl/_rels/workbook.xml.rels", data: rels([["rId1", "chartsheet", "chartsheets/sheet1.xml"]]) }],
  });
  await using book = await open(source(charts));
  expect(book.sheets).toEqual([]);
  expect(() => book.sheet()).toThrow(expect.objectContaining({ code: "no_sheets" }));
});

test("a sheet whose part is missing", async () => {
  const bytes = workbook({ sheets: [{ name: "Data", rows: "" }], without: ["xl/worksheets/sheet1.xml"] });
  expect(await failure(bytes)).toMatchObject({ code: "missing_part", sheet: "Data", part: "xl/worksheets/sheet1.xml" });
});

test("a sheet that the workbook does not have: the message lists those it has", async () => {
  await using book = await open(source(workbook({ sheets: [{ name: "One" }, { name: "Two" }] })));
  expect(() => book.sheet("Three")).toThrow('The workbook has no sheet "Three"; its sheets are 0 "One", 1 "Two".');
  expect(() => book.sheet(2)).toThrow(expect.objectContaining({ code: "unknown_sheet" }));
  expect(book.sheet("two").name).toBe("Two");
});

test("an archive that is cut off anywhere fails with a SheetError", async () => {
  const bytes = workbook({ rows: '<row r="1"><c r="A1"><v>1</v></c></row>', strings: "<si><t>a</t></si>" });
  for (let length = 1; length < bytes.length; length += 3) {
    const { code } = await failure(bytes.subarray(0, length));
    expect(code).toMatch(length === 1 ? /^not_a_workbook$/ : /^truncated$/);
  }
});

test("bytes that were changed are found by the checksum or before, and never crash", async () => {
  const bytes = workbook({ rows: '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings: "<si><t>abc</t></si>" });
  const rows = await readRows(bytes);
  expect(rows).not.toEqual([]);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 0x55;
    // Some bytes mean nothing to a reader, such as the time of an entry.
    const found = await readRows(changed).catch((error: unknown) => error);
    expect(found instanceof SheetError ? rows : found, `byte ${at}`).toEqual(rows);
  }
});

test("a wrong checksum and broken compressed data", async () => {
  const replaced = (entry: object): Buffer =>
    workbook({
      entries: [
        { name: "xl/worksheets/sheet1.xml", data: worksheet('<row r="1"><c r="A1"><v>1</v></c></row>'), ...entry },
      ],
    });
  expect(await failure(replaced({ crc: 1 }))).toMatchObject({
    code: "crc_mismatch",
    part: "xl/worksheets/sheet1.xml",
    sheet: "Sheet1",
  });
  expect(await failure(replaced({ raw: Buffer.from("ffffffffff", "hex") }))).toMatchObject({ code: "bad_compression" });
  expect(await failure(replaced({ method: 12 }))).toMatchObject({ code: "unsupported_compression" });
  expect(await failure(replaced({ flags: 1 }))).toMatchObject({ code: "encrypted" });
});

test("a DOCTYPE is refused in every part", async () => {
  const doctype = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>';
  for (const name of entriesOf({ strings: "", formats: [], rows: "" }).map((entry) => entry.name)) {
    if (name === "[Content_Types].xml") continue; // not read where the relationships suffice
    const rows = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>';
    const parts = { strings: "<si><t>a</t></si>", formats: [], rows };
    const data = String(entriesOf(parts).find((entry) => entry.name === name)!.data).replace(/^<\?xml.*\?>/, doctype);
    expect(await failure(workbook({ ...parts, entries: [{ name, data }] }))).toMatchObject({
      code: "doctype",
      part: name,
    });
  }
});

test("XML that ends too early", async () => {
  const whole = worksheet('<row r="1"><c r="A1"><v>1</v></c></row>');
  for (const end of [
    "</worksheet>",
    "</sheetData></worksheet>",
    "</row></sheetData></worksheet>",
    "</v></c></row></sheetData></worksheet>",
    "1</v></c></row></sheetData></worksheet>",
  ])
    expect(await failure(workbook({ sheets: [{ xml: whole.slice(0, -end.length) }] }))).toMatchObject({
      code: "unterminated_xml",
      sheet: "Sheet1",
    });
  expect(await cellFailure('<c r="A2" t="s"><v>1</v></c>', { strings: "<sst><si><t>a</t></si><si>" })).toMatchObject({
    code: "unterminated_xml",
    part: "xl/sharedStrings.xml",
  });
  expect(await failure(workbook({ sheets: [{ xml: "" }] }))).toMatchObject({ code: "unterminated_xml" });
});

test.each([
  "<c r='A2'><v>a &nope; b</v></c>",
  "<c r='A2'><v>a & b</v></c>",
  '<c r="A2"><v>&#x110000;</v></c>',
  "<c r=A2/>",
  "<c r/>",
  "< c/>",
  "</c>",
  "<c <v/>",
  "<![FOO[]]>",
  `<c "r='x"/>`,
])("what is no XML: %s", async (cell) => {
  expect(await cellFailure(cell)).toMatchObject({
    code: "bad_xml",
    sheet: "Sheet1",
    part: "xl/worksheets/sheet1.xml",
    offset: expect.any(Number),
  });
});

test("an index beyond the shared strings, with the cell that has it", async () => {
  const strings = "<si><t>a</t></si>";
  expect(await cellFailure('<c r="B2" t="s"><v>1</v></c>', { strings })).toMatchObject({
    code: "shared_string_out_of_range",
    sheet: "Sheet1",
    cell: "B2",
    message:
      "Cell B2 names shared string 1, and the workbook has 1 of them (counted from 0). The file was written badly; open it in Excel and save it again.",
  });
  expect(await cellFailure('<c r="B2" t="s"><v>-1</v></c>', { strings })).toMatchObject({
    code: "shared_string_out_of_range",
    cell: "B2",
  });
  expect(await cellFailure('<c r="B2" t="s"><v>0</v></c>')).toMatchObject({
    code: "shared_string_out_of_range",
    cell: "B2",
  });
});

test("places that a sheet does not have", async () => {
  expect(await cellFailure('<c r="XFE2"><v>1</v></c>')).toMatchObject({ code: "column_out_of_range", cell: "XFE2" });
  expect(await cellFailure('<c r="ABCDEFGHIJ2"><v>1</v></c>')).toMatchObject({ code: "column_out_of_range" });
  expect(await cellFailure('<c r="XFD2"/><c/>')).toMatchObject({ code: "column_out_of_range" });
  for (const r of ["1048577", "2147483648", "4294967297", "99999999999"])
    expect(await failure(workbook({ rows: `<row r="${r}"><c><v>1</v></c></row>` }))).toMatchObject({
      code: "row_out_of_range",
    });
  expect(await failure(workbook({ rows: '<row r="1048576"/><row/>' }))).toMatchObject({ code: "row_out_of_range" });
  expect(await failure(workbook({ rows: '<row><c r="A1048577"/></row>' }))).toMatchObject({ code: "row_out_of_range" });
  for (const r of ["0", "-1", "x", "", "1.5"])
    expect(await failure(workbook({ rows: `<row r="${r}"/>` }))).toMatchObject({ code: "bad_reference" });
  for (const r of ["2B", "B", "$B$2", "", "B0"])
    expect(await cellFailure(`<c r="${r}"/>`)).toMatchObject({ code: "bad_reference" });
});

test("bytes that are not UTF-8", async () => {
  const xml = Buffer.from(worksheet('<row r="1"><c r="A1" t="str"><v>\x01\x02</v></c></row>'));
  xml[xml.indexOf(1)] = 0xc3;
  expect(await failure(workbook({ sheets: [{ xml }] }))).toMatchObject({ code: "bad_encoding", sheet: "Sheet1" });
  const odd = '<?xml version="1.0" encoding="klingon"?><worksheet><sheetData/></worksheet>';
  expect(await failure(workbook({ sheets: [{ xml: odd }] }))).toMatchObject({ code: "bad_encoding" });
});

test("limits count actual bytes, whatever the headers say", async () => {
  const long = "x".repeat(5000);
  const rows = `<row r="1"><c r="A1" t="inlineStr"><is><t>${long}</t></is></c></row>`;
  const bytes = workbook({ rows, strings: `<si><t>${long}</t></si>` });
  const limit = async (limits: Partial<Limits>, of: Uint8Array = bytes): Promise<unknown> =>
    (await failure(of, limits))["message"];
  expect(await failure(bytes, { partBytes: 1000 })).toMatchObject({ code: "limit" });
  expect(await limit({ partBytes: 1000 })).toContain("partBytes = 1000");
  expect(await limit({ totalBytes: 3000 })).toContain("totalBytes = 3000");
  expect(await limit({ fileBytes: 100 })).toContain("fileBytes = 100");
  expect(await limit({ entries: 3 })).toContain("entries = 3");
  expect(await limit({ cellBytes: 4999 })).toContain("cellBytes = 4999");
  const shared = workbook({
    rows: '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
    strings: `<si><t>${long}</t></si>`,
  });
  expect(await limit({ cellBytes: 4999 }, shared)).toContain("cellBytes = 4999");
  expect(await failure(workbook({ rows: '<row r="9"><c r="B9"/></row>' }), { rows: 8 })).toMatchObject({
    code: "row_out_of_range",
    message: "There is a row 9, beyond the limit rows = 8; raise the limit to read on.",
  });
  expect(await failure(workbook({ rows: '<row r="9"><c r="B9"/></row>' }), { columns: 1 })).toMatchObject({
    code: "column_out_of_range",
    message: "Row 9 has the cell B9, beyond the limit columns = 1; raise the limit to read on.",
  });
  const lying = workbook({ entries: [{ name: "xl/worksheets/sheet1.xml", data: worksheet(rows), size: 10 }] });
  expect(await limit({ partBytes: 1000 }, lying)).toContain("partBytes = 1000");
});

test.each(["x", "&", "<!--", '<c r="'])("a bomb of endless %j ends at a limit", async (text) => {
  const row = '<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>';
  const data = Buffer.concat([Buffer.from(row), Buffer.alloc(70 * 2 ** 20, text)]);
  const raw = deflateRawSync(data, { level: 1 });
  const { code } = await failure(workbook({ entries: [{ name: "xl/worksheets/sheet1.xml", data, raw }] }));
  expect(code).toBe(text === '<c r="' ? "bad_xml" : "limit");
});

test("options that make no sense", async () => {
  const bytes = workbook({ rows: "" });
  await expect(open(source(bytes), { limits: { rows: 0 } })).rejects.toMatchObject({ code: "bad_option" });
  await expect(open(source(bytes), { limits: { colums: 1 } as Partial<Limits> })).rejects.toMatchObject({
    code: "bad_option",
  });
  await expect(open({} as never)).rejects.toMatchObject({ code: "bad_option" });
  await using book = await open(source(bytes));
  expect(() => book.sheet().rows({ from: 0 })[Symbol.asyncIterator]()).toThrow(
    expect.objectContaining({ code: "bad_option" }),
  );
});

test("a signal stops reading with its reason, before and between batches", async () => {
  const rows = Array.from(
    { length: 50_000 },
    (_, i) => `<row r="${i + 1}"><c r="A${i + 1}"><v>${i}</v></c></row>`,
  ).join("");
  const bytes = workbook({ rows });
  await expect(open(source(bytes), { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  const control = new AbortController();
  await using book = await open(source(bytes));
  const reading = async (): Promise<void> => {
    for await (const row of book.sheet().rows({ signal: control.signal }))
      if (row.number === 10) control.abort(new Error("enough"));
  };
  await expect(reading()).rejects.toThrow("enough");
});

test("a closed workbook says so, and closing twice is no error", async () => {
  const book = await open(source(workbook({ rows: '<row r="1"><c r="A1"><v>1</v></c></row>' })));
  await book.close();
  await book.close();
  await expect(collect(book.sheet().rows())).rejects.toMatchObject({ code: "closed" });
});

test("a source that fails passes its error on", async () => {
  const bytes = workbook({ rows: '<row r="1"><c r="A1"><v>1</v></c></row>' });
  let reads = 0;
  const flaky = {
    size: bytes.length,
    read: async (offset: number, length: number) => {
      if (++reads > 6) throw new Error("the network is gone");
      return bytes.subarray(offset, offset + length);
    },
  };
  const reading = async (): Promise<void> => {
    await using book = await open(flaky);
    await collect(book.sheet().rows());
  };
  await expect(reading()).rejects.toThrow("the network is gone");
});
