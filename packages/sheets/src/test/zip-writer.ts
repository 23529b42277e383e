// Writes zip archives byte by byte, also the odd ones: stored entries, data descriptors, zip64,
// wrong checksums.
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  readonly name: string;
  readonly data: string | Uint8Array;
  /** Not compressed. */
  readonly stored?: boolean;
  /** Sizes and checksum stand behind the data, and zeros in front of it. */
  readonly descriptor?: boolean;
  /** Sizes and offset stand in the zip64 extra field of the directory. */
  readonly zip64?: boolean;
  /** In place of the right ones. */
  readonly crc?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  /** In place of the compressed data. */
  readonly raw?: Uint8Array;
}

export interface ZipOptions {
  readonly comment?: string;
  /** With the zip64 records at the end. */
  readonly zip64?: boolean;
}

export function zip(entries: readonly ZipEntry[], options: ZipOptions = {}): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const data = Buffer.from(entry.data as Uint8Array);
    const name = Buffer.from(entry.name);
    const packed = Buffer.from(entry.raw ?? (entry.stored ? data : deflateRawSync(data)));
    const crc = entry.crc ?? crc32(data);
    const size = entry.size ?? data.length;
    const method = entry.method ?? (entry.stored ? 0 : 8);
    const flags = (entry.flags ?? 0) | (entry.descriptor ? 8 : 0) | 0x800;
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt16LE(flags, 6);
    head.writeUInt16LE(method, 8);
    if (!entry.descriptor) {
      head.writeUInt32LE(crc, 14);
      head.writeUInt32LE(packed.length, 18);
      head.writeUInt32LE(size, 22);
    }
    head.writeUInt16LE(name.length, 26);
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE(flags, 8);
    record.writeUInt16LE(method, 10);
    record.writeUInt32LE(crc, 16);
    record.writeUInt32LE(entry.zip64 ? 0xffffffff : packed.length, 20);
    record.writeUInt32LE(entry.zip64 ? 0xffffffff : size, 24);
    record.writeUInt16LE(name.length, 28);
    record.writeUInt32LE(entry.zip64 ? 0xffffffff : offset, 42);
    const extra = Buffer.alloc(entry.zip64 ? 28 : 0);
    if (entry.zip64) {
      record.writeUInt16LE(extra.length, 30);
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      extra.writeBigUInt64LE(BigInt(size), 4);
      extra.writeBigUInt64LE(BigInt(packed.length), 12);
      extra.writeBigUInt64LE(BigInt(offset), 20);
    }
    const tail = Buffer.alloc(entry.descriptor ? 16 : 0);
    if (entry.descriptor) {
      tail.writeUInt32LE(0x08074b50, 0);
      tail.writeUInt32LE(crc, 4);
      tail.writeUInt32LE(packed.length, 8);
      tail.writeUInt32LE(size, 12);
    }
    local.push(head, name, packed, tail);
    central.push(record, name, extra);
    offset += head.length + name.length + packed.length + tail.length;
  }
  const directory = Buffer.concat(central);
  const comment = Buffer.from(options.comment ?? "");
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(options.zip64 ? 0xffff : entries.length, 8);
  end.writeUInt16LE(options.zip64 ? 0xffff : entries.length, 10);
  end.writeUInt32LE(options.zip64 ? 0xffffffff : directory.length, 12);
  end.writeUInt32LE(options.zip64 ? 0xffffffff : offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([
    ...local,
    directory,
    options.zip64 ? zip64End(entries.length, directory.length, offset) : Buffer.alloc(0),
    end,
    comment,
  ]);
}

function zip64End(entries: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(entries), 24);
  record.writeBigUInt64LE(BigInt(entries), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset + size), 64);
  record.writeUInt32LE(1, 72);
  return record;
}
