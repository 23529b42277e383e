// Columns that are not cells of the sheet.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background, withCancel } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { METHODS, type ImportOptions, type ImportResult, type Origin } from "../options.ts";
import { runImport } from "../import.ts";
import { table } from "../schema/schema.ts";
import type { Target } from "../target.ts";
import { databases, newFolder } from "../test/database.ts";
import { writeWorkbook } from "../test/workbook.ts";

async function imported(target: Target, file: string, options: Partial<ImportOptions> = {}): Promise<ImportResult> {
  const result = await runImport(background(), {
    target,
    file,
    fileName: "in/t.xlsx",
    table: "t",
    resume: "never",
    chunkRows: 2,
    ...options,
  });
  expect(result.total).toBe(result.inserted + result.updated + result.skipped + result.rejected);
  return result;
}

const all = async (target: Target): Promise<unknown> => (await target.query("select * from t order by 1, 2")).rows;
const added = (...pairs: [Origin, string][]): ReadonlyMap<Origin, string> => new Map(pairs);

describe.each(databases)("on $name", ({ open }) => {
  test.each(METHODS)("%s: --add says of each row where it comes from, and rejects keep their cells", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query(
      "drop table if exists t; create table t (name text, n integer check (n < 9), line integer, file text)",
    );
    const file = await writeWorkbook(join(folder.path, "t.xlsx"), {
      Data: [["Title"], ["name", "n"], ["a", 1], ["b", 9], [], ["c", "many"], ["d", null]],
    });
    const result = await imported(target, file, { method, add: added(["file", "file"], ["row", "line"]) });
    expect(result).toMatchObject({ inserted: 2, rejected: 2 });
    expect(await all(target)).toEqual([
      ["a", "1", "3", "in/t.xlsx"],
      ["d", null, "7", "in/t.xlsx"],
    ]);
    expect(result.rejects.map(({ row, cells }) => [row, cells])).toEqual([
      [4, ["b", ["n", "9"]]],
      [6, ["c", "many"]],
    ]);
  });

  test.each(METHODS)("%s: the title of a section is in each row below it, across chunks", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await writeWorkbook(join(folder.path, "t.xlsx"), {
      Data: [["name", "n", "m"], ["North"], ["a", 1, 1], ["b", "many", 2], ["c", 3, 3], ["South"], ["d", 4, 4]],
    });
    await target.query("drop table if exists t; create table t (name text, n integer, m integer, part text)");
    const add = added(["section", "part"]);
    const result = await imported(target, file, { method, add, limit: 4 });
    expect(result).toMatchObject({ inserted: 3, rejected: 1 });
    expect(result.rejects.map(({ row, cells }) => [row, cells])).toEqual([[4, ["b", "many", ["n", "2"]]]]);
    expect(await all(target)).toEqual([
      ["a", "1", "1", "North"],
      ["c", "3", "3", "North"],
      ["d", "4", "4", "South"],
    ]);
  });

  test("--add makes the columns of a new table, and with --migrate those that one lacks; a second source is refused", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = await writeWorkbook(join(folder.path, "t.xlsx"), {
      "S 1": [
        ["name", "row"],
        ["a", 1],
      ],
    });
    await expect(imported(target, file, { add: added(["row", "row"]) })).rejects.toMatchObject({
      code: "added_twice",
      exitCode: 2,
    });
    const add = added(["sheet", "sheet"], ["row", "line"]);
    await imported(target, file, { add });
    expect(await all(target)).toEqual([["a", "1", "S 1", "2"]]);
    const more = added(["file", "source"], ...add);
    await expect(imported(target, file, { add: more })).rejects.toMatchObject({ code: "missing_column" });
    await imported(target, file, { add: more, migrate: true, again: true });
    expect((await target.query("select source from t where source is not null")).rows).toEqual([["in/t.xlsx"]]);
  });

  test.each(METHODS)("%s: a schema makes columns from cells, transforms them and gives constants", async (method) => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("drop table if exists t");
    const schema = table({
      name: "t",
      columns: {
        mail: { transform: (text) => text?.toLowerCase() ?? null },
        whole: { from: ["First", "last name"], notNull: true },
        cents: {
          type: "integer",
          from: "Price",
          transform: (text) => (text === null ? null : Math.round(Number(text) * 100)),
        },
        price: { type: "numeric", header: "Price" },
        source: { value: "fair" },
      },
    });
    const file = await writeWorkbook(join(folder.path, "t.xlsx"), {
      S: [
        ["First", "Last Name", "Mail", "Price"],
        ["Ada", "Lovelace", "ADA@X.Y", 1.5],
        [null, "Hopper", "g@x.y", null],
        [null, null, "n@x.y", 2],
        ["Bob", "B", "b@x.y", "?"],
      ],
    });
    const result = await imported(target, file, { method, schema });
    expect(result).toMatchObject({ inserted: 2, rejected: 2, reasons: { invalid_number: 1, missing_value: 1 } });
    expect(await all(target)).toEqual([
      ["ada@x.y", "Ada Lovelace", "150", "1.5", "fair"],
      ["g@x.y", "Hopper", null, null, "fair"],
    ]);
  });

  test("an interrupted import goes on with the file's name of then, and needs its transforms again", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const file = join(folder.path, "t.csv");
    await writeFile(file, `n\n${Array.from({ length: 100 }, (_, n) => `${n}\n`).join("")}`);
    const schema = table({ name: "t", columns: { n: { type: "integer", transform: (text) => Number(text) + 1000 } } });
    const options = {
      target,
      file,
      table: "t",
      schema,
      add: added(["file", "file"], ["row", "line"]),
      chunkRows: 10,
    } as const;
    const [ctx, cancel] = withCancel(background());
    let commits = 0;
    const first = await runImport(ctx, {
      ...options,
      fileName: "old.csv",
      onProgress: () => void (++commits === 2 && cancel()),
    });
    expect(first.interrupted).toBe(true);
    const without = table({ name: "t", columns: { n: { type: "integer" } } });
    await expect(runImport(background(), { ...options, schema: without })).rejects.toMatchObject({
      code: "check_missing",
    });
    expect(await runImport(background(), { ...options, fileName: "new.csv" })).toMatchObject({
      id: first.id,
      inserted: 100,
    });
    expect(
      (await target.query("select min(n)::text, max(n)::text, min(file), max(file), sum(line)::text from t")).rows,
    ).toEqual([["1000", "1099", "old.csv", "old.csv", String((2 + 101) * 50)]]);
  });

  test("what a schema says of such columns is checked", () => {
    const make = (column: object) => (): unknown => table({ name: "t", columns: { a: column } });
    expect(make({ value: 1, from: "x" })).toThrow(/it has a value, and is made from cells as well/);
    expect(make({ from: [""] })).toThrow(/from names no headers/);
    expect(make({ transform: "upper" })).toThrow(/the transform is not a function/);
  });
});
