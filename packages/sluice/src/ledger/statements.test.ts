// The number of statements that an import sends besides those of its rows, and what it does on a
// server that does not tell all of what the first of them asks.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { openTarget } from "../database/open.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import { runImport } from "../import.ts";
import { newDatabase, newDatabaseWithLedger, newFolder, newName, server } from "../test/database.ts";
import { lending } from "../test/faults.ts";
import { ensureLedger } from "./schema.ts";

describe.skipIf(server === undefined)("an import of few rows", () => {
  /** The begin of each statement that is sent through a target. */
  function counting(dsn: string): { readonly target: SqlTarget; readonly sent: string[] } {
    const sent: string[] = [];
    const database = lending(postgresDatabase(dsn, 1), (connection, use) =>
      use({
        ...connection,
        query: (sql, parameters) => {
          sent.push(sql.trim().slice(0, 60));
          return connection.query(sql, parameters);
        },
      }),
    );
    return { target: new SqlTarget(database, 1000), sent };
  }

  test("asks for each fact once", async () => {
    await using folder = newFolder();
    await using database = await newDatabaseWithLedger();
    const file = join(folder.path, "t.csv");
    await writeFile(file, "k,v\n1,a\n2,b\n");
    const { target, sent } = counting(database.dsn);
    await using _ = target;
    const run = async (again: boolean) => await runImport(background(), { file, target, again });
    const statements = async (again: boolean): Promise<number> => {
      sent.length = 0;
      expect(await run(again)).toMatchObject({ inserted: 2 });
      return sent.length;
    };
    // Who sends more says for which guarantee.
    expect(await statements(false)).toBeLessThanOrEqual(20);
    expect(await statements(true)).toBeLessThanOrEqual(29);
  });

  test("goes into a server that does not tell its cluster to this user", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = join(folder.path, "t.csv");
    await writeFile(file, "k,v\n1,a\n2,b\n");
    const role = newName("cluster");
    const url = new URL(database.dsn);
    url.username = role;
    url.password = "secret";
    {
      await using maker = await openTarget({ to: database.dsn });
      await ensureLedger(maker);
    }
    await database.query(`create role ${role} login password 'secret'; grant create on schema public to ${role};
      grant usage on schema sluice to ${role}; grant select, insert, update, delete on all tables in schema sluice to ${role};
      revoke execute on function pg_control_system() from public`);
    try {
      await using target = await openTarget({ to: url.href });
      await expect(target.query("select pg_control_system()")).rejects.toMatchObject({ code: "42501" });
      expect(await runImport(background(), { file, target })).toMatchObject({ inserted: 2 });
      expect(await database.query("select place like '% @%' from sluice.ledger")).toEqual([["t"]]);
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
