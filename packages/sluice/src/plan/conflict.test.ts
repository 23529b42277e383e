// Rows that meet rows of the same key: in the table, in the file, and from another process at the
// same time.
import { background, withCancel } from "@sluice/go/context";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import type { Reject } from "../reject.ts";
import { table } from "../schema/schema.ts";
import { databases, newDatabase, newFolder, server } from "../test/database.ts";
import { writeWorkbook, type TestCell } from "../test/workbook.ts";
import { openTarget } from "../database/open.ts";
import type { Target } from "../target.ts";
import { ON_CONFLICT, type OnConflict, type ImportOptions, type ImportResult, METHODS } from "../options.ts";

const seed = Number(process.env["SEED"]) || Math.floor(Math.random() * 2 ** 31);

function randomFrom(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function imported(
  target: Target,
  file: string,
  options: Partial<ImportOptions>,
): Promise<{ result: ImportResult; rejects: Reject[] }> {
  const rejects: Reject[] = [];
  const result = await runImport(background(), {
    target, file, table: "people", chunkRows: 64, batchSize: 25, resume: "never",
    onRejects: (list) => void rejects.push(...list), ...options,
  }); // prettier-ignore
  expect(result.total).toBe(result.inserted + result.updated + result.skipped + result.rejected);
  return { result, rejects };
}

type Person = readonly [a: number | null, b: string, age: number];

/** What row after row leaves: the rule that every method must keep. */
function byRow(people: readonly Person[], before: readonly Person[], action: OnConflict): unknown {
  const kept = new Map<string, Person>();
  const loose: Person[] = [];
  const counts = { inserted: 0, updated: 0, skipped: 0, rejected: 0 };
  const keyOf = ([a, b]: Person): string => `${a}|${b}`;
  for (const person of before) kept.set(keyOf(person), person);
  for (const person of people) {
    if (person[2] >= 120) counts.rejected++;
    else if (person[0] === null) {
      loose.push(person);
      counts.inserted++;
    } else if (!kept.has(keyOf(person))) {
      kept.set(keyOf(person), person);
      counts.inserted++;
    } else if (action === "update") {
      kept.set(keyOf(person), person);
      counts.updated++;
    } else {
      counts[action === "skip" ? "skipped" : "rejected"]++;
    }
  }
  const rows = [...kept.values(), ...loose].map((row) => row.map((value) => (value === null ? null : String(value))));
  return { counts, rows: rows.map((row) => JSON.stringify(row)).sort() };
}

describe.each(databases)("on $name", ({ open }) => {
  test.each(ON_CONFLICT)("--on-conflict %s: every method leaves what row after row leaves", async (onConflict) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const random = randomFrom(seed);
    const before: Person[] = [[1, "x", 50], [2, "y", 51]]; // prettier-ignore
    const people = Array.from({ length: 150 }, (): Person => {
      const a = random(12) === 0 ? null : random(20);
      return [a, "xyz"[random(3)]!, random(10) === 0 ? 150 : random(100)];
    });
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), { S: [["a", "b", "age"], ...people] });
    const seen: Reject[][] = [];
    for (const method of METHODS) {
      await target.query(
        `drop table if exists people;
         create table people (id serial primary key, a integer, b text not null, age integer check (age < 120), unique (a, b));
         insert into people (a, b, age) values ${before.map(([a, b, age]) => `(${a}, '${b}', ${age})`).join(", ")}`,
      );
      const { result, rejects } = await imported(target, file, { method, onConflict, key: ["a", "b"] });
      const { inserted, updated, skipped, rejected } = result;
      const { rows } = await target.query("select a::text, b, age::text from people");
      expect(
        { counts: { inserted, updated, skipped, rejected }, rows: rows.map((row) => JSON.stringify(row)).sort() },
        `${method}, seed ${seed}`,
      ).toEqual(byRow(people, before, onConflict));
      seen.push(rejects);
    }
    for (const other of seen) expect(other, `seed ${seed}`).toEqual(seen[0]);
  });

  test("where another unique index has a say too, the sheet's order decides in every method", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows: TestCell[][] = [["id", "email"]];
    const random = randomFrom(seed);
    for (let n = 0; n < 80; n++) rows.push([random(15), `${"abcdefghijklmnopqrst"[random(20)]}@x.y`]);
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), { S: rows });
    const seen: unknown[] = [];
    for (const method of METHODS) {
      await target.query(
        "drop table if exists people; create table people (id integer primary key, email text unique)",
      );
      const { result, rejects } = await imported(target, file, { method, onConflict: "update" });
      const { inserted, updated, rejected } = result;
      seen.push({
        inserted,
        updated,
        rejected,
        rejects,
        rows: (await target.query("select * from people order by 1")).rows,
      });
    }
    for (const other of seen) expect(other, `seed ${seed}`).toEqual(seen[0]);
  });

  test("an interrupted import that updates ends like one that was not interrupted", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const rows = Array.from({ length: 300 }, (_, n) => [n % 70, `row ${n}`]);
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), { S: [["id", "name"], ...rows] });
    const schema = table({ name: "people", columns: { id: { type: "integer" }, name: {} }, key: ["id"] });
    for (const method of METHODS) {
      await target.query("drop table if exists people");
      const [ctx, cancel] = withCancel(background());
      const options = { target, file, schema, method, onConflict: "update", chunkRows: 64, batchSize: 25 } as const;
      let commits = 0;
      const first = await runImport(ctx, { ...options, onProgress: () => void (++commits === 2 && cancel()) });
      expect(first.interrupted).toBe(true);
      const result = await runImport(background(), options);
      expect(result).toMatchObject({ id: first.id, inserted: 70, updated: 230, total: 300 });
      expect(
        (await target.query("select count(*)::text, min(substr(name, 5)::integer)::text from people")).rows,
      ).toEqual([["70", "230"]]);
    }
  });

  test("rows that are deleted softly do not count, where the unique index leaves them out", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      `create table people (email text, name text, deleted_at timestamptz);
       create unique index on people (email) where deleted_at is null;
       insert into people values ('a@x.y', 'old', now()), ('b@x.y', 'old', null)`,
    );
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), {
      S: [["email", "name"], ["a@x.y", "new"], ["b@x.y", "new"]],
    }); // prettier-ignore
    const { result } = await imported(target, file, { onConflict: "update", key: ["email"] });
    expect(result).toMatchObject({ inserted: 1, updated: 1 });
    const { rows } = await target.query("select email, name, (deleted_at is null)::text from people order by 1, 3");
    expect(rows).toEqual([["a@x.y", "old", "false"], ["a@x.y", "new", "true"], ["b@x.y", "new", "true"]]); // prettier-ignore
  });

  test.each(["--key", "the schema's key"])("nor do they in a table that the import makes, by %s", async (by) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const columns = { email: {}, name: {}, deleted_at: { type: "timestamptz" } };
    const schema = table({ name: "people", columns, ...(by === "--key" ? {} : { key: ["email"] }) });
    const options: Partial<ImportOptions> = { schema, onConflict: "update", ...(by === "--key" && { key: ["email"] }) };
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), {
      S: [["email", "name"], ["a@x.y", "old"], ["b@x.y", "old"], ["b@x.y", "later"]],
    }); // prettier-ignore
    expect((await imported(target, file, options)).result).toMatchObject({ inserted: 2, updated: 1 });
    await target.query("update people set deleted_at = now() where email = 'a@x.y'");
    expect((await imported(target, file, options)).result).toMatchObject({ inserted: 1, updated: 2 });
    const { rows } = await target.query("select email, (deleted_at is null)::text from people order by 1, 2");
    expect(rows).toEqual([["a@x.y", "false"], ["a@x.y", "true"], ["b@x.y", "true"]]); // prettier-ignore
  });

  test("a key that cannot be one gets a message that says what to do", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table people (email text, name text, deleted_at timestamptz)");
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), { S: [["email"], ["a@x.y"]] });
    const failing = (options: Partial<ImportOptions>): Promise<unknown> => imported(target, file, options);
    await expect(failing({ onConflict: "skip", key: ["email"] })).rejects.toMatchObject({
      code: "no_unique_index",
      message: expect.stringContaining(
        'Make it: create unique index on "people" ("email") where deleted_at is null;',
      ) as string,
    });
    // Without an index nothing would be rejected either.
    await expect(failing({ key: ["email"] })).rejects.toMatchObject({ code: "no_unique_index" });
    await expect(failing({ onConflict: "update", key: ["mail"] })).rejects.toMatchObject({
      code: "unknown_key",
      exitCode: 2,
      message: expect.stringContaining("It has: email, name, deleted_at") as string,
    });
    await expect(failing({ onConflict: "update", key: ["name"] })).rejects.toMatchObject({ code: "key_not_loaded" });
    await expect(failing({ onConflict: "update" })).rejects.toMatchObject({ code: "no_key", exitCode: 2 });
    await target.query("create unique index on people (name)"); // which no header of the sheet goes to
    await expect(failing({ onConflict: "skip" })).rejects.toMatchObject({
      code: "no_key",
      exitCode: 2,
      message: expect.stringMatching(/^--on-conflict skip .* Name them: --key column,column$/) as string,
    });
    expect((await target.query("select count(*)::text from people")).rows).toEqual([["0"]]);
  });

  test.each([
    [
      "create unique index only_some on people (email) where name <> ''",
      /"only_some" over "email", which does not do: it covers only rows where \(?name/,
    ],
    ["alter table people add constraint later unique (email) deferrable", /"later" over "email", which is deferrable/],
  ])("a unique index that does not do is named, with why: %s", async (ddl, message) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(`create table people (email text, name text); ${ddl}`);
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), { S: [["email"], ["a@x.y"]] });
    const failing = imported(target, file, { onConflict: "update", key: ["email"] });
    await expect(failing).rejects.toMatchObject({
      code: "no_unique_index",
      message: expect.stringMatching(message) as string,
    });
    const advice = /(?:create unique index|alter table) .*;/.exec(
      (await failing.catch((error: Error) => error.message)) as string,
    )![0];
    await target.query(advice);
    const { result } = await imported(target, file, { onConflict: "update", key: ["email"] });
    expect(result).toMatchObject({ inserted: 1 });
  });

  test("a table that the import makes gets a unique constraint over the key", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), { S: [["email", "n"], ["a", 1], ["a", 2]] }); // prettier-ignore
    const { result } = await imported(target, file, { onConflict: "update", key: ["email"] });
    expect(result).toMatchObject({ inserted: 1, updated: 1 });
    expect((await target.query("select * from people")).rows).toEqual([["a", "2"]]);
  });
});

test.skipIf(server === undefined)(
  "several processes that write the same keys neither fail nor lose a row",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query("create table people (id integer primary key, name text)");
    const files = await Promise.all(
      [0, 1, 2].map((n) => {
        const random = randomFrom(seed + n);
        const rows = Array.from({ length: 250 }, (_, row) => [random(50), `${n}: ${row}`]);
        return writeWorkbook(join(folder.path, `${n}.xlsx`), { S: [["id", "name"], ...rows] });
      }),
    );
    for (const method of ["batch", "copy"] as const) {
      const results = await Promise.all(
        files.map(async (file) => {
          await using target = await openTarget({ to: database.dsn, connections: 2 });
          return (await imported(target, file, { method, onConflict: "update" })).result;
        }),
      );
      for (const result of results)
        expect(result, `seed ${seed}`).toMatchObject({ total: 250, rejected: 0, skipped: 0 });
      expect(await database.query("select count(*) from people")).toEqual([["50"]]);
    }
  },
);
