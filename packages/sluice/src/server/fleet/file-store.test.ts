// Both stores, a folder and S3, with the same expectations.
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openTarget } from "../../database/open.ts";
import { failureOf } from "../../errors.ts";
import { newFolder } from "../../test/database.ts";
import { createServer } from "../app.ts";
import type { FileStore } from "./file-store.ts";
import { openFileStore } from "./open-store.ts";
import { SECRET, startS3 } from "./test/s3-server.ts";

afterEach(() => vi.unstubAllEnvs());

interface Case extends AsyncDisposable {
  readonly store: FileStore;
  /** Changes the bytes of all files behind the store's back. */
  damage(): Promise<void>;
  /** Makes the store unreachable. */
  cut(): Promise<void>;
}

const STORES: Readonly<Record<string, () => Promise<Case>>> = {
  "a folder": async () => {
    const folder = newFolder();
    const store = await openFileStore(folder.path);
    const files = join(folder.path, "files");
    return {
      store,
      damage: async () => {
        for (const name of await readdir(files)) await writeFile(join(files, name), "other bytes");
      },
      cut: () => folder[Symbol.asyncDispose]() as Promise<void>,
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  },
  S3: async () => {
    const s3 = await startS3();
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
    const store = await openFileStore("s3://files/fleet");
    return {
      store,
      damage: async () => {
        for (const key of s3.objects.keys()) s3.objects.set(key, Buffer.from("other bytes"));
      },
      cut: async () => s3.fail(true),
      [Symbol.asyncDispose]: async () => {
        await store.close();
        await s3[Symbol.asyncDispose]();
      },
    };
  },
};

const BYTES = Buffer.alloc(3_000_000, "a row of a table\n");
const HASH = createHash("sha256").update(BYTES).digest("hex");

async function sent(scratch: string): Promise<string> {
  const path = join(scratch, "upload");
  await writeFile(path, BYTES, { mode: 0o600 });
  return path;
}

async function namesOf(store: FileStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list()) names.push(name);
  return names;
}

describe.each(Object.entries(STORES))("a store in %s", (_, open) => {
  test("gives back what it got, lists it, and removes it", async () => {
    await using scratch = newFolder();
    await using at = await open();
    const { store } = at;
    await store.start();
    const name = await store.keep(await sent(scratch.path), HASH);
    expect(await namesOf(store)).toEqual([name]);
    {
      await using file = await store.take(name, HASH, scratch.path);
      expect((await readFile(file.path)).equals(BYTES)).toBe(true);
      expect((await stat(file.path)).mode & 0o077).toBe(0);
    }
    await store.remove(name);
    await store.remove(name);
    expect(await namesOf(store)).toEqual([]);
    expect(await readdir(scratch.path)).toEqual([]);
    expect(await failureOf(store.take(name, HASH, scratch.path))).toMatchObject({
      code: "stored_file",
      message: expect.stringContaining("not in the store any more") as string,
    });
  });

  test("does not give out a file whose bytes have changed", async () => {
    await using scratch = newFolder();
    await using at = await open();
    await at.store.start();
    const name = await at.store.keep(await sent(scratch.path), HASH);
    await at.damage();
    expect(await failureOf(at.store.take(name, HASH, scratch.path))).toMatchObject({
      code: "stored_file",
      message: expect.stringContaining("its bytes have changed") as string,
    });
    expect(await readdir(scratch.path)).toEqual([]);
  });

  test("that cannot be reached says that it may work later, and never that a file is missing", async () => {
    await using scratch = newFolder();
    await using at = await open();
    await at.store.start();
    const name = await at.store.keep(await sent(scratch.path), HASH);
    await at.cut();
    for (const failure of [
      await failureOf(at.store.take(name, HASH, scratch.path)),
      await failureOf(at.store.keep(await sent(scratch.path), HASH)),
    ])
      expect(failure).toMatchObject({ code: "file_store", exitCode: 1 });
  });
});

describe("a store", () => {
  test("in a folder that is missing is refused: a mount may be missing", async () => {
    await using folder = newFolder();
    const store = await openFileStore(join(folder.path, "mount"));
    expect(await failureOf(store.start())).toMatchObject({ code: "file_store" });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.skipIf(process.getuid?.() === undefined)("in a folder that others may read is refused", async () => {
    await using folder = newFolder();
    await mkdir(join(folder.path, "files"));
    await chmod(join(folder.path, "files"), 0o755);
    const store = await openFileStore(folder.path);
    expect(await failureOf(store.start())).toMatchObject({
      code: "file_store",
      message: expect.stringContaining("not private") as string,
    });
  });

  test("of S3 whose bucket is not there is refused at the start", async () => {
    await using s3 = await startS3();
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
    const store = await openFileStore("s3://others");
    expect(await failureOf(store.start())).toMatchObject({ code: "file_store" });
    await store.close();
  });

  test("takes no file of a server that takes larger ones than the store", async () => {
    await using target = await openTarget({ to: "postgres://127.0.0.1:1/x" });
    const [most, dsn] = [5 * 1024 ** 3, "postgres://127.0.0.1:1/x"];
    const startWith = (maxFileBytes: number, files: string): Promise<unknown> =>
      failureOf(createServer({ target, fleet: { dsn, files }, maxFileBytes }));
    await using s3 = await startS3();
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
    expect(await startWith(most + 1, "s3://files")).toMatchObject({ code: "bad_limit", exitCode: 2 });
    expect(await startWith(most, "s3://files")).toMatchObject({ code: "connection_refused" });
  });

  test.each([`s3://${SECRET}:key@files/x`, "s3://", "s3://files?region=x", "https://files.example", "s3://Files"])(
    "by the address %s is refused, without a word of it",
    async (place) => {
      const failure = await failureOf(openFileStore(place));
      expect(failure).toMatchObject({ code: "file_store", exitCode: 2 });
      expect((failure as Error).message).not.toContain(SECRET);
    },
  );
});
