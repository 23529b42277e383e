// What an import says when its result cannot be printed. The program is started without its
// launcher, with a standard output of ours.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { EXAMPLE, run } from "../test/program.ts";
import { writeWorkbook } from "../test/workbook.ts";

const PROGRAM = fileURLToPath(new URL("main.ts", import.meta.url));

/**
 * Runs the program with standard output on a disk that is full, or in a pipe whose reader has gone.
 */
async function runInto(
  output: "full" | "closed",
  folder: string,
  args: readonly string[],
): Promise<{ code: number | null; stderr: string }> {
  const full = output === "full" ? await open("/dev/full", "w") : undefined;
  const child = spawn(process.execPath, ["--conditions=source", PROGRAM, ...args], {
    cwd: folder,
    stdio: ["ignore", full?.fd ?? "pipe", "pipe"],
  });
  child.stdout?.destroy();
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  await full?.close();
  return { code, stderr };
}

const outputs = [
  ...(existsSync("/dev/full") ? [["full", "no space left"] as const] : []),
  ["closed", "its reader has gone"] as const,
];

describe.skipIf(server === undefined).each(outputs)("standard output that is %s", (output, why) => {
  test.each([[[]], [["--json"]]])(
    "import %j says that the rows are in, which import it is, and ends with 1",
    async (json) => {
      await using folder = newFolder();
      await using database = await newDatabase();
      const { code, stderr } = await runInto(output, folder.path, ["import", EXAMPLE, "--to", database.dsn, ...json]);
      const [[id]] = (await database.query("select id from sluice.imports where state = 'finished'")) as [[string]];
      expect(stderr).toMatch(/^error: the result cannot be written to standard output: /);
      expect(stderr).toContain(why);
      expect(stderr).toContain(`The import ${id} of`);
      expect(stderr).toContain("of 10,000 rows 9,987 inserted, 0 updated, 0 skipped, 13 rejected");
      expect(stderr).toMatch(new RegExp(`npx sluice imports ${id} --to postgres://`));
      expect(code).toBe(1);
      expect(await database.query("select count(*) from businesses")).toEqual([["9987"]]);
    },
  );

  test("the files behind it are imported all the same", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const names = ["one", "two", "three"];
    for (const name of names) await writeWorkbook(join(folder.path, `${name}.xlsx`), { S: [["A"], [name]] });
    const files = names.map((name) => `${name}.xlsx`);
    const { code, stderr } = await runInto(output, folder.path, ["import", ...files, "--to", database.dsn]);
    expect(stderr.match(/1 inserted/g)).toHaveLength(3);
    expect(stderr.split(why)).toHaveLength(4);
    expect(code).toBe(1);
    expect(await database.query("select one.a, two.a, three.a from one, two, three")).toEqual([names]);
  });

  test("a failure is said on standard error", async () => {
    await using folder = newFolder();
    const { code, stderr } = await runInto(output, folder.path, ["import", "nowhere.xlsx", "--json"]);
    expect(stderr).toMatch(/^error: There is no file nowhere\.xlsx/);
    expect(code).toBe(1);
  });

  test("a dry run says that nothing is in the database", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const args = ["import", EXAMPLE, "--to", database.dsn, "--dry-run"];
    const { code, stderr } = await runInto(output, folder.path, args);
    expect(stderr).toMatch(/dry run: nothing of it is in the database/);
    expect(code).toBe(1);
  });
});

test("standard error that nobody reads stops no import", async () => {
  await using folder = newFolder();
  await writeWorkbook(join(folder.path, "one.xlsx"), { S: [["A"], ["1"]] });
  const child = spawn(process.execPath, ["--conditions=source", PROGRAM, "import", "one.xlsx", "nowhere.xlsx"], {
    cwd: folder.path,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stderr.destroy();
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  const [code] = (await once(child, "close")) as [number | null];
  expect(stdout).toContain("Imported 1 of 1 row ");
  expect(code).toBe(1);
});

test.skipIf(server === undefined)("rows that were updated or left out count for the rate", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await writeFile(join(folder.path, "t.csv"), `k\n${Array.from({ length: 2000 }, (_, k) => `${k}\n`).join("")}`);
  await database.query("create table t (k integer primary key)");
  const rateWith = async (...args: string[]): Promise<number> => {
    const { stdout } = await run(folder.path, "import", "t.csv", "--to", database.dsn, "--json", ...args);
    return (JSON.parse(stdout) as { rowsPerSecond: number }).rowsPerSecond;
  };
  expect(await rateWith()).toBeGreaterThan(0);
  for (const way of ["skip", "update"]) expect(await rateWith("--on-conflict", way, "--key", "k")).toBeGreaterThan(0);
  const { stdout } = await run(
    folder.path,
    "import",
    "t.csv",
    "--to",
    database.dsn,
    "--on-conflict",
    "update",
    "--again",
  );
  expect(stdout).toMatch(/^Imported 2,000 of 2,000 rows in \S+ \([1-9][\d,]* rows\/s, copy\)/m);
});
