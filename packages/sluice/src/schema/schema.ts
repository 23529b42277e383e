// The schema of a table: its columns, the values that they may hold, its key and its indexes. A
// schema file exports one `table({…})`; without one the same shape is read from an existing table
// or made from the header.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DATE_FORMAT_HELP, dateReader } from "./date-format.ts";
import { usageError } from "../errors.ts";
import { quoteIdentifier, quoteTable } from "./identifiers.ts";
import { NUMBER_FORMAT_HELP, numberReader } from "./number-format.ts";
import { isNumberType } from "./types.ts";
import { isTimeZone, TIME_ZONE_HELP } from "./time-zone.ts";

/** One column, as a schema file states it. */
export interface ColumnSpec {
  /**
   * A PostgreSQL type, `text` by default: `integer`, `numeric(10,2)`, `date`, `varchar(20)`,
   * `my_enum`, …
   */
  readonly type?: string;
  /** Headers that mean this column, besides its own name. */
  readonly header?: string | readonly string[];
  /** An empty cell is rejected (`missing_value`). */
  readonly notNull?: boolean;
  /** The most characters of a value (`too_long`). `varchar(n)` says the same. */
  readonly maxLength?: number;
  /**
   * A check on the text that needs no string to be made: `email` is one `@`, a local part and a
   * dotted domain, no white space.
   */
  readonly format?: "email";
  /**
   * The notation of a date or timestamp in texts that are not ISO, e.g. `DD/MM/YYYY`,
   * `MMM DD, YYYY` or `DD.MM.YYYY HH:mm`.
   */
  readonly dateFormat?: string;
  /**
   * The notation of a number in texts that PostgreSQL would not read, e.g. `1.234,56`, `$1,234.56`
   * or `1 234,56 €`.
   */
  readonly numberFormat?: string;
  /** Texts, and errors such as `#N/A`, that stand for a missing value. */
  readonly nulls?: readonly string[];
  /**
   * The zone of times without a zone in a `timestamptz`, such as `Europe/Berlin` or `+02:00`; UTC
   * if it is not given.
   */
  readonly timeZone?: string;
  /**
   * Any Standard Schema (zod, valibot, arktype, …), synchronous. It gets the cell's value, and what
   * it returns is what is loaded.
   */
  readonly check?: StandardSchemaV1;
  /**
   * The header or headers whose cells make this column. By default that is the header with the
   * column's name. Other columns may be made of the same headers.
   */
  readonly from?: string | readonly string[];
  /**
   * Makes the column's value of the texts of its cells, null if a cell is empty: those of `from`,
   * or that of the column's header. What it returns is checked as a cell's text would be. It must
   * give the same for the same texts each time.
   */
  readonly transform?: (...texts: (string | null)[]) => string | number | boolean | Date | object | null | undefined;
  /** The same value in every row; the sheet has no say in it. */
  readonly value?: string | number | boolean | null;
  readonly primaryKey?: boolean;
  readonly unique?: boolean;
  /** An SQL expression for rows that do not bring this column, e.g. `now()`. */
  readonly default?: string;
  /**
   * True if the column is never taken from the sheet, even if a header has its name. Serial and
   * identity columns are so by default.
   */
  readonly generated?: boolean;
}

/** An index over some columns; never unique (that is a constraint: `unique` or `key`). */
export interface IndexSpec {
  readonly columns: readonly string[];
  readonly name?: string;
}

/** The argument of `table()`. */
export interface TableSpec {
  /** `name` or `schema.name`. */
  readonly name: string;
  /**
   * The columns in the table's order. A bare Standard Schema stands for a text column with that
   * check.
   */
  readonly columns: Readonly<Record<string, ColumnSpec | StandardSchemaV1>>;
  /**
   * Columns that tell rows apart: unique in the table that is created, among rows whose
   * `deleted_at` is not set if it has that column.
   */
  readonly key?: readonly string[];
  /**
   * Built after the load if the import creates the table. A string is an index over that column.
   */
  readonly indexes?: readonly (string | readonly string[] | IndexSpec)[];
  /**
   * `exact`: a row whose last cell is before the last column is rejected (`too_few_columns`). `pad`
   * (default): missing cells are NULL.
   */
  readonly width?: "exact" | "pad";
}

/** A column with everything said. */
export interface Column {
  readonly name: string;
  readonly type: string;
  /**
   * The type that the database stores, if that is not `type`: below a domain, in an array, or in a
   * table that has another type.
   */
  readonly storage: Storage | undefined;
  readonly headers: readonly string[];
  readonly notNull: boolean;
  readonly maxLength: number | undefined;
  readonly format: "email" | undefined;
  readonly dateFormat: string | undefined;
  readonly numberFormat: string | undefined;
  readonly nulls: readonly string[] | undefined;
  readonly timeZone: string | undefined;
  readonly check: StandardSchemaV1 | undefined;
  /** Headers whose cells make this column; see {@link ColumnSpec}. */
  readonly from?: readonly string[];
  readonly transform?: ColumnSpec["transform"];
  /** The same in every row. */
  readonly value?: string | null;
  readonly primaryKey: boolean;
  readonly unique: boolean;
  readonly default: string | undefined;
  /** The database fills it. */
  readonly generated: boolean;
  /**
   * The values that the type was inferred from, if a sheet has more rows than were looked at.
   * Undefined if the type was stated, and in plans that earlier versions stored.
   */
  readonly inferred?: InferredFrom;
}

/**
 * The values that a type was inferred from, if there are several ways: booleans from `yes`, `y` or
 * `t` and their opposites, durations from `texts` alone, numbers from `cells` or from texts without
 * a point alone; `values` are all others.
 */
export const INFERRED_FROM = ["values", "yes", "y", "t", "texts", "cells"] as const;
export type InferredFrom = (typeof INFERRED_FROM)[number];

/** A table with everything said: what `table()` returns. */
export interface TableSchema {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  readonly indexes: readonly IndexSpec[];
  readonly width: "exact" | "pad";
}

/** PostgreSQL cuts longer names without an error. */
const MAX_NAME_BYTES = 63;
const tables = new WeakSet<TableSchema>();
const COLUMN_KEYS = new Set([
  "type",
  "header",
  "notNull",
  "maxLength",
  "format",
  "dateFormat",
  "numberFormat",
  "nulls",
  "timeZone",
  "check",
  "from",
  "transform",
  "value",
  "primaryKey",
  "unique",
  "default",
  "generated",
]);
const TABLE_KEYS = new Set(["name", "columns", "key", "indexes", "width"]);

/**
 * Describes a table, for a schema file to export.
 *
 * @throws SluiceError (`bad_schema`) if the description contradicts itself or uses a word that does
 *   not exist.
 */
export function table(spec: TableSpec): TableSchema {
  const where = `schema of table ${JSON.stringify(spec.name)}`;
  for (const key of Object.keys(spec))
    if (!TABLE_KEYS.has(key)) throw badSchema(where, `unknown setting "${key}"`, [...TABLE_KEYS]);
  if (typeof spec.name !== "string" || spec.name === "")
    throw badSchema("schema", "the table has no name", ['name: "…"']);
  for (const part of spec.name.split(".")) checkName("table", part);
  const columns = Object.entries(spec.columns ?? {}).map(([name, column]) => completeColumn(where, name, column));
  if (columns.length === 0) throw badSchema(where, "it has no columns", ['columns: { name: { type: "text" } }']);
  const known = new Set(columns.map((column) => column.name));
  const mustExist = (name: string, what: string): void => {
    if (!known.has(name))
      throw badSchema(where, `${what} names the column "${name}", which does not exist`, [...known]);
  };
  const key = spec.key ?? [];
  if (!Array.isArray(key)) throw badSchema(where, "the key is not a list of columns", ['key: ["name"]']);
  if (spec.width !== undefined && spec.width !== "pad" && spec.width !== "exact")
    throw badSchema(where, `the width is ${JSON.stringify(spec.width)}`, ['"pad"', '"exact"']);
  for (const name of key) mustExist(name, "the key");
  const indexes = (spec.indexes ?? []).map((index): IndexSpec => {
    const full = typeof index === "string" ? { columns: [index] } : "columns" in index ? index : { columns: index };
    for (const name of full.columns) mustExist(name, "an index");
    if (full.name !== undefined) checkName(`${where}, an index`, full.name);
    return full;
  });
  const result: TableSchema = { name: spec.name, columns, key, indexes, width: spec.width ?? "pad" };
  tables.add(result);
  return result;
}

/** Reports whether a value came from {@link table}. */
export function isTable(value: unknown): value is TableSchema {
  return typeof value === "object" && value !== null && tables.has(value as TableSchema);
}

/**
 * The condition of a unique key that does not count rows which were deleted softly: those whose
 * `deleted_at` is set.
 */
export const NOT_DELETED = "deleted_at is null";

/**
 * Reports whether the key of a table that is made leaves out rows that were deleted softly, as in
 * the guide.
 */
export function deletesSoftly({ columns, key }: TableSchema): boolean {
  return columns.some((column) => column.name === "deleted_at") && !key.includes("deleted_at");
}

/**
 * The DDL of a table: what makes it with its constraints, and the indexes that can wait until the
 * rows are in.
 */
export function tableDdl(schema: TableSchema, name: string = schema.name): { create: string[]; indexes: string[] } {
  const lines = schema.columns.map((column) => {
    const parts = [quoteIdentifier(column.name), column.type];
    if (column.primaryKey) parts.push("primary key");
    else if (column.notNull) parts.push("not null");
    if (column.unique) parts.push("unique");
    if (column.default !== undefined) parts.push(`default ${column.default}`);
    return parts.join(" ");
  });
  const key = schema.key.map(quoteIdentifier).join(", ");
  const partial = key !== "" && deletesSoftly(schema);
  if (key !== "" && !partial) lines.push(`unique (${key})`);
  const create = [`create table ${quoteTable(name)} (\n  ${lines.join(",\n  ")}\n)`];
  if (partial) create.push(`create unique index on ${quoteTable(name)} (${key}) where ${NOT_DELETED}`);
  return {
    create,
    indexes: schema.indexes.map((index) => indexDdl(index, name)),
  };
}

/** The DDL of an index. All that it is made of is quoted. */
export function indexDdl({ name, columns }: IndexSpec, table: string): string {
  const own = name === undefined ? "" : ` ${quoteIdentifier(name)}`;
  return `create index${own} on ${quoteTable(table)} (${columns.map(quoteIdentifier).join(", ")})`;
}

function checkName(where: string, name: string): void {
  if (name === "") throw badSchema(where, "a name is empty", ["at least one character"]);
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw badSchema(where, `the name "${name}" has more than 63 bytes`, ["a shorter name"]);
}

/**
 * A column with all of its settings. It has more than 15 branches because each setting has its
 * default.
 *
 * @throws SluiceError (`bad_schema`) if a setting makes no sense
 */
function completeColumn(where: string, name: string, given: ColumnSpec | StandardSchemaV1): Column {
  checkName(`${where}, a column`, name);
  const here = `${where}, column ${JSON.stringify(name)}`;
  const spec: ColumnSpec = "~standard" in given ? { check: given } : given;
  for (const key of Object.keys(spec)) {
    if (!COLUMN_KEYS.has(key)) throw badSchema(here, `unknown setting "${key}"`, [...COLUMN_KEYS]);
  }
  if (spec.check !== undefined && typeof spec.check["~standard"]?.validate !== "function")
    throw badSchema(here, "the check is not a Standard Schema", ["a schema of zod, valibot, arktype, …"]);
  checkLimits(here, spec);
  checkMaking(here, spec);
  const type = spec.type ?? "text";
  // A transform without `from` is of the cells that the column would be loaded from.
  const from =
    typeof spec.from === "string"
      ? [spec.from]
      : (spec.from ?? (spec.transform ? namesOf(name, spec.header) : undefined));
  checkReading(here, type, spec);
  return {
    name,
    type,
    headers: typeof spec.header === "string" ? [spec.header] : (spec.header ?? []),
    notNull: spec.notNull ?? false,
    maxLength: spec.maxLength,
    format: spec.format,
    dateFormat: spec.dateFormat,
    numberFormat: spec.numberFormat,
    nulls: spec.nulls,
    timeZone: spec.timeZone,
    check: spec.check,
    ...(from === undefined ? {} : { from }),
    ...(spec.transform === undefined ? {} : { transform: spec.transform }),
    ...(spec.value === undefined ? {} : { value: spec.value === null ? null : String(spec.value) }),
    primaryKey: spec.primaryKey ?? false,
    unique: spec.unique ?? false,
    default: spec.default,
    storage: undefined,
    generated: spec.generated ?? /^(small|big)?serial\d?$|\bgenerated\b/i.test(type),
  };
}

/** Makes sure that the limits of a column's texts can be kept to. */
function checkLimits(here: string, { maxLength, format }: ColumnSpec): void {
  if (maxLength !== undefined && !(Number.isSafeInteger(maxLength) && maxLength > 0))
    throw badSchema(here, `the maxLength is ${JSON.stringify(maxLength)}`, ["a whole number from 1"]);
  if (format !== undefined && format !== "email")
    throw badSchema(here, `the format is ${JSON.stringify(format)}`, ['"email"']);
}

/** Makes sure that the sources of a column can be meant. */
function checkMaking(here: string, { from, transform, value }: ColumnSpec): void {
  if (transform !== undefined && typeof transform !== "function")
    throw badSchema(here, "the transform is not a function", ["transform: (text) => …"]);
  if (from !== undefined && ![from].flat().every((header) => typeof header === "string" && header !== ""))
    throw badSchema(here, "from names no headers", ['from: "Header"', 'from: ["First", "Last"]']);
  if (value !== undefined && (from !== undefined || transform !== undefined))
    throw badSchema(here, "it has a value, and is made from cells as well", ["value", "from and transform"]);
}

/**
 * The one header that a transform without `from` is of: its column's only one, or that of its name.
 */
function namesOf(name: string, header: ColumnSpec["header"]): readonly string[] {
  return [typeof header === "string" ? header : (header?.[0] ?? name)];
}

/** Makes sure that the notations of a column exist, and fit its type. */
function checkReading(here: string, type: string, { dateFormat, numberFormat, timeZone }: ColumnSpec): void {
  if (dateFormat !== undefined && !dateReader(dateFormat))
    throw badSchema(here, `the dateFormat "${dateFormat}" is not one`, [DATE_FORMAT_HELP]);
  if (dateFormat !== undefined && !/^(date|timestamp|timestamptz)\b/i.test(type))
    throw badSchema(here, `the type ${type} has no dateFormat`, ["date", "timestamp", "timestamptz"]);
  if (numberFormat !== undefined && !numberReader(numberFormat))
    throw badSchema(here, `the numberFormat "${numberFormat}" is not one`, [NUMBER_FORMAT_HELP]);
  if (numberFormat !== undefined && !isNumberType(type))
    throw badSchema(here, `the type ${type} has no numberFormat`, ["integer", "bigint", "numeric", "double precision"]);
  if (timeZone !== undefined && !isTimeZone(timeZone))
    throw badSchema(here, `the timeZone "${timeZone}" is not one`, [TIME_ZONE_HELP]);
}

function badSchema(where: string, what: string, expected: readonly string[]): Error {
  return usageError("bad_schema", `${where}: ${what}. Expected: ${expected.join(", ")}.`);
}

/**
 * The type that the database stores: the type itself, as it is declared below all domains, or its
 * parts.
 */
export type Storage =
  | string
  | { readonly array: Storage }
  | { readonly range: Storage }
  | { readonly multirange: Storage }
  | { readonly row: readonly Storage[] };
