// Turns a stream, such as standard input, into a file. Workbooks need random access, and texts are
// read more than once.
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { SheetError } from "./errors.ts";
import { resolveLimits, type Limits } from "./limits.ts";
import { makeOwnFolder, removeLeftFolders } from "./own-folder.ts";

const KIND = "sluice-sheets";

/** A temporary file that is deleted when it is disposed of. */
export interface Spooled extends AsyncDisposable {
  readonly path: string;
}

/**
 * Copies a stream to a temporary file that only this user can read. Removes copies that this user's
 * killed processes left.
 *
 * @param name the name of the file in messages; a text's sheet is named after it
 * @throws SheetError (`limit`) if there is more than `fileBytes`, (`temporary_file`) if the file
 * cannot be written
 */
export async function spool(
  stream: AsyncIterable<Uint8Array>,
  name: string,
  options: { readonly limits?: Partial<Limits>; readonly signal?: AbortSignal } = {},
): Promise<Spooled> {
  const { fileBytes } = resolveLimits(options.limits);
  await removeLeftFolders(tmpdir(), KIND);
  const folder = await makeOwnFolder(tmpdir(), KIND).catch((error: unknown) => {
    throw notCopied(name, error);
  });
  const path = join(folder, name);
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  let size = 0;
  const counted = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      size += piece.length;
      if (size > fileBytes)
        throw new SheetError(
          "limit",
          `${name} has more than the limit fileBytes = ${fileBytes} bytes; raise the limit to read it.`,
        );
      yield piece;
    }
  };
  try {
    const { signal } = options;
    await pipeline(stream, counted, createWriteStream(path, { flags: "wx", mode: 0o600 }), signal ? { signal } : {});
    return { path, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    if (options.signal?.aborted) throw options.signal.reason;
    if (error instanceof SheetError) throw error;
    throw notCopied(name, error);
  }
}

function notCopied(name: string, error: unknown): SheetError {
  return new SheetError(
    "temporary_file",
    `${name} could not be copied to a temporary file in ${tmpdir()}: ${(error as Error).message}. Make room there, or give the name of a file.`,
    {},
    { cause: error },
  );
}
