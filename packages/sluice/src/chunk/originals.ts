// Cells whose text a chunk's lines do not hold: those of columns that are left out, those that a
// check turned into something else, and those of rows that are rejected.
//
// A row that the database refuses is reported with its cells as the sheet holds them. Most of them
// are in the chunk's lines already; the others are copied here, so rows without such cells cost
// nothing. (Keeping the sheet's batches as long as the chunks instead took three times the memory
// and half as much processor time again.)
import { discard } from "./buffers.ts";

/** Row, column, type and length, 4 bytes each, before a cell's text. */
const HEAD = 16;
const FIRST_CAPACITY = 4096;
/** Longer texts are copied by one native call. */
const LOOP_LIMIT = 32;

/** A cell as it stood in the sheet. */
export interface KeptCell {
  /** The column of the sheet, from 1. */
  readonly column: number;
  /** A value of CellType. */
  readonly type: number;
  /** Its text as UTF-8, a view. */
  readonly bytes: Buffer;
  text(): string;
}

/** The cells of one chunk. */
export class Originals {
  #buffer: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #length = 0;
  /** The row of the last cell, and where its first one begins. */
  #row = -1;
  #rowBegin = 0;

  /** The place of the next cell. */
  get end(): number {
    return this.#length;
  }

  /** Takes back the cells of a row that turned out to be bad. */
  forget(row: number): void {
    if (row !== this.#row) return;
    this.#length = this.#rowBegin;
    this.#row = -1;
  }

  /**
   * @param row within the chunk, from 0
   * @param column of the sheet, from 1
   * @param type a value of CellType
   */
  add(row: number, column: number, type: number, bytes: Buffer, start: number, end: number): void {
    if (row !== this.#row) {
      this.#row = row;
      this.#rowBegin = this.#length;
    }
    const at = this.#length;
    const next = at + HEAD + (end - start);
    if (next > this.#buffer.length) this.#enlarge(next);
    const view = this.#view;
    view.setInt32(at, row, true);
    view.setInt32(at + 4, column, true);
    view.setInt32(at + 8, type, true);
    view.setInt32(at + 12, end - start, true);
    if (end - start > LOOP_LIMIT) bytes.copy(this.#buffer, at + HEAD, start, end);
    else for (let i = start, to = at + HEAD; i < end; i++, to++) this.#buffer[to] = bytes[i]!;
    this.#length = next;
  }

  #enlarge(size: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, 2 * size));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.release();
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer, larger.byteOffset, larger.length);
  }

  /** The cells of any row. */
  byRow(): (row: number) => KeptCell[] {
    // The place of a row's first cell; all cells of a row are together.
    const begins = new Map<number, number>();
    for (let at = 0; at < this.#length; at = this.#endAt(at)) {
      const row = this.#buffer.readInt32LE(at);
      if (!begins.has(row)) begins.set(row, at);
    }
    return (row) => this.at(begins.get(row) ?? this.#length, row);
  }

  /** The cells of a row whose first one is at `begin`. */
  at(begin: number, row: number): KeptCell[] {
    const cells: KeptCell[] = [];
    for (let at = begin; at < this.#length && this.#buffer.readInt32LE(at) === row; at = this.#endAt(at)) {
      const bytes = this.#buffer.subarray(at + HEAD, this.#endAt(at));
      const [column, type] = [this.#buffer.readInt32LE(at + 4), this.#buffer.readInt32LE(at + 8)];
      cells.push({ column, type, bytes, text: () => bytes.toString("utf8") });
    }
    return cells;
  }

  /** Gives the memory back; no cell may be asked for afterwards. */
  release(): void {
    if (this.#buffer.length > 0) discard(this.#buffer);
  }

  #endAt(at: number): number {
    return at + HEAD + this.#buffer.readInt32LE(at + 12);
  }
}
