// How a delimited text is written: its delimiter, its quote, and how a quote stands inside of quotes. Found out from the begin
// of the file, as Latin-1: everything that matters here is ASCII.
//
// RFC 4180 is where it starts from: comma, `"`, a quote inside of quotes doubled. What else a file does must be evident:
// - delimiter: of `,` `;` tab `|` the one that cuts most records into as many fields as the first one has, and more than one;
// - quote: `'` where fields begin and end with it and none with `"`;
// - backslash escapes: a `\"` inside of quotes that can be no closing quote, because text follows it;
// - spaces in front of an opening quote: a field of spaces and a quoted text, which would be cut at the delimiter in it.
// The line `sep=;`, which Excel reads and writes, decides.
import { SheetError } from "./errors.ts";

export interface CsvOptions {
  /** One ASCII character; found out unless given. */
  readonly delimiter?: string;
  /** One ASCII character, `""` for none; found out unless given. */
  readonly quote?: string;
  /** A label of the Encoding Standard, such as `windows-1251` or `shift_jis`; found out unless given. */
  readonly encoding?: string;
}

export interface Dialect {
  readonly delimiter: number;
  /** −1 where there is none. */
  readonly quote: number;
  /** Whether a backslash inside of quotes takes the next quote or backslash as it is. */
  readonly backslash: boolean;
  /** Whether spaces in front of an opening quote are no text. */
  readonly spaces: boolean;
  /** Whether the first line is `sep=`, which is no row. */
  readonly sepLine: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;
const CR = 0x0d;
const delimiters = [",", ";", "\t", "|"] as const;

/**
 * @param head the begin of the text, one byte a character; its last line is left out where `whole` is false
 * @param tabs whether the file's name says that its delimiter is a tab: that decides where the text does not
 */
export function findDialect(head: string, whole: boolean, options: CsvOptions, tabs: boolean): Dialect {
  const asked = { delimiter: option("delimiter", options.delimiter), quote: option("quote", options.quote) };
  if (asked.delimiter === -1) throw badOption("delimiter", options.delimiter);
  const sep = /^"?sep=([^\r\n])"?(?:[\r\n]|$)/i.exec(head);
  const lines = head.slice(sep ? sep[0].length : 0);
  const cut = whole ? lines.length : Math.max(lines.lastIndexOf("\n"), lines.lastIndexOf("\r"));
  const text = cut > 0 ? lines.slice(0, cut) : lines;
  const found = asked.delimiter ?? sep?.[1]!.charCodeAt(0);
  const quote = asked.quote ?? findQuote(text, found);
  const delimiter = found ?? findDelimiter(text, quote, tabs);
  if (delimiter === quote) throw badOption("delimiter", String.fromCharCode(delimiter));
  const mark = String.fromCharCode(quote);
  return {
    delimiter,
    quote,
    backslash: quote >= 0 && readRecords(text, delimiter, quote).escapes,
    spaces: quote >= 0 && spacesBeforeQuotes(text, mark, delimiter),
    sepLine: sep !== null,
  };
}

/** Whether a text is cut into columns by one of the usual delimiters. */
export function hasColumns(head: string): boolean {
  const [first = ""] = head.split(/[\r\n]/, 1);
  return delimiters.some((delimiter) => first.includes(delimiter)) || /^"?sep=./i.test(first);
}

function option(name: "delimiter" | "quote", value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (value === "") return -1;
  if (typeof value !== "string" || !/^[\t\x20-\x7e]$/.test(value)) throw badOption(name, value);
  return value.charCodeAt(0);
}

function badOption(name: "delimiter" | "quote", value: unknown): SheetError {
  const none = name === "quote" ? ', or "" for none' : ", and another one than the quote";
  return new SheetError(
    "bad_option",
    `csv.${name} must be one ASCII character${none}, and it is ${JSON.stringify(value)}.`,
  );
}

function findQuote(text: string, delimiter: number | undefined): number {
  const between = delimiter === undefined ? ",;\\t|" : escaped(String.fromCharCode(delimiter));
  const fields = (mark: string): number =>
    text.match(new RegExp(`(?:^|[${between}\\r\\n])${mark}[^${mark}\\r\\n]*${mark}(?=[${between}\\r\\n]|$)`, "g"))
      ?.length ?? 0;
  return fields('"') === 0 && !new RegExp(`(?:^|[${between}\\r\\n])"`).test(text) && fields("'") > 1 ? 0x27 : QUOTE;
}

function findDelimiter(text: string, quote: number, tabs: boolean): number {
  let best: { delimiter: string; score: number; signs: number } | undefined;
  for (const delimiter of tabs ? delimiters.toSorted((a) => (a === "\t" ? -1 : 0)) : delimiters) {
    const { widths, strays } = readRecords(text, delimiter.charCodeAt(0), quote);
    const [header = 1] = widths;
    if (header === 1) continue;
    const score = widths.filter((width) => width === header).length / widths.length;
    // Between equals: quotes inside of fields, and spaces behind, are often a sign of punctuation.
    const spaces = delimiter === "\t" ? 0 : text.split(`${delimiter} `).length / text.split(delimiter).length;
    const signs = strays + spaces;
    if (!best || score > best.score || (score === best.score && signs < best.signs)) best = { delimiter, score, signs };
  }
  return (best?.delimiter ?? (tabs ? "\t" : ",")).charCodeAt(0);
}

interface Records {
  /** How many fields each record has, blank lines left out. */
  readonly widths: readonly number[];
  /** How many quotes stand inside of fields that do not begin with one. */
  readonly strays: number;
  /** Whether a quote behind a backslash would close a field, were it not that the field goes on. */
  readonly escapes: boolean;
}

function readRecords(text: string, delimiter: number, quote: number): Records {
  const widths: number[] = [];
  let strays = 0;
  let escapes = false;
  let width = 1;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = i === text.length ? LF : text.charCodeAt(i);
    if (char === quote) {
      if (i === start) {
        i = closing(text, i, quote);
        const next = text.charCodeAt(i + 1);
        const ends = i + 1 === text.length || next === delimiter || next === LF || next === CR;
        if (text.charCodeAt(i - 1) === BACKSLASH && !ends) escapes = true;
      } else strays++;
    } else if (char === delimiter) {
      width++;
      start = i + 1;
    } else if (char === LF || char === CR) {
      if (width > 1 || i > start) widths.push(width);
      width = 1;
      start = i + 1;
    }
  }
  return { widths, strays, escapes };
}

/** Where the quoted text that begins at `open` is closed; the end of the text where it is not. */
function closing(text: string, open: number, quote: number): number {
  for (let i = open + 1; i < text.length; i++) {
    if (text.charCodeAt(i) !== quote) continue;
    if (text.charCodeAt(i + 1) !== quote) return i;
    i++;
  }
  return text.length - 1;
}

function spacesBeforeQuotes(text: string, quote: string, delimiter: number): boolean {
  const d = escaped(String.fromCharCode(delimiter));
  const q = escaped(quote);
  return new RegExp(`(?:^|[${d}\\r\\n]) +${q}[^${q}]*${q} *(?:[${d}\\r\\n]|$)`).test(text);
}

const escaped = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
