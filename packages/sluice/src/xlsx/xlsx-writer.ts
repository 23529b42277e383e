/**
 * A workbook of one sheet of text cells, written to a stream in one go and in constant memory
 * (ECMA-376, Office Open XML).
 *
 * With inline strings each cell holds its text. With shared strings it holds an index into a table,
 * which a program that writes front to back cannot know in advance: the sheet goes first, counting,
 * and the table follows, from a second pass over the same rows. Readers go by the archive's
 * directory, so the order of the parts is free. The small vocabularies of columns that declare
 * their `values` come first in the table, each text once; of the other columns every non-empty cell
 * has its own entry.
 */
import type { Writable } from "node:stream";
import {
  BOLD,
  contentTypes,
  declaration,
  namespaces,
  packageRelations,
  part,
  styles,
  workbook,
  workbookRelations,
} from "./parts.ts";
import { ByteBuilder, columnLetters, textElement } from "./text.ts";
import { ZipWriter } from "./zip-writer.ts";

export interface XlsxColumn {
  readonly title: string;
  /** The column's width in characters, as spreadsheet programs measure it. */
  readonly width: number;
  /** Everything the column may hold, if that is a small set. */
  readonly values?: readonly string[];
}

export interface XlsxOptions {
  readonly sheet: string;
  readonly columns: readonly XlsxColumn[];
  /**
   * The rows below the header, from the first one at each call. "" is an empty cell; a row may be
   * shorter than `columns`.
   */
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
  await zip.entry("[Content_Types].xml", part(contentTypes(1, table !== undefined)));
  await zip.entry("_rels/.rels", part(packageRelations));
  await zip.entry("xl/workbook.xml", part(workbook([options.sheet])));
  await zip.entry("xl/_rels/workbook.xml.rels", part(workbookRelations(1, table !== undefined)));
  await zip.entry("xl/styles.xml", part(styles()));
  await zip.entry("xl/worksheets/sheet1.xml", sheetXml(options, table ?? inlineCells));
  if (table) await zip.entry("xl/sharedStrings.xml", tableXml(options, table));
  await zip.end();
}

/** Functions that write the rest of a cell with text, after its reference (and style). */
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
  const letters = columns.map((_, i) => columnLetters(i + 1));
  const out = new ByteBuilder();
  const widths = columns.map(({ width }, i) => `<col min="${i + 1}" max="${i + 1}" width="${width}" customWidth="1"/>`);
  const titles = columns.map(({ title }, i) => `<c r="${letters[i]}1" s="${BOLD}"${cells.title(i, title)}`);
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
