// Whose a temporary folder is.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isPrivateFolder } from "./own-folder.ts";

test.skipIf(process.platform === "win32")("a folder is private if nobody else may look into it", async () => {
  const parent = mkdtempSync(join(tmpdir(), "sheets-own-"));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const folder = join(parent, "folder");
  mkdirSync(folder);
  const by = async (mode: number): Promise<boolean> => {
    chmodSync(folder, mode);
    return await isPrivateFolder(folder);
  };
  expect([await by(0o755), await by(0o710), await by(0o701), await by(0o700)]).toEqual([false, false, false, true]);
  // Somebody else may have made the link.
  symlinkSync(folder, join(parent, "link"));
  writeFileSync(join(parent, "file"), "", { mode: 0o700 });
  for (const name of ["link", "file", "nothing"])
    expect([name, await isPrivateFolder(join(parent, name))]).toEqual([name, false]);
});
