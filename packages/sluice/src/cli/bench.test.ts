// `sluice bench`: each method on the same rows. No test judges how fast they are.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { METHODS } from "../options.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { run } from "../test/program.ts";

describe.skipIf(server === undefined)("sluice bench", () => {
  test("measures each method, and each part of it, and leaves nothing in the database", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const { code, stdout } = await run(folder.path, "bench", "--rows", "400", "--json", "--to", database.dsn);
    expect(code).toBe(0);
    const { rows, figures } = JSON.parse(stdout) as {
      rows: number;
      figures: { method: string; inserted: number; rejected: number; reading: number; encoding: number }[];
    };
    expect(rows).toBe(400);
    expect(figures.map(({ method }) => method)).toEqual(METHODS);
    for (const { inserted, rejected, reading, encoding } of figures) {
      expect([inserted, rejected]).toEqual([399, 1]);
      expect(Math.min(reading, encoding)).toBeGreaterThan(0);
    }
    expect(await database.query("select count(*)::text from sluice.imports")).toEqual([["0"]]);
    expect(await database.query("select count(*)::text from pg_tables where schemaname = 'public'")).toEqual([["0"]]);
  });

  test("prints the guide's table with the shares of each part, and draws a plot of sizes", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const call = ["bench", "--rows", "1001", "--plot", "speed.svg", "--to", database.dsn];
    const { code, stdout } = await run(folder.path, ...call);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Method +Time +Records\/sec +Speedup +Improvement +Reading +Encoding +Database\nsequential .* baseline( +\d+ %){3}\n/m,
    );
    const plot = await readFile(join(folder.path, "speed.svg"), "utf8");
    const lines = [...plot.matchAll(/<path d="M([\d L]+)" fill="none"/g)];
    expect(lines.map(([, path]) => path!.split("L").length)).toEqual([2, 2, 2, 2]);
    for (const method of METHODS) expect(plot).toContain(`>${method}</text>`);
  });

  test("a plot that is no .svg is refused", async () => {
    await using folder = newFolder();
    const { code, stderr } = await run(folder.path, "bench", "--plot", "speed.png");
    expect([code, stderr]).toEqual([2, expect.stringContaining('Expected a file that ends in .svg, got "speed.png".')]);
  });
});
