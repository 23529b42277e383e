// An open spreadsheet of any format. It finds sheets by name or number, and closes the file at the
// end.
import type { Book, SheetInfo, SpreadsheetFormat } from "./book.ts";
import type { CsvOptions } from "./csv/dialect.ts";
import { SheetError } from "./errors.ts";
import type { LibraryFormat } from "./library/book.ts";
import { resolveLimits, TEXT_ROWS, type Limits } from "./limits.ts";
import { Sheet } from "./sheet.ts";
import { sniff, unreadable } from "./sniff.ts";
import { openSource, type RandomAccess, type Source } from "./source.ts";
import { isOds, isXlsb } from "./package/kind.ts";
import { Archive } from "./package/zip.ts";

export interface OpenOptions {
  /** Stops reading. The operation in progress fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Limits against hostile files. Each one that is not given keeps its default. */
  readonly limits?: Partial<Limits>;
  /**
   * The dialect of a delimited text. The parts that are not given are detected. Other formats
   * ignore this option.
   */
  readonly csv?: CsvOptions;
  /**
   * `"streaming"` accepts only formats that this package itself reads as a stream: `.xlsx`,
   * `.xlsm`, `.ods`, `.fods` and delimited text. It refuses formats that need a library, `.xls` and
   * the like, as `unsupported_format`. The default is `"all"`.
   */
  readonly formats?: "all" | "streaming";
  /**
   * The treatment of bytes that are not UTF-8 in a text that otherwise is. The default, `"refuse"`,
   * ends with `bad_encoding`. `"mark"` replaces each such byte by a question mark, and lists the
   * rows in {@link RowBatch.badRows}.
   */
  readonly badBytes?: "refuse" | "mark";
  /**
   * The name of the file for people, if it has another name on the disk: the sheet of a delimited
   * text is named after it. Other formats ignore this option.
   */
  readonly textName?: string;
}

/**
 * Opens a spreadsheet: detects its format from its content, and finds its sheets. It does not read
 * any cells yet. Dispose of it (`await using`, or `close()`) to close the file.
 *
 * @throws {SheetError} if the file cannot be read or is not a spreadsheet
 * @example
 * await using book = await open("businesses.xlsx");
 * for await (const row of book.sheet().rows()) console.log(row.number, row.values);
 */
export async function open(source: string | URL | Blob | RandomAccess, options: OpenOptions = {}): Promise<Workbook> {
  options.signal?.throwIfAborted();
  if (!["all", "streaming", undefined].includes(options.formats))
    throw new SheetError(
      "bad_option",
      `The option formats must be "all" or "streaming", and it is ${JSON.stringify(options.formats)}.`,
    );
  const limits = resolveLimits(options.limits);
  const file = await openSource(source);
  try {
    return new Workbook(file, await openBook(file, limits, options), options.signal);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens the book of a file's format. The reader of a format is loaded here, when the first file of
 * that format is opened.
 */
async function openBook(file: Source, limits: Limits, options: OpenOptions): Promise<Book> {
  const { size } = file;
  const name = file.file ?? "the file";
  if (size === 0)
    throw new SheetError("empty_file", `${name} is empty (0 bytes); was it saved or uploaded completely?`, {
      file: file.file,
    });
  if (size > limits.fileBytes)
    throw new SheetError(
      "limit",
      `${name} has ${size} bytes, more than the limit fileBytes = ${limits.fileBytes}; raise the limit to read it.`,
      { file: file.file },
    );
  const kind = await sniff(file, options.csv);
  const { signal } = options;
  if (kind === "zip") {
    const archive = await Archive.open(file, limits);
    if (isOds(archive)) {
      const { openOds } = await import("./ods/book.ts");
      return await openOds(archive, file, limits, signal);
    }
    if (isXlsb(archive)) return await openForeign("xlsb", archive);
    const { openXlsx } = await import("./xlsx/book.ts");
    return await openXlsx(archive, file, limits, signal);
  }
  if (kind === "fods") {
    const { openFlatOds } = await import("./ods/book.ts");
    return await openFlatOds(file, limits, signal);
  }
  if (kind === "other") throw await unreadable(file);
  if (kind !== "text" && kind !== "gzip") return await openForeign(kind);
  const { openCsv } = await import("./csv/book.ts");
  return await openCsv(file, kind === "gzip", resolveLimits(options.limits, TEXT_ROWS), options);

  async function openForeign(format: LibraryFormat, archive?: Archive): Promise<Book> {
    const { notStreamed, openByLibrary } = await import("./library/book.ts");
    if (options.formats === "streaming") throw notStreamed(format, file.file);
    return await openByLibrary(format, file, archive, limits, signal);
  }
}

/**
 * Tells whether a file has a format that is streamed. It looks at the file's start and, for an
 * archive, at its list of parts. If it returns `false`, a library would read the file, whole.
 *
 * @throws {SheetError} if the file cannot be read, or its archive is damaged
 */
export async function isStreamed(source: string | URL | Blob | RandomAccess): Promise<boolean> {
  const file = await openSource(source);
  try {
    if (file.size === 0) return true;
    const kind = await sniff(file);
    if (kind === "zip") return !isXlsb(await Archive.open(file, resolveLimits()));
    return kind !== "xls" && kind !== "html" && kind !== "xml";
  } finally {
    await file.close();
  }
}

export class Workbook {
  readonly format: SpreadsheetFormat;
  /**
   * The worksheets in the order of their tabs. Chart sheets, dialogs and macro sheets have no cells
   * to read and are left out.
   */
  readonly sheets: readonly SheetInfo[];
  /** True if dates count from 1904-01-01. */
  readonly date1904: boolean;
  /** The character between the fields, given or detected. Only delimited text has one. */
  readonly delimiter: string | undefined;
  /**
   * True if delimited text is a database's dump, in which backslashes escape and `\N` is an empty
   * cell. That is stated or detected.
   */
  readonly escapes: boolean;
  readonly #source: Source;
  readonly #book: Book;
  readonly #signal: AbortSignal | undefined;
  #closed = false;

  /** @internal */
  constructor(source: Source, book: Book, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#book = book;
    this.#signal = signal;
    this.format = book.format;
    this.date1904 = book.date1904;
    this.delimiter = book.delimiter;
    this.escapes = book.escapes ?? false;
    this.sheets = book.sheets.map(({ name, state }, index) => ({ name, index, state }));
  }

  /**
   * A sheet by its name (as written, or else without regard to case), by its index, or the first
   * visible one.
   */
  sheet(nameOrIndex?: string | number): Sheet {
    const { sheets } = this;
    const { file } = this.#source;
    const found =
      nameOrIndex === undefined
        ? (sheets.find((sheet) => sheet.state === "visible") ?? sheets[0])
        : typeof nameOrIndex === "number"
          ? sheets[nameOrIndex]
          : (sheets.find((sheet) => sheet.name === nameOrIndex) ??
            sheets.find((sheet) => sheet.name.toLowerCase() === nameOrIndex.toLowerCase()));
    if (!found) {
      if (sheets.length === 0)
        throw new SheetError("no_sheets", `${file ?? "The workbook"} has no worksheet, only charts or macros.`, {
          file,
        });
      const asked = typeof nameOrIndex === "number" ? `no sheet ${nameOrIndex}` : `no sheet "${nameOrIndex ?? ""}"`;
      const there = sheets.map(({ name, index }) => `${index} "${name}"`).join(", ");
      throw new SheetError("unknown_sheet", `${file ?? "The workbook"} has ${asked}; its sheets are ${there}.`, {
        file,
      });
    }
    const whileOpen = (): Book => {
      if (this.#closed)
        throw new SheetError("closed", `${file ?? "The workbook"} was closed; open it again to read its sheets.`);
      return this.#book;
    };
    return new Sheet(
      found,
      this.#book.place(found.index),
      this.#signal,
      (range) => whileOpen().read(found.index, range),
      async (mostBytes) => whileOpen().merged?.(found.index, mostBytes, this.#signal),
      this.#book.size(found.index),
      async () => (await whileOpen().hasLinks?.(found.index, this.#signal)) ?? false,
      async () => (await whileOpen().mentionsLinks?.(found.index, this.#signal)) ?? true,
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#book.close();
    await this.#source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
