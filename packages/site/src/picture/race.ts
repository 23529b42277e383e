// What a report of the race detector says, for the picture.

/** An access of a race, in the program. */
export interface RaceAccess {
  readonly g: number;
  readonly writes: boolean;
  readonly line: number;
}

const ACCESS = String.raw`(read|write) at \S+ by (.*):\n.*\n.*:(\d+):\d+\n`;
const REPORT = new RegExp(`^=+\\nWARNING: DATA RACE\\n${ACCESS}[^]*?\\nPrevious ${ACCESS}`, "i");

/** The two accesses of a report; `undefined` for other output. */
export function raceIn(text: string): { readonly last: RaceAccess; readonly first: RaceAccess } | undefined {
  const found = REPORT.exec(text);
  if (found === null) return undefined;
  const access = ([what = "", by = "", line]: readonly string[]): RaceAccess => ({
    // Main has no number in a report.
    g: Number(/\d+/.exec(by)?.[0] ?? 1),
    writes: what.toLowerCase() === "write",
    line: Number(line),
  });
  return { last: access(found.slice(1, 4)), first: access(found.slice(4, 7)) };
}
