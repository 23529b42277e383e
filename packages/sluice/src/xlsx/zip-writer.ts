/**
 * A zip archive written to a stream, front to back, without going back and without holding an
 * entry: every entry is deflated as it comes, and its CRC and sizes follow it in a data descriptor
 * (APPNOTE.TXT 6.3.10, 4.3.9). What does not fit in 32 or 16 bits gets the zip64 forms (4.3.14,
 * 4.3.15, 4.5.3), and nothing else does: Excel refuses some archives that use them needlessly. An
 * entry that may pass 4 GiB has to say so beforehand (`large`), for its local header is written
 * first.
 *
 * All dates are 1980-01-01, the first that zip knows: the same content gives the same archive.
 */
import type { TransformOptions, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createDeflateRaw, type ZlibOptions } from "node:zlib";

export interface ZipWriterOptions {
  /** Deflate level, 1 (fast) to 9 (small). Default 1. */
  readonly level?: number;
  /**
   * Sizes, offsets and counts from here on take the zip64 forms. For tests; default 2³² − 1 (2¹⁶ −
   * 1 for the count).
   */
  readonly zip64From?: number;
}

interface Entry {
  readonly name: Buffer;
  readonly flags: number;
  readonly large: boolean;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

/** Bytes in pieces. A piece belongs to the writer once it has been given. */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const dosDate = 0x0021;
const deflated = 8;
const sizesFollow = 1 << 3;
const utf8Names = 1 << 11;

/**
 * Writes entries one after the other, then `end()`. It does not end `output`, and waits for it
 * after each piece, so memory stays bounded. A failure of `output` rejects the call that met it.
 */
export class ZipWriter {
  readonly #output: Writable;
  readonly #level: number;
  readonly #limit32: number;
  readonly #limit16: number;
  readonly #entries: Entry[] = [];
  #offset = 0;

  constructor(output: Writable, options: ZipWriterOptions = {}) {
    this.#output = output;
    this.#level = options.level ?? 1;
    this.#limit32 = options.zip64From ?? 0xffffffff;
    this.#limit16 = Math.min(0xffff, options.zip64From ?? 0xffff);
  }

  /** Writes one entry. Only one at a time. */
  async entry(name: string, content: Pieces, options: { large?: boolean } = {}): Promise<void> {
    const large = options.large ?? false;
    const entry = {
      name: Buffer.from(name),
      flags: sizesFollow | utf8Names,
      large,
      offset: this.#offset,
    };
    await this.#write(localHeader(entry));

    let crc = 0;
    let size = 0;
    const start = this.#offset;
    // These sizes let several pieces wait for the compressing thread while the next one is made,
    // and bring its output back in few pieces. A zlib stream takes the options of any Transform,
    // although its types do not say so.
    const deflate: ZlibOptions & TransformOptions = {
      level: this.#level,
      chunkSize: 256 * 1024,
      highWaterMark: 1024 * 1024,
    };
    await pipeline(
      (async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of content) {
          crc = crc32(piece, crc);
          size += piece.length;
          yield piece;
        }
      })(),
      createDeflateRaw(deflate),
      async (compressed: AsyncIterable<Uint8Array>) => {
        for await (const piece of compressed) await this.#write(piece);
      },
    );
    const compressed = this.#offset - start;
    if (!large && Math.max(size, compressed) > 0xffffffff)
      throw new RangeError(`zip entry ${name} has ${size} bytes: past 4 GiB it must be announced as large`);
    await this.#write(dataDescriptor(crc, compressed, size, large));
    this.#entries.push({ ...entry, crc, compressed, size });
  }

  /** Writes the central directory. Nothing may follow. */
  async end(): Promise<void> {
    const start = this.#offset;
    for (const entry of this.#entries) await this.#write(centralHeader(entry, this.#limit32));
    const directory = { count: this.#entries.length, size: this.#offset - start, start };
    const zip64 =
      directory.count >= this.#limit16 || directory.size >= this.#limit32 || directory.start >= this.#limit32;
    if (zip64) await this.#write(zip64End(directory, this.#offset));
    await this.#write(endOfDirectory(directory, zip64));
  }

  #write(bytes: Uint8Array): Promise<void> {
    this.#offset += bytes.length;
    return new Promise((resolve, reject) => {
      this.#output.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }
}

function localHeader(entry: Pick<Entry, "name" | "flags" | "large">): Buffer {
  const extra = entry.large ? 20 : 0;
  const header = Buffer.alloc(30 + entry.name.length + extra);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(entry.large ? 45 : 20, 4);
  header.writeUInt16LE(entry.flags, 6);
  header.writeUInt16LE(deflated, 8);
  header.writeUInt16LE(dosDate, 12);
  header.writeUInt16LE(entry.name.length, 26);
  header.writeUInt16LE(extra, 28);
  entry.name.copy(header, 30);
  if (entry.large) {
    // The sizes are not known yet; that the field is there makes those of the data descriptor eight
    // bytes long.
    header.writeUInt32LE(0xffffffff, 18);
    header.writeUInt32LE(0xffffffff, 22);
    header.writeUInt16LE(1, 30 + entry.name.length);
    header.writeUInt16LE(16, 32 + entry.name.length);
  }
  return header;
}

function dataDescriptor(crc: number, compressed: number, size: number, large: boolean): Buffer {
  const descriptor = Buffer.alloc(large ? 24 : 16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(crc, 4);
  if (large) {
    descriptor.writeBigUInt64LE(BigInt(compressed), 8);
    descriptor.writeBigUInt64LE(BigInt(size), 16);
  } else {
    descriptor.writeUInt32LE(compressed, 8);
    descriptor.writeUInt32LE(size, 12);
  }
  return descriptor;
}

function centralHeader(entry: Entry, limit: number): Buffer {
  const header = Buffer.alloc(46);
  // In the order that 4.5.3 prescribes; a number is in the extra field only if it is not in its
  // usual place. A large entry has its sizes there whatever they are: some readers take from here
  // how long its data descriptor is.
  const wide: number[] = [];
  const place = (value: number, at: number, narrow: boolean): void => {
    if (!narrow) wide.push(value);
    header.writeUInt32LE(narrow ? value : 0xffffffff, at);
  };
  place(entry.size, 24, !entry.large && entry.size < limit);
  place(entry.compressed, 20, !entry.large && entry.compressed < limit);
  place(entry.offset, 42, entry.offset < limit);
  const extra = Buffer.alloc(wide.length > 0 ? 4 + 8 * wide.length : 0);
  if (wide.length > 0) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(8 * wide.length, 2);
    for (const [i, value] of wide.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  }
  const version = wide.length > 0 ? 45 : 20;
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(version, 4);
  header.writeUInt16LE(version, 6);
  header.writeUInt16LE(entry.flags, 8);
  header.writeUInt16LE(deflated, 10);
  header.writeUInt16LE(dosDate, 14);
  header.writeUInt32LE(entry.crc, 16);
  header.writeUInt16LE(entry.name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  return Buffer.concat([header, entry.name, extra]);
}

interface Directory {
  readonly count: number;
  readonly size: number;
  readonly start: number;
}

/** The zip64 end of central directory record, and the locator that points to it. */
function zip64End({ count, size, start }: Directory, offset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(start), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset), 64);
  record.writeUInt32LE(1, 72);
  return record;
}

function endOfDirectory({ count, size, start }: Directory, zip64: boolean): Buffer {
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(zip64 ? 0xffff : count, 8);
  record.writeUInt16LE(zip64 ? 0xffff : count, 10);
  record.writeUInt32LE(zip64 ? 0xffffffff : size, 12);
  record.writeUInt32LE(zip64 ? 0xffffffff : start, 16);
  return record;
}
