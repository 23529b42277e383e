// A file that somebody writes, or replaces, while it is imported.
import { background } from "@sluice/go/context";
import { appendFile, rename, writeFile } from "node:fs/promises";
import { appendFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runImport } from "../import.ts";
import type { ImportOptions, ImportResult } from "../options.ts";
import { databases, newFolder } from "../test/database.ts";

const ROWS = 300;
const lines = (from: number): string => Array.from({ length: ROWS }, (_, n) => `${from + n},x\n`).join("");

test.each(databases)("one that is replaced before its content is known is not imported: $name", async ({ open }) => {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  const [file, next] = [join(folder.path, "rows.csv"), join(folder.path, "next.csv")];
  await writeFile(file, `id,name\n${lines(0)}`);
  await writeFile(next, `id,name\n${lines(ROWS)}`);
  // Between the opening of the file and the end of the look at its content.
  const start = target.start.bind(target);
  target.start = async () => {
    target.start = start;
    await rename(next, file);
    await start();
  };
  const imported = (): Promise<ImportResult> => runImport(background(), { target, file, table: "t" });
  await expect(imported()).rejects.toMatchObject({
    code: "file_changed",
    message: "rows.csv was changed or replaced while it was read. Import it when nobody writes it, or import a copy.",
  });
  expect(await imported()).toMatchObject({ inserted: ROWS });
  expect((await target.query("select min(id)::text from t")).rows).toEqual([[String(ROWS)]]);
});

test.each(
  databases.flatMap(({ name, open }) => [
    { name, open, atomic: false },
    { name, open, atomic: true },
  ]),
)("one that is written while its rows go in is not finished: $name, atomic: $atomic", async ({ open, atomic }) => {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  const file = join(folder.path, "rows.csv");
  await writeFile(file, `id,name\n${lines(0)}`);
  const given: ImportOptions = { target, file, table: "t", atomic, method: "batch", batchSize: 50, workers: 1 };
  let written = false;
  const onProgress = (): void => {
    if (!written) appendFileSync(file, lines(ROWS));
    written = true;
  };
  const failure = (await runImport(background(), { ...given, onProgress }).catch((error: unknown) => error)) as Error;
  expect(failure).toMatchObject({ code: "file_changed" });
  const { rows } = await target.query("select count(*)::text from t");
  if (atomic) expect(rows).toEqual([["0"]]);
  else
    expect(failure.message).toMatch(
      /rows of this import are in the table "t" .*\nEnd this import: sluice imports cancel \w+\. Then take its rows out: sluice imports take-back \w+ --yes$/m,
    );
});

test.each(databases)("one that is only touched is finished: $name", async ({ open }) => {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  const file = join(folder.path, "rows.csv");
  await writeFile(file, `id,name\n${lines(0)}`);
  const onProgress = (): void => utimesSync(file, 1, 1);
  expect(await runImport(background(), { target, file, table: "t", onProgress })).toMatchObject({ inserted: ROWS });
});

test.each(databases)("one whose name another file gets while its rows go in is finished: $name", async ({ open }) => {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  const [file, next] = [join(folder.path, "rows.csv"), join(folder.path, "next.csv")];
  await writeFile(file, `id,name\n${lines(0)}`);
  await writeFile(next, "id,name\n");
  await appendFile(next, lines(ROWS));
  let renamed: Promise<void> | undefined;
  const onProgress = (): void => void (renamed ??= rename(next, file));
  expect(await runImport(background(), { target, file, table: "t", onProgress })).toMatchObject({ inserted: ROWS });
  await renamed;
  expect(await runImport(background(), { target, file, table: "t" })).toMatchObject({ inserted: ROWS });
  expect((await target.query("select count(distinct id)::text from t")).rows).toEqual([[String(2 * ROWS)]]);
});
