// Cells, rows and text in all their spellings. One workbook for each kind of hazard: hazards/.
import { expect, test } from "vitest";
import { CellError } from "../cells/rows.ts";
import { open } from "../workbook.ts";
import {
  collect,
  mainNamespace,
  readCell,
  readRows,
  readValues,
  source,
  workbook,
  xmlHead,
} from "./workbook-writer.ts";

test("the usual cells of each type are read", async () => {
  const rows = await readValues({
    strings: "<si><t>shared</t></si>",
    rows: `<row r="1" spans="1:6"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>1.5</v></c><c r="C1" t="b"><v>1</v></c><c r="D1" t="e"><v>#DIV/0!</v></c><c r="E1" t="inlineStr"><is><t>inline</t></is></c><c r="F1" t="str"><f>"a"&amp;"b"</f><v>ab</v></c></row>`,
  });
  expect(rows).toEqual([[1, "shared", 1.5, true, new CellError("#DIV/0!"), "inline", "ab"]]);
});

test("Row.cells() names each cell that has a value, with its type", async () => {
  const [row] = await readRows(
    workbook({
      formats: ["yyyy-mm-dd"],
      rows: '<row r="7"><c r="B7"><v>2</v></c><c r="AA7" t="b"><v>0</v></c><c r="AB7" s="1"><v>43861</v></c><c r="AC7" t="e"><v>#N/A</v></c><c r="AD7" t="str"><v>x</v></c></row>',
    }),
  );
  expect(row!.number).toBe(7);
  expect([...row!.cells()]).toEqual([
    { ref: "B7", column: 2, type: "n", value: 2 },
    { ref: "AA7", column: 27, type: "b", value: false },
    { ref: "AB7", column: 28, type: "d", value: new Date("2020-01-31T00:00:00Z") },
    { ref: "AC7", column: 29, type: "e", value: new CellError("#N/A") },
    { ref: "AD7", column: 30, type: "s", value: "x" },
  ]);
});

test("cells and rows without r are counted from the ones before them", async () => {
  const rows = await readValues({
    rows: '<row><c><v>1</v></c><c><v>2</v></c></row><row r="5"><c r="C5"><v>3</v></c><c><v>4</v></c></row><row><c><v>5</v></c></row>',
  });
  expect(rows).toEqual([
    [1, 1, 2],
    [5, null, null, 3, 4],
    [6, 5],
  ]);
});

test("a row without r takes its number from its first cell", async () => {
  expect(await readValues({ rows: '<row><c r="B9"><v>1</v></c></row><row><c><v>2</v></c></row>' })).toEqual([
    [9, null, 1],
    [10, 2],
  ]);
});

test("a cell that names another row than the one it stands in is read there, with a warning", async () => {
  const [row] = await readRows(workbook({ rows: '<row r="3"><c r="A3"><v>1</v></c><c r="B9"><v>2</v></c></row>' }));
  expect(row!.number).toBe(3);
  expect(row!.values).toEqual([1, 2]);
  expect(row!.warnings).toEqual(["cell B9 stands in row 3; it is read as B3"]);
});

test("rich text is joined, text before runs counts, and phonetic runs are left out", async () => {
  const rich =
    '<t>be</t><r><rPr><b/><sz val="11"/></rPr><t xml:space="preserve">fore </t></r><r><t>after</t></r><rPh sb="0" eb="2"><t>フリガナ</t></rPh><phoneticPr fontId="1"/>';
  expect(await readCell(`<c r="A1" t="inlineStr"><is>${rich}</is></c>`)).toBe("before after");
  expect(await readCell('<c r="A1" t="s"><v>0</v></c>', { strings: `<si>${rich}</si>` })).toBe("before after");
});

test("spaces at both ends stay, with and without xml:space", async () => {
  for (const [attribute, text, want] of [
    ["", "  a  b \n", "  a  b \n"],
    [' xml:space="preserve"', "  a  b \n", "  a  b \n"],
    [" xml:space='preserve'", " a", " a"],
    [' xml:space="default"', " a", " a"],
    ["", "&#10;a&#9;", "\na\t"],
    [' xml:space="preserve"', "&#10;a&#9;", "\na\t"],
    ["", "_x0020_a_x000A_", " a\n"],
  ] as const) {
    const item = `<t${attribute}>${text}</t>`;
    expect(await readCell(`<c r="A1" t="inlineStr"><is>${item}</is></c>`)).toBe(want);
    expect(await readCell('<c r="A1" t="s"><v>0</v></c>', { strings: `<si>${item}</si>` })).toBe(want);
  }
  expect(await readCell('<c r="A1" t="str"><f>x</f><v xml:space="preserve"> a </v></c>')).toBe(" a ");
});

test("a text of nothing but spaces is a text", async () => {
  expect(await readCell('<c r="A1" t="inlineStr"><is><t>  </t></is></c>')).toBe("  ");
  expect(await readCell('<c r="A1" t="inlineStr"><is><t xml:space="preserve">  </t></is></c>')).toBe("  ");
});

test.each([
  ["_x000D_", "\r"],
  ["a_x000d__x000A_b", "a\r\nb"],
  ["_x005F_x000D_", "_x000D_"],
  ["_xD83D__xDE00_", "😀"],
  ["_xD83D_", "\ufffd"],
  ["snake_case_name", "snake_case_name"],
  ["_x00_", "_x00_"],
  ["_X000D_", "_X000D_"],
  ["_x000G_", "_x000G_"],
  ["_x4E2D_&amp;_x6587_", "中&文"],
])("the escape %s is resolved as Excel does", async (text, want) => {
  expect(await readCell(`<c r="A1" t="inlineStr"><is><t>${text}</t></is></c>`)).toBe(want);
  expect(await readCell('<c r="A1" t="s"><v>0</v></c>', { strings: `<si><t>${text}</t></si>` })).toBe(want);
  expect(await readCell(`<c r="A1" t="str"><v>${text}</v></c>`)).toBe(want);
});

test.each([
  ["&lt;a&gt; &amp; &quot;b&quot; &apos;c&apos;", "<a> & \"b\" 'c'"],
  ["&#65;&#x42;&#x4e2d;&#128512;&#x1F600;", "AB中😀😀"],
  ["&amp;amp;", "&amp;"],
  ["&amp;中中&amp;", "&中中&"],
  ["<![CDATA[<b> & ]]]]><![CDATA[>]]>", "<b> & ]]>"],
  ["<![CDATA[a\r\nb\rc]]>", "a\nb\nc"],
  ["a<!-- comment -->b<?pi?>c", "abc"],
  ["line1\r\nline2\rline3", "line1\nline2\nline3"],
])("the text %j is decoded", async (text, want) => {
  expect(await readCell(`<c r="A1" t="inlineStr"><is><t>${text}</t></is></c>`)).toBe(want);
  expect(await readCell('<c r="A1" t="s"><v>0</v></c>', { strings: `<si><t>${text}</t></si>` })).toBe(want);
});

test.each([
  ['<c r="A1"/>', undefined],
  ['<c r="A1"><v/></c>', undefined],
  ['<c r="A1"><v></v></c>', undefined],
  ['<c r="A1" t="s"><v></v></c>', undefined],
  ['<c r="A1" t="inlineStr"><is><t/></is></c>', undefined],
  ['<c r="A1" t="inlineStr"><is/></c>', undefined],
  ['<c r="A1" t="inlineStr"><v>text in v</v></c>', "text in v"],
  ['<c r="A1" t="inlineStr"><is><t>is</t></is><v>v</v></c>', "is"],
  ['<c r="A1"><is><t>no type</t></is></c>', "no type"],
  ['<c r="A1" t="str"><v>085232</v></c>', "085232"],
  ['<c r="A1" t="n"><v>1E+05</v></c>', 100_000],
  ['<c r="A1"><v>-0.5e-3</v></c>', -0.0005],
  ['<c r="A1"><v>0.1</v></c>', 0.1],
  ['<c r="A1"><v>123456789012345680</v></c>', 123456789012345680],
  ['<c r="A1"><v> 12 </v></c>', 12],
  ['<c r="A1"><v>.5</v></c>', 0.5],
  ['<c r="A1"><v>1.7976931348623157E308</v></c>', Number.MAX_VALUE],
  ['<c r="A1" t="b"><v>true</v></c>', true],
  ['<c r="A1" t="b"><v>0</v></c>', false],
  ['<c r="A1" t="e"><v>#N/A</v></c>', new CellError("#N/A")],
  ['<c r="A1"><f>1+1</f><v>2</v></c>', 2],
  ['<c r="A1"><f t="shared" si="0"/><v>3</v></c>', 3],
  ['<c r="A1"><f t="array" ref="A1:A2">B1:B2</f><v>4</v></c>', 4],
  ['<c r="A1" vm="1" cm="1"><v>5</v></c>', 5],
  ['<c r="A1"><v>6</v><extLst><ext><v>7</v></ext></extLst></c>', 6],
  ["<c r='A1' t='str'><v>single quotes</v></c>", "single quotes"],
  ['<c  r = "A1"\n\tt="str" ><v >spaces</v ></c >', "spaces"],
  ['<c t="str" r="A1"><v>order</v></c>', "order"],
  ['<c r="a1"><v>8</v></c>', 8],
])("the cell %s is %j", async (cell, want) => {
  expect(await readCell(cell)).toEqual(want);
});

test.each([
  ['<c r="A1" t="d"><v>2020-01-31</v></c>', "2020-01-31T00:00:00.000Z"],
  ['<c r="A1" t="d"><v>2020-01-31T10:20:30Z</v></c>', "2020-01-31T10:20:30.000Z"],
  ['<c r="A1" t="d"><v>2020-01-31T10:20:30.4567</v></c>', "2020-01-31T10:20:30.457Z"],
  ['<c r="A1" t="d"><v>2020-12-31T23:59:59.9999</v></c>', "2021-01-01T00:00:00.000Z"],
  ['<c r="A1" t="d"><v>12:30:00</v></c>', "1899-12-31T12:30:00.000Z"],
])("the ISO date %s is %s", async (cell, want) => {
  expect(await readCell(cell)).toEqual(new Date(want));
});

test.each([
  ['<c r="A1" t="d"><v>2020-02-30</v></c>', "2020-02-30", 'A1 is not a date: "2020-02-30"; it is read as text'],
  ['<c r="A1"><v>abc</v></c>', "abc", 'A1 is not a number: "abc"; it is read as text'],
  ['<c r="A1"><v>1e999</v></c>', "1e999", 'A1 is not a number: "1e999"; it is read as text'],
  ['<c r="A1" t="b"><v>2</v></c>', "2", 'A1 is not a boolean: "2"; it is read as text'],
  ['<c r="A1" t="q"><v>2</v></c>', "2", 'A1 is not a value of type "q": "2"; it is read as text'],
])("a value that does not fit its type is text, with a warning: %s", async (cell, value, warning) => {
  const [row] = await readRows(workbook({ rows: `<row r="1">${cell}</row>` }));
  expect(row!.values).toEqual([value]);
  expect(row!.warnings).toEqual([warning]);
});

test("a formula without a saved value is empty, and the row says so", async () => {
  const rows = await readRows(
    workbook({
      rows: '<row r="1"><c r="A1"><f>1+1</f></c><c r="B1"><v>1</v></c></row><row r="2"><c r="A2"><f>1</f><v/></c></row><row r="3"><c r="A3" t="str"><f>""</f><v></v></c></row><row r="4"><c r="A4"><f/></c></row><row r="5"><c r="A5" t="str"><f>x</f></c></row><row r="6"><c r="A6" t="str"><f>x</f><v/></c></row>',
    }),
  );
  expect(rows.map(({ number, values, warnings }) => [number, values, warnings.length])).toEqual([
    [1, [null, 1], 1],
    [2, [], 1],
    [4, [], 1],
    [5, [], 1],
  ]);
  expect(rows[0]!.warnings[0]).toBe(
    "A1 is a formula without a saved value and is read as empty; open the workbook in Excel and save it to have the value",
  );
});

test("sparse rows and rows without cells are passed over", async () => {
  const rows = await readValues({
    rows: '<row r="3"><c r="XFD3"><v>1</v></c></row><row r="4"/><row r="5"></row><row r="1048576"><c r="A1048576"><v>2</v></c></row>',
  });
  expect(rows.map((row) => [row[0], row.length - 1, row.at(-1)])).toEqual([
    [3, 16_384, 1],
    [1_048_576, 1, 2],
  ]);
});

test("an empty cell with a style counts for the width; a row of nothing else is no row", async () => {
  const rows = await readRows(
    workbook({
      rows: '<row r="1" s="3" customFormat="1"><c r="A1"><v>1</v></c><c r="B1" s="2"/><c r="E1" s="2"></c></row><row r="2"><c r="A2" s="2"/></row>',
    }),
  );
  expect(rows.map(({ number, values, width }) => ({ number, values, width }))).toEqual([
    { number: 1, values: [1], width: 5 },
  ]);
});

test("cells out of order are put in order; of two in one place the later counts", async () => {
  const [row] = await readRows(
    workbook({
      rows: '<row r="1"><c r="C1"><v>3</v></c><c r="A1"><v>1</v></c><c r="D1"><v>4</v></c><c r="A1"><v>9</v></c><c r="B1" s="1"/></row>',
    }),
  );
  expect(row!.values).toEqual([9, null, 3, 4]);
  expect(row!.width).toBe(4);
  expect(row!.warnings).toEqual(["A1 stands in the row twice; the later one counts"]);
});

test("of two cells in one place that follow each other the later counts, in each spelling", async () => {
  for (const quote of ['"', "'"]) {
    const rows = '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c><c r="B1"><v>3</v></c></row>';
    const [row] = await readRows(workbook({ rows: rows.replaceAll('"', quote) }));
    expect([row!.values, row!.warnings]).toEqual([[2, 3], ["A1 stands in the row twice; the later one counts"]]);
  }
});

test("rows out of order and rows that come twice are given as the file has them", async () => {
  const rows = await readValues({
    rows: '<row r="5"><c r="A5"><v>5</v></c></row><row r="2"><c r="A2"><v>2</v></c></row><row r="5"><c r="B5"><v>6</v></c></row>',
  });
  expect(rows).toEqual([
    [5, 5],
    [2, 2],
    [5, null, 6],
  ]);
});

test("comments, processing instructions, spaces and foreign elements between cells and rows are passed over", async () => {
  const xml = `\ufeff${xmlHead}<!-- a > b --><worksheet xmlns="${mainNamespace}" a='>'><?pi <row?><sheetPr/><sheetData a="1">
    <!-- <row r="9"> -->
    <row r="1"
         spans='1:2'>
      <!-- x --> <c r="A1" a=">"><v>1</v></c> <?pi?>
      <ext><c r="B1"><v>9</v></c></ext>
      <c r="C1"><v><!-- y -->3</v></c>
    </row >
    <ext><row r="7"><c r="A7"><v>7</v></c></row></ext>
  </sheetData><mergeCells/></worksheet> <!-- end -->`;
  const [row, more] = await readRows(workbook({ sheets: [{ xml }] }));
  expect(row!.values).toEqual([1, null, 3]);
  expect(more).toBeUndefined();
});

test("from and to choose rows, and reading ends behind the last", async () => {
  const all = Array.from({ length: 20 }, (_, i) => `<row r="${i + 1}"><c r="A${i + 1}"><v>${i + 1}</v></c></row>`);
  const bytes = workbook({ rows: all.join("") + '<row r="21"><c r="A21" t="s"><v>7</v></c></row>' });
  await using book = await open(source(bytes));
  const rows = await collect(book.sheet().rows({ from: 3, to: 5 }));
  expect(rows.map(({ number }) => number)).toEqual([3, 4, 5]);
});
