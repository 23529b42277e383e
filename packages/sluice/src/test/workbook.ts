// Small workbooks for tests, written cell by cell.
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { ZipWriter } from "../xlsx/zip-writer.ts";

/**
 * null: no cell at all; "": a cell without a value; a Date: a date cell; `{ error }`: an error
 * cell; `{ number, format }`: a number with the code of its format; `{ text, link }`: a text with a
 * hyperlink.
 */
export type TestCell =
  | null
  | string
  | number
  | boolean
  | Date
  | { readonly error: string }
  | { readonly number: number; readonly format: string }
  | { readonly text: string; readonly link: string };

const DAY = 86_400_000;

/**
 * Writes an .xlsx with these sheets; row n of the array is row n + 1 of the sheet. The ranges are
 * merged in each.
 */
export async function writeWorkbook(
  path: string,
  sheets: Readonly<Record<string, readonly (readonly TestCell[])[]>>,
  merged: readonly string[] = [],
): Promise<string> {
  const names = Object.keys(sheets);
  const output = createWriteStream(path);
  const zip = new ZipWriter(output, { level: 1 });
  const add = (name: string, xml: string): Promise<unknown> =>
    zip.entry(name, [Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${xml}`)]);
  const types = names.map(
    (_, i) => `<Override PartName="/xl/worksheets/sheet${i + 1}.xml" ContentType="${MAIN_TYPE}.worksheet+xml"/>`,
  );
  await add(
    "[Content_Types].xml",
    `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
      `<Override PartName="/xl/workbook.xml" ContentType="${MAIN_TYPE}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${MAIN_TYPE}.styles+xml"/>${types.join("")}</Types>`,
  );
  await add(
    "_rels/.rels",
    `<Relationships xmlns="${PACKAGE_RELATIONS}"><Relationship Id="r1" Type="${RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  );
  await add(
    "xl/workbook.xml",
    `<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheets>${names.map((name, i) => `<sheet name="${escapeXml(name)}" sheetId="${i + 1}" r:id="r${i + 1}"/>`).join("")}</sheets></workbook>`,
  );
  const relations = names.map(
    (_, i) => `<Relationship Id="r${i + 1}" Type="${RELATIONS}/worksheet" Target="worksheets/sheet${i + 1}.xml"/>`,
  );
  await add(
    "xl/_rels/workbook.xml.rels",
    `<Relationships xmlns="${PACKAGE_RELATIONS}">${relations.join("")}<Relationship Id="s" Type="${RELATIONS}/styles" Target="styles.xml"/></Relationships>`,
  );
  const formats = [...new Set(cellsOf(sheets).flatMap((cell) => (isA(cell, "format") ? [cell.format] : [])))];
  const defined = formats.map((code, i) => `<numFmt numFmtId="${164 + i}" formatCode="${escapeXml(code)}"/>`).join("");
  const used = formats.map((_, i) => `<xf numFmtId="${164 + i}"/>`).join("");
  await add(
    "xl/styles.xml",
    `<styleSheet xmlns="${MAIN}"><numFmts>${defined}</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/>${used}</cellXfs></styleSheet>`,
  );
  for (const [i, rows] of Object.values(sheets).entries()) {
    await add(`xl/worksheets/sheet${i + 1}.xml`, sheetXml(rows, merged, formats));
    const links = rows.flat().flatMap((cell) => (isA(cell, "link") ? [cell.link] : []));
    const targets = links.map(
      (link, n) =>
        `<Relationship Id="l${n + 1}" Type="${RELATIONS}/hyperlink" TargetMode="External" Target="${escapeXml(link)}"/>`,
    );
    if (links.length > 0)
      await add(
        `xl/worksheets/_rels/sheet${i + 1}.xml.rels`,
        `<Relationships xmlns="${PACKAGE_RELATIONS}">${targets.join("")}</Relationships>`,
      );
  }
  await zip.end();
  output.end();
  await finished(output);
  return path;
}

const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships";
const MAIN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml";

function cellsOf(sheets: Readonly<Record<string, readonly (readonly TestCell[])[]>>): TestCell[] {
  return Object.values(sheets).flatMap((rows) => rows.flat());
}

function isA<Key extends "format" | "link">(cell: TestCell, key: Key): cell is Extract<TestCell, Record<Key, string>> {
  return typeof cell === "object" && cell !== null && key in cell;
}

function sheetXml(
  rows: readonly (readonly TestCell[])[],
  merged: readonly string[],
  formats: readonly string[],
): string {
  const nameOf = (r: number, c: number): string => `${String.fromCodePoint(65 + c)}${r + 1}`;
  const linked = rows.flatMap((cells, r) => cells.flatMap((cell, c) => (isA(cell, "link") ? [nameOf(r, c)] : [])));
  const links = linked.map((ref, n) => `<hyperlink ref="${ref}" r:id="l${n + 1}"/>`).join("");
  const body = rows.map(
    (cells, r) => `<row r="${r + 1}">${cells.map((cell, c) => cellXml(cell, nameOf(r, c), formats)).join("")}</row>`,
  );
  const ranges =
    merged.length === 0 ? "" : `<mergeCells>${merged.map((ref) => `<mergeCell ref="${ref}"/>`).join("")}</mergeCells>`;
  const hyperlinks = links === "" ? "" : `<hyperlinks>${links}</hyperlinks>`;
  return `<worksheet xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheetData>${body.join("")}</sheetData>${ranges}${hyperlinks}</worksheet>`;
}

function cellXml(cell: TestCell, ref: string, formats: readonly string[]): string {
  if (cell === null) return "";
  if (cell === "") return `<c r="${ref}" s="0"/>`;
  if (typeof cell === "number") return `<c r="${ref}"><v>${cell}</v></c>`;
  if (typeof cell === "boolean") return `<c r="${ref}" t="b"><v>${Number(cell)}</v></c>`;
  if (cell instanceof Date) return `<c r="${ref}" s="1"><v>${cell.getTime() / DAY + 25_569}</v></c>`;
  if (isA(cell, "link")) return cellXml(cell.text, ref, formats);
  if (isA(cell, "format")) return `<c r="${ref}" s="${2 + formats.indexOf(cell.format)}"><v>${cell.number}</v></c>`;
  if (typeof cell === "object") return `<c r="${ref}" t="e"><v>${cell.error}</v></c>`;
  return `<c r="${ref}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(cell)}</t></is></c>`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;").replaceAll("\r", "&#13;");
}
