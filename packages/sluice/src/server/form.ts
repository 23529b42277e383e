// The fields of a form that say what to do with its file. They are the options of the command line
// in camelCase, and are read by the same rules (option-texts.ts). What only those who run the
// server may say is not among them: databases, schema files, limits.
import type { ImportOptions } from "../options.ts";
import { EMPTY, METHODS, ON_CONFLICT, type Method } from "../options.ts";
import * as texts from "../option-texts.ts";
import { HttpFailure } from "./failure.ts";

/** The values that a form has for each field, in their order. */
export type FormFields = ReadonlyMap<string, readonly string[]>;

/** The options that a form asks for. */
export type FormOptions = Omit<
  ImportOptions,
  "file" | "fileName" | "target" | "workbook" | "caller" | "formats" | "limits" | "onProgress" | "onRejects"
> & { readonly method: Method };

interface Field {
  readonly description: string;
  /** True if it may be given more than once. */
  readonly repeatable?: true;
  /** The texts that it takes, if these are few. */
  readonly values?: readonly string[];
}

const FLAG: readonly string[] = ["true", "false"];

/** All fields, by name; docs/import.md says more about each. */
export const FORM_FIELDS: Readonly<Record<string, Field>> = {
  table: { description: "`table` or `schema.table`; the file's name by default." },
  sheet: { description: "A sheet by name, or by number from 1, or `all`; the first visible one by default." },
  method: { description: "How rows go in; `copy` by default.", values: METHODS },
  workers: { description: "Connections that load at the same time." },
  batchSize: { description: "Rows an INSERT of the method `batch`." },
  chunkRows: { description: "Rows that the method `copy` commits together, at most." },
  map: { description: "`Header=column`; `Header=` leaves the header out.", repeatable: true },
  type: { description: "`column=type` of a new table, such as `born=date(DD/MM/YYYY)`.", repeatable: true },
  null: { description: "A text that means no value, or `column=TEXT`; an empty one: no guess.", repeatable: true },
  timeZone: { description: "The zone of times without one that go into `timestamptz`: `Europe/Berlin`, `+02:00`." },
  add: { description: "Columns that say where each row comes from: `file,sheet,row=line,section`.", repeatable: true },
  header: {
    description: "The row of the header, two rows such as `2-3`, or `none`; `Sheet=5` for one sheet.",
    repeatable: true,
  },
  skip: {
    description: "Rows at the top that are neither header nor record; `Sheet=3` for one sheet.",
    repeatable: true,
  },
  range: { description: "The part of the sheet that is looked at, such as `B2:K99`." },
  limit: { description: "The most records; the rest of the sheet is left out." },
  skipLast: { description: "Rows at the end that are no records." },
  allRows: { description: "Every row below the header is a record.", values: FLAG },
  fillMerged: { description: "Cells that are merged downwards get the value of the first one.", values: FLAG },
  text: { description: "What typed cells become in columns of text.", values: ["value", "shown"] },
  links: { description: "The addresses of links are kept, in columns of their own.", values: FLAG },
  migrate: { description: "Columns that an existing table lacks are added.", values: FLAG },
  delimiter: { description: "Of delimited text: one character, or `tab`." },
  quote: { description: "Of delimited text: one character, or `none`." },
  encoding: { description: "Of delimited text, such as `windows-1251`." },
  escape: { description: "Of delimited text: whether backslashes escape.", values: ["backslash", "none"] },
  onConflict: { description: "What becomes of a row whose key is in the table.", values: ON_CONFLICT },
  key: { description: "The columns that tell rows apart, with commas between them." },
  empty: { description: "What an empty cell means.", values: EMPTY },
  create: { description: "The table must not exist.", values: FLAG },
  append: { description: "The table must exist.", values: FLAG },
  replace: {
    description: "The rows that the table holds are deleted in the transaction that puts the new ones in.",
    values: FLAG,
  },
  atomic: { description: "All rows become visible at once, or none.", values: FLAG },
  dryRun: { description: "Everything is done and then undone.", values: FLAG },
  maxErrors: { description: "It stops when more rows than this have been rejected." },
  resume: {
    description: "`auto` goes on with an unfinished import of the same; `never` begins anew.",
    values: ["auto", "never"],
  },
  again: { description: "Imports once more what a finished import of the same has put in.", values: FLAG },
};

/** @throws HttpFailure 400 (`unknown_field`) that names the known fields */
export function expectField(name: string, others: readonly string[]): void {
  if (Object.hasOwn(FORM_FIELDS, name) || others.includes(name)) return;
  const known = [...others, ...Object.keys(FORM_FIELDS)];
  throw new HttpFailure(400, `Unknown field ${JSON.stringify(name)}. Use: ${known.join(", ")}`, {}, "unknown_field", {
    field: name,
    known,
  });
}

/**
 * The options that the fields state.
 *
 * @throws HttpFailure 400 (`bad_field`) for a text that a field does not take
 */
export function parseForm(fields: FormFields): FormOptions {
  checkFields(fields);
  const one = <Value>(name: string, read: (text: string) => Value): Value | undefined => {
    const text = fields.get(name)?.[0];
    return text === undefined ? undefined : reading(name, () => read(text));
  };
  const all = <Value>(name: string, read: (text: string, before: Value) => Value, first: Value): Value =>
    (fields.get(name) ?? []).reduce((before, text) => reading(name, () => read(text, before)), first);
  const text = (name: string): string | undefined => fields.get(name)?.[0];
  const flag = (name: string): boolean => text(name) === "true";
  const modes = (["create", "append", "replace"] as const).filter(flag);
  if (modes.length > 1) throw badField(modes[1]!, `It contradicts "${modes[0]!}": give one of them.`);
  const flags = stated({
    table: one("table", texts.tableName),
    sheet: text("sheet"),
    timeZone: one("timeZone", texts.timeZone),
    header: all("header", texts.headers, undefined),
    skip: all("skip", texts.skips, undefined),
    range: one("range", texts.range),
    limit: one("limit", texts.natural),
    skipLast: one("skipLast", texts.natural),
    allRows: flag("allRows") || undefined,
    fillMerged: flag("fillMerged") || undefined,
    text: text("text") as "shown" | "value" | undefined,
    links: flag("links") || undefined,
    migrate: flag("migrate") || undefined,
    delimiter: one("delimiter", texts.delimiter),
    quote: one("quote", texts.quote),
    encoding: text("encoding"),
    escape: text("escape") as "backslash" | "none" | undefined,
  });
  const options = stated({
    workers: one("workers", texts.positive),
    batchSize: one("batchSize", texts.positive),
    chunkRows: one("chunkRows", texts.positive),
    maxErrors: one("maxErrors", texts.natural),
    key: one("key", texts.columnNames),
    onConflict: text("onConflict") as ImportOptions["onConflict"],
    empty: text("empty") as ImportOptions["empty"],
    mode: modes[0],
    resume: text("resume"),
  });
  return {
    ...texts.fileOptions(
      {
        ...flags,
        map: all("map", texts.headerMap, new Map<string, string>()),
        type: all("type", texts.typeMap, new Map<string, string>()),
        null: fields.get("null") ?? [],
        add: all("add", texts.addedColumns, new Map() as texts.FileFlags["add"]),
      },
      undefined,
    ),
    ...options,
    method: (text("method") ?? "copy") as Method,
    atomic: flag("atomic"),
    dryRun: flag("dryRun"),
    again: flag("again"),
  };
}

/** @throws HttpFailure 400 (`bad_field`) for a value that a field does not take, or one too many */
function checkFields(fields: FormFields): void {
  for (const [name, values] of fields) {
    const field = FORM_FIELDS[name];
    if (!field) continue;
    // PostgreSQL takes no such text.
    if (values.some((value) => value.includes("\0"))) throw badField(name, "Expected a text without a NUL character.");
    if (values.length > 1 && field.repeatable === undefined) throw badField(name, "It was given more than once.");
    if (field.values && !field.values.includes(values[0]!))
      throw badField(name, `Expected ${field.values.join(", ")}, got ${JSON.stringify(values[0])}.`);
  }
}

/** The entries that say something. */
function stated<Given extends object>(given: Given): { [Name in keyof Given]?: Exclude<Given[Name], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never;
}

/** Calls a parser of a text. @throws HttpFailure 400 (`bad_field`) with the parser's message */
function reading<Value>(name: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof texts.OptionTextError) throw badField(name, error.message);
    throw error;
  }
}

/** The failure of one field, whose name is its member `field`. */
function badField(name: string, what: string): HttpFailure {
  return new HttpFailure(400, `The field "${name}": ${what}`, {}, "bad_field", { field: name });
}
