// A row that did not go in, and why.

/**
 * A cell as the sheet holds it: null if it is empty, text as such, anything else with its type
 * (number, boolean, error, date, duration "t") and the text that stands for it in the file.
 */
export type RejectCell = null | string | readonly [type: "n" | "b" | "e" | "d" | "t", text: string];

/** @param type a value of CellType */
export function rejectCell(text: string, type: number): RejectCell {
  const letter = LETTERS[type];
  return letter === undefined ? text : [letter, text];
}

/**
 * A text, or a JSON, in characters that every database has: `日` → `\u65e5`. A JSON means the same
 * then; {@link fromAscii} finds a reject's value again.
 */
export function inAscii(text: string): string {
  return text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A reject's value as its cells hold it, if it was written by {@link inAscii}. */
export function fromAscii(value: string, cells: readonly RejectCell[]): string {
  if (!value.includes("\\u")) return value;
  const texts = cells.map((cell) => (typeof cell === "string" ? cell : cell?.[1]));
  return texts.find((text) => text !== undefined && inAscii(text) === value) ?? value;
}

/** The letters by CellType; text has no letter. */
const LETTERS = ["n", undefined, "b", "e", "d", "t"] as const;

/**
 * The codes for rows that we reject before the database sees them; docs/rejects.md explains each.
 * The database's own are in database/row-fault.ts.
 */
export const REJECT_CODES = [
  "failed_check",
  "invalid_array",
  "invalid_boolean",
  "invalid_date",
  "invalid_email",
  "invalid_encoding",
  "invalid_interval",
  "invalid_json",
  "invalid_number",
  "invalid_time",
  "invalid_timestamp",
  "invalid_uuid",
  "missing_header",
  "missing_value",
  "no_such_row",
  "nul_character",
  "out_of_range",
  "too_few_columns",
  "too_long",
  "too_many_columns",
  "too_many_digits",
] as const;

export type RejectCode = (typeof REJECT_CODES)[number];

/** The most rejects that an import's result holds; all of them go to `onRejects`. */
export const REJECTS_KEPT = 100;
/** The most characters that these rejects hold in all. */
const CHARACTERS_KEPT = 4 * 1024 ** 2;
/** The size of a reject besides its texts. */
const REJECT_CHARACTERS = 100;
const CELL_CHARACTERS = 8;

/** A rejected row. It is listed once, with the first fault in the order of the columns. */
export interface Reject {
  /** The workbook's name, as it was given. */
  readonly file: string;
  readonly sheet: string;
  /** The row's number as Excel shows it, from 1. */
  readonly row: number;
  /** The column's header in the sheet, if one column is at fault. */
  readonly column: string | undefined;
  /** The text of the cell at fault; undefined if it is empty or no single cell is at fault. */
  readonly value: string | undefined;
  /**
   * Stable: one of {@link REJECT_CODES}, or the name of PostgreSQL's condition if the database
   * refused the row.
   */
  readonly code: string;
  readonly reason: string;
  /** The whole row, from column A to the last cell. */
  readonly cells: readonly RejectCell[];
}

/** The size of a reject, in characters. */
function charactersOf({ value, reason, cells }: Reject): number {
  let length = REJECT_CHARACTERS + (value?.length ?? 0) + reason.length + CELL_CHARACTERS * cells.length;
  for (const cell of cells) if (cell !== null) length += typeof cell === "string" ? cell.length : cell[1].length;
  return length;
}

/** The first rejects of an import: what its result holds of them. */
export class FirstRejects {
  readonly list: Reject[] = [];
  #room = CHARACTERS_KEPT;

  /** True if no more go in. */
  get full(): boolean {
    return this.list.length === REJECTS_KEPT || this.#room < 0;
  }

  /** Takes the next ones, as far as there is room. */
  add(rejects: readonly Reject[]): void {
    for (const reject of rejects) {
      if (this.full) return;
      this.#room -= charactersOf(reject);
      if (this.#room >= 0) this.list.push(reject);
    }
  }

  /** The note for rejects whose long texts leave no room for a hundred of them. */
  notes(): string[] {
    if (this.#room >= 0) return [];
    const how =
      this.list.length === 0 ? "none of the rejects is" : `only the first ${this.list.length} of the rejects are`;
    return [`${how} listed in this result, because their cells are long; a reject file has all of them`];
  }
}

/**
 * The columns of a reject file that say what is wrong; the sheet's own columns follow to their
 * right.
 */
export const REJECT_COLUMNS = ["file", "sheet", "row", "column", "value", "code", "reason"] as const;
