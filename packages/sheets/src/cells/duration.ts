// Durations: the values of cells whose number format counts elapsed time, such as `[h]:mm`. A file
// stores them as numbers of days.
//
// As text a duration is hours, minutes and seconds: `37:30:00`, `-0:00:01.500` is `-00:00:01.500`.
// Hours have at least two digits and no upper bound. Milliseconds are rounded like those of dates,
// and are omitted if they are zero.

/**
 * Length of the longest text that writeDuration writes: a sign, ten digits of hours, `:59:59.999`.
 */
export const DURATION_LENGTH = 21;

const DAY_MS = 86_400_000;

/** An elapsed time, of any length and either sign. */
export class Duration {
  /** A whole number. */
  readonly milliseconds: number;
  constructor(milliseconds: number) {
    this.milliseconds = milliseconds;
  }
  /** Like `37:30:00`. */
  toString(): string {
    return durationText(this.milliseconds) ?? String(this.milliseconds);
  }
  /** The milliseconds. */
  toJSON(): number {
    return this.milliseconds;
  }
}

/**
 * Writes the text of a number of days to `out` at `to`, and returns its length in bytes. Returns 0
 * if its milliseconds cannot be counted exactly.
 */
export function writeDuration(out: Buffer, to: number, days: number): number {
  const text = durationText(millisecondsOf(days));
  return text === undefined ? 0 : out.write(text, to, "latin1");
}

/**
 * The milliseconds of a number of days. Halves are rounded away from zero, so that a sign changes
 * nothing else.
 */
export function millisecondsOf(days: number): number {
  return Math.sign(days) * Math.round(Math.abs(days) * DAY_MS);
}

/** The text of a duration; undefined if its milliseconds cannot be counted exactly. */
export function durationText(milliseconds: number): string | undefined {
  if (!Number.isSafeInteger(milliseconds)) return undefined;
  const size = Math.abs(milliseconds);
  const seconds = Math.floor(size / 1000);
  const minutes = Math.floor(seconds / 60);
  const clock = [Math.floor(minutes / 60), minutes % 60, seconds % 60].map((n) => String(n).padStart(2, "0"));
  const fraction = size % 1000 === 0 ? "" : `.${String(size % 1000).padStart(3, "0")}`;
  return `${milliseconds < 0 ? "-" : ""}${clock.join(":")}${fraction}`;
}

/** The duration of a text that this file has written. */
export function readDuration(text: string): Duration {
  const [, sign, hours, minutes, seconds] = /^(-?)(\d+):(\d\d):(.*)$/.exec(text)!;
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000 + Math.round(Number(seconds) * 1000);
  return new Duration(sign === "-" ? -size : size);
}
