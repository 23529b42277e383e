// Places of a program whose text was changed before it runs: types are taken out, and probes are
// put in.
//
// Invariant: each line stays the line that it was. So only columns need to be looked up.

/**
 * The columns at which a line of changed code goes on differently than the text that it was made
 * of, as pairs: one in the code, and the one in that text. An entry for each line.
 */
export type Columns = readonly (readonly (readonly [number, number])[])[];

/**
 * The name of the global with the columns of the program's module, an entry for each change of the
 * text, the last one first.
 */
export const COLUMNS = "@sluice/site: columns";

/** The name of the program's file in reports of races, whose columns are those without types. */
export const WITHOUT_TYPES = "without-types:/app/main.ts";

/** The column in the text from which these changes have made that column. */
export function columnOf(line: number, column: number, changes: readonly Columns[]): number {
  return changes.reduce((column, lines) => {
    const [to, from] = lines[line - 1]?.findLast(([to]) => to < column) ?? [0, 0];
    return from + column - to;
  }, column);
}
