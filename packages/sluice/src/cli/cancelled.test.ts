// What the messages about an import that cannot go on say to do, done word for word: no row is in
// twice afterwards.
import { background } from "@sluice/go/context";
import { appendFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTarget } from "../database/open.ts";
import { failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import type { ImportOptions } from "../options.ts";
import { newDatabase, newFolder, server, type TestDatabase } from "../test/database.ts";
import { start, type Finished } from "../test/program.ts";

const withServer = test.skipIf(server === undefined);

const ROWS = 300;
const lines = (from: number): string => Array.from({ length: ROWS }, (_, n) => `${from + n},x\n`).join("");

/** Imports `t.csv` while somebody writes into it; returns what the failure says. */
async function written(folder: string, { dsn }: TestDatabase, options: Partial<ImportOptions>): Promise<string> {
  const file = join(folder, "t.csv");
  await writeFile(file, `id,name\n${lines(0)}`);
  await using target = await openTarget({ to: dsn, connections: 1 });
  let more: string | undefined = lines(ROWS);
  const onProgress = (): void => {
    if (more !== undefined) appendFileSync(file, more);
    more = undefined;
  };
  const given = { target, file, workers: 1, chunkRows: 50, batchSize: 50, ...options };
  const failure = (await failureOf(runImport(background(), { ...given, onProgress }))) as Error;
  expect(failure).toMatchObject({ code: "file_changed" });
  return failure.message;
}

/** The commands of a text, without the full stops after them. */
function commandsIn(text: string): string[][] {
  const commands = /sluice (imports (?:(?:cancel|take-back) )?[\w-]{10}(?: --yes)?(?: --to [^\s]*\w)?)/g;
  return [...text.matchAll(commands)].map(([, command]) => command!.split(" "));
}

const counts = async (database: TestDatabase): Promise<number[]> =>
  (await database.query("select count(*), count(distinct id) from t"))[0]!.map(Number);

withServer.each(["copy", "batch"] as const)(
  "a file that was changed while it was read: what the message says leads to each row once, %s",
  async (method) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const message = await written(folder.path, database, { method });
    expect(await counts(database)).toEqual([ROWS, ROWS]);
    const commands = commandsIn(message);
    expect(commands.map((words) => words.slice(0, 2).join(" "))).toEqual(["imports cancel", "imports take-back"]);
    const run = (words: readonly string[]): Promise<Finished> =>
      start(folder.path, words, { DATABASE_URL: database.dsn }).finished;
    const cancelled = await run(commands[0]!);
    expect(cancelled).toMatchObject({ code: 0, stderr: "" });
    expect(cancelled.stdout).toMatch(
      new RegExp(
        `\\n${ROWS} rows of it stay in the table "t"\\. The same file would put them in once more\\.\\n` +
          `Take them back: {2}npx sluice imports take-back \\w{10} --yes\\n$`,
      ),
    );
    expect(commandsIn(cancelled.stdout)).toEqual([commands[1]]);
    expect(await run(commands[1]!)).toMatchObject({ code: 0 });
    expect(await counts(database)).toEqual([0, 0]);
    expect(await run(["import", "t.csv"])).toMatchObject({ code: 0 });
    expect(await counts(database)).toEqual([2 * ROWS, 2 * ROWS]);
  },
);

withServer.each(["sequential", "concurrent"] as const)(
  "a file that was changed while it was read: rows that cannot be taken back are to be deleted, %s",
  async (method) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const message = await written(folder.path, database, { method });
    expect(message).toContain(`delete its rows with SQL, because those of the method ${method} cannot be taken back`);
    const [cancel, ...others] = commandsIn(message);
    expect(others).toEqual([]);
    const { stdout } = await start(folder.path, [...cancel!, "--to", database.dsn]).finished;
    expect(stdout).toMatch(/rows of it stay in the table "t"[^]*Note: .* cannot be taken back: .*Delete with SQL/);
    await database.query("delete from t");
    expect(await start(folder.path, ["import", "t.csv", "--to", database.dsn]).finished).toMatchObject({ code: 0 });
    expect(await counts(database)).toEqual([2 * ROWS, 2 * ROWS]);
  },
);

withServer("a file that was changed while it was read: a key decides about the rows that are in", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await database.query("create table t (id integer primary key, name text)");
  const message = await written(folder.path, database, { onConflict: "skip", key: ["id"] });
  const [cancel, ...others] = commandsIn(message);
  expect(others).toEqual([]);
  expect(message).toContain("Then give the same command: its key decides");
  await start(folder.path, [...cancel!, "--to", database.dsn]).finished;
  const again = ["import", "t.csv", "--on-conflict", "skip", "--key", "id", "--to", database.dsn];
  expect(await start(folder.path, again).finished).toMatchObject({ code: 0 });
  expect(await counts(database)).toEqual([2 * ROWS, 2 * ROWS]);
});

withServer("a damaged file: what the message says leads to each row once", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const file = join(folder.path, "t.csv");
  const many = Array.from({ length: 40_000 }, (_, n) => `${n},some text to fill it\n`).join("");
  await writeFile(file, `id,name\n${many}1,"open\n`);
  const given = ["import", "t.csv", "--chunk-rows", "5000", "--to", database.dsn];
  const failed = await start(folder.path, given).finished;
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain(
    "Repair the file: the same command ends at the same place. Its rows would come twice.",
  );
  await writeFile(file, `id,name\n${many}`);
  const commands = commandsIn(failed.stderr);
  expect(commands.map((words) => words.slice(0, 2).join(" "))).toEqual(["imports cancel", "imports take-back"]);
  for (const words of commands) expect(await start(folder.path, words).finished).toMatchObject({ code: 0 });
  expect(await start(folder.path, given).finished).toMatchObject({ code: 0 });
  expect(await counts(database)).toEqual([40_000, 40_000]);
});
