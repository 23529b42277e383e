// Private folders for temporary files. If the process that made a folder is killed, the next
// process removes the folder.
//
// It does so only if it can prove that nobody uses the folder. The folder's name says which process
// of which machine made it, and when that process began. (A lock file in the folder would have to
// be made after the folder, and another process could find the folder between the two steps.) A
// folder of another user, of another machine or of a living process stays.
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

const NAME = /^(?<kind>.+)-(?<machine>[0-9a-f]{8})-(?<pid>\d{1,10})-(?<began>[0-9a-f]{8})-[0-9A-Za-z]{6}$/;
/** Used if the system does not tell when a process began. */
const UNKNOWN = "00000000";

/**
 * Makes a folder of this process, whose name begins with its kind. Its mode is 0700 if the file
 * system keeps modes (`isPrivateFolder`).
 *
 * @throws Error of the system if it cannot be made
 */
export function makeOwnFolder(parent: string, kind: string): Promise<string> {
  return mkdtemp(join(parent, `${kind}-${machine()}-${process.pid}-${beginOf(process.pid) ?? UNKNOWN}-`));
}

/**
 * Removes folders of this kind that this user's processes left and that belong to no living
 * process. Returns their names.
 */
export async function removeLeftFolders(parent: string, kind: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const { pid, began, ...made } = NAME.exec(name)?.groups ?? {};
    if (made["kind"] !== kind || made["machine"] !== machine() || !hasEnded(Number(pid), began!)) continue;
    const folder = join(parent, name);
    if (!(await isPrivateFolder(folder))) continue;
    // The next process tries again to remove a folder that cannot be removed now.
    const gone = await rm(folder, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (gone) removed.push(name);
  }
  return removed;
}

/** True if the path is a folder, not a link to one, that belongs to this user alone. */
export async function isPrivateFolder(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  if (!found?.isDirectory()) return false;
  if (process.getuid === undefined) return true;
  return found.uid === process.getuid() && (found.mode & 0o777) === 0o700;
}

/** True if the process that began then has certainly ended. */
function hasEnded(pid: number, began: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
  }
  // Another process may have the same number by now.
  const now = beginOf(pid);
  return now !== undefined && began !== UNKNOWN && now !== began;
}

/**
 * The time at which a process began, together with the start of the machine it is counted from;
 * undefined if the system does not tell.
 */
function beginOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The 22nd field; the second one, in brackets, may hold anything.
    const began = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]!;
    return digest(readFileSync("/proc/sys/kernel/random/boot_id", "latin1"), began);
  } catch {
    return undefined;
  }
}

/** The name of this machine, and of the namespace on it in which process numbers have a meaning. */
function machine(): string {
  let space = "";
  try {
    space = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Only Linux has several namespaces.
  }
  return digest(hostname(), space);
}

function digest(...texts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 8);
}
