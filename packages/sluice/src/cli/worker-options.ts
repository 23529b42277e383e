// The options of `sluice worker`.
import { Option, type Command } from "commander";
import * as texts from "../option-texts.ts";
import { flag } from "./file-options.ts";
import { port } from "./serve-options.ts";
import type { WorkerFlags } from "./worker.ts";

const positive = flag(texts.positive);
const DEFAULT_MAX_IMPORTS = 1;
/**
 * Attempts take 1, 2, 4, … and at last 60 seconds from one to the next: all of them about six
 * minutes.
 */
const DEFAULT_MAX_ATTEMPTS = 10;

/** The place of a fleet's files. */
export function filesOption(): Option {
  return new Option(
    "--files <place>",
    "where the fleet keeps its files: a folder that all machines share, or s3://bucket/prefix (keys by AWS_ACCESS_KEY_ID and the like)",
  ).env("SLUICE_FILES");
}

/** Adds `sluice worker`. */
export function addWorker(sluice: Command, to: Option): void {
  sluice
    .command("worker")
    .description("run the imports that servers of a fleet have taken (docs/fleet.md)")
    .addOption(to)
    .addOption(filesOption())
    .option("--max-imports <n>", "imports that this worker runs at the same time", positive, DEFAULT_MAX_IMPORTS)
    .option(
      "--workers <n>",
      "connections for rows that this worker opens, at most (default: number of processors)",
      positive,
    )
    .option("--max-fleet-imports <n>", "imports that run in the whole fleet at the same time, at most", positive)
    .option("--max-client-running <n>", "imports of one client that run in the whole fleet, at most", positive)
    .option(
      "--max-attempts <n>",
      "attempts in a row that may come to nothing before an import is given up",
      positive,
      DEFAULT_MAX_ATTEMPTS,
    )
    .option(
      "--upload-dir <folder>",
      "where copies of files are kept while they are imported (default: the system's temporary folder)",
    )
    .option("--port <n>", "port for GET /health, /ready and /metrics; 0 takes a free one (default: none)", port)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .addOption(
      new Option("--log <format>", "lines of the log: for people, or JSON").choices(["text", "json"]).default("text"),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ sluice serve --fleet --to postgres://localhost/crm --files /mnt/sluice\n  $ sluice worker --to postgres://localhost/crm --files /mnt/sluice --port 8081\n  $ sluice worker --files s3://imports/sluice --max-imports 2 --max-fleet-imports 8 --max-client-running 4",
    )
    .action(async (options: WorkerFlags) => {
      const { workerCommand } = await import("./worker.ts");
      process.exitCode = await workerCommand(options);
    });
}
