// Takes compressed pieces and gives inflated ones, through a stream of node:zlib and in constant
// memory.
import type { Gunzip, InflateRaw } from "node:zlib";
import { SheetError } from "../errors.ts";

/**
 * The number of bytes inflated at a time: the `chunkSize` with which the stream must be made. From
 * 256 KB on zlib runs at full speed.
 */
export const INFLATE_BYTES: number = 256 * 1024;

/**
 * Inflates pieces one at a time. It asks for the next piece when zlib has taken the last one, so
 * both may be in the same memory. A piece that comes out lasts until the next one is asked for.
 *
 * @param damaged makes the error for data that cannot be inflated
 */
export async function* inflated(
  stream: InflateRaw | Gunzip,
  pieces: AsyncIterable<Uint8Array>,
  damaged: (cause: Error) => SheetError,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pump = async (): Promise<void> => {
    for await (const piece of pieces) {
      if (stream.destroyed || stream.readableEnded) return;
      await new Promise<void>((resolve) => {
        stream.once("close", resolve);
        stream.write(piece, () => {
          stream.off("close", resolve);
          resolve();
        });
      });
    }
    stream.end();
  };
  const pumping = pump().catch((error: unknown) => stream.destroy(error as Error));
  try {
    let last: ArrayBufferLike | undefined;
    for await (const piece of stream as AsyncIterable<Buffer>) {
      // zlib fills one buffer after the other, and no piece crosses two of them. A piece in a new
      // buffer means that the last buffer is used up.
      if (last !== piece.buffer) discard(last);
      last = piece.buffer;
      yield piece;
    }
  } catch (error) {
    if (error instanceof SheetError || !String((error as NodeJS.ErrnoException).code).startsWith("Z_")) throw error;
    throw damaged(error as Error);
  } finally {
    stream.destroy();
    await pumping;
  }
}

/**
 * Gives a buffer of zlib back at once. If that were left to the garbage collector, hundreds of them
 * would wait for it at a time. That costs 50 MB more memory, and new pages for each. A buffer is
 * zlib's own only if it has exactly the size that zlib was given.
 */
function discard(memory: ArrayBufferLike | undefined): void {
  if (memory instanceof ArrayBuffer && memory.byteLength === INFLATE_BYTES) memory.transfer?.(0);
}
