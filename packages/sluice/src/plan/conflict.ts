// Rows of the sheet that are the same as a row of the table, and what happens to them:
// `--on-conflict` and `--key`.
//
// The database decides, by a unique index over exactly the key's columns. Without one, two
// processes could both find the row missing. An empty cell in the key is NULL, and for PostgreSQL a
// NULL equals nothing. So such a row is always inserted (unless the index says
// `nulls not distinct`).
import { SluiceError, usageError } from "../errors.ts";
import { quoteIdentifier, quoteTable } from "../schema/identifiers.ts";
import type { LoadColumn, Conflict } from "../chunk/chunk.ts";
import { NOT_DELETED } from "../schema/schema.ts";
import type { TableInfo, UniqueIndex } from "../target.ts";
import type { Empty, OnConflict } from "../options.ts";

interface ConflictOptions {
  readonly onConflict?: OnConflict;
  readonly key?: readonly string[];
}

type Table = Pick<TableInfo, "columns" | "unique"> & { readonly kind?: string | undefined };

/**
 * The treatment of rows whose key is there; undefined if they are refused. It has more than 15
 * branches because each way in which a key can be wrong has its own error.
 *
 * @param fallback the key if none was named
 * @param lacking columns that must have a value and do not get one from the sheet
 * @throws SluiceError if the key has no unique index, or is not a key of this table and sheet
 */
export function conflictOf(
  { onConflict = "error", key }: ConflictOptions,
  table: string,
  info: Table,
  load: readonly LoadColumn[],
  fallback: readonly string[],
  lacking: readonly string[] = [],
): Conflict | undefined {
  if (onConflict !== "error" && info.kind !== undefined) checkKind(onConflict, table, info.kind);
  const columns = key ?? fallback;
  const loaded = new Set(load.map(({ column }) => column.name));
  if (key) checkKey(key, table, info, load);
  if (onConflict === "error") {
    if (key && !indexOver(key, info.unique) && !nearIndex(key, info.unique)?.deferrable)
      throw noIndex(key, table, info);
    return undefined;
  }
  const touched = info.unique.filter((index) => index.expression || index.columns.some((column) => loaded.has(column)));
  // To skip, any unique index will do that a loaded row can hurt.
  if (columns.length === 0 && (onConflict === "update" || touched.length === 0)) throw noKey(onConflict, table);
  const index = columns.length === 0 ? undefined : indexOver(columns, info.unique);
  if (columns.length > 0 && (!index || nearIndex(columns, info.unique)?.deferrable))
    throw noIndex(columns, table, info);
  const others = touched.some((other) => other !== index);
  const partitioned = info.kind === "p" && onConflict === "update";
  const filled = load.filter(({ column }) => column.generated && columns.includes(column.name));
  const only = [...lacking, ...filled.map(({ column }) => column.name)];
  return {
    action: onConflict,
    key: columns,
    where: index?.where,
    others,
    ...(partitioned ? { partitioned } : {}),
    ...(onConflict === "update" && only.length > 0 ? { only } : {}),
  };
}

/** @throws SluiceError if a column that `--key` names is not in the table, or is not loaded */
function checkKey(key: readonly string[], table: string, info: Table, load: readonly LoadColumn[]): void {
  const loaded = new Set(load.map(({ column }) => column.name));
  for (const name of key) {
    if (!info.columns.some((column) => column.name === name)) {
      throw usageError(
        "unknown_key",
        `--key names the column "${name}", which the table "${table}" does not have. It has: ${info.columns.map((column) => column.name).join(", ")}.`,
      );
    }
    if (!loaded.has(name)) {
      throw new SluiceError(
        "key_not_loaded",
        `--key names the column "${name}", and no header of the sheet goes there. Headers: ${load.map(({ header }) => header).join(", ")}. Name the header with --map "Header=${name}".`,
      );
    }
  }
}

function noKey(onConflict: OnConflict, table: string): SluiceError {
  const lacks =
    onConflict === "update" ? "no primary key among those that are loaded" : "no unique index over any that is loaded";
  return usageError(
    "no_key",
    `--on-conflict ${onConflict} needs to know which columns tell rows apart, and the table "${table}" has ${lacks}. Name them: --key column,column`,
  );
}

/** @throws SluiceError if empty cells can keep nothing, since no row is updated */
export function checkEmpty({ empty, onConflict }: { readonly empty?: Empty; readonly onConflict?: OnConflict }): void {
  if (empty === "keep" && onConflict !== "update") {
    throw usageError(
      "empty_keep",
      "--empty keep says what an update leaves in a row that is there, so it goes with --on-conflict update. For new rows there is --empty default.",
    );
  }
}

/** Only a table has the unique indexes that ON CONFLICT needs. */
function checkKind(onConflict: OnConflict, table: string, kind: string): void {
  const what = kind === "v" ? "a view" : kind === "f" ? "a foreign table" : undefined;
  if (what === undefined) return;
  throw usageError(
    "no_unique_index",
    `"${table}" is ${what}, and --on-conflict ${onConflict} goes by a unique index, which ${what} does not have. ` +
      `Import into the table that the rows end up in${kind === "f" ? ", in its own database" : ""}, or leave --on-conflict out.`,
  );
}

/**
 * The conflict rule that an import which continues was begun with, by the table as it is now: the
 * condition of the unique index is the catalogue's.
 *
 * @throws SluiceError (`no_unique_index`) if the index is gone
 */
export function conflictNow(
  stored: Omit<Conflict, "where"> | undefined,
  table: string,
  info: Pick<TableInfo, "columns" | "unique">,
): Conflict | undefined {
  if (!stored || stored.key.length === 0) return stored && { ...stored, where: undefined };
  const index = indexOver(stored.key, info.unique);
  if (!index) throw noIndex(stored.key, table, info);
  return { ...stored, where: index.where };
}

/**
 * ` on conflict …`, for the end of an INSERT.
 *
 * @param value what a column is written over with, as SQL of the quoted column; what the INSERT
 *   brings by default
 */
export function onConflictSql(
  conflict: Conflict | undefined,
  columns: readonly string[],
  value: (column: string) => string = (column) => `excluded.${column}`,
): string {
  if (!conflict) return "";
  const { action, key, where } = conflict;
  const target =
    key.length === 0 ? "" : ` (${key.map(quoteIdentifier).join(", ")})${where === undefined ? "" : ` where ${where}`}`;
  if (action === "skip") return ` on conflict${target} do nothing`;
  const others = columns.filter((column) => !key.includes(column));
  // A sheet of nothing but keys has nothing to write over; the row counts as updated all the same.
  const written = (others.length > 0 ? others : key).map(quoteIdentifier);
  const set = written.map((column) => `${column} = ${value(column)}`);
  if (conflict.partitioned) {
    // The key tells which row is written over: the key in the table, or, if the key itself is
    // written, the new one.
    const mark = rowOf(key, others.length > 0 ? TARGET : "excluded");
    set[0] = `${written[0]} = case when set_config('${MARK}', ${mark}, true) is null then null else ${value(written[0]!)} end`;
  }
  return ` on conflict${target} do update set ${set.join(", ")}`;
}

/** The setting that has the key of the row that was written over last. */
const MARK = "sluice.written_over";
/** The name of the table in statements that need one for it. */
export const TARGET = "sluice_target";

/** ` as …` after the table of an INSERT, if its conflict needs a name for it. */
export function aliasSql(conflict: Conflict | undefined): string {
  return conflict?.partitioned ? ` as ${TARGET}` : "";
}

/**
 * The condition, as SQL, that a row that an INSERT returns was not there before. `xmax` says so,
 * but not of a row that was routed to a partition. There SET leaves a mark when a row is written
 * over, and the row that is returned next is compared with it. Rejected: to look for the keys
 * before, or to try DO NOTHING first. Either would count wrong what another process puts in
 * meanwhile, and run triggers twice.
 */
export function freshSql(conflict: Conflict | undefined): string {
  if (conflict?.action !== "update") return "true";
  if (!conflict.partitioned) return "(xmax = 0)";
  return `(current_setting('${MARK}', true) is distinct from ${rowOf(conflict.key, TARGET)})`;
}

function rowOf(key: readonly string[], of: string): string {
  return `row(${key.map((column) => `${of}.${quoteIdentifier(column)}`).join(", ")})::text`;
}

/**
 * The unique index over exactly these columns; one that leaves out what is deleted before one that
 * does not.
 */
export function indexOver(key: readonly string[], unique: readonly UniqueIndex[]): UniqueIndex | undefined {
  const fits = unique.filter(({ arbiter, columns }) => arbiter && sameColumns(key, columns));
  return (
    fits.find(({ where }) => where !== undefined && LEAVES_OUT_DELETED.test(where)) ??
    fits.find(({ where }) => where === undefined)
  );
}

/**
 * The index that is nearest to these columns, the worst first: one that is deferrable spoils ON
 * CONFLICT for all of them.
 */
function nearIndex(key: readonly string[], unique: readonly UniqueIndex[]): UniqueIndex | undefined {
  const near = unique.filter(({ columns, expression }) => !expression && sameColumns(key, columns));
  return near.find(({ deferrable }) => deferrable) ?? near[0];
}

function sameColumns(one: readonly string[], two: readonly string[]): boolean {
  return one.length === two.length && one.every((column) => two.includes(column));
}

/** The soft delete of the guide: a row whose deleted_at is set is not a row any more. */
export const LEAVES_OUT_DELETED: RegExp = /^\(?"?deleted_at"? is null\)?$/i;

function noIndex(key: readonly string[], table: string, info: Pick<TableInfo, "columns" | "unique">): SluiceError {
  const names = key.map((column) => `"${column}"`).join(", ");
  const over = key.map(quoteIdentifier).join(", ");
  const near = nearIndex(key, info.unique);
  if (near?.deferrable) {
    return new SluiceError(
      "no_unique_index",
      `the table "${table}" has the constraint "${near.name}" over ${names}, which is deferrable, and ON CONFLICT goes by those that are checked at once. ` +
        `Make it so: alter table ${quoteTable(table)} drop constraint ${quoteIdentifier(near.name)}, add ${near.primary ? "primary key" : "unique"} (${over});`,
    );
  }
  if (near) {
    const why =
      near.where === undefined
        ? "is no unique index that ON CONFLICT can go by"
        : `covers only rows where ${near.where.replace(/^\((.*)\)$/s, "$1")} (of such indexes, only one where deleted_at is null will do)`;
    return new SluiceError(
      "no_unique_index",
      `the table "${table}" has the index "${near.name}" over ${names}, which does not do: it ${why}. ` +
        `Make one besides it: create unique index on ${quoteTable(table)} (${over});`,
    );
  }
  const soft = info.columns.some((column) => column.name === "deleted_at") ? ` where ${NOT_DELETED}` : "";
  return new SluiceError(
    "no_unique_index",
    `the table "${table}" has no unique index over exactly ${names}, without which two rows of one key cannot be kept apart. ` +
      `Make it: create unique index on ${quoteTable(table)} (${key.map(quoteIdentifier).join(", ")})${soft};`,
  );
}
