// Cells that are merged downwards: a group's label is in the first row of the group, and
// `--fill-merged` puts it into the others.
//
// Only downwards: a cell that is merged across is a title, or a group over columns. The header is
// found without this.
import { CellTexts, SheetError, type CellType, type MergedRange, type RowBatch } from "@sluice/sheets";

/**
 * The most that filled cells weigh, in the sheet so far and in each batch: a multiple of the weight
 * of the rows' own cells, and a number of bytes besides. A range of a few bytes may be as long as
 * the sheet, and a sheet has 16,384 columns.
 */
const MOST_FILLED_TIMES = 8;
const MOST_FILLED_BESIDES = 64 * 1024 ** 2;
/** The weight of a cell besides its bytes. */
const CELL_BYTES = 32;

/** Rows of one column that show the value of the first of them. */
export interface MergedDown {
  readonly column: number;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** The ranges that are merged downwards among the records. */
export function mergedDown(ranges: readonly MergedRange[], firstRecord: number): MergedDown[] {
  return ranges
    .filter(({ firstRow, lastRow }) => firstRow >= firstRecord && lastRow > firstRow)
    .map(({ firstColumn, firstRow, lastRow }) => ({ column: firstColumn, firstRow, lastRow }))
    .sort((a, b) => a.firstRow - b.firstRow || a.column - b.column);
}

interface Value {
  readonly bytes: Buffer;
  readonly type: CellType;
  readonly flags: number;
  /** The text that the first cell shows, and the address of its link. */
  readonly shown: string | undefined;
  readonly link: string | undefined;
}

/** A range that has begun, and its value. */
interface Begun {
  readonly range: MergedDown;
  readonly value: Value;
}

/** Puts the first value of merged cells into the rows below it, batch by batch. */
export class MergedFill {
  readonly #ranges: readonly MergedDown[];
  /** Ranges before this one have begun. */
  #next = 0;
  /**
   * The ranges that have not ended and have a value, by their columns. If several overlap in one,
   * which no honest file has, the one that begins later has the cells. So the work is by the cells
   * that are filled, not by the ranges.
   */
  readonly #begun = new Map<number, Begun>();
  readonly #all = new Weights();

  constructor(ranges: readonly MergedDown[]) {
    this.#ranges = ranges;
  }

  fill(batch: RowBatch): RowBatch {
    if (this.#next === this.#ranges.length && this.#begun.size === 0) return batch;
    const added = new Map<number, readonly Added[]>();
    const here = new Weights();
    for (let row = 0; row < batch.rowCount; row++) {
      const cells = this.#row(batch, row, here);
      if (cells.length > 0) added.set(row, cells);
      if (here.tooMuch() || this.#all.tooMuch()) throw tooMuchFilled(batch.rowNumbers[row]!);
    }
    return added.size === 0 ? batch : withCells(batch, added);
  }

  /** The cells that a row gets. */
  #row(batch: RowBatch, row: number, here: Weights): Added[] {
    const number = batch.rowNumbers[row]!;
    const own = filledCells(batch, row);
    for (const cell of own.values())
      for (const weights of [here, this.#all]) weights.own += CELL_BYTES + batch.ends[cell]! - batch.starts[cell]!;
    for (; this.#next < this.#ranges.length && this.#ranges[this.#next]!.firstRow <= number; this.#next++) {
      const range = this.#ranges[this.#next]!;
      const cell = range.firstRow === number ? own.get(range.column) : undefined;
      if (cell === undefined) continue;
      const before = this.#begun.get(range.column);
      if (before?.range.firstRow !== number)
        this.#begun.set(range.column, { range, value: valueAt(batch, cell, number) });
      else if (before.range.lastRow < range.lastRow) this.#begun.set(range.column, { range, value: before.value });
    }
    const cells: Added[] = [];
    for (const [column, { range, value }] of this.#begun) {
      if (range.lastRow < number) this.#begun.delete(column);
      else if (!own.has(column)) cells.push({ column, value });
    }
    for (const { value } of cells)
      for (const weights of [here, this.#all]) weights.filled += CELL_BYTES + value.bytes.length;
    return cells.sort((a, b) => a.column - b.column);
  }
}

/** A cell that a row gets. */
interface Added {
  readonly column: number;
  readonly value: Value;
}

/** The weight of the rows' own cells, and of the cells that they get. */
class Weights {
  own = 0;
  filled = 0;

  tooMuch(): boolean {
    return this.filled > MOST_FILLED_TIMES * this.own + MOST_FILLED_BESIDES;
  }
}

function tooMuchFilled(row: number): SheetError {
  return new SheetError(
    "limit",
    `Row ${row}: merged cells would give the rows up to here more than ${MOST_FILLED_TIMES} times what they hold themselves. ` +
      `Take the merging off in the sheet, or leave --fill-merged out.`,
  );
}

/** The cells of a row that hold something, by their columns. */
function filledCells({ firstCell, columns, starts, ends }: RowBatch, row: number): ReadonlyMap<number, number> {
  const cells = new Map<number, number>();
  for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++)
    if (starts[cell] !== ends[cell]) cells.set(columns[cell]!, cell);
  return cells;
}

/** A copy: the batch is given back before the last row is filled. */
function valueAt(
  { bytes, columns, starts, ends, types, flags, shown, links }: RowBatch,
  cell: number,
  row: number,
): Value {
  return {
    shown: shown?.at(row, columns[cell]!),
    link: links?.at(row, columns[cell]!),
    bytes: Buffer.from(bytes.subarray(starts[cell], ends[cell])),
    type: types[cell] as CellType,
    flags: flags[cell]!,
  };
}

function copyOf(texts: CellTexts | undefined): CellTexts {
  const copy = new CellTexts();
  for (const [row, column, text] of texts?.entries() ?? []) copy.set(row, column, text);
  return copy;
}

function withCells(batch: RowBatch, added: ReadonlyMap<number, readonly Added[]>): RowBatch {
  const { rowCount, firstCell } = batch;
  const { bytes, placeOf } = withValues(batch.bytes, added);
  const shown = copyOf(batch.shown);
  const links = copyOf(batch.links);
  let most = batch.cellCount;
  for (const cells of added.values()) most += cells.length;
  const [columns, starts, ends, first] = [most, most, most, rowCount + 1].map((length) => new Int32Array(length)) as [Int32Array, Int32Array, Int32Array, Int32Array]; // prettier-ignore
  const types = new Uint8Array(most);
  const flags = new Uint8Array(most);
  let count = 0;
  const put = (column: number, start: number, end: number, type: number, flag: number): void => {
    [columns[count], starts[count], ends[count], types[count], flags[count]] = [column, start, end, type, flag];
    count++;
  };
  for (let row = 0; row < rowCount; row++) {
    const gets = added.get(row) ?? [];
    const number = batch.rowNumbers[row]!;
    let next = 0;
    // Puts the added cells before a column, since the cells of a row are in the order of columns.
    const fillBefore = (before: number): void => {
      for (; next < gets.length && gets[next]!.column < before; next++) {
        const { column, value } = gets[next]!;
        if (value.shown !== undefined) shown.set(number, column, value.shown);
        if (value.link !== undefined) links.set(number, column, value.link);
        const start = placeOf.get(value)!;
        put(column, start, start + value.bytes.length, value.type, value.flags);
      }
    };
    for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++) {
      if (batch.starts[cell] === batch.ends[cell]) continue;
      fillBefore(batch.columns[cell]!);
      put(batch.columns[cell]!, batch.starts[cell]!, batch.ends[cell]!, batch.types[cell]!, batch.flags[cell]!);
    }
    fillBefore(Number.POSITIVE_INFINITY);
    first[row + 1] = count;
  }
  return {
    rowCount,
    cellCount: count,
    bytes,
    rowNumbers: batch.rowNumbers,
    widths: batch.widths,
    firstCell: first,
    columns: columns.subarray(0, count),
    types: types.subarray(0, count),
    flags: flags.subarray(0, count),
    starts: starts.subarray(0, count),
    ends: ends.subarray(0, count),
    progress: batch.progress,
    warnings: batch.warnings,
    badRows: batch.badRows,
    ...(batch.unended === undefined ? {} : { unended: batch.unended }),
    shown,
    links,
    release: () => batch.release(),
  };
}

/** The bytes of a batch and of the values that its rows get, each once, and the places of these. */
function withValues(
  own: Buffer,
  added: ReadonlyMap<number, readonly Added[]>,
): { readonly bytes: Buffer; readonly placeOf: ReadonlyMap<Value, number> } {
  const placeOf = new Map<Value, number>();
  let at = own.length;
  for (const cells of added.values()) {
    for (const { value } of cells) {
      if (placeOf.has(value)) continue;
      placeOf.set(value, at);
      at += value.bytes.length;
    }
  }
  return { bytes: Buffer.concat([own, ...[...placeOf.keys()].map((value) => value.bytes)]), placeOf };
}
