// Finding the rows that a database refuses, so that one bad row costs one row.
//
// A statement over rows [from, to) either takes them all or fails. If the failure names a line,
// that row is cut out, or one in front of it that was written together with it. If it names no line
// (a foreign key, an INSERT of many rows), the range is halved until one row is left: O(bad × log
// rows) statements. After a named line the next ranges begin small and grow fourfold. Otherwise a
// chunk of which every row is bad would be sent whole, again, for each of them.

/** A refused row and the error that says why. */
export interface Refusal {
  readonly row: number;
  readonly error: unknown;
}

/** The functions that try the rows and read an error. */
export interface Trial {
  /** Loads rows [from, to) or leaves no trace and throws; returns how many the database kept. */
  attempt(from: number, to: number): Promise<number>;
  /** Reports whether the error is a row's fault. Any other error ends the search. */
  isRowFault(error: unknown): boolean;
  /** The row of an attempt (0 is its first) that the error names; no row after it is at fault. */
  rowNamed(error: unknown): number | undefined;
  /**
   * Tries rows [from, to) one by one at once; undefined if that cannot be done, and then nothing
   * has happened.
   */
  settle?(
    from: number,
    to: number,
  ): Promise<{ readonly kept: number; readonly refused: readonly Refusal[] } | undefined>;
}

const FIRST_STEP = 32;
/**
 * Rows are tried one by one if at least this number of rows, and this share of the rows so far,
 * were refused.
 */
const MANY = 8;
const SHARE = 1 / 8;
/** The number of rows that one call of `settle` tries one by one. */
export const SETTLED_AT_ONCE = 2_048;

/**
 * Loads all rows of [from, to) that the database takes.
 *
 * @param known the error of an attempt at this very range, if one was made already
 * @returns how many rows were kept, and which were refused, in order
 * @throws what `attempt` throws if that is not a row's fault
 */
export async function cut(
  trial: Trial,
  from: number,
  to: number,
  known?: unknown,
): Promise<{ kept: number; refused: Refusal[] }> {
  const refused: Refusal[] = [];
  const search: Search = { trial, from, refused, settles: trial.settle !== undefined };
  const kept = await load(search, from, to, known);
  return { kept, refused };
}

interface Search {
  readonly trial: Trial;
  readonly from: number;
  readonly refused: Refusal[];
  /** Rows can be settled one by one, as far as is known. */
  settles: boolean;
}

/**
 * Tries rows one by one from `from` on, while many of the rows before them were refused. Returns
 * how many rows were kept, and the first row that was not tried.
 */
async function settleMany(search: Search, from: number, to: number): Promise<readonly [kept: number, next: number]> {
  const { refused } = search;
  let [kept, next] = [0, from];
  while (search.settles && to - next > 1 && refused.length >= MANY && refused.length >= (next - search.from) * SHARE) {
    const end = Math.min(to, next + SETTLED_AT_ONCE);
    const settled = await settle(search, next, end);
    if (settled === undefined) break;
    kept += settled;
    next = end;
  }
  return [kept, next];
}

/** Settles rows [from, to), and returns how many were kept; undefined if that cannot be done. */
async function settle(search: Search, from: number, to: number): Promise<number | undefined> {
  if (!search.settles) return undefined;
  const settled = await search.trial.settle!(from, to);
  search.settles = settled !== undefined;
  search.refused.push(...(settled?.refused ?? []));
  return settled?.kept;
}

/**
 * Loads rows [begin, to), one by one if many were refused before them; `known` is the error of an
 * attempt at all of them.
 */
async function load(search: Search, begin: number, to: number, known?: unknown): Promise<number> {
  const [settled, from] = known === undefined ? await settleMany(search, begin, to) : [0, begin];
  return settled + (await loadRest(search, from, to, known));
}

/** Loads rows by attempts. */
async function loadRest(search: Search, from: number, to: number, known?: unknown): Promise<number> {
  const { trial, refused } = search;
  if (from >= to) return 0;
  let error = known;
  if (error === undefined) {
    try {
      return await trial.attempt(from, to);
    } catch (failure) {
      if (!trial.isRowFault(failure)) throw failure;
      error = failure;
    }
  }
  if (to - from === 1) {
    refused.push({ row: from, error });
    return 0;
  }
  const named = trial.rowNamed(error);
  if (named === undefined || named < 0 || from + named >= to) {
    // To look for one bad row by halves costs more than to try some rows one by one.
    const settled = to - from <= SETTLED_AT_ONCE ? await settle(search, from, to) : undefined;
    if (settled !== undefined) return settled;
    const middle = from + Math.ceil((to - from) / 2);
    return (await load(search, from, middle)) + (await load(search, middle, to));
  }
  const row = from + named;
  const before = refused.length;
  let kept = await load(search, from, row);
  // If a row in front of it was at fault, the error may have meant that one.
  if (refused.length === before) refused.push({ row, error });
  else kept += await load(search, row, row + 1);
  for (let next = row + 1, step = FIRST_STEP; next < to; next += step, step *= 4) {
    kept += await load(search, next, Math.min(to, next + step));
  }
  return kept;
}
