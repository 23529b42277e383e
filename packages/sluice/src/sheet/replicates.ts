// Names over replicates: each is over as many columns as the others, and all of these hold numbers.
//
//   Dose | 0 h  |      |      | 1 h  |      |      | 2 h  |      |         a name, merged over three
//   0    | 0.25 | 0.27 | 0.26 | 0.46 | 0.47 | 0.46 | 0.47 | 0.51 | 0.50   measurements
//
// The columns without a name have that of their group, and a number tells them apart. Cells that
// are merged are not needed for that, so it goes for delimited text too.
import type { Header } from "../options.ts";
import { BELOW, cellsByColumn, sortBelow } from "./evidence.ts";
import type { HeadRow } from "./head-rows.ts";

/** Groups at least, of as many columns each. */
const LEAST_GROUPS = 3;
/** Records that must follow to tell. */
const LEAST_RECORDS = 3;

/**
 * The names, from left to right, with one for each column of replicates.
 *
 * @param records the rows below the header
 */
export function withReplicates(names: readonly Header[], records: readonly HeadRow[]): readonly Header[] {
  const headers = names.toSorted((a, b) => a.sheetColumn - b.sheetColumn);
  const width = widthOf(headers);
  const below = records.slice(0, BELOW);
  if (width === undefined || below.length < LEAST_RECORDS) return names;
  const groups = headers.slice(headers.findIndex((_, n) => distance(headers, n) === width));
  const columns = cellsByColumn(below);
  const last = groups.at(-1)!.sheetColumn + width - 1;
  const areNumbers = groups.every(({ sheetColumn }) =>
    columnsFrom(sheetColumn, width).every((column) => {
      const cells = columns.get(column) ?? [];
      return cells.length * 2 >= below.length && sortBelow(cells) === "number";
    }),
  );
  if (groups.length < LEAST_GROUPS || !areNumbers || Math.max(...columns.keys()) > last) return names;
  const named = groups.flatMap((group) =>
    columnsFrom(group.sheetColumn, width).map((sheetColumn): Header => ({ ...group, sheetColumn })),
  );
  return [...headers.slice(0, headers.length - groups.length), ...named];
}

/** The columns from name to name, if they are several, and as many for all of the last names. */
function widthOf(headers: readonly Header[]): number | undefined {
  const width = distance(headers, headers.length - 2);
  const first = headers.findIndex((_, n) => distance(headers, n) === width);
  const isEven = headers.slice(first, -1).every((_, n) => distance(headers, first + n) === width);
  return width !== undefined && width > 1 && isEven ? width : undefined;
}

function distance(headers: readonly Header[], n: number): number | undefined {
  const [header, next] = [headers[n], headers[n + 1]];
  return header && next ? next.sheetColumn - header.sheetColumn : undefined;
}

function columnsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => first + n);
}
