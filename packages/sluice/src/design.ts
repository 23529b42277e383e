// The columns that a sheet gives where no schema says what they are: names from its headers, types from its values.
import type { LoadColumn } from "./chunk.ts";
import { dateReader } from "./date-format.ts";
import { usageError } from "./errors.ts";
import { quoteIdentifier, quoteTable } from "./identifiers.ts";
import type { InferredColumn } from "./infer.ts";
import { columnNames, nameOfColumn, type Header, type HeaderMap } from "./mapping.ts";
import { table, type Column, type ColumnSpec, type TableSchema } from "./schema.ts";
import type { Sample } from "./source.ts";
import { baseType, scalarOf } from "./values.ts";

/** `--type`: a column's name or header → a type, as {@link parseType} reads it. */
export type TypeMap = ReadonlyMap<string, string>;

/** The table that a sheet alone describes. Columns that hold a value and have no header are called by their number. */
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

/**
 * Columns of dates get the notation that the sheet's texts are in: by `types`, or the only one that all of them can be read in.
 *
 * @param sample undefined where a schema says what the columns are
 * @throws SluiceError (`bad_type`) where `types` states another type than the column has
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
    const dateFormat = statedNotation(entry, types) ?? column.dateFormat ?? (await foundNotation(entry, records));
    result.push(dateFormat === column.dateFormat ? entry : { ...entry, column: { ...column, dateFormat } });
  }
  return result;
}

function statedNotation({ column, header }: LoadColumn, types: TypeMap): string | undefined {
  const wanted = types.get(column.name) ?? types.get(header);
  if (wanted === undefined) return undefined;
  const { type, dateFormat } = parseType(column.name, wanted);
  if (baseType(type) === baseType(scalarOf(column)) || type === column.type) return dateFormat;
  throw usageError(
    "bad_type",
    `--type "${column.name}=${wanted}": the column "${column.name}" is ${column.type}, and an import changes no column. ` +
      `Leave it out, or import into a new table with --table.`,
  );
}

async function foundNotation(
  { column, sheetColumn, header }: LoadColumn,
  sample: (() => Promise<Sample>) | undefined,
): Promise<string | undefined> {
  const kind = /^(date|timestamp)\b/.exec(baseType(scalarOf(column)))?.[1];
  if (kind === undefined || !sample) return undefined;
  const { dateFormat, type } = inferred(await sample(), sheetColumn, header);
  return type === "timestamp" && kind === "date" ? undefined : dateFormat;
}

/** What a column of the sample was taken for. */
export function inferred({ inference, complete }: Sample, sheetColumn: number, header: string): InferredColumn {
  return inference.column(sheetColumn, header, complete);
}

/**
 * A type as `--type` states it: one of PostgreSQL's, or `date(DD/MM/YYYY)`, `timestamp(DD.MM.YYYY HH:mm)` for texts in that notation.
 *
 * @throws SluiceError (`bad_type`) where it can be neither
 */
export function parseType(
  column: string,
  text: string,
): Pick<ColumnSpec, "type" | "dateFormat"> & { readonly type: string } {
  const [, type, dateFormat] = /^(date|timestamp|timestamptz)\s*\((.*[DMY].*)\)$/.exec(text) ?? [];
  if (type !== undefined && dateFormat !== undefined && dateReader(dateFormat)) return { type, dateFormat };
  // Days and months in brackets were meant as a notation; a precision is a number.
  const meant = /^date\s*\(|^timestamp(?:tz)?\s*\((?!\s*\d)/i.test(text);
  if (!meant && /^[\p{L}_"](?:[\p{L}\p{N}_ ".,()[\]]|-\d)*$/u.test(text)) return { type: text };
  throw usageError(
    "bad_type",
    `--type "${column}=${text}": expected a type of PostgreSQL such as integer, numeric(10,2) or text, or a date in a notation such as date(DD/MM/YYYY) or timestamp(DD.MM.YYYY HH:mm).`,
  );
}

/** @throws SluiceError (`unknown_column`) where `--type` names what is neither a header nor a column */
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
    if (wanted !== undefined) return [name, { header: header.text, ...parseType(name, wanted) }];
    const { type, dateFormat } = inferred(sample, header.sheetColumn, header.text);
    return [name, { header: header.text, type, ...(dateFormat === undefined ? {} : { dateFormat }) }];
  });
  return Object.fromEntries(columns);
}

/** A string of SQL, whatever the server makes of backslashes. It has no NUL, which PostgreSQL cannot store. */
function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("\0", "").replaceAll("'", "''")}'`;
  return quoted.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}
