// Reads the sheet's XML into rows in a store. There are two ways through the same bytes:
//
// - the general one reads tokens, and is right for everything that XML and other programs may
//   contain;
// - the fast one (usual-cells.ts) takes a row's start and its cells as long as they look as the
//   usual programs write them.
//
// The phases of a part, and what reads the bytes of each:
//
//  <worksheet><cols>…</cols>     prolog   tokens, up to <sheetData>
//    <sheetData>
//      <row r="1">               rows     openRow; what it does not know is read by #openGeneral
//        <c …>…</c> …                     usualCells; what they do not know is read by AnyCell
//      </row>                             closeRow, or a token
//    </sheetData>                done     the caller reads the rest, for the checksum (pump.ts)
//
// The scanner takes a row whole or not at all. It undoes the row if the window ends inside it, if a
// shared string is not loaded yet, or if the store is full. Then run() returns the reason.
import { AnyCell } from "./any-cell.ts";
import { RowState } from "./row-state.ts";
import { closeRow, openRow, usualCells } from "./usual-cells.ts";
import { tokenMax } from "../limits.ts";
import { skipElement } from "./rich-text.ts";
import { Status, type SheetContext } from "./context.ts";
import { CellTexts } from "../cells/cell-texts.ts";
import type { Store } from "../cells/store.ts";
import { DEPTH_MAX, Token, Tokens, tooDeep, XmlFault, xmlName } from "../package/xml.ts";

const rowName = xmlName("row");
const cName = xmlName("c");
const rName = xmlName("r");
const sheetDataName = xmlName("sheetData");

type Phase = "prolog" | "rows" | "done";

export class SheetScanner {
  readonly state: RowState;
  rowCount = 0;
  #phase: Phase = "prolog";
  #depth = 0;
  #rootName = "";
  readonly #tokens: Tokens;
  readonly #anyCell: AnyCell;
  readonly #usual: boolean;

  constructor(context: SheetContext) {
    this.state = new RowState(context);
    this.#anyCell = new AnyCell(this.state);
    this.#tokens = new Tokens(tokenMax(context.limits));
    const { fast = true, show, links, raised = false } = context;
    this.#usual = fast && show === undefined && links === undefined && !raised;
  }

  /** The root element's name as written, if it still has to be closed after the rows. */
  get openRoot(): string | undefined {
    return this.#depth > 0 ? this.#rootName : undefined;
  }

  /**
   * Takes a store whose bytes 0..end are the XML from the position at which the last store was
   * left. It must be sealed.
   */
  attach(store: Store, end: number, final: boolean, base: number): void {
    const { state } = this;
    const { show, links, raised } = state.context;
    state.store = store;
    state.base = base;
    state.pos = 0;
    state.end = end;
    this.#tokens.window(store.bytes, 0, end, final);
    this.rowCount = 0;
    state.cell = 0;
    state.spare = store.spareAt;
    state.spareEnd = store.bytes.length - 16;
    state.warnings = [];
    if (show) state.shown = new CellTexts();
    if (links) state.linked = new CellTexts();
    if (raised === true) state.raised = new CellTexts();
    store.firstCell[0] = 0;
  }

  /**
   * Takes rows until the window or the store is at its end, or a shared string is missing. Returns
   * the reason; done if there are no more rows to give.
   */
  run(): Status {
    const { state } = this;
    if (this.#phase === "prolog" && !this.#prolog()) return Status.more;
    while (this.#phase === "rows") {
      state.mark();
      const opened = this.#usual ? openRow(state) : undefined;
      if (opened === "empty") continue;
      if (opened === undefined) {
        const found = this.#openGeneral();
        if (found === "again") continue;
        if (found !== "row") return this.#undo(Status.more);
      }
      const status = this.#cells();
      if (status !== Status.done) return this.#undo(status);
      this.#closeRow();
    }
    return Status.done;
  }

  #undo(status: Status): Status {
    this.state.undo();
    return status;
  }

  /** Reads up to `<sheetData>`. A part without this element has no rows. */
  #prolog(): boolean {
    const { state } = this;
    const tokens = this.#tokens;
    tokens.pos = state.pos;
    for (;;) {
      const token = tokens.next();
      state.pos = tokens.pos;
      if (token === Token.more) return false;
      if (token === Token.end) {
        if (this.#depth > 0 || this.#rootName === "") return false;
        this.#phase = "done";
        return true;
      }
      if (token === Token.close) this.#depth--;
      if (token !== Token.open && token !== Token.empty) continue;
      if (this.#rootName === "") this.#rootName = tokens.bytes.toString("utf8", tokens.start + 1, tokens.nameEnd);
      if (tokens.is(sheetDataName)) {
        this.#phase = token === Token.open ? "rows" : "done";
        return true;
      }
      if (token === Token.open && ++this.#depth > DEPTH_MAX) throw tooDeep(tokens.start);
    }
  }

  /** Reads the next token between rows, whatever it is. */
  #openGeneral(): "row" | "again" | "more" {
    const { state } = this;
    const tokens = this.#tokens;
    tokens.pos = state.pos;
    const token = tokens.next();
    switch (token) {
      case Token.more:
      case Token.end:
        return "more";
      case Token.close:
        if (!tokens.is(sheetDataName))
          throw new XmlFault("bad_xml", `${tokens.tagText()} closes an element that is not open`, tokens.start);
        state.pos = tokens.pos;
        this.#phase = "done";
        return "again";
      case Token.open:
      case Token.empty: {
        if (!tokens.is(rowName)) {
          if (token === Token.open && !skipElement(tokens)) return "more";
          break;
        }
        let number = state.row + 1;
        const given = tokens.attribute(rName);
        if (given) number = this.#rowNumber(tokens);
        state.checkRow(number);
        if (token === Token.empty) {
          state.row = number;
          break;
        }
        state.digits = 0;
        if (given) state.setDigits(tokens.valueStart, tokens.valueEnd - tokens.valueStart);
        state.beginRow(number, given);
        state.pos = tokens.pos;
        return "row";
      }
      case Token.text:
      case Token.cdata:
        break;
    }
    state.pos = tokens.pos;
    return "again";
  }

  /** The number that `r` gives a row. @throws SheetError if it is not one */
  #rowNumber(tokens: Tokens): number {
    const { state } = this;
    const text = tokens.bytes.toString("latin1", tokens.valueStart, Math.min(tokens.valueEnd, tokens.valueStart + 30));
    if (!/^\s*\d{1,15}\s*$/.test(text) || Number(text) === 0)
      throw state.fail("bad_reference", `The row after row ${state.row} says r="${text}", which is no row number.`, {
        offset: state.base + tokens.valueStart,
      });
    return Number(text);
  }

  /** Reads the cells up to `</row>`. Returns done, or the reason why it stopped. */
  #cells(): Status {
    const { state } = this;
    const tokens = this.#tokens;
    for (;;) {
      if (this.#usual && state.digits > 0) usualCells(state);
      if (closeRow(state)) return Status.done;
      tokens.pos = state.pos;
      const token = tokens.next();
      if (token === Token.more || token === Token.end) return Status.more;
      if (token === Token.close) {
        if (!tokens.is(rowName))
          throw new XmlFault("bad_xml", `${tokens.tagText()} closes an element that is not open`, tokens.start);
        state.pos = tokens.pos;
        return Status.done;
      }
      if (token === Token.open || token === Token.empty) {
        if (tokens.is(cName)) {
          const status = this.#anyCell.read(tokens, token === Token.empty, state.end);
          if (status !== Status.done) return status;
        } else if (token === Token.open && !skipElement(tokens)) {
          return Status.more;
        }
      }
      state.pos = tokens.pos;
    }
  }

  /** Ends a row. It is undone if it has no value, or if the caller did not ask for it. */
  #closeRow(): void {
    const { state } = this;
    const { store, context } = state;
    if (state.row > context.to) {
      state.undoCells();
      this.#phase = "done";
      return;
    }
    if (state.row < context.from) return state.undoCells();
    if (!state.ordered) state.sortCells();
    if (state.isBlank) return;
    store.rowNumbers[this.rowCount] = state.row;
    store.widths[this.rowCount] = Math.max(state.width, state.lastColumn);
    store.firstCell[++this.rowCount] = state.cell;
  }
}
