import { chmod, lchown, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { newFolder } from "../test/database.ts";
import { lockFolder } from "./lock.ts";

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const STRANGER = 65_534;

describe.skipIf(process.platform === "win32")("lockFolder()", () => {
  test("makes a folder that nobody else can look into, whatever the umask", async () => {
    await using folder = newFolder();
    const data = join(folder.path, "a", "sluice-data");
    using _lock = lockFolder(data);
    expect([await mode(data), await mode(join(data, "pgdata"))]).toEqual([0o700, 0o700]);
  });

  test("closes a folder of its own that others can look into", async () => {
    await using folder = newFolder();
    const data = join(folder.path, "sluice-data");
    await mkdir(join(data, "pgdata"), { recursive: true });
    await chmod(data, 0o755);
    await chmod(join(data, "pgdata"), 0o755);
    using _lock = lockFolder(data);
    expect([await mode(data), await mode(join(data, "pgdata"))]).toEqual([0o700, 0o700]);
  });

  test("closes what is its own in a folder that holds other files", async () => {
    await using folder = newFolder();
    await writeFile(join(folder.path, "notes.txt"), "");
    await chmod(folder.path, 0o755);
    using _lock = lockFolder(folder.path);
    expect([await mode(folder.path), await mode(join(folder.path, "pgdata"))]).toEqual([0o755, 0o700]);
  });

  test("takes files from all others, when it is opened and when it is closed", async () => {
    await using folder = newFolder();
    const data = join(folder.path, "sluice-data");
    const nested = join(data, "pgdata", "base");
    await mkdir(nested, { recursive: true });
    const make = async (name: string): Promise<string> => {
      await writeFile(join(nested, name), "", { mode: 0o644 });
      return join(nested, name);
    };
    const before = await make("1");
    await chmod(nested, 0o755);
    const lock = lockFolder(data);
    expect([await mode(before), await mode(nested), await mode(join(data, "owner"))]).toEqual([0o600, 0o700, 0o600]);
    const during = await make("2");
    lock[Symbol.dispose]();
    expect([await mode(during), await mode(join(data, "lock"))]).toEqual([0o600, 0o600]);
  });

  test("refuses a folder with other files that others can write to", async () => {
    await using folder = newFolder();
    await writeFile(join(folder.path, "notes.txt"), "");
    await chmod(folder.path, 0o777);
    expect(() => lockFolder(folder.path)).toThrow(/other users can write there/);
  });

  // To give a file away takes a superuser.
  describe.skipIf(process.getuid?.() !== 0)("refuses what another user has put there", () => {
    test("a folder", async () => {
      await using folder = newFolder();
      const data = join(folder.path, "sluice-data");
      await mkdir(data);
      await lchown(data, STRANGER, STRANGER);
      expect(() => lockFolder(data)).toThrow(/belongs to another user \(number 65534\).*--data/);
    });

    test("a database in a folder of this user", async () => {
      await using folder = newFolder();
      await mkdir(join(folder.path, "pgdata"));
      await lchown(join(folder.path, "pgdata"), STRANGER, STRANGER);
      expect(() => lockFolder(folder.path)).toThrow(/pgdata belongs to another user/);
    });

    test("a link", async () => {
      await using folder = newFolder();
      const data = join(folder.path, "sluice-data");
      await mkdir(join(folder.path, "victim"));
      await symlink(join(folder.path, "victim"), data);
      await lchown(data, STRANGER, STRANGER);
      expect(() => lockFolder(data)).toThrow(/is a link of another user/);
    });
  });
});
