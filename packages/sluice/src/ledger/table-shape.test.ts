// What is said of a table to which an import's name for it does not lead any more.
import { expect, test } from "vitest";
import type { Target } from "../target.ts";
import { databases } from "../test/database.ts";
import { LEDGER_DDL } from "./schema.ts";
import { expectSameTable } from "./table-shape.ts";

const VISITOR = `create role visitor; grant usage on schema sluice to visitor;
  grant select on all tables in schema sluice to visitor`;

/** An import into attic.t, which it calls t, and which had this full name then. */
async function planned(target: Target, fullName: string, shape = `'[1, "r", "1", []]'`): Promise<void> {
  await target.query(
    `delete from sluice.imports;
     insert into sluice.imports (id, content_hash, file, sheet, target_table, table_oid, relation, shape, full_name, method, plan, wish, schema_hash, state, epoch, indexes)
     values ('i', 'h', 'f', 's', 't', 'attic.t'::regclass, '"t"', ${shape}, '${fullName}', 'copy', '{}', '{}', 'h', 'running', 1, '[]')`,
  );
}

test("a schema is said to be closed only to who has no right to it, and only if the table was in it", async () => {
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

  await planned(target, "attic.t");
  expect(await look()).toMatchObject(called);
  expect(await lookAsVisitor()).toMatchObject({
    code: "42501",
    message: expect.stringContaining("may not look into the schema attic any more") as string,
  });
  await planned(target, "public.t");
  expect(await lookAsVisitor()).toMatchObject(called);
  // The first version of the ledger kept no shapes.
  await planned(target, "attic.t", "null");
  expect(await look()).toBeUndefined();
});
