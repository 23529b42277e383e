// A file that takes minutes to look at: its first record comes after gigabytes of blank lines.
import { constants, gzipSync } from "node:zlib";

const LINES = 16 * 1024 ** 2;
const TIMES = 512;

/** A CSV file in gzip, of a few megabytes. */
export function distant(): Buffer {
  const packed = (text: string): Buffer => gzipSync(text, { level: constants.Z_BEST_COMPRESSION });
  const blank = packed("\n".repeat(LINES));
  return Buffer.concat([packed("id,name\n"), ...Array.from({ length: TIMES }, () => blank), packed("1,x\n")]);
}
