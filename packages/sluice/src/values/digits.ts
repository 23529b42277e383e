// Digits of numbers and days as texts, in linear time: a cell may be as long as a file allows. Most
// functions look at the bytes of a text, so no string is made for it.
import { isDay } from "../schema/date-format.ts";

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const POINT = 0x2e;

/** The bytes of `2020-01-31`. */
export const DAY_LENGTH = 10;

/** A text without the zeros at its end. (`/0+$/` takes quadratic time for `000…1`.) */
export function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

/** The place after the digits that begin at `at`. */
export function digitsEnd(bytes: Buffer, at: number, end: number): number {
  let next = at;
  while (next < end && bytes[next]! >= ZERO && bytes[next]! <= NINE) next++;
  return next;
}

/**
 * The place of the point in `-12.50`, `end` in `12`; −1 if a text is not digits with, perhaps, a
 * minus, and a point between digits.
 */
export function pointIn(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  const point = digitsEnd(bytes, first, end);
  if (point === first) return -1;
  if (point === end) return end;
  return bytes[point] === POINT && point + 1 < end && digitsEnd(bytes, point + 1, end) === end ? point : -1;
}

/** Reports whether ten bytes are a day of the calendar, as `2020-01-31`. */
export function isDate(bytes: Buffer, at: number): boolean {
  if (bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS) return false;
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
  return year < NO_DIGITS && isDay(year, twoDigits(bytes, at + 5), twoDigits(bytes, at + 8));
}

/** More than any part of a date or time. */
export const NO_DIGITS = 10_000;

/** The number of two digits; NO_DIGITS if they are not digits. */
export function twoDigits(bytes: Buffer, at: number): number {
  const tens = bytes[at]! - ZERO;
  const ones = bytes[at + 1]! - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NO_DIGITS;
}
