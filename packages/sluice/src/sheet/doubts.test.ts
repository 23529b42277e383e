// Doubts about the layout: each kind of sheet that needs a word, an ordinary sheet that looks much
// like it and needs none, and what comes of the option that is named.
import { join } from "node:path";
import { expect, test } from "vitest";
import { previewFile, type PreviewOptions, type SheetPreview } from "../preview.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { run } from "../test/program.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";

/** A line is a row, `|` parts its cells. Numbers and days are such; all else is text. */
function rowsOf(sketch: string): TestCell[][] {
  return sketch.split("\n").map((line) =>
    line.split("|").map((cell): TestCell => {
      const text = cell.trim();
      if (/^\d{4}-\d\d-\d\d$/.test(text)) return new Date(text);
      return text === "" ? null : /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
    }),
  );
}

async function look(sketch: string, options: Partial<PreviewOptions> = {}): Promise<SheetPreview> {
  await using folder = newFolder();
  const file = await writeWorkbook(join(folder.path, "doubts.xlsx"), { S: rowsOf(sketch) });
  return (await previewFile({ file, ...options })).imports[0]!;
}

const OUTLINE = `Section | Group | Item | Amount
Food
 | Fruit
 | | Apple | 5
 | | Pear | 6
 | Bread
 | | Rye | 7
Tools
 | Hand
 | | Saw | 9`;
const OUTLINE_SAID =
  'the columns "Section", "Group", "Item" hold the levels of an outline: a row fills one of them, and is without the names of the levels above it; --add row keeps the order of the rows, by which they can be filled';

const TEAMS = `Team | Player | Goals
Red | Ada | 5
 | Bob | 3
 | Eve | 2
Blue | Joe | 1
 | Max | 4
 | Zoe | 6`;

const BESIDE = `Item | Price
Tea | 3.5 | | Rent | 900
Milk | 1.2 | | Light | 80
Rye | 2.5
Salt | 1`;

const MONTH = `Mon | Tue | Wed | Thu | Fri | Sat | Sun
 | | | | 1 | 2 | 3
 | | | | | | party
4 | 5 | 6 | 7 | 8 | 9 | 10
 | dentist
11 | 12 | 13 | 14 | 15 | 16 | 17
18 | 19 | 20 | 21 | 22 | 23 | 24
25 | 26 | 27 | 28 | 29 | 30`;

const PLATES = `Set | 1 | 2 | 3 | 4
a | 0.1 | 0.2 | 0.3 | 0.4
b | 0.5 | 0.6 | 0.7 | 0.8
c | 0.3 | 0.2 | 0.1 | 0.5

Wavelength | 450
Start | soon

Set | 1 | 2 | 3 | 4
a | 1.1 | 1.2 | 1.3 | 1.4
b | 1.5 | 1.6 | 1.7 | 1.8`;

test.each<[kind: string, sketch: string, said: string]>([
  ["an outline with values", OUTLINE, OUTLINE_SAID],
  ["an outline with a value in each row", OUTLINE.replaceAll("Food", "Food | | | 18").replaceAll("Tools", "Tools | | | 9"), OUTLINE_SAID],
  ["groups whose members have names of their own", TEAMS, 'the column "Team" has a value in the first row of each group, as it seems, and is empty in the others; --add row keeps the order of the rows, by which they can be filled'],
  ["the month of a calendar", MONTH, "this looks like a calendar, and not like a table: rows 2, 4, 6, 7 and 8 count on from cell to cell, as days do, and each of its rows is imported as a record. --range B2:K99 names a part that is a table, and --sheet NAME another sheet"],
  ["lines between two blocks", PLATES, "rows 6 and 7 after a blank row do not go with the rows above, for they fill few of the columns: --range A1:E4 takes what is above, --range A9:E what is below"],
  ["a legend as wide as a record", "Code | Name | Value\nA | first | 1\nB | second | 2\nC | third | 3\n\nA | active | yes\nB | blocked | no", 'rows 6 and 7 after a blank row do not go with the rows above, for "yes" is where the column "Value" has values: --range A1:C4 takes what is above, --range A6:C what is below'],
  ["a table beside another one, further down", "Item | Price\nTea | 3.5\nMilk | 1.2 | | Staff | Pay\nBread | 2 | | Ada | 1200\nSalt | 1 | | Bob | 1300", 'row 3 ("Staff", "Pay") looks like the header of a table beside the first one: --range A:B takes the first one, --range D3:E that one'],
  ["lists of one column side by side", "Fruit | | Animal | | Town\napple | | cat | | Bonn\npear | | dog | | Rome\nplum | | | | Oslo", "columns B, D are empty and part the sheet in 3 tables: --range A:A takes the first one, --range C:C the next one, --range E:E the last one"],
  ["tables side by side, with a remark below the shorter one", "Day | Job | | Staff | Count\n2024-01-01 | a | | Ada | 5\n2024-01-02 | b | | Bob | 6\n2024-01-03 | c | | Eve | 4\n2024-01-04 | d\n2024-01-05 | e | | counted by hand\n2024-01-06 | f", "column C is empty and parts the sheet in two tables: --range A:B takes one, --range D:E the other"],
  ["columns of another block below", "Set | 1 | 2 | 3 | 4\na | 9.3 | 8.2 | 7.3 | 7.1\nb | 9.1 | 8.8 | 8.3 | 7.9\nc | 9.4 | 8.4 | 7.6 | 7.4\n\n | 5 | 6 | 7\na | 8.1 | 7.2 | 5.7\nb | 8.2 | 7.3 | 6.7", 'row 6 ("5", …) looks like the header of another table: --range A1:E4 takes the first one, --range A6:E that one'],
  ["a form of pairs side by side", "Name | Ada | Street | High St\nBorn | 1990-01-31 | Town | Bonn\nPhone | 123456 | Zip | 53111\nMail | a@b.co | Country | Peru\nJob | poet | Floor | 3", "this looks like a form, labels beside values, and not like a table: each of its rows is imported as a record. --range B2:K99 names a part that is a table, and --sheet NAME another sheet"],
  ["numbers prepared below a list", "No | Name | Price\n1 | Tea | 3.5\n2 | Milk | 1.2\n3 | Salt | 1\n4\n5", 'rows 5 and 6 have a value in the column "No" alone, and are imported; --range A1:C4 leaves them out'],
  ["numbers prepared below one record", "No | Name | Price\n1 | Tea | 3.5\n2\n3\n4", 'rows 3 to 5 have a value in the column "No" alone, and are imported; --range A1:C2 leaves them out'],
  ["a block beside the table, without names", BESIDE, "columns D to E are apart from the others and hold something in rows 2 to 3 alone, so that may be another table: --range A:B takes the first one, --range D2:E3 that one"],
  ["a block beside records without a header", "Length | 1024 | | 0 | -43.5\nSource | Math | | 12 | -46.5\n | | | 24 | -59.5\n | | | 36 | -63.5\n | | | 49 | -63.5", "columns A to B are apart from the others and hold something in rows 1 to 2 alone, so that may be another table: --range D:E takes the first one, --range A1:B2 that one"],
  ["letters that were lost", "Name | W\uFFFDhrung\nJ\uFFFDrg Bohm | EUR\nAda | EUR", '2 cells hold "\uFFFD" ("W\uFFFDhrung"): letters were lost when the file was made, and only its source has them'],
  ["a letter that was lost", "Name | Town\nAda | K\uFFFDln\nBob | Bonn", '1 cell holds "\uFFFD" ("K\uFFFDln"): a letter was lost when the file was made, and only its source has them'],
  ["numbers alone among the records", "No | Name | Price\n1 | Tea | 3.5\n2\n3 | Milk | 1.2\n4\n5 | Salt | 1", 'rows 3 and 5 have a value in the column "No" alone, and are imported; a schema file (--schema) with notNull for another column rejects them'],
  ["rows prepared with a sum", "No | Name | Count | Price | Sum\n1 | Tea | 2 | 3.5 | 7\n2 | Milk | 1 | 1.2 | 1.2\n3 | Rye | 1 | 2 | 2\n4 | | | | 0\n5 | | | | 0", 'rows 5 and 6 at the end have values in the columns "No", "Sum" alone, and are imported; --range A1:E4 leaves them out'],
  ["a chart without values", "Task | January | February | March\nPlan\nBuild\nTest", "3 of the 4 columns that row 1 names are empty, so this may be a form that nobody has filled in, or a chart of coloured cells; --sheet NAME takes another sheet"],
  ["a name that is a number", "Rent | Paid | First | 67000 | Left\nHouse | 3250 | joint | 80000 | 150\nPower | 120 | joint | 14735 | 5\nWater | 80 | both | 9 | 7\nTrash | 50 | both | 7 | 8", 'the name "67000" is a value, so row 1 may not be a header: --header none says that there is none, --header N that row N is it'],
  ["a sign before some of the numbers", "Town | Offset\nBonn | +1\nLima | -5\nOslo | +0\nRome | +2", 'the column "offset" is text: a plus, which a number would not keep, as in "+1" (row 2); --type "offset=integer" reads numbers'],
])("%s: a note says so", async (_, sketch, said) => {
  expect((await look(sketch)).notes).toContain(said);
}); // prettier-ignore

test.each<[kind: string, sketch: string]>([
  ["amounts in one of two columns", "Day | Text | Debit | Credit | Balance\n2024-01-01 | a | 5 | | 95\n2024-01-02 | b | | 10 | 105\n2024-01-03 | c | 7 | | 98\n2024-01-04 | d | | 1 | 99\n2024-01-05 | e | 2 | | 97\n2024-01-06 | f | | 3 | 100"],
  ["numbers in one of two columns at the left", "Home | Mobile | Name\n123 | | Ada\n | 456 | Bob\n | 789 | Eve\n321 | | Joe\n654 | | Max\n | 987 | Zoe"],
  ["a flag in front of few records", "Flag | Name | Pay\nx | Ada | 1\n | Bob | 2\n | Eve | 3\nx | Joe | 4\n | Max | 5\n | Zoe | 6"],
  ["remarks in front of the first records alone", "Remark | Name | Pay\nlate | Ada | 1\nill | Bob | 2\naway | Eve | 3\n | Joe | 4\n | Max | 5\n | Zoe | 6\n | Kim | 7"],
  ["numbers that count on through the rows", "A | B | C | D | E\n1 | 2 | 3 | 4 | 5\n6 | 7 | 8 | 9 | 10\n11 | 12 | 13 | 14 | 15\n16 | 17 | 18 | 19 | 20"],
  ["groups that blank rows part", "Name | Born | Pay\nAda | 1990 | 5\nBob | 1991 | 6\nEve | 1992 | 7\n\nJoe | 1993 | 8\nMax | 1994 | 9\n\nZoe | 1995 | 10\nKim | 1996 | 11"],
  ["a column that sets others apart", "Item | Price | | Staff | Pay\nTea | 3.5 | | Ada | 1200\nMilk | 1.2 | | Bob | 1300\nRye | 2 | | Eve | 1400"],
  ["records with few values", "Id | Name | Phone | Mail | Remark\n1 | Ada | 123\n2 | Bob | | b at x\n3 | Eve | | e at x | late\n4 | Joe | 456\n5 | Max | | m at x"],
  ["one number alone", "No | Name | Price\n1 | Tea | 3.5\n2 | Milk | 1.2\n3\n4 | Salt | 1"],
  ["a key with its values", "Key | Value\nhost | localhost\nport | 5432\nuser | ada\nmode | fast"],
  ["columns that are not used", "Id | Name | A | B | C\n1 | Tea\n2 | Milk"],
  ["shares as names", "Item | Least | 25% | 50% | Most\nTea | 1 | 2 | 3 | 9\nMilk | 2 | 3 | 4 | 8\nRye | 3 | 4 | 5 | 7"],
  ["a word for no beside one of another language", "Town | Open\nLima | No\nCusco | Sí\nPuno | No\nIca | No"],
  ["days in columns, and hours in rows", "Hour | Monday | Tuesday | Friday\n8 | Maths | English | Art\n9 | English | Maths | Art\n10 | History | Sport | Music"],
])("%s: nothing is said", async (_, sketch) => {
  expect((await look(sketch)).notes).toEqual([]);
}); // prettier-ignore

test("what is said of an outline, of groups and of titles speaks of the first rows, if there are more", async () => {
  const records = (n: number): string => Array.from({ length: n }, (_, i) => `p${i} | ${i} | ${i + 0.5}`).join("\n");
  const found = await look(`Name | Count | Price\nNorth\n${records(60)}\nSouth\n${records(60)}`);
  expect(found.notes.find((note) => note.includes("alone"))).toContain(
    'rows 2 and 63 of the first 100 hold one text alone ("North")',
  );
  const short = await look(`Name | Count | Price\nNorth\n${records(5)}\nSouth\n${records(5)}`);
  expect(short.notes.find((note) => note.includes("alone"))).toContain("rows 2 and 8 hold one text alone");
});

test("rows that are prepared at the end of a long sheet are counted, and the range leaves them out", async () => {
  const records = Array.from(
    { length: 120 },
    (_, n) => `${n + 1} | p${n} | ${n % 7} | ${n % 5} | ${(n % 7) + (n % 5)}`,
  );
  const prepared = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n + 121} | | | | 0`);
  const sheet = (rows: number): string => ["No | Name | A | B | Sum", ...records, ...prepared(rows)].join("\n");
  const { notes } = await look(sheet(30));
  expect(notes).toEqual([
    '30 rows at the end (122 to 151) hold the same in the columns "No", "Sum" and nothing else, as rows do that are prepared and not filled in, and are imported; --range A1:E121 leaves them out',
  ]);
  const without = await look(sheet(30), { range: "A1:E121" });
  expect([without.records, without.notes]).toEqual([120, []]);
  expect((await look(sheet(9))).notes).toEqual([]);
});

test("names with their values above a table are no groups of its columns", async () => {
  const above =
    " | Title | | Prices of goods\n\n | Source | | Office\n | Parts | | Rows | | Town, product\n | | | Columns | | Years";
  const table =
    " | Town | Product | 2023 | 2024 | 2025 | 2026\n | Lima | Tea | 1 | 2.5 | 3 | 4\n | Cusco | Tea | 2 | 3.5 | 5 | 6\n | Puno | Rye | 3 | 1.5 | 2 | 1";
  const found = await look(`${above}\n\n${table}`);
  expect([found.headerRows, found.notes]).toEqual([[7], ["the header is row 7; rows 1 to 5 above it are passed over"]]);
});

test("titles of sections right of where records begin are said if they are several", async () => {
  const part = (title: string): string => ` | ${title}\n1 | a | b | 2\n2 | c | d | 3`;
  const { notes } = await look(`No | Name | Town | Count\n${["East", "West", "North"].map(part).join("\n")}`);
  expect(notes).toEqual(['rows 2, 5 and 8 hold one text alone ("East"), as titles of sections do, and are imported']);
});

test("one cell alone makes no column of a printed report", async () => {
  const step = (n: number): string => `Part ${n}\nstep ${n} | ${n} | ${n + 1}`;
  const sheet = (last: string): string => ` | Planned | Done\n${[1, 2, 3, 4, 5].map(step).join("\n")}\n${last}`;
  for (const last of ["end | 7 | 8 | late", "end | 7 | 8 | late | 1"])
    expect((await look(sheet(last))).notes.filter((note) => note.includes("printed report"))).toEqual([]);
});

test("a text among texts, alone in its row, is no title of a section", async () => {
  const week =
    "Hour | Monday | Tuesday | Friday\n8 | Maths | | Art\n | room 5 | |\n9 | | English | Art\n10 | | Sport |";
  expect((await look(week)).notes).toEqual([]);
});

test("nothing is said of groups in merged cells, of which another note speaks", async () => {
  await using folder = newFolder();
  const rows = rowsOf(TEAMS);
  const file = await writeWorkbook(join(folder.path, "merged.xlsx"), { S: rows }, ["A2:A4", "A5:A7"]);
  const { imports } = await previewFile({ file });
  expect(imports[0]!.notes).toEqual(["A2:A4, A5:A7 are merged, and their rows below the first are empty there; --fill-merged fills them"]); // prettier-ignore
  expect((await previewFile({ file, fillMerged: true })).imports[0]!.notes).toEqual([]);
});

test("the first one of blocks side by side has the names of the rows, which are left of all", async () => {
  const rows = ["North | | 1 | 2 | | 5 | 6", "South | | 3 | 4 | | 7 | 8", "West | | 5 | 1 | | 6 | 2"];
  const { notes } = await look([" | | 2023 | 2024 | | 2023 | 2024", ...rows].join("\n"));
  expect(notes.find((note) => note.includes("side by side"))).toMatch(/--range A:D takes one, --range F:G the other$/);
});

test("the ranges that are named take what they say", async () => {
  const above = await look(PLATES, { range: "A1:E4" });
  const below = await look(PLATES, { range: "A9:E" });
  for (const { headerRows, records, columns, notes } of [above, below])
    expect([headerRows.length, records, columns.map(({ column }) => column), notes]).toEqual([
      1,
      records,
      ["set", "_1", "_2", "_3", "_4"],
      [],
    ]);
  expect([above.records, below.records]).toEqual([3, 2]);
  const beside =
    "Item | Price\nTea | 3.5\nMilk | 1.2 | | Staff | Pay\nBread | 2 | | Ada | 1200\nSalt | 1 | | Bob | 1300";
  const besides = [await look(BESIDE, { range: "A:B" }), await look(BESIDE, { range: "D2:E3", header: "none" })];
  expect(besides.map(({ records }) => records)).toEqual([4, 2]);
  const [left, right] = [await look(beside, { range: "A:B" }), await look(beside, { range: "D3:E" })];
  expect([left.records, left.notes, right.records, right.notes]).toEqual([4, [], 2, []]);
  expect(right.columns.map(({ column, type }) => [column, type])).toEqual([["staff", "text"], ["pay", "integer"]]); // prettier-ignore
  const prepared = "No | Name | Price\n1 | Tea | 3.5\n2 | Milk | 1.2\n3 | Salt | 1\n4\n5";
  const without = await look(prepared, { range: "A1:C4" });
  expect([without.records, without.notes]).toEqual([3, []]);
});

test("--header none settles a name that is a value, and --type a sign before numbers", async () => {
  const named = "Rent | Paid | First | 67000 | Left\nHouse | 3250 | joint | 80000 | 150\nPower | 120 | joint | 14735 | 5\nWater | 80 | both | 9 | 7\nTrash | 50 | both | 7 | 8";
  const settled = await look(named, { header: "none" });
  expect([settled.records, settled.columns[3]!.type, settled.notes.some((note) => note.includes("67000"))]).toEqual([5, "integer", false]); // prettier-ignore
  const signed = "Town | Offset\nBonn | +1\nLima | -5\nOslo | +0";
  const { notes, sample, rejects } = await look(signed, { types: new Map([["offset", "integer"]]) });
  expect([notes, rejects.total, sample.map(({ values }) => values[1])]).toEqual([[], 0, ["1", "-5", "0"]]);
  // Dialling codes all have a plus, and telephone numbers many digits.
  for (const [header, ...values] of [["Code", "+1", "+44"], ["Level", "+4912345678", "12"], ["Phone", "+1", "12"]])
    expect((await look(`Town | ${header}\nBonn | ${values.join("\nLima | ")}`)).notes).toEqual([]);
}); // prettier-ignore

test.skipIf(server === undefined)("rows of an outline can be filled by their order, as the note says", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await writeWorkbook(join(folder.path, "outline.xlsx"), { S: rowsOf(OUTLINE) });
  expect((await run(folder.path, "import", "outline.xlsx", "--to", database.dsn, "--add", "row")).code).toBe(0);
  const filled = await database.query(
    `select (select b.section from outline b where b.row <= a.row and b.section is not null order by b.row desc limit 1) as section,
            (select b."group" from outline b where b.row <= a.row and b."group" is not null order by b.row desc limit 1) as "group",
            item, amount from outline a where item is not null order by row`,
  );
  expect(filled).toEqual([
    ["Food", "Fruit", "Apple", "5"],
    ["Food", "Fruit", "Pear", "6"],
    ["Food", "Bread", "Rye", "7"],
    ["Tools", "Hand", "Saw", "9"],
  ]);
});

test("a table whose records are its columns is said to be turned, and another header in it is not that", async () => {
  const turned = "Name | Ada | Bob | Eve\nBorn | 1815 | 1912 | 1970\nCity | Bonn | Ulm | Rome\nScore | 1 | 2 | 3";
  const said = "the columns may be the records";
  expect((await look(turned)).notes.join()).toContain(said);
  const stacked =
    "Item | Jan | Feb | Mar\nTea | 5 | 7 | 9\nRye | 4 | 1 | 8\nShop | North | South | East\nA | 2 | 8 | 1\nB | 5 | 3 | 9";
  expect((await look(stacked)).notes.join()).not.toContain(said);
});
