// Columns that have no cell: a constant, the row's number, the title of its section, the address of
// a cell's link, or the result of a schema file's function of cells.
import { CellType, type RowBatch } from "@sluice/sheets";
import { usageError } from "../errors.ts";
import type { Check, Problem } from "../values/verdict.ts";
import type { LoadColumn, RecordBatch } from "./chunk.ts";

/** The text of such a column in a row, null for NULL, or what is wrong with it. */
export function madeText(
  { column, made }: LoadColumn,
  check: Check | undefined,
  batch: RecordBatch,
  row: number,
): string | null | Problem {
  if (made === undefined) return null;
  const value =
    "text" in made
      ? made.text
      : "row" in made
        ? String(batch.rowNumbers[row]!)
        : "section" in made
          ? (batch.sections?.get(batch.rowNumbers[row]!) ?? null)
          : "link" in made
            ? (batch.links?.at(batch.rowNumbers[row]!, made.link) ?? null)
            : computed(column, made.from, batch, row);
  if (value === null || value === "") return null;
  const bytes = Buffer.from(value);
  const verdict = check?.(bytes, 0, bytes.length, CellType.string);
  return verdict === undefined ? value : verdict;
}

/**
 * The result of a schema's `transform` for the texts of cells; without one, the texts themselves,
 * joined by blanks.
 */
function computed(
  { name, transform }: LoadColumn["column"],
  from: readonly number[],
  batch: RowBatch,
  row: number,
): string | null {
  const texts = from.map((column) => textAt(batch, row, column));
  if (!transform) return texts.filter((text) => text !== null).join(" ");
  let value: ReturnType<typeof transform>;
  try {
    value = transform(...texts);
  } catch (error) {
    throw usageError(
      "bad_schema",
      `the transform of column ${JSON.stringify(name)} failed in row ${batch.rowNumbers[row]!} on ${JSON.stringify(texts)}: ${(error as Error).message}. A transform returns null for what it cannot read; it does not throw.`,
    );
  }
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function textAt({ bytes, columns, firstCell, starts, ends }: RowBatch, row: number, column: number): string | null {
  for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++)
    if (columns[cell] === column && ends[cell]! > starts[cell]!)
      return bytes.toString("utf8", starts[cell], ends[cell]);
  return null;
}
