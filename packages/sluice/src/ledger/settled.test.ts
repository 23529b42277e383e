// An import that was settled as failed: a session that its process has lost, and could not end,
// must not add to it any more.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { background } from "@sluice/go/context";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import { failureOf, SluiceError } from "../errors.ts";
import { runImport } from "../import.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { lending } from "../test/faults.ts";
import { TAKEN_OVER } from "./schema.ts";

describe.skipIf(server === undefined)("an import that was settled as failed", () => {
  test("takes no later step of its own epoch, and goes on from where its message said", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await database.query(`
      create table t (n integer);
      create function wait() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock(42); return new; end $$;
      create trigger wait before insert on t for each row when (new.n = 5) execute function wait();
      select pg_advisory_lock(42)`);
    const file = join(folder.path, "t.csv");
    writeFileSync(file, `n\n${Array.from({ length: 9 }, (_, n) => n + 1).join("\n")}\n`);
    const left = new pg.Client({ connectionString: database.dsn });
    await left.connect();
    await left.query("set timezone to 'UTC'");
    let behind: Promise<unknown> | undefined;
    let fails = true;
    const target = new SqlTarget(
      lending(postgresDatabase(database.dsn, 1), (connection, use) =>
        use({
          ...connection,
          query: async (sql, parameters) => {
            if (!fails || !sql.includes("insert into") || parameters?.at(6) !== "5")
              return connection.query(sql, parameters);
            // The first time the connection is lost, and its session goes on; the second time the
            // database cannot.
            if (behind) throw Object.assign(new Error("out of memory"), { code: "53200", severity: "ERROR" });
            behind = failureOf(left.query(sql, [...parameters]));
            throw new SluiceError("connection_lost", "the connection was lost: a test wants it so");
          },
        }),
      ),
      1000,
    );
    try {
      const options = { file, target, table: "t", method: "sequential" as const };
      expect(await failureOf(runImport(background(), options))).toMatchObject({
        message: expect.stringContaining("out of memory") as string,
      });
      expect(await database.query("select state, inserted from sluice.imports")).toEqual([["failed", "4"]]);
      await database.query("select pg_advisory_unlock(42)");
      expect(await behind).toMatchObject({ code: TAKEN_OVER });
      expect(await database.query("select count(*) from t")).toEqual([["4"]]);
      fails = false;
      expect(await runImport(background(), options)).toMatchObject({ inserted: 9 });
      expect(await database.query("select n from t order by 1")).toEqual(
        Array.from({ length: 9 }, (_, n) => [String(n + 1)]),
      );
    } finally {
      await left.end();
      await target[Symbol.asyncDispose]();
    }
  });
});
