// Before the first row: which table, which columns, which header goes where; the table is made or checked here.
import { quoteIdentifier, quoteTable } from "./identifiers.ts";
import { SluiceError } from "./errors.ts";
import type { LoadColumn } from "./chunk.ts";
import type { ImportOptions } from "./import.ts";
import {
  columnsFor,
  mapHeaders,
  show,
  tableFromHeaders,
  tableNameFor,
  where,
  type Header,
  type Place,
} from "./mapping.ts";
import { tableDdl, type Column, type TableSchema } from "./schema.ts";
import type { TableInfo, Target } from "./targets/target.ts";

/** What the load needs to know. */
export interface Prepared {
  readonly table: string;
  readonly load: readonly LoadColumn[];
  /** The columns of the sheet that have a header, 1-based. */
  readonly headers: readonly number[];
  readonly width: "exact" | "pad";
  /** A unique constraint decides between rows, so they go in in the sheet's order. */
  readonly ordered: boolean;
  /** This import made the table. */
  readonly created: boolean;
  /** DDL to run when the rows are in. */
  readonly indexes: readonly string[];
  readonly notes: readonly string[];
}

/** @throws SluiceError where the sheet and the table do not fit; nothing has been changed then, but for columns that `migrate` added */
export async function prepareTable(
  target: Target,
  headers: readonly Header[],
  place: Place,
  options: ImportOptions,
): Promise<Prepared> {
  const name = options.table ?? options.schema?.name ?? tableNameFor(place.file);
  const map = options.map ?? new Map<string, string>();
  const existing = await target.describe(name);
  checkMode(name, existing, options);
  const wanted = options.schema ?? (existing ? fromTable(name, existing) : tableFromHeaders(name, headers, map, place));

  const mapped = mapHeaders(headers, wanted.columns, map, place);
  const { homeless } = mapped;
  let { load } = mapped;
  const notes: string[] = [];
  let added: Column[] = [];
  if (homeless.length > 0) {
    if (!options.migrate || !existing) throw homelessError(homeless, wanted, name, place, existing !== undefined);
    added = columnsFor(homeless, [...wanted.columns, ...existing.columns]);
    ({ load } = mapHeaders(headers, [...wanted.columns, ...added], map, place));
  }
  if (load.length === 0) {
    throw new SluiceError(
      "no_columns",
      `${where(place)}: no header belongs to a column of the table "${name}". It has: ${wanted.columns.map((column) => column.name).join(", ")}.`,
    );
  }
  checkRequired(load, wanted.columns, name, place);
  for (const column of wanted.columns) {
    if (!column.generated && column.default === undefined && !load.some((entry) => entry.column === column)) {
      notes.push(`the column "${column.name}" has no header in the sheet and stays empty`);
    }
  }

  if (existing) {
    await migrate(target, name, load, existing, added, options, place, notes);
  } else if (!(await create(target, wanted, name, notes))) {
    // Another import made it meanwhile: what holds for an existing table holds now.
    return prepareTable(target, headers, place, options);
  }
  const { unique } = existing ?? { unique: uniqueOf(wanted) };
  const loaded = new Set(load.map((entry) => entry.column.name));
  return {
    table: name,
    load,
    headers: headers.map((header) => header.sheetColumn),
    width: wanted.width,
    ordered: unique.some((index) => index.expression || index.columns.some((column) => loaded.has(column))),
    created: !existing,
    indexes: existing ? [] : tableDdl(wanted, name).indexes,
    notes,
  };
}

function checkMode(name: string, existing: TableInfo | undefined, options: ImportOptions): void {
  if (options.mode === "create" && existing) {
    throw new SluiceError(
      "table_exists",
      `the table "${name}" exists already, and --create makes a new one. Name another with --table, or add to it with --append.`,
    );
  }
  if (options.mode === "append" && !existing) {
    throw new SluiceError(
      "no_such_table",
      `there is no table "${name}" in ${options.target.name}, and --append adds to one. Check --table, or leave --append out to have it made.`,
    );
  }
}

function fromTable(name: string, info: TableInfo): TableSchema {
  return { name, columns: info.columns, key: [], indexes: [], width: "pad" };
}

/** False where somebody else made the table in the meantime. */
async function create(target: Target, schema: TableSchema, name: string, notes: string[]): Promise<boolean> {
  try {
    await target.query(tableDdl(schema, name).create);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    if (await target.describe(name)) return false;
    throw new SluiceError(
      "cannot_create",
      `the table "${name}" cannot be made in ${target.name}: ${(error as Error).message}. Have it made by somebody who may, or name another with --table.`,
      { cause: error },
    );
  }
  notes.push(`made the table "${name}"`);
  return true;
}

/** An existing table must have every column that is loaded; `--migrate` adds those that it lacks. */
async function migrate(
  target: Target,
  name: string,
  load: readonly LoadColumn[],
  existing: TableInfo,
  added: readonly Column[],
  options: ImportOptions,
  place: Place,
  notes: string[],
): Promise<void> {
  const present = new Set(existing.columns.map((column) => column.name));
  const lacking = load.filter((entry) => !present.has(entry.column.name));
  if (lacking.length === 0) return;
  if (!options.migrate) {
    const columns = lacking.map((entry) => `"${entry.column.name}" (${entry.column.type})`).join(", ");
    throw new SluiceError(
      "missing_column",
      `${where(place)}: the table "${name}" in ${target.name} lacks ${lacking.length === 1 ? "the column" : "the columns"} ${columns}. ` +
        `Add with --migrate, or import into a new table with --table.`,
    );
  }
  for (const { column } of lacking) {
    await target.query(`alter table ${quoteTable(name)} add column ${quoteIdentifier(column.name)} ${column.type}`);
    notes.push(
      `added the column "${column.name}" (${column.type})${added.includes(column) ? " for a header that had none" : ""}`,
    );
  }
}

function homelessError(
  homeless: readonly Header[],
  wanted: TableSchema,
  name: string,
  place: Place,
  exists: boolean,
): SluiceError {
  const first = homeless[0]!;
  const many = homeless.length > 1;
  return new SluiceError(
    "missing_column",
    `${where(place)}: the table "${name}" has no column for the ${many ? "headers" : "header"} ${homeless.map(show).join(", ")}. ` +
      `It has: ${wanted.columns
        .filter((column) => !column.generated)
        .map((column) => column.name)
        .join(", ")}. ` +
      `Name a column with --map ${JSON.stringify(`${first.text}=column`)}, leave it out with --map ${JSON.stringify(`${first.text}=`)}` +
      `${exists ? ", or add a column with --migrate" : ", or add it to the schema"}.`,
  );
}

function checkRequired(load: readonly LoadColumn[], columns: readonly Column[], name: string, place: Place): void {
  const loaded = new Set(load.map((entry) => entry.column));
  const lacking = columns.filter(
    (column) => column.notNull && column.default === undefined && !column.generated && !loaded.has(column),
  );
  if (lacking.length === 0) return;
  throw new SluiceError(
    "missing_header",
    `${where(place)}: the table "${name}" needs a value for ${lacking.map((column) => `"${column.name}"`).join(", ")}, and no header means ` +
      `${lacking.length === 1 ? "that column" : "those columns"}. Headers: ${load.map((entry) => entry.header).join(", ")}. ` +
      `Name the header with --map "Header=${lacking[0]!.name}".`,
  );
}

function uniqueOf(schema: TableSchema): { columns: readonly string[]; expression: boolean }[] {
  const single = schema.columns.filter((column) => column.primaryKey || column.unique).map((column) => [column.name]);
  return [...single, ...(schema.key.length > 0 ? [schema.key] : [])].map((columns) => ({ columns, expression: false }));
}
