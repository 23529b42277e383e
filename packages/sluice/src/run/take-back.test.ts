// The rows of one import, taken back: all of them and no others, or none, whatever happens
// meanwhile.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import { describeError, failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import { cancelImport, deleteImport } from "../ledger/history.ts";
import { findImports } from "../ledger/ledger.ts";
import { LEDGER_VERSION } from "../ledger/schema.ts";
import type { ImportOptions, ImportResult } from "../options.ts";
import type { Target } from "../target.ts";
import { databases, hold, newDatabase, newFolder, server } from "../test/database.ts";
import { faulty } from "../test/faults.ts";
import { run, start } from "../test/program.ts";
import { waitingForLock } from "../server/test/service.ts";
import { repairRows } from "./repair.ts";
import { lookAtRows, takeBack } from "./take-back.ts";

const withServer = test.skipIf(server === undefined);

/** `t.csv` of rows from a number on. */
async function csv(folder: string, rows: number, from = 1, name = "t.csv"): Promise<string> {
  const file = join(folder, name);
  const lines = Array.from({ length: rows }, (_, n) => `${from + n},name ${from + n}\n`);
  await writeFile(file, `id,name\n${lines.join("")}`);
  return file;
}

function imported(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  return runImport(background(), { target, file, table: "t", chunkRows: 10, workers: 2, ...options });
}

const counts = async (target: Target): Promise<unknown> =>
  (await target.query("select count(*)::text, count(distinct id)::text, min(id)::text, max(id)::text from t")).rows[0];

const why = async (target: Target, id: string): Promise<string> => {
  const { code, message } = describeError(await failureOf(takeBack(target, id)));
  return `${code}: ${message}`;
};

describe.each(databases)("on $name the rows of an import", ({ open }) => {
  test.each<Partial<ImportOptions>>([
    {},
    { method: "batch", batchSize: 7 },
    { atomic: true },
    { onConflict: "skip", key: ["id"] },
  ])("are taken back, and no others, with %j; the same file goes in again then", async (options) => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query("create table t (id integer unique, name text)");
    await imported(target, await csv(folder.path, 25, 101, "other.csv"));
    await target.query("insert into t values (500, 'by hand')");
    const file = await csv(folder.path, 95);
    const first = await imported(target, file, options);
    expect(await lookAtRows(target, first.id)).toEqual({ id: first.id, table: "t", rows: 95, notes: [] });
    expect(await counts(target)).toEqual(["121", "121", "1", "500"]);
    expect(await takeBack(target, first.id)).toMatchObject({
      state: "cancelled",
      total: 0,
      inserted: 0,
      takenBack: 95,
      message: expect.stringMatching(/^its 95 rows were taken back out of the table on \d{4}-/) as string,
    });
    expect(await counts(target)).toEqual(["26", "26", "101", "500"]);
    expect(await why(target, first.id)).toMatch(/^not_taken_back: .*: its 95 rows were taken back before\. There/);
    const second = await imported(target, file, options);
    expect(second).toMatchObject({ inserted: 95, total: 95 });
    expect(second.id).not.toBe(first.id);
    await takeBack(target, second.id);
    expect(await counts(target)).toEqual(["26", "26", "101", "500"]);
  });

  test("are known though the database refused some, and others were repaired", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query("create table t (id integer unique, name text); insert into t values (5, 'by hand'), (23, 'by hand')"); // prettier-ignore
    const { id, ...result } = await imported(target, await csv(folder.path, 40));
    expect(result).toMatchObject({ inserted: 38, rejected: 2 });
    const [entry] = await findImports(target, { id });
    const repaired = await repairRows(target, entry!, [{ row: 6, cells: [["n", "205"], "repaired"] }], [], undefined);
    expect(repaired.inserted).toBe(1);
    expect(await takeBack(target, id)).toMatchObject({ state: "cancelled", total: 1, inserted: 0, rejected: 1 });
    expect((await target.query("select name from t")).rows).toEqual([["by hand"], ["by hand"]]);
    const repair = (): Promise<unknown> => repairRows(target, entry!, [{ row: 24, cells: ["24", "x"] }], [], undefined);
    expect(describeError(await failureOf(repair()))).toMatchObject({
      code: "not_finished",
      message: `the rows of the import ${id} were taken back, so there is nothing to repair any more. Import its file again, and repair the rows of that import.`,
    });
    await target.query(`update sluice.imports set taken_back = null where id = '${id}'`);
    expect(describeError(await failureOf(repair())).message).toContain(
      "because it was cancelled. Repair them in the file",
    );
  });

  test("stay if one of them was changed, moved or deleted", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query("create table t (id integer, name text)");
    const { id } = await imported(target, await csv(folder.path, 30));
    for (const change of ["update t set name = 'changed' where id = 7", "delete from t where id = 8"]) {
      await target.query(`begin; ${change}`);
      await target.query("commit");
      const refused = await why(target, id);
      expect(refused).toMatch(/^not_taken_back: .*: of its 30 rows only (?:29|28) can be told from others/);
      expect(refused).toContain(`if the history of the import is deleted too (sluice imports delete ${id})`);
    }
    expect((await target.query("select count(*)::text from t")).rows).toEqual([["29"]]);
    // The way out that the message names.
    await target.query("delete from t");
    await deleteImport(target, id);
    expect(await imported(target, await csv(folder.path, 30))).toMatchObject({ inserted: 30 });
  });

  const table = "create table t (id integer, name text)";
  test.each<[what: string, setup: string, options: Partial<ImportOptions>, after: string, says: RegExp]>([
    ["each row was a transaction", table, { method: "sequential" }, "", /the transactions that wrote 9 rows/],
    [
      "it wrote over rows",
      `${table}; alter table t add unique (id); insert into t values (3, 'old')`,
      { onConflict: "update", key: ["id"] },
      "",
      /it wrote over 1 row that/,
    ],
    [
      "it replaced what was there",
      `${table}; insert into t values (0, 'old')`,
      { mode: "replace" },
      "",
      /it replaced the rows/,
    ],
    [
      "the ledger came by a dump",
      table,
      {},
      "update sluice.chunks set xid = xid",
      /the transactions that wrote 9 rows/,
    ],
    ["the table is another one", table, {}, `drop table t; ${table}`, /^table_gone/],
    ["the table is called otherwise", table, {}, "alter table t rename to u", /^table_gone/],
    ["the table was written anew", table, {}, "alter table t alter id type bigint", /of its 9 rows only 0/],
    [
      "a rule changes what DELETE does",
      table,
      {},
      "create rule keep as on delete to t do instead nothing",
      /a rule for DELETE/,
    ],
    [
      "a trigger keeps them",
      table,
      {},
      "create function keep() returns trigger language plpgsql as $$ begin return null; end $$; create trigger keep before delete on t for each row when (old.id = 4) execute function keep()",
      /deleted 8 rows of 9: a trigger/,
    ],
    [
      "a trigger does not want that",
      table,
      {},
      "create function never() returns trigger language plpgsql as $$ begin raise exception 'never'; end $$; create trigger never before delete on t for each row when (old.id = 4) execute function never()",
      /^P0001: never/,
    ],
    [
      "other rows refer to them",
      `${table}; alter table t add primary key (id)`,
      {},
      "create table child (t integer references t); insert into child values (4)",
      /^referred_to: .*1 row of child refers to them, and hold them/,
    ],
    [
      "other rows would go with them",
      `${table}; alter table t add primary key (id)`,
      {},
      "create table child (t integer references t on delete cascade); insert into child values (4), (5)",
      /^would_cascade: .*2 rows of child refer to them, and would go/,
    ],
    [
      "rows of the same table would go with them",
      `${table}; alter table t add primary key (id), add up integer references t on delete cascade`,
      {},
      "insert into t values (99, 'child', 4)",
      /^would_cascade: .*1 row of t refers/,
    ],
  ])("stay if %s", async (_, setup, options, after, says) => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(setup);
    const { id } = await imported(target, await csv(folder.path, 9), options);
    const ledger = (): Promise<unknown> => target.query("select state, inserted::text from sluice.imports").then(({ rows }) => rows); // prettier-ignore
    const before = await ledger();
    if (after !== "") await target.query(after);
    expect(await why(target, id)).toMatch(says);
    expect(await ledger()).toEqual(before);
    if (after === "") expect(Number((await target.query("select count(*)::text from t")).rows[0]![0])).toBeGreaterThan(8); // prettier-ignore
  });

  test("stay if a trigger wrote beside them, or put some elsewhere", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(`${table};
      create function more() returns trigger language plpgsql as $$ begin
        if new.name = 'more' then return new; end if;
        if new.id = 5 then insert into t values (0, 'more'); end if;
        if new.id = 95 then return null; end if;
        return new; end $$;
      create trigger more before insert on t for each row execute function more()`);
    const beside = await imported(target, await csv(folder.path, 9));
    expect(await why(target, beside.id)).toMatch(/its transactions wrote 10 rows .* a trigger wrote the others/);
    const elsewhere = await imported(target, await csv(folder.path, 9, 90, "u.csv"));
    expect(await why(target, elsewhere.id)).toMatch(/a trigger left out 1 row/);
  });

  test("can be taken back of an import that was cancelled, and of none that can go on", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query(
      `${table}; create function stop() returns trigger language plpgsql as $$ begin raise exception 'full' using errcode = '53100'; end $$`,
    );
    await target.query(
      `create trigger stop before insert on t for each row when (new.id = 35) execute function stop()`,
    );
    expect(describeError(await failureOf(imported(target, await csv(folder.path, 40), { workers: 1 }))).code).toBe(
      "53100",
    );
    const [[id, inserted]] = (await target.query("select id, inserted::text from sluice.imports")).rows as [[string, string]]; // prettier-ignore
    expect(Number(inserted)).toBeGreaterThan(0);
    expect(await why(target, id)).toMatch(/^not_finished: .* cancel it first/);
    await cancelImport(target, id);
    await target.query("drop trigger stop on t");
    expect((await lookAtRows(target, id)).rows).toBe(Number(inserted));
    await takeBack(target, id);
    expect((await target.query("select count(*)::text from t")).rows).toEqual([["0"]]);
    expect(await imported(target, await csv(folder.path, 40))).toMatchObject({ inserted: 40 });
  });

  test("of another import that referred to them by its key go in where they are now", async () => {
    await using opened = await open();
    await using folder = newFolder();
    const { target } = opened;
    await target.query("create table t (id integer unique, name text)");
    const first = await imported(target, await csv(folder.path, 20));
    const more = await csv(folder.path, 30, 1, "more.csv");
    const keyed = { onConflict: "skip", key: ["id"] } as const;
    expect(await imported(target, more, keyed)).toMatchObject({ inserted: 10, skipped: 20 });
    await takeBack(target, first.id);
    expect(await imported(target, more, keyed)).toMatchObject({ inserted: 20, skipped: 10 });
    expect(await counts(target)).toEqual(["30", "30", "1", "30"]);
  });
});

describe.skipIf(server === undefined)("taking rows back", () => {
  withServer("that loses its connection anywhere has taken back all of them or none", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    const file = await csv(folder.path, 40);
    await using target = new SqlTarget(postgresDatabase(database.dsn, 2), 1000);
    const outcomes = new Set<string>();
    for (let n = 0, ended = false; !ended; n++) {
      for (const when of ["before", "after"] as const) {
        const { id } = await imported(target, file);
        let sent = 0;
        await using lossy = new SqlTarget(
          faulty(postgresDatabase(database.dsn, 2), () => (sent++ === n ? when : undefined)),
          0,
        );
        const failure = await failureOf(takeBack(lossy, id));
        ended = failure === undefined;
        const [rows, [state]] = [await counts(target), (await target.query("select state from sluice.imports where id = $1", [id])).rows[0]!]; // prettier-ignore
        outcomes.add(`${(rows as string[])[0]} ${state}`);
        if (state === "finished") await takeBack(target, id);
      }
    }
    expect([...outcomes].sort()).toEqual(["0 cancelled", "40 finished"]);
  });

  withServer("by a process that is killed leaves all of them, and the next one takes them back", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await using target = new SqlTarget(postgresDatabase(database.dsn, 2), 1000);
    const { id } = await imported(target, await csv(folder.path, 40));
    const command = ["imports", "take-back", id, "--to", database.dsn];
    const shown = await run(folder.path, ...command);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing was changed now.") as string });
    await using lock = await hold(database, "select from t where id = 40 for update");
    const { child, finished } = start(folder.path, [...command, "--yes"]);
    await expect.poll(() => waitingForLock(database)).toBe(1);
    child.kill("SIGKILL");
    await finished;
    await lock.release();
    await expect.poll(() => waitingForLock(database)).toBe(0);
    expect(await database.query("select count(*) from t")).toEqual([["40"]]);
    const done = await run(folder.path, ...command, "--yes");
    expect(done.stdout).toMatch(/^Took 40 rows of the import \w+ out of the table "t" in .* back\. The same file/);
    expect(await database.query("select count(*) from t")).toEqual([["0"]]);
    const again = await run(folder.path, ...command, "--yes", "--json");
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("its 40 rows were taken back before")]);
    const shownNow = await run(folder.path, "imports", id, "--to", database.dsn);
    expect(shownNow.stdout).toMatch(/^state +cancelled\n[^]*^message +its 40 rows were taken back/m);
  });

  withServer("waits for a row that somebody is changing, and then leaves all of them", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await using target = new SqlTarget(postgresDatabase(database.dsn, 2), 1000);
    const { id } = await imported(target, await csv(folder.path, 40));
    await using _lock = await hold(database, "update t set name = 'changed' where id = 7");
    const refused = why(target, id);
    await expect.poll(() => waitingForLock(database)).toBe(1);
    await database.query("commit");
    expect(await refused).toMatch(/of its 40 rows only 39/);
    expect(await database.query("select count(*) from t")).toEqual([["40"]]);
  });

  withServer("of tables in partitions", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await using target = new SqlTarget(postgresDatabase(database.dsn, 2), 1000);
    await database.query(
      "create table t (id integer, name text) partition by range (id); create table low partition of t for values from (0) to (20); create table high partition of t for values from (20) to (99); create table child (t integer)",
    );
    const { id } = await imported(target, await csv(folder.path, 40));
    await takeBack(target, id);
    expect(await database.query("select count(*) from t")).toEqual([["0"]]);
  });

  withServer("is refused for imports that an earlier version noted, and finds no table anew by that", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await using target = new SqlTarget(postgresDatabase(database.dsn, 2), 1000);
    const { id } = await imported(target, await csv(folder.path, 40));
    await database.query(
      `drop table sluice.written; alter table sluice.chunks drop column xid; drop table t; create table t (id integer, name text);
       update sluice.ledger set version = 4, place = (select string_agg(c.oid::text, ' ' order by c.relname) from pg_class c
         where c.relnamespace = 'sluice'::regnamespace and c.relkind = 'r')`,
    );
    expect(await why(target, id)).toMatch(/^table_gone/);
    expect(await database.query("select version from sluice.ledger")).toEqual([[String(LEDGER_VERSION)]]);
    expect(await why(target, id)).toMatch(/^table_gone/);
  });
});
