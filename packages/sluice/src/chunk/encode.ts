// Validate and encode: batches of cells in, chunks of COPY text and rejects out.
//
// Bytes go from the batch's buffer to the chunk's without a string between them. A row that does
// not fit leaves no trace in the chunk: the next row is written over it. A chunk covers a fixed
// number of records: rows of the sheet that are not blank, rejected ones included. So chunk n is a
// function of the file, the plan and the chunk size alone. The first chunks may be smaller, each
// twice the one before, so that loading begins early and a large file is still loaded in large
// chunks.
//
// A chunk also ends before the record that would make it weigh more than the plan says. A record's
// weight is known from the sheet alone, so this holds for rejected records and for those of a chunk
// that is passed over. A record that is too heavy for any chunk gets a chunk to itself.
//
// A chunk that is in the table already is counted, not encoded.
import { CellType, PLAIN, type RowBatch } from "@sluice/sheets";
import { BLANK_BEGINNINGS, isBlankCell, isBlankRow } from "./blank.ts";
import { discard } from "./buffers.ts";
import type { Chunk, LoadPlan, RecordBatch } from "./chunk.ts";
import { KeptReject } from "./kept-reject.ts";
import { Originals } from "./originals.ts";
import type { Reject } from "../reject.ts";
import { checkFor, plainFor, takesText, typedCheckFor } from "../values/values.ts";
import type { Check, PlainTest, Problem } from "../values/verdict.ts";
import { madeText } from "./made.ts";
import { columnLetters } from "../xlsx/text.ts";

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const UPPER_N = 0x4e;

/** The character that follows the backslash for a byte; 0 if the byte stays as it is. */
const ESCAPES = new Uint8Array(256);
ESCAPES[TAB] = 0x74;
ESCAPES[NEWLINE] = 0x6e;
ESCAPES[0x0d] = 0x72;
ESCAPES[BACKSLASH] = BACKSLASH;

/**
 * Two values in the place of a field's index: the column is left out on purpose, or it has no
 * header.
 */
const LEFT_OUT = -1;
const NO_HEADER = -2;

/**
 * Cells longer than this are copied by one native call, shorter ones by a loop, which is faster for
 * them.
 */
const LOOP_LIMIT = 64;
/**
 * Chunks smaller than this are copied out, so that thousands of one-row chunks do not hold a large
 * buffer each.
 */
const SMALL_CHUNK = 64 * 1024;
const FIRST_CAPACITY = 256 * 1024;
/**
 * The weight of a column besides its text: a field's separator and type, or a place in the list of
 * a reject's cells.
 */
const COLUMN_WEIGHT = 8;
const STRING = CellType.string;

/** A chunk and the rows of its stretch of the sheet that are not in it. */
export interface Encoded {
  readonly chunk: Chunk;
  /** The rejects of the chunk. Their texts can be read until the chunk is released. */
  readonly rejects: readonly Reject[];
  /** The weight of its records, in bytes: about what they take in memory. */
  readonly weight: number;
}

/** Turns batches into chunks: `fill` until `full`, then `take`. Owned by one goroutine. */
export class Encoder {
  readonly #plan: LoadPlan;
  readonly #most: number;
  readonly #mostWeight: number;
  /** Records of the chunk that is being filled. */
  #limit: number;
  readonly #exact: boolean;
  /** The field's index for each sheet column, `LEFT_OUT` or `NO_HEADER`. */
  readonly #fieldOf: Int32Array;
  /** The check of a text cell for each field; undefined if its text is loaded unchanged. */
  readonly #checks: readonly (Check | undefined)[];
  /** The check of a cell that is not text, for each field. */
  readonly #typedChecks: readonly Check[];
  /**
   * The test of cells that need no check, for each field. It returns how many of their first bytes
   * are loaded unchanged.
   */
  readonly #plains: readonly (PlainTest | undefined)[];
  /** True for each field that takes what a typed cell shows, if that was asked for. */
  readonly #takesText: readonly boolean[];
  readonly #notNull: readonly boolean[];
  /** Fields that cells stand for; those after them are made. */
  readonly #cellFields: number;
  readonly #spare: Buffer[] = [];
  readonly #isDone: (index: number) => boolean;

  #out: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #view: DataView = viewOf(this.#out);
  #length = 0;
  #lineEnds: Int32Array;
  #rowNumbers: Int32Array;
  #rows = 0;
  #records = 0;
  #weight = 0;
  /** The next record would be too much for this chunk. */
  #heavy = false;
  #rejects: Reject[] = [];
  #originals = new Originals();
  /** The cells of the rejects, by their place in the list. */
  #rejectCells = new Originals();
  #types: Uint8Array;
  #index = 0;
  #taken = 0;
  /** The chunk is done already. */
  #skipping: boolean;

  /**
   * @param headers the columns that have a header (1-based), loaded or left out; a value in any
   *   other has no place to go
   * @param first records of the first chunk
   * @param most records of a chunk at most
   * @param isDone whether a chunk is in the table already
   * @param mostWeight bytes that a chunk's records weigh at most; one record may weigh more
   */
  constructor(
    plan: LoadPlan,
    headers: readonly number[],
    width: "exact" | "pad",
    first: number,
    most: number = first,
    isDone: (index: number) => boolean = () => false,
    mostWeight: number = Number.POSITIVE_INFINITY,
  ) {
    this.#plan = plan;
    this.#most = most;
    this.#mostWeight = mostWeight;
    this.#limit = Math.min(first, most);
    this.#exact = width === "exact";
    this.#fieldOf = new Int32Array(Math.max(...headers) + 1).fill(NO_HEADER);
    for (const column of headers) this.#fieldOf[column] = LEFT_OUT;
    const made = plan.columns.findIndex((entry) => entry.made !== undefined);
    this.#cellFields = made < 0 ? plan.columns.length : made;
    for (const [field, { sheetColumn }] of plan.columns.slice(0, this.#cellFields).entries())
      this.#fieldOf[sheetColumn] = field;
    this.#checks = plan.columns.map(({ column }) => checkFor(column));
    this.#typedChecks = plan.columns.map(({ column }) => typedCheckFor(column));
    this.#plains = plan.columns.map(({ column }) => plainFor(column));
    this.#takesText = plan.columns.map(({ column }) => takesText(column));
    this.#notNull = plan.columns.map(({ column }) => column.notNull || column.primaryKey);
    this.#isDone = isDone;
    this.#skipping = isDone(0);
    this.#lineEnds = new Int32Array(most);
    this.#rowNumbers = new Int32Array(most);
    this.#types = new Uint8Array(most * plan.columns.length);
  }

  /** True if the chunk has all its records and must be taken before more go in. */
  get full(): boolean {
    return this.#heavy || this.#records === this.#limit;
  }

  /** True if there is nothing to take. */
  get empty(): boolean {
    return this.#records === 0;
  }

  /** Records of all chunks that have been taken. */
  get records(): number {
    return this.#taken;
  }

  /**
   * Encodes rows of a batch from row `from` on until the batch ends or the chunk is full; returns
   * the next row to encode.
   */
  fill(batch: RecordBatch, from: number): number {
    const { bytes, rowCount, firstCell, starts, ends, widths } = batch;
    const lastColumn = this.#fieldOf.length - 1;
    const source = viewOf(bytes);
    let row = from;
    for (; row < rowCount && this.#records < this.#limit; row++) {
      const first = firstCell[row]!;
      const end = firstCell[row + 1]!;
      // A blank row is not a record. Few rows begin with a blank, so the others cost no call.
      if (first === end) continue;
      const start = starts[first]!;
      if ((BLANK_BEGINNINGS[bytes[start]!] === 1 || start === ends[first]) && isBlankRow(batch, row)) continue;
      const weight = this.#weigh(batch, row);
      if (this.#records > 0 && this.#weight + weight > this.#mostWeight) {
        this.#heavy = true;
        return row;
      }
      this.#weight += weight;
      if (this.#skipping) {
        this.#records++;
        continue;
      }
      if (this.#exact && widths[row]! < lastColumn) {
        this.#reject(batch, row, undefined, undefined, {
          code: "too_few_columns",
          reason: `the row has ${widths[row]!} of ${lastColumn} columns`,
        });
      } else if (batch.badRows?.has(row)) {
        this.#reject(batch, row, undefined, undefined, BAD_BYTES);
      } else {
        this.#encodeRow(batch, source, row, lastColumn);
      }
    }
    return row;
  }

  /**
   * True if the chunk that is being filled is in the table already. Then it is passed over, not
   * taken.
   */
  get done(): boolean {
    return this.#skipping;
  }

  /** Passes over a chunk that is done, and begins the next one. */
  pass(): void {
    this.#index++;
    this.#skipping = this.#isDone(this.#index);
    this.#limit = Math.min(this.#limit * 2, this.#most);
    this.#taken += this.#records;
    this.#records = 0;
    this.#weight = 0;
    this.#heavy = false;
  }

  /** Hands over what has been encoded and begins the next chunk. */
  take(): Encoded {
    const encoded = this.#encoded();
    this.pass();
    return encoded;
  }

  #encoded(): Encoded {
    const small = this.#length < SMALL_CHUNK;
    const buffer = this.#out;
    const data = small ? Buffer.from(buffer.subarray(0, this.#length)) : buffer.subarray(0, this.#length);
    const originals = this.#originals;
    const rejectCells = this.#rejectCells;
    const chunk: Chunk = {
      plan: this.#plan,
      index: this.#index,
      rowCount: this.#rows,
      data,
      lineEnds: this.#lineEnds.slice(0, this.#rows),
      rowNumbers: this.#rowNumbers.slice(0, this.#rows),
      originals,
      types: this.#types.slice(0, this.#rows * this.#checks.length),
      release: () => {
        originals.release();
        rejectCells.release();
        if (small) return;
        if (buffer.length > this.#mostCapacity) discard(buffer);
        else this.#spare.push(buffer);
      },
    };
    const rejects = this.#rejects;
    if (!small) {
      this.#out = this.#spare.pop() ?? Buffer.allocUnsafeSlow(Math.min(buffer.length, this.#mostCapacity));
      this.#view = viewOf(this.#out);
    }
    this.#length = 0;
    this.#rows = 0;
    this.#rejects = [];
    this.#originals = new Originals();
    this.#rejectCells = new Originals();
    return { chunk, rejects, weight: this.#weight };
  }

  /** The size of a buffer that is worth keeping: a heavier record's is not. */
  get #mostCapacity(): number {
    return Math.max(FIRST_CAPACITY, 2 * this.#mostWeight);
  }

  /** The weight of a record: the text of its cells, and something for each column. */
  #weigh({ firstCell, starts, ends, widths }: RowBatch, row: number): number {
    const end = firstCell[row + 1]!;
    let weight = COLUMN_WEIGHT * Math.max(widths[row]!, this.#checks.length);
    for (let cell = firstCell[row]!; cell < end; cell++) weight += ends[cell]! - starts[cell]!;
    return weight;
  }

  /**
   * Writes a row as a line of COPY text, or rejects it.
   *
   * It is longer than 60 lines, with more than 15 branches, because every cell of a sheet passes
   * through its loop. So the buffer, the position and the field stay in local variables. The ways
   * of a cell, the usual ones without a call:
   *
   *     nothing in it, or blanks          no field yet: NULL when the next cell or the end comes
   *     right of the headers, no header   the row is rejected
   *     a column that is left out         kept for rejects only
   *     a text column, or plain           its bytes, copied; with escapes if it has any
   *     all others                        the verdict of the column's check: a text, NULL, a problem
   */
  #encodeRow(batch: RecordBatch, source: DataView, row: number, lastColumn: number): void {
    const { bytes, columns, types, flags, starts, ends, firstCell } = batch;
    const first = firstCell[row]!;
    const end = firstCell[row + 1]!;
    const fieldOf = this.#fieldOf;
    const checks = this.#checks;
    const typedChecks = this.#typedChecks;
    const blankBeginnings = BLANK_BEGINNINGS;
    const fieldCount = checks.length;
    const begin = this.#length;
    const cellTypes = this.#types;
    const firstType = this.#rows * fieldCount;
    let field = 0;
    let position = begin;
    let out = this.#room(position, fieldCount * 3 + 1);
    for (let cell = first; cell < end; cell++) {
      const sheetColumn = columns[cell]!;
      const start = starts[cell]!;
      const stop = ends[cell]!;
      if (start === stop) continue; // empty text is an empty cell
      if (blankBeginnings[bytes[start]!] === 1 && isBlankCell(batch, cell)) {
        this.#originals.add(this.#rows, sheetColumn, types[cell]!, bytes, start, stop);
        continue;
      }
      if (sheetColumn > lastColumn) {
        return this.#reject(batch, row, undefined, sheetColumn, {
          code: "too_many_columns",
          reason: `a value in column ${columnLetters(sheetColumn)}, to the right of the last header (${columnLetters(lastColumn)})`,
        });
      }
      const target = fieldOf[sheetColumn]!;
      if (target === LEFT_OUT) {
        this.#originals.add(this.#rows, sheetColumn, types[cell]!, bytes, start, stop);
        continue;
      }
      if (target === NO_HEADER) {
        return this.#reject(batch, row, undefined, sheetColumn, {
          code: "missing_header",
          reason: `a value in column ${columnLetters(sheetColumn)}, which has no header`,
        });
      }
      for (; field < target; field++) {
        if (this.#notNull[field]) return this.#missing(batch, row, field);
        out[position++] = BACKSLASH;
        out[position++] = UPPER_N;
        out[position++] = TAB;
      }
      field++;
      cellTypes[firstType + target] = types[cell]!;

      const size = stop - start;
      if (position + 2 * size + fieldCount * 3 + 1 > out.length)
        out = this.#room(position, 2 * size + fieldCount * 3 + 1);
      const check = types[cell] === STRING ? checks[target] : typedChecks[target];
      let loaded = size;
      if (check !== undefined) {
        const verdict = this.#verdictOf(batch, row, cell, target, check);
        if (typeof verdict === "number") {
          loaded = verdict;
        } else if (verdict !== undefined) {
          if (verdict !== null && typeof verdict === "object") {
            return this.#reject(batch, row, target, sheetColumn, verdict);
          }
          if (verdict === null && this.#notNull[target]) return this.#missing(batch, row, target);
          this.#originals.add(this.#rows, sheetColumn, types[cell]!, bytes, start, stop);
          position = this.#writeText(position, verdict, fieldCount);
          out = this.#out;
          if (position < 0) return this.#reject(batch, row, target, verdict ?? undefined, NUL);
          out[position++] = TAB;
          continue;
        }
      }
      if ((flags[cell]! & PLAIN) === 0) {
        position = escape(bytes, start, start + loaded, out, position);
        if (position < 0) return this.#reject(batch, row, target, sheetColumn, NUL);
      } else if (loaded <= LOOP_LIMIT && stop + 3 <= bytes.length) {
        // Four bytes at a time, up to three of them too many: there is room, and the next field is
        // written over them.
        const view = this.#view;
        const until = start + loaded;
        for (let i = start, to = position; i < until; i += 4, to += 4)
          view.setInt32(to, source.getInt32(i, true), true);
        position += loaded;
      } else {
        position += bytes.copy(out, position, start, start + loaded);
      }
      out[position++] = TAB;
    }
    for (; field < this.#cellFields; field++) {
      if (this.#notNull[field]) return this.#missing(batch, row, field);
      out[position++] = BACKSLASH;
      out[position++] = UPPER_N;
      out[position++] = TAB;
    }
    if (field < fieldCount) {
      position = this.#encodeMade(batch, row, position);
      if (position < 0) return;
      out = this.#out;
    }
    out[position - 1] = NEWLINE;
    this.#length = position;
    this.#lineEnds[this.#rows] = position;
    this.#rowNumbers[this.#rows++] = batch.rowNumbers[row]!;
    this.#records++;
  }

  /**
   * The verdict on a cell; or the number of its first bytes that are loaded unchanged, if these say
   * that it fits. Of a date at midnight only the day is loaded; `sheetCells` writes its time again.
   */
  #verdictOf(
    { bytes, types, starts, ends, rowNumbers, columns, shown }: RecordBatch,
    row: number,
    cell: number,
    target: number,
    check: Check,
  ): number | ReturnType<Check> {
    const type = types[cell] as CellType;
    if (shown && type !== STRING && this.#takesText[target]) {
      const text = shown.at(rowNumbers[row]!, columns[cell]!);
      if (text !== undefined) return shownVerdict(this.#checks[target], text);
    }
    const plain = this.#plains[target]?.(bytes, starts[cell]!, ends[cell]!, type) ?? 0;
    return plain > 0 ? plain : check(bytes, starts[cell]!, ends[cell]!, type);
  }

  /** Writes the last fields, which are not cells; returns −1 if one of them rejects the row. */
  #encodeMade(batch: RecordBatch, row: number, begin: number): number {
    const fieldCount = this.#checks.length;
    let position = begin;
    for (let field = this.#cellFields; field < fieldCount; field++) {
      const text = madeText(this.#plan.columns[field]!, this.#checks[field], batch, row);
      if (text !== null && typeof text === "object") this.#reject(batch, row, field, undefined, text);
      else if (text === null && this.#notNull[field]) this.#missing(batch, row, field);
      else {
        position = this.#writeText(position, text, fieldCount);
        if (position >= 0) {
          this.#out[position++] = TAB;
          continue;
        }
        this.#reject(batch, row, field, text ?? undefined, NUL);
      }
      return -1;
    }
    return position;
  }

  /** Writes a string that a check gave, or NULL; returns −1 if it holds a NUL character. */
  #writeText(position: number, text: string | null, fieldCount: number): number {
    if (text === null) {
      this.#out[position] = BACKSLASH;
      this.#out[position + 1] = UPPER_N;
      return position + 2;
    }
    if (text.length <= LOOP_LIMIT) {
      const out = this.#room(position, text.length + fieldCount * 3 + 1);
      const end = writePlain(text, out, position);
      if (end >= 0) return end;
    }
    const bytes = Buffer.from(text);
    const out = this.#room(position, 2 * bytes.length + fieldCount * 3 + 1);
    return escape(bytes, 0, bytes.length, out, position);
  }

  /** The buffer, with room for `size` bytes from `position` on. */
  #room(position: number, size: number): Buffer {
    if (position + size <= this.#out.length) return this.#out;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#out.length * 2, position + size));
    this.#out.copy(larger, 0, 0, position);
    discard(this.#out);
    this.#out = larger;
    this.#view = viewOf(larger);
    return larger;
  }

  #missing(batch: RowBatch, row: number, field: number): void {
    this.#reject(batch, row, field, undefined, {
      code: "missing_value",
      reason: "the cell is empty, and the column must have a value",
    });
  }

  /** @param value the text at fault, or the sheet's column whose cell holds it */
  #reject(
    batch: RowBatch,
    row: number,
    field: number | undefined,
    value: string | number | undefined,
    { code, reason }: Problem,
  ): void {
    const { file, sheet, columns } = this.#plan;
    const store = this.#rejectCells;
    const at = store.end;
    const n = this.#rejects.length;
    const { bytes, firstCell, types, starts, ends } = batch;
    for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++)
      if (starts[cell] !== ends[cell])
        store.add(n, batch.columns[cell]!, types[cell]!, bytes, starts[cell]!, ends[cell]!);
    this.#originals.forget(this.#rows);
    const told = {
      file,
      sheet,
      row: batch.rowNumbers[row]!,
      column: field === undefined ? undefined : columns[field]?.header,
      code,
      reason,
    };
    this.#rejects.push(new KeptReject(told, value, { store, row: n, begin: at, width: batch.widths[row]! }));
    this.#records++;
  }
}

/** The verdict on a text that a cell shows. */
function shownVerdict(check: Check | undefined, shown: string): ReturnType<Check> {
  const bytes = Buffer.from(shown);
  const verdict = check?.(bytes, 0, bytes.length, CellType.string);
  return verdict === undefined ? shown : verdict;
}

const BAD_BYTES: Problem = {
  code: "invalid_encoding",
  reason: "the row has bytes that are not UTF-8, as the rest of the file is; each is shown as ?",
};
const NUL: Problem = { code: "nul_character", reason: "the text holds a NUL character, which PostgreSQL cannot store" };

/** Copies text with COPY's escapes; returns −1 if it holds a NUL. */
function escape(bytes: Buffer, start: number, end: number, out: Buffer, at: number): number {
  let position = at;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    const escaped = ESCAPES[byte]!;
    if (escaped !== 0) {
      out[position++] = BACKSLASH;
      out[position++] = escaped;
    } else if (byte === 0) {
      return -1;
    } else {
      out[position++] = byte;
    }
  }
  return position;
}

/** Writes a text of ASCII that needs no escape; returns −1 if it is not one. */
function writePlain(text: string, out: Buffer, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code >= 0x7f || code === BACKSLASH) return -1;
    out[at + i] = code;
  }
  return at + text.length;
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
