// What a failure of the database says, and that what it says to do works.
import { background } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { openTarget } from "../database/open.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import { databases, hold, newDatabase, newFolder, newName, server } from "../test/database.ts";
import { lending } from "../test/faults.ts";
import { type ImportOptions, METHODS } from "../options.ts";

const WAYS = [...METHODS.map((method) => ({ method, atomic: false })), { method: "copy", atomic: true }] as const;

async function rowsOf(folder: string, n: number): Promise<string> {
  const file = join(folder, "rows.csv");
  await writeFile(file, `k,v\n${Array.from({ length: n }, (_, k) => `${k},v${k}\n`).join("")}`);
  return file;
}

describe.skipIf(server === undefined)("a setting that ends an import is named, and the way out works", () => {
  test.each([
    ["lock_timeout", "300", /^canceling statement due to lock timeout\. The setting lock_timeout is 300ms here/],
    ["statement_timeout", "300", /^canceling statement due to statement timeout\. The setting statement_timeout is 300ms here/],
  ])("%s", async (name, value, says) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = await rowsOf(folder.path, 5);
    await database.query("create table t (k integer, v text)");
    const url = new URL(database.dsn);
    url.searchParams.set("options", `-c ${name}=${value}`);
    const options: Omit<ImportOptions, "target"> = { file, table: "t" };
    {
      await using target = await openTarget({ to: url.href, connections: 1 });
      await runImport(background(), { ...options, target, file: await rowsOf(folder.path, 1) }); // makes the ledger
    }
    await rowsOf(folder.path, 5);
    let message: string;
    {
      await using target = await openTarget({ to: url.href, connections: 1 });
      await using _lock = await hold(database, "lock table t");
      message = await runImport(background(), { ...options, target }).then(() => "", (error: unknown) => (error as Error).message);
    }
    expect(message).toMatch(says);
    const advised = /put (options=\S+) after/.exec(message)![1]!;
    expect(message).toMatch(new RegExp(`alter role ".*" set ${name} = 0`));
    const plain = new URL(database.dsn);
    await using target = await openTarget({ to: `${plain.href}?${advised}`, connections: 1 });
    expect((await target.query(`show ${name}`)).rows).toEqual([["0"]]);
    expect(await runImport(background(), { ...options, target })).toMatchObject({ inserted: 5 });
  }); // prettier-ignore

  test("statement_timeout, so short that the server cannot say where it is set", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query("create table t (k integer, v text)");
    let short = false;
    const asked = lending(postgresDatabase(database.dsn, 1), (connection, use) =>
      use({
        ...connection,
        query: async (sql, parameters) => {
          if (!short && sql.includes("select sluice.commit_rows(")) short = true;
          if (!short) return connection.query(sql, parameters);
          await connection.query("begin; set local statement_timeout = 1; select pg_sleep(1)");
          throw new Error("the statement was not cancelled");
        },
      }),
    );
    await using target = new SqlTarget(asked, 1000);
    const file = await rowsOf(folder.path, 5);
    await expect(runImport(background(), { target, file, table: "t" })).rejects.toThrow(
      /statement timeout\. The setting statement_timeout does that: alter role … set statement_timeout = 0\./,
    );
  });

  test("a database that only reads", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = await rowsOf(folder.path, 5);
    await database.query("create table t (k integer, v text)");
    {
      await using target = await openTarget({ to: database.dsn, connections: 1 });
      await runImport(background(), { target, file, table: "t" });
    }
    const name = new URL(database.dsn).pathname.slice(1);
    await database.query(
      `create function shut() returns trigger language plpgsql as $$ begin set transaction read only; insert into t values (0); return new; end $$;
       create trigger shut before insert on t for each row when (new.k = 0) execute function shut();
       alter database ${name} set default_transaction_read_only to off`,
    );
    await using target = await openTarget({ to: database.dsn, connections: 1 });
    await rowsOf(folder.path, 6);
    await expect(runImport(background(), { target, file, table: "t" })).rejects.toMatchObject({
      code: "25006",
      message: expect.stringMatching(/default_transaction_read_only/) as string,
    });
  });

  test("a published table without an identity says that, and nothing of views", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 1 });
    const file = await rowsOf(folder.path, 5);
    const name = newName("pub");
    await database.query(
      `create table t (k integer unique, v text); insert into t values (1, 'old'); create publication ${name} for table t`,
    );
    const options = { target, file, table: "t", onConflict: "update", key: ["k"] } as const;
    const failure = (await runImport(background(), options).catch((error: unknown) => error)) as Error;
    expect(failure.message).toMatch(/replica identity.*\. The table is published, and .* replica identity full\./);
    expect(failure.message).not.toContain("view");
    await database.query("alter table t replica identity full");
    expect(await runImport(background(), options)).toMatchObject({ inserted: 4, updated: 1 });
  });
});

describe.each(databases)("on $name", ({ open }) => {
  test.each(WAYS)("a row that a trigger refuses with any code is a reject: $method, atomic: $atomic", async (way) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const codes = ["42501", "55000", "38000", "26000", "42P05", "0A000", "42P01", "54001", "09000", "AB123", "28000", "3F000"];
    await target.query(
      `create table t (k integer, v text);
       create function refuse() returns trigger language plpgsql as $$
         declare codes text[] := '{${codes.join(",")}}';
         begin
           if new.k between 1 and ${codes.length} then raise exception using errcode = codes[new.k], message = 'not row ' || new.k; end if;
           return new;
         end $$;
       create trigger refuse before insert on t for each row execute function refuse()`,
    );
    const options = { ...way, target, table: "t", chunkRows: 40, batchSize: 9 };
    const result = await runImport(background(), { ...options, file: await rowsOf(folder.path, 60) });
    expect(result).toMatchObject({ total: 60, rejected: codes.length, inserted: 60 - codes.length });
    expect(result.rejects.map(({ reason }) => reason)).toEqual(codes.map((_, n) => `not row ${n + 1}`));
    expect(Object.keys(result.reasons)).toContain("sqlstate_55000");
    expect((await target.query("select count(*)::text from t")).rows).toEqual([[String(60 - codes.length)]]);
  }); // prettier-ignore

  test.each(WAYS)("what a trigger may not do ends the import: $method, atomic: $atomic", async (way) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      `create table t (k integer, v text);
       create function note() returns trigger language plpgsql as $$ begin insert into no_such_log values (new.k); return new; end $$;
       create trigger note before insert on t for each row execute function note()`,
    );
    const options = { ...way, target, file: await rowsOf(folder.path, 60), table: "t" };
    await expect(runImport(background(), options)).rejects.toMatchObject({ code: "42P01" });
    expect((await target.query("select count(*)::text from t")).rows).toEqual([["0"]]);
  });

  test("a code that a trigger raises is said to be the trigger's", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      `create table t (k integer, v text);
       create function closed() returns trigger language plpgsql as $$ begin
         raise exception using errcode = '53000', message = 'closed today'; end $$;
       create trigger closed before insert on t for each row execute function closed()`,
    );
    await expect(
      runImport(background(), { target, file: await rowsOf(folder.path, 3), table: "t" }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(
        /^closed today\. A trigger or function of the database raised this \(PL\/pgSQL function closed\(\) line 2/,
      ) as string,
    });
  });

  test.each(WAYS)(
    "an import whose rows all lack a value that the table needs stops: $method, atomic: $atomic",
    async (way) => {
      await using folder = newFolder();
      await using database = await open();
      const { target } = database;
      await target.query(
        `create table t (k integer, v text, m text not null default 'x');
         create function lose() returns trigger language plpgsql as $$ begin new.m := null; return new; end $$;
         create trigger lose before insert on t for each row execute function lose()`,
      );
      const options = { ...way, target, file: await rowsOf(folder.path, 1_300), table: "t", chunkRows: 300 };
      const failure = await runImport(background(), options).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: "all_refused",
        message: expect.stringMatching(
          /^the database has refused each of the first [\d,]+ rows for the same reason \(not_null_violation\).*\n.*\n?Go on with: the same command, .*--max-errors N/,
        ) as string,
      });
      expect(await runImport(background(), { ...options, maxErrors: 100_000 })).toMatchObject({
        total: 1_300,
        rejected: 1_300,
      });
    },
  );

  test("one of which the database says the same of 10,000 rows stops; one of 1,000 does not", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table t (k integer, v text check (v = 'x'))");
    const options = { target, file: await rowsOf(folder.path, 10_300), table: "t", chunkRows: 2_600 };
    await expect(runImport(background(), options)).rejects.toMatchObject({
      code: "all_refused",
      message: expect.stringContaining("violates check constraint") as string,
    });
    await target.query("alter table t drop constraint t_v_check");
    // The rest is as good as any.
    const { inserted, rejected } = await runImport(background(), { ...options, maxErrors: 10_300 });
    expect({ total: inserted + rejected, some: rejected >= 10_000 }).toEqual({ total: 10_300, some: true });
  });

  test("one that a limit of the file ends half-way goes on with a larger limit, as it says", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await rowsOf(folder.path, 20_000);
    const options = { target, file, table: "t", chunkRows: 4_000 };
    const failure = await runImport(background(), { ...options, limits: { rows: 19_000 } }).catch((e: unknown) => e);
    expect(failure).toMatchObject({
      code: "row_out_of_range",
      message: expect.stringMatching(
        /the limit rows = 19000 \(--rows\); raise the limit to read on\.\n[\s\S]*\nGo on with: the same command and a larger limit, if you trust the file\. Or end this import: sluice imports cancel \w+/,
      ) as string,
    });
    expect(await runImport(background(), options)).toMatchObject({ inserted: 20_000 });
    expect((await target.query("select count(*)::text, count(distinct k)::text from t")).rows).toEqual([
      ["20000", "20000"],
    ]);
  });

  test("one that meets its own rows is not stopped", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table t (k integer primary key, v text)");
    const options = {
      target,
      file: await rowsOf(folder.path, 1_200),
      table: "t",
      chunkRows: 600,
      resume: "never",
    } as const;
    expect(await runImport(background(), options)).toMatchObject({ inserted: 1_200 });
    expect(await runImport(background(), options)).toMatchObject({ rejected: 1_200 });
  });
});
