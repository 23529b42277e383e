import type { RowBatch } from "@sluice/sheets";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { previewFile, type PreviewOptions, type SheetPreview } from "../preview.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { batchOfRows } from "../test/batch.ts";
import { run } from "../test/program.ts";
import { EVERY_ROW, RecordFilter } from "./records.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";

type Options = Partial<PreviewOptions>;

async function look(text: string, options: Options = {}): Promise<SheetPreview> {
  await using folder = newFolder();
  const file = join(folder.path, "parts.csv");
  await writeFile(file, text);
  return (await previewFile({ file, ...options })).imports[0]!;
}

async function lookAtCells(rows: readonly (readonly TestCell[])[], options: Options = {}): Promise<SheetPreview> {
  await using folder = newFolder();
  const file = await writeWorkbook(join(folder.path, "parts.xlsx"), { S: rows });
  return (await previewFile({ file, ...options })).imports[0]!;
}

const types = ({ columns }: SheetPreview): (string | null)[] => columns.map(({ type }) => type);
const rowsLeftOut = ({ leftOut }: SheetPreview): [string, readonly number[]][] =>
  leftOut.map(({ why, rows }) => [why, rows]);

const PARTS = "Part,Qty,Price\nP-1,5,1.25\nP-2,6,2.50\n";

describe("no records are", () => {
  test("rows that repeat the header, also behind a mark of a file's begin", async () => {
    const found = await look(`${PARTS}Part,Qty,Price\nP-3,7,3.75\n\uFEFFPart,Qty,Price\nP-4,8,1\n`);
    expect(types(found)).toEqual(["text", "integer", "numeric"]);
    expect([found.records, rowsLeftOut(found)]).toEqual([4, [["repeats", [4, 6]]]]);
    expect(found.notes).toEqual([
      "rows 4 and 6 repeat the header, or what stands above it, and are left out (--all-rows keeps every row)",
    ]);
  });

  test.each(["No", "Name", "Ärzte", "№ 1", "A 1", "日付", "𝒩ame"])(
    "rows that repeat a header that begins with %s",
    async (name) => {
      for (const again of [name, name.toUpperCase(), name.toLowerCase(), `\uFEFF${name}`]) {
        const text = `${name},Town,Amount\nAnna,Bern,1\nNora,Biel,2\n${again},TOWN,Amount\nNils,Chur,3\n`;
        expect(rowsLeftOut(await look(text))).toEqual([["repeats", [4]]]);
      }
    },
  );

  test("rows that repeat a header of two rows: as it stands, joined in one row, or in capitals", async () => {
    const header = ",North,,South,\nItem,Units,Price,Units,Price\n";
    const page = (n: number): string => `P-${n},${n},1.25,7,2.50\nP-${n}x,5,1.50,8,3.75\n`;
    const joined = "Item,North / Units,North / Price,South / Units,South / Price\n";
    const found = await look(header + page(1) + header + page(2) + joined + page(3) + header.toUpperCase() + page(4));
    expect(types(found)).toEqual(["text", "integer", "numeric", "integer", "numeric"]);
    expect([found.records, rowsLeftOut(found)]).toEqual([8, [["repeats", [5, 6, 9, 12, 13]]]]);
    expect(found.notes.filter((note) => note.includes("another table") || note.includes("--type"))).toEqual([]);
    const wrapped = "Item,Units,Unit\n,sold,price\n";
    const pages = (next: string): string => `${wrapped}Tea,1,3.50\nRye,4,1.25\n${next}Oat,7,2.75\nEgg,3,3.00\n`;
    for (const next of [wrapped, "Item,Units sold,Unit price\n", wrapped.toUpperCase()])
      expect(types(await look(pages(next)))).toEqual(["text", "integer", "numeric"]);
  });

  test("titles that count pages or say that the table goes on, and headers of dates", async () => {
    const rows = "Part,Qty,Price\nP-1,5,1.25\nP-2,6,2.50\nP-3,6,2.75\n";
    const paged = (n: number): string => `Stock,,Page ${n} of 2\n${rows}`;
    expect(rowsLeftOut(await look(paged(1) + paged(2)))).toEqual([["repeats", [6, 7]]]);
    const { notes } = await look(`Table 1: Stock,,\n${rows}Table 1: Stock (continued),,\n${rows}`);
    expect(notes).toEqual([
      "the header is row 2; row 1 above it is passed over",
      "rows 6 and 7 repeat the header, or what stands above it, and are left out (--all-rows keeps every row)",
    ]);
    const days: TestCell[] = ["Item", new Date("2024-01-01T00:00Z"), new Date("2024-02-01T00:00Z")];
    const values: TestCell[][] = [["a", 1, 2], ["b", 3, 4], ["c", 5, 6]]; // prettier-ignore
    expect(rowsLeftOut(await lookAtCells([days, ...values, days, ...values]))).toEqual([["repeats", [5]]]);
  });

  test("and rows that only look like the header are records", async () => {
    // Letters may be codes.
    expect(rowsLeftOut(await look("A,B,C\n1,2,3\na,b,c\n4,5,6\n"))).toEqual([]);
    expect(rowsLeftOut(await look("A,B,C\n1,2,3\nA,B,C\n4,5,6\n"))).toEqual([["repeats", [3]]]);
    expect(rowsLeftOut(await look("Name,Kind,Price\nAda,x,1\nName,kind of,2\nBob,y,3\n"))).toEqual([]);
  });

  const YEARS =
    "2014,Units sold,Price\nTea,5,1.50\nRye,6,2.25\n2015,Units sold,Price\nTea,7,1.75\nRye,8,2.50\n2016,UNITS SOLD,Price\nTea,9,1.80\n";

  test("the header with another title in its first cell", async () => {
    const found = await look(YEARS);
    expect(types(found)).toEqual(["text", "integer", "numeric"]);
    expect([found.records, rowsLeftOut(found)]).toEqual([5, [["repeats", [4, 7]]]]);
    expect(found.notes).toEqual([
      "rows 4 and 7 repeat the header, or what stands above it, and are left out (--all-rows keeps every row)",
      'rows 4 and 7 repeat the header with other titles in front ("2015", "2016"): --add section puts these in a column of the rows below, --range 1:3 takes what is above, --range A4:C6 the next table',
    ]);
    // Each of these ways is one.
    expect((await look(YEARS, { range: "1:3" })).sample.map(({ row }) => row)).toEqual([2, 3]);
    const next = await look(YEARS, { range: "A4:C6" });
    expect(next.columns.map(({ header }) => header)).toEqual(["2015", "Units sold", "Price"]);
    const one = await look(YEARS.split("\n").slice(0, 6).join("\n"));
    expect(one.notes[1]).toBe(
      'row 4 repeats the header with another title in front ("2015"): --add section puts these in a column of the rows below, --range 1:3 takes what is above, --range A4:C the other table',
    );
    expect((await look(YEARS, { range: "A4:C" })).headerRows).toEqual([4]);
    const parts = await look(YEARS, { add: new Map([["section", "part"]] as const) });
    expect(parts.sample.map(({ row, values }) => [row, values.at(-1)])).toEqual([[2, "2014"], [3, "2014"], [5, "2015"], [6, "2015"], [8, "2016"]]); // prettier-ignore
    expect(parts.notes.join()).not.toContain("--range");
    // Empty cells may be between the title and the names.
    const apart = await look(YEARS.replaceAll(/^([^,]*),/gm, "$1,,"));
    expect(rowsLeftOut(apart)).toEqual([["repeats", [4, 7]]]);
    // Of two headers of two rows, the first one has the title.
    const pair = (year: number): string =>
      `${year},North,,South,\n,Units,Price,Units,Price\nTea,5,1.50,6,1.75\nRye,7,2.50,8,2.75\nOat,1,3.25,4,5.25\nEgg,3,0.25,2,4.50\n`;
    const pairs = await look(pair(2014) + pair(2015) + pair(2016), { add: new Map([["section", "part"]] as const) });
    expect(types(pairs)).toEqual(["text", "integer", "numeric", "integer", "numeric"]);
    expect(pairs.sample.map(({ row, values }) => [row, values.at(-1)])).toEqual([[3, "2014"], [4, "2014"], [5, "2014"], [6, "2014"], [9, "2015"]]); // prettier-ignore
  });

  test("but not records that hold names of the header by chance", async () => {
    // Too short, the same text again, a number among the names, or another column.
    for (const text of [
      "Name,yes,no\nAda,1,2\nBob,yes,no\n",
      "Name,unknown,unknown\nAda,1,2\nBob,unknown,unknown\n",
      "Name,2014,Total of it\nAda,1,2\nBob,2014,Total of it\n",
      "Name,Units sold,Price\nAda,1,2\nBob,,Units sold\n",
      "Name,Units sold,Price\nAda,1,2\nBob,Units sold,Price,more\n",
    ])
      expect(rowsLeftOut(await look(text))).toEqual([]);
  });

  test("the title, page numbers and drawn lines of printed pages", async () => {
    const page = "Stock list,,\n,,\n";
    const found = await look(
      `${page}${PARTS}-----,,\nPage 1 of 2,,\n${page}Part,Qty,Price\nP-3,7,3.75\nPage 2 of 2,,\n`,
    );
    expect(types(found)).toEqual(["text", "integer", "numeric"]);
    expect(found.records).toBe(3);
    expect(rowsLeftOut(found).map(([why]) => why).sort()).toEqual(["line", "page", "repeats"]); // prettier-ignore
  });

  test.each([
    [
      "an SAP list",
      "|No. |Text      |Stock |\n|----|----------|------|\n|  23|Screw, M8 |  1200|\n|  24|Nut       |    50|\n",
      [2],
    ],
    [
      "a Markdown table",
      "| No. | Text | Stock |\n|----:|:-----|:-----:|\n| 23 | Screw | 1200 |\n| 24 | Nut | 50 |\n",
      [2],
    ],
    ["psql", " no | text  | stock \n----+-------+-------\n 23 | Screw |  1200\n 24 | Nut   |    50\n(2 rows)\n", [2]],
    [
      "MySQL",
      "+----+-------+\n| no | stock |\n+----+-------+\n| 23 |  1200 |\n| 24 |    50 |\n+----+-------+\n2 rows in set (0.00 sec)\n",
      [3, 6],
    ],
  ])("lines that are drawn over the columns of %s", async (_, text, lines) => {
    const found = await look(text);
    expect(found.records).toBe(2);
    expect([types(found)[0], types(found).at(-1)]).toEqual(["integer", "integer"]);
    expect(rowsLeftOut(found).find(([why]) => why === "line")).toEqual(["line", lines]);
    const all = await look(text, { allRows: true });
    expect(all.leftOut).toEqual([]);
  });

  test("and not records of marks for missing values, nor what an import of an earlier version has loaded", async () => {
    const found = await look("id,a,b\n1,5,6\n--,--,--\n2,7,8\n-,---,-\n");
    expect([found.records, rowsLeftOut(found)]).toEqual([4, []]);
    const batch = batchOfRows([["-----", "---"]]);
    const rows = (drawn: boolean): number =>
      new RecordFilter({ ...EVERY_ROW, all: false, firstRow: 1, drawn })
        .add(batch)
        .reduce((sum, { rowCount }) => sum + rowCount, 0);
    expect([rows(true), rows(false)]).toEqual([0, 1]);
  });

  test.each(["(2 rows)", "2 rows affected.", "2 Zeilen", "# end of the file"])(
    "a last line that says %s",
    async (line) => {
      const found = await look(`id,name\n1,Ada\n2,Bob\n${line}\n`);
      expect([types(found)[0], found.records, rowsLeftOut(found)]).toEqual(["integer", 2, [["below", [4]]]]);
    },
  );

  test.each([...":^~#!&/"])("fields that %s parts are said, and the option that is named parts them", async (sign) => {
    const text = ["name,age", "Ada,36", "Bob,41"].join("\n").replaceAll(",", sign);
    expect((await look(text)).notes.join()).toContain(`--delimiter ${JSON.stringify(sign)} says so`);
    expect(types(await look(text, { csv: { delimiter: sign } }))).toEqual(["text", "integer"]);
  });

  test("the end mark of old systems", async () => {
    const found = await look("id,name\r\n1,Ada\r\n2,Bob\r\n\u001A");
    expect([types(found), found.records, rowsLeftOut(found)]).toEqual([["integer", "text"], 2, [["mark", [4]]]]);
  });

  test("remarks below the table, behind a blank row or by their first word", async () => {
    const found = await look(`${PARTS}* without tax,,\n\nWarehouse,,\nGenerated 2024-01-31,,\n`);
    expect([found.records, rowsLeftOut(found)]).toEqual([2, [["below", [4, 6, 7]]]]);
    expect(found.notes.join()).toContain('rows 4, 6 and 7 ("* without tax") below the table are remarks');
  });

  test("remarks that are typed as a sentence", async () => {
    const found = await look(`${PARTS}This list was checked by the auditors,,\n`);
    expect(rowsLeftOut(found)).toEqual([["below", [4]]]);
  });

  const RATES =
    "Area,2020,2021,2022,2023,2024\nNorth,5,3,7,2,9\nSouth,4,5,1,7,8\nEast,1,9,3,6,5\nWest,7,1,9,3,1\nIsles,2,1,1,4,3\nSea,1,2,1,1,4\n";

  test("a legend after a blank row: lines of texts over columns of values", async () => {
    const legend = ",,,,,\nSpecial values,,,,,\n:,not available,,,,\nAvailable flags,,,,,\np,,,,,provisional\n";
    const found = await look(RATES + legend);
    expect(types(found)).toEqual(["text", "integer", "integer", "integer", "integer", "integer"]);
    expect([found.records, rowsLeftOut(found)]).toEqual([6, [["below", [9, 10, 11, 12]]]]);
    expect(found.notes.join()).not.toContain("titles of sections");
    const months = "Item,a,b,c,d,e\n1,5,3,7,2,9\n2,4,5,1,7,8\n";
    expect(rowsLeftOut(await look(`${months}\nPublished: May,,,,,Erschienen: Mai\n`))).toEqual([["below", [5]]]);
  });

  test("remarks in Chinese, with the office that made the table in the last column", async () => {
    const found = await look(`${RATES},,,,,\n說明：出生登記,,,,,內政部編製\n二、不包括金門縣。,,,,,\n`);
    expect([types(found)[5], found.records, rowsLeftOut(found)]).toEqual(["integer", 6, [["below", [9, 10]]]]);
  });

  test("footnotes with a number, of three words or with a full stop", async () => {
    const found = await look(`${PARTS}1) without the islands,,\n2. Estimate.,,\n`);
    expect(rowsLeftOut(found)).toEqual([["below", [4, 5]]]);
  });
});

describe("records are", () => {
  test.each<[string, string, number]>([
    ["a last row with a name alone, right below", `${PARTS}P-3,,\n`, 3],
    ["a row of one cell among others", `${PARTS}Note: see below,,\nP-3,7,3.75\n`, 4],
    ["rows that blank rows part, each from the next", "a,b,c\n1,2,3\n\n4,5,6\n\n7,8,9\n\nEve,,\n", 4],
    ["one behind a record of several lines", 'a,b,c\n1,2,3\n4,"two\nlines",6\nEve,,\n', 3],
    ["remarks in a table of one column", "note\nfirst\nsecond\n\n* third\n", 3],
    ["rows of one cell, where these are usual", "a,b,c\n1,,\n2,,\n3,4,5\n6,,\n\nSource: me,,\n", 5],
    ["rows with numbers in front of one or two words", `${PARTS}3. Rice,,\n4) Wild rice,,\n`, 4],
    ["a long name after names", `${PARTS}Malta,,\nPeru,,\nChad,,\nIsles of the North and the South,,\n`, 6],
    ["rows like a header of one column", "colour\nred\ncolour\nblue\n", 3],
    ["two texts in a row right below the others", "a,b,c,d,e\n1,2,3,4,5\n6,7,8,9,1\nx,y,,,\n", 3],
    ["half of a record after a blank row", "a,b,c,d\n1,2,3,4\n6,7,8,9\n\nx,y,,\n", 3],
    ["few texts after a blank row, if all is text", "a,b,c,d,e\nf,g,h,i,j\nk,l,m,n,o\n\nx,y,,,\n", 3],
  ])("%s", async (_, text, records) => {
    const found = await look(text);
    expect([found.records, found.leftOut]).toEqual([records, []]);
  });

  test("all rows with --all-rows", async () => {
    const found = await look(`${PARTS}Part,Qty,Price\n\n* without tax,,\n`, { allRows: true });
    expect([found.records, found.leftOut, types(found)]).toEqual([4, [], ["text", "text", "text"]]);
  });

  test("a name alone at the end, which a note says, with the option that leaves it out", async () => {
    const found = await look(`${PARTS}P-3,,\n`);
    expect(found.notes).toEqual([
      'row 4 at the end holds one cell ("P-3") and is imported; --skip-last 1 leaves it out',
    ]);
    const without = await look(`${PARTS}P-3,,\n`, { skipLast: 1 });
    expect([without.records, rowsLeftOut(without)]).toEqual([2, [["last", [4]]]]);
  });
});

test("--skip-last leaves out so many of the last rows, and nothing else of the end", async () => {
  const found = await look(`${PARTS}P-3,7,1\n\n* remark,,\n`, { skipLast: 2 });
  expect([found.records, rowsLeftOut(found)]).toEqual([2, [["last", [4, 6]]]]);
  expect((await look(`${PARTS}\n* remark,,\n`, { skipLast: 0 })).records).toBe(3);
  expect((await look(PARTS, { skipLast: 9 })).records).toBe(0);
});

test("--limit ends the records after so many", async () => {
  const found = await look(`${PARTS}P-3,x,y\n`, { limit: 2 });
  expect([found.records, types(found)]).toEqual([2, ["text", "integer", "numeric"]]);
});

test("--range looks at a part of the sheet: rows keep their numbers, columns their letters", async () => {
  const rows: TestCell[][] = [
    ["Orders", null, null, "Rates"],
    ["Order", "Amount", null, "Rate", "Value"],
    ["O-1", 10.5, null, "USD", 1.08],
    ["O-2", 20.25, null, "GBP", 0.85],
    [null, null, null, "JPY", 160],
    ["Sum", 99],
  ];
  const left = await lookAtCells(rows, { range: "A2:B4" });
  expect([left.headerRows, left.columns.map(({ letter }) => letter), left.records]).toEqual([[2], ["A", "B"], 2]);
  const right = await lookAtCells(rows, { range: "$D$2:E" });
  expect([right.columns.map(({ header }) => header), right.sample.map(({ row }) => row)]).toEqual([
    ["Rate", "Value"],
    [3, 4, 5],
  ]);
  expect((await lookAtCells(rows, { range: "d:e" })).columns).toHaveLength(2);
  expect((await lookAtCells(rows, { range: "2:4" })).records).toBe(2);
  await expect(lookAtCells(rows, { range: "B2" })).rejects.toThrow(
    '--range "B2": expected the first and the last cell',
  );
  await expect(lookAtCells(rows, { range: "C9:A1" })).rejects.toThrow("expected the first and the last cell");
});

test("a header of a word and a date over words may be a remark, and the option that is named settles it", async () => {
  const rows: TestCell[][] = [["Date", "2024-01-01"], ["Name", "City"], ["Ada", "London"], ["Bob", "Paris"]]; // prettier-ignore
  const { notes } = await lookAtCells(rows);
  expect(notes).toEqual([
    'the name "2024-01-01" is a date, so row 1 may be a remark above the table: --header 2 says that the names are in row 2',
  ]);
  const settled = await lookAtCells(rows, { header: [2, 2] });
  expect(settled.columns.map(({ header }) => header)).toEqual(["Name", "City"]);
  expect(settled.notes).toEqual([]);
  // Over values it names a column.
  expect((await lookAtCells([["Item", "2024-01-01"], ["rent", 5], ["food", 6]])).notes).toEqual([]); // prettier-ignore
});

test("two tables in one sheet are said, each with the range that takes it", async () => {
  const beside: TestCell[][] = [
    ["Order", "Amount", null, "Rate", "Value"],
    ["O-1", 10.5, null, "USD", 1.08],
    ["O-2", 20.25, null, "GBP", 0.85],
    [null, null, null, "JPY", 160],
  ];
  // A column that only sets others apart is no border.
  expect((await lookAtCells(beside.slice(0, 3))).notes).toEqual([]);
  expect((await lookAtCells(beside)).notes).toEqual([
    "column C is empty and parts the sheet in two tables: --range A:B takes one, --range D:E the other",
  ]);
  const wider = beside.map((row) => row.toSpliced(2, 0, null));
  expect((await lookAtCells(wider)).notes).toEqual([
    "column C is empty and parts the sheet in two tables: --range A:B takes one, --range E:F the other",
  ]);
  const stacked: TestCell[][] = [
    ["Name", "Sales"],
    ["Ada", 1],
    ["Bob", 2],
    [],
    ["Costs"],
    ["City", "Rent"],
    ["Rome", 3],
    ["Bonn", 4],
  ];
  const { notes } = await lookAtCells(stacked);
  expect(notes).toContain(
    'row 6 ("City", …) looks like the header of another table: --range A1:B3 takes the first one, --range A6:B that one',
  );
  expect((await lookAtCells(stacked, { range: "A1:B3" })).notes).toEqual([]);
  expect((await lookAtCells(stacked, { range: "A6:B" })).columns.map(({ header }) => header)).toEqual(["City", "Rent"]);
});

test("blocks with the same names side by side are said, each with the range that takes it", async () => {
  const rows: TestCell[][] = [
    ["Name", "Score", null, "Name", "Score", null, "Name", "Score"],
    ["Ada", 1, null, "Bob", 2, null, "Cem", 3],
    ["Dee", 4, null, "Eve", 5, null, "Fay", 6],
  ];
  expect((await lookAtCells(rows)).notes).toEqual([
    'the names "Name", "Score" are there 3 times side by side, and a number tells their columns apart: --range A:B takes the first one, --range D:E the next one, --range G:H the last one',
  ]);
  const last = await lookAtCells(rows, { range: "G:H" });
  expect([last.notes, last.columns.map(({ column }) => column), last.records]).toEqual([[], ["name", "score"], 2]);
  const two = rows.map((row) => [...row.slice(0, 2), ...row.slice(3, 5)]);
  expect((await lookAtCells(two)).notes).toEqual([
    'the names "Name", "Score" are there 2 times side by side, and a number tells their columns apart: --range A:B takes one, --range C:D the other',
  ]);
});

test("a column without a name left of a block is in its range, and the range takes it", async () => {
  const text = ",Sales,Costs,,Sales,Costs\nPeru,5,6,Oman,7,8\nChile,4,3,Iran,2,1\nCuba,9,7,Iraq,3,3\n";
  expect((await look(text)).notes.join()).toContain("--range A:C takes one, --range D:F the other");
  const { columns } = await look(text, { range: "D:F" });
  expect(columns.map(({ column }) => column)).toEqual(["column_4", "sales", "costs"]);
});

test("a name that several columns have is said", async () => {
  const { notes, columns } = await look("Item,Unit,Price,Unit\nTea,kg,3,t\n");
  expect(columns.map(({ column }) => column)).toEqual(["item", "unit", "price", "unit_2"]);
  expect(notes).toEqual(['several columns have the name "Unit" (B, D), and a number tells them apart']);
});

test("lines of one text among the records are said, since titles of sections are so", async () => {
  const found = await look(
    "No,Item,Unit,Price\nTOOLS\n1,Saw,pcs,5\n2,Axe,pcs,6\nTOYS\n3,Ball,pcs,7\n4,Kite,pcs,8\n5,Doll,pcs,9\n",
  );
  expect(found.records).toBe(7);
  expect(found.notes).toContain(
    'rows 2 and 5 hold one text alone ("TOOLS"), as titles of sections do, and are imported; --add section puts them in a column of the rows below',
  );
  const years = await look("Year,Mood,Men,Women\n2004,,,\n,glad,5,6\n,sad,7,8\n2005,,,\n,glad,6,7\n,sad,4,8\n");
  expect(years.notes).toContain(
    'rows 2 and 5 hold one value alone ("2004"), as titles of sections do, and are imported; --add section puts them in a column of the rows below',
  );
  expect((await look("Land,Number\nAmerica,\nPeru,5\nChile,7\n")).notes).toEqual([
    'row 2 holds one text alone ("America"), as a title of a section does, and is imported; --add section puts it in a column of the rows below',
  ]);
  // A text that is above the names too is not a title, unless that row comes again.
  const block = "Total,9,4,5\nyoung,4,2,2\nold,3,1,2\nolder,2,1,1\n";
  const sections = await look(`Age,Persons,,\n,Total,Men,Women\nin 2015,,,\n${block}in 2020,,,\n${block}`);
  expect(sections.notes).toContain(
    'rows 3 and 8 hold one text alone ("in 2015"), as titles of sections do, and are imported; --add section puts them in a column of the rows below',
  );
  // Of two columns, one may be empty.
  expect((await look("Item,Price\nAxe,5\nSaw\nBall,7\nKite,8\nDoll,9\n")).notes).toEqual([]);
});

describe("with --add section", () => {
  const add = new Map([["section", "part"]] as const);
  const rowsOf = ({ sample }: SheetPreview): unknown[] => sample.map(({ row, values }) => [row, values.at(-1)]);

  test("titles are left out, and the rows below get them; those below each other are joined", async () => {
    const text = "Item,Price,Unit\nNORTH\nTools\nSaw,5,pcs\nAxe,6,pcs\n\nToys\nBall,7,pcs\nKite,8,pcs\n";
    const found = await look(text, { add });
    expect(types(found)).toEqual(["text", "integer", "text"]);
    expect(rowsOf(found)).toEqual([[4, "NORTH / Tools"], [5, "NORTH / Tools"], [8, "Toys"], [9, "Toys"]]); // prettier-ignore
    expect(found.notes).toEqual([
      'rows 2, 3 and 7 ("NORTH") hold titles of sections, which the records below them get, and are left out (--all-rows keeps every row)',
    ]);
    const kept = await look(text, { add, allRows: true });
    expect(rowsOf(kept)).toEqual([[2, "NORTH"], [3, "NORTH / Tools"], [4, "NORTH / Tools"], [5, "NORTH / Tools"], [7, "Toys"]]); // prettier-ignore
  });

  test("a text right of the column that records begin in is a record, as is a long one", async () => {
    const text = `Item,Price,Note\nSaw,5,a\n,,old\n${"x".repeat(501)}\nAxe,6,b\nNew\nAwl,7,c\n`;
    const found = await look(text, { add });
    expect(rowsLeftOut(found)).toEqual([["section", [6]]]);
    expect(rowsOf(found).map((row) => (row as unknown[])[1])).toEqual([null, null, null, null, "New"]);
    expect((await look("Item,Price,Note\nSaw,5,a\n,,old\nAxe,6,b\n")).notes.join()).not.toContain("--add section");
  });

  test("a text over values is a title, also right below the header, and a mark there is none", async () => {
    const block = "child,9,4\nyoung,5,2\nold,3,2\n";
    const text = `Age,2001,2011\n,All,\n${block},Men,\n${block},n/a,\n,Women,\n${block}`;
    expect((await look(text)).notes.join()).toContain(
      'rows 2, 6, 10 and 11 hold one text alone ("All"), as titles of sections do, and are imported',
    );
    const found = await look(text.replace(",n/a,\n", ""), { add });
    expect(types(found)).toEqual(["text", "integer", "integer"]);
    expect(rowsLeftOut(found)).toEqual([["section", [2, 6, 10]]]);
    expect(rowsOf(found)).toEqual([[3, "All"], [4, "All"], [5, "All"], [7, "Men"], [8, "Men"]]); // prettier-ignore
    expect(rowsLeftOut(await look(text, { add }))).toEqual([["section", [2, 6, 11]]]);
    // Titles over a column that no record fills.
    const form = (title: string): string => `,,${title},\nClass,Order,,Total\na,b,,\nc,d,,\n`;
    expect(rowsOf(await look(form("plot 1") + form("plot 2"), { add }))).toEqual([[3, "plot 1"], [4, "plot 1"], [7, "plot 2"], [8, "plot 2"]]); // prettier-ignore
  });

  test("a year is a title left of the records alone", async () => {
    const years = "Year,Mood,Men,Women\n2004,,,\n,glad,5,6\n,sad,7,8\n2005,,,\n,glad,6,7\n,sad,4,8\n";
    expect(rowsOf(await look(years, { add }))).toEqual([[3, "2004"], [4, "2004"], [6, "2005"], [7, "2005"]]); // prettier-ignore
    const first = "Year,Men,Women\n2004,5,6\n2005,,\n2006,4,8\n";
    expect(rowsOf(await look(first, { add }))).toEqual([[2, null], [3, null], [4, null]]); // prettier-ignore
  });

  test("the first rows get the title right above the header, and the headers once more are none", async () => {
    const block = (title: string): string => `${title}\n\nName,Score,Day\nAda,5,Mon\nBob,6,Tue\n\n`;
    const found = await look(block("Class 5a") + block("Class 5b"), { add });
    expect(rowsOf(found)).toEqual([[4, "Class 5a"], [5, "Class 5a"], [10, "Class 5b"], [11, "Class 5b"]]); // prettier-ignore
    expect(found.notes.join()).not.toContain("--range");
    const apart = await look(block("Class 5a").replace("\n", "\n\n\n"), { add });
    expect(rowsOf(apart).map((row) => (row as unknown[])[1])).toEqual([null, null]);
  });

  test("remarks below the table are no titles", async () => {
    const found = await look("Item,Price,Unit\nTools\nSaw,5,pcs\nAxe,6,pcs\n\nSource: the shop\n", { add });
    expect(rowsLeftOut(found)).toEqual([
      ["below", [6]],
      ["section", [2]],
    ]);
  });
});

test("a title above a repeated header is said to begin another table, each with the range that takes it", async () => {
  const parts = "Sold,,\nPart,Qty,Price\nP-1,5,1.25\nP-2,6,2.50\n\nBought,,\nPart,Qty,Price\nP-3,7,3.75\nP-4,8,1.50\n";
  const { notes } = await look(parts);
  expect(notes).toContain(
    'row 6 ("Bought") above a repeated header may be the title of another table: --range 1:5 takes what is above it, --range A7:C what is below; --add section puts it in a column of the rows below',
  );
  const [first, other] = [await look(parts, { range: "1:5" }), await look(parts, { range: "A7:C" })];
  expect([first.records, types(first)]).toEqual([2, ["text", "integer", "numeric"]]);
  expect([other.records, types(other)]).toEqual([2, ["text", "integer", "numeric"]]);
  // The title of printed pages comes again as well.
  expect((await look(parts.replace("Bought", "Sold"))).notes.join()).not.toContain("another table");
});

test("titles above several repeated headers are said, with the range of the next table", async () => {
  const block = (title: string, n: number): string =>
    `${title},\n,\nName,Score\nP-${n},${n}\nQ-${n},${n}\nR-${n},${n}\n,\n`;
  const text = block("Class 5a", 1) + block("Class 5b", 2) + block("Class 5c", 3);
  const { notes } = await look(text);
  expect(notes).toContain(
    'rows 8 and 15 ("Class 5b", "Class 5c") above repeated headers may be titles of other tables: --range 1:7 takes what is above them, --range A10:B14 the next table, and so on; --add section puts them in a column of the rows below',
  );
  const next = await look(text, { range: "A10:B14" });
  expect([next.records, next.columns.map(({ column }) => column), next.notes]).toEqual([3, ["name", "score"], []]);
});

test("columns without a name are said, with the option that names them", async () => {
  const file = ",2023,2024,\nNorth,5,6,a\nSouth,7,8,b\n";
  expect((await look(file)).notes).toEqual([
    '2 columns (A, D) have no name in the header and are called "column_1" and so on; --map "column_1=name" names it',
  ]);
  const map = new Map([["column_1", "region"]]);
  const named = await look(file, { map });
  expect(named.columns.map(({ column }) => column)).toEqual(["region", "_2023", "_2024", "column_4"]);
  expect(named.notes).toEqual([
    'column D has no name in the header and is called "column_4"; --map "column_4=name" names it',
  ]);
  // Names that the header has, and columns without a value, need no word.
  expect((await look("column_1,2023,,\nNorth,5,,\nSouth,7,,\n")).notes).toEqual([]);
});

test("one column whose values hold a delimiter is said", async () => {
  const found = await look('"id,name,city"\n"1,""Ada"",Bonn"\n"2,""Bob"",""Rome, EUR"""\n');
  expect(found.notes.join()).toContain('its values hold "," 2 times each: the lines seem to be quoted as a whole');
  expect((await look("note\nfirst, second\nthird\nfourth, fifth, sixth\n")).notes.join()).not.toContain("one column");
});

test("one column of the lines of a printed report is said, and one of texts is not", async () => {
  const report = Array.from({ length: 30 }, (_, n) => `  Ward ${n} . . . . . .   ${n}    ${n * 2}`).join("\n");
  expect((await look(`RESULTS OF MAY\n${report}\n`)).notes.join()).toContain(
    "all of it is one column, and its texts look like the lines of a printed report",
  );
  const notes = Array.from({ length: 30 }, (_, n) => `Remark ${n} of the year`).join("\n");
  expect((await look(`remark\n${notes}\n`)).notes).toEqual([]);
});

test.skipIf(server === undefined)("an import leaves the same rows out, also where the table is there", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const lines = Array.from({ length: 30_000 }, (_, n) => `P-${n},${n},x`).join("\n");
  await writeFile(
    join(folder.path, "parts.csv"),
    `Part,Qty,Kind\n${lines}\nPart,Qty,Kind\nP-x,1,y\n\nSource: the store,,\n`,
  );
  for (const count of ["30001", "60002"]) {
    const result = await run(folder.path, "import", "parts.csv", "--to", database.dsn, "--again");
    expect(result.stdout).toContain("row 30002 repeats the header, or what stands above it, and is left out");
    expect(result.stdout).toContain('row 30005 ("Source: the store") below the table is a remark and is left out');
    expect(result.code).toBe(0);
    expect(await database.query("select count(*) from parts")).toEqual([[count]]);
  }
  const options = ["--table", "few", "--range", "A1:B", "--limit", "3", "--to", database.dsn];
  const few = await run(folder.path, "import", "parts.csv", ...options);
  expect(few.code).toBe(0);
  expect(await database.query("select * from few order by qty")).toEqual([["P-0", "0"], ["P-1", "1"], ["P-2", "2"]]); // prettier-ignore
});

/** A batch of one row with a text of so many bytes, and another cell if it is a record for sure. */
const rowOf = (number: number, bytes: number, more: string[] = []): RowBatch =>
  batchOfRows([[`*${"x".repeat(bytes - 1)}`, ...more]], number);
const passed = (batches: readonly RowBatch[]): number[] => batches.flatMap(({ rowNumbers }) => [...rowNumbers]);

test("rows that may be remarks are held back up to 16 MiB", () => {
  const MiB = 1024 ** 2;
  const rules = { ...EVERY_ROW, firstRow: 1, all: false, usual: 2 };
  const filter = new RecordFilter(rules);
  expect(passed(filter.add(batchOfRows([["a", "b"]], 1)))).toEqual([1]);
  for (let row = 2; row < 18; row++) expect(passed(filter.add(rowOf(row, MiB)))).toEqual([]);
  // 16 of them are 16 MiB; with one more they are records.
  expect(passed(filter.add(rowOf(18, MiB)))).toEqual([]);
  expect(passed(filter.add(rowOf(19, MiB)))).toEqual(Array.from({ length: 17 }, (_, n) => n + 2));
});

test("--skip-last holds back up to 128 MiB, and says how to do without", () => {
  const MiB = 1024 ** 2;
  const filter = new RecordFilter({ ...EVERY_ROW, firstRow: 1, skipLast: 1000 });
  for (let row = 1; row <= 16; row++) expect(filter.add(rowOf(row, 8 * MiB))).toEqual([]);
  expect(() => filter.add(rowOf(17, 1))).toThrow(/^--skip-last 1000 would hold back .* --limit N, or --range/);
  const few = new RecordFilter({ ...EVERY_ROW, firstRow: 1, skipLast: 2 });
  expect(Array.from({ length: 40 }, (_, n) => passed(few.add(rowOf(n + 1, 8 * MiB)))).flat()).toHaveLength(38);
});
