import { join } from "node:path";
import { expect, test } from "vitest";
import { previewFile, type FilePreview, type PreviewOptions } from "../preview.ts";
import { newFolder } from "../test/database.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";
import { readHeader, sheetOf } from "./source.ts";
import { openWorkbook } from "../rejects/as-source.ts";

async function look(
  sheets: Readonly<Record<string, readonly (readonly TestCell[])[]>>,
  options: Partial<PreviewOptions> = {},
): Promise<FilePreview> {
  await using folder = newFolder();
  return await previewFile({ file: await writeWorkbook(join(folder.path, "loans.xlsx"), sheets), ...options });
}

const COVER: TestCell[][] = [
  ["Loans of libraries"],
  [],
  ["Contents"],
  ["Table 1", "Loans by branch"],
  ["Table 2", "Visits by month"],
  [],
  ["Contact: stats@example.org"],
];
const table = (rows: number): TestCell[][] => [
  ["Branch", "Opened", "Loans"],
  ...Array.from({ length: rows }, (_, n): TestCell[] => [`Branch ${n}`, new Date(Date.UTC(1950 + n, 0, 2)), n * 7]),
];

test("a cover in front of the tables is passed over, and the sheets that are left out are named with their rows", async () => {
  const found = await look({ Contents: COVER, "Table 1": table(60), "Table 2": table(12) });
  expect(found.imports.map(({ sheet, records }) => [sheet, records])).toEqual([["Table 1", 60]]);
  expect(found.notes).toEqual([
    'the sheet "Table 1" is taken, since it looks most like a table; other sheets hold rows and are left out: "Contents" (2 rows), "Table 2" (12 rows) (--sheet NAME takes one, --sheet all takes all)',
  ]);
});

test("a sheet whose name says in any language that it is about the data counts half", async () => {
  const rows = table(60)
    .slice(1)
    .map(([branch, , loans]): TestCell[] => [branch!, loans!]);
  for (const name of ["Metadata", "Metadaten", "METAINFORMACE", "Metadatos"]) {
    const found = await look({ Loans: rows, [name]: table(60) });
    expect(found.imports.map(({ sheet }) => sheet)).toEqual(["Loans"]);
  }
  expect((await look({ Loans: rows, Metal: table(60) })).imports[0]!.sheet).toBe("Metal");
});

test("--skip and --header may be said for one sheet; a name that is not there is told", async () => {
  const titled: TestCell[][] = [["x", "y", "z"], ...table(12)];
  const options = {
    sheet: "all",
    skips: new Map([["Two", 1], ["Tow", 1]]), // prettier-ignore
    header: "none",
    headers: new Map([["One", [1, 1] as const]]),
  } as const;
  const found = await look({ One: table(12), Two: titled }, options);
  expect(found.imports.map(({ headerRows, firstRow }) => [headerRows, firstRow])).toEqual([[[1], 2], [[], 2]]); // prettier-ignore
  expect(found.notes).toContain('--skip names the sheet "Tow", which is not there, and so changes nothing');
  const one = await look({ One: titled }, { skips: new Map([["One", 1]]), header: "none" });
  expect(one.imports[0]).toMatchObject({ firstRow: 2, headerRows: [] });
});

test("a form in front of a table is passed over, and one that is taken is said to be none", async () => {
  const form: TestCell[][] = [
    ["Name:", "Ada", "Date:", new Date(Date.UTC(2024, 0, 2))],
    ["Street:", "High St 1", "House:", 5],
    ["City:", "Bonn", "Zip:", "53111"],
    ["Phone:", 12, "Mail:", "a@b.example"],
  ];
  const found = await look({ Order: form, Items: table(12) });
  expect(found.imports.map(({ sheet }) => sheet)).toEqual(["Items"]);
  const alone = await look({ Order: form });
  expect(alone.imports[0]!.notes).toContainEqual(expect.stringMatching(/looks like a form.*--range B2:K99/));
});

test("a printed report in front of a table is passed over; sections under names are a table", async () => {
  const sections = ["Schools", "Roads", "Parks", "Police", "Fire"].flatMap((name, n): TestCell[][] => [
    [name],
    [null, "Pay", n * 10, n * 11],
    [null, "Heat", n * 3, n * 4],
    [null, "Other", n, n + 1],
  ]);
  const report = [["Spending of 2024"], ...sections];
  const found = await look({ Report: report, Data: table(12) });
  expect(found.imports.map(({ sheet }) => sheet)).toEqual(["Data"]);
  const named = await look({ Report: [["Group", "Item", "Planned", "Spent"], ...sections], Data: table(12) });
  expect(named.imports.map(({ sheet }) => sheet)).toEqual(["Report"]);
});

test("of tables that are as good as each other the first one is taken, and the others are named", async () => {
  const found = await look({ Jan: table(2), Feb: table(3), Mar: table(200), Empty: [] });
  expect(found.imports[0]!.sheet).toBe("Mar");
  const months = await look({ Jan: table(20), Feb: table(30), Mar: table(200) });
  expect(months.imports[0]!.sheet).toBe("Jan");
  expect(months.notes).toEqual([
    'other sheets hold rows and are left out: "Feb" (30 rows), "Mar" (more than 99 rows) (--sheet NAME takes one, --sheet all takes all)',
  ]);
});

test("one sheet, or one among sheets without rows, needs no word", async () => {
  expect((await look({ Only: table(3) })).notes).toEqual([]);
  expect((await look({ Data: table(3), Empty: [], Word: [["a word"]] })).notes).toEqual([]);
});

test("--sheet names one all the same", async () => {
  const found = await look({ Contents: COVER, "Table 1": table(60) }, { sheet: "Contents" });
  expect([found.imports[0]!.sheet, found.notes]).toEqual(["Contents", []]);
});

test("--sheet all leaves covers out, and says which", async () => {
  const found = await look({ Contents: COVER, "Table 1": table(60), "Table 2": table(12) }, { sheet: "all" });
  expect(found.imports.map(({ sheet }) => sheet)).toEqual(["Table 1", "Table 2"]);
  expect(found.notes).toContain('not tables, and so left out: "Contents" (--sheet NAME takes one of them)');
});

test("with --sheet all, the options that a note offers are about its sheet, and they work", async () => {
  const sheets = {
    One: [["x", 1], ["a", 2], ["b", 3]],
    "Two 2": [["Item", "Price", null, "Staff", "Pay"], ["Tea", 3.5, null, "Ada", 1200], ["Milk", 1.2], ["Rye", 2]],
  }; // prettier-ignore
  const { imports } = await look(sheets, { sheet: "all" });
  expect(imports[0]!.notes.join()).toContain('(--header "One=N" names');
  expect(imports[1]!.notes.join()).toContain(
    '--sheet "Two 2" --range A:B takes one, --sheet "Two 2" --range D:E the other',
  );
  const found = await look(sheets, { sheet: "all", headers: new Map([["One", [1, 1] as const]]) });
  expect(found.imports[0]!.columns.map(({ column }) => column)).toEqual(["x", "_1"]);
  const other = await look(sheets, { sheet: "Two 2", range: "D:E" });
  expect(other.imports[0]!.columns.map(({ column }) => column)).toEqual(["staff", "pay"]);
});

test("--header can be said for one sheet alone", async () => {
  const sheets = { One: [["x", 1], ["a", 2], ["b", 3]], Two: [["a", "b"], [1, 2]] }; // prettier-ignore
  const headers = new Map([["One", [2, 2] as const]]);
  const found = await look(sheets, { sheet: "all", headers });
  expect(found.imports.map(({ headerRows }) => headerRows)).toEqual([[2], [1]]);
});

test("--sheet all takes a small table all the same", async () => {
  const found = await look({ Customers: [["Name"], ["Ada"]], Orders: table(30) }, { sheet: "all" });
  expect(found.imports.map(({ sheet }) => sheet)).toEqual(["Customers", "Orders"]);
});

test("of many sheets alike the first 30 decide on the types", async () => {
  const foundWith = async (odd: number): Promise<[type: string, complete: boolean]> => {
    const sheets = Array.from({ length: 31 }, (_, n): [string, TestCell[][]] => [
      `Sheet ${n + 1}`,
      [["Branch", "Loans"], ["North", n + 1 === odd ? "many" : n]],
    ]); // prettier-ignore
    await using folder = newFolder();
    const file = await writeWorkbook(join(folder.path, "loans.xlsx"), Object.fromEntries(sheets));
    await using workbook = await openWorkbook(file, {});
    const views = workbook.sheets.map(({ name }) => sheetOf(workbook, name, {}));
    const source = await readHeader(file, views[0]!, {}, views);
    const { inference, complete } = await source.sample();
    await source.close();
    return [inference.column(2, "Loans", complete).type, complete];
  };
  expect(await foundWith(30)).toEqual(["text", false]);
  expect(await foundWith(31)).toEqual(["integer", false]);
});

test("of many sheets the first 250 are looked at for the one that is taken, and that is said", async () => {
  const chosenOf = async (at: number): Promise<[sheet: string | undefined, notes: readonly string[]]> => {
    const sheets = Array.from({ length: 251 }, (_, n): [string, TestCell[][]] => [
      `Sheet ${n + 1}`,
      n + 1 === at ? table(12) : COVER,
    ]);
    const { imports, notes } = await look(Object.fromEntries(sheets));
    return [imports[0]?.sheet, notes];
  };
  const said = "of 251 sheets the first 250 were looked at, and one of them is taken (--sheet NAME takes another one)";
  const [found, notes] = await chosenOf(250);
  expect([found, notes]).toEqual(["Sheet 250", expect.arrayContaining([said])]);
  expect((await chosenOf(251))[0]).toBe("Sheet 1");
});

test("--sheet all takes at most 1,000 sheets at once, and says so", async () => {
  const lookAtAll = (count: number): Promise<FilePreview> =>
    look(Object.fromEntries(Array.from({ length: count }, (_, n) => [`Sheet ${n + 1}`, []])), { sheet: "all" });
  await expect(lookAtAll(1000)).rejects.toMatchObject({ code: "empty_sheet" });
  await expect(lookAtAll(1001)).rejects.toMatchObject({
    code: "too_many_sheets",
    message: expect.stringContaining("it has 1,001 visible sheets, and at most 1,000 are imported at once"),
  });
});
