// The cell that a key leads to in a grid.

/** A cell, from 0. -1 is the heading of the rows (column) or of the columns (row). */
export interface Spot {
  readonly row: number;
  readonly column: number;
}

export interface Extent {
  readonly rows: number;
  readonly columns: number;
  /** The rows that a page has. */
  readonly page: number;
}

/**
 * @returns the cell that a key leads to; undefined if the key leads nowhere. It stays inside of the
 *   grid.
 */
export function moved(
  { row, column }: Spot,
  { key, ctrlKey, metaKey }: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey">,
  { rows, columns, page }: Extent,
): Spot | undefined {
  const far = ctrlKey || metaKey;
  const inside = (row: number, column: number): Spot => ({
    row: Math.max(-1, Math.min(rows - 1, row)),
    column: Math.max(-1, Math.min(columns - 1, column)),
  });
  switch (key) {
    case "ArrowUp":
      return inside(far ? Math.min(row, 0) : row - 1, column);
    case "ArrowDown":
      return inside(far ? rows : row + 1, column);
    case "ArrowLeft":
      return inside(row, far ? 0 : column - 1);
    case "ArrowRight":
      return inside(row, far ? columns : column + 1);
    case "Home":
      return inside(far ? 0 : row, 0);
    case "End":
      return inside(far ? rows : row, columns);
    case "PageUp":
      return inside(Math.max(Math.min(row, 0), row - page), column);
    case "PageDown":
      return inside(row + page, column);
    default:
      return undefined;
  }
}
