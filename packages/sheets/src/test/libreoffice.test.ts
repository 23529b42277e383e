// Workbooks that LibreOffice made from sources of ours (scripts/fixtures.sh), and what must be read
// of them, written by hand. LibreOffice has habits that show; fixtures/libreoffice/README.md lists
// them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as sheetJs from "@e965/xlsx";
import { expect, test } from "vitest";
import { Duration } from "../cells/duration.ts";
import { CellError, type CellValue } from "../cells/rows.ts";
import { resolveLimits } from "../limits.ts";
import { openSource } from "../source.ts";
import { open } from "../workbook.ts";
import { Archive } from "../package/zip.ts";
import differences from "./fixtures/libreoffice/differences.json" with { type: "json" };

const folder = join(import.meta.dirname, "fixtures/libreoffice");
const files = readdirSync(folder).sort();
const names = files.filter((file) => file.endsWith(".xlsx"));
const legacy = files.filter((file) => file.endsWith(".xls"));
const openDocument = files.filter((file) => file.endsWith(".ods"));

type Cells = Record<string, readonly [string, string | number | boolean]>;
interface Contents {
  readonly sheets: { readonly name: string; readonly hidden: boolean; readonly cells: Cells }[];
}

async function read(source: string | Blob): Promise<Contents> {
  const sheets: Contents["sheets"] = [];
  await using book = await open(source);
  for (const { name, index, state } of book.sheets) {
    const cells: Cells = {};
    for await (const row of book.sheet(index).rows())
      for (const { ref, type, value } of row.cells()) cells[ref] = [type, printed(value)];
    sheets.push({ name, hidden: state !== "visible", cells });
  }
  return { sheets };
}

const expected = (name: string): Contents =>
  JSON.parse(readFileSync(join(folder, name.replace(/\.\w+$/, ".json")), "utf8")) as Contents;

/**
 * The same, but for the cells that LibreOffice writes in another way (README.md), and digits past
 * the fifteenth.
 */
function expectNear(found: Contents, name: string): void {
  const others = (differences as unknown as Record<string, Cells>)[name] ?? {};
  const rounded = (cells: Cells): Cells =>
    Object.fromEntries(
      Object.entries(cells).map(([ref, [type, value]]) => [
        ref,
        [type, typeof value === "number" ? Number(value.toPrecision(14)) : value],
      ]),
    );
  const want = expected(name).sheets.map((sheet) => {
    const cells = { ...sheet.cells };
    for (const [ref, cell] of Object.entries(others))
      if (ref.startsWith(`${sheet.name}!`)) cells[ref.slice(sheet.name.length + 1)] = cell;
    return { ...sheet, cells: rounded(cells) };
  });
  expect(found.sheets.map((sheet) => ({ ...sheet, cells: rounded(sheet.cells) }))).toEqual(want);
}

test("every source has its workbooks and its cells", () => {
  const sources = files.filter((file) => /\.(fods|csv)$/.test(file)).map((file) => file.replace(/\.\w+$/, ""));
  expect(names).toEqual(sources.map((source) => `${source}.xlsx`));
  expect(files).toEqual(expect.arrayContaining(sources.map((source) => `${source}.json`)));
  const flat = files.filter((file) => file.endsWith(".fods"));
  expect(legacy).toEqual(flat.map((file) => file.replace(/fods$/, "xls")));
  expect(openDocument).toEqual(flat.map((file) => file.replace(/fods$/, "ods")));
});

test.each(names)("%s is read cell for cell", async (name) => {
  expect(await read(join(folder, name))).toEqual(expected(name));
});

test.each([...legacy, ...openDocument])("%s is read as the .xlsx is", async (name) => {
  expectNear(await read(join(folder, name)), name);
});

test.each(openDocument)("%s as one XML file (.fods) is read as it is", async (name) => {
  const flat = new Blob([await flatOf(join(folder, name))]);
  {
    await using book = await open(flat);
    expect(book.format).toBe("ods");
  }
  expect(await read(flat)).toEqual(await read(join(folder, name)));
});

/** What LibreOffice saves as "Flat XML": the styles and the content in one document. */
async function flatOf(path: string): Promise<string> {
  const source = await openSource(path);
  const archive = await Archive.open(source, resolveLimits());
  const inside = async (part: string): Promise<string> => {
    const pieces = [];
    for await (const piece of archive.read(archive.find(part)!, undefined)) pieces.push(Buffer.from(piece));
    return /<office:document-\w+[^>]*>([^]*)<\/office:document-\w+>/.exec(Buffer.concat(pieces).toString())![1]!;
  };
  const parts = [await inside("styles.xml"), await inside("content.xml")];
  await source.close();
  const root = `office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:mimetype="application/vnd.oasis.opendocument.spreadsheet"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>${parts.join("")}</office:document>`;
}

test.each(legacy)("%s written as .xlsb is read as the .xlsx is", async (name) => {
  const book = sheetJs.read(readFileSync(join(folder, name)), { type: "buffer", cellNF: true });
  const bytes = sheetJs.write(book, { type: "buffer", bookType: "xlsb" }) as Uint8Array<ArrayBuffer>;
  expectNear(await read(new Blob([bytes])), name.replace(/xls$/, "xlsb"));
});

test("the workbook with dates since 1904 says so", async () => {
  await using book = await open(join(folder, "dates-1904.xlsx"));
  expect(book.date1904).toBe(true);
});

test("the row with the 29 February 1900 that never was carries a warning, and no other does", async () => {
  await using book = await open(join(folder, "date-formats.xlsx"));
  const warnings: number[] = [];
  for await (const row of book.sheet("Dates").rows()) warnings.push(row.warnings.length);
  expect(warnings).toEqual([0, 0, 0, 0, 0, 0, 1]);
});

test("merged, hidden and styled cells leave the widths of their rows as they are in the file", async () => {
  await using book = await open(join(folder, "sheets.xlsx"));
  expect(book.sheet().name).toBe("First");
  const widths = new Map<number, number>();
  for await (const row of book.sheet("Styled").rows()) widths.set(row.number, row.width);
  expect([widths.get(2), widths.get(63)]).toEqual([3, 1]);
});

function printed(value: CellValue): string | number | boolean {
  if (value === null) throw new Error("cells() lists an empty cell");
  if (value instanceof Date) return value.toISOString().slice(0, -1);
  if (value instanceof Duration) return value.milliseconds;
  return value instanceof CellError ? value.code : value;
}
