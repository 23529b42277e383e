// Dates as people write them in text: which notations a text can be read in, and how a text in a
// stated one becomes ISO.
//
// A notation is written with YYYY, MM, DD (one or two digits each for month and day), MMM (a
// month's English name, whole or its first three letters), and after them optionally HH:mm (24
// hours) or hh:mm A (AM and PM); seconds and their fractions may follow the minutes. YY is a year
// of two digits: 00 to 68 are 2000 to 2068, and 69 to 99 are 1969 to 1999, as POSIX has it. Without
// anything between them (YYYYMMDD) all have as many digits as letters. Nothing is guessed here:
// `dateFormatsOf` names every notation that fits, and the caller must see that one is left.

/** Reads a text in one notation; undefined if it does not fit. */
export type DateReader = (text: string) => IsoDate | undefined;

export interface IsoDate {
  /** `2020-01-31` */
  readonly date: string;
  /** `12:30:00`, or undefined if the text has no time of day. */
  readonly time: string | undefined;
}

const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];

const TOKENS: Readonly<Record<string, string>> = {
  YYYY: "(?<year>\\d{4})",
  YY: "(?<year>\\d\\d)",
  MMM: `(?<name>${MONTHS.map((month) => `${month.slice(0, 3)}(?:${month.slice(3)})?`).join("|")}|sept)\\.?`,
  MM: "(?<month>\\d{1,2})",
  DD: "(?<day>\\d{1,2})",
};
const CLOCK = "(?<hour>\\d{1,2}):(?<minute>\\d\\d)(?::(?<second>\\d\\d)(?<fraction>\\.\\d{1,6})?0*)?";
const CLOCKS: Readonly<Record<string, string>> = {
  "": "",
  " HH:mm": `(?:(?:T|,? +)${CLOCK})?`,
  " hh:mm A": `(?:,? +${CLOCK} ?(?<half>[ap])\\.?m\\.?)?`,
};

/** The parts of a date in a notation, and the characters between them. */
const FORMAT = /^((?:YYYY|YY|MMM|MM|DD|[-/. ,])+?)( HH:mm| hh:mm A)?$/;

/** A date as a text may have it, and what may be a time of day after it. */
const WRITTEN =
  /^(\d{1,4}|[A-Za-z]{3,9}\.?)([-/. ])(\d{1,2}|[A-Za-z]{3,9}\.?)(,? |[-/.])(\d{1,4})((?:T|,? +)\d{1,2}:.*)?$/;

const readers = new Map<string, DateReader | undefined>();

/**
 * The reader of a notation such as `DD/MM/YYYY`, `MMM DD, YYYY` or `DD.MM.YYYY HH:mm`; undefined if
 * it is not one. If the notation has a time of day, a text may still lack it.
 */
export function dateReader(format: string): DateReader | undefined {
  if (!readers.has(format)) readers.set(format, compile(format));
  return readers.get(format);
}

/** The explanation of how a notation is written, for messages. */
export const DATE_FORMAT_HELP =
  'YYYY or YY, MM or MMM, and DD with / . - or spaces between them, then " HH:mm" or " hh:mm A" where there is a time: DD/MM/YYYY, MMM DD, YYYY, YYYY.MM.DD HH:mm';

/**
 * Every notation that a text can be read in: empty for most texts, two if day and month could
 * change places.
 */
export function dateFormatsOf(text: string): readonly string[] {
  const found = WRITTEN.exec(text);
  if (!found) return [];
  const [, first = "", between = "", middle = "", gap = "", last = "", clock = ""] = found;
  const time = clock === "" ? "" : /[ap]\.?m\.?$/i.test(clock) ? " hh:mm A" : " HH:mm";
  const orders: string[][] = /^[A-Za-z]/.test(first)
    ? [["MMM", "DD", last.length === 2 ? "YY" : "YYYY"]]
    : /^[A-Za-z]/.test(middle)
      ? [["DD", "MMM", last.length === 2 ? "YY" : "YYYY"]]
      : first.length === 4
        ? [["YYYY", "MM", "DD"]]
        : last.length === 4
          ? [
              ["DD", "MM", "YYYY"],
              ["MM", "DD", "YYYY"],
            ]
          : shortYearOrders(first, between, middle, last);
  if (between !== gap && !(orders[0]?.[0] === "MMM" && between === " ")) return [];
  if (/^[A-Za-z]+$/.test(first + middle + last)) return [];
  return orders
    .map(([a, b, c]) => `${a}${between}${b}${gap}${c}${time}`)
    .filter((format) => {
      const read = dateReader(format)?.(text);
      return read !== undefined && (/YYYY/.test(format) || isEvidentYear(Number(read.date.slice(0, 4))));
    });
}

/**
 * The orders of day, month and a year of two digits. With points or dashes day and month have two
 * digits as well: `1.2.10` is more often a version or a chapter. With points nobody writes the
 * month first, and `12.30.15` is a time of day.
 */
function shortYearOrders(first: string, between: string, middle: string, last: string): string[][] {
  const short = [first, middle, last].some((part) => part.length === 1);
  if (last.length > 2 || first.length > 2 || (short && between !== "/")) return [];
  return [["DD", "MM", "YY"], ...(between === "." ? [] : [["MM", "DD", "YY"]]), ["YY", "MM", "DD"]];
}

/**
 * Years whose century nobody doubts: POSIX and spreadsheets agree on that of their last two digits.
 */
function isEvidentYear(year: number): boolean {
  return year < 2030;
}

/** The year of two digits as POSIX reads it. */
function fullYear(digits: string): string {
  if (digits.length === 4) return digits;
  return (Number(digits) < 69 ? "20" : "19") + digits;
}

/** Reports whether a calendar has that day. */
export function isDay(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  if (day <= 28) return true;
  if (month === 2) return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31);
}

function compile(format: string): DateReader | undefined {
  const [, date = "", clock = ""] = FORMAT.exec(format) ?? [];
  const parts = date.match(/YYYY|YY|MMM|MM|DD/g) ?? [];
  const once = new Set(parts.map((part) => part.slice(0, 2)));
  if (parts.length !== 3 || once.size !== 3) return undefined;
  const source = date
    .replaceAll(/YYYY|YY|MMM|MM|DD|[.]/g, (part) => TOKENS[part] ?? "\\.")
    .replaceAll("\\d{1,2}", /[-/. ,]/.test(date) ? "\\d{1,2}" : "\\d\\d");
  const pattern = new RegExp(`^${source}${CLOCKS[clock]!}$`, "i");
  return (text) => {
    const fields = pattern.exec(text)?.groups;
    if (!fields) return undefined;
    const month = fields["name"]
      ? MONTHS.findIndex((name) => name.startsWith(fields["name"]!.slice(0, 3).toLowerCase())) + 1
      : Number(fields["month"]);
    const year = fullYear(fields["year"]!);
    if (!isDay(Number(year), month, Number(fields["day"]))) return undefined;
    const time = fields["hour"] === undefined ? undefined : timeOf(fields);
    if (fields["hour"] !== undefined && time === undefined) return undefined;
    return { date: `${year}-${two(month)}-${two(Number(fields["day"]))}`, time };
  };
}

function timeOf(fields: Readonly<Record<string, string | undefined>>): string | undefined {
  const { half, minute = "", second = "00", fraction = "" } = fields;
  let hour = Number(fields["hour"]);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (half.toLowerCase() === "p" ? 12 : 0);
  }
  if (hour > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  return `${two(hour)}:${minute}:${second}${fraction}`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
