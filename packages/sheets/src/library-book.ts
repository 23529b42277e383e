// Formats that are read by a library, SheetJS (npm: @e965/xlsx, its maintained build there): .xls, .xlsb, and tables in HTML or XML,
// which often bear the extension .xls.
//
// The library reads a file whole, in a thread of its own (library-worker.ts): a file that is too large, takes too much memory or too
// much time ends in an error, and this thread goes on. Archives are inflated here first, so that what they inflate to is
// counted. The library is an optional peer: who reads other formats only needs none of it.
import { Worker } from "node:worker_threads";
import type { RowBatch } from "./batch.ts";
import type { Book, Range, SheetState, SpreadsheetFormat } from "./book.ts";
import { decodeText } from "./encoding.ts";
import { SheetError, type Place, type SheetErrorCode } from "./errors.ts";
import type { Answer, Contents, Request, Task } from "./library-worker.ts";
import type { Limits } from "./limits.ts";
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

/** How large a file, what it inflates to, the thread's memory and its time may be. */
export interface Bounds {
  readonly fileBytes: number;
  readonly inflatedBytes: number;
  readonly memoryMb: number;
  readonly milliseconds: number;
}

export const defaultBounds: Bounds = {
  fileBytes: 64 * 2 ** 20,
  inflatedBytes: 512 * 2 ** 20,
  memoryMb: 1024,
  milliseconds: 60_000,
};

const ADVICE = `Open it in Excel or LibreOffice and save it as "Excel Workbook (.xlsx)".`;

/** Whether an archive is a workbook of Excel in its binary form. */
export const isXlsb = ({ names }: Archive): boolean =>
  names.some((name) => /(?:^|\/)workbook\.bin$/i.test(name)) &&
  !names.some((name) => /^xl\/workbook\.xml$/i.test(name));

/**
 * @param archive the file as an archive, where it is one
 * @throws SheetError where the file cannot be read, is too large for this way of reading, or the library is missing
 */
export async function openByLibrary(
  format: LibraryFormat,
  source: Source,
  archive: Archive | undefined,
  limits: Limits,
  signal: AbortSignal | undefined,
  bounds: Bounds = defaultBounds,
): Promise<Book> {
  const { file, size } = source;
  const name = file ?? "The file";
  if (size > bounds.fileBytes)
    throw new SheetError(
      "limit",
      `${name} is ${formats[format]} of ${size} bytes. Such a file is read whole in memory, so it may have ${bounds.fileBytes}. ${ADVICE}`,
      { file },
    );
  if (archive) await checkArchive(archive, name, file, bounds, signal);
  const data = format === "html" ? await readText(source) : await readFully(source, 0, size);
  // Of the others, whose sheets are larger, styled empty areas would cost too much memory.
  const empty = format === "xls";
  const thread = new Thread(format, file, { data, empty, limits }, bounds, signal);
  try {
    const answer = await thread.ask({ open: true });
    if (!("contents" in answer)) throw new Error("the library's thread gave another answer than was asked for");
    return new LibraryBook(format, file, answer.contents, thread);
  } catch (error) {
    await thread.close();
    throw error;
  }
}

class LibraryBook implements Book {
  readonly format: LibraryFormat;
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  readonly date1904: boolean;
  readonly #file: string | undefined;
  readonly #thread: Thread;

  constructor(format: LibraryFormat, file: string | undefined, contents: Contents, thread: Thread) {
    this.format = format;
    this.sheets = contents.sheets;
    this.date1904 = contents.date1904;
    this.#file = file;
    this.#thread = thread;
  }

  place(sheet: number): Place {
    return { file: this.#file, sheet: this.sheets[sheet]!.name };
  }

  async *read(sheet: number, { signal, from, to }: Range): AsyncGenerator<RowBatch, void, undefined> {
    for (let row = from - 1; row < to;) {
      signal?.throwIfAborted();
      const answer = await this.#thread.ask({ sheet, row, to });
      if (!("rows" in answer) || !answer.rows) return;
      const { next, progress, ...rows } = answer.rows;
      row = next;
      yield batchOf(rows, progress);
    }
  }

  async close(): Promise<void> {
    await this.#thread.close();
  }
}

/** A request without its number. */
type Question = { readonly open: true } | { readonly sheet: number; readonly row: number; readonly to: number };

/** The thread: it answers questions, keeps no program alive while there is none, and is gone after the first one that it cannot answer. */
class Thread {
  readonly #format: LibraryFormat;
  readonly #file: string | undefined;
  readonly #bounds: Bounds;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: unknown) => void }>();
  readonly #release: () => void;
  #lastId = 0;
  #gone: unknown;

  constructor(
    format: LibraryFormat,
    file: string | undefined,
    task: Task,
    bounds: Bounds,
    signal: AbortSignal | undefined,
  ) {
    this.#format = format;
    this.#file = file;
    this.#bounds = bounds;
    const module = import.meta.url.endsWith(".ts") ? "./library-worker.ts" : "./library-worker.js";
    this.#worker = new Worker(new URL(module, import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: bounds.memoryMb },
      // Not the flags of this program, such as --eval, which a thread refuses.
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on("message", (answer: Answer) => {
      this.#waiting.get(answer.id)?.resolve(answer);
    });
    this.#worker.on("error", (error: NodeJS.ErrnoException) => {
      const tooMuch = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      this.#end(tooMuch ? this.#bound(`more than ${bounds.memoryMb} MiB of memory`) : this.#unreadable(error.message));
    });
    this.#worker.on("exit", () => this.#end(this.#unreadable("its thread has ended")));
    const abort = (): void => this.#end(signal!.reason);
    signal?.addEventListener("abort", abort);
    this.#release = () => signal?.removeEventListener("abort", abort);
  }

  async ask(question: Question): Promise<Answer> {
    if (this.#gone !== undefined) throw this.#gone;
    const id = ++this.#lastId;
    const seconds = this.#bounds.milliseconds / 1000;
    const late = setTimeout(() => this.#end(this.#bound(`more than ${seconds} s`)), this.#bounds.milliseconds);
    this.#worker.ref();
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        this.#worker.postMessage({ id, ...question } satisfies Request);
      });
      if ("missing" in answer)
        throw this.#error(
          this.#code(),
          `which needs the package @e965/xlsx. Install it (npm install @e965/xlsx), or open the file in Excel and save it as "Excel Workbook (.xlsx)".`,
        );
      if ("failure" in answer) throw this.#unreadable(answer.failure);
      if ("refused" in answer) {
        const { code, message, cell } = answer.refused;
        throw new SheetError(code, message, { file: this.#file, cell });
      }
      return answer;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#worker.unref();
    }
  }

  async close(): Promise<void> {
    this.#end(new SheetError("closed", `${this.#file ?? "The workbook"} was closed while it was read.`));
    await this.#worker.terminate();
  }

  #end(reason: unknown): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#release();
    void this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(reason);
  }

  #unreadable(why: string): SheetError {
    return /password|encrypt/i.test(why)
      ? this.#error("encrypted", "and it opens with a password only. Remove the password in Excel and save it again.")
      : this.#error(this.#code(), `and it cannot be read: ${why.replace(/\.$/, "")}. ${ADVICE}`);
  }

  #bound(what: string): SheetError {
    return this.#error("limit", `and reading it takes ${what}. ${ADVICE}`);
  }

  #code(): SheetErrorCode {
    return this.#format === "xls" ? "legacy_xls" : "unsupported_format";
  }

  #error(code: SheetErrorCode, rest: string): SheetError {
    return new SheetError(code, `${this.#file ?? "The file"} is ${formats[this.#format]}, ${rest}`, {
      file: this.#file,
    });
  }
}

/** Inflates all of an archive, so that what comes out of it is counted. */
async function checkArchive(
  archive: Archive,
  name: string,
  file: string | undefined,
  { inflatedBytes }: Bounds,
  signal: AbortSignal | undefined,
): Promise<void> {
  let length = 0;
  for (const part of archive.names) {
    if (part.endsWith("/")) continue;
    for await (const piece of archive.read(archive.find(part)!, signal)) {
      length += piece.length;
      if (length > inflatedBytes)
        throw new SheetError(
          "limit",
          `${name} inflates to more than ${inflatedBytes} bytes, and is of a kind that is read whole in memory. ${ADVICE}`,
          { file, part },
        );
    }
  }
}

/** A page as text: in the encoding that it names, else the one that is found out. */
async function readText(source: Source): Promise<string> {
  const head = (await readFully(source, 0, 4096)).toString("latin1");
  const label = /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1];
  const utf16 = /^(?:\xff\xfe|\xfe\xff)/.test(head);
  const { pieces } = decodeText(readPieces(source, 0, source.size, true), utf16 || !known(label) ? undefined : label, {
    file: source.file,
  });
  const text: Buffer[] = [];
  for await (const piece of pieces) text.push(Buffer.from(piece));
  return Buffer.concat(text).toString();
}

function known(label: string | undefined): label is string {
  try {
    return label !== undefined && new TextDecoder(label).encoding !== "";
  } catch {
    return false;
  }
}
