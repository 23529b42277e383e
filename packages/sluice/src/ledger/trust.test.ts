// The ledger where others than the one who imports can write to it, or own it: real roles on a real
// server.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { takeBack } from "../run/take-back.ts";
import { table } from "../schema/schema.ts";
import { openTarget } from "../database/open.ts";
import { newDatabase, newFolder, newName, server, type TestDatabase } from "../test/database.ts";
import { run } from "../test/program.ts";
import type { Target } from "../target.ts";
import { cancelImport, deleteImport, importDetails, listImports, pruneImports } from "./history.ts";
import { ensureLedger, LEDGER_VERSION, GRANTS_HINT, LEDGER_DDL } from "./schema.ts";
import type { ImportOptions, ImportResult } from "../options.ts";

const people = table({
  name: "people",
  columns: { id: { type: "integer", notNull: true }, name: { notNull: true, default: "'nobody'" } },
  key: ["id"],
  indexes: ["name", { name: 'a"b', columns: ["name", "id"] }],
});

/** A database, a role that imports into it, and a superuser's target. */
interface Place {
  readonly database: TestDatabase;
  readonly role: string;
  readonly target: Target;
  readonly file: string;
  /** The address with which the role connects. */
  readonly dsn: string;
}

async function inPlace(use: (place: Place) => Promise<void>): Promise<void> {
  await using folder = newFolder();
  await using database = await newDatabase();
  const role = newName("role");
  await database.query(`create role ${role} login password '${role}'; grant create on schema public to ${role}`);
  try {
    const url = new URL(database.dsn);
    url.username = url.password = role;
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    const file = join(folder.path, "people.csv");
    await writeFile(file, "id,name\n1,Ada\n2,\n3,Cy\n");
    await use({ database, role, target, file, dsn: url.href });
  } finally {
    await database.query(`drop owned by ${role} cascade; drop role ${role}`);
  }
}

/** Begins an import and leaves it unfinished; returns its id. */
async function leftHalfWay({ target, file, database }: Place, more: Partial<ImportOptions> = {}): Promise<string> {
  const options = { file, target, schema: people, maxErrors: 0, ...more };
  await expect(runImport(background(), options)).rejects.toMatchObject({ code: "too_many_errors" });
  return (await database.query("select id from sluice.imports"))[0]![0]!;
}

function goOn({ target, file }: Place, more: Partial<ImportOptions> = {}): Promise<ImportResult> {
  return runImport(background(), { file, target, schema: people, ...more });
}

/** Lets a role import, as `init --print-sql` says. */
async function allow({ database, role }: Pick<Place, "database" | "role">): Promise<void> {
  await database.query(GRANTS_HINT.replaceAll("ROLE", role).replaceAll("-- grant", "grant"));
}

const PWNED = "create table pwned as select current_user";

describe.skipIf(server === undefined)("what a role that imports writes into the ledger", () => {
  /** Lets the role write as `init --print-sql` says, and has it do so. */
  async function planted({ database, role }: Place, sql: string): Promise<void> {
    await allow({ database, role });
    await database.query(`set session authorization ${role}; ${sql}; reset session authorization`);
  }

  async function nothingRan({ database }: Place): Promise<void> {
    expect(await database.query("select to_regclass('pwned')")).toEqual([[null]]);
  }

  test("as an index is shown, and never run: by a resume, by cancel", async () => {
    await inPlace(async (place) => {
      const { database, target } = place;
      const id = await leftHalfWay(place);
      const hostile = [
        PWNED,
        { name: "x", columns: ["name"], where: "pwn()" },
        { columns: ['name") ; create table pwned (a int); --'] },
      ];
      await planted(place, `update sluice.imports set indexes = '${JSON.stringify(hostile)}'`);
      const result = await goOn(place);
      expect(result).toMatchObject({ id, inserted: 2, rejected: 1 });
      expect(result.notes.filter((note) => note.startsWith("not built"))).toEqual([
        `not built, since an earlier version stored it as SQL: ${PWNED} (look at it, and run it by hand)`,
        expect.stringContaining("pwn()"),
        expect.stringContaining("does not exist"),
      ]);
      await nothingRan(place);

      await database.query("update sluice.imports set state = 'failed'");
      const stays = [PWNED, expect.stringContaining("pwn()"), expect.stringContaining("create table pwned")];
      expect(await cancelImport(target, id)).toMatchObject({ state: "cancelled", indexes: stays });
      await nothingRan(place);
    });
  });

  test("as the condition of a key is not used: the catalogue's is", async () => {
    await inPlace(async (place) => {
      const { database } = place;
      await database.query(
        "create table people (id integer, name text not null, deleted_at timestamptz); create unique index on people (id) where deleted_at is null",
      );
      const wish = { onConflict: "update", key: ["id"], schema: undefined, table: "people" } as const;
      const id = await leftHalfWay(place, wish as unknown as Partial<ImportOptions>);
      expect(await database.query("select plan::text from sluice.imports")).not.toEqual([
        [expect.stringContaining("deleted_at is null")],
      ]);
      await planted(
        place,
        `update sluice.imports set plan = jsonb_set(plan::jsonb, '{conflict,where}', to_jsonb('true) do nothing; ${PWNED}; --'::text))::json`,
      );
      expect(await goOn(place, wish as unknown as Partial<ImportOptions>)).toMatchObject({
        id,
        inserted: 2,
        rejected: 1,
      });
      await nothingRan(place);
    });
  });

  test.each([
    ["a step that is SQL", "{step}", '"1); create table pwned (a int); --"'],
    ["a negative step", "{step}", "-1"],
    ["another table", "{table}", '"sluice.leases"'],
    ["a method that there is not", "{method}", '"drop"'],
    ["a name that cannot be quoted", "{load,0,column,name}", '""'],
    ["no columns", "{load}", "[]"],
    ["rows that are deleted first", "{replace}", "true"],
  ])("as a plan is refused where it is not one: %s", async (_, path, value) => {
    await inPlace(async (place) => {
      await leftHalfWay(place);
      await planted(place, `update sluice.imports set plan = jsonb_set(plan::jsonb, '${path}', '${value}')::json`);
      await expect(goOn(place)).rejects.toMatchObject({
        code: "bad_ledger",
        message: expect.stringMatching(/is not what this program writes: .* sluice imports cancel/) as string,
      });
      await nothingRan(place);
    });
  });

  test("as the table is not believed, where somebody else's triggers would run", async () => {
    await inPlace(async (place) => {
      const { database, role } = place;
      const id = await leftHalfWay(place);
      await planted(
        place,
        `create table bait (id integer unique, name text);
         create function pwn() returns trigger language plpgsql as 'begin create table if not exists pwned (a int); return new; end';
         create trigger t before insert on bait for each row execute function pwn();
         update sluice.imports set target_table = 'bait', table_oid = 'bait'::regclass, plan = jsonb_set(plan::jsonb, '{table}', '"bait"')::json`,
      );
      await expect(goOn(place, { resume: id })).rejects.toMatchObject({
        code: "table_unconfirmed",
        message: expect.stringMatching(new RegExp(`belongs to the role "${role}".*--table "bait"`)) as string,
      });
      await nothingRan(place);
      await planted(
        place,
        `update sluice.imports set target_table = 'sluice.leases', plan = jsonb_set(plan::jsonb, '{table}', '"sluice.leases"')::json, table_oid = 'sluice.leases'::regclass`,
      );
      await expect(goOn(place, { resume: id })).rejects.toMatchObject({ code: "table_not_allowed" });
      expect(await database.query("select count(*) from sluice.leases")).toEqual([["1"]]);
    });
  });

  test("does not steer a terminal", async () => {
    await inPlace(async (place) => {
      const id = await leftHalfWay(place);
      await planted(
        place,
        `update sluice.leases set owner = E'process 1 \\033[2J'; update sluice.imports set message = E'\\033]0;x\\007', file = E'a\\033[2J.csv'`,
      );
      const { stdout } = await run(".", "imports", id, "--to", place.database.dsn);
      expect(stdout).toContain("a\\u001b[2J.csv");
      // oxlint-disable-next-line no-control-regex
      expect(stdout).not.toMatch(/[\u001B\u0007]/);
    });
  });
});

describe.skipIf(server === undefined)("an import that version 1 left unfinished", () => {
  test("is finished; its indexes are SQL, which is shown and not run", async () => {
    await inPlace(async (place) => {
      const { database, target } = place;
      const id = await leftHalfWay(place);
      const old = ['create index on "people" ("name")'];
      await database.query(`update sluice.ledger set version = 1; update sluice.imports set indexes = '${JSON.stringify(old)}',
        plan = jsonb_set(plan::jsonb, '{load,1,column,default}', '"now()"')::json`);
      const result = await goOn(place);
      expect(result).toMatchObject({ id, inserted: 2, rejected: 1 });
      expect(result.notes).toContain(
        `not built, since an earlier version stored it as SQL: ${old[0]} (look at it, and run it by hand)`,
      );
      expect(await database.query("select version from sluice.ledger")).toEqual([[String(LEDGER_VERSION)]]);
      expect((await importDetails(target, id)).indexes).toEqual(old);
      expect(await database.query("select count(*) from pg_indexes where tablename = 'people'")).toEqual([["1"]]);
    });
  });
});

describe.skipIf(server === undefined)("a ledger of version 4", () => {
  test("gets its new table, and a role that was allowed to import still is", async () => {
    await inPlace(async ({ database, role, target, file, dsn }) => {
      await ensureLedger(target);
      await database.query(
        `drop table sluice.written; alter table sluice.chunks drop column xid; update sluice.ledger set version = 4;
         create table people (id integer primary key check (id <> 2), name text); alter table people owner to ${role};
         grant select on people to pg_monitor; grant select on sluice.chunks to public`,
      );
      await allow({ database, role });
      await using theirs = await openTarget({ to: dsn, connections: 2 });
      const options = { file, target: theirs, table: "people" };
      await expect(runImport(background(), options)).rejects.toMatchObject({ code: "no_ledger" });
      await ensureLedger(target);
      // The database refuses a row, so the others go in under savepoints: the new table has them.
      expect(await runImport(background(), options)).toMatchObject({ inserted: 2, rejected: 1 });
      expect(await database.query("select count(*) > 0 from sluice.written")).toEqual([["t"]]);
      // Only rights to the ledger count.
      expect(await database.query("select has_table_privilege('pg_monitor', 'sluice.written', 'select')")).toEqual([
        ["f"],
      ]);
    });
  });
});

describe.skipIf(server === undefined)("a ledger", () => {
  async function refused({ target, file, database }: Place, message: RegExp): Promise<void> {
    const failure = { code: "ledger_untrusted", message: expect.stringMatching(message) as string };
    await expect(runImport(background(), { file, target, schema: people })).rejects.toMatchObject(failure);
    const init = await run(".", "init", "--to", database.dsn);
    expect([init.code, init.stderr]).toEqual([1, expect.stringMatching(message) as string]);
    const listed = await run(".", "imports", "--to", database.dsn);
    expect([listed.code, listed.stderr]).toEqual([1, expect.stringMatching(message) as string]);
  }

  test("that another role owns is not used, and neither are its functions", async () => {
    await inPlace(async (place) => {
      const { database, role } = place;
      await database.query(`grant create on database ${new URL(database.dsn).pathname.slice(1)} to ${role};
        set session authorization ${role}; ${LEDGER_DDL} reset session authorization`);
      await refused(
        place,
        new RegExp(`the schema sluice belongs to the role "${role}".*drop schema sluice cascade.*sluice init`),
      );
      // The role itself may use it.
      await using own = await openTarget({ to: place.dsn, connections: 2 });
      expect(await goOn({ ...place, target: own })).toMatchObject({ inserted: 2 });
    });
  });

  test.each([
    [
      "a function in it that another role owns",
      "alter function sluice.claim owner to ROLE",
      /sluice\.claim\(\) belongs to the role/,
    ],
    [
      "a table in it that another role owns",
      "alter table sluice.chunks owner to ROLE",
      /sluice\.chunks belongs to the role/,
    ],
    [
      "the right to make functions there",
      "grant create on schema sluice to ROLE",
      /may make functions.*revoke create on schema sluice from "/,
    ],
    [
      "that right for everybody",
      "grant create on schema sluice to public",
      /everybody may make functions.*from public;/,
    ],
    [
      "the right to make triggers there",
      "grant trigger on sluice.imports to ROLE",
      /may make triggers.*revoke trigger/,
    ],
    [
      "a trigger",
      "create trigger t before insert on sluice.imports for each row execute function suppress_redundant_updates_trigger()",
      /the trigger t on sluice\.imports is not the ledger's own/,
    ],
    [
      "a rule",
      "create rule r as on insert to sluice.leases do also delete from sluice.leases",
      /the rule r on sluice\.leases/,
    ],
  ])("is not used with %s", async (_, sql, message) => {
    await inPlace(async (place) => {
      await place.database.query(LEDGER_DDL);
      // A trigger of that function needs a table that is updated.
      await place.database.query(
        sql
          .replaceAll("ROLE", place.role)
          .replace("before insert on sluice.imports", "before update on sluice.imports"),
      );
      await refused(place, message);
    });
  });

  test("that a table of somebody refers to is used: the triggers of a foreign key are the database's own", async () => {
    await inPlace(async (place) => {
      await place.database.query(`${LEDGER_DDL} create table notes (import text references sluice.imports)`);
      expect(await goOn(place)).toMatchObject({ inserted: 2 });
    });
  });

  test("of a role that the user is not a member of is not used by an ordinary user either", async () => {
    await inPlace(async (place) => {
      const { database, role, dsn } = place;
      const stranger = newName("stranger");
      await database.query(`create role ${stranger}`);
      try {
        await database.query(`grant create on database ${new URL(database.dsn).pathname.slice(1)} to ${stranger};
          set session authorization ${stranger}; ${LEDGER_DDL} grant usage on schema sluice to ${role};
          grant select, insert, update, delete on all tables in schema sluice to ${role}; reset session authorization`);
        await using own = await openTarget({ to: dsn, connections: 2 });
        await expect(goOn({ ...place, target: own })).rejects.toMatchObject({
          code: "ledger_untrusted",
          message: expect.stringContaining(`belongs to the role "${stranger}"`) as string,
        });
      } finally {
        await database.query(`drop owned by ${stranger} cascade; drop role ${stranger}`);
      }
    });
  });

  test("of a superuser, of the database's owner and of a role that the user is a member of is used", async () => {
    for (const owner of ["superuser", "another superuser", "owner", "pg_database_owner", "team"]) {
      await inPlace(async (place) => {
        const { database, role, dsn } = place;
        const team = newName("team");
        await database.query(`create role ${team} ${owner === "another superuser" ? "superuser" : ""}`);
        const to = owner === "pg_database_owner" ? owner : team;
        try {
          await database.query(LEDGER_DDL);
          const name = new URL(database.dsn).pathname.slice(1);
          if (owner === "owner") await database.query(`alter database ${name} owner to ${team}`);
          if (owner === "team") await database.query(`grant ${team} to ${role}`);
          if (owner !== "superuser")
            await database.query(`alter schema sluice owner to ${to}; do $$ declare t text; begin
              for t in select format('alter table sluice.%I owner to ${to}', tablename) from pg_tables where schemaname = 'sluice' loop execute t; end loop;
              for t in select format('alter function %s owner to ${to}', oid::regprocedure) from pg_proc where pronamespace = 'sluice'::regnamespace loop execute t; end loop; end $$`);
          await database.query(
            `grant usage on schema sluice to ${role}; grant select, insert, update, delete on all tables in schema sluice to ${role}`,
          );
          await using own = await openTarget({ to: dsn, connections: 2 });
          expect(await goOn({ ...place, target: own })).toMatchObject({ inserted: 2 });
          // A superuser is a member of every role, and trusts none for that.
          if (owner === "team")
            await expect(goOn(place, { resume: "never" })).rejects.toMatchObject({ code: "ledger_untrusted" });
        } finally {
          await database.query(`reassign owned by ${team} to current_user; drop owned by ${team}; drop role ${team}`);
        }
      });
    }
  });
});

/**
 * Functions and operators that fit what the program asks for better than the database's own, whose
 * parameters are wider.
 */
const SHADOWS = [
  'function json_build_array(oid, "char", text, json) returns json',
  "function json_build_array(name, smallint, oid, integer, boolean, boolean) returns json",
  "function json_build_array(text, text) returns json",
  "function json_agg(json) returns json",
  "function json_agg(name) returns json",
  "function concat(bigint, text, numeric) returns text",
  "function format(text, text, integer) returns text",
  "function format(text, text, name) returns text",
  "function hashtextextended(text, integer) returns bigint",
  "function pg_advisory_xact_lock(integer) returns void",
  "function pg_terminate_backend(integer) returns boolean",
  "function quote_ident(name) returns text",
  "function to_jsonb(pg_range) returns jsonb",
  "operator = (oid, regclass) boolean",
  "operator || (oid, text) text",
  "operator || (name, text) text",
  "operator || (text, name) text",
  "operator & (smallint, integer) integer",
  "operator * (integer, numeric) numeric",
  "operator * (integer, interval) interval",
];

/** The statements that make them; each raises an error where it is called. */
function shadowsSql(): string {
  const body = "language plpgsql as $$ begin raise exception 'called by %', current_user; end $$";
  return SHADOWS.map((shadow, n) => {
    const [, name, left, right, type] = /^operator (\S+) \((\w+), (\w+)\) (\w+)$/.exec(shadow) ?? [];
    if (name === undefined) return `create ${shadow.replace("function ", "function public.")} ${body};`;
    return `create function public.shadow_${n}(${left}, ${right}) returns ${type} ${body};
            create operator public.${name} (leftarg = ${left}, rightarg = ${right}, function = public.shadow_${n});`;
  }).join("\n");
}

test.skipIf(server === undefined)(
  "functions and operators that others have made in a schema of the search path are not called",
  async () => {
    await inPlace(async (place) => {
      const { database, dsn, target, file } = place;
      await using role = await openTarget({ to: dsn, connections: 1 });
      await role.query(shadowsSql());
      const id = await leftHalfWay(place);
      expect(await goOn(place, { maxErrors: 10 })).toMatchObject({ id, inserted: 2 });
      expect((await listImports(target)).map((one) => one.id)).toEqual([id]);
      await database.query(
        `create table parted (k integer, v integer[]) partition by range (k); create table part partition of parted default;
         create table t (k integer primary key); create table refers (k integer references t on delete cascade)`,
      );
      await writeFile(file, "k\n1\n2\n");
      for (const table of ["parted", "t"])
        expect(await runImport(background(), { file, target, table })).toMatchObject({ inserted: 2 });
      expect(await runImport(background(), { file, target, table: "t", mode: "replace", cascade: true })).toMatchObject(
        { inserted: 2 },
      );
      // A key of another type than what it refers to: the database has no operator for just these.
      await database.query(
        `create table names (k text primary key);
         create table nicknames (k varchar(9) references names);
         create function public.same (text, varchar) returns boolean language plpgsql as $$ begin raise exception 'called by %', current_user; end $$;
         create operator public.= (leftarg = text, rightarg = varchar, function = public.same)`,
      );
      await writeFile(file, "k\na\nb\n");
      const { id: taken } = await runImport(background(), { file, target, table: "names" });
      expect(await takeBack(target, taken)).toMatchObject({ inserted: 0, takenBack: 2 });
      await database.query("alter table t rename to other");
      await deleteImport(target, id);
      expect(await pruneImports(target, 1)).toBe(0);
    });
  },
);
