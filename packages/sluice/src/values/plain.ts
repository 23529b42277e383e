// Values that are plain: a number as digits, an ISO date, `true`. They are told by their bytes, so
// that no string is made for them, and they are loaded unchanged.
//
// What must hold: a value that passes here is one that the general check (values.ts) takes, with
// the same text. A value that does not pass says nothing: the general check judges it. So a test
// here may be narrower than the type, and never wider. `plain.test.ts` compares the two for every
// type.
import { CellType } from "@sluice/sheets";
import type { Column } from "../schema/schema.ts";
import { plainAsInferred } from "./inferred.ts";
import { DAY_LENGTH, digitsEnd, isDate, NO_DIGITS, pointIn, twoDigits } from "./digits.ts";
import { baseType } from "../schema/types.ts";
import type { PlainTest } from "./verdict.ts";

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const COLON = 0x3a;
const SPACE = 0x20;
const T = 0x54;
const Z = 0x5a;

/** The rest of a date cell at midnight. */
export const MIDNIGHT = "T00:00:00.000";
const MIDNIGHT_BYTES: Buffer = Buffer.from(MIDNIGHT);
/** Decimal digits that survive the way through a double. */
const EXACT_DIGITS = 15;

/**
 * The test of a column's plain values; undefined if there are none: if a check of the user's, a
 * notation or a time zone has to see each value, or if the type is not one of those below.
 *
 * @param type the one that decides how texts are read
 * @param takesText whether typed cells become texts in this column
 */
export function plainTestFor(column: Column, type: string, takesText: boolean): PlainTest | undefined {
  const { storage = type, maxLength, format, check, dateFormat, numberFormat, timeZone, nulls = [] } = column;
  if (maxLength !== undefined || format !== undefined || check) return undefined;
  if (dateFormat !== undefined || numberFormat !== undefined || timeZone !== undefined) return undefined;
  if (typeof storage !== "string") return undefined;
  const all = takesText ? shownTest(type, storage) : both(testOf(type), storage === type ? ANY : testOf(storage));
  const test = all && plainAsInferred(column, all);
  // A mark for a missing value may look like a value: `-999`, `1900-01-01`.
  return test && nulls.some((mark) => passes(test, mark)) ? undefined : test;
}

function passes(test: PlainTest, text: string): boolean {
  const bytes = Buffer.from(text);
  return bytes.length > 0 && Object.values(CellType).some((type) => test(bytes, 0, bytes.length, type) > 0);
}

/** The test of a storage that is the type itself. */
const ANY: PlainTest = (_, start, end) => end - start;

/**
 * A column may be declared as one type and stored as another one: a value must be plain for both.
 */
function both(declared: PlainTest | undefined, stored: PlainTest | undefined): PlainTest | undefined {
  if (!declared || !stored) return undefined;
  if (stored === ANY) return declared;
  return (bytes, start, end, type) => Math.min(declared(bytes, start, end, type), stored(bytes, start, end, type));
}

/**
 * The test of values for a type; undefined if there is none. It has more than 15 branches because
 * it is a list of types.
 */
function testOf(declared: string): PlainTest | undefined {
  const base = baseType(declared);
  const integer = INTEGERS[base];
  if (integer) return integerTest(...integer);
  const modifiers = [...(/\(([^)]*)\)/.exec(declared)?.[1] ?? "").matchAll(/-?\d+/g)].map(Number);
  switch (base) {
    case "numeric":
      return modifiers.length === 0 ? decimalTest : numericTest(modifiers[0]!, modifiers[1] ?? 0);
    case "real":
    case "double precision":
      return decimalTest;
    case "boolean":
      return booleanTest;
    case "date":
      return dateTest;
    case "timestamp without time zone":
      return timestampTest(modifiers[0] ?? 6, false);
    case "timestamp with time zone":
      return timestampTest(modifiers[0] ?? 6, true);
    case "time without time zone":
      return timeTest(modifiers[0] ?? 6);
    case "uuid":
      return uuidTest;
    default:
      return undefined;
  }
}

/**
 * The digits of the greatest and of the least number of each type. A type takes every number with
 * fewer digits.
 */
const INTEGERS: Readonly<Record<string, readonly [most: string, least: string | undefined]>> = {
  smallint: ["32767", "32768"],
  integer: ["2147483647", "2147483648"],
  bigint: ["9223372036854775807", "9223372036854775808"],
  oid: ["4294967295", undefined],
};

function integerTest(most: string, least: string | undefined): PlainTest {
  const all = most.length;
  const [upper, lower] = [Buffer.from(most), Buffer.from(least ?? "")];
  return (bytes, start, end, type) => {
    if (type !== CellType.string && type !== CellType.number) return 0;
    const negative = bytes[start] === MINUS;
    const first = negative ? start + 1 : start;
    const digits = end - first;
    if (digits === 0 || digits > all || (negative && least === undefined)) return 0;
    // Zeros in front are kept in a short number without a sign, and dropped in others.
    if (bytes[first] === ZERO && (negative || digits === all)) return 0;
    if (digitsEnd(bytes, first, end) !== end) return 0;
    return digits < all || isAtMost(bytes, first, negative ? lower : upper) ? end - start : 0;
  };
}

/** Reports whether digits are not more than those of a limit, which are as many. */
function isAtMost(bytes: Buffer, first: number, limit: Buffer): boolean {
  for (let i = 0; i < limit.length; i++) {
    const difference = bytes[first + i]! - limit[i]!;
    if (difference !== 0) return difference < 0;
  }
  return true;
}

/** A number with at most this many characters is never too large for a double. */
const FINITE_DIGITS = 300;

const decimalTest: PlainTest = (bytes, start, end, type) =>
  (type === CellType.string || type === CellType.number) &&
  end - start <= FINITE_DIGITS &&
  pointIn(bytes, start, end) >= 0
    ? end - start
    : 0;

/** numeric(p, s); of a number cell also what a double keeps: it must come out as it went in. */
function numericTest(precision: number, scale: number): PlainTest | undefined {
  if (scale < 0) return undefined;
  return (bytes, start, end, type) => {
    if (type !== CellType.string && type !== CellType.number) return 0;
    const point = pointIn(bytes, start, end);
    if (point < 0) return 0;
    const first = bytes[start] === MINUS ? start + 1 : start;
    const whole = point - first;
    const decimals = point === end ? 0 : end - point - 1;
    if (decimals > scale || whole > precision - scale) return 0;
    if (type === CellType.number) {
      if (whole + decimals > EXACT_DIGITS) return 0;
      if (bytes[first] === ZERO && (whole > 1 || (decimals === 0 && first > start))) return 0;
      if (decimals > 0 && bytes[end - 1] === ZERO) return 0;
    }
    return end - start;
  };
}

const booleanTest: PlainTest = (bytes, start, end, type) => {
  if (type === CellType.boolean) return end - start;
  if (type !== CellType.string) return 0;
  return isWord(bytes, start, end, TRUE) || isWord(bytes, start, end, FALSE) ? end - start : 0;
};

const TRUE = Buffer.from("true");
const FALSE = Buffer.from("false");

function isWord(bytes: Buffer, start: number, end: number, word: Buffer): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false;
  return true;
}

/** A date as text, or a cell of a date at midnight, of which the day is loaded. */
const dateTest: PlainTest = (bytes, start, end, type) => {
  const fits = type === CellType.date ? isMidnight(bytes, start, end) : end - start === DAY_LENGTH;
  return fits && (type === CellType.date || type === CellType.string) && isDate(bytes, start) ? DAY_LENGTH : 0;
};

/** Reports whether a text is as long as a date cell, and ends as one at midnight does. */
function isMidnight(bytes: Buffer, start: number, end: number): boolean {
  return isWord(bytes, start + DAY_LENGTH, end, MIDNIGHT_BYTES);
}

/**
 * A date cell is loaded as it is. A text has a day, and then perhaps a time and, if the type has
 * one, a zone.
 */
function timestampTest(fraction: number, zoned: boolean): PlainTest {
  return (bytes, start, end, type) => {
    if (type === CellType.date) return fraction === 6 ? end - start : 0;
    if (type !== CellType.string || end - start < DAY_LENGTH || !isDate(bytes, start)) return 0;
    const clock = start + DAY_LENGTH;
    if (clock === end) return end - start;
    if (bytes[clock] !== SPACE && bytes[clock] !== T) return 0;
    const zone = clockEnd(bytes, clock + 1, end, fraction);
    return zone === end || (zone > 0 && zoned && isZone(bytes, zone, end)) ? end - start : 0;
  };
}

function timeTest(fraction: number): PlainTest {
  return (bytes, start, end, type) =>
    type === CellType.string && clockEnd(bytes, start, end, fraction) === end ? end - start : 0;
}

/** The place after `12:34`, `12:34:56` or `12:34:56.789`; 0 if no such time begins there. */
function clockEnd(bytes: Buffer, at: number, end: number, fraction: number): number {
  if (end - at < 5 || twoDigits(bytes, at) > 23 || bytes[at + 2] !== COLON || twoDigits(bytes, at + 3) > 59) return 0;
  if (at + 5 === end || bytes[at + 5] !== COLON) return at + 5;
  if (end - at < 8 || twoDigits(bytes, at + 6) > 59) return 0;
  if (at + 8 === end || bytes[at + 8] !== POINT) return at + 8;
  const after = digitsEnd(bytes, at + 9, end);
  return after > at + 9 && after - (at + 9) <= fraction ? after : 0;
}

/** `Z`, `+01`, `+0100` or `+01:00`. */
function isZone(bytes: Buffer, at: number, end: number): boolean {
  const length = end - at;
  if (length === 1) return bytes[at] === Z;
  if ((bytes[at] !== PLUS && bytes[at] !== MINUS) || length < 3 || twoDigits(bytes, at + 1) === NO_DIGITS) return false;
  const minutes = bytes[at + 3] === COLON ? at + 4 : at + 3;
  return length === 3 || (minutes + 2 === end && twoDigits(bytes, minutes) !== NO_DIGITS);
}

/** `123e4567-e89b-12d3-a456-426614174000`, its letters of either case. */
const uuidTest: PlainTest = (bytes, start, end, type) => {
  if (type !== CellType.string || end - start !== 36) return 0;
  for (let i = 0; i < 36; i++) {
    const byte = bytes[start + i]!;
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (byte !== MINUS) return 0;
    } else if (byte < ZERO || (byte > NINE && ((byte | 0x20) < 0x61 || (byte | 0x20) > 0x66))) return 0;
  }
  return 36;
};

/**
 * Cells of other kinds in a column of text: those whose text people read as it stands in the file.
 */
function shownTest(type: string, storage: string): PlainTest | undefined {
  // Other types have limits of their own.
  if (baseType(type) !== "text" || baseType(storage) !== "text") return undefined;
  return (bytes, start, end, cell) => {
    if (cell === CellType.boolean) return end - start;
    if (cell === CellType.number) return isShortWhole(bytes, start, end) ? end - start : 0;
    // The day 0 of a date system means a time alone.
    if (cell !== CellType.date || !isMidnight(bytes, start, end) || !isDate(bytes, start)) return 0;
    return twoDigits(bytes, start) === 18 ? 0 : DAY_LENGTH;
  };
}

/** A whole number without zeros in front, of so many digits that none of them is noise. */
function isShortWhole(bytes: Buffer, start: number, end: number): boolean {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (first === end || end - first > EXACT_DIGITS || digitsEnd(bytes, first, end) !== end) return false;
  return bytes[first] !== ZERO || end - first === 1;
}
