// The same import again where a key is to hold rows back: of each way in which it does not, and of
// its neighbour in which it does.
import { background, withCancel } from "@sluice/go/context";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import type { ImportOptions, ImportResult } from "../options.ts";
import { databases, newFolder } from "../test/database.ts";
import type { Target } from "../target.ts";

/** One of the rows has no key, and one has been deleted softly. */
const WITH_EMPTY = "id,name,deleted_at\n1,a,\n,b,\n3,c,2024-01-02\n";
const ALL_FILLED = "id,name,deleted_at\n1,a,\n2,b,\n3,c,\n";

interface Case {
  readonly what: string;
  readonly ddl: string;
  readonly text?: string;
  readonly options?: Partial<ImportOptions>;
  /** The reason; undefined if the import is done again and puts nothing in twice. */
  readonly why?: string;
}

const EMPTY_KEY = 'the key does not tell rows apart in which the key ("id") is empty';

const CASES: readonly Case[] = [
  { what: "a key that may be empty, and is", ddl: "id integer unique, name text", why: EMPTY_KEY },
  { what: "a key that may be empty, and is not", ddl: "id integer unique, name text", text: ALL_FILLED },
  { what: "a key that cannot be empty", ddl: "id integer not null unique, name text" },
  { what: "a key in which nothing equals nothing", ddl: "id integer, name text, unique nulls not distinct (id)" },
  {
    what: "a key of two columns, of which one may be empty",
    ddl: "id integer, name text not null, unique (id, name)",
    options: { key: ["id", "name"] },
    why: 'the key does not tell rows apart in which the key ("id", "name") is empty',
  },
  {
    what: "no key named, and an index with a column that the sheet does not bring",
    ddl: "id integer, name text, at timestamptz not null default clock_timestamp(), unique (id, at)",
    options: { key: [], onConflict: "skip" },
    why: "no unique index of the table has only columns that the sheet brings",
  },
  {
    what: "no key named, and one index of two that holds",
    ddl: "id integer unique, name text not null unique",
    options: { key: [], onConflict: "skip" },
  },
  {
    what: "a key whose empty cells get a default",
    ddl: "id serial not null unique, name text",
    options: { empty: "default" },
    why: 'the default of the key ("id") can be another one each time',
  },
  {
    what: "an index that leaves out what is deleted, and the sheet brings that",
    ddl: "id integer not null, name text, deleted_at date",
    why: "the key does not tell rows apart in which deleted_at is set",
  },
];

async function imported(
  target: Target,
  folder: string,
  text: string,
  options: Partial<ImportOptions>,
): Promise<ImportResult> {
  const file = join(folder, "people.csv");
  await writeFile(file, text);
  const map = new Map([["deleted_at", ""]]);
  return await runImport(background(), { target, file, table: "people", workers: 1, map, key: ["id"], ...options });
}

async function create(target: Target, ddl: string): Promise<void> {
  await target.query(`drop table if exists people; create table people (${ddl})`);
  if (ddl.includes("deleted_at")) await target.query("create unique index on people (id) where deleted_at is null");
}

async function held(target: Target): Promise<string> {
  return (await target.query("select count(*)::text from people")).rows[0]![0]!;
}

describe.each(databases)("on $name", ({ open }) => {
  test.each(CASES)("$what", async ({ ddl, text = WITH_EMPTY, options, why }) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const map = ddl.includes("deleted_at") ? new Map<string, string>() : new Map([["deleted_at", ""]]);
    for (const onConflict of ["skip", "update"] as const) {
      if (options?.onConflict !== undefined && options.onConflict !== onConflict) continue;
      await create(target, ddl);
      const wish = { map, ...options, onConflict };
      const first = await imported(target, folder.path, text, wish);
      const rows = await held(target);
      const error = await failureOf(imported(target, folder.path, text, wish));
      const rehearsal = await imported(target, folder.path, text, { ...wish, dryRun: true });
      const ahead = `without --again the import would be refused: this file was imported already`;
      expect(rehearsal.notes.some((note) => note.startsWith(ahead))).toBe(why !== undefined);
      if (why === undefined) {
        expect(error).toBeUndefined();
      } else {
        expect(error).toMatchObject({ code: "imported_already", exitCode: 4, result: { id: first.id } });
        expect((error as Error).message).toContain(`\nRows would be there twice although --on-conflict is given: ${why}.`); // prettier-ignore
        expect(await held(target)).toBe(rows);
        expect(await imported(target, folder.path, text, { ...wish, again: true })).toMatchObject({ total: 3 });
        expect(Number(await held(target))).toBeGreaterThan(Number(rows));
        continue;
      }
      expect(await held(target)).toBe(rows);
    }
  });

  test("an unfinished import of the file is not begun beside, if the key may be empty and is", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await create(target, "id integer unique, name text");
    const text = (last: string): string =>
      `id,name,deleted_at\n${Array.from({ length: 60 }, (_, n) => `${n === 3 ? "" : n},x,\n`).join("")}${last}`;
    const [ctx, cancel] = withCancel(background());
    const file = join(folder.path, "people.csv");
    await writeFile(file, text(""));
    const map = new Map([["deleted_at", ""]]);
    const wish = { table: "people", workers: 1, chunkRows: 5, map, key: ["id"], onConflict: "skip" } as const;
    const first = await runImport(ctx, { target, file, ...wish, onProgress: cancel });
    expect(first).toMatchObject({ interrupted: true });
    const before = await held(target);
    const error = await failureOf(imported(target, folder.path, text("99,y,\n"), wish));
    expect(error).toMatchObject({ code: "unfinished_import" });
    expect((error as Error).message).toContain(EMPTY_KEY);
    expect(await held(target)).toBe(before);
    await target.query("delete from people where id is null");
    expect(await imported(target, folder.path, text("99,y,\n"), wish)).toMatchObject({ total: 61 });
    expect(await held(target)).toBe("61");
  });

  test("an import that replaces the rows is done again whatever its key is", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await create(target, "id integer unique, name text");
    for (let n = 0; n < 2; n++)
      await imported(target, folder.path, WITH_EMPTY, { mode: "replace", onConflict: "skip" });
    expect(await held(target)).toBe("3");
  });
});
