// The conditions in the SQL of a source file: each operand of `where`, `if`, `when`, `and` and `or`
// in its texts.

export interface Condition {
  /** In the file, [start, end). */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** In one line. */
  readonly text: string;
  /**
   * What takes it out: `true` beside an `and`, `false` beside an `or` or as all that an `if` asks.
   */
  readonly without: string;
}

/** Marks what is no SQL, and what is an expression of the program inside of SQL. */
const OUTSIDE = "\0";
const EXPRESSION = "\u0001";

const SQL = /\bselect\b|\bupdate \w+\.|\bdelete from\b|\binsert into\b|\bexpires_at\b|\bi\.state in\b/;
const WORD = /[a-z_]+|[();,]|\0/gi;
const ENDS = new Set("where having and or then returning group order limit for on union set else".split(" "));

/** Finds them, in the order of the file. */
export function conditionsIn(source: string): Condition[] {
  const sql = sqlOf(source);
  const found: Condition[] = [];
  for (const match of sql.matchAll(/\b(?:where|if|when|and|or)\b|(?<!\w)\(/gi)) {
    const word = match[0].toLowerCase();
    const from = match.index + word.length;
    // `create table if not exists`, `create or replace`.
    if (/^\s+(?:not\s+)?exists\s+[a-z_.]+\s*(?:[(;]|\w|$)/i.test(sql.slice(from)) && word === "if") continue;
    if (/^\s+replace\b/i.test(sql.slice(from))) continue;
    // The `and` of `between … and …` is inside of an operand.
    if (word === "and" && /\bbetween\s+[\w.$]+\s*$/i.test(sql.slice(0, match.index))) continue;
    const { end, next } = operandFrom(sql, from);
    // In parentheses it is a condition if another one follows.
    if (word === "(" && next !== "and" && next !== "or") continue;
    if (/\bpreceding\s*$/.test(sql.slice(from, end))) continue;
    const start = from + /^\s*(?:select\s+)?/i.exec(sql.slice(from, end))![0].length;
    const stop = start + sql.slice(start, end).trimEnd().length;
    if (stop <= start) continue;
    const alone = next !== "and" && next !== "or";
    const beside = word === "and" || word === "or" ? word : next;
    const value = beside === "or" || (alone && word === "if") ? "false" : "true";
    const text = source.slice(start, stop);
    found.push({
      start,
      end: stop,
      line: source.slice(0, start).split("\n").length,
      text: text.replaceAll(/\s+/g, " "),
      without: value + keptParameters(sql, start, stop),
    });
  }
  return found;
}

/** A parameter that nothing else uses has no type: it is compared with itself. */
function keptParameters(sql: string, start: number, end: number): string {
  const begin = sql.lastIndexOf(OUTSIDE, start) + 1;
  const others = sql.slice(begin, start) + sql.slice(end, sql.indexOf(OUTSIDE, end));
  const only = new Set(sql.slice(start, end).match(/\$\d+/g));
  return [...only]
    .filter((name) => !new RegExp(`\\${name}\\b`).test(others))
    .map((name) => ` and ${name} is not distinct from ${name}`)
    .join("");
}

/** Where an operand ends, and the word there. The `and` of a `between` is part of its operand. */
function operandFrom(sql: string, from: number): { end: number; next: string } {
  let depth = 0;
  let ranges = 0;
  WORD.lastIndex = from;
  for (let match = WORD.exec(sql); match; match = WORD.exec(sql)) {
    const word = match[0].toLowerCase();
    if (word === OUTSIDE) return { end: match.index, next: "" };
    if (word === "between" && depth === 0) ranges++;
    else if (word === "and" && depth === 0 && ranges > 0) ranges--;
    else if (word === "(" || word === "case") depth++;
    else if (depth > 0 && (word === ")" || word === "end")) depth--;
    else if (depth === 0 && word === "from" && !/\bdistinct\s+$/i.test(sql.slice(from, match.index)))
      return { end: match.index, next: word };
    else if (depth === 0 && (word === ")" || word === ";" || word === "," || word === "end" || ENDS.has(word)))
      return { end: match.index, next: word };
  }
  return { end: sql.length, next: "" };
}

/** The source with all masked that is not SQL: code, comments, texts. Places stay what they are. */
function sqlOf(source: string): string {
  const out = Array<string>(source.length).fill(OUTSIDE);
  const code = (at: number, until: string): number => {
    for (; at < source.length && source[at] !== until; at++) {
      if (source[at] === "`") at = template(at + 1);
      else if (source[at] === "{") at = code(at + 1, "}");
      else if (source.startsWith("//", at)) at = source.indexOf("\n", at) - 1;
      else if (source.startsWith("/*", at)) at = source.indexOf("*/", at) + 1;
      else if (/["']/.test(source[at]!)) at = quoted(at);
    }
    return at;
  };
  const quoted = (at: number): number => {
    const quote = source[at];
    const begin = at + 1;
    for (at++; at < source.length && source[at] !== quote; at++) if (source[at] === "\\") at++;
    if (quote === '"' && SQL.test(source.slice(begin, at))) for (let n = begin; n < at; n++) out[n] = source[n]!;
    return at;
  };
  const template = (from: number): number => {
    let at = from;
    for (; at < source.length && source[at] !== "`"; at++) {
      if (source[at] === "\\") at++;
      else if (source.startsWith("${", at)) {
        const begin = at;
        at = code(at + 2, "}");
        // What is nested in it counts by itself.
        for (let n = begin; n <= at; n++) if (out[n] === OUTSIDE) out[n] = EXPRESSION;
      } else if (source.startsWith("-- ", at)) at = source.indexOf("\n", at) - 1;
      else out[at] = source[at]!;
    }
    // Messages have an `if` and an `and`, too.
    if (!SQL.test(source.slice(from, at))) out.fill(OUTSIDE, from, at);
    return at;
  };
  code(0, "");
  const sql = out.join("");
  return sql.replaceAll(/'[^'\0]*'/g, (text) => `'${"x".repeat(text.length - 2)}'`);
}
