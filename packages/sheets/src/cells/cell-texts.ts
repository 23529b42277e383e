// Texts that belong to single cells, in addition to their values: the text that a cell shows, or
// the address of its link.

/** More than the number of columns that a sheet can have. */
const COLUMNS = 2 ** 15;

/** A text for each of some cells. Rows and columns are counted from 1. */
export class CellTexts {
  readonly #texts = new Map<number, string>();

  get size(): number {
    return this.#texts.size;
  }

  at(row: number, column: number): string | undefined {
    return this.#texts.get(row * COLUMNS + column);
  }

  set(row: number, column: number, text: string): void {
    this.#texts.set(row * COLUMNS + column, text);
  }

  *entries(): Generator<readonly [row: number, column: number, text: string], void, undefined> {
    for (const [key, text] of this.#texts) yield [Math.floor(key / COLUMNS), key % COLUMNS, text];
  }
}
