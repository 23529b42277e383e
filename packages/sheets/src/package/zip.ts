// Random access to a zip archive: the central directory once, then one entry at a time as a stream
// of inflated bytes.
//
// The file, and what is read of it:
//
//  [ other bytes | header, data | header, data | … | directory | end record | comment ]
//                ↑ base                            ↑             ↑
//                                                  entries       findEnd: searched from the end
//
//  end record, PK 05 06   the position and size of the directory, counted from the base
//  entry,      PK 01 02   name, method, checksum, sizes, and the position of its header
//  header,     PK 03 04   only the lengths of its name and extra field: the data is after them
//
// A value that does not fit into 32 bits is ff ff ff ff there. The real one is in the extra field
// of the entry (readZip64), or in a larger end record (findEnd64).
//
// Sizes and counts in the headers are only hints from a stranger: the limits count the bytes that
// really come out. Data descriptors can be ignored, since the central directory has the sizes.
// Names are looked up as Office does it: without regard to case, with `\` and `/` as equals. There
// may be other bytes in the file before and after the archive.
import { crc32, createInflateRaw } from "node:zlib";
import { SheetError, type Place } from "../errors.ts";
import { INFLATE_BYTES, inflated } from "./inflate.ts";
import { fixed, inflatedMax, type Limits } from "../limits.ts";
import { readFully, readPieces, type Source } from "../source.ts";

export interface Entry {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly offset: number;
}

/** Bytes that were really found, in the file and after inflating. */
interface Count {
  packed: number;
  inflated: number;
}

/** The size of an end record without its comment. */
const endSize = 22;

/** The entries of an archive, and the streams of their bytes. */
export class Archive {
  readonly #source: Source;
  readonly limits: Limits;
  readonly #entries: ReadonlyMap<string, Entry>;
  /** The bytes counted so far for each entry, so that an entry that is read twice counts once. */
  readonly #counted = new Map<Entry, Count>();
  readonly #total: Count = { packed: 0, inflated: 0 };

  private constructor(source: Source, limits: Limits, entries: ReadonlyMap<string, Entry>) {
    this.#source = source;
    this.limits = limits;
    this.#entries = entries;
  }

  /** @throws SheetError if there is no directory, or it cannot be right */
  static async open(source: Source, limits: Limits): Promise<Archive> {
    return new Archive(source, limits, await readDirectory(source, limits));
  }

  /** The name of each entry, as the archive writes it, but with `/` for `\`. */
  get names(): string[] {
    return [...new Set(this.#entries.values())].map((entry) => entry.name);
  }

  /** Finds an entry by its exact name, or else without regard to case. */
  find(name: string): Entry | undefined {
    return this.#entries.get(name) ?? this.#entries.get(key(name));
  }

  /**
   * The bytes of an entry, inflated. A piece lasts until the next one is asked for. At its end the
   * length and the checksum have been compared.
   *
   * @throws SheetError if the entry is encrypted, packed by another method, damaged, cut off, or
   *   larger than a limit
   */
  async *read(entry: Entry, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const place: Place = { file: this.#source.file, part: entry.name };
    if (entry.flags & 1)
      throw new SheetError(
        "encrypted",
        `${entry.name} is encrypted with a zip password; save the workbook without one.`,
        place,
      );
    if (entry.method !== 0 && entry.method !== 8)
      throw new SheetError(
        "unsupported_compression",
        `${entry.name} is compressed with method ${entry.method}; only stored (0) and deflate (8) are read. Save the workbook again in Excel.`,
        place,
      );
    const start = await this.#dataStart(entry, place);
    let crc = 0;
    const count: Count = { packed: 0, inflated: 0 };
    const raw = counted(readPieces(this.#source, start, start + entry.compressedSize, entry.method !== 0), count);
    for await (const piece of entry.method === 0 ? raw : this.#inflate(entry, raw, place)) {
      signal?.throwIfAborted();
      count.inflated += piece.length;
      this.#count(entry, count, place);
      crc = crc32(piece, crc);
      yield piece;
    }
    if (crc !== entry.crc)
      throw new SheetError(
        "crc_mismatch",
        `${entry.name} is damaged: its checksum is ${hex(crc)} and should be ${hex(entry.crc)}. Get the file again, or open and save it in Excel.`,
        place,
      );
  }

  /** The position of an entry's data, after its header. */
  async #dataStart(entry: Entry, place: Place): Promise<number> {
    const header = await readFully(this.#source, entry.offset, 30);
    if (header.length < 30 || header.readUInt32LE(0) !== 0x04034b50)
      throw new SheetError(
        "bad_archive",
        `The archive is damaged: ${entry.name} does not begin where the directory says (byte ${entry.offset}). Get the file again.`,
        { ...place, offset: entry.offset },
      );
    const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    if (start + entry.compressedSize > this.#source.size)
      throw new SheetError(
        "truncated",
        `The file ends inside ${entry.name}: ${start + entry.compressedSize} bytes were expected and there are ${this.#source.size}. Get the file again.`,
        { ...place, offset: this.#source.size },
      );
    return start;
  }

  #inflate(entry: Entry, raw: AsyncIterable<Uint8Array>, place: Place): AsyncIterable<Uint8Array> {
    return inflated(
      createInflateRaw({ chunkSize: INFLATE_BYTES }),
      raw,
      (cause) =>
        new SheetError(
          "bad_compression",
          `${entry.name} is damaged: its compressed data cannot be inflated (${cause.message}). Get the file again, or open and save it in Excel.`,
          place,
          { cause },
        ),
    );
  }

  /**
   * Adds what an entry has given so far to the counts of the archive, and compares them with the
   * limits. Of an entry that is read again, only what is more than before is added.
   */
  #count(entry: Entry, { packed, inflated }: Count, place: Place): void {
    const { partBytes, totalBytes, inflation } = this.limits;
    const tooMuch = (what: string): SheetError =>
      new SheetError("limit", `${what}; raise the limit if you trust the file.`, { ...place, offset: inflated });
    if (inflated > partBytes) throw tooMuch(`${entry.name} inflates to more than the limit partBytes = ${partBytes}`);
    const total = this.#total;
    const before = this.#counted.get(entry) ?? { packed: 0, inflated: 0 };
    if (inflated <= before.inflated) return;
    total.packed += Math.max(0, packed - before.packed);
    total.inflated += inflated - before.inflated;
    this.#counted.set(entry, { packed: Math.max(packed, before.packed), inflated });
    if (total.inflated > totalBytes)
      throw tooMuch(`The parts of the workbook inflate to more than the limit totalBytes = ${totalBytes}`);
    // Entries may overlap, so the compressed bytes are limited by the size of the file.
    if (total.inflated > inflatedMax(this.limits, Math.min(total.packed, this.#source.size)))
      throw tooMuch(
        `${entry.name} inflates as no honest part does: ${total.inflated} bytes by now, from ${total.packed}; the limit inflation = ${inflation}`,
      );
  }
}

async function* counted(pieces: AsyncIterable<Uint8Array>, count: Count): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    count.packed += piece.length;
    yield piece;
  }
}

const key = (name: string): string => name.replaceAll("\\", "/").replace(/^\/+/, "").toLowerCase();

const hex = (crc: number): string => crc.toString(16).padStart(8, "0");

/**
 * The entries by name, and by name without regard to case. It has more than 15 branches because no
 * field of an entry can be trusted, so each is checked.
 */
async function readDirectory(source: Source, limits: Limits): Promise<ReadonlyMap<string, Entry>> {
  const { file, size } = source;
  const name = file ?? "the file";
  const end = await findEnd(source);
  if (!end)
    throw new SheetError(
      "truncated",
      `${name} is cut off: it begins as a zip archive, and the directory at its end is missing. Get the file again; the download or copy was not complete.`,
      { file, offset: size },
    );
  const damaged = (what: string, offset: number): SheetError =>
    new SheetError("bad_archive", `The archive ${name} is damaged: ${what}. Get the file again.`, { file, offset });
  if (end.size > fixed.directoryBytes || end.size > size)
    throw damaged(`its directory claims to have ${end.size} bytes`, end.position);
  // Offsets count from the start of the archive. Bytes before the archive move all of them.
  let base = end.position - end.size - end.offset;
  const at = async (offset: number): Promise<boolean> =>
    offset >= 0 && offset < size && (await readFully(source, offset, 4)).equals(Buffer.from("PK\x01\x02", "latin1"));
  if (base !== 0 && !(await at(end.offset + base))) base = 0;
  if (!(end.offset + base + end.size <= size)) throw damaged("its directory lies outside the file", end.position);
  const directory = await readFully(source, end.offset + base, end.size);
  const entries = new Map<string, Entry>();
  let count = 0;
  for (let pos = 0; pos < directory.length;) {
    if (pos + 46 > directory.length || directory.readUInt32LE(pos) !== 0x02014b50)
      throw damaged(`entry ${count + 1} of its directory cannot be read`, end.offset + base + pos);
    if (++count > limits.entries)
      throw new SheetError(
        "limit",
        `The archive ${name} has more entries than the limit entries = ${limits.entries}.`,
        {
          file,
        },
      );
    const nameEnd = pos + 46 + directory.readUInt16LE(pos + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(pos + 30);
    const fields = {
      size: directory.readUInt32LE(pos + 24),
      compressedSize: directory.readUInt32LE(pos + 20),
      offset: directory.readUInt32LE(pos + 42),
    };
    readZip64(directory.subarray(nameEnd, extraEnd), fields);
    const entry: Entry = {
      name: directory.toString("utf8", pos + 46, nameEnd).replaceAll("\\", "/"),
      flags: directory.readUInt16LE(pos + 8),
      method: directory.readUInt16LE(pos + 10),
      crc: directory.readUInt32LE(pos + 16),
      ...fields,
      offset: fields.offset + base,
    };
    if (!Number.isSafeInteger(entry.offset + entry.compressedSize) || entry.offset < 0 || entry.offset > size)
      throw damaged(`${entry.name} lies outside the file`, end.offset + base + pos);
    entries.set(entry.name, entry);
    if (!entries.has(key(entry.name))) entries.set(key(entry.name), entry);
    pos = extraEnd + directory.readUInt16LE(pos + 32);
  }
  if (count === 0) throw damaged("it has no entries", end.position);
  return entries;
}

interface DirectoryEnd {
  /** The position of the record at the end of the archive, right after the directory. */
  readonly position: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * True if the file has a zip archive at its end, also with other bytes before it. The end of its
 * directory must be found.
 */
export async function endsAsArchive(source: Source): Promise<boolean> {
  return (await findEnd(source)) !== undefined;
}

/**
 * The end-of-directory record: the last one whose comment fits in the file, since a comment may
 * contain its signature too. It prefers a record that, like all archives of one file, begins and
 * ends on disk 0 and has all of its entries there.
 */
async function findEnd(source: Source): Promise<DirectoryEnd | undefined> {
  const tailSize = Math.min(source.size, endSize + 0xffff + 4096);
  const tail = await readFully(source, source.size - tailSize, tailSize);
  let found = -1;
  for (let pos = tail.length - endSize; pos >= 0; pos--) {
    pos = tail.lastIndexOf("PK\x05\x06", pos, "latin1");
    if (pos < 0) break;
    if (pos + endSize + tail.readUInt16LE(pos + 20) > tail.length) continue;
    const usual = tail.readUInt32LE(pos + 4) === 0 && tail.readUInt16LE(pos + 8) === tail.readUInt16LE(pos + 10);
    if (usual || found < 0) found = pos;
    if (usual) break;
  }
  if (found < 0) return undefined;
  const position = source.size - tailSize + found;
  const size = tail.readUInt32LE(found + 12);
  const offset = tail.readUInt32LE(found + 16);
  if (size !== 0xffffffff && offset !== 0xffffffff && tail.readUInt16LE(found + 10) !== 0xffff)
    return { position, offset, size };
  return (await findEnd64(source, position)) ?? { position, offset, size };
}

/** The end record of an archive with sizes of 64 bits, which a locator before `position` names. */
async function findEnd64(source: Source, position: number): Promise<DirectoryEnd | undefined> {
  const locator = await readFully(source, Math.max(0, position - 20), 20);
  if (locator.length < 20 || locator.readUInt32LE(0) !== 0x07064b50) return undefined;
  // The record is usually right before its locator, also if there are other bytes before the
  // archive.
  for (const at of [position - 20 - 56, Number(locator.readBigUInt64LE(8))]) {
    if (at < 0 || at > source.size) continue;
    const record = await readFully(source, at, 56);
    if (record.length === 56 && record.readUInt32LE(0) === 0x06064b50)
      return { position: at, size: Number(record.readBigUInt64LE(40)), offset: Number(record.readBigUInt64LE(48)) };
  }
  return undefined;
}

/**
 * Fills in the fields that are ff ff ff ff, from the extra field with the id 1. It has only those
 * that are needed, always in this order.
 */
function readZip64(extra: Buffer, fields: { size: number; compressedSize: number; offset: number }): void {
  for (let pos = 0; pos + 4 <= extra.length; pos += 4 + extra.readUInt16LE(pos + 2)) {
    if (extra.readUInt16LE(pos) !== 1) continue;
    const end = Math.min(extra.length, pos + 4 + extra.readUInt16LE(pos + 2));
    let at = pos + 4;
    for (const name of ["size", "compressedSize", "offset"] as const) {
      if (fields[name] !== 0xffffffff || at + 8 > end) continue;
      fields[name] = Number(extra.readBigUInt64LE(at));
      at += 8;
    }
    return;
  }
}
