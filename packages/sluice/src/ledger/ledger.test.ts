// Every row exactly once, whatever ends an import and whoever goes on with it. Interruptions come
// at chosen commits. If these are drawn, the seed is printed, and SEED=<n> gives it back.
// Long, since each way to be interrupted runs on both databases with the same helpers.
import { background, withCancel } from "@sluice/go/context";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { Encoder } from "../chunk/encode.ts";
import { SluiceError } from "../errors.ts";
import { runImport } from "../import.ts";
import type { Reject } from "../reject.ts";
import { table } from "../schema/schema.ts";
import { batchOfRows } from "../test/batch.ts";
import { databases, newDatabase, newFolder, newName, server } from "../test/database.ts";
import { faulty, type Fault } from "../test/faults.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";
import { openTarget } from "../database/open.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import type { Target } from "../target.ts";
import { cancelImport, deleteImport, importDetails, listImports, pruneImports } from "./history.ts";
import { claimImport, OWNER } from "./ledger.ts";
import { LEDGER_DDL } from "./schema.ts";
import { type ImportOptions, type ImportResult, METHODS, type Method } from "../options.ts";

const withServer = test.skipIf(server === undefined);
const ROWS = 430;
const GOOD = 412;
const BAD = 18;

const people = table({
  name: "people",
  columns: { id: { type: "integer", primaryKey: true }, name: { notNull: true }, age: { type: "integer" } },
  indexes: ["name", "age"],
});

/**
 * 430 rows; every 40th has no name, every 50th an age that is none, and rows 101 and 301 an id that
 * is taken.
 */
function rows(): TestCell[][] {
  const rows: TestCell[][] = [["Id", "Name", "Age", "Note"]];
  for (let n = 1; n <= ROWS; n++) {
    const id = n === 101 || n === 301 ? 7 : n;
    rows.push([id, n % 40 === 0 ? null : `name ${n}`, n % 50 === 0 ? "old" : n % 90, `note ${n}`]);
  }
  return rows;
}

const seed = Number(process.env["SEED"]) || Math.floor(Math.random() * 2 ** 31);

function randomFrom(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Run {
  readonly result: ImportResult;
  readonly rejects: readonly Reject[];
}

async function imported(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<Run> {
  const rejects: Reject[] = [];
  const result = await runImport(background(), {
    target, file, schema: people, map: new Map([["Note", ""]]), chunkRows: 50, batchSize: 20, workers: 2,
    onRejects: (list) => void rejects.push(...list), ...options,
  }); // prettier-ignore
  expect(result.total).toBe(result.inserted + result.updated + result.skipped + result.rejected);
  return { result, rejects };
}

/** Imports until so many commits have been made, then cancels. */
async function interrupted(
  target: Target,
  file: string,
  commits: number,
  options: Partial<ImportOptions> = {},
): Promise<ImportResult> {
  const [ctx, cancel] = withCancel(background());
  let seen = 0;
  return await runImport(ctx, {
    target, file, schema: people, map: new Map([["Note", ""]]), chunkRows: 50, batchSize: 20, workers: 2,
    onProgress: () => { if (++seen === commits) cancel(); }, ...options,
  }); // prettier-ignore
}

async function rowsOf(target: Target, name = "people"): Promise<unknown> {
  return (await target.query(`select id::text, name, age::text from ${name} order by id`)).rows;
}

/** Rejects as if their table were called people. */
function onPeople(rejects: readonly Reject[]): readonly Reject[] {
  return rejects.map((one) => ({ ...one, reason: one.reason.replace("whole_pkey", "people_pkey") }));
}

async function example(folder: string, name = "people.xlsx"): Promise<string> {
  return writeWorkbook(join(folder, name), { People: rows() });
}

describe.each(databases)("on $name", ({ open }) => {
  test.each(METHODS)("%s: an import that is interrupted again and again ends like one that is not", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const whole = await imported(target, file, { method, table: "whole" });
    expect(whole.result).toMatchObject({ total: ROWS, inserted: GOOD, rejected: BAD });

    const random = randomFrom(seed);
    let last: ImportResult | undefined;
    for (let n = 0; n < 4; n++) {
      const result = await interrupted(target, file, 1 + random(3), { method });
      if (last) {
        expect(result.notes, `seed ${seed}`).toContain(
          `resumed import ${last.id}: ${last.inserted} rows were in already`,
        );
        expect(result.inserted).toBeGreaterThanOrEqual(last.inserted);
      }
      last = result;
      if (!result.interrupted) break;
      expect((await target.query("select count(*)::text from people")).rows).toEqual([[String(result.inserted)]]);
    }
    const { result, rejects } = last!.interrupted
      ? await imported(target, file, { method: "copy", resume: last!.id })
      : { result: last!, rejects: whole.rejects };
    expect(result, `seed ${seed}`).toMatchObject({
      id: last!.id, method, interrupted: false, total: ROWS, inserted: GOOD, rejected: BAD, reasons: whole.result.reasons,
    }); // prettier-ignore
    expect(onPeople(rejects)).toEqual(onPeople(whole.rejects));
    expect(await rowsOf(target)).toEqual(await rowsOf(target, "whole"));
    expect((await target.query("select count(*)::text from pg_indexes where tablename = 'people'")).rows).toEqual([
      ["3"],
    ]);
  });

  test("rejects bear the cells of their row as the sheet holds them, whoever refused it, and after a resume too", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const day = new Date(Date.UTC(2020, 0, 31));
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), {
      People: [
        ["Id", "Secret", "Born", "Name"],
        [1, "a\\b\t\"c\"\n'd'", day, "Ada"],
        [1, "x", day, "Bob"],
        ["one", "y", null, "Cy"],
        [3, null, day, null],
        [4, "z", day],
      ],
    });
    const schema = table({
      name: "born",
      columns: { id: { type: "integer", primaryKey: true }, born: { type: "date" }, name: { notNull: true } },
    });
    const { rejects } = await imported(target, file, { schema, map: new Map([["Secret", ""]]) });
    const date = ["d", "2020-01-31T00:00:00.000"];
    expect(rejects.map(({ row, code, cells }) => [row, code, cells])).toEqual([
      [3, "unique_violation", [["n", "1"], "x", date, "Bob"]],
      [4, "invalid_number", ["one", "y", null, "Cy"]],
      [5, "missing_value", [["n", "3"], null, date]],
      [6, "missing_value", [["n", "4"], "z", date]],
    ]);
  });

  test("a process that was taken over is told so, where its successor has recorded the rejects already, too", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const { id } = await interrupted(target, await example(folder.path), 1);
    expect(await claimImport(target, id, [])).toEqual({ id, epoch: 2 });
    await target.query("insert into sluice.rejects values ($1, 900, null, null, 'code', 'reason', '[]')", [id]);
    const [column] = people.columns;
    const columns = [{ column: column!, sheetColumn: 1, header: "Id" }];
    const plan = {
      file: "people.xlsx",
      sheet: "People",
      table: "people",
      columns,
      statement: "copy",
      step: 50,
    } as const;
    const encoder = new Encoder(plan, [1], "pad", 50);
    encoder.fill(batchOfRows([["none"]], 900), 0);
    const { chunk, rejects } = encoder.take();
    const late = target.commitChunk(chunk, rejects, { id, epoch: 1 }, undefined);
    await expect(late).rejects.toMatchObject({ code: "taken_over" });
  });

  test("a resume goes by what was stored: another method, chunk size or schema changes nothing, and is said", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await interrupted(target, file, 2);
    const schema = table({ name: "people", columns: { id: { type: "integer" }, name: {}, age: {} } });
    const { result } = await imported(target, file, { method: "batch", chunkRows: 7, schema });
    expect(result).toMatchObject({ id: first.id, method: "copy", total: ROWS, inserted: GOOD, rejected: BAD });
    expect(result.notes).toContainEqual(
      expect.stringMatching(/^it goes on as it began: by the method copy in chunks of \d+ rows$/),
    );
    expect(result.notes).toContain(
      "the schema has changed since this import began; it goes on with the one that it began with",
    );
  });

  test("a finished import of the same file is done again if that is said, with a note", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await imported(target, file);
    const second = await imported(target, file, { again: true });
    expect(second.result.id).not.toBe(first.result.id);
    expect(second.result.notes).toContainEqual(
      expect.stringMatching(
        new RegExp(`^this file was imported before, on \\d{4}-.* UTC, as import ${first.result.id}$`),
      ),
    );
    expect(second.result).toMatchObject({ inserted: 0, rejected: ROWS });
  });

  test.each([
    [
      "dropped and made again",
      "drop table people; create table people (id integer, name text, age integer)",
      /is gone: it begins anew/,
    ],
    ["emptied", "delete from people", /has been emptied since: it begins anew/],
  ])("an unfinished import whose table was %s begins anew by itself, and --resume says so", async (_, sql, note) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await interrupted(target, file, 2);
    await target.query(sql);
    await expect(imported(target, file, { resume: first.id })).rejects.toMatchObject({ code: "table_gone" });
    const { result } = await imported(target, file);
    expect(result.id).not.toBe(first.id);
    expect(result.total).toBe(ROWS);
    expect(result.notes).toContainEqual(expect.stringMatching(note));
    expect(await importDetails(target, first.id)).toMatchObject({ state: "cancelled" });
  });

  test("an unfinished import whose table has another name for now goes on when that is over", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await interrupted(target, file, 2);
    await target.query("alter table people rename to others");
    await expect(imported(target, file, { resume: first.id })).rejects.toMatchObject({
      code: "table_gone",
      message: expect.stringMatching(/its table "people" is others now, and that name means another table/) as string,
    });
    const { result } = await imported(target, file);
    expect(result.notes).toContain(
      `import ${first.id} of this file is not finished; its table is others, and "people" is another one here`,
    );
    expect(result.total).toBe(ROWS);
    await target.query("drop table people; alter table others rename to people");
    expect((await imported(target, file)).result).toMatchObject({ id: first.id, total: ROWS });
    expect(await rowsOf(target)).toHaveLength(GOOD);
  });

  test("--resume of what cannot be resumed", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const other = await writeWorkbook(join(folder.path, "other.xlsx"), { People: [["Id", "Name"], [1, "x"]] }); // prettier-ignore
    const first = await interrupted(target, file, 1);
    const failing = (path: string, resume: string): Promise<unknown> => imported(target, path, { resume });
    await expect(failing(other, first.id)).rejects.toMatchObject({
      code: "content_changed",
      message: expect.stringMatching(
        /other\.xlsx is not the file .* its content differs \(SHA-256 [0-9a-f]{12}…/,
      ) as string,
    });
    await expect(failing(file, "nonesuch")).rejects.toMatchObject({ code: "unknown_import" });
    await copyFile(file, join(folder.path, "copy.xlsx"));
    expect((await imported(target, join(folder.path, "copy.xlsx"), { resume: first.id })).result.total).toBe(ROWS);
    await expect(failing(file, first.id)).rejects.toMatchObject({ code: "import_ended" });
  });

  test("with other options it is another import, which is not begun beside rows of the first unless that is asked for", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await interrupted(target, file, 1);
    const map = new Map([["Note", ""], ["Age", ""]]); // prettier-ignore
    await expect(imported(target, file, { map })).rejects.toMatchObject({
      code: "unfinished_import",
      message: expect.stringMatching(
        new RegExp(
          `by the import ${first.id} of this file, which was begun with other options.*--resume ${first.id}.*cancel ${first.id}.*--resume never`,
        ),
      ) as string,
    });
    expect((await imported(target, file, { map, resume: "never" })).result.id).not.toBe(first.id);
    expect((await imported(target, file, { resume: "never" })).result.id).not.toBe(first.id);
  });

  test("a file that was repaired is not imported beside the rows of its unfinished import, unless a key decides or it is asked for", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await interrupted(target, file, 1);
    await writeWorkbook(file, { People: [...rows(), [9_999_999, "Zoë", 40, null]] });
    await expect(imported(target, file)).rejects.toMatchObject({
      code: "unfinished_import",
      message: expect.stringMatching(
        new RegExp(
          `by the import ${first.id} of .*, which held something else then.*imports cancel ${first.id}.*--resume never`,
        ),
      ) as string,
    });
    const { result } = await imported(target, file, { onConflict: "skip" });
    expect(result.notes.join("\n")).toMatch(`by the import ${first.id} of`);
    expect(result.skipped).toBeGreaterThanOrEqual(first.inserted);
    expect(first.inserted + result.inserted).toBe(GOOD + 1);
  });

  test("a check of a schema file must be there again for a resume", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const schema = table({ name: "people", columns: { id: z.string(), name: z.string().min(6), age: {} } });
    const first = await interrupted(target, file, 1, { schema });
    await expect(imported(target, file)).rejects.toMatchObject({ code: "check_missing" });
    const { result } = await imported(target, file, { schema });
    expect(result).toMatchObject({ id: first.id, total: ROWS });
    expect(result.notes).not.toContainEqual(expect.stringContaining("schema has changed"));
  });

  test("the history: list, details, cancel, delete, and what is older than one wants to keep", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    expect(await listImports(target)).toEqual([]);
    const file = await example(folder.path);
    const done = await imported(target, file, { table: "done" });
    const half = await interrupted(target, file, 2, { method: "batch" });
    expect(await listImports(target)).toMatchObject([
      { id: half.id, state: "running", active: false, inserted: half.inserted, table: "people", method: "batch" },
      {
        id: done.result.id,
        state: "finished",
        active: false,
        total: ROWS,
        inserted: GOOD,
        rejected: BAD,
        table: "done",
      },
    ]);
    expect(await importDetails(target, done.result.id)).toMatchObject({
      chunks: { begun: 9, done: 9 }, reasons: done.result.reasons, indexes: [], epoch: 1, owner: OWNER,
    }); // prettier-ignore
    // A chunk is done when all of its rows are, and each import has its own details.
    await target.query("update sluice.chunks set done = rows - 1 where import = $1 and n = 0", [done.result.id]);
    await target.query("update sluice.imports set message = 'half' where id = $1", [half.id]);
    expect(await importDetails(target, done.result.id)).toMatchObject({ chunks: { begun: 9, done: 8 }, message: null });
    expect(await importDetails(target, half.id)).toMatchObject({ message: "half" });
    expect(await pruneImports(target, 1)).toBe(0);
    const kept = await imported(target, file, { table: "kept" });
    await deleteImport(target, done.result.id);
    for (const name of ["leases", "chunks", "rejects"])
      expect(
        await target.query(`select distinct import from sluice.${name} where import <> $1`, [half.id]),
      ).toMatchObject({
        rows: [[kept.result.id]],
      });
    expect(await pruneImports(target, 0)).toBe(1);
    await expect(importDetails(target, done.result.id)).rejects.toMatchObject({ code: "unknown_import" });
    expect(await cancelImport(target, half.id)).toMatchObject({
      state: "cancelled",
      inserted: half.inserted,
      indexes: [],
    });
    await deleteImport(target, half.id);
    for (const name of ["imports", "leases", "chunks", "rejects"])
      expect((await target.query(`select count(*)::text from sluice.${name}`)).rows).toEqual([["0"]]);
  });
});

describe.skipIf(server === undefined)("when the connection is lost", () => {
  /** A target on a new database; `fault` may lose its connection. */
  async function target(fault: Fault): Promise<{ target: Target; query: (sql: string) => Promise<unknown> }> {
    const database = await newDatabase();
    const own = new SqlTarget(faulty(postgresDatabase(database.dsn, 2), fault), 10_000);
    onTestFinished(async () => {
      await own[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    });
    return { target: own, query: (sql) => database.query(sql) };
  }

  const commits = (statement: string): boolean => /(select|,) sluice\.commit_rows/.test(statement);

  test.each(METHODS.flatMap((method) => [[method, "before"] as const, [method, "after"] as const]))(
    "%s: losing it %s each third commit of the first thirty changes nothing",
    async (method, when) => {
      await using folder = newFolder();
      let sent = 0;
      const fault: Fault = (statement) => (commits(statement) && ++sent < 30 && sent % 3 === 0 ? when : undefined);
      const { target: lossy, query } = await target(fault);
      const { result, rejects } = await imported(lossy, await example(folder.path), { method });
      expect(sent).toBeGreaterThan(8);
      expect(result).toMatchObject({ total: ROWS, inserted: GOOD, rejected: BAD });
      expect(rejects).toHaveLength(BAD);
      expect(await query("select count(*), count(distinct id) from people")).toEqual([[String(GOOD), String(GOOD)]]);
    },
  );

  test("while the import ends, or its indexes are built: they are built once, and it has ended", async () => {
    await using folder = newFolder();
    const seen = new Map<string, number>();
    const fault: Fault = (statement) => {
      const what = /^create index on|set state = \$3/.exec(statement)?.[0];
      if (what === undefined) return undefined;
      seen.set(what, (seen.get(what) ?? 0) + 1);
      return seen.get(what) === 1 ? "after" : undefined;
    };
    const { target: lossy, query } = await target(fault);
    const { result } = await imported(lossy, await example(folder.path), { workers: 1 });
    expect(result.total).toBe(ROWS);
    expect(seen.size).toBe(2);
    expect(await query("select count(*) from pg_indexes where tablename = 'people'")).toEqual([["3"]]);
    expect(await query("select state, indexes::text from sluice.imports")).toEqual([["finished", "[]"]]);
  });

  test.each(METHODS)("%s: for good, it says how to go on, and that works", async (method) => {
    await using folder = newFolder();
    const database = await newDatabase();
    onTestFinished(() => database[Symbol.asyncDispose]());
    let sent = 0;
    const fault: Fault = (statement) => (sent > 3 ? "before" : commits(statement) && ++sent > 3 ? "after" : undefined);
    const lossy = new SqlTarget(faulty(postgresDatabase(database.dsn, 2), fault), 100);
    const file = await example(folder.path);
    const failure = await imported(lossy, file, { method }).catch((error: unknown) => error as Error);
    await lossy[Symbol.asyncDispose]();
    expect(failure).toMatchObject({ code: "connection_lost" });
    const id = /--resume (\w+)/.exec((failure as Error).message)![1]!;
    await using again = await openTarget({ to: database.dsn, connections: 2 });
    // Its process has not died, in this test: only its connections have.
    await database.query("update sluice.leases set expires_at = clock_timestamp()");
    const { result } = await imported(again, file, { resume: id });
    expect(result).toMatchObject({ id, method, total: ROWS, inserted: GOOD, rejected: BAD });
    expect(await database.query("select count(*), count(distinct id) from people")).toEqual([
      [String(GOOD), String(GOOD)],
    ]);
  });

  test("the statements of a chunk do not grow with its rows", async () => {
    await using folder = newFolder();
    const counts: number[] = [];
    for (const chunkRows of [1000, 50]) {
      let sent: string[] = [];
      const { target: counted } = await target((statement) => {
        sent.push(statement);
        return undefined;
      });
      const file = await writeWorkbook(join(folder.path, `${chunkRows}.xlsx`), {
        People: [["Id", "Name"], ...Array.from({ length: 500 }, (_, n) => [n, n % 10 === 0 ? null : "x"])],
      });
      await imported(counted, file, { chunkRows, map: new Map() });
      const chunks = Math.ceil(500 / chunkRows);
      sent = sent.slice(sent.findIndex((sql) => sql === "begin"), sent.findLastIndex(commits) + 1); // prettier-ignore
      counts.push(sent.length / chunks);
    }
    // begin; copy of the rows; copy of the rejects; fence, ledger row and commit in one message
    expect(counts).toEqual([4, 4]);
  });
});

describe.skipIf(server === undefined)("two processes", () => {
  test.each<[Method, number]>([["sequential", 30], ["batch", 3], ["copy", 3]])(
    "%s: one that is taken over in the middle changes nothing more, and says who has it", async (method, after) => {
      await using folder = newFolder();
      await using database = await newDatabase();
      const file = await example(folder.path);
      await using other = await openTarget({ to: database.dsn, connections: 2 });
      let commits = 0;
      let taken: ReturnType<typeof claimImport> | undefined;
      // The takeover falls between two commits of the first process, without its knowing.
      const fault: Fault = () => undefined;
      const first = postgresDatabase(database.dsn, 1);
      const watched = faulty(first, fault);
      const paused = {
        ...watched,
        withConnection: async <T>(...[use, claim]: Parameters<typeof watched.withConnection<T>>): Promise<T> =>
          watched.withConnection(async (connection) => use({
            ...connection,
            query: async (sql, parameters) => {
              if (/(select|,) sluice\.commit_rows/.test(sql) && ++commits === after) {
                const { id } = (await listImports(other))[0]!;
                taken = claimImport(other, id, [], true);
                await taken;
              }
              return connection.query(sql, parameters);
            },
          }), claim),
      };
      await using zombie = new SqlTarget(paused, 5000);
      await expect(imported(zombie, file, { method, workers: 1 })).rejects.toMatchObject({
        code: "taken_over",
        message: expect.stringMatching(/was taken over by another process: process \d+ on .*nothing of what was in flight/) as string,
      });
      const claim = (await taken)!;
      expect(claim.epoch).toBe(2);
      const [[stored]] = (await database.query("select count(*) from people")) as [[string]];
      expect((await importDetails(other, claim.id)).inserted).toBe(Number(stored));
      await database.query("update sluice.leases set expires_at = clock_timestamp()");
      const { result } = await imported(other, file);
      expect(result).toMatchObject({ id: claim.id, total: ROWS, inserted: GOOD, rejected: BAD });
      expect(await database.query("select count(*) from people")).toEqual([[String(GOOD)]]);
    },
  ); // prettier-ignore

  withServer("two schemas have a table of one name: each has its own import, also if both stop half-way", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query("create schema a; create schema b");
    const open = (schema: string): Promise<Target> =>
      openTarget({ to: `${database.dsn}?options=-c%20search_path%3D${schema}`, connections: 2 });
    await using a = await open("a");
    await using b = await open("b");
    const file = await example(folder.path);
    const [first, second] = [await interrupted(a, file, 3), await interrupted(b, file, 2)];
    expect(second.id).not.toBe(first.id);
    expect(second.notes).toContain(
      `import ${first.id} of this file is not finished; its table is a.people, and "people" is another one here`,
    );
    await expect(imported(b, file, { resume: first.id })).rejects.toMatchObject({ code: "table_gone" });
    // However many later ones of other schemas there are.
    await database.query(
      `insert into sluice.imports select (json_populate_record(i, json_build_object('id', 'c' || n, 'table_oid', 'pg_class'::regclass::oid))).*
     from sluice.imports i cross join generate_series(1, 120) n where id = '${second.id}'`,
    );
    for (const [target, { id }] of [
      [a, first],
      [b, second],
    ] as const) {
      expect((await imported(target, file)).result).toMatchObject({ id, total: ROWS, inserted: GOOD });
      expect(await rowsOf(target)).toHaveLength(GOOD);
      await expect(imported(target, file)).rejects.toMatchObject({ code: "imported_already" });
    }
  });

  withServer("one in a single transaction that is taken over says so, although all of its sessions are ended", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = await example(folder.path);
    await using other = await openTarget({ to: database.dsn, connections: 2 });
    const server = postgresDatabase(database.dsn, 2);
    let [taken, dead] = [false, 0];
    const paused = {
      ...faulty(server, () => undefined),
      withConnection: async <T>(...[use, claim]: Parameters<typeof server.withConnection<T>>): Promise<T> => {
        // The pool lends a connection that was ended too, before it has noticed.
        if (dead-- > 0) throw new SluiceError("connection_lost", "terminated");
        return server.withConnection(async (connection) => use({
          query: async (sql, parameters) => {
            if (/insert into "people"/.test(sql) && !taken) {
              [taken, dead] = [true, 2];
              await claimImport(other, (await listImports(other))[0]!.id, [], true);
            }
            return connection.query(sql, parameters);
          },
          copy: (into, data) => connection.copy(into, data),
        }), claim);
      },
    };
    await using zombie = new SqlTarget(paused, 5000);
    await expect(imported(zombie, file, { method: "batch", atomic: true })).rejects.toMatchObject({
      code: "taken_over",
    });
    expect(taken).toBe(true);
  }); // prettier-ignore

  withServer("an import that another process is at work on is left to it", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    const file = await example(folder.path);
    const before = await openTarget({ to: database.dsn, connections: 2 });
    const first = await interrupted(before, file, 2);
    await before[Symbol.asyncDispose]();
    // Another process as the database sees it: a lease that lasts, and a connection of that name.
    await database.query(
      `update sluice.leases set owner = 'process 1 on elsewhere (abcd)', expires_at = clock_timestamp() + interval '1 hour'`,
    );
    const elsewhere = new pg.Client({ connectionString: database.dsn, application_name: `sluice ${first.id} 1` });
    elsewhere.on("error", () => undefined);
    await elsewhere.connect();
    for (const resume of ["auto", first.id])
      await expect(imported(target, file, { resume })).rejects.toMatchObject({
        code: "import_running",
        message: expect.stringContaining(`as import ${first.id}, by process 1 on elsewhere (abcd)`) as string,
      });
    const [[pid]] = (await elsewhere.query<[number]>({ text: "select pg_backend_pid()", rowMode: "array" })).rows as [[number]];
    const ending = expect.stringContaining(`select pg_terminate_backend(${pid}).`) as string;
    await expect(imported(target, file)).rejects.toMatchObject({ message: ending });
    await expect(cancelImport(target, first.id)).rejects.toMatchObject({ code: "import_running", message: ending });
    await expect(deleteImport(target, first.id)).rejects.toMatchObject({ code: "import_running", message: ending });
    expect(await listImports(target)).toMatchObject([{ id: first.id, active: true }]);
    // When its connections are gone it is dead, whatever its lease says.
    await elsewhere.end();
    await expect.poll(async () => (await target.query("select count(*)::text from pg_stat_activity where application_name like 'sluice % 1' and pid <> pg_backend_pid() and datname = current_database()")).rows).toEqual([["0"]]);
    expect(await importDetails(target, first.id)).toMatchObject({ state: "running", active: false });
    expect((await imported(target, file)).result).toMatchObject({ id: first.id, total: ROWS, inserted: GOOD });
  }); // prettier-ignore

  withServer("the history of an import whose process was killed can be deleted at once", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    const before = await openTarget({ to: database.dsn, connections: 2 });
    const { id } = await interrupted(before, await example(folder.path), 2);
    await before[Symbol.asyncDispose]();
    await database.query(
      `update sluice.leases set owner = 'process 1 on elsewhere (abcd)', expires_at = clock_timestamp() + interval '1 hour'`,
    );
    const active = async (): Promise<boolean> => (await importDetails(target, id)).active;
    await expect.poll(active).toBe(false); // the server takes a moment to notice that the connections are gone
    await deleteImport(target, id);
    expect(await listImports(target)).toEqual([]);
  });

  withServer(
    "a takeover ends what the one before left open in the database, so that nothing waits for it",
    async () => {
      await using folder = newFolder();
      await using database = await newDatabase();
      await using target = await openTarget({ to: database.dsn, connections: 2 });
      const file = await example(folder.path);
      const first = await interrupted(target, file, 2);
      const [[next]] = (await database.query("select max(id) + 1 from people")) as [[string]];
      const stuck = new pg.Client({ connectionString: database.dsn, application_name: `sluice ${first.id} 1` });
      stuck.on("error", () => undefined);
      await stuck.connect();
      await stuck.query(`begin; insert into people values (${next}, 'stuck', 1)`);
      await database.query("update sluice.leases set expires_at = clock_timestamp()");
      expect((await imported(target, file)).result).toMatchObject({ id: first.id, inserted: GOOD, rejected: BAD });
      await expect(stuck.query("commit")).rejects.toThrow(/terminat|not queryable|connection/i);
    },
  );
});

describe.skipIf(server === undefined)("where the ledger cannot be had", () => {
  test("a database that has none has no history, and the first import makes it", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    expect(await listImports(target)).toEqual([]);
    await expect(importDetails(target, "0000000000")).rejects.toMatchObject({ code: "unknown_import" });
    expect(await database.query("select to_regnamespace('sluice')::text")).toEqual([[null]]);
    const { result } = await imported(target, await example(folder.path));
    expect(await listImports(target)).toMatchObject([{ id: result.id, state: "finished" }]);
  });

  withServer("a user who may not make it is told what to run, and may import when it is there", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const role = newName("role");
    await database.query(`create role ${role} login password '${role}'; grant create on schema public to ${role}`);
    try {
      const url = new URL(database.dsn);
      url.username = url.password = role;
      await using target = await openTarget({ to: url.href, connections: 2 });
      const file = await example(folder.path);
      await expect(imported(target, file)).rejects.toMatchObject({
        code: "no_ledger",
        message: expect.stringMatching(/sluice init --to DSN, or the statements of sluice init --print-sql/) as string,
      });
      await database.query(LEDGER_DDL);
      await expect(imported(target, file)).rejects.toMatchObject({ code: "ledger_denied" });
      await database.query(
        `grant usage on schema sluice to ${role}; grant select, insert, update, delete on all tables in schema sluice to ${role}`,
      );
      expect((await imported(target, file)).result).toMatchObject({ total: ROWS, inserted: GOOD });
    } finally {
      await database.query(`drop owned by ${role} cascade; drop role ${role}`);
    }
  });

  withServer("a ledger of a newer program is not touched", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    await database.query(`${LEDGER_DDL} update sluice.ledger set version = 99`);
    await expect(imported(target, await example(folder.path))).rejects.toMatchObject({ code: "ledger_newer" });
  });
});
