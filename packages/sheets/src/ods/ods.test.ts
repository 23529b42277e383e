// OpenDocument: what stands in its XML, how it is repeated, and what hostile repetition gets.
import { expect, test } from "vitest";
import { Duration } from "../cells/duration.ts";
import { SheetError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { collect, source } from "../test/workbook-writer.ts";
import { zip } from "../test/zip-writer.ts";
import { open } from "../workbook.ts";

const mimetype = { name: "mimetype", data: "application/vnd.oasis.opendocument.spreadsheet", stored: true };

function ods(tables: string, styles = "", settings = ""): Uint8Array {
  const data = `<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:style="s" xmlns:number="n" xmlns:calcext="c"><office:automatic-styles>${styles}</office:automatic-styles><office:body><office:spreadsheet>${settings}${tables}</office:spreadsheet></office:body></office:document-content>`;
  return zip([mimetype, { name: "content.xml", data }]);
}

const table = (rows: string, name = "Data"): string => `<table:table table:name="${name}">${rows}</table:table>`;
const row = (...cells: string[]): string => `<table:table-row>${cells.join("")}</table:table-row>`;
const text = (inner: string, attributes = ""): string =>
  `<table:table-cell office:value-type="string"${attributes}><text:p>${inner}</text:p></table:table-cell>`;
const value = (type: string, name: string, value: string, attributes = ""): string =>
  `<table:table-cell office:value-type="${type}" office:${name}="${value}"${attributes}><text:p>shown</text:p></table:table-cell>`;

interface Found {
  readonly rows: readonly (readonly unknown[])[];
  readonly warnings: readonly string[];
}

async function read(bytes: Uint8Array, options: { from?: number; to?: number } = {}): Promise<Found> {
  await using book = await open(source(bytes));
  const rows = await collect(book.sheet().rows(options));
  return {
    rows: rows.map((row) => [row.number, ...row.values]),
    warnings: rows.flatMap((row) => row.warnings),
  };
}

const cells = async (...of: string[]): Promise<unknown> => (await read(ods(table(row(...of))))).rows[0]?.slice(1);

async function failure(bytes: Uint8Array, limits: Partial<Limits> = {}): Promise<unknown> {
  try {
    await using book = await open(source(bytes), { limits });
    await collect(book.sheet().rows());
  } catch (error) {
    if (error instanceof SheetError) return { code: error.code, cell: error.cell };
    throw error;
  }
  throw new Error("it could be read");
}

test("values are what the attributes say, not what is shown", async () => {
  expect(
    await cells(
      value("float", "value", "1.5"),
      value("percentage", "value", "0.25"),
      value("currency", "value", "-7"),
      value("boolean", "boolean-value", "true"),
      value("date", "date-value", "2020-01-31"),
      value("date", "date-value", "2020-01-31T10:20:30.5"),
      value("time", "time-value", "PT12H30M15S"),
      value("string", "string-value", "said"),
    ),
  ).toEqual([
    1.5,
    0.25,
    -7,
    true,
    new Date("2020-01-31T00:00:00Z"),
    new Date("2020-01-31T10:20:30.500Z"),
    new Date("1899-12-31T12:30:15Z"),
    "said",
  ]);
});

test("a time is a duration by its style, its sign or its length", async () => {
  const styles =
    '<number:time-style style:name="N1" number:truncate-on-overflow="false"/><number:time-style style:name="N2"/><style:style style:name="span" style:data-style-name="N1"/><style:style style:name="clock" style:data-style-name="N2"/>';
  const columns =
    '<table:table-column table:number-columns-repeated="4"/><table:table-column table:default-cell-style-name="span"/>';
  const time = (iso: string, style = ""): string =>
    value("time", "time-value", iso, style && ` table:style-name="${style}"`);
  const found = await read(
    ods(
      table(columns + row(time("PT6H", "clock"), time("PT6H", "span"), time("-PT3H"), time("PT36H"), time("PT6H"))),
      styles,
    ),
  );
  const hours = (n: number): Duration => new Duration(n * 3_600_000);
  expect(found.rows).toEqual([[1, new Date("1899-12-31T06:00:00Z"), hours(6), hours(-3), hours(36), hours(6)]]);
});

test.each([
  ["plain", "plain"],
  ["_x0041_ stays", "_x0041_ stays"],
  ['a<text:s/>b<text:s text:c="3"/>c', "a b   c"],
  ["  a \n  b", "a b"],
  ["a<text:tab/>b<text:line-break/>c", "a\tb\nc"],
  ["a</text:p><text:p>b</text:p><text:p>", "a\nb\n"],
  ["a</text:p><text:p> b", "a\nb"],
  ["<text:span>ri</text:span><text:a>ch</text:a> text", "rich text"],
  ["&lt;&amp;&#20013;", "<&中"],
  ["<![CDATA[<x>]]>", "<x>"],
])("the text %j is %j", async (xml, want) => {
  expect(await cells(text(xml))).toEqual([want]);
});

test("comments and drawings are no text", async () => {
  const cell =
    '<table:table-cell office:value-type="string"><office:annotation><text:p>comment</text:p></office:annotation><draw:frame xmlns:draw="d"><text:p>in a box</text:p></draw:frame><text:p>text</text:p></table:table-cell>';
  expect(await cells(cell, text("next"))).toEqual(["text", "next"]);
});

test("errors are errors; LibreOffice's own numbers are #VALUE!, as it writes them to .xlsx", async () => {
  const error = (shown: string): string => text(shown, ' calcext:value-type="error"');
  await using book = await open(source(ods(table(row(error("#DIV/0!"), error("Err:502"))))));
  const [found] = await collect(book.sheet().rows());
  expect(found!.values.map(String)).toEqual(["#DIV/0!", "#VALUE!"]);
});

test("what is no value of its type is text, with a warning; a formula without a value says so", async () => {
  const found = await read(
    ods(
      table(
        row(
          value("float", "value", "abc"),
          value("date", "date-value", "2020-02-30"),
          value("time", "time-value", "noon"),
          '<table:table-cell table:formula="of:=1"/>',
        ),
      ),
    ),
  );
  expect(found.rows).toEqual([[1, "abc", "2020-02-30", "noon"]]);
  expect(found.warnings.map((warning) => warning.slice(0, 30))).toEqual([
    'A1 is not a number: "abc"; it ',
    'B1 is not a date: "2020-02-30"',
    'C1 is not a time: "noon"; it i',
    "D1 is a formula without a save",
  ]);
});

test("repeated rows and cells are counted, empty ones passed over", async () => {
  const xml = table(
    '<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="2"/>' +
      `${text("x", ' table:number-columns-repeated="3"')}<table:table-cell table:number-columns-repeated="16379"/></table:table-row>` +
      '<table:table-row table:number-rows-repeated="10"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>' +
      `<table:table-header-rows>${row("<table:covered-table-cell/>", text("y"))}</table:table-header-rows>` +
      '<table:table-row table:number-rows-repeated="1048563"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>',
  );
  expect((await read(ods(xml))).rows).toEqual([
    [1, null, null, "x", "x", "x"],
    [2, null, null, "x", "x", "x"],
    [13, null, "y"],
  ]);
  expect((await read(ods(xml), { from: 2, to: 12 })).rows).toEqual([[2, null, null, "x", "x", "x"]]);
});

test("a value that is repeated down the whole sheet is read, in batches", async () => {
  const bytes = ods(
    table(`<table:table-row table:number-rows-repeated="1048576">${value("float", "value", "7")}</table:table-row>`),
  );
  await using book = await open(source(bytes));
  let count = 0;
  let batches = 0;
  for await (const batch of book.sheet().batches()) {
    count += batch.rowCount;
    batches++;
  }
  expect([count, batches > 10]).toEqual([1_048_576, true]);
});

test("hostile repetition is refused before it is done", async () => {
  const rows = (n: string, columns = "1"): Uint8Array =>
    ods(
      table(
        `<table:table-row table:number-rows-repeated="${n}">${text("x", ` table:number-columns-repeated="${columns}"`)}</table:table-row>`,
      ),
    );
  expect(await failure(rows("1000000000"))).toEqual({ code: "row_out_of_range", cell: "A1048577" });
  expect(await failure(rows("1", "1000000000"))).toEqual({ code: "column_out_of_range", cell: "XFE1" });
  expect(await failure(rows("1048576", "16384"))).toEqual({ code: "limit", cell: "A1" });
  expect(await failure(ods(table(row(text('<text:s text:c="1000000000"/>')))))).toEqual({ code: "limit", cell: "A1" });
  expect(await failure(rows("3"), { rows: 2 })).toEqual({ code: "row_out_of_range", cell: "A3" });
  expect(await failure(ods(table(row(text("too long")))), { cellBytes: 5 })).toEqual({ code: "limit", cell: "A1" });
  const deep = "<text:span>".repeat(300) + "</text:span>".repeat(300);
  expect(await failure(ods(table(row(text(deep)))))).toMatchObject({ code: "bad_xml" });
});

test("sheets by name, hidden ones too; a table in a cell is no sheet", async () => {
  const styles = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>';
  const inner = `<table:table-cell><table:table table:name="inner">${row(text("no"))}</table:table></table:table-cell>`;
  const bytes = ods(
    `<table:table table:name="A &amp; B" table:style-name="ta2">${row(inner, text("1"))}</table:table>${table(row(text("2")), "C")}`,
    styles,
  );
  await using book = await open(source(bytes));
  expect([book.format, book.sheets]).toEqual([
    "ods",
    [
      { name: "A & B", index: 0, state: "hidden" },
      { name: "C", index: 1, state: "visible" },
    ],
  ]);
  expect((await collect(book.sheet("A & B").rows()))[0]!.values).toEqual([null, "1"]);
  expect((await collect(book.sheet().rows()))[0]!.values).toEqual(["2"]);
});

test("since 1904 a time of day lies on its first day", async () => {
  const settings =
    '<table:calculation-settings><table:null-date table:date-value="1904-01-01"/></table:calculation-settings>';
  const bytes = ods(table(row(value("time", "time-value", "PT12H"))), "", settings);
  await using book = await open(source(bytes));
  expect(book.date1904).toBe(true);
  expect((await collect(book.sheet().rows()))[0]!.values).toEqual([new Date("1904-01-01T12:00:00Z")]);
});

test("a password is said to be one, and another kind of document to be one", async () => {
  const manifest = {
    name: "META-INF/manifest.xml",
    data: '<m:manifest xmlns:m="m"><m:file-entry m:full-path="content.xml"><m:encryption-data/></m:file-entry></m:manifest>',
  };
  expect(await failure(zip([mimetype, manifest, { name: "content.xml", data: "\x01\x02" }]))).toMatchObject({
    code: "encrypted",
  });
  expect(await failure(ods("<text:p>a letter</text:p>"))).toMatchObject({ code: "unsupported_format" });
  expect(
    await failure(zip([mimetype, { name: "content.xml", data: "<office:document-content><table" }])),
  ).toMatchObject({
    code: "unterminated_xml",
  });
});

test("a content.xml of 130 MiB is no small part: it is read to its end", async () => {
  const words = row(text("word ".repeat(2 ** 17)));
  const rows = Math.ceil((130 * 2 ** 20) / words.length);
  const data = `<office:document-content><office:body><office:spreadsheet>${table(words.repeat(rows))}</office:spreadsheet></office:body></office:document-content>`;
  await using book = await open(source(zip([mimetype, { name: "content.xml", data, stored: true }])));
  let read = 0;
  for await (const batch of book.sheet().batches()) {
    read += batch.rowCount;
    batch.release();
  }
  expect(read).toBe(rows);
});

test.each([
  ["spaces", row(text(`<text:s text:c="4000000"/>`)).repeat(200)],
  ["rows", `<table:table-row table:number-rows-repeated="9000">${text("x".repeat(60_000))}</table:table-row>`],
  ["cells", row(text("x".repeat(60_000), ` table:number-columns-repeated="9000"`))],
])("few bytes that stand for more than 512 MiB of text are refused: %s", async (_, rows) => {
  expect(await failure(ods(table(rows)))).toMatchObject({ code: "limit" });
});
