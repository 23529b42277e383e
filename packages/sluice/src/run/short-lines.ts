// Lines of a text that end before the last column. Such a line is damaged as often as it is short,
// so they are counted and named.
import type { RowBatch } from "@sluice/sheets";
import { grouped } from "../grouped.ts";
import type { Plan } from "../plan/plan.ts";
import type { Source } from "../sheet/source.ts";

/** Lines that a note names. */
const NAMED = 10;

/** A source that is looked at on its way. */
export class ShortLines implements Pick<Source, "next"> {
  readonly #source: Pick<Source, "next">;
  /**
   * The last column that is loaded or left out on purpose, and whether rows that end before it are
   * rejected anyway.
   */
  readonly #last: number;
  readonly #rejected: boolean;
  readonly #first: number[] = [];
  #count = 0;
  /** Fields of the last two rows. */
  #widths: readonly [before: number, last: number] = [0, 0];
  #cutOff: string[] = [];

  constructor(source: Pick<Source, "next">, { headers, width }: Pick<Plan, "headers" | "width">) {
    this.#source = source;
    this.#last = Math.max(...headers.map(({ sheetColumn }) => sheetColumn));
    this.#rejected = width === "exact";
  }

  async next(): Promise<RowBatch | undefined> {
    const batch = await this.#source.next();
    if (batch) this.#look(batch);
    return batch;
  }

  notes(): string[] {
    if (this.#count === 0) return this.#cutOff;
    const rows = this.#first.map((row) => grouped(row));
    const more = this.#count > rows.length ? ` and ${grouped(this.#count - rows.length)} more` : "";
    const list =
      more === "" && rows.length > 1 ? `${rows.slice(0, -1).join(", ")} and ${rows.at(-1)!}` : rows.join(", ") + more;
    return [
      `${grouped(this.#count)} ${this.#count === 1 ? "row" : "rows"} ended before the last column: ${list}; what is missing there is NULL`,
      ...this.#cutOff,
    ];
  }

  #look({ rowCount, firstCell, widths, rowNumbers, unended }: RowBatch): void {
    for (let row = 0; row < rowCount; row++) {
      this.#widths = [this.#widths[1], widths[row]!];
      if (this.#rejected || widths[row]! >= this.#last || firstCell[row] === firstCell[row + 1]) continue;
      this.#count++;
      if (this.#first.length < NAMED) this.#first.push(rowNumbers[row]!);
    }
    const [before, last] = this.#widths;
    if (unended !== true || last >= before) return;
    this.#cutOff = [
      `row ${rowNumbers[rowCount - 1]!} is the last one, has no line end and ${last} of the ${before} fields of the row above: the text may be cut off there`,
    ];
  }
}
