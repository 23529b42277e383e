// The edits of a grid of cells: what was changed, undo and redo, find and replace. Pure functions
// over values that do not change, so that undo is the value of before.

/** The place of a cell: the number of its row as the sheet has it, and its column from 0. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

export interface Change extends Place {
  /** The cell's new text; "" makes it empty. */
  readonly text: string;
}

/** The texts that were changed: by row, then by column. */
export type Changed = ReadonlyMap<number, ReadonlyMap<number, string>>;

/** All that was done to a grid. */
export interface Edits {
  readonly now: Changed;
  readonly past: readonly Changed[];
  readonly future: readonly Changed[];
  /** The cell that is being typed in: all that is typed there is one step. */
  readonly typing?: Place;
}

/** A row of the grid as it was before any edit. */
export interface Row {
  readonly row: number;
  readonly cells: readonly string[];
}

export interface Search {
  readonly text: string;
  readonly matchCase: boolean;
  readonly wholeCell: boolean;
}

export const NO_EDITS: Edits = { now: new Map(), past: [], future: [] };
/** The number of steps that undo goes back. */
const MOST_STEPS = 500;

/**
 * Makes changes as one step of undo. A change that brings a cell's first text back takes the edit
 * away.
 */
export function edit(edits: Edits, changes: readonly Change[], before: (place: Place) => string): Edits {
  const now = changedBy(edits.now, changes, before);
  if (!now) return edits;
  return { now, past: [...edits.past, edits.now].slice(-MOST_STEPS), future: [] };
}

/**
 * Makes a change while somebody types: what is typed into one cell without a pause for another one
 * is one step.
 */
export function type(edits: Edits, change: Change, before: (place: Place) => string): Edits {
  const { row, column } = change;
  if (edits.typing?.row !== row || edits.typing.column !== column)
    return { ...edit(edits, [change], before), typing: { row, column } };
  const now = changedBy(edits.now, [change], before);
  return now ? { ...edits, now } : edits;
}

/** @returns undefined if nothing is another text than it was */
function changedBy(
  changed: Changed,
  changes: readonly Change[],
  before: (place: Place) => string,
): Changed | undefined {
  const now = new Map(changed);
  let any = false;
  for (const change of changes) {
    if (textAt(now, change, before(change)) === change.text) continue;
    any = true;
    const row = new Map(now.get(change.row));
    if (change.text === before(change)) row.delete(change.column);
    else row.set(change.column, change.text);
    if (row.size > 0) now.set(change.row, row);
    else now.delete(change.row);
  }
  return any ? now : undefined;
}

/** Takes the last step back. */
export function undo({ now, past, future }: Edits): Edits {
  const before = past.at(-1);
  return before === undefined
    ? { now, past, future }
    : { now: before, past: past.slice(0, -1), future: [now, ...future] };
}

/** Makes the step again that was taken back last. */
export function redo({ now, past, future }: Edits): Edits {
  const [next, ...rest] = future;
  return next === undefined ? { now, past, future } : { now: next, past: [...past, now], future: rest };
}

/**
 * Forgets the edits of these rows, and with them the steps: what was sent cannot be undone here.
 */
export function forget(edits: Edits, rows: Iterable<number>): Edits {
  const now = new Map(edits.now);
  for (const row of rows) now.delete(row);
  return { now, past: [], future: [] };
}

/** The text of a cell after the edits. */
export function textAt(changed: Changed, { row, column }: Place, before: string): string {
  return changed.get(row)?.get(column) ?? before;
}

/** The cells whose text has what is looked for, row by row. */
export function find(rows: readonly Row[], changed: Changed, search: Search): Place[] {
  if (search.text === "" && !search.wholeCell) return [];
  const has = finder(search);
  return rows.flatMap(({ row, cells }) =>
    cells.flatMap((before, column) => (has(textAt(changed, { row, column }, before)) ? [{ row, column }] : [])),
  );
}

/** The changes that replace what is looked for in all cells that have it. */
export function replaceAll(rows: readonly Row[], changed: Changed, search: Search, by: string): Change[] {
  const cells = new Map(rows.map((row) => [row.row, row.cells]));
  return find(rows, changed, search).map((place) => {
    const text = textAt(changed, place, cells.get(place.row)?.[place.column] ?? "");
    return { ...place, text: replaceIn(text, search, by) };
  });
}

/** A text with what is looked for replaced, wherever it comes. */
export function replaceIn(text: string, search: Search, by: string): string {
  if (search.wholeCell) return finder(search)(text) ? by : text;
  if (search.text === "") return text;
  // A function, because "$&" in a replacement shall be just that.
  return text.replaceAll(pattern(search), () => by);
}

function finder(search: Search): (text: string) => boolean {
  if (!search.wholeCell) return (text) => text.search(pattern(search)) >= 0;
  if (search.matchCase) return (text) => text === search.text;
  const wanted = search.text.toLowerCase();
  return (text) => text.toLowerCase() === wanted;
}

/** The searched text as a pattern that matches exactly these characters. */
function pattern({ text, matchCase }: Search): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`), matchCase ? "gu" : "giu");
}
