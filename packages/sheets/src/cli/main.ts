// sluice-sheets: shows how the reader understands a workbook, for people and for tests.
import { SheetError } from "../errors.ts";
import { Duration } from "../cells/duration.ts";
import { CellError, type CellValue } from "../cells/rows.ts";
import { spool } from "../spool.ts";
import { open } from "../workbook.ts";

const help = `sluice-sheets reads spreadsheets and prints what is in them.

Usage: sluice-sheets cells FILE… [--json]

  cells FILE…   every cell that has a value, sheet by sheet; - is standard input
  --json        one line of JSON for each file:
                {"file","sheets":[{"name","hidden","cells":{"A1":["n",1.5],"B2":["s","text"]}}]}
                Types: n number, s text, b boolean, e error, d date or time (ISO 8601, no zone),
                t duration in milliseconds.
                A file that cannot be read gives {"file","error":{"code","message",…}}.
  --help, -h    this text

Exit code: 0 all read, 1 a file could not be read, 2 the command line is wrong.
`;

process.exitCode = await main(process.argv.slice(2));

/**
 * Runs a command, and returns the exit code. After `--` every argument is a file. It has more than
 * 15 branches because each thing that can be wrong with the command line has one.
 */
async function main(args: string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(help);
    return 0;
  }
  const [command, ...rest] = args;
  if (command === undefined) return usage("No command was given.");
  if (command !== "cells") return usage(`There is no command "${command}".`);
  const dashes = rest.indexOf("--");
  const options = (dashes < 0 ? rest : rest.slice(0, dashes)).filter((arg) => arg.startsWith("-") && arg !== "-");
  const files = rest.filter((arg, i) => (dashes >= 0 && i > dashes) || (i !== dashes && !options.includes(arg)));
  const wrong = options.find((option) => option !== "--json");
  if (wrong !== undefined) return usage(`There is no option "${wrong}".`);
  if (files.length === 0) return usage("Which file? Name at least one.");
  let failed = false;
  for (const file of files) {
    let path = file;
    try {
      await using input = file === "-" ? await spool(process.stdin, "stdin") : undefined;
      path = input?.path ?? file;
      await (options.includes("--json") ? printJson(path, file) : printText(path, file));
    } catch (error) {
      if (!(error instanceof SheetError)) throw error;
      failed = true;
      if (path !== file) error.message = error.message.replaceAll(path, "standard input");
      if (options.includes("--json"))
        await write(`${JSON.stringify({ file, error: { ...error.toJSON(), file: undefined } })}\n`);
      else process.stderr.write(`${error.message} [${error.code}]\n`);
    }
  }
  return failed ? 1 : 0;
}

function usage(problem: string): number {
  process.stderr.write(`${problem}\n\n${help}`);
  return 2;
}

/**
 * Reads the whole file before it writes anything. So a line holds either the cells or the error.
 */
async function printJson(path: string, file: string): Promise<void> {
  await using book = await open(path);
  const sheets: string[] = [];
  for (const { name, index, state } of book.sheets) {
    const cells: string[] = [];
    for await (const row of book.sheet(index).rows())
      for (const { ref, type, value } of row.cells())
        cells.push(`"${ref}":["${type}",${JSON.stringify(printable(value))}]`);
    sheets.push(
      `{"name":${JSON.stringify(name)},"hidden":${String(state !== "visible")},"cells":{${cells.join(",")}}}`,
    );
  }
  await write(`{"file":${JSON.stringify(file)},"sheets":[${sheets.join(",")}]}\n`);
}

async function printText(path: string, file: string): Promise<void> {
  await using book = await open(path);
  for (const { name, index, state } of book.sheets) {
    await write(`${file}  sheet ${index} "${name}"${state === "visible" ? "" : ` (${state})`}\n`);
    for await (const row of book.sheet(index).rows()) {
      let text = "";
      for (const { ref, type, value } of row.cells()) text += `${ref}\t${type}\t${String(printable(value))}\n`;
      for (const warning of row.warnings) text += `row ${row.number}\twarning\t${warning}\n`;
      await write(text);
    }
  }
}

/** A value as JSON can hold it. A date has no zone in a sheet, so the `Z` is removed. */
function printable(value: CellValue): string | number | boolean | null {
  if (value instanceof Duration) return value.milliseconds;
  if (value instanceof Date) return value.toISOString().slice(0, -1);
  return value instanceof CellError ? value.code : value;
}

/**
 * Waits for a slow reader of the output. A closed pipe ends the program, as it ends any other
 * program.
 */
async function write(text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    process.stdout.write(text, (error) => {
      if (error) process.exit(1);
      resolve();
    });
  });
}
