// A schema file is a program: which one is run without being asked for. Through the launcher, in
// folders of the test's own.
import { existsSync } from "node:fs";
import { chmod, lchown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newFolder } from "../test/database.ts";
import { run } from "../test/program.ts";

const SCHEMA = `import { writeFileSync } from "node:fs";
import { table } from "sluice";
writeFileSync("ran", "");
export const people = table({ name: "people", columns: { name: { notNull: true } } });
`;

/** A workbook with its schema in a folder, and the folder that `sluice` runs in. */
async function put(folder: string, where: string): Promise<string> {
  await mkdir(join(folder, where), { recursive: true });
  const file = join(where, "people.csv");
  await writeFile(join(folder, file), "name,age\nAda,36\n");
  await writeFile(join(folder, where, "people.schema.ts"), SCHEMA);
  return file;
}

async function imported(
  folder: string,
  ...args: string[]
): Promise<{ code: number | null; stderr: string; ran: boolean }> {
  const { code, stderr } = await run(folder, "import", ...args);
  return { code, stderr, ran: existsSync(join(folder, "ran")) };
}

const ASIDE = expect.stringMatching(
  /^Note: the schema file .*people\.schema\.ts is not used, since .*\. A schema file is a program: look at it, then use it with --schema .*people\.schema\.ts$/m,
) as string;

test("a schema beside a file is run where both lie in the project of the working folder", async () => {
  await using folder = newFolder();
  await writeFile(join(folder.path, "package.json"), "{}");
  const file = await put(folder.path, "data/here");
  expect(await imported(folder.path, file, "--map", "age=")).toMatchObject({ code: 0, ran: true });
});

test("one that lies elsewhere is named and not run, and --schema runs it", async () => {
  await using folder = newFolder();
  const file = await put(folder.path, "unpacked");
  const first = await imported(folder.path, file, "--table", "a");
  expect(first).toMatchObject({ code: 0, ran: false, stderr: ASIDE });
  const schema = join("unpacked", "people.schema.ts");
  expect(await imported(folder.path, file, "--table", "b", "--map", "age=", "--schema", schema)).toMatchObject({
    code: 0,
    ran: true,
  });
});

test("a package.json that came with the file does not make it one's own project", async () => {
  await using folder = newFolder();
  const file = await put(folder.path, "unpacked");
  await writeFile(join(folder.path, "unpacked", "package.json"), "{}");
  expect(await imported(folder.path, file)).toMatchObject({ code: 0, ran: false, stderr: ASIDE });
});

test.skipIf(process.platform === "win32").each(["people.schema.ts", "."])(
  "one that others could have written is not run: %s",
  async (open) => {
    await using folder = newFolder();
    await writeFile(join(folder.path, "package.json"), "{}");
    const file = await put(folder.path, "data");
    await chmod(join(folder.path, "data", open), 0o777);
    expect(await imported(folder.path, file)).toMatchObject({ code: 0, ran: false, stderr: ASIDE });
  },
);

test.skipIf(process.getuid?.() !== 0)("one that belongs to another user is not run", async () => {
  await using folder = newFolder();
  await writeFile(join(folder.path, "package.json"), "{}");
  const file = await put(folder.path, "data");
  await lchown(join(folder.path, "data", "people.schema.ts"), 65_534, 65_534);
  expect(await imported(folder.path, file)).toMatchObject({ code: 0, ran: false, stderr: ASIDE });
});

test("a preview runs none, wherever it lies, and says how it would", async () => {
  await using folder = newFolder();
  await writeFile(join(folder.path, "package.json"), "{}");
  const file = await put(folder.path, "data");
  const { code, stdout } = await run(folder.path, "preview", file);
  expect([code, existsSync(join(folder.path, "ran"))]).toEqual([0, false]);
  expect(stdout).toMatch(
    /^Note: the schema file data\/people\.schema\.ts is not used, since a preview runs no program/m,
  );
  const json = JSON.parse((await run(folder.path, "preview", file, "--json")).stdout) as { notes: string[] };
  expect(json.notes.join()).toContain("--schema data/people.schema.ts");
});
