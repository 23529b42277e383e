// Batches built cell by cell, for readers that have values but no bytes of a file to point into.
import { CellType, PLAIN, type RowBatch } from "./batch.ts";
import { CellTexts } from "./cell-texts.ts";
import { ISO_LENGTH, neverWas, writeDate } from "./dates.ts";
import { durationText, millisecondsOf } from "./duration.ts";
import { SheetError } from "../errors.ts";
import { beyond, type Limits } from "../limits.ts";
import { cellName } from "./reference.ts";
import type { Warning } from "./store.ts";

/** The columns of a batch, in a form that one thread can transfer to another. */
export interface Rows {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly rowNumbers: Int32Array<ArrayBuffer>;
  readonly widths: Int32Array<ArrayBuffer>;
  readonly firstCell: Int32Array<ArrayBuffer>;
  readonly columns: Int32Array<ArrayBuffer>;
  readonly types: Uint8Array<ArrayBuffer>;
  readonly flags: Uint8Array<ArrayBuffer>;
  readonly starts: Int32Array<ArrayBuffer>;
  readonly ends: Int32Array<ArrayBuffer>;
  readonly warnings: readonly Warning[];
  readonly shown?: CellTexts | undefined;
  readonly links?: CellTexts | undefined;
  readonly raised?: CellTexts | undefined;
}

/** The approximate number of cells after which a batch is full. */
const BATCH_CELLS = 16_384;
const BATCH_BYTES = 512 * 1024;

/**
 * Gathers cells into a batch. The order of the calls: put() and the like for the cells of a row,
 * then endRow(), and take() when the batch is full.
 */
export class RowWriter {
  readonly #limits: Limits;
  #bytes: Buffer<ArrayBuffer> = newBuffer(64 * 1024);
  #length = 0;
  #rowNumbers: number[] = [];
  #widths: number[] = [];
  #firstCell: number[] = [0];
  #columns: number[] = [];
  #types: number[] = [];
  #flags: number[] = [];
  #starts: number[] = [];
  #ends: number[] = [];
  #warnings: Warning[] = [];
  #shown: CellTexts | undefined;
  #links: CellTexts | undefined;
  #raised: CellTexts | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** True if the batch should be taken now. */
  get full(): boolean {
    return this.#columns.length >= BATCH_CELLS || this.#length >= BATCH_BYTES;
  }

  /**
   * Adds a cell to the row. Cells must come in the order of their columns. An empty text is an
   * empty cell.
   * @throws SheetError past a limit
   */
  put(row: number, column: number, type: CellType, text: string): void {
    if (text === "") return;
    const { rows, columns, cellBytes } = this.#limits;
    const cell = cellName(column, row);
    if (row > rows)
      throw new SheetError("row_out_of_range", `There is a row ${row}, ${beyond("rows", this.#limits)}`, { cell });
    if (column > columns)
      throw new SheetError("column_out_of_range", `There is a cell ${cell}, ${beyond("columns", this.#limits)}`, {
        cell,
      });
    const start = this.#length;
    // A UTF-16 unit takes at most three bytes in UTF-8 (a pair of them takes four).
    const most = start + text.length * 3;
    if (most > this.#bytes.length) {
      const larger = newBuffer(2 * most);
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(text, start);
    if (this.#length - start > cellBytes)
      throw new SheetError(
        "limit",
        `${cell} has more than the limit cellBytes = ${cellBytes}; raise the limit to read it.`,
        { cell },
      );
    this.#columns.push(column);
    this.#types.push(type);
    this.#flags.push(isPlain(text) ? PLAIN : 0);
    this.#starts.push(start);
    this.#ends.push(this.#length);
  }

  /** Adds a serial number as the date that it shows, or as a number if it is not a date. */
  putSerial(row: number, column: number, serial: number, date1904: boolean, timeOnly: boolean): void {
    const iso = Buffer.alloc(ISO_LENGTH);
    if (!writeDate(iso, 0, serial, date1904)) return this.put(row, column, CellType.number, String(serial));
    const day = timeOnly ? undefined : neverWas(serial, date1904);
    if (day) this.warn(row, `${cellName(column, row)} shows ${day[0]}, a day that never was; it is read as ${day[1]}`);
    this.put(row, column, CellType.date, iso.toString("latin1"));
  }

  /** Adds a duration, or a number of days if its milliseconds cannot be counted. */
  putDuration(row: number, column: number, days: number): void {
    const text = durationText(millisecondsOf(days));
    if (text === undefined) this.put(row, column, CellType.number, String(days));
    else this.put(row, column, CellType.duration, text);
  }

  /** Records the text that a cell shows. */
  show(row: number, column: number, text: string): void {
    (this.#shown ??= new CellTexts()).set(row, column, text);
  }

  /** Records a cell's text with its superscripts. */
  raise(row: number, column: number, text: string): void {
    (this.#raised ??= new CellTexts()).set(row, column, text);
  }

  /** Records the address of a cell's link. */
  link(row: number, column: number, address: string): void {
    (this.#links ??= new CellTexts()).set(row, column, address);
  }

  warn(row: number, message: string): void {
    this.#warnings.push({ row, message });
  }

  /** Ends a row. Keeps it only if it has a cell or a warning. */
  endRow(row: number, width: number): void {
    if (this.#columns.length === this.#firstCell.at(-1) && this.#warnings.at(-1)?.row !== row) return;
    this.#rowNumbers.push(row);
    this.#widths.push(width);
    this.#firstCell.push(this.#columns.length);
  }

  /** The rows added since the last call; undefined if there are none. */
  take(): Rows | undefined {
    if (this.#rowNumbers.length === 0) return undefined;
    const rows = {
      bytes: new Uint8Array(this.#bytes.buffer, 0, this.#length),
      rowNumbers: Int32Array.from(this.#rowNumbers),
      widths: Int32Array.from(this.#widths),
      firstCell: Int32Array.from(this.#firstCell),
      columns: Int32Array.from(this.#columns),
      types: Uint8Array.from(this.#types),
      flags: Uint8Array.from(this.#flags),
      starts: Int32Array.from(this.#starts),
      ends: Int32Array.from(this.#ends),
      warnings: this.#warnings,
      shown: this.#shown,
      links: this.#links,
      raised: this.#raised,
    };
    this.#bytes = newBuffer(64 * 1024);
    this.#length = 0;
    this.#rowNumbers = [];
    this.#widths = [];
    this.#firstCell = [0];
    this.#columns = [];
    this.#types = [];
    this.#flags = [];
    this.#starts = [];
    this.#ends = [];
    this.#warnings = [];
    this.#shown = this.#links = this.#raised = undefined;
    return rows;
  }
}

/** Rows as a batch that owns its memory. */
export function batchOf(rows: Rows, progress: number): RowBatch {
  const { bytes } = rows;
  return {
    ...rows,
    rowCount: rows.rowNumbers.length,
    cellCount: rows.columns.length,
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    progress,
    release: () => {},
  };
}

const newBuffer = (size: number): Buffer<ArrayBuffer> => Buffer.from(new ArrayBuffer(size));

// eslint-disable-next-line no-control-regex
const isPlain = (text: string): boolean => !/[\x00-\x1f"\\\x7f]/.test(text);
