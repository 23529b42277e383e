// Event triggers that refuse an import's DDL: no row is blamed, and the message names the trigger.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { describeError, failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import type { ImportOptions } from "../options.ts";
import { newDatabase, newDatabaseWithLedger, newFolder, server } from "../test/database.ts";
import { openTarget } from "../database/open.ts";

const GUARD = `create function no_ddl() returns event_trigger language plpgsql as $$ begin raise exception 'no DDL: %', tg_tag; end $$;
  create event trigger guard on ddl_command_start execute function no_ddl()`;
const ADVICE = /The event trigger "guard" of the database raised this\. .*: alter event trigger "guard" disable/;

describe.skipIf(server === undefined)("an event trigger that refuses DDL", () => {
  const cases: [what: string, tables: string, options: Partial<ImportOptions>, code: string][] = [
    ["a new table", "", { table: "t" }, "cannot_create"],
    ["a new table in a dry run", "", { table: "t", dryRun: true }, "cannot_create"],
    ["a new column", "create table t (k integer)", { table: "t", migrate: true }, "ddl_refused"],
    [
      "the temporary table of rows with a key",
      "create table t (k integer primary key, v text)",
      { table: "t", onConflict: "update", key: ["k"] },
      "ddl_refused",
    ],
  ];
  test.each(cases)("%s: the message names it, and no row is rejected", async (_, tables, options, code) => {
    await using folder = newFolder();
    await using database = await newDatabaseWithLedger();
    const file = join(folder.path, "t.csv");
    await writeFile(file, "k,v\n1,a\n2,b\n");
    await database.query(`${tables}; ${GUARD}`);
    await using target = await openTarget({ to: database.dsn });
    const run = runImport(background(), { file, target, ...options });
    const failure = describeError(await failureOf(run));
    expect(failure).toMatchObject({ code, message: expect.stringMatching(ADVICE) as string });
    expect(failure.message).toMatch(/^.*no DDL: /);
    expect(await database.query("select count(*)::text from sluice.rejects")).toEqual([["0"]]);
    await database.query("alter event trigger guard disable");
    const { inserted } = await runImport(background(), { file, target, ...options, dryRun: false });
    expect(inserted).toBe(2);
  });

  test("the ledger: the message names it", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = join(folder.path, "t.csv");
    await writeFile(file, "k\n1\n");
    await database.query(GUARD);
    await using target = await openTarget({ to: database.dsn });
    const failure = describeError(await failureOf(runImport(background(), { file, target })));
    expect(failure).toMatchObject({ code: "no_ledger", message: expect.stringMatching(ADVICE) as string });
  });
});
