// Before the first row: which table, which columns, which header goes where, and the DDL that makes or changes the table.
import { quoteIdentifier, quoteTable } from "./identifiers.ts";
import { conflictOf, type Conflict } from "./conflict.ts";
import { SluiceError } from "./errors.ts";
import type { LoadColumn } from "./chunk.ts";
import type { ImportOptions } from "./import.ts";
import { checkTypes, commentDdl, designColumns, designTable, withNotations, withUnnamed } from "./design.ts";
import {
  mapHeaders,
  nameOfColumn,
  nearest,
  show,
  tableNameFor,
  where,
  type Header,
  type Match,
  type Place,
} from "./mapping.ts";
import { checkName } from "./off-limits.ts";
import { checkRules } from "./rules.ts";
import { deletesSoftly, NOT_DELETED, tableDdl, type Column, type IndexSpec, type TableSchema } from "./schema.ts";
import { layoutNotes, type Source } from "./source.ts";
import type { TableInfo, Target, UniqueIndex } from "./targets/target.ts";
import { isScalar } from "./values.ts";

/** PostgreSQL has no wider table. */
const MOST_COLUMNS = 1600;
/** Headers that a message names. */
const NAMED = 20;

/** What the load needs to know. */
export interface Prepared {
  readonly table: string;
  readonly load: readonly LoadColumn[];
  /** How each header found its column, by its place in the sheet. */
  readonly matches: ReadonlyMap<number, Match>;
  /** The headers that count, loaded or left out. */
  readonly sheetHeaders: readonly Header[];
  /** Their columns in the sheet, 1-based. */
  readonly headers: readonly number[];
  readonly width: "exact" | "pad";
  /** A unique constraint decides between rows, so they go in in the sheet's order. */
  readonly ordered: boolean;
  /** What becomes of rows whose key is in the table; undefined: they are rejected. */
  readonly conflict: Conflict | undefined;
  /** This import made the table. */
  readonly created: boolean;
  /** The table as it stands; undefined if the DDL makes or changes it. */
  readonly shape: string | undefined;
  /** COPY can put rows into it. */
  readonly copies: boolean;
  /** DDL to run before the first row. */
  readonly ddl: readonly string[];
  /** What has been done when that has run. */
  readonly changes: readonly string[];
  /** What to build when the rows are in. */
  readonly indexes: readonly IndexSpec[];
  readonly notes: readonly string[];
}

/** The name of the table that rows go to. */
export function tableName(options: Pick<ImportOptions, "table" | "schema">, file: string): string {
  return options.table ?? options.schema?.name ?? tableNameFor(file);
}

/** Changes nothing in the database. @throws SluiceError where the sheet and the table do not fit */
export async function prepareTable(
  target: Pick<Target, "name" | "describe" | "storageOf">,
  source: Source,
  { file, sheet }: { readonly file: string; readonly sheet: string },
  options: Omit<ImportOptions, "target">,
): Promise<Prepared> {
  const name = tableName(options, file);
  checkName(name);
  const { map = new Map<string, string>(), types = new Map<string, string>() } = options;
  const existing = await target.describe(name);
  checkMode(name, target, existing, options);
  if (existing) checkRules(name, existing, options);
  if (existing && !options.schema) source.meet(existing.columns);
  // With a schema, that is what messages speak of.
  const hidden = existing !== undefined && options.schema === undefined && (options.caller?.hidesColumns ?? false);
  const place: Place = { file, sheet, headerRow: source.headerRow, hidden };
  const headers = await headersFor(source, existing, place, options);
  if (headers.length > MOST_COLUMNS) {
    throw new SluiceError(
      "too_wide",
      `${where(place)}: the sheet has ${headers.length} columns, and a table can have ${MOST_COLUMNS}. Split it, or check that the header is in this row (--header N).`,
    );
  }
  const wanted = withKey(
    options.schema ??
      (existing ? fromTable(name, existing) : designTable(name, headers, await source.sample(), map, types)),
    existing ? undefined : options.key,
  );

  let mapping = mapHeaders(headers, wanted.columns, map, place);
  const notes = layoutNotes(source.layout);
  let added: Column[] = [];
  if (mapping.homeless.length > 0) {
    if (!options.migrate || !existing)
      throw homelessError(mapping.homeless, wanted, name, place, existing !== undefined);
    added = designColumns(mapping.homeless, [...wanted.columns, ...existing.columns], await source.sample(), types);
    mapping = mapHeaders(headers, [...wanted.columns, ...added], map, place);
  }
  const { matches } = mapping;
  const load = await withStorage(target, mapping.load, existing);
  checkTypes(types, load);
  const designed = options.schema === undefined && !existing;
  if (designed && !(await source.sample()).complete)
    notes.push(
      `types were inferred from the first ${(await source.sample()).inference.records.toLocaleString("en")} rows; what does not fit below them is rejected, and --type "column=text" takes it`,
    );
  if (designed)
    for (const { row, value } of (await source.sample()).inference.leftOut) notes.push(totalsNote(row, value));
  for (const { header, column, sheetColumn } of load) {
    const match = matches.get(sheetColumn)!;
    if (match.by === "likeness")
      notes.push(
        `the header "${header}" was taken for the column "${column.name}" by likeness (${match.score.toFixed(2)})`,
      );
  }
  if (load.length === 0) {
    throw new SluiceError(
      "no_columns",
      `${where(place)}: no header belongs to a column of the table "${name}".${hidden ? "" : ` It has: ${wanted.columns.map((column) => column.name).join(", ")}.`}`,
    );
  }
  checkRequired(load, wanted.columns, name, place);
  const empty = wanted.columns.filter(
    (column) =>
      !column.generated && column.default === undefined && !load.some((entry) => entry.column.name === column.name),
  );
  if (hidden && empty.length > 0)
    notes.push(
      `${empty.length === 1 ? "1 column of the table has" : `${empty.length} columns of the table have`} no header in the sheet and stay${empty.length === 1 ? "s" : ""} empty`,
    );
  else for (const { name } of empty) notes.push(`the column "${name}" has no header in the sheet and stays empty`);

  if (existing?.noCopy !== undefined && (options.method ?? "copy") === "copy")
    notes.push(
      `COPY cannot put rows into ${existing.noCopy === "view" ? "a view" : "a table whose row-level security binds this user"}, so they go in by the method batch`,
    );

  const { ddl, changes } = existing
    ? missingColumns(target, name, load, existing, added, options, place)
    : {
        ddl: [...tableDdl(wanted, name).create, ...commentDdl(name, load, headers)],
        changes: [`made the table "${name}"`],
      };
  const info = existing ?? { columns: wanted.columns, unique: uniqueOf(wanted), kind: undefined };
  const { unique } = info;
  const loaded = new Set(load.map((entry) => entry.column.name));
  return {
    table: name,
    load: designed ? load : await withNotations(load, options.schema ? undefined : source.sample, types),
    matches,
    sheetHeaders: headers,
    headers: headers.map((header) => header.sheetColumn),
    width: wanted.width,
    ordered: unique.some((index) => index.expression || index.columns.some((column) => loaded.has(column))),
    conflict: conflictOf(options, name, info, load, defaultKey(wanted, info.unique, loaded)),
    created: !existing,
    shape: ddl.length === 0 ? existing?.shape : undefined,
    copies: existing?.noCopy === undefined,
    ddl,
    changes,
    indexes: existing ? [] : wanted.indexes,
    notes,
  };
}

function checkMode(
  name: string,
  target: Pick<Target, "name">,
  existing: TableInfo | undefined,
  options: Pick<ImportOptions, "mode">,
): void {
  if (options.mode === "create" && existing) {
    throw new SluiceError(
      "table_exists",
      `the table "${name}" exists already, and --create makes a new one. Name another with --table, or add to it with --append.`,
    );
  }
  if (options.mode === "append" && !existing) {
    throw new SluiceError(
      "no_such_table",
      `there is no table "${name}" in ${target.name}, and --append adds to one. Check --table, or leave --append out to have it made.`,
    );
  }
}

/**
 * The headers that count: those of the sheet; for a new table besides them one for each column that holds values under none; and where
 * there is no header, the table's columns one after the other, if that was said.
 */
async function headersFor(
  { headers, layout, sample }: Source,
  existing: TableInfo | undefined,
  place: Place,
  options: Omit<ImportOptions, "target">,
): Promise<readonly Header[]> {
  const columns = options.schema?.columns ?? existing?.columns;
  if (columns === undefined) return withUnnamed(headers, (await sample()).inference.columns);
  const numbered = columns.flatMap(({ name }) => {
    const n = Number(/^column_(\d{1,5})$/.exec(name)?.[1]);
    return n > 0 && name === nameOfColumn(n) ? [n] : [];
  });
  if (layout.headerRows.length > 0 || numbered.length > 0 || options.map?.size) return withUnnamed(headers, numbered);
  if (options.header !== "none") {
    throw new SluiceError(
      "no_header",
      `${where(place)}: this row holds values and no names, so there seems to be no header. ` +
        `Say which row it is with --header N, or load the columns in the table's order with --header none.`,
    );
  }
  const free = columns.filter((column) => !column.generated && column.default === undefined);
  return headers.map((header, n) => ({ ...header, text: free[n]?.name ?? header.text }));
}

/** Columns get to know what the database keeps of them: what the table has, or what the type stands for. */
async function withStorage(
  target: Pick<Target, "storageOf">,
  load: readonly LoadColumn[],
  existing: TableInfo | undefined,
): Promise<LoadColumn[]> {
  const result: LoadColumn[] = [];
  for (const entry of load) {
    const { name, type } = entry.column;
    const there = existing?.columns.find((column) => column.name === name);
    const storage = there ? (there.storage ?? there.type) : isScalar(type) ? type : await target.storageOf(type);
    result.push(storage === type || storage === undefined ? entry : { ...entry, column: { ...entry.column, storage } });
  }
  return result;
}

function totalsNote(row: number, label: string): string {
  const shown = JSON.stringify(label.trim());
  return `row ${row} (${shown}) looks like a row of totals: types go by the other rows, so it is rejected (--type "column=text" for the column of ${shown} takes it)`;
}

function fromTable(name: string, info: TableInfo): TableSchema {
  return { name, columns: info.columns, key: [], indexes: [], width: "pad" };
}

/** An existing table must have every column that is loaded; `--migrate` adds those that it lacks. */
function missingColumns(
  target: Pick<Target, "name">,
  name: string,
  load: readonly LoadColumn[],
  existing: TableInfo,
  added: readonly Column[],
  options: Pick<ImportOptions, "migrate">,
  place: Place,
): { ddl: string[]; changes: string[] } {
  const present = new Set(existing.columns.map((column) => column.name));
  const lacking = load.filter((entry) => !present.has(entry.column.name)).map((entry) => entry.column);
  if (lacking.length > 0 && !options.migrate) {
    const columns = lacking.map((column) => `"${column.name}" (${column.type})`).join(", ");
    throw new SluiceError(
      "missing_column",
      `${where(place)}: the table "${name}" in ${target.name} lacks ${lacking.length === 1 ? "the column" : "the columns"} ${columns}. ` +
        `Add with --migrate, or import into a new table with --table.`,
    );
  }
  return {
    ddl: lacking.map(
      (column) => `alter table ${quoteTable(name)} add column ${quoteIdentifier(column.name)} ${column.type}`,
    ),
    changes: lacking.map(
      (column) =>
        `added the column "${column.name}" (${column.type})${added.some(({ name }) => name === column.name) ? " for a header that had none" : ""}`,
    ),
  };
}

function homelessError(
  homeless: readonly Header[],
  wanted: TableSchema,
  name: string,
  place: Place,
  exists: boolean,
): SluiceError {
  const first = homeless[0]!;
  const rest = homeless.length > NAMED ? ` and ${homeless.length - NAMED} more` : "";
  const many = homeless.length > 1;
  const headers = homeless.slice(0, NAMED).map(place.hidden ? show : withNearest(wanted));
  const columns = wanted.columns.filter((column) => !column.generated).map((column) => column.name);
  return new SluiceError(
    "missing_column",
    `${where(place)}: the table "${name}" has no column for the ${many ? "headers" : "header"} ${headers.join(", ")}${rest}. ` +
      (place.hidden ? "" : `It has: ${columns.join(", ")}. `) +
      `Name a column with --map ${JSON.stringify(`${first.text}=column`)}, leave it out with --map ${JSON.stringify(`${first.text}=`)}` +
      `${exists ? ", or add a column with --migrate" : ", or add it to the schema"}.`,
  );
}

/** `"Mail" (column B; nearest: email 0.80)` */
function withNearest(wanted: TableSchema): (header: Header) => string {
  const free = wanted.columns.filter((column) => !column.generated);
  return (header) => {
    const names = nearest(header, free).map(({ name, score }) => `${name} ${score.toFixed(2)}`);
    return names.length === 0 ? show(header) : show(header).replace(/\)$/, `; nearest: ${names.join(", ")})`);
  };
}

function checkRequired(load: readonly LoadColumn[], columns: readonly Column[], name: string, place: Place): void {
  const loaded = new Set(load.map((entry) => entry.column.name));
  const lacking = columns.filter(
    (column) => column.notNull && column.default === undefined && !column.generated && !loaded.has(column.name),
  );
  if (lacking.length === 0) return;
  if (place.hidden)
    throw new SluiceError(
      "missing_header",
      `${where(place)}: the table "${name}" needs a value for ${lacking.length === 1 ? "1 column" : `${lacking.length} columns`} that no header means. Ask whoever runs the server which headers it takes.`,
    );
  throw new SluiceError(
    "missing_header",
    `${where(place)}: the table "${name}" needs a value for ${lacking.map((column) => `"${column.name}"`).join(", ")}, and no header means ` +
      `${lacking.length === 1 ? "that column" : "those columns"}. Headers: ${load.map((entry) => entry.header).join(", ")}. ` +
      `Name the header with --map "Header=${lacking[0]!.name}".`,
  );
}

/** The unique indexes of a table that is yet to be made. */
function uniqueOf(schema: TableSchema): UniqueIndex[] {
  const index = (columns: readonly string[], primary = false, where?: string): UniqueIndex => ({
    name: "",
    columns,
    expression: false,
    primary,
    where,
    arbiter: true,
    deferrable: false,
  });
  const single = schema.columns
    .filter((column) => column.primaryKey || column.unique)
    .map((column) => index([column.name], column.primaryKey));
  const where = deletesSoftly(schema) ? NOT_DELETED : undefined;
  return schema.key.length > 0 ? [...single, index(schema.key, false, where)] : single;
}

/** A table that is made gets a unique constraint over the key, where its schema says none. */
function withKey(schema: TableSchema, key: readonly string[] | undefined): TableSchema {
  const same = (unique: readonly string[]): boolean =>
    unique.length === key?.length && key.every((name) => unique.includes(name));
  if (!key || uniqueOf(schema).some(({ columns }) => same(columns))) return schema;
  if (schema.key.length > 0 || !key.every((name) => schema.columns.some((column) => column.name === name)))
    return schema;
  return { ...schema, key };
}

/** What tells rows apart where nothing was said: the schema's key, else the primary key, if the sheet brings it. */
function defaultKey(
  schema: TableSchema,
  unique: readonly UniqueIndex[],
  loaded: ReadonlySet<string>,
): readonly string[] {
  const primary = unique.find((index) => index.primary)?.columns ?? [];
  return [schema.key, primary].find((key) => key.length > 0 && key.every((name) => loaded.has(name))) ?? [];
}
