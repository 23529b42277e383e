// Workbooks of other formats leave what the same workbook leaves as .xlsx, and the service takes an
// .xls.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as sheetJs from "@e965/xlsx";
import { describe, expect, test } from "vitest";
import { background } from "@sluice/go/context";
import { open } from "@sluice/sheets";
import { businesses } from "../schema/businesses.ts";
import { runImport } from "../import.ts";
import { HEADER, business, startService, waitingForLock } from "../server/test/service.ts";
import { openTarget } from "../database/open.ts";
import { hold, newDatabase, newFolder, server } from "./database.ts";
import { writeWorkbook } from "./workbook.ts";
import { EXAMPLE, run, start } from "./program.ts";

describe.skipIf(server === undefined)("other formats", () => {
  test("the example as .xls and .xlsb leaves what it leaves as .xlsx", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn });
    // The library takes minutes to write all of it. What looks like an escape of Excel's would be
    // one in the .xlsx.
    const rows: string[][] = [];
    await using example = await open(EXAMPLE);
    for await (const { values, width } of example.sheet().rows({ to: 1_200 }))
      rows.push(Array.from({ length: width }, (_, i) => String(values[i] ?? "").replace("_x", "x")));
    const book = sheetJs.utils.book_new();
    sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet(rows), "Businesses");
    const read = async (file: string): Promise<unknown> => {
      const result = await runImport(background(), { file, target, schema: businesses });
      const table = await database.query(
        "select md5(string_agg(t::text, '|' order by t::text)) from (select name, category, phone, email, address, city, country, website, description from businesses) t",
      );
      await database.query("drop table businesses");
      const rejects = result.rejects.map(({ row, column, value, code, reason }) => ({ row, column, value, code, reason }));
      return { table, rejects, counts: [result.total, result.inserted, result.rejected, result.reasons] };
    };
    const want = await read(await writeWorkbook(join(folder.path, "businesses.xlsx"), { Businesses: rows }));
    expect(want).toMatchObject({ counts: [1_199, 1_197, 2, { missing_value: 1, too_few_columns: 1 }] });
    for (const [bookType, extension] of [["biff8", "xls"], ["xlsb", "xlsb"]] as const) {
      const file = join(folder.path, `businesses.${extension}`);
      await writeFile(file, sheetJs.write(book, { type: "buffer", bookType }) as Buffer);
      expect(await read(file)).toEqual(want);
    }
  }); // prettier-ignore

  test("an .xls that needs a password, or is none, is refused with one message", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await writeFile(join(folder.path, "page.xls"), "<!doctype html><html><body>Please log in</body></html>");
    const page = await run(folder.path, "import", "page.xls", "--to", database.dsn);
    expect([page.code, page.stdout]).toEqual([1, ""]);
    expect(page.stderr).toMatch(/^error: page\.xls is not a spreadsheet: it looks like an HTML page\..*\n$/);
  });

  test("--streaming-only refuses an .xls, says what is taken, and imports a CSV", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const book = sheetJs.utils.book_new();
    sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet([["Name"], ["Ada"]]), "Data");
    await writeFile(join(folder.path, "old.xls"), sheetJs.write(book, { type: "buffer", bookType: "biff8" }) as Buffer);
    await writeFile(join(folder.path, "new.csv"), "Name\nAda\n");
    for (const command of ["import", "preview"]) {
      const old = await run(folder.path, command, "old.xls", "--streaming-only", "--to", database.dsn);
      expect([old.code, old.stdout]).toEqual([1, ""]);
      expect(old.stderr).toContain("only .xlsx, .xlsm, .ods, .fods, CSV and TSV are taken here.");
      const csv = await run(folder.path, command, "new.csv", "--streaming-only", "--to", database.dsn);
      expect([csv.code, csv.stderr]).toEqual([0, expect.not.stringContaining("error")]);
    }
    await using service = await startService({ formats: "streaming" });
    const bytes = sheetJs.write(book, { type: "buffer", bookType: "biff8" }) as Uint8Array<ArrayBuffer>;
    const { status, text } = await service.send(new Blob([bytes]), "old.xls", "?table=old");
    expect([status, JSON.parse(text)]).toEqual([
      422,
      {
        code: "unsupported_format",
        error: expect.stringMatching(/^old\.xls is a workbook of Excel.* are taken here\..* save it as/),
      },
    ]);
  });

  test.each([
    ["biff8", "old.xls"],
    ["xlsb", "old.xlsb"],
  ] as const)("all sheets of a workbook in %s are read by one process", async (bookType, name) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const book = sheetJs.utils.book_new();
    for (const sheet of ["One", "Two", "Three", "Four"])
      sheetJs.utils.book_append_sheet(
        book,
        sheetJs.utils.aoa_to_sheet([
          [`name_${sheet}`, "n"],
          ["a", 1],
          ["b", 2],
        ]),
        sheet,
      );
    await writeFile(join(folder.path, name), sheetJs.write(book, { type: "buffer", bookType }) as Buffer);
    const log = join(folder.path, "spawned");
    // Loaded before the program: it writes down each process that is started to read a workbook.
    await writeFile(join(folder.path, "watch.mjs"), WATCH);
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(join(folder.path, "watch.mjs")).href}`, SPAWN_LOG: log };
    for (const args of [
      ["preview", name],
      ["preview", name, "--sheet", "all"],
      ["import", name, "--table", "first"],
      ["import", name, "--sheet", "all"],
    ]) {
      await writeFile(log, "");
      const { code, stderr } = await start(folder.path, [...args, "--to", database.dsn], env).finished;
      expect([code, stderr]).toEqual([0, ""]);
      expect(await readFile(log, "utf8")).toBe("child\n");
    }
    const tables = await database.query("select tablename from pg_tables where schemaname = 'public' order by 1");
    expect(tables.flat()).toEqual(["first", "old_four", "old_one", "old_three", "old_two"]);
  });

  test("POST /upload imports an .xls", async () => {
    await using service = await startService();
    const { status, text } = await service.send(xls([HEADER, business(1), business(2), ["Short", "row"]]), "old.xls");
    expect([status, JSON.parse(text)]).toMatchObject([
      200,
      {
        stats: { total_records: 3, success_count: 2, error_count: 1 },
        rejects: [{ sheet: "Sheet1", row: 4, code: "too_few_columns" }],
      },
    ]);
    expect(await service.database.query("select name, phone from businesses order by name")).toEqual([
      ["Business 1", "085232"],
      ["Business 2", "085232"],
    ]);
    expect(await service.uploads()).toEqual([]);
  });

  test("an .xls that waits takes no place of the streamed", async () => {
    await using database = await newDatabase();
    // An import that waits for a lock has its connections all the while: there are enough for the
    // others.
    await using target = await openTarget({ to: database.dsn, connections: 6 });
    await using service = await startService({ target, maxImports: 1 });
    const old = (n: number): Blob => xls([HEADER, business(n)]);
    expect((await service.send(old(1), "old.xls", "?table=old")).status).toBe(200);
    await using lock = await hold(database, "lock table old");
    const ended: string[] = [];
    const send = async (file: Blob, name: string, query?: string): Promise<number> => {
      const { status } = await service.send(file, name, query);
      ended.push(name);
      return status;
    };
    const waiting = send(old(2), "waits.xls", "?table=old");
    await expect.poll(() => waitingForLock(database)).toBeGreaterThan(0);
    const behind = send(old(3), "behind.xls");
    await expect.poll(() => service.uploads()).toHaveLength(2);
    for (const [n, name] of ["first.xlsx", "second.xlsx"].entries())
      expect(await send(await service.workbook([business(4 + n)]), name)).toBe(200);
    // The one place of such files is taken, although the table of the second is free.
    expect(ended).toEqual(["first.xlsx", "second.xlsx"]);
    await lock.release();
    expect(await Promise.all([waiting, behind])).toEqual([200, 200]);
    expect(await database.query("select count(*) from old")).toEqual([["2"]]);
    expect(await database.query("select count(*) from businesses")).toEqual([["3"]]);
  });
});

const WATCH = `
import child_process from "node:child_process";
import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const { spawn } = child_process;
child_process.spawn = (command, args, options) => {
  if (args.some((arg) => /library.child\\.[jt]s$/.test(arg))) appendFileSync(process.env.SPAWN_LOG, "child\\n");
  return spawn(command, args, options);
};
syncBuiltinESMExports();
`;

/** A workbook of Excel 97–2003 with these rows. */
function xls(rows: readonly (readonly unknown[])[]): Blob {
  const book = sheetJs.utils.book_new();
  sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet(rows.map((row) => [...row])), "Sheet1");
  return new Blob([sheetJs.write(book, { type: "buffer", bookType: "biff8" }) as Uint8Array<ArrayBuffer>]);
}
