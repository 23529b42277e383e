// What a database takes in one way and not in another: rows behind row-level security, views, and
// texts outside its encoding.
import { background } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import type { Reject } from "../reject.ts";
import { openTarget } from "../database/open.ts";
import { databases, newDatabase, newFolder, newName, server } from "./database.ts";
import { METHODS, ON_CONFLICT } from "../options.ts";

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

test.skipIf(server === undefined).each(METHODS)(
  "a value that a type with a grammar of its own does not take costs one row: %s",
  async (method) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    await database.query("create table t (k integer, r regclass, q tsquery, j jsonb)");
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    const file = join(folder.path, "values.csv");
    await writeFile(file, `k,r,q,j\n1,t,a & b,1\n2,nowhere,a,1\n3,t,a & & b,1\n4,t,a,${deep}\n5,t,b,[]\n`);
    const result = await runImport(background(), { file, target, table: "t", method });
    expect(result).toMatchObject({ total: 5, inserted: 2, rejected: 3 });
    expect(result.rejects.map(({ row, code }) => [row, code])).toEqual([
      [3, "sqlstate_42P01"],
      [4, "sqlstate_42601"],
      [5, "sqlstate_54001"],
    ]);
    expect(await database.query("select k from t order by k")).toEqual([["1"], ["5"]]);
  },
);

test.skipIf(server === undefined).each(METHODS)("settings of a role change no value: %s", async (method) => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const role = newName("role");
  const name = new URL(database.dsn).pathname.slice(1);
  await database.query(
    `create role ${role} login; grant create on database ${name} to ${role};
     alter role ${role} set intervalstyle to 'sql_standard'; alter role ${role} set array_nulls to off`,
  );
  try {
    await database.query(`create table t (v interval, a text[]); grant select, insert on t to ${role}`);
    const url = new URL(database.dsn);
    url.username = role;
    await using target = await openTarget({ to: url.href, connections: 2 });
    const file = join(folder.path, "rows.csv");
    await writeFile(file, 'v,a\n-1 day 02:00:00,"{a,NULL}"\n');
    expect(await runImport(background(), { file, target, table: "t", method })).toMatchObject({ inserted: 1 });
    expect(await database.query("select extract(epoch from v)::text, (a[2] is null)::text from t")).toEqual([
      ["-79200.000000", "true"],
    ]);
  } finally {
    await database.query(`drop owned by ${role}; drop role ${role}`);
  }
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

  test("if it is switched on during an import by COPY, the message says how to go on", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const role = newName("role");
    await database.query(
      `create role ${role} login; grant create on database ${new URL(database.dsn).pathname.slice(1)} to ${role}`,
    );
    try {
      await database.query(`create table t (k integer); grant select, insert on t to ${role}`);
      const url = new URL(database.dsn);
      url.username = role;
      await using target = await openTarget({ to: url.href, connections: 2 });
      const file = join(folder.path, "rows.csv");
      await writeFile(file, `k\nten\n${Array.from({ length: 500 }, (_, n) => `${n}\n`).join("")}`);
      const options = { file, target, table: "t", workers: 1, chunkRows: 1 };
      await expect(runImport(background(), { ...options, maxErrors: 0 })).rejects.toMatchObject({
        code: "too_many_errors",
      });
      await database.query(`alter table t enable row level security; create policy p on t to ${role} using (true)`);
      await expect(runImport(background(), options)).rejects.toMatchObject({
        message: expect.stringMatching(
          /Row-level security of the table holds for this user now, .*alter table … disable row level security/,
        ) as string,
      });
      await database.query("alter table t disable row level security");
      expect(await runImport(background(), options)).toMatchObject({ inserted: 500, rejected: 1 });
      expect(await database.query("select count(*), count(distinct k) from t")).toEqual([["500", "500"]]);
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

  test.each(ON_CONFLICT.flatMap((onConflict) => METHODS.map((method) => ({ onConflict, method }))))(
    "rows that break a policy are told from a lack of rights, however many they are: $method, $onConflict",
    async ({ onConflict, method }) => {
      await using folder = newFolder();
      await using database = await newDatabase();
      const role = newName("role");
      await database.query(
        `create role ${role} login; grant create on database ${new URL(database.dsn).pathname.slice(1)} to ${role}`,
      );
      try {
        await database.query(
          `create sequence numbers;
           create table t (k integer primary key, v text);
           alter table t enable row level security; grant all on t to ${role};
           create policy mine on t to ${role} using (k % 3 <> 0) with check (k % 3 <> 0);
           insert into t values (1, 'old'), (2, 'old');
           create table u (k integer primary key, v text, n integer default nextval('numbers'),
             check (k % 3 <> 0)); grant all on u to ${role}`,
        );
        const url = new URL(database.dsn);
        url.username = role;
        await using target = await openTarget({ to: url.href, connections: 2 });
        const file = join(folder.path, "rows.csv");
        const text = Array.from({ length: 60 }, (_, n) => `${n},new\n`);
        await writeFile(file, `k,v\n${text.join("")}${text.slice(0, 30).join("")}`);
        const options = { file, target, method, onConflict, ...(onConflict === "error" ? {} : { key: ["k"] }) };
        const { inserted, updated, skipped, rejected, reasons } = await runImport(background(), {
          ...options,
          table: "t",
        });
        const repeated = 20 + 2;
        const kept = { error: [0, 0], skip: [0, repeated], update: [repeated, 0] }[onConflict] as [number, number];
        expect({ inserted, updated, skipped }).toEqual({ inserted: 38, updated: kept[0], skipped: kept[1] });
        expect(rejected).toBe(onConflict === "error" ? 30 + repeated : 30);
        expect(reasons["insufficient_privilege"]).toBe(30);
        expect(await database.query("select count(*), count(*) filter (where v = 'old') from t")).toEqual([
          ["40", onConflict === "update" ? "0" : "2"],
        ]);
        // The sequence of a default is not the row's: nothing goes in.
        await expect(runImport(background(), { ...options, table: "u" })).rejects.toMatchObject({ code: "42501" });
        expect(await database.query("select count(*) from u")).toEqual([["0"]]);
      } finally {
        await database.query(`drop owned by ${role}; drop role ${role}`);
      }
    },
  );

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
      create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '57000', message = 'not now'; end $$;
      create trigger refuse before insert on t for each row execute function refuse()`);
    const file = join(folder.path, "rows.csv");
    await writeFile(file, "k\n1\n2\n");
    await expect(runImport(background(), { file, target, table: "t" })).rejects.toMatchObject({ code: "57000" });
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
      create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '57000', message = 'not now'; end $$;
      create trigger refuse before insert on t for each row execute function refuse()`);
    const file = join(folder.path, "rows.csv");
    await writeFile(file, "k\n1\n2\n");
    await expect(runImport(background(), { file, target, table: "t" })).rejects.toMatchObject({ code: "57000" });
    await target.query("drop trigger refuse on t");
    const result = await runImport(background(), { file, target, table: "t", onConflict: "skip" });
    expect(result.notes).toEqual([]);
  });
});

describe.each(databases)("many refusals on $name", ({ open, name }) => {
  test("leave the same rows and rejects by each method, whatever refuses them", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const kinds = ["", "key", "check", "parent", "null", "boom", "skip", "late", "other"];
    const lines = Array.from({ length: 180 }, (_, n) => {
      const kind = n < 4 ? "" : kinds[(n * 7) % kinds.length]!;
      const id = kind === "key" ? n % 4 : n + 1000;
      const word = kind === "null" ? "" : ["boom", "skip", "late"].includes(kind) ? kind : "word";
      return [
        n < 4 ? n : id,
        kind === "parent" ? 99 : 1,
        kind === "check" ? -1 : 1,
        kind === "other" ? "u1" : `u${n}`,
        word,
      ];
    });
    const file = join(folder.path, "rows.csv");
    await writeFile(file, ["id,p,n,u,w", ...lines.map((line) => line.join(","))].join("\n"));
    const outcomes: unknown[] = [];
    for (const method of name === "PGlite" ? (["sequential", "copy", "batch"] as const) : METHODS) {
      await target.query(
        `drop table if exists t, parent; create table parent (id int primary key); insert into parent values (1);
         create table t (id int primary key, p int references parent, n int check (n > 0), u text unique, w text not null,
           l int unique deferrable initially deferred);
         create or replace function f() returns trigger language plpgsql as $$ begin
           if new.w = 'boom' then raise exception 'no % here', new.id; end if;
           if new.w = 'late' then new.l := 1; end if;
           if new.w = 'skip' then return null; end if; return new; end $$;
         create trigger f before insert on t for each row execute function f()`,
      );
      const rejects: Reject[] = [];
      const result = await runImport(background(), {
        file,
        target,
        table: "t",
        method,
        batchSize: 60,
        again: true,
        onRejects: (list) => void rejects.push(...list),
      });
      const { inserted, skipped, rejected, reasons } = result;
      const rows = (await target.query("select * from t order by id")).rows;
      const told = rejects.map(({ row, column, value, code, reason, cells }) => ({ row, column, value, code, reason, cells })); // prettier-ignore
      outcomes.push({ inserted, skipped, rejected, reasons, rows, told });
    }
    expect(outcomes[0]).toMatchObject({
      reasons: {
        check_violation: 20,
        foreign_key_violation: 19,
        missing_value: 20,
        raise_exception: 19,
        unique_violation: 58,
      },
    });
    for (const outcome of outcomes.slice(1)) expect(outcome).toEqual(outcomes[0]);
  });
});
