// Servers that lose what they had acknowledged: put back to an earlier state of their disk while an
// import runs, as when a replica takes over that is behind, or crashed while the user's setting
// lets commits wait.
import { join } from "node:path";
import { background, withCancel } from "@sluice/go/context";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { runImport } from "../import.ts";
import { table } from "../schema/schema.ts";
import { newFolder, type TestDatabase } from "../test/database.ts";
import { faulty } from "../test/faults.ts";
import { databaseOn, keepState, ownServer } from "../test/own-server.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { openTarget } from "../database/open.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import type { Target } from "../target.ts";
import { type ImportOptions, type ImportResult, METHODS } from "../options.ts";

const server = await ownServer("-F");
/** Commits wait for ever, but for a setting of the session that does not let them. */
const hasty = await ownServer("-F", "-c synchronous_commit=off", "-c wal_writer_delay=10s");
afterAll(() => {
  server?.remove();
  hasty?.remove();
});

const ROWS = 300;
const BAD = 6;
const CHUNK = 20;
const people = table({
  name: "people",
  columns: { id: { type: "integer" }, age: { type: "integer" } },
  indexes: ["id"],
});

async function example(): Promise<string> {
  const folder = newFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const rows = Array.from({ length: ROWS }, (_, n) => [n, n % 50 === 7 ? "old" : n]);
  return await writeWorkbook(join(folder.path, "people.xlsx"), { People: [["Id", "Age"], ...rows] });
}

async function place(on = server!): Promise<TestDatabase & { readonly target: Target }> {
  const database = await databaseOn(on);
  const target = await openTarget({ to: database.dsn, connections: 2 });
  onTestFinished(async () => {
    await target[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  return { ...database, target };
}

/** In small pieces; `at` is called after each commit with how many there have been. */
function imported(
  target: Target,
  file: string,
  at: (commits: number) => void,
  options: Partial<ImportOptions> = {},
): Promise<ImportResult> {
  let commits = 0;
  const onProgress: ImportOptions["onProgress"] = ({ phase }) => (phase === "rows" ? at(++commits) : undefined);
  const sizes = { chunkRows: CHUNK, batchSize: CHUNK, workers: 2 };
  return runImport(background(), { target, file, schema: people, ...sizes, onProgress, ...options });
}

/** All that must be in the end, whatever happened. */
async function expectAll({ query }: TestDatabase, result: ImportResult): Promise<void> {
  const counts = { total: ROWS, inserted: ROWS - BAD, updated: 0, skipped: 0, rejected: BAD };
  expect(result).toMatchObject({ ...counts, interrupted: false });
  const all = [[String(ROWS - BAD), String(ROWS - BAD)]];
  expect(await query("select count(*), count(distinct id) from people")).toEqual(all);
  expect(await query("select state, total, inserted, rejected, indexes::text from sluice.imports")).toEqual([
    ["finished", String(ROWS), String(ROWS - BAD), String(BAD), "[]"],
  ]);
  expect(await query("select sum(inserted), sum(rejected) from sluice.chunks")).toEqual([
    [String(ROWS - BAD), String(BAD)],
  ]);
  expect(await query("select count(*) from sluice.rejects")).toEqual([[String(BAD)]]);
}

const PUT_AGAIN = expect.stringMatching(/^the database lost commits .* have been put in again$/) as string;

describe.skipIf(!server)("a server that is put back to what it was", () => {
  test.each(METHODS)("%s: rows that it lost go in again, and no others", async (method) => {
    const { target, ...database } = await place();
    let restore: (() => void) | undefined;
    const result = await imported(
      target,
      await example(),
      (commits) => {
        // Where rows go in one by one, a chunk is a third of the sheet.
        if (commits === 1) restore = keepState(server!); // race:ignore: commits are told of in their order
        if (commits === 2) restore!(); // race:ignore: after the first
      },
      // With two workers the second chunk may be in the state that is kept.
      { method, workers: 1 },
    );
    await expectAll(database, result);
    expect(result.notes).toContainEqual(PUT_AGAIN);
    expect(result.notes).toContainEqual(expect.stringMatching(/^resumed import/));
  });

  test("what it loses after the last row is found out before the import is finished", async () => {
    const { target, ...database } = await place();
    let restore: (() => void) | undefined;
    const result = await imported(
      target,
      await example(),
      (commits) => {
        if (commits === 3) restore = keepState(server!);
        if (commits === ROWS / CHUNK) restore!();
      },
      { method: "batch" },
    );
    await expectAll(database, result);
    expect(result.notes).toContainEqual(PUT_AGAIN);
  });

  test("an import that it knows nothing of any more begins anew", async () => {
    const { target, ...database } = await place();
    const restore = keepState(server!);
    const result = await imported(target, await example(), (commits) => {
      if (commits === 5) restore();
    });
    await expectAll(database, result);
    expect(result.notes).toContainEqual(PUT_AGAIN);
    expect(result.notes).not.toContainEqual(expect.stringMatching(/^resumed import/));
  });

  test("an import whose takeover it lost is taken over once more", async () => {
    const { target, ...database } = await place();
    const file = await example();
    const [ctx, cancel] = withCancel(background());
    const options = { target, file, schema: people, chunkRows: CHUNK, workers: 1 };
    const first = await runImport(ctx, { ...options, onProgress: () => cancel() });
    expect(first.interrupted).toBe(true);
    const restore = keepState(server!);
    const result = await imported(target, file, (commits) => {
      if (commits === 5) restore();
    });
    await expectAll(database, result);
    expect(result.id).toBe(first.id);
    expect(result.notes).toContainEqual(PUT_AGAIN);
  });

  test("all rows in one transaction: where it lost that, they go in again", async () => {
    const { query, dsn } = await place();
    const restore = keepState(server!);
    let [committed, restored] = [false, false];
    const fault = (sql: string): undefined => {
      // The first message after the one that commits.
      if (committed && !restored) {
        restored = true;
        restore();
      }
      committed ||= sql.includes("sluice.commit_rows(") && sql.endsWith("commit");
    };
    await using target = new SqlTarget(faulty(postgresDatabase(dsn, 1), fault), 30_000);
    const result = await imported(target, await example(), () => undefined, { atomic: true });
    expect(restored).toBe(true);
    await expectAll({ query } as TestDatabase, result);
    expect(result.notes).toContainEqual(PUT_AGAIN);
  });

  test("one that loses commits again and again is given up, and the same command goes on", async () => {
    const { target, ...database } = await place();
    const file = await example();
    let restore: (() => void) | undefined;
    let seen = 0;
    const failure = await imported(target, file, () => {
      if (++seen === 2) restore = keepState(server!); // race:ignore: commits are told of in their order
      else if (seen % 4 === 0) restore?.(); // race:ignore: after the second
    }).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({
      code: "commits_lost",
      message: expect.stringMatching(
        /has lost commits that it had acknowledged[^]*Go on with: the same command/,
      ) as string,
    });
    await expectAll(database, await imported(target, file, () => undefined));
  });
});

describe.skipIf(!hasty)("a server that lets commits wait (synchronous_commit = off)", () => {
  test.each(METHODS)("%s: what an import has finished is there after a crash", async (method) => {
    const { target, ...database } = await place(hasty);
    const result = await imported(target, await example(), () => undefined, { method });
    hasty!.stop();
    hasty!.start();
    await expectAll(database, result);
  });

  test.each(METHODS)("%s: an import during which it crashes loses nothing", async (method) => {
    const { target, ...database } = await place(hasty);
    const result = await imported(
      target,
      await example(),
      (commits) => {
        if (commits !== 2) return;
        hasty!.stop();
        hasty!.start();
      },
      { method },
    );
    await expectAll(database, result);
    expect(result.notes).not.toContainEqual(PUT_AGAIN);
  });

  test("commits that a trigger lets wait are put in again where a crash loses them", async () => {
    const { target, ...database } = await place(hasty);
    await database.query(`create table people (id integer, age integer);
      create function hurry() returns trigger language plpgsql as
        $$ begin perform set_config('synchronous_commit', 'off', true); return null; end $$;
      create trigger hurry after insert on people for each statement execute function hurry()`);
    const result = await imported(target, await example(), (commits) => {
      if (commits !== 6) return;
      hasty!.stop();
      hasty!.start();
    });
    await expectAll(database, result);
    expect(result.notes).toContainEqual(PUT_AGAIN);
  });

  test.each(["local", "remote_write", "on", "remote_apply"])(
    "the setting %s stays as it was chosen",
    async (chosen) => {
      const { query, dsn } = await place(hasty);
      await query(`alter database ${new URL(dsn).pathname.slice(1)} set synchronous_commit = ${chosen}`);
      await using target = await openTarget({ to: dsn });
      expect((await target.query("show synchronous_commit")).rows).toEqual([[chosen]]);
    },
  );
});

test.skipIf(!server)("an import into a server without fsync says what that means", async () => {
  const { target } = await place();
  const result = await imported(target, await example(), () => undefined);
  expect(result.notes).toContainEqual(expect.stringMatching(/^the server runs with fsync off: if its machine crashes/));
});
