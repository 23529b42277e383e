// The formats that a library reads: .xls, .xlsb, and tables in HTML or XML, which often have the
// extension .xls. The library is SheetJS (npm: @e965/xlsx, its maintained build there).
//
//   this process                            the other process
//
//   openByLibrary: waits for its turn
//   Reader.open    ── task, the file ──▶    child.ts reads the file
//                  ◀── contents ────────    names of sheets, date system
//   Reader.rows    ── question ─────────▶   rows from a row on, as many as fit a portion
//                  ◀── portion ─────────    the columns of a batch (cells/row-writer.ts)
//
// Answers are checked (protocol.ts), because a damaged file may make the library answer anything.
//
// The library reads a file whole, in a separate process (process.ts). If a file is too large, or
// takes too much memory or time, it ends in an error, and this program continues. Only one file is
// opened at a time, and the others wait. Archives are inflated here first, so that their inflated
// size is counted. The library is an optional peer: a program that reads only other formats does
// not need it.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RowBatch } from "../cells/batch.ts";
import { CellTexts } from "../cells/cell-texts.ts";
import type { Book, Range, SheetState, SpreadsheetFormat } from "../book.ts";
import { decodeText } from "../encoding.ts";
import { SheetError, type Place, type SheetErrorCode } from "../errors.ts";
import { Ended, LibraryProcess, type Bounds } from "./process.ts";
import {
  checkedContents,
  checkedRows,
  Unsound,
  type Answer,
  type Contents,
  type Portion,
  type Question,
  type Task,
} from "./protocol.ts";
import { TEXT_ROWS, type Limits } from "../limits.ts";
import { batchOf } from "../cells/row-writer.ts";
import { readFully, readPieces, type Source } from "../source.ts";
import { PartRecords } from "./whole.ts";
import { plainXml } from "./xml-2003.ts";
import type { Archive } from "../package/zip.ts";

/** The formats, with the words for a file of each. */
const formats = {
  xls: "a workbook of Excel 97–2003 (.xls)",
  xlsb: "a binary workbook (.xlsb)",
  html: "an HTML page with a table",
  xml: "an XML spreadsheet of Excel 2003",
} as const;

export type LibraryFormat = keyof typeof formats & SpreadsheetFormat;

const ADVICE = `Open it in Excel or LibreOffice and save it as "Excel Workbook (.xlsx)".`;
const OR_RAISE = `${ADVICE} Or raise the limit, if you trust the file.`;

/** The error for such a file if the caller accepts only formats that are streamed. */
export function notStreamed(format: LibraryFormat, file: string | undefined): SheetError {
  const name = file ?? "The file";
  return new SheetError(
    "unsupported_format",
    `${name} is ${formats[format]}, and only .xlsx, .xlsm, .ods, .fods, CSV and TSV are taken here. ${ADVICE}`,
    { file },
  );
}

/**
 * Opens a file through the library.
 *
 * @param archive the file as an archive, if it is one
 * @throws SheetError if the file cannot be read, is too large for this way of reading, or the
 * library is missing
 */
export async function openByLibrary(
  format: LibraryFormat,
  source: Source,
  archive: Archive | undefined,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<Book> {
  const { file, size } = source;
  const { libraryFileBytes } = limits;
  const name = file ?? "The file";
  if (size > libraryFileBytes)
    throw new SheetError(
      "limit",
      `${name} is ${formats[format]} of ${size} bytes, more than the limit libraryFileBytes = ${libraryFileBytes}: such a file is read whole in memory. ${OR_RAISE}`,
      { file },
    );
  if (archive) await checkArchive(archive, name, file, limits, signal);
  const library = findLibrary(format, file);
  return await inTurn(signal, async () => {
    const reader = new Reader(format, file, library, size, limits, signal);
    try {
      const pieces = piecesFor(format, source);
      return new LibraryBook(format, file, await reader.open(pieces), reader);
    } catch (error) {
      await reader.close();
      throw error;
    }
  });
}

/** An open file of these formats. Its process has all of it in memory, and lives until close(). */
class LibraryBook implements Book {
  readonly format: LibraryFormat;
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  readonly date1904: boolean;
  readonly #file: string | undefined;
  readonly #reader: Reader;

  constructor(format: LibraryFormat, file: string | undefined, contents: Contents, reader: Reader) {
    this.format = format;
    this.sheets = contents.sheets;
    this.date1904 = contents.date1904;
    this.#file = file;
    this.#reader = reader;
  }

  /** Always 0: the sheet is in memory, so no bytes have to be read. */
  size(): number {
    return 0;
  }

  place(sheet: number): Place {
    return { file: this.#file, sheet: this.sheets[sheet]!.name };
  }

  async *read(
    sheet: number,
    { signal, from, to, show, links = false }: Range,
  ): AsyncGenerator<RowBatch, void, undefined> {
    const last = Math.min(to, TEXT_ROWS);
    for (let row = from - 1; row < last;) {
      signal?.throwIfAborted();
      const asked = { ...(show ? { formats: true } : {}), ...(links ? { links } : {}) };
      const portion = await this.#reader.rows({ sheet, row, to: last, ...asked });
      if (!portion) return;
      const { next, progress, formats, links: addresses, ...rows } = portion;
      row = next;
      const shown = formats.map(([row, column, value, format]) => [row, column, show?.(value, format)] as const);
      yield batchOf({ ...rows, shown: textsOf(shown), links: textsOf(addresses) }, progress);
    }
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }
}

/** The texts that are not undefined, by cell; undefined if there are none. */
function textsOf(
  texts: readonly (readonly [row: number, column: number, text: string | undefined])[],
): CellTexts | undefined {
  const cells = new CellTexts();
  for (const [row, column, text] of texts) if (text !== undefined) cells.set(row, column, text);
  return cells.size === 0 ? undefined : cells;
}

/**
 * The process for one file. It knows how the end of the process affects that file.
 *
 * Whatever happens to the process becomes a SheetError of the file.
 */
class Reader {
  readonly #format: LibraryFormat;
  readonly #file: string | undefined;
  readonly #task: Task;
  readonly #limits: Limits;
  readonly #process: LibraryProcess;
  readonly #release: () => void;

  constructor(
    format: LibraryFormat,
    file: string | undefined,
    library: string,
    size: number,
    limits: Limits,
    signal: AbortSignal | undefined,
  ) {
    this.#format = format;
    this.#file = file;
    const bounds = boundsFor(size, limits);
    this.#task = taskFor(format, library, limits, bounds);
    this.#limits = limits;
    this.#process = new LibraryProcess(library, bounds);
    const abort = (): void => this.#process.kill(signal!.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
    this.#release = () => signal?.removeEventListener("abort", abort);
  }

  async open(pieces: AsyncIterable<Uint8Array>): Promise<Contents> {
    return await this.#ask(
      () => this.#process.open(this.#task, pieces),
      (answer) => checkedContents("contents" in answer ? answer.contents : undefined, this.#task.limits),
    );
  }

  async rows(question: Question): Promise<Portion | undefined> {
    return await this.#ask(
      () => this.#process.ask(question),
      (answer, rest) => checkedRows("rows" in answer ? answer.rows : undefined, rest, question, this.#task.limits),
    );
  }

  async close(): Promise<void> {
    this.#release();
    await this.#process.close(
      new SheetError("closed", `${this.#file ?? "The workbook"} was closed while it was read.`),
    );
  }

  /** Asks the process, and checks its answer. All failures of the process become SheetErrors. */
  async #ask<T>(
    ask: () => Promise<{ answer: unknown; rest: Buffer }>,
    checked: (answer: Answer, rest: Buffer) => T,
  ): Promise<T> {
    try {
      const { answer, rest } = await ask();
      const said = Object(answer) as Answer;
      if ("failure" in said) throw this.#unreadable(said.failure);
      if ("refused" in said) {
        const { code, message, cell } = said.refused;
        if (code === "truncated") throw cutOff(this.#format, this.#file, message);
        throw new SheetError(code, message, { file: this.#file, cell });
      }
      return checked(said, rest);
    } catch (error) {
      if (error instanceof Ended) throw this.#ended(error);
      // An unsound answer means that the file is damaged, as a crash does.
      if (error instanceof Unsound) throw this.#unreadable(error.message);
      throw error;
    }
  }

  /** The error for a process that has ended before it answered: why, and what the user can do. */
  #ended({ end, message }: Ended): SheetError {
    if (end === "crashed") return this.#unreadable(message);
    const { libraryMemoryBytes, libraryMilliseconds, libraryMillisecondsPerMiB } = this.#limits;
    const times = `libraryMilliseconds = ${libraryMilliseconds} and libraryMillisecondsPerMiB = ${libraryMillisecondsPerMiB}`;
    const why = {
      memory: `reading it takes ${message}, the limit libraryMemoryBytes = ${libraryMemoryBytes}. ${OR_RAISE}`,
      time: `reading it takes ${message} of processor time, the limits ${times} for its size. ${OR_RAISE}`,
      clock: `reading it takes ${message}, ten times what the limits ${times} give to its size. Try again when the machine is less busy. ${ADVICE}`,
      killed: `the process that reads it was ended from outside (${message}), as a system does that is short of memory. Free memory, and try again.`,
      unstarted: `the process to read it cannot be started (${message}). Mend that and try again. ${ADVICE}`,
    }[end];
    return this.#error(end === "killed" || end === "unstarted" ? "unreadable" : "limit", `and ${why}`);
  }

  /**
   * The library's own words are mostly about its internals, so they are the cause and not the
   * message.
   */
  #unreadable(why: string): SheetError {
    const cause = new Error(why);
    return /password|encrypt/i.test(why)
      ? this.#error(
          "encrypted",
          "and it opens with a password only. Remove the password in Excel and save it again.",
          cause,
        )
      : this.#error(
          codeOf(this.#format),
          `and it is damaged, or uses something that cannot be read here. ${ADVICE}`,
          cause,
        );
  }

  #error(code: SheetErrorCode, rest: string, cause?: Error): SheetError {
    return failure(this.#format, this.#file, code, rest, cause);
  }
}

function failure(
  format: LibraryFormat,
  file: string | undefined,
  code: SheetErrorCode,
  rest: string,
  cause?: Error,
): SheetError {
  const message = `${file ?? "The file"} is ${formats[format]}, ${rest}`;
  return new SheetError(code, message, { file }, cause === undefined ? undefined : { cause });
}

const codeOf = (format: LibraryFormat): SheetErrorCode => (format === "xls" ? "legacy_xls" : "unsupported_format");

/** The bounds of the process for a file of this size. */
export function boundsFor(size: number, limits: Limits): Bounds {
  const milliseconds = Math.ceil(limits.libraryMilliseconds + (limits.libraryMillisecondsPerMiB * size) / 2 ** 20);
  return { memoryBytes: limits.libraryMemoryBytes, milliseconds, clockMilliseconds: 10 * milliseconds };
}

/** The description of a file for the process. */
export function taskFor(format: LibraryFormat, library: string, limits: Limits, bounds: Bounds): Task {
  return {
    library: pathToFileURL(library).href,
    isText: format === "html",
    // In the other formats sheets are larger, and styled empty areas would cost too much memory.
    empty: format === "xls",
    limits,
    milliseconds: bounds.clockMilliseconds,
  };
}

/** The file of the library's module. @throws SheetError if it is not installed */
export function findLibrary(format: LibraryFormat, file: string | undefined): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("@e965/xlsx")), "xlsx.mjs");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND")
      throw failure(
        format,
        file,
        "unreadable",
        `and the package @e965/xlsx to read it cannot be loaded (${(error as Error).message}). Mend that and try again. ${ADVICE}`,
        error as Error,
      );
    throw failure(
      format,
      file,
      codeOf(format),
      `which needs the package @e965/xlsx. Install it (npm install @e965/xlsx), or open the file in Excel and save it as "Excel Workbook (.xlsx)".`,
    );
  }
}

/** A queue with one place, for the file that the library is opening. */
let place: Promise<void> = Promise.resolve();

/** Runs `work` when all earlier calls have ended. Rejects at once if the signal is aborted. */
async function inTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const before = place;
  let done = (): void => {};
  const mine = new Promise<void>((resolve) => (done = resolve));
  place = before.then(() => mine);
  let stop = (): void => {};
  try {
    await Promise.race([
      before,
      new Promise<never>((_, reject) => {
        stop = () => reject(signal!.reason as Error);
        signal?.addEventListener("abort", stop);
      }),
    ]);
    signal?.throwIfAborted();
    return await work();
  } finally {
    signal?.removeEventListener("abort", stop);
    done();
  }
}

/**
 * Inflates all of an archive, so that its output is counted, and looks for the end of its parts.
 *
 * @throws SheetError (`limit`, `unsupported_format`) if it is too much, or a part is cut off
 */
export async function checkArchive(
  archive: Archive,
  name: string,
  file: string | undefined,
  { libraryInflatedBytes }: Limits,
  signal: AbortSignal | undefined,
): Promise<void> {
  let length = 0;
  for (const part of archive.names) {
    if (part.endsWith("/")) continue;
    const records = part.endsWith(".bin") ? new PartRecords(part) : undefined;
    for await (const piece of archive.read(archive.find(part)!, signal)) {
      length += piece.length;
      records?.add(piece);
      if (length > libraryInflatedBytes)
        throw new SheetError(
          "limit",
          `${name} inflates to more than the limit libraryInflatedBytes = ${libraryInflatedBytes}, and is of a kind that is read whole in memory. ${OR_RAISE}`,
          { file, part },
        );
    }
    if (records?.cutOff) throw cutOff("xlsb", file, `its part ${part} ends before its last record`);
  }
}

/** The error for a file of which the end is missing. */
function cutOff(format: LibraryFormat, file: string | undefined, where: string): SheetError {
  const rest = `and it is cut off: ${where}. Get a whole copy of it, or open it in Excel and see what is missing.`;
  return failure(format, file, codeOf(format), rest);
}

/** The bytes for the process: the file's, or the part of a text that the library can read. */
function piecesFor(format: LibraryFormat, source: Source): AsyncIterable<Uint8Array> {
  if (format === "html") return textPieces(source);
  if (format === "xml") return plainXml(readPieces(source, 0, source.size, true), { file: source.file });
  return readPieces(source, 0, source.size, false);
}

/**
 * A page as text in UTF-8, decoded from the encoding that it names, or else from the detected one.
 */
async function* textPieces(source: Source): AsyncGenerator<Uint8Array, void, undefined> {
  const head = (await readFully(source, 0, 4096)).toString("latin1");
  const label = /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1];
  const utf16 = /^(?:\xff\xfe|\xfe\xff)/.test(head);
  const { pieces } = decodeText(readPieces(source, 0, source.size, true), utf16 || !known(label) ? undefined : label, {
    file: source.file,
  });
  yield* pieces;
}

function known(label: string | undefined): label is string {
  try {
    return label !== undefined && new TextDecoder(label).encoding !== "";
  } catch {
    return false;
  }
}
