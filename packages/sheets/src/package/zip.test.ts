// How the workbook and its parts are found in an archive. What archives look like otherwise:
// test/hazards/.
import { expect, test } from "vitest";
import { open } from "../workbook.ts";
import { collect, entriesOf, readRows, source } from "../test/workbook-writer.ts";
import { zip, type ZipEntry } from "../test/zip-writer.ts";

const entries = entriesOf({
  strings: "<si><t>text</t></si>",
  rows: '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>2</v></c></row>',
});
const all = (change: Partial<ZipEntry>): ZipEntry[] => entries.map((entry) => ({ ...entry, ...change }));

test("a source that gives fewer bytes than were asked for is asked again", async () => {
  const bytes = zip(all({ stored: true }));
  const slow = { size: bytes.length, read: async (at: number, n: number) => bytes.subarray(at, at + Math.min(n, 7)) };
  await using book = await open(slow);
  expect((await collect(book.sheet().rows()))[0]!.values).toEqual(["text", 2]);
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

test("strings and styles without a relationship are taken from beside the workbook", async () => {
  const parts = entriesOf({
    strings: "<si><t>text</t></si>",
    formats: ["yyyy-mm-dd"],
    rows: '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>36526</v></c></row>',
  });
  const unrelated = parts.map((entry) =>
    entry.name === "xl/_rels/workbook.xml.rels"
      ? { ...entry, data: String(entry.data).replaceAll(/<Relationship [^>]*(?:sharedStrings|styles)\.xml"\/>/g, "") }
      : entry,
  );
  expect((await readRows(zip(unrelated)))[0]!.values).toEqual(["text", new Date("2000-01-01T00:00:00Z")]);
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

test("bytes between the directory and the record at the end are passed over, and so are bytes in front of the archive", async () => {
  const bytes = zip(entries);
  const end = bytes.length - 22;
  const between = Buffer.concat([bytes.subarray(0, end), Buffer.alloc(10), bytes.subarray(end)]);
  for (const archive of [between, Buffer.concat([Buffer.alloc(10), bytes])])
    expect((await readRows(archive))[0]!.values).toEqual(["text", 2]);
});

test("zip64 fields of a part that inflates to more bytes than the file has", async () => {
  const rows = Array.from({ length: 5000 }, (_, n) => `<row r="${n + 1}"><c r="A${n + 1}"><v>1</v></c></row>`);
  const bytes = zip(entriesOf({ rows: rows.join("") }).map((entry) => ({ ...entry, zip64: true })));
  expect(bytes.length).toBeLessThan(rows.join("").length);
  expect(await readRows(bytes)).toHaveLength(5000);
});

test("a relationship to what is outside of the file is nobody's part", async () => {
  const outside =
    '<Relationship Id="x" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="https://example.com/styles.xml" TargetMode="External"/>';
  const parts = entriesOf({ formats: ["yyyy-mm-dd"], rows: '<row r="1"><c r="A1" s="1"><v>36526</v></c></row>' });
  const bytes = zip(
    parts.map((entry) =>
      entry.name === "xl/_rels/workbook.xml.rels"
        ? { ...entry, data: String(entry.data).replace("<Relationship ", `${outside}<Relationship `) }
        : entry,
    ),
  );
  expect((await readRows(bytes))[0]!.values).toEqual([new Date("2000-01-01T00:00:00Z")]);
});
