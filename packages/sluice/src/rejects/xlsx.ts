// The reject file as a workbook: seven columns that say what is wrong, then the row as it was in
// the sheet, each cell with its type.
//
// Rows go to the disk as they come. A sheet that is full, or a header that is another, begins the
// next sheet. Text is text here, and no program runs it: nothing is put in front of it. A cell that
// would be a formula if somebody edited it has a style that says that it is text (`quotePrefix`,
// which Excel itself sets if a user types an apostrophe in front), so it stays text.
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { runs } from "./formulas.ts";
import { REJECT_COLUMNS, type Reject, type RejectCell } from "../reject.ts";
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
} from "../xlsx/parts.ts";
import { daysOf } from "../values/interval.ts";
import { ByteBuilder, columnLetters, textElement } from "../xlsx/text.ts";
import { lastRow } from "../xlsx/xlsx-writer.ts";
import { ZipWriter } from "../xlsx/zip-writer.ts";

/** A sheet ends here at the latest: zip entries of 4 GiB and more are not read by everybody. */
const SHEET_BYTES = 3 * 1024 ** 3;
const LAST_COLUMN = 16_384;
/** Excel takes a workbook with a longer text for damaged, and cuts the text. */
const CELL_CHARACTERS = 32_767;
const DAY_MS = 86_400_000;
const FORMATS = {
  date: "yyyy\\-mm\\-dd",
  time: "hh:mm:ss",
  dateTime: "yyyy\\-mm\\-dd\\ hh:mm:ss",
  duration: "[h]:mm:ss",
};
const STYLES = {
  date: BOLD + 1,
  time: BOLD + 2,
  dateTime: BOLD + 3,
  duration: BOLD + 4,
  quoted: BOLD + 5,
  quotedBold: BOLD + 6,
};
/** The errors that a cell can hold. */
const ERROR =
  /^#(?:NULL!|DIV\/0!|VALUE!|REF!|NAME\?|NUM!|N\/A|GETTING_DATA|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|BUSY!|UNKNOWN!)$/;

/** A workbook that is being written. */
export class XlsxRejects {
  readonly #output: WriteStream;
  readonly #zip: ZipWriter;
  readonly #rowsPerSheet: number;
  #sheets = 0;
  #titles: readonly (string | null)[] = [];
  #sheet: { readonly content: PassThrough; readonly written: Promise<void> } | undefined;
  #bytes = new ByteBuilder();
  #row = 0;
  #size = 0;

  private constructor(output: WriteStream, rowsPerSheet: number) {
    this.#output = output;
    this.#rowsPerSheet = rowsPerSheet;
    this.#zip = new ZipWriter(output, { level: 1 });
    // The caller that writes meets the failure.
    output.on("error", () => undefined);
  }

  /** Makes the file, or empties it. @param rowsPerSheet for tests; the header counts */
  static async create(path: string, rowsPerSheet: number = lastRow): Promise<XlsxRejects> {
    const output = createWriteStream(path);
    await once(output, "open");
    return new XlsxRejects(output, rowsPerSheet);
  }

  /**
   * Begins a sheet with this header.
   * @throws RangeError if it has more columns than a workbook can hold
   */
  begin(titles: readonly (string | null)[]): Promise<void> {
    return this.#named(this.#begin(titles));
  }

  async #begin(titles: readonly (string | null)[]): Promise<void> {
    await this.#endSheet();
    const header = [...REJECT_COLUMNS, ...titles];
    if (header.length > LAST_COLUMN)
      throw new RangeError(
        `a workbook holds ${LAST_COLUMN} columns, and these would be ${header.length}. Use a .csv file`,
      );
    this.#titles = titles;
    const content = new PassThrough();
    // A failure is met by who waits for the entry.
    content.on("error", () => undefined);
    const written = this.#zip.entry(`xl/worksheets/sheet${++this.#sheets}.xml`, content);
    written.catch(() => undefined);
    this.#sheet = { content, written };
    this.#row = 1;
    this.#size = 0;
    const cells = header.map((title, i) =>
      title === null
        ? ""
        : `<c r="${columnLetters(i + 1)}1" s="${runs(title) ? STYLES.quotedBold : BOLD}"${inlineText(title)}`,
    );
    this.#bytes.add(
      `${declaration}<worksheet xmlns="${namespaces.main}"><sheetViews><sheetView workbookViewId="0">` +
        `<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>` +
        `<sheetData><row r="1">${cells.join("")}</row>`,
    );
  }

  write(rejects: readonly Reject[]): Promise<void> {
    return this.#named(this.#write(rejects));
  }

  async #write(rejects: readonly Reject[]): Promise<void> {
    for (const { cells, ...reject } of rejects) {
      if (this.#row === this.#rowsPerSheet || this.#size > SHEET_BYTES) await this.begin(this.#titles);
      this.#row++;
      for (const [i, cell] of cells.entries()) checkLength(cell, i, reject.row);
      const said = REJECT_COLUMNS.map((name) => {
        const value = reject[name];
        return value === undefined ? null : typeof value === "number" ? (["n", String(value)] as const) : shown(value);
      });
      this.#rowXml([...said, ...cells]);
      if (this.#bytes.isFull) await this.#flush();
    }
  }

  /** Writes the parts around the sheets and closes the file. */
  end(): Promise<void> {
    return this.#named(this.#end());
  }

  async #end(): Promise<void> {
    await this.#endSheet();
    const names = Array.from({ length: this.#sheets }, (_, n) => (n === 0 ? "rejects" : `rejects ${n + 1}`));
    await this.#zip.entry("xl/workbook.xml", part(workbook(names)));
    await this.#zip.entry("xl/_rels/workbook.xml.rels", part(workbookRelations(names.length, false)));
    await this.#zip.entry("xl/styles.xml", part(styles(Object.values(FORMATS), true)));
    await this.#zip.entry("_rels/.rels", part(packageRelations));
    await this.#zip.entry("[Content_Types].xml", part(contentTypes(names.length, false)));
    await this.#zip.end();
    this.#output.end();
    await finished(this.#output);
  }

  /** Closes the file as it is. */
  async close(): Promise<void> {
    this.#sheet?.content.destroy();
    this.#output.destroy();
    if (!this.#output.closed) await once(this.#output, "close").catch(() => undefined);
  }

  /**
   * A failure of the file ends the streams in front of it, which tell of that alone: why the file
   * failed is what counts.
   */
  async #named(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      throw this.#output.errored ?? error;
    }
  }

  async #endSheet(): Promise<void> {
    if (!this.#sheet) return;
    this.#bytes.add("</sheetData></worksheet>");
    await this.#flush();
    this.#sheet.content.end();
    await this.#sheet.written;
    this.#sheet = undefined;
  }

  /** Cell by cell: a row's text may be long. */
  #rowXml(cells: readonly RejectCell[]): void {
    this.#bytes.add(`<row r="${this.#row}">`);
    for (const [i, cell] of cells.entries()) {
      const reference = `<c r="${columnLetters(i + 1)}${this.#row}"`;
      if (cell !== null) this.#bytes.add(reference + cellXml(cell));
      // That the row goes as far as this is kept as well.
      else if (i === cells.length - 1) this.#bytes.add(`${reference}/>`);
    }
    this.#bytes.add("</row>");
  }

  async #flush(): Promise<void> {
    const { content, written } = this.#sheet!;
    const bytes = this.#bytes.take();
    this.#size += bytes.length;
    if (!content.write(bytes)) await Promise.race([once(content, "drain"), written]);
  }
}

/**
 * @throws RangeError if a cell of the row is longer than a workbook's may be: cut, it would be
 *   imported so again
 */
function checkLength(cell: RejectCell, column: number, row: number): void {
  const { length } = typeof cell === "string" ? cell : (cell?.[1] ?? "");
  if (length > CELL_CHARACTERS)
    throw new RangeError(
      `the cell ${columnLetters(column + 1)}${row} has ${length} characters, and a workbook's cell holds ${CELL_CHARACTERS}. Use a .csv file`,
    );
}

/** The text about a row is not imported again, so it may be cut. */
function shown(text: string): string {
  return text.length > CELL_CHARACTERS ? `${text.slice(0, CELL_CHARACTERS - 1)}…` : text;
}

/** A cell after its reference. What it holds is read back unchanged, character by character. */
function cellXml(cell: NonNullable<RejectCell>): string {
  if (typeof cell === "string") return text(cell);
  const [type, value] = cell;
  if (type === "n") return `><v>${value}</v></c>`;
  if (type === "b") return ` t="b"><v>${value === "true" ? 1 : 0}</v></c>`;
  // What a file calls an error may be any text.
  if (type === "e") return ERROR.test(value) ? ` t="e"><v>${value}</v></c>` : text(value);
  if (type === "t") return ` s="${STYLES.duration}"><v>${daysOf(value)}</v></c>`;
  const serial = serialOf(value);
  if (serial === undefined) return text(value);
  const style = serial < 1 ? STYLES.time : Number.isInteger(serial) ? STYLES.date : STYLES.dateTime;
  return ` s="${style}"><v>${serial}</v></c>`;
}

function text(value: string): string {
  return `${runs(value) ? ` s="${STYLES.quoted}"` : ""}${inlineText(value)}`;
}

function inlineText(value: string): string {
  return ` t="inlineStr"><is>${textElement(value)}</is></c>`;
}

/**
 * The serial number of a date of the 1900 system; undefined if it has none. 1900 had no 29
 * February, but serial 60 is one.
 */
function serialOf(iso: string): number | undefined {
  const days = Date.parse(`${iso}Z`) / DAY_MS + 25_569;
  if (!(days >= 1)) return undefined;
  return days < 61 ? days - 1 : days;
}
