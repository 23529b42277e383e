// A store in a folder that all machines of a fleet share, such as one of NFS. Files are private to
// the user as whom all of them run.
import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { isPrivateFolder } from "@sluice/sheets";
import { SluiceError } from "../../errors.ts";
import { compare, missing, unreachable, type FileStore, type LocalFile, type StoredFile } from "./file-store.ts";

/**
 * Names of files that are complete, and of those on their way in. All else in the folder is not
 * this store's.
 */
const OWN = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?:\.part)?$/;

export class FolderStore implements FileStore {
  readonly place: string;
  readonly maxFileBytes: number = Number.MAX_SAFE_INTEGER;
  readonly #files: string;

  /**
   * @param place the folder, which must exist: a mount that is missing is not to be made up for by
   *   an empty folder
   */
  constructor(place: string) {
    this.place = resolve(place);
    this.#files = join(this.place, "files");
  }

  async start(): Promise<void> {
    try {
      if (!(await stat(this.place)).isDirectory()) throw new Error("it is not a folder");
      await mkdir(this.#files, { mode: 0o700 }).catch(unlessThere);
    } catch (error) {
      throw new SluiceError("file_store", `files cannot be kept in ${this.place}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    if (!(await isPrivateFolder(this.#files)))
      throw new SluiceError(
        "file_store",
        `${this.#files} is not private to this user. Run all servers and workers as one user, on a file system that keeps modes and owners.`,
      );
  }

  async keep(path: string, _hash: string): Promise<string> {
    const name = randomUUID();
    const part = join(this.#files, `${name}.part`);
    try {
      // It comes from a disk of this machine.
      await pipeline(createReadStream(path), createWriteStream(part, { flags: "wx", mode: 0o600, flush: true }));
      await rename(part, join(this.#files, name));
      await namesOnDisk(this.#files);
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      throw unreachable(error);
    }
    await rm(path, { force: true });
    return name;
  }

  async take(name: string, hash: string): Promise<LocalFile> {
    const path = join(this.#files, name);
    try {
      await compare(createReadStream(path, { highWaterMark: 256 * 1024 }), hash);
    } catch (error) {
      if (error instanceof SluiceError) throw error;
      throw (error as NodeJS.ErrnoException).code === "ENOENT" && (await this.#isThere())
        ? missing()
        : unreachable(error);
    }
    // It is read where it is; another import of the same file may read it as well.
    return { path, [Symbol.asyncDispose]: async () => undefined };
  }

  /** A folder that is not mounted is no reason to give a file up. */
  async #isThere(): Promise<boolean> {
    return await stat(this.#files).then(
      () => true,
      () => false,
    );
  }

  async remove(name: string): Promise<void> {
    try {
      await rm(join(this.#files, name), { force: true });
    } catch (error) {
      throw unreachable(error);
    }
  }

  /** Lists all files, including incomplete ones of servers that were killed meanwhile. */
  async *list(): AsyncGenerator<StoredFile> {
    for (const name of (await readdir(this.#files)).filter((one) => OWN.test(one))) {
      const found = await stat(join(this.#files, name)).catch(() => undefined);
      if (found) yield { name, at: found.mtimeMs };
    }
  }

  async close(): Promise<void> {}
}

function unlessThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
}

/** Resolves when the disk has the names of a folder's files. */
async function namesOnDisk(folder: string): Promise<void> {
  await using handle = await open(folder);
  await handle.sync();
}
