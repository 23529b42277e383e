// Texts that are damaged or written in another way than expected: one bad line costs one line, and
// every message offers what works.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import type { ImportOptions, ImportResult } from "../options.ts";
import type { Target } from "../target.ts";
import { databases, newFolder } from "./database.ts";

async function imported(
  target: Target,
  folder: { readonly path: string },
  content: string | Buffer,
  options: Partial<ImportOptions> = {},
): Promise<ImportResult> {
  const file = join(folder.path, "t.csv");
  await writeFile(file, content);
  return await runImport(background(), { target, file, table: "t", resume: "never", ...options });
}

const rowsOf = async (target: Target): Promise<unknown> => (await target.query("select * from t order by 1")).rows;

describe.each(databases)("on $name", ({ open }) => {
  test("a byte that is not UTF-8 rejects its row; the other letters stay", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const text = Buffer.from("id,name\n1,Zoë\n2,Łódź\n3,caf#\n4,Ōsaka\n5,\u{1F600}é\n");
    text[text.indexOf("#")] = 0xe9;
    const result = await imported(target, folder, text);
    expect(result).toMatchObject({ inserted: 4, rejected: 1, reasons: { invalid_encoding: 1 } });
    expect(result.rejects[0]).toMatchObject({ row: 4, cells: ["3", "caf?"] });
    expect(await rowsOf(target)).toEqual([
      ["1", "Zoë"],
      ["2", "Łódź"],
      ["4", "Ōsaka"],
      ["5", "\u{1F600}é"],
    ]);
    await target.query("drop table t");
    const header = Buffer.from("id,n#me,städte\n1,Zoë,Łódź\n");
    header[header.indexOf("#")] = 0xe9;
    await expect(imported(target, folder, header)).rejects.toMatchObject({
      code: "bad_encoding",
      message: expect.stringContaining("the header (row 1)") as string,
    });
  });

  test("a dump of a database is read as one, and that is said; --escape none reads it as it stands", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const text = "id\tname\tcountry\n1\tx\\ty\tNA\n2\t\\N\tC:\\\\new\n";
    const result = await imported(target, folder, text);
    expect(result.notes).toContain(
      "the text is a dump of a database: \\N is an empty cell, and backslashes escape (--escape none reads them as they stand)",
    );
    expect(await rowsOf(target)).toEqual([["1", "x\ty", "NA"], ["2", null, "C:\\new"]]); // prettier-ignore
    await target.query("drop table t");
    const stated = await imported(target, folder, text, { csv: { escape: "none" } });
    expect(stated.notes.join()).not.toMatch(/dump/);
    expect(await rowsOf(target)).toEqual([["1", "x\\ty", "NA"], ["2", "\\N", "C:\\\\new"]]); // prettier-ignore
    await target.query("drop table t");
    await imported(target, folder, "id,name\n1,\\N\n2,a\\,b\n", { csv: { escape: "backslash" } });
    expect(await rowsOf(target)).toEqual([["1", null], ["2", "a,b"]]); // prettier-ignore
  });

  test("a row with a bad byte is rejected beside a row that is no record, too", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const text = Buffer.from("id,name\n1,Zoë Łódź\nid,name\n2,caf#\n3,Ōsaka \u{1F600}é\n");
    text[text.indexOf("#")] = 0xe9;
    const result = await imported(target, folder, text);
    expect(result).toMatchObject({ inserted: 2, reasons: { invalid_encoding: 1 } });
    expect(result.rejects.map(({ row }) => row)).toEqual([4]);
  });

  test("lines that end early are counted and named; those that end with their last field are not", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const early = await imported(target, folder, "a,b,c\n1,2,3\n4,5\n6,7,\n8\n");
    expect(early.notes).toContain("2 rows ended before the last column: 3 and 5; what is missing there is NULL");
    await target.query("drop table t");
    const whole = await imported(target, folder, "a,b,c\n1,2,3\n6,7,\n");
    expect(whole.notes.join("\n")).not.toMatch(/ended before|cut off/);
    const dry = await imported(target, folder, "a,b,c\n1,2,3\n4\n", { dryRun: true });
    expect(dry.notes).toContain("1 row ended before the last column: 3; what is missing there is NULL");
  });

  test("a text may be cut off if its last line has no end and fewer fields than the one above", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    for (const [text, said] of [
      ["1,2,3\n4,5", true],
      ["1,2,3\n4,5\n", false],
      ["1,2,3\n4,5,6", false],
      ["1,2\n4,5", false],
    ] as const) {
      const { notes } = await imported(target, folder, `a,b,c\n${text}`);
      expect(
        notes.some((note) => /^row 3 is the last one, .* the text may be cut off there$/.test(note)),
        `after ${text}`,
      ).toBe(said);
      await target.query("drop table t");
    }
  });

  test("a long field is refused with the option that takes it", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    const long = "x".repeat(4 * 1024 * 1024);
    expect(await imported(target, folder, `id,body\n1,${long}\n`)).toMatchObject({ inserted: 1 });
    await expect(imported(target, folder, `id,body\n1,${long}y\n`)).rejects.toMatchObject({ code: "limit" });
    const { message } = (await imported(target, folder, `id,body\n1,${long}y\n`).catch(
      (error: Error) => error,
    )) as Error;
    expect(message).toContain("cellBytes = 4194304");
    expect(
      await imported(target, folder, `id,body\n1,${long}y\n`, { limits: { cellBytes: 4 * 1024 * 1024 + 1 } }),
    ).toMatchObject({
      inserted: 1,
    });
  });

  test("a date in another notation is rejected with its readings and the option that settles it", async () => {
    await using folder = newFolder();
    await using database = await open();
    const { target } = database;
    await target.query("create table t (ref text, day date)");
    const text = "ref,day\na,01/02/2024\nb,03/03/2024\n";
    const { rejects } = await imported(target, folder, text);
    expect(rejects.map(({ reason }) => reason)).toEqual([
      'two readings, 2024-02-01 and 2024-01-02: say which with --type "day=date(DD/MM/YYYY)" or --type "day=date(MM/DD/YYYY)"',
      'day and month may stand in either order: say which with --type "day=date(DD/MM/YYYY)" or --type "day=date(MM/DD/YYYY)"',
    ]);
    const types = [...rejects[0]!.reason.matchAll(/day=(date\([^)]*\))/g)];
    expect(types.length).toBeGreaterThan(0);
    for (const [, type] of types) {
      expect(await imported(target, folder, text, { types: new Map([["day", type!]]) })).toMatchObject({ inserted: 2 });
    }
    expect(await rowsOf(target)).toEqual([
      ["a", "2024-02-01"],
      ["a", "2024-01-02"],
      ["b", "2024-03-03"],
      ["b", "2024-03-03"],
    ]);
    const other = await imported(target, folder, "ref,day\na,31.12.2024\nb,31.12.2024\nc,2024-01-01\nd,yesterday\n");
    expect(other.rejects.map(({ row, reason }) => [row, reason])).toEqual([
      [2, 'a date that is not ISO: say how it is written with --type "day=date(DD.MM.YYYY)"'],
      [3, 'a date that is not ISO: say how it is written with --type "day=date(DD.MM.YYYY)"'],
      [5, "not a date (a date cell, or text like 2020-01-31)"],
    ]);
  });
});
