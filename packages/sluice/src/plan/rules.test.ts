// Tables that are not plain: in partitions, with rules, foreign, with children, and views with
// triggers.
import { background } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import { openTarget } from "../database/open.ts";
import type { Target } from "../target.ts";
import { databases, newDatabase, newFolder, newName, server, type TestDatabase } from "../test/database.ts";
import { type ImportOptions, type ImportResult, METHODS } from "../options.ts";

async function example(folder: string): Promise<string> {
  const file = join(folder, "rows.csv");
  const rows = Array.from({ length: 50 }, (_, n) => `${(n * 7) % 30},v${n}\n`);
  await writeFile(file, `k,v\n${rows.join("")}`);
  return file;
}

async function imported(target: Target, file: string, options: Partial<ImportOptions>): Promise<ImportResult> {
  const result = await runImport(background(), {
    target, file, table: "t", chunkRows: 12, batchSize: 12, resume: "never", ...options,
  }); // prettier-ignore
  expect(result.total).toBe(result.inserted + result.updated + result.skipped + result.rejected);
  return result;
}

const WAYS = METHODS.flatMap((method) => [
  { method, atomic: false },
  { method, atomic: true },
]);

describe.each(databases)("on $name", ({ open }) => {
  test.each(["update", "skip"] as const)(
    "--on-conflict %s: a table in partitions is filled and counted like a plain one",
    async (onConflict) => {
      await using folder = newFolder();
      await using database = await open();
      const { target } = database;
      const file = await example(folder.path);
      const seen: unknown[] = [];
      for (const table of [
        "create table t (k integer primary key, v text, n serial)",
        `create table t (n serial, k integer primary key, v text) partition by range (k);
         create table low partition of t for values from (0) to (10);
         create table high (v text, k integer not null, n integer not null); alter table t attach partition high for values from (10) to (100)`,
      ]) {
        for (const way of WAYS) {
          await target.query(`drop table if exists t cascade; ${table}; insert into t (k, v) values (3, 'old'), (12, 'old'), (77, 'old')`);
          const { inserted, updated, skipped, rejected } = await imported(target, file, { ...way, onConflict, key: ["k"] });
          seen.push({ counts: { inserted, updated, skipped, rejected }, rows: (await target.query("select k, v from t order by k")).rows });
        }
      }
      for (const one of seen) expect(one).toEqual(seen[0]);
      expect(seen[0]).toMatchObject({ counts: onConflict === "update" ? { inserted: 28, updated: 22 } : { inserted: 28, skipped: 22 } });
    },
  ); // prettier-ignore

  test.each(METHODS)("%s, --on-conflict update into partitions: keys alone, two columns, rows that a trigger keeps", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "keys.csv");
    await writeFile(file, "a,b\n1,x\n2,y\n1,x\n3,z\n");
    await target.query(
      `create table t (a integer, b text, primary key (a, b)) partition by hash (a);
       create table t0 partition of t for values with (modulus 2, remainder 0);
       create table t1 partition of t for values with (modulus 2, remainder 1);
       insert into t values (2, 'y')`,
    );
    expect(await imported(target, file, { method, onConflict: "update" })).toMatchObject({ inserted: 2, updated: 2 });
    await target.query(
      `create table u (k text primary key, v text) partition by list (k);
       create table u0 partition of u default; insert into u values ('a', 'kept'), ('b', 'old');
       create function keep() returns trigger language plpgsql as $$ begin
         if old.v = 'kept' then return null; end if; return new; end $$;
       create trigger keep before update on u for each row execute function keep()`,
    );
    const other = join(folder.path, "other.csv");
    await writeFile(other, "k,v\na,1\nc,2\nb,3\n");
    expect(await imported(target, other, { method, table: "u", onConflict: "update" })).toMatchObject({
      inserted: 1, updated: 1, skipped: 1,
    });
    expect((await target.query("select k, v from u order by k")).rows).toEqual([["a", "kept"], ["b", "3"], ["c", "2"]]);
  }); // prettier-ignore

  test.each(METHODS)("%s: a table with rules is refused in one sentence, and the way out works", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    await target.query(
      `create table t (k integer, v text); create table log (k integer);
       create rule noted as on insert to t do also insert into log values (new.k)`,
    );
    const failure = (await imported(target, file, { method }).catch((error: unknown) => error)) as Error;
    expect(failure).toMatchObject({
      code: "table_rules",
      message: expect.stringMatching(/^the table "t" has the rule "noted" for INSERT, and/) as string,
    });
    await target.query(/alter table .*;/.exec(failure.message)![0]);
    expect(await imported(target, file, { method })).toMatchObject({ inserted: 50 });
    expect((await target.query("select count(*)::text from log")).rows).toEqual([["0"]]);
  });

  test.each([
    ["a view", "create view t as select k, v from base where k < 1000", "instead of"],
    ["a table", "create table t (k integer, v text)", "before"],
    ["a table in partitions", "create table t (k integer, v text) partition by range (k); create table all_of_t partition of t default", "before"],
  ])("%s whose trigger leaves rows out or refuses them: counted by every method as the database keeps them", async (_, ddl, when) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("drop table if exists base cascade; create table base (k integer, v text)");
    await target.query(
      `create function judge() returns trigger language plpgsql as $$ begin
         if new.k % 3 = 0 then return null; end if;
         if new.k = 7 then raise exception 'not seven'; end if;
         if tg_when = 'INSTEAD OF' then insert into base values (new.k, new.v); end if;
         return new;
       end $$`,
    );
    const file = await example(folder.path);
    const seen: unknown[] = [];
    for (const way of WAYS) {
      await target.query(`${ddl}; create trigger judge ${when} insert on t for each row execute function judge()`);
      const { inserted, skipped, rejected, rejects } = await imported(target, file, way);
      const { rows } = await target.query(`select count(*)::text from ${when === "before" ? "t" : "base"}`);
      expect({ way, inserted }).toEqual({ way, inserted: Number(rows[0]![0]) });
      seen.push({ inserted, skipped, rejected, rejects: rejects.map(({ row, reason }) => [row, reason]) });
      await target.query(`drop ${when === "before" ? "table" : "view"} t; delete from base`);
    }
    for (const one of seen) expect(one).toEqual(seen[0]);
    expect(seen[0]).toMatchObject({ inserted: 31, skipped: 17, rejected: 2 });
  }); // prettier-ignore

  test("rules of other statements count only if the import makes those", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    await target.query(
      `create table t (k integer unique, v text);
       create rule u as on update to t do instead nothing; create rule d as on delete to t do instead nothing`,
    );
    expect(await imported(target, file, {})).toMatchObject({ inserted: 30, rejected: 20 });
    for (const options of [{ onConflict: "skip" }, { mode: "replace" }] as const)
      await expect(imported(target, file, options)).rejects.toMatchObject({ code: "table_rules" });
  });

  test("a view whose rule returns its rows is filled; one whose rule does not is refused; a key needs a table", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await example(folder.path);
    await target.query(
      `create table base (k integer, v text); create view t as select k, v from base where k is not null offset 0;
       create rule put as on insert to t do instead insert into base values (new.k, new.v) returning k, v`,
    );
    expect(await imported(target, file, {})).toMatchObject({ inserted: 50, method: "batch" });
    await target.query("create or replace rule put as on insert to t do instead insert into base values (new.k, new.v)");
    await expect(imported(target, file, {})).rejects.toMatchObject({
      code: "table_rules",
      message: expect.stringMatching(/^the view "t" .*INSTEAD OF trigger/) as string,
    });
    await target.query("create view plain as select * from base");
    await expect(imported(target, file, { table: "plain", onConflict: "update", key: ["k"] })).rejects.toMatchObject({
      code: "no_unique_index",
      message: expect.stringMatching(/^"plain" is a view, and .* Import into the table/) as string,
    });
  }); // prettier-ignore

  test.each(METHODS)("%s: the parent of an inheritance takes rows of its own, and its key counts", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      "create table t (k integer primary key, v text); create table child () inherits (t); insert into child values (3, 'child')",
    );
    const result = await imported(target, await example(folder.path), { method, onConflict: "update" });
    expect(result).toMatchObject({ inserted: 30, updated: 20 });
    expect((await target.query("select count(*)::text from only t")).rows).toEqual([["30"]]);
  });
});

/** Makes `t` of another database a foreign table. */
async function linked(target: Target, far: TestDatabase): Promise<void> {
  const url = new URL(far.dsn);
  const user = newName("user");
  const { rows } = await target.query("select current_user");
  const option = (name: string, value: string): string => (value === "" ? "" : `${name} '${value}'`);
  await target.query("create extension postgres_fdw");
  await target.query(
    `create server ${user} foreign data wrapper postgres_fdw options (host '${url.hostname}', port '${url.port || "5432"}', dbname '${url.pathname.slice(1)}');
     create user mapping for current_user server ${user} options (user '${url.username || rows[0]![0]!}' ${option(", password", url.password)});
     create foreign table t (k integer, v text) server ${user}`,
  );
}

describe.skipIf(server === undefined)("on a foreign table", () => {
  test.each(METHODS)("%s puts rows in; a key is refused in words", async (method) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using far = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    await far.query("create table t (k integer, v text)");
    await linked(target, far);
    const file = await example(folder.path);
    expect(await imported(target, file, { method })).toMatchObject({ inserted: 50 });
    expect(await far.query("select count(*) from t")).toEqual([["50"]]);
    await expect(imported(target, file, { method, onConflict: "skip" })).rejects.toMatchObject({
      code: "no_unique_index",
      message: expect.stringMatching(/^"t" is a foreign table, and --on-conflict skip/) as string,
    });
  });

  test("or on one below a table in partitions or a view, a note says that its rows may come twice", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using far = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    await far.query("create table t (k integer, v text)");
    await linked(target, far);
    await target.query(
      `create view seen as select * from t; create table plain (k integer, v text); create view other as select * from plain;
       create table p (k integer, v text) partition by range (k); create table p0 partition of p for values from (minvalue) to (10);
       create foreign table p1 partition of p for values from (10) to (maxvalue) server ${(await target.query("select srvname from pg_foreign_server")).rows[0]![0]!} options (table_name 't')`,
    );
    const file = await example(folder.path);
    const notes = async (table: string, dryRun = false): Promise<string> =>
      (await imported(target, file, { table, dryRun })).notes.join("\n");
    const said = (name: string): string =>
      `rows for the foreign table "${name}" are committed by another server, apart from the ledger; if a connection is lost while they are, some may be in twice`;
    expect(await notes("t")).toContain(said("t"));
    expect(await notes("seen", true)).toContain(said("t"));
    expect(await notes("seen")).toContain(said("t"));
    expect(await notes("p")).toContain(said("p1"));
    for (const table of ["plain", "other"]) expect(await notes(table)).not.toContain("foreign");
  });

  test("after its connection was lost the message says that the same command may put rows in twice", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using far = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    await far.query(
      `create table t (k integer, v text);
       create function die() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
       create constraint trigger die after insert on t deferrable initially deferred for each row when (new.v = 'v30') execute function die()`,
    );
    await linked(target, far);
    const failure = (await failureOf(imported(target, await example(folder.path), {}))) as Error;
    expect(failure.message).toMatch(
      /\nRows of the foreign table "t" may be in although the ledger does not have them, and the same command would put those in twice\. Compare them with the file before you give it\.\nGo on with: the same command/,
    );
  });
});
