// Which sheet is meant, and what ends its reading.
import { expect, test } from "vitest";
import { cfb } from "./test/cfb-writer.ts";
import { collect, source, workbook } from "./test/workbook-writer.ts";
import { isStreamed, open } from "./workbook.ts";

const row = (value: number): string => `<row r="1"><c r="A1"><v>${value}</v></c></row>`;

test("a sheet is found by its very name first, then without regard to case", async () => {
  const sheets = ["data", "Data", "Other"].map((name, n) => ({ name, rows: row(n) }));
  await using book = await open(source(workbook({ sheets })));
  const found = ["data", "Data", "DATA", "other"].map((name) => [name, book.sheet(name).index]);
  expect(found).toEqual([
    ["data", 0],
    ["Data", 1],
    ["DATA", 0],
    ["other", 2],
  ]);
});

test.each(["of the workbook", "of the reading"])(
  "the signal %s ends the reading, whatever the other does",
  async (which) => {
    const [whole, own] = [new AbortController(), new AbortController()];
    await using book = await open(source(workbook({ rows: row(1) })), { signal: whole.signal });
    const rows = book.sheet().rows({ signal: own.signal });
    expect(await collect(rows)).toHaveLength(1);
    (which === "of the workbook" ? whole : own).abort(new Error("no more"));
    await expect(collect(rows)).rejects.toThrow("no more");
  },
);

test.each([
  ["text", "a,b\n1,2\n", true],
  [
    "a workbook of Excel 2003 in XML",
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
    false,
  ],
  ["a table in HTML", "<html><body><table><tr><td>1</td></tr></table></body></html>", false],
  ["an old workbook", cfb(["Workbook"]), false],
  ["an .xlsx file", workbook({ rows: row(1) }), true],
  ["nothing", "", true],
])("whether %s is read row by row", async (_, content, streamed) => {
  expect(await isStreamed(source(Buffer.from(content)))).toBe(streamed);
});
