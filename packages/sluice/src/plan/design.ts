// The columns of a sheet if no schema states them: names from its headers, types from its values.
import { grouped } from "../grouped.ts";
import type { LoadColumn } from "../chunk/chunk.ts";
import { columnLetters } from "../xlsx/text.ts";
import { dateReader } from "../schema/date-format.ts";
import { usageError } from "../errors.ts";
import { quoteIdentifier, quoteTable, nameOfColumn } from "../schema/identifiers.ts";
import type { Layout } from "../sheet/header-row.ts";
import type { InferredColumn, Nearest } from "../sheet/infer.ts";
import { columnNames } from "./mapping.ts";
import { table, type Column, type ColumnSpec, type TableSchema } from "../schema/schema.ts";
import type { Sample } from "../sheet/source.ts";
import { isTotalLabel } from "../sheet/totals.ts";
import { NUMBER_FORMAT_HELP, numberReader, unitOf, withUnit } from "../schema/number-format.ts";
import { baseType, isNumberType } from "../schema/types.ts";
import { scalarOf } from "../values/values.ts";
import type { TypeMap, Header, HeaderMap } from "../options.ts";

/**
 * The table that a sheet alone describes. Columns that hold a value and have no header are called
 * by their number.
 */
export function designTable(
  name: string,
  headers: readonly Header[],
  sample: Sample,
  map: HeaderMap,
  types: TypeMap,
): TableSchema {
  const names = columnNames(headers, map);
  sample.inference.leaveOutTotals((sheetColumn) => {
    const [header, column] = [...names].find(([one]) => one.sheetColumn === sheetColumn) ?? [];
    if (!header || column === undefined) return { header: "", type: "text" };
    return { header: header.text, type: types.get(column) ?? types.get(header.text) };
  });
  return table({ name, columns: specs(names, sample, types) });
}

/**
 * The number of columns that are text because of a few values, and their share of all columns, from
 * which on a note says so.
 */
const SPOILED_COLUMNS = 3;

/** A column that is text although most of its values are of another type. */
interface SpoiledColumn extends Nearest {
  readonly name: string;
  readonly values: number;
  /** Another note says why it is text. */
  readonly said: boolean;
  /** It is the first one, which the records have their names in. */
  readonly isFirst: boolean;
}

/**
 * Says which columns are text although most of their values are of another type, and what speaks
 * against that: in one note if most columns are.
 *
 * @param stated the columns whose types were said
 * @param firstRow the first row that can be a record
 */
export function textNotes(load: readonly LoadColumn[], sample: Sample, stated: TypeMap, firstRow: number): string[] {
  const spoiled = load.flatMap(({ column: { name, type }, sheetColumn, header }, n) => {
    const { nearest, values, errors, because } = inferred(sample, sheetColumn, header);
    if (type !== "text" || !nearest || stated.has(name) || stated.has(header)) return [];
    return [{ ...nearest, name, values, said: errors.length > 0 || because !== undefined, isFirst: n === 0 }];
  });
  if (spoiled.length < SPOILED_COLUMNS || spoiled.length * 2 < load.length)
    return spoiledNotes(spoiled.filter(({ said }) => !said));
  const against = new Map(spoiled.flatMap((one) => one.against.map(({ row, value }) => [row, value] as const)));
  const shown = [...against]
    .sort(([a], [b]) => a - b)
    .slice(0, SPOILED_COLUMNS)
    .map(([row, value]) => `${JSON.stringify(value.slice(0, SHOWN))} (row ${row})`);
  const types = [...new Set(spoiled.map(({ type }) => type))].join(", ");
  // Of columns with errors, another note says what to do.
  const unsaid = spoiled.filter(({ said }) => !said);
  const marks = sharedMarks(unsaid.map(({ against }) => against.map(({ value }) => value)));
  const header = sharedRow(unsaid, firstRow);
  const advice =
    marks.length === 0
      ? header === undefined
        ? "if such rows are no records, --header, --range or --skip-last leave them out"
        : `if row ${header} is the header, --header ${header} says so`
      : `if these mean that a value is missing, ${marks.map((mark) => `--null ${JSON.stringify(mark)}`).join(" ")} reads them so`;
  return [
    `${spoiled.length} of ${load.length} columns are text although most of their values are ${types}, because of values such as ${shown.join(", ")}; ${advice}`,
  ];
}

/** Rows from the first one on, in which a header may have been taken for a record. */
const HEADER_ROWS = 10;

/** The row near the top that speaks against the type in two thirds of the columns. */
function sharedRow(spoiled: readonly SpoiledColumn[], firstRow: number): number | undefined {
  const counts = new Map<number, number>();
  for (const { against } of spoiled)
    for (const row of new Set(against.map((one) => one.row))) counts.set(row, (counts.get(row) ?? 0) + 1);
  return [...counts].find(([row, count]) => row < firstRow + HEADER_ROWS && count * 3 >= spoiled.length * 2)?.[0];
}

/** A note for each column, but one for all that one text speaks against. */
function spoiledNotes(spoiled: readonly SpoiledColumn[]): string[] {
  const shared = [...Map.groupBy(spoiled, likelyMark)].flatMap(([mark, columns]) =>
    mark !== undefined && columns.length >= SPOILED_COLUMNS ? [{ mark, columns }] : [],
  );
  const said = new Set(shared.flatMap(({ columns }) => columns));
  return [...spoiled.filter((one) => !said.has(one)).map(spoiledNote), ...shared.map(sharedNote)];
}

/**
 * The text that may stand for a missing value: the first values that speak against the type are
 * this one, without a digit, or it has no letter either. In the first column it may be the title of
 * a section. The name of a total is not such a text.
 */
function likelyMark({ against, isFirst }: SpoiledColumn): string | undefined {
  if (isFirst || against.some(({ value }) => isTotalLabel(value))) return undefined;
  const [{ value } = { value: "" }, ...others] = against;
  const isOne = others.length > 0 && others.every((one) => one.value === value);
  const isWord = isOne && !/\p{N}/u.test(value);
  return value !== "" && value.length <= SHOWN && (isWord || !/[\p{L}\p{N}]/u.test(value)) ? value : undefined;
}

function sharedNote({ mark, columns }: { mark: string; columns: readonly SpoiledColumn[] }): string {
  const names = columns.slice(0, SPOILED_COLUMNS).map(({ name }) => JSON.stringify(name));
  const more = columns.length > names.length ? ` and ${columns.length - names.length} more` : "";
  const types = [...new Set(columns.map(({ type }) => type))].join(", ");
  return (
    `the columns ${names.join(", ")}${more} are text although most of their values are ${types}, because of ${JSON.stringify(mark)}; ` +
    `if that means that a value is missing, --null ${JSON.stringify(mark)} reads it so`
  );
}

function spoiledNote(column: SpoiledColumn): string {
  const { name, type, notation, fits, values, against: [first] } = column; // prettier-ignore
  const meant = notation === undefined ? type : `${type}(${notation})`;
  const mark = likelyMark(column);
  const missing =
    mark === undefined
      ? ""
      : `; if that means that a value is missing, --null ${JSON.stringify(`${name}=${mark}`)} reads it so`;
  return (
    `the column "${name}" is text although ${grouped(fits)} of ${grouped(values)} values are ${type}${notation === undefined ? "" : ` as ${notation}`}, ` +
    `because of values such as ${JSON.stringify(first!.value.slice(0, SHOWN))} (row ${first!.row}); --type "${name}=${meant}" rejects those, and --type "${name}=text" says that it is text${missing}`
  );
}

/**
 * Characters that a mark for a missing value has at most, different marks of a sheet, and columns
 * that have one.
 */
const MARK_CHARACTERS = 4;
const MARKS = 3;
const MARKED_COLUMNS = 2;

/**
 * A few short texts that are all that speaks against numbers, in column after column; empty if
 * there are others.
 */
function sharedMarks(columns: readonly (readonly string[])[]): string[] {
  const counts = new Map<string, number>();
  for (const value of columns.flatMap((values) => [...new Set(values)]))
    counts.set(value, (counts.get(value) ?? 0) + 1);
  const marks = [...counts].filter(([text, count]) => count >= MARKED_COLUMNS && text.length <= MARK_CHARACTERS);
  const texts = marks.map(([text]) => text).sort();
  const explained = columns.filter((values) => values.every((value) => texts.includes(value))).length;
  return texts.length <= MARKS && explained * 10 >= columns.length * 9 ? texts : [];
}

/** Characters of a value that a note shows. */
const SHOWN = 30;

/** Columns for headers that an existing table has none for, such as `--migrate` adds. */
export function designColumns(
  headers: readonly Header[],
  existing: readonly Column[],
  sample: Sample,
  types: TypeMap,
): Column[] {
  const names = columnNames(headers, new Map(), new Set(existing.map((column) => column.name)));
  return [...table({ name: "added", columns: specs(names, sample, types) }).columns];
}

/** The headers, and one for each column that holds a value in the sample and has none. */
export function withUnnamed(headers: readonly Header[], columns: Iterable<number>): Header[] {
  const named = new Set(headers.map((header) => header.sheetColumn));
  const unnamed = [...columns].filter((column) => !named.has(column));
  return [...headers, ...unnamed.map((sheetColumn) => ({ sheetColumn, text: nameOfColumn(sheetColumn) }))].sort(
    (a, b) => a.sheetColumn - b.sheetColumn,
  );
}

/** Columns without a name that a note names. */
const UNNAMED = 5;

/** Notes on columns of a new table that are called by their number, since they have no name. */
export function unnamedNotes(load: readonly LoadColumn[], { headerRows, headers }: Layout): string[] {
  const named = new Set(headers.map(({ sheetColumn }) => sheetColumn));
  const unnamed = load.filter(({ sheetColumn, column }) => column.name === nameOfColumn(sheetColumn) && !named.has(sheetColumn)); // prettier-ignore
  const [first] = unnamed;
  if (!first || headerRows.length === 0) return [];
  const letters = unnamed.map(({ sheetColumn }) => columnLetters(sheetColumn));
  const way = `--map "${first.column.name}=name" names it`;
  if (unnamed.length === 1)
    return [`column ${letters[0]} has no name in the header and is called "${first.column.name}"; ${way}`];
  const shown = letters.slice(0, UNNAMED).join(", ") + (letters.length > UNNAMED ? ", …" : "");
  return [
    `${letters.length} columns (${shown}) have no name in the header and are called "${first.column.name}" and so on; ${way}`,
  ];
}

/**
 * Columns of dates and numbers get the notation that the sheet's texts are in: by `types`, or the
 * only one that all of them can be read in.
 *
 * @param sample undefined if a schema says what the columns are
 * @throws SluiceError (`bad_type`) if `types` states another type than the column has
 */
export async function withNotations(
  load: readonly LoadColumn[],
  sample: (() => Promise<Sample>) | undefined,
  types: TypeMap,
): Promise<LoadColumn[]> {
  const result: LoadColumn[] = [];
  const typeOf = (sheetColumn: number): string =>
    load.find((entry) => entry.sheetColumn === sheetColumn)?.column.type ?? "text";
  const records =
    sample &&
    (async () => {
      const read = await sample();
      read.inference.leaveOutTotals((sheetColumn) => ({ header: "", type: typeOf(sheetColumn) }));
      return read;
    });
  for (const entry of load) {
    const { column } = entry;
    const stated = statedNotation(entry, types);
    const found = stated?.dateFormat ?? column.dateFormat ?? stated?.numberFormat ?? column.numberFormat;
    const { dateFormat, numberFormat } =
      found === undefined ? await foundNotation(entry, records) : { ...column, ...stated };
    const unit =
      records && numberFormat !== undefined
        ? inferred(await records(), entry.sheetColumn, entry.header).unit
        : undefined;
    const notation = { dateFormat, numberFormat: withFoundUnit(numberFormat, unit) };
    result.push({ ...entry, column: { ...column, ...notation } });
  }
  return result;
}

/** A notation that was stated without a unit, with the one that all texts of the sheet have. */
function withFoundUnit(format: string | undefined, unit: string | undefined): string | undefined {
  if (format === undefined || unit === undefined || unitOf(format) !== undefined) return format;
  return withUnit(format, unit);
}

/** The notation of a column's texts. */
type Notation = Pick<ColumnSpec, "dateFormat" | "numberFormat">;

function statedNotation({ column, header }: LoadColumn, types: TypeMap): Notation | undefined {
  const wanted = types.get(column.name) ?? types.get(header);
  if (wanted === undefined) return undefined;
  const { type, ...notation } = parseType(column.name, wanted);
  const has = scalarOf(column);
  if (baseType(type) === baseType(has) || type === column.type || holdsAsWell(has, type, notation)) return notation;
  throw usageError(
    "bad_type",
    `--type "${column.name}=${wanted}": the column "${column.name}" is ${column.type}, and an import changes no column. ` +
      `Leave it out, or import into a new table with --table; if the table holds nothing else than this file, drop it and import again.`,
  );
}

/** Reports whether a column of one type keeps all of what a notation of another type says. */
function holdsAsWell(has: string, type: string, { dateFormat, numberFormat }: Notation): boolean {
  if (numberFormat !== undefined) return isNumberType(has);
  return dateFormat !== undefined && baseType(type) === "date" && baseType(has).startsWith("timestamp");
}

async function foundNotation(
  { column, sheetColumn, header }: LoadColumn,
  sample: (() => Promise<Sample>) | undefined,
): Promise<{ dateFormat: string | undefined; numberFormat: string | undefined }> {
  const kind = /^(date|timestamp)\b/.exec(baseType(scalarOf(column)))?.[1];
  const isNumber = isNumberType(scalarOf(column));
  if ((kind === undefined && !isNumber) || !sample) return { dateFormat: undefined, numberFormat: undefined };
  const { dateFormat, numberFormat, type } = inferred(await sample(), sheetColumn, header);
  const wrong = kind === undefined || (type === "timestamp" && kind === "date");
  return { dateFormat: wrong ? undefined : dateFormat, numberFormat: isNumber ? numberFormat : undefined };
}

/**
 * Columns with the values that their types were inferred from, if the sheet has more rows than were
 * looked at: a value below them that they would not have passed with is rejected.
 *
 * @param isNew whether a column is made by this import; the type of any other is meant
 */
export function withInferred(
  load: readonly LoadColumn[],
  sample: Sample,
  types: TypeMap,
  isNew: (name: string) => boolean,
): readonly LoadColumn[] {
  if (sample.complete) return load;
  return load.map((entry) => {
    const { column, sheetColumn, header, made } = entry;
    const isStated = made !== undefined || types.has(column.name) || types.has(header);
    if (isStated || column.type === "text" || !isNew(column.name)) return entry;
    return { ...entry, column: { ...column, inferred: inferred(sample, sheetColumn, header).from ?? "values" } };
  });
}

/** The type that a column of the sample was taken for. */
export function inferred({ inference, complete }: Sample, sheetColumn: number, header: string): InferredColumn {
  return inference.column(sheetColumn, header, complete);
}

/**
 * A type as `--type` states it: one of PostgreSQL's, or `date(DD/MM/YYYY)`,
 * `timestamp(DD.MM.YYYY HH:mm)`, `numeric(1.234,56)`, `numeric(10,2)(1.234,56)` for texts in that
 * notation.
 *
 * @throws SluiceError (`bad_type`) if it can be neither
 */
export function parseType(column: string, text: string): Notation & { readonly type: string } {
  const [, counted, numberFormat] = /^([a-z0-9 ]+(?:\([\d, ]+\))?)\s*\(([^()]+)\)$/i.exec(text) ?? [];
  if (counted !== undefined && numberFormat !== undefined && isNumberType(counted) && numberReader(numberFormat))
    return { type: counted.trim(), numberFormat };
  const [, type, dateFormat] = /^(date|timestamp|timestamptz)\s*\((.*[DMY].*)\)$/.exec(text) ?? [];
  if (type !== undefined && dateFormat !== undefined && dateReader(dateFormat)) return { type, dateFormat };
  // Days and months in brackets were meant as a notation; a precision is a number.
  const meant = /^date\s*\(|^timestamp(?:tz)?\s*\((?!\s*\d)|\([^()]*\d[^()]*[^\d,() -][^()]*\)$/i.test(text);
  if (!meant && /^[\p{L}_"](?:[\p{L}\p{N}_ ".,()[\]]|-\d)*$/u.test(text)) return { type: text };
  throw usageError(
    "bad_type",
    `--type "${column}=${text}": expected a type of PostgreSQL such as integer, numeric(10,2) or text, or a date in a notation such as date(DD/MM/YYYY) or timestamp(DD.MM.YYYY HH:mm), or a number in one such as numeric(1.234,56): ${NUMBER_FORMAT_HELP}.`,
  );
}

/**
 * @throws SluiceError (`unknown_column`) if `--type` names what is neither a header nor a column
 */
export function checkTypes(types: TypeMap, load: readonly LoadColumn[]): void {
  const known = load.flatMap(({ column, header }) => [column.name, header]);
  for (const [name, type] of types) {
    if (known.includes(name)) continue;
    throw usageError(
      "unknown_column",
      `--type "${name}=${type}": there is no column or header "${name}". Columns: ${load.map(({ column }) => column.name).join(", ")}.`,
    );
  }
}

/** `comment on column …` for each column whose header, or its unit, says more than its name. */
export function commentDdl(name: string, load: readonly LoadColumn[], headers: readonly Header[]): string[] {
  return load.flatMap(({ column, sheetColumn, header }) => {
    const unit = headers.find((one) => one.sheetColumn === sheetColumn)?.unit;
    const text = unit === undefined ? header : `${header} (${unit})`;
    if (text === column.name) return [];
    return [`comment on column ${quoteTable(name)}.${quoteIdentifier(column.name)} is ${quoteText(text)}`];
  });
}

function specs(names: ReadonlyMap<Header, string>, sample: Sample, types: TypeMap): Record<string, ColumnSpec> {
  const columns = [...names].map(([header, name]): [string, ColumnSpec] => {
    const wanted = types.get(name) ?? types.get(header.text);
    const found = inferred(sample, header.sheetColumn, header.text);
    const { type, dateFormat, numberFormat } =
      wanted === undefined ? found : { dateFormat: undefined, numberFormat: undefined, ...parseType(name, wanted) };
    const format = withFoundUnit(numberFormat, found.unit);
    const notation = {
      ...(dateFormat === undefined ? {} : { dateFormat }),
      ...(format === undefined ? {} : { numberFormat: format }),
    };
    return [name, { header: header.text, type, ...notation }];
  });
  return Object.fromEntries(columns);
}

/**
 * A string of SQL, whatever the server makes of backslashes. It has no NUL, which PostgreSQL cannot
 * store.
 */
function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("\0", "").replaceAll("'", "''")}'`;
  return quoted.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}
