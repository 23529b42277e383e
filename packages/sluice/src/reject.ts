// A row that did not go in, and why; and the file that lists them.
import { constants, createWriteStream, type WriteStream } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import { SluiceError } from "./errors.ts";

/** One rejected row. A row is listed once, with the first thing that is wrong with it, in column order. */
export interface Reject {
  /** The workbook's name, as it was given. */
  readonly file: string;
  readonly sheet: string;
  /** As Excel shows it, from 1. */
  readonly row: number;
  /** The column's header in the sheet, where one column is at fault. */
  readonly column: string | undefined;
  /** The text of the cell at fault; undefined where it is empty or no single cell is at fault. */
  readonly value: string | undefined;
  /** Stable: `too_few_columns`, `missing_value`, …, or `db_` and the SQLSTATE where the database refused the row. */
  readonly code: string;
  readonly reason: string;
}

/** The columns of a reject file, in order. */
const COLUMNS = ["file", "sheet", "row", "column", "value", "code", "reason"] as const;

/**
 * Writes rejects to a CSV file (RFC 4180, UTF-8) as they come, so that they never pile up in memory. The file is made when
 * `write` is first called, so that an import that cannot start leaves an earlier report alone.
 *
 * A value that a spreadsheet would run as a formula (`=`, `+`, `-`, `@`, tab or return in front) gets an apostrophe in front.
 */
export class RejectFile implements AsyncDisposable {
  readonly path: string;
  #stream: WriteStream | undefined;
  #failure: Error | undefined;
  /** Said once is enough. */
  #told = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Finds out before the import whether the file can be made. @throws SluiceError (`reject_file`) where it cannot */
  async check(): Promise<void> {
    try {
      await access(dirname(this.path), constants.W_OK);
    } catch (error) {
      this.#failure = unwritable(this.path, error as Error);
      this.#verify();
    }
  }

  /** Resolves when they are written. @throws SluiceError (`reject_file`) where the file cannot be written */
  async write(rejects: readonly Reject[]): Promise<void> {
    const stream = this.#open();
    const text = rejects.map((reject) => COLUMNS.map((name) => csvField(reject[name])).join(",") + "\r\n").join("");
    await new Promise<void>((resolve) => {
      stream.write(text, (error) => {
        if (error) this.#failure ??= unwritable(this.path, error);
        resolve();
      });
    });
    this.#verify();
  }

  /** Writes what is left and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    const stream = this.#stream;
    if (this.#told || !stream) return;
    stream.end();
    await finished(stream).catch(() => undefined);
    this.#verify();
  }

  #verify(): void {
    if (!this.#failure) return;
    this.#told = true;
    throw this.#failure;
  }

  #open(): WriteStream {
    if (this.#stream) return this.#stream;
    const stream = createWriteStream(this.path, { encoding: "utf8" });
    stream.on("error", (error) => (this.#failure ??= unwritable(this.path, error)));
    stream.write(COLUMNS.join(",") + "\r\n");
    this.#stream = stream;
    return stream;
  }
}

function unwritable(path: string, cause: Error): SluiceError {
  return new SluiceError(
    "reject_file",
    `cannot write the reject file ${path}: ${cause.message}. Give --rejects a file in a folder that can be written.`,
    { cause },
  );
}

function csvField(value: string | number | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
