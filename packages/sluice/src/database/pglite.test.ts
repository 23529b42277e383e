// The embedded database where it cannot be kept.
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { rejectText } from "../cli/format.ts";
import { connectExisting } from "../cli/common.ts";
import { canMount } from "../test/crash/full-disk.ts";
import { newFolder } from "../test/database.ts";
import { lockFolder } from "./lock.ts";

test("a folder that cannot be written is said to be so, whichever file of it fails first", async () => {
  await using folder = newFolder();
  mkdirSync(join(folder.path, "owner"));
  expect(() => lockFolder(folder.path)).toThrow(
    expect.objectContaining({
      code: "data_folder",
      message: expect.stringMatching(/cannot be kept in .*name one with --data/) as string,
    }),
  );
});

test.skipIf(!canMount())("a full disk is called that", async () => {
  await using folder = newFolder();
  writeFileSync(join(folder.path, "a.csv"), "k\n1\n");
  const program = join(import.meta.dirname, "..", "cli", "main.ts");
  const run = `mount -t tmpfs -o size=8m tmpfs /mnt && exec "$0" --conditions=source "$1" import a.csv --data /mnt/d`;
  const { DATABASE_URL: _, ...env } = process.env;
  const stderr = await new Promise<string>((resolve) => {
    execFile(
      "unshare",
      ["--mount", "sh", "-c", run, process.execPath, program],
      { cwd: folder.path, env },
      (_error, _out, text) => resolve(text),
    );
  });
  expect(stderr).toMatch(
    /^error: the embedded PostgreSQL in \/mnt\/d cannot be used: no space is left on its disk\. Make room/m,
  );
});

test.skipIf(!canMount())("a disk that it has filled is called full by whatever opens it next", async () => {
  await using folder = newFolder();
  writeFileSync(join(folder.path, "a.csv"), "k\n1\n");
  const program = join(import.meta.dirname, "..", "cli", "main.ts");
  const sluice = `"$0" --conditions=source "$1"`;
  const fill = "create table b as select n, repeat('x', 60) as x from generate_series(1, 700000) n";
  const run = `mount -t tmpfs -o size=60m tmpfs /mnt && ${sluice} import a.csv --data /mnt/d >&2
    ${sluice} sql "${fill}" --data /mnt/d >&2; echo ==== >&2
    ${sluice} imports --data /mnt/d; mount -o remount,size=400m /mnt; echo ==== >&2; exec ${sluice} imports --data /mnt/d >&2`;
  const { DATABASE_URL: _, ...env } = process.env;
  const stderr = await new Promise<string>((resolve) => {
    const given = ["--mount", "sh", "-c", run, process.execPath, program];
    execFile("unshare", given, { cwd: folder.path, env }, (_error, _out, text) => resolve(text));
  });
  const [, full, roomy] = stderr.split("====\n");
  expect(full).toBe(
    "error: the embedded PostgreSQL in /mnt/d cannot be used: no space is left on its disk. Make room, or name another folder with --data\n",
  );
  expect(roomy).toMatch(/ finished +1 /);
});

test("while a process makes it, others are told that it is in use, not that there is none", async () => {
  vi.stubEnv("DATABASE_URL", "");
  await using folder = newFolder();
  await expect(connectExisting({ data: folder.path })).rejects.toMatchObject({ code: "no_database" });
  using _lock = lockFolder(folder.path);
  await expect(connectExisting({ data: folder.path })).rejects.toMatchObject({ code: "database_in_use" });
});

test("a backslash is shown as it stands", () => {
  const reject = {
    file: "f",
    sheet: "s",
    row: 2,
    column: "c",
    value: String.raw`zz\9`,
    code: "x",
    reason: "why",
    cells: [],
  };
  expect(rejectText(reject)).toBe(String.raw`x: c "zz\9": why`);
});
