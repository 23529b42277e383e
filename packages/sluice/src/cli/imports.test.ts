// `sluice imports`, `sluice init` and --resume as a user meets them: every case runs the real
// program.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { LEDGER_VERSION } from "../ledger/schema.ts";
import { newDatabase, newFolder, server, type TestDatabase } from "../test/database.ts";
import { EXAMPLE, run, start } from "../test/program.ts";
import { writeWorkbook } from "../test/workbook.ts";

const withServer = test.skipIf(server === undefined);

/** Imports the example by the slowest method and presses Ctrl-C after some rows. */
async function interrupted(folder: string, database: TestDatabase, ...more: string[]): Promise<string> {
  const { child, finished } = start(folder, ["import", EXAMPLE, "--method", "sequential", ...more]);
  for (;;) {
    const found = await database.query("select to_regclass('sluice.chunks') is not null").catch(() => [["f"]]);
    if (found[0]![0] === "t" && Number((await database.query("select count(*) from sluice.chunks"))[0]![0]) > 1) break;
    await sleep(20);
  }
  child.kill("SIGINT");
  const { code, stdout } = await finished;
  expect(code).toBe(130);
  return stdout;
}

describe.skipIf(server === undefined)("going on", () => {
  withServer("Ctrl-C prints the command that goes on, without a password, and it works", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const url = new URL(database.dsn);
    url.password = "s3cret";
    const stdout = await interrupted(folder.path, database, "--to", url.href, "--rejects", "bad.csv");
    expect(stdout).not.toContain("s3cret");
    const command = /Go on with:  npx sluice (import .*)\n/.exec(stdout)![1]!;
    expect(command).toMatch(/ --resume \w{10} --rejects bad\.csv --to postgres:\/\//);
    const result = await run(folder.path, ...command.split(" "), "--json");
    expect(result.code).toBe(3);
    expect(JSON.parse(result.stdout)).toMatchObject({
      method: "sequential",
      total: 10_000,
      inserted: 9_987,
      rejected: 13,
    });
    expect(await database.query("select count(*) from businesses")).toEqual([["9987"]]);
    // Those of the part before, too.
    expect((await readFile(join(folder.path, "bad.csv"), "utf8")).trim().split("\n")).toHaveLength(1 + 13);
  });

  withServer("--resume with an option that says something else than the import began with is refused", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const to = ["--to", database.dsn];
    await interrupted(folder.path, database, ...to, "--map", "Website=");
    const [[id]] = (await database.query("select id from sluice.imports")) as [[string]];
    const rows = await database.query("select count(*) from businesses");
    const resume = (...more: string[]): ReturnType<typeof run> =>
      run(folder.path, "import", EXAMPLE, "--resume", id, ...to, ...more);
    for (const [options, difference] of [
      [["--method", "copy"], "--method copy was given, and it was begun with --method sequential."],
      [["--table", "other"], "--table other was given, and it was begun with --table businesses."],
      [["--on-conflict", "skip"], "--on-conflict skip was given, and it was begun with --on-conflict error."],
      [["--key", "email"], "--key email was given, and it was begun with none."],
      [["--map", "Website=site"], '--map "Website=site" was given, and it was begun with --map "Website=".'],
      [["--type", "phone=text"], '--type "phone=text" was given, and it was begun with none.'],
      [["--range", "A1:B50"], "--range was given, and it was begun without."],
      [["--replace"], "--replace was given, and it was begun without."],
      [["--null", "-", "--limit", "5"], "--null was given, and it was begun without; --limit was given"],
      [
        ["--key", "b,a", "--table", "x"],
        "--table x was given, and it was begun with --table businesses; --key a,b was",
      ],
    ] as const) {
      const { code, stderr } = await resume(...options);
      expect(stderr).toContain(
        `error: the import ${id} was begun otherwise, and goes on as it was begun: ${difference}`,
      );
      expect(code).toBe(2);
    }
    expect(await database.query("select count(*) from businesses")).toEqual(rows);
    const same = ["--method", "sequential", "--table", "businesses", "--on-conflict", "error", "--map", "Website="];
    const { code, stdout } = await resume(...same, "--json");
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ id, total: 10_000 });
  });

  withServer("Ctrl-C in the middle of --replace says that the table holds what it held before", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const to = ["--to", database.dsn];
    await run(folder.path, "import", EXAMPLE, ...to);
    const before = await database.query("select count(*), max(id) from businesses");
    const { child, finished } = start(folder.path, ["import", EXAMPLE, "--replace", "--method", "sequential", ...to]);
    const deleting = `select from pg_locks where relation = 'businesses'::regclass and mode = 'RowExclusiveLock'`;
    while ((await database.query(deleting)).length === 0) await sleep(20);
    child.kill("SIGINT");
    const { code, stdout } = await finished;
    expect(code).toBe(130);
    expect(stdout).toContain('No row was changed: the table "businesses" holds what it held before. Go on with: ');
    expect(stdout).not.toContain("deleted");
    expect(await database.query("select count(*), max(id) from businesses")).toEqual(before);
  });

  withServer("the list and the page of an import that was interrupted, cancelled and deleted", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const to = ["--to", database.dsn];
    expect((await run(folder.path, "imports", ...to)).stdout).toBe("No imports yet.\n");
    await interrupted(folder.path, database, ...to, "--rejects", "bad.csv");
    const [one] = JSON.parse((await run(folder.path, "imports", ...to, "--json")).stdout) as [
      { id: string; inserted: number },
    ];
    expect(one).toMatchObject({
      state: "running",
      active: false,
      file: EXAMPLE,
      table: "businesses",
      method: "sequential",
    });
    const list = await run(folder.path, "imports", ...to);
    expect(list.stdout).toMatch(new RegExp(`^id .*\\n${one.id} .* interrupted .* businesses`));
    const page = await run(folder.path, "imports", one.id, ...to);
    expect(page.stdout).toMatch(/^import +\w{10}\nstate +interrupted\n/);
    expect(page.stdout).toMatch(/^process +was \d+ on /m);
    expect(page.stdout).toContain(`go on with  npx sluice import ${EXAMPLE} --resume ${one.id} --to postgres://`);
    const refused = await run(folder.path, "imports", "delete", one.id, ...to);
    expect(refused.stderr).toMatch(
      new RegExp(
        `^error: the import ${one.id} of .* is not finished: ${one.inserted} rows? of it (?:is|are) in the table "businesses" and would stay there`,
      ),
    );
    expect(refused.stderr).toContain(`npx sluice imports delete ${one.id} --force`);
    expect(refused.code).toBe(1);
    expect((await run(folder.path, "imports", one.id, ...to)).stdout).toBe(page.stdout);
    const cancelled = await run(folder.path, "imports", "cancel", one.id, ...to, "--json");
    expect(JSON.parse(cancelled.stdout)).toMatchObject({ state: "cancelled", inserted: one.inserted, indexes: [] });
    const again = await run(folder.path, "import", EXAMPLE, "--resume", one.id, ...to);
    expect(again.stderr).toMatch(/^error: the import \w+ is cancelled: there is nothing to resume/);
    expect(again.code).toBe(1);
    expect((await run(folder.path, "imports", "delete", one.id, ...to)).stdout).toContain("are still there");
    expect((await run(folder.path, "imports", one.id, ...to)).stderr).toMatch(/^error: there is no import/);
    expect((await run(folder.path, "imports", ...to)).stdout).toBe("No imports yet.\n");
  });

  withServer("--force deletes an import that is not finished, and says what that means", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const to = ["--to", database.dsn];
    await interrupted(folder.path, database, ...to);
    const [[id]] = (await database.query("select id from sluice.imports")) as [[string]];
    const { stdout } = await run(folder.path, "imports", "delete", id, ...to, "--force");
    expect(stdout).toContain("are still there.\nNothing tells any more that they are in");
    expect(await database.query("select count(*) from sluice.imports")).toEqual([["0"]]);
  });

  withServer("--keep-history deletes what ended longer ago, and only that", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const to = ["--to", database.dsn];
    const file = await writeWorkbook(join(folder.path, "one.xlsx"), { S: [["A"], ["1"]] });
    await run(folder.path, "import", file, ...to);
    await database.query("update sluice.imports set finished_at = finished_at - interval '10 days'");
    expect((await run(folder.path, "imports", "--keep-history", "11", ...to)).stdout).toContain("history of 0 imports");
    await run(folder.path, "import", file, "--again", "--keep-history", "9", ...to);
    expect(await database.query("select count(*) from sluice.imports")).toEqual([["1"]]);
  });
});

withServer(
  "sluice init --print-sql prints what makes the ledger, and sluice init makes it, as often as one likes",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const printed = await run(folder.path, "init", "--print-sql");
    expect(printed.stdout).toMatch(/^-- grant usage on schema sluice to ROLE;$/m);
    for (let n = 0; n < 2; n++) {
      await database.query(printed.stdout);
      expect((await run(folder.path, "init", "--to", database.dsn)).stdout).toMatch(
        /^The ledger is in postgres:\/\/.*, schema sluice\.\n$/,
      );
    }
    expect(await database.query("select version from sluice.ledger")).toEqual([[String(LEDGER_VERSION)]]);
  },
);
