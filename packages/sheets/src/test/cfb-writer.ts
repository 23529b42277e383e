// Writes just enough of an OLE compound file for its directory to be found: header, one FAT sector,
// directory sectors.

export function cfb(streams: readonly string[], { cycle = false }: { cycle?: boolean } = {}): Buffer {
  const names = ["Root Entry", ...streams];
  const sectors = Math.ceil(names.length / 4);
  const bytes = Buffer.alloc(512 * (2 + sectors), 0);
  Buffer.from("d0cf11e0a1b11ae1", "hex").copy(bytes);
  bytes.writeUInt16LE(9, 30);
  bytes.writeUInt32LE(1, 44);
  bytes.writeUInt32LE(1, 48);
  bytes.fill(0xff, 76, 512);
  bytes.writeUInt32LE(0, 76);
  bytes.fill(0xff, 512, 1024);
  bytes.writeUInt32LE(0xfffffffd, 512);
  for (let i = 1; i <= sectors; i++) bytes.writeUInt32LE(i < sectors ? i + 1 : cycle ? 1 : 0xfffffffe, 512 + 4 * i);
  for (const [i, name] of names.entries()) {
    const at = 1024 + 128 * i;
    bytes.write(name, at, "utf16le");
    bytes.writeUInt16LE(2 * name.length + 2, at + 64);
  }
  return bytes;
}
