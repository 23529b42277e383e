// POST /preview: what it shows, that it writes nothing, and that its file need not be sent twice.
import { readdir, readFile, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openTarget } from "../../database/open.ts";
import { previewFile } from "../../preview.ts";
import { newDatabase, server } from "../../test/database.ts";
import { writeWorkbook } from "../../test/workbook.ts";
import { distant } from "../../test/distant.ts";
import { csv, ended, people, send } from "../test/client.ts";
import { business, startService, type Service } from "../test/service.ts";
import type { Preview } from "./preview-schema.ts";
import type { Problem } from "./problem.ts";

/** How many files of this size the service keeps. */
async function keptOf(service: Service, size: number): Promise<number> {
  const names = await readdir(service.uploadDir, { recursive: true });
  const found = await Promise.all(names.map((name) => stat(`${service.uploadDir}/${name}`).catch(() => undefined)));
  return found.filter((one) => one?.size === size).length;
}

describe.skipIf(server === undefined)("POST /preview", () => {
  test("shows what the command line shows, and the first rows of each sheet as they are", async () => {
    await using database = await newDatabase();
    await using service = await startService({ dsn: database.dsn });
    const path = await writeWorkbook(`${service.folder}/report.xlsx`, {
      Report: [["Q3 report"], [], ["name", "age"], ["Ada", 36], ["Bob", "old"]],
      Notes: [["<script>alert(1)</script>"]],
    });
    const { status, body } = await send<Preview>(service, "/preview", new Blob([await readFile(path)]), "report.xlsx");
    expect(status).toBe(200);
    await using target = await openTarget({ to: database.dsn });
    const shown = JSON.parse(
      JSON.stringify(await previewFile({ file: path, fileName: "report.xlsx", target })),
    ) as Preview;
    const { upload, expiresAt, sheets, ...rest } = body;
    expect(rest).toEqual({ ...shown, sheets: undefined, upload: undefined });
    expect(sheets.map(({ name, state }) => ({ name, state }))).toEqual(shown.sheets);
    expect(sheets[0]!.grid).toEqual([
      { row: 1, cells: ["Q3 report"] },
      { row: 3, cells: ["name", "age"] },
      { row: 4, cells: ["Ada", "36"] },
      { row: 5, cells: ["Bob", "old"] },
    ]);
    expect(sheets[1]!.grid).toEqual([{ row: 1, cells: ["<script>alert(1)</script>"] }]);
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    expect(upload).toMatch(/^[0-9a-f-]{36}$/);
    expect(await database.query("select nspname from pg_namespace where nspname = 'sluice'")).toEqual([]);
    expect(await database.query("select tablename from pg_tables where schemaname = 'public'")).toEqual([]);
  });

  test("that looks for the first record ends when the server does, and so does the look for the sheets", async () => {
    await using service = await startService();
    const file = new Blob([distant()]);
    const answers = [
      send<Problem>(service, "/preview", file, "far.csv"),
      send<Problem>(service, "/imports", file, "far.csv", { fields: { sheet: "all" } }),
    ];
    while ((await keptOf(service, file.size)) < answers.length) await sleep(20);
    await service.app.close();
    for (const { status, body } of await Promise.all(answers))
      expect([status, body.detail]).toEqual([503, expect.stringMatching(/^The server is stopping, and nothing of /)]);
    expect(await keptOf(service, file.size)).toBe(0);
  });

  test("ends, and keeps no file, if its caller has gone", async () => {
    await using service = await startService();
    const file = new Blob([distant()]);
    const form = new FormData();
    form.append("file", file, "far.csv");
    const gone = new AbortController();
    const asked = fetch(`${service.url}/preview`, { method: "POST", body: form, signal: gone.signal });
    while ((await keptOf(service, file.size)) < 1) await sleep(20);
    gone.abort();
    await expect(asked).rejects.toThrow("aborted");
    await expect.poll(() => keptOf(service, file.size)).toBe(0);
  });

  test("of a file that was sent before takes its token, with other fields, and so does an import", async () => {
    await using service = await startService();
    const { body } = await send<Preview>(service, "/preview", csv("x\nname;age\nAda;36\n"), "people.csv", {
      fields: { header: "1" },
    });
    const { upload } = body;
    const again = await send<Preview>(service, "/preview", undefined, "", {
      fields: { upload, header: "2", delimiter: ";", type: "age=bigint" },
    });
    expect(again.body.upload).toBe(upload);
    expect(again.body.imports[0]!.columns.map(({ column, type }) => [column, type])).toEqual([
      ["name", "text"],
      ["age", "bigint"],
    ]);
    const fields = { upload, header: "2", delimiter: ";", type: "age=bigint" };
    const { status, body: made } = await send(service, "/imports", undefined, "", { fields });
    expect([status, made.file]).toEqual([202, "people.csv"]);
    expect(await ended(service, made.id)).toMatchObject({ state: "finished", inserted: 1 });
    expect(await service.database.query("select name, age from people")).toEqual([["Ada", "36"]]);
  });

  test.each(["pw.csv", "pw"])(
    "of the text %s names its sheet as the import does, and takes that name",
    async (file) => {
      await using service = await startService();
      const fields = { table: "people", type: "age=integer" };
      const { body } = await send<Preview>(service, "/preview", csv("name,age\nAda,1\nBob,old\n"), file, { fields });
      expect(body.sheets.map(({ name }) => name)).toEqual(["pw"]);
      expect(body.imports.map(({ sheet, rejects }) => [sheet, rejects.first[0]!.sheet])).toEqual([["pw", "pw"]]);
      expect(body.sheets[0]!.grid).toHaveLength(3);
      const { upload } = body;
      for (const sheet of ["pw", "all"]) {
        const again = await send<Preview>(service, "/preview", undefined, "", { fields: { ...fields, upload, sheet } });
        expect([again.status, again.body.imports[0]!.sheet]).toEqual([200, "pw"]);
        const made = await send(service, "/imports", undefined, "", {
          fields: { ...fields, upload, sheet, again: "true" },
        });
        expect(made.status).toBe(202);
        expect(await ended(service, made.body.id)).toMatchObject({ state: "finished", sheet: "pw", rejected: 1 });
        const { text } = await service.get(`/imports/${made.body.id}/rejects.csv`);
        expect(text).toContain(`\n${file},pw,3,age,old,`);
      }
    },
  );

  test("knows no token of another server, and none that it did not give", async () => {
    await using service = await startService();
    await using other = await startService();
    const { body } = await send<Preview>(service, "/preview", people(1), "people.csv");
    for (const upload of [body.upload, "x", "../../etc/passwd"])
      expect(await send<Problem>(other, "/imports", undefined, "", { fields: { upload } })).toMatchObject({
        status: 404,
        body: { code: "upload_gone" },
      });
  });

  test("of the guide's directory shows its columns and the rows that would be rejected", async () => {
    await using service = await startService();
    const file = await service.workbook([business(1), business(2).with(3, "no address")]);
    const { body } = await send<Preview>(service, "/preview", file, "businesses.xlsx");
    expect(body.imports[0]).toMatchObject({
      table: "businesses",
      exists: false,
      rejects: { total: 1, reasons: { invalid_email: 1 } },
      error: null,
    });
    const other = await send<Preview>(service, "/preview", people(2), "businesses.csv");
    expect(other.body.imports[0]).toMatchObject({
      table: "businesses",
      error: null,
      columns: [{ column: "name" }, { column: "age" }],
    });
  });

  test("refuses a table that callers may not write to, and says of a sheet what is wrong with it", async () => {
    await using service = await startService();
    await service.database.query("create table theirs (secret text)");
    const refused = await send<Problem>(service, "/preview", people(1), "people.csv", { fields: { table: "theirs" } });
    expect([refused.status, refused.body.code]).toEqual([403, "table_not_allowed"]);
    expect(JSON.stringify(refused.body)).not.toContain("secret");
    const empty = await send<Problem>(service, "/preview", csv(""), "people.csv");
    expect(empty.status).toBe(400);
    expect(await service.uploads()).not.toContainEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  });

  test("of rows that are long shows a part of them", async () => {
    await using service = await startService();
    const wide = Array.from({ length: 300 }, (_, n) => `c${n}`).join(",");
    const rows = Array.from({ length: 300 }, () => `${"x".repeat(5000)},1`).join("\n");
    const { body } = await send<Preview>(service, "/preview", csv(`${wide}\n${rows}\n`), "wide.csv");
    const { grid, ...counted } = body.sheets[0]!;
    expect(grid).toHaveLength(200);
    expect(counted).toMatchObject({ rows: 301, more: false });
    expect(grid[0]!.cells).toHaveLength(200);
    expect(grid[1]!.cells[0]).toBe(`${"x".repeat(200)}…`);
  });
});
