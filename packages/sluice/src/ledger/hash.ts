// What a file holds, as one short text: SHA-256 of its bytes.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

/** Read into one buffer: a stream would leave the whole file behind as garbage. */
const PIECE = 512 * 1024;

/** SHA-256 of a file's bytes, in hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafeSlow(PIECE);
  await using file = await open(path);
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, PIECE);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(piece.subarray(0, bytesRead));
  }
}

/** SHA-256 of a text, in hex. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
