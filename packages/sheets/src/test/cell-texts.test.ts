// What a reading gives besides values, if it is asked for it: what cells show, and where their
// links lead.
import * as sheetJs from "@e965/xlsx";
import { expect, test } from "vitest";
import type { ReadOptions } from "../sheet.ts";
import { CellTexts } from "../cells/cell-texts.ts";
import { linkOfFormula } from "../cells/hyperlink.ts";
import { open } from "../workbook.ts";
import { rels, source, workbook, worksheet, type WorkbookParts } from "./workbook-writer.ts";
import { zip } from "./zip-writer.ts";

interface Besides {
  readonly hasLinks: boolean;
  readonly mentionsLinks: boolean;
  readonly shown: Record<string, string>;
  readonly links: Record<string, string>;
  readonly raised: Record<string, string>;
  readonly warnings: readonly string[];
}

/** By the cells' names, with what `show` was called with as the text that is shown. */
async function besides(bytes: Uint8Array, options: ReadOptions = ALL): Promise<Besides> {
  await using book = await open(source(bytes));
  const found = {
    shown: {} as Record<string, string>,
    links: {} as Record<string, string>,
    raised: {} as Record<string, string>,
    warnings: [] as string[],
  };
  const name = (row: number, column: number): string => `${String.fromCharCode(64 + column)}${row}`;
  for await (const batch of book.sheet().batches(options)) {
    for (const [row, column, text] of batch.shown?.entries() ?? []) found.shown[name(row, column)] = text;
    for (const [row, column, text] of batch.links?.entries() ?? []) found.links[name(row, column)] = text;
    for (const [row, column, text] of batch.raised?.entries() ?? []) found.raised[name(row, column)] = text;
    found.warnings.push(...batch.warnings.map(({ message }) => message));
    batch.release();
  }
  return { ...found, hasLinks: await book.sheet().hasLinks(), mentionsLinks: await book.sheet().mentionsLinks() };
}

const ALL: ReadOptions = {
  show: (value, format) => (format === "General" ? undefined : `${value} as ${format}`),
  links: true,
};

const cell = (ref: string, style: number, value: string): string => `<c r="${ref}" s="${style}"><v>${value}</v></c>`;

test.each([
  ["", 45000],
  ['<workbookPr date1904="1"/>', 46462],
])("the numbers of an .xlsx file with their formats; a date counts from 1900 (%s)", async (properties, day) => {
  const parts: WorkbookParts = {
    properties,
    formats: ["000", "dd.mm.yyyy", "[h]:mm", "h:mm"],
    rows: `<row r="1">${cell("A1", 1, "7")}${cell("B1", 2, "45000")}${cell("C1", 3, "1.5")}${cell("D1", 4, "0.25")}${cell("E1", 0, "3")}<c r="F1" s="1" t="str"><v>8</v></c></row>`,
  };
  const { shown, hasLinks, mentionsLinks } = await besides(workbook(parts));
  expect([hasLinks, mentionsLinks]).toEqual([false, false]);
  expect(shown).toEqual({ A1: "7 as 000", B1: `${day} as dd.mm.yyyy`, C1: "1.5 as [h]:mm", D1: "0.25 as h:mm" });
});

test("nothing of it is given if it is not asked for", async () => {
  const bytes = workbook({ formats: ["000"], rows: `<row r="1">${cell("A1", 1, "7")}</row>` });
  await using book = await open(source(bytes));
  for await (const batch of book.sheet().batches()) {
    expect(batch.shown).toBeUndefined();
    expect(batch.links).toBeUndefined();
  }
});

test("the links of an .xlsx file: to addresses, to places, over several cells, and in formulas", async () => {
  const text = (ref: string, formula = ""): string =>
    `<c r="${ref}" t="str">${formula === "" ? "" : `<f>${formula}</f>`}<v>text</v></c>`;
  const rows = `<row r="1">${text("A1")}${text("B1")}</row><row r="2">${text("A2")}${text("B2")}${text("C2")}</row><row r="3">${text("A3", "HYPERLINK(&quot;https://example.org/?a=1&amp;amp;b&quot;,&quot;x&quot;)")}${text("B3", "HYPERLINK(A1,&quot;y&quot;)")}${text("C3", "SUM(1)")}</row>${[200, 1000, 1001].map((row) => `<row r="${row}">${text(`D${row}`)}</row>`).join("")}`;
  const links = `<hyperlinks><hyperlink ref="A1" r:id="rId1" tooltip="&gt;"/><hyperlink ref="B1:B2" r:id="rId2" location="part"/><hyperlink ref='A2' location="Sheet2!A1" display="x"/><hyperlink ref='C2' location='"Q 1"!A1'/><hyperlink ref="D1:D1000" r:id="rId1"/></hyperlinks>`;
  const relations = rels([
    ["rId1", "hyperlink", "https://example.com/a?b=1&amp;c=%C3%A9"],
    ["rId2", "hyperlink", "other.xlsx"],
    ["rId3", "drawing", "../drawings/drawing1.xml"],
  ]);
  const bytes = workbook({
    sheets: [{ xml: worksheet(rows).replace("</worksheet>", `${links}</worksheet>`) }],
    entries: [{ name: "xl/worksheets/_rels/sheet1.xml.rels", data: relations }],
  });
  const found = await besides(bytes);
  expect(found.links).toEqual({
    A1: "https://example.com/a?b=1&c=%C3%A9",
    B1: "other.xlsx#part",
    A2: "#Sheet2!A1",
    B2: "other.xlsx#part",
    C2: '#"Q 1"!A1',
    A3: "https://example.org/?a=1&amp;b",
    D200: "https://example.com/a?b=1&c=%C3%A9",
    D1000: "https://example.com/a?b=1&c=%C3%A9",
  });
  expect(found.warnings).toEqual(["the address of the link in B3 is computed, so it is not kept"]);
  expect([found.hasLinks, found.mentionsLinks]).toEqual([true, true]);
});

test("an .ods file has what it shows, and its links", async () => {
  const number = (value: string, shown: string): string =>
    `<table:table-cell office:value-type="float" office:value="${value}"><text:p>${shown}</text:p></table:table-cell>`;
  const cells = [
    number("7", "007"),
    number("8", "8"),
    `<table:table-cell office:value-type="date" office:date-value="2020-01-31"><text:p>31. Januar 2020</text:p></table:table-cell>`,
    `<table:table-cell office:value-type="string"><text:p><text:a xlink:href="https://example.org/?a&amp;b">a link</text:a></text:p></table:table-cell>`,
    `<table:table-cell office:value-type="string" table:formula="of:=HYPERLINK(&quot;https://example.com&quot;;&quot;x&quot;)"><text:p>x</text:p></table:table-cell>`,
    `<table:table-cell office:value-type="string" table:formula="of:=HYPERLINK([.A1];&quot;x&quot;)"><text:p>x</text:p></table:table-cell>`,
  ];
  const data = `<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:xlink="l"><office:body><office:spreadsheet><table:table table:name="Data"><table:table-row>${cells.join("")}</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>`;
  const mimetype = { name: "mimetype", data: "application/vnd.oasis.opendocument.spreadsheet", stored: true };
  const found = await besides(zip([mimetype, { name: "content.xml", data }]));
  expect(found.shown).toEqual({ A1: "007", C1: "31. Januar 2020" });
  expect(found.links).toEqual({ D1: "https://example.org/?a&b", E1: "https://example.com" });
  expect([found.hasLinks, found.mentionsLinks]).toEqual([true, true]);
  expect(found.warnings).toEqual(["F1 has a link whose address is computed, so it is not kept"]);
});

test("superscripts in texts of an .xlsx file, shared or not", async () => {
  const run = (text: string, properties = ""): string => `<r>${properties}<t xml:space="preserve">${text}</t></r>`;
  const raised = '<rPr><sz val="8"/><vertAlign val="superscript"/></rPr>';
  const strings = `<si>${run("Größe")}${run("1,a*", raised)}${run(" total")}</si><si>${run("H")}${run("2", '<rPr><vertAlign val="subscript"/></rPr>')}</si><si><t>plain</t></si>`;
  const rows = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c><c r="D1" t="inlineStr"><is>${run("x", raised)}${run("y")}</is></c></row>`;
  const found = await besides(workbook({ strings, rows }), { raised: true });
  expect(found.raised).toEqual({ A1: "Größe¹,ᵃ* total", D1: "ˣy" });
});

test("superscripts in texts of an .ods file", async () => {
  const styles = `<style:style style:name="T1"><style:text-properties style:text-position="super 58%"/></style:style><style:style style:name="T2"><style:text-properties style:text-position="sub 58%"/></style:style><style:style style:name="T3"><style:text-properties style:text-position="33% 58%"/></style:style><style:style style:name="T4"><style:text-properties style:text-position="-33% 58%"/></style:style>`;
  const span = (style: string, text: string): string => `<text:span text:style-name="${style}">${text}</text:span>`;
  const text = (inner: string): string =>
    `<table:table-cell office:value-type="string"><text:p>${inner}</text:p></table:table-cell>`;
  const cells = [
    text(`Rate ${span("T1", "12")} of`),
    text(`H${span("T2", "2")}O`),
    text("plain"),
    text(`m${span("T3", "2")}`),
    text(`x${span("T4", "1")}`),
  ];
  const data = `<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:style="s"><office:automatic-styles>${styles}</office:automatic-styles><office:body><office:spreadsheet><table:table table:name="Data"><table:table-row>${cells.join("")}</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>`;
  const mimetype = { name: "mimetype", data: "application/vnd.oasis.opendocument.spreadsheet", stored: true };
  const found = await besides(zip([mimetype, { name: "content.xml", data }]), { raised: true });
  expect(found.raised).toEqual({ A1: "Rate ¹² of", D1: "m²" });
});

test("texts are listed with their cells, also those of the last row and column", () => {
  const texts = new CellTexts();
  const cells = [[1, 16_384, "a"], [2, 1, "b"], [1_048_576, 16_384, "c"]] as const; // prettier-ignore
  for (const [row, column, text] of cells) texts.set(row, column, text);
  expect([...texts.entries()]).toEqual(cells);
  expect(cells.map(([row, column]) => texts.at(row, column))).toEqual(["a", "b", "c"]);
});

test.each(["biff8", "xlsb"] as const)("what a library reads, too (%s)", async (bookType) => {
  const sheet = sheetJs.utils.aoa_to_sheet([[7, 3, "site"]]);
  sheet["A1"] = { t: "n", v: 7, z: "000" };
  sheet["C1"] = { t: "s", v: "site", l: { Target: "https://example.org/a" } };
  const book = sheetJs.utils.book_new();
  sheetJs.utils.book_append_sheet(book, sheet, "Data");
  const found = await besides(sheetJs.write(book, { type: "buffer", bookType }) as Buffer);
  expect(found.shown).toEqual({ A1: "7 as 000" });
  expect(found.links).toEqual({ C1: "https://example.org/a" });
});

test.each(["biff8", "xlsb"] as const)("a date that a library reads counts from 1900, too (%s)", async (bookType) => {
  const sheet = sheetJs.utils.aoa_to_sheet([[45000]]);
  sheet["A1"] = { t: "n", v: 45000, z: "dd.mm.yyyy" };
  const book = sheetJs.utils.book_new();
  sheetJs.utils.book_append_sheet(book, sheet, "Data");
  book.Workbook = { WBProps: { date1904: true } };
  const found = await besides(sheetJs.write(book, { type: "buffer", bookType }) as Buffer);
  expect(found.shown).toEqual({ A1: "46462 as dd.mm.yyyy" });
});

test.each<[string, ReturnType<typeof linkOfFormula>]>([
  ['HYPERLINK("https://a.example")', { address: "https://a.example" }],
  ['=hyperlink( "say ""x""" , B1)', { address: 'say "x"' }],
  ['of:=HYPERLINK("mailto:a@b.example";"write")', { address: "mailto:a@b.example" }],
  ['HYPERLINK("https://a.example/"&A1,"x")', "computed"],
  ["HYPERLINK(A1)", "computed"],
  ['IF(A1,HYPERLINK("x"))', undefined],
  ["SUM(A1)", undefined],
])("%s", (formula, link) => {
  expect(linkOfFormula(formula)).toEqual(link);
});
