// The plan of an import: everything that decides how a sheet becomes chunks and rows. It is stored
// when an import begins, and read again when it continues. So chunk n is the same, even if the
// options, the schema file or the table have changed since.
import type { CsvOptions } from "@sluice/sheets";
import type { LoadColumn, Conflict, Sequence } from "../chunk/chunk.ts";
import { SluiceError } from "../errors.ts";
import { type ImportOptions, type Header, METHODS, type Method } from "../options.ts";
import type { Column, TableSchema } from "../schema/schema.ts";
import { hashText } from "../hash.ts";
import { EVERY_ROW, type RecordRules } from "../sheet/records.ts";
import { planFrom, wishFrom } from "./stored.ts";

export type Wish = Pick<
  ImportOptions,
  | "map"
  | "types"
  | "nulls"
  | "timeZone"
  | "header"
  | "headers"
  | "skip"
  | "skips"
  | "range"
  | "limit"
  | "skipLast"
  | "allRows"
  | "fillMerged"
  | "text"
  | "links"
  | "csv"
  | "onConflict"
  | "key"
  | "empty"
  | "add"
  | "atomic"
  | "mode"
>;

export interface Plan {
  readonly method: Method;
  /** `table` or `schema.table`, not quoted. */
  readonly table: string;
  /** The import made the table. */
  readonly created: boolean;
  readonly load: readonly LoadColumn[];
  /** The headers of the sheet, loaded or not. */
  readonly headers: readonly Header[];
  /**
   * The rows of the header; empty if the sheet does not have one. Undefined in imports that earlier
   * versions began.
   */
  readonly headerRows?: readonly number[];
  /** The first row that can be a record. */
  readonly firstRow: number;
  /**
   * The rules that say which rows from there on are records; in imports that earlier versions
   * began, all are.
   */
  readonly records?: RecordRules;
  /** The part of the sheet that is looked at, if that was stated. */
  readonly range?: string;
  /** Typed cells go into columns of text as they are shown. */
  readonly text?: "shown";
  /** The addresses of links are kept. */
  readonly links?: boolean;
  readonly width: "exact" | "pad";
  /** A unique constraint decides between rows, so they go in in the sheet's order. */
  readonly ordered: boolean;
  readonly conflict: Conflict | undefined;
  /** All rows in one transaction. */
  readonly atomic: boolean;
  /** The rows that were in the table before are deleted in that transaction. */
  readonly replace: boolean;
  /** The notation of delimited text, if that was stated. */
  readonly csv: CsvOptions | undefined;
  /** Records of the first chunk; each one after it has twice as many, up to `rowsPerChunk`. */
  readonly firstRows: number;
  readonly rowsPerChunk: number;
  /**
   * The most that a chunk's records weigh, in bytes; imports that earlier versions began have no
   * such limit.
   */
  readonly bytesPerChunk?: number;
  /** Rows that commit together, if that is fewer than a chunk. */
  readonly step: number;
  /** The meaning of an empty cell, if it is not NULL. */
  readonly empty?: "keep" | "default" | undefined;
  /**
   * The sequences of columns that are loaded. Never stored: the catalogue is asked for them again.
   */
  readonly sequences?: readonly Sequence[];
  /** COPY counts rows that the table does not keep. Never stored either. */
  readonly miscounts?: boolean;
  /** A foreign table that rows may go to. Never stored either. */
  readonly foreign?: string | undefined;
  /**
   * The columns of whole numbers, one of each unique index, if the rows are ordered. Chunks whose
   * numbers lie apart in all of them may load at the same time. Never stored either.
   */
  readonly apart?: readonly string[];
  /**
   * The defaults of columns, as SQL; set if empty cells mean more than NULL. Never stored either.
   */
  readonly defaults?: ReadonlyMap<string, string>;
}

/**
 * A plan as JSON. A check is a function: that there is one is stored, and the schema file must
 * bring it again. No SQL is stored either: a default has done its work when the table is made, and
 * the condition of a key's index is asked for again.
 */
export function storePlan(plan: Plan): string {
  const load = plan.load.map((entry) => ({ ...entry, column: { ...storedColumn(entry.column), default: undefined } }));
  const conflict = plan.conflict && { ...plan.conflict, where: undefined };
  return JSON.stringify({
    ...plan,
    load,
    conflict,
    sequences: undefined,
    miscounts: undefined,
    foreign: undefined,
    apart: undefined,
    defaults: undefined,
  });
}

/** A plan as it is stored: `conflictNow` gives the condition of its key's index. */
export type StoredPlan = Omit<Plan, "conflict" | "sequences" | "miscounts" | "foreign" | "apart" | "defaults"> & {
  readonly conflict: Omit<Conflict, "where"> | undefined;
};

/**
 * @throws SluiceError (`check_missing`) if a column's check is not in the current schema,
 *   (`bad_ledger`) if it is not a plan of this program
 */
export function revivePlan(json: string, schema: TableSchema | undefined, id: string): StoredPlan {
  const plan = planFrom(json, id, METHODS) as unknown as Omit<StoredPlan, "load"> & {
    readonly load: readonly (Omit<LoadColumn, "column"> & { readonly column: ReturnType<typeof storedColumn> })[];
  };
  const load = plan.load.map((entry): LoadColumn => {
    const { checked, transformed, ...column } = entry.column;
    const stated = schema?.columns.find(({ name }) => name === column.name);
    const check = checked ? stated?.check : undefined;
    const transform = transformed === true ? stated?.transform : undefined;
    if ((checked && !check) || (transformed === true && !transform)) {
      throw new SluiceError(
        "check_missing",
        `the import ${id} was begun with a schema file that ${checked ? "checks" : "transforms"} the column "${column.name}", and that ${checked ? "check" : "transform"} is not to be found now. Give the same file with --schema.`,
      );
    }
    // JSON leaves out what is undefined.
    const { storage, maxLength, format, dateFormat, numberFormat, nulls, timeZone } = column;
    const reading = { dateFormat, numberFormat, nulls, timeZone };
    const made = transform ? { transform } : {};
    return {
      ...entry,
      column: { ...column, storage, maxLength, format, ...reading, default: undefined, check, ...made },
    };
  });
  const { conflict } = plan;
  // Of a condition that an earlier version stored nothing is kept.
  const by = conflict && {
    action: conflict.action,
    key: conflict.key,
    others: conflict.others,
    ...(conflict.only === undefined ? {} : { only: conflict.only }),
  };
  return { ...plan, load, conflict: by };
}

/** The headers of the sheet that a stored plan is for. */
export function headersOf(json: string, id: string): readonly Header[] {
  return (planFrom(json, id, METHODS) as unknown as StoredPlan).headers;
}

/**
 * The options that were given and change what rows become: an unfinished import continues by itself
 * only if they are the same.
 */
export function wishOf(options: Wish): string {
  const { map, types, nulls, timeZone, header, skip, csv, onConflict = "error", key = [] } = options;
  const { headers, skips, range, limit, skipLast, allRows, fillMerged, text, links } = options;
  const { empty = "null", add, atomic = false, mode } = options;
  const sorted = (entries: Iterable<readonly [string, unknown]> = []): (readonly [string, unknown])[] =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({
    map: sorted(map),
    types: sorted(types),
    // Left out by JSON if they say nothing, as in wishes that earlier versions stored.
    nulls: nulls && nulls.length > 0 ? nulls : undefined,
    timeZone,
    header,
    skip,
    // What is not given is not written, so that the wishes of earlier versions are the same.
    headers: headers && sorted(headers),
    skips: skips && sorted(skips),
    range,
    limit,
    skipLast,
    allRows: allRows === true ? true : undefined,
    fillMerged: fillMerged === true ? true : undefined,
    text,
    links: links === true ? true : undefined,
    csv: sorted(Object.entries(csv ?? {})),
    onConflict,
    key,
    // What the default says is not stored, so that an import which an earlier version began is the
    // same one.
    empty: empty === "null" ? undefined : empty,
    add: add && add.size > 0 ? sorted(add) : undefined,
    atomic,
    replace: mode === "replace",
  });
}

/**
 * The options that contradict what an import was begun with, for people; an option that was not
 * given does not.
 */
export function contradictions(
  stored: { readonly id: string; readonly table: string; readonly plan: string; readonly wish: string },
  given: Partial<Pick<ImportOptions, "table" | "method">> & Wish,
): string[] {
  const { method, conflict } = planFrom(stored.plan, stored.id, METHODS) as unknown as StoredPlan;
  const wish = wishFrom(stored.wish, stored.id) as unknown as Record<string, unknown> & {
    readonly map: readonly (readonly [string, string])[];
    readonly types: readonly (readonly [string, string])[];
    readonly onConflict: string;
    readonly key: readonly string[];
    readonly empty?: string;
  };
  const found: string[] = [];
  const compare = (option: string, asked: string | undefined, was: string | undefined): void => {
    if (asked !== undefined && asked !== was)
      found.push(
        `${option} ${asked} was given, and it was begun with ${was === undefined ? "none" : `${option} ${was}`}`,
      );
  };
  // The order of a key's columns does not matter. If no key was given, the key that was found
  // counts.
  const keyOf = (key: readonly string[] = []): string | undefined =>
    key.length === 0 ? undefined : key.toSorted().join(",");
  compare("--table", given.table, stored.table);
  compare("--method", given.method, method);
  compare("--on-conflict", given.onConflict, wish.onConflict);
  compare("--empty", given.empty, wish.empty ?? "null");
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
  const asked = JSON.parse(wishOf(given)) as Record<string, unknown>;
  for (const [name, option] of Object.entries(OPTION_OF)) {
    const [value, before] = [asked[name], wish[name]];
    if (saysNothing(value) || JSON.stringify(value) === JSON.stringify(before)) continue;
    found.push(`${option} was given, and it was begun ${saysNothing(before) ? "without" : "with another one"}`);
  }
  return found;
}

/** The options of those parts of a wish that are compared as a whole. */
const OPTION_OF: Readonly<Record<string, string>> = {
  nulls: "--null",
  timeZone: "--time-zone",
  header: "--header",
  headers: "--header",
  skip: "--skip",
  skips: "--skip",
  range: "--range",
  limit: "--limit",
  skipLast: "--skip-last",
  allRows: "--all-rows",
  fillMerged: "--fill-merged",
  text: "--text",
  links: "--links",
  csv: "an option of delimited text",
  add: "--add",
  atomic: "--atomic",
  replace: "--replace",
};

function saysNothing(value: unknown): boolean {
  return value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}

/** The options by which an import that is to continue reads its sheet. */
export function readingOf(json: string, id: string): Pick<Plan, "range" | "text" | "links"> {
  const { range, text, links } = planFrom(json, id, METHODS) as unknown as StoredPlan;
  return readingOptions({ range, text, links });
}

/** The stated ones of these options. */
export function readingOptions({
  range,
  text,
  links,
}: {
  readonly [Option in "range" | "text" | "links"]?: Plan[Option] | undefined;
}): Pick<Plan, "range" | "text" | "links"> {
  return {
    ...(range === undefined ? {} : { range }),
    ...(text === undefined ? {} : { text }),
    ...(links === true ? { links } : {}),
  };
}

/** The rules that say which rows are records. */
export function rulesOf({ records, firstRow }: Pick<Plan, "records" | "firstRow">): RecordRules {
  return records ?? { ...EVERY_ROW, firstRow };
}

/** The options by which an import that is to continue reads delimited text. */
export function csvOf(json: string, id: string): CsvOptions | undefined {
  return (planFrom(json, id, METHODS) as unknown as StoredPlan).csv;
}

/** The version of a schema; empty without one. */
export function schemaHash(schema: TableSchema | undefined): string {
  if (!schema) return "";
  return hashText(JSON.stringify({ ...schema, columns: schema.columns.map(storedColumn) }));
}

function storedColumn({
  check,
  transform,
  ...column
}: Column): Omit<Column, "check" | "transform"> & { readonly checked: boolean; readonly transformed?: boolean } {
  return { ...column, checked: check !== undefined, ...(transform ? { transformed: true } : {}) };
}
