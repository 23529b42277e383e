// Intervals as text, and a test that the database keeps all of one. The database rounds what is
// finer than a microsecond or than the type's digits, and drops what is below the type's last
// field, without a word.

/** An interval is three numbers. */
type Part = "months" | "days" | "microseconds";

const SECOND = 1e6;
const DAY = 86_400 * SECOND;
/** The units that people write. */
const UNITS: readonly (readonly [name: RegExp, part: Part, size: number])[] = [
  [/^(?:mil|mils|millenni(?:a|um|ums))$/, "months", 12_000],
  [/^(?:c|cent|century|centuries)$/, "months", 1200],
  [/^(?:decs?|decades?)$/, "months", 120],
  [/^(?:y|yrs?|years?)$/, "months", 12],
  [/^(?:mons?|months?)$/, "months", 1],
  [/^(?:w|weeks?)$/, "days", 7],
  [/^(?:d|days?)$/, "days", 1],
  [/^(?:h|hrs?|hours?)$/, "microseconds", 3600 * SECOND],
  [/^(?:m|mins?|minutes?)$/, "microseconds", 60 * SECOND],
  [/^(?:s|secs?|seconds?)$/, "microseconds", SECOND],
  [/^(?:ms|msecs?|mseconds?|milliseconds?)$/, "microseconds", 1000],
  [/^(?:us|usecs?|useconds?|microseconds?)$/, "microseconds", 1],
];

/** The smallest that a type with a last field keeps of each part; 0 if it keeps nothing. */
const FIELDS: Readonly<Record<string, Readonly<Record<Part, number>>>> = {
  year: { months: 12, days: 0, microseconds: 0 },
  month: { months: 1, days: 0, microseconds: 0 },
  day: { months: 1, days: 1, microseconds: 0 },
  hour: { months: 1, days: 1, microseconds: 3600 * SECOND },
  minute: { months: 1, days: 1, microseconds: 60 * SECOND },
};

/**
 * A test of texts for `interval`, `interval(0)`, `interval hour to minute`, …: true if such a
 * column keeps all of it. A text that is not an interval passes if the type is plain: the database
 * refuses it.
 */
export function intervalFits(type: string): (text: string) => boolean {
  const last = /(year|month|day|hour|minute)$/.exec(type.toLowerCase())?.[1];
  const digits = Number(/\((\d)\)/.exec(type)?.[1] ?? 6);
  const kept = last === undefined ? { months: 1, days: 1, microseconds: 10 ** (6 - digits) } : FIELDS[last]!;
  const plain = last === undefined && digits === 6;

  const keeps = (part: Part, amount: number): boolean => {
    if (Math.abs(amount) < 1e-9) return true;
    if (kept[part] === 0) return false;
    if (part === "microseconds") return isMultiple(amount, kept.microseconds, 0.01);
    if (kept[part] > 1) return isMultiple(amount, kept[part], 1e-9);
    // A part of a month becomes days, thirty to the month, and a part of a day becomes time.
    const rest = amount % 1;
    return part === "months" ? keeps("days", rest * 30) : keeps("microseconds", rest * DAY);
  };

  return (text) => {
    const parts = partsOf(text.trim().toLowerCase());
    if (!parts) return plain && !/\.\d{6}\d*[1-9]/.test(text);
    // Of years and what is longer, months are the smallest that there is.
    return parts.every(
      ([part, n, size]) => (size < 12 || part !== "months" || isMultiple(n * size, 1, 1e-9)) && keeps(part, n * size),
    );
  };
}

/** The parts of an interval, as people write it; undefined if it is written otherwise. */
function partsOf(text: string): [part: Part, amount: number, unit: number][] | undefined {
  const parts: [Part, number, number][] = [];
  const rest = text
    .replace(/^@/, "")
    .replace(/\bago$/, "")
    .replaceAll(
      // A number is read from its first digit only: otherwise a long one would take cubic time.
      /([+-]?(?<![\d.])\d+):(\d\d)(?::(\d\d(?:\.\d*)?))?|([+-]?(?<![\d.])(?:\d+(?:\.\d*)?|\.\d+))\s*([a-z]+)/g,
      (whole, hours?: string, minutes?: string, seconds = "0", amount?: string, name = "") => {
        if (hours !== undefined) {
          for (const [n, unit] of [
            [hours, 3600],
            [minutes, 60],
            [seconds, 1],
          ] as const)
            parts.push(["microseconds", Number(n), unit * SECOND]);
          return "";
        }
        const [, part, size] = UNITS.find(([pattern]) => pattern.test(name)) ?? [];
        if (part === undefined || size === undefined) return whole;
        parts.push([part, Number(amount), size]);
        return "";
      },
    );
  return rest.trim() === "" ? parts : undefined;
}

/** @param noise the most that binary fractions are off: those of a day in microseconds are more */
function isMultiple(n: number, of: number, noise: number): boolean {
  return Math.abs(n - Math.round(n / of) * of) < noise;
}

/** The days of a duration as a sheet's reader writes it: `37:30:00` is 1.5625. */
export function daysOf(duration: string): number {
  const [, sign, hours, minutes, seconds] = /^(-?)(\d+):(\d\d):(.*)$/.exec(duration)!;
  const milliseconds = (Number(hours) * 60 + Number(minutes)) * 60_000 + Math.round(Number(seconds) * 1000);
  return (sign === "-" ? -milliseconds : milliseconds) / 86_400_000;
}
