// The first rows of a sheet as they are, for somebody who looks for its header, and how many rows
// there are. Bounded in rows, columns and characters.
import type { Sheet } from "@sluice/sheets";
import type { Grid } from "./preview-schema.ts";

/**
 * Columns and characters of a cell that are shown. Rows: of a sheet that would be imported, and of
 * another one.
 */
export const GRID = { rows: 200, otherRows: 50, columns: 200, characters: 200 } as const;

/** The first rows of a sheet, and the number of its rows. */
export interface SheetLook {
  readonly grid: Grid;
  /** Rows that hold something, as far as they were counted. */
  readonly rows: number;
  /** True if there may be more of them. */
  readonly more: boolean;
}

/**
 * Reads the first rows of a sheet, and counts on; blank rows are not listed.
 * @param shown rows at most
 * @param counted rows at most
 */
export async function lookAt(sheet: Pick<Sheet, "batches">, shown: number, counted: number): Promise<SheetLook> {
  const grid: Grid[number][] = [];
  let rows = 0;
  let last = 0;
  for await (const batch of sheet.batches({ to: Math.max(shown, counted) })) {
    const { bytes, firstCell, columns, starts, ends, rowNumbers } = batch;
    for (let row = 0; row < batch.rowCount; row++) {
      last = rowNumbers[row]!;
      if (firstCell[row + 1]! > firstCell[row]!) rows++;
      if (grid.length >= shown || last > shown) continue;
      const cells: (string | null)[] = [];
      for (let cell = firstCell[row]!; cell < firstCell[row + 1]! && columns[cell]! <= GRID.columns; cell++) {
        while (cells.length < columns[cell]! - 1) cells.push(null);
        cells.push(cut(bytes.toString("utf8", starts[cell], ends[cell])));
      }
      if (cells.length > 0) grid.push({ row: last, cells });
    }
    batch.release();
  }
  return { grid, rows, more: last >= Math.max(shown, counted) };
}

function cut(text: string): string {
  const shown = text.replace("T00:00:00.000", "");
  return shown.length > GRID.characters ? `${shown.slice(0, GRID.characters)}…` : shown;
}
