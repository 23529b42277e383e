// The private folder that uploads are kept in: made by each server for itself, and removed when it closes.
//
// A server that is killed cannot remove its own, so the next one does, if it can prove that the folder is nobody's. The name says which
// process of which machine made it, and when that process began. (A lock file in the folder would have to be made after the folder,
// and another server could meet it in between.) A folder of another user, another machine or a process that is alive stays.
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { SluiceError } from "../errors.ts";

const NAME = /^sluice-uploads-(?<machine>[0-9a-f]{8})-(?<pid>\d{1,10})-(?<began>[0-9a-f]{8})-[0-9A-Za-z]{6}$/;
/** Where the system does not say when a process began. */
const UNKNOWN = "00000000";

/** Makes the folder. @throws SluiceError (`upload_folder`) where it cannot be made, or would not be private */
export async function makeUploadFolder(parent: string): Promise<string> {
  const name = `sluice-uploads-${machine()}-${process.pid}-${beginOf(process.pid) ?? UNKNOWN}-`;
  let folder: string;
  try {
    folder = await mkdtemp(join(parent, name));
  } catch (error) {
    const { message } = error as Error;
    throw new SluiceError("upload_folder", `no folder for uploads can be made in ${parent}: ${message}. ${ADVICE}`, {
      cause: error,
    });
  }
  if (await isPrivate(folder)) return folder;
  await rm(folder, { recursive: true, force: true });
  throw new SluiceError(
    "upload_folder",
    `uploads cannot be kept from other users in ${parent}: its file system does not keep modes and owners. ${ADVICE}`,
  );
}

/** Removes what servers of this user left there that are not alive any more. Returns the folders' names. */
export async function removeLeftFolders(parent: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const { pid, began, ...made } = NAME.exec(name)?.groups ?? {};
    if (made["machine"] !== machine() || !hasEnded(Number(pid), began!)) continue;
    const folder = join(parent, name);
    if (!(await isPrivate(folder))) continue;
    // What cannot be removed is for the next one.
    const gone = await rm(folder, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (gone) removed.push(name);
  }
  return removed;
}

const ADVICE = "Name another folder with --upload-dir.";

/** A folder, not a link to one, that is this user's alone. */
async function isPrivate(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  if (!found?.isDirectory()) return false;
  if (process.getuid === undefined) return true;
  return found.uid === process.getuid() && (found.mode & 0o777) === 0o700;
}

/** Whether the process that began then has certainly ended. */
function hasEnded(pid: number, began: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
  }
  // Its number may be another process's by now.
  const now = beginOf(pid);
  return now !== undefined && began !== UNKNOWN && now !== began;
}

/** When a process began, since which start of the machine; undefined where the system does not say. */
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

/** This machine, and on it the space in which numbers of processes mean something. */
function machine(): string {
  let space = "";
  try {
    space = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Only Linux has several.
  }
  return digest(hostname(), space);
}

function digest(...texts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 8);
}
