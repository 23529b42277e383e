// Puts workbooks together from the XML of their sheets, as odd as a test wants them, and reads them
// back.
import { open, type OpenOptions } from "../workbook.ts";
import type { CellValue, Row } from "../cells/rows.ts";
import type { RowBatch } from "../cells/batch.ts";
import type { RandomAccess } from "../source.ts";
import { zip, type ZipEntry } from "./zip-writer.ts";

export const xmlHead = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
export const mainNamespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const relationships = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

export interface SheetPart {
  readonly name?: string;
  readonly state?: string;
  /** What stands inside of sheetData. */
  readonly rows?: string;
  /** Or the whole part. */
  readonly xml?: string | Uint8Array;
}

export interface WorkbookParts {
  /** What stands inside of sheetData, for a workbook of one sheet. */
  readonly rows?: string;
  readonly sheets?: readonly SheetPart[];
  /** Items such as `<si><t>text</t></si>`, or the whole part. */
  readonly strings?: string;
  /** Number format codes: style n + 1 has the nth; style 0 is General. */
  readonly formats?: readonly string[];
  /** Attributes and all, e.g. `<workbookPr date1904="1"/>`. */
  readonly properties?: string;
  /** Further entries; one with a name that is there already takes its place. */
  readonly entries?: readonly ZipEntry[];
  /** Entries left out. */
  readonly without?: readonly string[];
}

export function worksheet(rows: string): string {
  return `${xmlHead}<worksheet xmlns="${mainNamespace}"><sheetData>${rows}</sheetData></worksheet>`;
}

export function entriesOf(parts: WorkbookParts): ZipEntry[] {
  const sheets = parts.sheets ?? [{ rows: parts.rows ?? "" }];
  const workbook = `${xmlHead}<workbook xmlns="${mainNamespace}" xmlns:r="${relationships}">${parts.properties ?? ""}<sheets>${sheets
    .map(
      ({ name, state }, i) =>
        `<sheet name="${name ?? `Sheet${i + 1}`}" sheetId="${i + 1}"${state ? ` state="${state}"` : ""} r:id="rId${i + 1}"/>`,
    )
    .join("")}</sheets></workbook>`;
  const targets = sheets.map((_, i) => [`rId${i + 1}`, "worksheet", `worksheets/sheet${i + 1}.xml`]);
  if (parts.strings !== undefined) targets.push(["rIdS", "sharedStrings", "sharedStrings.xml"]);
  if (parts.formats) targets.push(["rIdF", "styles", "styles.xml"]);
  const entries: ZipEntry[] = [
    {
      name: "[Content_Types].xml",
      data: contentTypes({
        "xl/workbook.xml": "sheet.main",
        ...Object.fromEntries(sheets.map((_, i) => [`xl/worksheets/sheet${i + 1}.xml`, "worksheet"])),
        ...(parts.strings === undefined ? {} : { "xl/sharedStrings.xml": "sharedStrings" }),
        ...(parts.formats ? { "xl/styles.xml": "styles" } : {}),
      }),
    },
    { name: "_rels/.rels", data: rels([["rId1", "officeDocument", "xl/workbook.xml"]]) },
    { name: "xl/workbook.xml", data: workbook },
    { name: "xl/_rels/workbook.xml.rels", data: rels(targets) },
    ...sheets.map(({ rows, xml }, i) => ({
      name: `xl/worksheets/sheet${i + 1}.xml`,
      data: xml ?? worksheet(rows ?? ""),
    })),
  ];
  if (parts.strings !== undefined) {
    const whole = parts.strings.startsWith("<?xml") || parts.strings.startsWith("<sst");
    const items = `${xmlHead}<sst xmlns="${mainNamespace}">${parts.strings}</sst>`;
    entries.push({ name: "xl/sharedStrings.xml", data: whole ? parts.strings : items });
  }
  if (parts.formats) entries.push({ name: "xl/styles.xml", data: styles(parts.formats) });
  const replaced = (parts.entries ?? []).map(({ name }) => name);
  return [
    ...entries.filter(({ name }) => !replaced.includes(name) && !parts.without?.includes(name)),
    ...(parts.entries ?? []),
  ];
}

export const workbook = (parts: WorkbookParts): Buffer => zip(entriesOf(parts));

export function rels(targets: readonly (readonly string[])[]): string {
  const items = targets.map(([id, type, target]) => {
    return `<Relationship Id="${id}" Type="${relationships}/${type}" Target="${target}"/>`;
  });
  return `${xmlHead}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${items.join("")}</Relationships>`;
}

/** By the parts' names, what they are: `sheet.main`, `worksheet`, `sharedStrings`, `styles`. */
export function contentTypes(parts: Readonly<Record<string, string>>): string {
  const types = "application/vnd.openxmlformats-";
  const items = Object.entries(parts).map(
    ([name, kind]) => `<Override PartName="/${name}" ContentType="${types}officedocument.spreadsheetml.${kind}+xml"/>`,
  );
  return `${xmlHead}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="${types}package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${items.join("")}</Types>`;
}

/**
 * A styles part with these cell formats, and `<numFmts>` or other lists in front of and behind
 * them.
 */
export function styleSheet(cellXfs: string, before = "", behind = ""): string {
  return `${xmlHead}<styleSheet xmlns="${mainNamespace}">${before}<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="14" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs>${cellXfs}</cellXfs>${behind}</styleSheet>`;
}

/** A cell format of this number format. */
export const xf = (id: number): string =>
  `<xf numFmtId="${id}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`;

function styles(formats: readonly string[]): string {
  const escape = (text: string): string =>
    text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const defined = formats.map((code, i) => `<numFmt numFmtId="${164 + i}" formatCode="${escape(code)}"/>`).join("");
  const used = formats.map((_, i) => xf(164 + i)).join("");
  const list = formats.length > 0 ? `<numFmts count="${formats.length}">${defined}</numFmts>` : "";
  return styleSheet(xf(0) + used, list);
}

/** The bytes as a source of random access. */
export function source(bytes: Uint8Array): RandomAccess {
  return { size: bytes.length, read: async (offset, length) => bytes.slice(offset, offset + length) };
}

export async function readRows(bytes: Uint8Array, sheet?: string | number, options?: OpenOptions): Promise<Row[]> {
  await using book = await open(source(bytes), options);
  return await collect(book.sheet(sheet).rows());
}

/** The rows of the only sheet, as [number, ...values]. */
export async function readValues(parts: WorkbookParts): Promise<(CellValue | undefined)[][]> {
  return (await readRows(workbook(parts))).map((row) => [row.number, ...row.values]);
}

/** The value of A1 in a workbook of the one cell that is given as XML. */
export async function readCell(cell: string, parts: WorkbookParts = {}): Promise<CellValue | undefined> {
  const [row] = await readRows(workbook({ ...parts, rows: `<row r="1">${cell}</row>` }));
  return row?.values[0];
}

/** A batch as plain data, so that batches from different windows can be compared. */
export function plainRows(batches: readonly RowBatch[]): unknown[] {
  return batches.flatMap((batch) =>
    Array.from(batch.rowNumbers, (number, r) => ({
      number,
      width: batch.widths[r],
      warnings: batch.warnings.filter(({ row }) => row === number).map(({ message }) => message),
      cells: Array.from({ length: batch.firstCell[r + 1]! - batch.firstCell[r]! }, (_, i) => {
        const cell = batch.firstCell[r]! + i;
        const text = batch.bytes.toString("utf8", batch.starts[cell], batch.ends[cell]);
        return [batch.columns[cell], batch.types[cell], batch.flags[cell], text];
      }),
    })),
  );
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
