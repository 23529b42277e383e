// The small parts of a workbook, around its sheets (ECMA-376, Office Open XML).
import { attribute } from "./text.ts";

/** A part's bytes. */
export const part = (xml: string): readonly Buffer[] => [Buffer.from(declaration + xml)];

export const declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n`;
export const namespaces: Record<"main" | "relations" | "packageRelations" | "contentTypes", string> = {
  main: "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
  relations: "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
  packageRelations: "http://schemas.openxmlformats.org/package/2006/relationships",
  contentTypes: "http://schemas.openxmlformats.org/package/2006/content-types",
};

const numbers = (sheets: number): number[] => Array.from({ length: sheets }, (_, n) => n + 1);

/**
 * `[Content_Types].xml`: the kind of each part. @param shared true if there is a part of shared
 * strings
 */
export function contentTypes(sheets: number, shared: boolean): string {
  const type = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const override = (name: string, kind: string): string =>
    `<Override PartName="/xl/${name}.xml" ContentType="${type}.${kind}+xml"/>`;
  return (
    `<Types xmlns="${namespaces.contentTypes}">` +
    `<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
    `<Default Extension="xml" ContentType="application/xml"/>` +
    override("workbook", "sheet.main") +
    numbers(sheets)
      .map((n) => override(`worksheets/sheet${n}`, "worksheet"))
      .join("") +
    override("styles", "styles") +
    (shared ? override("sharedStrings", "sharedStrings") : "") +
    `</Types>`
  );
}

/** `_rels/.rels`: it leads from the package to the workbook. */
export const packageRelations: string =
  `<Relationships xmlns="${namespaces.packageRelations}">` +
  `<Relationship Id="rId1" Type="${namespaces.relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`;

/**
 * `xl/_rels/workbook.xml.rels`: `rId1` to `rIdN` are the sheets in their order, and then come the
 * styles and the shared strings.
 */
export function workbookRelations(sheets: number, shared: boolean): string {
  const relation = (id: number, kind: string, target: string): string =>
    `<Relationship Id="rId${id}" Type="${namespaces.relations}/${kind}" Target="${target}.xml"/>`;
  return (
    `<Relationships xmlns="${namespaces.packageRelations}">` +
    numbers(sheets)
      .map((n) => relation(n, "worksheet", `worksheets/sheet${n}`))
      .join("") +
    relation(sheets + 1, "styles", "styles") +
    (shared ? relation(sheets + 2, "sharedStrings", "sharedStrings") : "") +
    `</Relationships>`
  );
}

/** @param names of the sheets, in order */
export const workbook = (names: readonly string[]): string =>
  `<workbook xmlns="${namespaces.main}" xmlns:r="${namespaces.relations}"><sheets>` +
  names.map((name, i) => `<sheet name="${attribute(name)}" sheetId="${i + 1}" r:id="rId${i + 1}"/>`).join("") +
  `</sheets></workbook>`;

/**
 * The styles of cells: 0 is the usual one, 1 is bold, and 2 + n has the number format `formats[n]`.
 * Formats that are not built in have numbers from 164 on. With `quoted`, two more styles follow,
 * with which no program takes a text for a formula. The second of these is bold.
 */
export function styles(formats: readonly string[] = [], quoted = false): string {
  const own = formats.map((code, n) => `<numFmt numFmtId="${164 + n}" formatCode="${attribute(code)}"/>`).join("");
  return (
    `<styleSheet xmlns="${namespaces.main}">` +
    (own === "" ? "" : `<numFmts count="${formats.length}">${own}</numFmts>`) +
    `<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>` +
    `<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>` +
    `<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
    `<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
    `<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
    `<cellXfs count="${2 + formats.length + (quoted ? 2 : 0)}"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
    `<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>` +
    formats.map((_, n) => formatStyle(164 + n)).join("") +
    (quoted ? quotedStyle(0) + quotedStyle(1) : "") +
    `</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
  );
}

const formatStyle = (id: number): string =>
  `<xf numFmtId="${id}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`;

const quotedStyle = (font: number): string =>
  `<xf numFmtId="0" fontId="${font}" fillId="0" borderId="0" xfId="0" quotePrefix="1"${font === 0 ? "" : ` applyFont="1"`}/>`;

/** The style of the cells of a header. */
export const BOLD = 1;
