// One process at a time: two that open one embedded database would both succeed, and a committed
// row could vanish.
//
// The lock is SQLite's own on an empty database file: a lock of the operating system, which ends
// with the process however it ends. (A file that says "locked" would stay after kill -9, and a user
// who deletes such files can delete a live one.)
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SluiceError } from "../errors.ts";
import { DATA } from "./folder.ts";

/** The last ones are the service's, which keeps imports that wait or run beside the data. */
const OWN = /^(?:pgdata|owner|lock(?:-.*)?|sluice-imports-.*)$/;
const PRIVATE = 0o700;
const PRIVATE_FILE = 0o600;
const GROUP_AND_OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/**
 * Takes a folder for this process, and makes it if it is missing; `Symbol.dispose` gives it back.
 *
 * @throws SluiceError (`database_in_use`) if another process has it, or (`data_folder`) if it
 *   cannot be written
 */
export function lockFolder(folder: string): Disposable {
  const owner = join(folder, "owner");
  let file: DatabaseSync;
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE });
    keepPrivate(folder);
    file = new DatabaseSync(join(folder, "lock"));
  } catch (error) {
    throw notKept(folder, error);
  }
  try {
    file.exec("pragma locking_mode = exclusive; begin exclusive");
  } catch (error) {
    file.close();
    if (!/locked|busy/i.test((error as Error).message)) throw notKept(folder, error);
    throw new SluiceError(
      "database_in_use",
      `the embedded database in ${folder} is in use by another process${holder(owner)}. ` +
        `Wait until it has finished, use another folder (SLUICE_DATA), or a PostgreSQL server (--to postgres://…), which takes many at a time.`,
      { cause: error },
    );
  }
  try {
    writeFileSync(owner, `${process.pid}\n`);
    closeFiles(folder);
  } catch (error) {
    file.close();
    throw notKept(folder, error);
  }
  return {
    [Symbol.dispose]: () => {
      try {
        closeFiles(folder);
      } catch {
        // The folder may be gone by now; the next one tries again.
      }
      file.close();
    },
  };
}

/**
 * Everything that was imported is in the folder, so nobody else may look into it, whatever the
 * modes of the files are. Earlier versions made folders that others can look into: such a folder is
 * closed, if it holds nothing else. A folder of another user is refused, because that user decides
 * what it holds.
 */
function keepPrivate(folder: string): void {
  if (!process.getuid) return; // Windows has access lists, by which a user's folders are private.
  mustBeOurs(folder);
  const data = join(folder, DATA);
  mkdirSync(data, { recursive: true, mode: PRIVATE });
  mustBeOurs(data);
  if ((statSync(data).mode & GROUP_AND_OTHERS) !== 0) chmodSync(data, PRIVATE);
  const { mode } = statSync(folder);
  if ((mode & GROUP_AND_OTHERS) === 0) return;
  if (readdirSync(folder).every((name) => OWN.test(name))) chmodSync(folder, PRIVATE);
  else if ((mode & OTHERS_WRITE) !== 0) throw new Error("other users can write there, and it holds other files too");
}

/**
 * Takes the files, too, from all others, because they keep their modes if somebody moves or
 * archives them. PGlite makes files by the umask of the whole process, so this runs before it
 * starts and after it has ended.
 */
function closeFiles(folder: string): void {
  if (!process.getuid) return;
  const own = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => OWN.test(name));
  const within = readdirSync(join(folder, DATA), { withFileTypes: true, recursive: true });
  for (const entry of [...own, ...within]) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) keepFrom(path, PRIVATE_FILE);
    else if (entry.isDirectory()) keepFrom(path, PRIVATE);
  }
}

function keepFrom(path: string, mode: number): void {
  const { mode: has } = lstatSync(path);
  if ((has & GROUP_AND_OTHERS) !== 0) chmodSync(path, mode);
}

function mustBeOurs(folder: string): void {
  const me = process.getuid!();
  const { uid } = statSync(folder);
  if (uid !== me) throw new Error(`${folder} belongs to another user (number ${uid})`);
  const link = lstatSync(folder);
  if (link.uid !== me && link.uid !== 0) throw new Error(`${folder} is a link of another user (number ${link.uid})`);
}

function notKept(folder: string, error: unknown): SluiceError {
  return new SluiceError(
    "data_folder",
    `the embedded database cannot be kept in ${folder}: ${(error as Error).message}. Run in a folder that can be written, or name one with --data or SLUICE_DATA.`,
    { cause: error },
  );
}

function holder(owner: string): string {
  try {
    return ` (process ${readFileSync(owner, "utf8").trim()})`;
  } catch {
    return "";
  }
}
