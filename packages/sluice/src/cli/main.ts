// The `sluice` command: options, help and exit codes. What a command does stands in the file of its name, loaded when it is called.
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { describeError } from "../errors.ts";
import { DEFAULT_BATCH_SIZE, DEFAULT_CHUNK_ROWS, METHODS } from "../import.ts";
import type { BenchFlags } from "./bench.ts";
import { showStack } from "./common.ts";
import type { ImportFlags } from "./import.ts";
import type { SampleFlags } from "./sample.ts";
import type { ServeFlags } from "./serve.ts";
import type { SqlFlags } from "./sql.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const EXIT_CODES = `
Exit codes:
  0    all rows are in
  1    the import failed; the message says what is in the table
  2    wrong options
  3    some rows were rejected, all others are in
  130  interrupted (Ctrl-C): the chunks in flight were finished`;

const IMPORT_EXAMPLES = `
Examples:
  $ sluice import people.xlsx                            into the embedded database, every column text unless people.schema.ts says more
  $ sluice import people.xlsx --to postgres://localhost/crm --rejects bad.csv
  $ sluice import people.xlsx --table crm.people --map "E-mail (work)=email" --map "Notes="
`;

// Started by the launcher (bin/sluice.js), whose death must be ours: what it was asked to do, it can no longer answer for.
if (process.channel) {
  process.channel.unref();
  process.once("disconnect", () => process.exit(1));
}
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  console.error(`error: standard output cannot be written: ${error.message}`);
  process.exit(1);
});

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const { message, exitCode, code } = describeError(error);
    console.error(`error: ${message}`);
    showStack(error, code);
    process.exitCode = exitCode;
  }
}

function program(): Command {
  const sluice = new Command("sluice")
    .description("Spreadsheet → PostgreSQL: every row in, each bad row explained.")
    .version(version)
    .showHelpAfterError("(sluice --help, or sluice COMMAND --help, explains)")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text) })
    .addHelpText("after", EXIT_CODES);
  const to = (): Option =>
    new Option(
      "--to <dsn>",
      "PostgreSQL server, postgres://user:password@host/database (default: DATABASE_URL, else the embedded database)",
    );
  const data = (): Option =>
    new Option("--data <folder>", "where the embedded database is kept").env("SLUICE_DATA").default("./sluice-data");

  sluice
    .command("import")
    .description("import workbooks: each row that fits goes in, each that does not is reported")
    .argument("<file...>", "one or more .xlsx files")
    .addOption(to())
    .addOption(data())
    .option("--table <name>", "table or schema.table (default: the schema's name, else the file's)", tableName)
    .option("--sheet <name|n>", "sheet by name, or by number from 1 (default: the first visible one)")
    .addOption(new Option("--method <method>", "how rows go in").choices(METHODS).default("copy"))
    .option("--workers <n>", "connections that load at the same time (default: number of processors)", positive)
    .option("--batch-size <n>", "rows an INSERT of the batch method", positive, DEFAULT_BATCH_SIZE)
    .option("--chunk-rows <n>", "rows that the copy method commits together, at most", positive, DEFAULT_CHUNK_ROWS)
    .option("--schema <file>", "schema file (default: WORKBOOK.schema.ts beside the workbook, if there is one)")
    .addOption(
      new Option("--map <header=column>", 'load this header into that column; "Header=" leaves it out (repeatable)')
        .argParser(headerMap)
        .default(new Map<string, string>(), "headers find their columns by name"),
    )
    .addOption(new Option("--create", "the table must not exist").conflicts("append"))
    .option("--append", "the table must exist")
    .option("--migrate", "add columns that the table lacks")
    .option("--rejects <file.csv>", "write every rejected row to this file", csvFile)
    .option("--json", "print the result as one JSON line a file")
    .option("--quiet", "print nothing but errors")
    .addHelpText("after", IMPORT_EXAMPLES + EXIT_CODES)
    .action(async (files: string[], options: ImportFlags) => {
      const { importCommand } = await import("./import.ts");
      process.exitCode = await importCommand(files, options);
    });

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

  sluice
    .command("bench")
    .description("measure each method on this machine, each on a fresh table")
    .addOption(to())
    .addOption(data())
    .option("--rows <n>", "number of rows", positive, 10_000)
    .option("--runs <n>", "runs a method, in turn; the median counts", positive, 1)
    .option("--json", "print the figures as JSON")
    .addHelpText("after", "\nExample:\n  $ sluice bench --to postgres://localhost/test --rows 10000 --runs 5")
    .action(async (options: BenchFlags) => {
      const { benchCommand } = await import("./bench.ts");
      process.exitCode = await benchCommand(options);
    });

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

  sluice
    .command("serve")
    .description("serve the page, POST /upload and GET /health")
    .addOption(to())
    .addOption(data())
    .option("--port <n>", "port to listen on; 0 takes a free one", port, 8080)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--max-file-bytes <n>", "largest upload", positive, 512 * 1024 * 1024)
    .addOption(new Option("--token <token>", "ask for this bearer token").env("SLUICE_TOKEN"))
    .addHelpText(
      "after",
      "\nExample:\n  $ sluice serve --port 8080\n  $ curl -F file=@businesses.xlsx 'http://127.0.0.1:8080/upload?method=copy'",
    )
    .action(async (options: ServeFlags) => {
      const { serveCommand } = await import("./serve.ts");
      process.exitCode = await serveCommand(options);
    });
  return sluice;
}

function natural(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError(`Expected a whole number, got "${text}".`);
  return Number(text);
}

function positive(text: string): number {
  const n = natural(text);
  if (n === 0) throw new InvalidArgumentError("Expected a whole number from 1.");
  return n;
}

function port(text: string): number {
  const n = natural(text);
  if (n > 65_535) throw new InvalidArgumentError(`Expected a port from 0 to 65535, got ${n}.`);
  return n;
}

function headerMap(text: string, map: Map<string, string>): Map<string, string> {
  const at = text.lastIndexOf("=");
  if (at < 1) throw new InvalidArgumentError(`Expected "Header=column", got "${text}".`);
  return new Map(map).set(text.slice(0, at).trim(), text.slice(at + 1).trim());
}

function tableName(text: string): string {
  if (text.split(".").some((part) => part === "" || Buffer.byteLength(part) > 63)) {
    throw new InvalidArgumentError(`Expected a name of at most 63 bytes, or schema.name, got "${text}".`);
  }
  return text;
}

function csvFile(text: string): string {
  if (!/\.csv$/i.test(text)) throw new InvalidArgumentError(`Expected a file that ends in .csv, got "${text}".`);
  return text;
}
