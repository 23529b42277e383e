// Finds the type of a column from its values.
//
// Every value that was looked at must fit, or the column is text; marks for missing values
// (marks.ts) are not values, if all the others are of one type. Values that could be read in two
// ways make a column text as well: a day and a month that could change places, a point that may
// come before decimals or between thousands, digits that are a name and not a quantity. So what is
// loaded says exactly what the sheet says.
//
//   values of a column             type            why
//   1, 2, 3                        integer
//   1, 2, n/a                      integer         the mark is a missing value
//   1, 2, many                     text            a value does not fit; integer is the nearest type
//   007, 12                        text            digits that a number would not keep
//   31.12.2024, 01.02.2024         date            one notation reads all of them
//   01.02.2024, 03.04.2024         text            day and month could change places
//   1,234.50 and 12.00             numeric         in that notation
//   1.234, 5.678                   text            thousands or decimals; another column may tell
//   912345678 under "Phone"        text            digits that are no quantity
//
// How it goes: each value has a kind (values/cell-kind.ts), and a column keeps the number of each
// kind (ColumnKinds). A candidate is a type with the kinds that fit it. All candidates that fit
// every value are found; the narrowest is taken, unless there is a doubt.
//
// A later value that does not fit is rejected with its reason, never changed. So is one that would
// have made the column text (values/inferred.ts). That a column has no empty cell yet says nothing
// of the next row, so
// nothing becomes NOT NULL.
import { CellType, type RowBatch } from "@sluice/sheets";
import { isBlankCell, isBlankRow } from "../chunk/blank.ts";
import { amountIn, formatsIn, kindOf, type Kind } from "../values/cell-kind.ts";
import { decimalOf, isRatio, NOTATIONS, withUnit } from "../schema/number-format.ts";
import { cellText } from "../values/shown.ts";
import type { InferredFrom } from "../schema/schema.ts";
import { toIdentifier } from "../schema/identifiers.ts";
import { isTotalLabel, MOST_TOTALS } from "./totals.ts";

/** The number of records that inference looks at, from the first one on. */
export const SAMPLE_ROWS = 10_000;
/** And how many cells, so that a very wide sheet costs no more. */
const SAMPLE_CELLS = 1_000_000;
/** The number of values that are kept which speak against the nearest type. */
const EXAMPLES = 3;
/** The beginning of the reasons that an import tells, too: it would be a column of numbers. */
export const AMBIGUOUS = "a point or a comma and three digits";
export const CUT = "a spreadsheet has cut";
export const SWAPPED = "could change places";
export const PARTS = "hours and minutes, or minutes and seconds";
export const PAST = "more than 23 hours, or less than 0,";
export const PLUS = "a plus, which a number would not keep";
/** Numbers with a point or a comma that say by themselves what it is. */
const GROUPED = 2;
/** Bytes of a value that are kept of it, to be shown. */
const EXAMPLE_BYTES = 1_000;

/** A value and its place. */
export interface Example {
  readonly row: number;
  readonly value: string;
}

/** A text that stands for no value, and in how many cells. */
export interface Mark {
  readonly text: string;
  readonly count: number;
}

/** The type that a column was taken for, and how sure that is. */
export interface InferredColumn {
  /** A PostgreSQL type. */
  readonly type: string;
  /** The notation that all dates of the column are written in, if they are text and not ISO. */
  readonly dateFormat: string | undefined;
  /** The notation of all its numbers, if they are text and not as PostgreSQL writes them. */
  readonly numberFormat: string | undefined;
  /** The unit that its numbers have, in whatever notation: `€`, `%`. */
  readonly unit: string | undefined;
  /** The marks for missing values that were seen, if all its other values are of the type. */
  readonly missing: readonly Mark[];
  /** The column's error cells, by code. */
  readonly errors: readonly Mark[];
  /**
   * 1 if the whole column was looked at. Otherwise the chance that the next value fits, (n + 1) /
   * (n + 2) when all n did: Laplace's rule of succession. 0 if there was no value at all.
   */
  readonly confidence: number;
  /** The values that the type goes back to; undefined is `values`. */
  readonly from: InferredFrom | undefined;
  /** Cells that hold a value, of those looked at. */
  readonly values: number;
  /**
   * The reason why the column is text although its values are not just words; undefined without
   * such a reason.
   */
  readonly because: string | undefined;
  /** The type that most values of a text column had, and the first values that did not. */
  readonly nearest: Nearest | undefined;
}

/** The type that at least half of a text column's values have. */
export interface Nearest {
  readonly type: string;
  /**
   * The notation of its dates or numbers, if they are texts that PostgreSQL would read differently.
   */
  readonly notation?: string;
  readonly fits: number;
  readonly against: readonly Example[];
}

/**
 * Names of things that are written in digits and never added up: as a header, or with words that
 * say whose or which it is.
 */
const NAMES_IN_DIGITS = words(
  "phone telephone tel telefon mobile mobil handy fax zip zipcode postcode postal plz iban bic isbn issn ean upc gtin barcode sku ssn imei tracking siren siret nif passport",
);
const WHICH = words(
  "no nr num number code id work home office business private main primary secondary contact customer client company supplier billing shipping delivery",
);

interface Candidate {
  readonly type: string;
  readonly dateFormat?: string;
  /** The index of its notation, and the unit. */
  readonly notation?: number;
  readonly unit?: string;
  readonly fits: (kind: Kind) => boolean;
  /** Two kinds that must both occur: one letter alone may be a code of something else. */
  readonly both?: readonly [Kind, Kind];
  /** Kinds of which one must occur. */
  readonly any?: readonly Kind[];
  /** `values` if it is not given. */
  readonly from?: InferredFrom;
}

/** The candidates in the order in which they are tried: the narrowest first. */
const CANDIDATES: readonly Candidate[] = [
  { type: "boolean", fits: among("boolean", "true", "false") },
  { type: "boolean", fits: among("yes", "no"), from: "yes" },
  { type: "boolean", fits: among("y", "n"), both: ["y", "n"], from: "y" },
  { type: "boolean", fits: among("t", "f"), both: ["t", "f"], from: "t" },
  { type: "integer", fits: among("integer") },
  { type: "bigint", fits: (kind) => isWhole(kind) && kind !== "huge" },
  { type: "numeric", notation: 0, fits: (kind) => isWhole(kind) || isDecimal(kind) },
  {
    type: "double precision",
    fits: (kind) => (isWhole(kind) && kind !== "huge") || isDecimal(kind) || isDouble(kind),
  },
  { type: "numeric", fits: (kind) => isWhole(kind) || isDecimal(kind) || isDouble(kind) },
  { type: "date", fits: among("date", "iso date") },
  { type: "timestamp", fits: among("date", "iso date", "timestamp", "iso timestamp") },
  { type: "timestamptz", fits: among("iso timestamptz") },
  { type: "time", fits: among("time", "iso time", "hours", "pm time") },
  // A duration says that the times of day are durations too: a spreadsheet shows 37:30 and 8:00 by
  // two formats.
  {
    type: "interval",
    fits: among("duration", "time", "iso time", "hours", "iso duration"),
    any: ["duration", "iso duration"],
  },
  // Hours and minutes, or minutes and seconds: `26:10` alone does not tell.
  { type: "interval", fits: among("time", "iso time", "hours", "iso duration", "clock"), any: ["clock"] },
  { type: "uuid", fits: among("uuid") },
  { type: "jsonb", fits: among("json") },
];

/** The facts about a column without a value. */
const NOTHING = {
  dateFormat: undefined, numberFormat: undefined, unit: undefined, missing: [], errors: [], from: undefined, because: undefined, nearest: undefined,
} as const; // prettier-ignore

/** Reports whether a text of a column (from 1) was stated to mean that the value is missing. */
export type IsMissing = (sheetColumn: number, text: () => string) => boolean;

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}

/** `Phone 2`, `Tel. (work)`, `ZIP code`, but not `Mobile sales`. */
function meansDigits(header: string): boolean {
  const all = toIdentifier(header)
    .split("_")
    .map((word) => word.replace(/\d+$/, ""))
    .filter((word) => word !== "");
  return (
    all.some((word) => NAMES_IN_DIGITS.has(word)) && all.every((word) => NAMES_IN_DIGITS.has(word) || WHICH.has(word))
  );
}

function among(...kinds: readonly Kind[]): (kind: Kind) => boolean {
  return (kind) => kinds.includes(kind);
}

/** A number with decimals, as PostgreSQL writes it. */
function isDecimal(kind: Kind): boolean {
  const amount = amountIn(kind);
  return kind === "decimal" || (amount?.dress === "none" && amount.readings[0] !== "-");
}

function isDouble(kind: Kind): boolean {
  return kind === "double" || kind.startsWith("cut ");
}

function isWhole(kind: Kind): boolean {
  return kind === "integer" || kind === "bigint" || kind === "huge" || kind.startsWith("digits ");
}

/** The values that were seen in one column: the number of each kind, and its first values. */
class ColumnKinds {
  values = 0;
  readonly #kinds = new Map<Kind, { count: number; longest: number; examples: Example[] }>();

  /** @param size the bytes of the value */
  add(kind: Kind, row: number, size: number, value: () => string): void {
    this.values++;
    let seen = this.#kinds.get(kind);
    if (!seen) this.#kinds.set(kind, (seen = { count: 0, longest: 0, examples: [] }));
    if (seen.count++ < EXAMPLES) seen.examples.push({ row, value: value() });
    if (size > seen.longest) seen.longest = size;
  }

  /** The bytes of the longest value of a kind; 0 without one. */
  longest(kind: Kind): number {
    return this.#kinds.get(kind)?.longest ?? 0;
  }

  get size(): number {
    return this.#kinds.size;
  }

  has(kind: Kind): boolean {
    return this.#kinds.has(kind);
  }

  kinds(): readonly Kind[] {
    return [...this.#kinds.keys()];
  }

  count(fits: (kind: Kind) => boolean): number {
    let count = 0;
    for (const [kind, seen] of this.#kinds) if (fits(kind)) count += seen.count;
    return count;
  }

  /** The texts of kinds that begin so, with their counts. */
  marks(kind: string): Mark[] {
    return [...this.#kinds].flatMap(([name, { count }]) =>
      name.startsWith(kind) ? [{ text: name.slice(kind.length), count }] : [],
    );
  }

  against(fits: (kind: Kind) => boolean): Example[] {
    const examples = [...this.#kinds].flatMap(([kind, seen]) => (fits(kind) ? [] : seen.examples));
    return examples.sort((a, b) => a.row - b.row).slice(0, EXAMPLES);
  }
}

/** A row that looks like one of totals. */
interface TotalsRow extends Example {
  /** The column of what it is called. */
  readonly column: number;
  readonly cells: readonly { readonly column: number; readonly kind: Kind; readonly value: string }[];
}

/** Looks at rows, and then says what the columns are. */
export class Inference {
  readonly #columns = new Map<number, ColumnKinds>();
  /** Rows of totals that no other row has followed yet. */
  #last: TotalsRow[] = [];
  /**
   * More of them have come than a sheet ends with, so they and those that follow at once are
   * counted like any other.
   */
  #tooMany = false;
  /** The rows of totals at the ends of sheets. */
  #totals: TotalsRow[] = [];
  readonly #leftOut: TotalsRow[] = [];
  #records = 0;
  #cells = 0;
  readonly #isMissing: IsMissing;
  readonly #stated = new Map<number, Map<string, number>>();
  readonly #guesses: boolean;
  readonly #delimiter: string | undefined;
  #decimals: { readonly records: number; readonly found: ReadonlySet<string> } | undefined;
  /** No column shows the character before its decimals, but the delimiter leaves one for it. */
  #byDelimiter = false;

  /**
   * @param isMissing tells the texts that were stated to mean a missing value
   * @param guesses whether further marks for missing values are looked for
   * @param delimiter of delimited text: if it is a comma, one in a number is more likely to be
   *   between thousands
   */
  constructor(isMissing: IsMissing = () => false, guesses = true, delimiter?: string) {
    this.#delimiter = delimiter;
    this.#isMissing = isMissing;
    this.#guesses = guesses;
  }

  /** Records looked at so far. */
  get records(): number {
    return this.#records;
  }

  /**
   * Looks at rows [from, to) of a batch until it has seen `limit` records in all; true if there are
   * more.
   */
  add(batch: RowBatch, limit: number = SAMPLE_ROWS, from: number = 0, to: number = batch.rowCount): boolean {
    const { firstCell, columns, rowNumbers } = batch;
    for (let row = from; row < Math.min(to, batch.rowCount); row++) {
      const end = firstCell[row + 1]!;
      if (firstCell[row] === end || isBlankRow(batch, row)) continue; // a blank row is not a record
      if (this.#records === limit || this.#cells > SAMPLE_CELLS) return true;
      this.#records++;
      this.#cells += end - firstCell[row]!;
      const totals = totalsRow(batch, row);
      if (totals && !this.#tooMany) {
        this.#last.push(totals);
        this.#tooMany = this.#last.length > MOST_TOTALS;
        if (this.#tooMany) this.#count(this.#last.splice(0));
        continue;
      }
      if (!totals) this.#tooMany = false;
      this.#count(this.#last.splice(0));
      for (let cell = firstCell[row]!; cell < end; cell++) {
        if (isBlankCell(batch, cell)) continue;
        const value = (): string => exampleOf(batch, cell);
        if (this.#isMissing(columns[cell]!, value)) {
          this.#countStated(columns[cell]!, value().trim());
          continue;
        }
        const size = batch.ends[cell]! - batch.starts[cell]!;
        this.#column(columns[cell]!).add(kindAt(batch, cell), rowNumbers[row]!, size, value);
      }
    }
    return false;
  }

  #countStated(sheetColumn: number, text: string): void {
    const counts = this.#stated.get(sheetColumn) ?? new Map<string, number>();
    counts.set(text, (counts.get(text) ?? 0) + 1);
    this.#stated.set(sheetColumn, counts);
  }

  /**
   * Texts that were stated to mean no value, and in how many cells of a column (from 1) they were.
   */
  statedIn(sheetColumn: number): readonly Mark[] {
    return [...(this.#stated.get(sheetColumn) ?? [])].map(([text, count]) => ({ text, count }));
  }

  /** The sheet ends here, so the last rows may be totals. */
  endSheet(): void {
    this.#totals.push(...this.#last.splice(0));
    this.#tooMany = false;
  }

  /**
   * Leaves rows of totals out if their label does not fit its column, so that they are going to be
   * rejected in any case. Before the first `column`; without it they count like any other.
   *
   * @param known a column's header, and its type if that is not to be inferred
   */
  leaveOutTotals(known: (sheetColumn: number) => { readonly header: string; readonly type: string | undefined }): void {
    const isText = (sheetColumn: number): boolean => {
      const { header, type } = known(sheetColumn);
      const column = this.#columns.get(sheetColumn);
      return isTextType(type ?? (column ? this.#typeOf(column, header, true).type : "text"));
    };
    const [ordinary, leftOut]: [TotalsRow[], TotalsRow[]] = [[], []];
    for (const row of this.#totals) (isText(row.column) ? ordinary : leftOut).push(row);
    this.#totals = [];
    this.#leftOut.push(...leftOut);
    this.#count(ordinary);
  }

  /** The rows of totals that were left out, with what they are called, and the column of that. */
  get leftOut(): readonly (Example & { readonly column: number })[] {
    return this.#leftOut.map(({ row, value, column }) => ({ row, value, column }));
  }

  /** The columns of the sheet that hold a value, from 1, in order. */
  get columns(): number[] {
    const inTotals = [...this.#last, ...this.#totals, ...this.#leftOut].flatMap(({ cells }) => cells);
    return [...new Set([...this.#columns.keys(), ...inTotals.map(({ column }) => column)])].sort((a, b) => a - b);
  }

  #column(sheetColumn: number): ColumnKinds {
    let column = this.#columns.get(sheetColumn);
    if (!column) this.#columns.set(sheetColumn, (column = new ColumnKinds()));
    return column;
  }

  #count(rows: readonly TotalsRow[]): void {
    for (const { row, cells } of rows)
      for (const { column, kind, value } of cells) this.#column(column).add(kind, row, value.length, () => value);
  }

  /**
   * The type of a column, with its reasons.
   *
   * @param header the column's name, since digits under "Phone" are not a number
   * @param complete whether every row of the sheet has been looked at
   */
  column(sheetColumn: number, header: string, complete: boolean): InferredColumn {
    this.#count([...this.#last.splice(0), ...this.#totals.splice(0)]);
    const column = this.#columns.get(sheetColumn);
    if (!column) return { ...NOTHING, type: "text", confidence: 0, values: 0, because: "no value" };
    return this.#typeOf(column, header, complete);
  }

  /**
   * Weighs the candidates: none fits, so it is text; one fits, and nothing speaks against it; or
   * several notations fit, and other columns decide between them.
   */
  #typeOf(column: ColumnKinds, header: string, complete: boolean): InferredColumn {
    const { values } = column;
    const confidence = complete ? 1 : (values + 1) / (values + 2);
    const missing = this.#guesses ? column.marks("mark ") : [];
    const real = values - missing.reduce((sum, { count }) => sum + count, 0);
    const found = real === 0 ? [] : fitting(column, real);
    const [first] = found;
    const said = { ...NOTHING, values, unit: unitIn(column), errors: column.marks("error ") };
    const notation = first?.notation === undefined ? undefined : this.#notation(column, found);
    const open = notation && !notation.candidate ? notation.because : undefined;
    const because = first ? (open ?? doubt(column, found, header)) : codes(column, header);
    if (first && because === undefined) {
      const { type, dateFormat, numberFormat } = { ...first, ...typeIn(notation?.candidate) };
      const from = first.from ?? fromWhat(type, column);
      return { ...said, type, dateFormat, numberFormat, confidence, missing, from, because: notation?.because };
    }
    return {
      ...said,
      type: "text",
      confidence: 1,
      because,
      nearest: meansDigits(header) ? undefined : nearestOf(column),
    };
  }

  /**
   * The notation of a column's numbers, of those that all of them can be read in; or why it is
   * open, or why it may be another one.
   */
  #notation(column: ColumnKinds, found: readonly Candidate[]): { candidate?: Candidate; because?: string } {
    const candidates = found.filter(({ notation }) => notation !== undefined);
    const left = differ(column, candidates)
      ? candidates.filter((one) => this.#decimalsOfAll().has(decimal(one)))
      : candidates;
    if (left.length > 0 && !differ(column, left)) {
      const isOpen = left.length < candidates.length && this.#byDelimiter && column.has("integer");
      return {
        candidate: left[0]!,
        ...(isOpen ? { because: `${AMBIGUOUS}: a comma parts the fields, so a point begins the decimals` } : {}),
      };
    }
    const [first, other] = [candidates[0]!, candidates.find((one) => differ(column, [candidates[0]!, one]))!];
    return {
      because: `${AMBIGUOUS}: thousands or decimals, as ${formatIn(first)} or as ${formatIn(other)} (--type "column=numeric(${formatIn(other)})" says which)`,
    };
  }

  /**
   * The character before decimals that the columns show which can be read in one way only; else
   * what the delimiter leaves for it. So `1.234` is read with decimals if another column has
   * `0.5`, and with thousands if it has `7,25`, or `1.150` and `925`. One export writes all of its
   * numbers alike.
   */
  #decimalsOfAll(): ReadonlySet<string> {
    if (this.#decimals?.records !== this.#records) {
      const shown = new Set<string>();
      for (const column of this.#columns.values()) {
        const fit = fitting(column, column.values - column.count((kind) => kind.startsWith("mark ")));
        const decimals = new Set(fit.flatMap((one) => (one.notation === undefined ? [] : [decimal(one)])));
        if (fit[0]?.notation !== undefined && column.kinds().some(amountIn) && decimals.size === 1)
          shown.add([...decimals][0]!);
        else if (decimals.size > 1) for (const group of groupedBy(column)) shown.add(group === "." ? "," : ".");
      }
      this.#byDelimiter = shown.size === 0 && this.#delimiter === "," && this.#columns.size > 1;
      if (this.#byDelimiter) shown.add(".");
      // If columns contradict each other, neither says anything of a third one.
      this.#decimals = { records: this.#records, found: shown.size === 1 ? shown : new Set() };
    }
    return this.#decimals.found;
  }
}

/**
 * The candidates that all values of a column fit, the narrowest first; `values` is their number. A
 * candidate of two words, such as `y` and `n`, fits only if both are there.
 */
function fitting(column: ColumnKinds, values: number): Candidate[] {
  return [...CANDIDATES, ...dateCandidates(column), ...numberCandidates(column)].filter(
    (candidate) => column.count(candidate.fits) === values && hasWords(column, candidate),
  );
}

/** Whether a column has the kinds without which a candidate is not chosen. */
function hasWords(column: ColumnKinds, { both, any }: Candidate): boolean {
  return (both?.every((word) => column.has(word)) ?? true) && (any?.some((word) => column.has(word)) ?? true);
}

/**
 * The candidates: one for each notation that the column's texts may be in, and for each type; empty
 * if PostgreSQL's own will do.
 */
function numberCandidates(column: ColumnKinds): Candidate[] {
  const amounts = column.kinds().flatMap((kind) => amountIn(kind) ?? []);
  const unit = unitIn(column);
  if (amounts.length === 0 || unit === undefined) return [];
  const dressed = amounts.some(({ dress }) => dress !== "none");
  // A number in parentheses may be a footnote's; one without says that they are a minus.
  if (amounts.length === column.size && amounts.every(({ dress, unit }) => dress === "sign" && unit === "")) return [];
  return NOTATIONS.flatMap((_, notation) => {
    if (notation === 0 && !dressed) return [];
    const readable = (letters: string) => (kind: Kind) => {
      const amount = amountIn(kind);
      if (amount) return letters.includes(amount.readings[notation]!) && (amount.unit === unit || !isRatio(unit));
      if (isRatio(unit)) return false;
      return letters.includes("d")
        ? isWhole(kind) || kind === "decimal"
        : kind === "integer" || (letters.includes("b") && isWhole(kind) && kind !== "huge");
    };
    return (
      [
        ["integer", "i"],
        ["bigint", "ib"],
        ["numeric", "ibhd"],
      ] as const
    ).map(([type, letters]) => ({ type, notation, unit, fits: readable(letters) }));
  });
}

/**
 * The one unit of a column's numbers; empty if they are without one, undefined if they have
 * several.
 */
function unitIn(column: ColumnKinds): string | undefined {
  const units = new Set(column.kinds().flatMap((kind) => amountIn(kind)?.unit ?? []));
  units.delete("");
  return units.size > 1 ? undefined : ([...units][0] ?? "");
}

/**
 * The characters between the thousands of a column, as it shows by itself: `1.150`, `2.331` and
 * `925`. Whatever writes decimals that end in 0 would write `925.000`. Some whole numbers have
 * three digits, and none has more.
 */
function groupedBy(column: ColumnKinds): ReadonlySet<string> {
  const parted = column.count((kind) => amountIn(kind) !== undefined);
  if (parted < GROUPED || column.longest("integer") !== 3) return new Set();
  return new Set(column.kinds().flatMap((kind) => amountIn(kind)?.beforeZero || []));
}

/** Reports whether notations make different numbers of a column's texts, as of `1.234`. */
function differ(column: ColumnKinds, candidates: readonly Candidate[]): boolean {
  const notations = [...new Set(candidates.flatMap(({ notation }) => notation ?? []))];
  return column.kinds().some((kind) => {
    const readings = amountIn(kind)?.readings;
    return readings !== undefined && new Set(notations.map((notation) => readings[notation])).size > 1;
  });
}

function formatIn({ notation = 0, unit = "" }: Candidate): string {
  return withUnit(NOTATIONS[notation]!, unit);
}

function decimal({ notation = 0 }: Candidate): string {
  return decimalOf(NOTATIONS[notation]!)!;
}

/** The type and notation of a candidate. PostgreSQL's own needs no word. */
function typeIn(candidate: Candidate | undefined): { type?: string; numberFormat?: string } {
  if (!candidate) return {};
  const plain = candidate.notation === 0 && candidate.unit === undefined;
  return plain ? { type: candidate.type } : { type: candidate.type, numberFormat: formatIn(candidate) };
}

/** A row whose first text is one that people call totals by, with all that it holds. */
function totalsRow(batch: RowBatch, row: number): TotalsRow | undefined {
  const { firstCell, columns, types, starts, ends, rowNumbers, bytes } = batch;
  const end = firstCell[row + 1]!;
  let first = firstCell[row]!;
  // Typed numbers may be left of it.
  while (first < end && (starts[first] === ends[first] || types[first] === CellType.number)) first++;
  if (first === end || types[first] !== CellType.string) return undefined;
  const label = bytes.toString("utf8", starts[first], ends[first]);
  if (!isTotalLabel(label)) return undefined;
  const cells: TotalsRow["cells"][number][] = [];
  for (let cell = firstCell[row]!; cell < end; cell++) {
    if (starts[cell] === ends[cell]) continue;
    cells.push({ column: columns[cell]!, kind: kindAt(batch, cell), value: exampleOf(batch, cell) });
  }
  return { row: rowNumbers[row]!, column: columns[first]!, value: label, cells };
}

/** A value as it is shown: its start, if it is long. */
function exampleOf({ bytes, types, starts, ends }: RowBatch, cell: number): string {
  const [start, end] = [starts[cell]!, ends[cell]!];
  if (end - start <= EXAMPLE_BYTES) return cellText(bytes.toString("utf8", start, end), types[cell]!);
  // A character that is cut in two is left out.
  return `${bytes.toString("utf8", start, start + EXAMPLE_BYTES).replace(/\uFFFD+$/, "")}…`;
}

function kindAt({ bytes, starts, ends, types }: RowBatch, cell: number): Kind {
  return kindOf(bytes, starts[cell]!, ends[cell]!, types[cell] as CellType);
}

function isTextType(type: string): boolean {
  return /^(?:text|character|char|varchar|bpchar|citext)\b/i.test(type);
}

/** Dates as text: one candidate for each notation that a value of the column can be read in. */
function dateCandidates(column: ColumnKinds): Candidate[] {
  const formats = new Set(column.kinds().flatMap(formatsIn));
  return [...formats].map((dateFormat) => {
    const clock = / (?:HH|hh):/.exec(dateFormat);
    // A day alone may be among days with a time: it is midnight then.
    const day = clock ? dateFormat.slice(0, clock.index) : dateFormat;
    const cells = clock ? among("date", "timestamp") : among("date");
    const iso = day !== "YYYY-MM-DD" ? among() : clock ? among("iso date", "iso timestamp") : among("iso date");
    return {
      type: clock ? "timestamp" : "date",
      dateFormat,
      fits: (kind) => cells(kind) || iso(kind) || formatsIn(kind).some((one) => one === dateFormat || one === day),
    };
  });
}

/** The values that a type other than boolean goes back to. */
function fromWhat(type: string, column: ColumnKinds): InferredFrom | undefined {
  if (type === "interval" && !column.has("duration")) return "texts";
  return type === "numeric" && !column.kinds().some(amountIn) ? "cells" : undefined;
}

/** Why no candidate is taken although there are some that fit. */
function doubt(column: ColumnKinds, [first, second]: readonly Candidate[], header: string): string | undefined {
  if (first?.dateFormat !== undefined && second?.dateFormat !== undefined)
    return `day and ${second.dateFormat.startsWith("YY") ? "year" : "month"} ${SWAPPED}: every value reads as ${first.dateFormat} and as ${second.dateFormat}`;
  if (first?.type === "double precision") return cutDigits(column, header);
  if (first?.type === "interval") return openDurations(column);
  if (first?.type === "integer" || first?.type === "bigint") {
    if (meansDigits(header)) return "the header means digits that are no quantity";
    if (areGroupedNames(column)) return "digits in groups, each value as long as the other: no quantity";
    const kinds = column.kinds().filter((kind) => !kind.startsWith("mark "));
    if (kinds.length === 1 && kinds[0]!.startsWith("digits "))
      return "ten digits or more, each value as long as the other: no quantity";
  }
  return undefined;
}

/**
 * Why texts are not durations: times of two parts, such as `1:30` beside `26:10` or `58:30` beside
 * `1:02:11`; or none of them is a time as well, so that they may be something else.
 */
function openDurations(column: ColumnKinds): string | undefined {
  if (column.has("duration")) return undefined;
  const about = (kind: Kind): string => {
    const [first] = column.against((one) => one !== kind);
    return `as in ${JSON.stringify(first!.value)} (row ${first!.row}); --type "column=interval" reads`;
  };
  const parts = ["clock", "hours"].find((kind) => column.has(kind));
  if (parts !== undefined) return `${PARTS}, ${about(parts)} hours and minutes`;
  const alone = column.count((kind) => kind === "iso duration") === column.values;
  return alone ? `${PAST} in each value, ${about("iso duration")} durations` : undefined;
}

/**
 * The exponents that a spreadsheet shows codes of 11 to 16 digits with, if it has taken them for
 * numbers.
 */
const CUT_EXPONENTS = { least: 10, most: 15, apart: 2 };

/**
 * Codes that a spreadsheet has shown with an exponent and so cut to a few digits; undefined if they
 * are quantities. `4.00612E+12` was a barcode of 13 digits before it was saved as CSV; with
 * `3.2E+05` beside it, it is a quantity.
 */
function cutDigits(column: ColumnKinds, header: string): string | undefined {
  const exponents = column.kinds().flatMap((kind) => (kind.startsWith("cut ") ? [Number(kind.slice(4))] : []));
  if (exponents.length === 0) return undefined;
  const { least, most, apart } = CUT_EXPONENTS;
  const alike =
    Math.max(...exponents) <= most &&
    Math.min(...exponents) >= least &&
    Math.max(...exponents) - Math.min(...exponents) <= apart;
  const whole = column.kinds().every((kind) => kind.startsWith("cut ") || kind.startsWith("mark ") || isWhole(kind));
  return meansDigits(header) || (alike && whole)
    ? `${CUT} these numbers to a few digits (${column.against((kind) => !kind.startsWith("cut "))[0]!.value}); the others are gone from the file`
    : undefined;
}

/** Whole numbers in groups that are points or blanks, all of one length: `912 345 678`. */
function areGroupedNames(column: ColumnKinds): boolean {
  const lengths = column.kinds().map((kind) => amountIn(kind)?.digits ?? 0);
  return column.values > 2 && lengths[0]! >= 8 && lengths.every((length) => length === lengths[0]);
}

/** Why a column is text in which no type fits: it has error cells, or codes such as `007`. */
function codes(column: ColumnKinds, header: string): string | undefined {
  const errors = column.marks("error ");
  if (errors.length > 0) return `error cells: ${errors.map(({ text, count }) => `${count} × ${text}`).join(", ")}`;
  if (!column.has("code")) return undefined;
  const signed = meansDigits(header) ? undefined : plus(column);
  return signed ?? "digits that a number would not keep: leading zeros, a plus, or more than 15";
}

/** A whole number with a plus, too short for one of a telephone. */
const SIGNED = /^\+(?:0|[1-9]\d{0,5})$/;

/** Why a column of whole numbers is text if some have a plus, as offsets and changes do. */
function plus(column: ColumnKinds): string | undefined {
  const isOther = (kind: Kind): boolean => kind !== "code";
  const [first, ...others] = column.against(isOther);
  const isNumber = (kind: Kind): boolean => kind === "integer" || kind === "code" || kind.startsWith("mark ");
  if (!column.has("integer") || !column.kinds().every(isNumber)) return undefined;
  if (![first!, ...others].every(({ value }) => SIGNED.test(value))) return undefined;
  return `${PLUS}, as in ${JSON.stringify(first!.value)} (row ${first!.row}); --type "column=integer" reads numbers`;
}

/** Words for false that other languages have as well: `No` beside `Sí` is Spanish. */
const SHARED: ReadonlySet<Kind> = new Set<Kind>(["no", "n"]);

function nearestOf(column: ColumnKinds): Nearest | undefined {
  let best: Nearest | undefined;
  for (const candidate of [...CANDIDATES, ...dateCandidates(column), ...numberCandidates(column)]) {
    const { type, fits, dateFormat } = candidate;
    const count = column.count(fits);
    if (!hasWords(column, candidate)) continue;
    if (type === "boolean" && column.kinds().every((kind) => !fits(kind) || SHARED.has(kind))) continue;
    if (count === column.values || count * 2 < column.values || count <= (best?.fits ?? 0)) continue;
    const notation = dateFormat ?? (candidate.notation === undefined ? undefined : typeIn(candidate).numberFormat);
    best = { type, ...(notation === undefined ? {} : { notation }), fits: count, against: column.against(fits) };
  }
  return best;
}
