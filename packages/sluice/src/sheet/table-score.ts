// A score: the likeness of a sheet's top to a table.
import type { HeadRow } from "./head-rows.ts";
import type { Layout } from "./header-row.ts";

/** Below this a sheet is hardly a table. */
export const HARDLY = 0.25;
/** Cells from which on size says nothing more. */
const ENOUGH_CELLS = 60;
/** Characters from which on a text is prose. */
const PROSE = 80;

/**
 * The likeness of rows to the records of a table, from 0 to 1, and the facts that speak against it.
 */
export function scoreOf(
  records: readonly HeadRow[],
  { headers }: Layout,
): { score: number; doubt: string | undefined } {
  const columns = new Map<number, number>();
  const typed = new Map<number, number>();
  let [cells, prose] = [0, 0];
  for (const row of records) {
    for (const { column, sort, text } of row.cells) {
      cells++;
      if (text.length > PROSE) prose++;
      columns.set(column, (columns.get(column) ?? 0) + 1);
      if (sort !== "text") typed.set(column, (typed.get(column) ?? 0) + 1);
    }
  }
  const usual = [...columns].filter(([, count]) => count * 2 >= records.length).map(([column]) => column);
  const width = columns.size;
  const fill = cells / (records.length * width);
  const values = usual.filter((column) => typed.get(column)! * 2 > columns.get(column)!).length;
  const names = usual.filter((column) => headers.some(({ sheetColumn }) => sheetColumn === column)).length;
  const named = usual.length === 0 ? 0 : names / usual.length;
  const shape = usual.length > 3 ? 1 : [0.2, 0.4, 0.7, 0.9][usual.length]!;
  const size = Math.min(1, Math.log2(1 + cells) / Math.log2(1 + ENOUGH_CELLS));
  const score = size * shape * (0.3 + 0.3 * Math.min(1, values) + 0.2 * named + 0.2 * fill) * (1 - prose / cells);
  return { score, doubt: doubtOf(score, usual.length, fill, prose / cells) };
}

function doubtOf(score: number, usual: number, fill: number, prose: number): string | undefined {
  if (prose > 1 / 3) return "most of it is prose";
  if (usual === 0 || (usual < 2 && fill < 0.5)) return "no two columns are filled in most rows";
  if (score < HARDLY && fill < 0.4) return `${Math.round(fill * 100)} % of its cells are filled`;
  return undefined;
}
