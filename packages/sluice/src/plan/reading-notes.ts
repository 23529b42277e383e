// The notes of an import about the way in which it reads a column's texts, and about columns that
// are text because of a few of them.
//
// Each note names the option that states the same, or the opposite:
//
//   the column "pay" is read as numbers like 1.234,56 (120 values); --type "pay=…" states it, …
//   "n/a" is read as a missing value in 3 cells (units 1, pay 2): …; --null "" keeps such marks …
//   the column "born" is text: …; --type "born=date(DD/MM/YYYY)" or … says which
import { grouped } from "../grouped.ts";
import type { LoadColumn } from "../chunk/chunk.ts";
import { inferred } from "./design.ts";
import type { Column } from "../schema/schema.ts";
import { AMBIGUOUS, CUT, PARTS, PAST, PLUS, SWAPPED, type InferredColumn } from "../sheet/infer.ts";
import type { Sample } from "../sheet/source.ts";
import { isNumberType } from "../schema/types.ts";
import { notedType } from "./assumptions.ts";

/** Columns that a note names. */
const NAMED = 5;

/**
 * The notes of an import about its columns. It has more than 15 branches because each kind of note
 * has its own condition.
 *
 * @param stated what `--type` and `--null` have said, which needs no note
 * @param existing the columns of a table that was there: what is text there stays text
 */
export function readingNotes(
  load: readonly LoadColumn[],
  sample: Sample,
  stated: { readonly types: ReadonlyMap<string, string>; readonly nulls: readonly string[] },
  existing: readonly Column[] = [],
): string[] {
  const notes: string[] = [];
  const numbers = new Map<string, NumberColumn[]>();
  const missing = new Map<string, ColumnCount[]>();
  const emptied = new Map<string, ColumnCount[]>();
  for (const { column, sheetColumn, header } of load) {
    const { name, numberFormat, dateFormat } = column;
    const found = inferred(sample, sheetColumn, header);
    const isStated = stated.types.has(name) || stated.types.has(header);
    const type = notedType(column);
    if (numberFormat !== undefined && numberFormat === found.numberFormat && !isStated) {
      const alike = numbers.get(numberFormat) ?? [];
      numbers.set(numberFormat, [...alike, { name, type, values: found.values, unit: found.unit ?? "" }]);
    }
    if (dateFormat !== undefined && !dateFormat.includes("YYYY") && !isStated)
      notes.push(
        `the column "${name}" has years of two digits, read as ${dateFormat}: 00 to 68 are 2000 to 2068, 69 to 99 are 1969 to 1999; --type "${name}=${type}(${dateFormat})" states it`,
      );
    if (isNumberType(type)) notes.push(...numberTypeNotes(name, type, found, numberFormat));
    const isThere = existing.some((one) => one.name === name);
    if (type === "text" && !isStated) notes.push(...(isThere ? errorNotes(name, found) : textNotes(name, found)));
    for (const { text, count } of found.missing) {
      if (!column.nulls?.includes(text) || stated.nulls.includes(text)) continue;
      missing.set(text, [...(missing.get(text) ?? []), { name, count }]);
    }
    for (const { text, count } of sample.inference.statedIn(sheetColumn))
      emptied.set(text, [...(emptied.get(text) ?? []), { name, count }]);
  }
  notes.unshift(...[...numbers].flatMap(([format, columns]) => numberNotes(format, columns)));
  const looked = sample.complete ? "" : ` of the first ${grouped(sample.inference.records)} rows`;
  for (const [text, columns] of missing)
    notes.push(
      `"${text}" is read as a missing value in ${counted(columns, looked)}: all other values there are of one type; --null "" keeps such marks as text`,
    );
  for (const [text, columns] of emptied)
    notes.push(`"${text}" is a missing value, as --null says, in ${counted(columns, looked)}`);
  return notes;
}

/** A column of numbers as texts, in a notation of their own. */
interface NumberColumn {
  readonly name: string;
  readonly type: string;
  readonly values: number;
  /** Empty if the numbers have none. */
  readonly unit: string;
}

/** Says in which notation columns are read: each by itself, or in one note if they are many. */
function numberNotes(format: string, columns: readonly NumberColumn[]): string[] {
  const lost = (unit: string): string => (unit === "" ? "" : `; the unit ${unit} is not stored`);
  if (columns.length < NAMED)
    return columns.map(
      ({ name, type, values, unit }) =>
        `the column "${name}" is read as numbers like ${format} (${values} values${lost(unit)}); --type "${name}=${type}(${format})" states it, and --type "${name}=text" keeps the texts in a new table`,
    );
  const [{ name, type, unit }] = columns as [NumberColumn];
  const shown = columns.slice(0, NAMED).map((column) => column.name);
  const more = columns.length > NAMED ? ` and ${columns.length - NAMED} more` : "";
  return [
    `${columns.length} columns are read as numbers like ${format} (${shown.join(", ")}${more})${lost(unit)}; for each of them, --type "${name}=${type}(${format})" states it, and --type "${name}=text" keeps the texts in a new table`,
  ];
}

/** Notes about a column of numbers that gets durations, or texts that can be read in two ways. */
function numberTypeNotes(
  name: string,
  type: string,
  found: ReturnType<typeof inferred>,
  numberFormat: string | undefined,
): string[] {
  const notes: string[] = [];
  if (found.type === "interval")
    notes.push(
      `the column "${name}" gets durations as numbers of days: 36:00:00 is 1.5; a column of the type interval keeps them as they are`,
    );
  if (numberFormat === undefined && (found.because ?? "").startsWith(AMBIGUOUS))
    notes.push(
      `the column "${name}" reads a point as the begin of decimals, but its values could have it between thousands; --type "${name}=${type}(1.234,56)" says so`,
    );
  return notes;
}

/**
 * Says which errors a column of texts gets.
 *
 * @param made what follows for the column, if it is new
 */
function errorNotes(name: string, { errors }: Pick<InferredColumn, "errors">, made = ""): string[] {
  if (errors.length === 0) return [];
  const options = errors.map(({ text }) => `--null "${text}"`).join(" ");
  const counts = errors.map(({ text, count }) => `${count} × ${text}`).join(", ");
  return [`the column "${name}" holds errors (${counts})${made}; ${options} reads them as missing`];
}

function textNotes(name: string, { because = "", errors }: InferredColumn): string[] {
  if (errors.length > 0) return errorNotes(name, { errors }, ", so it is text");
  if (because.includes(SWAPPED)) return [swappedNote(name, because)];
  if (because.startsWith(CUT)) return [`the column "${name}" is text: ${because}`];
  if ([AMBIGUOUS, PARTS, PAST, PLUS].some((reason) => because.startsWith(reason)))
    return [`the column "${name}" is text: ${because.replace('"column=', `"${name}=`)}`];
  return [];
}

/** Says which two types a column of dates could have. */
function swappedNote(name: string, because: string): string {
  const [, ...formats] = /reads as (.+) and as (.+)$/.exec(because)!;
  const ways = formats.map((format) => `--type "${name}=${/H/i.test(format) ? "timestamp" : "date"}(${format})"`);
  return `the column "${name}" is text: ${because}; ${ways.join(" or ")} says which`;
}

/** A column, and in how many of its cells something was. */
interface ColumnCount {
  readonly name: string;
  readonly count: number;
}

/** `3 cells (units 1, pay 2)` */
function counted(columns: readonly ColumnCount[], looked: string): string {
  const all = columns.reduce((sum, { count }) => sum + count, 0);
  const shown = columns.slice(0, NAMED).map(({ name, count }) => `${name} ${grouped(count)}`);
  const more = columns.length > NAMED ? ` and ${columns.length - NAMED} more columns` : "";
  return `${all === 1 ? "1 cell" : `${grouped(all)} cells`}${looked} (${shown.join(", ")}${more})`;
}
