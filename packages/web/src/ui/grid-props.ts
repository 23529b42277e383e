// What a grid shows, and what it tells its owner.
import type { ComponentChildren } from "preact";
import type { Spot } from "./grid-keys.ts";

export interface GridColumn {
  readonly key: string;
  /** In pixels. */
  readonly width: number;
  /** The content of the header cell. */
  readonly head: ComponentChildren;
  readonly selected?: boolean;
  /** True if the column's cells cannot be changed. */
  readonly readOnly?: boolean;
}

export interface GridCell {
  readonly text: string | null;
  readonly className?: string;
  /** The fault of the cell. Screen readers read it with the cell. */
  readonly problem?: string | undefined;
}

export interface GridRow {
  readonly label: ComponentChildren;
  readonly className?: string;
}

export interface GridProps {
  readonly label: string;
  readonly columns: readonly GridColumn[];
  readonly rowCount: number;
  readonly row: (row: number) => GridRow;
  readonly cell: (row: number, column: number) => GridCell;
  /** In pixels. */
  readonly headHeight: number;
  /** The cell that has the focus; -1 is the heading of the row or the column. */
  readonly onSpot?: (spot: Spot) => void;
  readonly onRowHead?: (row: number) => void;
  readonly onColumnHead?: (column: number) => void;
  readonly onEdit?: (row: number, column: number, text: string) => void;
  /** Moves the focus to a cell, whenever the object is another one. */
  readonly goTo?: Spot | undefined;
}
