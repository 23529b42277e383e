// Texts for columns of arrays: PostgreSQL's own notation, `{red,blue}`, which is loaded unchanged,
// and a JSON array, which means the same. All else is refused here, since the database's message
// does not say how an array is written.
import type { Check, Problem } from "./verdict.ts";

const NOT_AN_ARRAY: Problem = {
  code: "invalid_array",
  reason: 'not an array: expected {red,blue}, or as JSON ["red","blue"]',
};

/** A number of a JSON, as it is written there: as a number of JavaScript it would lose digits. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * The check of a cell for a column of arrays: a text in PostgreSQL's notation, or a JSON array.
 *
 * @param judge the check of an array's text in PostgreSQL's notation, element by element
 */
export function arrayCheck(judge: Check | undefined): Check {
  return (bytes, start, end, type) => {
    const text = bytes.toString("utf8", start, end);
    // `[2:3]={a,b}` is PostgreSQL's: an array whose indexes begin with 2.
    const literal = /^\s*(?:\{|(?:\[[-+\d: ]+\])+\s*=)/.test(text) ? text : fromJson(text);
    if (literal === undefined) return NOT_AN_ARRAY;
    const read = literal === text ? undefined : Buffer.from(literal);
    const verdict = read ? judge?.(read, 0, read.length, type) : judge?.(bytes, start, end, type);
    return verdict === undefined && read ? literal : verdict;
  };
}

/** A JSON array in PostgreSQL's notation; undefined if the text is not one. */
function fromJson(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text, keepDigits);
  } catch {
    return undefined;
  }
  return Array.isArray(value) ? literalOf(value) : undefined;
}

function keepDigits(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" ? new Digits(context?.source ?? String(value)) : value;
}

function literalOf(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(literalOf).join(",")}}`;
  if (value === null) return "NULL";
  if (value instanceof Digits) return value.text;
  if (typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value, plainDigits);
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Numbers inside of an object that is an element. */
function plainDigits(_: string, value: unknown): unknown {
  return value instanceof Digits ? rawJson(value.text) : value;
}

/** A piece of JSON that keeps its text, if the engine has that; else the number. */
function rawJson(text: string): unknown {
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
  return rawJSON ? rawJSON(text) : Number(text);
}
