// Chunks of a table with a key, while the first of them cannot go on.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { expect, test } from "vitest";
import { runImport } from "../import.ts";
import { hold, newDatabase, newFolder, server } from "../test/database.ts";
import { openTarget } from "../database/open.ts";

const CHUNK = 100;

/**
 * Imports two chunks of ids, of which the first one meets an id that somebody else has not
 * committed yet; returns how many rows are in meanwhile, and which are rejected in the end.
 */
async function meanwhile(
  ids: readonly number[],
  until: string,
): Promise<readonly [seen: string, rejected: readonly number[]]> {
  await using database = await newDatabase();
  await using folder = newFolder();
  await using target = await openTarget({ to: database.dsn, connections: 2 });
  await database.query("create table people (id integer primary key, name text)");
  const file = join(folder.path, "people.csv");
  await writeFile(file, `id,name\n${ids.map((id) => `${id},name ${id}\n`).join("")}`);
  let seen = "";
  let importing: ReturnType<typeof runImport>;
  {
    await using _other = await hold(database, `insert into people values (${ids[5]!}, 'other')`);
    importing = runImport(background(), { file, target, table: "people", chunkRows: CHUNK, workers: 2 });
    // It must be looked at when it is over, also if the test fails before.
    importing.catch(() => undefined);
    for (;;) {
      const { rows } = await target.query(until);
      if (rows[0]![0] === "true") break;
    }
    seen = (await target.query("select count(*)::text from people")).rows[0]![0]!;
  }
  const { inserted, rejected, rejects } = await importing;
  expect(inserted + rejected).toBe(ids.length);
  return [seen, rejects.map(({ row }) => row)];
}

const firstWaits =
  "exists (select from pg_stat_activity where datname = current_database() and wait_event = 'transactionid')";
const ids = Array.from({ length: 2 * CHUNK }, (_, n) => n + 1);

test.skipIf(server === undefined)("the second one goes in if it can share no key with the first", async () => {
  const secondIsIn = `select (${firstWaits} and (select count(*) from people) = ${CHUNK})::text`;
  expect(await meanwhile(ids, secondIsIn)).toEqual([String(CHUNK), []]);
});

test.skipIf(server === undefined)("the second one waits if it may share a key with the first", async () => {
  // The last row has an id of the first chunk, which that has not come to: it is the last row that
  // is rejected.
  const shared = [...ids.slice(0, -1), 51];
  expect(await meanwhile(shared, `select (${firstWaits})::text`)).toEqual(["0", [2 * CHUNK + 1]]);
});
