// The sources of a file's bytes: a path, a file: URL, a Blob, or any object that can be read at an
// offset.
import { constants, open as openFile, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { SheetError } from "./errors.ts";

/**
 * Bytes that can be read at any offset. `read` returns at least one byte, except past the end. Its
 * result must not change later.
 */
export interface RandomAccess {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A RandomAccess with a name for messages and a method that frees what it holds. */
export interface Source extends RandomAccess {
  readonly file: string | undefined;
  /**
   * Reads into the caller's memory, which the caller may use again. Returns the number of bytes
   * read.
   */
  readInto?(offset: number, bytes: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens a source. Only a path and a file: URL hold something that close() has to free: a file
 * descriptor. @throws SheetError if it cannot be read, or is not an ordinary file
 */
export async function openSource(source: string | URL | Blob | RandomAccess): Promise<Source> {
  if (typeof source === "string") return openPath(source);
  if (source instanceof URL) {
    if (source.protocol !== "file:")
      throw new SheetError(
        "bad_option",
        `Cannot open ${source.protocol}// addresses, only file: URLs; download ${source.href} first, or pass a Blob.`,
      );
    return openPath(fileURLToPath(source));
  }
  if (source instanceof Blob) {
    const name: unknown = "name" in source ? source.name : undefined;
    return {
      file: typeof name === "string" ? basename(name) : undefined,
      size: source.size,
      read: async (offset, length) => new Uint8Array(await source.slice(offset, offset + length).arrayBuffer()),
      close: async () => {},
    };
  }
  if (typeof (source as Partial<RandomAccess> | null)?.read !== "function" || !Number.isSafeInteger(source.size))
    throw new SheetError(
      "bad_option",
      "The source must be a path, a file: URL, a Blob, or an object with `size` and `read(offset, length)`.",
    );
  return {
    file: undefined,
    size: source.size,
    read: (offset, length) => source.read(offset, length),
    close: async () => {},
  };
}

/** Reads exactly `length` bytes; fewer only if the source ends. */
export async function readFully(source: RandomAccess, offset: number, length: number): Promise<Buffer> {
  const want = Math.max(0, Math.min(length, source.size - offset));
  const first = await source.read(offset, want);
  if (first.length === want) return Buffer.from(first.buffer, first.byteOffset, first.length);
  const pieces = [first];
  let got = first.length;
  while (got < want && pieces.at(-1)!.length > 0) {
    pieces.push(await source.read(offset + got, want - got));
    got += pieces.at(-1)!.length;
  }
  return Buffer.concat(pieces, Math.min(got, want));
}

/** The number of bytes read from the file at a time. */
const READ_BYTES = 256 * 1024;

/**
 * The bytes from `start` to `end`, in order. With `reuse` a piece lasts until the next one is asked
 * for.
 */
export async function* readPieces(
  source: Source,
  start: number,
  end: number,
  reuse: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const memory = reuse && source.readInto ? Buffer.allocUnsafeSlow(READ_BYTES) : undefined;
  for (let at = start; at < end;) {
    const length = Math.min(READ_BYTES, end - at);
    const piece = memory
      ? memory.subarray(0, await source.readInto!(at, memory.subarray(0, length)))
      : await readFully(source, at, length);
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
  }
}

async function openPath(path: string): Promise<Source> {
  let handle: FileHandle;
  try {
    // Opens without blocking, so that a pipe is refused at once.
    handle = await openFile(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw openFailure(error, path);
  }
  const readInto = async (offset: number, bytes: Uint8Array): Promise<number> => {
    try {
      return (await handle.read(bytes, 0, bytes.length, offset)).bytesRead;
    } catch (error) {
      const message = `Cannot read ${path}: ${(error as Error).message}`;
      throw new SheetError("unreadable", message, { file: path, offset }, { cause: error });
    }
  };
  try {
    // A pipe or a device has no size and cannot be read at an offset. spool() makes a file of a
    // stream.
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new SheetError(
        "not_a_file",
        `${path} is ${stat.isDirectory() ? "a directory" : "not an ordinary file"}; a workbook (.xlsx) was expected.`,
        { file: path },
      );
    return {
      file: path,
      size: stat.size,
      read: async (offset, length) => {
        const bytes = Buffer.allocUnsafeSlow(length);
        return bytes.subarray(0, await readInto(offset, bytes));
      },
      readInto,
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The error for a path that cannot be opened, by the system's code. */
function openFailure(cause: unknown, file: string): SheetError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR")
    return new SheetError("file_not_found", `There is no file ${file}; check the path.`, { file }, { cause });
  if (code === "EACCES" || code === "EPERM")
    return new SheetError(
      "unreadable",
      `No permission to read ${file}; check its owner and mode.`,
      { file },
      { cause },
    );
  if (code === "EISDIR")
    return new SheetError("not_a_file", `${file} is a directory; a workbook (.xlsx) was expected.`, { file });
  return new SheetError("unreadable", `Cannot open ${file}: ${(cause as Error).message}`, { file }, { cause });
}
