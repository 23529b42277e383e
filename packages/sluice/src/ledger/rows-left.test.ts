// Rows that an earlier import has left: the same file puts them in once more, and says so.
import { background, withCancel } from "@sluice/go/context";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { METHODS, type ImportOptions, type ImportResult } from "../options.ts";
import { takeBack } from "../run/take-back.ts";
import type { Target } from "../target.ts";
import { databases, newFolder } from "../test/database.ts";
import { cancelImport } from "./history.ts";

const ROWS = 120;
const TABLE =
  "create table t (id integer, name text); insert into t select n, 'there' from generate_series(-200, -1) n";

async function example(folder: string): Promise<string> {
  const file = join(folder, "t.csv");
  await writeFile(file, `id,name\n${Array.from({ length: ROWS }, (_, n) => `${n + 1},name ${n}\n`).join("")}`);
  return file;
}

function imported(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  return runImport(background(), { target, file, workers: 1, chunkRows: 20, batchSize: 20, ...options });
}

/** Imports until the first commit, then cancels for good. */
async function cancelled(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  const [ctx, cancel] = withCancel(background());
  const given = { target, file, workers: 1, chunkRows: 20, batchSize: 20, onProgress: cancel, ...options };
  const result = await runImport(ctx, given);
  expect(result).toMatchObject({ interrupted: true });
  await cancelImport(target, result.id);
  return result;
}

const counts = async (target: Target): Promise<number[]> =>
  (await target.query("select count(*)::text, count(distinct id)::text from t where id > 0")).rows[0]!.map(Number);

const SAID = /since the cancelled import/;

describe.each(databases)("on $name", ({ open }) => {
  test.each(METHODS)("rows that go in once more are counted in a note, with the way out, %s", async (method) => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(TABLE);
    const file = await example(folder.path);
    const first = await cancelled(target, file, { method });
    const rows = first.inserted === 1 ? "1 row of this file is" : `${first.inserted} rows of this file are`;
    const [are, them] = first.inserted === 1 ? ["it is", "it"] : ["they are", "them"];
    const takesBack = method === "copy" || method === "batch";
    const out = takesBack ? `sluice imports take-back ${first.id} --yes takes ${them} back` : `delete with SQL what is not to stay, because rows of the method ${method} cannot be taken back`; // prettier-ignore
    const { notes } = await imported(target, file, { method });
    expect(notes).toContain(`${rows} in the table since the cancelled import ${first.id}, so ${are} in twice; ${out}`);
    expect(await counts(target)).toEqual([ROWS + first.inserted, ROWS]);
    if (!takesBack) return;
    await takeBack(target, first.id);
    expect(await counts(target)).toEqual([ROWS, ROWS]);
  });

  test("rows of a finished import with other options may be in twice, which is counted, with the way out", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(TABLE);
    const file = await example(folder.path);
    const first = await imported(target, file);
    const note = `${ROWS} rows of this file are in the table since the import ${first.id} with other options, so they`;
    const takesBack = `in twice; sluice imports take-back ${first.id} --yes takes them back`;
    const ahead = await imported(target, file, { atomic: true, dryRun: true });
    expect(ahead.notes).toContain(`${note} would be ${takesBack}`);
    const { notes } = await imported(target, file, { atomic: true });
    expect(notes).toContain(`${note} may be ${takesBack}`);
    expect(await counts(target)).toEqual([2 * ROWS, ROWS]);
    await takeBack(target, first.id);
    expect(await counts(target)).toEqual([ROWS, ROWS]);
    const replaced = await imported(target, file, { mode: "replace" });
    expect(replaced.notes.join("\n")).not.toMatch(/in twice/);
  });

  test("it is said by a dry run, of other options, and by an import that continues", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(TABLE);
    const file = await example(folder.path);
    const first = await cancelled(target, file);
    const note = (be: string): unknown =>
      expect.stringContaining(`since the cancelled import ${first.id}, so they ${be} in twice; `);
    expect((await imported(target, file, { dryRun: true })).notes).toContainEqual(note("would be"));
    const [ctx, cancel] = withCancel(background());
    await runImport(ctx, { target, file, workers: 1, chunkRows: 20, onProgress: cancel });
    expect((await imported(target, file)).notes).toContainEqual(note("are"));
    expect((await imported(target, file, { nulls: ["x"] })).notes).toContainEqual(note("may be"));
  });

  test.each<[what: string, out: (target: Target, id: string) => Promise<unknown>]>([
    ["were taken back", (target, id) => takeBack(target, id)],
    ["were deleted, and others are there", (target) => target.query("delete from t where id > 0")],
    ["went with all others", (target) => target.query("delete from t")],
    ["went with their table", (target) => target.query(`drop table t; ${TABLE}`)],
  ])("nothing is said if they %s", async (_, out) => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(TABLE);
    const file = await example(folder.path);
    await out(target, (await cancelled(target, file)).id);
    expect((await imported(target, file)).notes.join("\n")).not.toMatch(SAID);
    expect(await counts(target)).toEqual([ROWS, ROWS]);
  });

  test("rows of what the file held before may be in twice", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(TABLE);
    const file = await example(folder.path);
    const first = await cancelled(target, file);
    await appendFile(file, `${ROWS + 1},new\n`);
    const { notes } = await imported(target, file);
    expect(notes).toContain(
      `${first.inserted} rows of t.csv, which held something else then, are in the table since the cancelled import ${first.id}, so they may be in twice; sluice imports take-back ${first.id} --yes takes them back`,
    );
    await takeBack(target, first.id);
    await appendFile(file, `${ROWS + 2},new\n`);
    expect((await imported(target, file)).notes.join("\n")).not.toMatch(SAID);
  });

  test("those that are left are counted if some were deleted", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(TABLE);
    const file = await example(folder.path);
    await cancelled(target, file);
    await target.query("delete from t where id > 1");
    const { notes } = await imported(target, file);
    expect(notes.join("\n")).toMatch(
      /^1 row of this file is in the table since .*, so it is in twice; .* takes it back$/m,
    );
  });

  test.each<[what: string, options: Partial<ImportOptions>]>([
    ["a unique index rejects them", {}],
    ["a key leaves them out", { onConflict: "skip", key: ["id"] }],
    ["a key writes over them", { onConflict: "update", key: ["id"] }],
    ["the rows are replaced", { mode: "replace" }],
  ])("nothing is said if %s", async (_, options) => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(`${TABLE}; alter table t add primary key (id)`);
    const file = await example(folder.path);
    await cancelled(target, file);
    expect((await imported(target, file, options)).notes.join("\n")).not.toMatch(SAID);
    expect(await counts(target)).toEqual([ROWS, ROWS]);
  });
});
