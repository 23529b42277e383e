// Somebody else has locked what an import needs: it says whom it waits for, goes on when that is
// over, and one Ctrl-C ends it.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hold, newDatabase, newFolder, server, type TestDatabase } from "../test/database.ts";
import { EXAMPLE, run, start } from "../test/program.ts";
import { writeWorkbook } from "../test/workbook.ts";

/** Locks are looked at every third of a lease. */
const QUICK = { SLUICE_LEASE_MS: "3000" };
const ROWS = 300;

interface Case {
  readonly name: string;
  readonly options?: readonly string[];
  /** The table is not there before. */
  readonly fresh?: boolean;
  readonly setup?: string;
  /**
   * What the session that is in the way does, in a transaction; before the import begins, unless
   * `when` says when.
   */
  readonly lock: string;
  /** A query that yields a row once it is time. */
  readonly when?: string;
  readonly waitsFor: RegExp;
  /** The ledger knows nothing of it yet. */
  readonly before?: boolean;
}

const held = "lock table people in access exclusive mode";
const own = "from sluice.imports where target_table = 'people' and state = 'running'";
/** Of the advisory lock that a session has from when it is in the way. */
const IN_THE_WAY = 7701;
/** Keeps an import from its end until that session is in the way, however late it comes. */
const untilLocked = `
  create function await_the_lock() returns trigger language plpgsql as $$ begin
    while not exists (select from pg_locks join pg_database on pg_database.oid = database
                      where locktype = 'advisory' and objid = ${IN_THE_WAY} and granted and datname = current_database())
    loop perform pg_sleep(0.01); end loop;
    return new;
  end $$;
  create trigger await_the_lock before insert on people for each row when (new.n = 5) execute function await_the_lock()`;
const cases: Case[] = [
  { name: "the table", lock: held, waitsFor: /the table "people"/ },
  {
    name: "the table, rows go in one by one",
    options: ["--method", "sequential"],
    lock: held,
    waitsFor: /the table "people"/,
  },
  { name: "the table, in batches", options: ["--method", "batch"], lock: held, waitsFor: /the table "people"/ },
  { name: "the table, --atomic", options: ["--atomic"], lock: held, waitsFor: /the table "people"/ },
  { name: "the table, --replace", options: ["--replace"], lock: held, waitsFor: /the table "people"/ },
  { name: "the table, --dry-run", options: ["--dry-run"], lock: held, waitsFor: /the table "people"/, before: true },
  {
    name: "a row of it",
    options: ["--on-conflict", "update", "--key", "n"],
    setup: "insert into people values (7, 'old')",
    lock: "update people set name = 'x' where n = 7",
    waitsFor: /a row of the table "people"|another transaction/,
  },
  {
    name: "a table of that name, not committed yet",
    fresh: true,
    lock: "create table people (n integer)",
    waitsFor: /another transaction/,
    before: true,
  },
  {
    name: "the ledger",
    lock: "lock table sluice.imports in access exclusive mode",
    waitsFor: /the table "sluice\.imports"/,
    before: true,
  },
  {
    name: "the import's row in the ledger",
    options: ["--method", "sequential"],
    setup: untilLocked,
    lock: `select ${own} for update; select pg_advisory_lock(${IN_THE_WAY})`,
    when: `select 1 ${own}`,
    waitsFor: /a row of the table "sluice\.imports"/,
  },
];

/**
 * A database with the table and one import of the ledger, a workbook to import, and its command.
 */
async function ready(
  folder: string,
  database: TestDatabase,
  { fresh = false, setup = "", options = [] }: Case,
): Promise<string[]> {
  const rows = Array.from({ length: ROWS }, (_, n) => [n, `name ${n}`]);
  const file = await writeWorkbook(join(folder, "people.xlsx"), { S: [["n", "name"], ...rows] });
  const other = await writeWorkbook(join(folder, "other.xlsx"), { S: [["a"], ["1"]] });
  expect((await run(folder, "import", other, "--to", database.dsn)).code).toBe(0);
  if (!fresh) await database.query("create table people (n integer, name text); create unique index on people (n)");
  await database.query(setup);
  await database.query("set application_name to 'somebody'");
  return ["import", file, "--to", database.dsn, "--workers", "1", ...options];
}

describe.skipIf(server === undefined)("an import that waits", () => {
  test.each(cases)("for $name says for whom, and ends with one Ctrl-C; the same command goes on", async (one) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const args = await ready(folder.path, database, one);
    const [[pid]] = (await database.query("select pg_backend_pid()::text")) as [[string]];
    let program = one.when === undefined ? undefined : start(folder.path, args, QUICK);
    if (one.when !== undefined) await expect.poll(() => database.query(one.when!), { timeout: 60_000 }).not.toEqual([]);
    await using lock = await hold(database, one.lock);
    const { child, finished, output } = (program ??= start(folder.path, args, QUICK));
    await expect.poll(output, { timeout: 60_000 }).toMatch(/Waiting for .*\n/);
    const said = /Waiting for (.*)\n/.exec(output())![1]!;
    expect(said).toMatch(one.waitsFor);
    expect(said).toMatch(
      new RegExp(`process ${pid} \\(somebody, user \\w+, idle in transaction since \\d{4}-.* UTC\\)`),
    );
    child.kill("SIGINT");
    const result = await finished;
    expect(result.code).toBe(130);
    expect(result.stderr).not.toMatch(/\n\s+at |going on/);
    if (one.before) expect(result.stderr + result.stdout).toMatch(/interrupted/i);
    else expect(result.stdout).toMatch(/Go on with: {2}npx sluice import .* --resume \w+/);
    await lock.release();
    const again = await run(folder.path, ...args);
    expect(again.stderr).toBe("");
    expect(again.code).toBe(0);
    if (one.options?.includes("--dry-run")) return;
    expect(await database.query("select count(*), count(distinct n), min(name), max(n) from people")).toEqual([
      [String(ROWS), String(ROWS), "name 0", String(ROWS - 1)],
    ]);
  });

  test("goes on when the lock is free", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const args = await ready(folder.path, database, cases[0]!);
    await using lock = await hold(database, held);
    const { finished, output } = start(folder.path, args, QUICK);
    await expect.poll(output, { timeout: 60_000 }).toContain("Waiting for");
    await lock.release();
    const result = await finished;
    expect(result.stderr).toContain("The lock is free: going on.");
    expect(result.code).toBe(0);
  });

  test("with --json prints its result and nothing else", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const args = await ready(folder.path, database, cases[0]!);
    await using _lock = await hold(database, held);
    const { child, finished } = start(folder.path, [...args, "--json"], QUICK);
    const waits = "select 1 from pg_locks where relation = 'people'::regclass and not granted";
    await expect.poll(() => database.query(waits), { timeout: 60_000 }).not.toEqual([]);
    child.kill("SIGINT");
    const { code, stdout, stderr } = await finished;
    expect(JSON.parse(stdout)).toMatchObject({ interrupted: true, total: 0 });
    expect(stderr.trim()).toMatch(/^Stopping.*$/);
    expect(code).toBe(130);
  });
});

test.skipIf(server === undefined)(
  "an import of the example that waits for its indexes has all of its rows",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const args = ["import", EXAMPLE, "--to", database.dsn, "--method", "batch"];
    const { child, finished, output } = start(folder.path, args, QUICK);
    const begun = "select 1 from pg_tables where tablename = 'businesses'";
    await expect.poll(() => database.query(begun), { timeout: 60_000 }).not.toEqual([]);
    await using lock = await hold(database, "lock table businesses in row exclusive mode");
    await expect.poll(output, { timeout: 60_000 }).toContain("Waiting for");
    child.kill("SIGINT");
    const result = await finished;
    expect(result.code).toBe(130);
    expect(result.stdout).toMatch(/not built: create index/);
    await lock.release();
    const again = await run(folder.path, ...args, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ total: 10_000, inserted: 9_987, interrupted: false });
    expect(await database.query("select count(*) from pg_indexes where tablename = 'businesses'")).toEqual([["7"]]);
  },
);
