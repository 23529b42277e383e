// Finding the rows that a database refuses, so that one bad row costs one row.
//
// A statement over rows [from, to) either takes them all or fails. Where the failure names a line, that row is cut out, or one in
// front of it that was written together with it; where it names none (a foreign key, an INSERT of many rows), the range is halved
// until one row is left: O(bad × log rows) statements.
// Behind a named line the next ranges begin small and grow fourfold, so that a chunk of which every row is bad is not sent anew,
// whole, for each of them.

/** A refused row and the error that says why. */
export interface Refusal {
  readonly row: number;
  readonly error: unknown;
}

/** How the rows are tried, and how an error is read. */
export interface Trial {
  /** Loads rows [from, to) or leaves no trace and throws; returns how many the database kept. */
  attempt(from: number, to: number): Promise<number>;
  /** Whether the error is a row's fault. Any other ends the search. */
  isRowFault(error: unknown): boolean;
  /** Which row of an attempt (0 is its first) the error names: none behind it is at fault. */
  rowNamed(error: unknown): number | undefined;
}

const FIRST_STEP = 32;

/**
 * Loads all rows of [from, to) that the database takes.
 *
 * @param known the error of an attempt at this very range, where one was made already
 * @returns how many rows were kept, and which were refused, in order
 * @throws what `attempt` throws where that is no row's fault
 */
export async function cut(
  trial: Trial,
  from: number,
  to: number,
  known?: unknown,
): Promise<{ kept: number; refused: Refusal[] }> {
  const refused: Refusal[] = [];
  const kept = await load(trial, from, to, refused, known);
  return { kept, refused };
}

async function load(trial: Trial, from: number, to: number, refused: Refusal[], known?: unknown): Promise<number> {
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
    const middle = from + Math.ceil((to - from) / 2);
    return (await load(trial, from, middle, refused)) + (await load(trial, middle, to, refused));
  }
  const row = from + named;
  const before = refused.length;
  let kept = await load(trial, from, row, refused);
  // Where a row in front of it was at fault, the error may have meant that one.
  if (refused.length === before) refused.push({ row, error });
  else kept += await load(trial, row, row + 1, refused);
  for (let next = row + 1, step = FIRST_STEP; next < to; next += step, step *= 4) {
    kept += await load(trial, next, Math.min(to, next + step), refused);
  }
  return kept;
}
