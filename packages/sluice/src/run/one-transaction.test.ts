// All rows at once or none: --atomic, --replace and --dry-run.
import { background, withCancel } from "@sluice/go/context";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { importDetails, listImports } from "../ledger/history.ts";
import type { Reject } from "../reject.ts";
import { table } from "../schema/schema.ts";
import { databases, hold, newDatabase, newFolder, newName, server } from "../test/database.ts";
import { faulty } from "../test/faults.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";
import { openTarget } from "../database/open.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import type { Target } from "../target.ts";
import { type ImportOptions, type ImportResult, METHODS } from "../options.ts";

const people = table({
  name: "people",
  columns: { id: { type: "integer", primaryKey: true }, name: { notNull: true }, age: { type: "integer" } },
  indexes: ["name"],
});

/** 200 rows, of which 5 have no name and one an id that is taken. */
async function example(folder: string): Promise<string> {
  const rows: TestCell[][] = [["Id", "Name", "Age"]];
  for (let n = 1; n <= 200; n++) rows.push([n === 77 ? 7 : n, n % 40 === 0 ? null : `name ${n}`, n % 90]);
  return writeWorkbook(join(folder, "people.xlsx"), { People: rows });
}

async function imported(
  target: Target,
  file: string,
  options: Partial<ImportOptions>,
): Promise<{ result: ImportResult; rejects: Reject[] }> {
  const rejects: Reject[] = [];
  const result = await runImport(background(), {
    target, file, schema: people, chunkRows: 30, batchSize: 30,
    onRejects: (list) => void rejects.push(...list), ...options,
  }); // prettier-ignore
  expect(result.total).toBe(result.inserted + result.updated + result.skipped + result.rejected);
  return { result, rejects };
}

async function rowsOf(target: Target): Promise<unknown> {
  return (await target.query("select * from people order by id")).rows;
}

describe.each(databases)("on $name", ({ open }) => {
  test.each([
    ["--atomic", { atomic: true }],
    ["--replace", { mode: "replace" }],
  ] as const)(
    "%s: what ends after its commit and before its end goes on to that, and puts nothing in twice",
    async (_, how) => {
      await using folder = newFolder();
      await using database = await open();
      const { target } = database;
      const file = await example(folder.path);
      const { result, rejects } = await imported(target, file, how);
      const before = await rowsOf(target);
      await target.query(
        `update sluice.imports set state = 'running', finished_at = null, total = 0, inserted = 0, rejected = 0;
       update sluice.leases set expires_at = '-infinity', owner = 'a process that was killed'`,
      );
      const { result: again, rejects: told } = await imported(target, file, how);
      expect(again).toMatchObject({ id: result.id, total: 200, inserted: 194, rejected: 6, interrupted: false });
      expect(told).toEqual(rejects);
      expect(await rowsOf(target)).toEqual(before);
      expect((await target.query("select state from sluice.imports")).rows).toEqual([["finished"]]);
    },
  );

  test("--replace of a table that others refer to says so, and what to do; a dry run says what would be deleted", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    await target.query(
      "create table people (id integer primary key, name text, age integer); insert into people values (7), (8)",
    );
    const { result } = await imported(target, file, { mode: "replace", dryRun: true });
    expect(result.notes).toContain("2 rows that the table held before would be deleted");
    await target.query("create table pets (owner integer references people); insert into pets values (7)");
    const failing = imported(target, file, { mode: "replace" });
    await expect(failing).rejects.toMatchObject({
      code: "referred_to",
      message: expect.stringMatching(
        /so --replace cannot delete the rows of the table "people"\. Write over them instead, --on-conflict update .*\n.*\nEnd this import: sluice imports cancel \w+/,
      ) as string,
    });
    expect((await target.query("select count(*)::text from people")).rows).toEqual([["2"]]);
  });

  test("--replace that would take rows of other tables along counts them and asks; --cascade lets them go", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    await target.query(
      `create table people (id integer primary key, name text, age integer); insert into people values (7), (8), (9);
       create table pets (id integer primary key, owner integer references people on delete cascade);
       insert into pets values (1, 7), (2, 8), (3, null), (4, 8);
       create table toys (pet integer references pets on delete set null); insert into toys values (1), (3), (null);
       create table likes (pet integer references pets on delete cascade) partition by list (pet);
       create table likes_all partition of likes default; insert into likes values (1), (4), (3);
       create table empty (owner integer references people on delete cascade);
       alter table people add column boss integer references people on delete cascade`,
    );
    const counts = async (): Promise<unknown> =>
      (
        await target.query(
          "select (select count(*) from people)::text, (select count(*) from pets)::text, (select count(pet) from toys)::text, (select count(*) from likes)::text",
        )
      ).rows;
    const before = await counts();
    for (const dryRun of [true, false]) {
      const failure = (await imported(target, file, { mode: "replace", dryRun }).catch((e: unknown) => e)) as Error;
      expect(failure).toMatchObject({
        code: "would_cascade",
        message: expect.stringContaining(
          '--replace deletes the rows of the table "people", and that deletes 3 rows of pets, and deletes 2 rows of likes, and takes out the reference in 1 row of toys. If that is meant, say so with --cascade.',
        ) as string,
      });
      if (!dryRun)
        expect(failure.message).toMatch(/holds what it held before\.\nGo on with: the same command and --cascade\./);
      expect(await counts()).toEqual(before);
    }
    const { result } = await imported(target, file, { mode: "replace", cascade: true });
    expect(result).toMatchObject({ inserted: 194 });
    expect(result.notes).toEqual(
      expect.arrayContaining(
        [
          "3 rows that the table held before are deleted",
          "3 rows of pets, which refer to them, are deleted as well",
          "the reference to them in 1 row of toys is taken out",
        ].map((text) => expect.stringContaining(text) as string),
      ),
    );
    expect(await counts()).toEqual([["194", "1", "1", "1"]]);
  });

  test.each(METHODS)("%s: an atomic import and a dry run say and do what any other does", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    // A dry run makes no ledger either.
    await target.query("drop schema sluice cascade");
    const dry = await imported(target, file, { method, dryRun: true });
    expect(await target.describe("people")).toBeUndefined();
    expect(await listImports(target)).toEqual([]);
    expect((await target.query("select to_regnamespace('sluice') is null")).rows).toEqual([["t"]]);
    const plain = await imported(target, file, { method });
    const rows = await rowsOf(target);
    await target.query("drop table people");
    const atomic = await imported(target, file, { method, atomic: true, resume: "never" });
    expect(await rowsOf(target)).toEqual(rows);
    for (const { result, rejects } of [dry, atomic]) {
      expect(result).toMatchObject({ total: 200, inserted: 194, rejected: 6, reasons: plain.result.reasons });
      expect(rejects).toEqual(plain.rejects);
    }
    expect(await importDetails(target, atomic.result.id)).toMatchObject({
      state: "finished",
      inserted: 194,
      rejected: 6,
    });
  });

  test("a dry run says which index would not be built, as the import does", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    // No index page has room for this name, however well it is compressed.
    const name = randomBytes(8_000).toString("hex");
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), {
      People: [
        ["Id", "Name", "Age"],
        [1, name, 5],
      ],
    });
    const notBuilt = async (how: Partial<ImportOptions>): Promise<string[]> => {
      const { result } = await imported(target, file, how);
      expect(result).toMatchObject({ inserted: 1, rejected: 0 });
      return result.notes.filter((note) => note.includes("create index"));
    };
    const said = String.raw`create index on "people" \("name"\) \(index row \w+ .*8191`;
    expect(await notBuilt({ dryRun: true })).toEqual([expect.stringMatching(`^would not be built: ${said}`)]);
    expect(await notBuilt({})).toEqual([expect.stringMatching(`^not built: ${said}`)]);
  });

  test("--replace puts new rows in the place of the old ones, and keeps the old ones where it is interrupted", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      "create table people (id integer primary key, name text, age integer); insert into people values (1, 'old', 1), (999, 'old', 2)",
    );
    const file = await example(folder.path);
    const [ctx, cancel] = withCancel(background());
    const options = { target, file, schema: people, chunkRows: 30, mode: "replace" } as const;
    const stopped = await runImport(ctx, { ...options, onProgress: () => cancel() });
    expect(stopped).toMatchObject({ interrupted: true, total: 0, inserted: 0 });
    expect(stopped.notes.join()).not.toContain("deleted");
    expect(await rowsOf(target)).toEqual([["1", "old", "1"], ["999", "old", "2"]]); // prettier-ignore
    const { result } = await imported(target, file, { mode: "replace" });
    expect(result).toMatchObject({ id: stopped.id, total: 200, inserted: 194, rejected: 6 });
    expect(result.notes).toContain("2 rows that the table held before are deleted");
    expect((await target.query("select count(*)::text, max(id)::text from people")).rows).toEqual([["194", "199"]]);
  });

  test("--replace that fails says that the table holds what it held before", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      "create table people (id integer primary key, name text, age integer); insert into people values (1, 'old', 1)",
    );
    const failure = await imported(target, await example(folder.path), { mode: "replace", maxErrors: 2 }).catch(
      (error: unknown) => error as Error,
    );
    expect(failure).toMatchObject({
      code: "too_many_errors",
      message: expect.stringContaining(
        '\nNo row was changed: the table "people" holds what it held before.\nGo on with: the same command and a larger --max-errors, or none',
      ) as string,
    });
    expect((failure as Error).message).not.toContain("deleted");
    expect(await rowsOf(target)).toEqual([["1", "old", "1"]]);
  });

  test("--replace by a file whose rows are all rejected leaves the table as it was", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      "create table people (id integer primary key, name text, age integer); insert into people values (1, 'old', 1)",
    );
    const file = await writeWorkbook(join(folder.path, "bad.xlsx"), {
      People: [["Id", "Name", "Age"], ["one", "a", 1], ["two", "b", 2]],
    }); // prettier-ignore
    for (const dryRun of [true, false]) {
      const rejects: Reject[] = [];
      const onRejects = (list: readonly Reject[]): void => void rejects.push(...list);
      const failure = await imported(target, file, { mode: "replace", dryRun, onRejects }).catch(
        (error: unknown) => error as Error,
      );
      expect(failure).toMatchObject({
        code: "nothing_left",
        exitCode: 1,
        message: expect.stringMatching(
          /^all 2 rows were rejected \(2 × \w+\), so --replace would leave the table "people" empty\. Repair/,
        ) as string,
      });
      if (!dryRun)
        expect((failure as Error).message).toMatch(
          /\nNo row was changed: .*\nGo on with: the same command and the repaired file$/,
        );
      expect(rejects.map(({ row }) => row)).toEqual([2, 3]);
      expect(await rowsOf(target)).toEqual([["1", "old", "1"]]);
    }
    const good = await writeWorkbook(join(folder.path, "good.xlsx"), {
      People: [["Id", "Name", "Age"], ["one", "a", 1], [2, "b", 2]],
    }); // prettier-ignore
    expect((await imported(target, good, { mode: "replace" })).result).toMatchObject({ inserted: 1, rejected: 1 });
  });

  test("a dry run of what updates and migrates leaves the table as it was", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table people (id integer primary key, name text); insert into people values (1, 'old')");
    const file = await example(folder.path);
    const options = { onConflict: "update", key: ["id"], migrate: true, schema: people } as const;
    const dry = await imported(target, file, { ...options, dryRun: true });
    expect(dry.result).toMatchObject({ id: "", inserted: 193, updated: 2, rejected: 5 });
    expect(await rowsOf(target)).toEqual([["1", "old"]]);
    const real = await imported(target, file, options);
    expect(real.result).toMatchObject({ inserted: 193, updated: 2, rejected: 5 });
  });
});

describe.skipIf(server === undefined)("while an atomic import runs", () => {
  test("nobody sees a row of it until all are in", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    await database.query(
      "create table people (id integer primary key, name text, age integer); insert into people values (0, 'old', 1)",
    );
    // At the commit, and so after all rows.
    await database.query(
      "create function wait() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(16); return new; end'; " +
        "create constraint trigger last after insert on people deferrable initially deferred for each row when (new.id = 1) execute function wait()",
    );
    await using lock = await hold(database, "select pg_advisory_xact_lock(16)");
    const importing = imported(target, await example(folder.path), { mode: "replace" });
    const waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = 16 and not granted";
    await expect.poll(() => database.query(waiting)).toEqual([["1"]]);
    expect(await database.query("select id, name from people")).toEqual([["0", "old"]]);
    await lock.release();
    await importing;
    expect(await database.query("select count(*) from people")).toEqual([["194"]]);
  });

  test.each(["before", "after"] as const)(
    "losing the connection %s its commit is found out, and nothing is there twice",
    async (when) => {
      await using folder = newFolder();
      await using database = await newDatabase();
      let sent = 0;
      const fault = (sql: string): "before" | "after" | undefined =>
        sql.includes("select sluice.commit_rows") && ++sent === 1 ? when : undefined;
      await using target = new SqlTarget(faulty(postgresDatabase(database.dsn, 2), fault), 5000);
      const file = await example(folder.path);
      const first = imported(target, file, { atomic: true });
      if (when === "after") {
        expect((await first).result).toMatchObject({ inserted: 194 });
      } else {
        await expect(first).rejects.toMatchObject({
          code: "connection_lost",
          message: expect.stringMatching(/No row of this import is known to be in the table "people"/) as string,
        });
        expect(await database.query("select count(*) from people")).toEqual([["0"]]);
        expect((await imported(target, file, { atomic: true })).result).toMatchObject({ total: 200, inserted: 194 });
      }
      expect(await database.query("select count(*) from people")).toEqual([["194"]]);
    },
  );
});

test.skipIf(server === undefined)(
  "a dry run into a table that the user may not make says so like the import itself",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const role = newName("role");
    await database.query(`create role ${role} login; revoke create on schema public from public`);
    try {
      const url = new URL(database.dsn);
      url.username = role;
      await using target = await openTarget({ to: url.href });
      await expect(imported(target, await example(folder.path), { dryRun: true })).rejects.toMatchObject({
        code: "cannot_create",
        message: expect.stringMatching(
          /^the table "people" cannot be made in .*Have it made by somebody who may/,
        ) as string,
      });
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  },
);
