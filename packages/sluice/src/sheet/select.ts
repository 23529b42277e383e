// Parts of a batch: some of its rows, or some of its columns.
import type { RowBatch } from "@sluice/sheets";
import type { RecordBatch } from "../chunk/chunk.ts";

/**
 * The batch with the rows alone that `keep` takes, by their place in the batch; the batch itself if
 * it takes all of them.
 *
 * @param sections the titles that the rows get; `keep` may add to them
 */
export function selectRows(
  batch: RecordBatch,
  keep: (row: number) => boolean,
  sections?: RecordBatch["sections"],
): RecordBatch {
  const { rowCount, firstCell } = batch;
  let same = 0;
  while (same < rowCount && keep(same)) same++;
  if (same === rowCount && sections === undefined) return batch;
  const rows = Array.from({ length: same }, (_, row) => row);
  for (let row = same + 1; row < rowCount; row++) if (keep(row)) rows.push(row);
  const cells = rows.flatMap((row) =>
    Array.from({ length: firstCell[row + 1]! - firstCell[row]! }, (_, n) => firstCell[row]! + n),
  );
  return part(batch, rows, cells, sections);
}

/** The batch with the cells of the columns `first` to `last` alone. Columns keep their numbers. */
export function selectColumns(batch: RowBatch, first: number, last: number): RowBatch {
  const cells: number[] = [];
  for (let cell = 0; cell < batch.cellCount; cell++)
    if (batch.columns[cell]! >= first && batch.columns[cell]! <= last) cells.push(cell);
  const all = Array.from({ length: batch.rowCount }, (_, row) => row);
  const chosen = part(batch, all, cells);
  return { ...chosen, widths: batch.widths.map((width) => Math.min(width, last)), release: () => batch.release() };
}

/** @param rows and @param cells what stays, in the order of the batch */
function part(
  batch: RecordBatch,
  rows: readonly number[],
  cells: readonly number[],
  sections = batch.sections,
): RecordBatch {
  const { bytes, progress, warnings } = batch;
  const firstCell = new Int32Array(rows.length + 1);
  let next = 0;
  for (const [n, row] of rows.entries()) {
    while (next < cells.length && cells[next]! < batch.firstCell[row]!) next++;
    firstCell[n] = next;
    while (next < cells.length && cells[next]! < batch.firstCell[row + 1]!) next++;
    firstCell[n + 1] = next;
  }
  const pick = (from: Int32Array): Int32Array => Int32Array.from(cells, (cell) => from[cell]!);
  const { badRows, unended, shown, links, raised } = batch;
  return {
    sections,
    ...(badRows ? { badRows: new Set(rows.flatMap((row, n) => (badRows.has(row) ? [n] : []))) } : {}),
    ...(unended === undefined ? {} : { unended: unended && rows.at(-1) === batch.rowCount - 1 }),
    shown,
    links,
    raised,
    rowCount: rows.length,
    cellCount: cells.length,
    bytes,
    rowNumbers: Int32Array.from(rows, (row) => batch.rowNumbers[row]!),
    widths: Int32Array.from(rows, (row) => batch.widths[row]!),
    firstCell,
    columns: pick(batch.columns),
    types: Uint8Array.from(cells, (cell) => batch.types[cell]!),
    flags: Uint8Array.from(cells, (cell) => batch.flags[cell]!),
    starts: pick(batch.starts),
    ends: pick(batch.ends),
    progress,
    warnings,
    release: () => batch.release(),
  };
}
