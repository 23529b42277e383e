// The options that say what a file is and where its columns go: `import` and `preview` share them.
import { InvalidArgumentError, Option, type Command } from "commander";
import type { CsvOptions } from "@sluice/sheets";
import type { HeaderChoice } from "../header-row.ts";
import type { ImportOptions } from "../import.ts";
import type { TableSchema } from "../schema.ts";

export interface FileFlags {
  readonly table?: string;
  readonly sheet?: string;
  readonly schema?: string;
  readonly map: ReadonlyMap<string, string>;
  readonly type: ReadonlyMap<string, string>;
  readonly header?: HeaderChoice;
  readonly skip?: number;
  readonly migrate?: boolean;
  readonly delimiter?: string;
  readonly quote?: string;
  readonly encoding?: string;
  readonly streamingOnly?: boolean;
}

/** What the option says, here and of `serve`. */
export const STREAMING_ONLY =
  "take .xlsx, .xlsm, .ods, .fods, CSV and TSV only; refuse .xls, .xlsb, XML and HTML, which a library reads";

/** Gives a command these options. */
export function addFileOptions(command: Command): Command {
  return command
    .option("--table <name>", "table or schema.table (default: the schema's name, else the file's)", tableName)
    .option("--sheet <name|n|all>", "sheet by name, or by number from 1, or all (default: the first visible one)")
    .option("--schema <file>", "schema file (default: NAME.schema.ts beside NAME.xlsx, if there is one)")
    .addOption(
      new Option("--map <header=column>", 'load this header into that column; "Header=" leaves it out (repeatable)')
        .argParser(headerMap)
        .default(new Map<string, string>(), "headers find their columns by name, then by likeness"),
    )
    .addOption(
      new Option(
        "--type <column=type>",
        'type of a new table\'s column, or how its dates are written: "born=date(DD/MM/YYYY)" (repeatable)',
      )
        .argParser(typeMap)
        .default(new Map<string, string>(), "types are inferred"),
    )
    .option(
      "--header <n|n-m|none>",
      "row of the header, or two rows of it, or none (default: it is found)",
      headerChoice,
    )
    .option("--skip <n>", "rows at the top that are neither header nor record", natural)
    .option("--migrate", "add columns that the table lacks")
    .option("--delimiter <character>", "of delimited text; tab for a tab (default: found out)", delimiter)
    .option("--quote <character>", "of delimited text; none for no quotes (default: found out)", quote)
    .option("--encoding <label>", "of delimited text, such as windows-1251 or shift_jis (default: found out)")
    .option("--streaming-only", STREAMING_ONLY);
}

/** What the flags mean to the engine. */
export function fileOptions(
  flags: FileFlags,
  schema: TableSchema | undefined,
): Pick<
  ImportOptions,
  "table" | "sheet" | "schema" | "map" | "types" | "header" | "skip" | "migrate" | "csv" | "formats"
> {
  const { table, sheet, header, skip, map, type: types, migrate = false } = flags;
  return {
    map,
    types,
    migrate,
    ...csvOptions(flags),
    ...(flags.streamingOnly === true ? { formats: "streaming" as const } : {}),
    ...(table === undefined ? {} : { table }),
    ...(sheet === undefined ? {} : { sheet }),
    ...(header === undefined ? {} : { header }),
    ...(skip === undefined ? {} : { skip }),
    ...(schema === undefined ? {} : { schema }),
  };
}

/** A whole number from 0. */
export function natural(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError(`Expected a whole number, got "${text}".`);
  return Number(text);
}

/** What the flags say of delimited text; nothing where they say nothing. */
function csvOptions({ delimiter, quote, encoding }: FileFlags): { csv?: CsvOptions } {
  const given = Object.entries({ delimiter, quote, encoding }).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { csv: Object.fromEntries(given) };
}

/** A header may hold `=`, a column's name hardly. */
function headerMap(text: string, map: Map<string, string>): Map<string, string> {
  const at = text.lastIndexOf("=");
  if (at < 1) throw new InvalidArgumentError(`Expected "Header=column", got "${text}".`);
  return new Map(map).set(text.slice(0, at).trim(), text.slice(at + 1).trim());
}

function typeMap(text: string, map: Map<string, string>): Map<string, string> {
  const at = text.lastIndexOf("=");
  const type = text.slice(at + 1).trim();
  if (at < 1 || type === "") throw new InvalidArgumentError(`Expected "column=type", got "${text}".`);
  return new Map(map).set(text.slice(0, at).trim(), type);
}

function headerChoice(text: string): HeaderChoice {
  if (text === "none") return text;
  const [, first, last] = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(text) ?? [];
  const rows = [Number(first), Number(last ?? first)] as const;
  if (first === undefined || rows[0] < 1 || rows[1] - rows[0] > 1 || rows[1] < rows[0])
    throw new InvalidArgumentError(`Expected a row number, two rows such as 2-3, or none, got "${text}".`);
  return rows;
}

function tableName(text: string): string {
  if (text.split(".").some((part) => part === "" || Buffer.byteLength(part) > 63)) {
    throw new InvalidArgumentError(`Expected a name of at most 63 bytes, or schema.name, got "${text}".`);
  }
  return text;
}

function delimiter(text: string): string {
  if (text === "tab" || text === "\\t") return "\t";
  if (text.length !== 1) throw new InvalidArgumentError(`Expected one character, or tab, got "${text}".`);
  return text;
}

function quote(text: string): string {
  if (text === "none") return "";
  if (text.length !== 1) throw new InvalidArgumentError(`Expected one character, or none, got "${text}".`);
  return text;
}
