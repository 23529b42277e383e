// The same command given again, as a supervisor or a scheduled job does it: what it prints, and how
// it ends.
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { run, start } from "../test/program.ts";
import { writeWorkbook } from "../test/workbook.ts";

const lines = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe.skipIf(server === undefined)("the same command again", () => {
  test("killed after its import has finished, the same command says so and writes its rejects", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const other = new pg.Client({ connectionString: database.dsn });
    await other.connect();
    // Whatever fails, its lock is let go of before the database is dropped.
    await using _other = { [Symbol.asyncDispose]: () => other.end() };
    // The last row waits for us, so that the rejects can be locked when they are in and before they
    // are read.
    await database.query(
      `create table people (id integer, name text not null);
       create function wait() returns trigger language plpgsql as
         $$ begin if new.id = 30 then perform pg_advisory_xact_lock(7); end if; return new; end $$;
       create trigger wait before insert on people for each row execute function wait();
       select pg_advisory_lock(7)`,
    );
    const rows = Array.from({ length: 30 }, (_, n) => `${n + 1},${n === 4 ? "" : "x"}\n`);
    const file = join(folder.path, "people.csv");
    await writeFile(file, `id,name\n${rows.join("")}`);
    const args = ["import", file, "--to", database.dsn, "--method", "batch", "--batch-size", "10", "--workers", "1"];
    const killed = start(folder.path, args);
    const waits =
      "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())";
    await expect.poll(() => database.query(waits), { timeout: 20_000 }).toEqual([["1"]]);
    await other.query("begin; lock table sluice.rejects in access exclusive mode");
    await database.query("select pg_advisory_unlock(7)");
    const states = (): Promise<unknown> => database.query("select state from sluice.imports");
    await expect.poll(states, { timeout: 20_000 }).toEqual([["finished"]]);
    killed.child.kill("SIGKILL");
    await killed.finished;
    await other.end();

    const again = await run(folder.path, ...args, "--rejects", "bad.csv");
    expect(again.stderr).toMatch(/^error: .*people\.csv was imported already, .*29 of 30 rows inserted.*1 rejected/);
    expect(again.code).toBe(4);
    expect(await readFile(join(folder.path, "bad.csv"), "utf8")).toMatch(/people\.csv,people,6,name,,missing_value/);
    expect(await database.query("select count(*), count(distinct id) from people")).toEqual([["29", "29"]]);

    // A beginning of it is completed; what somebody has repaired there stays.
    const whole = await readFile(join(folder.path, "bad.csv"));
    for (const [content, expected, said] of [
      [whole.subarray(0, 40), whole, /^\nAll of them, .*bad\.csv/],
      [Buffer.alloc(0), whole, /^\nAll of them, .*bad\.csv/],
      [
        Buffer.from("repaired"),
        Buffer.from("repaired"),
        /^bad\.csv has other content, so it stays .*\n.*imports \w+ --rejects FILE\.csv /,
      ],
    ] as const) {
      await writeFile(join(folder.path, "bad.csv"), content);
      const more = await run(folder.path, ...args, "--rejects", "bad.csv");
      expect([more.code, more.stdout]).toEqual([4, expect.stringMatching(said) as string]);
      expect((await readFile(join(folder.path, "bad.csv"))).toString()).toBe(expected.toString());
    }
    // One that is older than the import is of another one.
    await utimes(join(folder.path, "bad.csv"), 1, 1);
    await run(folder.path, ...args, "--rejects", "bad.csv");
    expect((await readFile(join(folder.path, "bad.csv"))).toString()).toBe(whole.toString());
    expect((await readdir(folder.path)).toSorted()).toEqual(["bad.csv", "people.csv"]);
  });

  test("each file and sheet is decided on its own; --json has the result of then; --again imports once more", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = (name: string, sheets: Record<string, string[][]>): Promise<string> =>
      writeWorkbook(join(folder.path, name), sheets);
    const one = await file("one.xlsx", { S: [["A"], ["1"]] });
    const two = await file("two.xlsx", { S: [["A"], ["2"]], T: [["A"], ["3"]] });
    const call = (...args: string[]): ReturnType<typeof run> =>
      run(folder.path, "import", ...args, "--to", database.dsn, "--table", "t", "--json");
    expect((await call(one, "--create")).code).toBe(0);

    // As the run that was cut off, it makes the table and adds to it.
    const both = await call(one, two, "--create");
    const [first, second] = lines(both.stdout);
    expect(first).toMatchObject({
      file: one,
      error: { code: "imported_already", message: expect.stringContaining("--again") as string },
      result: { table: "t", total: 1, inserted: 1, rejected: 0, interrupted: false },
    });
    expect(second).toMatchObject({ file: two, sheet: "S", inserted: 1 });
    expect(both.code).toBe(4);

    const sheets = await call(two, "--sheet", "all");
    expect(lines(sheets.stdout).map(({ error, inserted }) => (error ? "refused" : inserted))).toEqual(["refused", 1]);
    expect(sheets.code).toBe(4);

    expect((await call(join(folder.path, "none.xlsx"), one)).code).toBe(1);
    expect((await call(one, "--again")).code).toBe(0);
    expect(await database.query("select a from t order by 1")).toEqual([["1"], ["1"], ["2"], ["3"]]);
  });
});
