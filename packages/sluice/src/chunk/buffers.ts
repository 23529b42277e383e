// Buffers that one owner fills, and gives back when it needs another one.

/**
 * Gives a buffer's memory back at once: left to the garbage collector, outgrown buffers add up to
 * more than the last one. Nobody may use it afterwards, and it must not be one of the pool that
 * `Buffer.from` and `Buffer.allocUnsafe` take small ones from.
 */
export function discard(buffer: Buffer): void {
  (buffer.buffer as ArrayBuffer).transfer?.(0);
}
