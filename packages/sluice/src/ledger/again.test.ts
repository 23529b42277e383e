// The same command again: whenever the one before was cut off, and whoever else gives it at the
// same time, the rows are in once. What happens between two statements is made to happen there, by
// a database that is held up; nothing waits for a time.
import { background, withCancel } from "@sluice/go/context";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { failureOf } from "../errors.ts";
import { FinishedError } from "./finished.ts";
import { runImport } from "../import.ts";
import type { Reject } from "../reject.ts";
import { table } from "../schema/schema.ts";
import { openTarget } from "../database/open.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import type { Target } from "../target.ts";
import { databases, newDatabase, newFolder, server, type TestDatabase } from "../test/database.ts";
import { faulty, heldUp, type Fault } from "../test/faults.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { cancelImport, importDetails, listImports } from "./history.ts";
import { strangersIn } from "./ledger.ts";
import type { ImportOptions, ImportResult } from "../options.ts";

const ROWS = 120;
const BAD = 2;
const GOOD = ROWS - BAD;

const people = table({ name: "people", columns: { id: { type: "integer" }, name: { notNull: true } } });

type Row = [id: string | number, name: string | null];

/** 120 rows; two have no name. No unique key stands in the way of a second time. */
function rows(): Row[] {
  const rows: Row[] = [["Id", "Name"]];
  for (let n = 1; n <= ROWS; n++) rows.push([n, n % 50 === 0 ? null : `name ${n}`]);
  return rows;
}

async function example(folder: string, name = "people.xlsx"): Promise<string> {
  return writeWorkbook(join(folder, name), { People: rows() });
}

async function text(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, rows().map(([id, name]) => `${id},${name ?? ""}\n`).join("")); // prettier-ignore
  return path;
}

async function imported(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  return runImport(background(), { target, file, schema: people, chunkRows: 20, workers: 1, ...options });
}

/** Imports until so many commits have been made, then cancels. */
async function interrupted(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  const [ctx, cancel] = withCancel(background());
  const given = { target, file, schema: people, chunkRows: 20, workers: 1, onProgress: cancel, ...options };
  const result = await runImport(ctx, given);
  expect(result.interrupted).toBe(true);
  return result;
}

/** What is in the table, and how many different rows that is. */
async function inTable(target: Target): Promise<number[]> {
  const { rows } = await target.query("select count(*)::text, count(distinct id)::text from people");
  return rows[0]!.map(Number);
}

async function refusal(outcome: Promise<unknown>): Promise<FinishedError> {
  const error = await failureOf(outcome);
  expect(error).toBeInstanceOf(FinishedError);
  return error as FinishedError;
}

describe.each(databases)("on $name", ({ open }) => {
  test("a finished import is refused, with when it was, as which import, its result and all of its rejects", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await imported(target, file);
    const rejects: Reject[] = [];
    const onRejects = (list: readonly Reject[]): void => void rejects.push(...list);
    const error = await refusal(imported(target, file, { onRejects }));
    expect(error).toMatchObject({ code: "imported_already", exitCode: 4 });
    expect(error.message).toMatch(
      new RegExp(
        `^people.xlsx was imported already, on \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC, as import ${first.id}: ` +
          `${GOOD} of ${ROWS} rows inserted into the table "people", 0 updated, 0 skipped, ${BAD} rejected \\(2 × missing_value\\)\\. ` +
          `Nothing was changed now\\.\n.*the same command with --again`,
      ),
    );
    const { notes, milliseconds } = error.result;
    expect(error.result).toEqual({ ...first, notes, milliseconds });
    expect(notes).toEqual([expect.stringContaining(`as import ${first.id}: nothing was put in again`)]);
    expect(milliseconds).toBeGreaterThan(0);
    expect(rejects).toEqual(first.rejects);
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
    expect(await listImports(target)).toHaveLength(1);
  });

  test("it is refused under another name too, with other methods and sizes, and when the schema has changed", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await imported(target, file);
    await copyFile(file, join(folder.path, "copy.xlsx"));
    const other = await refusal(imported(target, join(folder.path, "copy.xlsx"), { method: "batch", batchSize: 7 }));
    expect(other.message).toMatch(/^copy\.xlsx \(people\.xlsx then\) was imported already/);
    expect(other.message).not.toContain("schema");
    const schema = table({ name: "people", columns: { id: { type: "integer" }, name: {} } });
    const changed = await refusal(imported(target, file, { schema }));
    expect(changed.message).toContain("The schema has changed since");
    expect(changed.result.id).toBe(first.id);
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
  });

  test("again puts the rows in once more, and goes on with that if it is interrupted", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await imported(target, file);
    const second = await interrupted(target, file, { again: true });
    const third = await imported(target, file, { again: true });
    expect(third.id).toBe(second.id);
    expect(third.id).not.toBe(first.id);
    expect(await inTable(target)).toEqual([2 * GOOD, GOOD]);
    expect((await refusal(imported(target, file))).result.id).toBe(second.id);
  });

  test("with a key, or where the rows are replaced, it is done again and does no harm", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table people (id integer primary key, name text not null)");
    const file = await example(folder.path);
    for (const onConflict of ["skip", "update"] as const) {
      for (let n = 0; n < 2; n++) expect(await imported(target, file, { onConflict })).toMatchObject({ total: ROWS });
    }
    for (let n = 0; n < 2; n++)
      expect(await imported(target, file, { mode: "replace" })).toMatchObject({ total: ROWS });
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
  });

  test("with other options it is another import, and a note says what there was", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await imported(target, file);
    const { notes } = await imported(target, file, { atomic: true });
    expect(notes).toContainEqual(
      expect.stringMatching(`^this file was imported before, .*, as import ${first.id}, with other options$`),
    );
  });

  test.each([
    ["dropped", "drop table people", 'the table "people" that it went into is gone'],
    [
      "dropped and made again",
      "drop table people; create table people (id integer, name text)",
      'the table "people" that it went into is gone',
    ],
    ["emptied", "delete from people", 'the table "people" has been emptied since'],
    [
      "left without its partitions",
      "alter table people detach partition part",
      'the table "people" has been emptied since, or its partitions were detached',
      "create table people (id integer, name text) partition by range (id); create table part partition of people default",
      "create table new_part partition of people default",
    ],
  ])(
    "if its table has been %s it is done again, with a note",
    async (_, sql, why, before = "select 1", after = "select 1") => {
      await using folder = newFolder();
      await using database = await open();
      const { target } = database;
      const file = await example(folder.path);
      await target.query(before);
      await imported(target, file);
      await target.query(sql);
      await target.query(after);
      const { notes } = await imported(target, file);
      expect(notes).toContainEqual(expect.stringMatching(/^this file was imported before, .*, and /));
      expect(notes.join("\n")).toContain(why);
      expect(await inTable(target)).toEqual([GOOD, GOOD]);
      await refusal(imported(target, file));
    },
  );

  test("strangers in a table are the rows that no import put in, also if chunks were deleted", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const { id } = await imported(target, file);
    expect(await strangersIn(target, "people")).toBe(0);
    await target.query("delete from sluice.chunks");
    expect(await strangersIn(target, "people")).toBe(0);
    await target.query("insert into people values (1001, 'a'), (1002, 'b')");
    expect(await strangersIn(target, "people")).toBe(2);
    // Of an import that goes on, the chunks count: its entry gets the sums at its end.
    const half = await interrupted(target, file, { again: true });
    expect(half.id).not.toBe(id);
    expect(half.inserted).toBeGreaterThan(0);
    expect(await strangersIn(target, "people")).toBe(2);
    await target.query("delete from people where id > 1000");
    expect(await strangersIn(target, "people")).toBe(0);
  });

  test("if its table was made anew with as many rows, they may be the same ones, so it is refused", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const other = await writeWorkbook(join(folder.path, "other.xlsx"), { People: [["Id", "Name"], [0, "Zoë"]] }); // prettier-ignore
    const first = await imported(target, file);
    await target.query(
      "create table twin as select * from people; drop table people; alter table twin rename to people",
    );
    expect((await imported(target, file, { dryRun: true })).notes.join("\n")).toMatch(
      /without --again the import would be refused/,
    );
    const message = (await refusal(imported(target, file))).message;
    expect(message).toContain(`as import ${first.id}`);
    expect(message).toContain(`No import is known to have put in ${GOOD} of its rows, so they may be the same ones.`);
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
    await imported(target, file, { again: true });
    expect(await inTable(target)).toEqual([2 * GOOD, GOOD]);
    // Rows that imports have put into the table that is there now explain themselves.
    await target.query("drop table people; create table people (id integer, name text)");
    for (let n = 0; n < GOOD; n++) await imported(target, other, { again: true });
    await imported(target, file);
    expect(await inTable(target)).toEqual([2 * GOOD, GOOD + 1]);
  });

  test("an unfinished import whose table was made anew with its rows is not begun anew without a word", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await interrupted(target, file);
    await target.query(
      "create table twin as select * from people; drop table people; alter table twin rename to people",
    );
    await expect(imported(target, file)).rejects.toMatchObject({
      code: "unfinished_import",
      message: expect.stringMatching(
        `^the import ${first.id} of this file is not finished: .*they may be the same ones.*--resume never`,
      ) as string,
    });
    expect(await inTable(target)).toEqual([first.inserted, first.inserted]);
    await imported(target, file, { resume: "never" });
    expect(await inTable(target)).toEqual([GOOD + first.inserted, GOOD]);
  });

  test("if another import has replaced its rows it is done again, and an unfinished one begins anew", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const other = await writeWorkbook(join(folder.path, "other.xlsx"), { People: [["Id", "Name"], [0, "Zoë"]] }); // prettier-ignore
    await imported(target, file);
    const replacing = await imported(target, other, { mode: "replace" });
    const first = await interrupted(target, file);
    expect(first.notes.join("\n")).toContain(`have been replaced by the import ${replacing.id}`);
    await imported(target, other, { mode: "replace" });
    const second = await imported(target, file);
    expect(second.notes.join("\n")).toMatch(/was not finished, and its rows in the table "people" have been replaced/);
    expect(await inTable(target)).toEqual([GOOD + 1, GOOD + 1]);
  });

  test("an unfinished import whose rows are gone is not gone on with when one with other options has filled the table", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await interrupted(target, file);
    await target.query("delete from people");
    const { notes } = await imported(target, file, { atomic: true });
    expect(notes).toContainEqual(
      expect.stringContaining(
        `import ${first.id} of this file was not finished, and the table "people" has been emptied`,
      ),
    );
    expect((await importDetails(target, first.id)).state).toBe("cancelled");
    const again = await imported(target, file);
    expect(again).toMatchObject({ inserted: GOOD });
    expect(again.id).not.toBe(first.id);
    expect(await inTable(target)).toEqual([2 * GOOD, GOOD]);
  });

  test("nor when another file of that name has filled the table", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const first = await interrupted(target, file);
    await target.query("delete from people");
    await writeWorkbook(file, { People: [["Id", "Name"], [0, "Zoë"]] }); // prettier-ignore
    await imported(target, file);
    expect((await importDetails(target, first.id)).state).toBe("cancelled");
    expect(await imported(target, await example(folder.path))).toMatchObject({ inserted: GOOD });
    expect(await inTable(target)).toEqual([GOOD + 1, GOOD + 1]);
  });

  test("an import of which every row was rejected is done again, since nothing can be in twice", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await writeWorkbook(join(folder.path, "bad.xlsx"), { People: [["Id", "Name"], ["one", "x"]] }); // prettier-ignore
    for (let n = 0; n < 2; n++) expect(await imported(target, file)).toMatchObject({ inserted: 0, rejected: 1 });
  });

  test("rows that a trigger puts elsewhere are rows of an unfinished import", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      `create table people (id integer, name text); create table part () inherits (people);
       create function put() returns trigger language plpgsql as $$ begin insert into part values (new.*); return null; end $$;
       create trigger put before insert on people for each row execute function put()`,
    );
    const file = await example(folder.path);
    const first = await interrupted(target, file);
    expect(first).toMatchObject({ inserted: 0 });
    expect(first.skipped).toBeGreaterThan(0);
    const before = await inTable(target);
    expect(await failureOf(imported(target, file, { atomic: true }))).toMatchObject({ code: "unfinished_import" });
    await writeWorkbook(file, { People: [...rows(), [0, "one more"]] });
    expect(await failureOf(imported(target, file))).toMatchObject({ code: "unfinished_import" });
    expect(await inTable(target)).toEqual(before);
    expect(await imported(target, await example(folder.path))).toMatchObject({ id: first.id, skipped: GOOD });
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
  });

  test("what was cancelled is not in the way", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    await cancelImport(target, (await interrupted(target, file)).id);
    await target.query("delete from people");
    expect(await imported(target, file)).toMatchObject({ inserted: GOOD });
  });

  test("a resume by its id may be repeated when it has finished; with another file it is an error", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const { id } = await interrupted(target, file);
    expect(await imported(target, file, { resume: id })).toMatchObject({ id, total: ROWS });
    const error = await refusal(imported(target, file, { resume: id }));
    expect(error).toMatchObject({ code: "import_ended", exitCode: 4, result: { id, total: ROWS, inserted: GOOD } });
    expect(error.message).toContain(`the import ${id} is finished: there is nothing to resume`);
    const other = await text(folder.path, "other.csv");
    await expect(imported(target, other, { resume: id })).rejects.toMatchObject({ code: "content_changed" });
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
  });

  test("a text is the same under any name: it goes on under another one, and is refused under a third", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const first = await interrupted(target, await text(folder.path, "people.csv"));
    const second = await imported(target, await text(folder.path, "people (1).csv"));
    expect(second).toMatchObject({ id: first.id, sheet: "people (1)", inserted: GOOD });
    const { result } = await refusal(imported(target, await text(folder.path, "x.tsv")));
    expect(result).toMatchObject({ id: first.id, file: "people.csv", sheet: "people" });
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
  });

  test("a table is the same with its schema and without: what is finished is refused, and what is not is named", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const other = table({
      ...people,
      name: "public.people",
      columns: { id: { type: "integer" }, name: { notNull: true } },
    });
    const { id } = await interrupted(target, file);
    const error = await failureOf(imported(target, file, { schema: other }));
    expect(error).toMatchObject({ code: "unfinished_import" });
    expect((error as Error).message).toContain(`Go on with it: --table "people", or --resume ${id}.`);
    expect(await imported(target, file, { schema: other, resume: id })).toMatchObject({ id, inserted: GOOD });
    const { result } = await refusal(imported(target, file, { schema: other }));
    expect(result).toMatchObject({ id, table: "people" });
    await target.query("alter table people rename to persons");
    await refusal(imported(target, file, { schema: other, table: "persons" }));
    await target.query("alter table persons rename to people");
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
  });

  test("sheets of one content are imports of their own", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await writeWorkbook(join(folder.path, "two.xlsx"), { One: rows(), Two: rows() });
    await imported(target, file, { sheet: "One" });
    await imported(target, file, { sheet: "Two" });
    await refusal(imported(target, file, { sheet: "One" }));
    expect(await inTable(target)).toEqual([2 * GOOD, GOOD]);
  });

  test("a dry run says that the import would be refused, and only then", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    const said = async (options: Partial<ImportOptions> = {}): Promise<string> => {
      const { notes, total } = await imported(target, file, { dryRun: true, ...options });
      expect(total).toBe(ROWS);
      return notes.join("\n");
    };
    expect(await said()).not.toContain("refused");
    const { id } = await imported(target, file);
    expect(await said()).toMatch(new RegExp(`without --again the import would be refused: .* as import ${id}`));
    expect(await said({ again: true })).not.toContain("refused");
    expect(await said({ mode: "replace" })).not.toContain("refused");
    await target.query("delete from people");
    expect(await said()).not.toContain("refused");
  });

  test("two at once in one process: one of them does it", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table people (id integer, name text)");
    const file = await example(folder.path);
    for (let n = 0; n < 5; n++) {
      await target.query("delete from people");
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => imported(target, file)));
      expectOne(outcomes);
      expect(await inTable(target)).toEqual([GOOD, GOOD]);
    }
  });
});

test.skipIf(server === undefined)("one that waits for another one of its process can be interrupted", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await using target = await openTarget({ to: database.dsn, connections: 2 });
  const file = await example(folder.path);
  const { promise: finish, resolve } = Promise.withResolvers<void>();
  const { promise: ending, resolve: ends } = Promise.withResolvers<void>();
  await using slow = new SqlTarget(
    heldUp(postgresDatabase(database.dsn, 2), async (statement) => {
      if (!statement.includes("set state = $3")) return;
      ends();
      await finish;
    }),
    10_000,
  );
  const first = imported(slow, file);
  await ending;
  const [ctx, cancel] = withCancel(background());
  const second = runImport(ctx, { target, file, schema: people });
  const third = imported(target, file);
  cancel();
  await expect(second).rejects.toMatchObject({ code: "interrupted", exitCode: 130 });
  resolve();
  await first;
  await refusal(third);
  expect(await inTable(target)).toEqual([GOOD, GOOD]);
});

test.skipIf(server === undefined)(
  "one with other options waits for what may be on its way, and ends what never came",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    await database.query("create table people (id integer, name text)");
    const file = await example(folder.path);
    // Begun, and no row is in.
    const [ctx, cancel] = withCancel(background());
    const begun = await openTarget({ to: database.dsn, connections: 2 });
    const { id } = await runImport(ctx, { target: begun, file, schema: people, atomic: true, onBegin: () => cancel() });
    await begun[Symbol.asyncDispose]();
    const elsewhere = new pg.Client({ connectionString: database.dsn, application_name: `sluice ${id} 1` });
    await elsewhere.connect();
    await elsewhere.query(
      "update sluice.leases set owner = 'process 1 on elsewhere (abcd)', expires_at = clock_timestamp() + interval '1 hour'",
    );
    const other = (options: Partial<ImportOptions> = {}): Promise<ImportResult> => imported(target, file, options);
    await expect(other()).rejects.toMatchObject({
      code: "import_running",
      message: expect.stringMatching(
        `right now with other options, as import ${id}, by process 1 on elsewhere`,
      ) as string,
    });
    await writeWorkbook(file, { People: [...rows(), [1000, "late"]] });
    await expect(other()).rejects.toMatchObject({
      code: "import_running",
      message: expect.stringMatching(`right now as it was before, as import ${id}, .* cancel ${id} --force`) as string,
    });
    await writeWorkbook(file, { People: rows() });
    await elsewhere.end();
    await expect.poll(async () => (await importDetails(target, id)).active).toBe(false);
    await other();
    expect((await importDetails(target, id)).state).toBe("cancelled");
    expect(await inTable(target)).toEqual([GOOD, GOOD]);
  },
);

/** One import was done; the others were told that it is being done, or was. */
function expectOne(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as Error] : []));
  expect(failures).toHaveLength(outcomes.length - 1);
  for (const { code } of failures as (Error & { code: string })[])
    expect(["imported_already", "import_running"]).toContain(code);
}

describe.skipIf(server === undefined)("between the look and the begin", () => {
  /** Two processes as the database sees them; something happens before the first one's begin. */
  async function race(meanwhile: (other: Target, file: string, dsn: string) => Promise<void>): Promise<{
    first: Promise<ImportResult>;
    other: Target;
    file: string;
  }> {
    const folder = newFolder();
    const database = await newDatabase();
    const other = await openTarget({ to: database.dsn, connections: 2 });
    let seen = false;
    const file = await example(folder.path);
    const slow = new SqlTarget(
      heldUp(postgresDatabase(database.dsn, 2), async (statement) => {
        if (seen || !statement.includes("insert into sluice.imports")) return;
        seen = true;
        await meanwhile(other, file, database.dsn);
      }),
      10_000,
    );
    onTestFinished(async () => {
      await slow[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });
    return { first: imported(slow, file), other, file };
  }

  test("another process begins and finishes: this one is refused", async () => {
    const { first, other } = await race(async (target, file) => void (await imported(target, file)));
    expect((await refusal(first)).result).toMatchObject({ inserted: GOOD });
    expect(await inTable(other)).toEqual([GOOD, GOOD]);
    expect(await listImports(other)).toHaveLength(1);
  });

  test("another process begins and is frozen, so that its lease runs out: this one goes on with its import", async () => {
    let id = "";
    const { first, other } = await race(async (target, file) => {
      ({ id } = await interrupted(target, file));
      await target.query("update sluice.leases set expires_at = clock_timestamp() - interval '1 minute'");
    });
    expect(await first).toMatchObject({ id, total: ROWS, inserted: GOOD });
    expect(await inTable(other)).toEqual([GOOD, GOOD]);
    expect(await importDetails(other, id)).toMatchObject({ state: "finished", epoch: 2 });
  });

  test("another process begins and is at work: this one is told so", async () => {
    let elsewhere: pg.Client | undefined;
    const { first, other } = await race(async (target, file, dsn) => {
      const { id } = await interrupted(target, file);
      // Another process as the database sees it: a lease that lasts, and a connection of that name.
      elsewhere = new pg.Client({ connectionString: dsn, application_name: `sluice ${id} 1` });
      await elsewhere.connect();
      await elsewhere.query(
        `update sluice.leases set owner = 'process 1 on elsewhere (abcd)', expires_at = clock_timestamp() + interval '1 hour'`,
      );
    });
    await expect(first).rejects.toMatchObject({ code: "import_running" });
    await elsewhere?.end();
    expect((await inTable(other))[0]).toBeLessThan(GOOD);
    expect(await listImports(other)).toHaveLength(1);
  });

  test("forty pairs of processes with twenty rows: each pair puts them in once", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using one = await openTarget({ to: database.dsn, connections: 1 });
    await using two = await openTarget({ to: database.dsn, connections: 1 });
    await database.query("create table people (id integer, name text)");
    for (let n = 0; n < 40; n++) {
      await database.query("delete from people");
      const file = await writeWorkbook(join(folder.path, `${n}.xlsx`), {
        People: [["Id", "Name"], ...Array.from({ length: 20 }, (_, row) => [n * 100 + row, "x"])],
      });
      expectOne(await Promise.allSettled([one, two].map((target) => imported(target, file))));
      expect(await inTable(one)).toEqual([20, 20]);
    }
  });
});

describe.skipIf(server === undefined)("the end of an import", () => {
  /** A target whose connection a test may lose, and another one beside it. */
  async function lossy(fault: Fault, reconnectMs = 10_000): Promise<{ target: Target; beside: Target }> {
    const database = await newDatabase();
    const target = new SqlTarget(faulty(postgresDatabase(database.dsn, 2), fault), reconnectMs);
    const beside = await openTarget({ to: database.dsn, connections: 2 });
    onTestFinished(async () => {
      await target[Symbol.asyncDispose]();
      await beside[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    });
    return { target, beside };
  }
  /** A target at which something happens in the database just before an import is finished. */
  const changedAtTheEnd = (database: TestDatabase, sql: string): SqlTarget => {
    const held = heldUp(postgresDatabase(database.dsn, 2), async (statement) => {
      if (statement.includes("set state = $3")) await database.query(sql);
    });
    return new SqlTarget(held, 10_000);
  };
  const readsRejects = (statement: string): boolean => statement.includes("row_number::text");

  test("rows that the server has lost are missed before it is finished, and the same command puts them in again", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using beside = await openTarget({ to: database.dsn, connections: 1 });
    const file = await example(folder.path);
    // As a restart does if commits are not durable: rows and record are gone together.
    await using forgetful = changedAtTheEnd(
      database,
      "delete from sluice.chunks where n = 3; delete from people where id between 61 and 80",
    );
    const chunks = { chunkRows: 20, method: "batch", batchSize: 20 } as const;
    await expect(imported(forgetful, file, chunks)).rejects.toMatchObject({
      code: "miscounted",
      exitCode: 1,
      message: expect.stringMatching(
        /the ledger counts 100 rows and the sheet has 120, so the import is not finished[^]*Go on with: the same command again/,
      ) as string,
    });
    expect(await listImports(beside)).toMatchObject([{ state: "failed" }]);
    expect(await imported(beside, file, chunks)).toMatchObject({ total: ROWS, inserted: GOOD });
    expect(await inTable(beside)).toEqual([GOOD, GOOD]);
  });

  test("a ledger that counts too many rows ends no import, and the advice is to cancel it", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = await example(folder.path);
    await using counting = changedAtTheEnd(database, "update sluice.chunks set inserted = inserted + 1 where n = 0");
    await expect(imported(counting, file)).rejects.toMatchObject({
      code: "miscounted",
      message: expect.stringMatching(
        /changed by somebody else[^]*End this import: sluice imports cancel \w+/,
      ) as string,
    });
  });

  test("a connection lost while the rejects are read is made again", async () => {
    await using folder = newFolder();
    let lost = 0;
    const { target } = await lossy((statement) => (readsRejects(statement) && ++lost === 1 ? "before" : undefined));
    expect(await imported(target, await example(folder.path))).toMatchObject({ total: ROWS, rejected: BAD });
    expect(lost).toBeGreaterThan(1);
  });

  test("for good, it says that the import is finished, and the same command shows its rejects", async () => {
    await using folder = newFolder();
    const { target, beside } = await lossy((statement) => (readsRejects(statement) ? "before" : undefined), 50);
    const file = await example(folder.path);
    const error = await refusal(imported(target, file));
    expect(error).toMatchObject({ code: "rejects_unread", exitCode: 1, result: { total: ROWS, inserted: GOOD } });
    expect(error.message).toMatch(
      new RegExp(`is finished, so do not run it again: .*${BAD} rejected.*imports ${error.result.id} --rejects FILE`),
    );
    expect((await refusal(imported(beside, file))).result.rejects).toHaveLength(BAD);
    expect(await inTable(beside)).toEqual([GOOD, GOOD]);
  });

  test("what takes the rejects may fail: the error says that the import is finished", async () => {
    await using folder = newFolder();
    const { target } = await lossy(() => undefined);
    const onRejects = (): never => {
      throw new Error("no room");
    };
    const error = await refusal(imported(target, await example(folder.path), { onRejects }));
    expect(error.message).toMatch(/^no room\nThe import \w+ is finished, so do not run it again/);
  });
});
