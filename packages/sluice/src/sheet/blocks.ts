// Blocks: the rows of a sheet between blank rows, and those of them that do not go with the others.
//
//   Well | 1   | 2   | 3
//   A    | 0.1 | 0.2 | 0.3     the first block is the table
//   B    | 0.1 | 0.2 | 0.4
//
//   Start | 10:00              a block between two others that fills little (isThin)
//
//   A    | yes | no  | yes     a block of texts over which the first one has values (contradicts)
//   B    | no  | no  | yes
//
// Groups of records are blocks too, and go together.
import { isMark } from "../values/marks.ts";
import { cellsByColumn, sortBelow } from "./evidence.ts";
import type { HeadRow } from "./head-rows.ts";
import { usualCells } from "./records.ts";
import { isTotalLabel } from "./totals.ts";

/** Rows of a block that does not go with the others. */
export interface OddBlock {
  readonly rows: readonly HeadRow[];
  /** The last row before it. */
  readonly before: HeadRow;
  /** The first row after it; undefined if it is the last block. */
  readonly after: HeadRow | undefined;
  /** A text of it in a column of values; undefined if the block fills too few columns. */
  readonly odd: { readonly column: number; readonly text: string } | undefined;
}

/** Rows of a table at least, before another block is compared with it. */
const LEAST_ROWS = 3;
const LEAST_TEXTS = 2;
/** The most cells of a row with a label, its value and a unit or a remark. */
const FEW_CELLS = 3;

/** The blocks that do not go with the first one, from the top. */
export function oddBlocks(records: readonly HeadRow[]): OddBlock[] {
  const blocks: HeadRow[][] = [];
  for (const [n, row] of records.entries()) {
    if (n === 0 || row.number > records[n - 1]!.number + 1) blocks.push([row]);
    else blocks.at(-1)!.push(row);
  }
  const [table, ...others] = blocks;
  if (!table || table.length < LEAST_ROWS) return [];
  const usual = usualCells(table.map(({ cells }) => cells.length));
  const sorts = new Map([...cellsByColumn(table)].map(([column, cells]) => [column, sortBelow(cells)]));
  return others.flatMap((rows, n) => {
    const after = others[n + 1]?.[0];
    const odd = contradicts(rows, sorts);
    if (!odd && !(after && isThin(rows, usual))) return [];
    return [{ rows, before: blocks[n]!.at(-1)!, after, odd }];
  });
}

/**
 * Whether no row of a block fills more than a few cells, or half of those that records usually
 * have. One line alone is a title, or a remark; a total is said as such.
 */
function isThin(rows: readonly HeadRow[], usual: number): boolean {
  if (rows.some(({ cells }) => isTotalLabel(cells[0]!.text))) return false;
  const areFew = rows.every(({ cells }) => cells.length <= FEW_CELLS && cells.length * 2 < usual);
  return areFew && rows.some(({ cells }) => cells.length > 1);
}

/** A text of a block that has texts, and no value, in the columns of values of the table. */
function contradicts(
  rows: readonly HeadRow[],
  sorts: ReadonlyMap<number, string | undefined>,
): { column: number; text: string } | undefined {
  const over = rows.flatMap(({ cells }) =>
    cells.filter(({ column, text }) => (sorts.get(column) ?? "text") !== "text" && !isMark(text)),
  );
  const texts = over.filter(({ sort }) => sort === "text");
  return texts.length >= LEAST_TEXTS && texts.length === over.length ? texts[0] : undefined;
}
