// Where a fleet keeps the files that it was sent: a port. Every server and every worker reaches the
// same store, so any worker can run any import. A store knows files by names that it gives; what a
// caller calls its file is never part of a name.
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { SluiceError } from "../../errors.ts";

/** A file of the store that can be read at a path of this machine, until disposed. */
export interface LocalFile extends AsyncDisposable {
  readonly path: string;
}

/** A file that the store has. */
export interface StoredFile {
  readonly name: string;
  /** When it was put there, by the store's clock, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * Keeps files for a fleet. Failures to reach it are SluiceErrors (`file_store`): the same may work
 * later.
 */
export interface FileStore {
  /** The store's name on a command line. It holds no secret. */
  readonly place: string;
  /** The largest file that it takes, in bytes. */
  readonly maxFileBytes: number;
  /** Makes what it needs, once. @throws SluiceError (`file_store`) if it cannot be used */
  start(): Promise<void>;
  /**
   * Puts a file of this machine into the store; it is on its disk when this resolves. The file at
   * `path` may be gone afterwards.
   *
   * @param hash SHA-256 of its bytes, in hex
   * @returns its name there
   */
  keep(path: string, hash: string): Promise<string>;
  /**
   * Makes a file readable here, and compares it with what was sent.
   *
   * @param scratch a private folder of this machine, for a copy if there is to be one
   * @throws SluiceError (`stored_file`) if it is missing, or has other bytes
   */
  take(name: string, hash: string, scratch: string): Promise<LocalFile>;
  /** Removes a file; one that is not there is no failure. */
  remove(name: string): Promise<void>;
  /** All files of the store, in any order. */
  list(): AsyncIterable<StoredFile>;
  close(): Promise<void>;
}

/**
 * Reads a file of the store to its end, into `copy` if there is to be one.
 * @throws SluiceError (`stored_file`) if it is not what was sent
 */
export async function compare(bytes: AsyncIterable<Uint8Array>, hash: string, copy?: Writable): Promise<void> {
  const found = createHash("sha256");
  for await (const piece of bytes) {
    found.update(piece);
    if (copy?.write(piece) === false) await once(copy, "drain");
  }
  if (found.digest("hex") !== hash)
    throw new SluiceError(
      "stored_file",
      "the file in the store is not the one that was sent: its bytes have changed. Send it again, with the same fields: the import goes on from there.",
    );
}

export function missing(): SluiceError {
  return new SluiceError(
    "stored_file",
    "the file is not in the store any more. Send it again, with the same fields: the import goes on from there.",
  );
}

/** A store that cannot be used just now. Whoever runs it finds the reason as the cause. */
export function unreachable(cause: unknown): SluiceError {
  return new SluiceError("file_store", "the store for uploaded files cannot be used just now.", { cause });
}
