// What is the same content, and which rows of an import are still there.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { background, withCancel } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { failureOf } from "../errors.ts";
import { hashFile } from "../hash.ts";
import { runImport } from "../import.ts";
import type { ImportOptions, ImportResult } from "../options.ts";
import type { Target } from "../target.ts";
import { databases, newFolder } from "./database.ts";

const ROWS = 60;
const TEXT = `id,name\n${Array.from({ length: ROWS }, (_, n) => `${n},name ${n}\n`).join("")}`;

async function imported(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  return runImport(background(), { target, file, table: "people", chunkRows: 20, workers: 1, ...options });
}

async function interrupted(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<void> {
  const [ctx, cancel] = withCancel(background());
  const given = { target, file, table: "people", chunkRows: 20, workers: 1, onProgress: cancel, ...options };
  expect((await runImport(ctx, given)).interrupted).toBe(true);
}

async function count(target: Target): Promise<number> {
  return Number((await target.query("select count(*) from people")).rows[0]![0]);
}

describe.each(databases)("on $name", ({ open }) => {
  test("a text and the same text in gzip are one content", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const [plain, packed] = [join(folder.path, "people.csv"), join(folder.path, "people.csv.gz")];
    await writeFile(plain, TEXT);
    await writeFile(packed, gzipSync(TEXT));
    await imported(target, plain);
    expect(await failureOf(imported(target, packed))).toMatchObject({ code: "imported_already" });
    expect(await count(target)).toBe(ROWS);
  });

  test("a text in gzip that an earlier version imported is known by its bytes", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const packed = join(folder.path, "people.csv.gz");
    await writeFile(packed, gzipSync(TEXT));
    const { id } = await imported(target, packed);
    const { packed: bytes } = await hashFile(packed);
    await target.query("update sluice.imports set content_hash = $1 where id = $2", [bytes!, id]);
    expect(await failureOf(imported(target, packed))).toMatchObject({ code: "imported_already" });
  });

  test("rows of an unfinished import that were deleted are missed when it goes on", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "people.csv");
    await writeFile(file, TEXT);
    await interrupted(target, file);
    const before = await count(target);
    await target.query("delete from people where id < 5");
    const { notes, inserted } = await imported(target, file);
    expect(inserted).toBe(ROWS);
    expect(notes.join("\n")).toMatch(
      /at least 5 of the rows that this import had put into the table "people" are not there/,
    );
    expect(await count(target)).toBe(ROWS - 5);
    expect(before).toBeGreaterThan(5);
  });

  test("an UNLOGGED table that is emptied between two runs, or before the end, ends the import", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "people.csv");
    await writeFile(file, TEXT);
    await target.query("create unlogged table people (id integer, name text)");
    await interrupted(target, file);
    await target.query("delete from people; insert into people values (-1, 'of somebody else')");
    const refused = await failureOf(imported(target, file));
    expect(refused).toMatchObject({ code: "table_changed", message: expect.stringMatching(/UNLOGGED/) as string });

    await target.query("delete from people");
    let emptied: Promise<unknown> | undefined;
    const onProgress = (): void => void (emptied ??= target.query("delete from people"));
    const atEnd = await failureOf(imported(target, file, { onProgress }));
    await emptied;
    expect(atEnd).toMatchObject({ code: expect.stringMatching(/^table_(gone|changed)$/) as string });
  });

  test("an import into a table that shares rows with one that has the same content says so", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "people.csv");
    await writeFile(file, TEXT);
    await target.query(`create table people (id integer, name text) partition by range (id);
      create table low partition of people for values from (0) to (30);
      create table high partition of people for values from (30) to (100);
      create view seen as select * from people`);
    const { id } = await imported(target, file, { table: "people" });
    const beside = new RegExp(`as import ${id}, into "people", which shares rows with "(low|seen)"`);
    expect((await imported(target, file, { table: "seen" })).notes.join("\n")).toMatch(beside);
    expect((await imported(target, file, { table: "low" })).notes.join("\n")).toMatch(beside);
    expect((await imported(target, file, { table: "other" })).notes.join("\n")).not.toMatch(/shares rows/);
  });

  test("a view that was left under the name of a moved table does not take the rows a second time", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "people.csv");
    await writeFile(file, TEXT);
    await target.query("create table people (id integer, name text)");
    await interrupted(target, file);
    const before = await count(target);
    expect(before).toBeLessThan(ROWS);
    await target.query(
      "create schema old; alter table people set schema old; create view people as select * from old.people",
    );
    const refused = await failureOf(imported(target, file));
    expect(refused).toMatchObject({
      code: "unfinished_import",
      message: expect.stringContaining("old.people") as string,
    });
    expect(await count(target)).toBe(before);
    await target.query("drop view people; alter table old.people set schema public");
    expect((await imported(target, file)).inserted).toBe(ROWS);
    expect(await count(target)).toBe(ROWS);
  });

  test("--replace does not delete a part of the rows that another import is putting in", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const [file, other] = [join(folder.path, "people.csv"), join(folder.path, "other.csv")];
    await writeFile(file, TEXT);
    await writeFile(other, "id,name\n-1,a\n");
    await interrupted(target, file);
    const before = await count(target);
    // As the database sees it, that import is at work.
    await target.query("update sluice.leases set expires_at = clock_timestamp() + interval '1 hour'");
    const refused = await failureOf(imported(target, other, { mode: "replace" }));
    expect(refused).toMatchObject({
      code: "import_running",
      message: expect.stringMatching(/--replace would delete a part/) as string,
    });
    expect(await count(target)).toBe(before);
    // All at once, it is before or after the other one.
    await target.query(
      "update sluice.imports set plan = jsonb_set(plan::jsonb, '{atomic}', 'true')::json where file = 'people.csv'",
    );
    expect((await imported(target, other, { mode: "replace" })).inserted).toBe(1);
    expect(await count(target)).toBe(1);
  });
});
