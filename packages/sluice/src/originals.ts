// Cells whose text a chunk's lines do not hold: those of columns that are left out, and those that a check turned into something else.
//
// A row that the database refuses is reported with its cells as the sheet holds them. Most of them are in the chunk's lines already;
// the others are copied here, so rows without such cells cost nothing. (Keeping the sheet's batches as long as the chunks instead
// took three times the memory and half as much processor time again.)

/** Row, column, type and length, 4 bytes each, before a cell's text. */
const HEAD = 16;
const FIRST_CAPACITY = 4096;

/** The cells of one chunk. */
export class Originals {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  /** The row of the last cell, and where its first one begins. */
  #row = -1;
  #rowBegin = 0;

  /** Takes back the cells of a row that turned out to be bad. */
  forget(row: number): void {
    if (row === this.#row) this.#length = this.#rowBegin;
  }

  /** @param row within the chunk, from 0 @param column of the sheet, from 1 @param type a value of CellType */
  add(row: number, column: number, type: number, bytes: Buffer, start: number, end: number): void {
    if (row !== this.#row) {
      this.#row = row;
      this.#rowBegin = this.#length;
    }
    const next = this.#length + HEAD + (end - start);
    if (next > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, 2 * next));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.writeInt32LE(row, this.#length);
    this.#buffer.writeInt32LE(column, this.#length + 4);
    this.#buffer.writeInt32LE(type, this.#length + 8);
    this.#buffer.writeInt32LE(end - start, this.#length + 12);
    bytes.copy(this.#buffer, this.#length + HEAD, start, end);
    this.#length = next;
  }

  /** The cells of each row that has any. */
  byRow(): Map<number, { column: number; type: number; text: string }[]> {
    const rows = new Map<number, { column: number; type: number; text: string }[]>();
    for (let at = 0; at < this.#length;) {
      const row = this.#buffer.readInt32LE(at);
      const end = at + HEAD + this.#buffer.readInt32LE(at + 12);
      const column = this.#buffer.readInt32LE(at + 4);
      const cell = {
        column,
        type: this.#buffer.readInt32LE(at + 8),
        text: this.#buffer.toString("utf8", at + HEAD, end),
      };
      const cells = rows.get(row);
      if (cells) cells.push(cell);
      else rows.set(row, [cell]);
      at = end;
    }
    return rows;
  }
}
