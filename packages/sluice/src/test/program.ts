// Runs the `sluice` command as a user does: through its launcher, in a folder of the test's own.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import { copyEmbedded } from "./embedded.ts";

export const EXAMPLE: string = fileURLToPath(new URL("../../../../examples/data/businesses.xlsx", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../../bin/sluice.js", import.meta.url));

/**
 * Programs that run. However a test ends, they end with it: with the launcher the program itself
 * does.
 */
const running = new Set<ChildProcessWithoutNullStreams>();
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came, for what is no text. */
  readonly bytes: Buffer;
}

/**
 * Starts the command, which ends with the test at the latest; `finished` resolves when it has
 * ended. An import or a service in a folder that has no embedded database finds an empty one there,
 * unless `extra` has SLUICE_TEST_EMBEDDED, which is then empty.
 *
 * @param extra variables of the environment besides this one's
 */
export function start(
  folder: string,
  args: readonly string[],
  extra: Readonly<Record<string, string>> = {},
): { child: ChildProcessWithoutNullStreams; finished: Promise<Finished>; output: () => string } {
  const { DATABASE_URL: _, ...env } = process.env;
  const data = join(folder, "sluice-data");
  const elsewhere = args.some((arg) => arg === "--to" || arg === "--data") || "SLUICE_DATA" in extra;
  const makes = args[0] === "import" || args[0] === "serve";
  if (makes && !elsewhere && !("DATABASE_URL" in extra) && !("SLUICE_TEST_EMBEDDED" in extra))
    if (!existsSync(data)) copyEmbedded(data);
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: folder, env: { ...env, ...extra } });
  running.add(child);
  child.on("close", () => running.delete(child));
  const pieces: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const stdout = (): string => Buffer.concat(pieces).toString("utf8");
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: stdout(), stderr, bytes: Buffer.concat(pieces) }));
  });
  return { child, finished, output: () => stdout() + stderr };
}

/** Runs it to its end. */
export function run(folder: string, ...args: string[]): Promise<Finished> {
  return start(folder, args).finished;
}
