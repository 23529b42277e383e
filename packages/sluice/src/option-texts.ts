// The texts of options as values: the command line and the HTTP service read them by the same
// rules.
import type { CsvOptions } from "@sluice/sheets";
import { type HeaderChoice, type ImportOptions, ORIGINS, type AddedColumns } from "./options.ts";
import type { TableSchema } from "./schema/schema.ts";
import { isTimeZone, TIME_ZONE_HELP } from "./schema/time-zone.ts";
import { parseRange } from "./sheet/range.ts";

/** A text that is not what its option expects. The message says what is. */
export class OptionTextError extends Error {
  override readonly name = "OptionTextError";
}

/** The options that say what a file is and where its columns go. */
export interface FileFlags {
  readonly table?: string;
  readonly sheet?: string;
  readonly schema?: string;
  readonly map: ReadonlyMap<string, string>;
  readonly type: ReadonlyMap<string, string>;
  readonly null: readonly string[];
  readonly timeZone?: string;
  readonly add: AddedColumns;
  readonly header?: BySheet<HeaderChoice>;
  readonly skip?: BySheet<number>;
  readonly range?: string;
  readonly limit?: number;
  readonly skipLast?: number;
  readonly allRows?: boolean;
  readonly fillMerged?: boolean;
  readonly text?: "shown" | "value";
  readonly links?: boolean;
  readonly migrate?: boolean;
  readonly delimiter?: string;
  readonly quote?: string;
  readonly encoding?: string;
  readonly escape?: "backslash" | "none";
  readonly streamingOnly?: boolean;
}

/**
 * The engine's options for the flags. It has more than 15 branches because it is a list: an option
 * that is not stated is left out.
 */
export function fileOptions(
  flags: FileFlags,
  schema: TableSchema | undefined,
): Pick<
  ImportOptions,
  | "table"
  | "sheet"
  | "schema"
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
  | "add"
  | "fillMerged"
  | "text"
  | "links"
  | "migrate"
  | "csv"
  | "formats"
> {
  const { table, sheet, header, skip, range, limit, skipLast, allRows, fillMerged, map, type: types } = flags;
  const { null: nulls, timeZone, migrate = false } = flags;
  return {
    map,
    types,
    add: flags.add,
    migrate,
    ...(nulls.length === 0 ? {} : { nulls }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...csvOptions(flags),
    ...(flags.streamingOnly === true ? { formats: "streaming" as const } : {}),
    ...(table === undefined ? {} : { table }),
    ...(sheet === undefined ? {} : { sheet }),
    ...(header?.all === undefined ? {} : { header: header.all }),
    ...(header === undefined || header.sheets.size === 0 ? {} : { headers: header.sheets }),
    ...(skip?.all === undefined ? {} : { skip: skip.all }),
    ...(skip === undefined || skip.sheets.size === 0 ? {} : { skips: skip.sheets }),
    ...(range === undefined ? {} : { range }),
    ...(limit === undefined ? {} : { limit }),
    ...(skipLast === undefined ? {} : { skipLast }),
    ...(allRows === undefined ? {} : { allRows }),
    ...(fillMerged === undefined ? {} : { fillMerged }),
    ...(flags.text === "shown" ? { text: "shown" as const } : {}),
    ...(flags.links === true ? { links: true } : {}),
    ...(schema === undefined ? {} : { schema }),
  };
}

/** The options for delimited text that the flags state. */
function csvOptions({ delimiter, quote, encoding, escape }: FileFlags): { csv?: CsvOptions } {
  const given = Object.entries({ delimiter, quote, encoding, escape }).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { csv: Object.fromEntries(given) };
}

/** A whole number from 0. */
export function natural(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new OptionTextError(`Expected a whole number, got "${text}".`);
  return Number(text);
}

/** A whole number from 1. */
export function positive(text: string): number {
  const n = natural(text);
  if (n === 0) throw new OptionTextError("Expected a whole number from 1.");
  return n;
}

/** Names with commas between them. */
export function columnNames(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes(""))
    throw new OptionTextError(`Expected names of columns with commas between them, got "${text}".`);
  return names;
}

export function addedColumns(text: string, before: AddedColumns): AddedColumns {
  const added = new Map(before);
  for (const one of text.split(",")) {
    const [, what = "", column = what] = /^\s*([^=]*?)\s*(?:=\s*(.*?)\s*)?$/s.exec(one)!;
    const origin = ORIGINS.find((known) => known === what);
    if (!origin || column === "")
      throw new OptionTextError(`Expected file, sheet, row or section, or row=column, got "${one}".`);
    added.set(origin, column);
  }
  return added;
}

/** A header may hold `=`, a column's name hardly. */
export function headerMap(text: string, map: ReadonlyMap<string, string>): Map<string, string> {
  const at = text.lastIndexOf("=");
  if (at < 1) throw new OptionTextError(`Expected "Header=column", got "${text}".`);
  return new Map(map).set(text.slice(0, at).trim(), text.slice(at + 1).trim());
}

export function typeMap(text: string, map: ReadonlyMap<string, string>): Map<string, string> {
  const at = text.lastIndexOf("=");
  const type = text.slice(at + 1).trim();
  if (at < 1 || type === "") throw new OptionTextError(`Expected "column=type", got "${text}".`);
  return new Map(map).set(text.slice(0, at).trim(), type);
}

export function timeZone(text: string): string {
  if (!isTimeZone(text)) throw new OptionTextError(`Expected ${TIME_ZONE_HELP}, got "${text}".`);
  return text;
}

/** The value of an option for all sheets, and for single ones. */
export interface BySheet<Value> {
  readonly all?: Value;
  readonly sheets: ReadonlyMap<string, Value>;
}

/** `VALUE`, or `SHEET=VALUE`, beside what was said before. */
function bySheet<Value>(read: (text: string) => Value): (text: string, before?: BySheet<Value>) => BySheet<Value> {
  return (text, before = { sheets: new Map() }) => {
    const at = text.lastIndexOf("=");
    const value = read(text.slice(at + 1).trim());
    if (at < 1) return { ...before, all: value };
    return { ...before, sheets: new Map(before.sheets).set(text.slice(0, at).trim(), value) };
  };
}

/** The most rows that a stated header may have. */
const MOST_HEADER_ROWS = 6;

function headerChoice(text: string): HeaderChoice {
  if (text === "none") return text;
  const [, first, last] = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(text) ?? [];
  const rows = [Number(first), Number(last ?? first)] as const;
  if (first === undefined || rows[0] < 1 || rows[1] - rows[0] >= MOST_HEADER_ROWS || rows[1] < rows[0])
    throw new OptionTextError(`Expected a row number, two rows such as 2-3, or none, got "${text}".`);
  return rows;
}

export function range(text: string): string {
  parseRange(text);
  return text;
}

export function tableName(text: string): string {
  if (text.split(".").some((part) => part === "" || Buffer.byteLength(part) > 63)) {
    throw new OptionTextError(`Expected a name of at most 63 bytes, or schema.name, got "${text}".`);
  }
  if (text.includes("\0")) throw new OptionTextError("Expected a name without a NUL character.");
  return text;
}

export function delimiter(text: string): string {
  if (text === "tab" || text === "\\t") return "\t";
  if (text.length !== 1) throw new OptionTextError(`Expected one character, or tab, got "${text}".`);
  return text;
}

export function quote(text: string): string {
  if (text === "none") return "";
  if (text.length !== 1) throw new OptionTextError(`Expected one character, or none, got "${text}".`);
  return text;
}

/** `--header`, for all sheets and for single ones. */
export const headers: ReturnType<typeof bySheet<HeaderChoice>> = bySheet((text) => headerChoice(text));
/** `--skip`, likewise. */
export const skips: ReturnType<typeof bySheet<number>> = bySheet((text) => natural(text));
