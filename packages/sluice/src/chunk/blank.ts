// Cells of blanks: they are empty, and a row that holds nothing else is not a record.
import { CellType, type RowBatch } from "@sluice/sheets";

const SPACE = 0x20;
/** The first byte of a no-break space, and of the spaces from U+2000 on. */
const NO_BREAK = 0xc2;
const WIDE = 0xe2;
const IDEOGRAPHIC = 0xe3;

/** Reports whether a text that begins with this byte may consist of blanks only. */
export function mayBeBlank(byte: number): boolean {
  return byte <= SPACE || byte === NO_BREAK || byte === WIDE || byte === IDEOGRAPHIC;
}

/** Reports whether a cell holds a text of blanks, or nothing. */
export function isBlankCell({ bytes, types, starts, ends }: RowBatch, cell: number): boolean {
  const [start, end] = [starts[cell]!, ends[cell]!];
  if (start === end) return true;
  if (types[cell] !== CellType.string || !mayBeBlank(bytes[start]!) || bytes[start] === 0) return false;
  for (let at = start; at < end; at++) {
    if (bytes[at] === SPACE) continue;
    return bytes.toString("utf8", at, end).trim() === "";
  }
  return true;
}

/** Reports whether a row holds only such cells. */
export function isBlankRow(batch: RowBatch, row: number): boolean {
  for (let cell = batch.firstCell[row]!; cell < batch.firstCell[row + 1]!; cell++)
    if (!isBlankCell(batch, cell)) return false;
  return true;
}
