// Formats that are read by a library, SheetJS (npm: @e965/xlsx, its maintained build there): .xls, .xlsb, and tables in HTML or XML,
// which often bear the extension .xls.
//
// The library reads a file whole, in a process of its own (library-process.ts): a file that is too large, takes too much memory
// or too much time ends in an error, and this program goes on. One file is opened at a time, the others wait. Archives are
// inflated here first, so that what they inflate to is counted. The library is an optional peer: who reads other formats only
// needs none of it.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RowBatch } from "./batch.ts";
import type { Book, Range, SheetState, SpreadsheetFormat } from "./book.ts";
import { decodeText } from "./encoding.ts";
import { SheetError, type Place, type SheetErrorCode } from "./errors.ts";
import { Ended, LibraryProcess, type Bounds } from "./library-process.ts";
import {
  checkedContents,
  checkedRows,
  Unsound,
  type Answer,
  type Contents,
  type Portion,
  type Question,
  type Task,
} from "./library-protocol.ts";
import { TEXT_ROWS, type Limits } from "./limits.ts";
import { batchOf } from "./row-writer.ts";
import { readFully, readPieces, type Source } from "./source.ts";
import type { Archive } from "./zip.ts";

/** The formats, and what a person calls a file of them. */
const formats = {
  xls: "a workbook of Excel 97–2003 (.xls)",
  xlsb: "a binary workbook (.xlsb)",
  html: "an HTML page with a table",
  xml: "an XML spreadsheet of Excel 2003",
} as const;

export type LibraryFormat = keyof typeof formats & SpreadsheetFormat;

const ADVICE = `Open it in Excel or LibreOffice and save it as "Excel Workbook (.xlsx)".`;

/** Whether an archive is a workbook of Excel in its binary form. */
export const isXlsb = ({ names }: Archive): boolean =>
  names.some((name) => /(?:^|\/)workbook\.bin$/i.test(name)) &&
  !names.some((name) => /^xl\/workbook\.xml$/i.test(name));

/** The refusal of such a file where formats that are streamed are taken alone. */
export function notStreamed(format: LibraryFormat, file: string | undefined): SheetError {
  const name = file ?? "The file";
  return new SheetError(
    "unsupported_format",
    `${name} is ${formats[format]}, and only .xlsx, .xlsm, .ods, .fods, CSV and TSV are taken here. ${ADVICE}`,
    { file },
  );
}

/**
 * @param archive the file as an archive, where it is one
 * @throws SheetError if the file cannot be read, is too large for this way of reading, or the library is missing
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
      `${name} is ${formats[format]} of ${size} bytes, more than the limit libraryFileBytes = ${libraryFileBytes}: such a file is read whole in memory. ${ADVICE}`,
      { file },
    );
  if (archive) await checkArchive(archive, name, file, limits, signal);
  const library = findLibrary(format, file);
  return await inTurn(signal, async () => {
    const reader = new Reader(format, file, library, size, limits, signal);
    try {
      const pieces = format === "html" ? textPieces(source) : readPieces(source, 0, size, false);
      return new LibraryBook(format, file, await reader.open(pieces), reader);
    } catch (error) {
      await reader.close();
      throw error;
    }
  });
}

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

  place(sheet: number): Place {
    return { file: this.#file, sheet: this.sheets[sheet]!.name };
  }

  async *read(sheet: number, { signal, from, to }: Range): AsyncGenerator<RowBatch, void, undefined> {
    const last = Math.min(to, TEXT_ROWS);
    for (let row = from - 1; row < last;) {
      signal?.throwIfAborted();
      const portion = await this.#reader.rows({ sheet, row, to: last });
      if (!portion) return;
      const { next, progress, ...rows } = portion;
      row = next;
      yield batchOf(rows, progress);
    }
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }
}

/** The process of one file, and what its end means for that file. */
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
        throw new SheetError(code, message, { file: this.#file, cell });
      }
      return checked(said, rest);
    } catch (error) {
      if (error instanceof Ended) throw this.#ended(error);
      // An answer that is not sound is the damage of the file, as a crash is.
      if (error instanceof Unsound) throw this.#unreadable(error.message);
      throw error;
    }
  }

  #ended({ end, message }: Ended): SheetError {
    if (end === "crashed") return this.#unreadable(message);
    const { libraryMemoryBytes, libraryMilliseconds, libraryMillisecondsPerMiB } = this.#limits;
    const times = `libraryMilliseconds = ${libraryMilliseconds} and libraryMillisecondsPerMiB = ${libraryMillisecondsPerMiB}`;
    const why = {
      memory: `reading it takes ${message}, the limit libraryMemoryBytes = ${libraryMemoryBytes}. ${ADVICE}`,
      time: `reading it takes ${message} of processor time, the limits ${times} for its size. ${ADVICE}`,
      clock: `reading it takes ${message}, ten times what the limits ${times} give to its size. Try again when the machine is less busy. ${ADVICE}`,
      killed: `the process that reads it was ended from outside (${message}), as a system does that is short of memory. Free memory, and try again.`,
      unstarted: `the process to read it cannot be started (${message}). Mend that and try again. ${ADVICE}`,
    }[end];
    return this.#error(end === "killed" || end === "unstarted" ? "unreadable" : "limit", `and ${why}`);
  }

  /** The library's own words, of its inside mostly, are the cause and not the message. */
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

/** What the process may take for a file of this size. */
export function boundsFor(size: number, limits: Limits): Bounds {
  const milliseconds = Math.ceil(limits.libraryMilliseconds + (limits.libraryMillisecondsPerMiB * size) / 2 ** 20);
  return { memoryBytes: limits.libraryMemoryBytes, milliseconds, clockMilliseconds: 10 * milliseconds };
}

/** What the process is told of a file. */
export function taskFor(format: LibraryFormat, library: string, limits: Limits, bounds: Bounds): Task {
  return {
    library: pathToFileURL(library).href,
    isText: format === "html",
    // Of the others, whose sheets are larger, styled empty areas would cost too much memory.
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

/** The one place for a file that the library opens. */
let place: Promise<void> = Promise.resolve();

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

/** Inflates all of an archive, so that what comes out of it is counted. */
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
    for await (const piece of archive.read(archive.find(part)!, signal)) {
      length += piece.length;
      if (length > libraryInflatedBytes)
        throw new SheetError(
          "limit",
          `${name} inflates to more than the limit libraryInflatedBytes = ${libraryInflatedBytes}, and is of a kind that is read whole in memory. ${ADVICE}`,
          { file, part },
        );
    }
  }
}

/** A page as text in UTF-8: from the encoding that it names, else the one that is found out. */
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
