// What a table is: its columns, what may stand in them, its key and its indexes. A schema file exports one `table({…})`;
// without one the same shape is read from an existing table or made from the header.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DATE_FORMAT_HELP, dateReader } from "./date-format.ts";
import { usageError } from "./errors.ts";
import { quoteIdentifier, quoteTable } from "./identifiers.ts";
import type { Storage } from "./nested.ts";

/** One column, as a schema file states it. */
export interface ColumnSpec {
  /** A PostgreSQL type, `text` unless told: `integer`, `numeric(10,2)`, `date`, `varchar(20)`, `my_enum`, … */
  readonly type?: string;
  /** Headers that mean this column, besides its own name. */
  readonly header?: string | readonly string[];
  /** An empty cell is rejected (`missing_value`). */
  readonly notNull?: boolean;
  /** At most this many characters (`too_long`). `varchar(n)` says the same. */
  readonly maxLength?: number;
  /** A check on the text that needs no string to be made: `email` is one `@`, a local part and a dotted domain, no white space. */
  readonly format?: "email";
  /** Of a date or timestamp: how texts write it where they are not ISO, e.g. `DD/MM/YYYY`, `MMM DD, YYYY` or `DD.MM.YYYY HH:mm`. */
  readonly dateFormat?: string;
  /** Any Standard Schema (zod, valibot, arktype, …), synchronous. It gets the cell's value, and what it returns is what is loaded. */
  readonly check?: StandardSchemaV1;
  readonly primaryKey?: boolean;
  readonly unique?: boolean;
  /** An SQL expression for rows that do not bring this column, e.g. `now()`. */
  readonly default?: string;
  /** Never taken from the sheet, even if a header has its name. Serial and identity columns are so by themselves. */
  readonly generated?: boolean;
}

/** An index over some columns; never unique (that is a constraint: `unique` or `key`). */
export interface IndexSpec {
  readonly columns: readonly string[];
  readonly name?: string;
}

/** What `table()` takes. */
export interface TableSpec {
  /** `name` or `schema.name`. */
  readonly name: string;
  /** In the table's order. A bare Standard Schema stands for a text column with that check. */
  readonly columns: Readonly<Record<string, ColumnSpec | StandardSchemaV1>>;
  /** Columns that tell rows apart: unique in the table that is created, among rows whose `deleted_at` is not set if it has that column. */
  readonly key?: readonly string[];
  /** Built after the load where the import creates the table. A string is an index over that column. */
  readonly indexes?: readonly (string | readonly string[] | IndexSpec)[];
  /** `exact`: a row whose last cell stands before the last column is rejected (`too_few_columns`). `pad` (default): missing cells are NULL. */
  readonly width?: "exact" | "pad";
}

/** A column with everything said. */
export interface Column {
  readonly name: string;
  readonly type: string;
  /** What the database keeps of it, where that is not `type`: below a domain, in an array, or in a table that has another type. */
  readonly storage: Storage | undefined;
  readonly headers: readonly string[];
  readonly notNull: boolean;
  readonly maxLength: number | undefined;
  readonly format: "email" | undefined;
  readonly dateFormat: string | undefined;
  readonly check: StandardSchemaV1 | undefined;
  readonly primaryKey: boolean;
  readonly unique: boolean;
  readonly default: string | undefined;
  /** The database fills it. */
  readonly generated: boolean;
}

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
  "check",
  "primaryKey",
  "unique",
  "default",
  "generated",
]);
const TABLE_KEYS = new Set(["name", "columns", "key", "indexes", "width"]);

/**
 * Describes a table, for a schema file to export.
 *
 * @throws SluiceError (`bad_schema`) where the description contradicts itself or uses a word that does not exist.
 */
export function table(spec: TableSpec): TableSchema {
  const where = `schema of table ${JSON.stringify(spec.name)}`;
  for (const key of Object.keys(spec))
    if (!TABLE_KEYS.has(key)) throw badSchema(where, `unknown setting "${key}"`, [...TABLE_KEYS]);
  if (typeof spec.name !== "string" || spec.name === "")
    throw badSchema("schema", "the table has no name", ['name: "…"']);
  for (const part of spec.name.split(".")) {
    if (Buffer.byteLength(part) > MAX_NAME_BYTES)
      throw badSchema("table", `the name "${part}" has more than 63 bytes`, ["a shorter name"]);
  }
  const columns = Object.entries(spec.columns ?? {}).map(([name, column]) => completeColumn(where, name, column));
  if (columns.length === 0) throw badSchema(where, "it has no columns", ['columns: { name: { type: "text" } }']);
  const known = new Set(columns.map((column) => column.name));
  const mustExist = (name: string, what: string): void => {
    if (!known.has(name))
      throw badSchema(where, `${what} names the column "${name}", which does not exist`, [...known]);
  };
  const key = spec.key ?? [];
  for (const name of key) mustExist(name, "the key");
  const indexes = (spec.indexes ?? []).map((index): IndexSpec => {
    const full = typeof index === "string" ? { columns: [index] } : "columns" in index ? index : { columns: index };
    for (const name of full.columns) mustExist(name, "an index");
    return full;
  });
  const result: TableSchema = { name: spec.name, columns, key, indexes, width: spec.width ?? "pad" };
  tables.add(result);
  return result;
}

/** Whether a value came from {@link table}. */
export function isTable(value: unknown): value is TableSchema {
  return typeof value === "object" && value !== null && tables.has(value as TableSchema);
}

/** The condition of a unique key that does not count rows which were deleted softly: those whose `deleted_at` is set. */
export const NOT_DELETED = "deleted_at is null";

/** Whether the key of a table that is made leaves out what was deleted softly, as in the guide. */
export function deletesSoftly({ columns, key }: TableSchema): boolean {
  return columns.some((column) => column.name === "deleted_at") && !key.includes("deleted_at");
}

/** The DDL of a table: what makes it with its constraints, and the indexes that can wait until the rows are in. */
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

function completeColumn(where: string, name: string, given: ColumnSpec | StandardSchemaV1): Column {
  const spec: ColumnSpec = "~standard" in given ? { check: given } : given;
  for (const key of Object.keys(spec)) {
    if (!COLUMN_KEYS.has(key))
      throw badSchema(`${where}, column ${JSON.stringify(name)}`, `unknown setting "${key}"`, [...COLUMN_KEYS]);
  }
  if (spec.check !== undefined && typeof spec.check["~standard"]?.validate !== "function") {
    throw badSchema(`${where}, column ${JSON.stringify(name)}`, "the check is no Standard Schema", [
      "a schema of zod, valibot, arktype, …",
    ]);
  }
  const type = spec.type ?? "text";
  if (spec.dateFormat !== undefined) {
    const here = `${where}, column ${JSON.stringify(name)}`;
    if (!dateReader(spec.dateFormat))
      throw badSchema(here, `the dateFormat "${spec.dateFormat}" is none`, [DATE_FORMAT_HELP]);
    if (!/^(date|timestamp|timestamptz)\b/i.test(type))
      throw badSchema(here, `the type ${type} has no dateFormat`, ["date", "timestamp", "timestamptz"]);
  }
  return {
    name,
    type,
    headers: typeof spec.header === "string" ? [spec.header] : (spec.header ?? []),
    notNull: spec.notNull ?? false,
    maxLength: spec.maxLength,
    format: spec.format,
    dateFormat: spec.dateFormat,
    check: spec.check,
    primaryKey: spec.primaryKey ?? false,
    unique: spec.unique ?? false,
    default: spec.default,
    storage: undefined,
    generated: spec.generated ?? /^(small|big)?serial\d?$|\bgenerated\b/i.test(type),
  };
}

function badSchema(where: string, what: string, expected: readonly string[]): Error {
  return usageError("bad_schema", `${where}: ${what}. Expected: ${expected.join(", ")}.`);
}
