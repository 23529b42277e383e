// The options of `sluice serve`.
import { InvalidArgumentError, Option, type Command } from "commander";
import * as texts from "../option-texts.ts";
import {
  DEFAULT_MAX_CLIENT_IMPORTS,
  DEFAULT_MAX_CLIENT_RATE,
  DEFAULT_MAX_CLIENT_UPLOADS,
  DEFAULT_MAX_FILE_BYTES,
  DEFAULT_MAX_IMPORTS,
  DEFAULT_MAX_READERS,
  DEFAULT_MAX_UPLOADS,
  DEFAULT_MIN_UPLOAD_RATE,
  DEFAULT_SILENCE_SECONDS,
  DEFAULT_UPLOAD_SECONDS,
} from "../server/upload-limits.ts";
import { flag, natural, STREAMING_ONLY } from "./file-options.ts";
import { addLimitOptions } from "./limit-options.ts";
import type { ServeFlags } from "./serve.ts";

const positive = flag(texts.positive);

/** Adds `sluice serve`. Over 60 lines because it is a list: one option after the other. */
export function addServe(sluice: Command, to: Option, data: Option, files: Option): void {
  addLimitOptions(sluice.command("serve"))
    .description("serve the page, POST /upload, GET /health and the API (docs/serve.md)")
    .addOption(to)
    .addOption(data)
    .option("--port <n>", "port to listen on; 0 takes a free one", port, 8080)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--max-file-bytes <n>", "largest upload", positive, DEFAULT_MAX_FILE_BYTES)
    .option("--max-imports <n>", "imports that run at the same time; others wait", positive, DEFAULT_MAX_IMPORTS)
    .option(
      "--max-uploads <n>",
      "uploads on the disk at the same time; more are refused",
      positive,
      DEFAULT_MAX_UPLOADS,
    )
    .option("--max-upload-bytes <n>", "bytes of all of them (default: 4 GiB, or twice the largest upload)", positive)
    .option("--upload-seconds <n>", "how long one upload may take to arrive", positive, DEFAULT_UPLOAD_SECONDS)
    .option("--silence-seconds <n>", "how long it may stand still on its way", positive, DEFAULT_SILENCE_SECONDS)
    .option(
      "--max-client-uploads <n>",
      "uploads of one client on the disk at the same time",
      positive,
      DEFAULT_MAX_CLIENT_UPLOADS,
    )
    .option("--min-upload-rate <n>", "bytes a second with which an upload must come", positive, DEFAULT_MIN_UPLOAD_RATE)
    .option(
      "--max-client-imports <n>",
      "imports of one client that wait or run; more are refused",
      positive,
      DEFAULT_MAX_CLIENT_IMPORTS,
    )
    .option(
      "--max-client-rate <n>",
      "files and repairs that one client may send in a minute",
      positive,
      DEFAULT_MAX_CLIENT_RATE,
    )
    .option("--max-readers <n>", "readers of events at the same time", positive, DEFAULT_MAX_READERS)
    .option(
      "--upload-dir <folder>",
      "where uploads are kept, and imports that wait or run (default: the system's temporary folder; imports: beside the embedded data)",
    )
    .option("--streaming-only", STREAMING_ONLY)
    .addOption(new Option("--token <token>", "ask for this bearer token").env("SLUICE_TOKEN"))
    .option(
      "--user-header <name>",
      "the header in which the proxy in front of it names the user who has signed in; asked for then",
    )
    .option("--pprof", "serve GET /debug/pprof/goroutine")
    .addOption(
      new Option("--log <format>", "lines of the log: for people, or JSON").choices(["text", "json"]).default("text"),
    )
    .option(
      "--allow <table>",
      "a table that uploads may write to, repeatable: table, schema.table, * for any characters (default: businesses, and tables that uploads made)",
      repeated,
    )
    .option("--fleet", "keep files in a store, and have sluice worker import them, on any number of machines")
    .addOption(files)
    .addHelpText(
      "after",
      "\nExamples:\n  $ sluice serve --port 8080\n  $ sluice serve --to postgres://localhost/crm --allow 'shop.*' --allow customers\n  $ sluice serve --fleet --to postgres://localhost/crm --files /mnt/sluice\n  $ curl -F file=@businesses.xlsx 'http://127.0.0.1:8080/upload?method=copy'\n  $ curl -F file=@people.csv -F table=staff http://127.0.0.1:8080/imports",
    )
    .action(async (options: ServeFlags, command: Command) => {
      if (options.fleet !== true && command.getOptionValueSource("files") === "cli")
        command.error("error: --files is where a fleet keeps its files. Add --fleet, or leave it out.");
      const { serveCommand } = await import("./serve.ts");
      process.exitCode = await serveCommand(options);
    });
}

/** The values of an option that may be given several times, in their order. */
function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** A port; 0 stands for a free one. @throws InvalidArgumentError, which Commander shows */
export function port(text: string): number {
  const n = natural(text);
  if (n > 65_535) throw new InvalidArgumentError(`Expected a port from 0 to 65535, got ${n}.`);
  return n;
}
