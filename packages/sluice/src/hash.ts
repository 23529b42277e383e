// The content of a file as one short text: SHA-256 of its bytes, or of what they inflate to if they
// are gzip. So a text and the same text in gzip are one content.
import { createHash } from "node:crypto";
import { open, stat, type FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { defaultLimits, type Limits } from "@sluice/sheets";

/** Read into one buffer: a stream would leave the whole file after as garbage. */
const PIECE = 512 * 1024;
const GZIP = Buffer.from([0x1f, 0x8b]);

/** The identity of a file: SHA-256, in hex. */
export interface ContentHash {
  readonly content: string;
  /** The hash of the bytes of a file in gzip, by which earlier versions knew it. */
  readonly packed?: string;
}

/**
 * The state of a file, by which a change shows: its device, number, size and time of change.
 * Undefined if there is none.
 */
export async function stateOf(path: string): Promise<string | undefined> {
  const state = await stat(path, { bigint: true }).catch(() => undefined);
  return state && [state.dev, state.ino, state.size, state.mtimeNs].join(" ");
}

/**
 * Reads a file to its end, and returns the hash of its content. If a gzip file cannot be inflated,
 * or inflates to more than a reader takes, it is the hash of the file's own bytes. If `signal` is
 * aborted, it fails with its reason.
 */
export async function hashFile(path: string, limits: Partial<Limits> = {}, signal?: AbortSignal): Promise<ContentHash> {
  await using file = await open(path);
  const begin = Buffer.alloc(GZIP.length);
  await file.read(begin, 0, GZIP.length, 0);
  if (!begin.equals(GZIP)) return { content: await hashBytes(file, signal) };
  const { partBytes, totalBytes } = { ...defaultLimits, ...limits };
  const content = await hashInflated(file, Math.min(partBytes, totalBytes), signal);
  const packed = await hashBytes(file, signal);
  return content === undefined ? { content: packed } : { content, packed };
}

async function hashBytes(file: FileHandle, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of piecesOf(file, signal)) hash.update(piece);
  return hash.digest("hex");
}

async function hashInflated(
  file: FileHandle,
  most: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const hash = createHash("sha256");
  let length = 0;
  try {
    await pipeline(copiesOf(file, signal), createGunzip(), async (inflated: AsyncIterable<Buffer>) => {
      for await (const piece of inflated) {
        length += piece.length;
        if (length > most) throw new Error(`more than ${most} bytes`);
        hash.update(piece);
      }
    });
    return hash.digest("hex");
  } catch {
    // A failure of the disk, or the signal, comes again when the bytes themselves are read.
    return undefined;
  }
}

/** Each piece is gone when the next one is asked for. */
async function* piecesOf(file: FileHandle, signal: AbortSignal | undefined): AsyncGenerator<Buffer, void, undefined> {
  const piece = Buffer.allocUnsafeSlow(PIECE);
  for (let at = 0; ;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(piece, 0, PIECE, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** Pieces that the inflater may keep. */
async function* copiesOf(file: FileHandle, signal: AbortSignal | undefined): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of piecesOf(file, signal)) yield Buffer.from(piece);
}

/** SHA-256 of a text, in hex. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
