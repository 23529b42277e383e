// Real databases: what a name leads to is the database's to say.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { LEDGER_VERSION, LEDGER_DDL } from "../ledger/schema.ts";
import { checkName } from "./off-limits.ts";
import { openTarget } from "../database/open.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { run } from "../test/program.ts";

test.each([
  "sluice.imports",
  "sluice.new",
  "sluice_fleet.imports",
  "SLUICE.Imports",
  '"sluice".imports',
  "pg_catalog.pg_class",
  "pg_temp.t",
  "pg_toast.t",
  "information_schema.tables",
])("a name in a schema that is not for imports is refused without a database: %s", (name) => {
  expect(() => checkName(name)).toThrow(expect.objectContaining({ code: "table_not_allowed", exitCode: 2 }));
});

test.each([
  ['"SLUICE".t', "the schema sluice holds the ledger of imports"],
  ["sluice_fleet.t", "the schema sluice_fleet holds the queue of a fleet"],
  ["pg_temp_3.t", "the schema pg_temp_3 holds temporary tables, which end with their session"],
  ["pg_toast_temp_3.t", "the schema pg_toast_temp_3 holds temporary tables, which end with their session"],
  ["pg_toast.t", "the schema pg_toast belongs to the database itself"],
])("the refusal of %s says that %s", (name, whose) => {
  expect(() => checkName(name)).toThrow(
    `no import writes to the table ${JSON.stringify(name)}: ${whose}. Name another table, in a schema of your own (--table).`,
  );
});

test.each(["t", "sluice", "public.sluice", "shop.pg_people", "pg_people"])(
  "a name elsewhere is the database's to judge: %s",
  (name) => {
    expect(() => checkName(name)).not.toThrow();
  },
);

describe.skipIf(server === undefined)("a table that rows may not go to", () => {
  test.each([
    ["the ledger", "sluice.imports", ""],
    ["the ledger, by search_path", "imports", "set search_path to sluice, public"],
    ["a new table in the ledger, by search_path", "fresh", "set search_path to sluice"],
    ["a new temporary table, by search_path", "fresh", "set search_path to pg_temp, public"],
    ["a catalogue, without its schema", "pg_authid", ""],
    ["a view over a view over the ledger", "v2", ""],
    ["a table with a rule that writes to the ledger", "ruled", ""],
    ["a partition of the ledger's", "parted", ""],
    ["a child of the ledger's", "child", ""],
  ])("is refused: %s", async (_, table, setting) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query(LEDGER_DDL);
    await database.query(`
      create view v1 as select import, row_number, code, reason, cells from sluice.rejects; create view v2 as select * from v1;
      create table ruled (a text); create rule r as on insert to ruled do also insert into sluice.ledger values (9);
      create table parted (a text) partition by list (a); create table sluice.part partition of parted default;
      create table child () inherits (sluice.ledger)`);
    const url = new URL(database.dsn);
    if (setting !== "")
      url.searchParams.set("options", `-c ${setting.slice(4).replace(" to ", "=").replace(", ", ",")}`);
    await using target = await openTarget({ to: url.href, connections: 2 });
    const file = join(folder.path, "people.csv");
    await writeFile(file, "a\nx\n");
    for (const dryRun of [false, true]) {
      await expect(runImport(background(), { file, target, table, dryRun })).rejects.toMatchObject({
        code: "table_not_allowed",
        exitCode: 2,
      });
    }
    expect(await database.query("select version from sluice.ledger")).toEqual([[String(LEDGER_VERSION)]]);
    expect(await database.query("select count(*) from sluice.imports")).toEqual([["0"]]);
  });

  test("and said so on the command line, also where a schema file names it, and by a preview", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await writeFile(join(folder.path, "people.csv"), "a\nx\n");
    await writeFile(
      join(folder.path, "s.ts"),
      'import { table } from "sluice"; export const t = table({ name: "sluice.imports", columns: { a: {} } });',
    );
    for (const args of [
      ["import", "people.csv", "--table", "sluice.imports", "--to", database.dsn],
      ["import", "people.csv", "--schema", "s.ts", "--to", database.dsn],
      ["preview", "people.csv", "--table", "pg_temp.x"],
    ]) {
      const { code, stderr } = await run(folder.path, ...args);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/no import writes to the table ".*--table/) as string]);
    }
  });

  test("a view over one's own tables, and one's own partitions, are for imports", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query(`create table base (a text); create view v as select * from base;
      create table parted (a text) partition by list (a); create table part partition of parted default`);
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    const file = join(folder.path, "people.csv");
    await writeFile(file, "a\nx\n");
    for (const table of ["v", "parted"])
      expect(await runImport(background(), { file, target, table })).toMatchObject({ inserted: 1 });
  });
});
