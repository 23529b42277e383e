// Cells of blanks: they are empty, and a row that holds nothing else is not a record.
import { CellType, type RowBatch } from "@sluice/sheets";

const SPACE = 0x20;
/** The no-break space: C2 A0. */
const NO_BREAK = 0xc2a0;
/** The spaces from U+2000 on: E2 80, and E2 81. */
const WIDE = 0xe280;
/** The ideographic space: E3 80. Kana begin with E3 too. */
const IDEOGRAPHIC = 0xe380;

/** 1 for each byte that a text of blanks may begin with. It spares most cells a call. */
export const BLANK_BEGINNINGS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte <= SPACE || [NO_BREAK, WIDE, IDEOGRAPHIC].some((two) => two >> 8 === byte) ? 1 : 0,
);

/** Reports whether a text that begins here may consist of blanks only. */
export function mayBeBlank(bytes: Buffer, at: number): boolean {
  const byte = bytes[at]!;
  if (byte <= SPACE) return true;
  if (byte < 0xc2 || byte > 0xe3) return false;
  const two = (byte << 8) | bytes[at + 1]!;
  return two === NO_BREAK || two === WIDE || two === WIDE + 1 || two === IDEOGRAPHIC;
}

/** Reports whether a cell holds a text of blanks, or nothing. */
export function isBlankCell({ bytes, types, starts, ends }: RowBatch, cell: number): boolean {
  const start = starts[cell]!;
  const end = ends[cell]!;
  if (start === end) return true;
  if (BLANK_BEGINNINGS[bytes[start]!] === 0 || types[cell] !== CellType.string) return false;
  if (!mayBeBlank(bytes, start) || bytes[start] === 0) return false;
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
