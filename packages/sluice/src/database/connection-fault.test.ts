// Errors that read like a lost connection and are none, the other way round, and servers that take
// no rows.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { runImport } from "../import.ts";
import { newDatabase, newFolder, newName, server, type TestDatabase } from "../test/database.ts";
import { faulty } from "../test/faults.ts";
import { databaseOn, ownServer } from "../test/own-server.ts";
import { run } from "../test/program.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { openTarget } from "./open.ts";
import { postgresDatabase } from "./postgres.ts";
import { SqlTarget } from "./sql.ts";
import { type ImportOptions, type ImportResult, METHODS, type Method } from "../options.ts";

const own = await ownServer("-F");
afterAll(() => own?.remove());

const ROWS = 60;

async function example(): Promise<string> {
  const folder = newFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const rows = Array.from({ length: ROWS }, (_, n) => [n]);
  return await writeWorkbook(join(folder.path, "people.xlsx"), { People: [["Id"], ...rows] });
}

async function imported(dsn: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  // Whoever takes an error for a lost connection goes on trying for longer than a test may take.
  await using target = await openTarget({ to: dsn, connections: 2, reconnectMs: 600_000 });
  return await runImport(background(), { target, file: await example(), chunkRows: 10, batchSize: 10, ...options });
}

async function database(): Promise<TestDatabase> {
  const made = await newDatabase();
  onTestFinished(() => made[Symbol.asyncDispose]());
  await made.query("create table people (id integer primary key)");
  return made;
}

describe.skipIf(server === undefined)("a trigger that raises a code of the server's or of the ledger's", () => {
  const codes = ["57P01", "57P05", "25P03", "08006", "SLU01", "SLU02", "SLU03"];
  const cases = METHODS.flatMap((method) => codes.map((code): [Method, string] => [method, code]));
  test.each(cases)("%s: %s ends the import at once, with what the trigger says", async (method, code) => {
    const { dsn, query } = await database();
    await query(`create function refuse() returns trigger language plpgsql as
        $$ begin if new.id = 30 then raise exception 'not this one' using errcode = '${code}'; end if; return new; end $$;
      create trigger refuse before insert on people for each row execute function refuse()`);
    await expect(imported(dsn, { method, workers: 1 })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^not this one\b[^]*Go on with: the same command again/) as string,
    });
    await query("drop trigger refuse on people");
    expect(await imported(dsn, { method })).toMatchObject({ total: ROWS, inserted: ROWS });
    expect(await query("select count(*) from people")).toEqual([[String(ROWS)]]);
  });

  test("a whole import in one transaction ends at once too", async () => {
    const { dsn, query } = await database();
    await query(`create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'not this one' using errcode = 'SLU01'; end $$;
      create trigger refuse before insert on people for each row execute function refuse()`);
    await expect(imported(dsn, { atomic: true })).rejects.toMatchObject({
      code: "SLU01",
      message: expect.stringMatching(/^not this one/) as string,
    });
  });
});

/** Does nothing at all for so long, events included. */
function freeze(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

describe.skipIf(server === undefined)("a user whose sessions the server ends when they rest in a transaction", () => {
  async function hurried(): Promise<TestDatabase> {
    const made = await database();
    const name = new URL(made.dsn).pathname.slice(1);
    await made.query(`alter database ${name} set idle_in_transaction_session_timeout = '100ms'`);
    return made;
  }

  test("a chunk that this happens to goes in once", async () => {
    const { dsn, query } = await hurried();
    let frozen = 0;
    const fault = (sql: string): undefined => {
      // Once a transaction has begun.
      if (sql.startsWith("copy") && ++frozen === 3) freeze(500);
    };
    await using target = new SqlTarget(faulty(postgresDatabase(dsn, 1), fault), 30_000);
    const options = { target, file: await example(), chunkRows: 10, workers: 1 };
    expect(await runImport(background(), options)).toMatchObject({ total: ROWS, inserted: ROWS });
    expect(frozen).toBeGreaterThan(3);
    expect(await query("select count(*) from people")).toEqual([[String(ROWS)]]);
  });

  test("an import in one transaction names the setting", async () => {
    const { dsn, query } = await hurried();
    const resting = imported(dsn, { atomic: true, onProgress: () => freeze(500) });
    await expect(resting).rejects.toMatchObject({
      code: "connection_lost",
      message: expect.stringMatching(
        /idle-in-transaction timeout\. .* its setting idle_in_transaction_session_timeout: raise it for this user/,
      ) as string,
    });
    expect(await query("select count(*) from people")).toEqual([["0"]]);
    expect(await imported(dsn, { atomic: true })).toMatchObject({ total: ROWS, inserted: ROWS });
  });
});

describe.skipIf(server === undefined)("a user whose transactions can only read", () => {
  const sources = [
    ["of the user", (role: string) => `alter role ${role}`],
    ["of the database", (_: string, name: string) => `alter database ${name}`],
    ["of the user in the database", (role: string, name: string) => `alter role ${role} in database ${name}`],
  ] as const;

  test.each(sources)("is told so before anything is written, and how to change it: setting %s", async (_, of) => {
    const { dsn, query } = await database();
    const role = newName("role");
    const url = new URL(dsn);
    await query(`create role ${role} login superuser`);
    try {
      url.username = role;
      await query(`${of(role, url.pathname.slice(1))} set default_transaction_read_only = on`);
      for (const dryRun of [false, true]) {
        await expect(imported(url.href, { dryRun })).rejects.toMatchObject({ code: "read_only" });
      }
      const failure = await imported(url.href).catch((error: unknown) => error as Error);
      const [, statement] = /Take that back \((.*)\), or use another user/.exec((failure as Error).message)!;
      await query(`set default_transaction_read_only to off; ${statement}`);
      expect(await imported(url.href)).toMatchObject({ total: ROWS, inserted: ROWS });
    } finally {
      await query(
        `set default_transaction_read_only to off; reassign owned by ${role} to current_user; drop role ${role}`,
      );
    }
  });

  test("whose address says so is told that", async () => {
    const { dsn, query } = await database();
    await expect(imported(`${dsn}?options=-c%20default_transaction_read_only%3Don`)).rejects.toMatchObject({
      code: "read_only",
      message: expect.stringMatching(/it stands in the address, below options/) as string,
    });
    expect(await query("select to_regnamespace('sluice')::text")).toEqual([[null]]);
  });
});

test.skipIf(server === undefined)(
  "a session that checks no foreign keys is told of, and how to have them checked",
  async () => {
    const { dsn, query } = await database();
    const name = new URL(dsn).pathname.slice(1);
    await query(`alter database ${name} set session_replication_role = replica`);
    const { notes } = await imported(dsn);
    const [, statement] = /^session_replication_role is replica here, .*: (alter .*)$/m.exec(notes.join("\n"))!;
    await query(statement!);
    expect((await imported(dsn, { again: true })).notes.join("\n")).not.toContain("session_replication_role");
  },
);

describe.skipIf(!own)("a standby", () => {
  const signal = (): string => join(own!.home, "data", "standby.signal");

  function becomeStandby(): void {
    own!.stop();
    writeFileSync(signal(), "");
    own!.start();
  }

  test("is refused before anything is written", async () => {
    await using made = await databaseOn(own!);
    becomeStandby();
    try {
      for (const dryRun of [false, true]) {
        await expect(imported(made.dsn, { dryRun })).rejects.toMatchObject({
          code: "standby",
          message: expect.stringMatching(/is a standby: .* Give the address of the primary/) as string,
        });
      }
      const folder = newFolder();
      onTestFinished(() => folder[Symbol.asyncDispose]());
      const { code, stderr } = await run(folder.path, "init", "--to", made.dsn);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/is a standby: /) as string]);
    } finally {
      await made.query("select pg_promote()");
    }
    expect(await made.query("select to_regnamespace('sluice')::text")).toEqual([[null]]);
  });

  test("that the address leads to for a while, in the middle of an import, is waited for", async () => {
    await using made = await databaseOn(own!);
    let promoted: Promise<unknown> | undefined;
    const result = await imported(made.dsn, {
      onProgress: () => {
        if (promoted) return;
        becomeStandby();
        promoted = made.query("select pg_sleep(1); select pg_promote()");
      },
    });
    await promoted;
    expect(result).toMatchObject({ total: ROWS, inserted: ROWS });
    expect(await made.query("select count(*) from people")).toEqual([[String(ROWS)]]);
  });
});
