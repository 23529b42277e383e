// `--rejects FILE`: every rejected row with what is wrong with it and with its own cells, in a form
// that can be imported again when the cells have been repaired (as-source.ts).
//
// One table has one header: rejects of sheets with the same header are together, others in a
// separate file (CSV) or sheet (XLSX).
import { constants, createReadStream } from "node:fs";
import { access, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { SluiceError } from "../errors.ts";
import { CsvRejects } from "./csv.ts";
import { XlsxRejects } from "./xlsx.ts";
import type { Reject } from "../reject.ts";
import type { Header } from "../options.ts";

/** The header of a sheet by column, from A on; null if a column has none. */
type Titles = readonly (string | null)[];

/**
 * Writes rejects as they come, so that they never pile up in memory. The file is made when `write`
 * is first called, so that an import that cannot start leaves an earlier report alone. A file that
 * exists is replaced at the end. With `keptSince` it stays if it was changed after that, and its
 * content is not that of the new one or the beginning of it: its cells may have been repaired.
 */
export class RejectFile implements AsyncDisposable {
  readonly path: string;
  readonly #guard: boolean;
  readonly #csv = new Map<string, CsvRejects>();
  readonly #paths: string[] = [];
  /** The files that are imported. */
  #sources: readonly string[] = [];
  #xlsx: XlsxRejects | undefined;
  #titles: string | undefined;
  /** The header to write if there is nothing to report. */
  #first: Titles | undefined;
  #failed = false;
  #closed = false;
  /** The files that were found, and that are replaced at the end. */
  readonly #found: string[] = [];
  #isKept = false;
  /** If this is set, a file that was changed after it, and has other content, stays. */
  keptSince: Date | undefined;

  /** @param path ends in .csv or .xlsx @param guard whether CSV is made safe against formulas */
  constructor(path: string, guard: boolean = true) {
    this.path = path;
    this.#guard = guard;
  }

  /** True if a file that was found has stayed as it is: known at the end, also after a failure. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** The files that have been made. */
  get paths(): readonly string[] {
    return this.#paths;
  }

  /**
   * Finds out before the import whether the file can be made.
   *
   * @param sources the files that are imported, which it must not be
   * @throws SluiceError (`reject_file`) if it cannot
   */
  async check(sources: readonly string[] = []): Promise<void> {
    const what = ". Give --rejects a file in a folder that can be written.";
    await this.#trying(() => access(dirname(this.path), constants.W_OK), what);
    this.#sources = sources;
    await this.#spare(this.path);
    const found = await stat(this.path).catch(() => undefined);
    // A pipe without a reader would hold the program up for ever.
    if (found?.isFIFO() || found?.isSocket() || found?.isDirectory())
      throw new SluiceError(
        "reject_file",
        `the reject file ${this.path} is not an ordinary file. Give --rejects a file in a folder that can be written.`,
      );
  }

  /** @throws SluiceError (`reject_file`) if a path is that of a file that is imported */
  async #spare(path: string): Promise<void> {
    for (const source of this.#sources)
      if (await isSame(source, path))
        throw new SluiceError("reject_file", `--rejects ${path} is a file that is imported. Name another one.`);
  }

  /**
   * Writes rejects of a sheet with these headers. Resolves when they are written.
   * @throws SluiceError (`reject_file`) if the file cannot be written
   */
  async write(headers: readonly Header[], rejects: readonly Reject[]): Promise<void> {
    const titles = titlesOf(headers);
    this.#first ??= titles;
    const formats = formatsOf(headers);
    if (rejects.length > 0) await this.#trying(() => this.#write(titles, rejects, formats));
  }

  /**
   * Writes what is left and closes the file; a second time does nothing.
   * @throws SluiceError (`reject_file`) if the file cannot be written
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#failed) {
      for (const part of this.#csv.values()) await part.end().catch(() => undefined);
      await this.#xlsx?.close();
      this.#isKept = this.#found.length > 0;
      for (const found of this.#found) await rm(beside(found), { force: true });
      return;
    }
    await this.#trying(async () => {
      // An import without rejects leaves the header, not an earlier report.
      if (this.#first && this.#paths.length === 0) await this.#write(this.#first, []);
      for (const part of this.#csv.values()) await part.end();
      await this.#xlsx?.end();
      for (const found of this.#found) await this.#putInPlace(found);
    });
  }

  async #putInPlace(found: string): Promise<void> {
    const keeps =
      this.keptSince !== undefined &&
      (await stat(found)).mtime > this.keptSince &&
      !(await isBeginning(found, beside(found)));
    this.#isKept ||= keeps;
    if (keeps) await rm(beside(found));
    else await rename(beside(found), found);
  }

  async #write(titles: Titles, rejects: readonly Reject[], formats: Formats = []): Promise<void> {
    const wide = rejects.map((reject) => asWide(reject, titles.length));
    if (/\.xlsx$/i.test(this.path)) await (await this.#sheet(titles)).write(wide);
    else await (await this.#table(titles)).write(wide, formats);
  }

  /** The path at which a file is written: beside the one that it replaces, if there is one. */
  async #written(path: string): Promise<string> {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) return path;
    const real = await realpath(path);
    this.#found.push(real);
    return beside(real);
  }

  async #sheet(titles: Titles): Promise<XlsxRejects> {
    if (!this.#xlsx) {
      this.#xlsx = await XlsxRejects.create(await this.#written(this.path));
      this.#paths.push(this.path);
    }
    const key = JSON.stringify(titles);
    if (key !== this.#titles) await this.#xlsx.begin(titles);
    this.#titles = key;
    return this.#xlsx;
  }

  async #table(titles: Titles): Promise<CsvRejects> {
    const key = JSON.stringify(titles);
    let part = this.#csv.get(key);
    if (!part) {
      const path = this.#csv.size === 0 ? this.path : this.path.replace(/(?=\.[^.]*$)/, `-${this.#csv.size + 1}`);
      await this.#spare(path);
      part = await CsvRejects.create(await this.#written(path), titles, this.#guard);
      this.#csv.set(key, part);
      this.#paths.push(path);
    }
    return part;
  }

  async #trying(act: () => Promise<void>, what = ""): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#failed = true;
      if (error instanceof SluiceError) throw error;
      throw new SluiceError(
        "reject_file",
        `cannot write the reject file ${this.path}: ${(error as Error).message}${what}`,
        {
          cause: error,
        },
      );
    }
  }
}

/** A row is as wide as its header, except one that is rejected because it is not. */
function asWide(reject: Reject, width: number): Reject {
  const { cells, code } = reject;
  if (cells.length >= width || code === "too_few_columns") return reject;
  return { ...reject, cells: [...cells, ...Array.from({ length: width - cells.length }, () => null)] };
}

/** The notations in which texts write numbers, by column from A on. */
type Formats = readonly (string | undefined)[];

function formatsOf(headers: readonly Header[]): Formats {
  const formats: (string | undefined)[] = [];
  for (const { sheetColumn, numberFormat } of headers) formats[sheetColumn - 1] = numberFormat;
  return formats;
}

function titlesOf(headers: readonly Header[]): Titles {
  const titles: (string | null)[] = Array.from(
    { length: Math.max(...headers.map((one) => one.sheetColumn)) },
    () => null,
  );
  for (const { sheetColumn, text } of headers) titles[sheetColumn - 1] = text;
  return titles;
}

/** The file that is written beside one that exists. */
function beside(path: string): string {
  return `${path}.${process.pid}.new`;
}

/** Reports whether the content of a file is that of another one, or the beginning of it. */
async function isBeginning(path: string, of: string): Promise<boolean> {
  const { size } = await stat(path);
  if (size > (await stat(of)).size) return false;
  if (size === 0) return true;
  const other = createReadStream(of, { end: size - 1 })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest = Buffer.alloc(0);
  try {
    for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
      while (rest.length < piece.length) rest = Buffer.concat([rest, (await other.next()).value as Buffer]);
      if (!piece.equals(rest.subarray(0, piece.length))) return false;
      rest = rest.subarray(piece.length);
    }
    return true;
  } finally {
    await other.return?.();
  }
}

/** Reports whether two paths lead to one file: by a symbolic link, or as two names of it. */
async function isSame(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}
