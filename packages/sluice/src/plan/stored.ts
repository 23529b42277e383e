// The reader of what the ledger stores. All of that is data, and any role that imports may have
// written it. So nothing of it is run as SQL, identifiers are quoted, and what has another shape
// than this program writes is refused.
import { numberReader } from "../schema/number-format.ts";
import { isTimeZone } from "../schema/time-zone.ts";
import { dateReader } from "../schema/date-format.ts";
import { SluiceError } from "../errors.ts";
import { quoteIdentifier } from "../schema/identifiers.ts";
import { inLines } from "../printable.ts";
import { indexDdl, INFERRED_FROM, type IndexSpec } from "../schema/schema.ts";

/** An index that is left to build. */
export interface IndexLeft {
  /** undefined: an earlier version stored it as SQL. That is never run, only shown. */
  readonly spec: IndexSpec | undefined;
  /** The statement, for people. */
  readonly ddl: string;
}

/** The code of a ledger that somebody else has changed. */
export const BAD_LEDGER = "bad_ledger";

/** A ledger's row that this program did not write. */
export function badLedger(id: string, what: string): SluiceError {
  return new SluiceError(
    BAD_LEDGER,
    `what the ledger has of the import ${id} is not what this program writes: ${what}. Somebody else has changed it, so the import cannot go on. ` +
      `End it with sluice imports cancel ${id}, and look at who may write to the schema sluice.`,
  );
}

/** Reports whether a text can be an import's id, which messages show as a part of commands. */
export function isId(text: string): boolean {
  return /^[0-9A-Za-z_-]{1,64}$/.test(text);
}

/** The indexes that are left to build, from their column in the ledger. */
export function indexesFrom(json: string, table: string): IndexLeft[] {
  const list: unknown = JSON.parse(json);
  return (Array.isArray(list) ? (list as unknown[]) : []).map((one): IndexLeft => {
    if (isIndexSpec(one)) return { spec: one, ddl: inLines(indexDdl(one, table)) };
    return { spec: undefined, ddl: inLines(typeof one === "string" ? one : JSON.stringify(one)) };
  });
}

function isIndexSpec(value: unknown): value is IndexSpec {
  if (!isObject(value)) return false;
  const { name, columns, ...others } = value;
  return (
    Object.keys(others).length === 0 &&
    (name === undefined || isName(name)) &&
    Array.isArray(columns) &&
    columns.length > 0 &&
    columns.every(isName)
  );
}

/**
 * A plan's JSON, as it was stored.
 *
 * @param methods those that there are
 * @throws SluiceError (`bad_ledger`) if it has another shape than those that are written
 */
export function planFrom(json: string, id: string, methods: readonly string[]): Record<string, unknown> {
  const plan: unknown = JSON.parse(json);
  if (!isObject(plan)) throw badLedger(id, "its plan is not an object");
  for (const [key, fits] of Object.entries(PLAN)) {
    if (!fits(plan[key])) throw badLedger(id, `"${key}" of its plan is ${shown(plan[key])}`);
  }
  if (!methods.includes(plan["method"] as string)) throw badLedger(id, `its method is ${shown(plan["method"])}`);
  return plan;
}

/** A wish's JSON. @throws SluiceError (`bad_ledger`) if it is not one */
export function wishFrom(json: string, id: string): Record<string, unknown> {
  let wish: unknown;
  try {
    wish = JSON.parse(json);
  } catch {
    // Told below.
  }
  if (!isObject(wish)) throw badLedger(id, "its wish is not an object");
  const { map, types, key, onConflict } = wish;
  if (![map, types].every(isPairs) || !isList(isName)(key) || typeof onConflict !== "string")
    throw badLedger(id, `its wish is ${shown(wish)}`);
  return wish;
}

/**
 * A test of a value from JSON. The constants below make larger tests of smaller ones, so COLUMN and
 * PLAN read like the types that they check.
 */
type Fits = (value: unknown) => boolean;

const isBoolean: Fits = (value) => typeof value === "boolean";
const isText: Fits = (value) => typeof value === "string";
const isCount: Fits = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const isNatural: Fits = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isList =
  (fits: Fits): Fits =>
  (value) =>
    Array.isArray(value) && value.every(fits);
const isOptional =
  (fits: Fits): Fits =>
  (value) =>
    value === undefined || fits(value);
const isPairs: Fits = isList((pair) => isList(isText)(pair) && (pair as unknown[]).length === 2);
const hasShape =
  (shape: Readonly<Record<string, Fits>>): Fits =>
  (value) =>
    isObject(value) && Object.entries(shape).every(([key, fits]) => fits(value[key]));

const isStorage: Fits = (value) => {
  if (typeof value === "string") return true;
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  if (entries.length !== 1) return false;
  const [kind, part] = entries[0]!;
  if (kind === "row") return isList(isStorage)(part);
  return (kind === "array" || kind === "range" || kind === "multirange") && isStorage(part);
};

/**
 * The fields of a column that is loaded. The check of a schema file is not stored; `checked` tells
 * that there is one.
 */
const COLUMN: Readonly<Record<string, Fits>> = {
  name: isName,
  type: isText,
  storage: isOptional(isStorage),
  headers: isList(isText),
  notNull: isBoolean,
  maxLength: isOptional(isCount),
  format: isOptional((value) => value === "email"),
  dateFormat: isOptional((value) => typeof value === "string" && dateReader(value) !== undefined),
  numberFormat: isOptional((value) => typeof value === "string" && numberReader(value) !== undefined),
  nulls: isOptional(isList(isText)),
  timeZone: isOptional((value) => typeof value === "string" && isTimeZone(value)),
  primaryKey: isBoolean,
  unique: isBoolean,
  generated: isBoolean,
  checked: isBoolean,
  inferred: isOptional((value) => (INFERRED_FROM as readonly unknown[]).includes(value)),
};

const isMade: Fits = (value) => {
  if (!isObject(value) || Object.keys(value).length !== 1) return false;
  const { text, row, section, from, link } = value;
  return text === null || isText(text) || row === true || section === true || isList(isCount)(from) || isCount(link);
};

/** A column of cells, or one that is made. */
const isLoaded: Fits = (value) =>
  hasShape({ column: hasShape(COLUMN), header: isText })(value) &&
  (isObject(value) && value["made"] !== undefined
    ? value["sheetColumn"] === 0 && isMade(value["made"])
    : hasShape({ sheetColumn: isCount })(value));

/**
 * The fields of a plan (plan.ts). A new field has to be optional here: a plan that an earlier
 * version stored does not have it, and its import can still be resumed.
 */
const PLAN: Readonly<Record<string, Fits>> = {
  method: isText,
  table: isName,
  created: isBoolean,
  load: (value) => isList(isLoaded)(value) && (value as unknown[]).length > 0,
  headers: isList(
    hasShape({ sheetColumn: isCount, text: isText, unit: isOptional(isText), numberFormat: isOptional(isText) }),
  ),
  headerRows: isOptional(isList(isCount)),
  firstRow: isCount,
  records: isOptional(
    hasShape({
      firstRow: isCount,
      all: isBoolean,
      repeated: isList(isList(hasShape({ column: isCount, text: isText }))),
      folds: isOptional(isBoolean),
      drawn: isOptional(isBoolean),
      usual: isNatural,
      sections: isOptional(hasShape({ begin: isCount, texts: isOptional(isList(isCount)), title: isOptional(isText) })),
      gaps: isBoolean,
      totals: isList(isCount),
      limit: isOptional(isCount),
      skipLast: isOptional(isNatural),
      merged: isOptional(isList(hasShape({ column: isCount, firstRow: isCount, lastRow: isCount }))),
    }),
  ),
  range: isOptional(isText),
  text: isOptional((value) => value === "shown"),
  links: isOptional(isBoolean),
  width: (value) => value === "exact" || value === "pad",
  ordered: isBoolean,
  conflict: isOptional(
    hasShape({
      action: (value) => value === "skip" || value === "update",
      key: isList(isName),
      others: isBoolean,
      only: isOptional(isList(isName)),
    }),
  ),
  atomic: isBoolean,
  replace: isBoolean,
  csv: isOptional(
    hasShape({
      delimiter: isOptional(isText),
      quote: isOptional(isText),
      encoding: isOptional(isText),
      escape: isOptional(isText),
    }),
  ),
  firstRows: isCount,
  rowsPerChunk: isCount,
  step: isCount,
  bytesPerChunk: isOptional(isCount),
  empty: isOptional((value) => value === "keep" || value === "default"),
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reports whether a value can be quoted as an identifier. */
function isName(value: unknown): value is string {
  if (typeof value !== "string" || value === "") return false;
  try {
    return quoteIdentifier(value) !== "";
  } catch {
    return false;
  }
}

export function shown(value: unknown): string {
  return inLines((JSON.stringify(value) ?? "missing").slice(0, 200));
}
