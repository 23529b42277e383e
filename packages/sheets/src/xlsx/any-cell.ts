// Reads one cell of any shape, token by token, into the store. This is the general way.
//
// The fast way (usual-cells.ts) reads only the markup that most programs write. Other programs use
// all of XML, and all of these are the same cell, B7 = 42:
//
//  <c r="B7"><v>42</v></c>                   the usual form
//  <c><v>42</v></c>                          without a reference: the column after the last one
//  <x:c s='1' r='B7'>                        a prefix, apostrophes, any order of attributes,
//    <x:f>6*7</x:f><x:v>4&#x32;</x:v></x:c>    a formula, an entity
//
// The store gets one entry in each column of numbers: columns 2, types number, and starts..ends in
// the spare part. The text of the value is copied there, because it may differ from the bytes in
// the XML.
//
// Sources: ECMA-376, part 1, 18.3.1.4 (`<c>`), 18.18.11 (the types of cells) and 18.4.8 (`<is>`,
// which is built like `<si>`).
import { CellType, PLAIN } from "../cells/batch.ts";
import type { CellTexts } from "../cells/cell-texts.ts";
import { linkOfFormula } from "../cells/hyperlink.ts";
import { DURATION_LENGTH, writeDuration } from "../cells/duration.ts";
import { ISO_LENGTH, neverWas, writeDate, writeIsoText } from "../cells/dates.ts";
import { beyond } from "../limits.ts";
import { parseNumber } from "../cells/number.ts";
import { cellName, parseReference } from "../cells/reference.ts";
import { RichText, skipElement, withRaised } from "./rich-text.ts";
import { Status } from "./context.ts";
import type { RowState } from "./row-state.ts";
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

/**
 * The general reader of cells. A scanner has one, and it reads all cells with it. So its buffers
 * are made once and only grow.
 */
export class AnyCell {
  readonly #state: RowState;
  // The texts of `<v>`, `<is>` and `<f>`. One cell may have all three.
  readonly #value = new RichText();
  readonly #inline = new RichText();
  readonly #formula = new RichText();

  constructor(state: RowState) {
    this.#state = state;
  }

  /**
   * Reads the cell whose open tag was just read. `end` is the end of the window.
   * Returns the reason why it stopped: done; more, if the cell goes beyond the window; string, if
   * its shared string is not loaded; or full, if the spare part is. After the last three the
   * scanner undoes the row and reads it again later, so a half-read cell does no harm.
   *
   * It has more than 15 branches because each kind of child element has one, and each child may go
   * beyond the window: then the cell is read again with a longer one.
   */
  read(tokens: Tokens, empty: boolean, end: number): Status {
    const state = this.#state;
    const begin = tokens.start;
    const column = this.#column(tokens);
    if (++state.cellsOfRow > state.limits.columns) this.#checkColumn(state.cellsOfRow, "");
    const style = tokens.attribute(names.s) ? parseNumber(tokens.bytes, tokens.valueStart, tokens.valueEnd) : 0;
    const type = tokens.attribute(names.t) ? typeOf(tokens) : "n";
    let value = false;
    let inline = false;
    let formula = false;
    // A decoded text is never longer than its markup, which ends at the window's end at the latest.
    this.#value.begin(end - begin);
    this.#inline.begin(end - begin);
    this.#formula.begin(state.linked ? end - begin : 0);
    for (;;) {
      // `<c/>` has no close tag. It is read as if one came next.
      const token = empty ? Token.close : tokens.next();
      if (token === Token.more || token === Token.end) return Status.more;
      if (token === Token.close) break;
      if (token === Token.empty) {
        formula ||= tokens.is(names.f);
        value ||= tokens.is(names.v);
      }
      if (token !== Token.open) continue;
      // Of two `<v>`, or two `<is>`, the later one counts. The text between the children, such as
      // line breaks, is skipped.
      if (tokens.is(names.v)) {
        value = true;
        this.#value.length = 0;
        if (!this.#value.text(tokens)) return Status.more;
      } else if (tokens.is(names.is)) {
        inline = true;
        this.#inline.length = 0;
        if (!this.#inline.element(tokens)) return Status.more;
        // The text of a formula is read only if links are asked for: it may be HYPERLINK("…").
      } else if (state.linked && tokens.is(names.f)) {
        formula = true;
        if (!this.#formula.text(tokens)) return Status.more;
      } else {
        formula ||= tokens.is(names.f);
        if (!skipElement(tokens)) return Status.more;
      }
    }
    if (state.linked) this.#link(state.linked, column);
    // Cells may come in any order. RowState.sortCells then sorts them at the end of the row.
    if (column <= state.lastColumn) state.ordered = false;
    state.width = Math.max(state.width, column);
    const status = this.#put(
      column,
      type,
      style,
      // `<is>` is the value if the type says so, or if there is no `<v>`.
      inline && (type === "inlineStr" || !value),
      formula,
      value,
      end - begin,
    );
    if (status === Status.done) state.lastColumn = state.ordered ? column : Math.max(state.lastColumn, column);
    return status;
  }

  /** The column that `r` gives a cell, or without `r` the one after the last cell. */
  #column(tokens: Tokens): number {
    const state = this.#state;
    if (!tokens.attribute(names.r)) {
      // A cell without a reference is in the column after the last one.
      const column = state.lastColumn + 1;
      this.#checkColumn(column, "");
      return column;
    }
    const column = columnOf(tokens, state.row);
    if (column > 0 && column <= state.limits.columns) {
      state.rowGiven = true;
      return column;
    }
    return this.#oddColumn(
      tokens.bytes.toString("latin1", tokens.valueStart, Math.min(tokens.valueEnd, tokens.valueStart + 40)),
      tokens.valueStart,
    );
  }

  /**
   * The column of a reference that is not simply a column of this row.
   *
   * Such references have small letters, spaces around them, a column past the limit, or another
   * row. A text that is not a reference at all is an error. If the row has no number, its first
   * cell gives the row. Otherwise the row's own number counts, and the cell gets a warning.
   */
  #oddColumn(text: string, at: number): number {
    const state = this.#state;
    const reference = parseReference(text);
    if (!reference || reference.row === 0)
      throw state.fail(
        "bad_reference",
        `A cell in row ${state.row} says r="${text}", which is no cell reference such as "B${state.row}".`,
        { offset: state.base + at },
      );
    const { column, row } = reference;
    this.#checkColumn(column, text);
    if (row !== state.row) {
      if (state.rowGiven || state.lastColumn > 0) {
        state.checkRow(row);
        state.warn(`cell ${text} stands in row ${state.row}; it is read as ${cellName(column, state.row)}`);
      } else {
        state.checkRow(row);
        state.row = row;
      }
    }
    state.rowGiven = true;
    return column;
  }

  /**
   * Checks a column, or a number of cells, against the limit. `text` is the reference as written;
   * "" if there is none.
   */
  #checkColumn(column: number, text: string): void {
    const state = this.#state;
    if (column <= state.limits.columns) return;
    const what = text === "" ? `more than ${state.limits.columns} cells` : `the cell ${text}`;
    throw state.fail(
      "column_out_of_range",
      `Row ${state.row} has ${what}, ${beyond("columns", state.limits)}`,
      text === "" ? {} : { cell: text },
    );
  }

  /** Keeps the address of a link: the one that the sheet gives, or that of HYPERLINK("…"). */
  #link(linked: CellTexts, column: number): void {
    const state = this.#state;
    const { bytes, length } = this.#formula;
    const stated = length === 0 ? undefined : linkOfFormula(bytes.toString("utf8", 0, length));
    const address =
      state.context.links?.(state.row, column) ?? (typeof stated === "object" ? stated.address : undefined);
    if (address !== undefined && address !== "") linked.set(state.row, column, address);
    else if (stated === "computed")
      state.warn(`the address of the link in ${cellName(column, state.row)} is computed, so it is not kept`);
  }

  /**
   * Adds the cell to the store, as its type says. `rest` is the size of its markup.
   *
   * A cell without a text adds nothing. The spare part must keep at least `rest` bytes free, for
   * texts that are decoded from the bytes still to be read (cells/store.ts). It has more than 15
   * branches because it is a list of the types, with the limits before them.
   */
  #put(
    column: number,
    type: string,
    style: number,
    inline: boolean,
    formula: boolean,
    value: boolean,
    rest: number,
  ): Status {
    const state = this.#state;
    const source = inline ? this.#inline : this.#value;
    const text = inline || type === "str" || type === "inlineStr";
    // Spaces around a number or an index mean nothing. Those around a text belong to it.
    if (!text) source.trim();
    const length = inline || value ? source.finish() : 0;
    if (length === 0) {
      // Programs that cannot calculate write formulas with an empty value. An empty text is a value
      // only if the cell says that it is text.
      if (formula && !inline && !(type === "str" && value))
        state.warn(
          `${cellName(column, state.row)} is a formula without a saved value and is read as empty; open the workbook in Excel and save it to have the value`,
        );
      return Status.done;
    }
    if (length > state.limits.cellBytes)
      throw state.fail(
        "limit",
        `Cell ${cellName(column, state.row)} has ${length} bytes of text, more than the limit cellBytes = ${state.limits.cellBytes}.`,
        { cell: cellName(column, state.row) },
      );
    if (text) {
      const raised = state.raised && source.withRaised();
      if (raised !== undefined) state.raised!.set(state.row, column, raised);
      return this.#text(column, source, CellType.string);
    }
    if (type === "n") return this.#number(column, style, source, rest);
    if (type === "s") return this.#shared(column, source, rest);
    return this.#rare(column, type, source, rest);
  }

  /** Adds a boolean, an error or an ISO date. What is not of the type that it states is text. */
  #rare(column: number, type: string, source: RichText, rest: number): Status {
    const state = this.#state;
    // 64 characters are more than any boolean or ISO date has, and enough for a warning.
    const word = source.bytes.toString("latin1", 0, Math.min(source.length, 64));
    switch (type) {
      case "b": {
        const truth = word === "1" || word === "true" ? true : word === "0" || word === "false" ? false : undefined;
        if (truth === undefined) break;
        const { trueAt, falseAt } = state.store;
        state.addCell(column, CellType.boolean, PLAIN, truth ? trueAt : falseAt, truth ? trueAt + 4 : falseAt + 5);
        return Status.done;
      }
      case "e":
        return this.#text(column, source, CellType.error);
      case "d": {
        const to = state.spare;
        if (to + ISO_LENGTH + 4 > state.spareEnd - rest) return Status.full;
        if (!writeIsoText(state.store.bytes, to, word, state.context.date1904)) break;
        state.take(ISO_LENGTH);
        state.addCell(column, CellType.date, PLAIN, to, to + ISO_LENGTH);
        return Status.done;
      }
      default:
    }
    const what = type === "b" ? "a boolean" : type === "d" ? "a date" : `a value of type "${type}"`;
    state.warn(`${cellName(column, state.row)} is not ${what}: "${word}"; it is read as text`);
    return this.#text(column, source, CellType.string);
  }

  /**
   * Adds a number, or the date or duration that its style makes of it. A number that cannot be one
   * stays a number.
   */
  #number(column: number, style: number, source: RichText, rest: number): Status {
    const state = this.#state;
    const number = parseNumber(source.bytes, 0, source.length);
    if (!Number.isFinite(number)) {
      const text = source.bytes.toString("utf8", 0, Math.min(source.length, 64));
      state.warn(`${cellName(column, state.row)} is not a number: "${text}"; it is read as text`);
      return this.#text(column, source, CellType.string);
    }
    const { dateStyles, date1904, show } = state.context;
    const shown = dateStyles[style] ?? Shown.number;
    if (show) {
      const text = show(number, style);
      if (text !== undefined) state.shown?.set(state.row, column, text);
    }
    if (shown === Shown.duration) {
      const to = state.spare;
      if (to + DURATION_LENGTH + 4 > state.spareEnd - rest) return Status.full;
      const length = writeDuration(state.store.bytes, to, number);
      if (length > 0) {
        state.take(length);
        state.addCell(column, CellType.duration, PLAIN, to, to + length);
        return Status.done;
      }
    } else if (shown !== Shown.number) {
      const to = state.spare;
      if (to + ISO_LENGTH + 4 > state.spareEnd - rest) return Status.full;
      if (writeDate(state.store.bytes, to, number, date1904)) {
        const day = shown === Shown.date ? neverWas(number, date1904) : undefined;
        if (day)
          state.warn(`${cellName(column, state.row)} shows ${day[0]}, a day that never was; it is read as ${day[1]}`);
        state.take(ISO_LENGTH);
        state.addCell(column, CellType.date, PLAIN, to, to + ISO_LENGTH);
        return Status.done;
      }
    }
    return this.#text(column, source, CellType.number);
  }

  /** Copies a shared string. If it is not loaded yet, the row is read again after that. */
  #shared(column: number, source: RichText, rest: number): Status {
    const state = this.#state;
    const { strings } = state.context;
    const index = parseNumber(source.bytes, 0, source.length);
    if (!Number.isSafeInteger(index) || index < 0) {
      const cell = cellName(column, state.row);
      const text = source.bytes.toString("utf8", 0, Math.min(source.length, 30));
      throw state.fail(
        "shared_string_out_of_range",
        `Cell ${cell} names shared string "${text}", which is no index. The file was written badly; open it in Excel and save it again.`,
        { cell },
      );
    }
    if (index >= strings.count) {
      state.wanted = index;
      state.wantedBy = cellName(column, state.row);
      return Status.string;
    }
    strings.find(index);
    const { page } = strings;
    const from = strings.word;
    const header = page[from]!;
    const length = header >>> 1;
    if (length === 0) return Status.done;
    const to = state.spare;
    if (to + length + 4 > state.spareEnd - rest) return Status.full;
    state.store.words.set(page.subarray(from + 1, from + 1 + ((length + 3) >> 2)), to >> 2);
    const ranges = state.raised && strings.raisedIn(index);
    if (ranges) state.raised!.set(state.row, column, withRaised(state.store.bytes, to, to + length, ranges));
    state.take(length);
    state.addCell(column, CellType.string, header & 1, to, to + length);
    return Status.done;
  }

  /** Copies a text to the spare part. There is always room for it (cells/store.ts). */
  #text(column: number, source: RichText, type: CellType): Status {
    const state = this.#state;
    const to = state.spare;
    if (source.length > 64) source.bytes.copy(state.store.bytes, to, 0, source.length);
    else for (let i = 0; i < source.length; i++) state.store.bytes[to + i] = source.bytes[i]!;
    state.take(source.length);
    state.addCell(column, type, source.plain ? PLAIN : 0, to, to + source.length);
    return Status.done;
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
