// Reads the sheet's XML into rows in a store. There are two ways through the same bytes:
//
// - the general one reads tokens, and is right for everything that XML and other programs may
//   contain;
// - the fast one (usual-cells.ts) takes a row's start and its cells as long as they look as the
//   usual programs write them.
//
// The scanner takes a row whole or not at all. It undoes the row if the window ends inside it, if a
// shared string is not loaded yet, or if the store is full. Then run() returns the reason.
import { FastCells } from "./usual-cells.ts";
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

export class SheetScanner extends FastCells {
  rowCount = 0;
  #phase: Phase = "prolog";
  #depth = 0;
  #rootName = "";
  readonly #tokens: Tokens;
  readonly #fast: boolean;
  // The state at the start of the row, to which the scanner returns to undo it.
  #markPos = 0;
  #markCell = 0;
  #markSpare = 0;
  #markWarnings = 0;
  #markRow = 0;

  constructor(context: SheetContext) {
    super(context);
    this.#tokens = new Tokens(tokenMax(context.limits));
    const { fast = true, show, links, raised = false } = context;
    this.#fast = fast && show === undefined && links === undefined && !raised;
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
    this.store = store;
    this.base = base;
    this.pos = 0;
    this.end = end;
    this.#tokens.window(store.bytes, 0, end, final);
    this.rowCount = 0;
    this.cell = 0;
    this.spare = store.spareAt;
    this.spareEnd = store.bytes.length - 16;
    this.warnings = [];
    if (this.context.show) this.shown = new CellTexts();
    if (this.context.links) this.linked = new CellTexts();
    if (this.context.raised === true) this.raised = new CellTexts();
    store.firstCell[0] = 0;
  }

  run(): Status {
    if (this.#phase === "prolog" && !this.#prolog()) return Status.more;
    while (this.#phase === "rows") {
      this.#mark();
      const fast = this.#fast ? this.openFast() : undefined;
      if (fast === "empty") continue;
      if (fast === undefined) {
        const opened = this.#openGeneral();
        if (opened === "again") continue;
        if (opened !== "row") return this.#undo(Status.more);
      }
      const status = this.#cells();
      if (status !== Status.done) return this.#undo(status);
      this.#closeRow();
    }
    return Status.done;
  }

  #mark(): void {
    this.#markPos = this.pos;
    this.#markCell = this.cell;
    this.#markSpare = this.spare;
    this.#markWarnings = this.warnings.length;
    this.#markRow = this.row;
  }

  #undo(status: Status): Status {
    this.pos = this.#markPos;
    this.row = this.#markRow;
    this.#undoCells();
    return status;
  }

  #undoCells(): void {
    this.cell = this.#markCell;
    this.spare = this.#markSpare;
    this.warnings.length = this.#markWarnings;
  }

  /** Reads up to `<sheetData>`. A part without this element has no rows. */
  #prolog(): boolean {
    const tokens = this.#tokens;
    tokens.pos = this.pos;
    for (;;) {
      const token = tokens.next();
      this.pos = tokens.pos;
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
    const tokens = this.#tokens;
    tokens.pos = this.pos;
    const token = tokens.next();
    switch (token) {
      case Token.more:
      case Token.end:
        return "more";
      case Token.close:
        if (!tokens.is(sheetDataName))
          throw new XmlFault("bad_xml", `${tokens.tagText()} closes an element that is not open`, tokens.start);
        this.pos = tokens.pos;
        this.#phase = "done";
        return "again";
      case Token.open:
      case Token.empty: {
        if (!tokens.is(rowName)) {
          if (token === Token.open && !skipElement(tokens)) return "more";
          break;
        }
        let number = this.row + 1;
        const given = tokens.attribute(rName);
        if (given) number = this.#rowNumber(tokens);
        this.checkRow(number);
        if (token === Token.empty) {
          this.row = number;
          break;
        }
        this.digits = 0;
        if (given) this.setDigits(tokens.valueStart, tokens.valueEnd - tokens.valueStart);
        this.beginRow(number, given);
        this.pos = tokens.pos;
        return "row";
      }
      case Token.text:
      case Token.cdata:
        break;
    }
    this.pos = tokens.pos;
    return "again";
  }

  #rowNumber(tokens: Tokens): number {
    const text = tokens.bytes.toString("latin1", tokens.valueStart, Math.min(tokens.valueEnd, tokens.valueStart + 30));
    if (!/^\s*\d{1,15}\s*$/.test(text) || Number(text) === 0)
      throw this.fail("bad_reference", `The row after row ${this.row} says r="${text}", which is no row number.`, {
        offset: this.base + tokens.valueStart,
      });
    return Number(text);
  }

  /** Reads the cells up to `</row>`. Returns done, or the reason why it stopped. */
  #cells(): Status {
    const tokens = this.#tokens;
    for (;;) {
      if (this.#fast && this.digits > 0) this.fastCells();
      if (this.closeFast()) return Status.done;
      tokens.pos = this.pos;
      const token = tokens.next();
      if (token === Token.more || token === Token.end) return Status.more;
      if (token === Token.close) {
        if (!tokens.is(rowName))
          throw new XmlFault("bad_xml", `${tokens.tagText()} closes an element that is not open`, tokens.start);
        this.pos = tokens.pos;
        return Status.done;
      }
      if (token === Token.open || token === Token.empty) {
        if (tokens.is(cName)) {
          const status = this.readCell(tokens, token === Token.empty, this.end);
          if (status !== Status.done) return status;
        } else if (token === Token.open && !skipElement(tokens)) {
          return Status.more;
        }
      }
      this.pos = tokens.pos;
    }
  }

  #closeRow(): void {
    const { store } = this;
    const first = this.#markCell;
    if (this.row > this.context.to) {
      this.#undoCells();
      this.#phase = "done";
      return;
    }
    if (this.row < this.context.from) return this.#undoCells();
    if (!this.ordered) this.sortCells(first);
    if (this.cell === first && this.warnings.length === this.#markWarnings) return;
    store.rowNumbers[this.rowCount] = this.row;
    store.widths[this.rowCount] = Math.max(this.width, this.lastColumn);
    store.firstCell[++this.rowCount] = this.cell;
  }
}
