// A hot standby: it can be read, so it looks like a server that takes rows until something is
// written.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { FleetDatabase } from "../server/fleet/database.ts";
import { newFolder, server } from "../test/database.ts";
import { databaseOn, ownServer } from "../test/own-server.ts";
import { openTarget } from "./open.ts";

describe.skipIf(server === undefined)("a hot standby", () => {
  test("is refused by what it is, for an import and for a fleet, and takes rows when it is the primary", async () => {
    const primary = await ownServer();
    if (!primary) return;
    try {
      await using database = await databaseOn(primary);
      const atPrimary = new FleetDatabase({ dsn: database.dsn, connections: 1, role: "worker", log: () => undefined });
      await atPrimary.start();
      await atPrimary[Symbol.asyncDispose]();
      await database.query("create table people (name text, age integer)");
      using standby = await primary.follow();
      const there = new URL(standby.url);
      there.pathname = new URL(database.dsn).pathname;
      await using folder = newFolder();
      const file = join(folder.path, "people.csv");
      await writeFile(file, "name,age\nAda,36\n");
      const imported = async (): Promise<unknown> => {
        await using target = await openTarget({ to: there.href, connections: 1, reconnectMs: 0 });
        return await runImport(background(), { target, file });
      };
      const refusal = {
        code: "standby",
        message: expect.stringContaining("Give the address of the primary.") as string,
      };
      await expect(imported()).rejects.toMatchObject(refusal);
      const joined = async (): Promise<void> => {
        await using fleet = new FleetDatabase({
          dsn: there.href,
          connections: 1,
          role: "worker",
          log: () => undefined,
        });
        await fleet.start();
      };
      await expect(joined()).rejects.toMatchObject(refusal);
      standby.promote();
      expect(await imported()).toMatchObject({ inserted: 1, rejected: 0 });
      await joined();
    } finally {
      primary.remove();
    }
  });
});
