// Delimited text to rows in a store, byte by byte. RFC 4180 and what is usually done to it:
//
// - lines end with LF, CRLF or CR, mixed too; a quoted text goes over as many lines as it likes;
// - a quote inside of an unquoted field is a character like any other;
// - text behind a closing quote: where the field ends with a quote too, the quotes inside of it are text (`"a "b" c"`), else the
//   rest is added to it (`"a"b` is `ab`, as in Excel); the row gets a warning either way;
// - a NUL is a character like any other, for who comes next to judge.
//
// A row's number is the number of the line on which it begins. A record without any text is no row. An empty text is an empty
// cell, quoted or not. A record is taken whole or not at all: where the window ends inside of it, run() stops in front of it.
import { CellType, PLAIN } from "./batch.ts";
import type { Dialect } from "./csv-dialect.ts";
import { SheetError, type Place } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { cellName, columnName } from "./reference.ts";
import type { Store, Warning } from "./store.ts";

/** What run() waits for: more bytes · an emptier store · nothing, the rows are at their end. */
export const CsvStatus = { more: 0, full: 1, done: 2 } as const;
export type CsvStatus = (typeof CsvStatus)[keyof typeof CsvStatus];

export interface CsvContext {
  readonly place: Place;
  readonly limits: Limits;
  readonly dialect: Dialect;
  /** First and last row number to give. */
  readonly from: number;
  readonly to: number;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const BACKSLASH = 0x5c;

/** What a byte is to the loops: text · text that is not PLAIN · the end of a field or line · the quote · an escaping backslash. */
const TEXT = 0;
const ODD = 1;
const BREAK = 2;
const QUOTE = 3;
const ESCAPE = 4;

export class CsvScanner {
  readonly context: CsvContext;
  readonly #dialect: Dialect;
  readonly #outside: Uint8Array;
  readonly #outsidePairs: Uint8Array;
  readonly #inside: Uint8Array;
  readonly #insidePairs: Uint8Array;
  #store!: Store;
  #end = 0;
  #final = false;
  #spare = 0;
  /** The line at `pos`, counted from 1. */
  line = 1;
  pos = 0;
  rowCount = 0;
  cell = 0;
  warnings: Warning[] = [];
  // The quoted field that was read last.
  #start = 0;
  #stop = 0;
  #plain: number = PLAIN;
  #breaks = 0;
  #stray = false;

  constructor(context: CsvContext) {
    this.context = context;
    const { delimiter, quote, backslash } = (this.#dialect = context.dialect);
    this.#outside = Uint8Array.from({ length: 256 }, (_, byte) => (isOdd(byte) ? ODD : TEXT));
    this.#inside = this.#outside.slice();
    for (const byte of [LF, CR]) this.#outside[byte] = this.#inside[byte] = BREAK;
    this.#outside[delimiter] = BREAK;
    if (backslash) this.#inside[BACKSLASH] = ESCAPE;
    if (quote >= 0) this.#inside[quote] = QUOTE;
    this.#outsidePairs = pairsOf(this.#outside);
    this.#insidePairs = pairsOf(this.#inside);
  }

  /** A store whose bytes 0..end are the text from where the last one was left. */
  attach(store: Store, end: number, final: boolean): void {
    this.#store = store;
    this.#end = end;
    this.#final = final;
    this.#spare = store.spareAt;
    this.pos = 0;
    this.rowCount = 0;
    this.cell = 0;
    this.warnings = [];
    store.firstCell[0] = 0;
    // The loops stop here; what is behind `end` is no text.
    store.bytes[end] = LF;
  }

  run(): CsvStatus {
    const { bytes, view, columns, types, flags, starts, ends, rowNumbers, widths, firstCell } = this.#store;
    const { delimiter, quote, spaces, sepLine } = this.#dialect;
    const { cellBytes, columns: columnsMax } = this.context.limits;
    const { to } = this.context;
    const from = Math.max(this.context.from, sepLine ? 2 : 1);
    const kinds = this.#outside;
    const pairs = this.#outsidePairs;
    const end = this.#end;
    const cellsMax = columns.length;
    let cell = this.cell;
    for (let pos = this.pos; ; this.pos = pos) {
      if (this.line > to) return CsvStatus.done;
      if (pos === end) return this.#final ? CsvStatus.done : CsvStatus.more;
      if (this.rowCount === rowNumbers.length) return CsvStatus.full;
      const firstOfRow = cell;
      let column = 0;
      this.#breaks = 0;
      this.#stray = false;
      for (;;) {
        if (++column > columnsMax) throw this.#tooWide();
        let start = pos;
        let stop: number;
        let plain: number = PLAIN;
        const breaks = this.#breaks;
        if (spaces && bytes[pos] === SPACE) {
          while (bytes[pos] === SPACE) pos++;
          if (bytes[pos] !== quote) pos = start;
        }
        if (bytes[pos] === quote && pos < end) {
          pos = this.#quoted(pos, column);
          if (pos < 0) return CsvStatus.more;
          start = this.#start;
          stop = this.#stop;
          plain = this.#plain;
        } else {
          for (;;) {
            while (pairs[view.getUint16(pos, true)] === TEXT) pos += 2;
            const kind = kinds[bytes[pos]!]!;
            if (kind === TEXT) pos++;
            else if (kind === BREAK) break;
            else {
              plain = 0;
              pos++;
            }
          }
          stop = pos;
        }
        if (stop - start > cellBytes) throw this.#tooLong(column, breaks);
        // A CR needs to know whether an LF follows.
        if (pos >= end - 1 && !this.#final && (pos === end || bytes[pos] === CR)) return CsvStatus.more;
        if (stop > start) {
          if (cell === cellsMax) return CsvStatus.full;
          columns[cell] = column;
          types[cell] = CellType.string;
          flags[cell] = plain;
          starts[cell] = start;
          ends[cell++] = stop;
        }
        if (pos === end || bytes[pos] !== delimiter) break;
        pos++;
      }
      if (pos < end) pos += bytes[pos] === CR && pos + 1 < end && bytes[pos + 1] === LF ? 2 : 1;
      const { line } = this;
      this.line = line + this.#breaks + 1;
      if (cell === firstOfRow) continue;
      if (line < from) {
        cell = firstOfRow;
        continue;
      }
      if (line > this.context.limits.rows) throw this.#tooFar(line);
      if (this.#stray)
        this.warnings.push({
          row: line,
          message: `row ${line} has text behind a closing quote, which is kept; a quote inside of quotes must be doubled`,
        });
      rowNumbers[this.rowCount] = line;
      widths[this.rowCount++] = column;
      firstCell[this.rowCount] = cell;
      this.cell = cell;
    }
  }

  /** Reads the quoted field whose quote stands at `open`; gives where it ends, or −1 where the window ends before. */
  #quoted(open: number, column: number): number {
    const { bytes, view } = this.#store;
    const { quote, delimiter } = this.#dialect;
    const kinds = this.#inside;
    const pairs = this.#insidePairs;
    const end = this.#end;
    const before = this.#breaks;
    let pos = open + 1;
    /** Where text begins that is not yet in the spare part; there it goes from the first escape on. */
    let from = pos;
    let out = -1;
    let plain: number = PLAIN;
    for (;;) {
      while (pairs[view.getUint16(pos, true)] === TEXT) pos += 2;
      const kind = kinds[bytes[pos]!]!;
      if (kind === TEXT) {
        pos++;
      } else if (kind === ODD) {
        plain = 0;
        pos++;
      } else if (kind === BREAK) {
        if (pos === end) return this.#unclosed(open, column, before);
        plain = 0;
        pos += bytes[pos] === CR && bytes[pos + 1] === LF && pos + 1 < end ? 2 : 1;
        this.#breaks++;
      } else if (kind === ESCAPE) {
        plain = 0;
        const next = bytes[pos + 1];
        if (pos + 1 < end && (next === quote || next === BACKSLASH)) {
          out = this.#keep(out, from, pos);
          from = pos + 1;
          pos += 2;
        } else {
          pos++;
        }
      } else if (pos + 1 === end) {
        if (!this.#final) return -1;
        return this.#close(open, from, pos, out, plain, end);
      } else if (bytes[pos + 1] === quote) {
        if (isOdd(quote)) plain = 0;
        out = this.#keep(out, from, pos + 1);
        from = pos += 2;
      } else if (bytes[pos + 1] === delimiter || bytes[pos + 1] === LF || bytes[pos + 1] === CR) {
        return this.#close(open, from, pos, out, plain, pos + 1);
      } else {
        return this.#behindQuote(open, from, pos, out);
      }
    }
  }

  /** The field is `open`'s up to `pos`; gives where the next thing begins. */
  #close(open: number, from: number, pos: number, out: number, plain: number, next: number): number {
    if (out < 0) {
      this.#start = open + 1;
      this.#stop = pos;
    } else {
      this.#stop = this.#keep(out, from, pos);
      this.#spare = this.#stop;
    }
    this.#plain = plain;
    return next;
  }

  /** Copies text into the spare part; it is there from #start on. */
  #keep(out: number, from: number, to: number): number {
    const { bytes } = this.#store;
    if (out < 0) out = this.#start = this.#spare;
    bytes.copyWithin(out, from, to);
    return out + to - from;
  }

  /** A closing quote at `pos`, and text behind it: all up to the delimiter or the line's end belongs to the field. */
  #behindQuote(open: number, from: number, pos: number, out: number): number {
    const { bytes } = this.#store;
    const { quote, delimiter } = this.#dialect;
    const end = this.#end;
    let next = pos + 1;
    while (next < end && bytes[next] !== delimiter && bytes[next] !== LF && bytes[next] !== CR) next++;
    if (next === end && !this.#final) return -1;
    if (this.#dialect.spaces && bytes.subarray(pos + 1, next).every((byte) => byte === SPACE))
      return this.#close(open, from, pos, out, 0, next);
    this.#stray = true;
    if (bytes[next - 1] === quote && next - 1 > pos) return this.#close(open, from, next - 1, out, 0, next);
    return this.#close(open, pos + 1, next, this.#keep(out, from, pos), 0, next);
  }

  #unclosed(open: number, column: number, breaks: number): number {
    const { file } = this.context.place;
    if (!this.#final) {
      if (this.#end - open > this.context.limits.cellBytes + 1) throw this.#tooLong(column, breaks);
      return -1;
    }
    const line = this.line + breaks;
    throw new SheetError(
      "unclosed_quote",
      `${file ?? "The text"}: the quote that opens on line ${line} (column ${columnName(column)}) is never closed. Close it, double it if it is part of the text, or read it without quotes (option quote).`,
      { ...this.context.place, cell: cellName(column, this.line) },
    );
  }

  #tooLong(column: number, breaks: number): SheetError {
    const { limits, place } = this.context;
    return new SheetError(
      "limit",
      `${place.file ?? "The text"}: the field in column ${columnName(column)} that begins on line ${this.line + breaks} has more than the limit cellBytes = ${limits.cellBytes}. Is a closing quote missing there? Otherwise raise the limit.`,
      { ...place, cell: cellName(column, this.line) },
    );
  }

  #tooWide(): SheetError {
    const { limits, place } = this.context;
    return new SheetError(
      "column_out_of_range",
      `${place.file ?? "The text"}: line ${this.line} has more than ${limits.columns} columns, the limit; is its delimiter really ${JSON.stringify(String.fromCharCode(this.#dialect.delimiter))}?`,
      { ...place, cell: cellName(limits.columns + 1, this.line) },
    );
  }

  #tooFar(line: number): SheetError {
    const { limits, place } = this.context;
    return new SheetError(
      "row_out_of_range",
      `${place.file ?? "The text"}: line ${line} is beyond the limit rows = ${limits.rows}; raise the limit to read on.`,
      { ...place, cell: cellName(1, line) },
    );
  }
}

/** By two bytes at once, TEXT where both are: half as many steps. */
function pairsOf(kinds: Uint8Array): Uint8Array {
  const pairs = new Uint8Array(65_536).fill(BREAK);
  for (let high = 0; high < 256; high++) if (kinds[high] === TEXT) pairs.set(kinds, high << 8);
  return pairs;
}

/** Whether a byte keeps a text from being PLAIN. */
function isOdd(byte: number): boolean {
  return byte < 0x20 || byte === 0x22 || byte === BACKSLASH || byte === 0x7f;
}
