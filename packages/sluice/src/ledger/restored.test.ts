// A ledger of which parts are others than an import left them: restored from a dump, or with a row
// less.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import type { ImportOptions } from "../options.ts";
import type { Target } from "../target.ts";
import { databases, newFolder } from "../test/database.ts";
import { deleteImport, listImports } from "./history.ts";
import { LEDGER_DDL } from "./schema.ts";
import { writtenSql } from "./written.ts";

const ROWS = 100;
const TABLE = "create table t (k integer, v numeric(12,2), mood text, check (k <> 55))";

async function example(folder: string): Promise<string> {
  const file = join(folder, "t.csv");
  const rows = Array.from({ length: ROWS }, (_, n) => `${n},${n}.25,calm`);
  await writeFile(file, ["k,v,mood", ...rows].join("\n"));
  return file;
}

/**
 * What a dump that is restored makes of a database: each table is made anew, in the order of the
 * names.
 */
async function dumpedAndRestored(target: Target, tables: readonly string[]): Promise<void> {
  await target.query("create schema restored");
  const ledger = ["chunks", "imports", "leases", "ledger", "made", "rejects"].map((name) => ["sluice", name] as const);
  for (const [schema, name] of [...tables.map((table) => ["public", table] as const), ...ledger]) {
    const into = schema === "public" ? "public.restored" : `restored.${name}`;
    await target.query(`create table ${into} (like ${schema}.${name} including all);
      insert into ${into} select * from ${schema}.${name}; drop table ${schema}.${name}`);
    if (schema === "public") await target.query(`alter table restored rename to ${name}`);
  }
  await target.query(`drop schema sluice cascade; alter schema restored rename to sluice; ${LEDGER_DDL}`);
}

describe.each(databases)("on $name", ({ open }) => {
  async function withTable(use: (target: Target, options: ImportOptions) => Promise<void>): Promise<void> {
    await using folder = newFolder();
    await using database = await open();
    await database.target.query(TABLE);
    const file = await example(folder.path);
    await use(database.target, { file, target: database.target, table: "t", workers: 1, chunkRows: 10 });
  }

  async function interrupted(target: Target, options: ImportOptions): Promise<string> {
    await expect(runImport(background(), { ...options, maxErrors: 0 })).rejects.toMatchObject({ code: "too_many_errors" });
    expect(await counted(target)).not.toEqual(["0", "0"]);
    return (await listImports(target))[0]!.id;
  }

  async function counted(target: Target): Promise<readonly (string | null)[]> {
    return (await target.query("select count(*)::text, count(distinct k)::text from t")).rows[0]!;
  }

  test("a finished import is known in a database that a dump was restored into", async () => {
    await withTable(async (target, options) => {
      const { id } = await runImport(background(), options);
      await dumpedAndRestored(target, ["t"]);
      const { notes } = await runImport(background(), { ...options, dryRun: true });
      expect(notes).toContainEqual(expect.stringContaining(`this file was imported already`) as string);
      await expect(runImport(background(), options)).rejects.toMatchObject({
        code: "imported_already",
        message: expect.stringContaining(id) as string,
      });
      expect(await counted(target)).toEqual([String(ROWS - 1), String(ROWS - 1)]);
    });
  });

  test("an unfinished import goes on in a database that a dump was restored into, also into a table of which a column was dropped", async () => {
    await withTable(async (target, options) => {
      await target.query("alter table t add column gone text; alter table t drop column gone; alter table t add column more text");
      const id = await interrupted(target, options);
      await dumpedAndRestored(target, ["t"]);
      expect(await runImport(background(), options)).toMatchObject({ id, inserted: ROWS - 1, rejected: 1 });
      expect(await counted(target)).toEqual([String(ROWS - 1), String(ROWS - 1)]);
    });
  });

  test("a dump that gives the ledger the same OIDs in another cluster is known by the cluster", async () => {
    await withTable(async (target, options) => {
      const { id } = await runImport(background(), options);
      const place = async (): Promise<string> => (await target.query("select place from sluice.ledger")).rows[0]![0]!;
      const here = await place();
      expect(here).toMatch(/^[\d ]+ @\d+$/);
      // There, the OID that the table had is that of another one.
      await target.query(
        `create table other (k integer); insert into other values (1);
         update sluice.imports set table_oid = 'other'::regclass::oid; update sluice.ledger set place = split_part(place, '@', 1) || '@1'`,
      );
      await expect(runImport(background(), options)).rejects.toMatchObject({
        code: "imported_already",
        message: expect.stringContaining(id) as string,
      });
      expect(await place()).toBe(here);
      // An earlier program did not note the cluster.
      await target.query("update sluice.ledger set place = split_part(place, ' @', 1)");
      await expect(runImport(background(), options)).rejects.toMatchObject({ code: "imported_already" });
      expect(await place()).toBe(here);
      expect(await counted(target)).toEqual([String(ROWS - 1), String(ROWS - 1)]);
    });
  });

  test("a publication of all tables lets imports go in and be deleted", async () => {
    await withTable(async (target, options) => {
      await target.query("create publication everything for all tables");
      try {
        const { id } = await runImport(background(), options);
        await target.query(writtenSql(id));
        await deleteImport(target, id);
        expect(await listImports(target)).toEqual([]);
      } finally {
        await target.query("drop publication everything");
      }
    });
  });

  test("an index that somebody adds to the ledger makes nobody take it for restored", async () => {
    await withTable(async (target, options) => {
      const id = await interrupted(target, options);
      await target.query("create index on sluice.chunks (committed_at)");
      await target.query(`drop table t; ${TABLE}`);
      const { notes, inserted } = await runImport(background(), options);
      expect(notes).toContainEqual(expect.stringMatching(`import ${id} .*the table "t" that it went into is gone`) as string);
      expect(inserted).toBe(ROWS - 1);
    });
  });

  test("a column that was altered after the dump is refused", async () => {
    await withTable(async (target, options) => {
      await interrupted(target, options);
      await dumpedAndRestored(target, ["t"]);
      await target.query("alter table t alter column v type numeric(12,0)");
      await expect(runImport(background(), options)).rejects.toMatchObject({
        code: "table_changed",
        message: expect.stringContaining('the column "v" was numeric(12,2) and is numeric(12,0) now') as string,
      });
    });
  });

  test("rows that the dump left out are missed", async () => {
    await withTable(async (target, options) => {
      await interrupted(target, options);
      await target.query("delete from t where k >= 5");
      await dumpedAndRestored(target, ["t"]);
      await expect(runImport(background(), options)).rejects.toMatchObject({ code: "table_changed" });
    });
  });

  test("a table that was made again after an import of its rows is another one, without a dump", async () => {
    await withTable(async (target, options) => {
      await runImport(background(), options);
      await target.query(`drop table t; ${TABLE}`);
      expect(await runImport(background(), options)).toMatchObject({ inserted: ROWS - 1 });
    });
  });

  test("an import whose lease is lost goes on, and can be shown and cancelled", async () => {
    await withTable(async (target, options) => {
      const id = await interrupted(target, options);
      await target.query("delete from sluice.leases");
      expect((await listImports(target)).map((one) => one.id)).toEqual([id]);
      expect(await runImport(background(), options)).toMatchObject({ id, inserted: ROWS - 1, rejected: 1 });
      expect(await counted(target)).toEqual([String(ROWS - 1), String(ROWS - 1)]);
      await target.query("delete from sluice.leases");
      await expect(runImport(background(), options)).rejects.toMatchObject({ code: "imported_already" });
    });
  });

  test("a table's description that is none is told", async () => {
    await withTable(async (target, options) => {
      await interrupted(target, options);
      await target.query("update sluice.imports set shape = '[1'");
      await expect(runImport(background(), options)).rejects.toMatchObject({ code: "bad_ledger" });
    });
  });
}); // prettier-ignore
