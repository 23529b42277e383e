// Work before the first row: it finds the table, the columns and the column of each header, and
// makes the DDL that makes or changes the table.
import { grouped } from "../grouped.ts";
import { quoteIdentifier, quoteTable, nameOfColumn, tableNameFor } from "../schema/identifiers.ts";
import { conflictOf, checkEmpty } from "./conflict.ts";
import type { Conflict, LoadColumn } from "../chunk/chunk.ts";
import { SluiceError } from "../errors.ts";
import {
  checkTypes,
  commentDdl,
  designColumns,
  designTable,
  withInferred,
  withNotations,
  withUnnamed,
  textNotes,
  unnamedNotes,
} from "./design.ts";
import { mapHeaders, nearest, show, where, type Match, type Place, type Mapping } from "./mapping.ts";
import type { ImportOptions, Header, Origin } from "../options.ts";
import { holdsText, withNulls, withTimeZone } from "./missing.ts";
import { defaultKey, uniqueOf, withKey } from "./key.ts";
import { checkName } from "./off-limits.ts";
import { readingNotes } from "./reading-notes.ts";
import { isMade, linkColumns, linkNotes, madeColumns, originColumns, sourcesOf } from "./made-columns.ts";
import { unheldRows, type Unheld } from "./repeat.ts";
import { checkRules } from "./rules.ts";
import { tableDdl, type Column, type IndexSpec, type TableSchema } from "../schema/schema.ts";
import { keptTotalsNote, mergedNote, preparedNote } from "../sheet/record-notes.ts";
import { layoutNotes, type Source } from "../sheet/source.ts";
import type { TableInfo, Target } from "../target.ts";
import { isScalar } from "../values/values.ts";

/** PostgreSQL has no wider table. */
const MOST_COLUMNS = 1600;
/** Headers that a message names. */
const NAMED = 20;

/** The facts that the load needs. */
export interface Prepared {
  readonly table: string;
  readonly load: readonly LoadColumn[];
  /** The match of each header with its column, by its place in the sheet. */
  readonly matches: ReadonlyMap<number, Match>;
  /** The headers that count, loaded or left out. */
  readonly sheetHeaders: readonly Header[];
  /** The rows that they come from. */
  readonly headerRows: readonly number[];
  /** The columns of the headers in the sheet, from 1. */
  readonly headers: readonly number[];
  readonly width: "exact" | "pad";
  /** A unique constraint decides between rows, so they go in in the sheet's order. */
  readonly ordered: boolean;
  /** The treatment of rows whose key is in the table; undefined: they are rejected. */
  readonly conflict: Conflict | undefined;
  /** The rows of the table that go in once more if this import is repeated. */
  readonly unheld: Unheld | undefined;
  /** True if this import made the table. */
  readonly created: boolean;
  /** The table's shape now; undefined if the DDL makes or changes it. */
  readonly shape: string | undefined;
  /** COPY can put rows into it. */
  readonly copies: boolean;
  /** DDL to run before the first row. */
  readonly ddl: readonly string[];
  /** Notes of what that DDL has done, after it has run. */
  readonly changes: readonly string[];
  /** The indexes to build when the rows are in. */
  readonly indexes: readonly IndexSpec[];
  readonly notes: readonly string[];
}

/** The name of the table that rows go to. */
export function tableName(options: Pick<ImportOptions, "table" | "schema">, file: string): string {
  return options.table ?? options.schema?.name ?? tableNameFor(file);
}

type Options = Omit<ImportOptions, "target">;
type Database = Pick<Target, "name" | "describe" | "storageOf">;

/** The sheet, the table and the wish, as each step of the preparation needs them. */
interface Task {
  /** The table's name. */
  readonly name: string;
  readonly existing: TableInfo | undefined;
  /** True if the table is made by what is found in the sheet. */
  readonly designed: boolean;
  readonly source: Source;
  readonly options: Options;
  readonly place: Place;
  /** Each step adds to them. */
  readonly notes: string[];
}

/** Changes nothing in the database. @throws SluiceError if the sheet and the table do not fit */
export async function prepareTable(
  target: Database,
  source: Source,
  names: { readonly file: string; readonly sheet: string },
  options: Options,
): Promise<Prepared> {
  const task = await look(target, source, names, options);
  const { name, existing, notes } = task;
  const headers = await headersFor(task);
  const wanted = await wantedTable(task, headers);
  const { rules, totals, unfilled, prepared } = await source.found();
  const merged = new Set([...unfilled, ...(rules.merged ?? [])].map(({ column }) => column));
  notes.push(...layoutNotes(source.layout), ...source.doubts(merged));
  const { entries, matches, added, all } = await findColumns(task, headers, wanted);
  const load = await completeColumns(target, task, entries, added);
  await noteReading(task, load);
  notes.push(
    ...keptTotalsNote(totals),
    ...preparedNote(prepared, source.layout),
    ...mergedNote(unfilled),
    ...likenessNotes(load, matches),
  );
  if (task.designed) notes.push(...unnamedNotes(load, source.layout));
  if (load.length === 0) throw noColumns(task, wanted);
  const info = existing ?? { columns: wanted.columns, unique: uniqueOf(wanted), kind: undefined };
  const conflict = conflictFor(task, wanted, info, load);
  notes.push(...emptyNotes(task, wanted, load, conflict), ...methodNotes(task));
  const { ddl, changes } = existing
    ? missingColumns(target, task, load, existing, added)
    : {
        ddl: [...tableDdl({ ...wanted, columns: all }, name).create, ...commentDdl(name, load, headers)],
        changes: [`made the table "${name}"`],
      };
  const loaded = namesOf(load);
  return {
    table: name,
    load: load.map((entry) => withoutEmptyCheck(entry, options)),
    matches,
    sheetHeaders: headers,
    headerRows: source.layout.headerRows,
    headers: headers.map((header) => header.sheetColumn),
    width: wanted.width,
    ordered: info.unique.some((index) => index.expression || index.columns.some((column) => loaded.has(column))),
    conflict,
    unheld: unheldRows(conflict, info, load, options.empty),
    created: !existing,
    shape: ddl.length === 0 ? existing?.shape : undefined,
    copies: existing?.noCopy === undefined,
    ddl,
    changes,
    indexes: existing ? [] : wanted.indexes,
    notes: options.sheet === "all" ? notes.map((note) => withSheet(note, names.sheet)) : notes,
  };
}

/** A note of one sheet of several: the options that it offers are about this sheet alone. */
function withSheet(note: string, sheet: string): string {
  return note
    .replaceAll(
      /--(header|skip) (N|none|\d+(?:-\d+)?)\b/g,
      (_, option: string, value: string) => `--${option} ${JSON.stringify(`${sheet}=${value}`)}`,
    ) // prettier-ignore
    .replaceAll(/--(?:range|skip-last) /g, (option) => `--sheet ${JSON.stringify(sheet)} ${option}`);
}

/**
 * Looks at the table.
 * @throws SluiceError if rows may not go to it, or if it is there, or not, against the options
 */
async function look(
  target: Database,
  source: Source,
  { file, sheet }: { readonly file: string; readonly sheet: string },
  options: Options,
): Promise<Task> {
  const name = tableName(options, file);
  checkName(name);
  checkEmpty(options);
  const existing = await target.describe(name);
  checkMode(name, target, existing, options);
  if (existing) checkRules(name, existing, options);
  if (existing && !options.schema) source.meet(existing.columns);
  const updated = options.onConflict === "update";
  const place: Place = {
    file,
    sheet,
    headerRow: source.headerRow,
    // With a schema, that is what messages speak of.
    hidden: existing !== undefined && options.schema === undefined && (options.caller?.hidesColumns ?? false),
    keys: updated ? (options.key ?? existing?.unique.find((index) => index.primary)?.columns ?? []) : [],
    unique: (existing?.unique ?? []).flatMap(({ arbiter, columns }) =>
      arbiter && columns.length === 1 ? columns : [],
    ),
  };
  const designed = options.schema === undefined && !existing;
  return { name, existing, designed, source, options, place, notes: [] };
}

/** The table as the schema file, the database or the sheet has it. */
async function wantedTable(
  { name, existing, source, options }: Task,
  headers: readonly Header[],
): Promise<TableSchema> {
  if (options.schema) return withKey(options.schema, existing ? undefined : options.key);
  if (existing) return fromTable(name, existing);
  const table = designTable(name, headers, await source.sample(), options.map ?? new Map(), options.types ?? new Map());
  return withKey(table, options.key);
}

/** The columns that are loaded. */
interface Columns {
  readonly entries: readonly LoadColumn[];
  readonly matches: Prepared["matches"];
  /** Columns for headers that the table has none for. */
  readonly added: readonly Column[];
  /** All columns of the table when it is made. */
  readonly all: readonly Column[];
}

/**
 * Finds a column for each header, and adds those that the import makes: origins, links, computed
 * ones.
 */
async function findColumns(task: Task, headers: readonly Header[], wanted: TableSchema): Promise<Columns> {
  const { name, existing, source, options, place, notes } = task;
  const {
    map = new Map<string, string>(),
    types = new Map<string, string>(),
    add = new Map<Origin, string>(),
  } = options;
  const isSource = sourcesOf(wanted.columns);
  const mapped = wanted.columns.filter((column) => !isMade(column));
  let mapping = withoutSources(mapHeaders(headers, mapped, map, place, isSource), isSource);
  let added: Column[] = [];
  if (mapping.homeless.length > 0) {
    if (!options.migrate || !existing)
      throw homelessError(mapping.homeless, wanted, name, place, existing !== undefined, namesOf(mapping.load));
    added = designColumns(mapping.homeless, [...wanted.columns, ...existing.columns], await source.sample(), types);
    mapping = withoutSources(mapHeaders(headers, [...mapped, ...added], map, place, isSource), isSource);
  }
  const linked = await source.linked();
  const links = options.links === true ? linkColumns(mapping.load, linked, wanted.columns) : [];
  notes.push(...linkNotes(links, linked, options.links === true));
  const known = [...wanted.columns, ...added, ...originColumns(add, [...wanted.columns, ...added])];
  const all = [...known, ...links.map(({ column }) => column).filter((column) => !known.includes(column))];
  const made = madeColumns(all, mapping.load, headers, add, links, place);
  return { entries: [...mapping.load, ...made], matches: mapping.matches, added, all };
}

/**
 * Adds to columns how their cells are stored and read: storage, notations, marks for missing
 * values, time zone.
 */
async function completeColumns(
  target: Database,
  { existing, designed, source, options }: Task,
  entries: readonly LoadColumn[],
  added: readonly Column[],
): Promise<readonly LoadColumn[]> {
  const { types = new Map<string, string>(), nulls = [] } = options;
  const stored = await withStorage(target, entries, existing);
  checkTypes(types, stored);
  const sample = options.schema ? undefined : source.sample;
  const written = designed ? stored : await withNotations(stored, sample, types);
  const read = withTimeZone(await withNulls(written, sample, nulls), options.timeZone);
  if (!sample || !(designed || added.length > 0)) return read;
  return withInferred(read, await sample(), types, (name) => designed || added.some((column) => column.name === name));
}

/** Notes how cells are read, and from how many rows the types are. */
async function noteReading(
  { existing, designed, source, options, notes }: Task,
  load: readonly LoadColumn[],
): Promise<void> {
  const { types = new Map<string, string>(), nulls = [], schema } = options;
  // In a table of texts that exists there is nothing to find out.
  if (!schema && (designed || nulls.length > 0 || !load.every(holdsText)))
    notes.push(...readingNotes(load, await source.sample(), { types, nulls }, existing?.columns));
  if (!designed) return;
  const sample = await source.sample();
  const { records, leftOut } = sample.inference;
  if (!sample.complete)
    notes.push(
      `types were inferred from the first ${grouped(records)} rows; what does not fit below them is rejected, and --type "column=text" takes it`,
    );
  const nameOf = (column: number): string | undefined =>
    load.find(({ sheetColumn }) => sheetColumn === column)?.column.name;
  notes.push(
    ...leftOut.map(({ row, value, column }) => totalsNote(row, value, nameOf(column))),
    ...textNotes(load, sample, types, source.layout.firstRow),
  );
}

function likenessNotes(load: readonly LoadColumn[], matches: Prepared["matches"]): string[] {
  return load.flatMap(({ header, column, sheetColumn }) => {
    const match = matches.get(sheetColumn);
    if (match?.by !== "likeness") return [];
    return [`the header "${header}" was taken for the column "${column.name}" by likeness (${match.score.toFixed(2)})`];
  });
}

function noColumns({ name, place }: Task, { columns }: TableSchema): SluiceError {
  const has = place.hidden ? "" : ` It has: ${columns.map((column) => column.name).join(", ")}.`;
  return new SluiceError("no_columns", `${where(place)}: no header belongs to a column of the table "${name}".${has}`);
}

/**
 * Decides what happens to rows whose key is there.
 * @throws SluiceError if a column that is not loaded needs a value
 */
function conflictFor(
  { name, existing, options, place, notes }: Task,
  wanted: TableSchema,
  info: Parameters<typeof conflictOf>[2],
  load: readonly LoadColumn[],
): Conflict | undefined {
  const loaded = namesOf(load);
  const key = defaultKey(wanted, info.unique, loaded);
  const lacking = requiredColumns(wanted.columns, loaded);
  // Rows of a table that exists can be updated although an INSERT would lack values.
  const updates = existing !== undefined && options.onConflict === "update" && (options.key ?? key).length > 0;
  if (!updates) checkRequired(lacking, load, name, place, key);
  const conflict = conflictOf(options, name, info, load, key, updates ? lacking : []);
  if (conflict?.only === undefined) return conflict;
  if (load.every(({ column }) => conflict.key.includes(column.name)))
    throw new SluiceError(
      "no_columns",
      `${where(place)}: the sheet brings the key (${conflict.key.join(", ")}) and nothing else, so there is nothing to update in the table "${name}". ` +
        `Add a column to the sheet, or leave --on-conflict update out.`,
    );
  notes.push(onlyUpdates(conflict.only, loaded, place.hidden ?? false));
  return conflict;
}

/** Notes of the columns that stay empty. A row that is only updated keeps what it has there. */
function emptyNotes(
  { place }: Task,
  { columns }: TableSchema,
  load: readonly LoadColumn[],
  conflict: Conflict | undefined,
): string[] {
  if (conflict?.only) return [];
  const loaded = namesOf(load);
  const empty = columns.filter(
    ({ name, generated, default: fallback }) => !generated && fallback === undefined && !loaded.has(name),
  );
  if (!place.hidden) return empty.map(({ name }) => `the column "${name}" has no header in the sheet and stays empty`);
  if (empty.length === 0) return [];
  return [
    `${empty.length === 1 ? "1 column of the table has" : `${empty.length} columns of the table have`} no header in the sheet and stay${empty.length === 1 ? "s" : ""} empty`,
  ];
}

function methodNotes({ existing, options }: Task): string[] {
  if (existing?.noCopy === undefined || (options.method ?? "copy") !== "copy") return [];
  const into = existing.noCopy === "view" ? "a view" : "a table whose row-level security binds this user";
  return [`COPY cannot put rows into ${into}, so they go in by the method batch`];
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
 * The headers that count: those of the sheet. A new table has besides them one for each column that
 * holds values without a header. If the sheet has no header, and the caller has said so, they are
 * the table's columns one after the other.
 *
 * @throws SluiceError if they are more than a table can have, or the sheet has none and nobody said
 *   so
 */
async function headersFor(task: Task): Promise<readonly Header[]> {
  const headers = await countingHeaders(task);
  if (headers.length <= MOST_COLUMNS) return headers;
  throw new SluiceError(
    "too_wide",
    `${where(task.place)}: the sheet has ${headers.length} columns, and a table can have ${MOST_COLUMNS}. Split it, or check that the header is in this row (--header N).`,
  );
}

async function countingHeaders({ source, existing, place, options }: Task): Promise<readonly Header[]> {
  const { headers, layout } = source;
  const columns = options.schema?.columns ?? existing?.columns;
  if (columns === undefined) return withUnnamed(headers, (await source.sample()).inference.columns);
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

/**
 * Columns get to know what the database keeps of them: what the table has, or what the type stands
 * for.
 */
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

function totalsNote(row: number, label: string, column: string | undefined): string {
  const option = column === undefined ? "" : ` (--type "${column}=text" takes it)`;
  return `row ${row} (${JSON.stringify(label.trim())}) looks like a row of totals: types go by the other rows, so it is rejected${option}`;
}

function fromTable(name: string, info: TableInfo): TableSchema {
  return { name, columns: info.columns, key: [], indexes: [], width: "pad" };
}

/**
 * An existing table must have every column that is loaded; `--migrate` adds those that it lacks.
 */
function missingColumns(
  target: Pick<Target, "name">,
  { name, options, place }: Pick<Task, "name" | "options" | "place">,
  load: readonly LoadColumn[],
  existing: TableInfo,
  added: readonly Column[],
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

/** Headers that columns are made from are not without a home. */
function withoutSources(mapping: Mapping, isSource: (header: Header) => boolean): Mapping {
  return { ...mapping, homeless: mapping.homeless.filter((header) => !isSource(header)) };
}

function namesOf(load: readonly LoadColumn[]): ReadonlySet<string> {
  return new Set(load.map(({ column }) => column.name));
}

/** @param taken the columns that other headers go to */
function homelessError(
  homeless: readonly Header[],
  wanted: TableSchema,
  name: string,
  place: Place,
  exists: boolean,
  taken: ReadonlySet<string>,
): SluiceError {
  const first = homeless[0]!;
  const rest = homeless.length > NAMED ? ` and ${homeless.length - NAMED} more` : "";
  const many = homeless.length > 1;
  const headers = homeless.slice(0, NAMED).map(place.hidden ? show : withNearest(wanted));
  const columns = wanted.columns.filter((column) => !column.generated).map((column) => column.name);
  const mapIt = columns.some((column) => !taken.has(column))
    ? `Name a column with --map ${JSON.stringify(`${first.text}=column`)}, leave`
    : "All of these have a header. Leave";
  return new SluiceError(
    "missing_column",
    `${where(place)}: the table "${name}" has no column for the ${many ? "headers" : "header"} ${headers.join(", ")}${rest}. ` +
      (place.hidden ? "" : `It has: ${columns.join(", ")}. `) +
      `${mapIt} it out with --map ${JSON.stringify(`${first.text}=`)}` +
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

/** Columns that must have a value, and get one neither from the sheet nor from the database. */
function requiredColumns(columns: readonly Column[], loaded: ReadonlySet<string>): string[] {
  return columns
    .filter((column) => column.notNull && column.default === undefined && !column.generated && !loaded.has(column.name))
    .map(({ name }) => name);
}

/** @param key what rows could be updated by */
function checkRequired(
  lacking: readonly string[],
  load: readonly LoadColumn[],
  name: string,
  place: Place,
  key: readonly string[],
): void {
  if (lacking.length === 0) return;
  if (place.hidden)
    throw new SluiceError(
      "missing_header",
      `${where(place)}: the table "${name}" needs a value for ${lacking.length === 1 ? "1 column" : `${lacking.length} columns`} that no header means. Ask whoever runs the server which headers it takes.`,
    );
  const those = lacking.length === 1 ? "that column" : "those columns";
  const update =
    key.length === 0 ? "" : ` To update the rows that are there instead: --on-conflict update --key ${key.join(",")}.`;
  throw new SluiceError(
    "missing_header",
    `${where(place)}: the table "${name}" needs a value for ${lacking.map((column) => `"${column}"`).join(", ")}, and no header means ` +
      `${those}. Headers: ${load.map((entry) => entry.header).join(", ")}. ` +
      `Add ${those} to the sheet, or give ${lacking.length === 1 ? "it" : "them"} a default in the database. ` +
      `If one of these headers is meant, say so with --map ${JSON.stringify(`${load[0]!.header}=${lacking[0]!}`)}.${update}`,
  );
}

/** The note of an import that inserts no row. */
function onlyUpdates(only: readonly string[], loaded: ReadonlySet<string>, hidden: boolean): string {
  const filled = only.filter((name) => loaded.has(name));
  const list = (filled.length > 0 ? filled : only).map((name) => `"${name}"`).join(", ");
  const why =
    filled.length > 0
      ? `the database fills ${list} itself`
      : hidden
        ? "the sheet lacks columns that must have a value"
        : `the sheet has no column for ${list}, which must have a value`;
  return `rows are updated and none is added, because ${why}; a row whose key is not in the table is rejected`;
}

/**
 * A column without the check that its cells are not empty, if an empty cell means a value that is
 * not in the sheet.
 */
function withoutEmptyCheck(entry: LoadColumn, { empty }: Pick<ImportOptions, "empty">): LoadColumn {
  const { column } = entry;
  const elsewhere = empty === "keep" || (empty === "default" && column.default !== undefined);
  return elsewhere ? { ...entry, column: { ...column, notNull: false, primaryKey: false } } : entry;
}
