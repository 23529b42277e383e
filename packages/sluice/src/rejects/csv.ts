// The reject file as CSV (RFC 4180, UTF-8): seven columns that say what is wrong, then the row as
// it stood in the sheet.
//
// What a spreadsheet program would run as a formula gets an apostrophe in front (formulas.ts),
// which is taken off when the file is imported again. A field that holds a separator of any program
// is in quotes.
import { open, type FileHandle } from "node:fs/promises";
import { markedText } from "./date-cells.ts";
import { guarded } from "./formulas.ts";
import { inNotation } from "../schema/number-format.ts";
import { plainDecimal } from "../values/values.ts";
import { REJECT_COLUMNS, type Reject, type RejectCell } from "../reject.ts";
import { ByteBuilder } from "../xlsx/text.ts";

/** A table of rejects with one header. */
export class CsvRejects {
  readonly #file: FileHandle;
  readonly #guard: boolean;
  readonly #bytes = new ByteBuilder();

  private constructor(file: FileHandle, guard: boolean) {
    this.#file = file;
    this.#guard = guard;
  }

  /** Makes the file, or empties it, and writes the header. @param guard against formulas */
  static async create(path: string, titles: readonly (string | null)[], guard: boolean): Promise<CsvRejects> {
    const rejects = new CsvRejects(await open(path, "w"), guard);
    try {
      rejects.#line([...REJECT_COLUMNS, ...titles]);
      await rejects.#flush();
      return rejects;
    } catch (error) {
      await rejects.end();
      throw error;
    }
  }

  /** @param formats by column of the row, from 0: how its texts write numbers */
  async write(rejects: readonly Reject[], formats: readonly (string | undefined)[] = []): Promise<void> {
    const all = [...REJECT_COLUMNS.map(() => undefined), ...formats];
    for (const { cells, ...reject } of rejects) {
      this.#line([...REJECT_COLUMNS.map((name) => said(reject[name])), ...cells], all);
      if (this.#bytes.isFull) await this.#flush();
    }
    await this.#flush();
  }

  async end(): Promise<void> {
    await this.#file.close();
  }

  /** Cell by cell: a row's text may be long. */
  #line(cells: readonly RejectCell[], formats: readonly (string | undefined)[] = []): void {
    for (const [i, cell] of cells.entries()) {
      if (i > 0) this.#bytes.add(",");
      this.#bytes.add(this.#field(cell, i < REJECT_COLUMNS.length, formats[i]));
    }
    this.#bytes.add("\r\n");
  }

  async #flush(): Promise<void> {
    await this.#file.appendFile(this.#bytes.take());
  }

  /** @param isSaid it says what is wrong, and is not a cell of the row */
  #field(cell: RejectCell, isSaid: boolean, format: string | undefined): string {
    if (cell === null) return "";
    const text = this.#text(cell, isSaid, format);
    return /[",;|\t\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  #text(cell: NonNullable<RejectCell>, isSaid: boolean, format: string | undefined): string {
    if (typeof cell === "string") return guarded(isSaid ? cell : markedText(cell, this.#guard), this.#guard);
    // A number cannot be a formula, whatever its sign. It is written as its column's texts are.
    if (cell[0] === "n") return format === undefined ? cell[1] : inNotation(plainDecimal(cell[1]), format);
    return guarded(cell[1], this.#guard);
  }
}

function said(value: string | number | undefined): RejectCell {
  return value === undefined ? null : typeof value === "number" ? ["n", String(value)] : value;
}
