// Serial numbers and ISO texts of dates. A sheet has no time zone, so the text has exactly the
// fields that the sheet shows.
//
// 1900 system: serial 1 is 1900-01-01. Excel believes that 1900 was a leap year, so serial 60 is a
// day that never existed: 29 February 1900. The reader gives it as 1900-02-28, with a warning. Days
// from 61 on are counted from 1899-12-30. A pure time (serial below 1) is on 1899-12-31. A format
// with a day shows that as 0 January 1900: the other day that never existed. 1904 system: serial 0
// is 1904-01-01. Milliseconds are rounded, halves up, with carry.

/** Length of the text that writeDate and writeIso write: `2020-01-31T00:00:00.000`. */
export const ISO_LENGTH = 23;

const DAY_MS = 86_400_000;
/** Days from 1970-01-01 back to 1899-12-30 and 1904-01-01. */
const EPOCH_1900 = -25_569;
const EPOCH_1904 = -24_107;
/** 9999-12-31, the last day that Excel knows. */
const LAST_DAY = 2_932_896;

/**
 * Writes a serial number as ISO text to `out` at `to`; false if the serial is not a date (negative,
 * or past the year 9999).
 */
export function writeDate(out: Uint8Array, to: number, serial: number, date1904: boolean): boolean {
  if (!(serial >= 0)) return false;
  let day = Math.floor(serial);
  let ms = Math.round((serial - day) * DAY_MS);
  if (ms >= DAY_MS) {
    ms -= DAY_MS;
    day++;
  }
  day += date1904 ? EPOCH_1904 : day < 60 ? EPOCH_1900 + 1 : EPOCH_1900;
  if (day > LAST_DAY) return false;
  // Days to year, month, day of the Gregorian calendar: Howard Hinnant, "chrono-Compatible
  // Low-Level Date Algorithms".
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * ofYear + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  writeIso(out, to, year, month, ofYear - Math.floor((153 * mp + 2) / 5) + 1, ms);
  return true;
}

/**
 * For one of the two days of the 1900 system that never existed: the day shown, and the day it is
 * read as. Undefined for every other day.
 */
export function neverWas(serial: number, date1904: boolean): readonly [shown: string, readAs: string] | undefined {
  if (date1904 || !(serial < 61) || (serial >= 1 && serial < 60)) return undefined;
  return serial < 1 ? ["0 January 1900", "31 December 1899"] : ["29 February 1900", "28 February 1900"];
}

const isoDate = /^(\d{4})-(\d{2})-(\d{2})(?:T(.+))?$/;
const isoTime = /^T?(\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$/;

/**
 * Writes the ISO text of a `t="d"` cell in the one form that dates have in this package. Drops a
 * zone, since the fields are what the sheet shows. False if the text is not a date. It has more
 * than 15 branches because each field of the text has its own limits.
 */
export function writeIsoText(out: Uint8Array, to: number, text: string, date1904: boolean): boolean {
  const date = isoDate.exec(text);
  const clock = date ? date[4] : text;
  const time = clock === undefined ? undefined : isoTime.exec(clock);
  if (clock !== undefined && !time) return false;
  const [year, month, day] = date ? date.slice(1, 4).map(Number) : date1904 ? [1904, 1, 1] : [1899, 12, 31];
  const [hour = 0, minute = 0, second = 0] = (time ?? []).slice(1, 4).map((field) => Number(field ?? 0));
  const limit = new Date(0);
  limit.setUTCFullYear(year!, month, 0);
  if (month! < 1 || month! > 12 || day! < 1 || day! > limit.getUTCDate()) return false;
  if (minute > 59 || second > 59) return false;
  const ms = ((hour * 60 + minute) * 60 + second) * 1000 + Math.round(Number(`0${time?.[4] ?? ""}`) * 1000);
  if (ms < DAY_MS) {
    writeIso(out, to, year!, month!, day!, ms);
    return true;
  }
  // 24:00, or a fraction that rounds up to it, is the next day. Later hours do not exist.
  if (ms > DAY_MS) return false;
  const next = new Date(0);
  next.setUTCFullYear(year!, month! - 1, day! + 1);
  if (next.getUTCFullYear() > 9999) return false;
  writeIso(out, to, next.getUTCFullYear(), next.getUTCMonth() + 1, next.getUTCDate(), 0);
  return true;
}

/** The Date whose UTC fields are those of an ISO text of this package, at an offset. */
export function readIso(bytes: Uint8Array, at: number): Date {
  const two = (pos: number): number => bytes[at + pos]! * 10 + bytes[at + pos + 1]! - 528;
  const year = two(0) * 100 + two(2);
  const ms = bytes[at + 20]! * 100 + bytes[at + 21]! * 10 + bytes[at + 22]! - 5328;
  const date = new Date(Date.UTC(year, two(5) - 1, two(8), two(11), two(14), two(17), ms));
  if (year < 100) date.setUTCFullYear(year);
  return date;
}

function writeIso(out: Uint8Array, to: number, year: number, month: number, day: number, ms: number): void {
  const century = Math.floor(year / 100);
  two(out, to, century);
  two(out, to + 2, year - century * 100);
  out[to + 4] = out[to + 7] = 0x2d;
  two(out, to + 5, month);
  two(out, to + 8, day);
  out[to + 10] = 0x54;
  const second = Math.floor(ms / 1000);
  const minute = Math.floor(second / 60);
  const hour = Math.floor(minute / 60);
  two(out, to + 11, hour);
  two(out, to + 14, minute - hour * 60);
  two(out, to + 17, second - minute * 60);
  out[to + 13] = out[to + 16] = 0x3a;
  out[to + 19] = 0x2e;
  const rest = ms - second * 1000;
  const hundreds = Math.floor(rest / 100);
  out[to + 20] = 0x30 + hundreds;
  two(out, to + 21, rest - hundreds * 100);
}

function two(out: Uint8Array, to: number, value: number): void {
  const tens = Math.floor(value / 10);
  out[to] = 0x30 + tens;
  out[to + 1] = 0x30 + value - tens * 10;
}
