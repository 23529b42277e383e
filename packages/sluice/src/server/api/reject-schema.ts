// The shapes of rejected rows: a page of them, and their repair.
//
// A cell is written in the fewest signs that keep its type, here of a row with five cells:
//
//   [null, "a text", ["n", "1.5"], ["d", "2024-05-01T00:00:00.000"], ["b", "true"]]
//
// Numbers are texts, because JSON numbers would lose digits. A client may still send a plain number
// or a boolean (NewCell).
import type { RejectCell } from "../../reject.ts";
import type { Import } from "../jobs/import.ts";
import { list, named, object, oneOf, orNull, ref, says, text, whole, type Schema } from "./schema.ts";

/** A rejected row, as the service shows it. */
export interface RejectedRow {
  readonly row: number;
  readonly column: string | null;
  readonly value: string | null;
  readonly code: string;
  readonly reason: string;
  readonly cells: readonly RejectCell[];
}

/** A page of the open rejects of an import. */
export interface RejectList {
  readonly rejects: readonly RejectedRow[];
  readonly headers: readonly (string | null)[];
  readonly total: number;
}

/** A cell as a client writes it. */
export type NewCell = RejectCell | number | boolean;

/** Repaired rows. */
export interface Repair {
  readonly rows: readonly {
    readonly row: number;
    readonly cells: readonly NewCell[] | Readonly<Record<string, NewCell>>;
  }[];
}

/** The result of a repair. */
export interface Repaired {
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly rejects: readonly RejectedRow[];
  readonly settled: readonly number[];
  readonly import: Import;
}

/** The most rows of one repair. */
export const MOST_REPAIRED = 1000;
/** A cell of a repair: a value of JSON, or a cell with its type. */
const NEW_CELL: Schema = { anyOf: [{ type: ["null", "string", "number", "boolean"] }, ref("Cell")] };

/** The largest number that the ledger has for a row. */
const INTEGER = 2_147_483_647;

export const REJECT_SCHEMAS: readonly Schema[] = [
  named("Cell", {
    description: "A cell as the sheet holds it: null if it is empty, a text as such, anything else with its type.",
    anyOf: [
      { type: "null" },
      text,
      {
        type: "array",
        prefixItems: [oneOf("n", "b", "e", "d", "t"), text],
        minItems: 2,
        maxItems: 2,
        items: false,
        description: "A number, boolean, error, date or duration, with its text.",
      },
    ],
  }),
  named(
    "Reject",
    object({
      row: says(whole, "As Excel shows it, from 1."),
      column: orNull(says(text, "The header of the column at fault.")),
      value: orNull(says(text, "The text of the cell at fault.")),
      code: says(text, "One of docs/rejects.md, or the name of PostgreSQL's condition."),
      reason: text,
      cells: list(ref("Cell"), { description: "The whole row, from column A on." }),
    }),
  ),
  named(
    "RejectList",
    object({
      rejects: list(ref("Reject")),
      headers: list(orNull(text), {
        description: "The sheet's header from column A on; null where a column has none.",
      }),
      total: says(whole, "All open rejects of the import."),
    }),
  ),
  named(
    "Repair",
    object({
      rows: list(
        object({
          row: { type: "integer", minimum: 1, maximum: INTEGER, description: "The number of an open reject's row." },
          cells: {
            anyOf: [
              list(NEW_CELL, { description: "The whole row, from column A on." }),
              {
                type: "object",
                additionalProperties: NEW_CELL,
                description: "New cells by their header; the others stay.",
              },
            ],
          },
        }),
        { minItems: 1, maxItems: MOST_REPAIRED },
      ),
    }),
  ),
  named(
    "Repaired",
    object({
      inserted: whole,
      updated: whole,
      skipped: whole,
      rejected: says(whole, "Rows that are refused still."),
      rejects: list(ref("Reject"), { description: "Those rows, with their new cells and the reason of today." }),
      settled: list(whole, {
        description:
          "Rows that are no open rejects of this import: they were repaired before, or never rejected. Nothing of them went in.",
      }),
      import: ref("Import"),
    }),
  ),
];
