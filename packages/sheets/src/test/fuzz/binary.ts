// Changes that damage an .xls file where it hurts: the records of its stream, and the sectors of
// the compound file around it.
import type { Random } from "../random.ts";
import { damageBytes } from "./damage.ts";

const values = [0, 1, 2, 8, 0x7f, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff];
const sectors = [0, 1, 2, 3, 0x7fffffff, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff];
/**
 * Records that begin something or say how much of it there is: BOF, EOF, BOUNDSHEET, SST, CONTINUE,
 * DIMENSIONS, ROW, MULRK, FILEPASS …
 */
const kinds = [
  0x09, 0x209, 0x409, 0x809, 0x0a, 0x85, 0xfc, 0x3c, 0x200, 0x208, 0xbd, 0xbe, 0x2f, 0xfd, 0x06, 0x18, 0x1ae,
];

/**
 * A record's kind, length or content changed, or the record left out, doubled or exchanged with
 * another one.
 */
export function damageBiff(bytes: Uint8Array, random: Random): Buffer {
  const out = Buffer.from(bytes);
  const records = recordsOf(out);
  if (records.length === 0) return damageBytes(bytes, random);
  const { at, length } = random.pick(records);
  switch (random.below(5)) {
    case 0:
      out.writeUInt16LE(random.once(2) ? random.pick(kinds) : random.below(65_536), at);
      return out;
    case 1:
      out.writeUInt16LE(random.once(2) ? random.pick(values) : (length + random.below(9) - 4) & 0xffff, at + 2);
      return out;
    case 2: {
      // A field of the content: counts, offsets, rows and columns are two or four bytes long.
      if (length < 2) return damageBytes(bytes, random);
      const field = at + 4 + random.below(Math.min(length - 1, 32));
      out.writeUInt16LE(random.once(3) ? random.below(65_536) : random.pick(values), field);
      return out;
    }
    case 3: {
      const other = random.pick(records);
      const from = out.subarray(other.at, other.at + 4 + other.length);
      from.copy(out, at, 0, Math.min(from.length, out.length - at));
      return out;
    }
    default:
      return random.once(2)
        ? Buffer.concat([out.subarray(0, at), out.subarray(at + 4 + length)])
        : Buffer.concat([out.subarray(0, at + 4 + length), out.subarray(at)]);
  }
}

/**
 * A field of the compound file's header, of its sector tables or of its directory set to a value
 * that readers stumble over.
 */
export function damageSectors(bytes: Uint8Array, random: Random): Buffer {
  const out = Buffer.from(bytes);
  if (out.length < 1024 || out.readUInt32LE(0) !== 0xe011cfd0) return damageBytes(bytes, random);
  const value = random.once(3) ? random.below(out.length >> 9) : random.pick(sectors);
  if (random.once(3)) out.writeUInt32LE(value, 24 + 2 * random.below(26));
  else {
    // The table of sectors, the directory, or any other sector.
    const field = random.pick([76, 48, 60]);
    const sector = random.once(4) ? random.below(out.length >> 9) : out.readUInt32LE(field);
    const at = 512 * (sector + 1) + 4 * random.below(128);
    if (at + 4 > out.length) return damageBytes(bytes, random);
    out.writeUInt32LE(value, at);
  }
  return out;
}

/** The records from the first BOF on, as if the stream lay in one piece. */
function recordsOf(bytes: Buffer): { at: number; length: number }[] {
  const begin = ["09081000", "09080800", "09040600", "09020600", "09000400"]
    .map((bof) => bytes.indexOf(Buffer.from(bof, "hex")))
    .filter((at) => at >= 0);
  const records: { at: number; length: number }[] = [];
  for (let at = Math.min(...begin); at + 4 <= bytes.length && records.length < 20_000;) {
    const length = bytes.readUInt16LE(at + 2);
    if (at + 4 + length > bytes.length) break;
    records.push({ at, length });
    at += 4 + length;
  }
  return records;
}
