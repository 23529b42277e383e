// Numbers as people write them in text: the notations that a text can be read in, and how a text in
// a stated one becomes a plain number.
//
// A notation is an example: the number 1234.56 as the column writes it. `1.234,56`, `1,234.56`,
// `1 234,56`, `1'234.56` and `1234,56` say which characters come between thousands and before
// decimals; `$1,234.56`, `1.234,56 €` and `1234.56 %` name the unit too. A text in a notation may
// have a minus before or after it, or parentheses in its place, and blanks at its ends.
//
// Nothing is guessed here: `amountOf` says what a text is in every notation, and the caller must
// see that one reading is left.

/**
 * Reads a text in one notation: the plain number, such as `-1234.56`; undefined if it does not fit.
 */
export type NumberReader = (text: string) => string | undefined;

/**
 * The notations that are looked for, in the order in which they are taken. The first is how
 * PostgreSQL writes numbers.
 */
export const NOTATIONS = ["1234.56", "1,234.56", "1.234,56", "1 234,56", "1 234.56", "1'234.56", "1'234,56"] as const;

/** The explanation of how a notation is written, for messages. */
export const NUMBER_FORMAT_HELP =
  "the number 1234.56 as the column writes it, with its unit if it has one: 1.234,56 or 1,234.56 or 1 234,56 or $1,234.56 or 1234,56 %";

/** The reading of a text as a number. */
export interface Amount {
  /** `€`, `%`, …; empty if there is none. */
  readonly unit: string;
  /**
   * The form of the text: `none` is how PostgreSQL writes numbers; `sign`: its minus comes after
   * it, or is a pair of parentheses, as the number of a footnote or a list may have it; `other`:
   * all else.
   */
  readonly dress: "none" | "sign" | "other";
  /**
   * The plain number for each of the {@link NOTATIONS}; undefined if the text cannot be read in it.
   */
  readonly readings: readonly (string | undefined)[];
}

const CURRENCIES =
  "USD EUR GBP JPY CHF CNY RUB INR BRL CAD AUD NZD SEK NOK DKK PLN CZK HUF RON BGN TRY KRW ZAR MXN ILS SGD HKD TWD THB IDR MYR PHP VND UAH KZT CLP COP PEN ARS UYU AED SAR QAR KWD EGP MAD NGN KES GHS PKR BDT LKR";
const UNIT = `(?:US|CA|AU|NZ|HK|[ACRS])?\\$|[€£¥₹₽₺₩₪฿₫₦₱₴₡₲₵₸₼₾%‰]|${CURRENCIES.replaceAll(" ", "|")}|kr\\.?|zł|Kč|Ft|Fr\\.?|lei|лв\\.?|руб\\.?|Rs\\.?`;
const BLANK = "[ \\u00a0\\u2009\\u202f]";
const APOSTROPHE = "['’]";
const TEXT = new RegExp(
  `^([+-])?\\s*(${UNIT})?\\s*(\\()?\\s*([+-])?\\s*(${UNIT})?\\s*(\\d[\\d.,'’ \\u00a0\\u2009\\u202f]*|[.,]\\d+)(?<!\\s)\\s*(${UNIT})?\\s*(\\))?\\s*(-)?\\s*(${UNIT})?$`,
);
/**
 * A number without a unit, as most are, or a telephone number: `TEXT` gives the same, and is slow.
 */
const PLAIN = /^([+-])?(\d[\d.,'’ \u00a0\u2009\u202f]*|[.,]\d+)(?<!\s)$/;
/**
 * A number with an exponent as spreadsheets write it beside a decimal comma: `2,16E-06`. From 1E+10
 * on it may be a code of which digits are gone.
 */
const EXPONENT = /^(-)?(\d),(\d+)E([+-]\d{1,2})$/i;
const MOST_EXPONENT = 9;
/** The digits of a group of thousands: a zero more says that these are decimals. */
const GROUP = 3;
const MINUS = /[\u2212\u2013]/g;
const OF_NUMBERS = "\\d.,+()'’\\s\\u2212\\u2013-";
/**
 * Four characters that no number has, and no unit has so many: most texts with digits. It is tried
 * first, because `TEXT` is slow with them.
 */
const WORDS = new RegExp(`^(?:[${OF_NUMBERS}]*[^${OF_NUMBERS}]){4}`);
/**
 * Digits with nothing between them that numbers do not have there. Telephone numbers and dates are
 * not like that, and `TEXT` is slow with them as well.
 */
const ONE_NUMBER = /^\D*\d[\d.,'’ \u00a0\u2009\u202f]*\D*$/;
/** A blank or an apostrophe without three digits after it, as in telephone numbers. */
const WRONG_GROUP = /[ \u00a0\u2009\u202f'’](?!\d{3}(?!\d))/;
/** Longer texts are not looked at. */
const LONGEST = 60;
/** A unit that multiplies: a number without it is another number. */
const RATIO = /[%‰]/;

const FORMAT = new RegExp(`^(${UNIT})?\\s*1([.,]|${BLANK}|${APOSTROPHE})?234(?:([.,])\\d+)?\\s*(${UNIT})?$`);

interface Format {
  readonly group: string | undefined;
  readonly decimal: string | undefined;
  readonly unit: string | undefined;
}

/** A text without its dress. */
interface Parts {
  readonly negative: boolean;
  /** True if the minus comes after the number, or is a pair of parentheses. */
  readonly outside: boolean;
  readonly unit: string;
  readonly body: string;
}

const readers = new Map<string, NumberReader | undefined>();

/** The reader of a notation; undefined if the text is not one. */
export function numberReader(notation: string): NumberReader | undefined {
  if (!readers.has(notation)) readers.set(notation, compile(notation));
  return readers.get(notation);
}

/** A notation with a unit, as `numberReader` takes it. */
export function withUnit(notation: string, unit: string): string {
  if (unit === "") return notation;
  return /[$£¥₹]$/.test(unit) ? `${unit}${notation}` : `${notation} ${unit}`;
}

/** The unit that a notation names. */
export function unitOf(notation: string): string | undefined {
  return formatOf(notation)?.unit;
}

/** Reports whether a number without this unit is another number: true for `%`. */
export function isRatio(unit: string): boolean {
  return RATIO.test(unit);
}

/** The character before the decimals of a notation. */
export function decimalOf(notation: string): string | undefined {
  return formatOf(notation)?.decimal;
}

/** A plain number such as `-1234.5` in a notation, without its unit: `-1234,5`. */
export function inNotation(number: string, notation: string): string {
  return number.replace(".", decimalOf(notation) ?? ".");
}

/** A text read as a number, in every notation; undefined if no notation fits. */
export function amountOf(text: string): Amount | undefined {
  const parts = partsOf(text);
  if (!parts || WRONG_GROUP.test(parts.body)) return undefined;
  const readings = BODIES.map((body) => plain(parts, body));
  return readings.some((reading) => reading !== undefined)
    ? { unit: parts.unit, dress: dressOf(text, parts), readings }
    : undefined;
}

function dressOf(text: string, { unit, outside }: Parts): Amount["dress"] {
  if (outside) return "sign";
  return unit === "" && /^-?[\d.]+$/.test(text) ? "none" : "other";
}

function compile(notation: string): NumberReader | undefined {
  const format = formatOf(notation);
  if (!format) return undefined;
  const body = bodyOf(format);
  const { unit } = format;
  return (text) => {
    const parts = partsOf(text);
    if (!parts) return undefined;
    if (parts.unit === "" ? unit !== undefined && isRatio(unit) && !/^0*$/.test(parts.body) : parts.unit !== unit)
      return undefined;
    return plain(parts, body);
  };
}

function formatOf(notation: string): Format | undefined {
  const [, before, group, decimal, after] = FORMAT.exec(notation.trim()) ?? [];
  if (!FORMAT.test(notation.trim()) || (before !== undefined && after !== undefined)) return undefined;
  if (group !== undefined && group === decimal) return undefined;
  // A notation that shows no decimals has those that go with its thousands.
  const other = group === "," ? "." : group === "." ? "," : undefined;
  return { group, decimal: decimal ?? other, unit: before ?? after };
}

/**
 * The pattern for the digits of a notation. Thousands are groups of three; in India all but the
 * last are of two.
 */
function bodyOf({ group, decimal }: Format): RegExp {
  const point = decimal === undefined ? "" : `(?:[${decimal}](\\d+))?`;
  if (group === undefined) return new RegExp(`^(\\d*)${point}$`);
  const between = /[.,]/.test(group) ? `[${group}]` : new RegExp(APOSTROPHE).test(group) ? APOSTROPHE : BLANK;
  const indian = group === "," ? `|[1-9]\\d?(?:,\\d\\d)+,\\d{3}` : "";
  return new RegExp(`^(\\d*|[1-9]\\d{0,2}(?:${between}\\d{3})+${indian})${point}$`);
}

const BODIES = NOTATIONS.map((notation) => bodyOf(formatOf(notation)!));

function partsOf(text: string): Parts | undefined {
  if (text.length > LONGEST) return undefined;
  const digits = PLAIN.exec(text);
  if (digits) return { negative: digits[1] === "-", outside: false, unit: "", body: digits[2]! };
  if (WORDS.test(text)) return undefined;
  const body = withoutExponent(text);
  if (body !== undefined) return { negative: text.startsWith("-"), outside: false, unit: "", body };
  if (!ONE_NUMBER.test(text)) return undefined;
  const found = TEXT.exec(text.trim().replace(MINUS, "-"));
  if (!found) return undefined;
  const [, before, unit1, open, inside, unit2, digitsIn = "", unit3, close, after, unit4] = found;
  const signs = [before, inside, after, open].filter((sign) => sign !== undefined);
  const units = [unit1, unit2, unit3, unit4].filter((unit) => unit !== undefined);
  if (signs.length > 1 || units.length > 1 || (open === undefined) !== (close === undefined)) return undefined;
  const negative = signs.length > 0 && signs[0] !== "+";
  return { negative, outside: open !== undefined || after !== undefined, unit: units[0] ?? "", body: digitsIn };
}

/** The digits of `2,16E-06` with a decimal comma, `0,00000216`; undefined of any other text. */
function withoutExponent(text: string): string | undefined {
  const found = EXPONENT.exec(text);
  if (!found) return undefined;
  const [, , whole = "", fraction = "", exponent = ""] = found;
  const shift = Number(exponent);
  if (shift > MOST_EXPONENT) return undefined;
  const digits = "0".repeat(Math.max(0, -shift)) + whole + fraction + "0".repeat(Math.max(0, shift - fraction.length));
  const at = 1 + Math.max(0, shift);
  const decimals = digits.slice(at);
  return `${digits.slice(0, at)},${decimals}${decimals.length === 0 || decimals.length === GROUP ? "0" : ""}`;
}

function plain({ negative, body }: Parts, pattern: RegExp): string | undefined {
  const found = pattern.exec(body);
  if (!found) return undefined;
  const whole = found[1]!.replaceAll(/\D/g, "");
  const fraction = found[2] ?? "";
  if (whole + fraction === "") return undefined;
  return `${negative ? "-" : ""}${whole === "" ? "0" : whole}${fraction === "" ? "" : `.${fraction}`}`;
}
