// Rows at the end of a sheet that are prepared, and not filled in: formulas and numbers that
// somebody has drawn down further than the records go. They are all the same, but for a number that
// they may begin with.
//
//   1 | Ada | 12 | 5 | 17
//   2 | Bob | 3  | 4 | 7
//   3 |     |    |   | 0      prepared
//   4 |     |    |   | 0
import type { RowBatch } from "@sluice/sheets";
import { isBlankCell } from "../chunk/blank.ts";

/** Rows at the end that are the same. */
export interface PreparedRows {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly count: number;
  /** The columns that they fill. */
  readonly columns: readonly number[];
}

/** Follows the rows of a sheet, batch by batch, and knows the last ones that are the same. */
export class LastRows {
  #found: PreparedRows | undefined;
  #content: string | undefined;

  add(batch: RowBatch): void {
    let row = batch.rowCount - 1;
    if (row < 0) return;
    const lastRow = batch.rowNumbers[row]!;
    const { columns, content } = contentOf(batch, row);
    while (row > 0 && contentOf(batch, row - 1).content === content) row--;
    const count = batch.rowCount - row;
    // The rows of this batch may continue those of the one before.
    const before = row === 0 && content === this.#content ? this.#found : undefined;
    this.#found = {
      firstRow: before?.firstRow ?? batch.rowNumbers[row]!,
      lastRow,
      count: count + (before?.count ?? 0),
      columns,
    };
    this.#content = content;
  }

  /** The last rows, if they are many, and each fills less than half of what records usually do. */
  prepared(usual: number): PreparedRows | undefined {
    const found = this.#found;
    return found && found.count >= MANY && found.columns.length > 0 && found.columns.length * 2 < usual ? found : undefined; // prettier-ignore
  }
}

/** Rows that are the same by intent. */
const MANY = 10;

/** What a row holds, in which columns, but for a number that it begins with. */
function contentOf(batch: RowBatch, row: number): { readonly columns: readonly number[]; readonly content: string } {
  const { firstCell, starts, ends, bytes } = batch;
  const columns: number[] = [];
  let content = "";
  for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++) {
    if (isBlankCell(batch, cell)) continue;
    const text = bytes.toString("latin1", starts[cell], ends[cell]);
    content += `${batch.columns[cell]} ${columns.length === 0 ? text.replace(/^\d+$/, "#") : text}\n`;
    columns.push(batch.columns[cell]!);
  }
  return { columns, content };
}
