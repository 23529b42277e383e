// Reads a column's texts before its type judges them: marks for missing values, and numbers in a
// stated notation. It also makes the message about a text that would fit if its notation were
// stated.
import { CellType } from "@sluice/sheets";
import { dateFormatsOf, dateReader } from "../schema/date-format.ts";
import { amountOf, isRatio, NOTATIONS, numberReader, unitOf, withUnit } from "../schema/number-format.ts";
import { baseType, isNumberType } from "../schema/types.ts";
import { isMark } from "./marks.ts";
import type { Check, Problem } from "./verdict.ts";

/**
 * A check that takes these texts, and errors of these codes, for no value. Undefined if there is
 * nothing to ask.
 */
export function orNull(nulls: readonly string[] | undefined, check: Check | undefined): Check | undefined {
  if (!nulls || nulls.length === 0) return check ?? undefined;
  const marks = new Set(nulls);
  const longest = Math.max(...nulls.map((mark) => Buffer.byteLength(mark)));
  // The bytes that a mark begins with, or that may be a blank before it.
  const begins = Uint8Array.from({ length: 256 }, (_, byte) => Number(byte <= 0x20 || byte >= 0x80));
  for (const mark of nulls) if (mark !== "") begins[Buffer.from(mark)[0]!] = 1;
  return (bytes, start, end, type) => {
    // Blanks around a mark do not count. So a text that is a little longer may be a mark too.
    const maybe = begins[bytes[start]!] === 1 && end - start <= longest + 20;
    if (maybe && marks.has(bytes.toString("utf8", start, end).trim())) return null;
    return check?.(bytes, start, end, type);
  };
}

/** A check whose texts are numbers in a notation; cells of other kinds are judged as they are. */
export function inNumberFormat(check: Check, format: string, column: string, type: string): Check {
  const read = numberReader(format)!;
  return (bytes, start, end, cell) => {
    if (cell !== CellType.string) {
      const unit = unitOf(format);
      if (cell === CellType.number && unit !== undefined && isRatio(unit))
        return { code: "invalid_number", reason: `a number without the unit ${unit} that the column's texts have` };
      return check(bytes, start, end, cell);
    }
    const text = bytes.toString("utf8", start, end);
    const number = read(text);
    if (number === undefined)
      return { code: "invalid_number", reason: `not a number as ${format}${otherUnit(text, format, column, type)}` };
    const plain = Buffer.from(number);
    const result = check(plain, 0, plain.length, cell);
    return result === undefined && number !== text ? number : result;
  };
}

function otherUnit(text: string, format: string, column: string, type: string): string {
  const unit = amountOf(text)?.unit ?? "";
  return unit === "" || unit === unitOf(format) || unitOf(format) !== undefined
    ? ""
    : ` (--type "${column}=${type}(${withUnit(format, unit)})" takes the unit ${unit})`;
}

/**
 * A check that says how a text that it refuses would be read, if it looks like one that somebody
 * meant as a value.
 *
 * @param dates whether that goes for dates, too: not in a column whose notation is known
 */
export function advised(check: Check, column: string, type: string, dates: boolean): Check {
  return (bytes, start, end, cell) => {
    const result = check(bytes, start, end, cell);
    if (typeof result !== "object" || result === null) return result;
    const advice = adviceFor(result, bytes.toString("utf8", start, end).trim(), cell, column, type, dates);
    return advice === undefined ? result : { ...result, reason: advice };
  };
}

/**
 * A hyphen right after a semicolon would begin a formula in a reject file, so an option is not the
 * first word there.
 */
function adviceFor(
  { code, reason }: Problem,
  text: string,
  cell: CellType,
  column: string,
  type: string,
  dates: boolean,
): string | undefined {
  if (!code.startsWith("invalid_")) return undefined;
  if (cell === CellType.error) return `${reason}, but an error (--null "${text}" reads it as missing)`;
  if (cell !== CellType.string) return undefined;
  if (isMark(text)) return `${reason}; the option --null "${text}" reads it as a missing value`;
  if (code === "invalid_number" && isNumberType(type)) return numberAdvice(text, column, type);
  if (dates && (code === "invalid_date" || code === "invalid_timestamp")) return dateAdvice(text, column, type);
  return undefined;
}

function numberAdvice(text: string, column: string, type: string): string | undefined {
  const { unit = "", readings = [] } = amountOf(text) ?? {};
  const [first, second] = NOTATIONS.filter((_, n) => readings[n] !== undefined && readings[n] !== text);
  if (first === undefined) return undefined;
  const ways = [...new Set(readings.filter((reading) => reading !== undefined))];
  const say = (notation: string): string => `--type "${column}=${baseType(type)}(${withUnit(notation, unit)})"`;
  return ways.length === 1 || second === undefined
    ? `not a number as it stands; the option ${say(first)} reads it`
    : `not a number as it stands: it has two readings, ${ways.slice(0, 2).join(" and ")}. Say ${say(first)} or ${say(second)}`;
}

function dateAdvice(text: string, column: string, type: string): string | undefined {
  const formats = dateFormatsOf(text);
  if (formats.length === 0) return undefined;
  const base = baseType(type) === "timestamp with time zone" ? "timestamptz" : baseType(type).split(" ")[0]!;
  if (base === "date" && / /.test(formats[0]!.replace(/^.*YY/, ""))) return undefined;
  const [first, second] = formats.map((format) => `--type "${column}=${base}(${format})"`);
  if (second === undefined) return `a ${base} that is not ISO: say how it is written with ${first!}`;
  const [one, other] = formats.map((format) => dateReader(format)?.(text)?.date);
  const two = one === other ? "day and month may stand in either order" : `two readings, ${one} and ${other}`;
  return `${two}: say which with ${first!} or ${second}`;
}
