// What a cell's content looks like: the words that inference and the search for the header row talk in.
//
// A kind says what the value is without doubt; what could be two things is `text`. So `085232` is a code and no number, `12,5` is
// text, and `01/02/2020` is a date of which two notations are named. Kinds are strings, so that they can be counted in a map.
import { CellType } from "@sluice/sheets";
import { dateFormatsOf } from "./date-format.ts";

/**
 * - `integer`, `bigint`: whole, and within PostgreSQL's type of that name; `digits N`: N = 10 to 15 digits as text, which may be a name
 *   of something; `huge`: whole, and beyond both
 * - `decimal`: at most 15 significant digits, or written out as text; `double`: a binary fraction with more, or one with an exponent
 * - `true`, `yes`, `y`, `t` and their opposites: such a word as text; `boolean`: a boolean cell
 * - `date`, `timestamp`, `time`: a cell of that kind; `iso date`, `iso timestamp`, `iso timestamptz`, `iso time`: ISO text;
 *   `date DD/MM/YYYY|MM/DD/YYYY`: text that can be read in these notations
 * - `code`: digits that a number would not keep: leading zeros, a plus, more than 15
 * - `uuid`, `json`, `email`, `url`, `error`, `text`
 */
export type Kind = string;

const { number, boolean, date, error } = CellType;
/** Texts longer than this are looked at only where they may be JSON. */
const LONGEST_VALUE = 100;
const BOOLEAN_WORDS = new Set(["true", "false", "yes", "no", "y", "n", "t", "f"]);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ISO = /^\d{4}-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/;
const TIME = /^(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?$/;
const INT_MAX = 2_147_483_647n;
const BIGINT_MAX = 9_223_372_036_854_775_807n;

/** The kind of a cell that is not empty. */
export function kindOf(bytes: Buffer, start: number, end: number, type: CellType): Kind {
  if (type === boolean) return "boolean";
  if (type === error) return "error";
  if (type === date) return dateCellKind(bytes.toString("latin1", start, end));
  if (end - start > LONGEST_VALUE && bytes[start] !== 0x7b && bytes[start] !== 0x5b) return "text";
  const value = bytes.toString("utf8", start, end);
  return type === number ? numberCellKind(value) : textKind(value);
}

function textKind(text: string): Kind {
  const first = text.charCodeAt(0);
  if (first === 0x7b || first === 0x5b) return isJson(text) ? "json" : "text";
  if (text.length > LONGEST_VALUE) return "text";
  const digit = first >= 0x30 && first <= 0x39;
  if (digit || first === 0x2d || first === 0x2b || first === 0x2e) {
    const numeric = numberTextKind(text);
    if (numeric !== undefined) return numeric;
  }
  if (text.length === 36 && UUID.test(text)) return "uuid";
  if (digit) {
    if (TIME.test(text)) return "iso time";
    const iso = ISO.exec(text);
    if (iso && dateFormatsOf(text.slice(0, 10)).length > 0)
      return text.length === 10 ? "iso date" : iso[1] === undefined ? "iso timestamp" : "iso timestamptz";
  } else if (text.length <= 5 && BOOLEAN_WORDS.has(text.toLowerCase())) {
    return text.toLowerCase();
  }
  const formats = dateFormatsOf(text);
  if (formats.length > 0) return `date ${formats.join("|")}`;
  if (/^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(text)) return "email";
  return /^https?:\/\/\S+$/i.test(text) ? "url" : "text";
}

/** The notations that a kind names; none where it is no date as text. */
export function formatsIn(kind: Kind): readonly string[] {
  return kind.startsWith("date ") ? kind.slice(5).split("|") : [];
}

/** A pure time lies on day 0 of its date system; a date without a time of day ends in midnight. */
function dateCellKind(iso: string): Kind {
  if (/^(?:1899-12-3[01]|1904-01-01)T/.test(iso)) return "time";
  return iso.slice(10).replaceAll(/[T:.0]/g, "") === "" ? "date" : "timestamp";
}

/** A number cell was a number to begin with; only how large and how fine it is is open. */
function numberCellKind(text: string): Kind {
  if (/^-?\d{1,9}$/.test(text)) return "integer";
  const [, digits = "", fraction = "", exponent = "0"] = /^[+-]?(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const value = Number(text);
  if (Number.isInteger(value) && Math.abs(Number(exponent)) < 20) {
    const whole = /^-?\d+$/.test(text) ? BigInt(text) : BigInt(value);
    return wholeKind(whole);
  }
  const significant = (digits + fraction).replace(/^0+/, "").replace(/0+$/, "").length;
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
  if (/^-?(?:0|[1-9]\d*)?\.\d+$/.test(text)) return "decimal";
  // `1E5` may be a part number; a point or a sign in the exponent makes it a number.
  if (/^-?\d\.\d+e[+-]?\d{1,3}$|^-?\d(?:\.\d+)?e[+-]\d{1,3}$/i.test(text) && Number.isFinite(Number(text)))
    return "double";
  return undefined;
}

function wholeKind(whole: bigint): Kind {
  const size = whole < 0n ? -whole : whole;
  return size <= INT_MAX ? "integer" : size <= BIGINT_MAX ? "bigint" : "huge";
}

/**
 * An object or an array that jsonb gives back as it is, but for white space, the order of keys and how numbers are written: no key
 * twice, of which it keeps the last, and none of the characters that PostgreSQL refuses (U+0000, half of a surrogate pair).
 */
function isJson(text: string): boolean {
  const names = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
  try {
    return countKeys(JSON.parse(text)) === names;
  } catch {
    return false;
  }
}

/** How many keys all objects in it have; NaN where a text in it cannot be stored. */
function countKeys(value: unknown): number {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0") ? 0 : Number.NaN;
  if (!(value instanceof Object)) return 0;
  const parts: unknown[] = Array.isArray(value) ? value : Object.entries(value).flat();
  const own = Array.isArray(value) ? 0 : parts.length / 2;
  return parts.reduce<number>((sum, part) => sum + countKeys(part), own);
}
