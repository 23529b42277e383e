// Formulas in reject files: one table for both kinds of file.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "@sluice/sheets";
import fc from "fast-check";
import { expect, test } from "vitest";
import { guarded, runs, unguarded } from "./formulas.ts";
import { RejectFile } from "./file.ts";
import { openWorkbook, originalSheet } from "./as-source.ts";
import { REJECT_COLUMNS } from "../reject.ts";
import { newFolder } from "../test/database.ts";
import { FOREIGN_FORMULA, FORMULA_CASES } from "../test/formulas.ts";
import { inflated } from "../test/zip.ts";

const HEADER = "=Header";

async function write(path: string, guard = true): Promise<void> {
  await using file = new RejectFile(path, guard);
  const rejects = FORMULA_CASES.map(([text], n) => {
    const said = { file: text, sheet: text, row: n + 2, column: text, value: text, code: "failed_check", reason: text };
    return { ...said, cells: ["first", text, ["n", "-5"] as const] };
  });
  const titles = ["First", HEADER, "Number"];
  await file.write(
    titles.map((text, n) => ({ sheetColumn: n + 1, text })),
    rejects,
  );
}

/** The rows as a spreadsheet program with this separator shows them. */
async function shown(path: string, delimiter?: string): Promise<unknown[][]> {
  await using workbook = await open(path, delimiter === undefined ? {} : { csv: { delimiter, quote: '"' } });
  const rows: unknown[][] = [];
  for await (const { values } of workbook.sheet().rows()) rows.push([...values]);
  return rows;
}

/** The second column of the sheet that the rejects are of, as an import sees it. */
async function imported(path: string): Promise<string[]> {
  await using workbook = await openWorkbook(path);
  const texts: string[] = [];
  for await (const { rowCount, firstCell, columns, bytes, starts, ends } of originalSheet(
    workbook.sheet(),
    workbook.format === "csv",
  ).batches()) {
    for (let row = 0; row < rowCount; row++)
      for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++)
        if (columns[cell] === 2) texts.push(bytes.toString("utf8", starts[cell], ends[cell]));
  }
  return texts;
}

test.each(FORMULA_CASES)("%j stands in a file of text as %j", (text, written) => {
  expect(guarded(text, true)).toBe(written);
  expect(unguarded(written)).toBe(text);
  expect(runs(text)).toBe(written !== text);
});

test("no field of a .csv file begins a formula, whichever separator the program goes by", async () => {
  await using folder = newFolder();
  const path = join(folder.path, "bad.csv");
  await write(path);
  expect(await readFile(path, "utf8")).not.toMatch(FOREIGN_FORMULA);
  const [header, ...rows] = await shown(path, ",");
  expect(header).toEqual([...REJECT_COLUMNS, "First", `'${HEADER}`, "Number"]);
  for (const [n, [, written]] of FORMULA_CASES.entries())
    expect(rows[n]).toEqual([
      written,
      written,
      String(n + 2),
      written,
      written,
      "failed_check",
      written,
      "first",
      written,
      "-5",
    ]);
});

test("a field that holds a separator of any program is in quotes", async () => {
  await using folder = newFolder();
  const path = join(folder.path, "bad.csv");
  await using file = new RejectFile(path);
  const cells = ["a;b", "a|b", "a\tb", "a,b", "a\rb"];
  await file.write(
    cells.map((text, n) => ({ sheetColumn: n + 1, text })),
    [],
  );
  await file[Symbol.asyncDispose]();
  expect(await readFile(path, "utf8")).toMatch(/,"a;b","a\|b","a\tb","a,b","a\rb"\r\n$/);
});

test.each(["csv", "xlsx"])("every text comes back from a .%s file as it was", async (kind) => {
  await using folder = newFolder();
  const path = join(folder.path, `bad.${kind}`);
  await write(path);
  expect(await imported(path)).toEqual([HEADER, ...FORMULA_CASES.map(([text]) => text)]);
});

test("texts come back from a .csv file without guards, too", async () => {
  await using folder = newFolder();
  const path = join(folder.path, "bad.csv");
  await write(path, false);
  expect((await shown(path, ","))[1]![4]).toBe("=1+1");
  expect(await imported(path)).toEqual([HEADER, ...FORMULA_CASES.map(([text]) => text)]);
});

test("in a .xlsx file each is text, with a style by which it stays text when somebody edits it", async () => {
  await using folder = newFolder();
  const path = join(folder.path, "bad.xlsx");
  await write(path);
  const parts = inflated(await readFile(path));
  const styles = parts.get("xl/styles.xml")!.toString();
  const formats = [...styles.slice(styles.indexOf("<cellXfs")).matchAll(/<xf [^>]*>/g)].map(([xf]) => xf);
  const sheet = parts.get("xl/worksheets/sheet1.xml")!.toString();
  expect(sheet).not.toContain("<f>");
  for (const [n, [text, written]] of [[HEADER, `'${HEADER}`] as const, ...FORMULA_CASES].entries()) {
    const [, style = "0", type] = new RegExp(`<c r="I${n + 1}"(?: s="(\\d+)")? t="(\\w+)"`).exec(sheet)!;
    expect([text, type, formats[Number(style)]!.includes('quotePrefix="1"')]).toEqual([
      text,
      "inlineStr",
      written !== text,
    ]);
  }
});

test("an error's text in a .xlsx file cannot become anything else", async () => {
  await using folder = newFolder();
  const path = join(folder.path, "bad.xlsx");
  const hostile = '#N/A</v></c><c r="B2"><f>1+1</f><v>';
  const reject = { file: "a", sheet: "b", row: 2, column: undefined, value: undefined, code: "c", reason: "d" };
  await using file = new RejectFile(path);
  await file.write([{ sheetColumn: 1, text: "A" }], [{ ...reject, cells: [["e", hostile]] }]);
  await file[Symbol.asyncDispose]();
  expect(
    inflated(await readFile(path))
      .get("xl/worksheets/sheet1.xml")!
      .toString(),
  ).not.toContain("<f>");
  expect((await shown(path))[1]!.at(-1)).toBe(hostile);
});

test.each([true, false])("what is put in front of any text is taken off again (guards: %s)", (guard) => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^(?:['" ;|\t\r\n]{0,3}[=+\-@＝'a]){0,4}$/));
  fc.assert(
    fc.property(text, (text) => {
      const safe = guarded(text, guard);
      expect(unguarded(safe)).toBe(text);
      if (guard) expect(safe).not.toMatch(FOREIGN_FORMULA);
      if (guard) expect(safe).not.toMatch(/^[ "]*[\t\r\n]/);
    }),
    { numRuns: 5000 },
  );
});
