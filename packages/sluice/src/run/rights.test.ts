// A right that is missing: the message has the statement that grants it, and that is enough.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { describeError, failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import { openTarget } from "../database/open.ts";
import type { ImportOptions } from "../options.ts";
import { newDatabaseWithLedger, newFolder, newName, server } from "../test/database.ts";

describe.skipIf(server === undefined)("a right on a column that is missing is named with its column", () => {
  const keyed = { onConflict: "update", key: ["k"] } as const;
  const cases: [granted: string, said: string, options: Partial<ImportOptions>][] = [
    ["insert (k, v)", 'lacks the right to insert on "w": grant insert ("w") on "t" to', {}],
    ["insert (k, v)", 'lacks the right to insert on "w"', { method: "batch" }],
    ["select", 'lacks the right to insert on "k", "v", "w"', { method: "sequential" }],
    ["insert, select, update (v)", 'lacks the right to update on "w"', { ...keyed, method: "batch" }],
    [
      "insert, select (k, v)",
      'lacks the right to update on "v", "w", and to select: grant update ("v", "w"), select on "t" to',
      keyed,
    ],
  ];
  test.each(cases)("%s is granted: %s", async (granted, said, options) => {
    await using folder = newFolder();
    await using database = await newDatabaseWithLedger();
    const file = join(folder.path, "t.csv");
    await writeFile(file, "k,v,w\n1,a,b\n");
    const role = newName("rights");
    const url = new URL(database.dsn);
    url.username = role;
    url.password = "secret";
    await database.query(`create role ${role} login password 'secret'; create table t (k integer primary key, v text, w text);
      grant usage on schema sluice to ${role}; grant select, insert, update, delete on all tables in schema sluice to ${role};
      grant ${granted} on t to ${role}`);
    try {
      await using target = await openTarget({ to: url.href });
      const run = async () => await runImport(background(), { file, target, table: "t", ...options });
      const { code, message } = describeError(await failureOf(run()));
      expect(code).toBe("42501");
      expect(message).toContain(`The user ${role} ${said}`);
      await database.query(/grant .*/.exec(message)![0]);
      expect(await run()).toMatchObject({ inserted: 1, rejected: 0 });
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
