// What a database takes in one way and not in another: rows behind row-level security, views, and texts outside its encoding.
import { background } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { METHODS, runImport } from "./import.ts";
import type { Reject } from "./reject.ts";
import { openTarget } from "./targets/open.ts";
import { databases, newDatabase, newFolder, newName, server } from "./test/database.ts";

describe.skipIf(server === undefined)("a database in LATIN1", () => {
  test.each([...METHODS.map((method) => ({ method, atomic: false })), { method: "copy", atomic: true } as const])(
    "a character that it does not have costs one row: $method, atomic: $atomic",
    async (way) => {
      await using folder = newFolder();
      await using database = await newDatabase("encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'");
      await using target = await openTarget({ to: database.dsn, connections: 2 });
      await database.query("create table t (k integer, v text, w varchar(3))");
      const file = join(folder.path, "words.csv");
      await writeFile(file, 'k,v,w\n1,Größe,\n2,日本,ö\n3,"\\u65e5 𝄞 ""x""",\n4,,ende\n5,é,\n');
      const rejects: Reject[] = [];
      const result = await runImport(background(), {
        ...way,
        file,
        target,
        table: "t",
        onRejects: (list) => void rejects.push(...list),
      });
      expect(result).toMatchObject({ total: 5, inserted: 2, rejected: 3 });
      expect(result.reasons).toEqual({ too_long: 1, untranslatable_character: 2 });
      expect(rejects.map(({ row, code, cells }) => ({ row, code, cells }))).toEqual([
        { row: 3, code: "untranslatable_character", cells: ["2", "日本", "ö"] },
        { row: 4, code: "untranslatable_character", cells: ["3", '\\u65e5 𝄞 "x"'] },
        { row: 5, code: "too_long", cells: ["4", null, "ende"] },
      ]);
      expect(await database.query("select v from t order by k")).toEqual([["Größe"], ["é"]]);
    },
  );
});

describe.skipIf(server === undefined)("row-level security that binds the user", () => {
  test.each(METHODS)("takes the rows that its policies allow, and each other row is a reject: %s", async (method) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const role = newName("role");
    await database.query(
      `create role ${role} login; grant create on database ${new URL(database.dsn).pathname.slice(1)} to ${role}`,
    );
    try {
      await database.query(
        `create table t (k integer, v text); alter table t enable row level security; grant select, insert on t to ${role};
         create policy mine on t to ${role} using (true) with check (v = 'mine')`,
      );
      const url = new URL(database.dsn);
      url.username = role;
      await using target = await openTarget({ to: url.href, connections: 2 });
      const file = join(folder.path, "rows.csv");
      await writeFile(file, "k,v\n1,mine\n2,yours\n3,mine\n");
      const result = await runImport(background(), { file, target, table: "t", method });
      expect(result).toMatchObject({ inserted: 2, rejected: 1, reasons: { insufficient_privilege: 1 } });
      expect(result.rejects).toMatchObject([
        { row: 3, reason: expect.stringContaining("row-level security policy") as string },
      ]);
      expect(result.method).toBe(method === "copy" ? "batch" : method);
      expect(result.notes.filter((note) => note.startsWith("COPY cannot"))).toHaveLength(method === "copy" ? 1 : 0);
      expect(await database.query("select k from t order by k")).toEqual([["1"], ["3"]]);
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  test("rows that its policies hide from whoever put them in are in all the same, so they do not go in again", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const role = newName("role");
    await database.query(
      `create role ${role} login; grant create on database ${new URL(database.dsn).pathname.slice(1)} to ${role}`,
    );
    try {
      await database.query(
        `create table t (k integer); alter table t enable row level security; grant select, insert on t to ${role};
         create policy anything on t for insert to ${role} with check (true);
         create table u (k integer); create view v as select k from u where k > 100; grant select, insert on v to ${role}`,
      );
      const url = new URL(database.dsn);
      url.username = role;
      await using target = await openTarget({ to: url.href, connections: 2 });
      const file = join(folder.path, "rows.csv");
      await writeFile(file, "k\n1\n2\n");
      for (const table of ["t", "v"]) {
        expect(await runImport(background(), { file, target, table })).toMatchObject({ inserted: 2 });
        await expect(runImport(background(), { file, target, table })).rejects.toMatchObject({
          code: "imported_already",
        });
      }
      expect(await database.query("select (select count(*) from t)::text, (select count(*) from u)::text")).toEqual([["2", "2"]]); // prettier-ignore
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  test("a table that a user may not write to is no row's fault", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const role = newName("role");
    await database.query(
      `create role ${role} login; grant create on database ${new URL(database.dsn).pathname.slice(1)} to ${role}`,
    );
    try {
      await database.query("create table t (k integer)");
      const url = new URL(database.dsn);
      url.username = role;
      await using target = await openTarget({ to: url.href, connections: 2 });
      const file = join(folder.path, "rows.csv");
      await writeFile(file, "k\n1\n");
      await expect(runImport(background(), { file, target, table: "t", method: "batch" })).rejects.toMatchObject({
        code: "42501",
      });
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});

describe.each(databases)("$name", ({ open }) => {
  test("a view takes rows: by batch where COPY cannot, by COPY where a trigger says what becomes of them", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(`
      create table t (k integer, v text);
      create view plain as select k, v from t;
      create view joined as select a.k, b.v from t a join t b on a.k = b.k;
      create function put() returns trigger language plpgsql as $$ begin insert into t values (new.k, new.v); return new; end $$;
      create trigger put instead of insert on joined for each row execute function put()`);
    const file = join(folder.path, "rows.csv");
    await writeFile(file, "k,v\n1,a\n2,b\n");
    const plain = await runImport(background(), { file, target, table: "plain" });
    expect(plain).toMatchObject({ method: "batch", inserted: 2 });
    expect(plain.notes).toContain("COPY cannot put rows into a view, so they go in by the method batch");
    const joined = await runImport(background(), { file, target, table: "joined" });
    expect(joined).toMatchObject({ method: "copy", inserted: 2 });
    expect((await target.query("select count(*)::text from t")).rows).toEqual([["4"]]);
  });

  test("an import of which nothing is in goes on by the method that is given now", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(`
      create table t (k integer);
      create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '0A000', message = 'not now'; end $$;
      create trigger refuse before insert on t for each row execute function refuse()`);
    const file = join(folder.path, "rows.csv");
    await writeFile(file, "k\n1\n2\n");
    await expect(runImport(background(), { file, target, table: "t" })).rejects.toMatchObject({ code: "0A000" });
    await target.query("drop trigger refuse on t");
    const result = await runImport(background(), { file, target, table: "t", method: "sequential" });
    expect(result).toMatchObject({ method: "sequential", inserted: 2 });
    const { rows } = await target.query("select id, method, state from sluice.imports");
    expect(rows).toEqual([[result.id, "sequential", "finished"]]);
  });

  test("an import of which nothing is in is no news for one with other options", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(`
      create table t (k integer primary key);
      create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '0A000', message = 'not now'; end $$;
      create trigger refuse before insert on t for each row execute function refuse()`);
    const file = join(folder.path, "rows.csv");
    await writeFile(file, "k\n1\n2\n");
    await expect(runImport(background(), { file, target, table: "t" })).rejects.toMatchObject({ code: "0A000" });
    await target.query("drop trigger refuse on t");
    const result = await runImport(background(), { file, target, table: "t", onConflict: "skip" });
    expect(result.notes).toEqual([]);
  });
});
