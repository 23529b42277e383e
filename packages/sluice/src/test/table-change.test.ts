// The table becomes another one while an import is under way, or between an import and the one that
// goes on with it.
import { background } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { importDetails, listImports } from "../ledger/history.ts";
import { LEDGER_VERSION, LEDGER_DDL } from "../ledger/schema.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import type { Database } from "../target.ts";
import { databases, newDatabase, newFolder, newName, server, type TestDatabase } from "./database.ts";
import { type ImportOptions, type ImportResult, METHODS, type Method } from "../options.ts";

const ROWS = 60;
const TABLE = "create table t (k integer, v numeric(12,2))";
/** A ledger with the 500 rows of another import. */
const ANOTHER = `${LEDGER_DDL}; insert into sluice.chunks values ('another', 0, 1, 500, 500, 500, 0, 0, 0)`;

async function example(folder: string): Promise<string> {
  const file = join(folder, "rows.csv");
  await writeFile(file, `k,v\n${Array.from({ length: ROWS }, (_, n) => `${n},${n}.25\n`).join("")}`);
  return file;
}

/** A server on which somebody does something when 20 rows are in. */
function disturbed(database: TestDatabase, method: Method, statements: string[]): SqlTarget {
  const server = postgresDatabase(database.dsn, 2);
  let left = method === "copy" || method === "batch" ? 2 : 20;
  const disturb = async (statement: string): Promise<void> => {
    if (!/^copy "t"|insert into "t"|create temporary table/.test(statement) || left-- > 0) return;
    for (const sql of statements.splice(0)) await database.query(sql);
  };
  const withConnection: Database["withConnection"] = (use, claim) =>
    server.withConnection(
      (connection) =>
        use({
          query: async (sql, parameters) => {
            // What goes into a temporary table first is disturbed before that, while nothing is
            // locked.
            if (parameters || sql.includes("create temporary table")) await disturb(sql);
            return connection.query(sql, parameters);
          },
          copy: async (into, data) => {
            await disturb(`copy ${into}`);
            return connection.copy(into, data);
          },
        }),
      claim,
    );
  const { name, connections, exclusive } = server;
  const rest = { start: () => server.start(), ping: () => server.ping(), close: () => server.close() };
  return new SqlTarget({ name, connections, exclusive, withConnection, ...rest }, 5000);
}

function imported(
  target: SqlTarget,
  file: string,
  method: Method,
  options: Partial<ImportOptions> = {},
): Promise<ImportResult> {
  return runImport(background(), { target, file, table: "t", method, workers: 1, chunkRows: 10, batchSize: 10, ...options }); // prettier-ignore
}

describe.skipIf(server === undefined).each(METHODS)("%s: while rows go in", (method) => {
  const endedBy = async (
    sql: string,
    look: (
      database: TestDatabase,
      failure: Error & { code: string },
      again: () => Promise<ImportResult>,
    ) => Promise<void>,
    table = TABLE,
    options: Partial<ImportOptions> = {},
  ): Promise<void> => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query(table);
    await using target = disturbed(database, method, [sql]);
    const file = await example(folder.path);
    const failure = await imported(target, file, method, options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    await look(database, failure as Error & { code: string }, () => imported(target, file, method, options));
  };
  const count = async (database: TestDatabase, table = "t"): Promise<number> =>
    Number((await database.query(`select count(*) from ${table}`))[0]![0]);

  test("a column that holds less ends the import, and changed back it goes on", async () => {
    await endedBy("alter table t alter column v type numeric(10,0)", async (database, failure, again) => {
      const n = await count(database);
      expect(n).toBeLessThan(ROWS);
      expect(failure.code).toBe("table_changed");
      expect(failure.message).toMatch(
        new RegExp(
          `^the table "t" has been altered .*: the column "v" was numeric\\(12,2\\) and is numeric\\(10,0\\) now\\..*\\n${n} rows of this import are in the table "t" and stay there\\.\\nChange the table back, and go on with: the same command`,
        ),
      );
      await expect(again()).rejects.toMatchObject({
        code: "table_changed",
        message: expect.stringMatching(
          /cannot go on: .*numeric\(10,0\) now.* 20 rows were put in by it\. Change/,
        ) as string,
      });
      expect(await count(database)).toBe(n);
      await database.query("alter table t alter column v type numeric(12,2)");
      expect(await again()).toMatchObject({ inserted: ROWS, total: ROWS });
      expect(await count(database)).toBe(ROWS);
    });
  });

  test("a unique index that the key needs and that is gone can be made again", async () => {
    const look = async (database: TestDatabase, failure: Error, again: () => Promise<ImportResult>): Promise<void> => {
      expect(failure).toMatchObject({ code: "42P10" });
      expect(failure.message).toContain("make it again (create unique index …), then go on.");
      await database.query("create unique index u on t (k)");
      expect(await again()).toMatchObject({ inserted: ROWS, total: ROWS });
      expect(await count(database)).toBe(ROWS);
    };
    await endedBy("drop index u", look, `${TABLE}; create unique index u on t (k)`, {
      onConflict: "skip",
      key: ["k"],
    });
  });

  test("another table under the name gets no row; the rows that are in are said to be where they are", async () => {
    await endedBy(`begin; alter table t rename to t_old; ${TABLE}; commit`, async (database, failure, again) => {
      expect(failure.code).toBe("table_gone");
      expect(failure.message).toBe(
        'another table has the name "t" now: the one that this import was planned for is called t_old now, with the 20 rows of this import. If that one gets its name back, the same command goes on with it.\n' +
          "As it is, the same command imports the file anew, from its first row.",
      );
      expect([await count(database), await count(database, "t_old")]).toEqual([0, 20]);
      expect(await again()).toMatchObject({ inserted: ROWS });
      expect(await count(database)).toBe(ROWS);
    });
  });

  test("the rows of other imports are not counted", async () => {
    const look = async (_: TestDatabase, failure: Error): Promise<void> =>
      expect(failure.message).toContain("with the 20 rows of this import");
    await endedBy(`begin; alter table t rename to t_old; ${TABLE}; commit`, look, `${TABLE}; ${ANOTHER}`);
  });

  test("a table that is renamed, and back, goes on as it is said to", async () => {
    await endedBy("alter table t rename to t_old", async (database, failure, again) => {
      expect(failure.code).toBe("table_gone");
      expect(failure.message).toMatch(
        /^no table has the name "t" any more: the one .* is called t_old now, with the 20 rows of this import\. If that one gets its name back, the same command goes on with it\.\nAs it is, /,
      );
      await database.query("alter table t_old rename to t");
      expect(await again()).toMatchObject({ inserted: ROWS });
      expect(await count(database)).toBe(ROWS);
    });
  });

  test("a table that is moved to a schema to which no path leads is named with it", async () => {
    await endedBy('create schema "Attic"; alter table t set schema "Attic"', async (database, failure, again) => {
      expect(failure.code).toBe("table_gone");
      expect(failure.message).toMatch(/^no table has the name "t" any more: the one .* is called "Attic"\.t now, with/);
      await database.query('alter table "Attic".t set schema public');
      expect(await again()).toMatchObject({ inserted: ROWS });
      expect(await count(database)).toBe(ROWS);
    });
  });

  test("a table that is dropped has taken its rows with it", async () => {
    await endedBy("drop table t", async (database, failure, again) => {
      expect(failure.code).toBe("table_gone");
      expect(failure.message).toMatch(
        /^no table has the name "t" any more: the one .* has been dropped, and the 20 rows of this import with it\.\nAs it is, the same command/,
      );
      expect(failure.message).not.toContain("stay there");
      expect(await again()).toMatchObject({ inserted: ROWS });
      expect(await count(database)).toBe(ROWS);
    });
  });

  test.each([
    ["a table", TABLE],
    [
      "a table in partitions",
      "create table t (k integer, v numeric(12,2)) partition by range (k); create table t1 partition of t for values from (0) to (15); create table t2 partition of t for values from (15) to (99)",
    ],
  ])("TRUNCATE is noticed: %s", async (_, table) => {
    await endedBy(
      "truncate t",
      async (database, failure, again) => {
        expect(failure).toMatchObject({
          code: "table_gone",
          message: expect.stringMatching(/^the table "t" has been emptied, of the 20 rows of this import too\.\nAs it is, the same/) as string,
        });
        expect(await count(database)).toBe(0);
        expect(await again()).toMatchObject({ inserted: ROWS });
        expect(await count(database)).toBe(ROWS);
      },
      table,
    ); // prettier-ignore
  });

  test("TRUNCATE is noticed even if others have put rows in since", async () => {
    await endedBy("truncate t; insert into t values (1, 1)", async (database, failure) => {
      expect(failure).toMatchObject({
        code: "table_changed",
        message: expect.stringMatching(/it holds 1 row, and the import had put 20 in\./) as string,
      });
      expect(await count(database)).toBe(1);
    });
  });

  test("a new column that needs a value ends the import, not each of its rows", async () => {
    await endedBy("delete from t; alter table t add column must integer not null", async (_, failure) => {
      expect(failure).toMatchObject({
        code: "table_changed",
        message: expect.stringMatching(/the column "must" needs a value now, and this import brings none/) as string,
      });
    });
  });

  test.each([
    ["renamed", "alter table t rename column v to w", /the column "v" is not there any more/],
    ["made anew", "alter table t drop column v; alter table t add column v numeric(12,2)", /the column "v" is another one/],
    ["given by the database", "alter table t alter column k set not null; alter table t alter column k add generated always as identity", /the column "k" is generated now/],
    ["generated", "alter table t drop column v; alter table t add column v numeric(12,2) generated always as (k) stored", /the column "v" is another one/],
  ])("a column that is %s ends the import", async (_, sql, says) => {
    await endedBy(sql, async (database, failure) => {
      expect(failure).toMatchObject({ code: "table_changed", message: expect.stringMatching(says) as string });
      expect(await count(database)).toBe(20);
    });
  }); // prettier-ignore

  test("what leaves each row as it would be does not disturb it", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query(`${TABLE}; ${ANOTHER}`);
    await using target = disturbed(database, method, [
      "alter table t add column more text, add column other integer not null default 7",
      "alter table t add column number integer not null generated by default as identity",
      "create index on t (k); alter table t add primary key (k), alter column v set default 1, alter column v set statistics 10",
      "comment on table t is 'x'; comment on column t.v is 'y'; analyze t",
      "vacuum full t",
    ]);
    expect(await imported(target, await example(folder.path), method)).toMatchObject({ inserted: ROWS, rejected: 0 });
    expect(await count(database)).toBe(ROWS);
  });
});

describe.skipIf(server === undefined).each(METHODS.filter((method) => method !== "copy"))("%s: a rule", (method) => {
  test("that is made while rows go in ends the import in words, and switched off it goes on", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query(TABLE);
    await using target = disturbed(database, method, ["create rule nothing as on insert to t do instead nothing"]);
    const file = await example(folder.path);
    await expect(imported(target, file, method)).rejects.toMatchObject({
      code: "0A000",
      message: expect.stringMatching(
        /^cannot perform INSERT RETURNING .*\. The table has a rule for INSERT now, .*: switch it off \(alter table … disable rule …\), then go on\.\n20 rows of this import are in the table "t" and stay there\.\nGo on with: /,
      ) as string,
    });
    await database.query("alter table t disable rule nothing");
    expect(await imported(target, file, method)).toMatchObject({ inserted: ROWS, total: ROWS });
  });
});

test.skipIf(server === undefined)("a right to the schema that is taken away is said to be missing", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const role = newName("role");
  await database.query(
    `create role ${role} login; grant create on database ${new URL(database.dsn).pathname.slice(1)} to ${role};
     create schema s; ${TABLE.replace(" t ", " s.t ")}; grant usage on schema s to ${role}; grant select, insert on s.t to ${role};
     alter role ${role} set search_path to s`,
  );
  try {
    const url = new URL(database.dsn);
    url.username = role;
    const file = await example(folder.path);
    const closing: TestDatabase = { ...database, dsn: url.href };
    await using target = disturbed(closing, "copy", [`revoke usage on schema s from ${role}`]);
    await expect(imported(target, file, "copy")).rejects.toMatchObject({
      code: "42501",
      message: expect.stringMatching(
        /^this user may not look into the schema s any more, which the table "t" is in\. Grant the user what is missing, or use another user\.\n20 rows .* stay there\.\nGo on with: the same command again/,
      ) as string,
    });
    await database.query(`grant usage on schema s to ${role}`);
    expect(await imported(target, file, "copy")).toMatchObject({ inserted: ROWS, total: ROWS });
  } finally {
    await database.query(`drop owned by ${role}; drop role ${role}`);
  }
});

test.skipIf(server === undefined)("a table in partitions is not disturbed by another one that is emptied", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await database.query(`create table t (k integer, v numeric(12,2)) partition by range (k);
    create table t1 partition of t default; create table other (n integer) partition by range (n);
    create table other1 partition of other default`);
  await using target = disturbed(database, "copy", ["delete from t where k < 5; truncate other"]);
  expect(await imported(target, await example(folder.path), "copy")).toMatchObject({ inserted: ROWS, rejected: 0 });
});

describe.skipIf(server === undefined)("before the first row", () => {
  test.each([true, false])("a table that is altered after it was looked at gets no row, atomic: %s", async (atomic) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query(`${TABLE}; ${LEDGER_DDL}`);
    class Late extends SqlTarget {
      override async describe(table: string): ReturnType<SqlTarget["describe"]> {
        const info = await super.describe(table);
        await database.query("alter table t alter column v type numeric(10,0)");
        return info;
      }
    }
    await using target = new Late(postgresDatabase(database.dsn, 2), 5000);
    await expect(imported(target, await example(folder.path), "copy", { atomic })).rejects.toMatchObject({
      code: "table_changed",
    });
    expect(await database.query("select count(*) from t")).toEqual([["0"]]);
  });
});

describe.each(databases)("on $name, between an import and the next", ({ open }) => {
  test("an altered column is refused, changed back it goes on", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(`${TABLE}; alter table t add check (k <> 45)`);
    const options = { target, file: await example(folder.path), table: "t", workers: 1, chunkRows: 10 };
    await expect(runImport(background(), { ...options, maxErrors: 0 })).rejects.toMatchObject({ code: "too_many_errors" });
    const before = await target.query("select count(*)::text from t");
    const { id } = (await listImports(target))[0]!;
    await target.query("alter table t alter column v type numeric(10,0)");
    for (const resume of ["auto", id]) {
      await expect(runImport(background(), { ...options, resume })).rejects.toMatchObject({ code: "table_changed" });
      expect((await target.query("select count(*)::text from t")).rows).toEqual(before.rows);
    }
    expect((await importDetails(target, id)).state).toBe("failed");
    await target.query("alter table t alter column v type numeric(12,2)");
    expect(await runImport(background(), options)).toMatchObject({ id, inserted: ROWS - 1, rejected: 1 });
  });

  test("a ledger of version 1 is brought up to date, and its unfinished imports go on", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(`${TABLE}; alter table t add check (k <> 45)`);
    const options = { target, file: await example(folder.path), table: "t", workers: 1, chunkRows: 10 };
    await expect(runImport(background(), { ...options, maxErrors: 0 })).rejects.toMatchObject({ code: "too_many_errors" });
    await target.query("alter table sluice.imports drop column shape, drop column relation; update sluice.ledger set version = 1");
    expect(await runImport(background(), options)).toMatchObject({ inserted: ROWS - 1, rejected: 1 });
    expect((await target.query("select version::text from sluice.ledger")).rows).toEqual([[String(LEDGER_VERSION)]]);
  });
}); // prettier-ignore
