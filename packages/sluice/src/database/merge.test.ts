// Updates of rows that are there by sheets that bring part of what a row needs: part of the
// columns, a key that the database fills, cells that are empty.
import { background, withCancel } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { METHODS, type ImportOptions, type ImportResult } from "../options.ts";
import { runImport } from "../import.ts";
import type { Target } from "../target.ts";
import { databases, newFolder } from "../test/database.ts";

async function imported(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  const result = await runImport(background(), {
    target, file, table: "t", resume: "never", chunkRows: 3, batchSize: 2, onConflict: "update", ...options,
  }); // prettier-ignore
  expect(result.total).toBe(result.inserted + result.updated + result.skipped + result.rejected);
  return result;
}

async function csv(folder: { readonly path: string }, text: string): Promise<string> {
  const file = join(folder.path, "t.csv");
  await writeFile(file, text);
  return file;
}

const PRODUCTS = `drop table if exists t;
  create table t (sku text primary key, name text not null, price numeric, stock integer not null default 5);
  insert into t values ('a', 'Axe', 1, 10), ('b', 'Bit', 2, 20)`;

const all = async (target: Target): Promise<unknown> => (await target.query("select * from t order by 1")).rows;

describe.each(databases)("on $name", ({ open }) => {
  test.each(METHODS)(
    "%s: part of the columns updates the rows that are there; the others are rejected with the reason",
    async (method) => {
      await using folder = newFolder();
      await using database = await open();
      const { target } = database;
      const file = await csv(folder, "sku,price\na,9.5\nz,3\nb,7\na,8.25\n,4\n");
      for (const atomic of [false, true]) {
        await target.query(PRODUCTS);
        const result = await imported(target, file, { method, atomic });
        expect(result).toMatchObject({
          inserted: 0,
          updated: 3,
          rejected: 2,
          reasons: { no_such_row: 1, missing_value: 1 },
        });
        expect(result.rejects.map(({ row, column, value, reason }) => [row, column, value, reason])).toEqual([
          [
            3,
            "sku",
            "z",
            'no row of the table has sku = z, and none can be added: the sheet has no column for "name", which must have a value',
          ],
          [6, "sku", undefined, "the cell is empty, and the column must have a value"],
        ]);
        expect(result.notes.join("\n")).toContain(
          'rows are updated and none is added, because the sheet has no column for "name"',
        );
        expect(await all(target)).toEqual([
          ["a", "Axe", "8.25", "10"],
          ["b", "Bit", "7", "20"],
        ]);
      }
    },
  );

  test.each(METHODS)("%s: keys that come again in a chunk are inserted once, and then updated", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await csv(folder, "sku,name,price\nx,X,1\ny,Y,2\nx,Z,3\na,A,4\nw,W,5\na,B,6\n");
    await target.query(PRODUCTS);
    const result = await imported(target, file, { method });
    expect(result).toMatchObject({ inserted: 3, updated: 3, skipped: 0, rejected: 0 });
    expect(await all(target)).toEqual([
      ["a", "B", "6", "10"],
      ["b", "Bit", "2", "20"],
      ["w", "W", "5", "5"],
      ["x", "Z", "3", "5"],
      ["y", "Y", "2", "5"],
    ]);
  });

  test.each(METHODS)("%s: a key that the database fills itself is a key all the same", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await csv(folder, "id,name\n1,Ada\n9,Eve\n2,Bob\n");
    for (const id of [
      "integer generated always as identity primary key",
      "integer generated always as (n) stored primary key",
    ]) {
      await target.query(
        `drop table if exists t; create table t (id ${id}, n integer, name text); insert into t (n, name) values (1, 'a'), (2, 'b')`,
      );
      const result = await imported(target, file, { method });
      expect(result).toMatchObject({ inserted: 0, updated: 2, rejected: 1, reasons: { no_such_row: 1 } });
      expect(result.rejects[0]!.reason).toContain('the database fills "id" itself');
      expect((await target.query("select id, name from t order by 1")).rows).toEqual([
        ["1", "Ada"],
        ["2", "Bob"],
      ]);
    }
  });

  test.each(METHODS)(
    "%s: an empty cell is NULL, the default of its column, or nothing that is said",
    async (method) => {
      await using folder = newFolder();
      await using database = await open();
      const { target } = database;
      const file = await csv(folder, "sku,name,price,stock\na,,,\nb,Bow,,7\nc,Cap,3,\nd,,4,1\nb,,5,\n");
      const given = async (empty: "null" | "default" | "keep"): Promise<unknown> => {
        await target.query(PRODUCTS);
        const { inserted, updated, rejected, reasons } = await imported(target, file, { method, empty });
        return { inserted, updated, rejected, reasons, rows: await all(target) };
      };
      // `name` must have a value and has no default; `price` has neither.
      expect(await given("null")).toEqual({
      inserted: 0, updated: 1, rejected: 4, reasons: { missing_value: 4 },
      rows: [["a", "Axe", "1", "10"], ["b", "Bow", null, "7"]],
    }); // prettier-ignore
      expect(await given("default")).toEqual({
      inserted: 1, updated: 1, rejected: 3, reasons: { missing_value: 3 },
      rows: [["a", "Axe", "1", "10"], ["b", "Bow", null, "7"], ["c", "Cap", "3", "5"]],
    }); // prettier-ignore
      expect(await given("keep")).toEqual({
      inserted: 1, updated: 3, rejected: 1, reasons: { not_null_violation: 1 },
      rows: [["a", "Axe", "1", "10"], ["b", "Bow", "5", "7"], ["c", "Cap", "3", "5"]],
    }); // prettier-ignore
    },
  );

  test.each(METHODS)(
    "%s: --empty default without a key: an expression, a sequence and a domain give their values",
    async (method) => {
      await using folder = newFolder();
      await using database = await open();
      const { target } = database;
      await target.query(
        `drop table if exists t; drop domain if exists level; create domain level as integer default 3;
       create table t (id serial, code varchar(3) default 'new', state text not null default upper('open'), l level, note text)`,
      );
      const file = await csv(folder, "id,code,state,l,note\n1,abc,shut,8,x\n,,,,y\n5,abcd,,,\n,,,,z\n");
      const result = await imported(target, file, { method, onConflict: "error", empty: "default" });
      expect(result).toMatchObject({ inserted: 3, rejected: 1, reasons: { too_long: 1 } });
      const { rows } = await target.query(
        "select code, state, l::text, note, (id is not null)::text from t order by note",
      );
      expect(rows).toEqual([
        ["abc", "shut", "8", "x", "true"],
        ["new", "OPEN", "3", "y", "true"],
        ["new", "OPEN", "3", "z", "true"],
      ]);
    },
  );

  test("a trigger that leaves rows out, soft deletes and a second unique index count as row after row would", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await csv(folder, "sku,mail\na,x@y\nb,a@y\nc,c@y\nd,d@y\n");
    for (const method of METHODS) {
      await target.query(
        `drop table if exists t; create table t (sku text, mail text unique, name text not null, deleted_at timestamptz);
         create unique index on t (sku) where deleted_at is null;
         insert into t values ('a', 'a@y', 'A', null), ('b', 'b@y', 'B', null), ('c', 'old', 'C', now()), ('d', 'dd', 'D', null);
         create or replace function no_d() returns trigger language plpgsql as $$ begin if new.sku = 'd' then return null; end if; return new; end $$;
         create trigger no_d before update on t for each row execute function no_d()`,
      );
      const result = await imported(target, file, { method, key: ["sku"] });
      expect(result, `by ${method}`).toMatchObject({
        updated: 2,
        skipped: 1,
        rejected: 1,
        reasons: { no_such_row: 1 },
      });
      const { rows } = await target.query("select sku, mail from t order by 1");
      expect(rows, `by ${method}`).toEqual([
        ["a", "x@y"],
        ["b", "a@y"],
        ["c", "old"],
        ["d", "dd"],
      ]);
    }
  });

  test("an import that was interrupted goes on as it began, and another meaning of empty cells is another import", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      "create table t (id integer primary key, a text not null, b text default 'x'); insert into t select g, 'old', 'y' from generate_series(1, 200) g",
    );
    const file = await csv(
      folder,
      `id,b\n${Array.from({ length: 200 }, (_, n) => `${n + 1},${n % 2 ? "" : `b${n}`}\n`).join("")}`,
    );
    const [ctx, cancel] = withCancel(background());
    const options = { target, file, table: "t", onConflict: "update", empty: "keep", chunkRows: 20 } as const;
    let commits = 0;
    const first = await runImport(ctx, { ...options, onProgress: () => void (++commits === 2 && cancel()) });
    expect(first.interrupted).toBe(true);
    await expect(runImport(background(), { ...options, empty: "default" })).rejects.toMatchObject({
      code: "unfinished_import",
    });
    const result = await runImport(background(), options);
    expect(result).toMatchObject({ id: first.id, updated: 200, inserted: 0 });
    expect((await target.query("select count(*)::text from t where b = 'y'")).rows).toEqual([["100"]]);
  });

  test("what cannot be meant gets a message whose advice works", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(PRODUCTS);
    const file = await csv(folder, "sku,price\na,9.5\n");
    await expect(imported(target, file, { onConflict: "error" })).rejects.toMatchObject({
      code: "missing_header",
      message: expect.stringContaining(
        "To update the rows that are there instead: --on-conflict update --key sku.",
      ) as string,
    });
    expect(await imported(target, file, { key: ["sku"] })).toMatchObject({ updated: 1 });
    await expect(imported(target, file, { onConflict: "skip", empty: "keep" })).rejects.toMatchObject({
      code: "empty_keep",
      exitCode: 2,
    });
    await expect(imported(target, await csv(folder, "sku\na\n"))).rejects.toMatchObject({ code: "no_columns" });
    await target.query("drop table t; create table t (id integer generated always as identity primary key, name text)");
    const ids = await csv(folder, "id,name\n1,Ada\n");
    await expect(imported(target, ids, { onConflict: "error" })).rejects.toMatchObject({
      code: "generated_column",
      message: expect.stringMatching(
        /Leave it out with --map "id=". Or write over the rows that have these values: --on-conflict update --key id\.$/,
      ) as string,
    });
    expect(await imported(target, ids, { onConflict: "error", map: new Map([["id", ""]]) })).toMatchObject({
      inserted: 1,
    });
    expect(await imported(target, ids, { key: ["id"] })).toMatchObject({ updated: 1 });
  });
});
