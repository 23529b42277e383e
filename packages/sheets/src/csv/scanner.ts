// Scans delimited text byte by byte, and writes rows into a store. It accepts RFC 4180 and the
// usual deviations:
//
// - lines end with LF, CRLF or CR, mixed too; a quoted text may span any number of lines;
// - a quote inside an unquoted field is an ordinary character;
// - text after a closing quote: if the field ends with a quote too, the quotes inside it are text
//   (`"a "b" c"`). If not, the rest is added to the field (`"a"b` is `ab`, as in Excel). The row
//   gets a warning in both cases;
// - a NUL is an ordinary character, which the caller may judge.
//
// The line `7,"a ""b""",,x` as the 5th line of the file, and what the store gets:
//
//  window    7,"a ""b""",,x⏎
//  fields    1 2         3 4
//
//  field 1   7       starts and ends point into the window
//  field 2   a "b"   has escapes, so its text is copied to the spare part
//  field 3           is empty, so it gets no cell
//  field 4   x       starts and ends point into the window
//
//  by row    rowNumbers [5]         widths [4]     firstCell [0, 3]
//  by cell   columns    [1, 2, 4]   types  [string, string, string]   flags [PLAIN, 0, PLAIN]
//
// The number of a row is the number of the line on which it begins. A record without any text is
// not a row. An empty text is an empty cell, quoted or not. run() takes a record whole or not at
// all: if the window ends inside it, run() stops at its start.
import { BACKSLASH, CR, EQUALS, LF, SPACE } from "../ascii.ts";
import { CellType, PLAIN } from "../cells/batch.ts";
import type { Dialect } from "./dialect.ts";
import { SheetError, type Place } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { cellName, columnName } from "../cells/reference.ts";
import type { Store, Warning } from "../cells/store.ts";

/**
 * The reason why run() returns: more bytes needed · an emptier store needed · done, there are no
 * more rows.
 */
export const CsvStatus = { more: 0, full: 1, done: 2 } as const;
export type CsvStatus = (typeof CsvStatus)[keyof typeof CsvStatus];

export interface CsvContext {
  readonly place: Place;
  readonly limits: Limits;
  readonly dialect: Dialect;
  /** First and last row number to give. */
  readonly from: number;
  readonly to: number;
  /** True if bytes that are not UTF-8 are marked instead of refused. */
  readonly markBad?: boolean;
}

/**
 * The kinds of bytes for the loops: text · text that is not PLAIN · the end of a field or line ·
 * the quote · an escaping backslash.
 */
const TEXT = 0;
const ODD = 1;
const BREAK = 2;
const QUOTE = 3;
const ESCAPE = 4;

/** The meanings of letters after a backslash, in the text of COPY and of MySQL. */
const ESCAPED: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, Z: 26 };

export class CsvScanner {
  readonly context: CsvContext;
  readonly #dialect: Dialect;
  readonly #outside: Uint8Array;
  readonly #outsidePairs: Uint8Array;
  readonly #inside: Uint8Array;
  readonly #insidePairs: Uint8Array;
  /** 1 for each byte that can begin a field which is more than its bytes. */
  readonly #openings: Uint8Array;
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
  /** True if the last row given ends together with the text, and has no line end. */
  unended = false;
  // The last quoted field that was read.
  #start = 0;
  #stop = 0;
  #plain: number = PLAIN;
  #breaks = 0;
  #stray = false;

  constructor(context: CsvContext) {
    this.context = context;
    const { delimiter, quote, spaces, backslash, escapes } = (this.#dialect = context.dialect);
    this.#outside = Uint8Array.from({ length: 256 }, (_, byte) => (isOdd(byte) ? ODD : TEXT));
    this.#inside = this.#outside.slice();
    for (const byte of [LF, CR]) this.#outside[byte] = this.#inside[byte] = BREAK;
    this.#outside[delimiter] = BREAK;
    if (backslash) this.#inside[BACKSLASH] = ESCAPE;
    if (escapes) this.#outside[BACKSLASH] = ESCAPE;
    if (quote >= 0) this.#inside[quote] = QUOTE;
    this.#openings = new Uint8Array(256).fill(escapes ? 1 : 0);
    if (quote >= 0) this.#openings[quote] = this.#openings[EQUALS] = 1;
    if (spaces) this.#openings[SPACE] = 1;
    this.#outsidePairs = pairsOf(this.#outside);
    this.#insidePairs = pairsOf(this.#inside);
  }

  /**
   * Takes a store whose bytes 0..end are the text from the position at which the last store was
   * left.
   */
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
    // The loops stop here; the bytes after `end` are not text.
    store.bytes[end] = LF;
  }

  /**
   * Reads records until the window or the store is at its end.
   *
   * It is longer than 60 lines because the position in the text and the number of the next cell
   * stay in local variables. Every byte of a file goes through the two inner loops, and a call for
   * each field would make them slower.
   */
  run(): CsvStatus {
    const { bytes, view, columns, types, flags, starts, ends, rowNumbers, widths, firstCell } = this.#store;
    const { delimiter, sepLine } = this.#dialect;
    const { cellBytes, columns: columnsMax } = this.context.limits;
    const { to } = this.context;
    const from = Math.max(this.context.from, sepLine ? 2 : 1);
    const kinds = this.#outside;
    const pairs = this.#outsidePairs;
    const openings = this.#openings;
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
        if (openings[bytes[pos]!] === 1) {
          pos = this.#opened(pos, column);
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
        // After a CR, the next byte must be known: it may be an LF.
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
      const unended = pos === end;
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
          message: `row ${line} has text after a closing quote, which is kept; a quote inside of quotes must be doubled`,
        });
      this.unended = unended;
      rowNumbers[this.rowCount] = line;
      widths[this.rowCount++] = column;
      firstCell[this.rowCount] = cell;
      this.cell = cell;
    }
  }

  /**
   * Reads the field at `pos` if it begins with one of #openings. Returns its end, or −1 if the
   * window ends first.
   */
  #opened(pos: number, column: number): number {
    const { bytes } = this.#store;
    const { quote, spaces } = this.#dialect;
    let open = pos;
    if (spaces) while (bytes[open] === SPACE) open++;
    return bytes[open] === quote && open < this.#end ? this.#quoted(open, column) : this.#unquoted(pos);
  }

  /**
   * Reads the unquoted field at `open` if it may have escapes, or is a formula whose value is a
   * text: programs write `="00123"` so that a spreadsheet keeps the zeros, and a spreadsheet shows
   * only the text. Returns the end of the field, or −1 if the window ends first. It has more than
   * 15 branches because each kind of byte has one.
   */
  #unquoted(open: number): number {
    const { bytes } = this.#store;
    const kinds = this.#outside;
    const end = this.#end;
    if (bytes[open] === EQUALS && bytes[open + 1] === this.#dialect.quote && open + 1 < end) {
      const close = this.#formulaText(open + 2);
      if (close < 0) return -1;
      if (close > 0) return this.#close(open + 1, open + 2, close, -1, 0, close + 1);
    }
    let pos = open;
    let plain: number = PLAIN;
    let escaped = false;
    for (let kind = kinds[bytes[pos]!]; kind !== BREAK; kind = kinds[bytes[pos]!]) {
      if (kind !== TEXT) plain = 0;
      if (kind === ESCAPE && pos + 1 < end) {
        escaped = true;
        const next = bytes[++pos]!;
        if (next === LF || next === CR) this.#breaks++;
        pos += next === CR && bytes[pos + 1] === LF && pos + 1 < end ? 2 : 1;
      } else {
        pos++;
      }
    }
    // A backslash at the window's end escapes a character that has not been read yet.
    if (escaped && pos === end && !this.#final) return -1;
    this.#close(open - 1, open, pos, -1, plain, pos);
    if (escaped) this.#unescape(open, pos);
    return pos;
  }

  /**
   * Resolves the escapes of an unquoted field: `\N` alone is empty. A line that is `\.` ends the
   * data of COPY, and is empty too.
   */
  #unescape(start: number, stop: number): void {
    const { bytes } = this.#store;
    const alone = stop - start === 2 ? bytes[start + 1] : undefined;
    if (alone === 0x4e || (alone === 0x2e && (start === 0 || bytes[start - 1] === LF))) {
      this.#start = this.#stop = stop;
      return;
    }
    let from = start;
    let out = -1;
    for (let pos = start; pos < stop;) {
      if (bytes[pos] !== BACKSLASH || pos + 1 === stop) pos++;
      else {
        const at = this.#keep(out, from, pos);
        [out, from] = this.#escape(pos, at);
        pos = from;
      }
    }
    this.#stop = this.#keep(out, from, stop);
    this.#spare = this.#stop;
  }

  /**
   * Writes the character of the escape at `pos` to `out`. Returns the position for the next byte,
   * and the position after the escape.
   */
  #escape(pos: number, out: number): [out: number, pos: number] {
    const { bytes } = this.#store;
    const octal = /^(?:[0-7]{1,3}|x([0-9a-f]{1,2}))/i.exec(
      bytes.toString("latin1", pos + 1, Math.min(pos + 4, this.#end)),
    );
    const byte = octal && (octal[1] === undefined ? Number.parseInt(octal[0], 8) : Number.parseInt(octal[1], 16));
    // A byte that is not a complete character could make the text invalid.
    if (octal && byte! < 0x80) {
      bytes[out] = byte!;
      return [out + 1, pos + 1 + octal[0].length];
    }
    const next = bytes[pos + 1]!;
    bytes[out] = ESCAPED[String.fromCharCode(next)] ?? next;
    return [out + 1, pos + 2];
  }

  /**
   * The index of the quote that ends both the text beginning at `from` and its field. 0 if the
   * field has no such quote, −1 if the window ends first.
   */
  #formulaText(from: number): number {
    const { bytes } = this.#store;
    const { quote, delimiter } = this.#dialect;
    let at = from;
    while (at < this.#end && bytes[at] !== quote && bytes[at] !== LF && bytes[at] !== CR) at++;
    if (at + 1 >= this.#end && !this.#final) return -1;
    if (at === this.#end || bytes[at] !== quote) return 0;
    const next = bytes[at + 1];
    return at + 1 === this.#end || next === delimiter || next === LF || next === CR ? at : 0;
  }

  /**
   * Reads the quoted field that begins with the quote at `open`. Returns the end of the field, or
   * −1 if the window ends first.
   *
   * It has more than 15 branches because it is a hot loop with one case for each kind of byte, and
   * four for what can follow a quote: `""` inside, the delimiter, the line's end, other text.
   */
  #quoted(open: number, column: number): number {
    const { bytes, view } = this.#store;
    const { quote, delimiter } = this.#dialect;
    const kinds = this.#inside;
    const pairs = this.#insidePairs;
    const end = this.#end;
    const before = this.#breaks;
    let pos = open + 1;
    /**
     * The start of the text that is not yet in the spare part. From the first escape on, all of it
     * is copied there.
     */
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
        if (this.#dialect.escapes && pos + 1 < end) {
          if (next === LF || next === CR) this.#breaks++;
          const at = this.#keep(out, from, pos);
          [out, from] = this.#escape(pos, at);
          pos = from;
        } else if (pos + 1 < end && (next === quote || next === BACKSLASH)) {
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
        return this.#afterQuote(open, from, pos, out);
      }
    }
  }

  /** Records that the field reaches from `open` to `pos`; returns the position after it. */
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

  /** Copies text into the spare part, in which the field begins at #start. */
  #keep(out: number, from: number, to: number): number {
    const { bytes } = this.#store;
    if (out < 0) out = this.#start = this.#spare;
    bytes.copyWithin(out, from, to);
    return out + to - from;
  }

  /**
   * Handles a closing quote at `pos` with text after it: everything up to the delimiter or the
   * line's end belongs to the field.
   */
  #afterQuote(open: number, from: number, pos: number, out: number): number {
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

/**
 * A table for two bytes at once. An entry is TEXT if both bytes are, which halves the steps through
 * a text.
 */
function pairsOf(kinds: Uint8Array): Uint8Array {
  const pairs = new Uint8Array(65_536).fill(BREAK);
  for (let high = 0; high < 256; high++) if (kinds[high] === TEXT) pairs.set(kinds, high << 8);
  return pairs;
}

/** True if a text with this byte is not PLAIN. */
function isOdd(byte: number): boolean {
  return byte < 0x20 || byte === 0x22 || byte === BACKSLASH || byte === 0x7f;
}
