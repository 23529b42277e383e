// A zip archive read at random places: the central directory once, then one entry at a time as a stream of inflated bytes.
//
// Sizes and counts in the headers are hints of a stranger: what is counted against the limits are the bytes that really come
// out. Data descriptors need no care, since the central directory has the sizes. Names are looked up as Office does: without
// regard to case, `\` and `/` alike. An archive may lie anywhere in the file (junk before and after it).
import { crc32, createInflateRaw } from "node:zlib";
import { SheetError, type Place } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { notAnArchive } from "./sniff.ts";
import { readFully, type Source } from "./source.ts";

export interface Entry {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly offset: number;
}

/** How much is read from the file, and inflated, at a time. From 256 KB on zlib runs at full speed. */
const READ_BYTES = 256 * 1024;
const INFLATE_BYTES = 256 * 1024;

const endSize = 22;
const directoryBytesMax = 64 * 2 ** 20;

export class Archive {
  readonly #source: Source;
  readonly #limits: Limits;
  readonly #entries: ReadonlyMap<string, Entry>;
  /** Inflated bytes counted so far, entry by entry, so that reading one twice does not count twice. */
  readonly #counted = new Map<Entry, number>();
  #total = 0;

  private constructor(source: Source, limits: Limits, entries: ReadonlyMap<string, Entry>) {
    this.#source = source;
    this.#limits = limits;
    this.#entries = entries;
  }

  static async open(source: Source, limits: Limits): Promise<Archive> {
    const { file, size } = source;
    const name = file ?? "the file";
    if (size === 0)
      throw new SheetError("empty_file", `${name} is empty (0 bytes); was it saved or uploaded completely?`, { file });
    if (size > limits.fileBytes)
      throw new SheetError(
        "limit",
        `${name} has ${size} bytes, more than the limit fileBytes = ${limits.fileBytes}; raise the limit to read it.`,
        { file },
      );
    return new Archive(source, limits, await readDirectory(source, limits));
  }

  get names(): string[] {
    return [...new Set(this.#entries.values())].map((entry) => entry.name);
  }

  find(name: string): Entry | undefined {
    return this.#entries.get(name) ?? this.#entries.get(key(name));
  }

  /** An entry's bytes, inflated. A piece lasts until the next one is asked for. At the end length and checksum have been compared. */
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
    let length = 0;
    for await (const piece of entry.method === 0
      ? this.#raw(entry, start, false)
      : this.#inflate(entry, start, place)) {
      signal?.throwIfAborted();
      length += piece.length;
      this.#count(entry, length, place);
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

  /** The entry's bytes as they are in the file. With `reuse` a piece lasts until the next one is asked for. */
  async *#raw(entry: Entry, start: number, reuse: boolean): AsyncGenerator<Uint8Array, void, undefined> {
    const source = this.#source;
    const memory = reuse && source.readInto ? Buffer.allocUnsafeSlow(READ_BYTES) : undefined;
    for (let at = 0; at < entry.compressedSize;) {
      const length = Math.min(READ_BYTES, entry.compressedSize - at);
      const piece = memory
        ? memory.subarray(0, await source.readInto!(start + at, memory.subarray(0, length)))
        : await readFully(source, start + at, length);
      if (piece.length === 0) return;
      at += piece.length;
      yield piece;
    }
  }

  async *#inflate(entry: Entry, start: number, place: Place): AsyncGenerator<Uint8Array, void, undefined> {
    const inflate = createInflateRaw({ chunkSize: INFLATE_BYTES });
    // The pump holds one piece of input at a time: the next is read, into the same memory, when zlib has taken the last one.
    const pump = async (): Promise<void> => {
      for await (const piece of this.#raw(entry, start, true)) {
        if (inflate.destroyed || inflate.readableEnded) return;
        await new Promise<void>((resolve) => {
          inflate.once("close", resolve);
          inflate.write(piece, () => {
            inflate.off("close", resolve);
            resolve();
          });
        });
      }
      inflate.end();
    };
    const pumping = pump().catch((error: unknown) => inflate.destroy(error as Error));
    try {
      let last: ArrayBufferLike | undefined;
      for await (const piece of inflate as AsyncIterable<Buffer>) {
        // zlib fills one buffer after the other, and each piece lies in one: what came before this one is used up.
        if (last !== piece.buffer) discard(last);
        last = piece.buffer;
        yield piece;
      }
    } catch (error) {
      if (error instanceof SheetError || !String((error as NodeJS.ErrnoException).code).startsWith("Z_")) throw error;
      throw new SheetError(
        "bad_compression",
        `${entry.name} is damaged: its compressed data cannot be inflated (${(error as Error).message}). Get the file again, or open and save it in Excel.`,
        place,
        { cause: error },
      );
    } finally {
      inflate.destroy();
      await pumping;
    }
  }

  #count(entry: Entry, length: number, place: Place): void {
    const { partBytes, totalBytes } = this.#limits;
    if (length > partBytes)
      throw new SheetError(
        "limit",
        `${entry.name} inflates to more than the limit partBytes = ${partBytes}; raise the limit if you trust the file.`,
        { ...place, offset: length },
      );
    const before = this.#counted.get(entry) ?? 0;
    if (length <= before) return;
    this.#counted.set(entry, length);
    this.#total += length - before;
    if (this.#total > totalBytes)
      throw new SheetError(
        "limit",
        `The parts of the workbook inflate to more than the limit totalBytes = ${totalBytes}; raise the limit if you trust the file.`,
        { ...place, offset: length },
      );
  }
}

/**
 * Gives a buffer of zlib's back at once. Left to the garbage collector, hundreds of them lie around at a time: 50 MB more of
 * memory, and new pages for each. Only a buffer of exactly the size that zlib was told is one of its own.
 */
function discard(memory: ArrayBufferLike | undefined): void {
  if (memory instanceof ArrayBuffer && memory.byteLength === INFLATE_BYTES) memory.transfer?.(0);
}

const key = (name: string): string => name.replaceAll("\\", "/").replace(/^\/+/, "").toLowerCase();

const hex = (crc: number): string => crc.toString(16).padStart(8, "0");

async function readDirectory(source: Source, limits: Limits): Promise<ReadonlyMap<string, Entry>> {
  const { file, size } = source;
  const name = file ?? "the file";
  const end = await findEnd(source);
  if (!end) {
    const head = await readFully(source, 0, 4);
    if (head.toString("latin1", 0, 2) !== "PK") throw await notAnArchive(source);
    throw new SheetError(
      "truncated",
      `${name} is cut off: it begins as a zip archive, and the directory at its end is missing. Get the file again; the download or copy was not complete.`,
      { file, offset: size },
    );
  }
  const damaged = (what: string, offset: number): SheetError =>
    new SheetError("bad_archive", `The archive ${name} is damaged: ${what}. Get the file again.`, { file, offset });
  if (end.size > directoryBytesMax || end.size > size)
    throw damaged(`its directory claims to have ${end.size} bytes`, end.position);
  // Offsets in the archive count from its own begin; what lies before the archive moves all of them.
  let base = end.position - end.size - end.offset;
  const at = async (offset: number): Promise<boolean> =>
    offset >= 0 && (await readFully(source, offset, 4)).equals(Buffer.from("PK\x01\x02", "latin1"));
  if (base !== 0 && !(await at(end.offset + base))) base = 0;
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
    if (!Number.isSafeInteger(entry.offset + entry.compressedSize) || entry.offset > size)
      throw damaged(`${entry.name} lies outside the file`, end.offset + base + pos);
    entries.set(entry.name, entry);
    if (!entries.has(key(entry.name))) entries.set(key(entry.name), entry);
    pos = extraEnd + directory.readUInt16LE(pos + 32);
  }
  if (count === 0) throw damaged("it has no entries", end.position);
  return entries;
}

interface DirectoryEnd {
  /** Where the record at the end begins: just behind the directory. */
  readonly position: number;
  readonly offset: number;
  readonly size: number;
}

/** The end-of-directory record: the last one whose comment fits in the file, since a comment may hold its signature too. */
async function findEnd(source: Source): Promise<DirectoryEnd | undefined> {
  const tailSize = Math.min(source.size, endSize + 0xffff + 4096);
  const tail = await readFully(source, source.size - tailSize, tailSize);
  for (let pos = tail.length - endSize; pos >= 0; pos--) {
    pos = tail.lastIndexOf("PK\x05\x06", pos, "latin1");
    if (pos < 0) return undefined;
    if (pos + endSize + tail.readUInt16LE(pos + 20) > tail.length) continue;
    const position = source.size - tailSize + pos;
    const size = tail.readUInt32LE(pos + 12);
    const offset = tail.readUInt32LE(pos + 16);
    if (size !== 0xffffffff && offset !== 0xffffffff && tail.readUInt16LE(pos + 10) !== 0xffff)
      return { position, offset, size };
    return (await findEnd64(source, position)) ?? { position, offset, size };
  }
  return undefined;
}

async function findEnd64(source: Source, position: number): Promise<DirectoryEnd | undefined> {
  const locator = await readFully(source, Math.max(0, position - 20), 20);
  if (locator.length < 20 || locator.readUInt32LE(0) !== 0x07064b50) return undefined;
  // The record usually stands right before its locator; that place is right with junk before the archive too.
  for (const at of [position - 20 - 56, Number(locator.readBigUInt64LE(8))]) {
    if (at < 0 || at > source.size) continue;
    const record = await readFully(source, at, 56);
    if (record.length === 56 && record.readUInt32LE(0) === 0x06064b50)
      return { position: at, size: Number(record.readBigUInt64LE(40)), offset: Number(record.readBigUInt64LE(48)) };
  }
  return undefined;
}

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
