// The command: `npx @sluice/go trace FILE.json [-o FILE.html]` makes one HTML file of a trace.

import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { traceHtml } from "./html.ts";

const usage = `Usage: sluice-go trace FILE.json [-o FILE.html]

Makes one HTML file of a trace, as stop() of @sluice/go/trace gives it: a timeline of goroutines and threads,
and their longest waits. The file needs nothing else. By default it stands beside the trace.`;

/**
 * Runs the command and gives its exit status: 0, 1 if a file cannot be read or written, 2 for wrong
 * arguments.
 */
export function run(args: readonly string[]): number {
  let file: string | undefined;
  let output: string | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { output: { type: "string", short: "o" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help === true) {
      console.log(usage);
      return 0;
    }
    const [command, name, ...rest] = positionals;
    if (command !== "trace" || name === undefined || rest.length > 0) throw new Error("expected: trace FILE.json");
    file = name;
    output = values.output ?? `${name.replace(/\.json$/, "")}.html`;
  } catch (error) {
    console.error(`sluice-go: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  try {
    writeFileSync(output, traceHtml(readFileSync(file, "utf8"), basename(file)));
    console.log(output);
    return 0;
  } catch (error) {
    console.error(`sluice-go: ${file}: ${(error as Error).message}`);
    return 1;
  }
}

process.exitCode = run(process.argv.slice(2));
