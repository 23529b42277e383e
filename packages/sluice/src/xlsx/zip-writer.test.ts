import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { type Pieces, ZipWriter, type ZipWriterOptions } from "./zip-writer.ts";

type Content = readonly (readonly [name: string, content: Pieces, large?: boolean])[];

async function archive(content: Content, options?: ZipWriterOptions): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const output = new Writable({ write: (piece: Buffer, _, done) => (pieces.push(Buffer.from(piece)), done()) });
  const zip = new ZipWriter(output, options);
  for (const [name, bytes, large = false] of content) await zip.entry(name, bytes, { large });
  await zip.end();
  return Buffer.concat(pieces);
}

function unzip(bytes: Buffer, ...args: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "zip-"));
  try {
    writeFileSync(join(folder, "a.zip"), bytes);
    return execFileSync("unzip", [args[0]!, join(folder, "a.zip"), ...args.slice(1)], { encoding: "utf8" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const text = (...pieces: string[]): Buffer[] => pieces.map((piece) => Buffer.from(piece));
const content: Content = [
  ["a.txt", text("hello, ", "world")],
  ["ordner/ö.txt", text("zweite"), true],
  ["empty", []],
];

test("ZipWriter makes the same archive of the same content, its end where readers look for it", async () => {
  const made = await archive(content);
  expect(made.equals(await archive(content))).toBe(true);
  expect(made.readUInt32LE(0)).toBe(0x04034b50);
  expect(made.readUInt32LE(made.length - 22)).toBe(0x06054b50);
  expect(made.readUInt16LE(made.length - 12)).toBe(3);
});

test.each([undefined, 1])(
  "ZipWriter makes archives that unzip accepts, where there is one (zip64 forms from %s on)",
  async (zip64From) => {
    const made = await archive(content, zip64From === undefined ? {} : { zip64From });
    expect(made.includes(Buffer.from([0x50, 0x4b, 6, 6]))).toBe(zip64From !== undefined);
    if (!existsSync("/usr/bin/unzip")) return;
    expect(unzip(made, "-t")).toContain("No errors detected");
    expect(unzip(made, "-p", "a.txt")).toBe("hello, world");
    expect(unzip(made, "-p", "ordner/*")).toBe("zweite");
  },
);

test("ZipWriter passes on what its content throws", async () => {
  const failing = (function* (): Generator<Buffer> {
    yield Buffer.from("x");
    throw new Error("no more");
  })();
  await expect(archive([["a", failing]])).rejects.toThrow("no more");
});
