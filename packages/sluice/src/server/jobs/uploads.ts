// Files that were sent for a preview, kept for the import that may follow, so that they need not be
// sent twice.
import { randomUUID } from "node:crypto";
import { copyFile, link, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HttpFailure } from "../failure.ts";
import type { UploadRoom } from "../upload-room.ts";
import type { Upload } from "../upload.ts";

/** The time for which a file is kept after its last use. */
export const KEPT_MS: number = 15 * 60_000;

interface Kept {
  readonly upload: Upload;
  timer: NodeJS.Timeout;
}

/**
 * The files, each by its token. A token cannot be guessed, and means nothing to any other server.
 */
export class KeptUploads implements AsyncDisposable {
  readonly #room: UploadRoom;
  readonly #kept = new Map<string, Kept>();

  constructor(room: UploadRoom) {
    this.#room = room;
  }

  /** Keeps a file; the upload is owned by this from now on. Returns its token. */
  keep(upload: Upload): string {
    const token = randomUUID();
    this.#kept.set(token, { upload, timer: this.#timer(token) });
    return token;
  }

  /**
   * The file of a token, which is kept for as long again.
   * @throws HttpFailure 404 (`upload_gone`)
   */
  find(token: string): Upload {
    const kept = this.#kept.get(token);
    if (!kept)
      throw new HttpFailure(
        404,
        "The file of this `upload` is not here any more: it was not used in time, or the server was started again. Send the file itself, in the field `file`.",
        {},
        "upload_gone",
      );
    clearTimeout(kept.timer);
    kept.timer = this.#timer(token);
    return kept.upload;
  }

  /** Another name of the same file, for an owner of its own. */
  async share(upload: Upload, client: string): Promise<Upload> {
    const { size } = await stat(upload.path);
    const share = this.#room.enter(size, client);
    const path = join(dirname(upload.path), randomUUID());
    try {
      share.take(size);
      await link(upload.path, path).catch(() => copyFile(upload.path, path));
    } catch (error) {
      share[Symbol.dispose]();
      throw error;
    }
    const dispose = async (): Promise<void> => {
      await rm(path, { force: true });
      share[Symbol.dispose]();
    };
    return { ...upload, path, [Symbol.asyncDispose]: dispose };
  }

  #timer(token: string): NodeJS.Timeout {
    return setTimeout(() => void this.#drop(token), KEPT_MS).unref();
  }

  async #drop(token: string): Promise<void> {
    const kept = this.#kept.get(token);
    this.#kept.delete(token);
    clearTimeout(kept?.timer);
    await kept?.upload[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((token) => this.#drop(token)));
  }
}
