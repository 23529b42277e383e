// `--range`: the part of a sheet that is looked at, written as spreadsheets write it.
import { usageError } from "../errors.ts";
import type { SheetView } from "../rejects/as-source.ts";
import { selectColumns } from "./select.ts";

/** Rows and columns from 1, both ends included; an end that is not stated is infinite. */
export interface SheetRange {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly firstColumn: number;
  readonly lastColumn: number;
}

const END = Number.POSITIVE_INFINITY;

/**
 * `B2:K99`, `B2:K` (down to the last row), `B:K` (columns), `2:99` (rows), with or without `$`.
 *
 * @throws SluiceError (`bad_range`) for anything else
 */
export function parseRange(text: string): SheetRange {
  const [, a = "", from = "", b = "", to = ""] =
    /^\$?([A-Z]{0,3})\$?(\d{0,7}):\$?([A-Z]{0,3})\$?(\d{0,7})$/i.exec(text.trim()) ?? [];
  const range = {
    firstRow: from === "" ? 1 : Number(from),
    lastRow: to === "" ? END : Number(to),
    firstColumn: a === "" ? 1 : columnNumber(a),
    lastColumn: b === "" ? END : columnNumber(b),
  };
  const stated = a + from !== "" && b + to !== "" && (a === "") === (b === "");
  if (!stated || range.firstRow < 1 || range.firstRow > range.lastRow || range.firstColumn > range.lastColumn)
    throw usageError(
      "bad_range",
      `--range ${JSON.stringify(text)}: expected the first and the last cell, such as B2:K99; B2:K goes down to the last row, B:K means columns and 2:99 rows.`,
    );
  return range;
}

/** A sheet of which nothing is seen but the range. Rows and columns keep their numbers. */
export function withinRange(sheet: SheetView, { firstRow, lastRow, firstColumn, lastColumn }: SheetRange): SheetView {
  const { name, index, state, size, delimiter } = sheet;
  return {
    name,
    index,
    state,
    size,
    delimiter,
    isRejectFile: () => sheet.isRejectFile(),
    merged: (options) => sheet.merged(options),
    hasLinks: () => sheet.hasLinks(),
    mentionsLinks: () => sheet.mentionsLinks(),
    async *batches(options = {}) {
      const from = Math.max(options.from ?? 1, firstRow);
      const to = Math.min(options.to ?? END, lastRow);
      if (from > to) return;
      for await (const batch of sheet.batches({ ...options, from, ...(to === END ? {} : { to }) }))
        yield firstColumn === 1 && lastColumn === END ? batch : selectColumns(batch, firstColumn, lastColumn);
    },
  };
}

/** `A` → 1, `AA` → 27 */
function columnNumber(letters: string): number {
  return [...letters.toUpperCase()].reduce((number, letter) => number * 26 + letter.charCodeAt(0) - 64, 0);
}
