// Reads one cell of any shape, token by token, into the store. This is the general way, with the
// parts that the fast way (usual-cells.ts) shares with it.
//
// The fast way reads only the markup that most programs write. Other programs use all of XML, and
// all of these are the same cell, B7 = 42:
//
//  <c r="B7"><v>42</v></c>                   the usual form
//  <c><v>42</v></c>                          without a reference: the column after the last one
//  <x:c s='1' r='B7'>                        a prefix, apostrophes, any order of attributes,
//    <x:f>6*7</x:f><x:v>4&#x32;</x:v></x:c>    a formula, an entity
//
// The store gets one entry in each column of numbers: columns 2, types number, and starts..ends in
// the spare part. The text of the value is copied there, because it may differ from the bytes in
// the XML.
import { CellType, PLAIN } from "../cells/batch.ts";
import type { CellTexts } from "../cells/cell-texts.ts";
import { linkOfFormula } from "../cells/hyperlink.ts";
import { DURATION_LENGTH, writeDuration } from "../cells/duration.ts";
import { ISO_LENGTH, neverWas, writeDate, writeIsoText } from "../cells/dates.ts";
import { SheetError, type Place, type SheetErrorCode } from "../errors.ts";
import { beyond, type Limits } from "../limits.ts";
import { parseNumber } from "../cells/number.ts";
import { cellName, parseReference } from "../cells/reference.ts";
import { RichText, skipElement, withRaised } from "./rich-text.ts";
import { Status, type SheetContext } from "./context.ts";
import { Store, type Warning } from "../cells/store.ts";
import { Shown } from "./styles.ts";
import { Token, xmlName, type Tokens } from "../package/xml.ts";

const names = {
  r: xmlName("r"),
  s: xmlName("s"),
  t: xmlName("t"),
  v: xmlName("v"),
  f: xmlName("f"),
  is: xmlName("is"),
};

export class CellReader {
  readonly context: SheetContext;
  readonly limits: Limits;
  store: Store = new Store(16);
  /** The offset of the store's bytes in the part. */
  base = 0;
  /** The number of cells in the store, and the next free byte of its spare part. */
  cell = 0;
  spare = 0;
  spareEnd = 0;
  warnings: Warning[] = [];
  /**
   * The texts that the cells show, and the addresses of their links, if the caller asked for them.
   */
  shown: CellTexts | undefined;
  linked: CellTexts | undefined;
  raised: CellTexts | undefined;
  /** The number of the row that is being read. */
  row = 0;
  rowGiven = false;
  lastColumn = 0;
  width = 0;
  ordered = true;
  /**
   * The number of cells that the general way has seen in the row. It is limited by the number of
   * columns, even if all cells have the same reference.
   */
  cellsOfRow = 0;
  /** The index of the shared string for which run() stopped. */
  wanted = -1;
  wantedBy = "";

  readonly #value = new RichText();
  readonly #inline = new RichText();
  readonly #formula = new RichText();

  constructor(context: SheetContext) {
    this.context = context;
    this.limits = context.limits;
  }

  fail(code: SheetErrorCode, message: string, place: Place = {}): SheetError {
    return new SheetError(code, message, { ...this.context.place, ...place });
  }

  checkRow(row: number): void {
    if (row > this.limits.rows)
      throw this.fail("row_out_of_range", `There is a row ${row}, ${beyond("rows", this.limits)}`, {
        offset: this.base,
      });
  }

  /** Reads the cell whose open tag was just read. `end` is the end of the window. */
  readCell(tokens: Tokens, empty: boolean, end: number): Status {
    const begin = tokens.start;
    const column = this.#column(tokens);
    if (++this.cellsOfRow > this.limits.columns) this.#checkColumn(this.cellsOfRow, "");
    const style = tokens.attribute(names.s) ? parseNumber(tokens.bytes, tokens.valueStart, tokens.valueEnd) : 0;
    const type = tokens.attribute(names.t) ? typeOf(tokens) : "n";
    let value = false;
    let inline = false;
    let formula = false;
    this.#value.begin(end - begin);
    this.#inline.begin(end - begin);
    this.#formula.begin(this.linked ? end - begin : 0);
    for (;;) {
      const token = empty ? Token.close : tokens.next();
      if (token === Token.more || token === Token.end) return Status.more;
      if (token === Token.close) break;
      if (token === Token.empty) {
        formula ||= tokens.is(names.f);
        value ||= tokens.is(names.v);
      }
      if (token !== Token.open) continue;
      if (tokens.is(names.v)) {
        value = true;
        this.#value.length = 0;
        if (!this.#value.text(tokens)) return Status.more;
      } else if (tokens.is(names.is)) {
        inline = true;
        this.#inline.length = 0;
        if (!this.#inline.element(tokens)) return Status.more;
      } else if (this.linked && tokens.is(names.f)) {
        formula = true;
        if (!this.#formula.text(tokens)) return Status.more;
      } else {
        formula ||= tokens.is(names.f);
        if (!skipElement(tokens)) return Status.more;
      }
    }
    if (this.linked) this.#link(this.linked, column);
    if (column <= this.lastColumn) this.ordered = false;
    this.width = Math.max(this.width, column);
    const status = this.#put(
      column,
      type,
      style,
      inline && (type === "inlineStr" || !value),
      formula,
      value,
      end - begin,
    );
    if (status === Status.done) this.lastColumn = this.ordered ? column : Math.max(this.lastColumn, column);
    return status;
  }

  #column(tokens: Tokens): number {
    if (!tokens.attribute(names.r)) {
      // A cell without a reference is in the column after the last one.
      const column = this.lastColumn + 1;
      this.#checkColumn(column, "");
      return column;
    }
    const column = columnOf(tokens, this.row);
    if (column > 0 && column <= this.limits.columns) {
      this.rowGiven = true;
      return column;
    }
    return this.#oddColumn(
      tokens.bytes.toString("latin1", tokens.valueStart, Math.min(tokens.valueEnd, tokens.valueStart + 40)),
      tokens.valueStart,
    );
  }

  /** The column of a reference that is not simply a column of this row. */
  #oddColumn(text: string, at: number): number {
    const reference = parseReference(text);
    if (!reference || reference.row === 0)
      throw this.fail(
        "bad_reference",
        `A cell in row ${this.row} says r="${text}", which is no cell reference such as "B${this.row}".`,
        { offset: this.base + at },
      );
    const { column, row } = reference;
    this.#checkColumn(column, text);
    if (row !== this.row) {
      if (this.rowGiven || this.lastColumn > 0) {
        this.checkRow(row);
        this.warn(`cell ${text} stands in row ${this.row}; it is read as ${cellName(column, this.row)}`);
      } else {
        this.checkRow(row);
        this.row = row;
      }
    }
    this.rowGiven = true;
    return column;
  }

  #checkColumn(column: number, text: string): void {
    if (column <= this.limits.columns) return;
    const what = text === "" ? `more than ${this.limits.columns} cells` : `the cell ${text}`;
    throw this.fail(
      "column_out_of_range",
      `Row ${this.row} has ${what}, ${beyond("columns", this.limits)}`,
      text === "" ? {} : { cell: text },
    );
  }

  #link(linked: CellTexts, column: number): void {
    const { bytes, length } = this.#formula;
    const stated = length === 0 ? undefined : linkOfFormula(bytes.toString("utf8", 0, length));
    const address = this.context.links?.(this.row, column) ?? (typeof stated === "object" ? stated.address : undefined);
    if (address !== undefined && address !== "") linked.set(this.row, column, address);
    else if (stated === "computed")
      this.warn(`the address of the link in ${cellName(column, this.row)} is computed, so it is not kept`);
  }

  warn(message: string): void {
    this.warnings.push({ row: this.row, message });
  }

  #put(
    column: number,
    type: string,
    style: number,
    inline: boolean,
    formula: boolean,
    value: boolean,
    rest: number,
  ): Status {
    const source = inline ? this.#inline : this.#value;
    const text = inline || type === "str" || type === "inlineStr";
    if (!text) source.trim();
    const length = inline || value ? source.finish() : 0;
    if (length === 0) {
      // Programs that cannot calculate write formulas with an empty value. An empty text is a value
      // only if the cell says that it is text.
      if (formula && !inline && !(type === "str" && value))
        this.warn(
          `${cellName(column, this.row)} is a formula without a saved value and is read as empty; open the workbook in Excel and save it to have the value`,
        );
      return Status.done;
    }
    if (length > this.limits.cellBytes)
      throw this.fail(
        "limit",
        `Cell ${cellName(column, this.row)} has ${length} bytes of text, more than the limit cellBytes = ${this.limits.cellBytes}.`,
        { cell: cellName(column, this.row) },
      );
    if (text) {
      const raised = this.raised && source.withRaised();
      if (raised !== undefined) this.raised!.set(this.row, column, raised);
      return this.#text(column, source, CellType.string);
    }
    if (type === "n") return this.#number(column, style, source, rest);
    if (type === "s") return this.#shared(column, source, rest);
    const word = source.bytes.toString("latin1", 0, Math.min(length, 64));
    switch (type) {
      case "b": {
        const truth = word === "1" || word === "true" ? true : word === "0" || word === "false" ? false : undefined;
        if (truth === undefined) break;
        const { trueAt, falseAt } = this.store;
        this.#cell(column, CellType.boolean, PLAIN, truth ? trueAt : falseAt, truth ? trueAt + 4 : falseAt + 5);
        return Status.done;
      }
      case "e":
        return this.#text(column, source, CellType.error);
      case "d": {
        const to = this.spare;
        if (to + ISO_LENGTH + 4 > this.spareEnd - rest) return Status.full;
        if (!writeIsoText(this.store.bytes, to, word, this.context.date1904)) break;
        this.#take(ISO_LENGTH);
        this.#cell(column, CellType.date, PLAIN, to, to + ISO_LENGTH);
        return Status.done;
      }
      default:
    }
    const what = type === "b" ? "a boolean" : type === "d" ? "a date" : `a value of type "${type}"`;
    this.warn(`${cellName(column, this.row)} is not ${what}: "${word}"; it is read as text`);
    return this.#text(column, source, CellType.string);
  }

  #number(column: number, style: number, source: RichText, rest: number): Status {
    const number = parseNumber(source.bytes, 0, source.length);
    if (!Number.isFinite(number)) {
      const text = source.bytes.toString("utf8", 0, Math.min(source.length, 64));
      this.warn(`${cellName(column, this.row)} is not a number: "${text}"; it is read as text`);
      return this.#text(column, source, CellType.string);
    }
    const { dateStyles, date1904, show } = this.context;
    const shown = dateStyles[style] ?? Shown.number;
    if (show) {
      const text = show(number, style);
      if (text !== undefined) this.shown?.set(this.row, column, text);
    }
    if (shown === Shown.duration) {
      const to = this.spare;
      if (to + DURATION_LENGTH + 4 > this.spareEnd - rest) return Status.full;
      const length = writeDuration(this.store.bytes, to, number);
      if (length > 0) {
        this.#take(length);
        this.#cell(column, CellType.duration, PLAIN, to, to + length);
        return Status.done;
      }
    } else if (shown !== Shown.number) {
      const to = this.spare;
      if (to + ISO_LENGTH + 4 > this.spareEnd - rest) return Status.full;
      if (writeDate(this.store.bytes, to, number, date1904)) {
        const day = shown === Shown.date ? neverWas(number, date1904) : undefined;
        if (day)
          this.warn(`${cellName(column, this.row)} shows ${day[0]}, a day that never was; it is read as ${day[1]}`);
        this.#take(ISO_LENGTH);
        this.#cell(column, CellType.date, PLAIN, to, to + ISO_LENGTH);
        return Status.done;
      }
    }
    return this.#text(column, source, CellType.number);
  }

  #shared(column: number, source: RichText, rest: number): Status {
    const { strings } = this.context;
    const index = parseNumber(source.bytes, 0, source.length);
    if (!Number.isSafeInteger(index) || index < 0) {
      const cell = cellName(column, this.row);
      const text = source.bytes.toString("utf8", 0, Math.min(source.length, 30));
      throw this.fail(
        "shared_string_out_of_range",
        `Cell ${cell} names shared string "${text}", which is no index. The file was written badly; open it in Excel and save it again.`,
        { cell },
      );
    }
    if (index >= strings.count) {
      this.wanted = index;
      this.wantedBy = cellName(column, this.row);
      return Status.string;
    }
    strings.find(index);
    const { page } = strings;
    const from = strings.word;
    const header = page[from]!;
    const length = header >>> 1;
    if (length === 0) return Status.done;
    const to = this.spare;
    if (to + length + 4 > this.spareEnd - rest) return Status.full;
    this.store.words.set(page.subarray(from + 1, from + 1 + ((length + 3) >> 2)), to >> 2);
    const ranges = this.raised && strings.raisedIn(index);
    if (ranges) this.raised!.set(this.row, column, withRaised(this.store.bytes, to, to + length, ranges));
    this.#take(length);
    this.#cell(column, CellType.string, header & 1, to, to + length);
    return Status.done;
  }

  #text(column: number, source: RichText, type: CellType): Status {
    const to = this.spare;
    if (source.length > 64) source.bytes.copy(this.store.bytes, to, 0, source.length);
    else for (let i = 0; i < source.length; i++) this.store.bytes[to + i] = source.bytes[i]!;
    this.#take(source.length);
    this.#cell(column, type, source.plain ? PLAIN : 0, to, to + source.length);
    return Status.done;
  }

  /** Reserves bytes in the spare part, which stays aligned to words. */
  #take(length: number): void {
    this.spare = (this.spare + length + 3) & ~3;
  }

  #cell(column: number, type: CellType, flags: number, start: number, end: number): void {
    const { store, cell } = this;
    store.columns[cell] = column;
    store.types[cell] = type;
    store.flags[cell] = flags;
    store.starts[cell] = start;
    store.ends[cell] = end;
    this.cell = cell + 1;
  }

  /**
   * Sorts the cells from `first` on by column. If two are in the same column, the later one counts.
   */
  sortCells(first: number): void {
    const { columns, types, flags, starts, ends } = this.store;
    const order = Array.from({ length: this.cell - first }, (_, i) => first + i);
    order.sort((a, b) => columns[a]! - columns[b]! || a - b);
    const last = order.filter((cell, i) => columns[cell] !== columns[order[i + 1] ?? -1]);
    if (last.length < order.length) {
      const twice = order.find((cell, i) => columns[cell] === columns[order[i + 1] ?? -1])!;
      this.warn(`${cellName(columns[twice]!, this.row)} stands in the row twice; the later one counts`);
    }
    for (const column of [columns, types, flags, starts, ends]) {
      const sorted = last.map((cell) => column[cell]!);
      column.set(sorted, first);
    }
    this.cell = first + last.length;
  }
}

/** The column of a reference such as `B7` in row 7; 0 for every other reference. */
function columnOf({ bytes, valueStart, valueEnd }: Tokens, inRow: number): number {
  let pos = valueStart;
  let column = 0;
  let row = 0;
  for (let byte = 0; pos < valueStart + 3 && (byte = bytes[pos]!) >= 0x41 && byte <= 0x5a; pos++)
    column = column * 26 + byte - 64;
  const digits = pos;
  for (let byte = 0; pos < digits + 7 && (byte = bytes[pos]!) >= 0x30 && byte <= 0x39; pos++)
    row = row * 10 + byte - 48;
  return pos === valueEnd && row === inRow ? column : 0;
}

/** The text of the cell's type. The usual types are constants, so no string is made for them. */
function typeOf({ bytes, valueStart, valueEnd }: Tokens): string {
  if (valueEnd - valueStart === 1) {
    const type = oneLetterTypes[bytes[valueStart]!];
    if (type !== undefined) return type;
  }
  return bytes.toString("latin1", valueStart, Math.min(valueEnd, valueStart + 40));
}

const oneLetterTypes: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  "nsbed".includes(String.fromCharCode(code)) ? String.fromCharCode(code) : undefined,
);
