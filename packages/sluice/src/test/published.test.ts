// The program as it is published: all three packages built, and an .xls read by the library beside
// them.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as sheetJs from "@e965/xlsx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emit } from "../../../../scripts/emit.ts";
import { newDatabase, server } from "./database.ts";

const root = join(import.meta.dirname, "../../../..");
const node = join(root, "node_modules/.bin/node");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-published-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "@sluice"), { recursive: true });
  for (const name of await readdir(join(root, "node_modules")))
    if (!name.startsWith(".") && name !== "@sluice" && name !== "sluice")
      await symlink(join(root, "node_modules", name), join(modules, name));
  for (const [name, installed] of [["go", "@sluice/go"], ["sheets", "@sluice/sheets"], ["sluice", "sluice"]] as const) {
    const from = join(root, "packages", name);
    const to = join(modules, installed);
    await mkdir(to);
    await cp(join(from, "package.json"), join(to, "package.json"));
    if (name !== "go") await cp(join(from, "bin"), join(to, "bin"), { recursive: true });
    await emit(name, join(to, "dist"));
  }
}); // prettier-ignore
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(server === undefined)("the published program", () => {
  test("imports an .xls", async () => {
    await using database = await newDatabase();
    const book = sheetJs.utils.book_new();
    const rows = [["Name", "Zip"], ["Ada", "085232"], ["Zoë", "007"]]; // prettier-ignore
    sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet(rows), "People");
    await writeFile(join(folder, "people.xls"), sheetJs.write(book, { type: "buffer", bookType: "biff8" }) as Buffer);
    const program = join(folder, "node_modules/sluice/bin/sluice.js");
    const args = [program, "import", "people.xls", "--to", database.dsn, "--json"];
    const { stdout } = await promisify(execFile)(node, args, { cwd: folder });
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1)!)).toMatchObject({ total: 2, inserted: 2, rejected: 0 });
    expect(await database.query("select * from people order by 1")).toEqual([["Ada", "085232"], ["Zoë", "007"]]); // prettier-ignore
  });
});
