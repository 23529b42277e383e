// The whole message and place of each error and warning of a file: every number, name and advice in
// it. A new error belongs into one of the tables.
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SheetError } from "../errors.ts";
import { defaultLimits } from "../limits.ts";
import { open, type OpenOptions } from "../workbook.ts";
import { cfb } from "./cfb-writer.ts";
import { collect, rels, workbook, worksheet, type WorkbookParts } from "./workbook-writer.ts";
import { zip, type ZipEntry } from "./zip-writer.ts";

/** What reading a file of this name ends in: the code, the place and the message. */
async function failure(name: string, content: Uint8Array | string, options: OpenOptions = {}): Promise<string[]> {
  try {
    await using book = await open(new File([new Uint8Array(Buffer.from(content))], name), options);
    for (const { index } of book.sheets) await collect(book.sheet(index).rows());
  } catch (error) {
    if (!(error instanceof SheetError)) throw error;
    const { code, message, ...place } = error.toJSON();
    return [`${code} at ${JSON.stringify(place)}`, message];
  }
  throw new Error("it could be read");
}

const cell = (xml: string, parts: WorkbookParts = {}): Uint8Array =>
  workbook({ ...parts, rows: `<row r="2">${xml}</row>` });
const sheet = (xml: string | Uint8Array): Uint8Array => workbook({ sheets: [{ name: "Data", xml }] });
const replaced = (change: Partial<ZipEntry>): Uint8Array =>
  workbook({
    entries: [
      { name: "xl/worksheets/sheet1.xml", data: worksheet('<row r="1"><c r="A1"><v>1</v></c></row>'), ...change },
    ],
  });
const mimetype = { name: "mimetype", data: "application/vnd.oasis.opendocument.spreadsheet", stored: true };
const ods = (rows: string): Uint8Array =>
  zip([
    mimetype,
    {
      name: "content.xml",
      data: `<o xmlns:office="o" xmlns:table="t" xmlns:text="x"><table:table table:name="T">${rows}</table:table></o>`,
    },
  ]);
const odsCell = (attributes: string, text = "x"): string =>
  `<table:table-row><table:table-cell ${attributes}><text:p>${text}</text:p></table:table-cell></table:table-row>`;
const odsText = 'office:value-type="string"';

describe("a workbook", () => {
  test.each<[what: string, content: Uint8Array | string, options?: OpenOptions]>([
    ["nothing at all", ""],
    ["a file that is too large", workbook({ rows: "" }), { limits: { fileBytes: 100 } }],
    ["an archive without an end", workbook({ rows: "" }).subarray(0, 500)],
    ["a part with a password", replaced({ flags: 1 })],
    ["a part of another method", replaced({ method: 12 })],
    ["a part with a wrong checksum", replaced({ crc: 1 })],
    ["a part that cannot be inflated", replaced({ raw: Buffer.from("ffffffffff", "hex") })],
    ["too many entries", workbook({ rows: "" }), { limits: { entries: 3 } }],
    ["a part that is too large", workbook({ rows: "" }), { limits: { partBytes: 100 } }],
    ["parts that are too large together", workbook({ rows: "" }), { limits: { totalBytes: 300 } }],
    ["no sheet", workbook({ sheets: [] })],
    ["no part for a sheet", workbook({ sheets: [{ name: "Data" }], without: ["xl/worksheets/sheet1.xml"] })],
    ["no entries", zip([])],
    ["no workbook in an archive", zip([..."abcdef"].map((name) => ({ name, data: "x" })))],
    ["few entries and no workbook", zip([{ name: "a.txt", data: "x" }])],
    ["a document of Word", zip([{ name: "word/document.xml", data: "x" }])],
    ["a presentation", zip([{ name: "ppt/presentation.xml", data: "x" }])],
    ["an Apple Numbers file", zip([{ name: "Index/Document.iwa", data: "x" }])],
    ["an Apple Numbers file of old", zip([{ name: "Index.zip", data: "x" }])],
    ["a document type", sheet('<!DOCTYPE a><worksheet><sheetData/></worksheet>')],
    ["an unknown encoding", sheet('<?xml version="1.0" encoding="klingon"?><worksheet><sheetData/></worksheet>')],
    ["an entity without a meaning", cell('<c r="A2" t="str"><v>a &nope; b</v></c>')],
    ["an attribute without a value", cell("<c r/>")],
    ["an attribute without quotes", cell("<c r=A2/>")],
    ["quotes that do not match", cell(`<c "r='x"/>`)],
    ["a tag without a name", cell("< c/>")],
    ["a tag in a tag", cell("<c <v/>")],
    ["a declaration that XML does not have", cell("<![FOO[]]>")],
    ["an element that is not open", cell("</c>")],
    ["an element that is not open, between rows", sheet("<worksheet><sheetData></row></sheetData></worksheet>")],
    ["a sheet without an end", sheet("<worksheet><sheetData>")],
    ["a row that is no number", sheet(worksheet('<row r="1"/><row r="x"/>'))],
    ["a cell that is no reference", cell('<c r="2B"/>')],
    ["a row past the last one", workbook({ rows: '<row r="1048577"/>' })],
    ["a column past the last one", cell('<c r="XFE2"><v>1</v></c>')],
    ["a row past a limit", workbook({ rows: '<row r="9"/>' }), { limits: { rows: 8 } }],
    ["a column past a limit", cell('<c r="C2"><v>1</v></c>'), { limits: { columns: 2 } }],
    ["more cells than columns", cell("<c/><c/><c/>"), { limits: { columns: 2 } }],
    ["a text that is too long", cell('<c r="B2" t="str"><v>abcd</v></c>'), { limits: { cellBytes: 3 } }],
    ["a shared string that is too long", cell('<c r="B2" t="s"><v>0</v></c>', { strings: "<si><t>abcd</t></si>" }), { limits: { cellBytes: 3 } }],
    ["a rich shared string that is too long", cell('<c r="B2" t="s"><v>0</v></c>', { strings: "<si><r><t>abcd</t></r></si>" }), { limits: { cellBytes: 3 } }],
    ["a shared string that is not there", cell('<c r="B2" t="s"><v>7</v></c>', { strings: "<si><t>a</t></si>" })],
    ["a shared string without a number", cell('<c r="B2" t="s"><v>x</v></c>', { strings: "<si><t>a</t></si>" })],
    ["shared strings without an end", cell('<c r="B2" t="s"><v>1</v></c>', { strings: "<sst><si><t>a</t></si><si>" })],
    ["styles without an end", workbook({ rows: "", formats: [], entries: [{ name: "xl/styles.xml", data: "<styleSheet><numFmts>" }] })],
    ["styles without an element", workbook({ rows: "", formats: [], entries: [{ name: "xl/styles.xml", data: "x" }] })],
    ["styles that close too much", workbook({ rows: "", formats: [], entries: [{ name: "xl/styles.xml", data: "<a/></b>" }] })],
    ["bytes that are not UTF-8 in a sheet", sheet(Buffer.from(worksheet('<row r="1"><c r="A1" t="str"><v>\xe9</v></c></row>'), "latin1"))],
    ["bytes that are not UTF-8 in a string", workbook({ rows: '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings: "", entries: [{ name: "xl/sharedStrings.xml", data: Buffer.from("<sst><si><t>\xe9</t></si></sst>", "latin1") }] })],
    ["too many relationships", workbook({ rows: "", entries: [{ name: "xl/_rels/workbook.xml.rels", data: rels([..."abcdefghijkl"].map((id) => [id, "worksheet", "x.xml"])) }] }), { limits: { entries: 9 } }],
    ["too many sheets", workbook({ sheets: [..."abcdefgh"].map((name) => ({ name })), without: [..."2345678"].map((n) => `xl/worksheets/sheet${n}.xml`), entries: [{ name: "xl/_rels/workbook.xml.rels", data: rels([["rId1", "worksheet", "worksheets/sheet1.xml"]]) }] }), { limits: { entries: 7 } }],
  ])("with %s", async (_, content, options) => {
    expect((await failure("book.xlsx", content, options)).join("\n")).toMatchSnapshot();
  }); // prettier-ignore
});

describe("an OpenDocument file", () => {
  test.each<[what: string, content: Uint8Array, options?: OpenOptions]>([
    ["another kind of document", zip([{ ...mimetype, data: "application/vnd.oasis.opendocument.text" }, { name: "content.xml", data: "<o/>" }])],
    ["a password", zip([mimetype, { name: "META-INF/manifest.xml", data: "<m><encryption-data/></m>" }, { name: "content.xml", data: "<o/>" }])],
    ["no sheet", zip([mimetype, { name: "content.xml", data: "<o/>" }])],
    ["a sheet without an end", zip([mimetype, { name: "content.xml", data: "<o><table:table>" }])],
    ["a text that is too long", ods(odsCell(odsText, "abcd")), { limits: { cellBytes: 3 } }],
    ["a row past a limit", ods(odsCell(odsText).replace("table-row", 'table-row table:number-rows-repeated="3"')), { limits: { rows: 2 } }],
    ["a column past a limit", ods(odsCell(`${odsText} table:number-columns-repeated="3"`)), { limits: { columns: 2 } }],
    ["too many cells", ods(odsCell(`${odsText} table:number-columns-repeated="100"`).replace("table-row", 'table-row table:number-rows-repeated="1000000"'))],
  ])("with %s", async (_, content, options) => {
    expect((await failure("book.ods", content, options)).join("\n")).toMatchSnapshot();
  }); // prettier-ignore
});

describe("a text", () => {
  test.each<[what: string, content: Uint8Array | string, options?: OpenOptions]>([
    ["an open quote", 'a,b\n1,"x\ny\n'],
    ["an open quote that is too long", `a,b\n1,"x\n${"y\n".repeat(9000)}`, { limits: { cellBytes: 1000 } }],
    ["a field that is too long", "a,b\n1,abcd\n", { limits: { cellBytes: 3 } }],
    ["too many fields", "a,b\n1,2,3\n", { limits: { columns: 2 } }],
    ["too many lines", "a,b\n1,2\n3,4\n", { limits: { rows: 2 } }],
    ["bytes that are not UTF-8", Buffer.concat([Buffer.from("é,ü\n".repeat(9)), Buffer.from([0xe9, 0x2c, 0x0a])])],
    ["bytes that are not of its encoding", Buffer.from("a,b\n\x82\n,1\n", "latin1"), { csv: { encoding: "shift_jis" } }],
    ["an encoding that does not exist", "a,b\n", { csv: { encoding: "klingon" } }],
    ["a quote of two characters", "a,b\n", { csv: { quote: "ab" } }],
    ["a delimiter of two characters", "a,b\n", { csv: { delimiter: "ab" } }],
    ["no delimiter", "a,b\n", { csv: { delimiter: "" } }],
    ["an escape of another kind", "a,b\n", { csv: { escape: "slash" as "none" } }],
    ["gzip that is cut off", gzipSync("a,b\n".repeat(99)).subarray(0, 20)],
    ["gzip that is damaged", Buffer.concat([gzipSync("a,b\n").subarray(0, 10), Buffer.alloc(40, 0xff)])],
    ["gzip of something else", gzipSync(Buffer.from("PK\x03\x04....", "latin1"))],
    ["gzip that is too large", gzipSync("a,b\n".repeat(99)), { limits: { partBytes: 100 } }],
  ])("with %s", async (_, content, options) => {
    const csv = "csv" in (options ?? {}) ? {} : { csv: {} };
    expect((await failure("text.csv", content, { ...csv, ...options })).join("\n")).toMatchSnapshot();
  }); // prettier-ignore
});

describe("what is no spreadsheet", () => {
  test.each<[what: string, content: Uint8Array | string]>([
    ["an encrypted workbook", cfb(["EncryptionInfo", "EncryptedPackage"])],
    ["another OLE file", cfb(["WordDocument"])],
    ["a PDF", "%PDF-1.7"],
    ["a picture", Buffer.from("\xff\xd8\xff", "latin1")],
    ["an animation", "GIF89a"],
    ["an archive of 7-Zip", Buffer.from("7z\xbc\xaf", "latin1")],
    ["an archive of RAR", "Rar!"],
    ["a database", "SQLite format 3\0"],
    ["a Parquet file", "PAR1"],
    ["zero bytes", Buffer.alloc(9)],
    ["another binary file", "\x01\x02binary"],
    ["a document in XML", "<a/>"],
    ["a page without a table", "<html><body>x</body></html>"],
    ["a saved page", "MIME-Version: 1.0\nContent-Type: multipart/related\n"],
    ["JSON", '{"a":1}'],
    ["a document of RTF", "{\\rtf1 a}"],
    ["a word", "hello"],
  ])("%s", async (_, content) => {
    expect((await failure("file.bin", content)).join("\n")).toMatchSnapshot();
  });
});

test("options that make no sense, and a sheet that is not there", async () => {
  const messages: string[] = [];
  const note = async (work: () => unknown): Promise<void> => {
    try {
      await work();
    } catch (error) {
      messages.push(`${(error as SheetError).code}: ${(error as SheetError).message}`);
    }
  };
  const file = new File([new Uint8Array(workbook({ sheets: [{ name: "One" }, { name: "Two" }] }))], "book.xlsx");
  await note(() => open(file, { formats: "some" as "all" }));
  await note(() => open(file, { limits: { rows: 0 } }));
  await note(() => open(file, { limits: { columms: 1 } as object }));
  await note(() => open(new URL("https://example.com/a.xlsx")));
  await note(() => open({} as never));
  await note(() => open("/no/such/file.xlsx"));
  await note(() => open("/"));
  const book = await open(file);
  await note(() => book.sheet("Three"));
  await note(() => book.sheet(2));
  await note(() => collect(book.sheet().rows({ from: 0 })));
  await note(() => collect(book.sheet().rows({ to: 1.5 })));
  await note(() => collect(book.sheet().rows({ header: -1 })));
  await book.close();
  await note(() => collect(book.sheet().rows()));
  expect(messages.length).toBe(13);
  expect(messages.join("\n").replace(Object.keys(defaultLimits).join(", "), "…")).toMatchSnapshot();
});

test("the warnings of a workbook's rows", async () => {
  const rows = [
    '<c r="A1"><f>1+1</f></c><c r="B9"><v>1</v></c>',
    '<c r="A2" t="d"><v>2020-02-30</v></c><c r="B2"><v>abc</v></c><c r="C2" t="b"><v>2</v></c><c r="D2" t="q"><v>2</v></c>',
    '<c r="A3" s="1"><v>60</v></c><c r="B3" s="1"><v>0.5</v></c><c r="B3" s="1"><v>60.5</v></c><c r="D3" s="2"><v>0.5</v></c>',
    '<c r="A4"><v>1e999</v></c>',
  ].map((cells, n) => `<row r="${n + 1}">${cells}</row>`);
  await using book = await open(
    new Blob([new Uint8Array(workbook({ rows: rows.join(""), formats: ["yyyy-mm-dd", "h:mm"] }))]),
  );
  const found = await collect(book.sheet().rows());
  expect(found.map(({ number, warnings }) => `${number}: ${warnings.join(" · ")}`).join("\n")).toMatchSnapshot();
});
