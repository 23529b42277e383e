// The kinds of a cell's content: the words that inference and the search for the header row talk
// in.
//
// A kind says what the value certainly is; a value that could be two things is `text`. So `085232`
// is a code and not a number, `12,5` is text, and `01/02/2020` is a date of which two notations are
// named. Kinds are strings, so that they can be counted in a map.
import { CellType } from "@sluice/sheets";
import { dateFormatsOf } from "../schema/date-format.ts";
import { amountOf } from "../schema/number-format.ts";
import { DAY_LENGTH, isDate, pointIn, withoutZerosAtEnd } from "./digits.ts";
import { isMark, MARK_SAMPLES } from "./marks.ts";

/**
 * - `integer`, `bigint`: whole, and within PostgreSQL's type of that name; `digits N`: N = 10 to 15
 *   digits as text, which may be a name of something; `huge`: whole, and beyond both
 * - `decimal`: a number cell of at most 15 significant digits; `double`: a binary fraction with
 *   more, or one with an exponent; `cut N`: a whole number from 1E+10 of which a text has six
 *   digits at most, and the exponent N
 * - `amount …`: a number as text in one notation or several; {@link amountIn} takes it apart
 * - `true`, `yes`, `y`, `t` and their opposites: such a word as text; `boolean`: a boolean cell
 * - `date`, `timestamp`, `time`, `duration`: a cell of that kind; `iso date`, `iso timestamp`, `iso
 *   timestamptz`, `iso time`: ISO text; `hours`: a time of two parts, `7:30`, and `pm time`: one with
 *   AM or PM; `iso duration`: `26:10:00`, `-1:30:00`; `clock`: `26:10`, hours or minutes; `date DD/MM/YYYY|MM/DD/YYYY`: text that can be read in
 *   these notations
 * - `code`: digits that a number would not keep: leading zeros, a plus, more than 15
 * - `mark …`: a text that stands for a missing value; `error …`: an error cell, with its code
 * - `uuid`, `json`, `email`, `url`, `text`
 */
export type Kind = string;

const { string, number, boolean, date, duration, error } = CellType;
/** Texts longer than this are looked at only if they may be JSON. */
const LONGEST_VALUE = 100;
const BOOLEAN_WORDS = new Set(["true", "false", "yes", "no", "y", "n", "t", "f"]);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ISO =
  /^\d{4}-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6}0*)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/;
const TIME = /^(?:[01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(?:\.\d{1,6})?)?$/;
const PM_TIME = /^(?:0?[1-9]|1[0-2]):[0-5]\d(?::[0-5]\d)? ?[ap]\.?m\.?$/i;
const DURATION = /^-?\d{1,5}:[0-5]\d(:[0-5]\d(?:\.\d{1,6})?)?$/;
/** A decimal that is read in one way, because it has not just three digits after its point. */
const DECIMAL = "amount none dd--dd- 0  ";
/** The digits after a point that may be between thousands. */
const GROUP = 3;
/** A whole number with at most this many digits is an `integer`. */
const INTEGER_DIGITS = 9;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@.]+$/;
const WEB_ADDRESS = /^https?:\/\/\S+$/i;
/** More letters than a mark for a missing value has, or a date with the name of a month. */
const WORDS_LETTERS = 16;
/** More letters of other scripts than a unit has. No date has one. */
const FOREIGN_LETTERS = 4;
const UUID_LENGTH = 36;
const ZERO = 0x30;
const MINUS = 0x2d;
/** The first bytes of other blanks: U+00A0, U+1680, U+2000 and more, U+3000, U+FEFF. */
const HIGH_BLANKS = [0xc2, 0xe1, 0xe2, 0xe3, 0xef];
/** The second byte of U+3000, a blank that begins as letters do. */
const WIDE_BLANK = 0x80;
const INT_MAX = 2_147_483_647n;
const BIGINT_MAX = 9_223_372_036_854_775_807n;

/** The sorts of bytes of a text: one bit each, so that a mask says which of them were seen. */
const LETTER = 1;
const DIGIT = 2;
const BLANK = 4;
const BRACKET = 8;
const AT = 16;
const SLASH = 32;
/** The first byte of a letter of another script. Signs, and blanks such as U+2009, are `HIGH`. */
const FOREIGN = 64;
const HIGH = 128;
const SORTS = Uint8Array.from({ length: 256 }, (_, byte) => sortOfByte(byte));

function sortOfByte(byte: number): number {
  if (byte <= 0x20) return BLANK;
  if (byte >= 0x80) return byte < 0xc3 || byte === 0xe1 || byte === 0xe2 || byte === 0xef ? HIGH : FOREIGN;
  const sign = String.fromCodePoint(byte);
  if (/[a-z]/i.test(sign)) return LETTER;
  if (/\d/.test(sign)) return DIGIT;
  return { "[": BRACKET, "{": BRACKET, "@": AT, "/": SLASH }[sign] ?? 0;
}

/** 1 for each byte that a mark or a word such as `yes` may begin with, or a blank before it. */
const BEGINNINGS = Uint8Array.from({ length: 256 }, (_, byte) => +(byte <= 0x20 || HIGH_BLANKS.includes(byte)));
for (const word of [...MARK_SAMPLES, ...BOOLEAN_WORDS])
  for (const written of [word, word.toUpperCase()]) BEGINNINGS[Buffer.from(written)[0]!] = 1;

/** The kind of a cell that is not empty. */
export function kindOf(bytes: Buffer, start: number, end: number, type: CellType): Kind {
  if (type === boolean) return "boolean";
  if (type === error) return `error ${bytes.toString("latin1", start, end)}`;
  if (type === date) return dateCellKind(bytes.toString("latin1", start, end));
  if (type === duration) return "duration";
  if (end - start > LONGEST_VALUE && bytes[start] !== 0x7b && bytes[start] !== 0x5b) return "text";
  if (type === string) {
    const kind = plainKind(bytes, start, end) ?? wordKind(bytes, start, end);
    if (kind !== undefined) return kind;
  }
  const value = bytes.toString("utf8", start, end);
  if (type === number) return numberCellKind(value);
  // Blanks around a value do not make it a word; a word keeps them.
  const trimmed = value.trim();
  const kind = textKind(trimmed);
  return value.length !== trimmed.length && (kind === "email" || kind === "url") ? "text" : kind;
}

/**
 * The kind of a UUID, of an address, or of a text with many letters or without a digit: most are
 * words. Undefined if its characters may make it something else. The bytes tell that much faster
 * than the patterns of {@link textKind}.
 */
function wordKind(bytes: Buffer, start: number, end: number): Kind | undefined {
  if (end - start === UUID_LENGTH && UUID.test(bytes.toString("latin1", start, end))) return "uuid";
  let seen = 0;
  let letters = 0;
  let foreign = 0;
  for (let at = start; at < end; at++) {
    const sort = SORTS[bytes[at]!]!;
    seen |= sort;
    if (sort === LETTER) letters++;
    else if (sort === FOREIGN && bytes[at + 1] !== WIDE_BLANK) foreign++;
    else if (sort === AT) break;
    // Neither an address nor JSON, which has its bracket before all letters.
    if ((seen & BLANK) !== 0 && letters + foreign >= WORDS_LETTERS) break;
  }
  if ((seen & BRACKET) !== 0) return undefined;
  if ((seen & (AT | SLASH)) !== 0 && (seen & BLANK) === 0) {
    const text = bytes.toString("utf8", start, end);
    if (EMAIL.test(text)) return "email";
    if (WEB_ADDRESS.test(text)) return "url";
  }
  if ((seen & AT) !== 0) return undefined;
  if (letters + foreign >= WORDS_LETTERS) return "text";
  if ((seen & DIGIT) !== 0) return foreign >= FOREIGN_LETTERS ? "text" : undefined;
  if (BEGINNINGS[bytes[start]!] === 0) return "text";
  const text = bytes.toString("utf8", start, end).trim();
  if (isMark(text)) return `mark ${text}`;
  const word = text.toLowerCase();
  return BOOLEAN_WORDS.has(word) ? word : "text";
}

/**
 * The kind of a text that columns of numbers and days are full of, as {@link textKind} tells it:
 * `1234`, `-12.50`, `2020-01-31`. The bytes tell it over ten times as fast as the text does.
 * Undefined of any other text.
 */
function plainKind(bytes: Buffer, start: number, end: number): Kind | undefined {
  const point = pointIn(bytes, start, end);
  if (point < 0) return end - start === DAY_LENGTH && isDate(bytes, start) ? "iso date" : undefined;
  const first = bytes[start] === MINUS ? start + 1 : start;
  const whole = point - first;
  if (point < end) return (bytes[first] === ZERO && whole > 1) || end - point - 1 === GROUP ? undefined : DECIMAL;
  if (whole > INTEGER_DIGITS || (bytes[first] === ZERO && end - start > 1)) return undefined;
  return "integer";
}

/**
 * The kind of a text of which {@link wordKind} tells none. It has more than 15 branches because it
 * is a list, the first that fits: `{"a":1}` is JSON, `12.5` a number, `03.05.2024` a date in some
 * notations, `5 kg` an amount.
 */
function textKind(text: string): Kind {
  const first = text.charCodeAt(0);
  if (first === 0x7b || first === 0x5b) return isMark(text) ? `mark ${text}` : isJson(text) ? "json" : "text";
  if (text.length > LONGEST_VALUE) return "text";
  const digit = first >= 0x30 && first <= 0x39;
  if (digit || first === 0x2d || first === 0x2b || first === 0x2e) {
    const numeric = numberTextKind(text);
    if (numeric !== undefined) return numeric;
  }
  if (first === 0x2d && DURATION.test(text)) return timeKind(text)!;
  if (digit) {
    const time = text.includes(":") ? timeKind(text) : undefined;
    if (time !== undefined) return time;
    const iso = text[4] === "-" ? ISO.exec(text) : null;
    if (iso && dateFormatsOf(text.slice(0, 10)).length > 0)
      return text.length === 10 ? "iso date" : iso[1] === undefined ? "iso timestamp" : "iso timestamptz";
  }
  if (text.includes("@") && EMAIL.test(text)) return "email";
  if (WEB_ADDRESS.test(text)) return "url";
  const formats = dateFormatsOf(text);
  if (formats.length > 0) return `date ${formats.join("|")}`;
  return amountKind(text) ?? "text";
}

/** The kind of a time of day, or of a duration, as text. */
function timeKind(text: string): Kind | undefined {
  const time = TIME.exec(text);
  if (time) return time[1] === undefined ? "hours" : "iso time";
  if (PM_TIME.test(text)) return "pm time";
  const duration = DURATION.exec(text);
  return duration ? (duration[1] === undefined ? "clock" : "iso duration") : undefined;
}

/** The notations that a kind names; empty if it is not a date as text. */
export function formatsIn(kind: Kind): readonly string[] {
  return kind.startsWith("date ") ? kind.slice(5).split("|") : [];
}

/** The facts in the kind of a number as text. */
export interface AmountKind {
  /** `none`, `sign` or `other`, as in `Amount`. */
  readonly dress: string;
  readonly unit: string;
  /**
   * A letter for each of the `NOTATIONS`: `i`, `b`, `h` (whole, as `integer`, `bigint`, `huge`),
   * `d` (decimals), `-` (it cannot be read so).
   */
  readonly readings: string;
  /**
   * The number of digits of a whole number whose thousands are apart by points or blanks; 0 for any
   * other.
   */
  readonly digits: number;
  /** The character before the three digits that a text ends with, if the last of them is 0. */
  readonly beforeZero: string;
}

/** The facts in an `amount`; undefined for any other kind. */
export function amountIn(kind: Kind): AmountKind | undefined {
  if (!kind.startsWith("amount ")) return undefined;
  const [, dress = "", readings = "", digits = "0", unit = "", beforeZero = ""] = kind.split(" ");
  return { dress, readings, digits: Number(digits), unit, beforeZero };
}

function amountKind(text: string): Kind | undefined {
  // A number does not begin so: telephone numbers and codes do.
  if (/^0\d/.test(text)) return undefined;
  const amount = amountOf(text);
  if (!amount) return undefined;
  const letters = amount.readings.map((reading) => {
    if (reading === undefined || /^-?0\d/.test(reading)) return "-";
    return reading.includes(".") ? "d" : wholeKind(BigInt(reading))[0]!;
  });
  if (letters.every((letter) => letter === "-")) return undefined;
  const apart = /^\d{1,3}(?:([. \u00a0\u2009\u202f])\d{3})(?:\1\d{3})*$/.test(text);
  const [, beforeZero = ""] = /^-?\d{1,3}([.,])\d\d0$/.exec(text) ?? [];
  return `amount ${amount.dress} ${letters.join("")} ${apart ? text.replaceAll(/\D/g, "").length : 0} ${amount.unit} ${beforeZero}`;
}

/**
 * The kind of a cell with a date. A time without a date has the day 0 of its date system; a date
 * without a time of day ends in midnight.
 */
function dateCellKind(iso: string): Kind {
  if (/^(?:1899-12-3[01]|1904-01-01)T/.test(iso)) return "time";
  return iso.slice(10).replaceAll(/[T:.0]/g, "") === "" ? "date" : "timestamp";
}

/** A number cell was a number to begin with; only how large and how fine it is is open. */
function numberCellKind(text: string): Kind {
  if (/^-?\d{1,9}$/.test(text)) return "integer";
  const [, digits = "", fraction = "", exponent = "0"] = /^[+-]?(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const value = Number(text);
  if (Number.isInteger(value) && Math.abs(Number(exponent)) < 20) {
    const whole = /^-?\d+$/.test(text) ? BigInt(text) : BigInt(value);
    return wholeKind(whole);
  }
  const significant = withoutZerosAtEnd((digits + fraction).replace(/^0+/, "")).length;
  return significant > 15 || exponent !== "0" ? "double" : "decimal";
}

function numberTextKind(text: string): Kind | undefined {
  if (/^-?(?:0|[1-9]\d*)$/.test(text)) {
    if (text === "-0") return "text";
    const length = text.length - (text.startsWith("-") ? 1 : 0);
    if (length > 15) return "code";
    return length >= 10 ? `digits ${length}` : wholeKind(BigInt(text));
  }
  if (/^[+-]?\d+$/.test(text)) return "code";
  if (/^-?(?:0|[1-9]\d*)?\.\d+$/.test(text)) return amountKind(text) ?? DECIMAL;
  // `1E5` may be a part number; a point or a sign in the exponent makes it a number.
  if (/^-?\d\.\d+e[+-]?\d{1,3}$|^-?\d(?:\.\d+)?e[+-]\d{1,3}$/i.test(text) && Number.isFinite(Number(text))) {
    const [, decimals = "", exponent] = /^\d(?:\.(\d{1,5}))?e\+?(\d\d)$/i.exec(text) ?? [];
    return exponent !== undefined && Number(exponent) >= 10 && decimals.length < Number(exponent)
      ? `cut ${exponent}`
      : "double";
  }
  return undefined;
}

function wholeKind(whole: bigint): Kind {
  const fits = (most: bigint): boolean => -most - 1n <= whole && whole <= most;
  return fits(INT_MAX) ? "integer" : fits(BIGINT_MAX) ? "bigint" : "huge";
}

/**
 * An object or an array that jsonb gives back as it is, but for white space, the order of keys and
 * how numbers are written: no key twice, of which it keeps the last, and none of the characters
 * that PostgreSQL refuses (U+0000, half of a surrogate pair).
 */
function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    // In linear time, because in JSON every text ends; without a list, since a cell may hold a
    // million texts.
    let names = 0;
    for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon !== undefined) names++;
    return countKeys(value) === names;
  } catch {
    // It is not JSON, or too deep to be looked through.
    return false;
  }
}

/** The number of keys of all objects in it; NaN if a text in it cannot be stored. */
function countKeys(value: unknown): number {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0") ? 0 : Number.NaN;
  if (typeof value !== "object" || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, part) => sum + countKeys(part), 0);
  let sum = 0;
  for (const name in value) sum += 1 + countKeys(name) + countKeys((value as Record<string, unknown>)[name]);
  return sum;
}
