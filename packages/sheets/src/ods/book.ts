// The workbook of OpenDocument, read as a stream: .ods, and .fods, which is the same as one XML
// file. All sheets are in one part, content.xml, one after the other. Opening the file reads that
// part once, for the names of the sheets and the styles that matter. Reading a sheet reads the part
// up to that sheet's end.
//
// Although there is a library for such formats, this package has its own reader. The library drops
// the sign of negative durations, resolves Excel's `_xHHHH_` in texts that contain it literally,
// and does not know hidden sheets.
//
// What of the parts matters, and for what:
//
//   mimetype, META-INF/manifest.xml    another kind of document; a password
//   styles.xml, content.xml
//     style:style                      its data style, and what follows
//       style:table-properties         table:display="false": a hidden sheet
//       style:text-properties          style:text-position="super …": a superscript
//     number:time-style                number:truncate-on-overflow="false": [h]:mm, a duration
//     table:null-date                  1904-…: the date system
//     table:table                      a sheet, with its name and its style
import type { RowBatch } from "../cells/batch.ts";
import type { Book, Range, SheetState } from "../book.ts";
import { SheetError, type Place } from "../errors.ts";
import { textMax, type Limits } from "../limits.ts";
import { OdsReader, type OdsStyles } from "./reader.ts";
import { readPart, unterminated, utf8, xmlError } from "../package/part.ts";
import { batchOf } from "../cells/row-writer.ts";
import { readPieces, type Source } from "../source.ts";
import { Token, Tokens, xmlName } from "../package/xml.ts";
import type { Archive } from "../package/zip.ts";

/** The part that holds the sheets. */
interface Content {
  readonly name: string;
  readonly size: number;
  read(signal: AbortSignal | undefined): AsyncIterable<Uint8Array>;
}

/** The greatest length of one tag or text. */
const TOKEN_MAX = 16 * 2 ** 20;

const names = {
  table: xmlName("table"),
  name: xmlName("name"),
  styleName: xmlName("style-name"),
  style: xmlName("style"),
  dataStyle: xmlName("data-style-name"),
  timeStyle: xmlName("time-style"),
  a: xmlName("a"),
  href: xmlName("href"),
  textProperties: xmlName("text-properties"),
  textPosition: xmlName("text-position"),
  truncate: xmlName("truncate-on-overflow"),
  tableProperties: xmlName("table-properties"),
  display: xmlName("display"),
  nullDate: xmlName("null-date"),
  dateValue: xmlName("date-value"),
  encryption: xmlName("encryption-data"),
};

/**
 * Opens an .ods file. @throws SheetError if the archive is encrypted or damaged, or is another
 * document of OpenDocument
 */
export async function openOds(
  archive: Archive,
  source: Source,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<Book> {
  const { file } = source;
  const read = (name: string): AsyncIterable<Uint8Array> | undefined => {
    const entry = archive.find(name);
    return entry && archive.read(entry, signal);
  };
  const type = read("mimetype");
  if (type) await checkType(type, file);
  const manifest = read("META-INF/manifest.xml");
  let encrypted = false;
  if (manifest)
    await readPart(manifest, { file, part: "META-INF/manifest.xml" }, (tokens) => {
      encrypted ||= tokens.is(names.encryption);
    });
  if (encrypted)
    throw new SheetError(
      "encrypted",
      `${file ?? "The file"} is an OpenDocument spreadsheet (.ods) that opens with a password only. Remove the password in LibreOffice and save it again.`,
      { file },
    );
  const entry = archive.find("content.xml")!;
  const found = new Found();
  const styles = read("styles.xml");
  if (styles) await readPart(styles, { file, part: "styles.xml" }, found.on, found.off);
  return await openContent(
    source,
    { name: entry.name, size: entry.size, read: (s) => archive.read(entry, s) },
    found,
    limits,
    signal,
  );
}

/**
 * Opens a .fods file. @throws SheetError if the file is damaged, or is another document of
 * OpenDocument
 */
export async function openFlatOds(source: Source, limits: Limits, signal: AbortSignal | undefined): Promise<Book> {
  const { size } = source;
  const content: Content = { name: "office:document", size, read: () => readPieces(source, 0, size, true) };
  return await openContent(source, content, new Found(), limits, signal);
}

/**
 * Reads the part with the sheets once, for their names and styles. Of the cells, only their links
 * are noticed.
 */
async function openContent(
  { file, size }: Source,
  content: Content,
  found: Found,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<Book> {
  await readPart(content.read(signal), { file, part: content.name }, found.on, found.off, true);
  if (found.sheets.length === 0)
    throw new SheetError(
      "unsupported_format",
      `${file ?? "The file"} is an OpenDocument file without a sheet in it: a text or a drawing, perhaps. A spreadsheet (.ods) was expected.`,
      { file },
    );
  return new OdsBook(file, content, found, limits, textMax(limits, size));
}

/**
 * Checks the type of the document. @throws SheetError if the archive says that it is a text, a
 * drawing, …
 */
async function checkType(pieces: AsyncIterable<Uint8Array>, file: string | undefined): Promise<void> {
  let type = "";
  for await (const piece of pieces) if (type.length < 100) type += Buffer.from(piece).toString("latin1");
  if (type.includes("opendocument.spreadsheet")) return;
  throw new SheetError(
    "unsupported_format",
    `${file ?? "The file"} is an OpenDocument file of another kind (${JSON.stringify(type.slice(0, 100))}); a spreadsheet (.ods) was expected.`,
    { file },
  );
}

/**
 * Gathers sheets and styles, one element at a time.
 *
 * Styles may refer to data styles that come later, so both are kept until the end.
 */
class Found {
  date1904 = false;
  readonly #tables: { name: string; style: string }[] = [];
  readonly #hidden = new Set<string>();
  /** Number formats of durations, and each cell style with its number format. */
  readonly #formats = new Set<string>();
  /** Styles of texts that are superscripts. */
  readonly #raised = new Set<string>();
  readonly #styles = new Map<string, string>();
  #style = "";
  /**
   * The depth of the table that is being read; −1 outside. A table inside a cell is not a sheet.
   */
  #inTable = -1;
  /** Indexes of the tables that have a link in a cell. */
  readonly linked = new Set<number>();

  /**
   * Takes an open tag. It has more than 15 branches because it is a list of the tags that matter:
   * those of styles first, then those of the content.
   */
  readonly on = (tokens: Tokens, depth: number): void => {
    if (tokens.is(names.style)) {
      this.#style = tokens.value(names.name, true) ?? "";
      const format = tokens.value(names.dataStyle, true);
      if (format !== undefined) this.#styles.set(this.#style, format);
    } else if (tokens.is(names.tableProperties)) {
      if (tokens.value(names.display, true) === "false") this.#hidden.add(this.#style);
    } else if (tokens.is(names.textProperties)) {
      if (/^(?:super|[1-9])/.test(tokens.value(names.textPosition, true) ?? "")) this.#raised.add(this.#style);
    } else if (tokens.is(names.timeStyle)) {
      if (tokens.value(names.truncate, true) === "false") this.#formats.add(tokens.value(names.name, true) ?? "");
    } else if (tokens.is(names.nullDate)) {
      this.date1904 = tokens.value(names.dateValue, true)?.startsWith("1904") ?? false;
    } else if (this.#inTable >= 0 && tokens.is(names.a) && tokens.attribute(names.href, true)) {
      this.linked.add(this.#tables.length - 1);
    } else if (this.#inTable < 0 && tokens.is(names.table)) {
      this.#inTable = depth;
      this.#tables.push({
        name: tokens.value(names.name, true) ?? `Sheet${this.#tables.length + 1}`,
        style: tokens.value(names.styleName, true) ?? "",
      });
    }
  };

  readonly off = (depth: number): void => {
    if (depth === this.#inTable) this.#inTable = -1;
  };

  get sheets(): { readonly name: string; readonly state: SheetState }[] {
    return this.#tables.map(({ name, style }) => ({ name, state: this.#hidden.has(style) ? "hidden" : "visible" }));
  }

  get styles(): OdsStyles {
    const durations = [...this.#styles].filter(([, format]) => this.#formats.has(format)).map(([name]) => name);
    return { durations: new Set(durations), raised: this.#raised, date1904: this.date1904 };
  }
}

/**
 * An open .ods or .fods file. It keeps nothing of the cells: each read inflates the part again,
 * from its start.
 */
class OdsBook implements Book {
  readonly format = "ods";
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  readonly date1904: boolean;
  readonly #file: string | undefined;
  readonly #content: Content;
  readonly #styles: OdsStyles;
  readonly #linked: ReadonlySet<number>;
  readonly #limits: Limits;
  readonly #textMax: number;

  constructor(file: string | undefined, content: Content, found: Found, limits: Limits, most: number) {
    this.#file = file;
    this.#content = content;
    this.#styles = found.styles;
    this.#linked = found.linked;
    this.#limits = limits;
    this.#textMax = most;
    this.sheets = found.sheets;
    this.date1904 = found.date1904;
  }

  place(sheet: number): Place {
    return { file: this.#file, part: this.#content.name, sheet: this.sheets[sheet]!.name };
  }

  hasLinks(sheet: number): Promise<boolean> {
    return Promise.resolve(this.#linked.has(sheet));
  }

  size(): number {
    return this.#content.size;
  }

  async *read(
    sheet: number,
    { signal, from, to, show, links, raised }: Range,
  ): AsyncGenerator<RowBatch, void, undefined> {
    const place = this.place(sheet);
    const tokens = new Tokens();
    const reader = new OdsReader(tokens, sheet, this.#styles, this.#limits, this.#textMax, {
      from,
      to,
      shown: show !== undefined,
      links: links === true,
      raised: raised === true,
    });
    // `rest` is the part's bytes from offset `base` on: an incomplete token, and then the next
    // piece.
    let rest: Buffer = Buffer.alloc(0);
    let base = 0;
    for await (const piece of utf8(this.#content.read(signal), place)) {
      rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
      if (rest.length > TOKEN_MAX)
        throw new SheetError(
          "limit",
          `${place.part!} has a single tag or text of more than ${TOKEN_MAX} bytes.`,
          place,
        );
      tokens.window(rest, 0, rest.length, false);
      try {
        for (let token = tokens.next(); token !== Token.more && !reader.done; token = tokens.next()) {
          reader.take(token);
          while (reader.write()) yield batchOf(reader.writer.take()!, (base + tokens.pos) / this.#content.size);
        }
      } catch (error) {
        throw xmlError(error, place, base);
      }
      base += tokens.pos;
      rest = rest.subarray(tokens.pos);
      if (reader.done) break;
    }
    if (!reader.done) throw unterminated(place, base);
    const rows = reader.writer.take();
    if (rows) yield batchOf(rows, 1);
  }

  async close(): Promise<void> {}
}
