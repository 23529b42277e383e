// The dialect of a delimited text: its delimiter, its quote, and how it writes a quote inside
// quotes. It is detected from the start of the file, read as Latin-1, because everything that
// matters here is ASCII.
//
// Detection starts from RFC 4180: comma, `"`, and a doubled quote inside quotes. Every deviation
// must be evident:
//
// - delimiter: the one of `,` `;` tab `|` that gives the best block of records that agree. The more
//   of the records have the same width, and the wider they are, the better. Lines of one field
//   before the block are a preamble. Drawn lines do not count. A comma between digits is a decimal
//   comma if another delimiter gives columns in half of the records or more;
// - quote: `'` if fields begin and end with it and no field does with `"`;
// - backslash escapes: a `\"` inside quotes that cannot be the closing quote, because text follows
//   it;
// - backslash escapes outside quotes: the text is a dump, see isDump;
// - spaces before an opening quote: a field with spaces and then a quoted text, which would
//   otherwise be split at the delimiter inside it.
//
// If the file has the line `sep=;`, which Excel reads and writes, that line decides.
import { BACKSLASH, CR, LF, QUOTE, TAB } from "../ascii.ts";
import { SheetError } from "../errors.ts";

export interface CsvOptions {
  /** The delimiter, one ASCII character; detected by default. */
  readonly delimiter?: string;
  /** The quote, one ASCII character, or `""` for no quotes; detected by default. */
  readonly quote?: string;
  /**
   * A label of the Encoding Standard, such as `windows-1251` or `shift_jis`; detected by default.
   */
  readonly encoding?: string;
  /**
   * `"backslash"`: the text is in the form that COPY of PostgreSQL and `INTO OUTFILE` of MySQL
   * write. `\N` is an empty cell. A backslash comes before a character that would otherwise be a
   * delimiter or a line end, and in `\t`, `\n`, `\\` and the like. `"none"`: backslashes do not
   * escape. By default this is detected.
   */
  readonly escape?: "backslash" | "none";
}

export interface Dialect {
  readonly delimiter: number;
  /** −1 if the text has no quotes. */
  readonly quote: number;
  /** True if a backslash inside quotes makes the next quote or backslash plain text. */
  readonly backslash: boolean;
  /** True if a backslash escapes outside of quotes as well, and `\N` is an empty cell. */
  readonly escapes: boolean;
  /** True if spaces before an opening quote are not text. */
  readonly spaces: boolean;
  /** True if the first line is `sep=`, which is not a row. */
  readonly sepLine: boolean;
}

const delimiters = [",", ";", "\t", "|"] as const;

/**
 * Finds the dialect of a text. It has more than 15 branches because each property may be stated, be
 * found, or follow from another one.
 *
 * @param head the beginning of the text, one byte a character; its last line is ignored if `whole`
 * is false
 * @param tabs true if the file's name says that its delimiter is a tab; that decides if the text
 * does not
 */
export function findDialect(head: string, whole: boolean, options: CsvOptions, tabs: boolean): Dialect {
  const asked = { delimiter: option("delimiter", options.delimiter), quote: option("quote", options.quote) };
  if (asked.delimiter === -1) throw badOption("delimiter", options.delimiter);
  const sep = /^"?sep=([^\r\n])"?(?:[\r\n]|$)/i.exec(head);
  const lines = head.slice(sep ? sep[0].length : 0);
  const cut = whole ? lines.length : Math.max(lines.lastIndexOf("\n"), lines.lastIndexOf("\r"));
  const text = cut > 0 ? lines.slice(0, cut) : lines;
  if (options.escape !== undefined && options.escape !== "backslash" && options.escape !== "none")
    throw new SheetError(
      "bad_option",
      `csv.escape must be "backslash" or "none", and it is ${JSON.stringify(options.escape)}.`,
    );
  const found = asked.delimiter ?? sep?.[1]!.charCodeAt(0);
  const usual = asked.quote ?? findQuote(text, found);
  const delimiter = found ?? findDelimiter(text, usual, tabs);
  const escapes = options.escape === undefined ? isDump(text, delimiter, usual) : options.escape === "backslash";
  // In the text of COPY a quote is a character like any other.
  const quote = escapes && asked.quote === undefined && delimiter === TAB ? -1 : usual;
  if (delimiter === quote) throw badOption("delimiter", String.fromCharCode(delimiter));
  const mark = String.fromCharCode(quote);
  return {
    delimiter,
    quote,
    backslash: quote >= 0 && (escapes || readRecords(text, delimiter, quote).escapes),
    escapes,
    spaces: quote >= 0 && spacesBeforeQuotes(text, mark, delimiter),
    sepLine: sep !== null,
  };
}

/** True if one of the usual delimiters splits the text into columns. */
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

/**
 * True if a text looks like the output of a database. It then has tabs between fields, no field in
 * quotes, some fields with `\N` alone, and no backslash without an effect.
 */
function isDump(text: string, delimiter: number, quote: number): boolean {
  if (delimiter !== TAB || !/(?:^|[\t\r\n])\\N(?=[\t\r\n]|$)/.test(text)) return false;
  const mark = String.fromCharCode(quote);
  if (quote >= 0 && new RegExp(`(?:^|[\\t\\r\\n])${mark}[^${mark}]*${mark}(?=[\\t\\r\\n]|$)`).test(text)) return false;
  return !/\\(?![bfnrtvZ\\\t\r\n]|[01]?[0-7]{1,2}|x[0-7]?[0-9a-f]|N(?=[\t\r\n]|$)|\.(?=[\r\n]|$))/i.test(
    text.replaceAll("\\\\", ""),
  );
}

function findQuote(text: string, delimiter: number | undefined): number {
  const between = delimiter === undefined ? ",;\\t|" : escaped(String.fromCharCode(delimiter));
  const fields = (mark: string): number =>
    text.match(new RegExp(`(?:^|[${between}\\r\\n])${mark}[^${mark}\\r\\n]*${mark}(?=[${between}\\r\\n]|$)`, "g"))
      ?.length ?? 0;
  return fields('"') === 0 && !new RegExp(`(?:^|[${between}\\r\\n])"`).test(text) && fields("'") > 1 ? 0x27 : QUOTE;
}

/** A delimiter, and a measure of how well it splits a text. */
interface Cut {
  readonly delimiter: string;
  /** The share of records that it splits alike. */
  readonly agreed: number;
  readonly score: number;
  /** A measure of how much the delimiter looks like punctuation instead. */
  readonly signs: number;
}

/**
 * The share of records that must have the same width, and the same share for the records after a
 * preamble.
 */
const AGREED = 0.5;
const AGREED_BELOW = 0.8;
/** The fewest fields, and the fewest records, that must follow a preamble. */
const PREAMBLE_WIDTH = 3;

function findDelimiter(text: string, quote: number, tabs: boolean): number {
  const usual = tabs ? delimiters.toSorted((a) => (a === "\t" ? -1 : 0)) : delimiters;
  const cuts = usual.map((delimiter) => cutBy(text, delimiter, quote)).filter((cut) => cut !== undefined);
  const others = cuts.filter(({ delimiter, agreed }) => delimiter !== "," && agreed >= AGREED);
  const decimal = others.length > 0 && areDecimals(text);
  const best = (decimal ? others : cuts).reduce<Cut | undefined>((one, other) => {
    if (!one || other.score > one.score) return other;
    return other.score === one.score && other.signs < one.signs ? other : one;
  }, undefined);
  return (best?.delimiter ?? (tabs ? "\t" : ",")).charCodeAt(0);
}

/**
 * A measure of how well a delimiter splits a text; undefined if the text gets no columns from it.
 */
function cutBy(text: string, delimiter: string, quote: number): Cut | undefined {
  const { widths: all, drawn, strays } = readRecords(text, delimiter.charCodeAt(0), quote);
  const widths = all.filter((_, n) => !drawn.has(n));
  const counts = new Map<number, number>();
  for (const width of widths) if (width > 1) counts.set(width, (counts.get(width) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const usual = Math.max(...[...counts].filter(([, count]) => count === most).map(([width]) => width));
  if (counts.size === 0) return undefined;
  const near = widths.filter((width) => width > 1 && Math.abs(width - usual) === 1).length;
  const agreed = (most + near / 2) / widths.length;
  if (widths[0] === 1) {
    // A header has as many fields as its records; only a preamble has not.
    const below = widths.slice(widths.findIndex((width) => width > 1));
    if (usual < PREAMBLE_WIDTH || most < PREAMBLE_WIDTH || agreed < AGREED) return undefined;
    if (below.filter((width) => width === usual).length < below.length * AGREED_BELOW) return undefined;
  }
  // If two delimiters are equal: quotes inside fields, and spaces after the delimiter, often mean
  // punctuation.
  const spaces = delimiter === "\t" ? 0 : text.split(`${delimiter} `).length / text.split(delimiter).length;
  return { delimiter, agreed, score: agreed ** 2 * Math.log2(1 + usual), signs: strays + spaces };
}

/** True if the commas of a text are decimal commas: most of them are between digits. */
function areDecimals(text: string): boolean {
  const commas = text.split(",").length - 1;
  return commas > 0 && (text.match(/\d,(?=\d)/g)?.length ?? 0) * 2 > commas;
}

interface Records {
  /** The number of fields of each record; blank lines are not counted. */
  readonly widths: readonly number[];
  /** The records (by index from 0) that consist of drawing characters and hold no data. */
  readonly drawn: ReadonlySet<number>;
  /** The number of quotes inside fields that do not begin with a quote. */
  readonly strays: number;
  /** True if a quote after a backslash would close a field, although the field continues. */
  readonly escapes: boolean;
}

/**
 * The records of a text, read in one pass. It has more than 15 branches because each kind of
 * character has one.
 */
function readRecords(text: string, delimiter: number, quote: number): Records {
  const widths: number[] = [];
  const drawn = new Set<number>();
  let begin = 0;
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
      if (width > 1 || i > start) {
        if (/^[-=_+|\s]+$/.test(text.slice(begin, i)) && /[-=_]{3}/.test(text.slice(begin, i)))
          drawn.add(widths.length);
        widths.push(width);
      }
      width = 1;
      begin = start = i + 1;
    }
  }
  return { widths, drawn, strays, escapes };
}

/**
 * The index of the quote that closes the quoted text beginning at `open`; the end of the text if it
 * is never closed.
 */
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
