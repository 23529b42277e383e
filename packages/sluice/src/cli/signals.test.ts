// Signals that come while a file is looked at. Its records begin after gigabytes of blank lines, so
// a program that goes on to look for them ends no test.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { newDatabase, newFolder, server, type TestDatabase } from "../test/database.ts";
import { distant } from "../test/distant.ts";
import { start } from "../test/program.ts";

const withServer = test.skipIf(server === undefined);

/**
 * Gives a command the file by standard input, and a signal when it has read all of it. Returns the
 * end of the command, and what is left of its copy.
 */
async function stopped(
  command: readonly string[],
  signal: NodeJS.Signals,
  database?: TestDatabase,
): Promise<{ code: number | null; stdout: string; stderr: string; left: string[] }> {
  await using folder = newFolder();
  await using temporary = newFolder();
  const to = database === undefined ? [] : ["--to", database.dsn];
  const { child, finished } = start(folder.path, [...command, ...to], { TMPDIR: temporary.path });
  const file = distant();
  child.stdin.end(file);
  const spooled = async (): Promise<string[]> =>
    (await readdir(temporary.path)).filter((name) => name.startsWith("sluice-sheets-"));
  for (let size = 0; size < file.length; await sleep(20)) {
    const [copy] = await spooled();
    if (copy !== undefined) size = (await stat(join(temporary.path, copy, "stdin")).catch(() => ({ size }))).size;
  }
  child.kill(signal);
  const { code, stdout, stderr } = await finished;
  return { code, stdout, stderr, left: await spooled() };
}

test.skipIf(process.platform === "win32").each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s ends a preview that looks for the first record, with 130 and without its copy of the file",
  async (signal) => {
    expect(await stopped(["preview", "-"], signal)).toEqual({
      code: 130,
      stdout: "",
      stderr: "\nStopping: looking at this file (Ctrl-C again to quit at once)\n",
      left: [],
    });
  },
);

withServer.each([
  ["SIGTERM", []],
  ["SIGHUP", ["--sheet", "all"]],
  ["SIGINT", ["--dry-run"]],
] as const)("%s ends an import that looks for the first record, with %j: nothing was changed", async (signal, more) => {
  await using database = await newDatabase();
  const { code, stdout, stderr, left } = await stopped(["import", "-", "--table", "t", ...more], signal, database);
  expect([code, stdout, left]).toEqual([130, "", []]);
  expect(stderr).toBe(`
Stopping: finishing the chunks in flight (Ctrl-C again to quit at once)
error: interrupted while the file was read, before the first row: nothing was changed.
Go on with: the same command again
`);
  expect(await database.query("select tablename from pg_tables where schemaname = 'public'")).toEqual([]);
});
