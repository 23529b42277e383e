// The `sluice` command: options, help and exit codes. The file of a command's name holds what it
// does, and is loaded when the command is called.
//
// A command's function returns its exit code. What it throws becomes a message and an exit code
// here.
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { DEFAULT_BATCH_SIZE, DEFAULT_CHUNK_ROWS, EMPTY, METHODS, ON_CONFLICT } from "../options.ts";
import { describeError } from "../errors.ts";
import { DEFAULT_RECONNECT_MS } from "../database/patience.ts";
import type { BenchFlags } from "./bench.ts";
import { showStack } from "./common.ts";
import { withCommands } from "./command.ts";
import * as texts from "../option-texts.ts";
import { addFileOptions, flag, natural } from "./file-options.ts";
import type { ImportFlags } from "./import.ts";
import type { CancelFlags, DeleteFlags, ImportsFlags, TakeBackFlags } from "./imports.ts";
import type { InitFlags } from "./init.ts";
import { addCompletion } from "./completion.ts";
import { guardOutput } from "./output.ts";
import type { PreviewFlags } from "./preview.ts";
import type { SampleFlags } from "./sample.ts";
import { addServe } from "./serve-options.ts";
import type { SqlFlags } from "./sql.ts";
import { addWorker, filesOption } from "./worker-options.ts";

const positive = flag(texts.positive);
const columnNames = flag(texts.columnNames);

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

// The end of the help of `sluice` and of `sluice import`.
const EXIT_CODES = `
Exit codes:
  0    all rows are in
  1    the import failed, or its result could not be printed; the message says what is in the table and how to go on
  2    wrong options
  3    some rows were rejected, all others are in
  4    nothing was changed: the same file was imported before, with the same options; --again imports it once more
  130  interrupted (Ctrl-C): the chunks in flight were finished, those that waited for a lock given up; the message says how
       to go on`;

// The options of `sluice import`, each in a line that a reader can change and run. A test checks
// that none is missing.
const IMPORT_EXAMPLES = `
Examples, each option in one of them:
  $ sluice import people.xlsx                            into the embedded database, types inferred unless people.schema.ts states them
  $ sluice import people.xlsx --data /srv/sluice         the embedded database of that folder
  $ sluice import people.xlsx --to postgres://localhost/crm --table crm.people --schema crm.schema.ts
  $ sluice import q3.xlsx --sheet Results --header 4-5   a sheet with a header of two rows; --sheet all takes every sheet
  $ sluice import q3.xlsx --skip 3 --header none         three rows of titles, then records without a header
  $ sluice import q3.xlsx --range B2:K99 --limit 50 --skip-last 2 --all-rows     a part of the sheet, and its rows as they are
  $ sluice import q3.xlsx --fill-merged                  cells that are merged downwards, filled
  $ sluice import parts.xlsx --text shown --type no=text numbers as they are shown: 007
  $ sluice import sites.xlsx --links                     the addresses of links, in columns of their own
  $ sluice import q3.csv --null n/a --null "city=-" --time-zone Europe/Berlin
  $ sluice import people.xlsx --map "E-mail (work)=email" --map "Notes=" --type "born=date(DD/MM/YYYY)"
  $ sluice import export.csv --delimiter ";" --quote none --encoding windows-1252
  $ sluice import dump.tsv --escape backslash             \\N is an empty cell, and backslashes escape, as COPY writes them
  $ sluice import inbox.xlsx --streaming-only           refuses .xls, .xlsb and HTML, which a library has to read
  $ zcat people.csv.gz | sluice import - --table people --create
  $ sluice import more.xlsx --table people --append --migrate      adds the columns that people lacks
  $ sluice import people.xlsx --on-conflict update --key email     writes over the rows of the same e-mail address
  $ sluice import prices.csv --on-conflict update --key sku --empty keep     empty cells leave what is there
  $ sluice import people.xlsx --replace                  new rows in the place of the old ones, all at once
  $ sluice import people.xlsx --replace --cascade        rows of other tables that refer to the old ones go with them
  $ sluice import people.xlsx --atomic --max-errors 0    all rows at once, or, if one is rejected, none
  $ sluice import notes.csv --max-field 10000000         cells of up to 10 MB of text; the other limits are given likewise
  $ sluice import *.xlsx --table sales --add file,sheet,row=line     where each row comes from, in columns of its own
  $ sluice import votes.xlsx --add section                           titles between the rows, in a column of the rows below
  $ sluice import people.xlsx --dry-run --json           what would happen, and nothing of it is kept
  $ sluice import people.xlsx --rejects bad.xlsx --max-errors 100
  $ sluice import people.xlsx --rejects bad.csv --raw-rejects
  $ sluice import people.xlsx --method batch --batch-size 500 --workers 4
  $ sluice import people.xlsx --chunk-rows 5000          smaller transactions
  $ sluice import people.xlsx --resume k3m9x2w7qa        goes on with that import; without --resume it does so by itself
  $ sluice import people.xlsx --again                    its rows once more, beside those of the first time
  $ sluice import people.xlsx --reconnect 300 --keep-history 90 --quiet
`;

const IMPORTS_EXAMPLES = `
Examples:
  $ sluice imports                                       the last hundred
  $ sluice imports k3m9x2w7qa --json
  $ sluice imports --keep-history 90
  $ sluice imports cancel k3m9x2w7qa`;

// Started by the launcher (bin/sluice.js), whose death must be ours: what it was asked to do, it
// can no longer answer for.
if (process.channel) {
  process.channel.unref();
  process.once("disconnect", () => process.exit(1));
}
guardOutput();

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const { message, exitCode, code } = describeError(error);
    console.error(`error: ${withCommands(message)}`);
    showStack(error, code);
    process.exitCode = exitCode;
  }
}

/** The whole command line. `completion` comes last, since it needs to know all others. */
function program(): Command {
  const sluice = new Command("sluice")
    .description("Spreadsheet → PostgreSQL: every row in, each bad row explained.")
    .version(version)
    .showHelpAfterError("(sluice --help, or sluice COMMAND --help, explains)")
    .exitOverride()
    // Options after a command belong to that command: "sluice imports cancel ID --to DSN".
    .enablePositionalOptions()
    .configureOutput({ outputError: (text, write) => write(text) })
    .addHelpText("after", EXIT_CODES);
  addImport(sluice);
  addImports(sluice);
  addInit(sluice);
  addPreview(sluice);
  addSample(sluice);
  addBench(sluice);
  addSql(sluice);
  addServe(sluice, to(), data(), filesOption());
  addWorker(sluice, to());
  addCompletion(sluice);
  return sluice;
}

/** `--to`, made again for each command, since an option belongs to one of them. */
function to(): Option {
  return new Option(
    "--to <dsn>",
    "PostgreSQL server, postgres://user@host/database, its password in ~/.pgpass or PGPASSFILE (default: DATABASE_URL, else the embedded database)",
  );
}

/** `--data`, likewise. */
function data(): Option {
  return new Option("--data <folder>", "where the embedded database is kept")
    .env("SLUICE_DATA")
    .default("./sluice-data");
}

/** Adds `sluice import`. Over 60 lines because it is a list: one option after the other. */
function addImport(sluice: Command): void {
  addFileOptions(sluice.command("import").addOption(to()).addOption(data()))
    .description("import spreadsheets: each row that fits goes in, each that does not is reported")
    .argument("<file...>", "one or more workbooks or texts (.xlsx, .ods, .xls, .csv, …); - is standard input")
    .addOption(new Option("--method <method>", "how rows go in").choices(METHODS).default("copy"))
    .option("--workers <n>", "connections that load at the same time (default: number of processors)", positive)
    .option("--batch-size <n>", "rows an INSERT of the batch method", positive, DEFAULT_BATCH_SIZE)
    .option("--chunk-rows <n>", "rows that the copy method commits together, at most", positive, DEFAULT_CHUNK_ROWS)
    .addOption(
      new Option(
        "--on-conflict <action>",
        "what becomes of a row whose key is in the table: rejected, left out, or written over it",
      )
        .choices(ON_CONFLICT)
        .default("error"),
    )
    .option(
      "--key <columns>",
      "columns that tell rows apart, with commas (default: the schema's key, or the primary key)",
      columnNames,
    )
    .addOption(
      new Option(
        "--empty <meaning>",
        "what an empty cell means: NULL, its column's default, or (with --on-conflict update) that the row keeps what it has",
      )
        .choices(EMPTY)
        .default("null"),
    )
    .addOption(new Option("--create", "the table must not exist").conflicts(["append", "replace"]))
    .addOption(new Option("--append", "the table must exist").conflicts("replace"))
    .option("--replace", "delete the rows that the table holds, in the transaction that puts the new ones in")
    .option("--cascade", "with --replace: rows of other tables that refer to those by on delete cascade go with them")
    .option(
      "--atomic",
      "all rows that fit become visible at once: one transaction, which begins anew after a failure; with --max-errors 0 one rejected row keeps all out",
    )
    .addOption(
      new Option("--dry-run", "do everything, then undo it: what is said is what the real import would say").conflicts(
        "keepHistory",
      ),
    )
    .option("--rejects <file>", "write every rejected row, with its cells, to this .csv or .xlsx file", rejectFile)
    .option(
      "--raw-rejects",
      "no apostrophe in a .csv file of rejects in front of what a spreadsheet would run as a formula",
    )
    .option("--max-errors <n>", "stop when more rows than this have been rejected", natural)
    .option(
      "--resume <id>",
      "go on with this unfinished import; auto: with that of the same file, sheet, table and options, if there is one; never: begin anew",
      "auto",
    )
    .option(
      "--again",
      "import once more what a finished import of the same file, sheet, table and options has put in (otherwise it is refused, unless a key decides)",
    )
    .option(
      "--reconnect <seconds>",
      "how long to try again when the connection is lost",
      natural,
      DEFAULT_RECONNECT_MS / 1000,
    )
    .option("--keep-history <days>", "afterwards, delete the history of imports that ended longer ago", natural)
    .option("--json", "print the result as one JSON line a file")
    .option("--quiet", "print nothing but errors")
    .addHelpText("after", IMPORT_EXAMPLES + EXIT_CODES)
    .action(async (files: string[], options: Omit<ImportFlags, "stated">, command: Command) => {
      const { importCommand } = await import("./import.ts");
      const stated = Object.keys(options).filter((name) => command.getOptionValueSource(name) === "cli");
      process.exitCode = await importCommand(files, { ...options, stated: new Set(stated) });
    });
}

/**
 * Adds `sluice imports`, and its commands `cancel`, `delete` and `take-back`. `imports` alone takes
 * the id of an import to show, and `enablePositionalOptions` leaves the options after such a
 * command to it.
 */
function addImports(sluice: Command): void {
  const imports = sluice
    .command("imports")
    .enablePositionalOptions()
    .description("list the imports of a database, or show one: counts, rejects by reason, how to go on")
    .argument("[id]", "the import to show")
    .addOption(to())
    .addOption(data())
    .option("--keep-history <days>", "first delete the history of imports that ended longer ago", natural)
    .option(
      "--rejects <file>",
      "write the rejected rows of the import ID, with their cells, to this .csv or .xlsx file",
      rejectFile,
    )
    .option(
      "--raw-rejects",
      "no apostrophe in a .csv file of rejects in front of what a spreadsheet would run as a formula",
    )
    .option("--json", "print it as JSON")
    .addHelpText("after", IMPORTS_EXAMPLES)
    .action(async (id: string | undefined, options: ImportsFlags) => {
      const { importsCommand } = await import("./imports.ts");
      process.exitCode = await importsCommand(id, options);
    });
  imports
    .command("cancel")
    .description("end an unfinished import: its rows stay, and its indexes are built")
    .argument("<id>", "the import")
    .addOption(to())
    .addOption(data())
    .option("--force", "even where a process is at work on it, which is stopped by that")
    .option("--json", "print what there is of it as JSON")
    .action(async (id: string, options: CancelFlags) => {
      const { cancelCommand } = await import("./imports.ts");
      process.exitCode = await cancelCommand(id, options);
    });
  imports
    .command("delete")
    .description("delete the history of an import, with its rejects; the table's rows stay")
    .argument("<id>", "the import")
    .addOption(to())
    .addOption(data())
    .option("--force", "also if it is not finished, and cannot go on then")
    .action(async (id: string, options: DeleteFlags) => {
      const { deleteCommand } = await import("./imports.ts");
      process.exitCode = await deleteCommand(id, options);
    });
  imports
    .command("take-back")
    .description("show which rows of an import can be taken back out of its table; with --yes, take them back")
    .argument("<id>", "the import")
    .addOption(to())
    .addOption(data())
    .option("--yes", "take them back: all of them, or none")
    .option("--json", "print it as JSON")
    .action(async (id: string, options: TakeBackFlags) => {
      const { takeBackCommand } = await import("./imports.ts");
      process.exitCode = await takeBackCommand(id, options);
    });
}

function addInit(sluice: Command): void {
  sluice
    .command("init")
    .description(
      "make the ledger (schema sluice), in which imports note how far they are; an import does it by itself where it may",
    )
    .addOption(to())
    .addOption(data())
    .option("--print-sql", "print the statements and the grants that are needed, and run nothing")
    .addHelpText("after", "\nExample:\n  $ sluice init --print-sql | psql postgres://admin@localhost/crm")
    .action(async (options: InitFlags) => {
      const { initCommand } = await import("./init.ts");
      process.exitCode = await initCommand(options);
    });
}

/**
 * Adds `sluice preview`. Its files are optional for Commander alone: `--schema` may take the first
 * of them for itself (schemaWish), so they are counted after that.
 */
function addPreview(sluice: Command): void {
  addFileOptions(sluice.command("preview").addOption(to()).addOption(data()), [
    "--schema [file]",
    "schema file; without one, print a schema file of what was found, to be edited",
  ])
    .description(
      "show what an import would do: header, columns, types, mapping, DDL, first rows, bad rows; writes nothing",
    )
    .argument("[file...]", "one or more files; - is standard input")
    .option("--json", "print it as one JSON line a file (docs/inference.md says what is in it)")
    .addHelpText(
      "after",
      "\nExamples:\n  $ sluice preview people.xlsx --to postgres://localhost/crm --table people\n  $ sluice preview people.xlsx --schema > people.schema.ts\n  $ curl -s https://example.org/people.csv | sluice preview -",
    )
    .action(async (names: string[], given: Omit<PreviewFlags, "printSchema">, command: Command) => {
      const { previewCommand } = await import("./preview.ts");
      const { files, ...options } = schemaWish(names, given);
      if (files.length === 0) command.error("error: missing required argument 'file'");
      process.exitCode = await previewCommand(files, options);
    });
}

function addSample(sluice: Command): void {
  sluice
    .command("sample")
    .description("write a business directory as .xlsx to standard output")
    .argument("<rows>", "number of rows", natural)
    .option("--bad <n>", "how many of them are bad", natural, 0)
    .option("--seed <n>", "another seed gives other rows", natural, 1)
    .addOption(
      new Option("--strings <where>", "where the file keeps its texts").choices(["shared", "inline"]).default("shared"),
    )
    .addHelpText("after", "\nExample:\n  $ sluice sample 1000000 --bad 50 > million.xlsx")
    .action(async (rows: number, options: SampleFlags) => {
      const { sampleCommand } = await import("./sample.ts");
      process.exitCode = await sampleCommand(rows, options);
    });
}

function addBench(sluice: Command): void {
  sluice
    .command("bench")
    .description("measure each method on this machine, each on a fresh table")
    .addOption(to())
    .addOption(data())
    .option("--rows <n>", "number of rows", positive, 10_000)
    .option("--runs <n>", "runs a method, in turn; the median counts", positive, 1)
    .option("--plot <file.svg>", "draw rows a second over 1,000, 10,000, … rows, up to --rows", svgFile)
    .option("--json", "print the figures as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ sluice bench --to postgres://localhost/test --rows 10000 --runs 5\n  $ sluice bench --to postgres://localhost/test --rows 1000000 --plot speed.svg",
    )
    .action(async (options: BenchFlags) => {
      const { benchCommand } = await import("./bench.ts");
      process.exitCode = await benchCommand(options);
    });
}

function addSql(sluice: Command): void {
  sluice
    .command("sql")
    .description("run a query, on the embedded database unless told")
    .argument("<query>", "one or more statements; the last one's rows are shown")
    .addOption(to())
    .addOption(data())
    .option("--json", "print the rows as JSON")
    .addHelpText(
      "after",
      '\nExample:\n  $ sluice sql "select country, count(*) from businesses group by 1 order by 2 desc"',
    )
    .action(async (query: string, options: SqlFlags) => {
      const { sqlCommand } = await import("./sql.ts");
      process.exitCode = await sqlCommand(query, options);
    });
}

/**
 * `preview --schema` prints a schema file; what follows it may be a spreadsheet and no schema file.
 */
function schemaWish(
  names: readonly string[],
  { schema, ...flags }: { readonly schema?: string | boolean } & Omit<PreviewFlags, "schema" | "printSchema">,
): PreviewFlags & { readonly files: readonly string[] } {
  if (typeof schema !== "string") return { ...flags, files: names, printSchema: schema === true };
  if (/\.[cm]?[jt]s$/i.test(schema)) return { ...flags, schema, files: names, printSchema: false };
  return { ...flags, files: [schema, ...names], printSchema: true };
}

/** Checks the path of a plot. @throws InvalidArgumentError, which Commander shows */
function svgFile(text: string): string {
  if (!/\.svg$/i.test(text)) throw new InvalidArgumentError(`Expected a file that ends in .svg, got "${text}".`);
  return text;
}

/** Checks the path of a file of rejects. @throws InvalidArgumentError, which Commander shows */
function rejectFile(text: string): string {
  if (!/\.(csv|xlsx)$/i.test(text))
    throw new InvalidArgumentError(`Expected a file that ends in .csv or .xlsx, got "${text}".`);
  return text;
}
