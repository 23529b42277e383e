// A ledger that contradicts itself, since somebody has deleted or changed its rows by hand: an
// import does not continue by it, and puts no row in twice.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import { runImport } from "../import.ts";
import type { ImportOptions, ImportResult } from "../options.ts";
import { table } from "../schema/schema.ts";
import type { Target } from "../target.ts";
import { databases, newDatabase, newFolder, server } from "../test/database.ts";
import { heldUp } from "../test/faults.ts";
import { cancelImport, listImports } from "./history.ts";

const ROWS = 60;
const [FIRST_BAD, LAST_BAD] = [3, 43];
const numbers = table({ name: "numbers", columns: { n: { type: "integer" } } });
/** What a process that was killed leaves: nobody has given the import back, nor counted. */
const KILLED =
  "update sluice.imports set state = 'running', total = 0, inserted = 0, updated = 0, skipped = 0, rejected = 0";

/** Numbers, of which two are none: in chunks of ten rows, in the first one and the fifth. */
async function example(folder: string, rows = ROWS, lastBad = LAST_BAD): Promise<string> {
  const file = join(folder, "numbers.csv");
  const lines = Array.from({ length: rows }, (_, n) => (n === FIRST_BAD || n === lastBad ? "none" : String(n)));
  await writeFile(file, ["n", ...lines].join("\n"));
  return file;
}

function imported(options: Pick<ImportOptions, "file" | "target"> & Partial<ImportOptions>): Promise<ImportResult> {
  return runImport(background(), { schema: numbers, chunkRows: 10, workers: 1, ...options });
}

async function inTable(target: Pick<Target, "query">): Promise<(string | null)[]> {
  return [...(await target.query("select count(*)::text, count(distinct n)::text from numbers")).rows[0]!];
}

describe.each(databases)("on $name", ({ open }) => {
  /** An import that has stopped at its second bad row, with five chunks. */
  async function unfinished(use: (target: Target, options: ImportOptions, id: string) => Promise<void>): Promise<void> {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const options = { file: await example(folder.path), target };
    await expect(imported({ ...options, maxErrors: 1 })).rejects.toMatchObject({ code: "too_many_errors" });
    expect(await inTable(target)).toEqual(["48", "48"]);
    await use(target, options, (await listImports(target))[0]!.id);
  }

  test.each([
    ["a chunk", "delete from sluice.chunks where n = 1", /its chunks count fewer rows than its entry/],
    ["all chunks", "delete from sluice.chunks", /its chunks count fewer rows than its entry/],
    [
      "a chunk with rejects, after a kill",
      `${KILLED}; delete from sluice.chunks where n = 0`,
      /its chunks count another number of rejected rows than there are rejects/,
    ],
    [
      "all chunks, after a kill",
      `${KILLED}; delete from sluice.chunks`,
      /its chunks count another number of rejected rows than there are rejects/,
    ],
    ["rejects", "delete from sluice.rejects", /another number of rejected rows than there are rejects/],
  ])("of which somebody has deleted %s: it is refused, and no row goes in twice", async (_, sql, says) => {
    await unfinished(async (target, options, id) => {
      await target.query(sql);
      const refused = { code: "bad_ledger", exitCode: 1, message: expect.stringMatching(says) as string };
      await expect(imported(options)).rejects.toMatchObject(refused);
      await expect(imported({ ...options, resume: id })).rejects.toMatchObject(refused);
      // Other options make another import, which would end this one if it had no rows.
      await expect(imported({ ...options, limit: 59 })).rejects.toMatchObject(refused);
      await writeFile(options.file, "n\n1\n");
      await expect(imported(options)).rejects.toMatchObject(refused);
      expect(await inTable(target)).toEqual(["48", "48"]);
      await cancelImport(target, id);
      expect(await imported(options)).toMatchObject({ inserted: 1 });
    });
  });

  test("that has one loader, and of which somebody has deleted a chunk after a kill, is refused", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    // Chunks of a hundred rows.
    const options = { file: await example(folder.path, 400, 343), target, method: "sequential" as const };
    await expect(imported({ ...options, maxErrors: 1 })).rejects.toMatchObject({ code: "too_many_errors" });
    await target.query(`${KILLED}; delete from sluice.chunks where n = 1`);
    await expect(imported(options)).rejects.toMatchObject({
      code: "bad_ledger",
      message: expect.stringContaining("a chunk is missing between others") as string,
    });
  });

  test.each([
    ["its lease was set back", "update sluice.leases set epoch = 0", /its lease has another epoch/],
    [
      "all but its chunks was set back",
      "update sluice.imports set epoch = 0; update sluice.leases set epoch = 0",
      /a chunk has a later epoch/,
    ],
    ["a chunk has more settled rows than rows", "update sluice.chunks set done = 11", /more settled rows than rows/],
  ])("is refused if %s", async (_, sql, says) => {
    await unfinished(async (target, options) => {
      await target.query(sql);
      await expect(imported(options)).rejects.toMatchObject({
        code: "bad_ledger",
        message: expect.stringMatching(says) as string,
      });
    });
  });

  test("of which somebody has deleted the entry alone is refused by its id, with what to do", async () => {
    await unfinished(async (target, options, id) => {
      await target.query("delete from sluice.imports");
      await expect(imported({ ...options, resume: id })).rejects.toMatchObject({
        code: "bad_ledger",
        message: expect.stringMatching(/has chunks of the import \w+ and not its entry.*without --resume/) as string,
      });
    });
  });

  test("begins anew if its table is gone, whatever the ledger has of it", async () => {
    await unfinished(async (target, options) => {
      await target.query("delete from sluice.chunks; drop table numbers");
      expect(await imported(options)).toMatchObject({ inserted: ROWS - 2 });
    });
  });

  test("that has finished is not repeated if somebody has deleted its chunks", async () => {
    await unfinished(async (target, options) => {
      await imported(options);
      await target.query("delete from sluice.chunks");
      await expect(imported(options)).rejects.toMatchObject({
        code: "imported_already",
        message: expect.stringContaining("58 ") as string,
      });
    });
  });
});

describe.skipIf(server === undefined)("an import that runs while somebody deletes", () => {
  /** An import with one connection, during whose fourth commit somebody runs SQL. */
  async function meddled(sql: string, use: (target: Target, options: ImportOptions) => Promise<void>): Promise<void> {
    await using folder = newFolder();
    await using database = await newDatabase();
    let commits = 0;
    const held = heldUp(postgresDatabase(database.dsn, 1), async (statement) => {
      if (statement.includes("select sluice.commit_rows(") && ++commits === 4) await database.query(sql);
    });
    await using target = new SqlTarget(held, 1000);
    await use(target, { file: await example(folder.path), target });
  }

  test("chunks of it is not finished and not continued, and no row goes in twice", async () => {
    await meddled("delete from sluice.chunks where n = 1", async (target, options) => {
      await expect(imported(options)).rejects.toMatchObject({
        code: "bad_ledger",
        message: expect.stringContaining("chunks that this process had recorded are not there any more") as string,
      });
      expect(await inTable(target)).toEqual(["58", "58"]);
      await expect(imported(options)).rejects.toMatchObject({ code: "bad_ledger" });
      expect(await inTable(target)).toEqual(["58", "58"]);
    });
  });

  test.each([
    ["all of it", "truncate sluice.imports, sluice.leases, sluice.chunks, sluice.rejects, sluice.made, sluice.written"],
    ["the ledger", "drop schema sluice cascade"],
  ])("%s stops, and no row goes in twice", async (_, sql) => {
    await meddled(sql, async (target, options) => {
      await expect(imported(options)).rejects.toMatchObject({
        code: "bad_ledger",
        message: expect.stringMatching(
          /^the ledger has nothing of the import \w+ any more: .*the same command would put them in again: take them out before/,
        ) as string,
      });
      const [rows, different] = await inTable(target);
      expect(Number(rows)).toBeGreaterThan(0);
      expect(different).toBe(rows);
    });
  });

  test("its entry stops, and does not begin anew", async () => {
    await meddled("delete from sluice.imports", async (target, options) => {
      await expect(imported(options)).rejects.toMatchObject({
        code: "bad_ledger",
        message: expect.stringMatching(/has chunks of the import \w+ and not its entry/) as string,
      });
      const [rows, different] = await inTable(target);
      expect(Number(rows)).toBeLessThan(ROWS - 2);
      expect(different).toBe(rows);
    });
  });
});
