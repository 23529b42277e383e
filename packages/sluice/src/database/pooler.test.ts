import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, onTestFinished, test } from "vitest";
import { runImport } from "../import.ts";
import { hold, newDatabase, newFolder, server, type TestDatabase } from "../test/database.ts";
import { METHODS, type ImportOptions, type ImportResult } from "../options.ts";
import { lending } from "../test/faults.ts";
import { hasPgbouncer, startPooler, type PoolerOptions } from "../test/pgbouncer.ts";
import { start } from "../test/program.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { openTarget } from "./open.ts";
import { expectSessions } from "./pooler.ts";
import { postgresDatabase } from "./postgres.ts";
import { SqlTarget } from "./sql.ts";
import type { Database } from "../target.ts";
import pg from "pg";

const available = server !== undefined && hasPgbouncer();
const ROWS = 100;

/** A workbook of 100 people, of whom two are refused. */
async function example(): Promise<string> {
  const folder = newFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const rows = Array.from({ length: ROWS }, (_, n) => [n, n % 50 === 7 ? "old" : n, "2026-01-31 12:00:00"]);
  return await writeWorkbook(join(folder.path, "people.xlsx"), { People: [["Id", "Age", "Seen"], ...rows] });
}

const COLUMNS = "id integer primary key, age integer, seen timestamptz";

interface Pooled extends TestDatabase {
  /** The address by way of the pooler. */
  readonly pooled: string;
}

async function place(options: PoolerOptions): Promise<Pooled> {
  const database = await newDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const pooler = await startPooler(server!, options);
  onTestFinished(() => pooler[Symbol.asyncDispose]());
  await database.query(`create table people (${COLUMNS})`);
  return { ...database, pooled: pooler.dsn(database.dsn) };
}

async function imported(to: string, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  await using target = await openTarget({ to, connections: 2, reconnectMs: 1000 });
  return await runImport(background(), { target, file, chunkRows: 20, batchSize: 10, workers: 2, ...options });
}

const SEEN = "select count(*), min(seen at time zone 'UTC')::text, max(seen at time zone 'UTC')::text from people";
const ALL = [[String(ROWS - 2), "2026-01-31 12:00:00", "2026-01-31 12:00:00"]];

describe.skipIf(!available)("a pooler in session mode", () => {
  test.each(METHODS)("%s: an import does what it does without one", async (method) => {
    const { pooled, query } = await place({ mode: "session", size: 10 });
    expect(await imported(pooled, await example(), { method })).toMatchObject({ total: ROWS, rejected: 2 });
    expect(await query(SEEN)).toEqual(ALL);
  });

  test.each<Partial<ImportOptions>>([{ atomic: true }, { onConflict: "update", key: ["id"] }])(
    "%j goes in as without one",
    async (options) => {
      const { pooled, query } = await place({ mode: "session", size: 10 });
      expect(await imported(pooled, await example(), options)).toMatchObject({ total: ROWS, rejected: 2 });
      expect(await query(SEEN)).toEqual(ALL);
    },
  );

  test("a statement that waits for a lock is not taken for dead, and its holder is named", async () => {
    const database = await place({ mode: "session", size: 10 });
    const { pooled, query } = database;
    await using folder = newFolder();
    await using lock = await hold(database, "lock table people in access exclusive mode");
    const lease = { SLUICE_LEASE_MS: "1500" };
    const args = ["import", await example(), "--to", pooled, "--table", "people", "--reconnect", "0"];
    const { finished, output } = start(folder.path, args, lease);
    await expect.poll(output, { timeout: 30_000 }).toMatch(/Waiting for the table "people"/);
    // Twice as long as nothing must move on a connection before it is asked after.
    await query("select pg_sleep(1.5)");
    await lock.release();
    expect(await finished).toMatchObject({ code: 3 });
    expect(await query(SEEN)).toEqual(ALL);
  });

  test("one that has too few connections says how many it takes", async () => {
    const { pooled } = await place({ mode: "session", size: 1 });
    await expect(expectSessions({ connectionString: pooled }, "postgres://here", 300)).rejects.toMatchObject({
      code: "pooler",
      message: expect.stringMatching(/gave no connection .* within 0.3 seconds.*raise default_pool_size/) as string,
    });
  });

  test("a parameter of the address that it refuses is named", async () => {
    const { pooled } = await place({ mode: "session", size: 10 });
    const url = new URL(pooled);
    url.searchParams.set("options", "-c work_mem=8MB");
    await expect(imported(url.href, await example())).rejects.toMatchObject({
      message: expect.stringMatching(/is a pooler, and it refuses the parameter "options" of the address/) as string,
    });
  });
});

const keepsNone: PoolerOptions[] = (["transaction", "statement"] as const).flatMap((mode) =>
  [1, 2, 3, 20].flatMap((size) => [false, true].map((roundRobin) => ({ mode, size, roundRobin }))),
);

describe.skipIf(!available)("a pooler that keeps no session", () => {
  test.each(keepsNone)("is refused before anything is written: %j", async (options) => {
    const { pooled, query } = await place(options);
    // Other programs have used the pool before, so that it has connections to choose from.
    await Promise.all(Array.from({ length: Math.min(4, options.size) }, () => ask(pooled, "select pg_sleep(0.05)")));
    await expect(imported(pooled, await example())).rejects.toMatchObject({
      code: "pooler",
      message: expect.stringMatching(/keeps no session .*Connect to the server itself, or .* session mode/) as string,
    });
    expect(await query("select count(*), to_regnamespace('sluice')::text from people")).toEqual([["0", null]]);
    // Nor has it left settings to others.
    expect(await ask(pooled, "select current_setting('default_transaction_isolation'), current_setting('timezone')")) //
      .toEqual(await query("select current_setting('default_transaction_isolation'), current_setting('timezone')"));
  });

  test("one that other programs keep busy is found out too", async () => {
    const { pooled } = await place({ mode: "transaction", size: 4 });
    const stop = new AbortController();
    const busy = Array.from({ length: 3 }, async () => {
      while (!stop.signal.aborted) await ask(pooled, "select pg_sleep(random() * 0.01)");
    });
    for (let times = 0; times < 10; times++) {
      await expect(expectSessions({ connectionString: pooled }, "there", 5000)).rejects.toMatchObject({
        code: "pooler",
      });
    }
    stop.abort();
    await Promise.all(busy);
  });
});

async function ask(to: string, text: string): Promise<(string | null)[][]> {
  const client = new pg.Client({ connectionString: to });
  await client.connect();
  try {
    return (await client.query<(string | null)[]>({ text, rowMode: "array" })).rows;
  } finally {
    await client.end();
  }
}

/** A database whose sessions somebody else has set up since. */
function elsewhere(database: Database): Database {
  return lending(database, async (connection, use) => {
    await connection.query("set timezone to 'Asia/Tokyo'");
    return await use(connection);
  });
}

describe.skipIf(!available)("a session that is another one than was set up", () => {
  test.each(METHODS)("%s: no row is kept that it may have read otherwise", async (method) => {
    await using database = await newDatabase();
    await database.query(`create table people (${COLUMNS})`);
    await using target = new SqlTarget(elsewhere(postgresDatabase(database.dsn, 2)), 1000);
    await expect(runImport(background(), { target, file: await example(), method })).rejects.toMatchObject({
      code: "session_changed",
    });
    expect(await database.query("select count(*) from people")).toEqual([["0"]]);
  });

  test("a trigger that sets the time zone is named as what it is", async () => {
    await using database = await newDatabase();
    await database.query(`create table people (${COLUMNS});
      create function elsewhere() returns trigger language plpgsql
      as $$ begin perform set_config('timezone', 'Europe/Paris', false); return new; end $$;
      create trigger elsewhere before insert on people for each row execute function elsewhere()`);
    await expect(imported(database.dsn, await example(), { method: "batch" })).rejects.toMatchObject({
      code: "session_changed",
      message: expect.stringMatching(/a trigger, a default or a function of the table sets it/) as string,
    });
    expect(await database.query("select count(*) from people")).toEqual([["0"]]);
  });

  const settings = [["client_encoding", "LATIN1"], ["intervalstyle", "sql_standard"], ["array_nulls", "off"]] as const; // prettier-ignore
  test.each(METHODS.flatMap((method) => settings.map(([name, value]) => ({ method, name, value }))))(
    "nor is a row kept after a trigger has set $name: $method",
    async ({ method, name, value }) => {
      await using database = await newDatabase();
      await database.query(`create table people (${COLUMNS});
        create function elsewhere() returns trigger language plpgsql
        as $$ begin perform set_config('${name}', '${value}', false); return new; end $$;
        create trigger elsewhere before insert on people for each row execute function elsewhere()`);
      const options = { method, chunkRows: 10, batchSize: 10 };
      await expect(imported(database.dsn, await example(), options)).rejects.toMatchObject({ code: "session_changed" });
      expect(await database.query("select count(*) from people")).toEqual([["0"]]);
      await database.query(
        `create or replace function elsewhere() returns trigger language plpgsql set ${name} to '${value}' as $$ begin return new; end $$`,
      );
      const { inserted } = await imported(database.dsn, await example(), options);
      expect(inserted).toBeGreaterThan(0);
      expect(await database.query("select count(*) from people")).toEqual([[String(inserted)]]);
    },
  );

  test("a trigger that sets the search_path is named as what it is, and the way out works", async () => {
    await using database = await newDatabase();
    await database.query(`create table people (${COLUMNS});
      create function elsewhere() returns trigger language plpgsql
      as $$ begin perform set_config('search_path', 'pg_catalog', false); return new; end $$;
      create trigger elsewhere before insert on people for each row execute function elsewhere()`);
    await expect(imported(database.dsn, await example(), {})).rejects.toMatchObject({
      message: expect.stringMatching(/The table is what it was, so a trigger .* sets the search_path/) as string,
    });
    expect(await database.query("select count(*) from people")).toEqual([["0"]]);
    await database.query(
      "create or replace function elsewhere() returns trigger language plpgsql set search_path to pg_catalog as $$ begin return new; end $$",
    );
    const { inserted } = await imported(database.dsn, await example(), {});
    expect(await database.query("select count(*) from people")).toEqual([[String(inserted)]]);
  }); // prettier-ignore

  test("statements of two processes never bear the same name", async () => {
    await using database = await newDatabase();
    const names = `select name from pg_prepared_statements where name like 'sluice%' and $1 = ''`;
    const script = `import { openTarget } from ${JSON.stringify(new URL("open.ts", import.meta.url).href)};
      await using target = await openTarget({ to: process.argv[1] });
      console.log((await target.query(${JSON.stringify(names)}, [""])).rows[0][0]);`;
    const { execFileSync } = await import("node:child_process");
    const nameOf = (): string => {
      const node = [
        "--conditions=source",
        "--disable-warning=ExperimentalWarning",
        "--input-type=module",
        "-e",
        script,
      ];
      return execFileSync(process.execPath, [...node, database.dsn], { encoding: "utf8" }).trim();
    };
    const [one, other] = [nameOf(), nameOf()];
    expect(one).toMatch(/^sluice_[0-9a-f]{16}_[0-9a-f]{16}$/);
    expect(other).not.toBe(one);
    // The same statement, in the last part.
    expect(other.slice(-16)).toBe(one.slice(-16));
  });
});
