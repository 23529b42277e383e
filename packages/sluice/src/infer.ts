// Which type a column has, from what stands in it.
//
// Every value that was looked at must fit, or the column is text: one `n/a` among ten thousand numbers makes it text, since as a
// number it would be lost. What could be read in two ways is text as well: day and month that could change places, digits that are a
// name and no quantity. So what is loaded says exactly what the sheet says. A later value that does not fit is rejected with its
// reason, never changed. That a column has no empty cell yet says nothing of the next row, so nothing becomes NOT NULL.
import { CellType, type RowBatch } from "@sluice/sheets";
import { formatsIn, kindOf, type Kind } from "./cell-kind.ts";
import { toIdentifier } from "./identifiers.ts";
import { isTotalLabel, MOST_TOTALS } from "./totals.ts";

/** How many records inference looks at: all of the first so many. */
export const SAMPLE_ROWS = 10_000;
/** And how many cells, so that a very wide sheet costs no more. */
const SAMPLE_CELLS = 1_000_000;
/** How many values are kept that speak against the nearest type. */
const EXAMPLES = 3;
/** Bytes of a value that are kept of it, to be shown. */
const EXAMPLE_BYTES = 1_000;

/** A value and where it stands. */
export interface Example {
  readonly row: number;
  readonly value: string;
}

/** What a column was taken for, and how sure that is. */
export interface InferredColumn {
  /** A PostgreSQL type. */
  readonly type: string;
  /** The notation that all dates of the column are written in, where they are text and not ISO. */
  readonly dateFormat: string | undefined;
  /**
   * 1 where the whole column was looked at. Otherwise the chance that the next value fits, (n + 1) / (n + 2) when all n did: Laplace's
   * rule of succession. 0 where there was no value at all.
   */
  readonly confidence: number;
  /** Cells that hold a value, of those looked at. */
  readonly values: number;
  /** Why the column is text although its values are not just words; undefined where there is nothing to say. */
  readonly because: string | undefined;
  /** Of a text column: the type that most values had, and the first ones that did not. */
  readonly nearest: { readonly type: string; readonly fits: number; readonly against: readonly Example[] } | undefined;
}

/** What is written in digits and never added up: as a header, or with words that say whose or which it is. */
const NAMES_IN_DIGITS = words(
  "phone telephone tel telefon mobile mobil handy fax zip zipcode postcode postal plz iban bic isbn issn ean upc gtin sku ssn imei siren siret nif passport",
);
const WHICH = words(
  "no nr num number code id work home office business private main primary secondary contact customer client company supplier billing shipping delivery",
);

interface Candidate {
  readonly type: string;
  readonly dateFormat?: string;
  readonly fits: (kind: Kind) => boolean;
  /** Of two words both must be there: one letter alone may be a code of something else. */
  readonly both?: readonly [Kind, Kind];
}

/** In the order in which they are tried: the narrowest first. */
const CANDIDATES: readonly Candidate[] = [
  { type: "boolean", fits: among("boolean", "true", "false") },
  { type: "boolean", fits: among("yes", "no") },
  { type: "boolean", fits: among("y", "n"), both: ["y", "n"] },
  { type: "boolean", fits: among("t", "f"), both: ["t", "f"] },
  { type: "integer", fits: among("integer") },
  { type: "bigint", fits: (kind) => isWhole(kind) && kind !== "huge" },
  { type: "numeric", fits: (kind) => isWhole(kind) || kind === "decimal" },
  {
    type: "double precision",
    fits: (kind) => (isWhole(kind) && kind !== "huge") || kind === "decimal" || kind === "double",
  },
  { type: "numeric", fits: (kind) => isWhole(kind) || kind === "decimal" || kind === "double" },
  { type: "date", fits: among("date", "iso date") },
  { type: "timestamp", fits: among("date", "iso date", "timestamp", "iso timestamp") },
  { type: "timestamptz", fits: among("iso timestamptz") },
  { type: "time", fits: among("time", "iso time") },
  { type: "uuid", fits: among("uuid") },
  { type: "jsonb", fits: among("json") },
];

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

function isWhole(kind: Kind): boolean {
  return kind === "integer" || kind === "bigint" || kind === "huge" || kind.startsWith("digits ");
}

/** What was seen in one column: how often each kind, and the first values of it. */
class ColumnKinds {
  values = 0;
  readonly #kinds = new Map<Kind, { count: number; examples: Example[] }>();

  add(kind: Kind, row: number, value: () => string): void {
    this.values++;
    let seen = this.#kinds.get(kind);
    if (!seen) this.#kinds.set(kind, (seen = { count: 0, examples: [] }));
    if (seen.count++ < EXAMPLES) seen.examples.push({ row, value: value() });
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

  against(fits: (kind: Kind) => boolean): Example[] {
    const examples = [...this.#kinds].flatMap(([kind, seen]) => (fits(kind) ? [] : seen.examples));
    return examples.sort((a, b) => a.row - b.row).slice(0, EXAMPLES);
  }
}

/** A row that looks like one of totals. */
interface TotalsRow extends Example {
  readonly cells: readonly { readonly column: number; readonly kind: Kind; readonly value: string }[];
}

/** Looks at rows, and then says what the columns are. */
export class Inference {
  readonly #columns = new Map<number, ColumnKinds>();
  /** Rows of totals that nothing has come behind yet. */
  #last: TotalsRow[] = [];
  /** More of them have come than a sheet ends with, so they and those that follow at once are counted like any other. */
  #tooMany = false;
  /** Those at the ends of sheets. */
  #totals: TotalsRow[] = [];
  readonly #leftOut: TotalsRow[] = [];
  #records = 0;
  #cells = 0;

  /** Records looked at so far. */
  get records(): number {
    return this.#records;
  }

  /** Looks at the rows of a batch until it has seen `limit` records in all; true where there are more. */
  add(batch: RowBatch, limit: number = SAMPLE_ROWS): boolean {
    const { firstCell, columns, starts, ends, rowNumbers, bytes } = batch;
    for (let row = 0; row < batch.rowCount; row++) {
      const end = firstCell[row + 1]!;
      if (firstCell[row] === end) continue; // a blank row is no record
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
        if (starts[cell] === ends[cell]) continue;
        const value = (): string => exampleOf(bytes, starts[cell]!, ends[cell]!);
        this.#column(columns[cell]!).add(kindAt(batch, cell), rowNumbers[row]!, value);
      }
    }
    return false;
  }

  /** The sheet ends here, so the last rows may be totals. */
  endSheet(): void {
    this.#totals.push(...this.#last.splice(0));
    this.#tooMany = false;
  }

  /**
   * Leaves rows of totals out where their label does not fit its column, so that they are going to be rejected in any case. Before
   * the first `column`; without it they count like any other.
   *
   * @param known what a column is called, and its type where that is not to be inferred
   */
  leaveOutTotals(known: (sheetColumn: number) => { readonly header: string; readonly type: string | undefined }): void {
    const isText = (sheetColumn: number): boolean => {
      const { header, type } = known(sheetColumn);
      const column = this.#columns.get(sheetColumn);
      return isTextType(type ?? (column ? this.#typeOf(column, header, true).type : "text"));
    };
    const [ordinary, leftOut]: [TotalsRow[], TotalsRow[]] = [[], []];
    for (const row of this.#totals) (isText(row.cells[0]!.column) ? ordinary : leftOut).push(row);
    this.#totals = [];
    this.#leftOut.push(...leftOut);
    this.#count(ordinary);
  }

  /** The rows of totals that were left out, with what they are called. */
  get leftOut(): readonly Example[] {
    return this.#leftOut;
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
      for (const { column, kind, value } of cells) this.#column(column).add(kind, row, () => value);
  }

  /**
   * What a column is.
   *
   * @param header what it is called, since digits under "Phone" are no number
   * @param complete whether every row of the sheet has been looked at
   */
  column(sheetColumn: number, header: string, complete: boolean): InferredColumn {
    this.#count([...this.#last.splice(0), ...this.#totals.splice(0)]);
    const column = this.#columns.get(sheetColumn);
    if (!column)
      return { type: "text", dateFormat: undefined, confidence: 0, values: 0, because: "no value", nearest: undefined };
    return this.#typeOf(column, header, complete);
  }

  #typeOf(column: ColumnKinds, header: string, complete: boolean): InferredColumn {
    const { values } = column;
    const confidence = complete ? 1 : (values + 1) / (values + 2);
    const found = [...CANDIDATES, ...dateCandidates(column)].filter(
      ({ fits, both }) => column.count(fits) === values && (both?.every((word) => column.has(word)) ?? true),
    );
    const [first] = found;
    const because = first ? doubt(column, found, header) : codes(column);
    if (first && because === undefined) {
      const { type, dateFormat } = first;
      return { type, dateFormat, confidence, values, because: undefined, nearest: undefined };
    }
    return { type: "text", dateFormat: undefined, confidence: 1, values, because, nearest: nearestOf(column) };
  }
}

/** A row whose first value is a text that people call totals by, with all that it holds. */
function totalsRow(batch: RowBatch, row: number): TotalsRow | undefined {
  const { firstCell, columns, types, starts, ends, rowNumbers, bytes } = batch;
  const end = firstCell[row + 1]!;
  let first = firstCell[row]!;
  while (first < end && starts[first] === ends[first]) first++;
  if (first === end || types[first] !== CellType.string) return undefined;
  const label = bytes.toString("utf8", starts[first], ends[first]);
  if (!isTotalLabel(label)) return undefined;
  const cells: TotalsRow["cells"][number][] = [];
  for (let cell = first; cell < end; cell++) {
    if (starts[cell] === ends[cell]) continue;
    const value = exampleOf(bytes, starts[cell]!, ends[cell]!);
    cells.push({ column: columns[cell]!, kind: kindAt(batch, cell), value });
  }
  return { row: rowNumbers[row]!, value: label, cells };
}

/** A value as it is shown: its begin, where it is long. */
function exampleOf(bytes: Buffer, start: number, end: number): string {
  if (end - start <= EXAMPLE_BYTES) return bytes.toString("utf8", start, end);
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
    // A day alone may stand among days with a time: it is midnight then.
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

/** Why no candidate is taken although there are some that fit. */
function doubt(column: ColumnKinds, [first, second]: readonly Candidate[], header: string): string | undefined {
  if (first?.dateFormat !== undefined && second?.dateFormat !== undefined)
    return `day and month could change places: every value reads as ${first.dateFormat} and as ${second.dateFormat}`;
  if (first?.type === "integer" || first?.type === "bigint") {
    if (meansDigits(header)) return "the header means digits that are no quantity";
    if (column.size === 1 && column.kinds()[0]!.startsWith("digits "))
      return "ten digits or more, each value as long as the other: no quantity";
  }
  return undefined;
}

function codes(column: ColumnKinds): string | undefined {
  return column.has("code") ? "digits that a number would not keep: leading zeros, a plus, or more than 15" : undefined;
}

/** The type that at least half of a text column's values have. */
function nearestOf(column: ColumnKinds): InferredColumn["nearest"] {
  let best: InferredColumn["nearest"];
  for (const { type, fits } of [...CANDIDATES, ...dateCandidates(column)]) {
    const count = column.count(fits);
    if (count < column.values && count * 2 >= column.values && count > (best?.fits ?? 0))
      best = { type, fits: count, against: column.against(fits) };
  }
  return best;
}
