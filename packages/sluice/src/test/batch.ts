// Batches for tests, without a workbook around them.
import { CellType, PLAIN, type RowBatch } from "@sluice/sheets";

/**
 * A Date is a date cell; `{ error }` an error cell, `{ duration }` a duration; null or "" no value.
 */
export type BatchCell =
  | string
  | number
  | boolean
  | Date
  | null
  | { readonly error: string }
  | { readonly duration: string };

/** Row n of the array is row `firstRow + n` of the sheet. */
export function batchOfRows(rows: readonly (readonly BatchCell[])[], firstRow = 1): RowBatch {
  const filled = rows
    .map((cells, n) => ({
      number: firstRow + n,
      width: cells.length,
      cells: cells.map((cell, c) => ({ column: c + 1, cell })),
    }))
    .map((row) => ({ ...row, cells: row.cells.filter(({ cell }) => cell !== null && cell !== "") }))
    .filter((row) => row.cells.length > 0);
  const cells = filled.flatMap((row) => row.cells);
  const texts = cells.map(({ cell }) => Buffer.from(textOf(cell)));
  const ends: number[] = [];
  for (const text of texts) ends.push((ends.at(-1) ?? 0) + text.length);
  const firstCell = [0];
  for (const row of filled) firstCell.push(firstCell.at(-1)! + row.cells.length);
  return {
    rowCount: filled.length,
    cellCount: cells.length,
    bytes: Buffer.concat(texts),
    rowNumbers: Int32Array.from(filled, (row) => row.number),
    widths: Int32Array.from(filled, (row) => row.width),
    firstCell: Int32Array.from(firstCell),
    columns: Int32Array.from(cells, ({ column }) => column),
    types: Uint8Array.from(cells, ({ cell }) => typeOf(cell)),
    flags: Uint8Array.from(texts, (text) =>
      text.some((byte) => byte < 0x20 || [0x22, 0x5c, 0x7f].includes(byte)) ? 0 : PLAIN,
    ),
    starts: Int32Array.from(ends, (end, i) => end - texts[i]!.length),
    ends: Int32Array.from(ends),
    progress: 1,
    warnings: [],
    release: () => undefined,
  };
}

function textOf(cell: BatchCell): string {
  if (cell instanceof Date) return cell.toISOString().slice(0, -1);
  if (typeof cell !== "object" || cell === null) return String(cell);
  return "error" in cell ? cell.error : cell.duration;
}

function typeOf(cell: BatchCell): CellType {
  if (typeof cell === "number") return CellType.number;
  if (typeof cell === "boolean") return CellType.boolean;
  if (cell instanceof Date) return CellType.date;
  if (typeof cell !== "object" || cell === null) return CellType.string;
  return "error" in cell ? CellType.error : CellType.duration;
}
