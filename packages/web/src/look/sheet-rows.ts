// What each of the first rows of a sheet is, and what is wrong with it.
import type { GridRow, Reject, SheetPreview } from "../api/shapes.ts";

export type RowKind = "above" | "header" | "units" | "between" | "record" | "left-out";

export interface ShownRow extends GridRow {
  readonly kind: RowKind;
  readonly reject: Reject | undefined;
}

/** The first rows of a sheet, each with what it is taken for. */
export function shownRows(sheet: SheetPreview, grid: readonly GridRow[]): ShownRow[] {
  const rejects = new Map(sheet.rejects.first.map((reject) => [reject.row, reject]));
  const leftOut = new Set(sheet.leftOut.flatMap(({ rows }) => rows));
  return grid.map(({ row, cells }) => ({ row, cells, kind: kindOf(row, sheet, leftOut), reject: rejects.get(row) }));
}

function kindOf(row: number, sheet: SheetPreview, leftOut: ReadonlySet<number>): RowKind {
  if (sheet.headerRows.includes(row)) return "header";
  if (row === sheet.unitsRow) return "units";
  if (row < sheet.firstRow) return row < Math.max(0, ...sheet.headerRows) ? "above" : "between";
  return leftOut.has(row) ? "left-out" : "record";
}

/** `A` → 0, `AA` → 26 */
export function indexOf(letter: string): number {
  return [...letter].reduce((index, one) => index * 26 + one.charCodeAt(0) - 64, 0) - 1;
}

/** 0 → `A`, 26 → `AA` */
export function letterOf(index: number): string {
  const rest = Math.floor(index / 26);
  return (rest > 0 ? letterOf(rest - 1) : "") + String.fromCharCode(65 + (index % 26));
}
