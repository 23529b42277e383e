// Real databases for tests: each gets its own, on the server that scripts/postgres.ts found or
// started.
import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll } from "vitest";
import { openTarget } from "../database/open.ts";
import { ensureLedger } from "../ledger/schema.ts";
import { copyEmbedded } from "./embedded.ts";
import type { Target } from "../target.ts";

/**
 * The server's address, or undefined where none can be had (then tests that need it skip; in CI
 * scripts/postgres.ts fails).
 */
export const server: string | undefined = process.env["SLUICE_TEST_POSTGRES"];

/**
 * A name that is new on the server, whatever other runs and machines use it, or were stopped before
 * they had tidied up.
 */
export function newName(kind: string): string {
  return `sluice_${kind}_${randomBytes(6).toString("hex")}`;
}

/**
 * What a test holds up others with. A test that fails lets go of it too, so that nobody waits for
 * the lock for ever.
 */
export interface Held extends AsyncDisposable {
  /** Rolls the transaction back. */
  release(): Promise<void>;
}

/** A database of its own. */
export interface TestDatabase extends AsyncDisposable {
  readonly dsn: string;
  /** Runs SQL besides the import; rows as arrays of text. */
  query(sql: string): Promise<(string | null)[][]>;
}

/** How long a test waits for a lock that it wants to hold. */
const LOCK_TIMEOUT = "60s";

/**
 * Begins a transaction that runs this SQL, and keeps the locks of it: `await using lock = await
 * hold(database, "lock table t")`.
 */
export async function hold(database: Pick<TestDatabase, "query">, sql: string): Promise<Held> {
  let held = true;
  const release = async (): Promise<void> => {
    if (held) await database.query("rollback");
    held = false;
  };
  try {
    await database.query(`begin; set local lock_timeout to '${LOCK_TIMEOUT}'; ${sql}`);
  } catch (error) {
    await release();
    throw error;
  }
  return { release, [Symbol.asyncDispose]: release };
}

/**
 * A connection for the databases that the tests of a file make. It ends with the process, as some
 * are dropped in `afterAll`.
 */
let maker: Promise<pg.Client> | undefined;

async function connectMaker(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  // Its types do not have that.
  (client as pg.Client & { unref(): void }).unref();
  return client;
}

function addressOf(database: string): string {
  const url = new URL(server!);
  url.pathname = `/${database}`;
  return url.href;
}

/**
 * A database that has an empty ledger. It takes longer to make one than most tests need, so a test
 * run makes one, and the server copies it.
 */
export async function newDatabaseWithLedger(): Promise<TestDatabase> {
  template ??= ledgerTemplate();
  return await newDatabase(`template ${await template}`);
}

/** The database of the run that has a ledger and nothing else. */
let template: Promise<string> | undefined;
/** Of the advisory lock under which one of the processes makes it. */
const MAKING = 7601;

async function ledgerTemplate(): Promise<string> {
  const name = process.env["SLUICE_TEST_LEDGER"]!;
  const admin = await (maker ??= connectMaker());
  await admin.query(`select pg_advisory_lock(${MAKING})`);
  try {
    const { rowCount } = await admin.query(`select from pg_database where datname = '${name}'`);
    if (rowCount === 0) {
      const made = newName("making");
      await admin.query(`create database ${made}`);
      {
        await using target = await openTarget({ to: addressOf(made) });
        await target.start();
        await ensureLedger(target);
      }
      await admin.query(`alter database ${made} rename to ${name}`);
    }
  } finally {
    await admin.query(`select pg_advisory_unlock(${MAKING})`);
  }
  return name;
}

/** @param options behind `create database NAME` */
export async function newDatabase(options = ""): Promise<TestDatabase> {
  if (server === undefined) throw new Error("no PostgreSQL for this test");
  const name = newName("test");
  const admin = await (maker ??= connectMaker());
  await admin.query(`create database ${name} ${options}`);
  const dsn = addressOf(name);
  const own = new pg.Client({ connectionString: dsn, types: { getTypeParser: () => (text: string) => text } });
  await own.connect();
  return {
    dsn,
    query: async (sql) => (await own.query<(string | null)[]>({ text: sql, rowMode: "array" })).rows,
    [Symbol.asyncDispose]: async () => {
      await own.end();
      await admin.query(`drop database ${name} with (force)`);
    },
  };
}

/** A folder that goes away with the test. */
export function newFolder(): AsyncDisposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "sluice-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The databases that every method must work on alike. Each has an empty ledger. */
export const databases: readonly { readonly name: string; open(): Promise<{ target: Target } & AsyncDisposable> }[] = [
  ...(server === undefined
    ? []
    : [
        {
          name: "PostgreSQL",
          open: async () => {
            const database = await newDatabaseWithLedger();
            const target = await openTarget({ to: database.dsn, connections: 3 });
            return {
              target,
              [Symbol.asyncDispose]: async () => {
                await target[Symbol.asyncDispose]();
                await database[Symbol.asyncDispose]();
              },
            };
          },
        },
      ]),
  {
    name: "PGlite",
    open: async () => {
      shared ??= openShared();
      const { target } = await shared;
      return {
        target,
        [Symbol.asyncDispose]: async () => void (await target.query(EMPTY)),
      };
    },
  },
];

/**
 * Removes what a test left. The ledger's tables stay with its version, as they take longer to make
 * than to empty.
 */
const EMPTY = `drop schema public cascade; create schema public;
  do $$ begin
    execute (select 'truncate ' || string_agg(format('sluice.%I', tablename), ', ') || ' restart identity cascade'
             from pg_tables where schemaname = 'sluice' and tablename <> 'ledger');
  end $$`;

/**
 * One embedded database for a test file, since making one takes seconds; each test gets it empty.
 */
let shared: Promise<{ target: Target; close(): Promise<void> }> | undefined;

async function openShared(): Promise<{ target: Target; close(): Promise<void> }> {
  const folder = newFolder();
  copyEmbedded(folder.path);
  const target = await openTarget({ folder: folder.path });
  await target.start();
  await ensureLedger(target);
  return {
    target,
    close: async () => {
      await target[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

afterAll(async () => (await shared)?.close());
