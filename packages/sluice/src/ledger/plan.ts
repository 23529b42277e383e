// What decides how a sheet becomes chunks and rows: stored when an import begins, and read again when it goes on, so that chunk n
// is the same whatever the options, the schema file or the table have become since.
import type { CsvOptions } from "@sluice/sheets";
import type { LoadColumn } from "../chunk.ts";
import type { Conflict } from "../conflict.ts";
import { SluiceError } from "../errors.ts";
import type { ImportOptions } from "../import.ts";
import type { Header } from "../mapping.ts";
import { METHODS, type Method } from "../method.ts";
import type { Column, TableSchema } from "../schema.ts";
import { hashText } from "./hash.ts";
import { planFrom, wishFrom } from "./stored.ts";

export type Wish = Pick<
  ImportOptions,
  "map" | "types" | "header" | "skip" | "csv" | "onConflict" | "key" | "atomic" | "mode"
>;

export interface Plan {
  readonly method: Method;
  /** `table` or `schema.table`, not quoted. */
  readonly table: string;
  /** The import made the table. */
  readonly created: boolean;
  readonly load: readonly LoadColumn[];
  /** Of the sheet, loaded or not. */
  readonly headers: readonly Header[];
  /** No record stands above this row. */
  readonly firstRow: number;
  readonly width: "exact" | "pad";
  /** A unique constraint decides between rows, so they go in in the sheet's order. */
  readonly ordered: boolean;
  readonly conflict: Conflict | undefined;
  /** All rows in one transaction. */
  readonly atomic: boolean;
  /** The rows that were in the table before are deleted in that transaction. */
  readonly replace: boolean;
  /** How delimited text is read, where that was said. */
  readonly csv: CsvOptions | undefined;
  /** Records of the first chunk; each one after it has twice as many, up to `rowsPerChunk`. */
  readonly firstRows: number;
  readonly rowsPerChunk: number;
  /** What a chunk's records weigh at most, in bytes; imports that earlier versions began have no such limit. */
  readonly bytesPerChunk?: number;
  /** Rows that commit together, where that is fewer than a chunk. */
  readonly step: number;
}

/**
 * A plan as JSON. A check is a function: that there is one is stored, and the schema file must bring it again. No SQL is stored
 * either: a default has done its work when the table is made, and the condition of a key's index is asked for again.
 */
export function storePlan(plan: Plan): string {
  const load = plan.load.map((entry) => ({ ...entry, column: { ...storedColumn(entry.column), default: undefined } }));
  const conflict = plan.conflict && { ...plan.conflict, where: undefined };
  return JSON.stringify({ ...plan, load, conflict });
}

/** A plan as it is stored: `conflictNow` gives the condition of its key's index. */
export type StoredPlan = Omit<Plan, "conflict"> & { readonly conflict: Omit<Conflict, "where"> | undefined };

/**
 * @throws SluiceError (`check_missing`) where a column's check is not in the schema of today, (`bad_ledger`) where it is not a plan
 * of this program
 */
export function revivePlan(json: string, schema: TableSchema | undefined, id: string): StoredPlan {
  const plan = planFrom(json, id, METHODS) as unknown as Omit<StoredPlan, "load"> & {
    readonly load: readonly (Omit<LoadColumn, "column"> & { readonly column: ReturnType<typeof storedColumn> })[];
  };
  const load = plan.load.map((entry): LoadColumn => {
    const { checked, ...column } = entry.column;
    const check = checked ? schema?.columns.find(({ name }) => name === column.name)?.check : undefined;
    if (checked && !check) {
      throw new SluiceError(
        "check_missing",
        `the import ${id} was begun with a schema file that checks the column "${column.name}", and that check is not to be found now. Give the same file with --schema.`,
      );
    }
    // JSON leaves out what is undefined.
    const { storage, maxLength, format, dateFormat } = column;
    return { ...entry, column: { ...column, storage, maxLength, format, dateFormat, default: undefined, check } };
  });
  const { conflict } = plan;
  // Of a condition that an earlier version stored nothing is kept.
  const by = conflict && { action: conflict.action, key: conflict.key, others: conflict.others };
  return { ...plan, load, conflict: by };
}

/** The headers of the sheet that a stored plan is for. */
export function headersOf(json: string, id: string): readonly Header[] {
  return (planFrom(json, id, METHODS) as unknown as StoredPlan).headers;
}

/** What was asked for and changes what rows become: an unfinished import goes on by itself only where this is the same. */
export function wishOf(options: Wish): string {
  const { map, types, header, skip, csv, onConflict = "error", key = [], atomic = false, mode } = options;
  const sorted = (entries: Iterable<readonly [string, unknown]> = []): (readonly [string, unknown])[] =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({
    map: sorted(map),
    types: sorted(types),
    header,
    skip,
    csv: sorted(Object.entries(csv ?? {})),
    onConflict,
    key,
    atomic,
    replace: mode === "replace",
  });
}

/** What an import was begun with and options say otherwise, for people; what they leave open is no contradiction. */
export function contradictions(
  stored: { readonly id: string; readonly table: string; readonly plan: string; readonly wish: string },
  given: Partial<Pick<ImportOptions, "table" | "method" | "onConflict" | "key" | "map" | "types">>,
): string[] {
  const { method, conflict } = planFrom(stored.plan, stored.id, METHODS) as unknown as StoredPlan;
  const wish = wishFrom(stored.wish, stored.id) as unknown as {
    readonly map: readonly (readonly [string, string])[];
    readonly types: readonly (readonly [string, string])[];
    readonly onConflict: string;
    readonly key: readonly string[];
  };
  const found: string[] = [];
  const compare = (option: string, asked: string | undefined, was: string | undefined): void => {
    if (asked !== undefined && asked !== was)
      found.push(
        `${option} ${asked} was given, and it was begun with ${was === undefined ? "none" : `${option} ${was}`}`,
      );
  };
  // The order of a key's columns says nothing; where none was given, what was found is the key.
  const keyOf = (key: readonly string[] = []): string | undefined =>
    key.length === 0 ? undefined : key.toSorted().join(",");
  compare("--table", given.table, stored.table);
  compare("--method", given.method, method);
  compare("--on-conflict", given.onConflict, wish.onConflict);
  compare("--key", keyOf(given.key), keyOf(wish.key.length > 0 ? wish.key : conflict?.key));
  for (const [option, asked, was] of [
    ["--map", given.map, new Map(wish.map)],
    ["--type", given.types, new Map(wish.types)],
  ] as const) {
    for (const [name, value] of asked ?? []) {
      const before = was.get(name);
      compare(
        option,
        JSON.stringify(`${name}=${value}`),
        before === undefined ? undefined : JSON.stringify(`${name}=${before}`),
      );
    }
  }
  return found;
}

/** How an import that is to go on reads delimited text. */
export function csvOf(json: string, id: string): CsvOptions | undefined {
  return (planFrom(json, id, METHODS) as unknown as StoredPlan).csv;
}

/** The version of a schema; empty without one. */
export function schemaHash(schema: TableSchema | undefined): string {
  if (!schema) return "";
  return hashText(JSON.stringify({ ...schema, columns: schema.columns.map(storedColumn) }));
}

function storedColumn({ check, ...column }: Column): Omit<Column, "check"> & { readonly checked: boolean } {
  return { ...column, checked: check !== undefined };
}
