// Archives as other programs write them: every one holds the same workbook, and it is read.
import { expect, test } from "vitest";
import { open } from "./workbook.ts";
import { collect, entriesOf, readRows, rels, source } from "./test/workbook-writer.ts";
import { zip, type ZipEntry } from "./test/zip-writer.ts";

const entries = entriesOf({
  strings: "<si><t>text</t></si>",
  rows: '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>2</v></c></row>',
});
const all = (change: Partial<ZipEntry>): ZipEntry[] => entries.map((entry) => ({ ...entry, ...change }));

test.each([
  ["deflated entries", zip(entries)],
  ["stored entries", zip(all({ stored: true }))],
  ["data descriptors", zip(all({ descriptor: true }))],
  ["data descriptors behind stored entries", zip(all({ descriptor: true, stored: true }))],
  ["zip64 fields in the directory", zip(all({ zip64: true }))],
  ["zip64 records at the end", zip(entries, { zip64: true })],
  ["a comment at the end", zip(entries, { comment: "a comment" })],
  [
    "a comment with the signature of the end in it",
    zip(entries, { comment: "PK\x05\x06 and more than twenty-two bytes" }),
  ],
  ["junk in front of the archive", Buffer.concat([Buffer.from("PK junk ".repeat(100)), zip(entries)])],
  ["junk in front of a zip64 archive", Buffer.concat([Buffer.alloc(999, "x"), zip(entries, { zip64: true })])],
  ["junk behind the archive", Buffer.concat([zip(entries), Buffer.alloc(3000)])],
  ["names with backslashes", zip(entries.map((entry) => ({ ...entry, name: entry.name.replaceAll("/", "\\") })))],
  ["names in another case", zip(entries.map((entry) => ({ ...entry, name: entry.name.toUpperCase() })))],
  ["the shared strings first", zip(entries.toReversed())],
  ["directories as entries", zip([{ name: "xl/", data: "", stored: true }, ...entries])],
])("%s are read", async (_, bytes) => {
  expect((await readRows(bytes))[0]!.values).toEqual(["text", 2]);
});

test("of two entries that differ in case only, the one with the very name is read", async () => {
  const other = { name: "xl/worksheets/SHEET1.xml", data: "<worksheet/>" };
  for (const order of [
    [other, ...entries],
    [...entries, other],
  ])
    expect((await readRows(zip(order)))[0]!.values).toEqual(["text", 2]);
});

test("a source that gives fewer bytes than were asked for is asked again", async () => {
  const bytes = zip(all({ stored: true }));
  const slow = { size: bytes.length, read: async (at: number, n: number) => bytes.subarray(at, at + Math.min(n, 7)) };
  await using book = await open(slow);
  expect((await collect(book.sheet().rows()))[0]!.values).toEqual(["text", 2]);
});

test.each([
  ["relative", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"],
  ["absolute", "/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"],
  ["with backslashes", "worksheets\\sheet1.xml", "xl/worksheets/sheet1.xml"],
  ["with dots", "./x/../../data/./sheet1.xml", "data/sheet1.xml"],
  ["absolute with backslashes", "\\other\\s.xml", "other/s.xml"],
])("a target may be %s", async (_, target, name) => {
  const changed = entries.map((entry) => {
    if (entry.name === "xl/worksheets/sheet1.xml") return { ...entry, name };
    if (entry.name !== "xl/_rels/workbook.xml.rels") return entry;
    return {
      ...entry,
      data: rels([
        ["rId1", "worksheet", target],
        ["rId2", "sharedStrings", "sharedStrings.xml"],
      ]),
    };
  });
  expect((await readRows(zip(changed)))[0]!.values).toEqual(["text", 2]);
});

test("parts may lie anywhere: relationships lead to them", async () => {
  const moved = entries
    .filter(({ name }) => name !== "_rels/.rels" && name !== "xl/_rels/workbook.xml.rels")
    .map((entry) => ({
      ...entry,
      name: entry.name.replace("xl/workbook.xml", "book.xml").replace("xl/worksheets/", "a/"),
    }));
  const links = [
    { name: "_rels/.rels", data: rels([["x", "officeDocument", "/book.xml"]]) },
    {
      name: "_rels/book.xml.rels",
      data: rels([
        ["rId1", "worksheet", "a/sheet1.xml"],
        ["y", "sharedStrings", "xl/sharedStrings.xml"],
      ]),
    },
  ];
  expect((await readRows(zip([...moved, ...links])))[0]!.values).toEqual(["text", 2]);
});

test("without relationships of the package the content types lead to the workbook, or its usual name does", async () => {
  const rest = entries.filter(({ name }) => name !== "_rels/.rels");
  expect((await readRows(zip(rest)))[0]!.values).toEqual(["text", 2]);
  const types =
    '<Types><Override PartName="/book.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>';
  const moved = rest
    .filter(({ name }) => name !== "[Content_Types].xml")
    .map((entry) => ({ ...entry, name: entry.name.replace(/^xl\/(_rels\/)?workbook/, "$1book").replace(/^xl\//, "") }));
  expect((await readRows(zip([...moved, { name: "[Content_Types].xml", data: types }])))[0]!.values).toEqual([
    "text",
    2,
  ]);
});

test("strict OOXML, with other namespaces everywhere, is read", async () => {
  const strict = entries.map((entry) => ({
    ...entry,
    data: String(entry.data)
      .replaceAll("http://schemas.openxmlformats.org/officeDocument/2006", "http://purl.oclc.org/ooxml/officeDocument")
      .replaceAll(
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
      ),
  }));
  expect((await readRows(zip(strict)))[0]!.values).toEqual(["text", 2]);
});

test("hidden sheets are listed with their state; the default is the first visible one; modules are no sheets", async () => {
  const bytes = zip(
    entriesOf({
      sheets: [
        { name: "a", state: "veryHidden" },
        { name: "b", state: "hidden" },
        { name: "c &amp; d", rows: '<row r="1"><c r="A1"><v>3</v></c></row>' },
      ],
    }).map((entry) =>
      entry.name === "xl/workbook.xml"
        ? {
            ...entry,
            data: String(entry.data).replace("</sheets>", '<sheet name="Module" sheetId="9" r:id=""/></sheets>'),
          }
        : entry,
    ),
  );
  await using book = await open(source(bytes));
  expect(book.sheets).toEqual([
    { name: "a", index: 0, state: "veryHidden" },
    { name: "b", index: 1, state: "hidden" },
    { name: "c & d", index: 2, state: "visible" },
  ]);
  expect(book.sheet().name).toBe("c & d");
  expect(book.sheet(0).name).toBe("a");
});

test("dates follow the workbook's system, and an extension of the same name does not change it", async () => {
  const properties = '<workbookPr date1904="1"/><extLst><ext><x15:workbookPr chartTrackingRefBase="1"/></ext></extLst>';
  const bytes = zip(
    entriesOf({ properties, formats: ["yyyy-mm-dd"], rows: '<row r="1"><c r="A1" s="1"><v>0</v></c></row>' }),
  );
  await using book = await open(source(bytes));
  expect(book.date1904).toBe(true);
  expect((await collect(book.sheet().rows()))[0]!.values).toEqual([new Date("1904-01-01T00:00:00Z")]);
});
