// The values that a column takes if its type was inferred from the first rows of a sheet.
//
// What must hold: a value below these rows goes in only if inference would have let it pass among
// them. PostgreSQL takes `06` for the number 6, `1` for true and `20240131` for a day. Inference
// does not: with such a value among the first rows, the column would be text. So it is rejected.
// The column's own check judges first, because its reasons are about the value alone. A type that
// somebody stated is meant, and so is that of a table which exists: they take all that their check
// takes.
//
// A column of `numeric` takes numbers with an exponent too, and number cells with more digits than
// those above: nothing of them is lost.
import { CellType } from "@sluice/sheets";
import { amountIn, formatsIn, kindOf, type Kind } from "./cell-kind.ts";
import { NOTATIONS } from "../schema/number-format.ts";
import type { Column, InferredFrom } from "../schema/schema.ts";
import { baseType } from "../schema/types.ts";
import type { RejectCode } from "../reject.ts";
import type { Check, PlainTest } from "./verdict.ts";

/**
 * Reports whether a value that the column's check takes could be among the first rows.
 *
 * @param loaded the text that the check makes of it; undefined if its bytes are loaded
 */
type Fits = (bytes: Buffer, start: number, end: number, cell: CellType, loaded: string | undefined) => boolean;

const ZERO = 0x30;
const FOUR = 0x34;
const EIGHT = 0x38;
const NINE = 0x39;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const UPPER_Z = 0x5a;
/** The characters that can be between the digits of a number: blank, apostrophe, comma, point. */
const BETWEEN = [0x20, 0x27, 0x2c, POINT];

/** The notation that has points between thousands. */
const POINTS = NOTATIONS.indexOf("1.234,56");
/** The digits of a text that is a number; those of longer ones may name something. */
const NUMBER_DIGITS = 15;
/** The characters of a decimal that inference looks at. */
const LONG_DECIMAL = 100;
/** The bytes of texts: `2020-01-31`, a date cell in text, a UUID. */
const DAY_LENGTH = 10;
const CELL_LENGTH = 23;
const UUID_LENGTH = 36;
/** The bytes of the shortest time with a zone, `2020-01-31 12:30Z`, and of the longest zone. */
const ZONED_LENGTH = 17;
const ZONE_LENGTH = 6;

const CODES: Readonly<Record<string, RejectCode>> = {
  boolean: "invalid_boolean",
  date: "invalid_date",
  "timestamp without time zone": "invalid_timestamp",
  "timestamp with time zone": "invalid_timestamp",
  "time without time zone": "invalid_time",
  interval: "invalid_interval",
  uuid: "invalid_uuid",
  jsonb: "invalid_json",
};

/** A column's check, which takes no more than inference does if the type was inferred. */
export function asInferred(column: Column, check: Check | undefined): Check | undefined {
  const fits = column.inferred === undefined ? undefined : fitsFor(column, column.inferred);
  if (!fits || !check) return check;
  const { name, type } = column;
  const code = CODES[baseType(type)] ?? "invalid_number";
  return (bytes, start, end, cell) => {
    const verdict = check(bytes, start, end, cell);
    if (typeof verdict === "object" || fits(bytes, start, end, cell, verdict)) return verdict;
    const what =
      kindOf(bytes, start, end, cell) === "code"
        ? "digits that a number would not keep: leading zeros, a plus, or more than 15"
        : "not written as the values of the first rows are";
    const way = `the option --type "${name}=text" keeps it, in a new table`;
    return { code, reason: `${what}. The type ${type} was inferred from the first rows; ${way}` };
  };
}

/** A test of plain values which takes no more than the check of {@link asInferred} does. */
export function plainAsInferred({ type, inferred, timeZone }: Column, test: PlainTest): PlainTest | undefined {
  if (inferred === undefined) return test;
  switch (baseType(type)) {
    case "integer":
    case "bigint":
    case "numeric":
    case "double precision":
      if (inferred === "cells") return (bytes, start, end, cell) => cell === CellType.string ? 0 : test(bytes, start, end, cell); // prettier-ignore
      return (bytes, start, end, cell) =>
        cell === CellType.string && !keepsDigits(bytes, start, end) ? 0 : test(bytes, start, end, cell);
    case "boolean":
      return inferred === "values" ? test : undefined;
    case "date":
    case "timestamp without time zone":
      return (bytes, start, end, cell) =>
        cell === CellType.date && mayBeTime(bytes, start) ? 0 : test(bytes, start, end, cell);
    case "timestamp with time zone":
      return (bytes, start, end, cell) =>
        timeZone === undefined && !hasZone(bytes, start, end, cell) ? 0 : test(bytes, start, end, cell);
    default:
      return test;
  }
}

/** The test of values for a type; undefined if all fit that its check takes. */
function fitsFor(column: Column, from: InferredFrom): Fits | undefined {
  const { type, timeZone } = column;
  const base = baseType(type);
  switch (base) {
    case "integer":
    case "bigint":
      return wholeNumbers;
    case "numeric":
      return from === "cells" ? numbersAmongCells : numbers;
    case "double precision":
      return doubles;
    case "boolean":
      return booleans(from);
    case "date":
    case "timestamp without time zone":
      return dates(column.dateFormat, base === "date");
    case "timestamp with time zone":
      return timeZone === undefined ? hasZone : undefined;
    case "time without time zone":
      // A reject file has a date cell as a text of this length.
      return (_, start, end, cell) => cell !== CellType.string || end - start !== CELL_LENGTH;
    case "interval":
      return (bytes, start, end, cell) => (DURATIONS[from] ?? []).includes(kindOf(bytes, start, end, cell));
    case "uuid":
      return (_, start, end) => end - start === UUID_LENGTH;
    case "jsonb":
      return (bytes, start, end, cell) => kindOf(bytes, start, end, cell) === "json";
    default:
      return undefined;
  }
}

const numbers: Fits = (bytes, start, end, cell) => {
  if (cell !== CellType.string) return cell === CellType.number;
  if (digitsOf(bytes, start, end) > 0) return true;
  const kind = kindOf(bytes, start, end, cell);
  return isWhole(kind) || kind === "double" || kind.startsWith("cut ") || amountIn(kind) !== undefined;
};

/** Texts in the notation of PostgreSQL, so without a plus. */
const doubles: Fits = (bytes, start, end, cell, loaded) => {
  if (!numbers(bytes, start, end, cell, loaded)) return false;
  if (cell !== CellType.string || digitsOf(bytes, start, end) > 0) return true;
  const amount = amountIn(kindOf(bytes, start, end, cell));
  return amount === undefined || amount.dress === "none";
};

/** Among number cells nothing tells what the point of a text such as `1.250` is. */
const numbersAmongCells: Fits = (bytes, start, end, cell, loaded) => {
  const readings = cell === CellType.string ? amountIn(kindOf(bytes, start, end, cell))?.readings : undefined;
  return numbers(bytes, start, end, cell, loaded) && (readings === undefined || readings[POINTS] === "-");
};

/** Whole numbers: all digits of a text are loaded, so that `42.0` is not one. */
const wholeNumbers: Fits = (bytes, start, end, cell, loaded) => {
  if (cell !== CellType.string) return numbers(bytes, start, end, cell, loaded);
  const digits = digitsOf(bytes, start, end);
  if (digits > 0 && (loaded === undefined || digits === digitsIn(loaded))) return true;
  const kind = kindOf(bytes, start, end, cell);
  if (isWhole(kind)) return true;
  const text = bytes.toString("latin1", start, end);
  return amountIn(kind) !== undefined && digitsIn(text) === digitsIn(loaded ?? text);
};

function isWhole(kind: Kind): boolean {
  return kind === "integer" || kind === "bigint" || kind.startsWith("digits ");
}

/**
 * Reports whether a text of digits, perhaps with a minus and a point, is the number that it looks
 * like: no zero in front of others, and at most 15 digits or a point among them.
 */
function keepsDigits(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] === PLUS) return false;
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (bytes[first] === ZERO && (first + 1 === end ? first > start : bytes[first + 1] !== POINT)) return false;
  if (end - first <= NUMBER_DIGITS) return true;
  if (end - first > LONG_DECIMAL) return false;
  for (let i = first; i < end; i++) if (bytes[i] === POINT) return true;
  return false;
}

/**
 * The number of digits of a text such as `-12`, `12.50` or `1.234,56`; 0 if there are too many of
 * them, or a zero in front of others, or any other character. Then the text's kind decides.
 */
function digitsOf(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (!isDigit(bytes[first]) || !isDigit(bytes[end - 1])) return 0;
  if (bytes[first] === ZERO && (first + 1 === end ? first > start : isDigit(bytes[first + 1]))) return 0;
  let digits = 0;
  for (let i = first; i < end; i++) {
    if (isDigit(bytes[i])) digits++;
    else if (!BETWEEN.includes(bytes[i]!)) return 0;
  }
  return digits <= NUMBER_DIGITS ? digits : 0;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function digitsIn(text: string): number {
  let digits = 0;
  for (let i = 0; i < text.length; i++) if (isDigit(text.charCodeAt(i))) digits++;
  return digits;
}

/** The words of booleans, as `boolean` cells and texts have them. */
const WORDS: Readonly<Partial<Record<InferredFrom, readonly string[]>>> = {
  values: ["true", "false"],
  yes: ["yes", "no"],
  y: ["y", "n"],
  t: ["t", "f"],
};

function booleans(from: InferredFrom): Fits {
  const words = WORDS[from] ?? [];
  return (bytes, start, end, cell) => {
    if (cell !== CellType.string) return cell === CellType.boolean && from === "values";
    return words.includes(bytes.toString("latin1", start, end).trim().toLowerCase());
  };
}

/** The kinds of durations and of times among them, in cells and as texts alone. */
const DURATIONS: Readonly<Partial<Record<InferredFrom, readonly Kind[]>>> = {
  values: ["duration", "time", "iso time", "hours", "iso duration"],
  texts: ["duration", "time", "iso time", "iso duration"],
};

function dates(dateFormat: string | undefined, isDay: boolean): Fits {
  const day = dateFormat?.replace(/ (?:HH|hh):.*$/, "");
  return (bytes, start, end, cell) => {
    if (cell === CellType.date) return !mayBeTime(bytes, start) || kindOf(bytes, start, end, cell) !== "time";
    if (cell !== CellType.string) return false;
    const text = bytes.toString("latin1", start, end).trim();
    const isCell = text.length === CELL_LENGTH && text[DAY_LENGTH] === "T";
    if (dateFormat === undefined) return isDay ? text.length === DAY_LENGTH : true;
    if (isCell) return !isDay && day === "YYYY-MM-DD";
    if (dateFormat.includes("YYYY")) return true;
    return formatsIn(kindOf(bytes, start, end, cell)).some((format) => format === dateFormat || format === day);
  };
}

/** Reports whether a date cell can be a time alone: it has the day 0 of a date system then. */
function mayBeTime(bytes: Buffer, start: number): boolean {
  const [century, decade, year] = [bytes[start + 1], bytes[start + 2], bytes[start + 3]];
  if (decade === NINE) return century === EIGHT;
  return decade === ZERO && year === FOUR && century === NINE;
}

/** Reports whether a text is a time with a zone, as `2020-01-31 12:30+01` is. */
function hasZone(bytes: Buffer, start: number, end: number, cell: CellType): boolean {
  if (cell !== CellType.string || end - start < ZONED_LENGTH) return false;
  if (bytes[end - 1] === UPPER_Z) return true;
  for (let i = end - ZONE_LENGTH; i < end; i++) if (bytes[i] === PLUS || bytes[i] === MINUS) return true;
  return false;
}
