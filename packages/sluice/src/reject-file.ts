// `--rejects FILE`: every rejected row with what is wrong with it and with its own cells, in a form that can be imported again when
// the cells have been repaired (reject-source.ts).
//
// One table has one header: rejects of sheets with the same header stand together, others in a file (CSV) or a sheet (XLSX) of their
// own.
import { constants } from "node:fs";
import { access, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { SluiceError } from "./errors.ts";
import { CsvRejects } from "./reject-csv.ts";
import { XlsxRejects } from "./reject-xlsx.ts";
import type { Header } from "./mapping.ts";
import type { Reject } from "./reject.ts";

/** The header of a sheet by column, from A on; null where a column has none. */
type Titles = readonly (string | null)[];

/**
 * Writes rejects as they come, so that they never pile up in memory. The file is made when `write` is first called, so that an import
 * that cannot start leaves an earlier report alone.
 */
export class RejectFile implements AsyncDisposable {
  readonly path: string;
  readonly #guard: boolean;
  readonly #csv = new Map<string, CsvRejects>();
  readonly #paths: string[] = [];
  #xlsx: XlsxRejects | undefined;
  #titles: string | undefined;
  /** What to write where there is nothing to report. */
  #first: Titles | undefined;
  #failed = false;
  #closed = false;

  /** @param path ends in .csv or .xlsx @param guard whether CSV is made safe against formulas */
  constructor(path: string, guard: boolean = true) {
    this.path = path;
    this.#guard = guard;
  }

  /** The files that have been made. */
  get paths(): readonly string[] {
    return this.#paths;
  }

  /**
   * Finds out before the import whether the file can be made.
   *
   * @param sources the files that are imported, which it must not be
   * @throws SluiceError (`reject_file`) where it cannot
   */
  async check(sources: readonly string[] = []): Promise<void> {
    const what = ". Give --rejects a file in a folder that can be written.";
    await this.#trying(() => access(dirname(this.path), constants.W_OK), what);
    for (const source of sources)
      if (await isSame(source, this.path))
        throw new SluiceError("reject_file", `--rejects ${this.path} is a file that is imported. Name another one.`);
  }

  /** Writes rejects of a sheet with these headers. Resolves when they are written. @throws SluiceError (`reject_file`) where the file cannot be written */
  async write(headers: readonly Header[], rejects: readonly Reject[]): Promise<void> {
    const titles = titlesOf(headers);
    this.#first ??= titles;
    if (rejects.length > 0) await this.#trying(() => this.#write(titles, rejects));
  }

  /** Writes what is left and closes the file; a second time does nothing. @throws SluiceError (`reject_file`) where the file cannot be written */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#failed) {
      for (const part of this.#csv.values()) await part.end().catch(() => undefined);
      await this.#xlsx?.close();
      return;
    }
    await this.#trying(async () => {
      // An import without rejects leaves the header, not an earlier report.
      if (this.#first && this.#paths.length === 0) await this.#write(this.#first, []);
      for (const part of this.#csv.values()) await part.end();
      await this.#xlsx?.end();
    });
  }

  async #write(titles: Titles, rejects: readonly Reject[]): Promise<void> {
    const part = /\.xlsx$/i.test(this.path) ? await this.#sheet(titles) : await this.#table(titles);
    await part.write(rejects.map((reject) => asWide(reject, titles.length)));
  }

  async #sheet(titles: Titles): Promise<XlsxRejects> {
    if (!this.#xlsx) {
      this.#xlsx = await XlsxRejects.create(this.path);
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
      part = await CsvRejects.create(path, titles, this.#guard);
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

/** A row is as wide as its header, but for one that is rejected because it is not. */
function asWide(reject: Reject, width: number): Reject {
  const { cells, code } = reject;
  if (cells.length >= width || code === "too_few_columns") return reject;
  return { ...reject, cells: [...cells, ...Array.from({ length: width - cells.length }, () => null)] };
}

function titlesOf(headers: readonly Header[]): Titles {
  const titles: (string | null)[] = Array.from(
    { length: Math.max(...headers.map((one) => one.sheetColumn)) },
    () => null,
  );
  for (const { sheetColumn, text } of headers) titles[sheetColumn - 1] = text;
  return titles;
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => realpath(path).catch(() => undefined)));
  return one !== undefined && one === other;
}
