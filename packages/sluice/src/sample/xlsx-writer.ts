/**
 * A workbook of one sheet of text cells, written to a stream in one go and in constant memory (ECMA-376, Office Open XML).
 *
 * With inline strings each cell holds its text. With shared strings it holds an index into a table, which a program that
 * writes front to back cannot know in advance: the sheet goes first, counting, and the table follows, from a second pass over
 * the same rows. Readers go by the archive's directory, so the order of the parts is free. The small vocabularies of columns
 * that declare their `values` come first in the table, each text once; of the other columns every non-empty cell has its own
 * entry.
 */
import type { Writable } from "node:stream";
import { ZipWriter } from "./zip-writer.ts";

export interface XlsxColumn {
  readonly title: string;
  /** In characters, as spreadsheet programs measure it. */
  readonly width: number;
  /** Everything the column may hold, where that is a small set. */
  readonly values?: readonly string[];
}

export interface XlsxOptions {
  readonly sheet: string;
  readonly columns: readonly XlsxColumn[];
  /** The rows below the header, anew at each call. "" is an empty cell; a row may be shorter than `columns`. */
  readonly rows: () => Iterable<readonly string[]>;
  readonly strings: "shared" | "inline";
  /** Deflate level, 1 (fast) to 9 (small). */
  readonly level: number;
}

/** A sheet ends at this row, the header counted. */
export const lastRow = 1_048_576;

/** Writes the workbook. Does not end `output`. */
export async function writeXlsx(output: Writable, options: XlsxOptions): Promise<void> {
  const table = options.strings === "shared" ? new StringTable(options.columns) : undefined;
  const zip = new ZipWriter(output, { level: options.level });
  await zip.entry("[Content_Types].xml", part(contentTypes(table !== undefined)));
  await zip.entry("_rels/.rels", part(packageRelations));
  await zip.entry("xl/workbook.xml", part(workbook(options.sheet)));
  await zip.entry("xl/_rels/workbook.xml.rels", part(workbookRelations(table !== undefined)));
  await zip.entry("xl/styles.xml", part(styles));
  await zip.entry("xl/worksheets/sheet1.xml", sheetXml(options, table ?? inlineCells));
  if (table) await zip.entry("xl/sharedStrings.xml", tableXml(options, table));
  await zip.end();
}

/** How a cell with text goes on after its reference (and style). */
interface Cells {
  title(column: number, text: string): string;
  text(column: number, text: string): string;
}

const inlineCells: Cells = {
  title: (_, text) => ` t="inlineStr"><is>${textElement(text)}</is></c>`,
  text: (_, text) => ` t="inlineStr"><is>${textElement(text)}</is></c>`,
};

/** Hands out indexes while the sheet is written, and so knows what the table will hold. */
class StringTable implements Cells {
  /** The texts at the head of the table, each once: the titles and the declared values. */
  readonly head: readonly string[];
  /** Cells that refer to the table. */
  references = 0;
  /** Strings in the table. */
  size: number;
  readonly #titles: ReadonlyMap<string, number>;
  readonly #declared: readonly (ReadonlyMap<string, number> | undefined)[];

  constructor(columns: readonly XlsxColumn[]) {
    const indexes = new Map<string, number>();
    for (const { title } of columns) if (!indexes.has(title)) indexes.set(title, indexes.size);
    for (const { values = [] } of columns)
      for (const value of values) if (!indexes.has(value)) indexes.set(value, indexes.size);
    this.head = [...indexes.keys()];
    this.size = this.head.length;
    this.#titles = indexes;
    this.#declared = columns.map(
      ({ values }) => values && new Map(values.map((value) => [value, indexes.get(value)!])),
    );
  }

  title(_: number, text: string): string {
    return this.#reference(this.#titles.get(text)!);
  }

  text(column: number, text: string): string {
    const declared = this.#declared[column];
    if (!declared) return this.#reference(this.size++);
    const index = declared.get(text);
    if (index === undefined) throw new RangeError(`column ${column + 1} does not declare the value ${text}`);
    return this.#reference(index);
  }

  #reference(index: number): string {
    this.references++;
    return ` t="s"><v>${index}</v></c>`;
  }
}

function* sheetXml(options: XlsxOptions, cells: Cells): Generator<Buffer> {
  const { columns } = options;
  const letters = columns.map((_, column) => columnLetters(column));
  const out = new ByteBuilder();
  const widths = columns.map(({ width }, i) => `<col min="${i + 1}" max="${i + 1}" width="${width}" customWidth="1"/>`);
  // Style 1 is the bold one.
  const titles = columns.map(({ title }, i) => `<c r="${letters[i]}1" s="1"${cells.title(i, title)}`);
  out.add(
    `${declaration}<worksheet xmlns="${namespaces.main}"><sheetViews><sheetView workbookViewId="0">` +
      `<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>` +
      `<cols>${widths.join("")}</cols><sheetData><row r="1">${titles.join("")}</row>`,
  );
  let number = 1;
  for (const row of options.rows()) {
    if (++number > lastRow) throw new RangeError(`a sheet ends at row ${lastRow}, the header counted`);
    const line = String(number);
    let xml = `<row r="${line}">`;
    for (let i = 0; i < row.length; i++) {
      const text = row[i]!;
      xml += `<c r="${letters[i]}${line}"` + (text === "" ? "/>" : cells.text(i, text));
    }
    out.add(xml + "</row>");
    if (out.isFull) yield out.take();
  }
  out.add("</sheetData></worksheet>");
  yield out.take();
}

function* tableXml(options: XlsxOptions, table: StringTable): Generator<Buffer> {
  const { columns } = options;
  const out = new ByteBuilder();
  out.add(`${declaration}<sst xmlns="${namespaces.main}" count="${table.references}" uniqueCount="${table.size}">`);
  for (const text of table.head) out.add(`<si>${textElement(text)}</si>`);
  for (const row of options.rows()) {
    let xml = "";
    for (let i = 0; i < row.length; i++) {
      const text = row[i]!;
      if (text !== "" && !columns[i]?.values) xml += `<si>${textElement(text)}</si>`;
    }
    out.add(xml);
    if (out.isFull) yield out.take();
  }
  out.add("</sst>");
  yield out.take();
}

const special = /[&<>\p{Cc}\ufffe\uffff]|^ | $| {2}|_x[0-9A-Fa-f]{4}_/u;

/** `<t>` with the text as XML: what XML cannot hold, and what only looks like it, in the `_xHHHH_` form (22.9.2.19). */
function textElement(text: string): string {
  return special.test(text) ? `<t xml:space="preserve">${text.replaceAll(unsafe, escaped)}</t>` : `<t>${text}</t>`;
}

// A bare carriage return would reach the reader as a line feed (XML 1.0, 2.11).
const unsafe = /(?![\t\n])[&<>\p{Cc}\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)/gu;

function escaped(c: string): string {
  if (c === "&") return "&amp;";
  if (c === "<") return "&lt;";
  if (c === ">") return "&gt;";
  return `_x${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`;
}

/** Gathers text as UTF-8 in pieces of about 256 KB; each is made anew, for the one before is still being compressed. */
class ByteBuilder {
  static readonly #size = 256 * 1024;
  #bytes = Buffer.allocUnsafeSlow(ByteBuilder.#size);
  #length = 0;

  add(text: string): void {
    const most = text.length * 3;
    if (this.#length + most > this.#bytes.length) this.#grow(most);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Whether it is time to `take()`: a usual row may not fit any more. */
  get isFull(): boolean {
    return this.#length > ByteBuilder.#size - 16 * 1024;
  }

  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafeSlow(ByteBuilder.#size);
    this.#length = 0;
    return taken;
  }

  #grow(more: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** 0 → A, 25 → Z, 26 → AA. */
function columnLetters(column: number): string {
  const last = String.fromCharCode(65 + (column % 26));
  return column < 26 ? last : columnLetters(Math.floor(column / 26) - 1) + last;
}

const part = (xml: string): readonly Buffer[] => [Buffer.from(declaration + xml)];

const declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n`;
const namespaces = {
  main: "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
  relations: "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
  packageRelations: "http://schemas.openxmlformats.org/package/2006/relationships",
  contentTypes: "http://schemas.openxmlformats.org/package/2006/content-types",
};

function contentTypes(shared: boolean): string {
  const type = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const override = (name: string, kind: string): string =>
    `<Override PartName="/xl/${name}.xml" ContentType="${type}.${kind}+xml"/>`;
  return (
    `<Types xmlns="${namespaces.contentTypes}">` +
    `<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
    `<Default Extension="xml" ContentType="application/xml"/>` +
    override("workbook", "sheet.main") +
    override("worksheets/sheet1", "worksheet") +
    override("styles", "styles") +
    (shared ? override("sharedStrings", "sharedStrings") : "") +
    `</Types>`
  );
}

const packageRelations =
  `<Relationships xmlns="${namespaces.packageRelations}">` +
  `<Relationship Id="rId1" Type="${namespaces.relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`;

function workbookRelations(shared: boolean): string {
  const relation = (id: number, kind: string, target: string): string =>
    `<Relationship Id="rId${id}" Type="${namespaces.relations}/${kind}" Target="${target}.xml"/>`;
  return (
    `<Relationships xmlns="${namespaces.packageRelations}">` +
    relation(1, "worksheet", "worksheets/sheet1") +
    relation(2, "styles", "styles") +
    (shared ? relation(3, "sharedStrings", "sharedStrings") : "") +
    `</Relationships>`
  );
}

const workbook = (sheet: string): string =>
  `<workbook xmlns="${namespaces.main}" xmlns:r="${namespaces.relations}">` +
  `<sheets><sheet name="${sheet}" sheetId="1" r:id="rId1"/></sheets></workbook>`;

// Cell style 1 is bold; everything else a style sheet must have stands here once.
const styles =
  `<styleSheet xmlns="${namespaces.main}">` +
  `<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>` +
  `<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>` +
  `<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
  `<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
  `<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
  `<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
  `<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>` +
  `<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;
