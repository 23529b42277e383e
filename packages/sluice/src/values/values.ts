// The values that a column of each type may hold, and how they are written for PostgreSQL.
//
// The rule: a value that does not fit is rejected, never truncated, rounded or reinterpreted. Types
// we know are checked here, so that a bad value is named before the database sees it. The database
// judges values of other types (enums, points, …). Domains, arrays, ranges and composites are what
// their parts are.
import { CellType } from "@sluice/sheets";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { dateReader, isDay } from "../schema/date-format.ts";
import { usageError } from "../errors.ts";
import { arrayCheck } from "./array.ts";
import { asInferred } from "./inferred.ts";
import { intervalFits, daysOf } from "./interval.ts";
import { nestedCheck } from "./nested.ts";
import { plainTestFor } from "./plain.ts";
import { withoutZerosAtEnd } from "./digits.ts";
import { advised, inNumberFormat, orNull } from "./reading.ts";
import { cellText } from "./shown.ts";
import { offsetIn } from "../schema/time-zone.ts";
import { baseType } from "../schema/types.ts";
import type { RejectCode } from "../reject.ts";
import type { Column } from "../schema/schema.ts";
import type { Check, PlainTest, Problem } from "./verdict.ts";

/**
 * The test of values that no check need judge, since their bytes say that they fit; see plain.ts.
 */
export function plainFor(column: Column): PlainTest | undefined {
  return plainTestFor(column, scalarOf(column), takesText(column));
}

/** The check of a column's text cells, or undefined for plain text, if nothing need be asked. */
export function checkFor(column: Column): Check | undefined {
  return orNull(column.nulls, asInferred(column, refinedCheck(column)));
}

/**
 * The check of a column's cells that are not text. If the column holds text, they are loaded as
 * people read them.
 */
export function typedCheckFor(column: Column): Check {
  const check = asInferred(column, refinedCheck(column));
  if (!takesText(column)) return orNull(column.nulls, check)!;
  return orNull(column.nulls, (bytes, start, end, type) => {
    const text = bytes.toString("utf8", start, end);
    const shown = cellText(text, type);
    const result = check && judged(check, shown, CellType.string);
    return result ?? (result === undefined && shown !== text ? shown : result);
  })!;
}

/**
 * Reports whether typed cells become texts in a column: in one of text, and in every type whose
 * values the database judges.
 */
export function takesText({ type, storage }: Column): boolean {
  const scalar = typeof storage === "string" ? storage : type;
  return typeCheck(scalar, undefined) === undefined || /^(?:varchar|char|bpchar|name|"char")$/.test(baseType(scalar));
}

/** The verdict of a check on a string. */
function judged(check: Check, text: string, type: CellType): ReturnType<Check> {
  const bytes = Buffer.from(text);
  return check(bytes, 0, bytes.length, type);
}

/**
 * The check of the type, and then what else the schema asks for: `maxLength`, `format`, and a
 * check of its own. They judge the text that the check of the type has made.
 */
function refinedCheck(column: Column): Check | undefined {
  const base = kindCheck(column);
  const { maxLength, check } = column;
  if (maxLength === undefined && column.format === undefined && !check) return base;
  return (bytes, start, end, type) => {
    const result = base?.(bytes, start, end, type);
    if (isProblem(result) || result === null) return result;
    if (maxLength !== undefined && tooLong(bytes, start, end, maxLength)) {
      return { code: "too_long", reason: `the text is longer than ${maxLength} characters` };
    }
    if (column.format === "email" && !isEmail(bytes, start, end)) {
      return { code: "invalid_email", reason: "not an e-mail address: expected name@domain.tld without spaces" };
    }
    return check ? standardCheck(column, check, result ?? bytes.toString("utf8", start, end)) : result;
  };
}

/** The check of the declared type, as the column's texts are written. */
function kindCheck(column: Column): Check | undefined {
  const check = storedCheck(column);
  const { numberFormat, timeZone, name, type } = column;
  if (!check) return undefined;
  if (numberFormat !== undefined) return inNumberFormat(check, numberFormat, name, type);
  const isZoned = timeZone !== undefined && baseType(scalarOf(column)) === "timestamp with time zone";
  const told = advised(check, name, scalarOf(column), column.dateFormat === undefined);
  return isZoned ? zonedCheck(told, timeZone) : told;
}

/**
 * The check of the declared type, and of the type that the database stores if that is another one.
 */
function storedCheck(column: Column): Check | undefined {
  const { type, storage, dateFormat } = column;
  const declared = typeCheck(type, dateFormat);
  if (storage === undefined) return declared;
  // A notation is read once.
  const format = isDated(type) ? undefined : dateFormat;
  const nested = typeof storage === "string" ? typeCheck(storage, format) : nestedCheck(storage, elementCheck);
  const kept = typeof storage !== "string" && "array" in storage ? arrayCheck(nested) : nested;
  if (!declared || !kept) return declared ?? kept;
  return (bytes, start, end, cell) => {
    const result = declared(bytes, start, end, cell);
    if (isProblem(result) || result === null) return result;
    if (result === undefined) return kept(bytes, start, end, cell);
    return judged(kept, result, cell) ?? result;
  };
}

/**
 * The check of elements: it judges those that the database would change. All others the database
 * takes unchanged, or refuses.
 */
function elementCheck(type: string): ((text: string) => Problem | undefined) | undefined {
  const base = baseType(type);
  if (base in INTEGERS || (base === "numeric" && modifiersOf(type).length === 0) || TAKEN_AS_IT_STANDS.has(base))
    return undefined;
  const check = typeCheck(type, undefined);
  return (
    check &&
    ((text) => {
      const bytes = Buffer.from(text);
      const result = check(bytes, 0, bytes.length, CellType.string);
      return isProblem(result) ? result : undefined;
    })
  );
}

const TAKEN_AS_IT_STANDS = new Set(["real", "double precision", "boolean", "uuid", "json", "jsonb"]);

function isProblem(result: ReturnType<Check>): result is Problem {
  return typeof result === "object" && result !== null;
}

/**
 * The whole numbers: the least and the greatest, and the number of digits of which each text fits,
 * so that it needs no parsing.
 */
const INTEGERS: Record<string, readonly [min: bigint, max: bigint, fastDigits: number]> = {
  smallint: [-32768n, 32767n, 4],
  integer: [-2147483648n, 2147483647n, 9],
  bigint: [-9223372036854775808n, 9223372036854775807n, 18],
  oid: [0n, 4294967295n, 9],
};
/**
 * Reports whether the type is judged here, so that the database need not be asked for its parts.
 */
export function isScalar(type: string): boolean {
  const base = baseType(type);
  return base === "text" || base === "varchar" || typeCheck(base, undefined) !== undefined;
}

/** The type that decides how texts of a column are read. */
export function scalarOf({ type, storage }: Column): string {
  return typeof storage === "string" && !isScalar(type) ? storage : type;
}

/** Reports whether texts of a type can be in a notation of dates. */
export function isDated(type: string): boolean {
  return /^(?:date|timestamp)\b/.test(baseType(type));
}

/** `numeric(10,2)` → [10, 2]: the numbers in a type's parentheses. */
function modifiersOf(type: string): number[] {
  return [...(/\(([^)]*)\)/.exec(type)?.[1] ?? "").matchAll(/-?\d+/g)].map(Number);
}

/** The check of a type. It has more than 15 branches because it is a list of PostgreSQL's types. */
function typeCheck(declared: string, dateFormat: string | undefined): Check | undefined {
  const type = baseType(declared);
  const integer = INTEGERS[type];
  if (integer) return integerCheck(type, ...integer);
  switch (type) {
    case "numeric":
      return numericCheck(declared);
    case "real":
    case "double precision":
      return stringCheck((given, type) => {
        const text = inDays(given, type);
        if (!isNumber(text, type)) return notA("a number", "invalid_number");
        return Number.isFinite(Number(text)) ? text.trim() : outOfRange(declared);
      });
    case "boolean":
      return booleanCheck;
    case "date":
      return dateFormat === undefined ? dateCheck : notationCheck(dateCheck, dateFormat, "date");
    case "timestamp without time zone":
    case "timestamp with time zone":
      return timestampCheck(declared, dateFormat);
    case "time without time zone":
    case "time with time zone":
      return stringCheck((text, cell) => keptFraction(declared, timeText(text, cell, type === "time with time zone")));
    case "money":
      return stringCheck((text) =>
        /\.\d\d0*[1-9]/.test(text) ? tooManyDigits("money", 2, text.split(".")[1]!.length) : text,
      );
    case "varchar":
    case "char":
    case "bpchar": {
      const limit = modifiersOf(declared)[0] ?? (type === "char" ? 1 : undefined);
      return limit === undefined ? undefined : lengthCheck(limit);
    }
    case "name":
      return bytesCheck(63);
    case '"char"':
      return bytesCheck(1);
    case "uuid":
      return stringCheck((text, type) =>
        type === CellType.string && /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(text)
          ? text
          : notA("a UUID", "invalid_uuid"),
      );
    case "json":
    case "jsonb":
      return stringCheck(jsonText);
    default:
      return /^interval\b[^[]*$/.test(type) ? intervalCheck(declared) : undefined;
  }
}

function lengthCheck(limit: number): Check {
  return (bytes, start, end) =>
    tooLong(bytes, start, end, limit)
      ? { code: "too_long", reason: `the text is longer than ${limit} characters` }
      : undefined;
}

function bytesCheck(limit: number): Check {
  return (_, start, end) =>
    end - start > limit
      ? { code: "too_long", reason: `the text is longer than ${limit === 1 ? "1 byte" : `${limit} bytes`}` }
      : undefined;
}

/** A duration as a number is one of days, as the sheet's own is. */
function inDays(text: string, type: CellType): string {
  return type === CellType.duration ? String(daysOf(text)) : text;
}

function isNumber(text: string, type: CellType): boolean {
  return isNumeric(text, type === CellType.duration ? CellType.number : type);
}

/**
 * A number says no unit, and PostgreSQL would take it for seconds. Times of day are durations among
 * others.
 */
function intervalCheck(declared: string): Check {
  const fits = intervalFits(declared);
  return stringCheck((given, type) => {
    const text = type === CellType.date ? (TIME_ALONE.exec(given)?.[1] ?? "") : given;
    if (text === "" || !(type === CellType.string || type === CellType.date || type === CellType.duration))
      return notA("an interval (a duration cell, or text like 36:00:00)", "invalid_interval");
    if (type === CellType.string && isNumeric(text, type))
      return notA("an interval: a number without a unit (text like 36:00:00 or 2 days has one)", "invalid_interval");
    return fits(text) ? text : notA(`an interval of which ${declared} keeps all`, "invalid_interval");
  });
}

/** `42`, ` 42 `, `42.0` and `4.2e1` are 42; `42.5` is not a whole number. */
function integerCheck(type: string, min: bigint, max: bigint, fastDigits: number): Check {
  return (bytes, start, end, cell) => {
    if (
      end - start <= fastDigits &&
      (cell === CellType.number || cell === CellType.string) &&
      allDigits(bytes, start, end)
    )
      return undefined;
    const text = bytes.toString("utf8", start, end);
    if (!isNumeric(text, cell)) return notA("a whole number", "invalid_number");
    const whole = wholeNumber(text.trim());
    if (whole === undefined) return notA("a whole number", "invalid_number");
    return whole < min || whole > max ? outOfRange(type) : whole.toString();
  };
}

/**
 * numeric(p, s): the database would round silently to s digits after the point, or in front of it
 * if s is negative. So a value with more digits is rejected. Noise past the 15th digit does not
 * count as digits.
 */
function numericCheck(declared: string): Check {
  const [precision, scale = 0] = modifiersOf(declared);
  return stringCheck((given, type) => {
    const text = inDays(given, type);
    if (!isNumber(text, type)) return notA("a number", "invalid_number");
    const trimmed = text.trim();
    if (precision === undefined) return trimmed;
    const exact =
      type !== CellType.string ? plainDecimal(String(Number(Number(trimmed).toPrecision(15)))) : plainDecimal(trimmed);
    const [whole = "", decimals = ""] = exact.replace(/^[+-]/, "").split(".");
    const fraction = withoutZerosAtEnd(decimals);
    if (fraction.length > Math.max(scale, 0)) return tooManyDigits(declared, Math.max(scale, 0), fraction.length);
    if (scale < 0 && !/^0*$/.test(whole.slice(scale)))
      return { code: "too_many_digits", reason: `${declared} keeps no digits below 1${"0".repeat(-scale)}` };
    // As a whole number of the smallest that the type can tell.
    const digits = scale < 0 ? whole.slice(0, scale) : whole + fraction.padEnd(scale, "0");
    return digits.replace(/^0+/, "").length > precision ? outOfRange(declared) : exact;
  });
}

function tooManyDigits(declared: string, kept: number, needed: number): Problem {
  return {
    code: "too_many_digits",
    reason: `${declared} keeps ${kept} digits after the point, and this has ${needed}`,
  };
}

/** A time of day with more digits after its seconds than the type keeps would be rounded. */
function keptFraction(declared: string, verdict: string | Problem): string | Problem {
  const digits = modifiersOf(declared)[0] ?? 6;
  if (digits === 6 || typeof verdict !== "string") return verdict;
  const needed = withoutZerosAtEnd(/:\d\d\.(\d*)/.exec(verdict)?.[1] ?? "").length;
  return needed > digits ? tooManyDigits(declared, digits, needed) : verdict;
}

const booleanWords = stringCheck(booleanText);

/** Single letters and digits are told by their byte, since exports are full of them. */
const booleanCheck: Check = (bytes, start, end, type) =>
  (type === CellType.string && end - start === 1 ? LETTERS[bytes[start]!] : undefined) ??
  booleanWords(bytes, start, end, type);

/** A cell that is a number is a boolean only if it is 1 or 0. */
function booleanText(text: string, type: CellType): string | Problem {
  if (type === CellType.boolean) return text;
  const word = text.trim().toLowerCase();
  if (type === CellType.number ? word === "1" : /^(true|t|yes|y|on|1)$/.test(word)) return "true";
  if (type === CellType.number ? word === "0" : /^(false|f|no|n|off|0)$/.test(word)) return "false";
  return notA("a boolean (true or false, yes or no, 1 or 0)", "invalid_boolean");
}

/** The boolean that a letter or a digit means, by its byte. */
const LETTERS: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const word = booleanText(String.fromCharCode(byte), CellType.string);
  return typeof word === "string" ? word : undefined;
});

/** A time without a date has the day 0 of its date system. */
const TIME_ALONE = /^(?:1899-12-3[01]|1904-01-01)T(.*)$/;

/**
 * A date cell without a time of day, `2020-01-31` or `20200131`. All become `2020-01-31`.
 */
const dateCheck: Check = (bytes, start, end, type) => {
  const text = bytes.toString("latin1", start, end);
  if (type === CellType.date || (type === CellType.string && isCellText(text))) {
    if (text.slice(10).replaceAll(/[T:.0]/g, "") !== "")
      return { code: "invalid_date", reason: "a date with a time of day, and the column holds dates only" };
    return text.slice(0, 10);
  }
  const trimmed = text.trim();
  if (type === CellType.string && isCalendarDate(trimmed)) return trimmed;
  const compact =
    type === CellType.string || type === CellType.number ? COMPACT.exec(trimmed)?.slice(1).join("-") : undefined;
  if (compact !== undefined && isCalendarDate(compact)) return compact;
  return notA("a date (a date cell, or text like 2020-01-31)", "invalid_date");
};

/** 20200131, which cannot be another date. */
const COMPACT = /^([12]\d{3})(\d\d)(\d\d)$/;

/** A date cell as text, as a CSV file of rejects holds it. */
function isCellText(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/.test(text) && isCalendarDate(text.slice(0, 10));
}

function timestampCheck(declared: string, dateFormat: string | undefined): Check {
  const withZone = /tz|with time/i.test(declared);
  const check = stringCheck((text, cell) => keptFraction(declared, timestampText(text, cell, withZone)));
  return dateFormat === undefined ? check : notationCheck(check, dateFormat, "timestamp");
}

/**
 * Texts are read in the stated notation only, and become ISO; date cells, and what a reject file
 * makes of them, are judged as without one.
 */
function notationCheck(cells: Check, format: string, what: "date" | "timestamp"): Check {
  const read = dateReader(format)!;
  return (bytes, start, end, type) => {
    const text = bytes.toString("utf8", start, end);
    if (type !== CellType.string || isCellText(text)) return cells(bytes, start, end, type);
    const found = read(text.trim());
    if (!found || (what === "date" && found.time !== undefined))
      return notA(`a ${what} as ${format} (nor a date cell)`, `invalid_${what}`);
    return found.time === undefined ? found.date : `${found.date} ${found.time}`;
  };
}

/**
 * Times without a zone are in the one that was stated: `2024-07-01 12:00` in Europe/Berlin becomes
 * `2024-07-01 12:00+02:00`. A time that the clocks pass over, or pass twice, is a problem.
 */
function zonedCheck(check: Check, zone: string): Check {
  const offsetOf = offsetIn(zone)!;
  return (bytes, start, end, type) => {
    const result = check(bytes, start, end, type);
    if (isProblem(result) || result === null) return result;
    const text = result ?? bytes.toString("utf8", start, end);
    const [, local = "", clock] = /^(\d{4}-\d\d-\d\d([T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?)$/.exec(text.trim()) ?? [];
    if (local === "") return result;
    const moment = clock === undefined ? `${local} 00:00` : local;
    const offset = offsetOf(moment);
    if (typeof offset === "object") return moment + offset.offset;
    const why = offset === "never" ? "does not exist" : "is there twice";
    return {
      code: "invalid_timestamp",
      reason: `${local} ${why} in ${zone}: the clocks are changed then. Add its offset, such as +01:00`,
    };
  };
}

/**
 * `2020-01-31`, `2020-01-31 12:30`, `2020-01-31T12:30:05.25`. If the type has a zone, `Z`, `+01`,
 * `+01:00` or `+0100` may follow.
 */
function timestampText(text: string, type: CellType, withZone: boolean): string | Problem {
  if (type === CellType.date) return text;
  const [, date = "", fraction = "", zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.(\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(
      text.trim(),
    ) ?? [];
  // PostgreSQL would drop a zone from a timestamp without one, which changes the value.
  if (type === CellType.string && isCalendarDate(date) && (withZone || zone === undefined))
    return wholeMicroseconds(fraction, "timestamp") ?? text.trim();
  return notA(
    `a timestamp (a date cell, or text like 2020-01-31 12:30:00${withZone ? "+01" : ""})`,
    "invalid_timestamp",
  );
}

/** The problem of a time finer than a microsecond, which would be rounded; zeros do not count. */
function wholeMicroseconds(fraction: string, declared: string): Problem | undefined {
  const needed = withoutZerosAtEnd(fraction).length;
  return needed > 6
    ? { code: "too_many_digits", reason: `a ${declared} keeps six digits of a second, and this has ${needed}` }
    : undefined;
}

/**
 * `8:05`, `08:05:30.25`, `3:45 PM`. If the type has a zone, `Z` or `+01:00` may follow. A time cell
 * of a workbook is a date cell of day 0.
 */
function timeText(text: string, type: CellType, withZone: boolean): string | Problem {
  const time = type === CellType.date || isCellText(text) ? TIME_ALONE.exec(text)?.[1] : inDay(text.trim());
  const [, fraction = "", zone] =
    /^(?:[01]\d|2[0-3]|\d):[0-5]\d(?::[0-5]\d(?:\.(\d+))?)?\s*(|Z|[+-]\d\d(?::?\d\d)?)$/.exec(time ?? "") ?? [];
  return time !== undefined && zone !== undefined && (withZone || zone === "") && type !== CellType.number
    ? (wholeMicroseconds(fraction, "time") ?? time)
    : notA(`a time (a time cell, or text like 12:30:00${withZone ? "+01" : ""})`, "invalid_time");
}

/** `3:45 PM` is 15:45. */
function inDay(text: string): string {
  const [, hour = "", rest = "", half] =
    /^(0?[1-9]|1[0-2])(:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?) ?([ap])\.?m\.?$/i.exec(text) ?? [];
  if (half === undefined) return text;
  return `${String((Number(hour) % 12) + (half.toLowerCase() === "p" ? 12 : 0)).padStart(2, "0")}${rest}`;
}

function jsonText(text: string, type: CellType): string | Problem {
  try {
    JSON.parse(text);
    return type === CellType.date || type === CellType.error ? notA("JSON", "invalid_json") : text;
  } catch {
    return notA("JSON", "invalid_json");
  }
}

/**
 * The verdict of the schema's own check (Standard Schema). Its value is loaded: null is NULL, and a
 * Date or an object becomes text.
 *
 * @throws SluiceError (`bad_schema`) if it throws, or is asynchronous
 */
function standardCheck(column: Column, schema: StandardSchemaV1, text: string): string | null | Problem {
  let result: ReturnType<(typeof schema)["~standard"]["validate"]>;
  try {
    result = schema["~standard"].validate(checkInput(column, text));
  } catch (error) {
    throw usageError(
      "bad_schema",
      `the check of column ${JSON.stringify(column.name)} failed on the value ${JSON.stringify(text)}: ${(error as Error).message}. A check returns its issues; it does not throw.`,
    );
  }
  if (result instanceof Promise) {
    result.catch(() => undefined);
    throw usageError(
      "bad_schema",
      `the check of column ${JSON.stringify(column.name)} is asynchronous, and only synchronous ones can run for every row. Use a synchronous check.`,
    );
  }
  if (result.issues) return { code: "failed_check", reason: result.issues.map((issue) => issue.message).join("; ") };
  const { value } = result;
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : `${value as number}`;
}

/** Numbers and booleans reach a check as such, all else as text. */
function checkInput(column: Column, text: string): unknown {
  const type = baseType(column.type);
  if (type === "boolean") return text === "true";
  if (type === "bigint") return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
  return type in INTEGERS || type === "numeric" || type === "real" || type === "double precision" ? Number(text) : text;
}

/**
 * A check that judges a string. If that gives the text as it was, the bytes are loaded unchanged.
 */
function stringCheck(judge: (text: string, type: CellType) => string | Problem): Check {
  return (bytes, start, end, type) => {
    const text = bytes.toString("utf8", start, end);
    const result = judge(text, type);
    return result === text ? undefined : result;
  };
}

function notA(what: string, code: RejectCode): Problem {
  return { code, reason: `not ${what}` };
}

function outOfRange(type: string): Problem {
  return { code: "out_of_range", reason: `outside the range of ${type}` };
}

/** A number as a cell or a text may write one; not a date, a boolean or an error. */
function isNumeric(text: string, type: CellType): boolean {
  return (
    (type === CellType.number || type === CellType.string) &&
    /^\s*[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d{1,4})?\s*$/i.test(text)
  );
}

/** `42.0` → 42; undefined if there is a fraction, or more than 40 digits. */
function wholeNumber(text: string): bigint | undefined {
  const plain = plainDecimal(text);
  const [whole = "", fraction = ""] = plain.split(".");
  if (!/^0*$/.test(fraction) || whole.length > 40) return undefined;
  return BigInt(whole === "" || whole === "-" ? "0" : whole);
}

/** `1.5E+3` → `1500`: the same number without an exponent. */
export function plainDecimal(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = whole + fraction;
  // No numeric has more than 1,000 digits on either side of its point: digits farther out do not
  // fit, however far.
  const point = whole.length + Math.max(-2000, Math.min(2000, Number(exponent)));
  const padded = point <= 0 ? "0".repeat(1 - point) + digits : digits.padEnd(point, "0");
  const at = Math.max(point, 1);
  const rest = padded.slice(at);
  return `${sign === "-" ? "-" : ""}${padded.slice(0, at)}${rest === "" ? "" : `.${rest}`}`;
}

function isCalendarDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  return year !== undefined && isDay(Number(year), Number(month), Number(day));
}

function allDigits(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return start < end;
}

/** Counts code points: every byte that does not continue a character. */
function tooLong(bytes: Buffer, start: number, end: number, limit: number): boolean {
  if (end - start <= limit) return false;
  let count = 0;
  for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) !== 0x80) count++;
  return count > limit;
}

/**
 * Reports whether the bytes are `name@domain.tld`: one `@` with something before it, a dot in the
 * domain and no empty part there, no blanks or control characters.
 */
function isEmail(bytes: Buffer, start: number, end: number): boolean {
  let at = -1;
  let dot = -1;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte <= 0x20 || byte === 0x7f) return false;
    if (byte === 0x40) {
      if (at >= 0) return false;
      at = i;
    } else if (byte === 0x2e) {
      // No label of the domain is empty.
      if (at >= 0 && (i === at + 1 || dot === i - 1)) return false;
      dot = i;
    }
  }
  return at > start && dot > at + 1 && dot < end - 1;
}
