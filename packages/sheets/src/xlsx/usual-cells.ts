// Reads rows and cells without tokens, if they look as the usual programs write them. It compares
// fixed pieces of markup four bytes at a time, and finds the end of a text through a table of byte
// classes. It leaves everything that looks different to the general way. So this code has to be
// right, but it need not be complete: a test compares the two ways.
//
// The markup of a row, piece by piece:
//
//  <row r="7">     ROW, ROW_R: the digits with their quote become word0 and word1
//    <c r="B7"     C_R, EQUALS_QUOTE: the letters are the column, then come word0 and word1
//       s="1"      S_ATTRIBUTE: the style
//       t="s">     T_ATTRIBUTE: the kind of cell
//      <f>…</f>    F_OPEN, F_CLOSE: skipped
//      <v>12</v>   V_OPEN, V_CLOSE: the value
//    </c>          C_CLOSE
//  </row>          ROW_CLOSE, ROW_CLOSE_END
//
// The entry that a cell adds to the store (cells/store.ts), by its kind:
//
//  t="s"                <v>12</v>    shared string 12, copied to the spare part
//  t="n", or no t       <v>12</v>    the number 12, which stays in the XML
//    with a date style               its date or duration as text in the spare part
//  t="b"                <v>1</v>     the constant true
//  t="str"              <v>ab</v>    ab, in the XML, or decoded in the spare part
//  t="inlineStr"        <is><t>ab</t></is>, the same
//
// The store is sealed after the window's end (Store.seal). A text stops at the seal and no markup
// matches it, so the loops do not check for the end.
import { APOS, GT, LT, QUOTE, SLASH } from "../ascii.ts";
import { CellType, PLAIN } from "../cells/batch.ts";
import { ISO_LENGTH, writeDate } from "../cells/dates.ts";
import { writeDuration } from "../cells/duration.ts";
import { parseNumber } from "../cells/number.ts";
import type { RowState } from "./row-state.ts";
import { Shown } from "./styles.ts";
import {
  byteClass,
  classOf,
  CONTROL,
  DECODE,
  decodeText,
  ESCAPE,
  mayHaveEscape,
  pairClass,
  settleText,
  STOP,
  textTag,
  word,
} from "../package/xml.ts";

const half = (text: string): number => Buffer.from(text, "latin1").readInt16LE(0);
const ROW = word("<row");
const ROW_R = word(' r="');
const ROW_CLOSE = word("</ro");
const ROW_CLOSE_END = half("w>");
const C_R = word("<c r");
const EQUALS_QUOTE = half('="');
const S_ATTRIBUTE = word(' s="');
const T_ATTRIBUTE = word(' t="');
const INLI = word("inli");
const NEST = word("neSt");
const R_QUOTE = half('r"');
const IS_OPEN = word("<is>");
const T_CLOSE = word("</t>");
const IS_CLOSE = word("</is");
const IS_CLOSE_C = word("></c");
const V_OPEN = word("<v>x") & 0xffffff;
const V_CLOSE = word("</v>");
const C_CLOSE = word("</c>");
const F_OPEN = word("<f>x") & 0xffffff;
const F_CLOSE = word("</f>");
const STR_QUOTE = word('str"');

/**
 * The content of a cell, as its type says.
 *
 * OTHER is a cell that this file leaves to AnyCell.
 */
const NUMBER = 0;
const SHARED = 1;
const INLINE = 2;
const TEXT = 3;
const BOOLEAN = 4;
const OTHER = 5;

/** The number of bytes from which on a call to copy them costs less than a loop. */
const LONG = 512;

/**
 * Takes the usual start of a row, `<row r="12">` or `<row r="12" …>`, or an empty row, `<row r="12"
 * …/>`. Undefined for all other markup. It has more than 15 branches because it reads the tag byte
 * by byte, without calls.
 */
export function openRow(state: RowState): "row" | "empty" | undefined {
  const { bytes, view } = state.store;
  const begin = state.pos + 8;
  if (view.getInt32(state.pos, true) !== ROW || view.getInt32(state.pos + 4, true) !== ROW_R) return undefined;
  let pos = begin;
  let number = 0;
  let digit = 0;
  while ((digit = bytes[pos]! - 0x30) >= 0 && digit <= 9 && pos < begin + 8) {
    number = number * 10 + digit;
    pos++;
  }
  if (bytes[pos] !== QUOTE || number === 0 || number > state.limits.rows || bytes[begin] === 0x30) return undefined;
  state.setDigits(begin, pos - begin);
  pos++;
  if (bytes[pos] !== GT) {
    // Attributes up to ">". Quoted values are skipped, since they may contain a ">".
    let byte = 0;
    for (; (byte = bytes[pos]!) !== GT; pos++) {
      if (byte === APOS || byte === LT) return undefined;
      if (byte === QUOTE)
        do pos++;
        while (bytes[pos] !== QUOTE && pos < state.end);
      if (pos >= state.end) return undefined;
    }
    if (bytes[pos - 1] === SLASH) {
      state.row = number;
      state.pos = pos + 1;
      return "empty";
    }
  }
  state.pos = pos + 1;
  state.beginRow(number, true);
  return "row";
}

/** Takes `</row>`, the usual end of a row. */
export function closeRow(state: RowState): boolean {
  const { view } = state.store;
  if (view.getInt32(state.pos, true) !== ROW_CLOSE || view.getInt16(state.pos + 4, true) !== ROW_CLOSE_END)
    return false;
  state.pos += 6;
  return true;
}

/**
 * Reads cells as the usual programs write them, from `pos` on. Stops before the first markup that
 * it does not know.
 *
 * It is far longer than 60 lines because it is the hottest loop of the package. Its state stays
 * in local variables, and each kind of cell is handled without a call. Several kinds share the
 * comparisons at their start.
 */
export function usualCells(state: RowState): void {
  const { strings, limits, dateStyles, date1904 } = state.context;
  const { store } = state;
  const { bytes, view, words, columns, types, flags, starts, ends } = store;
  const digits = state.digits;
  const word0 = state.word0;
  const mask0 = state.mask0;
  const word1 = state.word1;
  const mask1 = state.mask1;
  const { count } = strings;
  const end = state.end;
  const columnsMax = limits.columns;
  const cellBytes = limits.cellBytes;
  let { pos, cell, spare, lastColumn } = state;
  for (;;) {
    if (view.getInt32(pos, true) !== C_R || view.getInt16(pos + 4, true) !== EQUALS_QUOTE) break;
    let at = pos + 6;
    // The letters of the column: at most three, since XFD is the last one (0x41 is "A", so 1 is A).
    let column = bytes[at]! - 64;
    if (column < 1 || column > 26) break;
    let letter = bytes[++at]! - 64;
    if (letter > 0 && letter <= 26) {
      column = column * 26 + letter;
      letter = bytes[++at]! - 64;
      if (letter > 0 && letter <= 26) {
        column = column * 26 + letter;
        at++;
      }
    }
    // A column that is not after the last one needs sorting, which the general way does.
    if (column <= lastColumn || column > columnsMax) break;
    // The digits of the reference must be those of the row, with the quote after them. Two
    // comparisons of four bytes do it; the masks leave out the bytes after the quote
    // (RowState.setDigits).
    if (((view.getInt32(at, true) ^ word0) & mask0) !== 0 || ((view.getInt32(at + 4, true) ^ word1) & mask1) !== 0)
      break;
    at += digits + 1;

    // The attributes `s` and `t`, in either order. Any other attribute ends the loop, and then `>`
    // is not the next byte.
    let kind = NUMBER;
    let style = 0;
    for (;;) {
      const attribute = view.getInt32(at, true);
      if (attribute === S_ATTRIBUTE) {
        at += 4;
        style = 0;
        let digit = 0;
        while ((digit = bytes[at]! - 0x30) >= 0 && digit <= 9 && style < 1e8) {
          style = style * 10 + digit;
          at++;
        }
        if (bytes[at] !== QUOTE) kind = OTHER;
        at++;
      } else if (attribute === T_ATTRIBUTE) {
        const type = bytes[at + 4]!;
        if (bytes[at + 5] === QUOTE) {
          kind = type === 0x73 ? SHARED : type === 0x6e ? NUMBER : type === 0x62 ? BOOLEAN : OTHER;
          at += 6;
        } else if (
          view.getInt32(at + 4, true) === INLI &&
          view.getInt32(at + 8, true) === NEST &&
          view.getInt16(at + 12, true) === R_QUOTE
        ) {
          kind = INLINE;
          at += 14;
        } else if (view.getInt32(at + 4, true) === STR_QUOTE) {
          kind = TEXT;
          at += 8;
        } else {
          kind = OTHER;
        }
      } else {
        break;
      }
      if (kind === OTHER) break;
    }
    if (kind === OTHER) break;
    // `<c r="B7" s="1"/>` is a cell with a style and without a value. It adds no entry to the
    // store.
    if (bytes[at] !== GT) {
      if (bytes[at] !== SLASH || bytes[at + 1] !== GT) break;
      lastColumn = column;
      pos = at + 2;
      continue;
    }
    at++;

    // Skips a formula that is plain text. Its value follows it.
    if ((view.getInt32(at, true) & 0xffffff) === F_OPEN) {
      at += 3;
      while ((pairClass[view.getUint16(at, true)]! & STOP) === 0) at += 2;
      if (bytes[at] !== LT) at++;
      if (view.getInt32(at, true) !== F_CLOSE) break;
      at += 4;
    }

    if (kind === INLINE || kind === TEXT) {
      if (kind === TEXT) {
        if ((view.getInt32(at, true) & 0xffffff) !== V_OPEN) break;
        at += 3;
      } else {
        const tag = view.getInt32(at, true) === IS_OPEN ? textTag(view, at + 4) : 0;
        if (tag === 0) break;
        at += 4 + tag;
      }
      const start = at;
      // Finds the end of the text, two bytes at a time, and collects the classes of its bytes.
      let seen = 0;
      let kindOfBytes = 0;
      while (((kindOfBytes = pairClass[view.getUint16(at, true)]!) & STOP) === 0) {
        seen |= kindOfBytes;
        at += 2;
      }
      // The pair has the end of the text in its first byte or in its second one.
      if (bytes[at] !== LT) seen |= byteClass[bytes[at++]!]!;
      if (kind === TEXT) {
        if (view.getInt32(at, true) !== V_CLOSE || view.getInt32(at + 4, true) !== C_CLOSE) break;
      } else if (
        view.getInt32(at, true) !== T_CLOSE ||
        view.getInt32(at + 4, true) !== IS_CLOSE ||
        view.getInt32(at + 8, true) !== IS_CLOSE_C ||
        bytes[at + 12] !== GT
      ) {
        break;
      }
      // Now the cell is known to be complete. The text stays in place if it needs no decoding.
      let from = start;
      let to = at;
      if ((seen & DECODE) !== 0 || ((seen & ESCAPE) !== 0 && mayHaveEscape(bytes, start, at))) {
        from = spare;
        to = settleText(bytes, from, decodeText(bytes, start, at, bytes, from));
        seen = classOf(bytes, from, to);
        spare = (to + 3) & ~3;
      }
      if (to > from) {
        if (to - from > cellBytes) break;
        columns[cell] = column;
        types[cell] = CellType.string;
        flags[cell] = (seen & CONTROL) === 0 ? PLAIN : 0;
        starts[cell] = from;
        ends[cell++] = to;
      }
      lastColumn = column;
      pos = at + (kind === TEXT ? 8 : 13);
      continue;
    }

    if ((view.getInt32(at, true) & 0xffffff) !== V_OPEN) break;
    at += 3;
    const start = at;
    let digit = 0;
    if (kind === BOOLEAN) {
      const truth = bytes[at]! - 0x30;
      if (truth !== 0 && truth !== 1) break;
      if (view.getInt32(at + 1, true) !== V_CLOSE || view.getInt32(at + 5, true) !== C_CLOSE) break;
      columns[cell] = column;
      types[cell] = CellType.boolean;
      flags[cell] = PLAIN;
      starts[cell] = truth === 1 ? store.trueAt : store.falseAt;
      ends[cell++] = truth === 1 ? store.trueAt + 4 : store.falseAt + 5;
      lastColumn = column;
      pos = at + 9;
      continue;
    }
    if (kind === SHARED) {
      let index = 0;
      while ((digit = bytes[at]! - 0x30) >= 0 && digit <= 9) {
        index = index * 10 + digit;
        at++;
      }
      if (at === start || index >= count) break;
      if (view.getInt32(at, true) !== V_CLOSE || view.getInt32(at + 4, true) !== C_CLOSE) break;
      strings.find(index);
      const { page } = strings;
      let from = strings.word;
      const header = page[from]!;
      const length = header >>> 1;
      if (length > 0) {
        // Leaves as many bytes free as there are XML bytes still to be read, for decoded texts.
        if (spare + length + 4 > state.spareEnd - (end - pos)) break;
        columns[cell] = column;
        types[cell] = CellType.string;
        flags[cell] = header & 1;
        starts[cell] = spare;
        ends[cell++] = spare + length;
        let to = spare >> 2;
        spare = (spare + length + 3) & ~3;
        // Copies whole words, since both texts begin at one. Up to three bytes after the text come
        // along, and no reader uses them.
        if (length > LONG) words.set(page.subarray(from + 1, from + 1 + (spare >> 2) - to), to);
        else for (const last = spare >> 2; to < last; to++) words[to] = page[++from]!;
      }
      lastColumn = column;
      pos = at + 8;
      continue;
    }

    // A number: a sign, digits, a point and digits, an exponent of up to two digits. It is only
    // checked here: the text stays in the XML, and the consumer parses it.
    if (bytes[at] === 0x2d) at++;
    let count10 = at;
    while ((digit = bytes[at]! - 0x30) >= 0 && digit <= 9) at++;
    if (at === count10) break;
    if (bytes[at] === 0x2e) {
      count10 = ++at;
      while ((digit = bytes[at]! - 0x30) >= 0 && digit <= 9) at++;
      if (at === count10) break;
    }
    if ((bytes[at]! | 0x20) === 0x65) {
      at++;
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++;
      count10 = at;
      while ((digit = bytes[at]! - 0x30) >= 0 && digit <= 9) at++;
      if (at === count10 || at > count10 + 2) break;
    }
    if (view.getInt32(at, true) !== V_CLOSE || view.getInt32(at + 4, true) !== C_CLOSE || at - start > 300) break;
    columns[cell] = column;
    types[cell] = CellType.number;
    flags[cell] = PLAIN;
    starts[cell] = start;
    ends[cell] = at;
    if (style < dateStyles.length && dateStyles[style] !== Shown.number) {
      const serial = parseNumber(bytes, start, at);
      // The first two months of the 1900 system contain days that never existed, and those get a
      // warning.
      if (serial < 61 && !date1904 && dateStyles[style] === Shown.date) break;
      if (spare + ISO_LENGTH + 4 > state.spareEnd - (end - pos)) break;
      if (dateStyles[style] === Shown.duration) {
        // The text of such a duration is not longer than that of a date.
        const length = writeDuration(bytes, spare, serial);
        if (length > 0) {
          types[cell] = CellType.duration;
          starts[cell] = spare;
          ends[cell] = spare + length;
          spare = (spare + length + 3) & ~3;
        }
      } else if (writeDate(bytes, spare, serial, date1904)) {
        types[cell] = CellType.date;
        starts[cell] = spare;
        ends[cell] = spare + ISO_LENGTH;
        spare = (spare + ISO_LENGTH + 3) & ~3;
      }
    }
    cell++;
    lastColumn = column;
    pos = at + 8;
  }
  state.pos = pos;
  state.cell = cell;
  state.spare = spare;
  state.lastColumn = lastColumn;
}
