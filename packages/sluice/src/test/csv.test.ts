// Delimited text, from the file to the table: the same as a workbook in every method, rejects found
// by their line.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { background } from "@sluice/go/context";
import { open } from "@sluice/sheets";
import { businesses } from "../schema/businesses.ts";
import { runImport } from "../import.ts";
import type { Reject } from "../reject.ts";
import { newDatabase, newFolder, server } from "./database.ts";
import { openTarget } from "../database/open.ts";
import { writeWorkbook } from "./workbook.ts";
import { EXAMPLE, run, start, type Finished } from "./program.ts";
import { METHODS, type Method } from "../options.ts";

/** As many of the example's rows have three of its bad ones among them. */
const ROWS = 2_000;

/**
 * The example's first rows, each up to its last cell; some are short. What looks like an escape of
 * Excel's would be one in a workbook.
 */
async function exampleRows(): Promise<string[][]> {
  const rows: string[][] = [];
  await using book = await open(EXAMPLE);
  for await (const { values, width } of book.sheet().rows({ to: ROWS }))
    rows.push(Array.from({ length: width }, (_, i) => String(values[i] ?? "").replace("_x", "x")));
  return rows;
}

/** Rows as CSV, and the line on which each of them begins. */
function toCsv(rows: readonly (readonly string[])[]): { text: string; lines: number[] } {
  const lines: number[] = [];
  let text = "";
  let line = 1;
  for (const row of rows) {
    const record = `${row.map((field) => `"${field.replaceAll('"', '""')}"`).join(",")}\r\n`;
    lines.push(line);
    line += record.split("\n").length - 1;
    text += record;
  }
  return { text, lines };
}

describe.skipIf(server === undefined)("sluice import", () => {
  test("the example as CSV leaves what it leaves as a workbook, in every method", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn });
    const rows = await exampleRows();
    const { text, lines } = toCsv(rows);
    const xlsx = await writeWorkbook(join(folder.path, "businesses.xlsx"), { Businesses: rows });
    const csv = join(folder.path, "businesses.csv");
    await writeFile(csv, text);
    const read = async (file: string, method: Method): Promise<unknown> => {
      const rejects: Reject[] = [];
      const onRejects = (list: readonly Reject[]): void => void rejects.push(...list);
      const result = await runImport(background(), { file, target, schema: businesses, method, onRejects });
      const table = await database.query(
        "select md5(string_agg(t::text, '|' order by t::text)) from (select name, category, phone, email, address, city, country, website, description from businesses) t",
      );
      await database.query("drop table businesses");
      return {
        table,
        counts: [result.total, result.inserted, result.rejected, result.reasons],
        rejects: rejects.map(({ row, column, value, code, reason }) => ({
          line: file === csv ? row : lines[row - 1],
          column,
          value,
          code,
          reason,
        })),
      };
    };
    const want = await read(xlsx, "copy");
    expect(want).toMatchObject({
      counts: [1_999, 1_996, 3, { invalid_email: 1, missing_value: 1, too_few_columns: 1 }],
    });
    for (const method of METHODS) expect(await read(csv, method)).toEqual(want);
  });

  const people = 'name;born;note\nAda;1815-12-10;"two\nlines"\nBob;soon;\n\n;1990-01-01;""\nCy;1999-12-31;05;x\n';
  const schema =
    'import { table } from "sluice";\nexport const people = table({ name: "people", columns: { name: { notNull: true }, born: { type: "date" }, note: {} } });\n';

  test("a CSV file uses the schema beside it, and rejects name the line on which their row begins", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await writeFile(join(folder.path, "people.csv"), people);
    await writeFile(join(folder.path, "package.json"), "{}");
    await writeFile(join(folder.path, "people.schema.ts"), schema);
    const result = await run(folder.path, "import", "people.csv", "--to", database.dsn, "--rejects", "bad.csv");
    expect([result.code, result.stderr]).toEqual([3, ""]);
    expect(result.stdout).toContain('people.csv, sheet "people" → table people');
    expect(result.stdout).toContain("Imported 1 of 4 rows");
    expect((await readFile(join(folder.path, "bad.csv"), "utf8")).split("\r\n").slice(1, -1)).toEqual([
      'people.csv,people,4,born,soon,invalid_date,"not a date (a date cell, or text like 2020-01-31)",Bob,soon,',
      'people.csv,people,6,name,,missing_value,"the cell is empty, and the column must have a value",,1990-01-01,',
      'people.csv,people,7,,x,too_many_columns,"a value in column D, to the right of the last header (C)",Cy,1999-12-31,05,x',
    ]);
    expect(await database.query("select name, born::text, note from people")).toEqual([
      ["Ada", "1815-12-10", "two\nlines"],
    ]);
  });

  test("gzip, with the schema beside it by the name without .gz", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await writeFile(join(folder.path, "people.csv.gz"), gzipSync(people));
    await writeFile(join(folder.path, "package.json"), "{}");
    await writeFile(join(folder.path, "people.schema.ts"), schema);
    const result = await run(folder.path, "import", "people.csv.gz", "--to", database.dsn, "--json");
    expect(JSON.parse(result.stdout)).toMatchObject({
      sheet: "people",
      table: "people",
      total: 4,
      inserted: 1,
      rejected: 3,
    });
    expect(result.code).toBe(3);
  });

  test("a code page is found out and noted, or said; empty fields are NULL with quotes and without", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = join(folder.path, "city.csv");
    await writeFile(file, Buffer.from('city,zip\nK\xf6ln,050667\nD\xfcren,""\nAachen,\n', "latin1"));
    const guessed = await run(folder.path, "import", file, "--to", database.dsn);
    expect(guessed.stdout).toContain("Note: row 1: the text is not UTF-8; it is read as windows-1252.");
    const said = await run(
      folder.path,
      "import",
      file,
      "--to",
      database.dsn,
      "--table",
      "said",
      "--encoding",
      "cp1251",
    );
    expect([said.code, said.stdout.includes("Note: row 1")]).toEqual([0, false]);
    expect(await database.query("select * from city order by 1")).toEqual([
      ["Aachen", null],
      ["Düren", null],
      ["Köln", "050667"],
    ]);
    expect(await database.query("select city from said where zip is not null")).toEqual([["Kцln"]]);
    const wrong = await run(folder.path, "import", file, "--to", database.dsn, "--encoding", "klingon");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('no encoding called "klingon"')]);
  });

  test("delimiter and quote can be said", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await writeFile(join(folder.path, "odd.txt"), "a:b,c\n1:'x:y'\n");
    const odd = await run(folder.path, "import", "odd.txt", "--to", database.dsn, "--delimiter", ":", "--quote", "'");
    expect(odd.code).toBe(0);
    expect(await database.query("select * from odd")).toEqual([["1", "x:y"]]);
    const bad = await run(folder.path, "import", "odd.txt", "--to", database.dsn, "--delimiter", "::");
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('Expected one character, or tab, got "::"')]);
  });

  test("- is standard input, and needs a table's name", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const piped = start(folder.path, ["import", "-", "--table", "piped", "--to", database.dsn, "--json"]);
    piped.child.stdin.end("a\tb\n1\t2\n");
    const result = await piped.finished;
    expect(JSON.parse(result.stdout)).toMatchObject({ file: "stdin", sheet: "stdin", table: "piped", inserted: 1 });
    expect(await database.query("select * from piped")).toEqual([["1", "2"]]);
    const workbook = start(folder.path, ["import", "-", "--table", "b", "--to", database.dsn, "--quiet"]);
    workbook.child.stdin.end(await readFile(EXAMPLE));
    expect((await workbook.finished).code).toBe(0);
    expect(await database.query("select count(*) from b")).toEqual([["10000"]]);
    const nameless = await run(folder.path, "import", "-", "--to", database.dsn);
    expect([nameless.code, nameless.stderr]).toEqual([
      2,
      "error: standard input has no name to call the table after. Give --table NAME.\n",
    ]);
    const broken = start(folder.path, ["import", "-", "--table", "c", "--to", database.dsn]);
    broken.child.stdin.end('a,b\n1,"2\n');
    const { code, stderr } = await broken.finished;
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: stdin: the quote that opens on line 2 \(column B\)/),
    ]);
  });

  test("preview - looks at standard input, and leaves nothing behind", async () => {
    await using folder = newFolder();
    await using temporary = newFolder();
    const preview = async (content: string | Buffer, ...options: string[]): Promise<Finished> => {
      const { child, finished } = start(folder.path, ["preview", "-", ...options], { TMPDIR: temporary.path });
      child.stdin.end(content);
      return await finished;
    };
    const text = await preview("a;b\n1;x\n2;y\n");
    expect([text.code, text.stderr]).toEqual([0, ""]);
    expect(text.stdout).toMatch(/^stdin: csv, sheet 1 "stdin"\nNote: .* sluice import - needs --table NAME\n/);
    expect(text.stdout).toContain('Sheet "stdin" → a new table stdin; header in row 1, 2 rows looked at');
    const named = await preview(await readFile(EXAMPLE), "--table", "people", "--json");
    expect(JSON.parse(named.stdout)).toMatchObject({ file: "stdin", notes: [], imports: [{ table: "people" }] });
    const broken = await preview('a,b\n1,"2\n');
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/^error: stdin: the quote that opens on line 2 \(column B\)/m);
    const empty = await preview("");
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringMatching(/^error: stdin is empty/)]);
    expect((await readdir(temporary.path)).filter((name) => name.startsWith("sluice-sheets-"))).toEqual([]);
  });

  test.each(["import", "preview"])("%s takes standard input once", async (command) => {
    await using folder = newFolder();
    const { code, stderr } = await run(folder.path, command, "-", "-", "--table", "t");
    expect([code, stderr]).toEqual([2, "error: standard input, -, can be read once only: name it once.\n"]);
  });

  test("Ctrl-C while standard input is still coming: nothing is imported, nothing is left behind", async () => {
    await using folder = newFolder();
    await using temporary = newFolder();
    await using database = await newDatabase();
    const args = ["import", "-", "--table", "piped", "--to", database.dsn];
    const piped = start(folder.path, args, { TMPDIR: temporary.path });
    const spooled = async (): Promise<string[]> =>
      (await readdir(temporary.path)).filter((name) => name.startsWith("sluice-sheets-"));
    piped.child.stdin.write("a,b\n1,2\n");
    while ((await spooled()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    piped.child.kill("SIGINT");
    const { code, stderr } = await piped.finished;
    expect([code, stderr]).toEqual([130, expect.stringContaining("Interrupted before the end of standard input")]);
    expect(await spooled()).toEqual([]);
  });
});
