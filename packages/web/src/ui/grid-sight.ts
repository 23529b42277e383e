// The sizes of a grid, and which of its columns are in sight.

export const ROW_HEIGHT = 34;
export const ROW_HEAD_WIDTH = 72;

/** The left side of each column, and the right side of the last one, in pixels. */
export function offsetsOf(columns: readonly { readonly width: number }[]): number[] {
  const offsets = [0];
  for (const { width } of columns) offsets.push(offsets.at(-1)! + width);
  return offsets;
}

/**
 * The first column in sight, and the one after the last. One more on each side, so that scrolling
 * shows no gap.
 */
export function inSight(offsets: readonly number[], left: number, width: number): [first: number, end: number] {
  const columns = offsets.length - 1;
  let first = 0;
  while (first < columns && offsets[first + 1]! <= left) first++;
  let end = first;
  while (end < columns && offsets[end]! < left + width) end++;
  return [Math.max(0, first - 1), Math.min(columns, end + 1)];
}

const NARROWEST = 88;
const WIDEST = 300;
const CHARACTER = 7.6;
const PADDING = 26;

/** A width for a column with these texts: that of the longest, within limits. */
export function widthFor(texts: Iterable<string | null>, least = NARROWEST): number {
  let longest = 0;
  for (const text of texts) longest = Math.max(longest, Math.min(text?.length ?? 0, WIDEST));
  return Math.round(Math.max(least, Math.min(WIDEST, longest * CHARACTER + PADDING)));
}
