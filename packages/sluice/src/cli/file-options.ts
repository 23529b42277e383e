// The options that say what a file is and where its columns go: `import` and `preview` share them.
//
// The service has the same options as fields of a form (server/form.ts). Both read their texts by
// option-texts.ts, so a text means the same in both.
import { InvalidArgumentError, Option, type Command } from "commander";
import * as texts from "../option-texts.ts";
import type { ImportOptions, Origin } from "../options.ts";
import type { TableSchema } from "../schema/schema.ts";
import { addLimitOptions, limitsFrom } from "./limit-options.ts";

export type FileFlags = texts.FileFlags;

/** The help text of the option, here and of `serve`. */
export const STREAMING_ONLY =
  "take .xlsx, .xlsm, .ods, .fods, CSV and TSV only; refuse .xls, .xlsb, XML and HTML, which a library reads";

/** Gives a command these options. */
export function addFileOptions(
  command: Command,
  schema: readonly [flags: string, description: string] = [
    "--schema <file>",
    "schema file (default: NAME.schema.ts beside NAME.xlsx, if there is one)",
  ],
): Command {
  addColumnOptions(command, schema);
  addRowOptions(command);
  addCellOptions(command);
  addTextOptions(command);
  command.option("--streaming-only", STREAMING_ONLY);
  return addLimitOptions(command);
}

/** Options that say which table and columns a sheet goes to, their types, and what is missing. */
function addColumnOptions(command: Command, schema: readonly [flags: string, description: string]): void {
  command
    .option(
      "--table <name>",
      "table or schema.table (default: the schema's name, else the file's)",
      flag(texts.tableName),
    )
    .option("--sheet <name|n|all>", "sheet by name, or by number from 1, or all (default: the first visible one)")
    .option(...schema)
    .addOption(
      new Option("--map <header=column>", 'load this header into that column; "Header=" leaves it out (repeatable)')
        .argParser(flag(texts.headerMap))
        .default(new Map<string, string>(), "headers find their columns by name, then by likeness"),
    )
    .addOption(
      new Option(
        "--type <column=type>",
        'type of a new table\'s column, or how it is written: "born=date(DD/MM/YYYY)", "pay=numeric(1.234,56)" (repeatable)',
      )
        .argParser(flag(texts.typeMap))
        .default(new Map<string, string>(), "types are inferred"),
    )
    .addOption(
      new Option(
        "--null <text>",
        'text or error that means no value: NA, "#N/A", "column=TEXT"; "" for no guess (repeatable)',
      )
        .argParser((text: string, texts: readonly string[]) => [...texts, text])
        .default([] as readonly string[], "marks among values of one type"),
    )
    .option(
      "--time-zone <zone>",
      "of times without one into timestamptz: Europe/Berlin, +02:00 (default: UTC)",
      flag(texts.timeZone),
    );
}

/** Options that say where the header is, and which rows are records. */
function addRowOptions(command: Command): void {
  command
    .option(
      "--header <n|n-m|none>",
      'row of the header, or its rows, or none; "Sheet=5" says it for one sheet (repeatable; default: it is found)',
      flag(texts.headers),
    )
    .option(
      "--skip <n>",
      'rows at the top that are neither header nor record; "Sheet=3" says it for one sheet (repeatable)',
      flag(texts.skips),
    )
    .option(
      "--range <B2:K99>",
      "look at this part of the sheet alone; B2:K goes down to the last row",
      flag(texts.range),
    )
    .option("--limit <n>", "leave out what comes after so many records", natural)
    .option(
      "--skip-last <n>",
      "rows at the end that are no records (default: remarks below the table are found)",
      natural,
    )
    .option("--all-rows", "every row below the header is a record: no repeated header, total or remark is left out");
}

/** Options that say what is loaded besides the cells' values, and as what. */
function addCellOptions(command: Command): void {
  command
    .addOption(
      new Option(
        "--add <what>",
        "columns that say where each row comes from: file,sheet,row,section; another name of one: row=line (repeatable)",
      )
        .argParser(flag(texts.addedColumns))
        .default(new Map<Origin, string>(), "none"),
    )
    .option("--fill-merged", "cells that are merged downwards get the value of the first one (.xlsx)")
    .addOption(
      new Option(
        "--text <shown|value>",
        "what numbers and dates become in columns of text: what their format shows, or their value",
      )
        .choices(["shown", "value"])
        .default("value"),
    )
    .option("--links", 'keep the addresses of links: those of the column "name" in a column "name_link"')
    .option("--migrate", "add columns that the table lacks");
}

/** Options that say how a delimited text is written. */
function addTextOptions(command: Command): void {
  command
    .option("--delimiter <character>", "of delimited text; tab for a tab (default: found out)", flag(texts.delimiter))
    .option("--quote <character>", "of delimited text; none for no quotes (default: found out)", flag(texts.quote))
    .option("--encoding <label>", "of delimited text, such as windows-1251 or shift_jis (default: found out)")
    .addOption(
      new Option(
        "--escape <backslash|none>",
        "of delimited text: whether \\N and backslashes are those of COPY and MySQL (default: found out)",
      ).choices(["backslash", "none"]),
    );
}

/** The engine's options for the flags. */
export function fileOptions(
  flags: FileFlags,
  schema: TableSchema | undefined,
): ReturnType<typeof texts.fileOptions> & Pick<ImportOptions, "limits"> {
  return { ...texts.fileOptions(flags, schema), ...limitsFrom(flags) };
}

/** A parser of an option's text, with its complaint as Commander shows it. */
export function flag<Given extends unknown[], Value>(parse: (...given: Given) => Value): (...given: Given) => Value {
  return (...given) => {
    try {
      return parse(...given);
    } catch (error) {
      if (error instanceof texts.OptionTextError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** A whole number from 0. */
export const natural: (text: string) => number = flag(texts.natural);
