// The temporary folder of a test run, in memory if there is room. Tests copy embedded databases and
// write workbooks: on a disk, the kernel took more of the processor for that than most tests do.
//
// What Node compiles for programs that tests start is kept there, too. A program begins with some
// hundred files of TypeScript, and without that each start compiles all of them again.
import { spawn } from "node:child_process";
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, statfsSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the files of a run may need at a time, in bytes. */
const ROOM = 2 ** 32;

/** Makes the folder, and names it to tests and to the programs that they start. */
export function setup(): () => void {
  const folder = mkdtempSync(join(roomInMemory(ROOM), "sluice-tests-"));
  // Servers and poolers run as other users, as in any temporary folder.
  chmodSync(folder, 0o1777);
  removeAtEnd(folder);
  process.env["TMPDIR"] = folder;
  process.env["NODE_COMPILE_CACHE"] = join(folder, "compiled");
  return () => rmSync(folder, { recursive: true, force: true });
}

/**
 * Removes a folder however this process ends, with Ctrl-C or kill -9: its end closes the pipe. Left
 * there, it would keep memory.
 */
function removeAtEnd(folder: string): void {
  const keeper = spawn("sh", ["-c", 'cat; rm -rf "$0"', folder], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Not every system has a shell.
  keeper.on("error", () => undefined);
  keeper.unref();
  (keeper.stdin as Socket).unref();
}

/**
 * A folder in memory if it has room for so many bytes, else the temporary one. Each test drops its
 * database, and the server then writes all that it has: on a disk that took longer than most tests.
 */
export function roomInMemory(bytes: number): string {
  try {
    accessSync("/dev/shm", constants.W_OK);
    const { bavail, bsize } = statfsSync("/dev/shm");
    if (bavail * bsize > bytes) return "/dev/shm";
  } catch {
    // Not every system has it.
  }
  return tmpdir();
}
