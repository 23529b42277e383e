// The private folder in which a server keeps the imports that wait or run: their files, and what
// was asked for. It survives the server.
//
// A folder is one server's at a time: the lock is SQLite's on an empty database file, a lock of the
// operating system that ends with the process however it ends. A second server on the same database
// takes the next folder. A server that starts takes over what it finds in folders that are free.
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { readdir, rename } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isPrivateFolder } from "@sluice/sheets";
import { SluiceError } from "../../errors.ts";

const KIND = "sluice-imports";
/** The most servers that keep imports for one database in one place. */
const MOST_FOLDERS = 100;
const LOCK = "lock";

/** A folder that this process has. `Symbol.dispose` leaves it to the next one. */
export interface JobFolder extends Disposable {
  readonly path: string;
}

/**
 * Takes a folder for the imports into a database, and moves into it what servers that are gone
 * left.
 *
 * @param database what the database is called
 * @throws SluiceError (`upload_folder`) if none can be had, or it would not be private
 */
export async function takeJobFolder(parent: string, database: string): Promise<JobFolder> {
  let own: JobFolder | undefined;
  let reason = "all of its folders are in use";
  for (let n = 1; n <= MOST_FOLDERS; n++) {
    const path = pathOf(parent, database, n);
    // No server has made a folder after the first one that is missing.
    if (own && !existsSync(path)) break;
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        reason = (error as Error).message;
        break;
      }
    }
    if (!(await isPrivateFolder(path))) {
      reason = `${path} is not private: its file system does not keep modes and owners, or it is another user's`;
      continue;
    }
    const lock = lockFile(join(path, LOCK));
    if (!lock) continue;
    if (own) {
      await moveAll(path, own.path);
      lock.close();
    } else {
      own = { path, [Symbol.dispose]: () => lock.close() };
    }
  }
  if (own) return own;
  throw new SluiceError(
    "upload_folder",
    `no private folder for imports can be had in ${parent}: ${reason}. Name another folder with --upload-dir.`,
  );
}

/** Reports whether servers have kept imports into a database there. */
export function hasJobFolder(parent: string, database: string): boolean {
  return existsSync(pathOf(parent, database, 1));
}

/** Reports whether a file is the lock's, not a job's. */
export function isLock(name: string): boolean {
  return name === LOCK || name.startsWith(`${LOCK}-`);
}

function pathOf(parent: string, database: string, n: number): string {
  const user = process.getuid?.() ?? userInfo().username;
  const which = createHash("sha256").update(database).digest("hex").slice(0, 12);
  return join(parent, `${KIND}-${user}-${which}-${n}`);
}

function lockFile(path: string): DatabaseSync | undefined {
  let file: DatabaseSync | undefined;
  try {
    file = new DatabaseSync(path);
    chmodSync(path, 0o600);
    file.exec("pragma locking_mode = exclusive; begin exclusive");
    return file;
  } catch {
    file?.close();
    return undefined;
  }
}

/** The files first, so that no job is without its file. */
async function moveAll(from: string, to: string): Promise<void> {
  const names = (await readdir(from)).filter((name) => !isLock(name));
  for (const name of names.sort((a, b) => Number(a.endsWith(".json")) - Number(b.endsWith(".json"))))
    await rename(join(from, name), join(to, name));
}
