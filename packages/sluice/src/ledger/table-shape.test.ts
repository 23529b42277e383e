// Whether a table is the one that an import was planned for, and what is said if it is not.
import { expect, test } from "vitest";
import type { Target } from "../target.ts";
import { databases } from "../test/database.ts";
import { holdsRows } from "./ledger.ts";
import { LEDGER_DDL } from "./schema.ts";
import { expectSameTable, expectUnloggedRows, shapeSql } from "./table-shape.ts";

const VISITOR = `create role visitor; grant usage on schema sluice to visitor;
  grant select on all tables in schema sluice to visitor`;

interface Planned {
  readonly fullName?: string;
  /** SQL of it. */
  readonly shape?: string;
  readonly relation?: string;
}

/** An import into attic.t, which it calls t if nothing else is said. */
async function planned(
  target: Target,
  { fullName = "attic.t", shape = `'[1, "r", "1", []]'`, relation = "t" }: Planned,
): Promise<void> {
  await target.query(
    `delete from sluice.imports;
     insert into sluice.imports (id, content_hash, file, sheet, target_table, table_oid, relation, shape, full_name, method, plan, wish, schema_hash, state, epoch, indexes)
     values ('i', 'h', 'f', 's', 't', 'attic.t'::regclass, '${relation}', ${shape}, '${fullName}', 'copy', '{"load": []}', '{}', 'h', 'running', 1, '[]')`,
  );
}

test("a table that is looked for is found, gone, in a closed schema, or changed by somebody else meanwhile", async () => {
  // The role stays: it has one session.
  await using database = await databases.find(({ name }) => name === "PGlite")!.open();
  const { target } = database;
  const look = (): Promise<unknown> => expectSameTable(target, { id: "i" }).catch((error: unknown) => error);
  const lookAsVisitor = async (): Promise<unknown> => {
    await target.query("set role visitor");
    const found = await look();
    await target.query("reset role");
    return found;
  };
  const called = { code: "table_gone", message: expect.stringContaining("is called attic.t now") as string };
  await target.query(`${LEDGER_DDL}; create schema attic; create table attic.t (); ${VISITOR}`);

  await planned(target, {});
  expect(await look()).toMatchObject(called);
  expect(await lookAsVisitor()).toMatchObject({
    code: "42501",
    message: expect.stringContaining("may not look into the schema attic any more") as string,
  });
  await planned(target, { fullName: "public.t" });
  expect(await lookAsVisitor()).toMatchObject(called);
  // The first version of the ledger kept no shapes.
  await planned(target, { relation: "attic.t", shape: "null" });
  expect(await look()).toBeUndefined();
  // A change that does not matter to one import may matter to another one of that table.
  await planned(target, { relation: "attic.t", shape: shapeSql("'attic.t'::regclass") });
  await target.query("alter table attic.t add column more text");
  await target.query(
    `insert into sluice.imports select (pg_catalog.json_populate_record(i, '{"id": "j"}')).* from sluice.imports i`,
  );
  await expectSameTable(target, { id: "i" });
  expect((await target.query("select id from sluice.imports where shape not like '%more%'")).rows).toEqual([["j"]]);
  // Another process has looked at it, too, and was faster.
  const meanwhile: Pick<Target, "query"> = {
    query: async (sql, parameters) => {
      if (sql.startsWith("update")) await target.query("update sluice.imports set shape = 'of the other'");
      return await target.query(sql, parameters);
    },
  };
  await expectSameTable(meanwhile, { id: "j" });
  expect((await target.query("select distinct shape from sluice.imports")).rows).toEqual([["of the other"]]);
});

test("no rows that are seen say nothing if a view or a policy may hide them", async () => {
  await using database = await databases.find(({ name }) => name === "PGlite")!.open();
  const { target } = database;
  const holds = async (table: string, role: string): Promise<boolean> => {
    await target.query(`set role ${role}`);
    const found = await holdsRows(target, table);
    await target.query("reset role");
    return found;
  };
  await target.query(
    "create table held (a integer); create view hidden as select a from held where false; create role reader; grant usage on schema public to reader; grant select on held to reader",
  );
  expect([await holds("held", "none"), await holds("hidden", "none"), await holds("held", "reader")]).toEqual([
    false,
    true,
    false,
  ]);
  await target.query("alter table held enable row level security");
  expect([await holds("held", "none"), await holds("held", "reader")]).toEqual([false, true]);
});

test("a table that a crash empties must hold its rows, also if only a partition of it is one", async () => {
  await using database = await databases.find(({ name }) => name === "PGlite")!.open();
  const { target } = database;
  await target.query(
    `create table logged (a integer); create unlogged table alone (a integer);
     create table parted (a integer) partition by range (a);
     create unlogged table part partition of parted for values from (0) to (9)`,
  );
  const look = (table: string): Promise<unknown> =>
    expectUnloggedRows(target, table, { inserted: 2, updated: 0 }).catch((error: unknown) => error);
  const emptied = { code: "table_gone", message: expect.stringContaining("It is UNLOGGED") as string };
  expect(await look("logged")).toBeUndefined();
  expect([await look("alone"), await look("parted")]).toMatchObject([emptied, emptied]);
  await target.query("insert into parted values (1), (2)");
  expect(await look("parted")).toBeUndefined();
});
