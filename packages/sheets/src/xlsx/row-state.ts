// The state of the row that is being read: the store, the place in its bytes, and the cells so far.
// The scanner (rows.ts) owns it. The fast way (usual-cells.ts) and the general way (any-cell.ts)
// continue from wherever the other one stopped.
import type { CellType } from "../cells/batch.ts";
import type { CellTexts } from "../cells/cell-texts.ts";
import { cellName } from "../cells/reference.ts";
import { Store, type Warning } from "../cells/store.ts";
import { QUOTE } from "../ascii.ts";
import { SheetError, type Place, type SheetErrorCode } from "../errors.ts";
import { beyond, type Limits } from "../limits.ts";
import type { SheetContext } from "./context.ts";

export class RowState {
  readonly context: SheetContext;
  readonly limits: Limits;
  store: Store = new Store(16);
  /** The offset of the store's bytes in the part. */
  base = 0;
  /** The position in the store's bytes from which to continue, and the end of the window. */
  pos = 0;
  end = 0;
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
  /**
   * The number of digits of the row number, and those digits with their closing quote as two words
   * and masks. Each reference in the row has them after the letters of its column.
   */
  digits = 0;
  word0 = 0;
  mask0 = 0;
  word1 = 0;
  mask1 = 0;
  /** The index of the shared string that is not loaded yet, and the cell that names it. */
  wanted = -1;
  wantedBy = "";
  // The state at the start of the row, to which undo() returns.
  #markPos = 0;
  #markCell = 0;
  #markSpare = 0;
  #markWarnings = 0;
  #markRow = 0;

  constructor(context: SheetContext) {
    this.context = context;
    this.limits = context.limits;
  }

  /** Remembers the state at the start of a row. */
  mark(): void {
    this.#markPos = this.pos;
    this.#markCell = this.cell;
    this.#markSpare = this.spare;
    this.#markWarnings = this.warnings.length;
    this.#markRow = this.row;
  }

  /** Returns to the start of the row. */
  undo(): void {
    this.pos = this.#markPos;
    this.row = this.#markRow;
    this.undoCells();
  }

  /** Takes back the cells and warnings of the row. The position stays after them. */
  undoCells(): void {
    this.cell = this.#markCell;
    this.spare = this.#markSpare;
    this.warnings.length = this.#markWarnings;
  }

  /** True if the row has neither cells nor warnings. */
  get isBlank(): boolean {
    return this.cell === this.#markCell && this.warnings.length === this.#markWarnings;
  }

  beginRow(number: number, given: boolean): void {
    this.row = number;
    this.rowGiven = given;
    this.lastColumn = 0;
    this.width = 0;
    this.ordered = true;
    this.cellsOfRow = 0;
  }

  /** Takes the row number as written, from `begin` on, for the comparison with references. */
  setDigits(begin: number, count: number): void {
    this.digits = 0;
    const { bytes, view } = this.store;
    if (count > 7 || bytes[begin + count] !== QUOTE) return;
    this.digits = count;
    this.word0 = view.getInt32(begin, true);
    this.word1 = view.getInt32(begin + 4, true);
    this.mask0 = count >= 3 ? -1 : (1 << (8 * (count + 1))) - 1;
    this.mask1 = count < 4 ? 0 : count === 7 ? -1 : (1 << (8 * (count - 3))) - 1;
  }

  /** Adds a cell to the columns of the store. */
  addCell(column: number, type: CellType, flags: number, start: number, end: number): void {
    const { store, cell } = this;
    store.columns[cell] = column;
    store.types[cell] = type;
    store.flags[cell] = flags;
    store.starts[cell] = start;
    store.ends[cell] = end;
    this.cell = cell + 1;
  }

  /** Reserves bytes in the spare part, which stays aligned to words. */
  take(length: number): void {
    this.spare = (this.spare + length + 3) & ~3;
  }

  /**
   * Sorts the row's cells by column. If two are in the same column, the later one counts.
   */
  sortCells(): void {
    const first = this.#markCell;
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

  warn(message: string): void {
    this.warnings.push({ row: this.row, message });
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
}
