// The columns of a sheet that have links, for `--links` and for the note without it.
import type { SheetView } from "../rejects/as-source.ts";

/**
 * Cells with links, by their columns (from 1); without columns if only their existence is known.
 */
export interface Linked {
  readonly columns: ReadonlyMap<number, number>;
  readonly any: boolean;
}

export const NOT_LINKED: Linked = { columns: new Map(), any: false };

/** The most bytes of a sheet that is read once more only to tell of its links. */
const SMALL_SHEET = 4 * 1024 ** 2;

/**
 * Looks for links in the rows from `firstRow` on.
 *
 * @param whole reads all of the sheet. Otherwise only a small sheet is read, and for a larger one
 *   the result says only whether it has links.
 */
export async function findLinks(sheet: SheetView, firstRow: number, whole: boolean): Promise<Linked> {
  if (sheet.delimiter !== undefined || (await sheet.isRejectFile())) return NOT_LINKED;
  if (!whole && sheet.size > SMALL_SHEET) return { columns: new Map(), any: await sheet.hasLinks() };
  if (!whole && !(await sheet.mentionsLinks())) return NOT_LINKED;
  const columns = new Map<number, number>();
  for await (const batch of sheet.batches({ from: firstRow, links: true })) {
    const rows = new Set(batch.rowNumbers);
    for (const [row, column] of batch.links?.entries() ?? [])
      if (rows.has(row)) columns.set(column, (columns.get(column) ?? 0) + 1);
    batch.release();
  }
  return { columns, any: columns.size > 0 };
}

/** The links of several sheets that go into one table. */
export function joined(all: readonly Linked[]): Linked {
  const columns = new Map<number, number>();
  for (const linked of all)
    for (const [column, count] of linked.columns) columns.set(column, (columns.get(column) ?? 0) + count);
  return { columns, any: all.some(({ any }) => any) };
}
