// The rows that a repeated import puts in once more although a key decides: those that the key's
// index does not keep apart.
//
// An index that is unique holds back a row only if nothing in its columns is NULL (unless it says
// `nulls not distinct`), and only if the row has the same values there each time.
import type { Conflict, LoadColumn } from "../chunk/chunk.ts";
import { quoteIdentifier } from "../schema/identifiers.ts";
import type { Empty } from "../options.ts";
import type { TableInfo, UniqueIndex } from "../target.ts";
import { indexOver, LEAVES_OUT_DELETED } from "./conflict.ts";

/** Rows of a table that would go in again. */
export interface Unheld {
  /** The condition for them, as SQL over the table's columns. */
  readonly where: string;
  /** The reason, for people. */
  readonly why: string;
}

/**
 * @param conflict undefined: rows whose key is there are rejected, by whichever index
 * @returns undefined if no row would
 */
export function unheldRows(
  conflict: Conflict | undefined,
  info: Pick<TableInfo, "columns" | "unique">,
  load: readonly LoadColumn[],
  empty: Empty | undefined,
): Unheld | undefined {
  if (conflict?.only !== undefined) return undefined; // no row is inserted
  const loaded = new Set(load.map(({ column }) => column.name));
  const holding = conflict && conflict.key.length > 0 ? [indexOver(conflict.key, info.unique)] : info.unique;
  const all = holding
    .filter((index) => index !== undefined && holds(index, loaded))
    .map((index) => unheldBy(index!, info, loaded, empty));
  if (all.includes(undefined)) return undefined;
  return all[0] ?? { where: "true", why: "no unique index of the table has only columns that the sheet brings" };
}

/** Reports whether ON CONFLICT goes by the index, and a row has the same values in it each time. */
function holds({ arbiter, columns, where }: UniqueIndex, loaded: ReadonlySet<string>): boolean {
  return (
    arbiter && columns.every((name) => loaded.has(name)) && (where === undefined || LEAVES_OUT_DELETED.test(where))
  );
}

function unheldBy(
  { columns, where, nullsDistinct }: UniqueIndex,
  info: Pick<TableInfo, "columns">,
  loaded: ReadonlySet<string>,
  empty: Empty | undefined,
): Unheld | undefined {
  const own = info.columns.filter(({ name }) => columns.includes(name));
  const names = own.map(({ name }) => `"${name}"`).join(", ");
  if (empty === "default" && own.some((column) => column.default !== undefined))
    return { where: "true", why: `the default of the key (${names}) can be another one each time` };
  const nullable = nullsDistinct ? own.filter(({ notNull }) => !notNull) : [];
  const terms = nullable.map(({ name }) => `${quoteIdentifier(name)} is null`);
  const deleted = where !== undefined && loaded.has("deleted_at");
  if (deleted) terms.push("deleted_at is not null");
  if (terms.length === 0) return undefined;
  const which = [...(nullable.length > 0 ? [`in which the key (${names}) is empty`] : []), ...(deleted ? ["in which deleted_at is set"] : [])]; // prettier-ignore
  return { where: terms.join(" or "), why: `the key does not tell rows apart ${which.join(", or ")}` };
}
